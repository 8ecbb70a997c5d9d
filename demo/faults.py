"""The self-test's faults of Home Assistant itself: killed while it works, started twice."""

import asyncio
from collections.abc import Iterator
import functools
import json
import random
import secrets
import sys

from . import REPOSITORY, calls
from .api import ConnectionLostError
from .checks import SILENCE, SSH, WEB
from .home import LAN_LINK, WAN_LINK
from .household import SSH_NAME, WEB_NAME, Household

LONGEST_BURST = 0.15
"""Seconds of toggling after which Home Assistant is killed at the latest."""

SHARED = {WEB_NAME: WEB, SSH_NAME: SSH}

STRANGERS_MUST_NOT_READ = ("203.0.113.", "2001:db8:", "02:00:5e:", "home.example.org")

SECOND = f"""
import asyncio
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.gateway.preflight import AlreadyRunning
try:
    asyncio.run(Gateway(["{WAN_LINK}"], ["{LAN_LINK}"]).open())
except AlreadyRunning:
    print("AlreadyRunning")
"""
"""What a second Home Assistant on this gateway would begin with."""


class Moments:
    """When to kill: at random, and at the same moments again with the same seed."""

    def __init__(self, count: int, seed: int | None) -> None:
        """So many of them; without a seed those of another day."""
        self.count = count
        self.seed = secrets.randbelow(10**6) if seed is None else seed

    def __iter__(self) -> Iterator[float]:
        """Yield the seconds after which a burst of changes is cut short."""
        dice = random.Random(self.seed)
        for _ in range(self.count):
            yield dice.random() * LONGEST_BURST


class Faults:
    """Diagnostics for strangers, a second gateway, and deaths at bad moments."""

    def __init__(self, house: Household, kills: Moments) -> None:
        """Look at this household."""
        self.house = house
        self.kills = kills
        self.demo = house.demo
        self.step = house.step

    async def run(self) -> None:
        """All of it; in the end the shares are as they were set up."""
        await self._diagnostics()
        await self._second_gateway()
        self.foreign = self.house.check.table("foreign")
        async with self.step(f"Kills of Home Assistant: {self.kills.count}") as line:
            line.saw(f"at moments of the seed {self.kills.seed}")
        for number, moment in enumerate(self.kills, start=1):
            await self._killed(number, moment)
        await self.house.turn("on", WEB, WEB_NAME)
        await self.house.turn("off", SSH, SSH_NAME)

    async def _diagnostics(self) -> None:
        """What people download to show it to strangers."""
        async with self.step("The diagnostics") as line:
            path = f"/api/diagnostics/config_entry/{self.demo.entry_id}"
            data = (await self.demo.api.get(path))["data"]
            text = json.dumps(data)
            told = [each for each in STRANGERS_MUST_NOT_READ if each in text]
            line.saw(
                f"{', '.join(data)}; told to strangers: {', '.join(told) or 'nothing'}",
                ok={"facts", "shares", "tables"} <= data.keys() and not told,
            )

    async def _second_gateway(self) -> None:
        """Two would undo each other's work, so there is one."""
        async with self.step("A second gateway on this machine") as line:
            second = await asyncio.create_subprocess_exec(
                *self.demo.home.gateway.command(sys.executable, "-c", SECOND),
                stdout=asyncio.subprocess.PIPE,
                cwd=REPOSITORY,
            )
            said, _ = await second.communicate()
            line.saw(said.decode().strip(), ok=said == b"AlreadyRunning\n")

    async def _killed(self, number: int, moment: float) -> None:
        """Home Assistant dies while shares are toggled, and knows all that it has said."""
        shares = await self.house.shares()
        may_be = {name: [shares[name]["enabled"]] for name in SHARED}
        toggling = [
            asyncio.create_task(self._toggle(shares[name]["share_id"], may_be[name]))
            for name in SHARED
        ]
        await asyncio.sleep(moment)
        await self.demo.hass.kill()
        toggles = sum(await asyncio.gather(*toggling))
        async with self.step(
            f"Kill {number}, after {toggles} toggles", essential=True
        ) as line:
            # It takes seconds until the new one looks at the firewall.
            left, _ = await asyncio.gather(
                self._answers(), self.house.start_home_assistant()
            )
            line.saw(
                f"until then {_readable(left)}",
                ok=all(
                    len(by) in {2 if enabled else 0 for enabled in may_be[name]}
                    for name, by in left.items()
                ),
            )
        async with self.step("What is shared then, and answers") as line:
            shares, answers = await self.house.shares(), await self._answers()
            enabled = {name: shares[name]["enabled"] for name in SHARED}
            untouched = self.house.check.table("foreign") == self.foreign
            on = " and ".join(name for name in SHARED if enabled[name])
            line.saw(
                f"{on or 'nothing'} on; {_readable(answers)};"
                f" the table inet foreign {'untouched' if untouched else 'changed'}",
                ok=untouched
                and all(
                    enabled[name] in may_be[name]
                    and len(by) == (2 if enabled[name] else 0)
                    for name, by in answers.items()
                ),
            )

    async def _toggle(self, share_id: str, may_be: list[bool]) -> int:
        """Toggle a share until Home Assistant is dead; return how often it said yes.

        `may_be`: whether the share is enabled, as said last and as asked for then.
        """
        times = 0
        try:
            while True:
                wanted = not may_be[0]
                may_be.append(wanted)
                await self.house.service(
                    "update_share", share_id=share_id, enabled=wanted
                )
                may_be[:] = [wanted]
                times += 1
        except ConnectionLostError:
            return times

    async def _answers(self) -> dict[str, list[str]]:
        """Over which families each share is answered."""
        doors = [
            (name, door)
            for name, shared in SHARED.items()
            for door in self.house.check.doors(shared)
        ]
        call = functools.partial(calls.tcp, patience=SILENCE)
        answers = await asyncio.gather(
            *(
                self.house.check.call(call, address, port)
                for _, (_, address, port) in doors
            )
        )
        answered: dict[str, list[str]] = {name: [] for name in SHARED}
        for (name, (family, _, _)), answer in zip(doors, answers, strict=True):
            if answer.ok:
                answered[name].append(family)
        return answered


def _readable(answers: dict[str, list[str]]) -> str:
    return ", ".join(
        f"{name}: {' and '.join(by) or 'no answer'}" for name, by in answers.items()
    )
