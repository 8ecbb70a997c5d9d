"""What our page asks for and does, over Home Assistant's websocket. For administrators.

An error has the name of the field that is wrong as its code, or `base`.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any, Final

import voluptuous as vol

from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.generated.languages import LANGUAGES
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import VolDictType
from homeassistant.util import dt as dt_util

from .coordinator import PortShareCoordinator
from .device_changes import async_add_device, async_remove_device, async_update_device
from .event_log import event_log_of
from .events import Cause
from .hosts import async_find_typed, async_hosts
from .panel_state import Json, described_addresses
from .panel_subscription import Subscription
from .services import SHARE_FIELDS, loaded_coordinator, share_answer
from .shares import (
    LONGEST,
    async_add_device_with_share,
    async_add_share,
    async_check_share,
    async_remove_share,
    async_update_share,
    translated,
)
from .sharing.errors import InvalidDuration, SharingError
from .sharing.rules import parse_until

BASE: Final = "base"

_NONE: Final = timedelta()

# How the commands call what forms and services call otherwise.
_FIELDS: Final = {"device": "mac", "duration": "open_until"}

_SHARE: Final[VolDictType] = {
    **SHARE_FIELDS,
    vol.Optional("open_until"): vol.Any(None, cv.string),
}
_NAMES_OF_FIELDS: Final = frozenset(map(str, _SHARE))

type _Handler = Callable[
    [PortShareCoordinator, ActiveConnection, dict[str, Any]], Awaitable[Json | None]
]


@callback
def async_setup_websocket_api(hass: HomeAssistant) -> None:
    """Register the commands, whether a gateway is set up or not."""
    for command in (
        ws_subscribe,
        ws_log,
        ws_hosts,
        ws_share_check,
        ws_share_add,
        ws_share_update,
        ws_share_remove,
        ws_device_add,
        ws_device_update,
        ws_device_remove,
    ):
        websocket_api.async_register_command(hass, command)


def _on_gateway(
    handler: _Handler,
) -> websocket_api.const.AsyncWebSocketCommandHandler:
    """Let a handler work on the gateway that is set up, and send what it returns."""

    @wraps(handler)
    async def handle(
        hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
    ) -> None:
        try:
            result = await handler(loaded_coordinator(hass), connection, msg)
        except SharingError as err:
            field = _FIELDS.get(err.field, err.field)
            _send_error(connection, msg, field, translated(err))
        except HomeAssistantError as err:
            _send_error(connection, msg, BASE, err)
        else:
            connection.send_result(msg["id"], result)

    return handle


@websocket_api.require_admin
@websocket_api.websocket_command(
    {vol.Required("type"): "portshare/subscribe", vol.Optional("language"): cv.string}
)
@websocket_api.async_response
async def ws_subscribe(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Send a snapshot, and what changes; null while no gateway is running."""
    subscription = Subscription(hass, connection, msg["id"])
    connection.subscriptions[msg["id"]] = subscription.end
    # A language is a file, and what was read of it is kept: only those that there are.
    language = msg.get("language")
    await subscription.begin(
        language if language in LANGUAGES else hass.config.language
    )


@websocket_api.require_admin
@websocket_api.websocket_command({vol.Required("type"): "portshare/log"})
@websocket_api.async_response
@_on_gateway
async def ws_log(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> Json:
    """Return what happened last."""
    log = event_log_of(coordinator.hass, coordinator.config_entry.entry_id)
    return {"entries": log.entries}


@websocket_api.require_admin
@websocket_api.websocket_command({vol.Required("type"): "portshare/hosts"})
@websocket_api.async_response
@_on_gateway
async def ws_hosts(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> Json:
    """Return what is on the LAN now."""
    hosts = await async_hosts(coordinator.hass, coordinator.gateway)
    by_mac = {
        device.mac: device_id
        for device_id, device in coordinator.configuration.devices.items()
    }
    return {
        "hosts": [
            {
                "mac": host.mac,
                "name": host.name,
                **described_addresses(host.addresses),
                "device": by_mac.get(host.mac),
            }
            for host in hosts
        ]
    }


_OF_A_DEVICE: Final[VolDictType] = {
    vol.Exclusive("device_id", "device"): cv.string,
    vol.Exclusive("mac", "device"): cv.string,
}


@websocket_api.require_admin
@websocket_api.websocket_command(
    {
        vol.Required("type"): "portshare/share/check",
        **_OF_A_DEVICE,
        vol.Optional("share_id"): cv.string,
        **_SHARE,
    }
)
@websocket_api.async_response
@_on_gateway
async def ws_share_check(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> Json:
    """Return which external port a share would have; change nothing."""
    fields = _fields(msg)
    share = await async_check_share(
        coordinator,
        fields,
        device_id=await _device_id(coordinator, msg),
        share_id=msg.get("share_id"),
    )
    asked_for = fields.get("external_port") not in (None, "")
    proposed = share.protocol.has_ports and not asked_for
    first, last = share.external_port, share.external_port_end
    return {
        "external_port": first,
        "external_port_end": None if first == last else last,
        "proposal": str(share.external) if proposed else None,
    }


@websocket_api.require_admin
@websocket_api.websocket_command(
    vol.All(
        vol.Schema(
            {vol.Required("type"): "portshare/share/add", **_OF_A_DEVICE, **_SHARE}
        ),
        cv.has_at_least_one_key("device_id", "mac"),
    )
)
@websocket_api.async_response
@_on_gateway
async def ws_share_add(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> Json:
    """Add a share, to a new device if need be."""
    fields, cause = _fields(msg), _cause(connection, msg)
    if "mac" in msg:
        mac = await async_find_typed(coordinator.gateway, msg["mac"])
        share = await async_add_device_with_share(coordinator, mac, fields, cause)
    else:
        device = coordinator.configuration.device(msg["device_id"])
        share = await async_add_share(coordinator, device.device_id, fields, cause)
    return share_answer(coordinator, share)


@websocket_api.require_admin
@websocket_api.websocket_command(
    {
        vol.Required("type"): "portshare/share/update",
        vol.Required("share_id"): cv.string,
        **_SHARE,
    }
)
@websocket_api.async_response
@_on_gateway
async def ws_share_update(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> Json:
    """Change a share; what is not given stays as it is."""
    share = await async_update_share(
        coordinator, msg["share_id"], _fields(msg), _cause(connection, msg)
    )
    return share_answer(coordinator, share)


@websocket_api.require_admin
@websocket_api.websocket_command(
    {
        vol.Required("type"): "portshare/share/remove",
        vol.Required("share_id"): cv.string,
    }
)
@websocket_api.async_response
@_on_gateway
async def ws_share_remove(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Close a share and forget it."""
    await async_remove_share(coordinator, msg["share_id"], _cause(connection, msg))


@websocket_api.require_admin
@websocket_api.websocket_command(
    {
        vol.Required("type"): "portshare/device/add",
        vol.Required("mac"): cv.string,
        vol.Optional("name"): vol.Any(None, cv.string),
        vol.Optional("share"): vol.Schema(_SHARE),
    }
)
@websocket_api.async_response
@_on_gateway
async def ws_device_add(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> Json:
    """Add a device for sharing, with its first share or without."""
    share = _fields(msg["share"]) if "share" in msg else None
    device_id = await async_add_device(
        coordinator, msg["mac"], msg.get("name"), share, _cause(connection, msg)
    )
    return {"device_id": device_id}


@websocket_api.require_admin
@websocket_api.websocket_command(
    {
        vol.Required("type"): "portshare/device/update",
        vol.Required("device_id"): cv.string,
        vol.Optional("name"): cv.string,
        vol.Optional("independent"): cv.boolean,
    }
)
@websocket_api.async_response
@_on_gateway
async def ws_device_update(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Give a device another name, or let it map ports itself or not."""
    await async_update_device(
        coordinator,
        msg["device_id"],
        _cause(connection, msg),
        name=msg.get("name"),
        independent=msg.get("independent"),
    )


@websocket_api.require_admin
@websocket_api.websocket_command(
    {
        vol.Required("type"): "portshare/device/remove",
        vol.Required("device_id"): cv.string,
    }
)
@websocket_api.async_response
@_on_gateway
async def ws_device_remove(
    coordinator: PortShareCoordinator, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Close all that a device has open, and forget the device."""
    await async_remove_device(coordinator, msg["device_id"], _cause(connection, msg))


async def _device_id(coordinator: PortShareCoordinator, msg: Mapping[str, Any]) -> str:
    """Return the device that a command is about; "" is one that is not added yet."""
    configuration = coordinator.configuration
    if "device_id" in msg:
        return configuration.device(msg["device_id"]).device_id
    if "mac" not in msg:
        return ""
    mac = await async_find_typed(coordinator.gateway, msg["mac"])
    device = configuration.device_with(mac)
    return device.device_id if device else ""


def _fields(msg: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a share that a command has.

    Raises an error if it would close in the past, or too late to be open for a while.
    """
    fields = {key: msg[key] for key in msg.keys() & _NAMES_OF_FIELDS}
    if until := parse_until(fields):
        left = max(_NONE, until - dt_util.utcnow().replace(microsecond=0))
        if not _NONE < left <= LONGEST:
            raise InvalidDuration(left)
    return fields


def _cause(connection: ActiveConnection, msg: dict[str, Any]) -> Cause:
    return Cause(context=connection.context(msg))


def _send_error(
    connection: ActiveConnection,
    msg: Mapping[str, Any],
    code: str,
    error: HomeAssistantError,
) -> None:
    connection.send_error(
        msg["id"],
        code,
        str(error),
        translation_key=error.translation_key,
        translation_domain=error.translation_domain,
        translation_placeholders=error.translation_placeholders,
    )
