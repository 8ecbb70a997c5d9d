"""The devices for sharing in Home Assistant's device registry."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN
from .sharing.model import Device


@callback
def gateway_id(hass: HomeAssistant, entry: ConfigEntry[Any]) -> str:
    """Return the id of the gateway, which set-up has registered."""
    return dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, entry.entry_id), config_entry_id=entry.entry_id
    )


@callback
def register_device(
    hass: HomeAssistant, entry: ConfigEntry[Any], device: Device
) -> str:
    """Make a device known to Home Assistant, as it is now; return its id there."""
    registry = dr.async_get(hass)
    connections = {(dr.CONNECTION_NETWORK_MAC, device.mac)}
    registered = registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=device.device_id,
        identifiers={(DOMAIN, device.device_id)},
        connections=connections,
        name=device.name,
        via_device_id=gateway_id(hass, entry),
    )
    if registered.connections != connections:
        # Another device has taken its place; the old MAC address is not its own.
        registry.async_update_device(registered.id, new_connections=connections)
    return registered.id
