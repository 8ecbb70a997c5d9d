"""From a network to facts: pure, with made-up networks."""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
)

import pytest

from custom_components.portshare.gateway.facts import gather
from custom_components.portshare.gateway.watch import (
    DefaultRoute,
    Link,
    LinkAddress,
    Network,
)
from custom_components.portshare.sharing.model import Addresses, Facts, Family

WAN, LAN, GUESTS, OTHER = 2, 3, 4, 5
LINKS = (
    Link(1, "lo", "00:00:00:00:00:00", True, True),
    Link(WAN, "wan0", "02:00:00:00:00:02", True, False),
    Link(LAN, "lan0", "02:00:00:00:00:03", True, False),
    Link(GUESTS, "guests", "02:00:00:00:00:04", True, False),
    Link(OTHER, "other", "", True, False),
)
NAS, PI = "02:00:5e:00:00:21", "52:54:00:12:34:56"
ROUTES = (DefaultRoute(WAN, 4), DefaultRoute(WAN, 6))


def at(link: int, address: str, *, temporary: bool = False) -> LinkAddress:
    return LinkAddress(link, ip_interface(address), temporary)


HOME = (
    at(WAN, "203.0.113.2/24"),
    at(WAN, "2001:db8:ffff::2/64"),
    at(LAN, "192.168.178.1/24"),
    at(LAN, "2001:db8:1::1/64"),
)


def facts(
    *neighbours: tuple[int, str, str],
    addresses: tuple[LinkAddress, ...] = HOME,
    routes: tuple[DefaultRoute, ...] = ROUTES,
    links: tuple[Link, ...] = LINKS,
    wan: tuple[str, ...] = ("wan0",),
    lan: tuple[str, ...] = ("lan0",),
) -> Facts:
    seen = {(link, ip_address(each)): mac for link, each, mac in neighbours}
    return gather(Network(links, addresses, routes), seen, wan, lan)


def test_an_empty_network() -> None:
    assert facts(addresses=(), routes=(), links=()) == Facts()


def test_the_newest_ipv4_address_counts() -> None:
    seen = facts((LAN, "192.168.178.21", NAS), (LAN, "192.168.178.121", NAS))
    assert seen.devices == {NAS: Addresses(IPv4Address("192.168.178.121"))}
    seen = facts((LAN, "192.168.178.121", NAS), (LAN, "192.168.178.21", NAS))
    assert seen.addresses_of(NAS).ipv4 == IPv4Address("192.168.178.21")


def test_all_ipv6_addresses_count() -> None:
    seen = facts((LAN, "2001:db8:1::99", NAS), (LAN, "2001:db8:1::21", NAS))
    assert seen.addresses_of(NAS).ipv6 == (
        IPv6Address("2001:db8:1::21"),
        IPv6Address("2001:db8:1::99"),
    )


def test_a_link_local_address_tells_the_global_one() -> None:
    """RFC 4291 appendix A: made of the MAC address, the same in every prefix."""
    seen = facts(
        (LAN, "fe80::5054:ff:fe12:3456", PI),
        addresses=(*HOME, at(LAN, "2001:db8:2::1/64"), at(LAN, "2001:db8:3::1/56")),
    )
    expected = (
        IPv6Address("2001:db8:1::5054:ff:fe12:3456"),
        IPv6Address("2001:db8:2::5054:ff:fe12:3456"),
    )
    assert seen.addresses_of(PI) == Addresses(expected_ipv6=expected)


def test_an_expected_address_that_was_seen() -> None:
    """It is no longer only expected; and what somebody else has is not his."""
    expected = "2001:db8:1::5054:ff:fe12:3456"
    link_local = (LAN, "fe80::5054:ff:fe12:3456", PI)
    seen = facts((LAN, expected, PI), link_local)
    assert seen.devices == {PI: Addresses(ipv6=(IPv6Address(expected),))}
    seen = facts((LAN, expected, NAS), link_local)
    assert seen.devices == {NAS: Addresses(ipv6=(IPv6Address(expected),))}
    seen = facts(link_local, addresses=(*HOME, at(OTHER, f"{expected}/64")))
    assert seen.devices == {}


def test_an_address_belongs_to_one_device() -> None:
    """To the one that was seen at it last, on whatever interface."""
    seen = facts(
        (LAN, "192.168.178.21", NAS),
        (GUESTS, "192.168.178.21", PI),
        lan=("lan0", "guests"),
    )
    assert seen.devices == {PI: Addresses(IPv4Address("192.168.178.21"))}


@pytest.mark.parametrize(
    ("address", "mac"),
    [
        ("fe80::5054:ff:fe12:3457", PI),  # of another MAC address
        ("fe80::1", PI),  # chosen by hand
        ("fe80::5054:ff:fe12:3456", "00:11"),  # not an Ethernet address
        ("fe80::", "00:11"),
        ("2001:db8:9::21", PI),  # not of the home network
        ("fd00::21", PI),  # unique local: nobody on the internet can call it
        ("192.168.179.21", PI),
        ("192.168.178.1", PI),  # the gateway's own
        ("2001:db8:1::1", PI),
    ],
)
def test_addresses_that_nobody_could_be_led_to(address: str, mac: str) -> None:
    assert facts((LAN, address, mac)).devices == {}


def test_neighbours_on_the_internet_are_no_devices() -> None:
    assert facts((WAN, "203.0.113.1", PI), (OTHER, "192.168.178.9", NAS)).devices == {}


def test_unique_local_addresses_are_not_for_the_internet() -> None:
    seen = facts(
        addresses=(
            at(WAN, "203.0.113.2/24"),
            at(WAN, "fd00:1::2/64"),
            at(LAN, "192.168.178.1/24"),
            at(LAN, "fd00::1/64"),
        )
    )
    assert seen.wan_ipv6 == ()
    assert seen.lan_ipv6 == ()
    assert seen.internet == {Family.IPV4}
    assert IPv6Address("fd00::1") in seen.own_addresses


def test_link_local_on_wan_is_enough_for_ipv6() -> None:
    """It is the prefix of the home that the internet calls."""
    seen = facts(
        addresses=(at(LAN, "2001:db8:1::1/64"),), routes=(DefaultRoute(WAN, 6),)
    )
    assert seen.internet == {Family.IPV6}
    assert seen.wan_ipv6 == ()


def test_ipv4_needs_an_address() -> None:
    assert facts(addresses=HOME[1:]).internet == {Family.IPV6}


@pytest.mark.parametrize(
    ("routes", "internet"),
    [
        ((), set()),
        ((DefaultRoute(WAN, 4),), {Family.IPV4}),
        ((DefaultRoute(OTHER, 4), DefaultRoute(LAN, 6)), set()),
        ((DefaultRoute(OTHER, 4), DefaultRoute(WAN, 4)), {Family.IPV4}),
    ],
)
def test_the_default_route_must_lead_to_wan(
    routes: tuple[DefaultRoute, ...], internet: set[Family]
) -> None:
    assert facts(routes=routes).internet == internet


def test_the_cable_must_be_plugged() -> None:
    links = (LINKS[0], Link(WAN, "wan0", "02:00:00:00:00:02", False, False), *LINKS[2:])
    seen = facts(links=links)
    assert seen.internet == frozenset()
    assert seen.wan_ipv4 == (IPv4Address("203.0.113.2"),)


def test_several_wan_interfaces() -> None:
    """One may be unplugged."""
    links = (Link(WAN, "wan0", "", False, False), Link(OTHER, "ppp0", "", True, False))
    seen = facts(
        links=links,
        wan=("wan0", "ppp0"),
        addresses=(at(WAN, "203.0.113.2/24"), at(OTHER, "198.51.100.7/32")),
        routes=(DefaultRoute(OTHER, 4), DefaultRoute(WAN, 4)),
    )
    assert seen.internet == {Family.IPV4}
    assert set(seen.wan_ipv4) == {
        IPv4Address("203.0.113.2"),
        IPv4Address("198.51.100.7"),
    }
    assert seen.own_macs == frozenset()


def test_several_lan_interfaces() -> None:
    seen = facts(
        (LAN, "192.168.178.21", NAS),
        (GUESTS, "192.168.179.22", PI),
        lan=("lan0", "guests"),
        addresses=(
            *HOME,
            at(GUESTS, "192.168.179.1/24"),
            at(GUESTS, "192.168.179.2/24"),
        ),
    )
    assert seen.lan_ipv4 == (
        IPv4Network("192.168.178.0/24"),
        IPv4Network("192.168.179.0/24"),
    )
    assert seen.lan_ipv6 == (IPv6Network("2001:db8:1::/64"),)
    assert set(seen.devices) == {NAS, PI}


def test_a_lasting_wan_address_comes_first() -> None:
    """It is the one to hand out."""
    seen = facts(
        addresses=(
            at(WAN, "2001:db8:ffff::abcd/64", temporary=True),
            at(WAN, "2001:db8:ffff::2/64"),
        )
    )
    assert seen.wan_ipv6 == (
        IPv6Address("2001:db8:ffff::2"),
        IPv6Address("2001:db8:ffff::abcd"),
    )


def test_a_device_that_nobody_has_seen() -> None:
    assert facts().addresses_of(NAS) == Addresses()
