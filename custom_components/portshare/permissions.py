"""Which devices may map ports themselves: what the user says to that."""

from collections.abc import Collection

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError

from .const import DOMAIN
from .coordinator import PortShareCoordinator
from .gateway.errors import GatewayError
from .independent.approval import Answer, UnknownRequest
from .independent.leases import Wish
from .leasing import Leasing, leasing_of
from .shares import async_device_or_new, kernel_refused
from .sharing.model import Device
from .subentries import store_permission


async def async_set_permission(
    coordinator: PortShareCoordinator,
    device_ids: Collection[str],
    *,
    independent: bool,
    context: Context | None,
) -> None:
    """Let devices map ports themselves, or end that and what they have mapped.

    Raises HomeAssistantError if the kernel refuses to close something.
    """
    for device_id in device_ids:
        store_permission(
            coordinator.hass,
            coordinator.config_entry,
            device_id,
            independent=independent,
        )
    coordinator.configuration_changed()
    try:
        await _leasing(coordinator).permissions_changed(context)
    except GatewayError as err:
        raise kernel_refused(err) from err
    finally:
        await coordinator.journal.write()


async def async_approve_request(
    coordinator: PortShareCoordinator,
    request_id: str,
    *,
    always: bool,
    context: Context,
) -> None:
    """Allow what a device has asked for, once: the next time that it asks.

    Or let it map ports always; a device that is not there yet is added. Raises
    ServiceValidationError if there is no such request.
    """
    wish = _answer(coordinator, request_id, Answer.ALWAYS if always else Answer.ONCE)
    if not always:
        return
    device = await async_device_or_new(coordinator, wish.device)
    if isinstance(device, ConfigSubentry):
        coordinator.hass.config_entries.async_add_subentry(
            coordinator.config_entry, device
        )
        device_id = device.subentry_id
    else:
        device_id = device.device_id
    await async_set_permission(
        coordinator, [device_id], independent=True, context=context
    )


def deny_request(coordinator: PortShareCoordinator, request_id: str) -> None:
    """Hear nothing of a request for a day; errors as for approving it."""
    _answer(coordinator, request_id, Answer.NO)


async def async_disable_independent(
    coordinator: PortShareCoordinator, context: Context | None
) -> list[Device]:
    """Take the permission from every device that has made no use of it; return them."""
    leasing = _leasing(coordinator)
    unused = [
        device
        for device in coordinator.configuration.devices.values()
        if device.independent and not leasing.has_asked(device.mac)
    ]
    await async_set_permission(
        coordinator,
        [device.device_id for device in unused],
        independent=False,
        context=context,
    )
    return unused


def _answer(coordinator: PortShareCoordinator, request_id: str, answer: Answer) -> Wish:
    try:
        return _leasing(coordinator).answer(request_id, answer)
    except UnknownRequest as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_request",
            translation_placeholders={"request_id": request_id},
        ) from err


def _leasing(coordinator: PortShareCoordinator) -> Leasing:
    return leasing_of(coordinator.hass, coordinator.config_entry.entry_id)
