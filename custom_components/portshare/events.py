"""The bus event: what happened to a share, and why."""

from dataclasses import dataclass
from datetime import datetime
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


class Reason(StrEnum):
    """Who or what changed a share."""

    USER = "user"
    AUTOMATION = "automation"
    SERVICE = "service"


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


def share_event(
    event_type: EventType,
    share: Share,
    state: ShareState | None,
    *,
    entry_id: str,
    device_id: str | None,
    reason: Reason,
    at: datetime,
) -> dict[str, Any]:
    """Return the data of a portshare_event; `state` is None for a removed share."""
    return {
        "type": event_type.value,
        "entry_id": entry_id,
        "device_id": device_id,
        "share_id": share.share_id,
        "name": share.name,
        "protocol": share.protocol.value,
        "port": share.ports.first,
        "external_port": share.external.first,
        "families": sorted(state.families) if state else [],
        "reason": reason.value,
        "at": at.isoformat(),
    }
