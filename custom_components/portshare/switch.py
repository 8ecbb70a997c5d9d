"""Switches: which shares are open, and which devices may map ports themselves."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PortShareConfigEntry
from .entity import DeviceEntity, ShareEntity, async_follow_devices, async_follow_shares
from .events import Cause
from .permissions import async_set_permission
from .shares import async_update_share, translated
from .sharing.errors import SharingError

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a switch for each device and each share there is, and for each that comes."""
    coordinator = entry.runtime_data
    await async_follow_devices(
        entry,
        async_add_entities,
        lambda device: [IndependentSwitch(coordinator, device.device_id)],
    )
    await async_follow_shares(
        entry, async_add_entities, lambda state: [ShareSwitch(coordinator, state)]
    )


class ShareSwitch(ShareEntity, SwitchEntity):
    """Shares a port of a device with the internet."""

    _attr_translation_key = "share"

    @property
    @override
    def is_on(self) -> bool:
        """Return what the user wants; whether it is so, the status tells."""
        return self._state.share.enabled

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the share under the names that core's `fritz` uses."""
        share = self._state.share
        attributes = {
            "share_id": share.share_id,
            "protocol": share.protocol.value,
            "internal_ip": self._state.internal_ip,
            "internal_port": share.port,
            "external_port": share.external_port,
            "description": share.name,
            "status": self._state.status.value,
            "call": list(self._state.calls),
        }
        if share.port != share.port_end:
            attributes["internal_port_end"] = share.port_end
            attributes["external_port_end"] = share.external_port_end
        if share.sources:
            attributes["sources"] = list(share.sources)
        return attributes

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Open the share."""
        await self._set_enabled(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Close the share; what runs over it is cut."""
        await self._set_enabled(False)

    async def _set_enabled(self, enabled: bool) -> None:
        try:
            await async_update_share(
                self.coordinator,
                self._state.share.share_id,
                {"enabled": enabled},
                Cause.of_switch(self._context),
            )
        except SharingError as err:
            raise translated(err) from err


class IndependentSwitch(DeviceEntity, SwitchEntity):
    """Lets a device map ports itself."""

    _key = "independent"
    _attr_translation_key = _key
    _attr_entity_category = EntityCategory.CONFIG

    @property
    @override
    def is_on(self) -> bool:
        """Return whether it may."""
        return self._device is not None and self._device.independent

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let it."""
        await self._set_permission(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Let it no longer; what it has mapped is closed, and what runs is cut."""
        await self._set_permission(False)

    async def _set_permission(self, independent: bool) -> None:
        await async_set_permission(
            self.coordinator,
            [self._device_id],
            independent=independent,
            context=self._context,
        )
        self._read()
        self.async_write_ha_state()
