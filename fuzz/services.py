"""The services of Home Assistant: what scripts and automations may call them with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from random import Random
from typing import Any, Final, override

import voluptuous as vol

from custom_components.portshare.const import DOMAIN
from homeassistant.core import SupportsResponse
from homeassistant.exceptions import HomeAssistantError

from .home_assistant import WEB, House, running
from .mutation import Mutator, corpus
from .target import Kind, Target

_STEPS_PER_ROUND: Final = 400
# A device more, whose MAC address is written in all ways that people know.
_MACS: Final = (
    "02:00:5e:00:00:21",
    "02-00-5E-00-00-22",
    "02005e000023",
    "01:00:5e:0:0:1",
)


class Services(Target):
    """Calls with data that is nearly right, or not at all."""

    round = _STEPS_PER_ROUND

    def __init__(self, random: Random, mutator: Mutator, house: House) -> None:
        """Remember whom to call."""
        super().__init__(random, mutator)
        self._house = house
        self._seeds = [json.loads(each) for each in mutator.seeds]

    @override
    async def step(self) -> None:
        random, hass = self.random, self._house.hass
        await self._house.begin()
        seed = random.choice(self._seeds)
        name, data = seed["service"], dict(seed["data"])
        for key, choices in (("share_id", self._share_ids()), ("mac", _MACS)):
            if key in data:
                data[key] = random.choice(choices)
        for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
            data = self.mutator.value(data)
        self.note((name, data))
        supports = hass.services.supports_response(DOMAIN, name)
        try:
            await hass.services.async_call(
                DOMAIN,
                name,
                data if isinstance(data, dict) else {"data": data},
                blocking=True,
                return_response=supports is not SupportsResponse.NONE,
            )
        except vol.Invalid, OverflowError:
            pass  # OverflowError is of `cv.time_period`, for which 1e300 is too much
        except HomeAssistantError as err:
            self._house.check_error(err)
        await self._house.settle()
        self._house.check()

    @override
    async def rest(self) -> None:
        await self._house.remove()

    def _share_ids(self) -> tuple[str, ...]:
        shares: dict[str, Any] = {}
        for each in self._house.entry.subentries.values():
            shares |= each.data["shares"]
        return (WEB, "", *list(shares)[-8:])


@asynccontextmanager
async def _open(random: Random) -> AsyncIterator[Services]:
    async with running() as house:
        yield Services(random, Mutator(random, corpus("services")), house)


KIND: Final = Kind("services", _open, asyncio.new_event_loop)
