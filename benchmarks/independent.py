"""Independent port sharing beside Debian's miniupnpd: how many requests, and how soon.

    apt-get install miniupnpd-nftables
    .venv/run/bin/python -m benchmarks.independent

Each has a home of its own, with a real kernel below it, and both are asked in turn by the
same clients, which run in another process. Ours is a running Home Assistant: a request is
answered when the kernel has taken the mapping, and is told to events and entities.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
import gc
from pathlib import Path
import resource
import time

from demo.home import Home
from tests.independent import miniupnpd

from . import common, hass
from .asking import Crowd, Waited, find_control, together

PEER_PREFIX = "psm-"
PRESENT = (1, 100, 1_000)
AT_ONCE = {"PCP": (1, 16, 64), "SOAP": (1, 16)}
# So many more are mapped at a time, and then ended, so that there are about as many as
# are said to be present; but one for each client at least.
EACH = 32
ROUNDS = 5
# Ours has many more in the end: what each takes would be lost in a thousand of them.
MANY = 10_000

FIRST_PRESENT = 2_000
# Every crowd has its own ports: what a device has had stays its for two minutes.
FIRST_ASKED = 20_000
STRIDE = 100

# How many times as many requests in a second, with so many mappings present.
LEAST_RATIOS = {"PCP": (20, 40, 80), "SOAP": (4, 6, 15)}
MOST_P99_MS = 2.0
MOST_BYTES = 2_000
MOST_STALL_MS = 25.0

_TICK_SECONDS = 0.002
# Entities are told of what happens in a storm some seconds later.
_CALM_SECONDS = 5.0

type Measured = dict[tuple[str, int], Waited]
"""By protocol, and how many asked at once."""


@dataclass(slots=True)
class Server:
    """One of the two. `control` is where it speaks UPnP."""

    home: Home
    control: str
    process: str
    present: int = 0

    def crowds(self) -> Iterator[tuple[str, Crowd]]:
        """Yield who asks, by which protocol."""
        devices = tuple(self.home.devices.values())
        for protocol, control in (("PCP", None), ("SOAP", self.control)):
            for count in AT_ONCE[protocol]:
                yield protocol, Crowd(devices, count, control)

    def memory(self) -> int:
        """Return how many bytes of memory the process has."""
        statm = Path("/proc", self.process, "statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * resource.getpagesize()


class Clients:
    """Who asks, in a process of its own."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        """Remember the process."""
        self._pool = pool

    async def fill(self, server: Server, number: int) -> None:
        """Let there be so many mappings."""
        ports = range(FIRST_PRESENT + server.present, FIRST_PRESENT + number)
        await self._ask(Crowd(tuple(server.home.devices.values()), 1), ports)
        server.present = number

    async def measure(self, server: Server) -> Measured:
        """Return how long mapping takes."""
        measured = {}
        for number, (protocol, crowd) in enumerate(server.crowds()):
            first = FIRST_ASKED + number * STRIDE
            ports = range(first, first + max(EACH, crowd.count))
            rounds = []
            for _ in range(ROUNDS):
                rounds.append(await self._ask(crowd, ports))
                await self._ask(crowd, ports, end=True)
            measured[protocol, crowd.count] = together(rounds)
        return measured

    async def _ask(self, crowd: Crowd, ports: range, *, end: bool = False) -> Waited:
        return await asyncio.wrap_future(self._pool.submit(crowd.ask, ports, end=end))


class Stalls:
    """Sees how long the event loop does not come to what is due, in seconds.

    `busiest` is how much of that its thread has worked: other programs on the machine
    can keep it waiting, too. When Python looks for garbage in all of Home Assistant, that
    is no doing of ours, and counts for neither.
    """

    def __init__(self) -> None:
        """Begin."""
        self.longest = 0.0
        self.busiest = 0.0
        self._loop = asyncio.get_running_loop()
        self._collected = 0.0
        gc.callbacks.append(self._collect)
        self._worked = time.thread_time()
        self._look(self._loop.time())

    def _collect(self, phase: str, _: dict[str, int]) -> None:
        sign = -1 if phase == "start" else 1
        self._collected += sign * time.perf_counter()

    def _look(self, due: float) -> None:
        now, worked = self._loop.time(), time.thread_time()
        late = now - due - self._collected
        self.longest = max(self.longest, late)
        self.busiest = max(self.busiest, min(late, worked - self._worked))
        self._collected, self._worked = 0.0, worked
        following = now + _TICK_SECONDS
        self._timer = self._loop.call_at(following, self._look, following)

    def stop(self) -> None:
        """End."""
        self._timer.cancel()
        gc.callbacks.remove(self._collect)


def tell(number: int, ours: Measured, peer: Measured) -> None:
    """Print what both have said with so many mappings present."""
    print(f"\n{number:,} present        ours  miniupnpd  ratio")
    for (protocol, count), waited in ours.items():
        other = peer[protocol, count]
        ratio = waited.rate / other.rate
        least = LEAST_RATIOS[protocol][PRESENT.index(number)]
        verdict = "met" if ratio >= least else "missed"
        print(
            f"  {protocol:4} {count:2} at once {waited.rate:6.0f}/s {other.rate:7.0f}/s"
            f" {ratio:6.1f}x   target >= {least}x: {verdict}"
        )
        p99 = common.percentile(waited.times, 99)
        alone = count == 1
        told = common.target(p99, MOST_P99_MS, " ms") if alone else ""
        print(f"      ours      {common.milliseconds(waited.times)}   {told}")
        print(f"      miniupnpd {common.milliseconds(other.times)}")


async def measure_memory(clients: Clients, server: Server, most: int) -> float:
    """Return what each mapping takes, in bytes, up to so many."""
    await asyncio.sleep(_CALM_SECONDS)
    gc.collect()
    memory, present = server.memory(), server.present
    await clients.fill(server, most)
    await asyncio.sleep(_CALM_SECONDS)
    gc.collect()
    return (server.memory() - memory) / (most - present)


async def main(home: Home) -> None:
    """Print all of it beside the targets."""
    nas = home.devices["nas"]
    with (
        Home(PEER_PREFIX) as other_home,
        miniupnpd.running(other_home, "-1") as peer_process,
        ProcessPoolExecutor(1) as pool,
    ):
        clients = Clients(pool)
        peer = Server(
            other_home, find_control(other_home.devices["nas"]), str(peer_process.pid)
        )
        empty = peer.memory()
        async with hass.running(home, most=2 * MANY):
            control = await asyncio.to_thread(find_control, nas)
            ours = Server(home, control, "self")
            stalls = Stalls()
            for number in PRESENT:
                for server in (ours, peer):
                    await clients.fill(server, number)
                tell(number, await clients.measure(ours), await clients.measure(peer))
            stalls.stop()
            for what, stall in (
                ("longest stall of the event loop", stalls.longest),
                ("of which it worked, at most", stalls.busiest),
            ):
                told = common.target(stall * 1_000, MOST_STALL_MS, " ms")
                print(f"{what:32} {stall * 1_000:5.1f} ms   {told}")
            of_peer = (peer.memory() - empty) / peer.present
            of_ours = await measure_memory(clients, ours, MANY)
            told = common.target(of_ours, MOST_BYTES)
            print(
                f"memory of a mapping: ours {of_ours:,.0f} bytes (up to {MANY:,}),"
                f" miniupnpd {of_peer:,.0f}   {told}"
            )


if __name__ == "__main__":
    common.run(main)
