"""The ports that the gateway itself serves to the internet, read from the kernel.

A share that took one of them over would lock its users out, for instance of SSH.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
import socket
import struct
from typing import Final

from ..sharing.model import Transport
from .netlink import NetlinkSocket, attributes

# include/uapi/linux/netlink.h, sock_diag.h, inet_diag.h
_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_INET_DIAG_SKV6ONLY: Final = 11
# struct inet_diag_req_v2: family, protocol, extensions, states; which socket: any
_REQUEST: Final = struct.Struct("=BBBxI48x")
# struct inet_diag_msg behind the netlink header: family; local port and address, and
# the interface that the socket is bound to
_ANSWER: Final = struct.Struct("=16xB3x2s2x16s16xI")
_ATTRIBUTES: Final = 16 + 72

# include/net/tcp_states.h. A UDP socket that is connected is "established".
_TCP_CLOSE: Final = 7
_TCP_LISTEN: Final = 10
_SERVING: Final = {
    Transport.TCP: (socket.IPPROTO_TCP, _TCP_LISTEN),
    Transport.UDP: (socket.IPPROTO_UDP, _TCP_CLOSE),
}

_LOCAL_PORTS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Services that by default have a port in that range: Tailscale, WireGuard.
_SERVED_THERE: Final = frozenset({41641, 51820})

_ANY_IPV4: Final = IPv4Address(0)
_ANY_IPV6: Final = IPv6Address(0)

type Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that is served, at one address or at any (0.0.0.0, ::).

    What is served at any IPv6 address is in most cases served at any IPv4 address, too;
    then these are two.
    """

    transport: Transport
    port: int
    address: Address


async def listeners(
    wan_addresses: Collection[Address], wan_links: Collection[int]
) -> frozenset[Listener]:
    """Return what is served at these addresses or at any, on these links or on all.

    A UDP socket does not say whether it serves or asks. One that is connected asks; and
    so does one with a port that the kernel gives to those who want any
    (ip_local_port_range), unless it is the port of a well-known service. Raises a
    NetlinkError.
    """
    netlink = NetlinkSocket(_NETLINK_SOCK_DIAG)
    try:
        found = [
            listener
            for transport, (protocol, state) in _SERVING.items()
            for family in (socket.AF_INET, socket.AF_INET6)
            for row in await netlink.dump(
                _SOCK_DIAG_BY_FAMILY, _REQUEST.pack(family, protocol, 0, 1 << state)
            )
            for listener in _parse(transport, row, wan_links)
        ]
    finally:
        await netlink.close()
    first, last = map(int, _LOCAL_PORTS.read_text().split())
    asking = frozenset(range(first, last + 1)) - _SERVED_THERE
    served_at = {_ANY_IPV4, _ANY_IPV6, *wan_addresses}
    return frozenset(
        each
        for each in found
        if each.address in served_at
        and not (each.transport is Transport.UDP and each.port in asking)
    )


def _parse(
    transport: Transport, row: bytes, wan_links: Collection[int]
) -> Iterator[Listener]:
    family, port, packed, link = _ANSWER.unpack_from(row)
    if link and link not in wan_links:
        return
    address: Address
    if family == socket.AF_INET:
        address = IPv4Address(packed[:4])
    else:
        address = IPv6Address(packed)
        only_ipv6 = dict(attributes(row[_ATTRIBUTES:])).get(_INET_DIAG_SKV6ONLY)
        if address == _ANY_IPV6 and only_ipv6 == bytes(1):
            yield Listener(transport, int.from_bytes(port), _ANY_IPV4)
        address = address.ipv4_mapped or address
    yield Listener(transport, int.from_bytes(port), address)
