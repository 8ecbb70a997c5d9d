"""Event entities: what happened, for automations and the log."""

from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PortShareConfigEntry
from .entity import DeviceEntity, GatewayEntity, async_follow_devices
from .events import EventType, PortShareEvent

PARALLEL_UPDATES = 0

INTERNET_EVENTS: Final = {
    EventType.INTERNET_LOST: "lost",
    EventType.INTERNET_RESTORED: "restored",
    EventType.ADDRESS_CHANGED: "address_changed",
}
DEVICE_EVENTS: Final = {
    EventType.SHARE_ENABLED: "enabled",
    EventType.SHARE_DISABLED: "disabled",
    EventType.FIRST_CALL: "first_call",
    EventType.MAPPING_ADDED: "mapping_added",
    EventType.MAPPING_REMOVED: "mapping_removed",
    EventType.MAPPING_REQUESTED: "requested",
}

INTERNET = EventEntityDescription(
    key="internet_event",
    translation_key="internet",
    event_types=list(INTERNET_EVENTS.values()),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the gateway's event entity, and one for each device there is or comes."""
    coordinator = entry.runtime_data
    async_add_entities([InternetEvent(coordinator, INTERNET)])
    await async_follow_devices(
        entry,
        async_add_entities,
        lambda device: [DeviceEvent(coordinator, device.device_id)],
    )


class _ToldEvent(EventEntity):
    """An event entity that listens to what the world is told."""

    @callback
    def _triggered(self, event_type: str, event: PortShareEvent) -> None:
        self._trigger_event(event_type, event.data)
        # What nobody caused is not by whom the event before was caused.
        self.async_set_context(event.context or Context())
        self.async_write_ha_state()


class InternetEvent(GatewayEntity, _ToldEvent):
    """The internet was lost or restored, or has given another address."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.teller.subscribe(self._told))

    @callback
    def _told(self, event: PortShareEvent) -> None:
        if event_type := INTERNET_EVENTS.get(event.type):
            self._triggered(event_type, event)


class DeviceEvent(DeviceEntity, _ToldEvent):
    """What happened to the shares of a device, or what it did or asked itself."""

    _key = "port_sharing"
    _attr_translation_key = _key
    _attr_event_types = list(DEVICE_EVENTS.values())

    @override
    async def async_added_to_hass(self) -> None:
        """Listen."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.teller.subscribe(self._told))

    @callback
    def _told(self, event: PortShareEvent) -> None:
        if event.subentry_id != self._device_id:
            return
        if event_type := DEVICE_EVENTS.get(event.type):
            self._triggered(event_type, event)
