"""The programs on the devices that map ports: by NAT-PMP, PCP and UPnP."""

import re
import socket
import struct
import time
from typing import Final

from demo import netns, pcp
from demo.calls import Caller
from demo.home import LAN_LINK_LOCAL, Device
from demo.upnp import GATEWAY, GROUPS, SSDP, search

from . import Divergence
from .model import NATPMP, PCP, Household, Place

DAY: Final = 86400
ROUTER: Final = "192.168.178.1"
PATIENCE: Final = 3.0
REFUSED: Final = 0

# RFC 6886 section 3.3: version, opcode, reserved, internal and external port, lifetime;
# the answer: version, opcode, result, epoch, internal and external port, lifetime.
_REQUEST: Final = struct.Struct("!BBHHHI")
_ANSWER: Final = struct.Struct("!BBHIHHI")
_OPCODES: Final = {"udp": 1, "tcp": 2}

# RFC 6886 section 3.5, and RFC 6887 section 7.4.
_NATPMP_REFUSALS: Final = {2: "not authorized", 3: "network failure"}
_PCP_REFUSALS: Final = {2: "not authorized", 7: "network failure"}


class Clients:
    """All programs of a device, on whatever address it has now."""

    def __init__(self, device: Device, nonce: bytes) -> None:
        """With this nonce it asks by PCP for all that it maps."""
        self._device = device
        self._nonce = nonce
        self._url: str | None = None

    def forget_gateway(self) -> None:
        """Look for the UPnP gateway anew: Home Assistant has been started."""
        self._url = None

    def map(self, model: Household, place: Place, by: str, lifetime: int | None) -> int:
        """Ask for a mapping; return its external port, or REFUSED."""
        seconds = DAY if lifetime is None else lifetime
        if by == NATPMP:
            return self._natpmp(model, place, seconds)
        if by == PCP:
            return self._pcp(model, place, seconds)
        return self._upnp_add(model, place, seconds)

    def end(self, model: Household, place: Place, by: str, external_port: int) -> None:
        """End a mapping; raise a Divergence if it is refused."""
        if by == NATPMP:
            self._natpmp(model, place, 0)
        elif by == PCP:
            self._pcp(model, place, 0)
        else:
            said = self._upnpc(model, "-d", str(external_port), place.transport)
            if "returned : 0" not in said:
                raise Divergence(f"upnpc cannot end {place}:\n{said}")

    def _natpmp(self, model: Household, place: Place, lifetime: int) -> int:
        wish = place.wish if lifetime else 0
        opcode = _OPCODES[place.transport]
        request = _REQUEST.pack(0, opcode, 0, place.port, wish, lifetime)
        answer = self._exchange(model.ipv4(place.device), ROUTER, request)
        _, _, result, _, _, external_port, lasts = _ANSWER.unpack(answer)
        if result in _NATPMP_REFUSALS and lifetime:
            return REFUSED
        if result or lasts != lifetime:
            raise Divergence(f"NAT-PMP for {place}: result {result}, {lasts} s")
        return int(external_port)

    def _pcp(self, model: Household, place: Place, lifetime: int) -> int:
        source = place.address or model.ipv4(place.device)
        router = LAN_LINK_LOCAL if place.address else ROUTER
        request = pcp.map_request(
            source, self._nonce, place.transport, place.port, lifetime, place.wish
        )
        answer = pcp.read_answer(self._exchange(source, router, request))
        if answer.result in _PCP_REFUSALS and lifetime:
            return REFUSED
        if answer.result or answer.lifetime != lifetime:
            raise Divergence(f"PCP for {place}: {answer}")
        return answer.external_port

    def _exchange(self, source: str, router: str, request: bytes) -> bytes:
        """Ask the gateway, and again if nothing comes: datagrams may be lost."""
        caller = Caller(self._device.namespace, source)
        server: tuple[str, int] | tuple[str, int, int, int] = (router, pcp.PORT)
        if ":" in router:
            with netns.inside(self._device.namespace):
                server = router, pcp.PORT, 0, socket.if_nametoindex("eth0")
        with caller.open(router, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(server)
            sock.send(request)
            try:
                return sock.recv(2048)
            except OSError as error:
                raise Divergence(f"The gateway does not answer {source}") from error

    def _upnp_add(self, model: Household, place: Place, lifetime: int) -> int:
        own, wish = model.ipv4(place.device), str(place.wish)
        said = self._upnpc(
            model, "-a", own, str(place.port), wish, place.transport, str(lifetime)
        )
        if "is redirected" in said:
            return place.wish
        # Not authorized, conflict, action failed: it is told why, and has nothing.
        if re.search(r"failed with code (606|718|501)", said):
            return REFUSED
        raise Divergence(f"upnpc cannot map {place}:\n{said}")

    def _upnpc(self, model: Household, *arguments: str) -> str:
        """The demo's external address is for documentation, which `-i` forgives."""
        self._url = self._url or self._location(model)
        command = ("upnpc", "-i", "-u", self._url, *arguments)
        done = self._device.namespace.run(*command, check=False)
        return done.stdout + done.stderr

    def _location(self, model: Household) -> str:
        """Search until a gateway answers: who was asked may take a second (MX)."""
        group = GROUPS["IPv4"]
        caller = Caller(self._device.namespace, model.ipv4(self._device.name))
        deadline = time.monotonic() + PATIENCE
        with caller.open(group, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            while time.monotonic() < deadline:
                sock.sendto(search(group, GATEWAY.format(1)), (group, SSDP))
                try:
                    answer = sock.recv(2048).decode()
                except OSError:
                    continue
                if found := re.search(r"(?im)^LOCATION: *(\S+)", answer):
                    return found[1]
        raise Divergence("No gateway is found by SSDP")
