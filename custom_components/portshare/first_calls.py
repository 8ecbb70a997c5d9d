"""Tells who calls a share for the first time, if the user wants to know."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .const import CONF_TELL_FIRST_CALLS
from .coordinator import PortShareConfigEntry
from .events import of_first_call, of_more_first_calls

# Whoever scans the internet shall not fill the log. There is one look a minute.
_MOST_AT_ONCE: Final = 10


@callback
def async_setup_first_calls(hass: HomeAssistant, entry: PortShareConfigEntry) -> None:
    """Have the books read, and tell of those who are in them for the first time."""
    if not entry.options.get(CONF_TELL_FIRST_CALLS):
        return
    coordinator = entry.runtime_data
    traffic = coordinator.traffic

    @callback
    def looked() -> None:
        shares = coordinator.configuration.shares
        calls = [
            (share, visitor)
            for share_id, visitor in traffic.first_calls
            if (share := shares.get(share_id))
        ]
        calls.sort(key=lambda call: call[1].last)
        for share, visitor in calls[:_MOST_AT_ONCE]:
            coordinator.teller.tell(of_first_call(share, visitor))
        if (more := len(calls) - _MOST_AT_ONCE) > 0:
            coordinator.teller.tell(of_more_first_calls(more, dt_util.utcnow()))

    entry.async_on_unload(traffic.async_add_listener(looked))
    entry.async_create_background_task(
        hass, traffic.async_request_refresh(), "portshare first calls"
    )
