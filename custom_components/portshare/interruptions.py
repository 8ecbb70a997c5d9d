"""Interruptions of the shares: since when each is closed that is switched on.

What is told of them, and when, is decided by sharing/outage.py. It survives a restart of
Home Assistant.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import CONF_TELL_AFTER, DOMAIN, SECTION_EXPERT
from .sharing.model import Status
from .sharing.outage import TELL_AFTER, Outage, Telling, observe
from .timed import DueTimes

_VERSION: Final = 1
_SAVE_DELAY_SECONDS: Final = 1


class Interruptions:
    """The outages of all shares, by share."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry_id: str,
        *,
        on_telling: Callable[[str, Telling], None],
        tell_after: timedelta,
    ) -> None:
        """Remember whom to tell; `load` begins."""
        self._on_telling = on_telling
        self._tell_after = tell_after
        self._store = _store(hass, entry_id)
        self._outages: dict[str, Outage] = {}
        self._due = DueTimes(hass, self._some_are_due)
        self._unsaved = False

    async def load(self) -> None:
        """Read which outages there were before Home Assistant was restarted."""
        for share_id, each in (await self._store.async_load() or {}).items():
            since = datetime.fromisoformat(each["since"]) if each["since"] else None
            outage = Outage(Status(each["cause"]), since, each["told"])
            self._outages[share_id] = outage
            self._due.set(share_id, outage.due(self._tell_after))

    async def close(self) -> None:
        """Tell no more, and store what was told."""
        self._due.cancel()
        if self._unsaved:
            await self._store.async_save(self._data())

    @callback
    def follow(self, share_id: str, status: Status, *, was_open: bool) -> None:
        """Tell what there is to tell of a share with this status; then `wait`.

        `was_open`: as far as is known, an outage of it begins only now.
        """
        self._follow(share_id, status, was_open=was_open, now=dt_util.utcnow())

    @callback
    def _follow(
        self, share_id: str, status: Status, *, was_open: bool, now: datetime
    ) -> None:
        before = self._outages.pop(share_id, None)
        outage, tellings = observe(
            before,
            status=status,
            was_open=was_open,
            now=now,
            after=self._tell_after,
        )
        if outage:
            self._outages[share_id] = outage
        if outage != before:
            self._due.set(share_id, outage.due(self._tell_after) if outage else None)
            self._unsaved = True
            self._store.async_delay_save(self._data, _SAVE_DELAY_SECONDS)
        for telling in tellings:
            self._on_telling(share_id, telling)

    @callback
    def wait(self) -> None:
        """Wait for the next outage that is to be told."""
        self._due.wait()

    @callback
    def _some_are_due(self) -> None:
        for share_id, due in self._due.due().items():
            # It goes on, or its end would have been followed.
            cause = self._outages[share_id].cause
            # The clock may have been set back since.
            now = max(dt_util.utcnow(), due)
            self._follow(share_id, cause, was_open=False, now=now)
        self.wait()

    def _data(self) -> dict[str, dict[str, Any]]:
        self._unsaved = False
        return {
            share_id: {
                "cause": outage.cause.value,
                "since": outage.since.isoformat() if outage.since else None,
                "told": outage.told,
            }
            for share_id, outage in self._outages.items()
        }


async def async_forget_interruptions(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what was stored of an entry."""
    await _store(hass, entry_id).async_remove()


def tell_after(entry: ConfigEntry) -> timedelta:
    """Return how long an outage may last before it is told of the shares."""
    expert = entry.options.get(SECTION_EXPERT, {})
    seconds = expert.get(CONF_TELL_AFTER, TELL_AFTER.total_seconds())
    return timedelta(seconds=seconds)


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, dict[str, Any]]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.interruptions")
