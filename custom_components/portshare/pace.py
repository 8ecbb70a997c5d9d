"""Telling at once, but not a hundred times."""

import asyncio
from collections.abc import Callable


class Pace:
    """Lets a burst of calls through at once, and after that one for each interval.

    What is asked for in between is one call later, so the last word is always told.
    """

    def __init__(
        self, call: Callable[[], None], *, burst: int, interval: float
    ) -> None:
        """Remember what to call; the interval is in seconds."""
        self._call = call
        self._burst = burst
        self._interval = interval
        self._left = float(burst)
        self._counted = 0.0
        self._later: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Call now, or later if there has been too much of it."""
        if self._later:
            return
        loop = asyncio.get_running_loop()
        self._count(loop.time())
        if self._left >= 1:
            self._left -= 1
            self._call()
        else:
            wait = (1 - self._left) * self._interval
            self._later = loop.call_later(wait, self._overdue)

    def hurry(self) -> None:
        """Call now, whatever there has been; it takes nothing from the burst."""
        self.cancel()
        self._call()

    def _overdue(self) -> None:
        self._later = None
        self._count(asyncio.get_running_loop().time())
        self._left = max(0.0, self._left - 1)
        self._call()

    def cancel(self) -> None:
        """Forget what was to be called later."""
        if self._later:
            self._later.cancel()
            self._later = None

    def _count(self, now: float) -> None:
        gained = (now - self._counted) / self._interval
        self._left = min(float(self._burst), self._left + gained)
        self._counted = now
