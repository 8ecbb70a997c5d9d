"""How portshare_event reads in the log."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util import dt as dt_util

from .const import DOMAIN, EVENT_PORTSHARE
from .events import readable_duration


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
            LOGBOOK_ENTRY_MESSAGE: _message(hass, data),
        }

    async_describe_event(DOMAIN, EVENT_PORTSHARE, describe)


def _message(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return the sentence for what happened, and for what reason."""
    texts = async_get_cached_translations(
        hass, hass.config.language, "selector", DOMAIN
    )
    key = data["type"]
    if "reason" in data and not data.keys().isdisjoint(("share_id", "lease_id")):
        key += f"_{data['reason']}"
    prefix = f"component.{DOMAIN}.selector.log.options."
    text = texts.get(f"{prefix}{key}", key)
    share = data.get("name")
    if share == "":  # a device need not say what it wants a port for
        share = f"{data['protocol']} {data['port']}".upper()
    if data.get("external_port"):
        share = texts.get(f"{prefix}with_port", "{name}").format_map(
            {**data, "name": share}
        )
    # What closed by itself or was interrupted is told later, so it says when it was.
    at = dt_util.as_local(datetime.fromisoformat(data["at"]))
    message = text.format_map(
        {
            **data,
            "share": share,
            "at": f"{at:%Y-%m-%d %H:%M:%S}",
            "lasted": readable_duration(data.get("lasted", 0)),
        }
    )
    addresses = [data.get("external_ipv4"), data.get("external_ipv6")]
    return ": ".join(filter(None, (message, ", ".join(filter(None, addresses)))))
