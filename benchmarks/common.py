"""What the benchmarks share: a home of their own, and how numbers are told."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
import contextlib
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
import platform
import statistics
from typing import Any

from custom_components.portshare.gateway.gateway import Gateway, remove_tables
from custom_components.portshare.sharing.model import Environment, Family
from demo import netns
from demo.home import LAN_LINK, WAN, WAN_LINK, Home

PREFIX = "psb-"


def environment(*, protect: bool) -> Environment:
    """What the gateway of the home is."""
    return Environment(
        frozenset(Family),
        (IPv4Address(WAN.ipv4),),
        (IPv4Network("192.168.178.0/24"),),
        protect,
    )


@contextlib.asynccontextmanager
async def gateway() -> Any:
    """A gateway, open; its table goes at the end."""
    opened = Gateway([WAN_LINK], [LAN_LINK])
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
        await remove_tables()


@contextlib.contextmanager
def home() -> Iterator[Home]:
    """A home, and this thread in its gateway."""
    with Home(PREFIX) as built, netns.inside(built.gateway):
        yield built


def run(benchmark: Callable[[Home], Coroutine[Any, Any, None]]) -> None:
    """Run a benchmark in a home of its own, having said where that is."""
    print(machine())
    with home() as built:
        asyncio.run(benchmark(built))


def machine() -> str:
    """The kernel and the processor."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    cores = info.count("processor\t:")
    model = next(
        (
            line.partition(":")[2].strip()
            for line in info.splitlines()
            if "name" in line
        ),
        platform.machine(),
    )
    return f"Linux {platform.release()}, {cores} x {model}, {platform.python_version()}"


def milliseconds(times: list[float]) -> str:
    """The median and the slowest of a hundred, of times in seconds."""
    return f"p50 {percentile(times, 50):6.2f} ms   p99 {percentile(times, 99):6.2f} ms"


def percentile(times: list[float], percent: int) -> float:
    """A percentile of times in seconds, in milliseconds."""
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1] * 1000


def target(value: float, least: float, unit: str = "") -> str:
    """How a value does against the most that it should be."""
    verdict = "met" if value <= least else "missed"
    return f"target <= {least:g}{unit}: {verdict}"
