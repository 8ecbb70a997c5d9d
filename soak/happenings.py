"""What can happen in a household, and what it changes in the model. Pure, no I/O.

`at_once`: when it is done, it is true in the kernel, and every call shows it. Of the
others the gateway hears, and follows within moments.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, override

from .model import UPNP, Household, Kernel, Lease, Place, Share


@dataclass(frozen=True, slots=True)
class Happening(ABC):
    """Something that happens."""

    at_once: ClassVar[bool] = True

    @abstractmethod
    def apply(self, home: Household) -> None:
        """Change the model as it changes the home."""


# What the user does


@dataclass(frozen=True, slots=True)
class AddShare(Happening):
    """The user shares a port. A device that has mapped it itself loses it."""

    share: Share

    @override
    def apply(self, home: Household) -> None:
        """The share comes first: leases of its external port end."""
        _take_port(home, self.share)
        home.shares[self.share.number] = self.share
        home.program()


@dataclass(frozen=True, slots=True)
class AddInVain(Happening):
    """The user wants a port that is taken, and is told so."""

    share: Share

    @override
    def apply(self, home: Household) -> None:
        """Nothing changes."""


@dataclass(frozen=True, slots=True)
class ChangeShare(Happening):
    """The user changes ports, IP versions or callers of a share."""

    share: Share

    @override
    def apply(self, home: Household) -> None:
        """It leads elsewhere."""
        _take_port(home, self.share)
        home.shares[self.share.number] = self.share
        home.program()


@dataclass(frozen=True, slots=True)
class RemoveShare(Happening):
    """The user removes a share."""

    number: int

    @override
    def apply(self, home: Household) -> None:
        """It is gone."""
        del home.shares[self.number]
        home.program()


@dataclass(frozen=True, slots=True)
class Turn(Happening):
    """The user clicks a switch."""

    number: int
    on: bool

    @override
    def apply(self, home: Household) -> None:
        """It is open, or closed."""
        share = home.shares[self.number]
        home.shares[self.number] = replace(share, enabled=self.on, short=False)
        home.program()


@dataclass(frozen=True, slots=True)
class OpenForAWhile(Happening):
    """The user opens a share for some seconds."""

    number: int
    seconds: int

    @override
    def apply(self, home: Household) -> None:
        """It is open, and will close by itself."""
        share = home.shares[self.number]
        home.shares[self.number] = replace(share, enabled=True, short=True)
        home.program()


@dataclass(frozen=True, slots=True)
class CloseAll(Happening):
    """The user closes everything."""

    @override
    def apply(self, home: Household) -> None:
        """Shares are off, and leases are gone."""
        for share in home.shares.values():
            home.shares[share.number] = replace(share, enabled=False, short=False)
        home.leases.clear()
        home.program()


@dataclass(frozen=True, slots=True)
class AddDevice(Happening):
    """The user adds a device for sharing."""

    device: str

    @override
    def apply(self, home: Household) -> None:
        """It may have shares."""
        home.known.add(self.device)


@dataclass(frozen=True, slots=True)
class RemoveDevice(Happening):
    """The user removes a device, with all that it shares and has mapped."""

    device: str

    @override
    def apply(self, home: Household) -> None:
        """Nothing of it is left."""
        home.known.remove(self.device)
        home.permitted.discard(self.device)
        for share in list(home.shares.values()):
            if share.device == self.device:
                del home.shares[share.number]
        _end_leases(home, self.device)
        home.program()


@dataclass(frozen=True, slots=True)
class Permit(Happening):
    """The user lets a device map ports itself, or does not any more."""

    device: str
    may: bool

    @override
    def apply(self, home: Household) -> None:
        """Without permission all that it has mapped ends."""
        if self.may:
            home.permitted.add(self.device)
        else:
            home.permitted.remove(self.device)
            _end_leases(home, self.device)
        home.program()


@dataclass(frozen=True, slots=True)
class Protect(Happening):
    """The user lets portshare guard the home, or leaves that to nobody."""

    on: bool
    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """It is guarded, or not."""
        home.protect = self.on
        home.program()


# What devices do


@dataclass(frozen=True, slots=True)
class Ask(Happening):
    """A device maps a port, or renews that; for some seconds, or for a day (None)."""

    place: Place
    by: str
    seconds: int | None = None

    def granted(self, home: Household) -> bool:
        """Tell whether it gets a mapping."""
        if self.place.device not in home.permitted or not home.line:
            return False
        taken = home.holder(self.place.transport, self.place.wish)
        # A client of UPnP wants this port or none.
        return self.by != UPNP or taken is None or self.place in home.leases

    def external_port(self, home: Household) -> int | None:
        """Return the external port that it must get; None is any that is free."""
        if self.place in home.leases:
            return home.leases[self.place].external_port
        if self.place.address:
            return self.place.port
        wish = self.place.wish
        return None if home.holder(self.place.transport, wish) else wish

    @override
    def apply(self, home: Household) -> None:
        """It has it, where nothing else was told: see `got`."""
        if self.granted(home):
            self.got(home, self.external_port(home) or 0)

    def got(self, home: Household, external_port: int) -> None:
        """The device was told this external port."""
        held = home.leases.get(self.place, Lease(external_port, {}))
        asked_by = {**held.asked_by, self.by: self.seconds is not None}
        home.leases[self.place] = Lease(external_port, asked_by)
        home.program()


@dataclass(frozen=True, slots=True)
class End(Happening):
    """A device ends a mapping of its own; it may have asked by other protocols, too."""

    place: Place
    by: str

    @override
    def apply(self, home: Household) -> None:
        """The mapping goes with the last who has asked for it."""
        lease = home.leases[self.place]
        others = {by: short for by, short in lease.asked_by.items() if by != self.by}
        if others:
            home.leases[self.place] = replace(lease, asked_by=others)
        else:
            del home.leases[self.place]
        home.program()


@dataclass(frozen=True, slots=True)
class TimePasses(Happening):
    """What was opened for seconds closes by itself."""

    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """It is over."""
        home.over()


@dataclass(frozen=True, slots=True)
class Move(Happening):
    """A device gets another IPv4 address, as by DHCP."""

    device: str
    host: int
    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """Its shares follow."""
        home.hosts[self.device] = self.host
        home.program()


# What the network does


@dataclass(frozen=True, slots=True)
class Line(Happening):
    """The cable to the internet is pulled, or plugged in."""

    plugged: bool
    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """All is closed without internet, and with it as before."""
        home.line = self.plugged
        home.program()


@dataclass(frozen=True, slots=True)
class Cable(Happening):
    """A device's cable is pulled, or plugged in."""

    device: str
    plugged: bool
    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """Nobody reaches it meanwhile."""
        if self.plugged:
            home.away.remove(self.device)
        else:
            home.away.add(self.device)


@dataclass(frozen=True, slots=True)
class NewWanAddress(Happening):
    """The provider gives the gateway other addresses."""

    wan: int
    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """The internet calls there."""
        home.wan = self.wan
        home.program()


@dataclass(frozen=True, slots=True)
class NewPrefix(Happening):
    """The provider gives the home another IPv6 prefix."""

    prefix: int
    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """All devices have other addresses; a pinhole that was asked for has not."""
        home.prefix = self.prefix
        home.program()


# What happens to Home Assistant and its table


class Meddling(StrEnum):
    """What others do to our table."""

    FLUSH_RULESET = "nft flush ruleset"
    DELETE_TABLE = "nft delete table inet portshare"
    FLUSH_DNAT = "nft flush map inet portshare dnat4"
    FLUSH_FLOWS4 = "nft flush set inet portshare flow4"
    FLUSH_FLOWS6 = "nft flush set inet portshare flow6"
    FLUSH_INTERNET = "nft flush set inet portshare internet"
    FLUSH_GATE = "nft flush chain inet portshare gate"
    INSERT_DROP = "nft insert rule inet portshare forward counter drop"
    INSERT_ACCEPT = "nft insert rule inet portshare forward counter accept"


WITHOUT_TABLE = (Meddling.FLUSH_RULESET, Meddling.DELETE_TABLE)


@dataclass(frozen=True, slots=True)
class Meddle(Happening):
    """Somebody changes our table; portshare mends it, if Home Assistant runs."""

    how: Meddling
    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """While nobody is there to mend it, there is no table: nothing is forwarded."""
        if not home.running:
            home.kernel = Kernel()


@dataclass(frozen=True, slots=True)
class Stop(Happening):
    """Home Assistant is stopped, as for an update (SIGTERM)."""

    @override
    def apply(self, home: Household) -> None:
        """The kernel goes on."""
        home.running = False
        home.doubtful = set(home.away)


@dataclass(frozen=True, slots=True)
class Kill(Happening):
    """Home Assistant is killed (SIGKILL)."""

    @override
    def apply(self, home: Household) -> None:
        """The kernel goes on."""
        home.running = False
        home.doubtful = set(home.away)


@dataclass(frozen=True, slots=True)
class Start(Happening):
    """Home Assistant is started again."""

    at_once: ClassVar[bool] = False

    @override
    def apply(self, home: Household) -> None:
        """All is as it is wanted."""
        home.running = True
        home.doubtful = set()
        home.program()


def _end_leases(home: Household, device: str) -> None:
    for place in list(home.leases):
        if place.device == device:
            del home.leases[place]


def _take_port(home: Household, share: Share) -> None:
    """End the leases of external ports that a share has now, switched on or off."""
    for place, lease in list(home.leases.items()):
        if (
            share.ipv4
            and not place.address
            and place.transport in share.transports
            and lease.external_port == share.external_port
        ):
            del home.leases[place]
