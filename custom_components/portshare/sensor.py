"""Sensors: what is open on the gateway and on each device, and who calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, override

from homeassistant.components.sensor import (
    DOMAIN as SENSOR_DOMAIN,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfInformation
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .const import DOMAIN
from .coordinator import PortShareConfigEntry, PortShareCoordinator
from .entity import (
    DeviceEntity,
    GatewayEntity,
    ShareEntity,
    async_follow_devices,
    async_follow_shares,
)
from .sharing.model import Status
from .sharing.snapshot import LeaseState, ShareState, Snapshot
from .tally import Tally

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
        value_fn=lambda snapshot: snapshot.open_ports,
    ),
)

# How many of those who have called last are shown.
_MOST_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class TrafficSensorDescription(SensorEntityDescription):
    """A sensor of what goes through a share, and how it is read from the tally."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    entity_registry_enabled_default: bool = False
    state_class: SensorStateClass | None = SensorStateClass.TOTAL_INCREASING
    value_fn: Callable[[Tally], StateType]


@dataclass(frozen=True, kw_only=True)
class BytesSensorDescription(TrafficSensorDescription):
    """A sensor of how much goes through a share."""

    device_class: SensorDeviceClass | None = SensorDeviceClass.DATA_SIZE
    native_unit_of_measurement: str | None = UnitOfInformation.BYTES
    suggested_unit_of_measurement: str | None = UnitOfInformation.MEGABYTES
    suggested_display_precision: int | None = 1


TRAFFIC_SENSORS: Final = (
    BytesSensorDescription(key="bytes_in", value_fn=lambda tally: tally.bytes_in),
    BytesSensorDescription(key="bytes_out", value_fn=lambda tally: tally.bytes_out),
    TrafficSensorDescription(key="packets_in", value_fn=lambda tally: tally.packets_in),
    TrafficSensorDescription(
        key="packets_out", value_fn=lambda tally: tally.packets_out
    ),
    TrafficSensorDescription(key="connections", value_fn=lambda tally: tally.calls),
)
LAST_VISITOR: Final = TrafficSensorDescription(
    key="last_visitor",
    state_class=None,
    value_fn=lambda tally: next((str(each.address) for each in tally.latest(1)), None),
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

    await async_follow_devices(
        entry,
        async_add_entities,
        lambda device: _device_sensors(coordinator, device.device_id),
    )
    await async_follow_shares(
        entry,
        async_add_entities,
        lambda state: [
            StatusSensor(coordinator, state),
            ClosesAtSensor(coordinator, state),
            *_traffic_sensors(coordinator, state),
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


class LeasesShown:
    """What is shown of the leases of a device: made once, for both of its sensors.

    There may be a thousand of them, and hardly ever do more than some change.
    """

    def __init__(self) -> None:
        """Nothing has been shown."""
        self._shown: dict[str, tuple[LeaseState, dict[str, Any]]] = {}

    def of(self, states: Sequence[LeaseState]) -> list[dict[str, Any]]:
        """Return what is shown of all leases of the device."""
        before, self._shown = self._shown, {}
        for state in states:
            lease_id = state.lease.lease_id
            known, shown = before.get(lease_id, (None, {}))
            if known is not state:
                shown = _described_lease(state)
            self._shown[lease_id] = state, shown
        return [shown for _, shown in self._shown.values()]


class LeasesSensor(DeviceEntity, SensorEntity):
    """A sensor that shows what a device has mapped itself."""

    # Each renewal changes the time when it expires.
    _unrecorded_attributes = frozenset({"leases"})

    def __init__(
        self, coordinator: PortShareCoordinator, device_id: str, shown: LeasesShown
    ) -> None:
        """Initialize."""
        super().__init__(coordinator, device_id)
        self._shown = shown


class MappingsSensor(LeasesSensor):
    """What of a device is open: its shares, and what it has mapped itself."""

    _key = "mappings"
    _attr_translation_key = _key
    _attr_state_class = SensorStateClass.MEASUREMENT

    @property
    def _open_shares(self) -> list[ShareState]:
        return [state for state in self._shares if state.families]

    @property
    def _open_leases(self) -> list[LeaseState]:
        return [state for state in self._leases if state.families]

    @property
    @override
    def native_value(self) -> int:
        """Return how much of it the internet can call now."""
        return len(self._open_shares) + len(self._open_leases)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return what is open."""
        return {
            "shares": [_described(state) for state in self._open_shares],
            "leases": [
                shown
                for state, shown in zip(
                    self._leases, self._shown.of(self._leases), strict=True
                )
                if state.families
            ],
        }


class IndependentMappingsSensor(LeasesSensor):
    """What a device has mapped itself, open or not."""

    _key = "independent_mappings"
    _attr_translation_key = _key
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def native_value(self) -> int:
        """Return the number of them."""
        return len(self._leases)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return them with what is true of them."""
        return {"leases": self._shown.of(self._leases)}


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

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool] | None:
        """Return whether the device takes no calls, if it can be asked."""
        nobody = self.coordinator.listening.nobody_listens(self._state.share.share_id)
        return None if nobody is None else {"nobody_listens": nobody}

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to what the device answers, too."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.coordinator.listening.subscribe(
                self._state.share.share_id, self.async_write_ha_state
            )
        )


class ClosesAtSensor(ShareEntity, SensorEntity):
    """When a share that is open for a while closes by itself."""

    _key = "closes_at"
    _attr_device_class = SensorDeviceClass.TIMESTAMP

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the time, None if the share is not open for a while."""
        return self._state.share.open_until


class TrafficSensor(ShareEntity, SensorEntity):
    """A sum of what went through a share. The books are read only while it is here."""

    entity_description: TrafficSensorDescription

    def __init__(
        self,
        coordinator: PortShareCoordinator,
        state: ShareState,
        description: TrafficSensorDescription,
    ) -> None:
        """Initialize."""
        self._key = description.key
        self.entity_description = description
        super().__init__(coordinator, state)

    @override
    async def async_added_to_hass(self) -> None:
        """Listen, and ask for a look at the books."""
        await super().async_added_to_hass()
        traffic = self.coordinator.traffic
        self.async_on_remove(traffic.async_add_listener(self.async_write_ha_state))
        await traffic.async_request_refresh()

    @property
    @override
    def available(self) -> bool:
        """Return whether the books could be read."""
        return super().available and self.coordinator.traffic.last_update_success

    @property
    def _tally(self) -> Tally | None:
        return self.coordinator.traffic.data.get(self._state.share.share_id)

    @property
    @override
    def native_value(self) -> StateType:
        """Return the sum, None if nobody has looked yet."""
        tally = self._tally
        return self.entity_description.value_fn(tally) if tally else None


class LastVisitorSensor(TrafficSensor):
    """Who has called a share last, and the others of late."""

    _unrecorded_attributes = frozenset({"visitors"})

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return when, how often, and who else."""
        tally = self._tally
        if tally is None or not (latest := tally.latest(_MOST_SHOWN)):
            return None
        return {
            "last": latest[0].last.isoformat(),
            "calls": latest[0].calls,
            "visitors": [
                {
                    "address": str(each.address),
                    "calls": each.calls,
                    "last": each.last.isoformat(),
                }
                for each in latest
            ],
        }


def _device_sensors(
    coordinator: PortShareCoordinator, device_id: str
) -> list[LeasesSensor]:
    shown = LeasesShown()
    return [
        MappingsSensor(coordinator, device_id, shown),
        IndependentMappingsSensor(coordinator, device_id, shown),
    ]


def _traffic_sensors(
    coordinator: PortShareCoordinator, state: ShareState
) -> Iterator[TrafficSensor]:
    """Yield the sensors of what goes through a share, but not those known as disabled.

    There are six of each share, and hardly ever is one enabled: to add them all again
    would be a quarter of a start with a thousand shares.
    """
    registry = er.async_get(coordinator.hass)
    for sensor in (
        *(TrafficSensor(coordinator, state, each) for each in TRAFFIC_SENSORS),
        LastVisitorSensor(coordinator, state, LAST_VISITOR),
    ):
        assert sensor.unique_id
        entity_id = registry.async_get_entity_id(
            SENSOR_DOMAIN, DOMAIN, sensor.unique_id
        )
        if entity_id is None or not registry.entities[entity_id].disabled:
            yield sensor


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


def _described_lease(state: LeaseState) -> dict[str, Any]:
    lease = state.lease
    return {
        "lease_id": lease.lease_id,
        "description": lease.description,
        "protocol": lease.transport.value,
        "port": lease.port,
        "external_port": lease.external_port,
        "asked_by": list(lease.asked_by),
        "expires": lease.expires.isoformat(),
        "status": state.status.value,
        "call": list(state.calls),
    }


def _first(addresses: tuple[object, ...]) -> str | None:
    return str(addresses[0]) if addresses else None
