"""What was changed last, on disk before anybody is told that it is so.

Home Assistant writes its config entries a second after a change. If it is killed within
that second, it starts with what was before: a share that was switched off would be open
again, a device could map ports that may not any more. So the last changes are written at
once, and made up for at the next start.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from .const import CONF_INDEPENDENT, CONF_SHARES, DOMAIN
from .sharing.model import Device, Share
from .subentries import share_data

_VERSION: Final = 1
# By then Home Assistant has written its config entries for sure.
_KEPT_SECONDS: Final = 60


class Journal:
    """The shares and permissions of the last minute, as they shall be stored.

    A change is as old as the entry was with it. What Home Assistant has written contains
    it if the written entry is not older; how old the file is does not tell, for it takes
    a while to write what was true at its beginning.
    """

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
    def note(
        self,
        entry: ConfigEntry[Any],
        share_id: str,
        device_id: str,
        share: Share | None,
    ) -> None:
        """Take note of how the entry has a share now; None if it was removed."""
        data = share_data(share) if share else None
        self._note(entry, share_id, {"device_id": device_id, "share": data})

    @callback
    def note_permissions(
        self,
        entry: ConfigEntry[Any],
        before: Mapping[str, Device],
        after: Mapping[str, Device],
    ) -> None:
        """Take note of which devices may map ports now that could not, or the reverse."""
        for device_id, device in after.items():
            known = before.get(device_id)
            if known and known.independent != device.independent:
                change = {"device_id": device_id, CONF_INDEPENDENT: device.independent}
                self._note(entry, device_id, change)

    @callback
    def _note(self, entry: ConfigEntry[Any], key: str, change: dict[str, Any]) -> None:
        now = entry.modified_at.timestamp()
        for old in list(self._changes):
            if self._changes[old]["at"] < now - _KEPT_SECONDS:
                del self._changes[old]
        self._changes[key] = {"at": now, **change}
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
        written = entry.modified_at.timestamp()
        for key, change in changes.items():
            subentry = entry.subentries.get(change["device_id"])
            if subentry is None or change["at"] <= written:
                continue
            data = dict(subentry.data)
            if CONF_INDEPENDENT in change:
                data[CONF_INDEPENDENT] = change[CONF_INDEPENDENT]
            else:
                shares = data[CONF_SHARES] = dict(subentry.data[CONF_SHARES])
                if change["share"]:
                    shares[key] = change["share"]
                else:
                    shares.pop(key, None)
            self._hass.config_entries.async_update_subentry(entry, subentry, data=data)
            # Until Home Assistant has written it.
            change["at"] = entry.modified_at.timestamp()
            self._changes[key] = change
