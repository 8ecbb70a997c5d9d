"""How often portshare wakes the processor while nothing happens.

Two Home Assistants run side by side, each in a home of its own: one with portshare and
some shares, one without. The difference is ours. Beside the second one runs miniupnpd.

A wake-up of the event loop: it has waited, and goes on. Of a thread: the kernel has
switched to another one because it had nothing to do, and later back.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
import selectors
from typing import override

from demo.home import Home
from tests.independent import miniupnpd

from . import common, hass
from .report import Line, Peer, Section, Target

PER_MINUTE = "a minute"
SHARES = 10

# It announces itself ten times in the first 128 seconds (RFC 6886 section 3.2.1), and the
# kernel tells which devices it has not heard for a while.
CALM_SECONDS = 140.0


class CountingSelector(selectors.EpollSelector):
    """Counts how often it has waited."""

    waited = 0

    @override
    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout)
        self.waited += timeout is None or timeout > 0
        return ready


@dataclass(frozen=True, slots=True)
class WakeUps:
    """In one minute: of the event loop, of all threads, and of miniupnpd."""

    loop: float
    threads: float
    miniupnpd: float = 0.0


def run(*, quick: bool) -> Section:
    """Return all of it."""
    calm, seconds = (10.0, 15.0) if quick else (CALM_SECONDS, 60.0)
    with ThreadPoolExecutor(2) as pool:
        watching = [
            pool.submit(common.alone, _watch, with_portshare, calm, seconds)
            for with_portshare in (True, False)
        ]
        ours, without = (each.result() for each in watching)
    alone = "Home Assistant without portshare"
    of_loop = max(0.0, ours.loop - without.loop)
    of_threads = max(0.0, ours.threads - without.threads)
    peer = Peer("miniupnpd", without.miniupnpd)
    return Section(
        f"Idle, with {SHARES} shares, {calm:g} s after the start: wake-ups",
        [
            Line(
                "of the event loop",
                ours.loop,
                PER_MINUTE,
                peer=Peer(alone, without.loop),
            ),
            Line(
                "of the event loop, by portshare",
                of_loop,
                PER_MINUTE,
                target=None if quick else Target(0),
            ),
            Line(
                "of all threads",
                ours.threads,
                PER_MINUTE,
                peer=Peer(alone, without.threads),
            ),
            Line("of all threads, by portshare", of_threads, PER_MINUTE, peer=peer),
        ],
    )


def _watch(with_portshare: bool, calm: float, seconds: float) -> WakeUps:
    """Return the wake-ups of a Home Assistant of its own."""
    selector = CountingSelector()
    prefix = common.PREFIX if with_portshare else common.PEER_PREFIX
    watch = _ours if with_portshare else _without
    with (
        common.home(prefix) as home,
        asyncio.Runner(
            loop_factory=lambda: asyncio.SelectorEventLoop(selector)
        ) as runner,
    ):
        return runner.run(watch(home, selector, calm, seconds))


async def _ours(
    home: Home, selector: CountingSelector, calm: float, seconds: float
) -> WakeUps:
    async with hass.running(home, most=10, shares=SHARES):
        return await _count(selector, "self", calm, seconds)


async def _without(
    home: Home, selector: CountingSelector, calm: float, seconds: float
) -> WakeUps:
    with miniupnpd.running(home, "-1") as peer:
        async with hass.empty():
            return await _count(selector, str(peer.pid), calm, seconds)


async def _count(
    selector: CountingSelector, peer: str, calm: float, seconds: float
) -> WakeUps:
    """Wait until all is calm, and count."""
    await asyncio.sleep(calm)
    waited, threads, of_peer = selector.waited, _switches("self"), _switches(peer)
    await asyncio.sleep(seconds)
    minutes = seconds / 60
    return WakeUps(
        (selector.waited - waited) / minutes,
        (_switches("self") - threads) / minutes,
        (_switches(peer) - of_peer) / minutes,
    )


def _switches(process: str) -> int:
    """How often the threads of a process have waited so far."""
    return sum(
        int(line.split()[1])
        for status in Path("/proc", process, "task").glob("*/status")
        for line in status.read_text(encoding="ascii").splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )
