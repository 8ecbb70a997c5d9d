"""The self-test's eyes: calls to what is shared, each of them a line of the report."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import functools

from . import calls
from .calls import Answer, Caller, Download
from .home import WAN, Home
from .report import Report

RATE = 2_000_000
"""Bytes per second of a download that has to run for a while."""


MOMENT = 1.0
"""Seconds within which a closed share must be silent, and an event be there."""


SILENCE = 0.5
"""Seconds without an answer. Until a TCP socket asks again it would take a whole one."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Something that a device offers, and its external port for IPv4."""

    device: str
    port: int
    external_port: int
    families: tuple[str, ...] = ("IPv4", "IPv6")


WEB = Shared("nas", 80, 8080)
SSH = Shared("pi", 22, 2222)
GAME = Shared("console", 27015, 27015)


class Checks:
    """Calls from the internet into this home."""

    def __init__(self, home: Home, report: Report) -> None:
        """Write into this report."""
        self._home = home
        self._internet = Caller(home.internet)
        self._step = report.step

    def doors(self, shared: Shared) -> list[tuple[str, str, int]]:
        """Where it is called: family, address and port."""
        device = self._home.devices[shared.device].addresses
        doors = (
            ("IPv4", WAN.ipv4, shared.external_port),
            ("IPv6", device.ipv6, shared.port),
        )
        return [door for door in doors if door[0] in shared.families]

    async def call(
        self, how: Callable[[Caller, str, int], Answer], address: str, port: int
    ) -> Answer:
        """A call from the internet."""
        return await asyncio.to_thread(how, self._internet, address, port)

    async def at_home(self, what: str, shared: Shared) -> None:
        """A neighbour of the device is answered: the service itself is there."""
        async with self._step(what) as line:
            device = self._home.devices[shared.device]
            neighbour = Caller(self._home.gateway)
            answer = await asyncio.to_thread(
                calls.tcp, neighbour, device.addresses.ipv4, shared.port
            )
            line.saw(answer.text.partition("\n")[0], ok=answer.ok, ms=answer.ms)

    async def arrives(self, what: str, shared: Shared) -> None:
        """Over each family a page arrives that names the device."""
        for family, address, port in self.doors(shared):
            async with self._step(f"{what}: over {family}") as line:
                answer = await self.call(calls.page, address, port)
                ok = answer.ok and f"the web page of {shared.device}" in answer.text
                line.saw(answer.text.partition("\n")[0], ok=ok, ms=answer.ms)

    async def listen(self, shared: Shared) -> Answer:
        """Call over IPv4 somebody who speaks first."""
        return await self.call(calls.tcp, WAN.ipv4, shared.external_port)

    async def nobody_answers(
        self,
        what: str,
        shared: Shared,
        how: Callable[..., Answer] = calls.tcp,
    ) -> None:
        """All families at once, so that silence takes no longer than for one."""
        async with self._step(f"{what}: nobody answers") as line:
            call = functools.partial(how, patience=SILENCE)
            answers = await asyncio.gather(
                *(
                    self.call(call, address, port)
                    for _, address, port in self.doors(shared)
                )
            )
            seen = ", ".join(answer.text.partition("\n")[0] for answer in answers)
            line.saw(seen, ok=not any(answer.ok for answer in answers))

    async def datagrams(self, what: str, shared: Shared) -> None:
        """Over each family a datagram is answered."""
        for family, address, port in self.doors(shared):
            async with self._step(f"{what}: over {family}") as line:
                answer = await self.call(calls.udp, address, port)
                line.saw(answer.text, ok=answer.ok, ms=answer.ms)

    async def downloads(
        self, shared: Shared, *, rate: int = RATE, first: int = RATE // 20
    ) -> dict[str, Download]:
        """One long download over each family; the `first` bytes of each have come."""
        downloads = {
            family: Download(self._internet, address, port, size=10**9, rate=rate)
            for family, address, port in self.doors(shared)
        }
        async with self._step("A download runs over each family") as line:
            started = [
                await asyncio.to_thread(download.wait_until, first, 5)
                for download in downloads.values()
            ]
            line.saw(f"{rate} bytes per second each", ok=all(started))
        return downloads

    async def go_on(
        self, what: str, downloads: dict[str, Download], *, more: int = RATE // 2
    ) -> None:
        """They have lost nothing, and `more` bytes come; then they are left."""
        for family, download in downloads.items():
            async with self._step(what.format(family)) as line:
                enough = download.received + more
                went_on = await asyncio.to_thread(download.wait_until, enough, 5)
                ended = await asyncio.to_thread(download.leave)
                ok = went_on and ended == "left"
                line.saw(
                    f"{download.received} bytes, none lost, longest pause"
                    f" {download.longest_pause * 1000:.0f} ms"
                    if ok
                    else f"{ended} after {download.received} bytes",
                    ok=ok,
                )

    async def are_cut(
        self, what: str, downloads: dict[str, Download], began: float
    ) -> None:
        """They have ended in the moment after `began`, and were not complete."""
        for family, download in downloads.items():
            async with self._step(what.format(family)) as line:
                over = await asyncio.to_thread(download.wait_until_ended, 5)
                after = max(0.0, download.last_at - began)
                how = "silent" if download.ended == calls.NO_ANSWER else download.ended
                line.saw(
                    f"{how} after {download.received} bytes",
                    ok=over and how != "complete" and after < MOMENT,
                    ms=after * 1000,
                )

    def tables(self) -> str:
        """The names of all tables of the gateway."""
        return self._home.gateway.run("nft", "list", "tables").stdout

    def table(self, name: str) -> str:
        """A table as nft lists it, with handles; empty if there is none."""
        list_table = ("nft", "-a", "list", "table", "inet", name)
        return self._home.gateway.run(*list_table, check=False).stdout
