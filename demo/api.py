"""Home Assistant's API as a person's browser uses it: log in, forms, websocket."""

import asyncio
from collections.abc import Callable, Mapping
import itertools
import time
from typing import Any, Self

import aiohttp

from . import DemoError

type Json = dict[str, Any]

CONFIRM = "confirm"
"""The switch with which a form asks whether that is really wanted."""


class ApiError(DemoError):
    """Home Assistant has refused something, in its own words."""


class ConnectionLostError(ApiError):
    """Home Assistant was stopped, or is being restarted."""


class WebSocket:
    """Commands with their results, and events."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take an authenticated socket."""
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._events: dict[int, asyncio.Queue[Json | None]] = {}
        self._reading = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close()
        await self._reading

    async def command(self, type_: str, /, **fields: Any) -> Any:
        """Send a command and return its result."""
        return await self._command(next(self._ids), type_, fields)

    async def service(
        self,
        domain: str,
        service: str,
        data: Json | None = None,
        *,
        entity_id: str | None = None,
        response: bool = False,
    ) -> Json:
        """Call a service and return its response, if it has one."""
        result = await self.command(
            "call_service",
            domain=domain,
            service=service,
            service_data=data or {},
            return_response=response,
            **({"target": {"entity_id": entity_id}} if entity_id else {}),
        )
        return result.get("response") or {}

    async def events(self, event_type: str) -> Events:
        """Subscribe to events on the bus."""
        return await self.subscribe("subscribe_events", event_type=event_type)

    async def subscribe(self, type_: str, /, **fields: Any) -> Events:
        """Subscribe to what a command sends from now on."""
        number = next(self._ids)
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._events[number] = queue
        await self._command(number, type_, fields)
        return Events(queue)

    async def _command(self, number: int, type_: str, fields: Mapping[str, Any]) -> Any:
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            await self._socket.send_json({"id": number, "type": type_, **fields})
            message = await future
        except ConnectionError as error:
            raise ConnectionLostError(f"{type_}: the connection was lost") from error
        finally:
            del self._waiting[number]
        if not message["success"]:
            raise ApiError(message["error"]["message"])
        return message["result"]

    async def _read(self) -> None:
        """Hand out what comes to those who wait for it."""
        async for raw in self._socket:
            message = raw.json()
            if message["type"] == "event" and message["id"] in self._events:
                self._events[message["id"]].put_nowait(message["event"])
            elif message["id"] in self._waiting:
                self._waiting[message["id"]].set_result(message)
        for future in self._waiting.values():
            future.set_exception(ConnectionError())
        for queue in self._events.values():
            queue.put_nowait(None)


class Events:
    """A subscription: every event once, in order."""

    def __init__(self, queue: asyncio.Queue[Json | None]) -> None:
        """Read from this queue; None in it means that the connection was lost."""
        self._queue = queue

    async def next(self) -> Json:
        """Wait for the next event, whatever it is."""
        if (event := await self._queue.get()) is None:
            raise ConnectionLostError("The connection was lost")
        return event

    def come(self) -> list[Json]:
        """What has come and was not read yet: the data of each event."""
        come = []
        while not self._queue.empty():
            if (event := self._queue.get_nowait()) is None:
                raise ConnectionLostError("The connection was lost")
            come.append(event["data"])
        return come

    async def wait_for(self, matches: Callable[[Json], bool], within: float) -> Json:
        """Wait for an event whose data match; others before it are passed over."""
        async with asyncio.timeout(within):
            while True:
                data: Json = (await self.next())["data"]
                if matches(data):
                    return data


class Api:
    """One person, one browser."""

    def __init__(self, url: str) -> None:
        """Know the address; `async with` opens the session."""
        self.url = url
        self.token: str | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            self.url, timeout=aiohttp.ClientTimeout(60)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self._session.close()

    async def answers(self) -> bool:
        """Tell whether Home Assistant answers, even before it has an owner."""
        try:
            async with self._session.get("/manifest.json") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def is_running(self) -> bool:
        """Tell whether Home Assistant has started completely."""
        try:
            config = await self.get("/api/config")
        except ApiError:
            return False
        return bool(config["state"] == "RUNNING")

    async def onboard(self, name: str, user: str, password: str) -> None:
        """Make the owner, and be that person."""
        answer = await self.post(
            "/api/onboarding/users",
            {
                "client_id": f"{self.url}/",
                "name": name,
                "username": user,
                "password": password,
                "language": "en",
            },
        )
        await self._use_code(answer["auth_code"])

    async def log_in(self, user: str, password: str) -> None:
        """Be this person from now on."""
        client_id = f"{self.url}/"
        flow = await self.post(
            "/auth/login_flow",
            {
                "client_id": client_id,
                "handler": ["homeassistant", None],
                "redirect_uri": client_id,
            },
        )
        answer = await self.post(
            f"/auth/login_flow/{flow['flow_id']}",
            {"client_id": client_id, "username": user, "password": password},
        )
        if "result" not in answer:
            raise ApiError(f"{user} cannot log in: {answer.get('errors')}")
        await self._use_code(answer["result"])

    async def get(self, path: str) -> Any:
        """Read something."""
        return await self._request("GET", path)

    async def post(self, path: str, data: Json) -> Any:
        """Send something."""
        return await self._request("POST", path, json=data)

    async def delete(self, path: str) -> Any:
        """Remove something."""
        return await self._request("DELETE", path)

    async def flow(self, path: str, start: Json, answers: Mapping[str, Json]) -> Json:
        """Go through a flow, answering each of its forms by its step.

        What a form wants confirmed is confirmed: its switch for that is turned on.
        """
        result: Json = await self.post(path, start)
        while result["type"] in {"form", "menu"}:
            step = result["step_id"]
            errors = result.get("errors") or {}
            if errors and errors.keys() != {CONFIRM}:
                raise ApiError(f"The form {step} says {errors}")
            if step not in answers:
                raise ApiError(f"The form {step} was not expected")
            answer = {**answers[step], **dict.fromkeys(errors, True)}
            result = await self.post(f"{path}/{result['flow_id']}", answer)
        if result["type"] != "create_entry":
            raise ApiError(f"{start['handler']}: {result.get('reason', result)}")
        return result

    async def websocket(self) -> WebSocket:
        """Open a websocket as this person."""
        socket = await self._session.ws_connect("/api/websocket", max_msg_size=0)
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": self.token})
        answer = await socket.receive_json()
        if answer["type"] != "auth_ok":
            raise ApiError(answer.get("message", answer["type"]))
        return WebSocket(socket)

    async def _use_code(self, code: str) -> None:
        """Exchange the code that a login ends with for a token."""
        answer = await self._request(
            "POST",
            "/auth/token",
            data={
                "client_id": f"{self.url}/",
                "grant_type": "authorization_code",
                "code": code,
            },
        )
        self.token = answer["access_token"]

    async def _request(self, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            async with self._session.request(
                method, path, headers=headers, **body
            ) as response:
                if response.status >= 400:
                    text = (await response.text()).strip()
                    raise ApiError(f"{method} {path}: {response.status} {text}")
                return await response.json()
        except aiohttp.ClientError as error:
            raise ApiError(f"{method} {path}: {error}") from error


async def until(
    condition: Callable[[], Any], within: float, what: str, every: float = 0.05
) -> Any:
    """Wait until a condition (a coroutine function) is true, and return its value."""
    deadline = time.monotonic() + within
    while not (value := await condition()):
        if time.monotonic() > deadline:
            raise DemoError(f"{what}: not within {within:g} seconds")
        await asyncio.sleep(every)
    return value
