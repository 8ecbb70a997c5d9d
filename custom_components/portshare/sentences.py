"""What happened, as a sentence that people read: in the logbook and on our page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .events import readable_duration


@callback
def device_name(hass: HomeAssistant, device_id: str | None) -> str:
    """Return how the user calls a device of the device registry."""
    device = dr.async_get(hass).async_get(device_id or "")
    return (device and (device.name_by_user or device.name)) or "Port sharing"


@callback
def sentence(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return what happened, and for what reason: `data` is that of a portshare_event."""
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
