"""Tells entities of a share when their share has changed, and lets the loop breathe.

There may be thousands of shares, each with several entities. Hardly ever do more than a
few change; when the internet goes, all do.
"""

from asyncio import Handle
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .sharing.snapshot import ShareState, Snapshot, changed_shares

# How long entities may be told at a stretch; and of how many shares before anything else.
_SLICE_SECONDS: Final = 0.01
_FEW: Final = 20


class ShareListenersCoordinator(DataUpdateCoordinator[Snapshot]):
    """A coordinator whose listeners may have the id of a share as their context."""

    _of_share: dict[str, list[CALLBACK_TYPE]]
    _to_tell: OrderedDict[str, None]
    _going_on: Handle | None
    _shown: Mapping[str, ShareState]
    _shown_success: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Nobody listens yet."""
        super().__init__(*args, **kwargs)
        self._of_share = {}
        self._to_tell = OrderedDict()
        self._going_on = None
        self._shown = {}
        self._shown_success = True

    @callback
    @override
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> CALLBACK_TYPE:
        """Listen to everything or, with the id of a share as context, to that one."""
        if context is None:
            return super().async_add_listener(update_callback)
        self._of_share.setdefault(context, []).append(update_callback)

        @callback
        def remove() -> None:
            self._of_share[context].remove(update_callback)
            if not self._of_share[context]:
                del self._of_share[context]

        return remove

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Tell everybody: at once, but who is one of very many a little later.

        What changed last goes first: somebody may have just clicked it.
        """
        super().async_update_listeners()
        before, self._shown = self._shown, self.data.shares
        was_success, self._shown_success = self._shown_success, self.last_update_success
        if self._shown_success is was_success:
            told = changed_shares(before, self._shown)
        else:
            told = set(self._of_share)
        for share_id in told:
            self._to_tell[share_id] = None
            self._to_tell.move_to_end(share_id, last=False)
        self._tell_some(min(len(told), _FEW))

    @callback
    def _go_on(self) -> None:
        self._going_on = None
        self._tell_some(len(self._to_tell))

    @callback
    def _tell_some(self, shares: int) -> None:
        """Tell of so many shares, or fewer if that takes long, and go on later."""
        loop = self.hass.loop
        until = loop.time() + _SLICE_SECONDS
        while self._to_tell and shares:
            share_id, _ = self._to_tell.popitem(last=False)
            self._tell_listeners(share_id)
            shares = 0 if loop.time() >= until else shares - 1
        if self._to_tell and not self._going_on:
            self._going_on = loop.call_soon(self._go_on)

    @callback
    def _tell_listeners(self, share_id: str) -> None:
        for listener in tuple(self._of_share.get(share_id, ())):
            try:
                listener()
            except Exception:
                self.logger.exception("An entity of share %s is broken", share_id)
