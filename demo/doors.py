"""What a demo has of the machine it runs on: its only name, and a port for the browser.

They are opened before the demo goes to namespaces of its own, where it would have a
loopback and names of its own, too.
"""

import asyncio
from collections.abc import Iterable
import contextlib
import errno
import os
from pathlib import Path
import socket
import struct
import subprocess
from typing import NoReturn, Self

from . import PREFIX, REPOSITORY, DemoError

PORT = 8123
LOOPBACKS = ("127.0.0.1", "::1")
_NAME = f"\0{PREFIX}demo"
"""Belongs to a process and not to a file: nothing is left of it even after a kill -9."""

_CREDENTIALS = struct.Struct("iII")  # struct ucred of <sys/socket.h>


class Doors:
    """Whoever has them is the only demo on this machine, and listens on `port`."""

    def __init__(self, name: socket.socket, listening: list[socket.socket]) -> None:
        """Take over these sockets."""
        self._name = name
        self.listening = listening

    @classmethod
    def open(cls, port: int | None) -> Self:
        """Be the only demo. Without a port it is 8123, or any other if that is taken."""
        with contextlib.ExitStack() as opened:
            name = opened.enter_context(socket.socket(socket.AF_UNIX))
            try:
                name.bind(_NAME)
            except OSError as error:
                raise DemoError(
                    "A demo is running already. End it with Ctrl-C where it runs."
                ) from error
            name.listen()
            listening = _listen_somewhere() if port is None else _listen(port)
            opened.pop_all()
        return cls(name, listening)

    @classmethod
    def inherited(cls, numbers: str) -> Self:
        """Take over those of another process, by its `numbers`.

        The demo's own programs look for Home Assistant on the loopback that is here.
        """
        name, *listening = (socket.socket(fileno=int(n)) for n in numbers.split(","))
        doors = cls(name, listening)
        listening += _listen(doors.port)
        return doors

    @property
    def numbers(self) -> str:
        """The file descriptors, which whatever this process becomes inherits."""
        sockets = [self._name, *self.listening]
        for each in sockets:
            each.set_inheritable(True)
        return ",".join(str(each.fileno()) for each in sockets)

    @property
    def port(self) -> int:
        """The port of this host's loopback."""
        port: int = self.listening[0].getsockname()[1]
        return port

    def attend(self) -> None:
        """Let this event loop send visitors away, until `close`.

        They have seen who is here by then. Were they left to queue, the next to come
        would find it full one day.
        """
        self._name.setblocking(False)
        asyncio.get_running_loop().add_reader(self._name, self._send_away)

    def _send_away(self) -> None:
        visitor, _ = self._name.accept()
        visitor.close()

    def close(self) -> None:
        """Let others be the demo."""
        asyncio.get_running_loop().remove_reader(self._name)
        for each in (*self.listening, self._name):
            each.close()


def may_make_namespaces() -> bool:
    """Tell whether this process may: as root on most machines."""
    return not subprocess.run(
        ["unshare", "--net", "--mount", "true"], stderr=subprocess.DEVNULL, check=False
    ).returncode


def become_root_of_own(command: Iterable[str]) -> NoReturn:
    """Become this command, as root of namespaces of its own."""
    script = REPOSITORY / "scripts/own-namespaces"
    os.execv(script, [str(script), *command])


def enter_running(command: Iterable[str]) -> None:
    """Become this command where the demo runs; return if that is here, or nowhere.

    Raises DemoError if this user may not go there, or nobody attends to visitors.
    """
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        try:
            sock.connect(_NAME)
        except ConnectionRefusedError:
            return
        except BlockingIOError as error:
            raise DemoError(
                "The demo does not answer: it is starting, or hangs. Try again later."
            ) from error
        peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, *_ = _CREDENTIALS.unpack(peer)
    try:
        here = Path(f"/proc/{pid}/ns/net").samefile("/proc/self/ns/net")
    except FileNotFoundError:  # it has just ended
        return
    except PermissionError as error:
        raise DemoError(
            "The demo belongs to another user: try again with sudo."
        ) from error
    if not here:
        options = [f"--target={pid}", "--user", "--net", "--mount", "--wd=."]
        if os.geteuid() != 0:
            options.append("--preserve-credentials")
        os.execvp("nsenter", ["nsenter", *options, *command])


def _listen_somewhere() -> list[socket.socket]:
    try:
        return _listen(PORT)
    except DemoError:
        return _listen(0)


def _listen(port: int) -> list[socket.socket]:
    """Listen on the loopback; port 0 means any that is free.

    Raises DemoError.
    """
    port = port or _free_port()
    listening: list[socket.socket] = []
    with contextlib.ExitStack() as opened:
        for address in LOOPBACKS:
            try:
                each = socket.create_server(
                    (address, port),
                    family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                )
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise DemoError(
                        f"Port {port} is taken on this host. Choose another with --port."
                    ) from error
                # A host may have no IPv6 at all, but no IPv4 would be something else.
                if not listening:
                    raise DemoError(
                        f"The browser's port cannot be opened: {error.strerror}"
                    ) from error
                continue
            listening.append(opened.enter_context(each))
        opened.pop_all()
    return listening


def _free_port() -> int:
    """Find a port that nobody has, neither over IPv4 nor over IPv6."""
    both = socket.has_dualstack_ipv6()
    with socket.socket(socket.AF_INET6 if both else socket.AF_INET) as sock:
        if both:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("", 0))
        port: int = sock.getsockname()[1]
    return port
