"""Real clients and real sockets: devices at home are answered, and nobody else."""

import asyncio
from collections.abc import AsyncGenerator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
import re
import socket
import struct

import pytest

from custom_components.portshare.independent import natpmp
from custom_components.portshare.independent.port_control import Address
from custom_components.portshare.independent.port_control_server import (
    PortControlServer,
)
from custom_components.portshare.sharing.model import LanAddress
from demo import netns
from demo.home import INTERNET, LAN, LAN_LINK, WAN, Home

from .test_broker import NAS
from .test_pcp import header, map_body
from .test_port_control import Gateway

PORT = natpmp.SERVER_PORT
LINK_LOCAL = "fe80::5eff:fe01:4"
AT_HOME = [ip_network("192.168.178.0/24"), ip_network("2001:db8:1::/64")]


class Household(Gateway):
    """The gateway of a home; its devices have the addresses of the nas."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        nas = home.devices["nas"].addresses
        known = {IPv4Address(nas.ipv4): NAS, IPv6Address(nas.ipv6): NAS}
        self.home.addresses = {NAS: IPv4Address(nas.ipv4)}

        async def device_at(address: Address) -> str | None:
            return known.get(address)

        self.home.device_at = device_at  # type: ignore[method-assign]
        self.home.external_ipv4 = IPv4Address(WAN.ipv4)


@pytest.fixture
def household(home: Home) -> Household:
    return Household(home)


@pytest.fixture
async def server(
    inside: None, real_sockets: None, household: Household
) -> AsyncGenerator[PortControlServer]:
    """A server at all addresses of the home's side of the gateway."""
    server = PortControlServer(
        household.control,
        lambda address: (
            address.is_link_local or any(address in each for each in AT_HOME)
        ),
    )
    link = socket.if_nametoindex(LAN_LINK)
    await server.listen(
        LanAddress(address, link, LAN_LINK)
        for address in (
            IPv4Address(LAN.ipv4),
            IPv6Address(LAN.ipv6),
            IPv6Address(LINK_LOCAL),
        )
    )
    yield server
    await server.close()


async def natpmpc(home: Home, *arguments: str) -> str:
    """Run it on the nas, which finds the gateway by its default route."""
    nas = home.devices["nas"].namespace
    done = await asyncio.to_thread(nas.run, "natpmpc", *arguments, check=False)
    return done.stdout + done.stderr


async def test_natpmpc(
    server: PortControlServer, household: Household, home: Home
) -> None:
    """Somebody else's client, with nothing told but the network it is in."""
    text = await natpmpc(home, "-a", "6881", "6881", "tcp", "3600")
    assert f"Public IP address : {WAN.ipv4}" in text
    assert re.search(r"Mapped public port 6881 protocol TCP to local port 6881", text)
    assert household.home.open == [f"tcp 6881 -> {NAS}:6881"]
    await natpmpc(home, "-a", "6881", "6881", "tcp", "0")
    assert household.home.open == []


def server_at(to: str) -> tuple[str | int, ...]:
    """Return where to send to, with the link that a link-local address is on."""
    host, _, scope = to.partition("%")
    return (host, PORT, 0, int(scope)) if scope else (host, PORT)


def ask(
    home: Home, where: str, source: str, to: str, datagram: bytes, within: float = 3
) -> bytes | None:
    """Send a datagram from somewhere, and return what is answered."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with netns.socket_in(home.namespaces[where], family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(within)
        sock.bind((source, 0))
        sock.sendto(datagram, server_at(to))
        try:
            return sock.recv(2000)
        except TimeoutError:
            return None


async def test_pcp_over_ipv6_to_the_link_local_address(
    server: PortControlServer, household: Household, home: Home
) -> None:
    """Where hosts send to: their router is known by its link-local address."""
    nas = IPv6Address(home.devices["nas"].addresses.ipv6)
    request = header(1, 600, nas) + map_body(port=6881)
    for to in (LAN.ipv6, f"{LINK_LOCAL}%2"):
        answer = await asyncio.to_thread(ask, home, "nas", str(nas), to, request)
        assert answer
        assert answer[3] == 0
    assert household.home.open == [f"tcp 6881 -> {nas}:6881"]


@pytest.mark.parametrize(
    ("where", "source", "to"),
    [
        ("internet", INTERNET.ipv4, WAN.ipv4),
        ("internet", INTERNET.ipv4, LAN.ipv4),
        ("internet", INTERNET.ipv6, LAN.ipv6),
        ("nas", "192.168.178.21", WAN.ipv4),
    ],
    ids=["WAN", "LAN address", "LAN address over IPv6", "WAN address from home"],
)
async def test_nobody_answers_elsewhere(
    server: PortControlServer, home: Home, where: str, source: str, to: str
) -> None:
    """The internet does not get in by the LAN's address, nor the home by the WAN's.

    Known by the refusal of the kernel, or by the answer to what is asked after it.
    """
    home.internet.ip([f"route add 192.168.178.0/24 via {WAN.ipv4}"])
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(connected, home, where, source, to)


def connected(home: Home, where: str, source: str, to: str) -> None:
    """Ask from a connected socket, which is told that nobody listens."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with netns.socket_in(home.namespaces[where], family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3)
        sock.bind((source, 0))
        sock.connect((to, PORT))
        sock.send(b"\0\0")
        sock.recv(100)


async def test_announcements(
    server: PortControlServer, household: Household, home: Home
) -> None:
    """All of the home hears that a new epoch has begun, over both families."""
    with netns.socket_in(
        home.devices["nas"].namespace, socket.AF_INET, socket.SOCK_DGRAM
    ) as sock:
        sock.settimeout(3)
        sock.bind(("", natpmp.CLIENT_PORT))
        server.announce()
        address, peer = await asyncio.to_thread(sock.recvfrom, 100)
        announcement, _ = await asyncio.to_thread(sock.recvfrom, 100)
    assert peer == (LAN.ipv4, PORT)
    assert (address, announcement) == household.control.announcements(IPv4Address)


@pytest.mark.parametrize("to", [LAN.ipv4, LAN.ipv6, f"{LINK_LOCAL}%2"])
async def test_mapping_updates(
    server: PortControlServer, household: Household, home: Home, to: str
) -> None:
    """Three times, where the client has asked from, and from where it was answered."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    nas = home.devices["nas"].addresses
    source = nas.ipv6 if ":" in to else nas.ipv4
    request = header(1, 600, ip_address(source)) + map_body(port=6881)
    with netns.socket_in(
        home.devices["nas"].namespace, family, socket.SOCK_DGRAM
    ) as sock:
        sock.settimeout(3)
        sock.bind((source, 0))
        sock.sendto(request, server_at(to))
        answer, server_address = await asyncio.to_thread(sock.recvfrom, 100)
        household.home.external_ipv4 = IPv4Address("203.0.113.99")
        server.announce()
        updates: list[bytes] = []
        while len(updates) < 3:
            update, peer = await asyncio.to_thread(sock.recvfrom, 100)
            if peer == server_address:
                updates.append(update)
    external = ip_address(source) if ":" in to else household.home.external_ipv4
    assert external
    packed = IPv6Address(f"::ffff:{external}" if external.version == 4 else external)
    assert updates == [answer[:44] + packed.packed] * 3


async def test_addresses_come_and_go(
    server: PortControlServer, household: Household, home: Home
) -> None:
    """What is not listened at any more is closed; what another program has fails."""
    where = LanAddress(IPv4Address(LAN.ipv4), socket.if_nametoindex(LAN_LINK), LAN_LINK)
    await server.listen([])
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(connected, home, "nas", "192.168.178.21", LAN.ipv4)
    with netns.socket_in(home.gateway, socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LAN.ipv4, PORT))
        with pytest.raises(OSError, match="in use"):
            await server.listen([where])
    await server.listen([where])
    answer = await asyncio.to_thread(
        ask, home, "nas", "192.168.178.21", LAN.ipv4, b"\0\0"
    )
    assert answer == struct.pack("!BBHI", 0, 128, 0, 0) + IPv4Address(WAN.ipv4).packed
