"""How portshare_event reads in the log."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_CONTEXT_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN, EVENT_PORTSHARE
from .events import EventType, Reason

_SHARES: Final = {
    EventType.SHARE_ADDED: "was added",
    EventType.SHARE_REMOVED: "was removed",
    EventType.SHARE_ENABLED: "was shared with the internet",
    EventType.SHARE_DISABLED: "was closed",
}
_GATEWAY: Final = {
    EventType.ALL_CLOSED: "closed all shares",
    EventType.INTERNET_LOST: "lost the internet",
    EventType.INTERNET_RESTORED: "has the internet again",
    EventType.ADDRESS_CHANGED: "has a new address",
}
_REASONS: Final = {
    Reason.USER: "",
    Reason.AUTOMATION: " by an automation",
    Reason.SERVICE: " by a service",
    Reason.INTERNET: " because of the internet",
    Reason.EXPIRED: " because its time was over",
}


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, Any]]], None],
) -> None:
    """Describe portshare_event to the logbook."""

    @callback
    def describe(event: Event) -> dict[str, Any]:
        data = event.data
        device = dr.async_get(hass).async_get(data["device_id"] or "")
        name = (device.name_by_user or device.name) if device else None
        return {
            LOGBOOK_ENTRY_NAME: name or "Port sharing",
            LOGBOOK_ENTRY_MESSAGE: _message(data),
            LOGBOOK_ENTRY_CONTEXT_ID: event.context.id,
        }

    async_describe_event(DOMAIN, EVENT_PORTSHARE, describe)


def _message(data: Mapping[str, Any]) -> str:
    event_type = EventType(data["type"])
    if event_type in _GATEWAY:
        return _with_addresses(_GATEWAY[event_type], data)
    message = (
        f"{data['name']} (external port {data['external_port']}) "
        f"{_SHARES[event_type]}{_REASONS[Reason(data['reason'])]}"
    )
    if "lasted" in data:
        message += f", after an interruption of {data['lasted'] // 60} minutes"
    return message


def _with_addresses(message: str, data: Mapping[str, Any]) -> str:
    addresses = [
        address
        for key in ("external_ipv4", "external_ipv6")
        if (address := data.get(key))
    ]
    return f"{message}: {', '.join(addresses)}" if addresses else message
