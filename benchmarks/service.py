"""How long it takes from a service call in a running Home Assistant.

The demo home with its Home Assistant; protection is off, so that the gateway's own closed
port answers at once. The clock starts before the call is sent over the websocket; it
stops when a caller on the internet has connected, or has been refused.
"""

import asyncio
import time

from demo import calls, portshare
from demo.calls import Caller
from demo.demo import Demo
from demo.home import WAN

from . import common
from .report import Line, Section, Target, timed

EXTERNAL_PORT = 8080
TARGET = Target(10.0)


def run(*, quick: bool) -> Section:
    """Return all of it."""
    return Section(
        "Switching a share, from the service call",
        asyncio.run(_benchmark(rounds=50 if quick else 300)),
    )


async def _benchmark(rounds: int) -> list[Line]:
    async with common.demo() as demo:
        await demo.api.flow(
            f"{portshare.ENTRIES}/options/flow",
            {"handler": demo.entry_id},
            {"init": {"protect": False}},
        )
        await portshare.wait_until_loaded(demo.api, demo.entry_id)
        times = await _measure(demo, rounds)
    return [timed(what, each, target=TARGET) for what, each in times.items()]


async def _measure(demo: Demo, rounds: int) -> dict[str, list[float]]:
    """Turn the switch of the web server off and on, and call after each."""
    websocket = await demo.api.websocket()
    switch = await portshare.switch_of(websocket, "nas", "Web server")
    caller = Caller(demo.home.internet)
    times: dict[str, list[float]] = {}

    async def turn(what: str, *, connects: bool) -> None:
        began = time.perf_counter()
        await websocket.service("switch", what, {"entity_id": switch})
        returned = time.perf_counter()
        while _is_open(caller) is not connects:
            pass
        seen = time.perf_counter()
        end = "first connect" if connects else "first refused"
        times.setdefault(f"switch.{what} returns", []).append(returned - began)
        times.setdefault(f"switch.{what} -> {end}", []).append(seen - began)

    for _ in range(rounds):
        await turn("turn_off", connects=False)
        await turn("turn_on", connects=True)
    await websocket.close()
    return times


def _is_open(caller: Caller) -> bool:
    """Call once."""
    try:
        caller.connect(WAN.ipv4, EXTERNAL_PORT, calls.PATIENCE).close()
    except OSError:
        return False
    return True
