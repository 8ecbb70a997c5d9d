"""Sends what subscribers of UPnP events are to be told."""

import asyncio
from collections.abc import Mapping
import re
from typing import Final

from .descriptions import Device
from .gena import Notification, Subscriber, Subscription, Subscriptions
from .services import Service

# In seconds, for all of it. "within 30 seconds", says UDA 1.1 section 4.3.2, but who is at
# home answers at once.
_PATIENCE: Final = 5.0
_LONGEST_LINE: Final = 1_024
_ACCEPTED: Final = re.compile(rb"HTTP/1\.[01] 2[0-9]{2}\s.*", re.DOTALL)


class Notifier:
    """Waits until there is something to tell, and tells it."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        """Remember who is to be told what."""
        self._subscriptions = subscriptions
        self._timer: asyncio.TimerHandle | None = None
        self._delivering: set[asyncio.Task[None]] = set()

    def subscribe(
        self,
        subscriber: Subscriber,
        gateway: Device,
        service: Service,
        headers: Mapping[str, str],
    ) -> Subscription:
        """Begin or renew a subscription. Raises GenaError."""
        now = asyncio.get_running_loop().time()
        subscription = self._subscriptions.subscribe(
            subscriber, gateway, service, headers, now
        )
        self._wait()
        return subscription

    def unsubscribe(self, subscriber: Subscriber, headers: Mapping[str, str]) -> None:
        """End a subscription. Raises GenaError."""
        now = asyncio.get_running_loop().time()
        self._subscriptions.unsubscribe(subscriber, headers, now)

    def note_change(self) -> None:
        """Note that variables may have changed."""
        self._subscriptions.note_change(asyncio.get_running_loop().time())
        self._wait()

    async def close(self) -> None:
        """Tell nobody any more."""
        if self._timer:
            self._timer.cancel()
        for task in self._delivering:
            task.cancel()
        await asyncio.gather(*self._delivering, return_exceptions=True)

    def _wait(self) -> None:
        """Wait for when there is something to tell."""
        if self._timer:
            self._timer.cancel()
        due = self._subscriptions.next_due()
        loop = asyncio.get_running_loop()
        self._timer = None if due is None else loop.call_at(due, self._notify)

    def _notify(self) -> None:
        loop = asyncio.get_running_loop()
        for each in self._subscriptions.notify(loop.time()):
            task = loop.create_task(self._deliver(each))
            self._delivering.add(task)
            task.add_done_callback(self._delivering.discard)
        self._wait()

    async def _deliver(self, notification: Notification) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                accepted = await _send(notification)
        except OSError, ValueError:  # nobody listens, or somebody who talks too much
            accepted = False
        self._subscriptions.delivered(notification.sid, accepted=accepted)
        self._wait()


async def _send(notification: Notification) -> bool:
    """Send it, and return whether it is accepted; being sent elsewhere is a no."""
    reader, writer = await asyncio.open_connection(
        str(notification.address), notification.port, limit=_LONGEST_LINE
    )
    try:
        writer.write(notification.request)
        await writer.drain()
        return _ACCEPTED.fullmatch(await reader.readline()) is not None
    finally:
        writer.close()
