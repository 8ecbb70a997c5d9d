"""Mappings and environments, in a word."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from custom_components.portshare.sharing.model import (
    ALL_PORTS,
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
ESP, GRE, ICMPV6 = Transport.ESP, Transport.GRE, Transport.ICMPV6
ANY = Transport.ANY
IPV4, IPV6 = Family.IPV4, Family.IPV6
BOTH = frozenset(Family)


def environment(
    *,
    protect: bool = False,
    internet: frozenset[Family] = BOTH,
    served: Iterable[tuple[Transport, int]] = (),
) -> Environment:
    """Return what the gateway of the home is."""
    return Environment(
        internet=internet,
        wan_ipv4=(IPv4Address(WAN.ipv4),),
        lan_ipv4=(IPv4Network("192.168.178.0/24"),),
        protect=protect,
        served=frozenset(served),
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
        *,
        sources: Sequence[str] = ("0.0.0.0/0",),
    ) -> Dnat:
        """Return an IPv4 mapping."""
        if isinstance(external, int):
            external = ports(external)
        to = self._home.devices[device]
        address = IPv4Address(to.addresses.ipv4)
        networks = tuple(map(IPv4Network, sources))
        return Dnat(
            transport, external, to.mac, address, port, comment, sources=networks
        )

    def pinhole(
        self,
        device: str,
        transport: Transport,
        to: PortRange | int,
        comment: str = "",
        *,
        sources: Sequence[str] = ("::/0",),
    ) -> Pinhole:
        """Return an IPv6 mapping."""
        if isinstance(to, int):
            to = ports(to)
        home = self._home.devices[device]
        address = IPv6Address(home.addresses.ipv6)
        networks = tuple(map(IPv6Network, sources))
        return Pinhole(transport, home.mac, address, to, comment, sources=networks)

    def all_of(
        self,
        device: str,
        transport: Transport,
        family: Family = Family.IPV4,
        *,
        sources: Sequence[str] | None = None,
    ) -> Mapping:
        """Return a mapping of a protocol without ports, or of an exposed host."""
        if family is Family.IPV4:
            sources = sources or ("0.0.0.0/0",)
            return self.dnat(device, transport, ALL_PORTS, 0, sources=sources)
        return self.pinhole(device, transport, ALL_PORTS, sources=sources or ("::/0",))


def opening(*mappings: Mapping) -> Change:
    """Return the change that opens these."""
    return Change(opened=mappings)


def closing(*mappings: Mapping) -> Change:
    """Return the change that closes these."""
    return Change(closed=mappings)
