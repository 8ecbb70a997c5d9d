"""Snapshots and changes of our page: what has changed is sent, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hypothesis import given, strategies as st

from custom_components.portshare.gateway.books import Account, Visitor
from custom_components.portshare.panel_state import (
    DeviceView,
    GatewayView,
    LeaseView,
    PanelState,
    ShareView,
    TrafficView,
    described_addresses,
)
from custom_components.portshare.sharing.model import (
    Addresses,
    Dnat,
    Family,
    Lease,
    PortRange,
    Protocol,
    Status,
    Transport,
)
from custom_components.portshare.sharing.snapshot import LeaseState, ShareState
from custom_components.portshare.tally import Tally

from .sharing.builders import DEVICES, ports, share

MAC = DEVICES["nas"].mac
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

GATEWAY = GatewayView(
    entry_id="1",
    name="Gateway",
    device_id="2",
    available=True,
    internet=frozenset(Family),
    external_ipv4="203.0.113.2",
    external_ipv6=None,
    dns_name="",
    open_ports=1,
    unused_permissions=0,
)
ADDRESSES = st.sampled_from(
    [Addresses(), Addresses(IPv4Address("192.0.2.1"), (IPv6Address("2001:db8::1"),))]
)
MAYBE = st.none() | st.booleans()
IDS = st.sampled_from(["1", "2", "3"])


@st.composite
def share_views(draw: st.DrawFn) -> ShareView:
    state = ShareState(
        share=share(enabled=draw(st.booleans()), name=draw(st.sampled_from("ab"))),
        status=draw(st.sampled_from(Status)),
        families=frozenset(draw(st.sets(st.sampled_from(Family)))),
        addresses=draw(ADDRESSES),
        calls=tuple(draw(st.lists(st.sampled_from("xy"), max_size=2))),
    )
    return ShareView(state, draw(MAYBE), draw(st.none() | st.just("switch.web")))


@st.composite
def lease_views(draw: st.DrawFn) -> LeaseView:
    lease = Lease(
        lease_id="1",
        mac=MAC,
        name="",
        transport=Transport.TCP,
        port=1,
        external_port=draw(st.integers(1, 2)),
        expires=NOON,
        address=draw(st.none() | st.just(IPv6Address("2001:db8::1"))),
        asked_by=("pcp",),
    )
    state = LeaseState(lease, draw(st.sampled_from(Status)), frozenset(Family), ())
    return LeaseView(state, draw(st.none() | st.just("nas")))


STATES = st.builds(
    PanelState,
    gateway=st.builds(GATEWAY._replace, open_ports=st.integers(0, 2)),
    devices=st.dictionaries(
        IDS,
        st.builds(
            DeviceView,
            st.sampled_from(sorted(DEVICES.values(), key=lambda each: each.name)),
            ADDRESSES,
            st.none() | st.just("3"),
        ),
    ),
    shares=st.dictionaries(IDS, share_views()),
    leases=st.dictionaries(IDS, lease_views()),
    traffic=st.dictionaries(
        IDS,
        st.builds(
            lambda bytes_in: TrafficView.of(Tally(bytes_in=bytes_in)),
            st.integers(0, 2),
        ),
    ),
)


def applied(state: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with changes, as a browser makes them."""
    after: dict[str, Any] = {**state}
    for name, changed in changes.items():
        if name == "gateway":
            after[name] = changed
        else:
            merged = {**state[name], **changed}
            after[name] = {key: each for key, each in merged.items() if each}
    return after


@given(before=STATES, after=STATES)
def test_the_changes_lead_from_one_state_to_the_other(
    before: PanelState, after: PanelState
) -> None:
    changes = after.changes_since(before)
    assert applied(before.described(), changes) == after.described()


@given(before=STATES, after=STATES)
def test_only_what_has_changed_is_sent(before: PanelState, after: PanelState) -> None:
    old, new = before.described(), after.described()
    changes = after.changes_since(before)
    assert ("gateway" in changes) == (before.gateway != after.gateway)
    for name in changes.keys() - {"gateway"}:
        assert changes[name]
        for key, changed in changes[name].items():
            assert changed == new[name].get(key)
            assert (key in old[name]) or (key in new[name])
    assert after.changes_since(after) == {}


def test_nothing_is_described_that_has_not_changed() -> None:
    state = ShareState(
        share=share(),
        status=Status.ACTIVE,
        families=frozenset(),
        addresses=Addresses(),
        calls=(),
    )
    many = {str(number): ShareView(state, None, None) for number in range(2000)}
    one = {**many, "7": ShareView(replace(state, status=Status.OFF), None, None)}
    changes = PanelState(GATEWAY, shares=one).changes_since(
        PanelState(GATEWAY, shares=many)
    )
    assert changes.keys() == {"shares"}
    assert changes["shares"].keys() == {"7"}


def test_an_empty_state_has_all_its_tables() -> None:
    assert PanelState(GATEWAY).described() == {
        "gateway": {
            **GATEWAY._asdict(),
            "internet": ["ipv4", "ipv6"],
            "loaded": True,
        },
        "devices": {},
        "shares": {},
        "leases": {},
        "traffic": {},
    }


def test_a_tally_that_grows_is_a_change() -> None:
    mapping = Dnat(Transport.TCP, PortRange(1, 1), MAC, IPv4Address("192.0.2.1"), 1)
    tally = Tally()
    before = PanelState(GATEWAY, traffic={"1": TrafficView.of(tally)})
    visitor = Visitor(IPv4Address("198.51.100.7"), 2, NOON)
    tally.add({mapping: Account(2, 20, 1, 10, [visitor])}, [])
    after = PanelState(GATEWAY, traffic={"1": TrafficView.of(tally)})
    assert after.changes_since(before) == {
        "traffic": {
            "1": {
                "bytes_in": 10,
                "bytes_out": 10,
                "connections": 2,
                "last_visitor": "198.51.100.7",
                "last_call": NOON.isoformat(),
            }
        }
    }


def test_ranges_have_two_ends_and_protocols_without_ports_none() -> None:
    state = ShareState(
        share=share(port=ports(50, 59), external=ports(70, 79)),
        status=Status.ACTIVE,
        families=frozenset(),
        addresses=Addresses(),
        calls=(),
    )
    view = ShareView(state, None, None)
    described = view.described()
    assert (described["port"], described["port_end"]) == (50, 59)
    assert (described["external_port"], described["external_port_end"]) == (70, 79)
    gre = replace(state, share=share(protocol=Protocol.GRE))
    described = ShareView(gre, None, None).described()
    assert described["port"] is described["port_end"] is None
    assert described["external_port"] is described["external_port_end"] is None


def test_addresses_that_are_only_expected_do_not_make_a_device_present() -> None:
    expected = Addresses(expected_ipv6=(IPv6Address("2001:db8::1"),))
    assert described_addresses(expected) == {"ipv4": None, "ipv6": [], "online": False}
