"""When what was opened for seconds closes by itself."""

import asyncio
import time
from typing import Final

NEARLY: Final = 1.0
"""Seconds before something closes in which nobody can be sure."""

LATE: Final = 1.0
"""Seconds that the kernel may close later."""


class Closing:
    """The times at which something closes."""

    def __init__(self) -> None:
        """Nothing does."""
        self._times: list[float] = []

    def within(self, seconds: float) -> None:
        """Note that something closes then."""
        self._times.append(time.monotonic() + seconds)

    def over(self) -> None:
        """Forget all: there is nothing any more that closes by itself."""
        self._times.clear()

    @property
    def is_far(self) -> bool:
        """Whether it is sure that nothing has closed yet."""
        return not self._times or time.monotonic() < min(self._times) - NEARLY

    async def wait(self) -> None:
        """Wait until all has closed."""
        if self._times:
            await asyncio.sleep(max(0.0, max(self._times) + LATE - time.monotonic()))
        self.over()
