"""What our page shows, as its browser gets it; and what has changed since it last did.

A view is all that a description of something is made of. Views are compared instead of
descriptions: they hold the very objects of the snapshot, so that what has not changed is
known by identity, and thousands of shares are looked through in a millisecond.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from .sharing.applications import Application
from .sharing.model import Addresses, Device, Family
from .sharing.snapshot import LeaseState, ShareState
from .tally import Tally

type Json = dict[str, Any]


class GatewayView(NamedTuple):
    """The gateway; `unused_permissions` are devices that may map ports and never did.

    If it is not `available`, the kernel could not be asked, and the rest is what was
    known before.
    """

    entry_id: str
    name: str
    device_id: str
    available: bool
    internet: frozenset[Family]
    external_ipv4: str | None
    external_ipv6: str | None
    dns_name: str
    open_ports: int
    unused_permissions: int

    def described(self) -> Json:
        """Return it as the browser gets it."""
        return {**self._asdict(), "internet": sorted(self.internet), "loaded": True}


class DeviceView(NamedTuple):
    """A device; `registry_id` is its id in the device registry."""

    device: Device
    addresses: Addresses
    registry_id: str | None

    def described(self) -> Json:
        """Return it as the browser gets it."""
        device, addresses = self.device, self.addresses
        return {
            "id": device.device_id,
            "name": device.name,
            "mac": device.mac,
            **described_addresses(addresses),
            "independent": device.independent,
            "device_id": self.registry_id,
        }


class ShareView(NamedTuple):
    """A share; `entity_id` is that of its switch."""

    state: ShareState
    nobody_listens: bool | None
    entity_id: str | None

    def described(self) -> Json:
        """Return it as the browser gets it."""
        state, share = self.state, self.state.share
        return {
            "id": share.share_id,
            "device": share.device_id,
            "name": share.name,
            "protocol": share.protocol.value,
            "port": share.port,
            "port_end": _end(share.port, share.port_end),
            "external_port": share.external_port,
            "external_port_end": _end(share.external_port, share.external_port_end),
            "ipv4": share.ipv4,
            "ipv6": share.ipv6,
            "sources": list(share.sources),
            "enabled": share.enabled,
            "open_until": _iso(share.open_until),
            "status": state.status.value,
            "families": sorted(state.families),
            "calls": list(state.calls),
            "nobody_listens": self.nobody_listens,
            "entity_id": self.entity_id,
        }


class LeaseView(NamedTuple):
    """What a device has mapped itself; `device_id` if it was added for sharing."""

    state: LeaseState
    device_id: str | None

    def described(self) -> Json:
        """Return it as the browser gets it."""
        state, lease = self.state, self.state.lease
        return {
            "id": lease.lease_id,
            "mac": lease.mac,
            "device": self.device_id,
            "protocol": lease.transport.value,
            "port": lease.port,
            "external_port": lease.external_port,
            "address": str(lease.address) if lease.address else None,
            "description": lease.description,
            "asked_by": list(lease.asked_by),
            "expires": lease.expires.isoformat(),
            "status": state.status.value,
            "families": sorted(state.families),
            "calls": list(state.calls),
        }


class TrafficView(NamedTuple):
    """What went through a share or lease. Tallies grow, so their sums are compared."""

    bytes_in: int
    bytes_out: int
    connections: int
    tally: Tally

    @classmethod
    def of(cls, tally: Tally) -> TrafficView:
        """Return the view of a tally as it is now."""
        return cls(tally.bytes_in, tally.bytes_out, tally.calls, tally)

    def described(self) -> Json:
        """Return it as the browser gets it."""
        last = next(iter(self.tally.latest(1)), None)
        return {
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "connections": self.connections,
            "last_visitor": str(last.address) if last else None,
            "last_call": last.last.isoformat() if last else None,
        }


@dataclass(frozen=True, slots=True)
class PanelState:
    """Everything that is shown, at one moment."""

    gateway: GatewayView | None = None
    devices: Mapping[str, DeviceView] = field(default_factory=dict)
    shares: Mapping[str, ShareView] = field(default_factory=dict)
    leases: Mapping[str, LeaseView] = field(default_factory=dict)
    traffic: Mapping[str, TrafficView] = field(default_factory=dict)

    def described(self) -> Json:
        """Return all of it as the browser gets it."""
        empty: Json = {"devices": {}, "shares": {}, "leases": {}, "traffic": {}}
        return {**empty, **self.changes_since(PanelState())}

    def changes_since(self, before: PanelState) -> Json:
        """Return what is new or different as the browser gets it; None is gone."""
        changes: Json = {}
        if self.gateway and self.gateway != before.gateway:
            changes["gateway"] = self.gateway.described()
        tables: tuple[tuple[str, Json], ...] = (
            ("devices", _changes(before.devices, self.devices, DeviceView.described)),
            ("shares", _changes(before.shares, self.shares, ShareView.described)),
            ("leases", _changes(before.leases, self.leases, LeaseView.described)),
            ("traffic", _changes(before.traffic, self.traffic, TrafficView.described)),
        )
        return {**changes, **{key: table for key, table in tables if table}}


def described_application(application: Application, name: str) -> Json:
    """Return an application with the name that people read."""
    has_ports = application.protocol.has_ports
    first, last = application.ports.first, application.ports.last
    return {
        "name": name,
        "protocol": application.protocol.value,
        "port": first if has_ports else None,
        "port_end": _end(first, last) if has_ports else None,
    }


def described_addresses(addresses: Addresses) -> Json:
    """Return at which addresses a device is, and so whether it is there at all."""
    return {
        "ipv4": str(addresses.ipv4) if addresses.ipv4 else None,
        "ipv6": [str(each) for each in addresses.ipv6],
        "online": bool(addresses.ipv4 or addresses.ipv6),
    }


def _changes[ViewT](
    before: Mapping[str, ViewT],
    after: Mapping[str, ViewT],
    described: Callable[[ViewT], Json],
) -> dict[str, Json | None]:
    changes: dict[str, Json | None] = {
        key: described(view) for key, view in after.items() if before.get(key) != view
    }
    return changes | dict.fromkeys(before.keys() - after.keys())


def _end(first: int | None, last: int | None) -> int | None:
    """Return the last port of a range; None if it is a single port."""
    return None if first == last else last


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
