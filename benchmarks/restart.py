"""What a running download loses when portshare or Home Assistant starts again.

In the demo home: a caller on the internet downloads from the nas over each IP version,
and looks at every byte.
"""

import asyncio
from collections.abc import Awaitable, Callable
import time

from demo import portshare
from demo.calls import Caller, Download
from demo.checks import WEB, Checks
from demo.demo import Demo

from . import common
from .report import Line, Section, Target

RATE = 2_000_000
_PATIENCE = 5.0


def run(*, quick: bool) -> Section:
    """Return all of it; it is the same for a quick run."""
    del quick
    return Section(
        "A running download while something starts again", asyncio.run(_benchmark())
    )


async def _benchmark() -> list[Line]:
    async with common.demo() as demo:

        async def reload() -> None:
            entry = f"{portshare.ENTRIES}/entry/{demo.entry_id}"
            await demo.api.post(f"{entry}/reload", {})

        async def restart() -> None:
            await demo.hass.stop()
            await demo.start_home_assistant()

        async def start_after_kill() -> None:
            await demo.hass.kill()
            await demo.start_home_assistant()

        again = {
            "the entry is reloaded": reload,
            "Home Assistant is restarted": restart,
            "Home Assistant is killed and started": start_after_kill,
        }
        return [
            line
            for what, do in again.items()
            for line in await _downloads(demo, what, do)
        ]


async def _downloads(
    demo: Demo, what: str, do: Callable[[], Awaitable[None]]
) -> list[Line]:
    """Download over each IP version until it is done, and a second more."""
    caller = Caller(demo.home.internet)
    began = time.perf_counter()
    downloads = [
        Download(caller, address, port, size=10**9, rate=RATE)
        for _, address, port in Checks(demo.home, demo.report).doors(WEB)
    ]
    for download in downloads:
        await asyncio.to_thread(download.wait_until, RATE // 4, _PATIENCE)
    await do()
    await portshare.wait_until_loaded(demo.api, demo.entry_id)
    lost = 0
    for download in downloads:
        more = download.received + RATE
        if not await asyncio.to_thread(download.wait_until, more, _PATIENCE):
            sent = round(RATE * (time.perf_counter() - began))
            lost += max(1, sent - download.received)
        await asyncio.to_thread(download.leave)
    received = sum(download.received for download in downloads)
    pause = max(download.longest_pause for download in downloads)
    return [
        Line(f"{what}: bytes lost of {received:,}", lost, "", target=Target(0)),
        Line(f"{what}: longest pause", pause * 1000, "ms"),
    ]
