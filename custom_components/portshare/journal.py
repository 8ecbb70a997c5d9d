"""What was changed last, on disk before anybody is told that it is so.

Home Assistant writes its config entries a second after a change. If it is killed within
that second, it starts with what was before: a share that was switched off would be open
again. So the last changes are written at once, and made up for at the next start.
"""

import asyncio
from pathlib import Path
import time
from typing import Any, Final

from homeassistant.config_entries import STORAGE_KEY, ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import STORAGE_DIR, Store

from .const import CONF_SHARES, DOMAIN
from .sharing.model import Share
from .subentries import share_data

_VERSION: Final = 1
# By then Home Assistant has written its config entries for sure.
_KEPT_SECONDS: Final = 60


class Journal:
    """The shares that were changed in the last minute, as they shall be stored."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Begin empty."""
        self._hass = hass
        self._store = Store[dict[str, dict[str, Any]]](
            hass, _VERSION, f"{DOMAIN}.{entry_id}.journal"
        )
        self._changes: dict[str, dict[str, Any]] = {}
        self._writing = asyncio.Lock()
        self._unwritten = False

    @callback
    def note(self, share_id: str, device_id: str, share: Share | None) -> None:
        """Take note of how a share is stored now; None if it was removed."""
        now = time.time()
        for old in list(self._changes):
            if self._changes[old]["at"] < now - _KEPT_SECONDS:
                del self._changes[old]
        self._changes[share_id] = {
            "at": now,
            "device_id": device_id,
            "share": share_data(share) if share else None,
        }
        self._unwritten = True

    async def write(self) -> None:
        """Return when all that was noted is on disk. Several wait for one write."""
        async with self._writing:
            if self._unwritten:
                self._unwritten = False
                await self._store.async_save(dict(self._changes))

    async def forget(self) -> None:
        """Delete what was stored."""
        await self._store.async_remove()

    async def make_up(self, entry: ConfigEntry[Any]) -> None:
        """Store what Home Assistant did not come to write, in the entry's subentries."""
        changes = await self._store.async_load() or {}
        written = await self._hass.async_add_executor_job(self._config_entries_written)
        for share_id, change in changes.items():
            subentry = entry.subentries.get(change["device_id"])
            if subentry is None or change["at"] <= written:
                continue
            shares = dict(subentry.data[CONF_SHARES])
            if change["share"]:
                shares[share_id] = change["share"]
            else:
                shares.pop(share_id, None)
            self._hass.config_entries.async_update_subentry(
                entry, subentry, data={**subentry.data, CONF_SHARES: shares}
            )

    def _config_entries_written(self) -> float:
        try:
            return (
                Path(self._hass.config.path(STORAGE_DIR, STORAGE_KEY)).stat().st_mtime
            )
        except FileNotFoundError:
            return 0.0
