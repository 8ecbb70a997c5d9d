"""What PCP and NAT-PMP have in common: the server that answers their datagrams."""

from abc import abstractmethod
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from random import Random
from typing import Any, override

from custom_components.portshare.independent.port_control import Address, PortControl
from custom_components.portshare.independent.port_control_server import (
    PortControlServer,
    _Endpoint,
)

from .household import EVERYBODY, OUTSIDE, Household, is_at_home
from .mutation import Mutator, corpus
from .target import Target, require

_AT_ONCE = 20
_STEPS_PER_CHECK = 10


class _Wire(asyncio.DatagramTransport):
    """Keeps what is sent, by the address and port that it is sent to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[tuple[str, int], list[bytes]] = {}

    @override
    def sendto(self, data: Any, addr: Any = None) -> None:
        self.sent.setdefault(addr[:2], []).append(bytes(data))

    @override
    def is_closing(self) -> bool:
        return False


class Datagrams(Target):
    """Asks the server of a household, which is below its sockets as it is."""

    round = 50_000

    def __init__(self, random: Random, mutator: Mutator) -> None:
        """Open the household."""
        super().__init__(random, mutator)
        self.household = Household(random)
        control = PortControl(
            self.household.broker, self.household, lambda: self.household.now
        )
        self._server = PortControlServer(control, is_at_home)
        self._wire = _Wire()
        self._endpoint = _Endpoint(self._server._received)
        self._endpoint.connection_made(self._wire)
        self._steps = 0

    @abstractmethod
    def generate(self, source: Address) -> bytes:
        """Return a request that makes sense from an address."""

    @abstractmethod
    def check_answer(self, source: Address, request: bytes, answer: bytes) -> None:
        """Raise a Violation if something is wrong with an answer."""

    @override
    async def step(self) -> None:
        asked: dict[tuple[str, int], tuple[Address, bytes]] = {}
        for number in range(_AT_ONCE):
            source = self.random.choice(EVERYBODY)
            generated = self.random.random() < 0.4
            datagram = self.generate(source) if generated else self.mutator.bytes()
            peer = (str(source), 1024 + number)
            asked[peer] = source, datagram
            self.note((peer, datagram))
            self._endpoint.datagram_received(datagram, peer)
        while self._server._under_way:
            await asyncio.sleep(0)
        for peer, answers in self._wire.sent.items():
            source, request = asked[peer]
            require(len(answers) == 1, "more than one answer")
            require(source not in OUTSIDE, "an answer to who is not at home")
            require(
                len(request) >= 2 and not request[1] & 0x80,
                "an answer to what is no request",
            )
            self.check_answer(source, request, answers[0])
        self._wire.sent.clear()
        self._steps += 1
        if self._steps % _STEPS_PER_CHECK == 0:
            self.household.live()
            self.household.check()

    @override
    async def rest(self) -> None:
        self.household.rest()
        self.household.check()

    async def close(self) -> None:
        """Close the server."""
        await self._server.close()


def opening(
    name: str, target: Callable[[Random, Mutator], Datagrams]
) -> Callable[[Random], Any]:
    """Return what opens a target with the seeds of this name."""

    @asynccontextmanager
    async def open_(random: Random) -> AsyncIterator[Datagrams]:
        opened = target(random, Mutator(random, corpus(name)))
        yield opened
        await opened.close()

    return open_


def some_address(random: Random) -> Address:
    """Return an address of somebody, or of nobody."""
    if random.random() < 0.7:
        return random.choice(EVERYBODY)
    return ip_address(random.randbytes(random.choice((4, 16))))


def some_port(random: Random) -> int:
    """Return a port: often one of a few, so that they meet."""
    if random.random() < 0.7:
        return random.choice((0, 1, 80, 1900, 5350, 5351, 6881, 6882, 8080, 8123))
    return random.randrange(65_536)


def some_seconds(random: Random) -> int:
    """Return a lifetime."""
    return random.choice((0, 1, 60, 120, 3600, 86_400, 604_801, 2**32 - 1))
