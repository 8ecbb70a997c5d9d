"""Outages of a share that is switched on, and the FRITZ!Box's five-minute rule.

A share closes at once with the internet or its device, and opens with it again. It is told
only if more than five minutes lie between; then both are told, with their true times. That
another share has its port, or another firewall keeps callers out, is nothing that passes by
itself, so it is told at once.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .model import Status

TELL_AFTER: Final = timedelta(minutes=5)

_PASSING: Final = frozenset({Status.NO_INTERNET, Status.DEVICE_UNKNOWN})
_LASTING: Final = frozenset({Status.CONFLICT, Status.BLOCKED})


class Turn(StrEnum):
    """What an outage has to tell."""

    CLOSED = "closed"
    OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Telling:
    """Something to tell of an outage: when it happened and how long the outage lasted.

    `lasted` is None as long as the outage goes on, and if the share was not open before.
    """

    turn: Turn
    cause: Status
    at: datetime
    lasted: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a share is switched on, but closed.

    `cause` is the status with which it began, whatever comes on top of that. `since` is
    None if the share was not open before. `told`: that it was closed has been told.
    """

    cause: Status
    since: datetime | None
    told: bool = False

    def due(self, after: timedelta = TELL_AFTER) -> datetime | None:
        """Return when it is to be told; None if it has been, or is not to be."""
        if self.told or self.since is None:
            return None
        if self.cause in _LASTING:
            return self.since
        return self.since + after + timedelta(milliseconds=1)


def observe(
    outage: Outage | None,
    *,
    status: Status,
    was_open: bool,
    now: datetime,
    after: timedelta = TELL_AFTER,
) -> tuple[Outage | None, tuple[Telling, ...]]:
    """Return what is true of a share's outage now, and what is to be told.

    `was_open` counts where an outage begins. To be called when the status changes, when
    an outage is due, and at start: an outage that went on meanwhile is told then, with
    its true times.
    """
    if status is Status.OFF:
        return None, ()
    if outage is None:
        if status not in _PASSING | _LASTING:
            return None, ()
        outage = Outage(status, now if was_open else None)
    since = outage.since
    tellings: list[Telling] = []
    if since and (due := outage.due(after)) and due <= now:
        outage = replace(outage, told=True)
        tellings.append(Telling(Turn.CLOSED, outage.cause, since))
    if status is not Status.ACTIVE:
        return outage, tuple(tellings)
    # Who has waited, also from the beginning, is open only now.
    if outage.told or outage.cause in _LASTING:
        # The clock may have been set back since.
        lasted = max(now - since, timedelta()) if since else None
        tellings.append(Telling(Turn.OPENED, outage.cause, now, lasted))
    return None, tuple(tellings)
