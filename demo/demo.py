"""The demo as a whole: the home, its services, Home Assistant, portshare in it."""

import asyncio
import contextlib
from pathlib import Path
import shutil
import sys
from typing import Self

from . import PREFIX, REPOSITORY, DemoError, dashboard, hass, portshare
from .api import Api, until
from .doors import Doors
from .home import Home
from .netns import WITH_PARENT
from .phone import NAME as PHONE, Phone
from .relay import Relay
from .report import Report
from .services import SERVICES

RUN = Path("/run", f"{PREFIX}demo")
USER = PASSWORD = "demo"
PATIENCE = 60.0


class Demo:
    """A running demo, from `async with` to its end."""

    entry_id: str

    def __init__(self, report: Report, doors: Doors) -> None:
        """A browser comes in by these doors, which are closed at the end."""
        self.report = report
        self.home = Home(PREFIX)
        self.relay = Relay(self.home.gateway, hass.PORT)
        self.hass = hass.Hass(self.home.gateway, RUN)
        self.phone = Phone(self.home.gateway)
        self._doors = doors
        self._cleaning = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        """Where a browser on this host finds Home Assistant."""
        return f"http://localhost:{self._doors.port}"

    async def __aenter__(self) -> Self:
        """Start everything; whatever goes wrong, nothing of it stays."""
        async with contextlib.AsyncExitStack() as cleaning:
            await self._start(cleaning)
            self._cleaning = cleaning.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take everything down."""
        await self._cleaning.aclose()

    async def _start(self, cleaning: contextlib.AsyncExitStack) -> None:
        step = self.report.step
        cleaning.callback(self._doors.close)
        self._doors.attend()
        async with step("The home is built", essential=True) as line:
            cleaning.callback(shutil.rmtree, RUN, ignore_errors=True)
            cleaning.callback(self.home.down)
            self.home.up()
            # Of a demo that was killed; with its home its Home Assistant has gone too.
            shutil.rmtree(RUN, ignore_errors=True)
            line.saw(", ".join(self.home.namespaces))
        async with step("All of them offer their services", essential=True) as line:
            await asyncio.gather(*map(self._start_services, SERVICES))
            line.saw(
                ", ".join(f"{n}:{s.port}" for n, ss in SERVICES.items() for s in ss)
            )
        async with step("Home Assistant starts", essential=True) as line:
            cleaning.push_async_callback(self.relay.stop)
            await self.relay.start(self._doors.listening)
            self.api = await cleaning.enter_async_context(Api(self.url))
            hass.write_configuration(RUN, REPOSITORY / "custom_components")
            cleaning.push_async_callback(self.hass.stop)
            await self.start_home_assistant()
            await self.api.onboard("Demo", USER, PASSWORD)
            await until(self.api.is_running, PATIENCE, "Home Assistant is running")
            line.saw(self.url)
        async with step("portshare is set up by its forms", essential=True) as line:
            self.entry_id = await portshare.set_up(self.api, self.home)
            line.saw(
                " and ".join(
                    each["share"]["name"] for each in portshare.SHARES.values()
                )
            )
        async with step("A phone has the app", essential=True) as line:
            await self.phone.start()
            cleaning.push_async_callback(self.phone.stop)
            await self.phone.register(self.api)
            line.saw(f"notify.mobile_app_{PHONE.lower()}")
        async with step("The dashboard is made", essential=True) as line:
            websocket = await self.api.websocket()
            await dashboard.create(websocket)
            await websocket.close()
            line.saw(f"{self.url}/{dashboard.URL_PATH}")

    async def _start_services(self, name: str) -> None:
        """A host's services, in a process of their own. They end with the home."""
        process = await asyncio.create_subprocess_exec(
            *WITH_PARENT,
            *self.home.namespaces[name].command(
                sys.executable, "-m", "demo.services", name
            ),
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            cwd=REPOSITORY,
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            if not await process.stdout.readline():
                raise DemoError(f"The services of {name} did not start")

    async def start_home_assistant(self) -> None:
        """Start Home Assistant and wait until it is ready, after a restart as well."""
        await self.hass.start()

        async def answers() -> bool:
            if not self.hass.running:
                raise DemoError(f"Home Assistant ended:\n{self.hass.last_words()}")
            return await self.api.answers()

        await until(answers, PATIENCE, "Home Assistant answers")
        if self.api.token is not None:
            await until(self.api.is_running, PATIENCE, "Home Assistant is running")
