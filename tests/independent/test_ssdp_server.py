"""Real sockets: who searches at home finds the gateways, and nobody else does."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
import random
import re
import socket
import struct
from uuid import UUID

import pytest

from custom_components.portshare.independent import ssdp
from custom_components.portshare.independent.descriptions import gateways
from custom_components.portshare.independent.port_control import Address
from custom_components.portshare.independent.ssdp import Presence
from custom_components.portshare.independent.ssdp_server import SsdpServer
from custom_components.portshare.sharing.model import LanAddress
from demo import netns
from demo.home import INTERNET, LAN, LAN_LINK, WAN, Home
from demo.netns import Namespace

from .test_port_control_server import AT_HOME, LINK_LOCAL

GROUP, LINK_GROUP, SITE_GROUP = map(str, ssdp.GROUPS)
NAS4, NAS6 = "192.168.178.21", "2001:db8:1::21"
IGD2 = "urn:schemas-upnp-org:device:InternetGatewayDevice:2"
BOOT_ID = 7


def is_at_home(address: Address) -> bool:
    return address.is_link_local or any(address in each for each in AT_HOME)


def lan_address(address: str) -> LanAddress:
    text = IPv6Address(address) if ":" in address else IPv4Address(address)
    return LanAddress(text, socket.if_nametoindex(LAN_LINK), LAN_LINK)


def lan_addresses() -> list[LanAddress]:
    """Return all of the gateway, which the test has to be inside of."""
    return [lan_address(each) for each in (LAN.ipv4, LAN.ipv6, LINK_LOCAL)]


def presences(where: LanAddress, boot_id: int) -> tuple[Presence, ...]:
    return tuple(
        Presence(each, f"http://{where.address}/", "test", boot_id, config_id=1)
        for each in gateways(UUID(int=1))
    )


@pytest.fixture
async def server(inside: None) -> AsyncGenerator[SsdpServer]:
    """A server that does not listen yet."""
    server = SsdpServer(presences, BOOT_ID, is_at_home)
    yield server
    await server.close()


@pytest.fixture
async def listening(server: SsdpServer) -> SsdpServer:
    await server.listen(lan_addresses())
    return server


def search(target: str = IGD2, mx: int = 0, host: str = GROUP) -> bytes:
    return (
        f"M-SEARCH * HTTP/1.1\r\nHOST: {host}:1900\r\n"
        f'MAN: "ssdp:discover"\r\nMX: {mx}\r\nST: {target}\r\n\r\n'
    ).encode()


def header(name: str, datagram: bytes) -> str:
    found = re.search(rf"^{name}: *(.*?)\r$", datagram.decode(), re.MULTILINE)
    assert found, datagram
    return found[1]


@contextmanager
def searcher(
    namespace: Namespace, source: str, link: str = "eth0"
) -> Iterator[socket.socket]:
    """Yield a socket that searches from an address, and reaches groups by a link."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with netns.socket_in(namespace, family, socket.SOCK_DGRAM) as sock:
        with netns.inside(namespace):
            index = socket.if_nametoindex(link)
        sock.settimeout(5)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sock.bind((source, 0, 0, index))
        else:
            interface = struct.pack("=8xi", index)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            sock.bind((source, 0))
        yield sock


async def find(sock: socket.socket, to: str, datagram: bytes) -> tuple[bytes, str]:
    """Search, and return the first answer and where it comes from."""
    sock.sendto(datagram, (to, ssdp.PORT))
    answer, peer = await asyncio.to_thread(sock.recvfrom, 2000)
    assert peer[1] == ssdp.PORT
    return answer, peer[0].partition("%")[0]


@pytest.mark.parametrize("mx", [0, 1])
async def test_a_search_is_answered(listening: SsdpServer, home: Home, mx: int) -> None:
    """By multicast or to the address alone, from the address that it leads to."""
    with searcher(home.devices["nas"].namespace, NAS4) as sock:
        for to in (GROUP, LAN.ipv4):
            answer, source = await find(sock, to, search(mx=mx, host=to))
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert header("LOCATION", answer) == f"http://{LAN.ipv4}/"
            assert source == LAN.ipv4


def link_local_of(namespace: Namespace) -> str:
    output = namespace.run("ip", "-6", "-o", "addr", "show", "scope", "link").stdout
    found = re.search("inet6 (fe80:[^/]*)", output)
    assert found
    return found[1]


@pytest.mark.parametrize("group", [LINK_GROUP, SITE_GROUP])
async def test_a_search_over_ipv6_is_answered_by_the_nearest_address(
    listening: SsdpServer, home: Home, group: str
) -> None:
    """Who searches from a link-local address may have no other."""
    nas = home.devices["nas"].namespace
    nearest = {NAS6: LAN.ipv6, link_local_of(nas): LINK_LOCAL}
    for source, own in nearest.items():
        with searcher(nas, source) as sock:
            answer, answering = await find(sock, group, search(host=f"[{group}]"))
            assert header("LOCATION", answer) == f"http://{own}/"
            assert answering == own


def silent(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        sock.recv(2000)
    except BlockingIOError:
        return True
    return False


async def test_the_internet_is_not_answered(listening: SsdpServer, home: Home) -> None:
    """A search by multicast is not; one to an address is refused by the kernel.

    That there is silence is known when what was asked after it has been answered.
    """
    home.internet.ip([f"route add 192.168.178.0/24 via {WAN.ipv4}"])
    with searcher(home.internet, INTERNET.ipv4) as sock:
        sock.sendto(search(), (GROUP, ssdp.PORT))
        with searcher(home.devices["nas"].namespace, NAS4) as at_home:
            await find(at_home, GROUP, search())
        assert silent(sock)
    for to in (WAN.ipv4, LAN.ipv4):
        with searcher(home.internet, INTERNET.ipv4) as sock:
            sock.connect((to, ssdp.PORT))
            sock.send(search())
            with pytest.raises(ConnectionRefusedError):
                await asyncio.to_thread(sock.recv, 2000)


async def test_strangers_and_the_gateway_itself_are_not_answered(
    listening: SsdpServer, home: Home
) -> None:
    """An address that is not of the home, and this machine's own discovery."""
    nas = home.devices["nas"].namespace
    nas.ip(netns.address("eth0", "10.9.9.9/24"))
    home.gateway.ip(["route add 10.9.9.0/24 dev lan0"])
    with (
        searcher(nas, "10.9.9.9") as stranger,
        searcher(home.gateway, LAN.ipv4, LAN_LINK) as itself,
        searcher(nas, NAS4) as at_home,
    ):
        for sock in (stranger, itself):
            sock.sendto(search(), (GROUP, ssdp.PORT))
            sock.sendto(search(), (LAN.ipv4, ssdp.PORT))
        await find(at_home, GROUP, search())
        assert silent(stranger)
        assert silent(itself)


@contextmanager
def anybody(namespace: Namespace, link: str) -> Iterator[socket.socket]:
    """Yield a socket like those of Home Assistant's own discovery."""
    with netns.socket_in(namespace, socket.AF_INET, socket.SOCK_DGRAM) as sock:
        with netns.inside(namespace):
            index = socket.if_nametoindex(link)
        sock.settimeout(5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("", ssdp.PORT))
        membership = struct.pack("=4s4xi", IPv4Address(GROUP).packed, index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        yield sock


@pytest.mark.parametrize("we_are_first", [True, False])
async def test_beside_home_assistants_own_discovery(
    server: SsdpServer, home: Home, we_are_first: bool
) -> None:
    """What is sent to all reaches both, what is sent to the address is for us alone."""
    if we_are_first:
        await server.listen(lan_addresses())
    with (
        anybody(home.gateway, LAN_LINK) as other,
        searcher(home.devices["nas"].namespace, NAS4) as sock,
    ):
        await server.listen(lan_addresses())
        for _ in range(5):
            await find(sock, LAN.ipv4, search())
        await find(sock, GROUP, search(mx=1))
        assert b"MX: 1" in await asyncio.to_thread(other.recv, 2000)
        assert silent(other)  # not even what we tell ourselves


@contextmanager
def listener(home: Home) -> Iterator[Callable[[str], list[bytes]]]:
    """Yield what returns the next notifications of one kind, for both gateways."""
    with anybody(home.devices["nas"].namespace, "eth0") as sock:

        def hear(kind: str) -> list[bytes]:
            targets = sum(
                len([*each.targets()]) for each in presences(lan_address(LAN.ipv4), 0)
            )
            heard: list[bytes] = []
            while len(heard) < targets:
                datagram, peer = sock.recvfrom(2000)
                assert peer == (LAN.ipv4, ssdp.PORT)
                if header("NTS", datagram) == kind:
                    heard.append(datagram)
            return heard

        yield hear


async def test_the_home_is_told_of_coming_changing_and_going(
    server: SsdpServer, home: Home
) -> None:
    """Each time it begins again it is with a higher boot id, announced before."""

    async def told(kind: str, name: str = "BOOTID.UPNP.ORG") -> str:
        heard = await asyncio.to_thread(hear, kind)
        assert len({header("USN", each) for each in heard}) == len(heard)
        (value,) = {header(name, each) for each in heard}
        return value

    with listener(home) as hear:
        await server.listen([lan_address(LAN.ipv4)])
        for _ in ssdp.ALIVE_AFTER:
            assert await told("ssdp:alive") == str(BOOT_ID + 1)
        await server.listen(lan_addresses())
        assert await told("ssdp:update", "NEXTBOOTID.UPNP.ORG") == str(BOOT_ID + 2)
        assert await told("ssdp:alive") == str(BOOT_ID + 2)
        await server.close()
        assert await told("ssdp:byebye") == str(BOOT_ID + 2)


async def test_nothing_is_told_if_nothing_has_changed(
    listening: SsdpServer, home: Home
) -> None:
    with searcher(home.devices["nas"].namespace, NAS4) as sock:
        answer, _ = await find(sock, GROUP, search())
        await listening.listen(lan_addresses())
        again, _ = await find(sock, GROUP, search())
    boot_ids = [header("BOOTID.UPNP.ORG", each) for each in (answer, again)]
    assert boot_ids == [str(BOOT_ID + 1)] * 2


async def test_who_waits_for_an_answer_when_it_closes_gets_none(
    listening: SsdpServer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _, latest: latest)
    with (
        searcher(home.devices["nas"].namespace, NAS4) as patient,
        searcher(home.devices["nas"].namespace, NAS4) as sock,
    ):
        patient.sendto(search("ssdp:all", mx=5), (GROUP, ssdp.PORT))
        await find(sock, GROUP, search())
        assert listening._answering
        await listening.close()
        assert not listening._answering
        assert silent(patient)


async def test_hostile_datagrams_are_ignored(listening: SsdpServer, home: Home) -> None:
    hostile = [
        b"",
        b"\0" * 1400,
        b"M-SEARCH * HTTP/1.1\r\n" + b"A: b\r\n" * 10_000,
        search().replace(b"1.1", b"1.0"),
        search()[:-40],
        search().replace(b"ST:", b"ST: \xff"),
    ]
    with searcher(home.devices["nas"].namespace, NAS4) as sock:
        for datagram in hostile:
            for to in (GROUP, LAN.ipv4):
                sock.sendto(datagram, (to, ssdp.PORT))
        await find(sock, GROUP, search())
        assert silent(sock)


async def test_who_searches_all_the_time_is_answered_less_and_less(
    listening: SsdpServer, home: Home
) -> None:
    """And the others as ever."""
    with (
        searcher(home.devices["pi"].namespace, "192.168.178.22") as flood,
        searcher(home.devices["nas"].namespace, NAS4) as sock,
    ):
        for _ in range(100):
            flood.sendto(search("ssdp:all"), (LAN.ipv4, ssdp.PORT))
        await find(sock, LAN.ipv4, search())
        answers = 0
        while not silent(flood):
            answers += 1
        assert answers == 44


async def test_an_address_that_is_not_there_keeps_no_other_from_being_served(
    server: SsdpServer, home: Home
) -> None:
    with pytest.raises(OSError, match="assign"):
        await server.listen([*lan_addresses(), lan_address("192.168.178.250")])
    with searcher(home.devices["nas"].namespace, NAS4) as sock:
        await find(sock, GROUP, search())
