"""The self-test's second part: the internet comes and goes, and the household is told."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
import json
import re
import time
from typing import Any

from . import portshare
from .api import Json, until
from .checks import SSH, WEB
from .demo import RUN
from .home import INTERNET, LAN_PREFIX6, WAN, WAN_LINK, Addresses
from .household import PATIENCE, SSH_NAME, WEB_NAME, Household, first_line, is_page_of
from .moves import Moves
from .notices import Notices
from .phone import NAME as PHONE

DNS_NAME = "home.example.org"
TELL_AFTER = 4
"""Seconds of an outage from which on it is told of the shares."""

NEW_WAN = Addresses("203.0.113.9", "2001:db8:ffff::9")

PULLS = 40
ROUTE_FLAPS = 100
FLAP = 0.01
"""Seconds that a flapping line stays as it is."""
FEW = 15
"""Events of the internet that a flapping line may bring."""

SHARE_EVENTS = {"share_enabled", "share_disabled"}


class Life:
    """The steps, in an order in which each begins with everything as it was set up."""

    def __init__(self, house: Household) -> None:
        """Look at this household."""
        self.house = house
        self.demo = house.demo
        self.home = house.demo.home
        self.check = house.check
        self.step = house.step

    async def run(self) -> None:
        """Everything. A step that fails does not keep the next from being tried."""
        await self._options()
        await self._short_outage()
        await self._long_outage()
        await self._new_address()
        await Notices(self.house).run()
        await Moves(self.house).run()
        await self._for_a_while()
        await self._close_all()
        await self._flapping()
        await self._killed()

    async def _options(self) -> None:
        """The options form: the entry is set up anew, and nobody is cut off."""
        downloads = await self.check.downloads(WEB)
        async with self.step("The options: notice, DNS name, expert") as line:
            await self.demo.api.flow(
                f"{portshare.ENTRIES}/options/flow",
                {"handler": self.demo.entry_id},
                {
                    "init": {
                        "protect": True,
                        "notify": [f"notify.{PHONE.lower()}"],
                        "dns_name": DNS_NAME,
                        "expert": {"tell_outages_after": TELL_AFTER},
                    }
                },
            )
            call = f"{DNS_NAME}:{WEB.external_port}"
            share = await self.house.share_becomes(
                WEB_NAME, lambda share: call in share["call"], f"has the call {call}"
            )
            await portshare.wait_until_loaded(self.demo.api, self.demo.entry_id)
            line.saw(", ".join(share["call"]))
        await self.check.go_on("The {} download through that", downloads)

    async def _short_outage(self) -> None:
        """Closed and open again with the internet; of the shares nothing is told."""
        house = self.house
        await house.heard_since()
        began = time.perf_counter()
        await self._cable(plugged=False)
        await self._internet("internet_lost", "off")
        await self.check.nobody_answers("Meanwhile", WEB)
        await self._cable(plugged=True)
        await self._internet("internet_restored", "on")
        lasted = time.perf_counter() - began
        await self.check.arrives("Web server, again", WEB)
        async with self.step("Told of the shares") as line:
            told = _of_shares(await house.heard_since())
            line.saw(
                f"nothing, for an outage of {lasted:.1f} s"
                if not told
                else ", ".join(each["type"] for each in told),
                ok=not told and lasted < TELL_AFTER,
            )

    async def _long_outage(self) -> None:
        """Beyond the threshold both are told, with the true times."""
        house, began = self.house, datetime.now(UTC)
        await self._cable(plugged=False)
        async with self.step("share_disabled, when it has lasted long enough") as line:
            event = await house.hears("share_disabled", TELL_AFTER + PATIENCE)
            late = datetime.fromisoformat(event["at"]) - began
            line.saw(
                f"{event['name']}, reason {event['reason']}, at the loss"
                f" + {late.total_seconds():.2f} s",
                ok=event["reason"] == "internet" and abs(late.total_seconds()) < 1,
            )
        await self._cable(plugged=True)
        async with self.step("share_enabled, when it is back") as line:
            event = await house.hears("share_enabled")
            back = datetime.fromisoformat(event["at"]) - began
            off = abs(event["lasted"] - back.total_seconds())
            line.saw(
                f"{event['name']}, reason {event['reason']}, lasted {event['lasted']} s"
                f" of {back.total_seconds():.1f} s",
                ok=event["reason"] == "internet" and off <= 1,
            )
        async with self.step("The phone, after an interruption") as line:
            message = await house.message(lambda each: "again" in each["message"])
            line.saw(message["message"])
        await self.check.arrives("Web server, after a long outage", WEB)

    async def _new_address(self) -> None:
        """The provider gives the gateway other addresses, and back."""
        await self._move_to(NEW_WAN, before=WAN)
        async with self.step(f"The old address {WAN.ipv4}") as line:
            answer = await self.house.page(WEB)
            line.saw(answer.text, ok=not answer.ok)
        await self._move_to(WAN, before=NEW_WAN)
        await self.check.arrives("Web server, at the first address", WEB)

    async def _move_to(self, now: Addresses, *, before: Addresses) -> None:
        async with self.step(f"The gateway gets {now.ipv4}, {now.ipv6}") as line:
            # With its address the default route goes, too.
            self.home.gateway.ip(
                [
                    f"addr del {before.ipv4}/24 dev {WAN_LINK}",
                    f"addr del {before.ipv6}/64 dev {WAN_LINK}",
                    f"addr add {now.ipv4}/24 dev {WAN_LINK}",
                    f"addr add {now.ipv6}/64 dev {WAN_LINK} nodad",
                    f"route replace default via {INTERNET.ipv4}",
                    f"route replace default via {INTERNET.ipv6}",
                ]
            )
            self.home.internet.ip([f"route replace {LAN_PREFIX6} via {now.ipv6}"])
            began = time.perf_counter()
            new = (now.ipv4, now.ipv6)
            while True:
                event = await self.house.hears("address_changed")
                if (event["external_ipv4"], event["external_ipv6"]) == new:
                    break
            line.saw(
                f"address_changed: {', '.join(new)}",
                ms=(time.perf_counter() - began) * 1000,
            )
        async with self.step(f"A call to {now.ipv4}") as line:
            answer = await self.house.page(WEB, now.ipv4)
            line.saw(first_line(answer), ok=is_page_of(answer, WEB.device))
        async with self.step("The calls to tell") as line:
            call = f"{now.ipv4}:{WEB.external_port}"
            share = await self.house.share_becomes(
                WEB_NAME, lambda share: call in share["call"], f"has the call {call}"
            )
            line.saw(", ".join(share["call"]))

    async def _for_a_while(self) -> None:
        """A share that closes by itself; the kernel has the time, too."""
        async with self.step("portshare.open_temporarily: SSH for a minute") as line:
            share = (await self.house.shares())[SSH_NAME]
            answer = await self.house.service(
                "open_temporarily", share_id=share["share_id"], duration={"minutes": 1}
            )
            sensor = await self.house.entity(SSH.device, "closes_at")
            await self.house.becomes(sensor, answer["closes_at"])
            line.saw(f"{sensor} {answer['closes_at']}")
        async with self.step("In the kernel") as line:
            expiring = self._closing_by_themselves()
            line.saw(
                f"{len(expiring)} elements expire in {', '.join(sorted(set(expiring)))}",
                ok=bool(expiring),
            )
        async with self.step("SSH, open for a while") as line:
            calls_in = await self.check.listen(SSH)
            line.saw(calls_in.text, ok=calls_in.ok)
        async with self.step("Its switch is turned off") as line:
            await self.house.turn("off", SSH, SSH_NAME)
            await self.house.becomes(sensor, "unknown")
            left = self._closing_by_themselves()
            line.saw(f"{len(left)} elements expire", ok=not left)
        await self.check.nobody_answers("SSH", SSH)

    def _closing_by_themselves(self) -> list[str]:
        """When elements of SSH expire; those about visitors do so, too, but say no name."""
        of_ssh = rf'expires (\w+) comment "{SSH_NAME} on '
        return re.findall(of_ssh, self.check.table("portshare"))

    async def _close_all(self) -> None:
        """The gateway's button closes everything, and says what it was."""
        await self.house.turn("on", SSH, SSH_NAME)
        shares = await self.house.shares()
        wanted = {share["share_id"] for share in shares.values()}
        async with self.step("The button Close everything") as line:
            button = await self.house.entity("Gateway", "close_all", "button")
            await self.house.websocket.service("button", "press", entity_id=button)
            event = await self.house.hears("all_closed")
            enabled = [
                name
                for name, share in (await self.house.shares()).items()
                if share["enabled"]
            ]
            line.saw(
                f"all_closed: {len(event['closed'])} shares, reason {event['reason']};"
                f" {len(enabled)} are on",
                ok=set(event["closed"]) == wanted and not enabled,
            )
        await self.check.nobody_answers("Web server, closed", WEB)
        await self.check.nobody_answers("SSH, closed", SSH)
        await self.house.turn("on", WEB, WEB_NAME)
        await self.check.arrives("Web server, opened after that", WEB)

    async def _flapping(self) -> None:
        """A bad line: it settles on the truth, and nobody is flooded."""
        before = await self.house.shares()
        await self.house.heard_since()
        async with self.step(f"{PULLS} pulls of the cable to the internet") as line:
            for _ in range(PULLS):
                for state in ("down", "up"):
                    self.home.internet.ip([f"link set line {state}"])
                    await asyncio.sleep(FLAP)
            await self._settles(before)
            line.saw("internet on, the shares as before")
        async with self.step(f"{ROUTE_FLAPS} changes of the default route") as line:
            for _ in range(ROUTE_FLAPS):
                for change in ("del", "add"):
                    self.home.gateway.ip(_default_routes(change))
                    await asyncio.sleep(FLAP)
            await self._settles(before)
            line.saw("internet on, the shares as before")
        await self.check.arrives("Web server, on a quiet line", WEB)
        async with self.step("What was told of that") as line:
            heard = await self.house.heard_since()
            told = [each["type"] for each in heard]
            line.saw(
                f"{len(told)} events: {', '.join(sorted(set(told)))}",
                ok=len(told) < FEW and not _of_shares(heard),
            )

    async def _settles(self, before: dict[str, Json]) -> None:
        self.home.cable("wan", plugged=True)  # the home's two ends know each other
        internet = await self.house.entity("Gateway", "internet", "binary_sensor")

        async def settled() -> bool:
            return (
                await self.house.state(internet) == "on"
                and await self.house.shares() == before
            )

        await until(settled, PATIENCE, "Internet on, the shares as before")

    async def _killed(self) -> None:
        """Home Assistant dies, and nothing is lost."""
        before = await self.house.shares()
        async with self.step("The switches are stored") as line:
            began = time.perf_counter()
            await until(self._stored_as(before), PATIENCE, "The switches are stored")
            line.saw("on disk", ms=(time.perf_counter() - began) * 1000)
        async with self.step("Home Assistant is killed (SIGKILL)") as line:
            await self.demo.hass.kill()
            line.saw(f"exit code {await self.demo.hass.ended()}")
        await self.check.arrives("Meanwhile the web server", WEB)
        async with self.step("Home Assistant is started again", essential=True) as line:
            await self.house.start_home_assistant()
            await self._settles(before)
            line.saw(
                ", ".join(f"{name} {each['status']}" for name, each in before.items())
            )
        await self.check.arrives("Web server, after that", WEB)

    def _stored_as(
        self, shares: dict[str, Json]
    ) -> Callable[[], Coroutine[Any, Any, bool]]:
        """Tell whether Home Assistant has written to disk which shares are on."""
        wanted = {each["share_id"]: each["enabled"] for each in shares.values()}

        async def stored() -> bool:
            text = (RUN / ".storage/core.config_entries").read_text(encoding="utf-8")
            return wanted == {
                share_id: share["enabled"]
                for entry in json.loads(text)["data"]["entries"]
                if entry["domain"] == portshare.DOMAIN
                for subentry in entry["subentries"]
                for share_id, share in subentry["data"]["shares"].items()
            }

        return stored

    async def _cable(self, *, plugged: bool) -> None:
        await asyncio.to_thread(self.home.cable, "wan", plugged=plugged)

    async def _internet(self, type_: str, state: str) -> None:
        """What is told of the internet, and that the binary sensor agrees."""
        async with self.step(f"portshare_event {type_}") as line:
            began = time.perf_counter()
            await self.house.hears(type_)
            ms = (time.perf_counter() - began) * 1000
            internet = await self.house.entity("Gateway", "internet", "binary_sensor")
            await self.house.becomes(internet, state)
            line.saw(f"{internet} {state}", ok=ms < 1000, ms=ms)


def _of_shares(events: Iterable[Json]) -> list[Json]:
    return [each for each in events if each["type"] in SHARE_EVENTS]


def _default_routes(change: str) -> list[str]:
    return [
        f"route {change} default via {via}" for via in (INTERNET.ipv4, INTERNET.ipv6)
    ]
