"""The self-test's devices that map their own ports, by NAT-PMP and PCP."""

import asyncio
from datetime import UTC, datetime
import json
import socket
import time

from . import calls, pcp, portshare
from .api import Json
from .checks import Shared
from .home import LAN, LAN_LINK_LOCAL, Device
from .household import Household
from .services import Service, Services, serve_game, serve_web
from .strangers import Strangers
from .upnp import Upnp

TORRENT = 6881
PORTS = (
    Service(TORRENT, socket.SOCK_STREAM, serve_web),
    Service(TORRENT, socket.SOCK_DGRAM, serve_game),
)
"""What the nas offers for a while; it shares none of it."""

OVER_IPV4 = Shared("nas", TORRENT, TORRENT, ("IPv4",))
OVER_IPV6 = Shared("nas", TORRENT, TORRENT, ("IPv6",))
ANYHOW = Shared("nas", TORRENT, TORRENT)
SHELL = Shared("pi", 22, 22022, ("IPv4",))

SHORTEST = 120
"""Seconds that a mapping by PCP lasts at least (RFC 6887 section 15)."""
HOUR = 3600
SLACK = 5
"""Seconds that the kernel may close later than was promised, and that a test may take."""


class Leases:
    """A device that may map ports, one that may not, and strangers who try."""

    def __init__(self, house: Household) -> None:
        """Look at this household."""
        self.house = house
        self.check = house.check
        self.step = house.step
        self.demo = house.demo
        self.nas = self.demo.home.devices["nas"]
        self.pi = self.demo.home.devices["pi"]
        self.ipv4 = pcp.Client(self.nas, LAN.ipv4)
        # Hosts know their router by its link-local address.
        self.ipv6 = pcp.Client(self.nas, LAN_LINK_LOCAL)

    async def run(self) -> None:
        """All of it; in the end nobody has mapped anything, or may."""
        await self._without_permission()
        with Services("nas", self.nas.namespace, PORTS):
            await self._permit("nas", "on")
            await self._natpmp()
            await Upnp(self.house, ANYHOW).run()
            await self._pcp()
            await self._restart()
            await Strangers(self.house).run()
            await self._killed()
            await self._permission_taken()
        await self._unused_permission()

    async def _without_permission(self) -> None:
        """It is refused, and the user is asked."""
        await self.house.heard_since()
        await self._natpmpc("Without permission", self.pi, SHELL, "tcp", ok=False)
        async with self.step("portshare_event mapping_requested") as line:
            request = await self.house.hears("mapping_requested")
            line.saw(
                f"{request['protocol']} port {request['port']} of {request['mac']},"
                f" asked by {request['asked_by']}",
                ok=(request["mac"], request["port"]) == (self.pi.mac, SHELL.port),
            )
        async with self.step("The event entity of the pi") as line:
            entity = await self.house.entity("pi", "port_sharing", "event")
            told = (await self.house.attributes(entity))["event_type"]
            line.saw(f"{entity} {told}", ok=told == "requested")
        await self.check.nobody_answers("Not mapped", SHELL)
        async with self.step("portshare.approve_request, once"):
            await self.house.websocket.service(
                portshare.DOMAIN,
                "approve_request",
                {"request_id": request["request_id"]},
            )
        await self._natpmpc("It asks again", self.pi, SHELL, "tcp")
        await self.house.heard_since()
        async with self.step("SSH of the pi, at its own wish") as line:
            answer = await self.check.listen(SHELL)
            line.saw(answer.text, ok=answer.ok, ms=answer.ms)
        await self._natpmpc("It ends that", self.pi, SHELL, "tcp", lifetime=0)
        await self.check.nobody_answers("Ended", SHELL)

    async def _natpmp(self) -> None:
        """A TCP and a UDP port by somebody else's client."""
        await self._natpmpc("natpmpc on the nas", self.nas, OVER_IPV4, "tcp")
        async with self.step("portshare_event mapping_added") as line:
            event = await self.house.hears("mapping_added")
            line.saw(
                f"{event['protocol']} port {event['port']} of {event['mac']}",
                ok=(event["mac"], event["port"]) == (self.nas.mac, TORRENT),
            )
        await self._natpmpc("natpmpc on the nas", self.nas, OVER_IPV4, "udp")
        await self.check.arrives("The TCP port", OVER_IPV4)
        await self.check.datagrams("The UDP port", OVER_IPV4)
        await self.house.has_mapped("nas", "tcp", "udp", by="natpmp")
        await self._kernel_lets_go("tcp", HOUR)
        downloads = await self.check.downloads(OVER_IPV4)
        began = time.perf_counter()
        await self._natpmpc("It ends that", self.nas, OVER_IPV4, "tcp", lifetime=0)
        await self.check.are_cut("The {} download then", downloads, began)
        await self.check.nobody_answers("The TCP port, ended", OVER_IPV4)
        await self.check.datagrams("The UDP port, still mapped", OVER_IPV4)
        await self._natpmpc("It ends that, too", self.nas, OVER_IPV4, "udp", lifetime=0)
        await self.house.has_mapped("nas")

    async def _pcp(self) -> None:
        """A port of IPv4, and pinholes of IPv6."""
        await self._map("PCP, for a second", self.ipv4, "tcp", 1, gets=SHORTEST)
        await self._kernel_lets_go("tcp", SHORTEST)
        await self._map("PCP, once more for an hour", self.ipv4, "tcp", HOUR)
        await self._kernel_lets_go("tcp", HOUR)
        await self.check.arrives("The TCP port", OVER_IPV4)
        await self._map("PCP over IPv6, TCP", self.ipv6, "tcp", HOUR)
        await self._map("PCP over IPv6, UDP", self.ipv6, "udp", HOUR)
        await self.check.arrives("The TCP pinhole", OVER_IPV6)
        await self.check.datagrams("The UDP pinhole", OVER_IPV6)
        await self.house.has_mapped("nas", "tcp", "tcp", "udp", by="pcp")
        await self._map("It closes one pinhole", self.ipv6, "udp", 0)
        await self.check.nobody_answers("The UDP pinhole, closed", OVER_IPV6, calls.udp)

    async def _restart(self) -> None:
        """Home Assistant goes and comes back; leases and what runs over them stay."""
        await self.house.has_mapped("nas", "tcp", "tcp", by="pcp")
        before = await self.house.leases("nas")
        downloads = await self.check.downloads(ANYHOW)
        async with self.step("Home Assistant is restarted", essential=True):
            await self.demo.hass.stop()
            await self.house.start_home_assistant()
        await self.check.go_on("The {} download through that", downloads)
        async with self.step("The leases then") as line:
            same = await self.house.leases("nas") == before
            left = _seconds_left(before[0])
            line.saw(f"as before, {left:.0f} s are left" if same else "others", ok=same)
        await self._kernel_lets_go("tcp", left)
        await self._map("It asks for two hours now", self.ipv4, "tcp", 2 * HOUR)
        await self._kernel_lets_go("tcp", 2 * HOUR)

    async def _killed(self) -> None:
        """It dies before a lease is stored: others stay, and devices learn to ask again."""
        downloads = await self.check.downloads(ANYHOW)
        async with self.step(
            "PCP, and Home Assistant is killed", essential=True
        ) as line:
            mapped = await asyncio.to_thread(self.ipv4.map, "udp", TORRENT, HOUR)
            await self.demo.hass.kill()
            await self.house.start_home_assistant()
            line.saw(str(mapped), ok=mapped.result == pcp.SUCCESS)
        await self.check.go_on("The {} download through that", downloads)
        async with self.step("The epoch time after that") as line:
            again = await asyncio.to_thread(self.ipv4.map, "udp", TORRENT, HOUR)
            # RFC 6887 section 8.5: that it is not what it should be is the sign.
            line.saw(
                f"{again.epoch} s, before that {mapped.epoch} s",
                ok=again.epoch < mapped.epoch,
            )
        await self.check.datagrams("What is asked for again", OVER_IPV4)

    async def _permission_taken(self) -> None:
        """With its permission a device loses what it has mapped."""
        downloads = await self.check.downloads(ANYHOW)
        began = time.perf_counter()
        await self._permit("nas", "off")
        await self.check.are_cut("The {} download then", downloads, began)
        await self.check.nobody_answers("What it had mapped", ANYHOW)
        async with self.step("portshare_event mapping_removed") as line:
            event = await self.house.hears("mapping_removed")
            line.saw(
                f"{event['protocol']} port {event['port']}, reason {event['reason']}",
                ok=event["reason"] == "permission",
            )
        await self.house.has_mapped("nas")

    async def _unused_permission(self) -> None:
        """The button takes it from those who have never asked."""
        await self._permit("nas", "on")
        await self._permit("pi", "on")
        async with self.step("The button Disable independent port sharing") as line:
            button = await self.house.entity("Gateway", "disable_independent", "button")
            await self.house.websocket.service("button", "press", entity_id=button)
            states = {
                device: await self.house.state(await self._switch(device))
                for device in ("nas", "pi")
            }
            line.saw(
                "nas, which has asked, {nas}; pi {pi}".format_map(states),
                ok=states == {"nas": "on", "pi": "off"},
            )
        await self._permit("nas", "off")

    async def _switch(self, device: str) -> str:
        return await self.house.entity(device, "independent", "switch")

    async def _permit(self, device: str, to: str) -> None:
        async with self.step(f"Independent port sharing of {device}: {to}") as line:
            switch = await self._switch(device)
            await self.house.websocket.service("switch", f"turn_{to}", entity_id=switch)
            line.saw(f"{switch} {await self.house.state(switch)}")

    async def _natpmpc(
        self,
        what: str,
        device: Device,
        shared: Shared,
        transport: str,
        *,
        lifetime: int = HOUR,
        ok: bool = True,
    ) -> None:
        """Let natpmpc ask for a port; it finds the gateway by the default route."""
        async with self.step(f"{what}: {transport} port {shared.port}") as line:
            done = await asyncio.to_thread(
                device.namespace.run,
                *("natpmpc", "-a", str(shared.external_port), str(shared.port)),
                *(transport, str(lifetime)),
                check=False,
            )
            said = (done.stdout + done.stderr).splitlines()
            told = [each for each in said if "Mapped" in each or "failed" in each]
            line.saw("\n".join(told), ok=(done.returncode == 0) is ok)

    async def _map(
        self,
        what: str,
        client: pcp.Client,
        transport: str,
        lifetime: int,
        *,
        gets: int | None = None,
    ) -> None:
        """Ask by PCP for the torrent's port."""
        async with self.step(what) as line:
            mapped = await asyncio.to_thread(client.map, transport, TORRENT, lifetime)
            granted = lifetime if gets is None else gets
            line.saw(
                str(mapped),
                ok=(mapped.result, mapped.lifetime) == (pcp.SUCCESS, granted),
            )

    async def _kernel_lets_go(self, transport: str, lifetime: float) -> None:
        """The kernel closes it when its time is over, with or without Home Assistant."""
        async with self.step("In the kernel") as line:
            listing = ("nft", "-j", "list", "set", "inet", "portshare", "flow4")
            listed = json.loads(self.demo.home.gateway.run(*listing).stdout)
            (flows,) = (each["set"] for each in listed["nftables"] if "set" in each)
            (expires,) = (
                each["elem"]["expires"]
                for each in flows["elem"]
                if each["elem"]["val"]["concat"][:2] == [transport, TORRENT]
            )
            line.saw(
                f"the {transport} port closes in {expires} s",
                ok=abs(expires - lifetime) <= SLACK,
            )


def _seconds_left(lease: Json) -> float:
    expires = datetime.fromisoformat(lease["expires"])
    return (expires - datetime.now(UTC)).total_seconds()
