"""Two lines to the internet, and the default route moves from one to the other."""

from collections.abc import AsyncGenerator, Callable
from ipaddress import ip_address
import re

import pytest

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Change, Facts
from custom_components.portshare.sharing.plan import environment
from demo import netns
from demo.home import INTERNET, LAN_LINK, WAN, WAN_LINK, Addresses, Home

from .builders import BOTH, TCP, Mappings, closing
from .test_watch import Facing
from .traffic import Flow, Service, Traffic, nft

SPARE_LINK = "wan1"
SPARE = Addresses("198.51.100.2", "2001:db8:eeee::2")
SPARE_PROVIDER = Addresses("198.51.100.1", "2001:db8:eeee::1")
# Somebody who is no neighbour on either line.
FAR = "192.0.2.1"

OBSERVER = f"""
table inet observer {{
    chain leaving {{
        type filter hook postrouting priority 390; policy accept;
        oifname {WAN_LINK} ip saddr {SPARE.ipv4} counter
        oifname {SPARE_LINK} ip saddr {SPARE.ipv4} counter
    }}
}}
"""

# Metrics of default routes: the lowest counts.
FIRST, SECOND, LAST = 100, 200, 300


def default_routes(change: str, link: str, metric: int) -> list[str]:
    """Return what adds or removes the default routes by one of the lines."""
    via = INTERNET if link == WAN_LINK else SPARE_PROVIDER
    return [
        f"route {change} default via {each} dev {link} metric {metric}"
        for each in (via.ipv4, via.ipv6)
    ]


@pytest.fixture
def home(home: Home) -> Home:
    """A home with a second line, which waits until it is needed."""
    home.internet.ip(
        [
            *netns.veth(
                "line2",
                SPARE_LINK,
                home.gateway,
                mac="02:00:5e:02:00:01",
                peer_mac="02:00:5e:02:00:02",
            ),
            *netns.address("line2", *SPARE_PROVIDER.on(24, 64)),
            f"addr add {FAR}/32 dev lo",
        ]
    )
    home.gateway.ip(
        [
            f"link set {SPARE_LINK} up",
            *netns.address(SPARE_LINK, *SPARE.on(24, 64)),
            *(
                f"route del default via {each}"
                for each in (INTERNET.ipv4, INTERNET.ipv6)
            ),
            *default_routes("add", WAN_LINK, FIRST),
            *default_routes("add", SPARE_LINK, SECOND),
        ]
    )
    # As on most machines: a packet may come in where its answer would not go out.
    loose = {f"net.ipv4.conf.{each}.rp_filter": 0 for each in ("all", SPARE_LINK)}
    home.gateway.sysctl(loose)
    return home


@pytest.fixture
async def gateway(home: Home, inside: None) -> AsyncGenerator[Gateway]:
    """The gateway of both lines, open."""
    gateway = Gateway([WAN_LINK, SPARE_LINK], [LAN_LINK])
    await gateway.open()
    yield gateway
    await gateway.close()


@pytest.fixture
def sees(gateway: Gateway) -> Facing:
    return Facing(gateway)


def fail_over(home: Home) -> None:
    """The first line is of no use any more, as those say who watch it."""
    home.gateway.ip(default_routes("add", WAN_LINK, LAST))
    home.gateway.ip(default_routes("del", WAN_LINK, FIRST))


def fail_back(home: Home) -> None:
    home.gateway.ip(default_routes("add", WAN_LINK, FIRST))
    home.gateway.ip(default_routes("del", WAN_LINK, LAST))


def external(facts: Facts) -> tuple[str, str]:
    """Return the addresses that are told to people."""
    return str(facts.wan_ipv4[0]), str(facts.wan_ipv6[0])


def is_by(addresses: Addresses) -> Callable[[Facts], bool]:
    """Return what waits until the external addresses are these."""
    return lambda facts: external(facts) == (addresses.ipv4, addresses.ipv6)


def call(traffic: Traffic, service: Service, address: str, *, source: str = "") -> Flow:
    """Call port 8080 at one of the addresses, from the internet or from a device."""
    where = source if source in traffic.home.namespaces else "internet"
    caller = traffic.caller_in(where, TCP, address)
    if source and where == "internet":
        caller.bind((source, 0))
    caller.connect((address, 8080))
    device, _ = service.accept()
    flow = Flow(TCP, caller, device)
    flow.talk()
    return flow


def answers_of_the_spare_line() -> dict[str, int]:
    """Return how many packets with the spare line's address have left by each line."""
    rules = nft("list", "table", "inet", "observer")
    counted = re.findall(r'oifname "(wan\d)" .* counter packets (\d+)', rules)
    return {link: int(packets) for link, packets in counted}


def callable_at_home() -> set[str]:
    """Return the WAN addresses that a device at home may call, as the kernel has them."""
    return set(
        re.findall(
            r"\d+\.\d+\.\d+\.\d+", nft("list", "set", "inet", "portshare", "wan4")
        )
    )


async def test_the_external_addresses_are_those_of_the_default_route(
    sees: Facing, home: Home
) -> None:
    """Which is the one with the lowest metric. None of the others is forgotten."""
    assert external(sees.facts) == (WAN.ipv4, WAN.ipv6)
    fail_over(home)
    await sees.until(is_by(SPARE))
    assert sees.facts.internet == BOTH
    assert set(sees.facts.wan_ipv4) == {ip_address(WAN.ipv4), ip_address(SPARE.ipv4)}
    fail_back(home)
    await sees.until(is_by(WAN))


async def test_a_line_without_a_carrier_does_not_count(
    sees: Facing, home: Home
) -> None:
    """Though its default route is still there: nobody has told the kernel."""
    home.cable("wan", plugged=False)
    await sees.until(is_by(SPARE))
    assert sees.facts.internet == BOTH
    home.internet.ip(["link set line up"])
    await sees.until(is_by(WAN))


async def test_a_share_is_reached_by_the_line_with_the_default_route(
    sees: Facing, gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """From everywhere; and who is on the line itself loses nothing when it moves."""
    service = traffic.serve("nas", TCP, 80)
    mapping = Mappings(home).dnat("nas", TCP, 8080, 80)
    await gateway.adopt([mapping], environment(sees.facts, protect=True))
    flows = [call(traffic, service, WAN.ipv4, source=FAR)]
    flows.append(call(traffic, service, SPARE.ipv4))
    fail_over(home)
    await sees.until(is_by(SPARE))
    await gateway.apply(Change(), environment(sees.facts, protect=True))
    flows.append(call(traffic, service, SPARE.ipv4, source=FAR))
    for flow in flows:
        flow.talk()

    await gateway.apply(closing(mapping), environment(sees.facts, protect=True))
    for flow in flows:
        flow.assert_cut(first="device")
    for address in (WAN.ipv4, SPARE.ipv4):
        traffic.assert_dropped(TCP, 8080, address)


async def test_by_the_other_line_calls_arrive_and_answers_take_the_default_route(
    sees: Facing, gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """With the other line's address, which many providers drop.

    To route by source is not ours. A neighbour on the other line is answered there.
    """
    service = traffic.serve("nas", TCP, 80)
    mapping = Mappings(home).dnat("nas", TCP, 8080, 80)
    await gateway.adopt([mapping], environment(sees.facts, protect=True))
    home.gateway.run("nft", "-f", "-", stdin=OBSERVER)

    flow = call(traffic, service, SPARE.ipv4, source=FAR)
    assert answers_of_the_spare_line()[SPARE_LINK] == 0
    flow.talk()
    before = answers_of_the_spare_line()[WAN_LINK]
    assert before > 0

    call(traffic, service, SPARE.ipv4)
    assert answers_of_the_spare_line()[WAN_LINK] == before
    assert answers_of_the_spare_line()[SPARE_LINK] > 0


async def test_a_device_at_home_calls_the_address_of_either_line(
    sees: Facing, gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """The set of addresses for that follows the lines, one by one."""
    service = traffic.serve("nas", TCP, 80)
    mapping = Mappings(home).dnat("nas", TCP, 8080, 80)
    await gateway.adopt([mapping], environment(sees.facts, protect=True))
    for lines in ({SPARE.ipv4, WAN.ipv4}, {WAN.ipv4}, {SPARE.ipv4, WAN.ipv4}):
        await sees.until(lambda facts: set(map(str, facts.wan_ipv4)) == lines)  # noqa: B023
        await gateway.apply(Change(), environment(sees.facts, protect=True))
        assert callable_at_home() == lines
        for address in lines:
            call(traffic, service, address, source="pi")
        change = "add" if lines == {WAN.ipv4} else "del"
        home.gateway.ip([f"addr {change} {SPARE.ipv4}/24 dev {SPARE_LINK}"])
