"""When something of a share is due: its end if it is open for a while, for example."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util


@dataclass(frozen=True, slots=True)
class _Due:
    """When something is due, by the clock and by the timer of the event loop."""

    time: datetime
    timer: float


class DueTimes:
    """Calls when the next share is due.

    A clock may be set back by a day, but time goes on: a share is due at the latest when
    as much time has passed as was left when its due time was noted.
    """

    def __init__(self, hass: HomeAssistant, on_due: Callable[[], None]) -> None:
        """Remember whom to call."""
        self._hass = hass
        self._on_due = on_due
        self._times: dict[str, _Due] = {}
        self._waiting: CALLBACK_TYPE | None = None

    def set(self, share_id: str, time: datetime | None) -> None:
        """Note when a share is due, None if it is not."""
        known = self._times.get(share_id)
        if time is None:
            self._times.pop(share_id, None)
        elif known is None or known.time != time:
            left = (time - dt_util.utcnow()).total_seconds()
            self._times[share_id] = _Due(time, self._hass.loop.time() + left)

    def due(self) -> dict[str, datetime]:
        """Return the shares whose time is over, with that time."""
        now, timer = dt_util.utcnow(), self._hass.loop.time()
        return {
            key: due.time
            for key, due in self._times.items()
            if due.time <= now or due.timer <= timer
        }

    @callback
    def wait(self) -> None:
        """Wait for the next one."""
        self.cancel()
        if self._times:
            next_one = min(due.timer for due in self._times.values())
            left = next_one - self._hass.loop.time()
            self._waiting = async_call_later(self._hass, max(0.0, left), self._is_due)

    def cancel(self) -> None:
        """Wait no more."""
        if self._waiting:
            self._waiting()
            self._waiting = None

    @callback
    def _is_due(self, _: datetime) -> None:
        self._waiting = None
        self._on_due()
