"""The loop: configuration and facts -> plan -> gateway -> snapshot -> entities, events.

Whatever changes asks for the same thing: that the shares it touches be made true. Only
this loop talks to the gateway, and only the snapshot reaches entities.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
import logging
from typing import Final, override
from weakref import WeakValueDictionary

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .addresses import KnownAddresses
from .batches import Batch, Batches, Refused
from .const import CONF_ADDRESSES, CONF_PROTECT, DOMAIN, EVENT_PORTSHARE
from .events import Cause, event_types, share_event
from .gateway.errors import GatewayError, OutOfStep
from .gateway.gateway import Gateway
from .gateway.preflight import PreflightError
from .sharing.configuration import Configuration
from .sharing.model import Device, Environment, Facts, Share, Status
from .sharing.plan import NOTHING, Plan, Planned, change_between, environment, plan
from .sharing.snapshot import ShareState, Snapshot, share_state
from .subentries import Subentries, store_share

_LOGGER = logging.getLogger(__name__)

# Everything is told by events; now and then the kernel is read all the same.
RECONCILE_INTERVAL: Final = timedelta(minutes=5)

type PortShareConfigEntry = ConfigEntry[PortShareCoordinator]


@dataclass(frozen=True, slots=True)
class _Goal:
    """What a batch makes true, as it was wanted when the batch began.

    While the kernel works at it, the configuration and the facts may go on.
    """

    facts: Facts
    devices: Mapping[str, Device]
    shares: Mapping[str, Share | None]
    plan: Plan
    around: Environment


class PortShareCoordinator(DataUpdateCoordinator[Snapshot]):
    """The one place that knows what shall be open, and lets the gateway open it."""

    config_entry: PortShareConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: PortShareConfigEntry, gateway: Gateway
    ) -> None:
        """Initialize with a gateway that is not open yet."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=DOMAIN,
            update_interval=RECONCILE_INTERVAL,
        )
        self.data = Snapshot()
        self.gateway = gateway
        self.addresses = KnownAddresses(hass, entry.entry_id)
        self._subentries = Subentries(entry)
        self._batches = Batches(self._carry_out)
        self._registered: dict[str, Device] = {}
        self._device_ids: dict[str, str] = {}
        # What is in the kernel, what it refused, and what the world has been told.
        self._plan: dict[str, Planned] = {}
        self._refused: set[str] = set()
        self._told: dict[str, Share] = {}
        # Who is writing which share, and why.
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._causes: dict[str, Cause] = {}
        self._facts = Facts()

    @property
    def configuration(self) -> Configuration:
        """What the user set."""
        return self._subentries.configuration

    @override
    async def _async_setup(self) -> None:
        await self.addresses.load()
        try:
            await self.gateway.open()
        except PreflightError as err:
            raise ConfigEntryError(
                translation_domain=DOMAIN, translation_key=err.key
            ) from err
        except GatewayError as err:
            raise _update_failed(err) from err
        if missing := self.gateway.missing_interfaces():
            _LOGGER.warning("Interfaces are missing: %s", ", ".join(missing))
        self.gateway.subscribe(self._facts_changed)
        self._facts = self.gateway.facts()
        self._read_configuration()
        self._told = dict(self.configuration.shares)

    @override
    async def _async_update_data(self) -> Snapshot:
        try:
            await self._batches.ask((), everything=True, adopt=True)
        except GatewayError as err:
            raise _update_failed(err) from err
        await self._look_for_devices()
        return self.data

    async def close(self) -> None:
        """Finish what is under way and let go of the gateway; its table stays."""
        await self._batches.finish()
        await self.gateway.close()
        await self.addresses.save()

    @callback
    def configuration_changed(self) -> None:
        """Take over what has changed in the subentries, and make it true."""
        if changed := self._read_configuration():
            self._batches.ask(changed)

    def writing(self, share_id: str) -> asyncio.Lock:
        """Return a lock: one change of a share builds on the one before."""
        return self._writing.setdefault(share_id, asyncio.Lock())

    async def write_share(
        self, share: Share, cause: Cause, *, removed: bool = False
    ) -> None:
        """Store a share (or remove it) and make that true.

        Hold the lock `writing` from the moment the share is read. Raises a GatewayError
        if the kernel refuses; what was stored is as before then.
        """
        before = self.configuration.shares.get(share.share_id)
        self._causes[share.share_id] = cause
        try:
            store_share(self.hass, self.config_entry, share, removed=removed)
            self.configuration_changed()
            await self._batches.ask({share.share_id})
        except GatewayError:
            if share.device_id in self.config_entry.subentries:
                store_share(
                    self.hass,
                    self.config_entry,
                    before or share,
                    removed=before is None,
                )
                self.configuration_changed()
            raise
        finally:
            self._causes.pop(share.share_id, None)

    def device_id(self, subentry_id: str) -> str | None:
        """Return the id of a device in Home Assistant's device registry."""
        return self._device_ids.get(subentry_id)

    @callback
    def _read_configuration(self) -> set[str]:
        changed = self._subentries.read()
        for device in self.configuration.devices.values():
            if device != self._registered.get(device.device_id):
                self._register(device)
        return changed

    @callback
    def _register(self, device: Device) -> None:
        """Make a device known to Home Assistant before anything is told of it."""
        self._registered[device.device_id] = device
        entry_id = self.config_entry.entry_id
        subentry = self.config_entry.subentries[device.device_id]
        self.addresses.add_hints(device.mac, subentry.data.get(CONF_ADDRESSES, ()))
        registry = dr.async_get(self.hass)
        connections = {(dr.CONNECTION_NETWORK_MAC, device.mac)}
        registered = registry.async_get_or_create(
            config_entry_id=entry_id,
            config_subentry_id=device.device_id,
            identifiers={(DOMAIN, device.device_id)},
            connections=connections,
            name=device.name,
            via_device_id=dr.async_get_device_id_by_identifier(
                self.hass, (DOMAIN, entry_id), config_entry_id=entry_id
            ),
        )
        if registered.connections != connections:
            # Another device has taken its place; the old MAC address is not its own.
            registry.async_update_device(registered.id, new_connections=connections)
        self._device_ids[device.device_id] = registered.id

    @callback
    def _facts_changed(self) -> None:
        # Not those of the snapshot: a batch with later ones may be under way.
        before, self._facts = self._facts, self.gateway.facts()
        after = self._facts
        if not after.same_gateway(before):
            self._batches.ask((), everything=True)
            return
        moved = {
            device_id
            for device_id, device in self.configuration.devices.items()
            if before.addresses_of(device.mac) != after.addresses_of(device.mac)
        }
        if moved:
            self._batches.ask(
                share.share_id
                for device_id in moved
                for share in self.configuration.shares_of(device_id)
            )
            self.config_entry.async_create_background_task(
                self.hass, self._look_for_devices(), "portshare look for devices"
            )

    async def _look_for_devices(self) -> None:
        """Let the kernel ask for devices where they were seen last.

        Only an answer opens anything, and it comes as a change of facts.
        """
        facts = self.gateway.facts()
        for device in list(self.configuration.devices.values()):
            seen = facts.addresses_of(device.mac)
            for address in {*self.addresses.of(device.mac), *seen.expected_ipv6}:
                if address != seen.ipv4 and address not in seen.ipv6:
                    await self.gateway.probe(address)
            self.addresses.remember(device.mac, seen)

    async def _carry_out(self, batch: Batch) -> Refused:
        """Make a batch true; return which shares the kernel refused, and why."""
        facts = self.gateway.facts()
        # After a failure nothing is known of the table until it has been read again.
        adopt = batch.adopt or not self.last_update_success
        share_ids = batch.share_ids | self._refused
        if adopt or batch.everything or not facts.same_gateway(self.data.facts):
            share_ids |= self.configuration.shares.keys() | self._plan.keys()
        goal = _Goal(
            facts,
            dict(self.configuration.devices),
            {
                share_id: self.configuration.shares.get(share_id)
                for share_id in share_ids
            },
            plan(self.configuration, facts, share_ids),
            environment(
                facts, protect=self.config_entry.options.get(CONF_PROTECT, False)
            ),
        )
        try:
            refused = await (self._adopt(goal) if adopt else self._apply(goal))
        except GatewayError as err:
            if not batch.adopt:  # who asks to adopt tells the error himself
                self.async_set_update_error(err)
            raise
        self._conclude(goal, refused)
        return refused

    async def _adopt(self, goal: _Goal) -> Refused:
        try:
            await self._adopt_plan({**self._plan, **goal.plan}, goal.around)
        except OutOfStep:
            raise
        except GatewayError:
            if not goal.plan:
                raise
            await self._adopt_plan(self._plan, goal.around)
            return await self._apply_one_by_one(goal)
        return {}

    async def _adopt_plan(self, plan: Plan, around: Environment) -> None:
        await self.gateway.adopt(
            [mapping for planned in plan.values() for mapping in planned.mappings],
            around,
        )

    async def _apply(self, goal: _Goal) -> Refused:
        try:
            await self.gateway.apply(change_between(self._plan, goal.plan), goal.around)
        except OutOfStep as err:
            _LOGGER.info("Somebody else changed the firewall table: %s", err)
            return await self._adopt(goal)
        except GatewayError:
            if not goal.plan:
                raise
            return await self._apply_one_by_one(goal)
        return {}

    async def _apply_one_by_one(self, goal: _Goal) -> Refused:
        """Find out whom the kernel refuses: he must not hold up the others."""
        refused: Refused = {}
        for share_id, planned in goal.plan.items():
            change = change_between(self._plan, {share_id: planned})
            try:
                await self.gateway.apply(change, goal.around)
            except GatewayError as err:
                refused[share_id] = err
        return refused

    @callback
    def _conclude(self, goal: _Goal, refused: Refused) -> None:
        """Remember what is in the kernel now, and tell the world."""
        if not self.last_update_success:
            _LOGGER.info("The firewall table is as it should be again")
        for share_id in refused.keys() - self._refused - self._causes.keys():
            _LOGGER.error(
                "The kernel refused a change of a share: %s", refused[share_id]
            )
        self._refused = (self._refused - goal.shares.keys()) | refused.keys()
        shares = dict(self.data.shares)
        for share_id, share in goal.shares.items():
            if share_id in refused:
                if share_id in self._causes:
                    continue  # who writes it puts it back, and nobody ever sees it
            elif share:
                self._plan[share_id] = goal.plan[share_id]
            else:
                self._plan.pop(share_id, None)
            if share is None:
                shares.pop(share_id, None)
            elif (state := self._state(share, goal)) != shares.get(share_id):
                shares[share_id] = state
        self.async_set_updated_data(Snapshot(goal.facts, goal.devices, shares))
        for share_id in goal.shares.keys() - refused.keys():
            self._tell(share_id, goal.shares[share_id])

    def _state(self, share: Share, goal: _Goal) -> ShareState:
        planned = self._plan.get(share.share_id, NOTHING)
        if share.share_id in self._refused:
            planned = replace(planned, status=Status.ERROR)
        return share_state(share, goal.devices[share.device_id], planned, goal.facts)

    @callback
    def _tell(self, share_id: str, after: Share | None) -> None:
        """Fire the events of what has become true of a share."""
        before = self._told.pop(share_id, None)
        if after:
            self._told[share_id] = after
        if (share := after or before) is None:
            return
        cause = self._causes.get(share_id, Cause())
        for event_type in event_types(before, after):
            self.hass.bus.async_fire(
                EVENT_PORTSHARE,
                share_event(
                    event_type,
                    share,
                    self.data.shares.get(share_id),
                    entry_id=self.config_entry.entry_id,
                    device_id=self._device_ids.get(share.device_id),
                    reason=cause.reason,
                    at=dt_util.utcnow(),
                ),
                context=cause.context,
            )


def _update_failed(err: GatewayError) -> UpdateFailed:
    return UpdateFailed(
        translation_domain=DOMAIN,
        translation_key="kernel_refused",
        translation_placeholders={"detail": str(err)},
    )
