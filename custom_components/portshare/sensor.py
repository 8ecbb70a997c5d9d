"""Sensors: what is open on the gateway and on each device."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .coordinator import PortShareConfigEntry
from .entity import (
    DeviceEntity,
    GatewayEntity,
    ShareEntity,
    async_follow_devices,
    async_follow_shares,
)
from .sharing.model import Status
from .sharing.snapshot import ShareState, Snapshot, open_ports

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class GatewaySensorDescription(SensorEntityDescription):
    """A sensor of the gateway and how it is read from the snapshot."""

    value_fn: Callable[[Snapshot], StateType]


GATEWAY_SENSORS = (
    GatewaySensorDescription(
        key="external_ipv4",
        translation_key="external_ipv4",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda snapshot: _first(snapshot.facts.wan_ipv4),
    ),
    GatewaySensorDescription(
        key="external_ipv6",
        translation_key="external_ipv6",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda snapshot: _first(snapshot.facts.wan_ipv6),
    ),
    GatewaySensorDescription(
        key="open_ports",
        translation_key="open_ports",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda snapshot: sum(map(open_ports, snapshot.shares.values())),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PortShareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the gateway's sensors, and one for each device there is or comes."""
    coordinator = entry.runtime_data
    async_add_entities(
        GatewaySensor(coordinator, description) for description in GATEWAY_SENSORS
    )

    async_follow_devices(
        entry,
        async_add_entities,
        lambda device: [MappingsSensor(coordinator, device.device_id)],
    )
    async_follow_shares(
        entry,
        async_add_entities,
        lambda state: [
            StatusSensor(coordinator, state),
            ClosesAtSensor(coordinator, state),
        ],
    )


class GatewaySensor(GatewayEntity, SensorEntity):
    """A sensor of the gateway."""

    entity_description: GatewaySensorDescription

    @property
    @override
    def native_value(self) -> StateType:
        """Return the value from the snapshot."""
        return self.entity_description.value_fn(self.coordinator.data)


class MappingsSensor(DeviceEntity, SensorEntity):
    """How many shares of a device are open, and which."""

    _key = "mappings"
    _attr_translation_key = _key
    _attr_state_class = SensorStateClass.MEASUREMENT

    @property
    def _open(self) -> list[ShareState]:
        return [state for state in self._shares if state.families]

    @property
    @override
    def native_value(self) -> int:
        """Return the number of shares that the internet can call now."""
        return len(self._open)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return what is open."""
        return {"shares": [_described(state) for state in self._open]}


class StatusSensor(ShareEntity, SensorEntity):
    """What is true of a share in the kernel now, beside what the user wants."""

    _key = "status"
    _attr_device_class = SensorDeviceClass.ENUM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_options = [status.value for status in Status]

    @property
    @override
    def native_value(self) -> str:
        """Return the status."""
        return self._state.status.value


class ClosesAtSensor(ShareEntity, SensorEntity):
    """When a share that is open for a while closes by itself."""

    _key = "closes_at"
    _attr_device_class = SensorDeviceClass.TIMESTAMP

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the time, None if the share is not open for a while."""
        return self._state.share.open_until


def _described(state: ShareState) -> dict[str, Any]:
    share = state.share
    return {
        "share_id": share.share_id,
        "description": share.name,
        "protocol": share.protocol.value,
        "internal_ip": state.internal_ip,
        "internal_port": share.port,
        "external_port": share.external_port,
        "call": list(state.calls),
    }


def _first(addresses: tuple[object, ...]) -> str | None:
    return str(addresses[0]) if addresses else None
