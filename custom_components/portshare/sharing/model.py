"""The words of port sharing as data.

Everything here is frozen: a change is a new object, so a snapshot that somebody
holds never changes under their hands.
"""

from collections.abc import Mapping as MappingView
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from operator import attrgetter
from typing import Final, Protocol as Protocol_

LOWEST_PORT: Final = 1
HIGHEST_PORT: Final = 65535


class Transport(StrEnum):
    """A protocol on top of IP, as the kernel sees it.

    Only TCP and UDP have ports; of the others, all ports stand for the whole of it.
    `any` is all of them: what an exposed host gets.
    """

    TCP = "tcp"
    UDP = "udp"
    ESP = "esp"
    GRE = "gre"
    ICMPV6 = "icmpv6"
    ANY = "any"


class Protocol(StrEnum):
    """The protocol of a share, as the user chooses it."""

    TCP = "tcp"
    UDP = "udp"
    TCP_UDP = "tcp_udp"
    ESP = "esp"
    GRE = "gre"
    PING6 = "ping6"
    EXPOSED_HOST = "exposed_host"

    @property
    def transports(self) -> tuple[Transport, ...]:
        """The transport protocols that a share of this protocol opens."""
        return _TRANSPORTS[self]

    @property
    def label(self) -> str:
        """The name of the protocol, as people know it in every language."""
        return _LABELS.get(self, self.upper())

    @property
    def has_ports(self) -> bool:
        """Whether a share of this protocol is about single ports."""
        return self in (Protocol.TCP, Protocol.UDP, Protocol.TCP_UDP)

    @property
    def families(self) -> frozenset[Family]:
        """The IP versions over which it can be shared, as on the FRITZ!Box."""
        if self in (Protocol.ESP, Protocol.GRE):
            return frozenset({Family.IPV4})
        if self is Protocol.PING6:
            return frozenset({Family.IPV6})
        return frozenset(Family)


_TRANSPORTS: Final = {
    Protocol.TCP: (Transport.TCP,),
    Protocol.UDP: (Transport.UDP,),
    Protocol.TCP_UDP: (Transport.TCP, Transport.UDP),
    Protocol.ESP: (Transport.ESP,),
    Protocol.GRE: (Transport.GRE,),
    Protocol.PING6: (Transport.ICMPV6,),
    Protocol.EXPOSED_HOST: (Transport.ANY,),
}


_LABELS: Final = {
    Protocol.TCP_UDP: "TCP+UDP",
    Protocol.EXPOSED_HOST: "Exposed host",
}


class Family(StrEnum):
    """An IP version."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"

    @property
    def label(self) -> str:
        """The IP version as people write it."""
        return {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}[self]


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """The ports from `first` to `last`, both included."""

    first: int
    last: int

    def __len__(self) -> int:
        """Return how many ports these are."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        """Return the ports as people write them: `80` or `6000-6010`."""
        if self.first == self.last:
            return str(self.first)
        return f"{self.first}-{self.last}"

    @property
    def numbers(self) -> range:
        """Each port."""
        return range(self.first, self.last + 1)

    def overlaps(self, other: PortRange) -> bool:
        """Return whether at least one port is in both ranges."""
        return self.first <= other.last and other.first <= self.last


ALL_PORTS: Final = PortRange(0, HIGHEST_PORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One port sharing setting of one device: what the user wants.

    `ports` are the ports to the device. `external` are the ports that the internet
    calls over IPv4; for IPv6 there is no address translation, so the internet calls
    `ports` at the device's own address. Both are all ports if the protocol has none.
    Only `sources` may call: addresses, networks or DNS names; none stands for everybody.
    A share that is open for a while is disabled at `open_until`.
    """

    share_id: str
    device_id: str
    name: str
    protocol: Protocol
    ports: PortRange
    external: PortRange
    ipv4: bool
    ipv6: bool
    enabled: bool
    sources: tuple[str, ...] = ()
    open_until: datetime | None = None

    @property
    def port(self) -> int | None:
        """The first port to the device; None if the protocol has no ports."""
        return self.ports.first if self.protocol.has_ports else None

    @property
    def port_end(self) -> int | None:
        """The last port to the device; None if the protocol has no ports."""
        return self.ports.last if self.protocol.has_ports else None

    @property
    def external_port(self) -> int | None:
        """The first external port; None if the protocol has no ports."""
        return self.external.first if self.protocol.has_ports else None

    @property
    def external_port_end(self) -> int | None:
        """The last external port; None if the protocol has no ports."""
        return self.external.last if self.protocol.has_ports else None

    @property
    def families(self) -> frozenset[Family]:
        """The IP versions over which the internet may call."""
        return frozenset(
            family
            for family, wanted in ((Family.IPV4, self.ipv4), (Family.IPV6, self.ipv6))
            if wanted
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device of the home network that has been added for sharing.

    `independent`: it may map ports itself.
    """

    device_id: str
    mac: str
    name: str
    independent: bool = False


ANY_IPV4: Final = IPv4Network("0.0.0.0/0")
ANY_IPV6: Final = IPv6Network("::/0")


@dataclass(frozen=True, slots=True)
class Dnat:
    """An IPv4 mapping: external ports of the gateway lead to a device.

    Ports are mapped one to one and in order, beginning with `port` of the device, which
    is known by its MAC address. Only `sources` may call. At `until` the kernel closes the
    mapping by itself.
    """

    transport: Transport
    external: PortRange
    mac: str
    address: IPv4Address
    port: int
    comment: str = ""
    until: datetime | None = None
    sources: tuple[IPv4Network, ...] = (ANY_IPV4,)

    @property
    def ports(self) -> PortRange:
        """The ports of the device."""
        return PortRange(self.port, self.port + len(self.external) - 1)


@dataclass(frozen=True, slots=True)
class Pinhole:
    """An IPv6 mapping: the internet may call these ports of this address of a device.

    Only `sources` may call. At `until` the kernel closes the mapping by itself.
    """

    transport: Transport
    mac: str
    address: IPv6Address
    ports: PortRange
    comment: str = ""
    until: datetime | None = None
    sources: tuple[IPv6Network, ...] = (ANY_IPV6,)


type Mapping = Dnat | Pinhole


def family_of(mapping: Mapping) -> Family:
    """Return the IP version that a mapping opens."""
    return Family.IPV4 if isinstance(mapping, Dnat) else Family.IPV6


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses at which a device can be reached now.

    `ipv4` and `ipv6` are those that the kernel has confirmed. `expected_ipv6` are those
    that the device gives itself in the LAN's prefixes, but that nobody has seen yet.
    """

    ipv4: IPv4Address | None = None
    ipv6: tuple[IPv6Address, ...] = ()
    expected_ipv6: tuple[IPv6Address, ...] = ()


NO_ADDRESSES: Final = Addresses()


class Firewalls(Protocol_):
    """The other firewalls of the gateway."""

    def keep_out(self, mapping: Mapping) -> bool:
        """Return whether they drop all calls to this mapping."""


@dataclass(frozen=True, slots=True)
class NoFirewalls:
    """There are no others."""

    def keep_out(self, mapping: Mapping) -> bool:
        """Return that nothing is dropped."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is observed on the gateway.

    `internet` holds the IP versions for which a WAN interface is up and has an address
    and a default route. `devices` maps MAC addresses (lower case, colons) to the
    addresses that the kernel has confirmed for them. `served` are the ports that the
    gateway itself offers to the internet. `firewalls` are those of others.
    `not_forwarded` are the IP versions that the kernel does not forward. `names` are the
    addresses that DNS names led to when they were resolved last.
    """

    internet: frozenset[Family] = frozenset()
    wan_ipv4: tuple[IPv4Address, ...] = ()
    wan_ipv6: tuple[IPv6Address, ...] = ()
    lan_ipv4: tuple[IPv4Network, ...] = ()
    lan_ipv6: tuple[IPv6Network, ...] = ()
    own_macs: frozenset[str] = frozenset()
    own_addresses: frozenset[IPv4Address | IPv6Address] = frozenset()
    devices: MappingView[str, Addresses] = field(default_factory=dict)
    served: frozenset[tuple[Transport, int]] = frozenset()
    firewalls: Firewalls = field(default_factory=NoFirewalls)
    not_forwarded: frozenset[Family] = frozenset()
    names: MappingView[str, tuple[IPv4Address | IPv6Address, ...]] = field(
        default_factory=dict
    )

    @property
    def lan_families(self) -> frozenset[Family]:
        """The IP versions that the home network has."""
        return frozenset(
            family
            for family, networks in (
                (Family.IPV4, self.lan_ipv4),
                (Family.IPV6, self.lan_ipv6),
            )
            if networks
        )

    def keep_out(self, mapping: Mapping) -> bool:
        """Return whether the gateway drops all calls to this mapping, whatever we do."""
        return family_of(mapping) in self.not_forwarded or self.firewalls.keep_out(
            mapping
        )

    def addresses_of(self, mac: str) -> Addresses:
        """Return the confirmed addresses of a device, empty if there are none."""
        return self.devices.get(mac, NO_ADDRESSES)

    def same_gateway(self, other: Facts) -> bool:
        """Return whether all but the addresses of devices and names is the same."""
        return _of_gateway(self) == _of_gateway(other)


_of_gateway: Final = attrgetter(
    *(each.name for each in fields(Facts) if each.name not in ("devices", "names"))
)


class Status(StrEnum):
    """What is true of a share in the kernel now."""

    ACTIVE = "active"
    OFF = "off"
    NO_INTERNET = "no_internet"
    DEVICE_UNKNOWN = "device_unknown"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the firewall must know beside the mappings.

    `internet`: the IP versions that may come in at all. `wan_ipv4` and `lan_ipv4` are
    for devices at home that call the WAN address (hairpin). `protect`: keep everything
    else out, and hide the home network behind the WAN address. `served`: what the
    gateway offers to the internet itself, which never goes to an exposed host.
    """

    internet: frozenset[Family]
    wan_ipv4: tuple[IPv4Address, ...]
    lan_ipv4: tuple[IPv4Network, ...]
    protect: bool
    served: frozenset[tuple[Transport, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class LanAddress:
    """An address of the gateway at home, link-local ones of IPv6 included."""

    address: IPv4Address | IPv6Address
    link: int
    interface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A port that a device has mapped for itself, as long as its lease lasts.

    `name` is what the firewall's comment says. Over IPv4 the external port leads to the
    device; a lease of IPv6 opens the one `address` that asked for it. Only `sources` may
    call; none stands for everybody. `description` is what the device says of it, and
    `asked_by` are the protocols by which it has asked.
    """

    lease_id: str
    mac: str
    name: str
    transport: Transport
    port: int
    external_port: int
    expires: datetime
    address: IPv6Address | None = None
    sources: tuple[IPv4Network | IPv6Network, ...] = ()
    description: str = ""
    asked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Mappings to open and to close, together or not at all."""

    opened: tuple[Mapping, ...] = ()
    closed: tuple[Mapping, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.opened or self.closed)
