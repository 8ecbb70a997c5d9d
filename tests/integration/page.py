"""A browser that shows our page: it keeps what it was told, and gives commands."""

import asyncio
from collections.abc import Callable
from typing import Any

from pytest_homeassistant_custom_component.typing import MockHAClientWebSocket

_TOO_LONG = 10


class Refused(Exception):
    """A command was answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.code: str = error["code"]
        self.key: str | None = error.get("translation_key")
        self.error = error


class Page:
    """One connection. `state` is None if no gateway is running."""

    def __init__(self, websocket: MockHAClientWebSocket) -> None:
        self._websocket = websocket
        self.state: dict[str, Any] | None = None
        self.log: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []

    async def ask(self, command: str, **data: Any) -> Any:
        """Give a command; return its result, or raise Refused."""
        await self.send(command, **data)
        async with asyncio.timeout(_TOO_LONG):
            while (answer := await self._receive())["type"] == "event":
                pass
        if answer["type"] == "result" and not answer["success"]:
            raise Refused(answer["error"])
        return answer.get("result")

    async def send(self, command: str, **data: Any) -> None:
        """Give a command, and do not wait for its result."""
        await self._websocket.send_json_auto_id({"type": command, **data})

    async def subscribe(self, **data: Any) -> dict[str, Any] | None:
        """Show the page from now on; return what it shows."""
        assert await self.ask("portshare/subscribe", **data) is None
        await self.hear()
        return self.state

    async def hear(self) -> Any:
        """Return what the server tells next."""
        async with asyncio.timeout(_TOO_LONG):
            while (message := await self._receive())["type"] != "event":
                pass
        return message["event"]

    async def sees(self, what: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Listen until this is true of what is shown; return what is shown then."""
        while not (self.state and what(self.state)):
            await self.hear()
        return self.state

    async def reads(self, count: int) -> list[dict[str, Any]]:
        """Listen until so many entries of the log have come; return them."""
        while len(self.log) < count:
            await self.hear()
        return self.log

    async def catch_up(self) -> None:
        """Hear all that has been sent until now. More may be on its way."""
        await self.ask("ping")

    async def close(self) -> None:
        await self._websocket.close()

    async def _receive(self) -> Any:
        message = await self._websocket.receive_json()
        if message["type"] == "event":
            self._take(message["event"])
        return message

    def _take(self, event: dict[str, Any]) -> None:
        self.told.append(event)
        if "snapshot" in event:
            self.state = event["snapshot"]
            return
        assert self.state
        changes = event["changes"]
        self.log += changes.pop("log", [])
        self.state["gateway"] = changes.pop("gateway", self.state["gateway"])
        for name, changed in changes.items():
            for key, value in changed.items():
                if value is None:
                    del self.state[name][key]
                else:
                    self.state[name][key] = value
