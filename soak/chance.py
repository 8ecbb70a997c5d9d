"""What happens next: by chance, but only what is possible. Pure: the same seed, the same life.

Time is simulated: there is more going on by day than by night, and of the quiet in between
nothing is waited for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Final

from .happenings import (
    WITHOUT_TABLE,
    AddDevice,
    AddInVain,
    AddShare,
    Ask,
    Cable,
    ChangeShare,
    CloseAll,
    End,
    Happening,
    Kill,
    Line,
    Meddle,
    Meddling,
    Move,
    NewPrefix,
    NewWanAddress,
    OpenForAWhile,
    Permit,
    Protect,
    RemoveDevice,
    RemoveShare,
    Start,
    Stop,
    TimePasses,
    Turn,
)
from .model import (
    ASKED,
    DEVICES,
    INSIDE,
    NATPMP,
    PCP,
    TRANSPORTS,
    UPNP,
    Household,
    Place,
    Share,
)

HOURS_PER_DAY: Final = 24
QUIET_DAYS: Final = 3
"""At the end of each week nobody touches Home Assistant itself, so that growth shows."""

BY_DAY, BY_NIGHT = 12.0, 3.0
"""Happenings per simulated hour."""
MORNING, NIGHT = 7, 23

MOST_SHARES: Final = 12
EXTERNAL: Final = (443, 8080, 8443, 25565, *range(50000, 50008), 6881, 7881, 8882)
"""The last ones are also what devices would like to map."""
WAN_NUMBERS: Final = (2, 9, 10, 11)
PREFIXES: Final = (1, 2, 3)
HOSTS: Final = (21, 22, 23, 24, 25, 26)
SECONDS: Final = (2, 3, 4)
"""For how long what is short is open. PCP knows nothing below two minutes."""

RENEWED: Final = 0.4
"""How often who asks for a port has it already, by this protocol or by another."""

MOST_WHILE_STOPPED: Final = 3
CUT_SHORT: Final = 0.15
"""How often the next happening comes before anybody has looked at the last."""

_SHORT: Final = (Turn, AddShare, ChangeShare, RemoveShare, Line)
"""What may follow each other before anybody has looked. Devices ask a gateway that knows
what was before, and Home Assistant stops only when it does."""

type _Kind = Callable[[Household], Iterator[Happening]]


@dataclass(frozen=True, slots=True)
class Moment:
    """A happening with its time in simulated hours; `looked` at, unless more is to come."""

    hours: float
    happening: Happening
    looked: bool = True


class Chance:
    """Draws the life of a household."""

    def __init__(self, seed: int) -> None:
        """Begin at midnight of a Monday."""
        self._random = Random(seed)
        self._numbers = count(1)
        self._hours = 0.0
        self._stopped = 0
        self._looked = True

    def next(self, home: Household) -> Moment:
        """Return what happens next to a household that is like this."""
        self._hours += self._random.expovariate(self._rate)
        happening = self._draw(home)
        self._looked = (
            not isinstance(happening, _SHORT) or self._random.random() > CUT_SHORT
        )
        return Moment(self._hours, happening, self._looked)

    @property
    def _rate(self) -> float:
        return BY_DAY if MORNING <= self._hours % HOURS_PER_DAY < NIGHT else BY_NIGHT

    @property
    def _may_restart(self) -> bool:
        """It is not one of the days on which nobody touches Home Assistant."""
        return self._hours // HOURS_PER_DAY % 7 < 7 - QUIET_DAYS

    def _draw(self, home: Household) -> Happening:
        if not home.running:
            self._stopped += 1
            if self._stopped > self._random.randint(0, MOST_WHILE_STOPPED):
                self._stopped = 0
                return Start()
        kinds = self._kinds(home)
        while True:
            (kind,) = self._random.choices([*kinds], weights=[*kinds.values()])
            possible = list(kind(home))
            if not self._looked:
                possible = [each for each in possible if isinstance(each, _SHORT)]
            if possible:
                return self._random.choice(possible)

    def _kinds(self, home: Household) -> dict[_Kind, float]:
        """How often what happens, compared with the others."""
        always: dict[_Kind, float] = {
            self._moves: 3,
            self._lines: 2 if home.line else 6,
            self._cables: 4 if home.away else 2,
            self._addresses: 1,
            self._prefixes: 1,
            self._endings: 25,
        }
        if not home.running:
            return {**always, self._meddles: 1}
        return {
            **always,
            self._turns: 20,
            self._adds: 8 if len(home.shares) < MOST_SHARES else 0,
            self._adds_in_vain: 1,
            self._changes: 6,
            self._removes: 6,
            self._whiles: 5,
            self._closes_all: 1,
            self._devices: 1,
            self._permits: 4,
            self._asks: 20,
            self._ends: 8,
            self._protects: 0.7,
            self._meddles: 5,
            self._stops: 1.2 if self._may_restart else 0,
        }

    # Each yields what is possible of its kind.

    def _turns(self, home: Household) -> Iterator[Happening]:
        for share in home.shares.values():
            if not share.short:
                yield Turn(share.number, not share.enabled)

    def _adds(self, home: Household) -> Iterator[Happening]:
        share = self._share(next(self._numbers), home)
        if share and _is_free(share, home):
            yield AddShare(share)

    def _adds_in_vain(self, home: Household) -> Iterator[Happening]:
        for other in home.shares.values():
            if other.ipv4:
                port = self._random.choice(INSIDE)
                share = self._share(0, home, external_port=other.external_port)
                if share:
                    protocol = other.protocol
                    yield AddInVain(replace(share, protocol=protocol, port=port))

    def _share(
        self, number: int, home: Household, external_port: int | None = None
    ) -> Share | None:
        """Return any share of a device that was added."""
        choice = self._random.choice
        families = choice(((True, True), (True, True), (True, False), (False, True)))
        if external_port is not None:
            families = True, True
        if not home.known:
            return None
        return Share(
            number=number,
            device=choice(sorted(home.known)),
            protocol=choice(("tcp", "tcp", "udp", "tcp_udp")),
            port=choice(INSIDE),
            external_port=external_port or choice(EXTERNAL),
            ipv4=families[0],
            ipv6=families[1],
            enabled=self._random.random() < 0.9,
            limited=self._random.random() < 0.15,
        )

    def _changes(self, home: Household) -> Iterator[Happening]:
        for share in home.shares.values():
            other = self._share(share.number, home)
            if other is None or share.short:
                continue
            changed = replace(other, device=share.device, enabled=share.enabled)
            if changed != share and _is_free(changed, home):
                yield ChangeShare(changed)

    def _removes(self, home: Household) -> Iterator[Happening]:
        for number, share in home.shares.items():
            if not share.short:
                yield RemoveShare(number)

    def _whiles(self, home: Household) -> Iterator[Happening]:
        for share in home.shares.values():
            if not share.enabled:
                yield OpenForAWhile(share.number, self._random.choice(SECONDS))

    def _closes_all(self, home: Household) -> Iterator[Happening]:
        if home.shares or home.leases:
            yield CloseAll()

    def _devices(self, home: Household) -> Iterator[Happening]:
        for device in DEVICES:
            if device in home.known:
                yield RemoveDevice(device)
            elif device not in home.away:
                yield AddDevice(device)
                yield AddDevice(device)

    def _permits(self, home: Household) -> Iterator[Happening]:
        for device in sorted(home.known):
            may = device not in home.permitted
            yield Permit(device, may)
            if may:  # it is given more often than it is taken
                yield from [Permit(device, may)] * 4

    def _protects(self, home: Household) -> Iterator[Happening]:
        yield Protect(not home.protect)

    def _asks(self, home: Household) -> Iterator[Happening]:
        # Mostly those who may; the others are refused.
        device = self._random.choice((*DEVICES, *sorted(home.permitted) * 5))
        transport, port = self._random.choice(TRANSPORTS), self._random.choice(ASKED)
        if home.leases and self._random.random() < RENEWED:
            held = self._random.choice([*home.leases])
            device, transport, port = held.device, held.transport, held.port
        if device in home.away:
            return
        seconds = self._random.choice((None, None, *SECONDS))
        ipv4 = Place(device, transport, port)
        ipv6 = Place(device, transport, port, home.ipv6(device))
        wished = [
            Ask(ipv4, NATPMP, seconds),
            Ask(ipv4, PCP),
            Ask(ipv4, UPNP, seconds),
            Ask(ipv6, PCP),
        ]
        for wish in wished:
            lease = home.leases.get(wish.place)
            # Without internet only what is new is refused; and by UPnP a device cannot
            # ask for a port other than the one it knows.
            if lease and (not home.line or lease.external_port != wish.place.wish):
                continue
            yield wish

    def _ends(self, home: Household) -> Iterator[Happening]:
        for place, lease in home.leases.items():
            here = place.address in {"", home.ipv6(place.device)}
            if here and place.device not in home.away and not home.short:
                for by in sorted(lease.asked_by):
                    yield End(place, by)

    def _endings(self, home: Household) -> Iterator[Happening]:
        if home.short:
            yield TimePasses()

    def _moves(self, home: Household) -> Iterator[Happening]:
        # Nobody can tell a kernel that an address has gone to somebody else while Home
        # Assistant does not run.
        led_to = {each.address for each in home.kernel.openings}
        for device in DEVICES:
            for host in HOSTS:
                free = host not in home.hosts.values()
                if not home.running:
                    free = free and f"192.168.178.{host}" not in led_to
                if free and device not in home.away:
                    yield Move(device, host)

    def _lines(self, home: Household) -> Iterator[Happening]:
        yield Line(plugged=not home.line)

    def _cables(self, home: Household) -> Iterator[Happening]:
        for device in DEVICES:
            if device in home.away:
                yield Cable(device, plugged=True)
                yield Cable(device, plugged=True)
            else:
                yield Cable(device, plugged=False)

    def _addresses(self, home: Household) -> Iterator[Happening]:
        for wan in WAN_NUMBERS:
            if wan != home.wan:
                yield NewWanAddress(wan)

    def _prefixes(self, home: Household) -> Iterator[Happening]:
        for prefix in PREFIXES:
            if prefix != home.prefix:
                yield NewPrefix(prefix)

    def _meddles(self, home: Household) -> Iterator[Happening]:
        for how in Meddling if home.running else WITHOUT_TABLE:
            yield Meddle(how)

    def _stops(self, _: Household) -> Iterator[Happening]:
        yield Stop()
        yield Kill()


def _is_free(share: Share, home: Household) -> bool:
    """Tell whether no other share has its external port, or its port of the device."""
    for other in home.shares.values():
        if other.number == share.number or not (
            set(other.transports) & set(share.transports)
        ):
            continue
        if (other.device, other.port) == (share.device, share.port):
            return False
        if share.ipv4 and other.ipv4 and other.external_port == share.external_port:
            return False
    return True
