"""The self-test's strangers: on the internet nobody gets a word out of our servers."""

import asyncio
from collections.abc import Iterable, Iterator
import contextlib
from dataclasses import dataclass
import functools
import itertools
import select
import socket
import time

from . import calls, netns, pcp, portshare, upnp
from .api import until
from .calls import Caller
from .checks import SILENCE
from .home import INTERNET, LAN, LAN_LINK_LOCAL, WAN, WAN_LINK_LOCAL, Addresses
from .household import PATIENCE, Household
from .netns import Namespace
from .services import GATEWAY_SSH

LISTENS = 0.5
"""Seconds for which a stranger listens. At home an answer takes a few milliseconds."""

PCP_CLIENTS = 5350
PORTS = (upnp.SSDP, PCP_CLIENTS, pcp.PORT)

GROUPS = ("224.0.0.1", "239.255.255.250", "ff02::1", "ff02::c", "ff05::c")
"""Where all hosts of a link hear it, and where those with UPnP do."""

LAN_PREFIX4 = "192.168.178.0/24"

NATPMP_ADDRESS = bytes(2)

WANTED = 6890
NATPMP_MAP = bytes([0, 2, 0, 0, *WANTED.to_bytes(2) * 2, 0, 0, 14, 16])

# Linux: a socket may have any source address, that of somebody else as well.
TRANSPARENT = {
    socket.AF_INET: (socket.IPPROTO_IP, 19),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 75),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A datagram, and where it goes."""

    what: str
    address: str
    port: int
    datagram: bytes

    def __str__(self) -> str:
        """What a person reads."""
        return f"{self.what} to {self.address} port {self.port}"


class Strangers:
    """They ask at every address of the gateway for what only the home may ask."""

    def __init__(self, house: Household) -> None:
        """Look at this household."""
        self.house = house
        self.step = house.step
        self.home = house.demo.home
        self.nas = self.home.devices["nas"]

    async def run(self) -> None:
        """With protection, and without it; before that the same at home."""
        with self._a_way_to_the_lan():
            await self._at_home()
            await self._on_the_internet("Strangers, protection on")
            await self._protect(False)
            await self._on_the_internet("Strangers, protection off")
            await self._forged()
            await self._protect(True)

    async def _at_home(self) -> None:
        """The questions are good ones."""
        async with self.step("The same questions at home") as line:
            source = self.nas.addresses
            addresses = (LAN.ipv4, LAN.ipv6, LAN_LINK_LOCAL)
            asked = _questions(source, addresses)
            answered = await asyncio.to_thread(_ask, self.nas.namespace, source, asked)
            line.saw(
                f"{len(answered)} answers",
                ok={(each.address, each.port) for each in answered}
                == set(itertools.product(addresses, (upnp.SSDP, pcp.PORT))),
            )

    async def _on_the_internet(self, who: str) -> None:
        """No word, and no connection."""
        addresses = (
            *(WAN.ipv4, WAN.ipv6, WAN_LINK_LOCAL),
            *(LAN.ipv4, LAN.ipv6),
            *GROUPS,
        )
        asked = [*_questions(INTERNET, addresses), *_wishes(INTERNET, addresses)]
        async with self.step(f"{who}: {len(asked)} datagrams") as line:
            answered = await asyncio.to_thread(
                _ask, self.home.internet, INTERNET, asked
            )
            line.saw("\n".join(map(str, answered)) or "no answer", ok=not answered)
        ports = self._tcp_ports()
        call = functools.partial(calls.tcp, patience=SILENCE)
        async with self.step(f"{who}: TCP ports of the home") as line:
            answers = await asyncio.gather(
                *(
                    self.house.check.call(call, address, port)
                    for port in ports
                    for address in addresses[:5]
                )
            )
            line.saw(
                f"{', '.join(map(str, ports)) or 'there are none'};"
                f" {sum(each.ok for each in answers)} connections",
                ok=not any(each.ok for each in answers),
            )

    async def _forged(self) -> None:
        """Who pretends to be the nas gets no mapping for it."""
        async with self.step(
            "Wishes with the nas's address, from the internet"
        ) as line:
            await self.house.heard_since()
            addresses = (WAN.ipv4, WAN.ipv6, LAN.ipv4, LAN.ipv6)
            wishes = _wishes(self.nas.addresses, addresses)
            await asyncio.to_thread(
                _ask, self.home.internet, self.nas.addresses, wishes
            )
            told = [each["type"] for each in await self.house.heard_since()]
            line.saw(", ".join(told) or "nothing happens", ok=not told)

    async def _protect(self, protect: bool) -> None:
        """The gateway's own SSH shows whether the firewall guards it."""
        async with self.step(f"The option protect: {protect}", essential=True) as line:
            await self.house.demo.api.flow(
                f"{portshare.ENTRIES}/options/flow",
                {"handler": self.house.demo.entry_id},
                {"init": {"protect": protect}},
            )
            await portshare.wait_until_loaded(
                self.house.demo.api, self.house.demo.entry_id
            )

            async def as_told() -> bool:
                answer = await self.house.check.call(calls.tcp, WAN.ipv4, GATEWAY_SSH)
                return answer.ok is not protect

            await until(as_told, PATIENCE, f"protect {protect}")
            line.saw(f"its SSH {'does not answer' if protect else 'answers'} strangers")

    def _tcp_ports(self) -> list[int]:
        """Those at which the gateway listens for the home: all but its own SSH."""
        listening = self.home.gateway.run("ss", "-Hltn").stdout.splitlines()
        names = [line.split()[3].rpartition(":") for line in listening]
        return sorted(
            {
                int(port)
                for address, _, port in names
                if not address.startswith(("127.", "[::1]"))
                and port != str(GATEWAY_SSH)
            }
        )

    @contextlib.contextmanager
    def _a_way_to_the_lan(self) -> Iterator[None]:
        """Somebody at the provider's sends packets for the home to the gateway."""
        self.home.internet.ip([f"route add {LAN_PREFIX4} via {WAN.ipv4}"])
        try:
            yield
        finally:
            self.home.internet.ip([f"route del {LAN_PREFIX4}"])


def _questions(source: Addresses, addresses: Iterable[str]) -> list[Question]:
    """What changes nothing, to every port at each of these addresses."""
    return [
        Question(what, address, port, datagram)
        for address, port in itertools.product(addresses, PORTS)
        for what, datagram in (
            ("SSDP M-SEARCH", upnp.search("239.255.255.250", "ssdp:all")),
            ("PCP ANNOUNCE", pcp.announce_request(_source(source, address))),
            ("NAT-PMP address", NATPMP_ADDRESS),
        )
    ]


def _wishes(source: Addresses, addresses: Iterable[str]) -> list[Question]:
    """What would map a port."""
    nonce = bytes(12)
    return [
        Question(what, address, pcp.PORT, datagram)
        for address in addresses
        for what, datagram in (
            (
                "PCP MAP",
                pcp.map_request(
                    _source(source, address), nonce, "tcp", WANTED, lifetime=3600
                ),
            ),
            ("NAT-PMP map", NATPMP_MAP),
        )
    ]


def _source(source: Addresses, to: str) -> str:
    return source.ipv6 if ":" in to else source.ipv4


def _ask(
    namespace: Namespace, source: Addresses, questions: Iterable[Question]
) -> list[Question]:
    """Send them all, each from a port of its own; return those that are answered."""
    with contextlib.ExitStack() as closing:
        waiting: dict[int, tuple[socket.socket, Question]] = {}
        poll = select.poll()
        for question in questions:
            sock = closing.enter_context(_sent(namespace, source, question))
            waiting[sock.fileno()] = sock, question
            poll.register(sock, select.POLLIN)
        answered = []
        deadline = time.monotonic() + LISTENS
        while (left := deadline - time.monotonic()) > 0:
            for number, _ in poll.poll(left * 1000):
                sock, question = waiting[number]
                with contextlib.suppress(OSError):  # the gateway's kernel says no
                    sock.recv(2048)
                    answered.append(question)
                    poll.unregister(sock)
    return answered


def _sent(namespace: Namespace, source: Addresses, question: Question) -> socket.socket:
    """A socket that has sent its question, from whatever address it was told."""
    sock = Caller(namespace).open(question.address, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(*TRANSPARENT[sock.family], 1)
    sock.bind((_source(source, question.address), 0))
    where: tuple[str, int] | tuple[str, int, int, int] = question.address, question.port
    if sock.family == socket.AF_INET6:
        with netns.inside(namespace):
            where = *where[:2], 0, socket.if_nametoindex("eth0")
    sock.sendto(question.datagram, where)
    return sock
