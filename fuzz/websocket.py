"""The commands of our page: what a browser, or who pretends to be one, may send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
import json
import logging
from random import Random
from typing import Any, Final, override

from homeassistant.auth.models import User
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.components.websocket_api.http import WebSocketAdapter
from homeassistant.helpers.json import json_bytes

from .home_assistant import WEB, House, running
from .mutation import Mutator, corpus
from .target import Kind, Target, require

_MACS: Final = ("02:00:5e:00:00:21", "02:00:5e:00:00:22", "02:00:5e:01:00:04", "x")
# The code of an error that nobody has thought of.
_UNKNOWN: Final = "unknown_error"


class Websocket(Target):
    """Messages of an administrator, and now and then of another user."""

    round = 400

    def __init__(self, random: Random, mutator: Mutator, house: House) -> None:
        """Remember whom to tell."""
        super().__init__(random, mutator)
        self._house = house
        self._seeds = [json.loads(each) for each in mutator.seeds]
        self._answers: list[Any] = []
        self._users: dict[bool, User] = {}

    async def begin(self) -> None:
        """Let there be an administrator and somebody else."""
        auth = self._house.hass.auth
        for is_admin, group in ((True, "system-admin"), (False, "system-users")):
            user = await auth.async_create_user(group, group_ids=[group])
            user.is_owner = False
            self._users[is_admin] = user

    @override
    async def step(self) -> None:
        random, house = self.random, self._house
        await house.begin()
        is_admin = random.random() < 0.9
        connection = self._connection(self._users[is_admin])
        before = house.entry.as_dict() if not is_admin else None
        for number, _ in zip(count(1), range(random.choice((1, 1, 3))), strict=False):
            message = self._message(number)
            self.note((is_admin, message))
            connection.async_handle(message)
        await house.settle()
        for each in connection.subscriptions.values():
            each()
        await house.settle()
        for answer in map(_read, self._answers):
            error = answer.get("error") or {}
            require(error.get("code") != _UNKNOWN, f"an error of ours: {error}")
            require(is_admin or not answer.get("success"), "done for who may not")
        self._answers.clear()
        if before:
            require(house.entry.as_dict() == before, "changed for who may not")
        house.check()

    @override
    async def rest(self) -> None:
        await self._house.remove()

    def _connection(self, user: User) -> ActiveConnection:
        logger = WebSocketAdapter(
            logging.getLogger("homeassistant.fuzz"), {"connid": 1}
        )
        return ActiveConnection(
            logger, self._house.hass, self._answers.append, user, None, "127.0.0.1"
        )

    def _message(self, number: int) -> dict[str, Any]:
        random = self.random
        seed = random.choice(self._seeds)
        message: dict[str, Any] = {**seed}
        ids = [*self._house.entry.subentries]
        for key, choices in (
            ("share_id", (WEB, "")),
            ("mac", _MACS),
            ("device_id", (*ids, "x")),
        ):
            if key in message:
                message[key] = random.choice(choices)
        for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
            message = self.mutator.value(message)
            if not isinstance(message, dict):
                message = dict(seed)
        return message | {"type": seed["type"], "id": number}


def _read(answer: Any) -> dict[str, Any]:
    """Return an answer as the browser reads it."""
    text = answer if isinstance(answer, (bytes, str)) else json_bytes(answer)
    read: dict[str, Any] = json.loads(text)
    return read


@asynccontextmanager
async def _open(random: Random) -> AsyncIterator[Websocket]:
    async with running() as house:
        target = Websocket(random, Mutator(random, corpus("websocket")), house)
        await target.begin()
        yield target


KIND: Final = Kind("websocket", _open, asyncio.new_event_loop)
