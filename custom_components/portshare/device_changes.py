"""Add, change and remove devices for sharing, at once and with what follows from it."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

from .coordinator import PortShareCoordinator
from .events import Cause
from .gateway.errors import GatewayError
from .hosts import async_find_typed
from .leasing import leasing_of
from .permissions import async_set_permission
from .shares import async_add_new_device, async_device_or_new, kernel_refused
from .sharing.errors import DeviceExists, InvalidName
from .sharing.model import Device
from .sharing.rules import parse_name


async def async_add_device(
    coordinator: PortShareCoordinator,
    typed: str,
    name: str | None,
    share: Mapping[str, object] | None,
    cause: Cause,
) -> str:
    """Add a device of which a MAC or LAN address was typed; return its id.

    Without a name it gets the one that it is known by. With a first share, both are
    added or nothing. Raises a SharingError if something is not valid, and
    HomeAssistantError if the kernel refuses the share.
    """
    mac = await async_find_typed(coordinator.gateway, typed)
    subentry = await async_device_or_new(coordinator, mac)
    if isinstance(subentry, Device):
        raise DeviceExists(typed)
    if name is not None:
        subentry = replace(subentry, title=_device_name(name))
    if share is not None:
        await async_add_new_device(coordinator, subentry, share, cause)
    else:
        coordinator.hass.config_entries.async_add_subentry(
            coordinator.config_entry, subentry
        )
        coordinator.configuration_changed()
    return subentry.subentry_id


async def async_update_device(
    coordinator: PortShareCoordinator,
    device_id: str,
    cause: Cause,
    *,
    name: str | None = None,
    independent: bool | None = None,
) -> None:
    """Give a device another name, or let it map ports itself or not; None: as it was.

    Raises UnknownDevice, InvalidName, and HomeAssistantError if the kernel refuses to
    close what the device may not have any more.
    """
    device = coordinator.configuration.device(device_id)
    if name is not None:
        entry = coordinator.config_entry
        coordinator.hass.config_entries.async_update_subentry(
            entry, entry.subentries[device_id], title=parse_name(name)
        )
        coordinator.configuration_changed()
    if independent is not None and independent != device.independent:
        await async_set_permission(
            coordinator, [device_id], independent=independent, context=cause.context
        )


async def async_remove_device(
    coordinator: PortShareCoordinator, device_id: str, cause: Cause
) -> None:
    """Close and forget what a device shares and has mapped, and the device itself.

    Raises UnknownDevice, and HomeAssistantError if the kernel refuses to close a share;
    that share stays then, and the device, but all else is closed all the same.
    """
    configuration = coordinator.configuration
    configuration.device(device_id)
    async with AsyncExitStack() as stack:
        for share in sorted(
            configuration.shares_of(device_id), key=lambda each: each.share_id
        ):
            await stack.enter_async_context(coordinator.writing(share.share_id))
        try:
            if shares := list(configuration.shares_of(device_id)):
                await coordinator.write_shares(shares, cause, removed=True)
            coordinator.hass.config_entries.async_remove_subentry(
                coordinator.config_entry, device_id
            )
            coordinator.configuration_changed()
            leasing = leasing_of(coordinator.hass, coordinator.config_entry.entry_id)
            await leasing.permissions_changed(cause.context)
        except GatewayError as err:
            raise kernel_refused(err) from err


def _device_name(value: str) -> str:
    """Return a name; its error is not taken for that of the share's name."""
    try:
        return parse_name(value)
    except InvalidName as err:
        err.field = "device_name"
        raise
