"""The internet comes and goes: what is told of it, and when.

That it is lost or restored is told at once. Of the shares that closed with it only an
outage of more than five minutes is told (sharing/outage.py). Both survive a restart of
Home Assistant.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .events import EventType
from .sharing.model import Facts, Family
from .sharing.outage import Outage, Telling, observe

_VERSION: Final = 1
_SAVE_DELAY_SECONDS: Final = 1

# A share may use either IP version or both; it is interrupted when all of its are gone.
_USES: Final = (
    frozenset({Family.IPV4}),
    frozenset({Family.IPV6}),
    frozenset(Family),
)


@dataclass(slots=True)
class _Known:
    """What was true when it was told last."""

    connected: bool | None = None
    external_ipv4: str | None = None
    external_ipv6: str | None = None
    outages: dict[frozenset[Family], Outage] = field(default_factory=dict)


class Internet:
    """Turns observed facts into what is to be told of the internet."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry_id: str,
        *,
        on_event: Callable[[EventType, dict[str, Any]], None],
        on_interruption: Callable[[frozenset[Family], Telling], None],
        tell_after: timedelta,
    ) -> None:
        """Remember whom to tell; `load` begins."""
        self._hass = hass
        self._on_event = on_event
        self._on_interruption = on_interruption
        self._tell_after = tell_after
        self._store = _store(hass, entry_id)
        self._stored: dict[str, Any] | None = None
        self._known = _Known()
        self._facts = Facts()
        self._due: CALLBACK_TYPE | None = None

    async def load(self) -> None:
        """Read what was told before Home Assistant was restarted."""
        if stored := await self._store.async_load():
            self._stored = stored
            self._known = _Known(
                stored["connected"],
                stored["external_ipv4"],
                stored["external_ipv6"],
                {
                    frozenset(map(Family, each["uses"])): Outage(
                        datetime.fromisoformat(each["since"]), each["told"]
                    )
                    for each in stored["outages"]
                },
            )

    async def close(self) -> None:
        """Tell no more, and store what was told."""
        if self._due:
            self._due()
            self._due = None
        await self._store.async_save(self._data())

    @callback
    def observe(self, facts: Facts) -> None:
        """Tell what has changed with these facts."""
        self._facts = facts
        self._tell_connection()
        self._tell_addresses()
        self._tell_outages(dt_util.utcnow())
        self._save()

    @callback
    def follow(self, facts: Facts) -> None:
        """Take note of when an outage began or ended, however short it was.

        A bad line is observed only now and then. Two moments at which it was down are no
        outage if it was up in between.
        """
        changed = facts.internet != self._facts.internet
        self._facts = facts
        if changed:
            self._tell_outages(dt_util.utcnow())
            self._save()

    def _tell_connection(self) -> None:
        connected = bool(self._facts.internet)
        before, self._known.connected = self._known.connected, connected
        if before is None or before == connected:
            return
        self._on_event(
            EventType.INTERNET_RESTORED if connected else EventType.INTERNET_LOST,
            self._external(),
        )

    def _tell_addresses(self) -> None:
        """Tell a new address, compared with the last there was: also after an outage."""
        known = self._known
        external = self._external()
        ipv4 = external["external_ipv4"] or known.external_ipv4
        ipv6 = external["external_ipv6"] or known.external_ipv6
        is_new = (known.external_ipv4 and ipv4 != known.external_ipv4) or (
            known.external_ipv6 and ipv6 != known.external_ipv6
        )
        known.external_ipv4, known.external_ipv6 = ipv4, ipv6
        if is_new:
            self._on_event(EventType.ADDRESS_CHANGED, external)

    def _external(self) -> dict[str, Any]:
        facts = self._facts
        return {
            "external_ipv4": str(facts.wan_ipv4[0]) if facts.wan_ipv4 else None,
            "external_ipv6": str(facts.wan_ipv6[0]) if facts.wan_ipv6 else None,
        }

    @callback
    def _tell_outages(self, now: datetime) -> None:
        outages = self._known.outages
        for uses in _USES:
            outage, tellings = observe(
                outages.pop(uses, None),
                connected=not uses.isdisjoint(self._facts.internet),
                now=now,
                after=self._tell_after,
            )
            if outage:
                outages[uses] = outage
            for telling in tellings:
                self._on_interruption(uses, telling)
        if self._due:
            self._due()
            self._due = None
        due = [
            at for outage in outages.values() if (at := outage.due(self._tell_after))
        ]
        if due:
            self._due = async_track_point_in_utc_time(
                self._hass, self._outage_is_due, min(due)
            )

    @callback
    def _outage_is_due(self, now: datetime) -> None:
        self._due = None
        self._tell_outages(max(now, dt_util.utcnow()))
        self._save()

    def _save(self) -> None:
        """Store what was told soon, but only what is new: flash memory wears out."""
        if (data := self._data()) != self._stored:
            self._stored = data
            self._store.async_delay_save(self._data, _SAVE_DELAY_SECONDS)

    def _data(self) -> dict[str, Any]:
        return {
            "connected": self._known.connected,
            "external_ipv4": self._known.external_ipv4,
            "external_ipv6": self._known.external_ipv6,
            "outages": [
                {
                    "uses": sorted(uses),
                    "since": outage.since.isoformat(),
                    "told": outage.told,
                }
                for uses, outage in self._known.outages.items()
            ],
        }


async def async_forget_internet(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what was stored of an entry."""
    await _store(hass, entry_id).async_remove()


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.internet")
