"""How portshare_event reads in the log."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

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
    Reason.EXPIRED: " at {at} because its time was over",
}
# They are told when they have lasted, so it must be said when they were.
_INTERRUPTIONS: Final = {
    EventType.SHARE_DISABLED: "was closed at {at} because the internet was lost",
    EventType.SHARE_ENABLED: "was opened again at {at}, after {lasted} without internet",
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
        }

    async_describe_event(DOMAIN, EVENT_PORTSHARE, describe)


def _message(data: Mapping[str, Any]) -> str:
    event_type = EventType(data["type"])
    if event_type in _GATEWAY:
        return _with_addresses(_GATEWAY[event_type], data)
    reason = Reason(data["reason"])
    if reason is Reason.INTERNET:
        happened = _INTERRUPTIONS[event_type]
    else:
        happened = _SHARES[event_type] + _REASONS[reason]
    at = dt_util.as_local(datetime.fromisoformat(data["at"]))
    happened = happened.format(
        at=f"{at:%Y-%m-%d %H:%M:%S}", lasted=timedelta(seconds=data.get("lasted", 0))
    )
    return f"{data['name']} (external port {data['external_port']}) {happened}"


def _with_addresses(message: str, data: Mapping[str, Any]) -> str:
    addresses = [
        address
        for key in ("external_ipv4", "external_ipv6")
        if (address := data.get(key))
    ]
    return f"{message}: {', '.join(addresses)}" if addresses else message
