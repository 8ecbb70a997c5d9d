"""Why something cannot be shared.

Each error carries its data; the Home Assistant rooms turn `key` and `placeholders`
into a text in the user's language, and show it at the form's `field`.
"""

from datetime import timedelta
from typing import ClassVar, override

from .model import HIGHEST_PORT, LOWEST_PORT, PortRange, Share


class SharingError(ValueError):
    """A wish that cannot be fulfilled, and what the user can do about it."""

    key: ClassVar[str]
    field: str = "base"

    @property
    def placeholders(self) -> dict[str, str]:
        """The data of the error, as the text needs it."""
        return {}

    @override
    def __str__(self) -> str:
        """Return a plain text for logs."""
        data = ", ".join(f"{name}={value}" for name, value in self.placeholders.items())
        return f"{self.key} ({data})" if data else self.key


class _OfAValue(ValueError):
    """An error that says what was given, and no more."""

    def __init__(self, value: object) -> None:
        """Remember what was given."""
        super().__init__(value)
        self.value = value

    @property
    def placeholders(self) -> dict[str, str]:
        """What was given, as the text needs it."""
        return {"value": str(self.value)}


class InvalidPort(SharingError):
    """A port number is 1-65535; 0 is reserved (RFC 6335 section 6)."""

    key = "invalid_port"

    def __init__(self, field: str, value: object) -> None:
        """Remember what was given, and where."""
        super().__init__(field, value)
        self.field = field
        self.value = value

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        # A form sends whole numbers as floats, too.
        value = self.value
        return {
            "value": f"{value:.15g}" if isinstance(value, float) else str(value),
            "lowest": str(LOWEST_PORT),
            "highest": str(HIGHEST_PORT),
        }


class InvertedRange(SharingError):
    """A range ends before it begins."""

    key = "inverted_range"

    def __init__(self, field: str, first: int, last: int) -> None:
        """Remember the ends of the range."""
        super().__init__(field, first, last)
        self.field = field
        self.first = first
        self.last = last

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {"first": str(self.first), "last": str(self.last)}


class UnequalRanges(SharingError):
    """External ports and ports to device are mapped one to one."""

    key = "unequal_ranges"
    field = "external_port_end"

    def __init__(self, ports: PortRange, external: PortRange) -> None:
        """Remember both ranges."""
        super().__init__(ports, external)
        self.ports = ports
        self.external = external

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {
            "ports": str(self.ports),
            "count": str(len(self.ports)),
            "external": str(self.external),
            "external_count": str(len(self.external)),
        }


class RangeBeyondLastPort(SharingError):
    """A range that begins at this external port would end above 65535."""

    key = "range_beyond_last_port"
    field = "external_port"

    def __init__(self, first: int, count: int) -> None:
        """Remember where the range begins and how long it is."""
        super().__init__(first, count)
        self.first = first
        self.count = count

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {
            "first": str(self.first),
            "count": str(self.count),
            "highest": str(HIGHEST_PORT),
        }


class ExternalPortTaken(SharingError):
    """An external port exists once per gateway and transport protocol (IPv4)."""

    key = "external_port_taken"
    field = "external_port"

    def __init__(
        self,
        wanted: PortRange,
        holder: Share,
        holder_device: str,
        proposal: PortRange | None,
    ) -> None:
        """Remember who holds the port and which one is free."""
        super().__init__(wanted, holder, holder_device, proposal)
        self.wanted = wanted
        self.holder = holder
        self.holder_device = holder_device
        self.proposal = proposal

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {
            "wanted": str(self.wanted),
            "taken": str(self.holder.external),
            "share": self.holder.name,
            "device": self.holder_device,
            "proposal": "-" if self.proposal is None else str(self.proposal),
        }


class DevicePortTaken(SharingError):
    """A port to device exists once per device and transport protocol."""

    key = "device_port_taken"
    field = "port"

    def __init__(self, wanted: PortRange, holder: Share, holder_device: str) -> None:
        """Remember which share of the device holds the port."""
        super().__init__(wanted, holder, holder_device)
        self.wanted = wanted
        self.holder = holder
        self.holder_device = holder_device

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {
            "wanted": str(self.wanted),
            "taken": str(self.holder.ports),
            "share": self.holder.name,
            "device": self.holder_device,
        }


class NoExternalPortFree(SharingError):
    """Not one external port (or range of this length) is left."""

    key = "no_external_port_free"
    field = "external_port"

    def __init__(self, count: int) -> None:
        """Remember how many ports in a row were asked for."""
        super().__init__(count)
        self.count = count

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {"count": str(self.count)}


class InvalidName(SharingError):
    """A name is one line of 1 to 64 characters."""

    key = "invalid_name"
    field = "name"


class InvalidProtocol(_OfAValue, SharingError):
    """The protocol is not one that can be shared."""

    key = "invalid_protocol"
    field = "protocol"


class NoFamily(SharingError):
    """Neither IPv4 nor IPv6 was chosen."""

    key = "no_family"
    field = "ipv4"


class InvalidDevice(_OfAValue, SharingError):
    """What was typed for a device is no device that can be shared.

    The subclasses say why; `value` is what was typed.
    """

    key = "invalid_device"
    field = "device"


class MulticastMac(InvalidDevice):
    """A multicast or broadcast MAC address belongs to no single device."""

    key = "multicast_mac"


class GatewayItself(InvalidDevice):
    """The address is one of the gateway's own."""

    key = "gateway_itself"


class OutsideLan(InvalidDevice):
    """The address is not in the home network."""

    key = "outside_lan"


class NobodyAnswers(InvalidDevice):
    """No device of the home network answers at this address."""

    key = "nobody_answers"


class InvalidDuration(SharingError):
    """A share is open for a while from a minute to 30 days."""

    key = "invalid_duration"
    field = "duration"

    def __init__(self, duration: timedelta) -> None:
        """Remember what was asked for."""
        super().__init__(duration)
        self.duration = duration

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {"duration": str(self.duration)}


class InvalidTime(_OfAValue, SharingError):
    """The time at which a share closes is written as in ISO 8601."""

    key = "invalid_time"
    field = "open_until"


class UnknownShare(SharingError):
    """There is no share with this id."""

    key = "unknown_share"
    field = "share_id"

    def __init__(self, share_id: str) -> None:
        """Remember what was asked for."""
        super().__init__(share_id)
        self.share_id = share_id

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {"share_id": self.share_id}
