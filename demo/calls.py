"""Calls to the home, and what came of them. Plain blocking sockets.

A call never raises for what the network does: refused, cut or unanswered is what the
caller wants to know.
"""

from collections.abc import Callable, Iterator
import contextlib
from dataclasses import dataclass
import errno
from http import client
import socket
import threading
import time

from . import netns
from .netns import Namespace
from .stream import stream

PATIENCE = 1.0
"""Seconds to wait for an answer. In namespaces one takes less than a millisecond."""

NO_ANSWER = "no answer"

SERVER_SPEAKS_FIRST = 0.3
"""Seconds after which a silent server is asked for its page instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call has brought."""

    ok: bool
    text: str
    ms: float

    def __str__(self) -> str:
        """What a person reads."""
        return self.text


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a call comes from: a namespace, and one of its addresses if it matters."""

    namespace: Namespace
    source: str | None = None

    def open(self, address: str, kind: socket.SocketKind) -> socket.socket:
        """An unconnected socket there, of the family of the address to be called."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = netns.socket_in(self.namespace, family, kind)
        try:
            if self.source is not None:
                sock.bind((self.source, 0))
        except BaseException:
            sock.close()
            raise
        return sock

    def connect(self, address: str, port: int, patience: float) -> socket.socket:
        """A TCP connection from there."""
        sock = self.open(address, socket.SOCK_STREAM)
        try:
            sock.settimeout(patience)
            sock.connect((address, port))
        except BaseException:
            sock.close()
            raise
        return sock


def tcp(
    caller: Caller, address: str, port: int, *, patience: float = PATIENCE
) -> Answer:
    """Listen to the server if it speaks first, else ask it for its web page."""

    def talk() -> str:
        with caller.connect(address, port, patience) as sock:
            sock.settimeout(min(patience, SERVER_SPEAKS_FIRST))
            try:
                return sock.recv(4096).decode(errors="replace").rstrip()
            except TimeoutError:
                sock.settimeout(patience)
                return _page(sock, address, port)

    return _answer(talk)


def page(
    caller: Caller, address: str, port: int, *, patience: float = PATIENCE
) -> Answer:
    """Ask a web server for its first page, without waiting for it to speak first."""

    def talk() -> str:
        with caller.connect(address, port, patience) as sock:
            return _page(sock, address, port)

    return _answer(talk)


def udp(
    caller: Caller, address: str, port: int, *, patience: float = PATIENCE
) -> Answer:
    """Send one datagram and wait for one."""

    def talk() -> str:
        with caller.open(address, socket.SOCK_DGRAM) as sock:
            sock.settimeout(patience)
            sock.connect((address, port))
            sock.send(b"hello")
            return sock.recv(4096).decode(errors="replace")

    return _answer(talk)


def _page(sock: socket.socket, address: str, port: int) -> str:
    """One HTTP request on an open connection."""
    host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    sock.sendall(request.encode())
    response = client.HTTPResponse(sock, method="GET")
    response.begin()
    body = response.read().decode(errors="replace")
    return f"HTTP {response.status} {response.reason}\n{body}".rstrip()


def _answer(talk: Callable[[], str]) -> Answer:
    """Put what happens in a person's words."""
    began = time.perf_counter()
    try:
        text, ok = talk(), True
    except (OSError, client.HTTPException) as error:
        text, ok = _why(error), False
    return Answer(ok, text, (time.perf_counter() - began) * 1000)


def _why(error: Exception) -> str:
    """What an error on a socket means."""
    match error:
        case ConnectionRefusedError():
            return "refused"
        case TimeoutError():
            return NO_ANSWER
        case ConnectionResetError() | BrokenPipeError():
            return "cut off"
        case OSError(errno=errno.EADDRNOTAVAIL):
            return "the caller does not have this address"
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH | errno.EACCES):
            return f"refused: {error.strerror}"
    return f"{type(error).__name__}: {error}"


class Download:
    """A download that runs in a thread and looks at every byte."""

    def __init__(
        self, caller: Caller, address: str, port: int, *, size: int, rate: int
    ) -> None:
        """Begin at once."""
        self.received = 0
        self.longest_pause = 0.0
        self.last_at = time.perf_counter()
        self._ended: str | None = None
        self._leaving = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, args=(caller, address, port, size, rate), daemon=True
        )
        self._thread.start()

    @property
    def ended(self) -> str | None:
        """How it ended: "complete", "left", or what went wrong; None while it runs."""
        return self._ended

    def wait_until(self, received: int, within: float) -> bool:
        """Wait for so many bytes; False if it ended or took longer."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended is not None or self.received >= received, within
            )
            return self.received >= received

    def wait_until_ended(self, within: float) -> bool:
        """Wait until it has ended, however it did."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended is not None, within)

    def leave(self) -> str:
        """The caller has seen enough; tell how it ended."""
        self._leaving = True
        self._thread.join()
        assert self._ended is not None
        return self._ended

    def _run(
        self, caller: Caller, address: str, port: int, size: int, rate: int
    ) -> None:
        try:
            with contextlib.closing(
                client.HTTPConnection(address, port, timeout=PATIENCE)
            ) as http:
                http.sock = caller.connect(address, port, PATIENCE)
                http.request("GET", f"/download?bytes={size}&rate={rate}")
                ended = self._read(http.getresponse(), size)
        except (OSError, client.HTTPException) as error:
            ended = _why(error)
        with self._changed:
            self._ended = ended
            self._changed.notify_all()

    def _read(self, response: client.HTTPResponse, size: int) -> str:
        """Compare what comes with what was sent."""
        for chunk in self._chunks(response):
            if chunk != stream(self.received, len(chunk)):
                return f"wrong bytes after {self.received}"
            with self._changed:
                self.received += len(chunk)
                self._changed.notify_all()
            if self._leaving:
                return "left"
        return "complete" if self.received == size else "cut short"

    def _chunks(self, response: client.HTTPResponse) -> Iterator[bytes]:
        """What comes, noting when it came and the longest pause in between."""
        self.last_at = time.perf_counter()
        while chunk := response.read1(1 << 16):
            now = time.perf_counter()
            self.longest_pause = max(self.longest_pause, now - self.last_at)
            self.last_at = now
            yield chunk
