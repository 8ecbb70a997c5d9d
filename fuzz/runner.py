"""Runs a target until it is over, or until something happens that must not."""

import asyncio
from dataclasses import dataclass
import gc
import logging
from pathlib import Path
from random import Random
import sys
import time
import traceback
from typing import Any, Final, override

from homeassistant.exceptions import HomeAssistantError

from .target import Kind, Target, require

_OURS: Final = ("custom_components.portshare", "asyncio")
FOUND: Final = Path(__file__).parent / "found"

# What is allocated by the end of a round in which all has come to rest: it is compared
# with that after the first rounds, in which caches fill.
_WARM_UP_ROUNDS: Final = 2
_MOST_BLOCKS: Final = 5_000


@dataclass(slots=True)
class Report:
    """How it went. Memory is in bytes; blocks are what Python has allocated."""

    name: str
    count: int = 0
    seconds: float = 0.0
    memory: tuple[int, int] = (0, 0)
    blocks: tuple[int, int] = (0, 0)
    found: Path | None = None

    @override
    def __str__(self) -> str:
        """Tell it in a line."""
        before, after = (each / 2**20 for each in self.memory)
        told = f"{self.name:10} {self.count:10,} inputs in {self.seconds:6.1f} s,"
        told += f" {before:.1f} -> {after:.1f} MB,"
        told += f" {self.blocks[1] - self.blocks[0]:+,} blocks"
        return f"{told}: {f'FOUND, see {self.found}' if self.found else 'nothing'}"


class _Listener(logging.Handler):
    """Keeps the first error that is logged, by us or about us.

    Home Assistant logs errors of users, too, but with no exception that it did not expect.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: str | None = None

    @override
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            counts = record.name.startswith(_OURS)
        else:
            counts = not isinstance(error, HomeAssistantError)
        if counts and self.heard is None:
            self.heard = self.format(record)


def run(kind: Kind, seed: int, *, most: int | None, seconds: float | None) -> Report:
    """Fuzz until there were so many inputs, or so much time is over."""
    report = Report(kind.name)
    listener = _Listener()
    logging.getLogger().addHandler(listener)
    began = time.monotonic()

    def is_over(count: int) -> bool:
        return (most is not None and count >= most) or (
            seconds is not None and time.monotonic() - began >= seconds
        )

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(_complain(listener))
        async with kind.open(Random(f"{seed} {kind.name}")) as target:
            try:
                await _fuzz(target, listener, report, is_over)
            except Exception:  # noqa: BLE001  it is what we look for
                report.count = target.count
                report.found = _write(kind.name, seed, target)

    try:
        with asyncio.Runner(loop_factory=kind.loop) as runner:
            runner.run(main())
    finally:
        logging.getLogger().removeHandler(listener)
    report.seconds = time.monotonic() - began
    return report


async def _fuzz(
    target: Target, listener: _Listener, report: Report, is_over: Any
) -> None:
    tasks = asyncio.all_tasks()
    rounds = 0
    while not is_over(target.count):
        end = target.count + target.round
        while target.count < end and not is_over(target.count):
            await target.step()
            require(listener.heard is None, f"an error was logged:\n{listener.heard}")
        await target.rest()
        left = asyncio.all_tasks() - tasks
        require(not left, f"tasks are left: {left}")
        gc.collect()
        require(listener.heard is None, f"an error was logged:\n{listener.heard}")
        report.count = target.count
        now = sys.getallocatedblocks()
        rounds += 1
        if rounds <= _WARM_UP_ROUNDS:
            report.blocks, report.memory = (now, now), (memory(), memory())
        report.blocks = report.blocks[0], now
        report.memory = report.memory[0], memory()
        grown = now - report.blocks[0]
        require(grown < _MOST_BLOCKS, f"memory grows: by {grown} blocks")


def _complain(listener: _Listener) -> Any:
    def complain(_: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        told = "".join(traceback.format_exception(error)) if error else ""
        if listener.heard is None:
            listener.heard = f"{context['message']}\n{told}"

    return complain


def _write(name: str, seed: int, target: Target) -> Path:
    """Write down what was found, and how to find it again."""
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{name}-{seed}.txt"
    inputs = "\n".join(map(repr, target.last))
    path.write_text(
        f"Again: scripts/fuzz --seed {seed} --count {target.count} {name}\n\n"
        f"{traceback.format_exc()}\nThe last inputs, the newest at the end:\n{inputs}\n"
    )
    return path


def memory() -> int:
    """Return how many bytes of memory this process has."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096
