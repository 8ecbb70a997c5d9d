"""An event loop whose time passes only when there is nothing else to do.

So nobody waits: ten seconds of patience are over at once, and the same inputs meet the
same timers in every run.
"""

import asyncio
import selectors
from typing import Any, Final, override

# In seconds: what goes over the loopback may take a moment to get there.
_MOMENT: Final = 0.0005


class _Jumping(selectors.DefaultSelector):
    """Waits for a moment only, and then says that all the time has passed."""

    passed = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        ready = super().select(_MOMENT if timeout is not None else None)
        if not ready and timeout is not None:
            self.passed += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """The loop. Nothing in it may use threads, which take their time."""

    def __init__(self) -> None:
        """Begin at 0."""
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.passed
