"""The internet comes and goes: that is told at once.

It survives a restart of Home Assistant. What is told of the shares that closed with it is
in interruptions.py.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .events import EventType
from .sharing.model import Facts

_VERSION: Final = 1
_SAVE_DELAY_SECONDS: Final = 1

type _External = dict[str, str | None]


@dataclass(slots=True)
class _Known:
    """What was true when it was told last."""

    connected: bool | None = None
    external_ipv4: str | None = None
    external_ipv6: str | None = None


class Internet:
    """Turns observed facts into what is to be told of the internet."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry_id: str,
        on_event: Callable[[EventType, dict[str, Any]], None],
    ) -> None:
        """Remember whom to tell; `load` begins."""
        self._on_event = on_event
        self._store = _store(hass, entry_id)
        self._stored: dict[str, Any] | None = None
        self._known = _Known()

    async def load(self) -> None:
        """Read what was told before Home Assistant was restarted."""
        if stored := await self._store.async_load():
            self._stored = stored
            self._known = _Known(
                stored["connected"], stored["external_ipv4"], stored["external_ipv6"]
            )

    async def close(self) -> None:
        """Store what was told."""
        await self._store.async_save(asdict(self._known))

    @callback
    def observe(self, facts: Facts) -> None:
        """Tell what has changed with these facts."""
        external = {
            "external_ipv4": str(facts.wan_ipv4[0]) if facts.wan_ipv4 else None,
            "external_ipv6": str(facts.wan_ipv6[0]) if facts.wan_ipv6 else None,
        }
        self._tell_connection(bool(facts.internet), external)
        self._tell_addresses(external)
        # Only what is new: flash memory wears out.
        if (data := asdict(self._known)) != self._stored:
            self._stored = data
            self._store.async_delay_save(
                lambda: asdict(self._known), _SAVE_DELAY_SECONDS
            )

    def _tell_connection(self, connected: bool, external: _External) -> None:
        before, self._known.connected = self._known.connected, connected
        if before is None or before == connected:
            return
        self._on_event(
            EventType.INTERNET_RESTORED if connected else EventType.INTERNET_LOST,
            dict(external),
        )

    def _tell_addresses(self, external: _External) -> None:
        """Tell a new address, compared with the last there was: also after an outage."""
        known = self._known
        ipv4 = external["external_ipv4"] or known.external_ipv4
        ipv6 = external["external_ipv6"] or known.external_ipv6
        is_new = (known.external_ipv4 and ipv4 != known.external_ipv4) or (
            known.external_ipv6 and ipv6 != known.external_ipv6
        )
        known.external_ipv4, known.external_ipv6 = ipv4, ipv6
        if is_new:
            self._on_event(EventType.ADDRESS_CHANGED, dict(external))


async def async_forget_internet(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what was stored of an entry."""
    await _store(hass, entry_id).async_remove()


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.internet")
