"""Which ports of the gateway the internet can call, told by the kernel."""

from collections.abc import Iterator
import contextlib
from ipaddress import ip_address
from pathlib import Path
import socket

import pytest

from custom_components.portshare.gateway.listeners import Listener, listeners
from custom_components.portshare.sharing.model import Transport
from demo.home import INTERNET, LAN, LAN_LINK, WAN, WAN_LINK

from .builders import TCP, UDP

KINDS = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM}
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])


class Sockets:
    """Programs on the gateway, as far as the kernel knows them."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        """Remember who closes them."""
        self._stack = stack

    def bind(
        self,
        transport: Transport,
        address: str,
        port: int,
        *,
        both_versions: bool = False,
        link: str | None = None,
    ) -> socket.socket:
        """Return a socket that has this port, and listens if it is one of TCP."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self._stack.enter_context(socket.socket(family, KINDS[transport]))
        if family == socket.AF_INET6:
            sock.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both_versions)
            )
        if link:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
        sock.bind((address, port))
        if transport is TCP:
            sock.listen()
        return sock


@pytest.fixture
def sockets(inside: None) -> Iterator[Sockets]:
    with contextlib.ExitStack() as stack:
        yield Sockets(stack)


async def served() -> frozenset[Listener]:
    """Return what the kernel tells in the gateway of the home."""
    addresses = [ip_address(WAN.ipv4), ip_address(WAN.ipv6)]
    return await listeners(addresses, [socket.if_nametoindex(WAN_LINK)])


def at(transport: Transport, port: int, *addresses: str) -> frozenset[Listener]:
    return frozenset(
        Listener(transport, port, ip_address(address)) for address in addresses
    )


async def test_nothing_is_served(inside: None) -> None:
    assert await served() == frozenset()


@TRANSPORTS
@pytest.mark.parametrize("address", ["0.0.0.0", "::", WAN.ipv4, WAN.ipv6])
async def test_what_the_internet_can_call(
    transport: Transport, address: str, sockets: Sockets
) -> None:
    sockets.bind(transport, address, 22)
    assert await served() == at(transport, 22, address)


@TRANSPORTS
async def test_any_ipv6_address_may_mean_any_ipv4_address_too(
    transport: Transport, sockets: Sockets
) -> None:
    """Most programs listen with one socket for both, Home Assistant among them."""
    sockets.bind(transport, "::", 8123, both_versions=True)
    assert await served() == at(transport, 8123, "::", "0.0.0.0")


@TRANSPORTS
async def test_an_ipv4_address_in_an_ipv6_socket(
    transport: Transport, sockets: Sockets
) -> None:
    sockets.bind(transport, f"::ffff:{WAN.ipv4}", 443, both_versions=True)
    assert await served() == at(transport, 443, WAN.ipv4)


@TRANSPORTS
@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.0.0.53", "::1", LAN.ipv4, LAN.ipv6]
)
async def test_what_only_the_home_can_call(
    transport: Transport, address: str, sockets: Sockets
) -> None:
    sockets.bind(transport, address, 53)
    assert await served() == frozenset()


@TRANSPORTS
async def test_bound_to_an_interface(transport: Transport, sockets: Sockets) -> None:
    """Dnsmasq and DHCP servers are, in most homes."""
    sockets.bind(transport, "0.0.0.0", 67, link=LAN_LINK)
    sockets.bind(transport, "0.0.0.0", 68, link=WAN_LINK)
    assert await served() == at(transport, 68, "0.0.0.0")


async def test_tcp_that_does_not_listen(sockets: Sockets, inside: None) -> None:
    """A connection of the gateway, and one to it, are no services of their own."""
    service = sockets.bind(TCP, "0.0.0.0", 22)
    with socket.create_connection((WAN.ipv4, 22), source_address=(WAN.ipv4, 999)):
        service.accept()[0].close()
        with socket.socket() as bound:
            bound.bind((WAN.ipv4, 998))
            assert await served() == at(TCP, 22, "0.0.0.0")


async def test_udp_that_asks(sockets: Sockets) -> None:
    """Connected, or with a port that the kernel has chosen: nobody is served."""
    sockets.bind(UDP, "0.0.0.0", 123).connect((INTERNET.ipv4, 123))
    asking = sockets.bind(UDP, "0.0.0.0", 0)
    asking.sendto(b"who is it?", (INTERNET.ipv4, 53))
    sockets.bind(UDP, "::", 0, both_versions=True)
    assert await served() == frozenset()


async def test_ports_for_those_who_ask_are_what_the_kernel_says(
    sockets: Sockets,
) -> None:
    """TCP tells who listens, so there every port counts."""
    ports = Path("/proc/sys/net/ipv4/ip_local_port_range")
    ports.write_text("20000 30000")
    for port in (19999, 20000, 30000, 30001):
        sockets.bind(UDP, "0.0.0.0", port)
        sockets.bind(TCP, "0.0.0.0", port)
    assert await served() == frozenset().union(
        *(at(UDP, port, "0.0.0.0") for port in (19999, 30001)),
        *(at(TCP, port, "0.0.0.0") for port in (19999, 20000, 30000, 30001)),
    )


async def test_vpns_serve_although_their_ports_are_such(sockets: Sockets) -> None:
    """WireGuard and Tailscale, with the ports that they have by default."""
    sockets.bind(UDP, "0.0.0.0", 51820)
    sockets.bind(UDP, "::", 41641)
    assert await served() == at(UDP, 51820, "0.0.0.0") | at(UDP, 41641, "::")


async def test_many_at_once(sockets: Sockets) -> None:
    """More than fit into one message of the kernel's."""
    for port in range(1000, 1400):
        sockets.bind(TCP, "0.0.0.0", port)
    assert {each.port for each in await served()} == set(range(1000, 1400))
