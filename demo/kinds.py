"""The self-test's shares that are more, or less, than a port for everybody."""

import asyncio
from collections.abc import AsyncIterator
import contextlib
import socket
from typing import Any

from . import DemoError, calls, netns
from .calls import Answer, Caller
from .checks import GAME, SSH, WEB
from .home import INTERNET, OTHER_CALLER, WAN
from .household import Household
from .services import GATEWAY_SSH

ESP_NUMBER = 50
ESP_PACKET = bytes(7) + b"\1" + bytes(8)
"""An SPI, a sequence number, and nothing that could be decrypted."""


class Kinds:
    """An exposed host, a share for some callers, ping and ESP; and a port that is taken."""

    def __init__(self, house: Household) -> None:
        """Look at this household."""
        self.house = house
        self.check = house.check
        self.step = house.step
        self.home = house.demo.home

    async def run(self) -> None:
        """Each is added by a service, called, and removed."""
        await self._exposed_host()
        await self._for_one_caller()
        await self._ping6()
        await self._esp()
        await self._port_of_the_gateway()

    async def _exposed_host(self) -> None:
        """Only who confirms it has one, and single shares still lead to their devices."""
        everything = {
            "mac": self.home.devices[GAME.device].mac,
            "name": "Everything",
            "protocol": "exposed_host",
        }
        await self.house.has_a_reason("An exposed host", "add_share", everything)
        async with self._shared(
            "An exposed host, confirmed", **everything, confirm=True
        ):
            await self.check.datagrams("Whatever it has", GAME)
            await self.check.arrives("Web server of nas, all the same", WEB)
        await self.check.nobody_answers("Exposed no longer", GAME, calls.udp)

    async def _for_one_caller(self) -> None:
        """One host of the internet may call, and its neighbour may not."""
        async with self._shared(
            "A game for one caller",
            mac=self.home.devices[GAME.device].mac,
            name="Game",
            protocol="udp",
            port=GAME.port,
            sources=[INTERNET.ipv4, INTERNET.ipv6],
        ):
            await self.check.datagrams("That one calls", GAME)
            async with self.step("Another one calls") as line:
                answers = await asyncio.gather(
                    *(self._other_calls(*door) for door in self.check.doors(GAME))
                )
                seen = ", ".join(answer.text for answer in answers)
                line.saw(seen, ok=not any(answer.ok for answer in answers))

    async def _other_calls(self, family: str, address: str, port: int) -> Answer:
        source = OTHER_CALLER.ipv4 if family == "IPv4" else OTHER_CALLER.ipv6
        caller = Caller(self.home.internet, source)
        return await asyncio.to_thread(calls.udp, caller, address, port)

    async def _ping6(self) -> None:
        """A device that answers pings."""
        await self._pings("ping of nas, not shared", answered=False)
        mac = self.home.devices[WEB.device].mac
        async with self._shared("PING6", mac=mac, name="Ping", protocol="ping6"):
            await self._pings("ping of nas", answered=True)

    async def _pings(self, what: str, *, answered: bool) -> None:
        async with self.step(what) as line:
            address = self.home.devices[WEB.device].addresses.ipv6
            ping = ("ping", "-c", "1", "-W", "1", address)
            done = await asyncio.to_thread(self.home.internet.run, *ping, check=False)
            summary = next(
                each for each in done.stdout.splitlines() if "received" in each
            )
            line.saw(summary, ok=(done.returncode == 0) is answered)

    async def _esp(self) -> None:
        """A packet of a VPN, to a device behind it."""
        pi = self.home.devices[SSH.device]
        async with (
            self._shared("ESP", mac=pi.mac, name="VPN", protocol="esp"),
            self.step("A packet of ESP") as line,
        ):
            line.saw(await asyncio.to_thread(self._send_esp))
        async with self.step("A packet of ESP, shared no longer") as line:
            try:
                line.saw(await asyncio.to_thread(self._send_esp), ok=False)
            except TimeoutError:
                line.saw("arrives nowhere")

    def _send_esp(self) -> str:
        """Send one from the internet, and tell how it has arrived at the pi."""
        pi = self.home.devices[SSH.device].namespace
        raw = (socket.AF_INET, socket.SOCK_RAW, ESP_NUMBER)
        with (
            netns.socket_in(pi, *raw) as receiver,
            netns.socket_in(self.home.internet, *raw) as sender,
        ):
            receiver.settimeout(calls.SERVER_SPEAKS_FIRST)
            sender.sendto(ESP_PACKET, (WAN.ipv4, 0))
            packet, (source, _) = receiver.recvfrom(100)
        if not packet.endswith(ESP_PACKET):
            raise DemoError("Another packet has arrived")
        return f"arrives from {source}"

    async def _port_of_the_gateway(self) -> None:
        """What the gateway itself serves cannot be led elsewhere."""
        fields = {
            "mac": self.home.devices[SSH.device].mac,
            "name": "The gateway's SSH",
            "protocol": "tcp",
            "port": 2200,
            "external_port": GATEWAY_SSH,
        }
        await self.house.has_a_reason("SSH of the gateway itself", "add_share", fields)

    @contextlib.asynccontextmanager
    async def _shared(self, what: str, **fields: Any) -> AsyncIterator[None]:
        """A share, for as long as the block lasts."""
        async with self.step(what, essential=True) as line:
            share = await self.house.service("add_share", **fields)
            line.saw(f"call {', '.join(share['call'])}")
        yield
        await self.house.remove_share(share)
