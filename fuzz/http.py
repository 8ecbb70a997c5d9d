"""UPnP over HTTP: the real server on the loopback, and clients at all its addresses."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from ipaddress import ip_address
from random import Random
import re
import socket
from typing import Final, override
from uuid import UUID

from custom_components.portshare.independent.descriptions import About, Paths
from custom_components.portshare.independent.igd import Igd
from custom_components.portshare.independent.igd_server import Identity, IgdServer
from custom_components.portshare.independent.port_control import Address, LeaseChange
from custom_components.portshare.sharing.model import LanAddress

from .clock import JumpingLoop
from .household import ADDRESSES, OUTSIDE, STRANGERS, Household, is_at_home
from .mutation import TEXTS, Mutator, corpus
from .soap import LONGEST_LISTING, SERVICES, generate
from .target import Kind, Target, require

_SECRET: Final = "secret"
_AT_ONCE: Final = 8
_STEPS_PER_LIFE: Final = 10
_PORT_IN_SEED: Final = b"@PORT@"

# The statuses that this server, or aiohttp below it, may answer with.
_STATUSES: Final = frozenset(
    (200, 400, 403, 404, 405, 408, 411, 412, 413, 417, 500, 503)
)
_STATUS: Final = re.compile(rb"HTTP/[0-9]\.[0-9] ([0-9]{3}) [^\r\n]*\r\n")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
# Of a description, or of a service; and of what aiohttp says of a request that is none.
_LONGEST: Final = max(16_384, LONGEST_LISTING)

# In seconds, of the server's time: longer than it waits for anybody.
_PATIENCE: Final = 60.0

_HERE: Final = (ip_address("127.0.0.1"), ip_address("::1"))
_CLIENTS: Final[tuple[Address, ...]] = tuple(
    each
    for each in (*ADDRESSES, *STRANGERS, *OUTSIDE)
    if each.version == 4 or each.is_loopback
)


class Http(Target):
    """Requests, whole or not, fast or slow, of clients that stay or go."""

    round = 5_000

    def __init__(self, random: Random, mutator: Mutator, port: int) -> None:
        """Open the household; `port` is where clients listen to events."""
        super().__init__(random, mutator)
        self.household = _Household(random)
        broker = self.household.broker
        igd = Igd(broker)
        self._server = IgdServer(
            self.household,
            broker,
            igd,
            Identity(
                seed=UUID(int=1),
                secret=_SECRET,
                boot_id=1,
                about=About(friendly_name="Home", model_number="1"),
            ),
            is_at_home,
            lambda: self.household.now,
        )
        self.household.serve(igd, self._server)
        self._port = port
        self._sids: list[str] = []
        self._steps = 0

    async def begin(self) -> None:
        """Listen on the loopback."""
        await self._server._http.listen(LanAddress(each, 1, "lo") for each in _HERE)

    async def close(self) -> None:
        """Listen no longer."""
        await self._server.close()

    @override
    async def step(self) -> None:
        asked = []
        for _ in range(_AT_ONCE):
            source = self.random.choice(_CLIENTS)
            generated = self.random.random() < 0.5
            request = self._generate(source) if generated else self._mutated()
            manner = self.random.random()
            self.note((source, manner, request))
            asked.append(self._ask(source, request, manner))
        await asyncio.gather(*asked)
        self._steps += 1
        if self._steps % _STEPS_PER_LIFE == 0:
            self.household.live()
            self.household.check()

    @override
    async def rest(self) -> None:
        self.household.rest()
        # Subscriptions last for an hour at most, and who is called has had his time.
        await asyncio.sleep(7_200)
        self._sids.clear()
        require(not self._server._http._door._inside, "connections that never end")

    async def _ask(self, source: Address, request: bytes, manner: float) -> None:
        loop = asyncio.get_running_loop()
        family = socket.AF_INET if source.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            sock.bind((str(source), 0))
            to = _HERE[source.version == 6]
            answer = b""
            try:
                await loop.sock_connect(sock, (str(to), self._server.port))
                if manner < 0.1:  # in pieces
                    middle = len(request) // 2
                    await loop.sock_sendall(sock, request[:middle])
                    await asyncio.sleep(0.01)
                    await loop.sock_sendall(sock, request[middle:])
                else:
                    await loop.sock_sendall(sock, request)
                if manner > 0.95:  # who goes before it is answered
                    return
                if manner > 0.9:
                    sock.shutdown(socket.SHUT_WR)
                answer = await self._read(sock)
            except ConnectionError:
                pass
        self._check(source, answer)

    async def _read(self, sock: socket.socket) -> bytes:
        loop = asyncio.get_running_loop()
        answer = b""
        async with asyncio.timeout(_PATIENCE):
            while received := await loop.sock_recv(sock, 65_536):
                answer += received
                require(len(answer) < 4 * _LONGEST, "an answer without end")
        return answer

    def _check(self, source: Address, answer: bytes) -> None:
        if source in OUTSIDE:
            require(not answer, "an answer to who is not at home")
        answer = answer.removeprefix(_CONTINUE)
        if not answer:
            return
        found = _STATUS.match(answer)
        require(found, f"no HTTP: {answer[:200]!r}")
        assert found
        status = int(found[1])
        require(status in _STATUSES, f"status {status}")
        head, _, body = answer.partition(b"\r\n\r\n")
        require(len(body) <= _LONGEST, f"an answer of {len(body)} bytes")
        require(b"X-Injected" not in head, f"a header of the client: {head!r}")
        if status == 500:
            require(b"<errorCode>" in body, f"an error that is no fault: {answer!r}")
        if sid := re.search(rb"\r\nSID: ([^\r\n]*)", head):
            require(source not in STRANGERS, "somebody unknown has subscribed")
            self._sids.append(sid[1].decode())

    def _mutated(self) -> bytes:
        here = str(self._server.port).encode()
        return self.mutator.bytes().replace(_PORT_IN_SEED, here)

    def _generate(self, source: Address) -> bytes:
        random = self.random
        gateway, service = random.choice(SERVICES)
        paths = Paths(f"/{_SECRET}", gateway.version)
        method, path, body = "GET", paths.description, b""
        headers = {"Host": self._host(source)}
        match random.randrange(10):
            case 0:
                path = random.choice((path, paths.scpd(service), "/", "*", "/secret/"))
            case 1 | 2:
                method, path = "SUBSCRIBE", paths.events(service)
                headers |= self._subscription(source)
            case 3:
                method, path = "UNSUBSCRIBE", paths.events(service)
                headers["SID"] = random.choice((*self._sids[-8:], "uuid:x"))
            case _:
                method, path = "POST", paths.control(service)
                action, body = generate(random, service)
                headers["SOAPAction"] = f'"{service.type}#{action}"'
                headers["Content-Length"] = str(len(body))
        if random.random() < 0.2:
            name, value = random.choice(_SPOILERS)
            headers[name] = value
        if random.random() < 0.02:
            headers["X"] = random.choice(TEXTS).replace("\r\n", "")
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if headers.get("Transfer-Encoding") == "chunked":
            del headers["Transfer-Encoding"]
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body

    def _host(self, source: Address) -> str:
        host = "[::1]" if source.version == 6 else "127.0.0.1"
        return self.random.choice(
            (*[f"{host}:{self._server.port}"] * 20, host, "evil.example.org", "[", "")
        )

    def _subscription(self, source: Address) -> dict[str, str]:
        random = self.random
        if self._sids and random.random() < 0.3:
            return {"SID": random.choice(self._sids[-8:])}
        host = source if random.random() < 0.8 else random.choice(_CLIENTS)
        name = f"[{host}]" if host.version == 6 else str(host)
        port = random.choice((self._port, self._port, 9, 0, 65_536, ""))
        url = f"<http://{name}:{port}/{random.choice(('', 'a?b', 'x' * 600))}>"
        return {
            "CALLBACK": url * random.choice((1, 1, 2, 9)),
            "NT": random.choice(("upnp:event", "upnp:event", "x")),
            "TIMEOUT": random.choice(
                ("Second-60", "Second-infinite", "Second--1", "²")
            ),
        }


_SPOILERS: Final = (
    ("Origin", "null"),
    ("Referer", "http://evil.example.org/"),
    ("Expect", "100-continue"),
    ("Expect", "x"),
    ("Content-Length", "99999999999999999999"),
    ("Content-Length", "17000"),
    ("Content-Length", "-1"),
    ("Content-Length", "5"),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "x"),
    ("Connection", "upgrade"),
    ("Upgrade", "websocket"),
    ("SOAPAction", '"urn:x#AddPortMapping"'),
    ("Cookie", "a=" + "b" * 5_000),
)


class _Household(Household):
    """One of which subscribers hear."""

    def serve(self, igd: Igd, server: IgdServer) -> None:
        """Remember whom to tell of changes."""
        self._igd = igd
        self._server = server

    @override
    async def keep(self, changes: Collection[LeaseChange]) -> None:
        await super().keep(changes)
        self._igd.note_change()
        self._server.note_change()


class _Subscribers(asyncio.Protocol):
    """Whoever is called, at all addresses of this machine: some answer, some do not."""

    def __init__(self, random: Random) -> None:
        self._random = random

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        called, *_ = transport.get_extra_info("sockname")
        # Nobody is called that has not asked for it from there (CallStranger).
        source = ip_address(called)
        require(source in ADDRESSES, f"{source} is called")
        answer = self._random.choice(
            (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\n", b"x" * 9_000, b"")
        )
        transport.write(answer)
        if answer:
            transport.close()
        else:
            asyncio.get_running_loop().call_later(_PATIENCE, transport.abort)


@asynccontextmanager
async def _open(random: Random) -> AsyncIterator[Http]:
    loop = asyncio.get_running_loop()
    chance = Random(random.random())
    heard = await loop.create_server(lambda: _Subscribers(chance), "0.0.0.0", 0)
    port = heard.sockets[0].getsockname()[1]
    heard6 = await loop.create_server(lambda: _Subscribers(chance), "::1", port)
    target = Http(random, Mutator(random, corpus("http")), port)
    await target.begin()
    yield target
    await target.close()
    heard.close()
    heard6.close()


KIND: Final = Kind("http", _open, JumpingLoop)
