"""Real clients and real sockets: devices at home map ports by UPnP, and nobody else."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
import logging
import re
import resource
import socket
from typing import override
from uuid import UUID

import pytest

from custom_components.portshare.independent import http_server, soap
from custom_components.portshare.independent.control import Client, Measured, Wan
from custom_components.portshare.independent.descriptions import Paths, gateways
from custom_components.portshare.independent.igd import Igd
from custom_components.portshare.independent.igd_server import Identity, IgdServer
from custom_components.portshare.independent.port_control import Address, LeaseChange
from custom_components.portshare.independent.services import (
    LAYER_3_FORWARDING,
    WAN_IP_CONNECTION_1,
    WAN_IP_CONNECTION_2,
)
from demo import netns
from demo.home import INTERNET, LAN, WAN, Home
from demo.netns import Namespace

from .test_broker import GUEST, NAS, NOON, TCP, Surroundings, new_broker
from .test_port_control import Home as Keeper
from .test_port_control_server import LINK_LOCAL
from .test_ssdp_server import is_at_home, lan_address, lan_addresses, link_local_of
from .test_upnpc import ABOUT, measured, wan

PORT = 49000
NAS4, NAS6 = "192.168.178.21", "2001:db8:1::21"
PI4, PI6 = "192.168.178.22", "2001:db8:1::22"
SECRET = "secret"
V1, V2 = gateways(UUID(int=1))
PATHS1, PATHS2 = (Paths(f"/{SECRET}", each.version) for each in (V1, V2))
CONTROL = PATHS1.control(WAN_IP_CONNECTION_1)
EVENTS = PATHS2.events(WAN_IP_CONNECTION_2)


@dataclass
class Household(Keeper):
    """A home with a NAS that may map ports, and a guest that may not."""

    surroundings: Surroundings = field(default_factory=Surroundings)
    wan: Wan = field(default_factory=wan)
    port: int = PORT

    def __post_init__(self) -> None:
        broker = new_broker(self.surroundings)
        self.broker = broker
        self.igd = Igd(broker)
        identity = Identity(seed=UUID(int=1), secret=SECRET, boot_id=1, about=ABOUT)
        self.server = IgdServer(
            self, broker, self.igd, identity, is_at_home, lambda: NOON, self.port
        )
        self.clients = [
            Client(
                device=NAS,
                ipv4=IPv4Address(NAS4),
                ipv6={IPv6Address(NAS6)},
                names={"nas"},
            ),
            Client(device=GUEST, ipv4=IPv4Address(PI4), ipv6={IPv6Address(PI6)}),
        ]

    async def client_at(self, address: Address) -> Client | None:
        for client in self.clients:
            if address == client.ipv4 or address in client.ipv6:
                return client
        return None

    async def measure(self, device: str) -> Measured:
        return measured(self.broker)

    @override
    async def keep(self, changes: Collection[LeaseChange]) -> None:
        await super().keep(changes)
        self.igd.note_change()
        self.server.note_change()


@pytest.fixture
async def household(inside: None) -> AsyncGenerator[Household]:
    """A household whose server listens at all addresses of the gateway at home."""
    household = Household()
    await household.server.listen(lan_addresses())
    yield household
    await household.server.close()


@pytest.fixture
def many_files() -> Iterator[None]:
    """Open as many files as this user may, not just the thousand of a shell."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def nas(home: Home) -> Namespace:
    return home.devices["nas"].namespace


# What real clients do


async def upnpc(where: Namespace, *arguments: str) -> str:
    done = await asyncio.to_thread(where.run, "upnpc", *arguments, check=False)
    return done.stdout + done.stderr


async def test_upnpc_finds_the_gateway_and_sees_the_connection(
    household: Household, nas: Namespace
) -> None:
    """With nothing told but the network it is in."""
    output = await upnpc(nas, "-s")
    assert f"http://{LAN.ipv4}:{PORT}{PATHS1.description}" in output
    assert "Found valid IGD" in output
    assert f"Local LAN ip address : {NAS4}" in output
    assert "ExternalIPAddress = 8.8.4.4" in output


async def test_upnpc_adds_sees_and_deletes_a_port_mapping(
    household: Household, nas: Namespace
) -> None:
    output = await upnpc(nas, "-a", NAS4, "80", "8080", "tcp", "3600")
    assert f"8.8.4.4:8080 TCP is redirected to internal {NAS4}:80" in output
    assert household.open == [f"tcp 8080 -> {NAS}:80"]
    assert re.search(rf"0 TCP +8080->{NAS4}:80 ", await upnpc(nas, "-l"))
    assert "returned : 0" in await upnpc(nas, "-d", "8080", "tcp")
    assert household.open == []


async def test_upnpc_takes_another_port_if_one_is_taken(
    household: Household, nas: Namespace
) -> None:
    url = f"http://{LAN.ipv4}:{PORT}{PATHS2.description}"
    household.surroundings.taken.add((TCP, 8080))
    output = await upnpc(nas, "-u", url, "-n", NAS4, "80", "8080", "tcp", "3600")
    (lease,) = household.leases.values()
    assert lease.external_port != 8080
    assert f"8.8.4.4:{lease.external_port} TCP is redirected" in output


async def test_upnpc_opens_a_pinhole_over_ipv6(
    household: Household, nas: Namespace
) -> None:
    """It looks for it from its link-local address."""
    address = IPv6Address(link_local_of(nas))
    household.clients = [Client(device=NAS, ipv6={IPv6Address(NAS6), address})]
    output = await upnpc(nas, "-6", "-A", "", "0", NAS6, "8080", "tcp", "3600")
    assert "Pinhole ID = 1" in output
    assert household.open == [f"tcp 8080 -> {NAS6}:8080"]


# What the answers mean


async def talk(where: Namespace, source: str, to: str, request: bytes) -> bytes:
    """Send a request from somewhere, and return all that is answered."""

    def run() -> bytes:
        with connected(where, source, to) as sock:
            sock.sendall(request)
            return read_all(sock)

    return await asyncio.to_thread(run)


@contextmanager
def connected(where: Namespace, source: str, to: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with netns.socket_in(where, family) as sock:
        sock.bind(socket_address(where, source, 0))
        sock.settimeout(10)
        sock.connect(socket_address(where, to, PORT))
        yield sock


def socket_address(
    where: Namespace, address: str, port: int
) -> tuple[str, int] | tuple[str, int, int, int]:
    """Return an address as sockets of a host need it: for IPv6 with its link."""
    if ":" not in address:
        return address, port
    with netns.inside(where):
        return address, port, 0, socket.if_nametoindex("eth0")


def read_all(sock: socket.socket) -> bytes:
    answer = b""
    while received := sock.recv(10_000):
        answer += received
    return answer


def request(
    method: str = "GET",
    path: str = PATHS1.description,
    body: bytes = b"",
    /,
    **headers: str | None,
) -> bytes:
    """Return a request as a client writes it; None leaves a header out."""
    all_headers = {"Host": f"{LAN.ipv4}:{PORT}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    if body and "Transfer-Encoding" not in all_headers:
        all_headers.setdefault("Content-Length", str(len(body)))
    lines = "".join(f"{k}: {v}\r\n" for k, v in all_headers.items() if v is not None)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def call(action: str, /, path: str = CONTROL, **arguments: object) -> bytes:
    """Return the request to do an action of WANIPConnection:1."""
    service = WAN_IP_CONNECTION_1.type
    inside = "".join(f"<{k}>{v}</{k}>" for k, v in arguments.items())
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<u:{action} xmlns:u="{service}">{inside}</u:{action}></s:Body></s:Envelope>'
    ).encode()
    return request("POST", path, body, SOAPAction=f'"{service}#{action}"')


def add(
    client: str = NAS4, port: int = 8080, transport: str = "TCP", path: str = CONTROL
) -> bytes:
    return call(
        "AddPortMapping",
        path,
        NewRemoteHost="",
        NewExternalPort=port,
        NewProtocol=transport,
        NewInternalPort=80,
        NewInternalClient=client,
        NewEnabled=1,
        NewPortMappingDescription="test",
        NewLeaseDuration=3600,
    )


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def error_code(answer: bytes) -> int:
    """Return the error code of a SOAP fault."""
    assert status(answer) == 500
    found = re.search(b"<errorCode>([0-9]+)</errorCode>", answer)
    assert found, answer
    return int(found[1])


async def test_what_the_kernel_refuses_is_not_granted(
    household: Household, nas: Namespace
) -> None:
    household.refuses = True
    assert error_code(await talk(nas, NAS4, LAN.ipv4, add())) == 501
    assert household.broker.leases == ()
    household.refuses = False
    assert status(await talk(nas, NAS4, LAN.ipv4, add())) == 200


@pytest.mark.parametrize("protocols", ["TCP", ""], ids=["one", "both"])
async def test_what_the_kernel_does_not_end_is_still_there(
    household: Household, nas: Namespace, protocols: str
) -> None:
    """Of what should end together none ends if one cannot; later all do."""
    for transport in ("TCP", "UDP"):
        await talk(nas, NAS4, LAN.ipv4, add(transport=transport))
    before, still_open = {*household.broker.leases}, household.open
    delete = call(
        "DeletePortMapping",
        NewRemoteHost="",
        NewExternalPort=8080,
        NewProtocol=protocols,
    )
    household.refuses = True
    assert error_code(await talk(nas, NAS4, LAN.ipv4, delete)) == 501
    assert {*household.broker.leases} == before
    household.refuses = False
    assert household.open == still_open
    assert status(await talk(nas, NAS4, LAN.ipv4, delete)) == 200
    assert len(household.open) == (1 if protocols else 0)


async def test_a_device_without_permission_is_refused_and_told(
    household: Household, home: Home
) -> None:
    pi = home.devices["pi"].namespace
    for _ in range(2):
        assert error_code(await talk(pi, PI4, LAN.ipv4, add(PI4))) == 606
    assert [each.wish.device for each in household.told] == [GUEST]
    assert household.open == []


async def test_who_is_no_device_of_the_home_may_nothing(
    household: Household, nas: Namespace
) -> None:
    household.clients.clear()
    assert error_code(await talk(nas, NAS4, LAN.ipv4, add())) == 606
    subscribe = subscription(NAS4, 1)
    assert status(await talk(nas, NAS4, LAN.ipv4, subscribe)) == 403


async def test_a_mistake_of_ours_is_no_success(
    household: Household, nas: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    """The library of upnpc takes every other answer than a SOAP fault for one."""
    del household.wan
    assert error_code(await talk(nas, NAS4, LAN.ipv4, add())) == 501
    assert "could not be done" in caplog.text


async def test_a_mistake_of_ours_that_is_not_about_control(
    household: Household, nas: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    del household.clients
    answer = await talk(nas, NAS4, LAN.ipv4, subscription(NAS4, 80))
    assert status(answer) == 500
    assert "could not be answered" in caplog.text


# Who may not ask


@pytest.mark.parametrize(
    ("where", "source", "to"),
    [
        ("internet", INTERNET.ipv4, WAN.ipv4),
        ("internet", INTERNET.ipv4, LAN.ipv4),
        ("internet", INTERNET.ipv6, LAN.ipv6),
        ("nas", NAS4, WAN.ipv4),
    ],
    ids=["WAN", "LAN address", "LAN address over IPv6", "WAN address from home"],
)
async def test_nobody_answers_elsewhere(
    household: Household, home: Home, where: str, source: str, to: str
) -> None:
    """The internet does not get in by the LAN's address, nor the home by the WAN's."""
    home.internet.ip([f"route add 192.168.178.0/24 via {WAN.ipv4}"])
    with pytest.raises(ConnectionRefusedError):
        await talk(home.namespaces[where], source, to, request())


async def test_an_address_that_is_not_of_the_home_gets_no_answer(
    household: Household, home: Home, nas: Namespace
) -> None:
    nas.ip(netns.address("eth0", "10.9.9.9/24"))
    home.gateway.ip(["route add 10.9.9.0/24 dev lan0"])

    def run() -> bytes:
        with connected(nas, "10.9.9.9", LAN.ipv4) as sock:
            return read_all(sock)

    assert await asyncio.to_thread(run) == b""


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example.org",
        f"evil.example.org:{PORT}",
        f"{LAN.ipv4}:80",
        f"{WAN.ipv4}:{PORT}",
        f"127.0.0.1:{PORT}",
        f"{LAN.ipv4}:{PORT}.evil.example.org",
        f"[{LAN.ipv6}]:{PORT}",
        "[",
    ],
)
async def test_nobody_comes_by_another_name(
    household: Household, nas: Namespace, host: str | None
) -> None:
    """So a page whose name is made to lead here learns nothing (DNS rebinding)."""
    answer = await talk(nas, NAS4, LAN.ipv4, request(Host=host))
    assert status(answer) in {400, 404}
    assert b"upnp" not in answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(("source", "host"), [(NAS4, LAN.ipv4), (NAS6, LAN.ipv6)])
async def test_who_leaves_the_port_out_means_the_same_host(
    household: Household, nas: Namespace, source: str, host: str
) -> None:
    """As libplum does."""
    name = f"[{host}]" if ":" in host else host
    answer = await talk(nas, source, host, request(Host=name))
    assert status(answer) == 200


@pytest.mark.parametrize("header", ["Origin", "Referer"])
async def test_web_pages_may_nothing(
    household: Household, nas: Namespace, header: str
) -> None:
    from_page = {header: "http://evil.example.org"}
    assert status(await talk(nas, NAS4, LAN.ipv4, request(**from_page))) == 403
    asked = add().replace(b"\r\n", f"\r\n{header}: null\r\n".encode(), 1)
    assert status(await talk(nas, NAS4, LAN.ipv4, asked)) == 403
    assert household.open == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/igd1.xml",
        f"/{SECRET}",
        f"/{SECRET}/",
        f"/{SECRET}/igd3.xml",
        f"/{SECRET}/../../../../etc/passwd",
        f"/{SECRET}/%2e%2e/%2e%2e/etc/passwd",
        f"/{SECRET}//igd1.xml",
        "*",
    ],
)
async def test_there_is_nothing_else_and_no_hint_of_what_there_is(
    household: Household, nas: Namespace, path: str
) -> None:
    answer = await talk(nas, NAS4, LAN.ipv4, request("GET", path))
    assert status(answer) in {400, 404}
    assert SECRET.encode() not in answer


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", PATHS1.description, "GET"),
        ("GET", CONTROL, "POST"),
        ("GET", EVENTS, "SUBSCRIBE, UNSUBSCRIBE, POST"),
    ],
)
async def test_other_methods_are_not_allowed(
    household: Household, nas: Namespace, method: str, path: str, allowed: str
) -> None:
    answer = await talk(nas, NAS4, LAN.ipv4, request(method, path))
    assert status(answer) == 405
    assert f"Allow: {allowed}\r\n".encode() in answer


async def test_what_is_posted_where_events_are_is_done_all_the_same(
    household: Household, nas: Namespace
) -> None:
    """KTorrent posts there."""
    events = PATHS1.events(WAN_IP_CONNECTION_1)
    answer = await talk(nas, NAS4, LAN.ipv4, add(path=events))
    assert status(answer) == 200
    assert household.open == [f"tcp 8080 -> {NAS}:80"]


async def test_every_address_serves_what_it_is_asked_for(
    household: Household, nas: Namespace
) -> None:
    """All documents, at all addresses; some clients name the link of a local one."""
    paths = [PATHS1.description, PATHS2.scpd(LAYER_3_FORWARDING)]
    hosts = {
        (NAS4, LAN.ipv4): [LAN.ipv4],
        (NAS6, LAN.ipv6): [f"[{LAN.ipv6}]"],
        (link_local_of(nas), LINK_LOCAL): [
            f"[{LINK_LOCAL}]",
            f"[{LINK_LOCAL}%eth0]",
            f"[{LINK_LOCAL}%25eth0]",
        ],
    }
    for (source, to), names in hosts.items():
        for name in names:
            for path in paths:
                asked = request("GET", path, Host=f"{name}:{PORT}")
                answer = await talk(nas, source, to, asked)
                assert status(answer) == 200
                assert b'Content-Type: text/xml; charset="utf-8"\r\n' in answer


# What is no request


@pytest.mark.parametrize(
    "asked",
    [
        request("POST", CONTROL, b"x", SOAPAction='"a:b#c"'),
        request("POST", CONTROL, b"x"),
        request("POST", CONTROL),
        request("POST", CONTROL, b"x" * (soap.LONGEST_BODY + 1), SOAPAction='"a#b"'),
        request("POST", CONTROL, Content_Length=str(10**12), SOAPAction='"a#b"'),
        call("Reboot"),
        call("AddPortMapping"),
    ],
    ids=["XML", "header", "nothing", "long", "huge", "action", "arguments"],
)
async def test_every_error_of_control_is_a_fault(
    household: Household, nas: Namespace, asked: bytes
) -> None:
    """The library of upnpc takes every other answer for success."""
    assert error_code(await talk(nas, NAS4, LAN.ipv4, asked)) in {401, 402}


CHUNKED = {"Transfer_Encoding": "chunked", "SOAPAction": '"a#b"'}


@pytest.mark.parametrize(
    "chunks",
    [
        b"4001\r\n" + b"x" * 0x4001 + b"\r\n0\r\n\r\n",
        b"5\r\nhello\r\nnonsense\r\n",
        b"ffffffffffffffffffff\r\n",
        b"-1\r\n",
    ],
)
async def test_bad_chunks_are_refused(
    household: Household, nas: Namespace, chunks: bytes
) -> None:
    asked = request("POST", CONTROL, **CHUNKED) + chunks
    answer = await talk(nas, NAS4, LAN.ipv4, asked)
    assert status(answer) in {400, 500}
    assert status(await talk(nas, NAS4, LAN.ipv4, add())) == 200


async def test_good_chunks_are_a_body(household: Household, nas: Namespace) -> None:
    headers, _, body = add().partition(b"\r\n\r\n")
    headers = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", headers)
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    asked = headers + b"\r\n\r\n" + chunks
    assert status(await talk(nas, NAS4, LAN.ipv4, asked)) == 200
    assert household.open == [f"tcp 8080 -> {NAS}:80"]


async def test_who_waits_for_it_is_told_to_continue(
    household: Household, nas: Namespace
) -> None:
    headers, _, body = add().partition(b"\r\n\r\n")

    def run() -> bytes:
        with connected(nas, NAS4, LAN.ipv4) as sock:
            sock.sendall(headers + b"\r\nExpect: 100-continue\r\n\r\n")
            assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(body)
            return read_all(sock)

    assert status(await asyncio.to_thread(run)) == 200


@pytest.mark.parametrize(
    "hostile",
    [
        b"\0" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000,
        b"GET /" + b"a" * 1_000_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        request(Host=f"{LAN.ipv4}:{PORT}\r\nHost: {LAN.ipv4}:{PORT}"),
        request(Content_Length="-5"),
        request() * 10_000,
    ],
    ids=["zeros", "headers", "line", "TLS", "hosts", "length", "pipeline"],
)
async def test_hostile_bytes_leave_the_server_as_it_was(
    household: Household,
    nas: Namespace,
    hostile: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor do they fill the log."""

    def run() -> None:
        # It need not be heard to its end.
        with connected(nas, NAS4, LAN.ipv4) as sock, suppress(OSError):
            sock.sendall(hostile)
            sock.shutdown(socket.SHUT_WR)
            read_all(sock)

    await asyncio.to_thread(run)
    assert status(await talk(nas, NAS4, LAN.ipv4, request())) == 200
    assert not [each for each in caplog.records if each.levelno > logging.INFO]


@pytest.mark.parametrize(
    "part",
    [b"", b"GET /", request()[:-2], add()[:-2], request("POST", CONTROL, **CHUNKED)],
    ids=["nothing", "line", "headers", "body", "chunks"],
)
async def test_slow_clients_are_not_waited_for(
    inside: None, nas: Namespace, part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "_PATIENCE", 0.1)
    household = Household()
    await household.server.listen([lan_address(LAN.ipv4)])
    answer = await talk(nas, NAS4, LAN.ipv4, part)
    assert not answer or error_code(answer) == 402
    assert household.open == []
    await household.server.close()


async def test_who_goes_before_all_is_said_is_no_mistake_of_ours(
    household: Household, nas: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    """Any device could fill the log with it."""

    def go() -> None:
        with connected(nas, NAS4, LAN.ipv4) as sock:
            sock.sendall(add()[:-2])

    await asyncio.to_thread(go)
    assert status(await talk(nas, NAS4, LAN.ipv4, request())) == 200
    await household.server.close()
    assert "could not be" not in caplog.text
    assert household.open == []


async def test_a_thousand_connections_of_one_keep_no_other_out(
    many_files: None, household: Household, home: Home, nas: Namespace
) -> None:
    pi = home.devices["pi"].namespace
    crowd = [netns.socket_in(nas, socket.AF_INET) for _ in range(1_000)]
    try:
        for sock in crowd:
            sock.setblocking(False)
            sock.connect_ex((LAN.ipv4, PORT))
        answer = await talk(pi, PI4, LAN.ipv4, request())
        assert status(answer) == 200
    finally:
        for sock in crowd:
            sock.close()
    while True:
        try:
            answer = await talk(nas, NAS4, LAN.ipv4, request())
        except ConnectionError:  # it has not heard yet that they are gone
            continue
        break
    assert status(answer) == 200


async def test_one_client_has_so_many_connections(
    household: Household, nas: Namespace
) -> None:
    """The next one is ended at once, and those before it are answered."""
    most = http_server._MOST_OF_ADDRESS

    def run() -> None:
        crowd = [connected(nas, NAS4, LAN.ipv4) for _ in range(most)]
        sockets = [each.__enter__() for each in crowd]
        with connected(nas, NAS4, LAN.ipv4) as another:
            assert another.recv(1) == b""
        for sock in sockets:
            sock.sendall(request())
            assert status(read_all(sock)) == 200
            sock.close()

    await asyncio.to_thread(run)


# What subscribers are told


def subscription(host: str, port: int, path: str = EVENTS, **headers: str) -> bytes:
    usual = {"NT": "upnp:event", "CALLBACK": f"<http://{host}:{port}/told?by=us>"}
    return request("SUBSCRIBE", path, **usual | headers)


class Subscriber:
    """Listens on a device for notifications."""

    def __init__(self, where: Namespace, address: str, to: str = LAN.ipv4) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._where, self._address, self._to = where, address, to
        self._sock = netns.socket_in(where, family)
        self._sock.settimeout(10)
        self._sock.bind(socket_address(where, address, 0))
        self._sock.listen()
        self.port = self._sock.getsockname()[1]
        self.host = f"[{address}]" if ":" in address else address
        server = f"[{to}]" if ":" in to else to
        self._headers = {"Host": f"{server}:{PORT}"}

    async def ask(self, asked: bytes) -> bytes:
        return await talk(self._where, self._address, self._to, asked)

    async def subscribe(self) -> str:
        """Subscribe, and return the subscription id."""
        asked = subscription(self.host, self.port, **self._headers)
        answer = await self.ask(asked)
        assert status(answer) == 200, answer
        assert b"TIMEOUT: Second-1800\r\n" in answer
        found = re.search(b"SID: (uuid:[^\r]+)\r\n", answer)
        assert found
        return found[1].decode()

    async def hear(self, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> str:
        """Return the next notification, having answered it."""

        def run() -> str:
            sock, _ = self._sock.accept()
            with sock:
                sock.settimeout(10)
                heard = b""
                while b"</e:propertyset>" not in heard:
                    heard += sock.recv(10_000)
                sock.sendall(answer)
                return heard.decode()

        return await asyncio.to_thread(run)

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def subscriber(nas: Namespace) -> Iterator[Subscriber]:
    subscriber = Subscriber(nas, NAS4)
    yield subscriber
    subscriber.close()


async def test_subscribers_are_told_what_there_is_and_what_changes(
    household: Household, subscriber: Subscriber
) -> None:
    sid = await subscriber.subscribe()
    first = await subscriber.hear()
    assert first.startswith("NOTIFY /told?by=us HTTP/1.1\r\n")
    assert f"SID: {sid}\r\nSEQ: 0\r\n" in first
    assert "<ExternalIPAddress>8.8.4.4</ExternalIPAddress>" in first
    assert "<PortMappingNumberOfEntries>0</PortMappingNumberOfEntries>" in first
    await subscriber.ask(add())
    second = await subscriber.hear()
    assert "SEQ: 1\r\n" in second
    assert "<PortMappingNumberOfEntries>1</PortMappingNumberOfEntries>" in second
    assert "ExternalIPAddress" not in second


async def test_a_subscription_is_renewed_and_ended_by_who_has_it(
    household: Household, subscriber: Subscriber, home: Home
) -> None:
    sid = await subscriber.subscribe()
    renew = request("SUBSCRIBE", EVENTS, SID=sid, TIMEOUT="Second-600")
    end = request("UNSUBSCRIBE", EVENTS, SID=sid)
    assert b"TIMEOUT: Second-600\r\n" in await subscriber.ask(renew)
    other = home.devices["pi"].namespace
    for asked in (renew, end):
        assert status(await talk(other, PI4, LAN.ipv4, asked)) == 412
    assert status(await subscriber.ask(end)) == 200
    assert status(await subscriber.ask(end)) == 412


@pytest.mark.parametrize("host", [PI4, LAN.ipv4, INTERNET.ipv4, "127.0.0.1", "nas"])
async def test_nobody_is_called_but_who_subscribes(
    household: Household, nas: Namespace, host: str
) -> None:
    """CallStranger, CVE-2020-12695."""
    answer = await talk(nas, NAS4, LAN.ipv4, subscription(host, 80))
    assert status(answer) == 412


async def test_a_subscriber_with_a_link_local_address_is_called_there(
    household: Household, nas: Namespace
) -> None:
    address = link_local_of(nas)
    household.clients.append(Client(device=NAS, ipv6={IPv6Address(address)}))
    subscriber = Subscriber(nas, address, LINK_LOCAL)
    await subscriber.subscribe()
    assert "SEQ: 0\r\n" in await subscriber.hear()
    subscriber.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 500 Oops\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://192.168.178.1/\r\n\r\n",
        b"x" * 5_000,
    ],
    ids=["nothing", "error", "elsewhere", "endless"],
)
async def test_who_does_not_listen_is_forgotten(
    household: Household, subscriber: Subscriber, answer: bytes
) -> None:
    """After three times; and nobody is sent elsewhere."""
    sid = await subscriber.subscribe()
    for port in (8080, 8081, 8082):
        await subscriber.hear(answer)
        await subscriber.ask(add(port=port))
    renew = request("SUBSCRIBE", EVENTS, SID=sid)
    assert status(await subscriber.ask(renew)) == 412


# Coming and going


async def test_addresses_come_and_go(household: Household, nas: Namespace) -> None:
    """What is not served any more is closed; what another program has fails."""
    await household.server.listen([lan_address(LAN.ipv6)])
    with pytest.raises(ConnectionRefusedError):
        await talk(nas, NAS4, LAN.ipv4, request())
    with socket.socket() as other:
        other.bind((LAN.ipv4, PORT))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            await household.server.listen(lan_addresses())
    await household.server.listen(lan_addresses())
    assert status(await talk(nas, NAS4, LAN.ipv4, request())) == 200


async def test_all_addresses_have_the_port_that_was_chosen(
    inside: None, nas: Namespace
) -> None:
    household = Household(port=0)
    await household.server.listen(lan_addresses())
    output = await upnpc(nas, "-s")
    found = re.search(rf"http://{LAN.ipv4}:([0-9]+){PATHS1.description}", output)
    assert found
    assert "Found valid IGD" in output
    other = f"http://[{LAN.ipv6}]:{found[1]}{PATHS1.description}"
    assert "Found valid IGD" in await upnpc(nas, "-6", "-u", other, "-s")
    await household.server.close()


async def test_it_can_be_closed_while_clients_are_there(
    household: Household, nas: Namespace
) -> None:
    with connected(nas, NAS4, LAN.ipv4) as sock:
        await household.server.close()
        with suppress(ConnectionResetError):
            assert await asyncio.to_thread(sock.recv, 1000) == b""
    with pytest.raises(ConnectionRefusedError):
        await talk(nas, NAS4, LAN.ipv4, request())


async def test_who_subscribes_while_it_closes_is_not_called_any_more(
    household: Household, nas: Namespace
) -> None:
    asked = asyncio.Event()

    async def client_at(address: Address) -> Client:
        asked.set()
        while not household.server._http._door._is_shut:
            await asyncio.sleep(0)
        return household.clients[0]

    household.client_at = client_at  # type: ignore[method-assign]
    subscribing = asyncio.create_task(talk(nas, NAS4, LAN.ipv4, subscription(NAS4, 1)))
    await asked.wait()
    await household.server.close()
    await subscribing
    timer = household.server._notifier._timer
    assert timer
    assert timer.cancelled()
