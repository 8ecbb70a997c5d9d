"""From the network as it is to the facts that the plan needs."""

from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
import math
from typing import Final

from ..sharing.model import Addresses, Facts, Family
from .watch import Address, Link, LinkAddress, Network

_UNIQUE_LOCAL: Final = IPv6Network("fc00::/7")
_LINK_LOCAL: Final = IPv6Network("fe80::/10")
_EUI64_PREFIX: Final = 64
_INTERFACE_ID: Final = (1 << 64) - 1


def gather(
    network: Network,
    neighbours: Mapping[tuple[int, Address], str],
    wan: Collection[str],
    lan: Collection[str],
) -> Facts:
    """Return the facts about a gateway with these WAN and LAN interfaces."""
    wan_links = {link.index: link for link in network.links if link.name in wan}
    lan_links = {link.index: link for link in network.links if link.name in lan}
    wan_addresses = [
        address.interface.ip
        for address in _by_preference(network, wan_links)
        if _is_public_scope(address.interface.ip)
    ]
    lan_networks = [
        address.interface.network
        for address in network.addresses
        if address.link in lan_links and _is_public_scope(address.interface.ip)
    ]
    lan_ipv6 = _unique(net for net in lan_networks if isinstance(net, IPv6Network))
    lan_ipv4 = _unique(net for net in lan_networks if isinstance(net, IPv4Network))
    own_addresses = frozenset(address.interface.ip for address in network.addresses)
    return Facts(
        internet=frozenset(_internet(network, wan_links, bool(lan_ipv6))),
        wan_ipv4=tuple(a for a in wan_addresses if isinstance(a, IPv4Address)),
        wan_ipv6=tuple(a for a in wan_addresses if isinstance(a, IPv6Address)),
        lan_ipv4=lan_ipv4,
        lan_ipv6=lan_ipv6,
        own_macs=frozenset(link.mac for link in network.links if link.mac),
        own_addresses=own_addresses,
        devices=_devices(
            [
                (mac, address)
                for (link, address), mac in neighbours.items()
                if link in lan_links and address not in own_addresses
            ],
            lan_ipv4,
            lan_ipv6,
            own_addresses,
        ),
    )


def _by_preference(
    network: Network, wan_links: Mapping[int, Link]
) -> list[LinkAddress]:
    """Return the addresses of WAN interfaces, the first with which to be called.

    It is the one whose interface has the default route, for there the answers go; with
    several default routes, that with the lowest metric. Temporary addresses come last.
    """
    metrics: dict[tuple[int, int], int] = {}
    for route in network.default_routes:
        if route.link in wan_links and wan_links[route.link].up:
            way = (route.version, route.link)
            metrics[way] = min(route.metric, metrics.get(way, route.metric))

    def preference(address: LinkAddress) -> tuple[float, bool]:
        way = (address.interface.version, address.link)
        return metrics.get(way, math.inf), address.temporary

    return sorted(
        (each for each in network.addresses if each.link in wan_links), key=preference
    )


def _internet(
    network: Network, wan_links: Mapping[int, Link], lan_has_ipv6: bool
) -> Iterable[Family]:
    """Yield the IP versions that come in by a WAN interface.

    For IPv6 the interface itself may have link-local addresses only: it is the home
    network's delegated prefix that the internet calls.
    """
    up = {index for index, link in wan_links.items() if link.up}
    routed = {(r.version, r.link) for r in network.default_routes if r.link in up}
    addressed = {(a.interface.version, a.link) for a in network.addresses}
    if any(way in addressed for way in routed if way[0] == 4):
        yield Family.IPV4
    if lan_has_ipv6 and any(version == 6 for version, _ in routed):
        yield Family.IPV6


def _devices(
    seen: Iterable[tuple[str, Address]],
    lan_ipv4: tuple[IPv4Network, ...],
    lan_ipv6: tuple[IPv6Network, ...],
    own_addresses: Collection[Address],
) -> dict[str, Addresses]:
    """Return the addresses of each device.

    Of a device's IPv4 addresses the one learned last counts. An address belongs to one
    device: to the one learned last, and rather to one that was seen at it than to one
    that is only expected there.
    """
    holders: dict[Address, str] = {}
    expected: dict[IPv6Address, str] = {}
    for mac, address in seen:
        if _is_in(address, lan_ipv4) or _is_in(address, lan_ipv6):
            holders.pop(address, None)
            holders[address] = mac
        elif address in _LINK_LOCAL and int(address) & _INTERFACE_ID == _eui64(mac):
            # It makes its interface ID of its MAC address, and will in each prefix.
            for network in lan_ipv6:
                if network.prefixlen == _EUI64_PREFIX:
                    expected[network[_eui64(mac)]] = mac
    ipv4: dict[str, IPv4Address] = {}
    ipv6: dict[str, list[IPv6Address]] = {}
    for address, mac in holders.items():
        if isinstance(address, IPv4Address):
            ipv4[mac] = address
        else:
            ipv6.setdefault(mac, []).append(address)
    not_seen: dict[str, list[IPv6Address]] = {}
    for address, mac in expected.items():
        if address not in holders and address not in own_addresses:
            not_seen.setdefault(mac, []).append(address)
    return {
        mac: Addresses(
            ipv4.get(mac),
            tuple(sorted(ipv6.get(mac, ()))),
            tuple(sorted(not_seen.get(mac, ()))),
        )
        for mac in ipv4.keys() | ipv6.keys() | not_seen.keys()
    }


def _is_in(
    address: Address, networks: Iterable[IPv4Network] | Iterable[IPv6Network]
) -> bool:
    return any(address in network for network in networks)


def _eui64(mac: str) -> int:
    """Return the interface ID that stateless autoconfiguration makes of a MAC address.

    RFC 4291 appendix A: ff:fe in the middle, and the universal/local bit inverted.
    """
    octets = bytes.fromhex(mac.replace(":", ""))
    if len(octets) != 6:
        return -1
    return int.from_bytes(
        bytes([octets[0] ^ 0x02]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    )


def _is_public_scope(address: Address) -> bool:
    """Return whether the internet could call an address of this kind."""
    return isinstance(address, IPv4Address) or (
        address not in _UNIQUE_LOCAL and address not in _LINK_LOCAL
    )


def _unique[T](items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
