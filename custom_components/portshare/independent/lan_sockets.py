"""Sockets that hear one LAN interface, and nothing that comes in elsewhere."""

from ipaddress import ip_address
import socket
from typing import Any

from ..sharing.model import LanAddress
from .port_control import Address


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
