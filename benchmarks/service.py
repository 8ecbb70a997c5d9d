"""How long it takes from a service call in a running Home Assistant.

    .venv/run/bin/python -m benchmarks.service

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
from demo.report import Report

from . import common

ROUNDS = 300
EXTERNAL_PORT = 8080
TARGET_MS = 10.0


def is_open(caller: Caller) -> bool:
    """Call once."""
    try:
        caller.connect(WAN.ipv4, EXTERNAL_PORT, calls.PATIENCE).close()
    except OSError:
        return False
    return True


async def measure(demo: Demo) -> dict[str, list[float]]:
    """Turn the switch of the web server off and on, and call after each."""
    websocket = await demo.api.websocket()
    switch = await portshare.switch_of(websocket, "nas", "Web server")
    caller = Caller(demo.home.internet)
    times: dict[str, list[float]] = {}

    async def turn(what: str, *, connects: bool) -> None:
        began = time.perf_counter()
        await websocket.service("switch", what, {"entity_id": switch})
        returned = time.perf_counter()
        while is_open(caller) is not connects:
            pass
        seen = "first connect" if connects else "first refused"
        times.setdefault(f"switch.{what} returns", []).append(returned - began)
        times.setdefault(f"switch.{what} -> {seen}", []).append(
            time.perf_counter() - began
        )

    for _ in range(ROUNDS):
        await turn("turn_off", connects=False)
        await turn("turn_on", connects=True)
    await websocket.close()
    return times


async def main() -> None:
    """Print all of it beside the targets."""
    print(common.machine())
    async with Demo(Report()) as demo:
        await demo.api.flow(
            f"{portshare.ENTRIES}/options/flow",
            {"handler": demo.entry_id},
            {"init": {"protect": False}},
        )
        await portshare.wait_until_loaded(demo.api, demo.entry_id)
        for what, values in (await measure(demo)).items():
            p50 = common.percentile(values, 50)
            told = common.target(p50, TARGET_MS, " ms")
            print(f"  {what:34} {common.milliseconds(values)}   {told}")


if __name__ == "__main__":
    asyncio.run(main())
