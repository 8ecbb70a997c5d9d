"""What must be told of the shares when the internet was gone: the five-minute rule.

Nobody waits for five minutes here: the expert option has three seconds instead.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
import time
from typing import Final

from demo.api import Json

from .happenings import (
    Cable,
    ChangeShare,
    CloseAll,
    Happening,
    Kill,
    Line,
    OpenForAWhile,
    Protect,
    RemoveDevice,
    RemoveShare,
    Start,
    Stop,
    Turn,
)
from .model import Household

TELL_AFTER: Final = 3
"""Seconds of an outage from which on it is told of the shares."""

UNSURE: Final = 0.7
"""Seconds around that in which it may be told, or not."""

_SHARE_EVENTS: Final = ("share_disabled", "share_enabled")


@dataclass(slots=True)
class _Outage:
    """The internet is gone since then, for shares that were open; `lasted` at its end.

    `judged`: it is simple enough to say what must be told.
    """

    since: float
    shares: set[str]
    lasted: float | None = None
    judged: bool = True


class Outages:
    """Follows the cable to the internet with a watch, and hears what is told."""

    def __init__(self) -> None:
        """The internet is there, and was."""
        self._outage: _Outage | None = None
        self._heard: list[Json] = []

    def follow(self, happening: Happening, model: Household) -> None:
        """Note what happens; `model` has been changed by it."""
        match happening:
            case Line(plugged=False):
                # Home Assistant may have seen nothing of the time in between.
                unbroken = self._outage is None
                names = {
                    share.name
                    for share in model.shares.values()
                    if share.enabled
                    and not share.short
                    and share.device not in model.away
                }
                self._outage = _Outage(time.monotonic(), names, judged=unbroken)
            case Line(plugged=True) if self._outage:
                self._outage.lasted = time.monotonic() - self._outage.since
            case Turn(number) | RemoveShare(number) | OpenForAWhile(number):
                self._forget(number)
            case ChangeShare(share):
                self._forget(share.number)
            case Cable() | CloseAll() | RemoveDevice() | Protect():
                self._do_not_judge()
            case Stop() | Kill() | Start():
                self._do_not_judge()
                if self._outage is None:
                    # What was told meanwhile is told when it starts.
                    self._outage = _Outage(0.0, set(), lasted=0.0, judged=False)

    def hear(self, events: Iterable[Json]) -> None:
        """Hear what portshare tells."""
        self._heard += [
            each
            for each in events
            if each["type"] in _SHARE_EVENTS and each["reason"] == "internet"
        ]

    def wrong(self) -> list[str]:
        """Say what was told wrongly, when the internet is back."""
        outage = self._outage
        told = Counter((each["name"], each["type"]) for each in self._heard)
        if outage is None:
            return [f"Told without an outage: {each}" for each in told]
        if outage.lasted is None or not outage.judged:
            return []
        if outage.lasted < TELL_AFTER - UNSURE:
            return [f"Told of {outage.lasted:.1f} s without: {each}" for each in told]
        if outage.lasted < TELL_AFTER + UNSURE:
            return []
        return [
            f"Of {outage.lasted:.1f} s without was told {told[name, type_]} times:"
            f" {type_} of {name}"
            for name in sorted(outage.shares)
            for type_ in _SHARE_EVENTS
            if told[name, type_] != 1
        ]

    def judge_no_more(self) -> None:
        """All was told as it must be: forget an outage that is over."""
        if self._outage is None or self._outage.lasted is not None:
            self._outage = None
            self._heard.clear()

    def _forget(self, number: int) -> None:
        if self._outage:
            self._outage.shares.discard(f"Share {number}")

    def _do_not_judge(self) -> None:
        if self._outage:
            self._outage.judged = False
