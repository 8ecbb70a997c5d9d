"""What is true now: the one thing that entities, services and events read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .model import Addresses, Device, Facts, Family, Share, Status
from .plan import Planned


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
class Snapshot:
    """The whole truth at one moment."""

    facts: Facts = field(default_factory=Facts)
    devices: Mapping[str, Device] = field(default_factory=dict)
    shares: Mapping[str, ShareState] = field(default_factory=dict)


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
        calls=call_strings(share, facts.addresses_of(device.mac), facts, dns_name),
    )


def call_strings(
    share: Share, addresses: Addresses, facts: Facts, dns_name: str = ""
) -> tuple[str, ...]:
    """Return what to tell a caller, as the FRITZ!Box words it.

    `home.example.org:50` if the gateway has a name: it leads to its IPv4 address.

    `203.0.113.7:50` for IPv4, `[2001:db8::5]:80` for IPv6. An IPv6 address that is only
    expected is told as long as there is no other.
    """
    calls = []
    if share.ipv4:
        if dns_name:
            calls.append(f"{dns_name}:{share.external}")
        calls += [f"{address}:{share.external}" for address in facts.wan_ipv4]
    if share.ipv6:
        ipv6 = addresses.ipv6 or addresses.expected_ipv6
        calls += [f"[{address}]:{share.ports}" for address in ipv6]
    return tuple(calls)


def open_ports(state: ShareState) -> int:
    """Return how many ports of the gateway or device a share holds open now."""
    if not state.families:
        return 0
    return len(state.share.ports) * len(state.share.protocol.transports)
