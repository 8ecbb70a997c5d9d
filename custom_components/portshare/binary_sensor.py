"""Is the gateway connected with the internet?"""

from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PortShareConfigEntry
from .entity import GatewayEntity
from .sharing.model import Family

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
    """Add the gateway's internet sensor."""
    async_add_entities([InternetSensor(entry.runtime_data, INTERNET)])


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
