"""The services: shares for scripts and automations. For administrators only."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final

import voluptuous as vol

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.helpers.typing import VolDictType

from .const import CONF_MAC, DOMAIN
from .coordinator import PortShareConfigEntry, PortShareCoordinator
from .events import Cause, lease_data
from .obstacles import other_forwarding, target_of
from .permissions import async_approve_request, async_disable_independent, deny_request
from .shares import (
    async_add_device_with_share,
    async_add_share,
    async_close_all,
    async_open_temporarily,
    async_remove_share,
    async_update_share,
    translated,
)
from .sharing.errors import SharingError
from .sharing.model import Share
from .sharing.snapshot import ShareState

ATTR_SHARE_ID: Final = "share_id"
ATTR_DURATION: Final = "duration"
ATTR_REQUEST_ID: Final = "request_id"
ATTR_ALWAYS: Final = "always"


class Service(StrEnum):
    """The names of the services."""

    ADD_SHARE = "add_share"
    UPDATE_SHARE = "update_share"
    REMOVE_SHARE = "remove_share"
    LIST_SHARES = "list_shares"
    OPEN_TEMPORARILY = "open_temporarily"
    CLOSE_ALL = "close_all"
    APPROVE_REQUEST = "approve_request"
    DENY_REQUEST = "deny_request"
    DISABLE_INDEPENDENT = "disable_independent"


# Whether a port is a port is said by the rules, in a text that helps.
_PORT: Final = vol.Any(int, float, str)
SHARE_FIELDS: Final[VolDictType] = {
    vol.Optional("name"): cv.string,
    vol.Optional("protocol"): cv.string,
    vol.Optional("port"): vol.Any(None, _PORT),
    vol.Optional("port_end"): vol.Any(None, _PORT),
    vol.Optional("external_port"): vol.Any(None, _PORT),
    vol.Optional("external_port_end"): vol.Any(None, _PORT),
    vol.Optional("ipv4"): cv.boolean,
    vol.Optional("ipv6"): cv.boolean,
    vol.Optional("sources"): vol.All(cv.ensure_list, [cv.string]),
    vol.Optional("enabled"): cv.boolean,
    vol.Optional("confirm"): cv.boolean,
}
_SHARE_ID: Final[VolDictType] = {vol.Required(ATTR_SHARE_ID): cv.string}

ADD_SHARE_SCHEMA: Final = vol.All(
    vol.Schema(
        {
            vol.Exclusive(ATTR_DEVICE_ID, "device"): cv.string,
            vol.Exclusive(CONF_MAC, "device"): cv.string,
            **SHARE_FIELDS,
        }
    ),
    cv.has_at_least_one_key(ATTR_DEVICE_ID, CONF_MAC),
)
UPDATE_SHARE_SCHEMA: Final = vol.Schema({**_SHARE_ID, **SHARE_FIELDS})
REMOVE_SHARE_SCHEMA: Final = vol.Schema(_SHARE_ID)
LIST_SHARES_SCHEMA: Final = vol.Schema({vol.Optional(ATTR_DEVICE_ID): cv.string})

OPEN_TEMPORARILY_SCHEMA: Final = vol.Schema(
    {**_SHARE_ID, vol.Required(ATTR_DURATION): cv.time_period}
)
CLOSE_ALL_SCHEMA: Final = vol.Schema({})

_REQUEST_ID: Final = {vol.Required(ATTR_REQUEST_ID): cv.string}
APPROVE_REQUEST_SCHEMA: Final = vol.Schema(
    {**_REQUEST_ID, vol.Optional(ATTR_ALWAYS, default=False): cv.boolean}
)
DENY_REQUEST_SCHEMA: Final = vol.Schema(_REQUEST_ID)
DISABLE_INDEPENDENT_SCHEMA: Final = vol.Schema({})

type _Handler = Callable[
    [PortShareCoordinator, ServiceCall], Awaitable[ServiceResponse]
]


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the services, whether a gateway is set up or not."""
    for name, handler, schema, response in (
        (
            Service.ADD_SHARE,
            _add_share,
            ADD_SHARE_SCHEMA,
            SupportsResponse.OPTIONAL,
        ),
        (
            Service.UPDATE_SHARE,
            _update_share,
            UPDATE_SHARE_SCHEMA,
            SupportsResponse.OPTIONAL,
        ),
        (
            Service.REMOVE_SHARE,
            _remove_share,
            REMOVE_SHARE_SCHEMA,
            SupportsResponse.NONE,
        ),
        (
            Service.LIST_SHARES,
            _list_shares,
            LIST_SHARES_SCHEMA,
            SupportsResponse.ONLY,
        ),
        (
            Service.OPEN_TEMPORARILY,
            _open_temporarily,
            OPEN_TEMPORARILY_SCHEMA,
            SupportsResponse.OPTIONAL,
        ),
        (
            Service.CLOSE_ALL,
            _close_all,
            CLOSE_ALL_SCHEMA,
            SupportsResponse.OPTIONAL,
        ),
        (
            Service.APPROVE_REQUEST,
            _approve_request,
            APPROVE_REQUEST_SCHEMA,
            SupportsResponse.NONE,
        ),
        (
            Service.DENY_REQUEST,
            _deny_request,
            DENY_REQUEST_SCHEMA,
            SupportsResponse.NONE,
        ),
        (
            Service.DISABLE_INDEPENDENT,
            _disable_independent,
            DISABLE_INDEPENDENT_SCHEMA,
            SupportsResponse.OPTIONAL,
        ),
    ):
        service.async_register_admin_service(
            hass, DOMAIN, name, _on_gateway(handler), schema, response
        )


def _on_gateway(handler: _Handler) -> Callable[[ServiceCall], Any]:
    """Let a handler work on the gateway that is set up, and translate its errors."""

    async def call_handler(call: ServiceCall) -> ServiceResponse:
        try:
            return await handler(loaded_coordinator(call.hass), call)
        except SharingError as err:
            raise translated(err) from err

    return call_handler


@callback
def running_coordinator(hass: HomeAssistant) -> PortShareCoordinator | None:
    """Return who runs the gateway, if anybody does."""
    entries: list[PortShareConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    for entry in entries:
        if entry.state is ConfigEntryState.LOADED:
            return entry.runtime_data
    return None


@callback
def loaded_coordinator(hass: HomeAssistant) -> PortShareCoordinator:
    """Return who runs the gateway; raise ServiceValidationError if nobody does."""
    if coordinator := running_coordinator(hass):
        return coordinator
    raise ServiceValidationError(
        translation_domain=DOMAIN, translation_key="not_loaded"
    )


async def _add_share(
    coordinator: PortShareCoordinator, call: ServiceCall
) -> ServiceResponse:
    fields = dict(call.data)
    cause = Cause.of_service(call.context)
    if ATTR_DEVICE_ID in fields:
        device_id = _subentry_id(coordinator, fields.pop(ATTR_DEVICE_ID))
        share = await async_add_share(coordinator, device_id, fields, cause)
    else:
        share = await async_add_device_with_share(
            coordinator, fields.pop(CONF_MAC), fields, cause
        )
    return share_answer(coordinator, share)


async def _update_share(
    coordinator: PortShareCoordinator, call: ServiceCall
) -> ServiceResponse:
    fields = dict(call.data)
    share = await async_update_share(
        coordinator,
        fields.pop(ATTR_SHARE_ID),
        fields,
        Cause.of_service(call.context),
    )
    return share_answer(coordinator, share)


async def _remove_share(coordinator: PortShareCoordinator, call: ServiceCall) -> None:
    await async_remove_share(
        coordinator, call.data[ATTR_SHARE_ID], Cause.of_service(call.context)
    )


async def _list_shares(
    coordinator: PortShareCoordinator, call: ServiceCall
) -> ServiceResponse:
    wanted = None
    if ATTR_DEVICE_ID in call.data:
        wanted = _subentry_id(coordinator, call.data[ATTR_DEVICE_ID])
    return {
        "shares": [
            _listed(coordinator, state)
            for _, state in sorted(coordinator.latest.shares.items())
            if wanted in (None, state.share.device_id)
        ]
    }


async def _open_temporarily(
    coordinator: PortShareCoordinator, call: ServiceCall
) -> ServiceResponse:
    share = await async_open_temporarily(
        coordinator,
        call.data[ATTR_SHARE_ID],
        call.data[ATTR_DURATION],
        Cause.of_service(call.context),
    )
    closes_at = share.open_until.isoformat() if share.open_until else None
    return {**share_answer(coordinator, share), "closes_at": closes_at}


async def _close_all(
    coordinator: PortShareCoordinator, call: ServiceCall
) -> ServiceResponse:
    closed = await async_close_all(coordinator, Cause.of_service(call.context))
    return {
        "closed": [_listed(coordinator, state) for state in closed.shares],
        "leases": [lease_data(state.lease) for state in closed.leases],
    }


async def _approve_request(
    coordinator: PortShareCoordinator, call: ServiceCall
) -> None:
    await async_approve_request(
        coordinator,
        call.data[ATTR_REQUEST_ID],
        always=call.data[ATTR_ALWAYS],
        context=call.context,
    )


async def _deny_request(coordinator: PortShareCoordinator, call: ServiceCall) -> None:
    deny_request(coordinator, call.data[ATTR_REQUEST_ID])


async def _disable_independent(
    coordinator: PortShareCoordinator, call: ServiceCall
) -> ServiceResponse:
    disabled = await async_disable_independent(coordinator, call.context)
    return {
        "disabled": [
            {
                "device_id": coordinator.device_id(device.device_id),
                "device": device.name,
                "mac": device.mac,
            }
            for device in disabled
        ]
    }


@callback
def _subentry_id(coordinator: PortShareCoordinator, device_id: str) -> str:
    """Return the subentry of a device of Home Assistant's device registry."""
    device, _ = service.async_get_device_and_config_entry(
        coordinator.hass, DOMAIN, device_id
    )
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier in coordinator.configuration.devices:
            return identifier
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_a_sharing_device",
        translation_placeholders={"device": device.name or device_id},
    )


def share_answer(coordinator: PortShareCoordinator, share: Share) -> dict[str, Any]:
    """Return what somebody is told who has added or changed a share."""
    state = coordinator.latest.shares.get(share.share_id)
    return {
        "share_id": share.share_id,
        "external_port": share.external_port,
        "call": list(state.calls) if state else [],
    }


def _listed(coordinator: PortShareCoordinator, state: ShareState) -> dict[str, Any]:
    share = state.share
    # It may have been removed since then, and the share closed with it.
    device = coordinator.latest.devices.get(share.device_id)
    other = other_forwarding(share, coordinator.gateway.others.forwardings)
    return {
        "share_id": share.share_id,
        "device_id": coordinator.device_id(share.device_id),
        "device": device.name if device else None,
        "name": share.name,
        "protocol": share.protocol.value,
        "port": share.port,
        "port_end": share.port_end,
        "external_port": share.external_port,
        "external_port_end": share.external_port_end,
        "ipv4": share.ipv4,
        "ipv6": share.ipv6,
        "sources": list(share.sources),
        "enabled": share.enabled,
        "status": state.status.value,
        "families": sorted(state.families),
        "internal_ip": state.internal_ip,
        "call": list(state.calls),
        "closes_at": share.open_until.isoformat() if share.open_until else None,
        "other_forwarding": target_of(other) if other else None,
    }
