"""What the entities of a gateway, a device and a share have in common."""

from collections.abc import Callable, Iterable
from typing import override

from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import PortShareConfigEntry, PortShareCoordinator
from .sharing.snapshot import ShareState


class PortShareEntity(CoordinatorEntity[PortShareCoordinator]):
    """An entity that reads the snapshot."""

    _attr_has_entity_name = True

    async def async_entity_id_changed(self) -> None:
        """Stay in place when renamed: nothing here depends on the entity id."""


class GatewayEntity(PortShareEntity):
    """An entity of the gateway itself."""

    def __init__(
        self, coordinator: PortShareCoordinator, description: EntityDescription
    ) -> None:
        """Initialize."""
        super().__init__(coordinator)
        self.entity_description = description
        entry_id = coordinator.config_entry.entry_id
        self._attr_unique_id = f"{entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry_id)})


class DeviceEntity(PortShareEntity):
    """An entity of a device. It is told only when one of its shares has changed."""

    def __init__(self, coordinator: PortShareCoordinator, device_id: str) -> None:
        """Initialize."""
        super().__init__(coordinator)
        self._device_id = device_id
        self._shares = self._read_shares()
        self._available = True
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, device_id)})

    def _read_shares(self) -> list[ShareState]:
        """Return the states of the device's shares."""
        return [
            state
            for share in self.coordinator.configuration.shares_of(self._device_id)
            if (state := self.coordinator.data.shares.get(share.share_id))
        ]

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        shares = self._read_shares()
        available = self.coordinator.last_update_success
        if shares == self._shares and available is self._available:
            return
        self._shares, self._available = shares, available
        super()._handle_coordinator_update()


class ShareEntity(PortShareEntity):
    """An entity of a share. It is told only when its share has changed."""

    def __init__(self, coordinator: PortShareCoordinator, state: ShareState) -> None:
        """Initialize."""
        super().__init__(coordinator)
        self._state = state
        self._available = True
        share = state.share
        self._attr_unique_id = f"{share.device_id}_{share.share_id}"
        self._attr_name = share.name
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, share.device_id)})

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        state = self.coordinator.data.shares.get(self._state.share.share_id)
        if state is None:
            er.async_get(self.hass).async_remove(self.entity_id)
            return
        available = self.coordinator.last_update_success
        if state is self._state and available is self._available:
            return
        self._state, self._available = state, available
        self._attr_name = state.share.name
        super()._handle_coordinator_update()


@callback
def async_follow[ItemT](
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    items: Callable[[], Iterable[tuple[str, str, ItemT]]],
    create: Callable[[ItemT], Entity],
) -> None:
    """Add an entity for each item there is, and for each that comes.

    `items` yields the id of an item, the subentry it belongs to, and the item.
    """
    known: set[str] = set()

    @callback
    def add_new() -> None:
        now: set[str] = set()
        new: dict[str, list[Entity]] = {}
        for item_id, subentry_id, item in items():
            now.add(item_id)
            if item_id not in known:
                new.setdefault(subentry_id, []).append(create(item))
        known.clear()
        known.update(now)
        for subentry_id, entities in new.items():
            async_add_entities(entities, config_subentry_id=subentry_id)

    add_new()
    entry.async_on_unload(entry.runtime_data.async_add_listener(add_new))
