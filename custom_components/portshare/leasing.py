"""Independent port sharing: devices that may, map their own ports.

The servers of independent/ speak with the devices, and the broker decides. Here is what
they must know of the household; and what was decided is made true, stored and told.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from ipaddress import IPv4Address
import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.storage import Store
from homeassistant.loader import async_get_integration
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.ulid import ulid_now

from .const import (
    CONF_LONGEST_LIFETIME,
    CONF_LOW_PORTS,
    CONF_MOST_IN_ALL,
    CONF_MOST_OF_DEVICE,
    CONF_PROTOCOLS,
    DOMAIN,
    SECTION_INDEPENDENT,
)
from .coordinator import PortShareCoordinator
from .events import NOT_ADDED, Cause, EventType, Reason, of_lease, of_request
from .gateway.errors import GatewayError
from .household import Household
from .independent import natpmp, ssdp
from .independent.approval import Answer
from .independent.broker import Broker, Limits, NotAuthorized, Released
from .independent.control import Wan
from .independent.descriptions import About
from .independent.leases import AskedBy, Lease as BrokersLease, Wish
from .independent.port_control import LeaseChange, LeaseRefused, PortControl, changed
from .independent.port_control_server import PortControlServer
from .sharing.model import LOWEST_PORT, LanAddress, Lease, Status
from .sharing.plan import share_in_the_way
from .sharing.snapshot import LeaseState
from .stored import must_be_readable
from .upnp import Upnp

_LOGGER = logging.getLogger(__name__)

_VERSION: Final = 1
_SAVE_DELAY_SECONDS: Final = 2

# What runs unless the options say otherwise.
PROTOCOLS: Final = tuple(AskedBy)

_LEASINGS: Final = HassKey[dict[str, "Leasing"]](f"{DOMAIN}_leasing")


class Leasing(Household):
    """The household as the broker and the servers see it, and what they do to it."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        coordinator: PortShareCoordinator,
    ) -> None:
        """Nobody has asked; `begin` begins."""
        super().__init__(coordinator)
        self._hass = hass
        self._entry = entry
        options = entry.options.get(SECTION_INDEPENDENT, {})
        self._protocols = frozenset(options.get(CONF_PROTOCOLS, PROTOCOLS))
        self._broker = Broker(self, ulid_now, dt_util.utcnow(), _limits(options))
        self.control = PortControl(self._broker, self, dt_util.utcnow, self._protocols)
        self._server = PortControlServer(self.control, self.is_at_home)
        self._upnp: Upnp
        self._store = _store(hass, entry.entry_id)
        self._addresses: tuple[LanAddress, ...] = ()
        self._known: Wan | None = None
        self._external_ipv4: IPv4Address | None = None
        self._expiring: CALLBACK_TYPE | None = None
        self._due: datetime | None = None
        self._saved = 0.0
        self._untold: deque[Callable[[], None]] = deque()
        # What has ended, though the kernel did not close it.
        self._lingering: list[tuple[LeaseChange, Cause]] = []
        self._died = False
        # What has ended while nobody was here.
        self._expired: Collection[Released] = ()
        self._serving = asyncio.Lock()

    async def load(self) -> None:
        """Read the leases of before a restart."""
        with must_be_readable(self._entry):
            stored = await self._store.async_load() or {}
            if stored:
                self._died = not stored["closed"]
                self._expired = self._broker.restore(stored, dt_util.utcnow())
                if external := stored["external_ipv4"]:
                    self._external_ipv4 = IPv4Address(external)
            integration = await async_get_integration(self._hass, DOMAIN)
            about = About(
                friendly_name=self._entry.title, model_number=str(integration.version)
            )
            self._upnp = Upnp(
                self, self._broker, self.is_at_home, about, stored.get("upnp")
            )
        self._coordinator.restore_leases = self._restored

    @callback
    def _restored(self) -> dict[str, Lease]:
        """Return the leases to go on with; asked before the kernel is touched."""
        now = dt_util.utcnow()
        for each in self._expired:
            self._tell(changed(each), Cause(Reason.EXPIRED), {}, now)
        # A permission may have been taken while nobody was here, or a protocol.
        mapped = (each.device for each in self._broker.leases if not each.approved)
        self.permitted = frozenset(mapped)
        gone = frozenset(AskedBy) - self._protocols
        ended = [changed(each) for each in self._broker.withdraw(gone, now)]
        for change in ended + self._take_over_permissions():
            self._tell(change, Cause(Reason.PERMISSION), {}, now)
        return {each.lease_id: self._lease(each) for each in self._broker.leases}

    async def begin(self) -> None:
        """Listen, and look after the leases."""
        self._hass.data.setdefault(_LEASINGS, {})[self._entry.entry_id] = self
        self._known = self.wan
        self._note_external()
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._follow))
        self._wait()
        if self._died:
            # What was granted at last may be lost, so all shall ask again.
            self._broker.begin_epoch(dt_util.utcnow())
        # From here on we may die.
        await self._store.async_save(self._stored())
        await self._listen()
        self._server.announce()

    async def close(self) -> None:
        """Listen no longer; the leases stay. Fine if that has been done already."""
        if not self._hass.data.get(_LEASINGS, {}).pop(self._entry.entry_id, None):
            return
        self._wait_no_longer()
        async with self._serving:
            await self._server.close()
            await self._upnp.close()
        await self._store.async_save({**self._stored(), "closed": True})

    # What the servers ask for

    async def keep(self, changes: Collection[LeaseChange]) -> None:
        """Make changes of leases true. Raises LeaseRefused; nothing is done then."""
        try:
            await self._change(changes, Cause(Reason.LEASE))
        except GatewayError as err:
            # What is undone now may be what ends next.
            self._hass.loop.call_soon(self._wait)
            raise LeaseRefused from err

    async def _change(
        self,
        changes: Collection[LeaseChange],
        cause: Cause,
        *,
        must_end: bool = False,
    ) -> None:
        """Make changes of leases true, and tell them. Raises GatewayError.

        What `must_end` is no more then, and ends with the next change.
        """
        leases: dict[str, Lease | None] = {}
        for change in changes:
            if change.before:
                leases[change.before.lease_id] = None
            if change.after:
                leases[change.after.lease_id] = self._lease(change.after)
        try:
            await self._coordinator.write_leases(leases, must_end=must_end)
        except GatewayError:
            if must_end:
                self._lingering += ((each, cause) for each in changes if not each.after)
                self._upnp.note_change(leases=True)
            raise
        finally:
            self._wait()
            self._save()
        self._upnp.note_change(leases=True)
        states, at = self._coordinator.latest.leases, dt_util.utcnow()
        self._untold += (
            partial(self._tell, each, cause, states, at) for each in changes
        )
        if cause.reason is Reason.LEASE:
            # The device that waits for its answer hears of it before the world does.
            self._hass.loop.call_soon(self._tell_all)
        else:
            self._tell_all()

    def _save(self) -> None:
        """Store the leases at once, but not all the time while many ask."""
        now = self._hass.loop.time()
        if self._saved > now:
            return  # what is to be stored then has this, too
        self._saved = max(now, self._saved + _SAVE_DELAY_SECONDS)
        self._store.async_delay_save(self._stored, self._saved - now)

    @callback
    def _tell_all(self) -> None:
        """Tell what has been made true, in the order in which it was."""
        while self._untold:
            self._untold.popleft()()

    @callback
    def _tell_closed(self) -> None:
        """Tell of what has lingered, once the world is told that it is closed."""
        states, at = self._coordinator.latest.leases, dt_util.utcnow()
        lingering, self._lingering = self._lingering, []
        for change, cause in lingering:
            if change.before and change.before.lease_id in states:
                self._lingering.append((change, cause))
            else:
                self._tell(change, cause, states, at)

    def _tell(
        self,
        change: LeaseChange,
        cause: Cause,
        states: Mapping[str, LeaseState],
        at: datetime,
    ) -> None:
        """Tell what was made true at this moment, and what was true of it then."""
        before, after = change.before, change.after
        if before and after and before.place == after.place:
            return  # it lasts longer, or another protocol asks for it, too
        for event_type, lease in (
            (EventType.MAPPING_REMOVED, before),
            (EventType.MAPPING_ADDED, after),
        ):
            if lease:
                _LOGGER.debug("%s, reason %s: %s", event_type, cause.reason, lease)
                event = of_lease(
                    event_type,
                    self._lease(lease),
                    states.get(lease.lease_id) if lease is after else None,
                    self._subentry_id(lease.device),
                    cause,
                    at,
                )
                self._coordinator.teller.tell(event)

    def tell_request(self, outcome: NotAuthorized) -> None:
        """Tell the user what a device without permission has asked for."""
        wish = outcome.wish
        _LOGGER.info("A device without permission asks for a port: %s", wish)
        assert outcome.request_id
        event = of_request(
            wish,
            outcome.request_id,
            self._subentry_id(wish.device),
            dt_util.utcnow(),
        )
        self._coordinator.teller.tell(event)

    # What the user says

    def answer(self, request_id: str, answer: Answer) -> Wish:
        """Note what the user says to a request, and return what it was for.

        Raises UnknownRequest.
        """
        return self._broker.answer(request_id, answer, dt_util.utcnow())

    def has_asked(self, mac: str) -> bool:
        """Return whether a device has made use of its permission."""
        return mac in self._broker.askers

    async def permissions_changed(self, context: Context | None) -> None:
        """End what devices have mapped that may not any more. Raises GatewayError."""
        if ended := self._take_over_permissions():
            await self._change(ended, Cause(Reason.PERMISSION, context), must_end=True)

    async def end_all(self, cause: Cause) -> list[LeaseState]:
        """End all leases; return them as they were. Raises GatewayError."""
        states = self._coordinator.latest.leases
        now = dt_util.utcnow()
        ended = [
            released
            for lease in self._broker.leases
            if (released := self._broker.end(lease.lease_id, now))
        ]
        before = [
            state for each in ended if (state := states.get(each.before.lease_id))
        ]
        if ended:
            await self._change([changed(each) for each in ended], cause, must_end=True)
        return before

    def _subentry_id(self, mac: str) -> str:
        device = self.device_with(mac)
        return device.device_id if device else NOT_ADDED

    def _lease(self, lease: BrokersLease) -> Lease:
        device = self.device_with(lease.device)
        said = next((each.description for each in lease.claims if each.description), "")
        return Lease(
            lease_id=lease.lease_id,
            mac=lease.device,
            name=f"{said or 'independent'} on {device.name if device else lease.device}",
            transport=lease.transport,
            port=lease.port,
            external_port=lease.external_port,
            expires=lease.expires,
            address=lease.address,
            sources=lease.peers,
            description=said,
            asked_by=tuple(each.asked_by.value for each in lease.claims),
        )

    # What changes by itself

    @callback
    def _follow(self) -> None:
        """Take over new addresses and permissions, and tell what has closed late."""
        if self._lingering:
            self._tell_closed()
        if ended := self._take_over_permissions():
            self._run(self._end(ended, Cause(Reason.PERMISSION)))
        before, self._known = self._known, self.wan
        if self._known != before:
            self._upnp.note_change(leases=False)
        if self._note_external():
            self._server.announce()
        if ended := self._end_contested():
            self._run(self._end(ended, Cause(Reason.CONFLICT)))
        if self._coordinator.gateway.lan_addresses() != self._addresses:
            self._run(self._listen())

    @callback
    def _note_external(self) -> bool:
        """Return whether a new epoch has begun, because the internet calls elsewhere."""
        external = self.external_ipv4
        before = self._external_ipv4
        self._external_ipv4 = external or before
        if not (external and before and external != before):
            return False
        self._broker.begin_epoch(dt_util.utcnow())
        return True

    @callback
    def _end_contested(self) -> list[LeaseChange]:
        """End what a share has taken the port of, so that the device asks for another."""
        now, configuration = dt_util.utcnow(), self._coordinator.configuration
        return [
            changed(ended)
            for state in self._coordinator.latest.leases.values()
            if state.status is Status.CONFLICT
            and share_in_the_way(state.lease, configuration)
            and (ended := self._broker.end(state.lease.lease_id, now))
        ]

    @callback
    def _take_over_permissions(self) -> list[LeaseChange]:
        """Return the leases that end because their device may not have them any more."""
        now = dt_util.utcnow()
        return [
            changed(each)
            for mac in self.observe_permissions()
            for each in self._broker.revoke(mac, now)
        ]

    async def _listen(self) -> None:
        async with self._serving:
            self._addresses = self._coordinator.gateway.lan_addresses()
            for server, protocols, port in (
                (self._server, {AskedBy.PCP, AskedBy.NATPMP}, natpmp.SERVER_PORT),
                (self._upnp, {AskedBy.UPNP}, ssdp.PORT),
            ):
                wanted = self._protocols & protocols
                try:
                    await server.listen(self._addresses if wanted else ())
                except OSError as err:
                    _LOGGER.warning(
                        "Devices cannot ask for ports at all addresses of the gateway, "
                        "because another program has UDP port %s: %s",
                        port,
                        err,
                    )

    def _stored(self) -> dict[str, Any]:
        return {
            **self._broker.as_dict(),
            "closed": False,
            "external_ipv4": self._external_ipv4 and str(self._external_ipv4),
            "upnp": self._upnp.as_dict(),
        }

    def _run(self, what: Any) -> None:
        self._entry.async_create_background_task(self._hass, what, "portshare leasing")

    @callback
    def _wait(self) -> None:
        """Wait for the next lease that ends."""
        due = self._broker.next_expiry()
        if due == self._due:
            return
        self._wait_no_longer()
        if due:
            self._due = due
            self._expiring = async_track_point_in_utc_time(
                self._hass, self._expire, due
            )

    @callback
    def _wait_no_longer(self) -> None:
        if self._expiring:
            self._expiring()
        self._expiring = self._due = None

    @callback
    def _expire(self, _: datetime) -> None:
        self._expiring = self._due = None
        released = self._broker.expire(dt_util.utcnow())
        ended = [changed(each) for each in released]
        self._run(self._end(ended, Cause(Reason.EXPIRED)))

    async def _end(self, changes: Collection[LeaseChange], cause: Cause) -> None:
        try:
            await self._change(changes, cause, must_end=True)
        except GatewayError as err:
            _LOGGER.warning("Ports that have ended are closed a little later: %s", err)


@callback
def leasing_of(hass: HomeAssistant, entry_id: str) -> Leasing:
    """Return the independent port sharing of an entry that is loaded."""
    return hass.data[_LEASINGS][entry_id]


def _limits(options: Mapping[str, Any]) -> Limits:
    """Return how much devices may map."""
    usual = Limits()
    lifetime = usual.lifetime
    if hours := options.get(CONF_LONGEST_LIFETIME):
        longest = int(hours * 3600)
        lifetime = {each: min(longest, most) for each, most in lifetime.items()}
    return Limits(
        lowest_port=LOWEST_PORT if options.get(CONF_LOW_PORTS) else usual.lowest_port,
        of_device=int(options.get(CONF_MOST_OF_DEVICE, usual.of_device)),
        in_all=int(options.get(CONF_MOST_IN_ALL, usual.in_all)),
        lifetime=lifetime,
    )


async def async_forget_leases(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what was stored of an entry."""
    await _store(hass, entry_id).async_remove()


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.leases")
