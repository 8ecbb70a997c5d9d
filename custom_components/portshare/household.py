"""What the servers of independent port sharing may know of the home and its gateway."""

from collections.abc import Container, Iterator
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from homeassistant.util import dt as dt_util

from .const import CONF_WAN
from .coordinator import PortShareCoordinator
from .gateway.line import measure_line
from .independent.control import Client, Measured, Traffic, Wan
from .independent.leases import Wish
from .independent.port_control import Address
from .sharing.model import Device, Family, PortRange, Status, Transport
from .sharing.snapshot import ShareState


class Household:
    """Reads what is true now; changes nothing."""

    def __init__(self, coordinator: PortShareCoordinator) -> None:
        """Remember who knows."""
        self._coordinator = coordinator
        self._connected: datetime | None = None
        self.permitted: frozenset[str] = frozenset()
        """The MAC addresses of the devices that may map ports; see `observe_permissions`."""

    def observe_permissions(self) -> frozenset[str]:
        """Take over who may map ports; return the devices that may not any more."""
        devices = self._coordinator.configuration.devices.values()
        before = self.permitted
        self.permitted = frozenset(each.mac for each in devices if each.independent)
        return before - self.permitted

    # What the broker asks

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
        for state in self._states_of(wish.device):
            share = state.share
            if (
                state.status is Status.ACTIVE
                and wish.transport in share.protocol.transports
                and wish.family in state.families
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
            for state in self._states_of(device)
        )

    # What the servers ask

    @property
    def external_ipv4(self) -> IPv4Address | None:
        """The address that the internet calls now."""
        facts = self._coordinator.latest.facts
        return facts.wan_ipv4[0] if facts.wan_ipv4 else None

    @property
    def wan(self) -> Wan:
        """The internet connection as it is now, there since we know of it."""
        if Family.IPV4 not in self.internet:
            self._connected = None
        elif self._connected is None:
            self._connected = dt_util.utcnow()
        return Wan(address=self.external_ipv4, since=self._connected)

    async def measure(self, device: str) -> Measured:
        """Return what the kernel counts, for this device. Raises a GatewayError."""
        line = await measure_line(self._coordinator.config_entry.data[CONF_WAN])
        states = self._coordinator.latest.leases.items()
        own = [lease_id for lease_id, each in states if each.lease.mac == device]
        return Measured(
            rate=line.rate,
            traffic=Traffic(
                bytes_sent=line.bytes_sent,
                bytes_received=line.bytes_received,
                packets_sent=line.packets_sent,
                packets_received=line.packets_received,
            ),
            idle=line.idle,
            packets=await self._coordinator.traffic.packets_of(own),
        )

    async def device_at(self, address: Address) -> str | None:
        """Return the MAC address of the device of the home that has this address."""
        return await self._coordinator.gateway.device_at(address)

    async def client_at(self, address: Address) -> Client | None:
        """Return the device of the home that has this address, with all that it has."""
        mac = await self.device_at(address)
        if mac is None:
            return None
        addresses = self._coordinator.gateway.facts().addresses_of(mac)
        device = self.device_with(mac)
        asks_from = {address} if isinstance(address, IPv6Address) else set()
        return Client(
            device=mac,
            ipv4=addresses.ipv4,
            ipv6=asks_from.union(addresses.ipv6),
            names={device.name.lower()} if device else (),
        )

    def ipv4_of(self, device: str) -> IPv4Address | None:
        """Return the address of a device at home now."""
        return self._coordinator.gateway.facts().addresses_of(device).ipv4

    def is_at_home(self, address: Address) -> bool:
        """Return whether an address can be one of the home."""
        return self._coordinator.gateway.is_at_home(address)

    def device_with(self, mac: str) -> Device | None:
        """Return the device with this MAC address, if it was added for sharing."""
        return self._coordinator.configuration.device_with(mac)

    def _states_of(self, mac: str) -> Iterator[ShareState]:
        """Yield what is true of the shares of a device."""
        if (device := self.device_with(mac)) is None:
            return
        states = self._coordinator.latest.shares
        for share in self._coordinator.configuration.shares_of(device.device_id):
            if state := states.get(share.share_id):
                yield state
