"""The loop: configuration and facts -> plan -> gateway -> snapshot -> entities, events.

Whatever changes asks for the same thing: that the shares it touches be made true. Only
this loop talks to the gateway, and only the snapshot reaches entities.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import logging
from typing import Any, Final, override
from weakref import WeakValueDictionary

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .addresses import KnownAddresses
from .batches import Batch, Batches, Refused, SharesRefused
from .const import CONF_ADDRESSES, CONF_DNS_NAME, CONF_PROTECT, DOMAIN
from .devices import gateway_id, register_device
from .events import (
    Cause,
    EventType,
    PortShareEvent,
    Reason,
    event_types,
    of_outage,
    share_data,
)
from .gateway.errors import GatewayError, OutOfStep
from .gateway.gateway import Gateway
from .gateway.preflight import AlreadyRunning, PreflightError
from .healing import Healing
from .internet import Internet
from .interruptions import Interruptions, tell_after
from .journal import Journal
from .pace import Pace
from .sharing.configuration import Configuration
from .sharing.model import Device, Environment, Facts, Share, Status
from .sharing.outage import Telling
from .sharing.plan import NOTHING, Plan, Planned, change_between, environment, plan
from .sharing.snapshot import ShareState, Snapshot, share_state
from .sources import SourceNames
from .subentries import Subentries, store_shares
from .teller import Teller
from .timed import DueTimes

_LOGGER = logging.getLogger(__name__)

# Everything is told by events; now and then the kernel is read all the same.
RECONCILE_INTERVAL: Final = timedelta(minutes=5)

# The kernel follows a flapping line at once. The world is told at most so often of what
# nobody asked for, in changes at a time and seconds between further ones.
_BURST: Final = 5
_INTERVAL_SECONDS: Final = 2.0

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
            update_interval=None,
        )
        self.data = Snapshot()
        self.gateway = gateway
        self.addresses = KnownAddresses(hass, entry.entry_id)
        self._journal = Journal(hass, entry.entry_id)
        self._subentries = Subentries(entry)
        self._batches = Batches(self._carry_out)
        self._healing = Healing(
            hass,
            entry,
            gateway,
            adopt=lambda: self._batches.ask((), adopt=True),
            on_error=self.async_set_update_error,
        )
        self._sources = SourceNames(hass, entry, self._batches.ask)
        self._registered: dict[str, Device] = {}
        self._device_ids: dict[str | None, str] = {}
        self.teller = Teller(hass, entry.entry_id, self._device_ids)
        self._internet = Internet(hass, entry.entry_id, self._tell_internet)
        self._interruptions = Interruptions(
            hass,
            entry.entry_id,
            on_telling=self._tell_outage,
            tell_after=tell_after(entry),
        )
        self._snapshot = self.data
        self._pace = Pace(self._publish, burst=_BURST, interval=_INTERVAL_SECONDS)
        # What is in the kernel, what it refused, and what the world has been told.
        self._adopted = False
        self._plan: dict[str, Planned] = {}
        self._refused: set[str] = set()
        self._told: dict[str, Share] = {}
        # Who is writing which share, and why.
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._causes: dict[str, Cause] = {}
        self._expired: dict[str, datetime] = {}
        self._closing_times = DueTimes(hass, self._close_expired)
        self._facts = Facts()

    @property
    def configuration(self) -> Configuration:
        """What the user set."""
        return self._subentries.configuration

    @override
    async def _async_setup(self) -> None:
        await self.addresses.load()
        await self._sources.load()
        await self._internet.load()
        await self._interruptions.load()
        await self._journal.make_up(self.config_entry)
        try:
            await self.gateway.open()
        except AlreadyRunning as err:
            # It may be the Home Assistant of before, on its way out.
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key=err.key
            ) from err
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
        self._device_ids[None] = gateway_id(self.hass, self.config_entry)
        self._read_configuration()
        self._told = dict(self.configuration.shares)
        for share_id, share in self._told.items():
            # Who waits for a port now has waited for it before Home Assistant started.
            if share.enabled and not self.configuration.ports.has(share_id):
                self._interruptions.follow(share_id, Status.CONFLICT, was_open=False)

    @override
    async def _async_update_data(self) -> Snapshot:
        # While Home Assistant was away, or when the clock was set, no timer told it.
        self._close_expired()
        try:
            await self.gateway.look()
            await self._batches.ask((), everything=True, adopt=True)
        except GatewayError as err:
            raise _update_failed(err) from err
        self._healing.begin()
        await self.addresses.look_for(self.configuration.devices.values(), self.gateway)
        self._sources.refresh()
        return self.data

    async def close(self) -> None:
        """Finish what is under way and let go of the gateway; its table stays."""
        await self._batches.finish()
        self._pace.cancel()
        self._closing_times.cancel()
        await self.gateway.close()
        await self._journal.write()
        await self.addresses.save()
        await self._sources.close()
        await self._internet.close()
        await self._interruptions.close()

    @callback
    def configuration_changed(self) -> None:
        """Take over what has changed in the subentries, and make it true."""
        if not (changed := self._read_configuration()):
            return
        self._batches.ask(changed)
        for share_id in changed:
            share = self.configuration.shares.get(share_id)
            if known := share or self._told.get(share_id):
                self._journal.note(self.config_entry, share_id, known.device_id, share)
        self.config_entry.async_create_background_task(
            self.hass, self._journal.write(), "portshare journal"
        )

    def writing(self, share_id: str) -> asyncio.Lock:
        """Return a lock: one change of a share builds on the one before."""
        return self._writing.setdefault(share_id, asyncio.Lock())

    async def write_shares(
        self, shares: Collection[Share], cause: Cause, *, removed: bool = False
    ) -> None:
        """Store shares (or remove them) and make that true, in one transaction.

        Hold the lock `writing` from the moment a share is read. Raises a GatewayError
        if the kernel refuses; what it has refused is stored as before then.
        """
        ids = [share.share_id for share in shares]
        before = {key: self.configuration.shares.get(key) for key in ids}
        self._causes.update(dict.fromkeys(ids, cause))
        try:
            store_shares(self.hass, self.config_entry, shares, removed=removed)
            self.configuration_changed()
            await self._batches.ask(ids)
            await self._journal.write()
        except GatewayError as err:
            refused = err.refused.keys() if isinstance(err, SharesRefused) else ids
            back = [each for each in shares if each.share_id in refused]
            new = [each for each in back if before[each.share_id] is None]
            old = [each for key in refused if (each := before[key])]
            store_shares(self.hass, self.config_entry, new, removed=True)
            store_shares(self.hass, self.config_entry, old)
            self.configuration_changed()
            # What was put back may have been open for a while that is over by now.
            self._close_expired()
            raise
        finally:
            for key in ids:
                self._causes.pop(key, None)

    @property
    def latest(self) -> Snapshot:
        """The truth of this moment; `data` is what entities have been told."""
        return self._snapshot

    def device_id(self, subentry_id: str) -> str | None:
        """Return the id of a device in Home Assistant's device registry."""
        return self._device_ids.get(subentry_id)

    @callback
    def _read_configuration(self) -> set[str]:
        changed = self._subentries.read()
        for device in self.configuration.devices.values():
            if device != self._registered.get(device.device_id):
                self._register(device)
        for share_id in changed:
            share = self.configuration.shares.get(share_id)
            self._closing_times.set(share_id, share.open_until if share else None)
            self._sources.follow(share_id, share.sources if share else ())
        self._closing_times.wait()
        return changed

    @callback
    def _register(self, device: Device) -> None:
        """Make a device known to Home Assistant before anything is told of it."""
        self._registered[device.device_id] = device
        subentry = self.config_entry.subentries[device.device_id]
        self.addresses.add_hints(device.mac, subentry.data.get(CONF_ADDRESSES, ()))
        self._device_ids[device.device_id] = register_device(
            self.hass, self.config_entry, device
        )

    @callback
    def _close_expired(self) -> None:
        """Switch off what was open for a while. The kernel closes it by itself, too."""
        due = self._closing_times.due()
        self._expired |= due
        shares = [self.configuration.shares[share_id] for share_id in due]
        store_shares(
            self.hass,
            self.config_entry,
            [replace(share, enabled=False, open_until=None) for share in shares],
        )
        self.configuration_changed()

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
                self.hass,
                self.addresses.look_for(
                    self.configuration.devices.values(), self.gateway
                ),
                "portshare look for devices",
            )

    async def _carry_out(self, batch: Batch) -> Refused:
        """Make a batch true; return which shares the kernel refused, and why."""
        facts = replace(self.gateway.facts(), names=self._sources.addresses)
        # At first, and after a failure, nothing is known of the table until it has
        # been read.
        adopt = batch.adopt or not self._adopted or not self.last_update_success
        share_ids = batch.share_ids | self._refused
        if (
            batch.everything
            or not self._adopted
            or not self.last_update_success
            or not facts.same_gateway(self._snapshot.facts)
        ):
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
        self._adopted = True
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
        shares = dict(self._snapshot.shares)
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
        self._snapshot = Snapshot(goal.facts, goal.devices, shares)
        if goal.shares.keys().isdisjoint(self._causes) and self.last_update_success:
            self._pace.ask()
        else:
            self._pace.hurry()
        for share_id in goal.shares.keys() - refused.keys():
            self._tell(share_id, goal.shares[share_id])
        self._interruptions.wait()

    @callback
    def _publish(self) -> None:
        self.async_set_updated_data(self._snapshot)
        self._internet.observe(self._snapshot.facts)

    def _state(self, share: Share, goal: _Goal) -> ShareState:
        planned = self._plan.get(share.share_id, NOTHING)
        if share.share_id in self._refused:
            planned = replace(planned, status=Status.ERROR)
        return share_state(
            share,
            goal.devices[share.device_id],
            planned,
            goal.facts,
            self.config_entry.options.get(CONF_DNS_NAME, ""),
        )

    @callback
    def _tell(self, share_id: str, after: Share | None) -> None:
        """Fire the events of what has become true of a share."""
        before = self._told.pop(share_id, None)
        if after:
            self._told[share_id] = after
        if (share := after or before) is None:
            return
        cause = self._causes.get(share_id, Cause())
        at = dt_util.utcnow()
        if not (after and after.enabled) and share_id in self._expired:
            at = self._expired.pop(share_id)
            cause = Cause(Reason.EXPIRED)
        state = self._snapshot.shares.get(share_id)
        for event_type in event_types(before, after):
            self.teller.tell(
                PortShareEvent(
                    event_type,
                    share_data(share, state, reason=cause.reason, at=at),
                    share.device_id,
                    cause.context,
                )
            )
        self._interruptions.follow(
            share_id,
            state.status if state else Status.OFF,
            was_open=before is not None and before.enabled,
        )

    @callback
    def _tell_outage(self, share_id: str, telling: Telling) -> None:
        if share := self._told.get(share_id):
            state = self._snapshot.shares.get(share_id)
            self.teller.tell(of_outage(share, state, telling))

    @callback
    def _tell_internet(self, event_type: EventType, data: dict[str, Any]) -> None:
        data["at"] = dt_util.utcnow().isoformat()
        self.teller.tell(PortShareEvent(event_type, data))


def _update_failed(err: GatewayError) -> UpdateFailed:
    return UpdateFailed(
        translation_domain=DOMAIN,
        translation_key="kernel_refused",
        translation_placeholders={"detail": str(err)},
    )
