"""What the benchmarks share: a home of their own, its gateway, a process of their own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor
import contextlib
import ctypes
import gc
from ipaddress import IPv4Address, IPv4Network
import multiprocessing
from pathlib import Path
import platform
import resource
import signal
import sys
from typing import Any

from custom_components.portshare.gateway.gateway import Gateway, remove_tables
from custom_components.portshare.sharing.model import (
    Dnat,
    Environment,
    Family,
    PortRange,
    Transport,
)
from demo import netns
from demo.demo import Demo
from demo.doors import Doors
from demo.home import LAN_LINK, WAN, WAN_LINK, Home
from demo.report import Report

PREFIX = "psb-"
PEER_PREFIX = "psm-"
"""How the namespaces of the home begin that a peer has beside ours."""

_PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h


def environment(*, protect: bool) -> Environment:
    """What the gateway of the home is."""
    return Environment(
        frozenset(Family),
        (IPv4Address(WAN.ipv4),),
        (IPv4Network("192.168.178.0/24"),),
        protect,
    )


def mappings(home: Home, size: int, transport: Transport, first: int) -> list[Dnat]:
    """So many mappings to the nas, of one port each from this one on."""
    nas = home.devices["nas"]
    address = IPv4Address(nas.addresses.ipv4)
    return [
        Dnat(transport, PortRange(port, port), nas.mac, address, port)
        for port in range(first, first + size)
    ]


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Gateway]:
    """A gateway, open; its table stays at the end."""
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    await gateway.open()
    try:
        yield gateway
    finally:
        await gateway.close()


@contextlib.asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    """A gateway, open; its table goes at the end."""
    try:
        async with opened() as gateway:
            yield gateway
    finally:
        await remove_tables()


@contextlib.contextmanager
def home(prefix: str = PREFIX) -> Iterator[Home]:
    """A home, and this thread in its gateway."""
    with Home(prefix) as built, netns.inside(built.gateway):
        yield built


def in_home[T](benchmark: Callable[[Home], Coroutine[Any, Any, T]]) -> T:
    """Run a benchmark in a home of its own."""
    with home() as built:
        return asyncio.run(benchmark(built))


@contextlib.asynccontextmanager
async def demo() -> AsyncIterator[Demo]:
    """The demo home with its Home Assistant. What it says is no result."""
    with contextlib.redirect_stdout(sys.stderr):
        async with Demo(Report(), Doors.open(port=None)) as running:
            yield running


def own_process() -> ProcessPoolExecutor:
    """A process with nobody else's memory and threads, which ends with this one."""
    fresh = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, fresh, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Be killed as soon as the thread that has started this process is gone."""
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError("This process would not end with its parent")


def alone[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a process of its own."""
    with own_process() as process:
        return process.submit(function, *args, **kwargs).result()


def memory() -> int:
    """How many bytes of memory this process has, without what is garbage."""
    gc.collect()
    statm = Path("/proc/self/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * resource.getpagesize()


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
    return f"Linux {platform.release()}, {cores} x {model}, Python {platform.python_version()}"
