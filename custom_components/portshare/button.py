"""Buttons of the gateway."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PortShareConfigEntry
from .entity import GatewayEntity
from .events import Cause
from .permissions import async_disable_independent
from .shares import async_close_all

PARALLEL_UPDATES = 0

CLOSE_ALL = ButtonEntityDescription(key="close_all", translation_key="close_all")
DISABLE_INDEPENDENT = ButtonEntityDescription(
    key="disable_independent",
    translation_key="disable_independent",
    entity_category=EntityCategory.CONFIG,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the gateway's buttons."""
    coordinator = entry.runtime_data
    async_add_entities(
        [
            CloseAllButton(coordinator, CLOSE_ALL),
            DisableIndependentButton(coordinator, DISABLE_INDEPENDENT),
        ]
    )


class CloseAllButton(GatewayEntity, ButtonEntity):
    """Switches every share off, and ends what devices have mapped."""

    @override
    async def async_press(self) -> None:
        """Close everything at once; what runs is cut."""
        await async_close_all(self.coordinator, Cause.of_switch(self._context))


class DisableIndependentButton(GatewayEntity, ButtonEntity):
    """Takes the permission to map ports from devices that have made no use of it."""

    @override
    async def async_press(self) -> None:
        """Take it."""
        await async_disable_independent(self.coordinator, self._context)
