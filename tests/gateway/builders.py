"""Mappings and environments, in a word."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address

from custom_components.portshare.sharing.model import (
    Change,
    Dnat,
    Environment,
    Family,
    Mapping,
    Pinhole,
    PortRange,
    Transport,
)
from demo.home import WAN, Home

TCP, UDP = Transport.TCP, Transport.UDP
IPV4, IPV6 = Family.IPV4, Family.IPV6
BOTH = frozenset(Family)


def environment(
    *, protect: bool = False, internet: frozenset[Family] = BOTH
) -> Environment:
    """Return what the gateway of the home is."""
    return Environment(
        internet=internet,
        wan_ipv4=(IPv4Address(WAN.ipv4),),
        lan_ipv4=(IPv4Network("192.168.178.0/24"),),
        protect=protect,
    )


def ports(first: int, last: int | None = None) -> PortRange:
    """Return these ports, or this one."""
    return PortRange(first, last or first)


class Mappings:
    """Makes mappings to the devices of a home."""

    def __init__(self, home: Home) -> None:
        """Remember the devices."""
        self._home = home

    def dnat(
        self,
        device: str,
        transport: Transport,
        external: PortRange | int,
        port: int,
        comment: str = "",
    ) -> Dnat:
        """Return an IPv4 mapping."""
        if isinstance(external, int):
            external = ports(external)
        to = self._home.devices[device]
        address = IPv4Address(to.addresses.ipv4)
        return Dnat(transport, external, to.mac, address, port, comment)

    def pinhole(
        self,
        device: str,
        transport: Transport,
        to: PortRange | int,
        comment: str = "",
    ) -> Pinhole:
        """Return an IPv6 mapping."""
        if isinstance(to, int):
            to = ports(to)
        home = self._home.devices[device]
        address = IPv6Address(home.addresses.ipv6)
        return Pinhole(transport, home.mac, address, to, comment)


def opening(*mappings: Mapping) -> Change:
    """Return the change that opens these."""
    return Change(opened=mappings)


def closing(*mappings: Mapping) -> Change:
    """Return the change that closes these."""
    return Change(closed=mappings)
