"""When to look at others again, who have just changed something.

A firewall that starts adds hundreds of rules, and some programs never rest. So others are
given time to settle, and more time after each look if they still go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
import logging
from typing import Final

from .errors import GatewayError

_LOGGER = logging.getLogger(__name__)

_SETTLE_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 30.0


class Lookout:
    """Looks soon after a change, and ever more rarely while there are further ones."""

    def __init__(self, look: Callable[[], Awaitable[None]]) -> None:
        """Remember how to look; it may raise a GatewayError, and is tried again then."""
        self._look = look
        self._to_look = False
        self._task: asyncio.Task[None] | None = None

    def changed(self) -> None:
        """Look when others have settled."""
        self._to_look = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Look no more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        for pause in pauses():
            await asyncio.sleep(pause)
            if not self._to_look:
                return
            # What changes during a look may have been missed.
            self._to_look = False
            try:
                await self._look()
            except GatewayError as err:
                _LOGGER.debug("Looking at other firewalls failed: %s", err)
                self._to_look = True


def pauses() -> Iterator[float]:
    """Yield how many seconds to wait before each look, as long as changes go on."""
    pause = _SETTLE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_SECONDS)
