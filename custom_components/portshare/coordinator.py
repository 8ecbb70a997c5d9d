"""The loop: configuration and facts -> plan -> gateway -> snapshot -> entities, events.

Whatever changes asks for the same thing: that the shares it touches be made true. Only
this loop talks to the gateway, and only the snapshot reaches entities.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
import logging
from typing import Any, Final, override
from weakref import WeakValueDictionary

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers.update_coordinator import UpdateFailed
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
from .gateway.errors import GatewayError
from .gateway.gateway import Gateway
from .gateway.preflight import AlreadyRunning, PreflightError
from .healing import Healing
from .internet import Internet
from .interruptions import Interruptions, tell_after
from .journal import Journal
from .kept_leases import KeptLeases, by_device, lease_states
from .listening import Listening
from .pace import Pace
from .reconciler import Goal, Reconciler
from .share_listeners import ShareListenersCoordinator
from .sharing.configuration import Configuration
from .sharing.model import Device, Facts, Lease, Share, Status
from .sharing.outage import Telling
from .sharing.plan import NOTHING, environment, plan, plan_leases
from .sharing.snapshot import LeaseState, ShareState, Snapshot, share_state
from .sources import SourceNames
from .stored import must_be_readable
from .subentries import Subentries, store_shares
from .teller import Teller
from .timed import DueTimes
from .traffic import Traffic

_LOGGER = logging.getLogger(__name__)

# Everything is told by events; now and then the kernel is read all the same.
RECONCILE_INTERVAL: Final = timedelta(minutes=5)

# The kernel follows a flapping line at once. The world is told at most so often of what
# nobody asked for, in changes at a time and seconds between further ones.
_BURST: Final = 5
_INTERVAL_SECONDS: Final = 2.0

type PortShareConfigEntry = ConfigEntry[PortShareCoordinator]


class PortShareCoordinator(ShareListenersCoordinator):
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
        self.journal = Journal(hass, entry.entry_id)
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
        self.listening = Listening(hass, entry)
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
        self._loaded = False
        # What is in the kernel, what it refused, and what the world has been told.
        self._kernel = Reconciler(gateway)
        self.traffic = Traffic(hass, entry, gateway, self._kernel.plan)
        self._refused: set[str] = set()
        self._leases = KeptLeases()
        self.restore_leases: Callable[[], Mapping[str, Lease]] = dict
        # What `data` has of each device, by MAC address.
        self.leases_of: Mapping[str, Sequence[LeaseState]] = {}
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
        await self._load()
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
        self._leases.take(self.restore_leases())
        self._told = dict(self.configuration.shares)
        for share_id, share in self._told.items():
            # Who waits for a port now has waited for it before Home Assistant started.
            if share.enabled and not self.configuration.ports.has(share_id):
                self._interruptions.follow(share_id, Status.CONFLICT, was_open=False)

    async def _load(self) -> None:
        with must_be_readable(self.config_entry):
            await self.addresses.load()
            await self._sources.load()
            await self._internet.load()
            await self._interruptions.load()
            await self.traffic.load()
            await self.journal.make_up(self.config_entry)
        self._loaded = True

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
        if not self._loaded:
            return  # what could not be read is not overwritten
        await self.journal.write()
        await self.addresses.save()
        await self._sources.close()
        await self._internet.close()
        await self._interruptions.close()
        await self.traffic.close()

    @callback
    def configuration_changed(self) -> None:
        """Take over what has changed in the subentries, and make it true."""
        devices = dict(self.configuration.devices)
        changed = self._read_configuration()
        if not changed and devices == self.configuration.devices:
            return
        self._batches.ask(changed)
        self.journal.note_permissions(
            self.config_entry, devices, self.configuration.devices
        )
        for share_id in changed:
            share = self.configuration.shares.get(share_id)
            if known := share or self._told.get(share_id):
                self.journal.note(self.config_entry, share_id, known.device_id, share)
        self.config_entry.async_create_background_task(
            self.hass, self.journal.write(), "portshare journal"
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
            await self.journal.write()
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

    async def write_leases(
        self, changes: Mapping[str, Lease | None], *, must_end: bool = False
    ) -> None:
        """Make leases true, new or changed, or end them, in one transaction.

        Raises a GatewayError if the kernel refuses; all is as before then. But what
        `must_end` ends with the next change, or with the kernel's own clock.
        """
        before = self._leases.take(changes)
        try:
            await self._batches.ask(changes)
        except GatewayError:
            back = self._leases.take_back(changes, before, must_end=must_end)
            self._batches.ask(back)
            raise

    @property
    def latest(self) -> Snapshot:
        """The truth of this moment; `data` is what entities have been told."""
        return self._snapshot

    @property
    def _dns_name(self) -> str:
        name: str = self.config_entry.options.get(CONF_DNS_NAME, "")
        return name

    def device_id(self, subentry_id: str | None) -> str | None:
        """Return the id of a device, None is the gateway, in the device registry."""
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
        if leases := self._leases.moved(before, after):
            self._batches.ask(leases)
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
        unknown = not self._kernel.adopted or not self.last_update_success
        share_ids = batch.share_ids | self._refused
        share_ids |= self._leases.contested_by(
            share
            for known in (self.configuration.shares, self._told)
            for share_id in share_ids
            if (share := known.get(share_id))
        )
        if batch.everything or unknown or not facts.same_gateway(self._snapshot.facts):
            share_ids |= (
                self.configuration.shares.keys()
                | self._leases.ids
                | self._kernel.plan.keys()
            )
        leases = self._leases.among(share_ids)
        shares = {
            key: self.configuration.shares.get(key)
            for key in share_ids
            if key not in leases
        }
        goal = Goal(
            facts,
            dict(self.configuration.devices),
            shares,
            leases,
            plan(self.configuration, facts, shares)
            | plan_leases(leases.values(), self.configuration, facts),
            environment(
                facts, protect=self.config_entry.options.get(CONF_PROTECT, False)
            ),
        )
        try:
            refused = await self._kernel.reach(goal, adopt=batch.adopt or unknown)
        except GatewayError as err:
            if not batch.adopt:  # who asks to adopt tells the error himself
                self.async_set_update_error(err)
            raise
        await self._conclude(goal, refused)
        return refused

    async def _conclude(self, goal: Goal, refused: Refused) -> None:
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
            if share_id in refused and share_id in self._causes:
                continue  # who writes it puts it back, and nobody ever sees it
            if share is None:
                shares.pop(share_id, None)
            elif (state := self._state(share, goal)) != shares.get(share_id):
                shares[share_id] = state
        if goal.is_large:
            await asyncio.sleep(0)
        leases = lease_states(
            self._snapshot.leases, goal, self._kernel.plan, refused, self._dns_name
        )
        # What somebody has just done is told at once; nobody adds devices in storms.
        asked_for = (
            goal.devices != self._snapshot.devices
            or not goal.shares.keys().isdisjoint(self._causes)
        )
        self._snapshot = Snapshot(goal.facts, goal.devices, shares, leases)
        if not asked_for and self.last_update_success:
            self._pace.ask()
        else:
            self._pace.hurry()
        for share_id in goal.shares.keys() - refused.keys():
            self._tell(share_id, goal.shares[share_id])
        self._interruptions.wait()

    @callback
    def _publish(self) -> None:
        self.leases_of = by_device(self._snapshot.leases.values())
        self.listening.observe(self._snapshot)
        self.async_set_updated_data(self._snapshot)
        self._internet.observe(self._snapshot.facts)

    def _state(self, share: Share, goal: Goal) -> ShareState:
        planned = self._kernel.plan.get(share.share_id, NOTHING)
        if share.share_id in self._refused:
            planned = replace(planned, status=Status.ERROR)
        return share_state(
            share,
            goal.devices[share.device_id],
            planned,
            goal.facts,
            self._dns_name,
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
            at = min(at, self._expired.pop(share_id))
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
