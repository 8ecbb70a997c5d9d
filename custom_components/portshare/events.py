"""The bus event: what happened to a share or to the internet, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from homeassistant.core import Context

from .gateway.books import Visitor
from .independent.leases import Wish
from .sharing.model import Lease, Share, Status
from .sharing.outage import Telling, Turn
from .sharing.snapshot import LeaseState, ShareState

# In place of a subentry: a device that nobody has added for sharing.
NOT_ADDED: Final = ""


class EventType(StrEnum):
    """The `type` of a portshare_event."""

    SHARE_ADDED = "share_added"
    SHARE_REMOVED = "share_removed"
    SHARE_ENABLED = "share_enabled"
    SHARE_DISABLED = "share_disabled"
    ALL_CLOSED = "all_closed"
    FIRST_CALL = "first_call"
    MORE_FIRST_CALLS = "more_first_calls"
    MAPPING_ADDED = "mapping_added"
    MAPPING_REMOVED = "mapping_removed"
    MAPPING_REQUESTED = "mapping_requested"
    INTERNET_LOST = "internet_lost"
    INTERNET_RESTORED = "internet_restored"
    ADDRESS_CHANGED = "address_changed"


class Reason(StrEnum):
    """Who or what changed a share, or a mapping that a device has made itself.

    A device changes its own mappings (`lease`), loses them with its `permission`, and
    asks for them by a `request` if it has none.
    """

    USER = "user"
    AUTOMATION = "automation"
    SERVICE = "service"
    INTERNET = "internet"
    EXPIRED = "expired"
    DEVICE = "device"
    CONFLICT = "conflict"
    FIREWALL = "firewall"
    PERMISSION = "permission"
    LEASE = "lease"
    REQUEST = "request"


_REASONS: Final = {
    Status.NO_INTERNET: Reason.INTERNET,
    Status.DEVICE_UNKNOWN: Reason.DEVICE,
    Status.CONFLICT: Reason.CONFLICT,
    Status.BLOCKED: Reason.FIREWALL,
}


@dataclass(frozen=True, slots=True)
class PortShareEvent:
    """Something that happened to a device (see NOT_ADDED), or to the gateway: None."""

    type: EventType
    data: dict[str, Any]
    subentry_id: str | None = None
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a share changes, and the context to which that belongs."""

    reason: Reason = Reason.USER
    context: Context | None = None

    @classmethod
    def of_switch(cls, context: Context | None) -> Self:
        """Return who turned a switch: an automation's context has a parent."""
        if context and context.parent_id:
            return cls(Reason.AUTOMATION, context)
        return cls(Reason.USER, context)

    @classmethod
    def of_service(cls, context: Context) -> Self:
        """Return the cause of a call of one of our own services."""
        if context.parent_id:
            return cls(Reason.AUTOMATION, context)
        return cls(Reason.SERVICE, context)


def readable_duration(seconds: int) -> str:
    """Return hours, minutes and seconds as every language writes them: `26:03:04`."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def event_types(before: Share | None, after: Share | None) -> list[EventType]:
    """Return what happened to a share; None stands for "not there"."""
    was_enabled = before is not None and before.enabled
    is_enabled = after is not None and after.enabled
    happened = []
    if before is None:
        happened.append(EventType.SHARE_ADDED)
    if is_enabled and not was_enabled:
        happened.append(EventType.SHARE_ENABLED)
    if was_enabled and not is_enabled:
        happened.append(EventType.SHARE_DISABLED)
    if after is None:
        happened.append(EventType.SHARE_REMOVED)
    return happened


def of_outage(
    share: Share, state: ShareState | None, telling: Telling
) -> PortShareEvent:
    """Return the event that tells of an outage of a share."""
    closed = telling.turn is Turn.CLOSED
    data = share_data(
        share,
        None if closed else state,
        reason=_REASONS[telling.cause],
        at=telling.at,
    )
    if telling.lasted is not None:
        data["lasted"] = round(telling.lasted.total_seconds())
    return PortShareEvent(
        EventType.SHARE_DISABLED if closed else EventType.SHARE_ENABLED,
        data,
        share.device_id,
    )


def share_data(
    share: Share,
    state: ShareState | None,
    *,
    reason: Reason,
    at: datetime,
) -> dict[str, Any]:
    """Return the data of an event of a share; `state` is None if it is gone."""
    return {
        **_which(share),
        "families": sorted(state.families) if state else [],
        "reason": reason.value,
        "at": at.isoformat(),
    }


def of_first_call(share: Share, visitor: Visitor) -> PortShareEvent:
    """Return the event that tells who has called a share and never did before."""
    data = {
        **_which(share),
        "address": str(visitor.address),
        "calls": visitor.calls,
        "at": visitor.last.isoformat(),
    }
    return PortShareEvent(EventType.FIRST_CALL, data, share.device_id)


def of_more_first_calls(count: int, at: datetime) -> PortShareEvent:
    """Return the event that stands for those of whom there were too many."""
    data = {"count": count, "at": at.isoformat()}
    return PortShareEvent(EventType.MORE_FIRST_CALLS, data)


def of_lease(
    event_type: EventType,
    lease: Lease,
    state: LeaseState | None,
    subentry_id: str,
    cause: Cause,
    at: datetime,
) -> PortShareEvent:
    """Return the event that tells of a mapping of a device; no state: it is gone."""
    data = {
        **lease_data(lease),
        "families": sorted(state.families) if state else [],
        "reason": cause.reason.value,
        "at": at.isoformat(),
    }
    return PortShareEvent(event_type, data, subentry_id, cause.context)


def lease_data(lease: Lease) -> dict[str, Any]:
    """Return by what a mapping of a device is known in an event."""
    return {
        "lease_id": lease.lease_id,
        "mac": lease.mac,
        "name": lease.description,
        "description": lease.description,
        "protocol": lease.transport.value,
        "port": lease.port,
        "external_port": lease.external_port,
        "asked_by": list(lease.asked_by),
    }


def of_request(
    wish: Wish, request_id: str, subentry_id: str, at: datetime
) -> PortShareEvent:
    """Return the event that tells what a device without permission has asked for.

    The external port is 0 if any will do.
    """
    data = {
        "request_id": request_id,
        "mac": wish.device,
        "name": wish.description,
        "description": wish.description,
        "protocol": wish.transport.value,
        "port": wish.port,
        "external_port": wish.external_port,
        "asked_by": wish.asked_by.value,
        "families": [wish.family.value],
        "reason": Reason.REQUEST.value,
        "at": at.isoformat(),
    }
    return PortShareEvent(EventType.MAPPING_REQUESTED, data, subentry_id)


def _which(share: Share) -> dict[str, Any]:
    """Return by what a share is known in an event."""
    return {
        "share_id": share.share_id,
        "name": share.name,
        "protocol": share.protocol.value,
        "port": share.port,
        "external_port": share.external_port,
    }
