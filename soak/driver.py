"""Lets happen in the demo home what happens in the model."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import time
from typing import Any, Final

from demo import portshare
from demo.api import ApiError, Json
from demo.demo import Demo
from demo.household import Household as House

from . import Divergence
from .clients import REFUSED, Clients
from .closing import Closing
from .happenings import (
    AddDevice,
    AddInVain,
    AddShare,
    Ask,
    Cable,
    ChangeShare,
    CloseAll,
    End,
    Happening,
    Kill,
    Line,
    Meddle,
    Move,
    NewPrefix,
    NewWanAddress,
    OpenForAWhile,
    Permit,
    Protect,
    RemoveDevice,
    RemoveShare,
    Start,
    Stop,
    TimePasses,
    Turn,
)
from .model import DEVICES, Household, Share
from .outages import TELL_AFTER
from .wiring import Wiring

STORED_AFTER: Final = 3.0
"""Seconds after which Home Assistant has stored leases, options and devices."""


class Driver:
    """Has its hands on the demo and on the model, one after the other."""

    def __init__(self, demo: Demo, house: House) -> None:
        """Begin with the demo as it was set up."""
        self.model = Household()
        self.closing = Closing()
        self._demo = demo
        self._house = house
        self._wiring = Wiring(demo.home)
        self._share_ids: dict[int, str] = {}
        self._device_ids: dict[str, str] = {}
        self._stored_at = 0.0
        self._clients = {
            name: Clients(demo.home.devices[name], f"{name:12}".encode())
            for name in DEVICES
        }

    async def begin(self) -> None:
        """Remove the demo's own shares; its devices stay."""
        for share in (await self._house.shares()).values():
            await self._house.remove_share(share)
        hosts = (await self._house.websocket.command("portshare/hosts"))["hosts"]
        by_mac = {host["mac"]: host["device"] for host in hosts}
        for name in self.model.known:
            self._device_ids[name] = by_mac[self._demo.home.devices[name].mac]
        await self._protect(True)

    async def do(self, happening: Happening) -> None:
        """Let it happen. Raises a Divergence if it ends in another way than it must."""
        await self._do(happening)
        if not self.model.short:
            self.closing.over()

    async def _do(self, happening: Happening) -> None:
        if isinstance(happening, Ask):
            await self._ask(happening)
            return
        before = self._before()
        leases = dict(self.model.leases)
        happening.apply(self.model)
        match happening:
            case AddShare(share):
                answer = await self._add(share)
                self._share_ids[share.number] = answer["share_id"]
            case AddInVain(share):
                await self._add_in_vain(share)
            case ChangeShare(share):
                await self._update(share.number, **_fields(share))
            case RemoveShare(number):
                share_id = self._share_ids.pop(number)
                await self._house.remove_share({"share_id": share_id})
            case Turn(number, on):
                await self._update(number, enabled=on)
            case OpenForAWhile(number, seconds):
                await self._open(number, seconds)
            case CloseAll():
                self._stored_at = time.monotonic() + STORED_AFTER
                await self._house.service("close_all")
            case AddDevice() | RemoveDevice() | Permit():
                await self._device(happening)
            case Protect(on):
                await self._protect(on)
            case End(place, by):
                client = self._clients[place.device]
                port = leases[place].external_port
                await self._client(client.end, place, by, port)
            case TimePasses():
                await self.closing.wait()
            case Stop() | Kill():
                await self._stop(happening)
            case Start():
                await self._house.start_home_assistant()
                for each in self._clients.values():
                    each.forget_gateway()
            case _:
                await asyncio.to_thread(self._wire, happening, before)

    def _before(self) -> Callable[[str], Any]:
        """What was so before a happening, for who takes it away."""
        hosts = {name: self.model.ipv4(name) for name in DEVICES}
        wan = self.model.wan_ipv4, self.model.wan_ipv6
        return {**hosts, "wan": wan, "prefix": self.model.prefix}.__getitem__

    def _wire(self, happening: Happening, before: Callable[[str], Any]) -> None:
        match happening:
            case Line(plugged):
                self._wiring.line(self.model, plugged=plugged)
            case Cable(device, plugged):
                self._wiring.cable(self.model, device, plugged=plugged)
            case Move(device, _):
                self._wiring.move(self.model, device, before(device))
            case NewWanAddress():
                self._wiring.renumber_wan(self.model, before("wan"))
            case NewPrefix():
                self._wiring.renumber_lan(self.model, before("prefix"))
            case Meddle(how):
                self._demo.home.gateway.run(*how.split())
            case _:
                raise TypeError(happening)

    async def _add(self, share: Share) -> Json:
        mac = self._demo.home.devices[share.device].mac
        return await self._house.service(
            "add_share",
            mac=mac,
            name=share.name,
            enabled=share.enabled,
            confirm=True,
            **_fields(share),
        )

    async def _add_in_vain(self, share: Share) -> None:
        try:
            answer = await self._add(share)
        except ApiError:
            return
        raise Divergence(f"{share} was taken, though its port is: {answer}")

    async def _update(self, number: int, **fields: Any) -> None:
        share_id = self._share_ids[number]
        await self._house.service(
            "update_share", share_id=share_id, confirm=True, **fields
        )

    async def _open(self, number: int, seconds: int) -> None:
        """By the page's command: the service knows nothing below a minute."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        self.closing.within(seconds)
        await self._house.websocket.command(
            "portshare/share/update",
            share_id=self._share_ids[number],
            enabled=True,
            open_until=until.isoformat(),
            confirm=True,
        )

    async def _device(self, happening: AddDevice | RemoveDevice | Permit) -> None:
        self._stored_at = time.monotonic() + STORED_AFTER
        command = self._house.websocket.command
        match happening:
            case AddDevice(device):
                mac = self._demo.home.devices[device].mac
                added = await command("portshare/device/add", mac=mac, name=device)
                self._device_ids[device] = added["device_id"]
            case RemoveDevice(device):
                device_id = self._device_ids.pop(device)
                await command("portshare/device/remove", device_id=device_id)
            case Permit(device, may):
                device_id = self._device_ids[device]
                await command(
                    "portshare/device/update", device_id=device_id, independent=may
                )

    async def _protect(self, on: bool) -> None:
        self._stored_at = time.monotonic() + STORED_AFTER
        await self._demo.api.flow(
            f"{portshare.ENTRIES}/options/flow",
            {"handler": self._demo.entry_id},
            {"init": {"protect": on, "expert": {"tell_outages_after": TELL_AFTER}}},
        )
        for each in self._clients.values():
            each.forget_gateway()

    async def _ask(self, wish: Ask) -> None:
        """A device asks, and is told what the model says."""
        granted, port = wish.granted(self.model), wish.external_port(self.model)
        if granted and wish.seconds is not None:
            self.closing.within(wish.seconds)
        client = self._clients[wish.place.device]
        got = await self._client(client.map, wish.place, wish.by, wish.seconds)
        if (got != REFUSED) is not granted or (granted and port not in {None, got}):
            wanted = (port or "any port") if granted else "nothing"
            raise Divergence(f"{wish} got {got or 'nothing'}, should get {wanted}")
        if granted:
            if port is None and self.model.holder(wish.place.transport, got):
                raise Divergence(f"{wish} got {got}, which is a share's")
            wish.got(self.model, got)

    async def _client(self, what: Callable[..., int | None], *args: Any) -> Any:
        self._stored_at = time.monotonic() + STORED_AFTER
        return await asyncio.to_thread(what, self.model, *args)

    async def _stop(self, happening: Stop | Kill) -> None:
        if isinstance(happening, Stop):
            await self._demo.hass.stop()
        else:
            await asyncio.sleep(max(0.0, self._stored_at - time.monotonic()))
            await self._demo.hass.kill()


def _fields(share: Share) -> dict[str, Any]:
    """What the services call its settings."""
    sources = ["203.0.113.1", "2001:db8:ffff::1"] if share.limited else []
    fields = {
        "protocol": share.protocol,
        "port": share.port,
        "ipv4": share.ipv4,
        "ipv6": share.ipv6,
        "sources": [
            each for each in sources if (share.ipv6 if ":" in each else share.ipv4)
        ],
    }
    return fields | ({"external_port": share.external_port} if share.ipv4 else {})
