"""Does anybody listen at the ports that are shared? Asked of the devices, over TCP."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from .gateway.probe import somebody_listens
from .sharing.model import Status, Transport
from .sharing.snapshot import ShareState, Snapshot, changed_shares

_INTERVAL: Final = timedelta(minutes=15)
_AT_ONCE: Final = 8
# Of a long range a device may serve any port; of a short one the first stands for all.
_SHORT: Final = 16

type _Target = tuple[IPv4Address | IPv6Address, int]


class Listening:
    """Knows of each open TCP share whether its device takes calls.

    A device is asked when its share is opened or it has another address, and then every
    15 minutes.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Ask from now on, as long as the entry is loaded."""
        self._hass = hass
        self._entry = entry
        self._observed: Mapping[str, ShareState] = {}
        self._targets: dict[str, _Target] = {}
        self._listened: dict[str, bool | None] = {}
        self._listeners: dict[str, Callable[[], None]] = {}
        self._listeners_of_all: list[Callable[[], None]] = []
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._asking: set[tuple[str, _Target]] = set()
        entry.async_on_unload(
            async_track_time_interval(
                hass, self._ask_all, _INTERVAL, cancel_on_shutdown=True
            )
        )

    def nobody_listens(self, share_id: str) -> bool | None:
        """Return whether the device takes no calls; None if that is not known."""
        listened = self._listened.get(share_id)
        return None if listened is None else not listened

    @callback
    def subscribe(self, share_id: str, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call when that changes; return how to stop it."""
        self._listeners[share_id] = listener

        @callback
        def stop() -> None:
            del self._listeners[share_id]

        return stop

    @callback
    def subscribe_all(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call when that changes of any share; return how to stop it."""
        self._listeners_of_all.append(listener)
        return lambda: self._listeners_of_all.remove(listener)

    @callback
    def observe(self, snapshot: Snapshot) -> None:
        """Ask the devices of what is open now and was not before, or elsewhere."""
        before, self._observed = self._observed, snapshot.shares
        fresh = []
        for share_id in changed_shares(before, self._observed):
            state = self._observed.get(share_id)
            target = _target(state) if state else None
            if target == self._targets.get(share_id):
                continue
            self._listened.pop(share_id, None)
            self._targets.pop(share_id, None)
            if target:
                self._targets[share_id] = target
                fresh.append(share_id)
        self._ask(fresh)

    @callback
    def _ask_all(self, _: datetime) -> None:
        self._ask(self._targets)

    @callback
    def _ask(self, share_ids: Iterable[str]) -> None:
        for share_id in share_ids:
            question = share_id, self._targets[share_id]
            if question not in self._asking:
                self._asking.add(question)
                self._entry.async_create_background_task(
                    self._hass, self._ask_device(*question), "portshare ask device"
                )

    async def _ask_device(self, share_id: str, target: _Target) -> None:
        try:
            async with self._slots:
                if self._targets.get(share_id) != target:
                    return  # closed while this waited for its turn
                listened = await somebody_listens(*target)
        finally:
            self._asking.discard((share_id, target))
        if self._targets.get(share_id) != target:
            return
        if listened != self._listened.get(share_id):
            self._listened[share_id] = listened
            if listener := self._listeners.get(share_id):
                listener()
            for listener in tuple(self._listeners_of_all):
                listener()


def _target(state: ShareState) -> _Target | None:
    """Return where to ask; None if the share is not open, or nobody can be asked."""
    share, addresses = state.share, state.addresses
    if (
        state.status is not Status.ACTIVE
        or Transport.TCP not in share.protocol.transports
        or len(share.ports) > _SHORT
    ):
        return None
    if share.ipv4 and addresses.ipv4:
        return addresses.ipv4, share.ports.first
    if share.ipv6 and addresses.ipv6:
        return addresses.ipv6[0], share.ports.first
    return None
