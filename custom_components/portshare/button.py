"""Buttons of the gateway."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PortShareConfigEntry
from .entity import GatewayEntity
from .events import Cause
from .shares import async_close_all

PARALLEL_UPDATES = 0

CLOSE_ALL = ButtonEntityDescription(key="close_all", translation_key="close_all")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the gateway's button."""
    async_add_entities([CloseAllButton(entry.runtime_data, CLOSE_ALL)])


class CloseAllButton(GatewayEntity, ButtonEntity):
    """Switches every share off."""

    @override
    async def async_press(self) -> None:
        """Close everything at once; what runs is cut."""
        await async_close_all(self.coordinator, Cause.of_switch(self._context))
