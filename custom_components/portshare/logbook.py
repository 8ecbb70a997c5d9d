"""How portshare_event reads in the log."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback

from .const import DOMAIN, EVENT_PORTSHARE
from .sentences import device_name, sentence


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, Any]]], None],
) -> None:
    """Describe portshare_event to the logbook."""

    @callback
    def describe(event: Event) -> dict[str, Any]:
        return {
            LOGBOOK_ENTRY_NAME: device_name(hass, event.data["device_id"]),
            LOGBOOK_ENTRY_MESSAGE: sentence(hass, event.data),
        }

    async_describe_event(DOMAIN, EVENT_PORTSHARE, describe)
