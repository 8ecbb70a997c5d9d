"""When others have changed something, it is looked at soon, but not all the time."""

import asyncio
from collections.abc import AsyncGenerator, Callable
import errno
from itertools import islice

import pytest

from custom_components.portshare.gateway import lookout
from custom_components.portshare.gateway.errors import NetlinkError
from custom_components.portshare.gateway.lookout import Lookout, pauses

from .traffic import PATIENCE


class Looker:
    """Looks, and remembers it; the first of its looks may be disturbed."""

    def __init__(self) -> None:
        self.lookout = Lookout(self._look)
        self.looks = 0
        self.disturb: Callable[[], None] = lambda: None
        self._looked = asyncio.Event()

    async def _look(self) -> None:
        self.looks += 1
        self._looked.set()
        if self.looks == 1:
            self.disturb()

    async def until(self, looks: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.looks < looks:
                self._looked.clear()
                await self._looked.wait()


@pytest.fixture
async def looker(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Looker]:
    monkeypatch.setattr(lookout, "_SETTLE_SECONDS", 0.001)
    looker = Looker()
    yield looker
    await looker.lookout.close()


async def test_many_changes_at_once_are_one_look(looker: Looker) -> None:
    for _ in range(1000):
        looker.lookout.changed()
    await looker.until(1)
    looker.lookout.changed()
    await looker.until(2)


async def test_what_changes_during_a_look_is_looked_at_as_well(looker: Looker) -> None:
    looker.disturb = looker.lookout.changed
    looker.lookout.changed()
    await looker.until(2)


async def test_a_look_that_fails_is_tried_again(looker: Looker) -> None:
    def fail() -> None:
        raise NetlinkError(errno.EINTR, "the tables kept changing")

    looker.disturb = fail
    looker.lookout.changed()
    await looker.until(2)


async def test_after_a_rest_it_looks_again(looker: Looker) -> None:
    looker.lookout.changed()
    await looker.until(1)
    task = looker.lookout._task
    assert task
    async with asyncio.timeout(PATIENCE):
        await task
    looker.lookout.changed()
    await looker.until(2)


async def test_closed_before_it_has_looked(looker: Looker) -> None:
    await looker.lookout.close()
    looker.lookout.changed()
    await looker.lookout.close()
    assert not looker.looks


def test_as_long_as_changes_go_on_looks_become_rare() -> None:
    first = list(islice(pauses(), 12))
    assert first[:4] == [0.2, 0.4, 0.8, 1.6]
    assert first[-1] == 30
