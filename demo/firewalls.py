"""The self-test's other firewalls: they take ours away, or keep out what it lets in."""

import asyncio
from pathlib import Path
import time

from . import REPOSITORY, portshare
from .api import Json, until
from .checks import WEB
from .household import PATIENCE, WEB_NAME, Household

FLUSHES = 3
TRICKLE = 4
"""Bytes per second, one at a time."""

AT_ONCE = 1.0
"""Seconds within which the page must be there again."""

SAID = "Somebody else has changed the firewall tables"

STRICT = """\
table inet strict {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        iifname "lan0" accept
    }
}
"""

DOCKER = REPOSITORY / "tests/gateway/firewalls/docker.rules"


class Firewalls:
    """Somebody flushes all tables; a strict table comes and goes, and Docker."""

    def __init__(self, house: Household) -> None:
        """Look at this household."""
        self.house = house
        self.check = house.check
        self.step = house.step
        self.gateway = house.demo.home.gateway

    async def run(self) -> None:
        """All of it; in the end there is no firewall but ours."""
        await self._flushed()
        await self._strict_table()
        await self._docker()

    async def _flushed(self) -> None:
        """Everything is deleted, and ours is back before anybody notices.

        In the milliseconds between, addresses are not translated: a packet of a flow over
        IPv4 that came just then would be answered by the gateway itself, which knows of
        no such flow. So these downloads make pauses.
        """
        downloads = await self.check.downloads(WEB, rate=TRICKLE, first=1)
        for _ in range(FLUSHES):
            async with self.step("Somebody runs nft flush ruleset") as line:
                just_now = downloads["IPv4"]
                await asyncio.to_thread(just_now.wait_until, just_now.received + 1, 5)
                self.gateway.run("nft", "flush", "ruleset")
                began = time.perf_counter()
                await self.house.reached(WEB, began + AT_ONCE)
                ms = (time.perf_counter() - began) * 1000
                line.saw("the page arrives again", ms=ms)
        await self.check.go_on("The {} download through that", downloads, more=2)
        async with self.step("The log of that") as line:
            log = Path.read_text(self.house.demo.hass.output)
            said = [each for each in log.splitlines() if SAID in each]
            line.saw("\n".join(said) or "nothing", ok=len(said) == 1)

    async def _strict_table(self) -> None:
        """A table of nftables that drops: the repair's form lets shares through."""
        async with self.step("A table with the policy drop appears") as line:
            self.gateway.run("nft", "-f", "-", stdin=STRICT)
            line.saw(await self._status("blocked"))
        await self.check.nobody_answers("Web server, blocked", WEB)
        async with self.step("The repair issue") as line:
            (issue,) = await self._issues(1)
            line.saw(issue["translation_key"], ok=issue["is_fixable"])
        async with self.step("It is mended by its form") as line:
            await self.house.demo.api.flow(
                "/api/repairs/issues/fix",
                {"handler": portshare.DOMAIN, "issue_id": issue["issue_id"]},
                {"confirm": {}},
            )
            line.saw(await self._status("active"))
        await self.check.arrives("Web server, let through", WEB)
        await self._goes("The table goes", "nft delete table inet strict")

    async def _docker(self) -> None:
        """The chains of Docker, which only Docker's own tool may change."""
        async with self.step("Docker starts") as line:
            rules = DOCKER.read_text(encoding="utf-8")
            for restore in ("iptables-restore", "ip6tables-restore"):
                self.gateway.run(restore, stdin=rules)
            line.saw(await self._status("blocked"))
        await self.check.nobody_answers("Web server, blocked by Docker", WEB)
        async with self.step("What the repair issues say to do") as line:
            issues = await self._issues(2)
            commands = [each["translation_placeholders"]["command"] for each in issues]
            fixable = any(each["is_fixable"] for each in issues)
            line.saw("\n".join(commands), ok=not fixable)
        async with self.step("It is done") as line:
            for command in commands:
                self.gateway.run("sh", "-c", command)
            line.saw(await self._status("active"))
        await self.check.arrives("Web server, let through by Docker", WEB)
        gone = "nft 'delete table ip filter; delete table ip6 filter'"
        await self._goes("Docker is removed", gone)

    async def _goes(self, what: str, command: str) -> None:
        """A firewall goes, and with it what there was to say of it."""
        async with self.step(what) as line:
            self.gateway.run("sh", "-c", command)
            await self._issues(0)
            line.saw(f"no issue; {await self._status('active')}")
        await self.check.arrives("Web server, without it", WEB)

    async def _status(self, status: str) -> str:
        """Wait until the web server has this status."""
        share = await self.house.share_becomes(
            WEB_NAME, lambda share: share["status"] == status, f"is {status}"
        )
        return f"{WEB_NAME}: {share['status']}"

    async def _issues(self, count: int) -> list[Json]:
        """Wait until there are so many issues of portshare."""
        issues: list[Json] = []

        async def as_many() -> bool:
            answer = await self.house.websocket.command("repairs/list_issues")
            issues[:] = [
                each for each in answer["issues"] if each["domain"] == portshare.DOMAIN
            ]
            return len(issues) == count

        await until(as_many, PATIENCE, f"{count} issues of portshare")
        return issues
