"""The plan: from what the user wants and what is observed to mappings and status.

Each share is planned from itself, its device's addresses and the gateway's facts, so
planning the shares that a change touches leaves the same as planning all of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Final

from .configuration import Configuration
from .model import (
    ANY_IPV4,
    ANY_IPV6,
    Addresses,
    Change,
    Device,
    Dnat,
    Environment,
    Facts,
    Family,
    Lease,
    Mapping as PortMapping,
    Pinhole,
    PortRange,
    Share,
    Status,
    family_of,
)
from .sources import Callers, callers_of


@dataclass(frozen=True, slots=True)
class Planned:
    """What shall be true of one share: its status and its mappings.

    Calls to the mappings that are `kept_out` are dropped by another firewall, or not
    forwarded by the kernel.
    """

    status: Status
    mappings: tuple[PortMapping, ...] = ()
    kept_out: frozenset[PortMapping] = frozenset()

    @property
    def families(self) -> frozenset[Family]:
        """The IP versions over which at least one mapping can be reached."""
        return frozenset(
            family_of(each) for each in self.mappings if each not in self.kept_out
        )

    @property
    def blocked(self) -> frozenset[Family]:
        """The IP versions over which no mapping can be reached."""
        return frozenset(map(family_of, self.kept_out)) - self.families


NOTHING: Final = Planned(Status.OFF)

# Of thousands of leases nearly all may be called by everybody, and nobody is kept out.
_EVERYBODY4: Final = (ANY_IPV4,)
_EVERYBODY6: Final = (ANY_IPV6,)

type Plan = Mapping[str, Planned]


def plan(
    configuration: Configuration, facts: Facts, share_ids: Iterable[str] | None = None
) -> dict[str, Planned]:
    """Plan the given shares, or all. A share that no longer exists is planned away."""
    if share_ids is None:
        share_ids = configuration.shares
    return {
        share_id: _plan_share(share, configuration, facts)
        if (share := configuration.shares.get(share_id))
        else NOTHING
        for share_id in share_ids
    }


def plan_leases(
    leases: Iterable[Lease], configuration: Configuration, facts: Facts
) -> dict[str, Planned]:
    """Plan ports that devices have mapped for themselves.

    What the user shares comes first: a lease of the same port has a conflict.
    """
    return {
        lease.lease_id: Planned(Status.CONFLICT)
        if share_in_the_way(lease, configuration)
        else _judge(tuple(_mappings_of_lease(lease, facts)), facts)
        for lease in leases
    }


def share_in_the_way(lease: Lease, configuration: Configuration) -> Share | None:
    """Return the share that has the port of a lease, switched on or off."""
    if lease.address is None:
        return configuration.ports.external_holder(lease.transport, lease.external_port)
    return next(
        (
            share
            for device in configuration.devices.values()
            if device.mac == lease.mac
            for share in configuration.shares_of(device.device_id)
            if contests(share, lease)
        ),
        None,
    )


def contests(share: Share, lease: Lease) -> bool:
    """Return whether a share is about the port of a lease, whoever has it."""
    if lease.transport not in share.protocol.transports:
        return False
    if lease.address is None:
        ports, port = share.external, lease.external_port
        return share.ipv4 and ports.first <= port <= ports.last
    return share.ipv6 and share.ports.first <= lease.port <= share.ports.last


def change_between(before: Plan, after: Plan) -> Change:
    """Return what to open and close so that the shares of `after` become true."""
    was: dict[PortMapping, None] = {}
    will_be: dict[PortMapping, None] = {}
    for share_id, planned in after.items():
        mappings = before.get(share_id, NOTHING).mappings
        if mappings != planned.mappings:
            was.update(dict.fromkeys(mappings))
            will_be.update(dict.fromkeys(planned.mappings))
    # Compared as a whole: a mapping that goes from one share to another stays open.
    return Change(
        opened=tuple(mapping for mapping in will_be if mapping not in was),
        closed=tuple(mapping for mapping in was if mapping not in will_be),
    )


def environment(facts: Facts, *, protect: bool) -> Environment:
    """Return what the firewall must know beside the mappings."""
    return Environment(
        facts.internet, facts.wan_ipv4, facts.lan_ipv4, protect, facts.served
    )


def _plan_share(share: Share, configuration: Configuration, facts: Facts) -> Planned:
    if not share.enabled:
        return NOTHING
    if not configuration.ports.has(share.share_id):
        return Planned(Status.CONFLICT)
    callers = callers_of(share, facts)
    if not callers:
        return Planned(Status.ERROR)
    device = configuration.devices[share.device_id]
    addresses = facts.addresses_of(device.mac)
    return _judge(tuple(_mappings(share, device, addresses, callers)), facts)


def _judge(mappings: tuple[PortMapping, ...], facts: Facts) -> Planned:
    """Return what is true of mappings that somebody wants."""
    if not mappings:
        return Planned(Status.DEVICE_UNKNOWN)
    if facts.internet.isdisjoint(map(family_of, mappings)):
        return Planned(Status.NO_INTERNET, mappings)
    kept_out = frozenset(filter(facts.keep_out, mappings)) or NOTHING.kept_out
    planned = Planned(Status.ACTIVE, mappings, kept_out)
    if facts.internet.isdisjoint(planned.families):
        return replace(planned, status=Status.BLOCKED)
    return planned


def _mappings(
    share: Share, device: Device, addresses: Addresses, callers: Callers
) -> Iterator[PortMapping]:
    comment = f"{share.name} on {device.name}"
    if until := share.open_until:
        comment += f" until {until:%Y-%m-%d %H:%M:%S}"
    for transport in share.protocol.transports:
        if callers.ipv4 and addresses.ipv4:
            yield Dnat(
                transport,
                share.external,
                device.mac,
                addresses.ipv4,
                share.ports.first,
                comment,
                until,
                callers.ipv4,
            )
        if callers.ipv6:
            for address in addresses.ipv6 + addresses.expected_ipv6:
                yield Pinhole(
                    transport,
                    device.mac,
                    address,
                    share.ports,
                    comment,
                    until,
                    callers.ipv6,
                )


def _mappings_of_lease(lease: Lease, facts: Facts) -> Iterator[PortMapping]:
    addresses = facts.addresses_of(lease.mac)
    port = PortRange(lease.port, lease.port)
    if lease.address is None:
        if addresses.ipv4:
            sources = [each for each in lease.sources if isinstance(each, IPv4Network)]
            if sources:
                sources += facts.lan_ipv4  # who calls from home is not limited
            yield Dnat(
                lease.transport,
                PortRange(lease.external_port, lease.external_port),
                lease.mac,
                addresses.ipv4,
                lease.port,
                lease.name,
                lease.expires,
                tuple(collapse_addresses(sources)) or _EVERYBODY4,
            )
    elif lease.address in addresses.ipv6 + addresses.expected_ipv6:
        sources6 = [each for each in lease.sources if isinstance(each, IPv6Network)]
        yield Pinhole(
            lease.transport,
            lease.mac,
            lease.address,
            port,
            lease.name,
            lease.expires,
            tuple(collapse_addresses(sources6)) or _EVERYBODY6,
        )
