"""Sensors: what is open on the gateway and on each device."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.sensor import (
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .coordinator import PortShareConfigEntry, PortShareCoordinator
from .entity import DeviceEntity, GatewayEntity, async_follow
from .sharing.model import Device
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

    def devices() -> Iterator[tuple[str, str, Device]]:
        for device_id, device in coordinator.data.devices.items():
            yield device_id, device_id, device

    async_follow(
        entry,
        async_add_entities,
        devices,
        lambda device: MappingsSensor(coordinator, device.device_id),
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

    _attr_translation_key = "mappings"
    _attr_state_class = SensorStateClass.MEASUREMENT

    def __init__(self, coordinator: PortShareCoordinator, device_id: str) -> None:
        """Initialize."""
        super().__init__(coordinator, device_id)
        self._attr_unique_id = f"{device_id}_mappings"

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


def _described(state: ShareState) -> dict[str, Any]:
    share = state.share
    return {
        "share_id": share.share_id,
        "description": share.name,
        "protocol": share.protocol.value,
        "internal_ip": state.internal_ip,
        "internal_port": share.ports.first,
        "external_port": share.external.first,
        "call": list(state.calls),
    }


def _first(addresses: tuple[object, ...]) -> str | None:
    return str(addresses[0]) if addresses else None
