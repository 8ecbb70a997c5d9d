"""A running Home Assistant with few shares and many: one change, start-up, memory.

The entry is set up as at a start: entities are known, and the table is there. One change
is what a switch does, until the kernel has it and it is stored; the event loop is watched
until all of what follows has been done.
"""

import asyncio
from functools import partial
import time

from custom_components.portshare.coordinator import PortShareCoordinator
from custom_components.portshare.events import Cause
from custom_components.portshare.shares import async_update_share
from custom_components.portshare.sharing.model import Status
from demo.home import Home

from . import common, hass
from .report import Line, Section, Target, grouped, timed
from .stalls import TARGET, Stalls

SIZES = (1, 100, 1_000, 10_000)
# The targets are for so many, and for fewer.
MANY = 1_000
MOST_OF_CHANGE = Target(20.0)
MOST_OF_SET_UP = Target(1_000.0)

# Storing and telling come some seconds after a change.
_CALM_SECONDS = 3.0
_BETWEEN_SECONDS = 0.02


def run(*, quick: bool) -> Section:
    """Return all of it. Each size has its own Home Assistant, in a process of its own."""
    changes = 20 if quick else 50
    sizes = SIZES[:3] if quick else SIZES
    measured = [common.alone(_with, size, changes) for size in sizes]
    memory = [
        Line("memory of 1,000 of them", (used - measured[0][1]) / size, "MB", size)
        for size, (_, used) in zip(sizes, measured, strict=True)
        if size >= MANY
    ]
    lines = [line for each, _ in measured for line in each]
    return Section("Home Assistant with many shares", [*grouped(lines), *memory])


def _with(size: int, changes: int) -> tuple[list[Line], float]:
    return common.in_home(partial(_measure, size=size, changes=changes))


async def _measure(home: Home, size: int, changes: int) -> tuple[list[Line], float]:
    """Return the lines with so many shares, and the memory of all in kB."""
    many = size > MANY
    async with hass.running(home, most=10, shares=size) as running:
        coordinator = running.entry.runtime_data
        _must_be_active(coordinator, size)
        await asyncio.sleep(_CALM_SECONDS)
        used = common.memory() / 1000
        lines = await _changes(coordinator, size, changes)
        entries = running.hass.config_entries
        await entries.async_unload(running.entry.entry_id)
        stalls = Stalls()
        began = time.perf_counter()
        await entries.async_setup(running.entry.entry_id)
        took = time.perf_counter() - began
        stalls.stop()
        target = None if many else MOST_OF_SET_UP
        lines += [
            Line("set-up of the entry", took * 1000, "ms", size, target=target),
            Line("set-up, all of it new", running.set_up * 1000, "ms", size),
            *stalls.lines("in set-up", size, None if many else TARGET),
        ]
    return lines, used


def _must_be_active(coordinator: PortShareCoordinator, size: int) -> None:
    """Measuring anything else would be of no use."""
    states = coordinator.latest.shares.values()
    active = sum(state.status is Status.ACTIVE for state in states)
    if active != size:
        raise RuntimeError(f"{active} of {size} shares are active")


async def _changes(
    coordinator: PortShareCoordinator, size: int, changes: int
) -> list[Line]:
    """Switch one share off and on."""
    share_id = next(iter(coordinator.configuration.shares))
    times = []
    stalls = Stalls()
    for number in range(changes):
        began = time.perf_counter()
        fields = {"enabled": bool(number % 2)}
        await async_update_share(coordinator, share_id, fields, Cause())
        times.append(time.perf_counter() - began)
        await asyncio.sleep(_BETWEEN_SECONDS)
    await asyncio.sleep(_CALM_SECONDS)
    stalls.stop()
    return [
        timed(
            "one change",
            times,
            size=size,
            target=MOST_OF_CHANGE if size <= MANY else None,
        ),
        *stalls.lines("in changes", size, TARGET if size <= MANY else None),
    ]
