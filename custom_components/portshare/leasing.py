"""Independent port sharing: devices that may, map their own ports.

The servers of independent/ speak with the devices, and the broker decides. Here is what
they must know of the household; and what was decided is made true, stored and told.
"""

import asyncio
from collections.abc import Collection, Container, Mapping
from datetime import datetime
from ipaddress import IPv4Address
import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.storage import Store
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
from .independent.approval import Answer
from .independent.broker import Broker, Limits, NotAuthorized
from .independent.leases import AskedBy, Lease as BrokersLease, Wish
from .independent.port_control import (
    Address,
    LeaseChange,
    LeaseRefused,
    PortControl,
    changed,
)
from .independent.port_control_server import PortControlServer
from .sharing.model import (
    LOWEST_PORT,
    Family,
    LanAddress,
    Lease,
    PortRange,
    Status,
    Transport,
)
from .sharing.snapshot import LeaseState
from .stored import must_be_readable

_LOGGER = logging.getLogger(__name__)

_VERSION: Final = 1
_SAVE_DELAY_SECONDS: Final = 2

# What runs unless the options say otherwise.
PROTOCOLS: Final = (AskedBy.PCP, AskedBy.NATPMP)

_LEASINGS: Final = HassKey[dict[str, "Leasing"]](f"{DOMAIN}_leasing")


class Leasing:
    """The household as the broker and the servers see it."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        coordinator: PortShareCoordinator,
    ) -> None:
        """Nobody has asked; `begin` begins."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        options = entry.options.get(SECTION_INDEPENDENT, {})
        self._protocols = frozenset(options.get(CONF_PROTOCOLS, PROTOCOLS))
        self._broker = Broker(self, ulid_now, dt_util.utcnow(), _limits(options))
        self.control = PortControl(self._broker, self, dt_util.utcnow, self._protocols)
        self._server = PortControlServer(self.control, self._is_at_home)
        self._store = _store(hass, entry.entry_id)
        self._addresses: tuple[LanAddress, ...] = ()
        self._external_ipv4: IPv4Address | None = None
        self._permitted: frozenset[str] = frozenset()
        self._expiring: CALLBACK_TYPE | None = None
        self._serving = asyncio.Lock()

    async def load(self) -> None:
        """Read the leases of before a restart."""
        with must_be_readable(self._entry):
            if stored := await self._store.async_load():
                self._broker.restore(stored, dt_util.utcnow())
        self._coordinator.restore_leases = self._restored

    @callback
    def _restored(self) -> dict[str, Lease]:
        """Return the leases to go on with; asked before the kernel is touched."""
        # A permission may have been taken while nobody was here.
        mapped = (each.device for each in self._broker.leases if not each.approved)
        self._permitted = frozenset(mapped)
        self._take_over_permissions()
        return {each.lease_id: self._lease(each) for each in self._broker.leases}

    async def begin(self) -> None:
        """Listen, and look after the leases."""
        self._hass.data.setdefault(_LEASINGS, {})[self._entry.entry_id] = self
        self._external_ipv4 = self.external_ipv4
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._follow))
        self._wait()
        await self._listen()
        self._server.announce()

    async def close(self) -> None:
        """Listen no longer; the leases stay. Fine if that has been done already."""
        if not self._hass.data.get(_LEASINGS, {}).pop(self._entry.entry_id, None):
            return
        if self._expiring:
            self._expiring()
            self._expiring = None
        await self._server.close()
        await self._store.async_save(self._broker.as_dict())

    # What the broker asks

    @property
    def permitted(self) -> Container[str]:
        """The devices that may map ports."""
        return self._permitted

    @property
    def internet(self) -> Container[Family]:
        """The IP versions over which the internet can call now."""
        return self._coordinator.latest.facts.internet

    def reserved(self, transport: Transport, port: int) -> bool:
        """Return whether a share or the gateway itself has this external port."""
        ports = self._coordinator.configuration.ports
        return (transport, port) in self._coordinator.latest.facts.served or (
            ports.external_holder(transport, port) is not None
        )

    def shared(self, wish: Wish) -> int | None:
        """Return the external port of a share that leads where the wish would."""
        for state in self._coordinator.latest.shares.values():
            share = state.share
            if (
                state.status is Status.ACTIVE
                and wish.transport in share.protocol.transports
                and wish.family in state.families
                and self._mac_of(share.device_id) == wish.device
                and share.ports.overlaps(PortRange(wish.port, wish.port))
            ):
                if wish.family is Family.IPV6:
                    return wish.port
                return share.external.first + wish.port - share.ports.first
        return None

    def shares_any(self, device: str, transport: Transport) -> bool:
        """Return whether the device has a share of this transport."""
        return any(
            transport in state.share.protocol.transports
            and self._mac_of(state.share.device_id) == device
            for state in self._coordinator.latest.shares.values()
        )

    # What the servers ask

    @property
    def external_ipv4(self) -> IPv4Address | None:
        """The address that the internet calls now."""
        facts = self._coordinator.latest.facts
        return facts.wan_ipv4[0] if facts.wan_ipv4 else None

    async def device_at(self, address: Address) -> str | None:
        """Return the MAC address of the device of the home that has this address."""
        return await self._coordinator.gateway.device_at(address)

    async def keep(self, changes: Collection[LeaseChange]) -> None:
        """Make changes of leases true. Raises LeaseRefused; nothing is done then."""
        try:
            await self._change(changes, Cause(Reason.LEASE))
        except GatewayError as err:
            raise LeaseRefused from err

    async def _change(self, changes: Collection[LeaseChange], cause: Cause) -> None:
        """Make changes of leases true, and tell them. Raises GatewayError."""
        leases: dict[str, Lease | None] = {}
        for change in changes:
            if change.before:
                leases[change.before.lease_id] = None
            if change.after:
                leases[change.after.lease_id] = self._lease(change.after)
        try:
            await self._coordinator.write_leases(leases)
        finally:
            self._wait()
            self._store.async_delay_save(self._broker.as_dict, _SAVE_DELAY_SECONDS)
        for change in changes:
            self._tell(change, cause)

    def _tell(self, change: LeaseChange, cause: Cause) -> None:
        before, after = change.before, change.after
        if before and after and before.place == after.place:
            return  # it lasts longer, or another protocol asks for it, too
        for event_type, lease in (
            (EventType.MAPPING_REMOVED, before),
            (EventType.MAPPING_ADDED, after),
        ):
            if lease:
                _LOGGER.debug("%s, reason %s: %s", event_type, cause.reason, lease)
                states = self._coordinator.latest.leases
                event = of_lease(
                    event_type,
                    self._lease(lease),
                    states.get(lease.lease_id) if lease is after else None,
                    self._subentry_id(lease.device),
                    cause,
                    dt_util.utcnow(),
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
            await self._change(ended, Cause(Reason.PERMISSION, context))

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
            await self._change([changed(each) for each in ended], cause)
        return before

    def _is_at_home(self, address: Address) -> bool:
        facts = self._coordinator.latest.facts
        networks = facts.lan_ipv4 if address.version == 4 else facts.lan_ipv6
        return address.is_link_local or any(address in each for each in networks)

    def _mac_of(self, device_id: str) -> str | None:
        device = self._coordinator.configuration.devices.get(device_id)
        return device.mac if device else None

    def _subentry_id(self, mac: str) -> str:
        device = self._coordinator.configuration.device_with(mac)
        return device.device_id if device else NOT_ADDED

    def _permissions(self) -> frozenset[str]:
        devices = self._coordinator.configuration.devices.values()
        return frozenset(device.mac for device in devices if device.independent)

    def _lease(self, lease: BrokersLease) -> Lease:
        device = self._coordinator.configuration.device_with(lease.device)
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
            sources=tuple(each.network for each in lease.peers),
            description=said,
            asked_by=tuple(each.asked_by.value for each in lease.claims),
        )

    # What changes by itself

    @callback
    def _follow(self) -> None:
        """Take over new addresses and permissions."""
        if ended := self._take_over_permissions():
            self._run(self._change(ended, Cause(Reason.PERMISSION)))
        external = self.external_ipv4
        if external and external != self._external_ipv4:
            self._external_ipv4 = external
            self._broker.begin_epoch(dt_util.utcnow())
            self._server.announce()
        if self._coordinator.gateway.lan_addresses() != self._addresses:
            self._run(self._listen())

    @callback
    def _take_over_permissions(self) -> list[LeaseChange]:
        """Return the leases that end because their device may not have them any more."""
        permitted = self._permissions()
        revoked, self._permitted = self._permitted - permitted, permitted
        now = dt_util.utcnow()
        return [
            changed(each) for mac in revoked for each in self._broker.revoke(mac, now)
        ]

    async def _listen(self) -> None:
        async with self._serving:
            self._addresses = self._coordinator.gateway.lan_addresses()
            try:
                await self._server.listen(self._addresses if self._protocols else ())
            except OSError as err:
                _LOGGER.warning(
                    "Devices cannot ask for ports at all addresses of the gateway, "
                    "because another program has UDP port 5351: %s",
                    err,
                )

    def _run(self, what: Any) -> None:
        self._entry.async_create_background_task(self._hass, what, "portshare leasing")

    @callback
    def _wait(self) -> None:
        """Wait for the next lease that ends."""
        if self._expiring:
            self._expiring()
            self._expiring = None
        if due := self._broker.next_expiry():
            self._expiring = async_track_point_in_utc_time(
                self._hass, self._expire, due
            )

    @callback
    def _expire(self, _: datetime) -> None:
        self._expiring = None
        released = self._broker.expire(dt_util.utcnow())
        self._run(self.keep([changed(each) for each in released]))


@callback
def leasing_of(hass: HomeAssistant, entry_id: str) -> Leasing:
    """Return the independent port sharing of an entry that is loaded."""
    return hass.data[_LEASINGS][entry_id]


def _limits(options: Mapping[str, Any]) -> Limits:
    """Return how much devices may map."""
    usual = Limits()
    hours = options.get(CONF_LONGEST_LIFETIME)
    return Limits(
        lowest_port=LOWEST_PORT if options.get(CONF_LOW_PORTS) else usual.lowest_port,
        of_device=int(options.get(CONF_MOST_OF_DEVICE, usual.of_device)),
        in_all=int(options.get(CONF_MOST_IN_ALL, usual.in_all)),
        lifetime=dict.fromkeys(AskedBy, int(hours * 3600)) if hours else usual.lifetime,
    )


async def async_forget_leases(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what was stored of an entry."""
    await _store(hass, entry_id).async_remove()


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.leases")
