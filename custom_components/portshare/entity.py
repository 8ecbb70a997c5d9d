"""What the entities of a gateway, a device and a share have in common."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from itertools import batched
from typing import Final, override

from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import PortShareConfigEntry, PortShareCoordinator
from .sharing.model import Device
from .sharing.snapshot import ShareState, Snapshot

# Devices or shares. To add one of their entities, of which a share has up to eight, takes
# Home Assistant a tenth of a millisecond or two, and there may be thousands at a start.
_AT_ONCE: Final = 20


class PortShareEntity(CoordinatorEntity[PortShareCoordinator]):
    """An entity that reads the snapshot."""

    _attr_has_entity_name = True

    @callback
    def async_entity_id_changed(self, old_entity_id: str) -> None:
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
    """An entity of a device. It is told only when the device or its mappings change."""

    _key: str

    def __init__(self, coordinator: PortShareCoordinator, device_id: str) -> None:
        """Initialize."""
        super().__init__(coordinator)
        self._device_id = device_id
        self._read()
        self._attr_unique_id = f"{device_id}_{self._key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, device_id)})

    @override
    async def async_added_to_hass(self) -> None:
        """Listen, and take over what has changed since this was made."""
        await super().async_added_to_hass()
        self._read()

    def _read(self) -> None:
        """Take over the device, its shares, and what it has mapped itself."""
        self._available = self.coordinator.last_update_success
        configuration = self.coordinator.configuration
        states = self.coordinator.data.shares
        self._device = configuration.devices.get(self._device_id)
        self._shares = [
            state
            for share in configuration.shares_of(self._device_id)
            if (state := states.get(share.share_id))
        ]
        mac = self._device.mac if self._device else ""
        self._leases = self.coordinator.leases_of.get(mac, ())

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        before = self._device, self._shares, self._leases, self._available
        self._read()
        if before != (self._device, self._shares, self._leases, self._available):
            super()._handle_coordinator_update()


class ShareEntity(PortShareEntity):
    """An entity of a share. It is told only when its share has changed.

    The switch of a share has its name; other entities add what they are to it.
    """

    _key: str | None = None

    def __init__(self, coordinator: PortShareCoordinator, state: ShareState) -> None:
        """Initialize."""
        share = state.share
        super().__init__(coordinator, share.share_id)
        self._state = state
        self._available = coordinator.last_update_success
        self._attr_unique_id = f"{share.device_id}_{share.share_id}"
        if self._key:
            self._attr_unique_id += f"_{self._key}"
            self._attr_translation_key = self._key
        self._set_name()
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, share.device_id)})

    @override
    async def async_added_to_hass(self) -> None:
        """Listen, and take over what has changed since this was made."""
        await super().async_added_to_hass()
        self._available = self.coordinator.last_update_success
        if state := self.coordinator.data.shares.get(self._state.share.share_id):
            self._state = state
            self._set_name()
        else:  # it was removed while this was being added
            self.hass.loop.call_soon(self._remove)

    def _set_name(self) -> None:
        name = self._state.share.name
        if self._key:
            self._attr_translation_placeholders = {"share": name}
            # Home Assistant keeps the name that it made of them.
            self.__dict__.pop("name", None)
        else:
            self._attr_name = name

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        state = self.coordinator.data.shares.get(self._state.share.share_id)
        if state is None:
            self._remove()
            return
        available = self.coordinator.last_update_success
        if state is self._state and available is self._available:
            return
        self._state, self._available = state, available
        self._set_name()
        super()._handle_coordinator_update()

    @callback
    def _remove(self) -> None:
        registry = er.async_get(self.hass)
        entry = registry.async_get(self.entity_id)
        # A new share may have its name by now.
        if entry and entry.unique_id == self.unique_id:
            registry.async_remove(self.entity_id)


async def async_follow_devices(
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    create: Callable[[Device], Iterable[Entity]],
) -> None:
    """Add entities for each device there is, and for each that comes."""
    await _follow(
        entry,
        async_add_entities,
        lambda snapshot: snapshot.devices,
        lambda device: device.device_id,
        create,
    )


async def async_follow_shares(
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    create: Callable[[ShareState], Iterable[Entity]],
) -> None:
    """Add entities for each share there is, and for each that comes."""
    coordinator = entry.runtime_data
    known = set(coordinator.data.shares)
    await _follow(
        entry,
        async_add_entities,
        lambda snapshot: snapshot.shares,
        lambda state: state.share.device_id,
        create,
    )

    @callback
    def remove_old() -> None:
        """Remove what Home Assistant knows of shares that are gone.

        An entity that is disabled cannot do that by itself.
        """
        gone = known - coordinator.data.shares.keys()
        known.clear()
        known.update(coordinator.data.shares)
        if not gone:
            return
        registry = er.async_get(coordinator.hass)
        for each in er.async_entries_for_config_entry(registry, entry.entry_id):
            if not gone.isdisjoint(each.unique_id.split("_")):
                registry.async_remove(each.entity_id)

    remove_old()
    entry.async_on_unload(coordinator.async_add_listener(remove_old))


async def _follow[ItemT](
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    items: Callable[[Snapshot], Mapping[str, ItemT]],
    subentry_id: Callable[[ItemT], str],
    create: Callable[[ItemT], Iterable[Entity]],
) -> None:
    coordinator = entry.runtime_data
    known: set[str] = set()

    @callback
    def add(new: Iterable[ItemT]) -> None:
        by_device: dict[str, list[Entity]] = {}
        for item in new:
            by_device.setdefault(subentry_id(item), []).extend(create(item))
        for config_subentry_id, entities in by_device.items():
            if config_subentry_id in entry.subentries:
                async_add_entities(entities, config_subentry_id=config_subentry_id)

    @callback
    def add_new() -> None:
        now = items(coordinator.data)
        new = [item for item_id, item in now.items() if item_id not in known]
        known.clear()
        known.update(now)
        add(new)

    first = tuple(items(coordinator.data))
    known.update(first)
    for batch in batched(first, _AT_ONCE, strict=False):
        now = items(coordinator.data)  # some may have been removed meanwhile
        add(now[item_id] for item_id in batch if item_id in now)
        await asyncio.sleep(0)
    add_new()
    entry.async_on_unload(coordinator.async_add_listener(add_new))
