"""What devices without permission asked for, and what the user says to it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ..sharing.model import Transport
from .leases import Wish

# How long a request that the user has approved once may be made again.
APPROVED_FOR: Final = timedelta(minutes=10)
# How long nothing is told of a request that the user has denied.
QUIET_FOR: Final = timedelta(days=1)
# How often at most the same request is told, and how long it can be answered.
TELL_EVERY: Final = timedelta(hours=1)
ANSWERABLE_FOR: Final = timedelta(days=1)

type _Topic = tuple[str, Transport, int]


class Answer(StrEnum):
    """What the user says to a request. `ALWAYS`: permission, which the caller grants."""

    ONCE = "once"
    ALWAYS = "always"
    NO = "no"


class UnknownRequest(LookupError):
    """There is no such request, or not any more."""


class Approvals:
    """What the user has been asked, and has answered.

    A device asks by several protocols at once and again and again; the user is asked
    once. `most` requests are kept in all, and `most_of_device`: a device cannot have
    more mappings anyway.
    """

    def __init__(
        self, new_id: Callable[[], str], *, most: int, most_of_device: int
    ) -> None:
        """Nobody has asked."""
        self._new_id = new_id
        self._most = most
        self._most_of_device = most_of_device
        self._asked: dict[_Topic, tuple[str, Wish, datetime]] = {}
        self._approved: dict[_Topic, datetime] = {}
        self._denied: dict[_Topic, datetime] = {}

    def covers(self, wish: Wish, now: datetime) -> bool:
        """Return whether the user has approved this just now."""
        return _lasts(self._approved, _topic(wish), now)

    def ask(self, wish: Wish, now: datetime) -> str | None:
        """Return the id of the request if it is to be told to the user now."""
        topic = _topic(wish)
        if _lasts(self._denied, topic, now):
            return None
        if topic in self._asked:
            request_id, _, told = self._asked[topic]
            if now < told + TELL_EVERY:
                return None
        elif self._has_room(wish.device, now):
            request_id = self._new_id()
        else:
            return None
        self._asked[topic] = (request_id, wish, now)
        return request_id

    def answer(self, request_id: str, answer: Answer, now: datetime) -> Wish:
        """Note what the user says to a request, and return what it was for.

        Raises UnknownRequest.
        """
        self._forget(now)
        topics = {asked_id: topic for topic, (asked_id, _, _) in self._asked.items()}
        if request_id not in topics:
            raise UnknownRequest(request_id)
        topic = topics[request_id]
        _, wish, _ = self._asked.pop(topic)
        if answer is Answer.ONCE:
            self._approved[topic] = now + APPROVED_FOR
        elif answer is Answer.NO:
            self._denied[topic] = now + QUIET_FOR
        return wish

    def _has_room(self, device: str, now: datetime) -> bool:
        self._forget(now)
        of_device = sum(topic[0] == device for topic in self._asked)
        return len(self._asked) < self._most and of_device < self._most_of_device

    def _forget(self, now: datetime) -> None:
        """Forget what nobody has answered in time, and answers that are used up."""
        unanswered = (
            topic
            for topic, (_, _, told) in self._asked.items()
            if now >= told + ANSWERABLE_FOR
        )
        for topic in [*unanswered]:
            del self._asked[topic]
        for answers in (self._approved, self._denied):
            for topic in [topic for topic, until in answers.items() if now >= until]:
                del answers[topic]


def _lasts(answers: dict[_Topic, datetime], topic: _Topic, now: datetime) -> bool:
    return topic in answers and now < answers[topic]


def _topic(wish: Wish) -> _Topic:
    return (wish.device, wish.transport, wish.port)
