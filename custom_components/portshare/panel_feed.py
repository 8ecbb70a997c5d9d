"""What our page shows, kept up to date for one browser: a snapshot, then what changes."""

from collections.abc import Callable, Mapping
from typing import Final

from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .const import CONF_DNS_NAME, DOMAIN
from .coordinator import PortShareCoordinator
from .devices import gateway_id
from .event_log import Entry, event_log_of
from .leasing import leasing_of
from .pace import Pace
from .panel_state import (
    DeviceView,
    GatewayView,
    Json,
    LeaseView,
    PanelState,
    ShareView,
    TrafficView,
)

# A few changes are sent at once; of a storm, what has come together within this time.
_BURST: Final = 5
_INTERVAL_SECONDS: Final = 0.1


class PanelFeed:
    """Sends what has changed, whatever the reason.

    Each change only asks for a look. As a look sees everything that is shown, nothing
    can be forgotten.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        coordinator: PortShareCoordinator,
        send: Callable[[Json], None],
    ) -> None:
        """Remember where to look, and how to send changes."""
        self._hass = hass
        self._coordinator = coordinator
        self._entry = coordinator.config_entry
        self._send = send
        self._gateway_id = gateway_id(hass, self._entry)
        self._leasing = leasing_of(hass, self._entry.entry_id)
        self._log: list[Entry] = []
        self._pace = Pace(self._tell, burst=_BURST, interval=_INTERVAL_SECONDS)
        self._state = self._look()
        self._listening: list[CALLBACK_TYPE] = []

    @property
    def snapshot(self) -> Json:
        """All that has been seen until now."""
        return self._state.described()

    @callback
    def begin(self) -> None:
        """Send what has changed since the snapshot, from now on."""
        coordinator, hass = self._coordinator, self._hass
        look = self._pace.ask
        self._listening = [
            coordinator.async_add_listener(look),
            coordinator.traffic.async_add_listener(look),
            coordinator.listening.subscribe_all(look),
            event_log_of(hass, self._entry.entry_id).subscribe(self._logged),
            hass.bus.async_listen(
                er.EVENT_ENTITY_REGISTRY_UPDATED,
                self._entity_changed,
                event_filter=_is_of_a_switch,
            ),
            self._pace.cancel,
        ]
        # As long as somebody looks at it, the traffic is read once a minute.
        self._entry.async_create_background_task(
            hass, coordinator.traffic.async_request_refresh(), "portshare panel traffic"
        )

    @callback
    def look(self) -> None:
        """See what has changed, and send it."""
        self._pace.ask()

    @callback
    def end(self) -> None:
        """Send nothing more."""
        while self._listening:
            self._listening.pop()()

    @callback
    def _tell(self) -> None:
        before, self._state = self._state, self._look()
        changes = self._state.changes_since(before)
        if self._log:
            changes["log"] = self._log
            self._log = []
        if changes:
            self._send(changes)

    @callback
    def _logged(self, entry: Entry) -> None:
        self._log.append(entry)
        self._pace.ask()

    @callback
    def _entity_changed(self, _: Event[er.EventEntityRegistryUpdatedData]) -> None:
        self._pace.ask()

    def _look(self) -> PanelState:
        """Return what is true at this moment, told to entities or not yet."""
        coordinator = self._coordinator
        snapshot, tallies = coordinator.latest, coordinator.traffic.data
        listening, registry = coordinator.listening, er.async_get(self._hass)
        devices = {
            key: DeviceView(
                device,
                snapshot.facts.addresses_of(device.mac),
                coordinator.device_id(key),
            )
            for key, device in snapshot.devices.items()
        }
        shares = {
            key: ShareView(
                state,
                listening.nobody_listens(key),
                registry.async_get_entity_id(
                    SWITCH_DOMAIN, DOMAIN, f"{state.share.device_id}_{key}"
                ),
            )
            for key, state in snapshot.shares.items()
        }
        by_mac = {device.mac: key for key, device in snapshot.devices.items()}
        leases = {
            key: LeaseView(state, by_mac.get(state.lease.mac))
            for key, state in snapshot.leases.items()
        }
        traffic = {
            key: TrafficView.of(tally)
            for key, tally in tallies.items()
            if (tally.packets or tally.calls)
            and (key in snapshot.shares or key in snapshot.leases)
        }
        return PanelState(self._gateway(), devices, shares, leases, traffic)

    def _gateway(self) -> GatewayView:
        coordinator, entry = self._coordinator, self._entry
        snapshot = coordinator.latest
        facts = snapshot.facts
        return GatewayView(
            entry_id=entry.entry_id,
            name=entry.title,
            device_id=self._gateway_id,
            available=coordinator.last_update_success,
            internet=facts.internet,
            external_ipv4=str(facts.wan_ipv4[0]) if facts.wan_ipv4 else None,
            external_ipv6=str(facts.wan_ipv6[0]) if facts.wan_ipv6 else None,
            dns_name=entry.options.get(CONF_DNS_NAME, ""),
            open_ports=snapshot.open_ports,
            unused_permissions=sum(
                device.independent and not self._leasing.has_asked(device.mac)
                for device in snapshot.devices.values()
            ),
        )


@callback
def _is_of_a_switch(data: Mapping[str, object]) -> bool:
    return str(data["entity_id"]).startswith(f"{SWITCH_DOMAIN}.")
