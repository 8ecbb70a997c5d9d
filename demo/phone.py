"""A phone with the Home Assistant app: messages arrive on it, and their buttons work.

Home Assistant's own `mobile_app` integration takes it for a real one: it registers as the
app does, gets its messages from Home Assistant by HTTP, and what is pressed on it goes to
its webhook. A real phone's messages go by Google's or Apple's push server; this one's is on
the gateway's loopback, so that it needs no internet.
"""

import asyncio
from collections.abc import Iterator
import contextlib
from datetime import UTC, datetime
from http import client
import json
import socket
from typing import Any

from aiohttp import web

from . import DemoError, netns
from .api import Api, Json
from .calls import PATIENCE, Caller
from .netns import Namespace

NAME = "Phone"
PORT = 8124
LOOPBACK = "127.0.0.1"
PUSH_TOKEN = "demo"

APP = {
    "app_id": "portshare.demo",
    "app_name": "Home Assistant",
    "app_version": "1",
    "device_id": "demo-phone",
    "device_name": NAME,
    "manufacturer": "portshare",
    "model": "Demo",
    "os_name": "Demo",
    "os_version": "1",
    "supports_encryption": False,
    "app_data": {
        "push_token": PUSH_TOKEN,
        "push_url": f"http://{LOOPBACK}:{PORT}/push",
    },
}


class Phone:
    """The phone, from `start` to `stop`."""

    def __init__(self, namespace: Namespace) -> None:
        """Its messages arrive in this namespace, where Home Assistant runs."""
        self._namespace = namespace
        self._arrived: asyncio.Queue[Json] = asyncio.Queue()
        self.messages: list[Json] = []

    async def start(self) -> None:
        """Be there for messages, and for what a person asks in another terminal."""
        app = web.Application()
        app.router.add_post("/push", self._push)
        app.router.add_get("/messages", self._show)
        app.router.add_post("/press", self._pressed)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        listening = netns.socket_in(self._namespace, socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, PORT))
        await web.SockSite(self._runner, listening).start()

    async def stop(self) -> None:
        """Switch it off."""
        await self._runner.cleanup()

    async def register(self, api: Api) -> None:
        """Log the app in, as the person whose API this is."""
        self._api = api
        answer = await api.post("/api/mobile_app/registrations", APP)
        self._webhook = f"/api/webhook/{answer['webhook_id']}"

    async def message(self, within: float = 5) -> Json:
        """Return the next message with its title and data; each of them once, in order."""
        try:
            async with asyncio.timeout(within):
                return await self._arrived.get()
        except TimeoutError:
            raise DemoError(f"No message within {within:g} seconds") from None

    async def press(self, action: str) -> None:
        """Press a button of a message, by what it does."""
        if action not in {button["action"] for button in self._buttons()}:
            raise DemoError(f"No message has a button for {action}")
        await self._api.post(
            self._webhook,
            {
                "type": "fire_event",
                "data": {
                    "event_type": "mobile_app_notification_action",
                    "event_data": {"action": action},
                },
            },
        )

    def _buttons(self) -> Iterator[Json]:
        for message in self.messages:
            yield from buttons(message)

    async def _push(self, request: web.Request) -> web.Response:
        """Take a message, as a push server does."""
        message = await request.json()
        if message.pop("push_token") != PUSH_TOKEN:
            return web.json_response({"message": "Unknown token."}, status=404)
        del message["registration_info"]
        message["at"] = datetime.now(UTC).astimezone().isoformat()
        self.messages.append(message)
        self._arrived.put_nowait(message)
        return web.json_response({}, status=201)

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response(self.messages)

    async def _pressed(self, request: web.Request) -> web.Response:
        """Press what a person wants pressed."""
        try:
            await self.press(await request.json())
        except DemoError as error:
            return web.json_response(str(error), status=400)
        return web.json_response("Pressed.")


def buttons(message: Json) -> list[Json]:
    """The buttons of a message, each with its `title` and its `action`."""
    actions: list[Json] = (message.get("data") or {}).get("actions", [])
    return actions


def show(gateway: Namespace) -> str:
    """The messages on the phone of the demo that runs in another terminal."""
    messages: list[Json] = _ask(gateway, "GET", "/messages")
    return "\n".join(map(_text, messages)) or "No messages."


def press(gateway: Namespace, action: str) -> str:
    """Press a button on that phone."""
    answer: str = _ask(gateway, "POST", "/press", action)
    return answer


def _text(message: Json) -> str:
    """A message as a person reads it."""
    at = datetime.fromisoformat(message["at"]).strftime("%H:%M:%S")
    lines = [message.get("title"), message["message"]]
    lines += [f"[{each['title']}]  {each['action']}" for each in buttons(message)]
    return f"{at}  " + "\n          ".join(line for line in lines if line)


def _ask(gateway: Namespace, method: str, path: str, body: object = None) -> Any:
    try:
        with contextlib.closing(client.HTTPConnection(LOOPBACK, PORT)) as http:
            http.sock = Caller(gateway).connect(LOOPBACK, PORT, PATIENCE)
            http.request(method, path, json.dumps(body))
            response = http.getresponse()
            answer = json.load(response)
    except OSError as error:
        raise DemoError(f"The phone does not answer: {error}") from error
    if response.status >= 400:
        raise DemoError(answer)
    return answer
