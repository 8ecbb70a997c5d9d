"""Leads flows that began earlier, after mappings have been opened for them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
import contextlib
import logging
from typing import Final

from ..sharing.model import Environment, Mapping
from .conntrack import Flows
from .errors import GatewayError
from .netlink import NETLINK_NETFILTER, NetlinkSocket

_LOGGER = logging.getLogger(__name__)

# A walk costs the kernel as much for many mappings as for five, and as long as it takes,
# milliseconds, that processor takes no packets (ctnetlink_dump_table). So when devices open
# ports in storms, walks get a hundredth of the time; more if one takes over 10 ms, as
# nobody shall wait longer than the longest rest.
_REST_FOR_WORK: Final = 99
_SHORTEST_REST_SECONDS: Final = 0.05
_LONGEST_REST_SECONDS: Final = 1.0


class Leading:
    """Does one walk through the kernel's table of flows at a time.

    What is opened meanwhile goes into the next one. It has a socket of its own, so that
    no transaction waits for a walk.
    """

    def __init__(self) -> None:
        """Nothing has been opened; `open` begins."""
        self._flows = Flows()
        self._netlink: NetlinkSocket | None = None
        self._environment: Environment | None = None
        self._opened: set[Mapping] = set()
        self._lock = asyncio.Lock()
        self._soon: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def open(self) -> None:
        """Open the socket. Raises OSError."""
        self._netlink = NetlinkSocket(NETLINK_NETFILTER)
        self._closing.clear()

    async def close(self) -> None:
        """Lead at once what is still to be led, and close the socket."""
        self._closing.set()
        if self._soon:
            await asyncio.wait([self._soon])
        if self._netlink:
            await self._netlink.close()
            self._netlink = None

    def note(
        self,
        environment: Environment,
        opened: Iterable[Mapping],
        closed: Iterable[Mapping],
    ) -> None:
        """Take note of what has just been opened and closed."""
        self._environment = environment
        self._opened.difference_update(closed)
        self._opened.update(opened)

    async def lead(self) -> None:
        """Let what was opened take effect for flows that began before."""
        async with self._lock:
            if self._opened:
                await self._walk(self._flows.lead)

    def lead_soon(self) -> None:
        """Do the same while nobody waits for it: at once, or after a short rest."""
        if self._soon is None or self._soon.done():
            loop = asyncio.get_running_loop()
            self._soon = loop.create_task(self._lead_all_noted())

    async def _lead_all_noted(self) -> None:
        # Who is answered because of what was opened goes first.
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        while self._opened:
            began = loop.time()
            await self.lead()
            rest = (loop.time() - began) * _REST_FOR_WORK
            rest = min(max(rest, _SHORTEST_REST_SECONDS), _LONGEST_REST_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._closing.wait()

    async def lead_all(self) -> None:
        """Do the same when nothing is known of what was open before, and learn it."""
        async with self._lock:
            await self._walk(self._flows.lead_all)

    async def _walk(self, lead: Callable[..., Awaitable[None]]) -> None:
        """Walk. What was opened is open, so a failure is no reason to say it is not."""
        opened, self._opened = self._opened, set()
        try:
            await lead(self._netlink, self._environment, opened)
        except GatewayError as err:
            _LOGGER.warning(
                "Flows that began earlier may not reach a new share: %s", err
            )
