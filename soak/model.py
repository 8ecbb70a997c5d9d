"""A household that knows what must be reachable: the oracle of the soak. Pure, no I/O.

It is written from what a user is promised (DESIGN.md, section 5), and not from
portshare's own rules or plan: it shares no line with what it judges.

What the user and the devices want is in `shares` and `leases`. What the gateway's kernel
has been told is in `kernel`: while Home Assistant runs that is always what they want, and
while it does not run it stays as it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

DEVICES: Final = ("nas", "pi", "console")
NUMBERS: Final = {name: number for number, name in enumerate(DEVICES, start=21)}
"""The end of a device's IPv6 addresses, and of its first IPv4 address."""

INSIDE: Final = (443, 1194, 5060, 8443, 25565, 32400)
"""Ports of every device that shares lead to, TCP and UDP."""

ASKED: Final = (6881, 6882, 51820)
"""Ports of every device that it maps itself, TCP and UDP."""

TRANSPORTS: Final = ("tcp", "udp")

GATEWAY_SSH: Final = 22
GATEWAY: Final = "gateway"
SSH: Final = "SSH-2.0-portshare_demo gateway"
"""What the gateway's own SSH says."""

NATPMP, PCP, UPNP = "natpmp", "pcp", "upnp"


@dataclass(frozen=True, slots=True, order=True)
class Door:
    """What a caller calls: a transport, an address and a port."""

    transport: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share as the user has set it; `number` is its own in this run.

    `limited`: only the first caller of the internet may call. `short`: it is open for
    seconds, and closes by itself.
    """

    number: int
    device: str
    protocol: str
    port: int
    external_port: int
    ipv4: bool = True
    ipv6: bool = True
    enabled: bool = True
    limited: bool = False
    short: bool = False

    @property
    def name(self) -> str:
        """What it is called in Home Assistant."""
        return f"Share {self.number}"

    @property
    def transports(self) -> tuple[str, ...]:
        """TCP, UDP, or both."""
        return tuple(self.protocol.split("_"))


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What a lease leads to; the address is that of a pinhole, and empty for IPv4."""

    device: str
    transport: str
    port: int
    address: str = ""

    @property
    def wish(self) -> int:
        """The external port that its device would like: no other device wishes it."""
        if self.address:
            return self.port
        return self.port + 1000 * DEVICES.index(self.device)


@dataclass(frozen=True, slots=True)
class Lease:
    """A port that a device has mapped; the protocols it asked by, and if for seconds."""

    external_port: int
    asked_by: Mapping[str, bool]

    @property
    def short(self) -> bool:
        """Whether it ends within seconds."""
        return all(self.asked_by.values())


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening in the kernel. For IPv4 `called` is empty: it is the WAN address.

    `address` is where it leads: for IPv4 only if the device still has it.
    """

    transport: str
    called: str
    called_port: int
    address: str
    device: str
    port: int
    limited: bool
    short: bool


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the gateway's kernel has been told."""

    openings: frozenset[Opening] = frozenset()
    internet: bool = False
    protect: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers at a door: a device and its port. Not always everybody, or for long."""

    device: str
    port: int
    limited: bool = False
    short: bool = False

    @property
    def who(self) -> str:
        """How that one begins what he says."""
        return SSH if self.device == GATEWAY else f"{self.device} {self.port}"


@dataclass(frozen=True, slots=True)
class ToldShare:
    """What Home Assistant must say of a share. A device that is away may be unknown."""

    device: str
    protocol: str
    port: int
    external_port: int
    enabled: bool
    statuses: tuple[str, ...]
    families: tuple[str, ...]
    closes: bool


@dataclass(frozen=True, slots=True, order=True)
class ToldLease:
    """What Home Assistant must say of a lease."""

    transport: str
    port: int
    external_port: int
    asked_by: tuple[str, ...]


@dataclass(slots=True)
class Household:
    """All that is so at one moment of the simulation."""

    shares: dict[int, Share] = field(default_factory=dict)
    leases: dict[Place, Lease] = field(default_factory=dict)
    known: set[str] = field(default_factory=lambda: {"nas", "pi"})
    permitted: set[str] = field(default_factory=set)
    hosts: dict[str, int] = field(default_factory=lambda: dict(NUMBERS))
    away: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    """Away when Home Assistant went: who is back meanwhile may be open, or unknown."""
    line: bool = True
    wan: int = 2
    prefix: int = 1
    protect: bool = True
    running: bool = True
    kernel: Kernel = field(init=False)
    dialled: set[int] = field(default_factory=set)
    """Every external port there ever was: at most one is open now."""

    def __post_init__(self) -> None:
        """Home Assistant has just been set up."""
        self.program()

    @property
    def wan_ipv4(self) -> str:
        """The address that the internet calls."""
        return f"203.0.113.{self.wan}"

    @property
    def wan_ipv6(self) -> str:
        """The gateway's own."""
        return f"2001:db8:ffff::{self.wan}"

    def ipv4(self, device: str) -> str:
        """A device's address at home."""
        return f"192.168.178.{self.hosts[device]}"

    def ipv6(self, device: str) -> str:
        """A device's address everywhere."""
        return f"2001:db8:{self.prefix}::{NUMBERS[device]}"

    @property
    def short(self) -> bool:
        """Whether something closes by itself before long."""
        return any(share.short for share in self.shares.values()) or any(
            any(lease.asked_by.values()) for lease in self.leases.values()
        )

    def holder(self, transport: str, external_port: int) -> Share | None:
        """The share, on or off, that has an external port of IPv4."""
        for share in self.shares.values():
            if (
                share.ipv4
                and transport in share.transports
                and share.external_port == external_port
            ):
                return share
        return None

    def program(self) -> None:
        """Tell the kernel what is wanted, if there is somebody to tell it."""
        self.dialled |= {each.external_port for each in self.shares.values()}
        self.dialled |= {
            lease.external_port
            for place, lease in self.leases.items()
            if not place.address
        }
        if self.running:
            openings = frozenset((*self._of_shares(), *self._of_leases()))
            self.kernel = Kernel(openings, self.line, self.protect)

    def _of_shares(self) -> Iterator[Opening]:
        for share in self.shares.values():
            if not share.enabled:
                continue
            ipv4, ipv6 = self.ipv4(share.device), self.ipv6(share.device)
            to = share.device, share.port, share.limited, share.short
            for transport in share.transports:
                if share.ipv4:
                    yield Opening(transport, "", share.external_port, ipv4, *to)
                if share.ipv6:
                    yield Opening(transport, ipv6, share.port, ipv6, *to)

    def _of_leases(self) -> Iterator[Opening]:
        for place, lease in self.leases.items():
            yield Opening(
                transport=place.transport,
                called=place.address,
                called_port=lease.external_port,
                address=place.address or self.ipv4(place.device),
                device=place.device,
                port=place.port,
                limited=False,
                short=lease.short,
            )

    def over(self) -> None:
        """What was open for seconds has closed, in the kernel as well."""
        for share in self.shares.values():
            if share.short:
                self.shares[share.number] = replace(share, enabled=False, short=False)
        for place, lease in list(self.leases.items()):
            lasting = {by: short for by, short in lease.asked_by.items() if not short}
            if lasting:
                self.leases[place] = replace(lease, asked_by=lasting)
            else:
                del self.leases[place]
        left = frozenset(each for each in self.kernel.openings if not each.short)
        self.kernel = replace(self.kernel, openings=left)
        self.program()

    def doors(self) -> dict[Door, Answer]:
        """What answers to the internet. All else must be silent, or refuse."""
        if not self.line:
            return {}
        return {**self._unprotected(), **self._openings()}

    def doors_at_home(self, caller: str) -> dict[Door, Answer | None]:
        """What answers to a device at home that calls the WAN address (hairpin).

        None is not promised, whatever comes of it: that a device reaches itself, which a
        bridge with br_netfilter does not let it, and who may call what is for a few.
        """
        return {
            door: None if answer.limited or answer.device == caller else answer
            for door, answer in self._openings().items()
            if ":" not in door.address
        }

    def door(self, opening: Opening) -> Door | None:
        """Where the internet reaches an opening of the kernel; None if it does not.

        Or if nobody has promised it.
        """
        here = self.ipv6 if opening.called else self.ipv4
        if (
            not self.kernel.internet
            or opening.device in self.away | self.doubtful
            or opening.address != here(opening.device)
        ):
            return None
        return self._called(opening)

    def _called(self, opening: Opening) -> Door:
        called = opening.called or self.wan_ipv4
        return Door(opening.transport, called, opening.called_port)

    def unpromised_doors(self) -> set[Door]:
        """Where somebody may answer, or not."""
        return {
            self._called(each)
            for each in self.kernel.openings
            if each.device in self.doubtful
        }

    def _openings(self) -> dict[Door, Answer]:
        doors = {}
        for each in self.kernel.openings:
            if door := self.door(each):
                # Without protection everybody may call an IPv6 address.
                limited = each.limited and (self.kernel.protect or not each.called)
                doors[door] = Answer(each.device, each.port, limited, each.short)
        return doors

    def _unprotected(self) -> dict[Door, Answer]:
        """What nobody has shared, and only a firewall keeps closed."""
        if self.kernel.protect:
            return {}
        doors = {
            Door("tcp", address, GATEWAY_SSH): Answer(GATEWAY, GATEWAY_SSH)
            for address in (self.wan_ipv4, self.wan_ipv6)
        }
        for device in set(DEVICES) - self.away:
            for transport in TRANSPORTS:
                for port in (*INSIDE, *ASKED):
                    door = Door(transport, self.ipv6(device), port)
                    doors[door] = Answer(device, port)
        if not self.kernel.internet:
            for each in self.kernel.openings:
                doors.pop(Door(each.transport, each.called, each.called_port), None)
        return doors

    def told_shares(self) -> dict[str, ToldShare]:
        """What Home Assistant must say of the shares, by their names."""
        return {share.name: self._told(share) for share in self.shares.values()}

    def _told(self, share: Share) -> ToldShare:
        families = {"ipv4": share.ipv4, "ipv6": share.ipv6}
        open_over = tuple(each for each, wanted in families.items() if wanted)
        if not share.enabled:
            statuses: tuple[str, ...] = ("off",)
        elif not self.line:
            statuses = ("no_internet",)
        else:
            statuses = ("active",)
        if share.enabled and share.device in self.away:
            statuses = (*statuses, "device_unknown")
        return ToldShare(
            device=share.device,
            protocol=share.protocol,
            port=share.port,
            external_port=share.external_port if share.ipv4 else share.port,
            enabled=share.enabled,
            statuses=statuses,
            families=open_over if statuses == ("active",) else (),
            closes=share.short,
        )

    def told_leases(self, device: str) -> list[ToldLease]:
        """What Home Assistant must say a device has mapped."""
        return sorted(
            ToldLease(
                place.transport,
                place.port,
                lease.external_port,
                tuple(sorted(lease.asked_by)),
            )
            for place, lease in self.leases.items()
            if place.device == device
        )

    def told_mappings(self, device: str) -> int | None:
        """How much of a device is open; None if nobody can know it exactly."""
        if not self.line:
            return 0
        places = [place for place in self.leases if place.device == device]
        if device in self.away or any(
            place.address not in {"", self.ipv6(device)} for place in places
        ):
            return None
        on = [each for each in self.shares.values() if each.device == device]
        return len(places) + sum(each.enabled for each in on)
