from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import combinations

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.portshare.sharing.configuration import Configuration
from custom_components.portshare.sharing.model import (
    ALL_PORTS,
    ANY_IPV4,
    ANY_IPV6,
    Addresses,
    Change,
    Dnat,
    Environment,
    Facts,
    Family,
    Mapping,
    Pinhole,
    Protocol,
    Share,
    Status,
    Transport,
)
from custom_components.portshare.sharing.plan import (
    NOTHING,
    Planned,
    change_between,
    environment,
    plan,
)
from custom_components.portshare.sharing.sources import names_in

from .builders import (
    BOTH,
    DEVICES,
    NAMES,
    WAN_IPV4,
    DeviceStep,
    addresses,
    device_steps,
    facts,
    ports,
    share,
    share_sets,
)

IPV4, IPV6 = Family.IPV4, Family.IPV6
TCP, UDP = Transport.TCP, Transport.UDP
AT_HOME = addresses("192.168.1.2", "2001:db8::2")
NAS_MAC = DEVICES["nas"].mac
NAS_IPV4 = IPv4Address("192.168.1.2")
NAS_IPV6 = IPv6Address("2001:db8::2")


def configured(*shares: Share) -> Configuration:
    configuration = Configuration()
    for device_id, device in DEVICES.items():
        configuration.update_device(
            device_id,
            device,
            {each.share_id: each for each in shares if each.device_id == device_id},
        )
    return configuration


def planned(one: Share, observed: Facts) -> Planned:
    return plan(configured(one), observed)[one.share_id]


def all_mappings(plans: Iterable[Planned]) -> list[Mapping]:
    return [mapping for each in plans for mapping in each.mappings]


# What a share becomes


@pytest.mark.parametrize(
    ("one", "observed", "status"),
    [
        (share(), facts(nas=AT_HOME), Status.ACTIVE),
        (share(), facts([IPV4], nas=AT_HOME), Status.ACTIVE),
        (share(), facts([IPV6], nas=AT_HOME), Status.ACTIVE),
        (share(), facts([], nas=AT_HOME), Status.NO_INTERNET),
        (share(ipv6=False), facts([IPV6], nas=AT_HOME), Status.NO_INTERNET),
        (share(ipv4=False), facts([IPV4], nas=AT_HOME), Status.NO_INTERNET),
        (share(), facts([IPV4], nas=addresses(None, "2001:db8::2")), "no_internet"),
        (share(), facts(), Status.DEVICE_UNKNOWN),
        (share(), facts(pc=AT_HOME), Status.DEVICE_UNKNOWN),
        (share(ipv4=False), facts(nas=addresses("192.168.1.2")), "device_unknown"),
        (share(enabled=False), facts(nas=AT_HOME), Status.OFF),
        (share(enabled=False), facts([]), Status.OFF),
    ],
)
def test_the_status_says_what_is_true_now(
    one: Share, observed: Facts, status: str
) -> None:
    assert planned(one, observed).status == status


def test_a_share_is_an_address_translation_and_a_pinhole() -> None:
    assert planned(share(port=80, external=50), facts(nas=AT_HOME)).mappings == (
        Dnat(TCP, ports(50), NAS_MAC, NAS_IPV4, 80, "Web on NAS"),
        Pinhole(TCP, NAS_MAC, NAS_IPV6, ports(80), "Web on NAS"),
    )


def test_tcp_and_udp_is_one_share_with_two_mappings() -> None:
    one = share(
        port=ports(6000, 6010),
        external=ports(7000, 7010),
        protocol=Protocol.TCP_UDP,
        ipv6=False,
    )
    assert planned(one, facts(nas=AT_HOME)).mappings == (
        Dnat(TCP, ports(7000, 7010), NAS_MAC, NAS_IPV4, 6000, "Web on NAS"),
        Dnat(UDP, ports(7000, 7010), NAS_MAC, NAS_IPV4, 6000, "Web on NAS"),
    )


def test_every_ipv6_address_of_a_device_can_be_called() -> None:
    one = share(port=ports(80, 81), ipv4=False)
    observed = facts(nas=addresses(None, "2001:db8::2", "2001:db8::3"))
    assert [each.comment for each in planned(one, observed).mappings] == [
        "Web on NAS"
    ] * 2
    assert planned(one, observed).mappings == (
        Pinhole(TCP, NAS_MAC, NAS_IPV6, ports(80, 81), "Web on NAS"),
        Pinhole(TCP, NAS_MAC, IPv6Address("2001:db8::3"), ports(80, 81), "Web on NAS"),
    )
    assert planned(one, observed).families == {IPV6}


def test_mappings_stay_while_the_internet_is_gone() -> None:
    with_internet = planned(share(), facts(BOTH, nas=AT_HOME))
    without = planned(share(), facts([], nas=AT_HOME))
    assert without.mappings == with_internet.mappings != ()


def test_a_share_whose_port_is_held_by_another_opens_nothing() -> None:
    configuration = configured(share("1", "nas", 80), share("2", "pc", 80))
    after = plan(configuration, facts(nas=AT_HOME, pc=addresses("192.168.1.3")))
    assert after["1"].status is Status.ACTIVE
    assert after["2"] == Planned(Status.CONFLICT)


def test_a_share_that_was_removed_is_planned_away() -> None:
    assert plan(configured(), facts(), ["1"]) == {"1": NOTHING}


def test_the_firewall_is_told_what_it_needs_beside_the_mappings() -> None:
    lan = (IPv4Network("192.168.1.0/24"),)
    served = frozenset({(TCP, 22)})
    observed = Facts(internet=BOTH, wan_ipv4=(WAN_IPV4,), lan_ipv4=lan, served=served)
    assert environment(observed, protect=True) == Environment(
        BOTH, (WAN_IPV4,), lan, True, served
    )


# What has no ports


@pytest.mark.parametrize("protocol", [Protocol.ESP, Protocol.GRE])
def test_esp_and_gre_are_an_address_translation_of_all_there_is(
    protocol: Protocol,
) -> None:
    [transport] = protocol.transports
    assert planned(share(protocol=protocol), facts(nas=AT_HOME)).mappings == (
        Dnat(transport, ALL_PORTS, NAS_MAC, NAS_IPV4, 0, "Web on NAS"),
    )


def test_ping_is_a_pinhole() -> None:
    assert planned(share(protocol=Protocol.PING6), facts(nas=AT_HOME)).mappings == (
        Pinhole(Transport.ICMPV6, NAS_MAC, NAS_IPV6, ALL_PORTS, "Web on NAS"),
    )


def test_an_exposed_host_gets_everything_over_both_ip_versions() -> None:
    exposed = share(protocol=Protocol.EXPOSED_HOST)
    assert planned(exposed, facts(nas=AT_HOME)).mappings == (
        Dnat(Transport.ANY, ALL_PORTS, NAS_MAC, NAS_IPV4, 0, "Web on NAS"),
        Pinhole(Transport.ANY, NAS_MAC, NAS_IPV6, ALL_PORTS, "Web on NAS"),
    )


# Who may call


def test_each_mapping_lets_the_callers_of_its_ip_version_in() -> None:
    lan = (IPv4Network("192.168.1.0/24"),)
    limited = share(sources=("198.51.100.7", "2001:db8:5::/48"))
    observed = replace(facts(nas=AT_HOME), lan_ipv4=lan)
    ipv4, ipv6 = planned(limited, observed).mappings
    assert ipv4.sources == (*lan, IPv4Network("198.51.100.7/32"))
    assert ipv6.sources == (IPv6Network("2001:db8:5::/48"),)


def test_without_callers_of_an_ip_version_there_is_no_mapping_of_it() -> None:
    limited = share(sources=("198.51.100.7",))
    only_ipv4 = planned(limited, facts(nas=AT_HOME))
    assert only_ipv4.families == {IPV4}
    assert only_ipv4.status is Status.ACTIVE
    only_ipv6 = planned(share(sources=("2001:db8:5::7",)), facts(nas=AT_HOME))
    assert only_ipv6.families == {IPV6}


@pytest.mark.parametrize(
    "names", [{}, {NAMES[0]: ()}, {NAMES[1]: (IPv4Address("198.51.100.7"),)}]
)
def test_a_name_that_leads_nowhere_opens_nothing_and_is_an_error(
    names: dict[str, tuple[IPv4Address, ...]],
) -> None:
    observed = replace(facts(nas=AT_HOME), names=names)
    assert planned(share(sources=(NAMES[0],)), observed) == Planned(Status.ERROR)


def test_a_name_that_leads_where_the_share_is_not_open_is_an_error() -> None:
    observed = replace(facts(nas=AT_HOME), names={NAMES[0]: (NAS_IPV6,)})
    limited = share(sources=(NAMES[0],), ipv6=False)
    assert planned(limited, observed) == Planned(Status.ERROR)


# From one plan to the next


def test_what_stays_is_not_touched() -> None:
    before = {"1": planned(share(), facts(nas=AT_HOME))}
    ipv4_moved = addresses("192.168.1.9", "2001:db8::2")
    after = {"1": planned(share(), facts(nas=ipv4_moved))}
    assert change_between(before, before) == Change()
    assert change_between(before, after) == Change(
        opened=(
            Dnat(TCP, ports(80), NAS_MAC, IPv4Address("192.168.1.9"), 80, "Web on NAS"),
        ),
        closed=(Dnat(TCP, ports(80), NAS_MAC, NAS_IPV4, 80, "Web on NAS"),),
    )


def test_a_mapping_that_goes_from_one_share_to_another_stays_open() -> None:
    active = planned(share(), facts(nas=AT_HOME))
    assert not change_between({"1": active, "2": NOTHING}, {"1": NOTHING, "2": active})


def test_a_share_that_is_not_in_the_new_plan_is_left_alone() -> None:
    active = planned(share(), facts(nas=AT_HOME))
    assert change_between({"1": active}, {}) == Change()
    assert change_between({"1": active}, {"1": NOTHING}).closed == active.mappings


# The property: step by step leaves the same as all at once


class House:
    """A coordinator in small: it plans what a change touches, and nothing else."""

    def __init__(self) -> None:
        self.configuration = Configuration()
        self.facts = Facts()
        self.plan: dict[str, Planned] = {}
        self.kernel: set[Mapping] = set()
        self._touched: set[str] = set()

    def configure(self, step: DeviceStep) -> None:
        shares = step.shares(self.configuration.shares_of(step.device_id))
        self._touched |= self.configuration.update_device(
            step.device_id, step.device, shares
        )

    def observe(self, observed: Facts) -> None:
        before, self.facts = self.facts, observed
        self._touched |= {
            share_id
            for share_id, each in self.configuration.shares.items()
            for name in names_in(each.sources)
            if before.names.get(name) != observed.names.get(name)
        }
        for device in self.configuration.devices.values():
            if not before.same_gateway(observed) or (
                before.addresses_of(device.mac) != observed.addresses_of(device.mac)
            ):
                self._touched |= {
                    each.share_id
                    for each in self.configuration.shares_of(device.device_id)
                }

    def reconcile(self) -> None:
        after = plan(self.configuration, self.facts, self._touched)
        self._touched = set()
        self._commit(change_between(self.plan, after))
        self.plan |= after

    def _commit(self, change: Change) -> None:
        opened, closed = set(change.opened), set(change.closed)
        assert len(opened) == len(change.opened)
        assert len(closed) == len(change.closed)
        assert opened.isdisjoint(closed)
        assert closed <= self.kernel
        self.kernel -= closed
        assert opened.isdisjoint(self.kernel)
        self.kernel |= opened
        for one, other in combinations(self.kernel, 2):
            assert not claim_the_same_packet(one, other)


def claim_the_same_packet(one: Mapping, other: Mapping) -> bool:
    if one.transport is not other.transport:
        return False
    if isinstance(one, Dnat) and isinstance(other, Dnat):
        return one.external.overlaps(other.external)
    if isinstance(one, Pinhole) and isinstance(other, Pinhole):
        return one.address == other.address and one.ports.overlaps(other.ports)
    return False


@st.composite
def observations(draw: st.DrawFn) -> Facts:
    """Draw facts in which devices have come, gone and taken over addresses.

    An address belongs to one device at a time, as in the kernel's neighbour table.
    """
    ipv4 = draw(st.permutations([None, None, "192.168.1.2", "192.168.1.3"]))
    ipv6 = draw(st.permutations([[], ["2001:db8::2"], ["2001:db8::3", "2001:db8::4"]]))
    seen: dict[str, Addresses] = {
        device_id: addresses(ipv4.pop(), *ipv6.pop()) for device_id in DEVICES
    }
    observed = facts(
        draw(st.sets(st.sampled_from(Family))),
        draw(st.sampled_from([(), (WAN_IPV4,)])),
        **seen,
    )
    leads = st.sampled_from([(), (IPv4Address("198.51.100.9"),)])
    names = st.dictionaries(st.sampled_from(NAMES), leads)
    return replace(observed, names=draw(names))


steps = st.lists(st.tuples(device_steps() | observations(), st.booleans()), max_size=12)


@settings(max_examples=200)
@given(share_sets(), observations(), steps)
def test_planning_step_by_step_leaves_the_same_as_planning_everything_at_once(
    shares: dict[str, Share],
    observed: Facts,
    steps: list[tuple[DeviceStep | Facts, bool]],
) -> None:
    house = House()
    house.observe(observed)
    for device_id, device in DEVICES.items():
        put = {k: each for k, each in shares.items() if each.device_id == device_id}
        house.configure(DeviceStep(device_id=device_id, device=device, put=put))
    house.reconcile()
    for step, reconcile in steps:
        if isinstance(step, Facts):
            house.observe(step)
        else:
            house.configure(step)
        # Several changes may share a batch.
        if reconcile:
            house.reconcile()
    house.reconcile()

    everything = plan(house.configuration, house.facts)
    mappings = all_mappings(everything.values())
    assert house.kernel == set(mappings)
    assert len(mappings) == len(house.kernel)
    for share_id, each in house.plan.items():
        assert each == everything.get(share_id, NOTHING)
    assert everything.keys() <= house.plan.keys()


@given(st.lists(device_steps(), max_size=4), observations())
def test_only_an_enabled_share_of_a_device_that_is_there_opens_anything(
    steps: list[DeviceStep], observed: Facts
) -> None:
    house = House()
    for step in steps:
        house.configure(step)
    for share_id, each in plan(house.configuration, observed).items():
        wanted = house.configuration.share(share_id)
        seen = observed.addresses_of(DEVICES[wanted.device_id].mac)
        if each.mappings:
            assert wanted.enabled
        for mapping in each.mappings:
            assert mapping.transport in wanted.protocol.transports
            assert mapping.sources
            if wanted.sources:
                everybody = "0.0.0.0/0" in wanted.sources
                assert (ANY_IPV4 in mapping.sources) <= everybody
                assert ANY_IPV6 not in mapping.sources
            if isinstance(mapping, Dnat):
                assert wanted.ipv4
                assert mapping.address == seen.ipv4
            else:
                assert wanted.ipv6
                assert mapping.address in seen.ipv6
