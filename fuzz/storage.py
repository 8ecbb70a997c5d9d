"""What is stored: files that a newer version, a broken disk or a person has written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
import json
from random import Random
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntryState

from .home_assistant import House, running
from .mutation import Mutator, corpus
from .target import Kind, Target, require


class Storage(Target):
    """Sets the gateway up with files in which something is changed."""

    round = 100

    def __init__(self, random: Random, mutator: Mutator, house: House) -> None:
        """Remember what is stored."""
        super().__init__(random, mutator)
        self._house = house
        self._seeds: list[dict[str, Any]] = [json.loads(each) for each in mutator.seeds]

    @override
    async def step(self) -> None:
        random, house = self.random, self._house
        seed = deepcopy(random.choice(self._seeds))
        name = random.choice(list(seed))
        seed[name] = self.mutator.value(seed[name])
        self.note((name, seed[name]))
        house.stored.clear()
        for key, data in seed.items():
            stored = {"version": 1, "minor_version": 1, "key": key, "data": data}
            house.stored[f"portshare.{house.entry.entry_id}.{key}"] = stored
        await house.set_up()
        entry = house.entry
        if house.is_running:
            house.check()
        else:
            require(
                entry.state is ConfigEntryState.SETUP_ERROR
                and entry.error_reason_translation_key == "storage_unreadable",
                f"{entry.state}: {entry.reason}",
            )
        await house.remove()

    @override
    async def rest(self) -> None:
        require(not self._house.gateway.handles, "a gateway is still open")


@asynccontextmanager
async def _open(random: Random) -> AsyncIterator[Storage]:
    async with running() as house:
        yield Storage(random, Mutator(random, corpus("storage")), house)


KIND: Final = Kind("storage", _open, asyncio.new_event_loop)
