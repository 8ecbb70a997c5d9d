"""`scripts/demo --selftest`: everything a person would try, without the person."""

import asyncio
from pathlib import Path
import time

from . import DemoError, calls, portshare
from .api import Json, until
from .checks import GAME, MOMENT, SSH, WEB, Checks
from .demo import Demo
from .doors import Doors
from .faults import Faults, Moments
from .firewalls import SAID, Firewalls
from .hass import PORT as HOME_ASSISTANT
from .home import WAN
from .household import WEB_NAME, Household
from .kinds import Kinds
from .leases import Leases
from .life import Life
from .report import Report

EXPECTED_IN_LOG = (
    "[homeassistant.loader] We found a custom integration",
    # It notes every service call that was refused, and we have provoked some.
    "[homeassistant.components.websocket_api.http.connection]",
    # We have killed it.
    "[homeassistant.components.recorder.util]",
    # We have flushed its tables.
    SAID,
)

FOREIGN = """\
table inet foreign {
    comment "somebody else's, made before portshare goes"
    set friends {
        type ipv4_addr
        elements = { 198.51.100.1, 198.51.100.2 }
    }
    chain theirs {
        type filter hook forward priority 10; policy accept;
        ip saddr @friends accept
    }
}
"""


async def run(doors: Doors, kills: int, seed: int | None) -> int:
    """Go through all of it; return the exit code.

    With the `seed` of an earlier self-test Home Assistant is killed at the same moments.
    """
    began, report = time.perf_counter(), Report()
    try:
        async with Demo(report, doors) as demo:
            await SelfTest(demo, report, Moments(kills, seed)).run()
    except DemoError:
        # What is essential and has failed is a line of the report already.
        if not report.failed:
            raise
    verdict = f"{report.failed} FAILED" if report.failed else "all ok"
    print(f"{report.lines} lines, {verdict}, in {time.perf_counter() - began:.1f} s")
    return 1 if report.failed else 0


class SelfTest:
    """The steps, in the order of a person's afternoon."""

    switch: str

    def __init__(self, demo: Demo, report: Report, kills: Moments) -> None:
        """Look at this demo, and write into this report."""
        self.kills = kills
        self.demo = demo
        self.step = report.step
        self.check = Checks(demo.home, report)
        self.house = Household(demo, report, self.check)

    async def run(self) -> None:
        """Everything. A step that fails does not keep the next from being tried."""
        await self._connect()
        await self._as_set_up()
        await Firewalls(self.house).run()
        self.demo.home.gateway.run("nft", "-f", "-", stdin=FOREIGN)
        foreign = self.check.table("foreign")
        await self._off_and_on()
        await self._cut()
        await self._restart()
        await self._services()
        await self._bad_input()
        await Kinds(self.house).run()
        await Leases(self.house).run()
        await self._no_internet()
        await Life(self.house).run()
        await Faults(self.house, self.kills).run()
        await self._removed(foreign)
        await self._log()

    async def _connect(self) -> None:
        """Be there with a websocket that sees the events."""
        async with self.step("The switch of the web server", essential=True) as line:
            await self.house.connect()
            self.switch = await portshare.switch_of(
                self.house.websocket, WEB.device, WEB_NAME
            )
            line.saw(self.switch)

    async def _as_set_up(self) -> None:
        """What the forms have promised."""
        await self.check.arrives("Web server, on by its form", WEB)
        await self.check.at_home("SSH, called at home", SSH)
        await self.check.nobody_answers("SSH, off by its form", SSH)
        async with self.step("Home Assistant, called from the internet") as line:
            answer = await self.check.call(calls.page, WAN.ipv4, HOME_ASSISTANT)
            line.saw(answer.text, ok=not answer.ok)
        async with self.step("The gateway's entities") as line:
            keys = ("internet", "external_ipv4", "external_ipv6")
            seen = [await self._state("Gateway", key) for key in keys]
            line.saw(", ".join(seen), ok=seen == ["on", WAN.ipv4, WAN.ipv6])
        async with self.step("The mapping counts of nas and pi") as line:
            counts = [await self._state(name, "mappings") for name in ("nas", "pi")]
            line.saw(", ".join(counts), ok=counts == ["1", "0"])

    async def _off_and_on(self) -> None:
        """The switch, and what the bus says of it."""
        await self._turn("off", "share_disabled")
        await self.check.nobody_answers("Web server, off", WEB)
        await self._turn("on", "share_enabled")
        await self.check.arrives("Web server, on", WEB)

    async def _cut(self) -> None:
        """Off means off, for those who are connected as well."""
        downloads = await self.check.downloads(WEB)
        began = time.perf_counter()
        await self._turn("off", "share_disabled", "Switched off while both run")
        await self.check.nobody_answers("New calls then", WEB)
        await self.check.are_cut("The {} download then", downloads, began)
        await self._turn("on", "share_enabled", "Switched on again")

    async def _restart(self) -> None:
        """Home Assistant goes and comes back; the shares stay."""
        downloads = await self.check.downloads(WEB)
        async with self.step("Home Assistant is stopped (SIGTERM)") as line:
            await self.demo.hass.stop()
            line.saw(f"exit code {await self.demo.hass.ended()}")
        async with self.step("Meanwhile the table inet portshare") as line:
            table = self.check.table("portshare")
            line.saw(f"{len(table.splitlines())} lines", ok=bool(table))
        await self.check.arrives("Meanwhile the web server", WEB)
        async with self.step("Home Assistant is started again", essential=True) as line:
            await self.demo.start_home_assistant()
            await portshare.wait_until_loaded(self.demo.api, self.demo.entry_id)
            line.saw("portshare is loaded")
        await self._connect()
        await self.check.go_on("The {} download through all that", downloads)
        await self.check.arrives("Web server, still on", WEB)

    async def _services(self) -> None:
        """A share that comes and goes by service calls, over UDP."""
        share: Json = {}
        async with self.step("portshare.add_share: a game on the console") as line:
            share = await self.house.service("add_share", **self._game())
            external_port = share["external_port"]
            line.saw(f"call {share['call']}", ok=external_port == GAME.external_port)
        await self.check.datagrams("The game", GAME)
        async with self.step("portshare.update_share: disabled"):
            await self.house.service(
                "update_share", share_id=share["share_id"], enabled=False
            )
        await self.check.nobody_answers("The game, disabled", GAME, calls.udp)
        async with self.step("portshare.remove_share") as line:
            await self.house.remove_share(share)
            left = await self.house.shares()
            line.saw(f"{len(left)} shares are left", ok="Game" not in left)

    async def _bad_input(self) -> None:
        """What is wrong gets a reason, and changes nothing."""
        before = await self.house.shares()
        for what, wrong in (
            ("port 0", {"port": 0}),
            ("port 65536", {"port": 65536}),
            ("external port 8080, which is taken", {"external_port": 8080}),
            ("a multicast MAC", {"mac": "01:00:5e:00:00:01"}),
        ):
            share = {**self._game(), "protocol": "tcp", **wrong}
            await self.house.has_a_reason(f"add_share with {what}", "add_share", share)
        await self.house.has_a_reason(
            "update_share of a share that does not exist",
            "update_share",
            {"share_id": "01AAAAAAAAAAAAAAAAAAAAAAAA", "enabled": True},
        )
        async with self.step("The shares after that") as line:
            after = await self.house.shares()
            line.saw(f"{len(after)}, as before", ok=after == before)

    async def _no_internet(self) -> None:
        """Without internet nothing is open, and with it everything is as before."""
        await self._cable("pulled", plugged=False, internet="off", mappings="0")
        await self._cable("plugged in", plugged=True, internet="on", mappings="1")
        await self.check.arrives("Web server, with internet again", WEB)

    async def _removed(self, foreign: str) -> None:
        """The integration goes, and takes only what is its own."""
        async with self.step("The integration is removed") as line:
            entry = f"{portshare.ENTRIES}/entry/{self.demo.entry_id}"
            await self.demo.api.delete(entry)

            async def gone() -> bool:
                return "portshare" not in self.check.tables()

            await until(gone, 5, "The tables named portshare are gone")
            line.saw("both tables named portshare are gone")
        async with self.step("The table inet foreign") as line:
            same = self.check.table("foreign") == foreign
            line.saw("the same, to the byte" if same else "changed", ok=same)
        async with self.step("The web server, over IPv4") as line:
            answer = await self.check.call(calls.page, WAN.ipv4, WEB.external_port)
            line.saw(answer.text, ok=not answer.ok)

    async def _log(self) -> None:
        """Nothing that worries a person."""
        async with self.step("Home Assistant's log") as line:
            text = await asyncio.to_thread(Path.read_text, self.demo.hass.output)
            worries = [
                each
                for each in text.splitlines()
                if any(word in each for word in (" WARNING ", " ERROR ", "Traceback"))
                and not any(expected in each for expected in EXPECTED_IN_LOG)
            ]
            line.saw("\n".join(worries) or "no warning, no error", ok=not worries)

    async def _turn(self, to: str, event: str, what: str = "") -> None:
        """The web server's switch by its service, and the event that follows."""
        async with self.step(what or f"switch.turn_{to}"):
            await self.house.websocket.service(
                "switch", f"turn_{to}", entity_id=self.switch
            )
        async with self.step(f"portshare_event {event}") as line:
            data = await self.house.events.wait_for(
                lambda data: (
                    data["type"] == event and data["external_port"] == WEB.external_port
                ),
                MOMENT,
            )
            line.saw(f"{data['name']}, external port {data['external_port']}")

    async def _cable(
        self, what: str, *, plugged: bool, internet: str, mappings: str
    ) -> None:
        """The cable to the internet, and what Home Assistant notices of it."""
        async with self.step(f"The cable to the internet is {what}") as line:
            await asyncio.to_thread(self.demo.home.cable, "wan", plugged=plugged)

            async def noticed() -> bool:
                seen = (
                    await self._state("Gateway", "internet"),
                    await self._state("nas", "mappings"),
                )
                return seen == (internet, mappings)

            await until(noticed, 5, f"Internet {internet}, {mappings} mappings of nas")
            line.saw(f"internet {internet}, {mappings} mappings of nas")

    async def _state(self, device: str, key: str) -> str:
        """The state of an entity that is not a switch."""
        for entity in await portshare.entities(self.house.websocket):
            if (entity.device, entity.key) == (device, key) and entity.domain in {
                "binary_sensor",
                "sensor",
            }:
                state = await self.demo.api.get(f"/api/states/{entity.entity_id}")
                return str(state["state"])
        raise DemoError(f"{device} has no entity {key}")

    def _game(self) -> Json:
        """The share of the console's game."""
        return {
            "mac": self.demo.home.devices[GAME.device].mac,
            "name": "Game",
            "protocol": "udp",
            "port": GAME.port,
            "external_port": GAME.external_port,
            "ipv4": True,
            "ipv6": True,
            "enabled": True,
        }
