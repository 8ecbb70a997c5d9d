"""When something of a share is due: its end if it is open for a while, for example."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util


class DueTimes:
    """Calls when the next share is due."""

    def __init__(self, hass: HomeAssistant, on_due: Callable[[], None]) -> None:
        """Remember whom to call."""
        self._hass = hass
        self._on_due = on_due
        self._times: dict[str, datetime] = {}
        self._waiting: CALLBACK_TYPE | None = None

    def set(self, share_id: str, time: datetime | None) -> None:
        """Note when a share is due, None if it is not."""
        if time:
            self._times[share_id] = time
        else:
            self._times.pop(share_id, None)

    def due(self) -> dict[str, datetime]:
        """Return the shares whose time is over, with that time."""
        now = dt_util.utcnow()
        return {key: time for key, time in self._times.items() if time <= now}

    @callback
    def wait(self) -> None:
        """Wait for the next one."""
        self.cancel()
        if self._times:
            self._waiting = async_track_point_in_utc_time(
                self._hass, self._is_due, min(self._times.values())
            )

    def cancel(self) -> None:
        """Wait no more."""
        if self._waiting:
            self._waiting()
            self._waiting = None

    @callback
    def _is_due(self, _: datetime) -> None:
        self._waiting = None
        self._on_due()
