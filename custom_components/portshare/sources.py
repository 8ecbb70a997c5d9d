"""The DNS names from which shares may be called: where they lead now.

A name keeps the last addresses that it was known by: neither a name service that is down
nor a restart without one closes a share. A name that was never resolved opens nothing.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
import logging
import socket
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .sharing.sources import names_in

_LOGGER = logging.getLogger(__name__)

_VERSION: Final = 1
_SAVE_DELAY_SECONDS: Final = 10

type Address = IPv4Address | IPv6Address


class SourceNames:
    """Resolves the DNS names in the sources of shares, and says which shares changed."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        on_change: Callable[[Collection[str]], object],
    ) -> None:
        """Remember whom to tell the ids of the shares whose callers have changed."""
        self._hass = hass
        self._entry = entry
        self._on_change = on_change
        self._store = _store(hass, entry.entry_id)
        self._shares: dict[str, set[str]] = {}
        self._names_of: dict[str, frozenset[str]] = {}
        self._known: dict[str, tuple[Address, ...]] = {}
        self._failing: set[str] = set()
        self._resolving: set[str] = set()
        self._unsaved = False

    async def load(self) -> None:
        """Read where the names led before Home Assistant was restarted."""
        for name, addresses in (await self._store.async_load() or {}).items():
            self._known[name] = tuple(map(ip_address, addresses))

    async def close(self) -> None:
        """Store at once what is still to be stored."""
        if self._unsaved:
            await self._store.async_save(self._data())

    @property
    def addresses(self) -> Mapping[str, tuple[Address, ...]]:
        """Where each name led when it was resolved last, as of now."""
        return dict(self._known)

    @callback
    def follow(self, share_id: str, sources: Iterable[str]) -> None:
        """Know the sources of a share (none: it is gone), and resolve new names."""
        names = names_in(sources)
        before = self._names_of.pop(share_id, frozenset())
        if names:
            self._names_of[share_id] = names
        for name in before - names:
            self._shares[name].discard(share_id)
            if not self._shares[name]:
                self._forget(name)
        new = names - self._shares.keys()
        for name in names:
            self._shares.setdefault(name, set()).add(share_id)
        self._resolve_soon(new)

    @callback
    def refresh(self) -> None:
        """Resolve all names anew."""
        self._resolve_soon(self._shares)

    @callback
    def _forget(self, name: str) -> None:
        del self._shares[name]
        self._failing.discard(name)
        if self._known.pop(name, None):
            self._save_soon()

    @callback
    def _resolve_soon(self, names: Collection[str]) -> None:
        if names := set(names) - self._resolving:
            self._resolving |= names
            self._entry.async_create_background_task(
                self._hass, self._resolve_all(sorted(names)), "portshare source names"
            )

    async def _resolve_all(self, names: list[str]) -> None:
        """Resolve names side by side; what has changed is told together."""
        try:
            changed = await asyncio.gather(*map(self._resolve, names))
        finally:
            self._resolving.difference_update(names)
        if share_ids := set[str]().union(*changed):
            self._save_soon()
            self._on_change(share_ids)

    async def _resolve(self, name: str) -> set[str]:
        """Learn where a name leads; return the shares whose callers have changed."""
        try:
            addresses = await self._look_up(name)
        except (OSError, UnicodeError) as err:
            self._log_failure(name, err)
            return set()
        if name not in self._shares:
            return set()
        if name in self._failing:
            self._failing.discard(name)
            _LOGGER.info("%s, from where shares may be called, is known again", name)
        if addresses == self._known.get(name):
            return set()
        self._known[name] = addresses
        return self._shares[name]

    async def _look_up(self, name: str) -> tuple[Address, ...]:
        answers = await self._hass.loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        # In one order: name servers give them in turn.
        found = sorted({str(address[0]) for *_, address in answers})
        # A link-local address (`fe80::1%2`) is nobody's on the internet.
        addresses = tuple(ip_address(each) for each in found if "%" not in each)
        if not addresses:
            raise OSError("it has no address")
        return addresses

    @callback
    def _log_failure(self, name: str, err: Exception) -> None:
        if name in self._failing or name not in self._shares:
            return
        self._failing.add(name)
        known = ", ".join(map(str, self._known.get(name, ()))) or "nobody"
        _LOGGER.warning(
            "%s, from where shares may be called, cannot be resolved: %s. "
            "Until it can, it stands for %s",
            name,
            err,
            known,
        )

    @callback
    def _save_soon(self) -> None:
        self._unsaved = True
        self._store.async_delay_save(self._data, _SAVE_DELAY_SECONDS)

    def _data(self) -> dict[str, list[str]]:
        self._unsaved = False
        return {
            name: list(map(str, known))
            for name, known in self._known.items()
            if name in self._shares
        }


async def async_forget_source_names(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what was stored of an entry."""
    await _store(hass, entry_id).async_remove()


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, list[str]]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.sources")
