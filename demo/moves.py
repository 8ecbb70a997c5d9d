"""The self-test's devices that move: a share follows its device, and nobody else."""

import asyncio
from collections.abc import AsyncIterator
import contextlib
import time

from .calls import Answer
from .checks import WEB
from .home import LAN, LAN_LINK, Addresses, Device, speak
from .household import WEB_NAME, Household, is_page_of
from .services import SERVICES, Services

NEW_IPV4 = "192.168.178.51"
DEADLINE = 1.0
"""Seconds within which a share has followed its device, since that has spoken."""

CALLS = 20


class Moves:
    """The nas goes from address to address, and the console comes after it."""

    def __init__(self, house: Household) -> None:
        """Look at this household."""
        self.house = house
        self.step = house.step
        self.home = house.demo.home
        self.nas = self.home.devices["nas"]
        self.console = self.home.devices["console"]

    async def run(self) -> None:
        """All of it; in the end everybody is where he was."""
        home_address = self.nas.addresses.ipv4
        await self._moves(home_address, NEW_IPV4)
        with Services("console", self.console.namespace, SERVICES["nas"]):
            async with self._console_has(home_address):
                await self._told_apart("The console has the nas's old address")
                async with self.step("It speaks from there"):
                    self._speak(self.console, home_address)
                await self._told_apart("After that")
            await self._taken_over()
        await self._moves(NEW_IPV4, home_address)

    async def _moves(self, before: str, now: str) -> None:
        """The nas gets another address and speaks once."""
        async with self.step(f"nas moves from {before} to {now}") as line:
            self.nas.namespace.ip(
                [
                    f"addr del {before}/24 dev eth0",
                    f"addr add {now}/24 dev eth0",
                    f"route replace default via {LAN.ipv4}",
                ]
            )
            began = time.perf_counter()
            self._speak(self.nas, now)
            spoken = time.perf_counter()
            await self.house.reached(WEB, began + DEADLINE)
            followed = time.perf_counter()
            line.saw(
                f"reached {(followed - spoken) * 1000:.0f} ms after it has spoken",
                ok=followed - began < DEADLINE,
                ms=(followed - began) * 1000,
            )
        async with self.step("The share leads to") as line:
            share = await self.house.share_becomes(
                WEB_NAME, lambda share: share["internal_ip"] == now, f"leads to {now}"
            )
            line.saw(f"{share['internal_ip']}, {share['status']}")

    async def _told_apart(self, what: str) -> None:
        """Every call reaches the nas."""
        async with self.step(what) as line:
            answers = [await self.house.glance(WEB) for _ in range(CALLS)]
            right = sum(is_page_of(answer, WEB.device) for answer in answers)
            line.saw(f"{right} of {CALLS} calls reach the nas", ok=right == CALLS)

    async def _taken_over(self) -> None:
        """The nas is away, and the console has its address."""
        self.home.cable("nas", plugged=False)
        async with self._console_has(NEW_IPV4):
            async with self.step(
                "The console has the address of the nas, away"
            ) as line:
                self.home.gateway.ip([f"neigh flush dev {LAN_LINK}"])
                status, answers = await self._call_until_unknown()
                wrong = sum(is_page_of(answer, "console") for answer in answers)
                line.saw(
                    f"{status}; {wrong} of {len(answers)} calls reach the console",
                    ok=not wrong,
                )
            async with self.step("Then") as line:
                self._speak(self.console, NEW_IPV4)
                reached = sum([(await self.house.glance(WEB)).ok for _ in range(CALLS)])
                line.saw(f"{reached} of {CALLS} calls reach anybody", ok=not reached)
        async with self.step("The nas is back") as line:
            began = time.perf_counter()
            self.home.gateway.ip([f"link set {self.nas.port} up"])
            self._speak(self.nas, NEW_IPV4)
            await self.house.reached(WEB, time.perf_counter() + DEADLINE)
            line.saw("reached", ms=(time.perf_counter() - began) * 1000)

    async def _call_until_unknown(self) -> tuple[str, list[Answer]]:
        """Call without a break until the share is known to lead nowhere."""
        answers: list[Answer] = []
        unknown = asyncio.create_task(
            self.house.share_becomes(
                WEB_NAME,
                lambda share: share["status"] == "device_unknown",
                "is device_unknown",
            )
        )
        while not unknown.done() or len(answers) < CALLS:
            answers.append(await self.house.glance(WEB))
        return (await unknown)["status"], answers

    @contextlib.asynccontextmanager
    async def _console_has(self, address: str) -> AsyncIterator[None]:
        """The console has one more address."""
        namespace = self.console.namespace
        namespace.ip([f"addr add {address}/24 dev eth0"])
        try:
            yield
        finally:
            namespace.ip([f"addr del {address}/24 dev eth0"])

    def _speak(self, device: Device, ipv4: str) -> None:
        # It has just come here and knows nobody, so it asks for the gateway first.
        device.namespace.ip(["neigh flush dev eth0"])
        speak(device.namespace, Addresses(ipv4, device.addresses.ipv6), LAN)
