"""The self-test's faults of Home Assistant itself: killed while it works, started twice."""

import asyncio
import json
import random
import sys

from . import calls, portshare
from .api import ConnectionLostError
from .checks import SSH, WEB, Shared
from .demo import REPOSITORY
from .home import LAN_LINK, WAN_LINK
from .household import SSH_NAME, WEB_NAME, Household

KILLS = 5
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


class Faults:
    """Diagnostics for strangers, a second gateway, and deaths at bad moments."""

    def __init__(self, house: Household) -> None:
        """Look at this household."""
        self.house = house
        self.demo = house.demo
        self.step = house.step

    async def run(self) -> None:
        """All of it; in the end the shares are as they were set up."""
        await self._diagnostics()
        await self._second_gateway()
        dice = random.Random(1)
        for number in range(1, KILLS + 1):
            await self._killed(number, dice)
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

    async def _killed(self, number: int, dice: random.Random) -> None:
        """Home Assistant dies while shares are toggled, and knows all that it has said."""
        shares = await self.house.shares()
        may_be = {name: [shares[name]["enabled"]] for name in SHARED}
        toggling = [
            asyncio.create_task(self._toggle(shares[name]["share_id"], may_be[name]))
            for name in SHARED
        ]
        await asyncio.sleep(dice.random() * LONGEST_BURST)
        await self.demo.hass.kill()
        toggles = sum(await asyncio.gather(*toggling))
        async with self.step(f"Kill {number}, after {toggles} toggles", essential=True):
            await self.demo.start_home_assistant()
            await portshare.wait_until_loaded(self.demo.api, self.demo.entry_id)
            await self.house.connect()
        async with self.step("What is shared then, and answers") as line:
            shares = await self.house.shares()
            seen = {
                name: (shares[name]["enabled"], await self._answers(shared))
                for name, shared in SHARED.items()
            }
            line.saw(
                ", ".join(
                    f"{name} {'on' if enabled else 'off'}: {' and '.join(by) or 'nothing'}"
                    for name, (enabled, by) in seen.items()
                ),
                ok=all(
                    enabled in may_be[name] and len(by) == (2 if enabled else 0)
                    for name, (enabled, by) in seen.items()
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

    async def _answers(self, shared: Shared) -> list[str]:
        """Over which families a share is answered."""
        doors = self.house.check.doors(shared)
        answers = await asyncio.gather(
            *(
                self.house.check.call(calls.tcp, address, port)
                for _, address, port in doors
            )
        )
        return [
            family
            for (family, _, _), answer in zip(doors, answers, strict=True)
            if answer.ok
        ]
