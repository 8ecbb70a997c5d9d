"""Sockets that hear one LAN interface, and nothing that comes in elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
import socket
from typing import Any, Protocol

from ..sharing.model import LanAddress
from .port_control import Address


class Closable(Protocol):
    """What listens at an address until it is closed."""

    def close(self) -> None:
        """Listen no longer."""


async def listen_at[Each: Closable](
    addresses: Iterable[LanAddress],
    listening: dict[LanAddress, Each],
    open_: Callable[[LanAddress], Awaitable[Each]],
) -> None:
    """Listen at these addresses, and no longer at others.

    Raises OSError if another program has the port; the other addresses are listened at
    all the same.
    """
    wanted = set(addresses)
    for gone in listening.keys() - wanted:
        listening.pop(gone).close()
    # A transport closes its socket in the next turn of the loop.
    await asyncio.sleep(0)
    failed: OSError | None = None
    for each in wanted - listening.keys():
        try:
            listening[each] = await open_(each)
        except OSError as err:
            failed = err
    if failed:
        raise failed


def open_socket(
    where: LanAddress, kind: socket.SocketKind, port: int, *, shared: bool = False
) -> socket.socket:
    """Return a socket that is bound to an address, or multicast group, of an interface.

    The address alone would not do: the kernel takes what is sent to it from wherever it
    comes. `shared`: other programs may have the port, too. Raises OSError if another
    one has it for itself.
    """
    ipv6 = where.address.version == 6
    sock = socket.socket(
        socket.AF_INET6 if ipv6 else socket.AF_INET, kind | socket.SOCK_NONBLOCK
    )
    try:
        interface = where.interface.encode() + b"\0"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface)
        # Among datagrams that would let another program take the port over.
        if shared or kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((str(where.address), port, 0, where.link))
        else:
            sock.bind((str(where.address), port))
    except OSError:
        sock.close()
        raise
    return sock


def address_of(name: Any) -> Address:
    """Return the address in a name of a socket or peer, without the scope."""
    host, _, _ = name[0].partition("%")
    return ip_address(host)
