"""Independent port sharing beside Debian's miniupnpd: how many requests, and how soon.

Each has a home of its own, with a real kernel below it, and both are asked in turn by the
same clients, which run in another process. Ours is a running Home Assistant: a request is
answered when the kernel has taken the mapping, and is told to events and entities.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from itertools import batched
from typing import override

from demo.home import WAN_LINK, Home
from tests.independent import miniupnpd

from . import common, hass
from .asking import NAT_PMP, PCP, SOAP, Crowd, Waited, find_control, together
from .report import (
    RATE,
    Line,
    Peer,
    Section,
    Target,
    grouped,
    median,
    percentile,
    timed,
)
from .stalls import Stalls

PEER = "miniupnpd"
COMMANDS = {
    PEER: "miniupnpd -f miniupnpd.conf -P pid -1  (tests/independent/miniupnpd.py)"
}

FIRST_PRESENT = 2_000
# Every crowd has its own ports: what a device has had stays its for two minutes.
FIRST_ASKED = 20_000
STRIDE = 100

# How many times as many requests in a second.
LEAST_RATIOS = {
    PCP: {1: 20, 100: 40, 1_000: 80},
    SOAP: {1: 4, 100: 6, 1_000: 15},
}
MOST_P99 = Target(2.0)
MOST_MEMORY = Target(2.0)
# Ours has many more in the end: what each takes would be lost in a thousand of them.
MANY = 10_000

# Entities are told of what happens in a storm some seconds later.
_CALM_SECONDS = 5.0
# More rules than these nft cannot send at a time, unless it is root of the machine.
_AT_ONCE = 100
# How long it may take miniupnpd to read its rules, in seconds.
_LAST_READING, _READING_EACH = 0.2, 0.0005

type Measured = dict[tuple[str, int], Waited]
"""By protocol, and how many asked at once."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is asked with so many present, of ours and of the peer.

    Each: so many ports are mapped at a time, and then ended, so that there are about as
    many as are said to be present; but one for each client at least. And how often.
    """

    present: int
    ours: tuple[int, int]
    peer: tuple[int, int]
    datagram_clients: tuple[int, ...] = (1, 16, 64)
    soap_clients: tuple[int, ...] = (1, 16)

    def crowds(self) -> Iterator[tuple[str, int]]:
        """Yield by which protocol is asked, and by how many at once."""
        for protocol in (PCP, NAT_PMP):
            for count in self.datagram_clients:
                yield protocol, count
        for count in self.soap_clients:
            yield SOAP, count


QUICK = (
    Amount(1, (32, 3), (16, 2), (1, 16), (1,)),
    Amount(100, (32, 3), (16, 2), (1, 16), (1,)),
    Amount(1_000, (32, 3), (16, 1), (1, 16), (1,)),
)
# In the end miniupnpd takes some tenths of a second for each request.
FULL = (
    Amount(1, (32, 5), (32, 5)),
    Amount(100, (32, 5), (32, 5)),
    Amount(1_000, (32, 5), (32, 3)),
    Amount(MANY, (32, 5), (8, 1), (1, 16), (1,)),
)

_CROWDS = list(FULL[0].crowds())


@dataclass(slots=True)
class Server(ABC):
    """One of the two. `control` is where it speaks UPnP."""

    home: Home
    control: str
    clients: ProcessPoolExecutor
    present: int = 0

    @abstractmethod
    async def fill(self, number: int) -> None:
        """Let there be so many mappings."""

    @abstractmethod
    async def clear(self, crowd: Crowd, ports: range) -> None:
        """Let what this crowd has mapped be gone."""

    async def measure(self, amount: Amount, at_once: int, times: int) -> Measured:
        """Return how long mapping takes."""
        measured = {}
        for protocol, count in amount.crowds():
            crowd = self.crowd(protocol, count)
            first = FIRST_ASKED + _CROWDS.index((protocol, count)) * STRIDE
            ports = range(first, first + max(at_once, count))
            rounds = []
            for _ in range(times):
                rounds.append(await self.ask(crowd, ports))
                await self.clear(crowd, ports)
            measured[protocol, count] = together(rounds)
        return measured

    def crowd(self, protocol: str, count: int) -> Crowd:
        """So many who ask by this protocol."""
        return Crowd(tuple(self.home.devices.values()), count, protocol, self.control)

    async def ask(self, crowd: Crowd, ports: range, *, end: bool = False) -> Waited:
        """Let a crowd ask for ports or for their end, from another process."""
        return await asyncio.wrap_future(self.clients.submit(crowd.ask, ports, end=end))


class Ours(Server):
    """The Home Assistant in this process."""

    @override
    async def fill(self, number: int) -> None:
        ports = range(FIRST_PRESENT + self.present, FIRST_PRESENT + number)
        await self.ask(self.crowd(PCP, 1), ports)
        self.present = number

    @override
    async def clear(self, crowd: Crowd, ports: range) -> None:
        await self.ask(crowd, ports, end=True)


class Miniupnpd(Server):
    """The other one.

    It keeps its mappings in the kernel only, as two rules each, and reads all of them for
    each request. So rules are put there and taken away, which takes less time than asking.
    """

    @override
    async def fill(self, number: int) -> None:
        # It reads them once more after its last answer. If they change while it does so,
        # its socket is of no use any more, and it refuses whatever is asked.
        await asyncio.sleep(_LAST_READING + self.present * _READING_EACH)
        await asyncio.to_thread(self._fill, number)
        self.present = number

    def _fill(self, number: int) -> None:
        nas = self.home.devices["nas"].addresses.ipv4
        packed = int(IPv4Address(nas))
        run = self.home.gateway.run
        for chain in ("called", "forwarded"):
            run("nft", "flush", "chain", "inet", "miniupnpd", chain)
        ports = range(FIRST_PRESENT, FIRST_PRESENT + number)
        for some in batched(ports, _AT_ONCE, strict=False):
            rules = "".join(
                f'add rule inet miniupnpd called iif "{WAN_LINK}" meta l4proto tcp'
                f" th dport {port} dnat ip to {nas}:{port}\n"
                f'add rule inet miniupnpd forwarded iif "{WAN_LINK}" th dport {port}'
                f" @nh,128,32 {packed:#x} @nh,72,8 0x6 accept\n"
                for port in some
            )
            run("nft", "-f", "-", stdin=rules)

    @override
    async def clear(self, crowd: Crowd, ports: range) -> None:
        await self.fill(self.present)


def run(*, quick: bool) -> Section:
    """Return all of it."""
    return Section(
        f"Independent port sharing, beside {PEER}",
        common.in_home(partial(_benchmark, amounts=QUICK if quick else FULL)),
        COMMANDS,
    )


async def _benchmark(home: Home, amounts: tuple[Amount, ...]) -> list[Line]:
    lines: list[Line] = []
    with (
        Home(common.PEER_PREFIX) as other_home,
        miniupnpd.running(other_home, "-1"),
        common.own_process() as clients,
    ):
        control = find_control(other_home.devices["nas"])
        peer = Miniupnpd(other_home, control, clients)
        async with hass.running(home, most=2 * MANY):
            control = await asyncio.to_thread(find_control, home.devices["nas"])
            ours = Ours(home, control, clients)
            stalls = Stalls()
            for amount in amounts:
                if amount.present == MANY:
                    lines.append(await _memory(ours))
                for server in (ours, peer):
                    await server.fill(amount.present)
                lines += _compare(
                    amount,
                    await ours.measure(amount, *amount.ours),
                    await peer.measure(amount, *amount.peer),
                )
            stalls.stop()
    return [*grouped(lines), *stalls.lines("in all of that")]


def _compare(amount: Amount, ours: Measured, peer: Measured) -> Iterator[Line]:
    """Yield what both have said."""
    size = amount.present
    for (protocol, count), waited in ours.items():
        theirs = peer[protocol, count]
        least = LEAST_RATIOS.get(protocol, {}).get(size)
        yield Line(
            f"{protocol}, {count} at once",
            waited.rate,
            RATE,
            size,
            peer=Peer(PEER, theirs.rate),
            target=Target(least, of_ratio=True) if least else None,
        )
        if count == 1:
            what = f"{protocol}: waiting for the answer"
            answer = Peer(PEER, median(theirs.times))
            yield timed(what, waited.times, size=size, peer=answer)
        if (protocol, count) == (PCP, 1):
            p99, of_peer = (percentile(each.times, 99) for each in (waited, theirs))
            what = f"{protocol}: the longest wait of a hundred"
            yield Line(what, p99, "ms", size, peer=Peer(PEER, of_peer), target=MOST_P99)


async def _memory(server: Server) -> Line:
    """Return what each mapping takes, up to many."""
    before, present = await _memory_when_calm(), server.present
    await server.fill(MANY)
    used = await _memory_when_calm() - before
    each = used / (MANY - present) / 1000
    return Line("memory of a mapping", each, "kB", target=MOST_MEMORY)


async def _memory_when_calm() -> int:
    """Return how many bytes of memory this process has."""
    await asyncio.sleep(_CALM_SECONDS)
    return common.memory()
