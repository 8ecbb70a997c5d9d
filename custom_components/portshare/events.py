"""The bus event: what happened to a share or to the internet, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from homeassistant.core import Context

from .sharing.model import Share
from .sharing.snapshot import ShareState


class EventType(StrEnum):
    """The `type` of a portshare_event."""

    SHARE_ADDED = "share_added"
    SHARE_REMOVED = "share_removed"
    SHARE_ENABLED = "share_enabled"
    SHARE_DISABLED = "share_disabled"
    ALL_CLOSED = "all_closed"
    INTERNET_LOST = "internet_lost"
    INTERNET_RESTORED = "internet_restored"
    ADDRESS_CHANGED = "address_changed"


class Reason(StrEnum):
    """Who or what changed a share."""

    USER = "user"
    AUTOMATION = "automation"
    SERVICE = "service"
    INTERNET = "internet"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PortShareEvent:
    """Something that happened to a device's share, or to the gateway (no device)."""

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


def share_data(
    share: Share,
    state: ShareState | None,
    *,
    reason: Reason,
    at: datetime,
    lasted: timedelta | None = None,
) -> dict[str, Any]:
    """Return the data of an event of a share; `state` is None if it was removed.

    `lasted` is how long an interruption was, in seconds.
    """
    data = {
        "share_id": share.share_id,
        "name": share.name,
        "protocol": share.protocol.value,
        "port": share.ports.first,
        "external_port": share.external.first,
        "families": sorted(state.families) if state else [],
        "reason": reason.value,
        "at": at.isoformat(),
    }
    if lasted is not None:
        data["lasted"] = round(lasted.total_seconds())
    return data
