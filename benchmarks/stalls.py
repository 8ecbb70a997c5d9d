"""How long an event loop does not come to what is due."""

import asyncio
import gc
import time

from .report import Line, Target

TARGET = Target(25.0)

_TICK_SECONDS = 0.002


class Stalls:
    """Looks all the time, from here to `stop`. In seconds.

    `busiest` is how much of the longest stall the loop's thread has worked: other programs
    on the machine can keep it waiting, too. When Python looks for garbage in all of Home
    Assistant, that is no doing of ours, and counts for neither.
    """

    def __init__(self) -> None:
        """Begin."""
        self.longest = 0.0
        self.busiest = 0.0
        self._loop = asyncio.get_running_loop()
        self._collected = 0.0
        self._collecting = 0.0
        gc.callbacks.append(self._collect)
        self._worked = time.thread_time()
        self._due = self._loop.time()
        self._look()

    def _collect(self, phase: str, _: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._collecting = now
        else:
            self._collected += now - self._collecting

    def _look(self) -> None:
        self._note()
        self._due = self._loop.time() + _TICK_SECONDS
        self._timer = self._loop.call_at(self._due, self._look)

    def _note(self) -> None:
        now, worked = self._loop.time(), time.thread_time()
        late = now - self._due - self._collected
        self.longest = max(self.longest, late)
        self.busiest = max(self.busiest, min(late, worked - self._worked))
        self._collected, self._worked = 0.0, worked

    def stop(self) -> None:
        """End, also in the middle of a stall."""
        self._note()
        self._timer.cancel()
        gc.callbacks.remove(self._collect)

    def lines(
        self, when: str, size: int | None = None, target: Target | None = TARGET
    ) -> list[Line]:
        """Return what there is to tell; `when` that was."""
        return [
            Line(
                f"longest stall of the event loop {when}",
                self.longest * 1000,
                "ms",
                size,
                target=target,
            ),
            Line(
                f"most that it worked at a stretch {when}",
                self.busiest * 1000,
                "ms",
                size,
                target=target,
            ),
        ]
