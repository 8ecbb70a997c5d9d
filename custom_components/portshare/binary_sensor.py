"""Is the gateway connected with the internet, and is all well with the shares?"""

from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PortShareConfigEntry
from .entity import DeviceEntity, GatewayEntity, async_follow_devices
from .sharing.model import Family, Status

PARALLEL_UPDATES = 0

INTERNET = BinarySensorEntityDescription(
    key="internet",
    translation_key="internet",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the gateway's internet sensor, and a problem sensor for each device."""
    coordinator = entry.runtime_data
    async_add_entities([InternetSensor(coordinator, INTERNET)])
    await async_follow_devices(
        entry,
        async_add_entities,
        lambda device: [ProblemSensor(coordinator, device.device_id)],
    )


class InternetSensor(GatewayEntity, BinarySensorEntity):
    """On while IPv4 or IPv6 comes in by a WAN interface."""

    @property
    @override
    def is_on(self) -> bool:
        """Return whether there is an internet."""
        return bool(self.coordinator.data.facts.internet)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool]:
        """Return it for each IP version."""
        internet = self.coordinator.data.facts.internet
        return {family.value: family in internet for family in Family}


class ProblemSensor(DeviceEntity, BinarySensorEntity):
    """On if a share of the device is wanted, but cannot be called."""

    _key = "problem"
    _attr_translation_key = _key
    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def is_on(self) -> bool:
        """Return whether there is one."""
        return bool(self._problems)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return which shares have a problem, and their status."""
        return {"shares": self._problems}

    @property
    def _problems(self) -> list[dict[str, str]]:
        return [
            {
                "share_id": state.share.share_id,
                "name": state.share.name,
                "status": state.status.value,
            }
            for state in self._shares
            if state.status not in (Status.ACTIVE, Status.OFF)
        ]
