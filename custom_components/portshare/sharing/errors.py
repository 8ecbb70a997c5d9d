"""Why something cannot be shared.

Each error carries its data; the Home Assistant rooms turn `key` and `placeholders`
into a text in the user's language, and show it at the form's `field`.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, override

from .model import (
    HIGHEST_PORT,
    LOWEST_PORT,
    Family,
    PortRange,
    Protocol,
    Share,
    Transport,
)


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


class MissingPort(SharingError):
    """A protocol with ports needs to know which."""

    key = "missing_port"
    field = "port"


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


class _Held(ValueError):
    """Another share holds what there is only once."""

    def __init__(self, holder: Share, holder_device: str) -> None:
        """Remember which share it is, and of which device."""
        super().__init__(holder, holder_device)
        self.holder = holder
        self.holder_device = holder_device

    @property
    def placeholders(self) -> dict[str, str]:
        """The share that is in the way, as the text needs it."""
        return {
            "share": self.holder.name,
            "device": self.holder_device,
            "protocol": self.holder.protocol.label,
        }


class DeviceSharesAlready(_Held, SharingError):
    """What has no ports is shared once per device."""

    key = "device_shares_already"
    field = "protocol"


class ProtocolTaken(_Held, SharingError):
    """A protocol without ports leads to one device only over IPv4."""

    key = "protocol_taken"
    field = "protocol"


class ExposedHostTaken(_Held, SharingError):
    """There is one exposed host per gateway over IPv4."""

    key = "exposed_host_taken"
    field = "protocol"


class ServedByGateway(SharingError):
    """The gateway itself answers the internet on an external port."""

    key = "served_by_gateway"
    field = "external_port"

    def __init__(
        self, port: int, transport: Transport, proposal: PortRange | None
    ) -> None:
        """Remember what is served and which port is free."""
        super().__init__(port, transport, proposal)
        self.port = port
        self.transport = transport
        self.proposal = proposal

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {
            "port": str(self.port),
            "transport": self.transport.upper(),
            "proposal": "-" if self.proposal is None else str(self.proposal),
        }


class NeedsConfirmation(SharingError):
    """The share lets the internet at what a device is managed by.

    `services` says what is there, with the port: `SSH (22)`.
    """

    key = "needs_confirmation"
    field = "confirm"

    def __init__(self, services: str) -> None:
        """Remember what is there."""
        super().__init__(services)
        self.services = services

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {"services": self.services}


class ExposedHostNeedsConfirmation(NeedsConfirmation):
    """The share lets the internet at everything of a device."""

    key = "exposed_host_needs_confirmation"


class LeasedPortNeedsConfirmation(NeedsConfirmation):
    """A device has opened the port itself, and would lose it to the share.

    `services` says what for, as far as the device has said.
    """

    key = "leased_port_needs_confirmation"

    def __init__(self, port: int, device: str, description: str) -> None:
        """Remember which port of the internet side, and whose it is."""
        super().__init__(description)
        self.port = port
        self.device = device

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {
            "port": str(self.port),
            "device": self.device,
            "description": self.services,
        }


class InvalidSource(_OfAValue, SharingError):
    """A source is an address, a network or a DNS name."""

    key = "invalid_source"
    field = "sources"


class TooManySources(SharingError):
    """A share has a limited number of sources."""

    key = "too_many_sources"
    field = "sources"

    def __init__(self, count: int, most: int) -> None:
        """Remember how many were given, and how many may be."""
        super().__init__(count, most)
        self.count = count
        self.most = most

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {"count": str(self.count), "most": str(self.most)}


class NoSourceOfFamily(SharingError):
    """None of the sources can call over an IP version of the share."""

    key = "no_source_of_family"
    field = "sources"

    def __init__(self, families: Iterable[Family]) -> None:
        """Remember over which IP versions the share can be called."""
        self.families = frozenset(families)
        super().__init__(self.families)

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {"families": _named(self.families)}


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


class ProtocolWithoutFamily(SharingError):
    """The protocol cannot be shared over the IP version that was chosen."""

    key = "protocol_without_family"
    field = "protocol"

    def __init__(self, protocol: Protocol) -> None:
        """Remember the protocol."""
        super().__init__(protocol)
        self.protocol = protocol

    @property
    @override
    def placeholders(self) -> dict[str, str]:
        return {
            "protocol": self.protocol.label,
            "families": _named(self.protocol.families),
        }


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


class DeviceExists(InvalidDevice):
    """The device has been added for sharing already."""

    key = "device_exists"


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


class UnknownShare(_OfAValue, SharingError):
    """There is no share with this id."""

    key = "unknown_share"
    field = "share_id"


class UnknownDevice(_OfAValue, SharingError):
    """There is no device for sharing with this id."""

    key = "unknown_device"
    field = "device_id"


def _named(families: Iterable[Family]) -> str:
    return ", ".join(family.label for family in sorted(families))
