"""Interruptions of the internet, and the FRITZ!Box's five-minute rule.

Shares close and open with the internet at once. It is told of a share only if more than
five minutes lie between; then both are told, with their true times.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

TELL_AFTER: Final = timedelta(minutes=5)


class Turn(StrEnum):
    """What an outage has to tell."""

    LOST = "lost"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Telling:
    """Something to tell of an outage: when it happened and how long the outage lasted.

    `lasted` is None as long as the outage goes on.
    """

    turn: Turn
    at: datetime
    lasted: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """An interruption that has not ended. `told`: it has lasted long enough."""

    since: datetime
    told: bool = False

    def due(self, after: timedelta = TELL_AFTER) -> datetime | None:
        """Return when it is to be told; None if it has been."""
        return None if self.told else self.since + after + timedelta(milliseconds=1)


def observe(
    outage: Outage | None,
    *,
    connected: bool,
    now: datetime,
    after: timedelta = TELL_AFTER,
) -> tuple[Outage | None, tuple[Telling, ...]]:
    """Return what is true of an outage now, and what is to be told.

    To be called when the connection changes, when an outage is due, and at start: an
    outage that went on meanwhile is told then, with its true times.
    """
    if outage is None:
        return (None, ()) if connected else (Outage(now), ())
    tellings: list[Telling] = []
    lasted = now - outage.since
    if not outage.told and lasted > after:
        outage = replace(outage, told=True)
        tellings.append(Telling(Turn.LOST, outage.since))
    if not connected:
        return outage, tuple(tellings)
    if outage.told:
        tellings.append(Telling(Turn.RESTORED, now, lasted))
    return None, tuple(tellings)
