"""What every action of a gateway works with: who asks, for what, and what is said."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
import re
from typing import Final

from ..sharing.model import HIGHEST_PORT, Transport
from .broker import Broker, Granted, NotAuthorized, Refused, Released, Shared
from .descriptions import Device
from .leases import Refusal, Wish
from .markup import printable
from .soap import ErrorCode, UpnpError

HIGHEST_UI4: Final = 0xFFFFFFFF
_NUMBER: Final = re.compile("[0-9]{1,10}")
_ANY_HOST: Final = ("", "*", "0.0.0.0", "::")
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "true", "yes"), True),
    **dict.fromkeys(("0", "false", "no"), False),
}


class Unauthorized(UpnpError):
    """A device without permission has asked, which the user may have to be told."""

    def __init__(self, asked: NotAuthorized) -> None:
        """Remember what the device asked for."""
        super().__init__(ErrorCode.NOT_AUTHORIZED)
        self.asked = asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The device that asks, known by its MAC address, with all of its addresses.

    `names` are what it is called in the home network, in lower case.
    """

    device: str
    ipv4: IPv4Address | None = None
    ipv6: Collection[IPv6Address] = ()
    names: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over the WAN interface."""

    bytes_sent: int = 0
    bytes_received: int = 0
    packets_sent: int = 0
    packets_received: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wan:
    """What is known of the internet connection: it is there `since`, None if it is not."""

    address: IPv4Address | None
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the kernel has to be asked for, so only for the actions that tell it.

    The rate of the line is in bits per second, 0 if nobody knows. `idle` says after how
    many seconds the firewall forgets a flow that a device began. `packets` went through
    the pinholes of the device that asks, by their leases' ids.
    """

    rate: int = 0
    traffic: Traffic = Traffic()
    idle: Mapping[Transport, int] = field(default_factory=dict)
    packets: Mapping[str, int] = field(default_factory=dict)


class Arguments:
    """The arguments of an action, read as what they mean.

    Each method raises UpnpError if it means nothing.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        """Take the values as they came."""
        self._values = values

    def text(self, name: str) -> str:
        """Return a text that can be shown."""
        return printable(self._values[name])

    def value(self, name: str) -> str:
        """Return a text without space around it."""
        return self._values[name].strip()

    def number(self, name: str, highest: int = HIGHEST_UI4, lowest: int = 0) -> int:
        """Return a number. Some clients write nothing for 0."""
        value = self.value(name) or "0"
        if not _NUMBER.fullmatch(value):
            raise UpnpError(ErrorCode.INVALID_ARGS)
        if not lowest <= int(value) <= highest:
            raise UpnpError(ErrorCode.ARGUMENT_VALUE_OUT_OF_RANGE)
        return int(value)

    def port(self, name: str) -> int:
        """Return a port number, 0 for any."""
        return self.number(name, HIGHEST_PORT)

    def transport(self, name: str) -> Transport:
        """Return a protocol that is named."""
        match self.value(name).upper():
            case "TCP":
                return Transport.TCP
            case "UDP":
                return Transport.UDP
        raise UpnpError(ErrorCode.ARGUMENT_VALUE_INVALID)

    def boolean(self, name: str) -> bool:
        """Return what is true or false."""
        value = _BOOLEANS.get(self.value(name).lower())
        if value is None:
            raise UpnpError(ErrorCode.INVALID_ARGS)
        return value

    def is_any_host(self, name: str) -> bool:
        """Return whether a host is every host."""
        return self.value(name) in _ANY_HOST


@dataclass(frozen=True, slots=True)
class Request:
    """An action that a client wants a gateway to do."""

    gateway: Device
    arguments: Arguments
    client: Client
    now: datetime
    wan: Wan
    measured: Measured


@dataclass(frozen=True, slots=True)
class Reply:
    """What the action gives, and which leases it has changed.

    The answer is for when the kernel has the changes, too. If it refuses them, `undo` of
    the broker takes them back, and the answer is ACTION_FAILED.
    """

    results: tuple[tuple[str, str], ...] = ()
    changes: tuple[Granted | Released, ...] = ()


type Handler = Callable[[Request], Reply]


def ask(
    broker: Broker, wish: Wish, now: datetime, code_of: Callable[[Refusal], ErrorCode]
) -> Granted | Shared:
    """Return what the broker grants. Raises UpnpError with the code of a refusal."""
    outcome = broker.ask(wish, now)
    if isinstance(outcome, NotAuthorized):
        raise Unauthorized(outcome)
    if isinstance(outcome, Refused):
        raise UpnpError(code_of(outcome.reason))
    return outcome
