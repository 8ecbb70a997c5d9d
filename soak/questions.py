"""Questions by packets: many doors are called at once, and who answers is noted.

Blocking, for a thread: it enters the callers' namespaces.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
import contextlib
from dataclasses import dataclass
import itertools
import select
import socket
import time
from typing import Final

from demo import netns
from demo.home import Addresses
from demo.netns import Namespace

from .model import Door

SILENCE: Final = 0.2
"""Seconds after which a door that should be closed is. An answer takes a few ms."""

PATIENCE: Final = 1.5
"""Seconds to wait for an answer that must come: TCP asks again after a second."""

_ports: Final = defaultdict[Door, Iterator[int]](
    lambda: itertools.cycle(range(10_000, 25_000))
)
"""Each question at a door comes from a port of its own. With one of two minutes ago it
could belong to a flow of that time: one that began when the door was shared is refused
now, though nobody else would refuse it. The kernel shuffles the ports that it chooses
every ten seconds (secure_ipv6_port_ephemeral), and so comes back to one soon enough."""

_KINDS: Final = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


@dataclass(frozen=True, slots=True)
class Caller:
    """Where calls come from: a namespace, and its addresses if they matter."""

    namespace: Namespace
    sources: Addresses | None = None

    def open(self, door: Door) -> socket.socket:
        """A socket there, with which to call this door."""
        with netns.inside(self.namespace):
            return self.open_here(door)

    def open_here(self, door: Door) -> socket.socket:
        """The same, for a thread that is in the namespace already."""
        family = socket.AF_INET6 if ":" in door.address else socket.AF_INET
        sock = socket.socket(family, _KINDS[door.transport])
        # Of two doors the ports may be the same.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        source = self.sources.of(family) if self.sources else ""
        sock.bind((source, next(_ports[door])))
        return sock


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """Somebody calls a door."""

    caller: str
    door: Door


def ask(
    callers: Mapping[str, Caller],
    questions: Iterable[Question],
    expected: Iterable[Question],
) -> dict[Question, str]:
    """Call all these doors at the same time; return who has answered at which.

    Who is refused hears an empty answer. Those at which somebody is expected are waited
    for a little longer.
    """
    answers: dict[Question, str] = {}
    with contextlib.ExitStack() as closing:
        poll = select.poll()
        waiting: dict[int, tuple[socket.socket, Question]] = {}
        for question, sock in _called(callers, questions, closing):
            waiting[sock.fileno()] = sock, question
            poll.register(sock, select.POLLIN)
        missing = set(expected)
        began = time.monotonic()
        while waiting:
            patience = PATIENCE if missing else SILENCE
            left = began + patience - time.monotonic()
            if left <= 0:
                break
            for number, _ in poll.poll(left * 1000):
                sock, question = waiting.pop(number)
                poll.unregister(number)
                missing.discard(question)
                answers[question] = _read(sock)
    return answers


def _called(
    callers: Mapping[str, Caller],
    questions: Iterable[Question],
    closing: contextlib.ExitStack,
) -> Iterable[tuple[Question, socket.socket]]:
    by_caller: dict[str, list[Question]] = {}
    for question in questions:
        by_caller.setdefault(question.caller, []).append(question)
    for name, asked in by_caller.items():
        with netns.inside(callers[name].namespace):
            for question in asked:
                sock = closing.enter_context(_call(callers[name], question.door))
                yield question, sock


def _call(caller: Caller, door: Door) -> socket.socket:
    """A socket of the namespace in which we are, that has called."""
    sock = caller.open_here(door)
    sock.setblocking(False)
    # Refused or unreachable is as good as silence: the poll tells it.
    with contextlib.suppress(OSError):
        sock.connect((door.address, door.port))
        sock.send(b"who\n")
    return sock


def _read(sock: socket.socket) -> str:
    """What has come; nothing if the call was refused."""
    try:
        return sock.recv(200).decode(errors="replace").strip()
    except OSError:
        return ""
