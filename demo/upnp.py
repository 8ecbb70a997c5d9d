"""The self-test's UPnP: upnpc on the nas, and packets through what it maps."""

import asyncio
from dataclasses import replace
import re
import socket

from . import DemoError, pcp, portshare
from .calls import Caller
from .checks import SSH, WEB, Shared
from .home import LAN, WAN, Device
from .household import PATIENCE, Household

SSDP = 1900
GROUPS = {"IPv4": "239.255.255.250", "IPv6": "ff02::c"}
GATEWAY = "urn:schemas-upnp-org:device:InternetGatewayDevice:{}"
LAMP = "urn:schemas-upnp-org:device:Lamp:1"
HOUR = 3600
PROGRAM = "A program on the pi"


def search(host: str, target: str) -> bytes:
    """An M-SEARCH; whoever is this answers within a second."""
    return (
        "M-SEARCH * HTTP/1.1\r\n"
        f"HOST: {host}:{SSDP}\r\n"
        'MAN: "ssdp:discover"\r\n'
        "MX: 1\r\n"
        f"ST: {target}\r\n\r\n"
    ).encode()


def alive(host: str, source: str, kind: str) -> bytes:
    """A NOTIFY: a device of this kind is there."""
    return (
        "NOTIFY * HTTP/1.1\r\n"
        f"HOST: {host}:{SSDP}\r\n"
        "CACHE-CONTROL: max-age=1800\r\n"
        f"LOCATION: http://{source}/lamp.xml\r\n"
        f"NT: {kind}\r\n"
        "NTS: ssdp:alive\r\n"
        f"USN: uuid:00000000-0000-0000-0000-000000000001::{kind}\r\n\r\n"
    ).encode()


class Upnp:
    """A program on the nas, which may map ports, asks by UPnP for what it serves."""

    def __init__(self, house: Household, served: Shared) -> None:
        """Look at this household, in which the nas serves that over both families."""
        self.house = house
        self.check = house.check
        self.step = house.step
        self.home = house.demo.home
        self.nas = self.home.devices[served.device]
        self.served = served
        self.urls: dict[tuple[int, str], str] = {}
        self.ipv4 = replace(served, families=("IPv4",))
        self.ipv6 = replace(served, families=("IPv6",))
        self.port = str(served.port)

    async def run(self) -> None:
        """All of it; in the end nothing is mapped."""
        await self._found()
        await self._mapped()
        await self._any_port()
        await self._pinhole()
        await self._for_another()
        await self._without_permission()
        await self._two_owners()

    async def _found(self) -> None:
        """By upnpc's own search, and by one for each gateway and family."""
        async with self.step("upnpc -s, which searches") as line:
            said = await self._upnpc("-s")
            told = re.findall(r"^(?:Found|Status|ExternalIP).*", said, re.MULTILINE)
            line.saw("\n".join(told), ok=f"ExternalIPAddress = {WAN.ipv4}" in told)
        for version, family in (1, "IPv4"), (2, "IPv4"), (2, "IPv6"):
            async with self.step(f"The gateway {version} over {family}") as line:
                target = GATEWAY.format(version)
                url = await asyncio.to_thread(self._location, target, family)
                self.urls[version, family] = url
                line.saw(url.rpartition("/")[2])
        await self._heard_by_home_assistant()

    async def _heard_by_home_assistant(self) -> None:
        """Its own discovery has the same port, and hears what there is all the same."""
        heard = await self.house.websocket.subscribe("ssdp/subscribe_discovery")
        async with self.step("Home Assistant's own SSDP hears of a lamp") as line:
            await asyncio.to_thread(self._tell_of_a_lamp)
            async with asyncio.timeout(PATIENCE):
                while True:
                    event = await heard.next()
                    if any(each["ssdp_st"] == LAMP for each in event.get("add", ())):
                        line.saw(LAMP)
                        return

    async def _mapped(self) -> None:
        """Asked, listed, called, ended."""
        place = (self.nas.addresses.ipv4, self.port, self.port, "tcp")
        await self._asks("upnpc -a", "is redirected", "-a", *place, str(HOUR))
        await self.check.arrives("What it maps", self.ipv4)
        await self.house.has_mapped("nas", "tcp", by="upnp")
        await self._asks("upnpc -l", rf"{self.port}->{place[0]}:{self.port}", "-l")
        await self._asks("upnpc -d", "returned : 0", "-d", self.port, "tcp")
        await self.check.nobody_answers("What it had mapped", self.ipv4)

    async def _any_port(self) -> None:
        """The port that it would like is the web server's, so it gets another one."""
        wish = (self.nas.addresses.ipv4, self.port, str(WEB.external_port), "tcp")
        said = await self._asks(
            "upnpc -n, for a port that is shared",
            r"external .*:(\d+) TCP is redirected",
            *("-n", *wish, str(HOUR)),
            url=self.urls[2, "IPv4"],
        )
        if said is None:
            return
        external_port = int(said[1])
        mapped = replace(self.ipv4, external_port=external_port)
        await self.check.arrives(f"Its port {external_port}", mapped)
        await self._asks("upnpc -d", "returned : 0", "-d", said[1], "tcp")
        await self.check.nobody_answers(f"Its port {external_port}", mapped)

    async def _pinhole(self) -> None:
        """Over IPv6, to the program that asks."""
        url = self.urls[2, "IPv6"]
        opened = await self._asks(
            "upnpc -A",
            r"Pinhole ID = (\d+)",
            *("-6", "-A", "", "0", self.nas.addresses.ipv6),
            *(self.port, "tcp", str(HOUR)),
            url=url,
        )
        await self.check.arrives("The pinhole", self.ipv6)
        if opened:
            await self._asks("upnpc -D", "", "-6", "-D", opened[1], url=url)
        await self.check.nobody_answers("The pinhole, closed", self.ipv6)

    async def _for_another(self) -> None:
        """Nobody maps ports of somebody else."""
        pi = self.home.devices[SSH.device].addresses.ipv4
        wish = (pi, str(SSH.port), "22022", "tcp", str(HOUR))
        await self._asks("upnpc -a, for the pi", "failed with code 606", "-a", *wish)
        await self.house.has_mapped("nas")

    async def _without_permission(self) -> None:
        """A device that may not is told so, and so is the user, who can say no."""
        await self.house.heard_since()
        pi = self.home.devices[SSH.device]
        wish = (pi.addresses.ipv4, self.port, self.port, "tcp", str(HOUR))
        wants = ("-u", self.urls[1, "IPv4"], "-e", PROGRAM, "-a", *wish)
        async with self.step("upnpc -a on the pi, without permission") as line:
            said = await self._upnpc(*wants, device=pi)
            line.saw(said.splitlines()[-1], ok="failed with code 606" in said)
        async with self.step("portshare_event mapping_requested") as line:
            request = await self.house.hears("mapping_requested")
            line.saw(
                f"{request['name']}, port {request['port']} of {request['mac']}",
                ok=(request["mac"], request["name"]) == (pi.mac, PROGRAM),
            )
        async with self.step("portshare.deny_request, and it asks again") as line:
            await self.house.websocket.service(
                portshare.DOMAIN, "deny_request", {"request_id": request["request_id"]}
            )
            await self.house.heard_since()
            await self._upnpc(*wants, device=pi)
            told = [each["type"] for each in await self.house.heard_since()]
            line.saw(", ".join(told) or "nothing is told", ok=not told)

    async def _two_owners(self) -> None:
        """It asks by PCP, too: one mapping, that goes with the last of them."""
        client = pcp.Client(self.nas, LAN.ipv4)
        place = (self.nas.addresses.ipv4, self.port, self.port, "tcp")
        async with self.step("PCP, for the same port") as line:
            mapped = await asyncio.to_thread(client.map, "tcp", self.served.port, HOUR)
            line.saw(str(mapped), ok=mapped.result == pcp.SUCCESS)
        await self._asks("and upnpc -a", "is redirected", "-a", *place, str(HOUR))
        await self.house.has_mapped("nas", "tcp", by="pcp and upnp")
        await self._asks("upnpc -d", "returned : 0", "-d", self.port, "tcp")
        await self.check.arrives("What PCP still has", self.ipv4)
        async with self.step("PCP ends it") as line:
            ended = await asyncio.to_thread(client.map, "tcp", self.served.port, 0)
            line.saw(str(ended), ok=ended.result == pcp.SUCCESS)
        await self.check.nobody_answers("What nobody has any more", self.ipv4)

    async def _asks(
        self, what: str, expected: str, *arguments: str, url: str | None = None
    ) -> re.Match[str] | None:
        """Let upnpc do something; return what it says that was expected."""
        async with self.step(what) as line:
            url = url or self.urls[1, "IPv4"]
            said = await self._upnpc("-u", url, *arguments)
            found = re.search(expected, said)
            told = [each for each in said.splitlines() if re.search(expected, each)]
            line.saw(told[-1] if found else said, ok=found is not None)
            return found
        return None

    async def _upnpc(self, *arguments: str, device: Device | None = None) -> str:
        """The demo's external address is for documentation, which `-i` forgives."""
        run = (device or self.nas).namespace.run
        done = await asyncio.to_thread(run, "upnpc", "-i", *arguments, check=False)
        return done.stdout + done.stderr

    def _tell_of_a_lamp(self) -> None:
        group, own = GROUPS["IPv4"], self.nas.addresses.ipv4
        with Caller(self.nas.namespace, own).open(group, socket.SOCK_DGRAM) as sock:
            sock.sendto(alive(group, own, LAMP), (group, SSDP))

    def _location(self, target: str, family: str) -> str:
        """Search over this family, and return where what is found is described."""
        group = GROUPS[family]
        own = self.nas.addresses
        source = own.ipv6 if family == "IPv6" else own.ipv4
        with Caller(self.nas.namespace, source).open(group, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.sendto(search(group, target), (group, SSDP))
            answer = sock.recv(2048).decode()
        location = re.search(r"^LOCATION: *(\S+)", answer, re.MULTILINE | re.IGNORECASE)
        if location is None:
            raise DemoError(f"This says no location: {answer}")
        return location[1]
