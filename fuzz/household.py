"""A home whose gateway is asked by whoever is there, and what must hold in it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import count
from random import Random
from typing import Final

from custom_components.portshare.independent.broker import Broker, Limits, NotAuthorized
from custom_components.portshare.independent.control import (
    Client,
    Measured,
    Traffic,
    Wan,
)
from custom_components.portshare.independent.leases import Lease, Wish
from custom_components.portshare.independent.port_control import (
    Address,
    LeaseChange,
    LeaseRefused,
)
from custom_components.portshare.sharing.model import Family, Transport

from .target import require

NAS, PC = "02:00:5e:00:00:01", "02:00:5e:00:00:02"
GUEST: Final = "02:00:5e:00:00:03"
PERMITTED: Final = frozenset({NAS, PC})

# So that they can all be on one machine, the home is on its loopback.
ADDRESSES: Final[dict[Address, str]] = {
    ip_address("127.0.0.21"): NAS,
    ip_address("::1"): NAS,
    ip_address("2001:db8:1::21"): NAS,
    ip_address("fe80::21"): NAS,
    ip_address("127.0.0.22"): PC,
    ip_address("2001:db8:1::22"): PC,
    ip_address("127.0.0.66"): GUEST,
    ip_address("2001:db8:1::66"): GUEST,
}
# At home, but no device that anybody knows; and not at home.
STRANGERS: Final = (ip_address("127.0.0.99"), ip_address("2001:db8:1::99"))
OUTSIDE: Final = (ip_address("127.9.9.9"), ip_address("2001:db8:ffff::1"))
EVERYBODY: Final = (*ADDRESSES, *STRANGERS, *OUTSIDE)
_HOME: Final = [
    ip_network(each) for each in ("127.0.0.0/24", "2001:db8:1::/64", "::1/128")
]

_WAN: Final = IPv4Address("203.0.113.7")
_NEVER: Final = frozenset({(Transport.UDP, port) for port in (1900, 5350, 5351)})
# What a share has, and what the gateway serves itself.
_SHARE: Final = (NAS, Transport.TCP, 80, 8080)
_TAKEN: Final = frozenset({(Transport.TCP, 8080), (Transport.TCP, 8123)})

# The kernel refuses one of so many changes.
_REFUSES: Final = 16


@dataclass
class Household:
    """Keeps what it is told to keep; now and then the kernel of it refuses."""

    random: Random
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    online: bool = True
    kept: dict[str, Lease] = field(default_factory=dict)
    told: int = 0
    # What the kernel has not ended, and there is beside what has taken its place since.
    stuck: int = 0
    permitted: frozenset[str] = PERMITTED
    limits: Limits = field(default_factory=lambda: Limits(of_device=8, in_all=12))

    def __post_init__(self) -> None:
        """Begin without leases."""
        ids = count(1)
        self.broker = Broker(self, lambda: str(next(ids)), self.now, self.limits)

    # What the broker asks

    @property
    def internet(self) -> frozenset[Family]:
        """Both, or none."""
        return frozenset(Family) if self.online else frozenset()

    def reserved(self, transport: Transport, port: int) -> bool:
        """Return whether a share or the gateway itself has this external port."""
        return (transport, port) in _TAKEN

    def shared(self, wish: Wish) -> int | None:
        """Return the external port of the share if it leads where the wish would."""
        *place, external = _SHARE
        same = [wish.device, wish.transport, wish.port] == place
        return external if same and wish.address is None else None

    def shares_any(self, device: str, transport: Transport) -> bool:
        """Return whether the share is of this device and transport."""
        return (device, transport) == _SHARE[:2]

    # What the servers ask

    @property
    def external_ipv4(self) -> IPv4Address | None:
        """The address that the internet calls now."""
        return _WAN if self.online else None

    @property
    def wan(self) -> Wan:
        """The internet connection."""
        return Wan(address=self.external_ipv4, since=self.now if self.online else None)

    async def device_at(self, address: Address) -> str | None:
        """Return the MAC address of a device."""
        return ADDRESSES.get(address)

    async def client_at(self, address: Address) -> Client | None:
        """Return a device with all of its addresses."""
        device = ADDRESSES.get(address)
        if device is None:
            return None
        return Client(
            device=device,
            ipv4=self.ipv4_of(device),
            ipv6={each for each in _of(device) if isinstance(each, IPv6Address)},
            names={"nas"} if device == NAS else (),
        )

    def ipv4_of(self, device: str) -> IPv4Address | None:
        """Return the IPv4 address of a device."""
        return next(
            (each for each in _of(device) if isinstance(each, IPv4Address)), None
        )

    async def measure(self, device: str) -> Measured:
        """Return what a kernel might count."""
        return Measured(
            rate=2**40,
            traffic=Traffic(2**40, 22, 33, 44),
            idle={Transport.TCP: 432_000, Transport.UDP: 120},
            packets={each.lease_id: 5 for each in self.broker.leases_of(device)},
        )

    async def keep(self, changes: Collection[LeaseChange]) -> None:
        """Keep changes, unless chance is against it."""
        if self.random.randrange(_REFUSES) == 0 or self._has_one_too_many(changes):
            self.stuck += sum(each.after is None for each in changes)
            raise LeaseRefused
        for change in changes:
            if change.before:
                self.kept.pop(change.before.lease_id, None)
            if change.after:
                self.kept[change.after.lease_id] = change.after

    def _has_one_too_many(self, changes: Collection[LeaseChange]) -> bool:
        """Return whether an external port would lead to two devices, as none can."""
        gone = {each.before.lease_id for each in changes if each.before}
        there = {
            (each.transport, each.external_port)
            for key, each in self.kept.items()
            if key not in gone and each.address is None
        }
        return any(
            each.after
            and each.after.address is None
            and (each.after.transport, each.after.external_port) in there
            for each in changes
        )

    def tell_request(self, outcome: NotAuthorized) -> None:
        """Count what the user is told."""
        require(outcome.wish.device not in PERMITTED, "told of a device that may")
        self.told += 1

    # What passes, and what must hold

    def live(self) -> None:
        """Let a little time pass, and now and then the internet go or come."""
        self.now += timedelta(seconds=self.random.choice((0, 1, 30, 3600)))
        if self.random.randrange(100) == 0:
            self.online = not self.online
        self.expire()

    def rest(self) -> None:
        """Let so much time pass that nothing of what was asked for is left."""
        self.online = True
        self.now += timedelta(days=9)
        self.expire()
        require(not self.broker.leases, "leases do not end")
        self.stuck = 0

    def expire(self) -> None:
        """End what is over."""
        for released in self.broker.expire(self.now):
            self.kept.pop(released.before.lease_id, None)
            if released.after:
                self.kept[released.after.lease_id] = released.after

    def check(self) -> None:
        """Raise a Violation if there is a mapping that must not be."""
        leases = self.broker.leases
        require(
            {each.lease_id: each for each in leases} == self.kept,
            "what is granted is not what is open",
        )
        of_each = [len(self.broker.leases_of(each)) for each in PERMITTED]
        if len(leases) <= self.limits.in_all and max(of_each) <= self.limits.of_device:
            self.stuck = 0
        most = self.limits.in_all + self.stuck
        require(len(leases) <= most, "more leases than there may be")
        most = self.limits.of_device + self.stuck
        require(max(of_each) <= most, "more leases than a device may have")
        for each in leases:
            require(each.device in PERMITTED, f"a lease without permission: {each}")
            require(not each.approved, f"nobody has approved {each}")
            service = each.transport, each.external_port
            require(each.external_port >= self.limits.lowest_port, f"too low: {each}")
            require(service not in _NEVER, f"a port that nobody may have: {each}")
            if each.address is None:
                require(service not in _TAKEN, f"a port that is taken: {each}")
                self._check_companion(each)
            else:
                require(
                    ADDRESSES.get(each.address) == each.device
                    and not each.address.is_link_local,
                    f"an address of somebody else: {each}",
                )
            for claim in each.claims:
                left = (claim.expires - self.now).total_seconds()
                require(
                    0 < left <= self.limits.lifetime[claim.asked_by],
                    f"it lasts too long, or is over: {claim}",
                )

    def _check_companion(self, lease: Lease) -> None:
        for transport in (Transport.TCP, Transport.UDP):
            other = self.broker.holder(transport, lease.external_port)
            require(
                other is None or other.device == lease.device,
                f"somebody else has the other port of {lease}",
            )


def is_at_home(address: Address) -> bool:
    """Return whether an address can be one of the home."""
    return address.is_link_local or any(address in each for each in _HOME)


def may_map(address: Address) -> bool:
    """Return whether who asks from an address may map ports."""
    return ADDRESSES.get(address) in PERMITTED


def _of(device: str) -> list[Address]:
    return [address for address, each in ADDRESSES.items() if each == device]
