"""What is true now: the one thing that entities, services and events read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Final

from .model import (
    HIGHEST_PORT,
    Addresses,
    Device,
    Facts,
    Family,
    Lease,
    Protocol,
    Share,
    Status,
)
from .plan import Planned
from .sources import callers_of

# There may be thousands of leases, but there are only so many sets of IP versions.
_FAMILIES: Final = {
    each: each
    for each in (
        frozenset[Family](),
        frozenset({Family.IPV4}),
        frozenset({Family.IPV6}),
        frozenset(Family),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareState:
    """A share as it is in the kernel now.

    `families` are the IP versions over which the internet can call it at this moment.
    """

    share: Share
    status: Status
    families: frozenset[Family]
    addresses: Addresses
    calls: tuple[str, ...]

    @property
    def internal_ip(self) -> str | None:
        """The address of the device that the share leads to."""
        if self.share.ipv4 and self.addresses.ipv4:
            return str(self.addresses.ipv4)
        if self.share.ipv6 and self.addresses.ipv6:
            return str(self.addresses.ipv6[0])
        return None


@dataclass(frozen=True, slots=True)
class LeaseState:
    """A port that a device has mapped for itself, as it is in the kernel now."""

    lease: Lease
    status: Status
    families: frozenset[Family]
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole truth at one moment."""

    facts: Facts = field(default_factory=Facts)
    devices: Mapping[str, Device] = field(default_factory=dict)
    shares: Mapping[str, ShareState] = field(default_factory=dict)
    leases: Mapping[str, LeaseState] = field(default_factory=dict)

    @property
    def open_ports(self) -> int:
        """How many ports are open now, by whomever."""
        leased = sum(bool(state.families) for state in self.leases.values())
        return leased + sum(map(open_ports, self.shares.values()))


def changed_shares(
    before: Mapping[str, ShareState], after: Mapping[str, ShareState]
) -> set[str]:
    """Return the ids of what is new, gone, or another. What stays true stays the same."""
    return {
        share_id
        for share_id in before.keys() | after.keys()
        if before.get(share_id) is not after.get(share_id)
    }


def lease_state(
    lease: Lease, planned: Planned, facts: Facts, dns_name: str = ""
) -> LeaseState:
    """Return the state of a lease whose plan is in the kernel."""
    calls: tuple[str, ...] = ()
    if planned.families:
        calls = _calls_of_lease(lease, facts, dns_name)
    families = _FAMILIES[planned.families & facts.internet]
    return LeaseState(lease, planned.status, families, calls)


def share_state(
    share: Share,
    device: Device,
    planned: Planned,
    facts: Facts,
    dns_name: str = "",
) -> ShareState:
    """Return the state of a share whose plan is in the kernel."""
    families = planned.families & facts.internet
    return ShareState(
        share=share,
        status=planned.status,
        families=families,
        addresses=facts.addresses_of(device.mac),
        calls=call_strings(
            share, facts.addresses_of(device.mac), facts, dns_name, planned.blocked
        ),
    )


def call_strings(
    share: Share,
    addresses: Addresses,
    facts: Facts,
    dns_name: str = "",
    blocked: Collection[Family] = (),
) -> tuple[str, ...]:
    """Return what to tell a caller, as the FRITZ!Box words it.

    `home.example.org:50` if the gateway has a name: it leads to its IPv4 address.

    `203.0.113.7:50` for IPv4, `[2001:db8::5]:80` for IPv6; without a port the address
    alone. An IPv6 address that is only expected is told as long as there is no other.
    An IP version over which nobody may call, or that is `blocked`, is not told.
    """
    callers = callers_of(share, facts)
    ipv4: list[object] = []
    if callers.ipv4 and Family.IPV4 not in blocked:
        ipv4 = _gateway_ipv4(facts, dns_name)
    ipv6: tuple[IPv6Address, ...] = ()
    if callers.ipv6 and Family.IPV6 not in blocked:
        ipv6 = addresses.ipv6 or addresses.expected_ipv6
    if not share.protocol.has_ports:
        return tuple(map(str, (*ipv4, *ipv6)))
    return (
        *(f"{address}:{share.external}" for address in ipv4),
        *(f"[{address}]:{share.ports}" for address in ipv6),
    )


def _calls_of_lease(lease: Lease, facts: Facts, dns_name: str) -> tuple[str, ...]:
    if lease.address:
        return (f"[{lease.address}]:{lease.port}",)
    return tuple(
        f"{address}:{lease.external_port}" for address in _gateway_ipv4(facts, dns_name)
    )


def _gateway_ipv4(facts: Facts, dns_name: str) -> list[object]:
    """Return by what callers reach the gateway over IPv4."""
    return [*([dns_name] if dns_name else []), *facts.wan_ipv4]


def open_ports(state: ShareState) -> int:
    """Return how many ports of the gateway or device a share holds open now.

    An exposed host has all of TCP and UDP; a protocol without ports counts as one.
    """
    share = state.share
    if not state.families:
        return 0
    if share.protocol is Protocol.EXPOSED_HOST:
        return 2 * HIGHEST_PORT
    if not share.protocol.has_ports:
        return 1
    return len(share.ports) * len(share.protocol.transports)
