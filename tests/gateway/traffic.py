"""Flows with both ends in a test's hands: plain blocking sockets in two namespaces.

Nothing here waits for time to pass. What must happen is waited for, with patience; that
something did not happen is known from what happened instead: an answer that says no, or
a packet that the firewall has counted as dropped.
"""

from collections.abc import Callable
import contextlib
from dataclasses import dataclass
import errno
import itertools
import re
import select
import socket
import subprocess
import time
from typing import Self

from custom_components.portshare.sharing.model import Family, Transport
from demo import netns
from demo.home import INTERNET, WAN, Home
from demo.netns import Namespace

PATIENCE = 3.0

_KINDS = {Transport.TCP: socket.SOCK_STREAM, Transport.UDP: socket.SOCK_DGRAM}
_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}

# What a socket is told about "administratively prohibited".
_PROHIBITED = {errno.EHOSTUNREACH, errno.EACCES}


def family_of(address: str) -> Family:
    return Family.IPV6 if ":" in address else Family.IPV4


def wait_until[T](what: Callable[[], T]) -> T:
    """Return what comes true at last."""
    deadline = time.monotonic() + PATIENCE
    while not (value := what()):
        assert time.monotonic() < deadline, f"waited too long for {what}"
    return value


def nft(*command: str) -> str:
    """Run nft where the test is: in the gateway."""
    done = subprocess.run(["nft", *command], check=True, capture_output=True, text=True)
    return done.stdout


def dropped() -> int:
    """Return how many packets our table has dropped."""
    listing = nft("list", "table", "inet", "portshare")
    counts = re.findall(r"counter packets (\d+) bytes \d+ drop", listing)
    return sum(map(int, counts))


def cut() -> int:
    """Return how many packets our gate has cut."""
    counts = re.findall(
        r"counter packets (\d+) bytes \d+",
        nft("list", "chain", "inet", "portshare", "cut"),
    )
    return sum(map(int, counts))


@dataclass
class Flow:
    """A flow that runs: a connected socket at either end."""

    transport: Transport
    caller: socket.socket
    device: socket.socket
    _numbers = itertools.count()

    def talk(self) -> None:
        """Something goes from either end to the other."""
        self.send(self.caller, self.device)
        self.send(self.device, self.caller)

    def send(self, sender: socket.socket, receiver: socket.socket) -> None:
        """Something goes one way, and it is what arrives next."""
        sent = b"number %d\n" % next(self._numbers)
        sender.send(sent)
        received = b""
        while len(received) < len(sent):
            chunk = receiver.recv(len(sent) - len(received))
            assert chunk, "the other end has hung up"
            received += chunk
        assert received == sent

    def assert_cut(self, *, first: str) -> None:
        """Whoever sends is told that it is over, and the other has got nothing."""
        ends = [self.caller, self.device]
        if first == "device":
            ends.reverse()
        for end in ends:
            with contextlib.suppress(ConnectionResetError):
                try:
                    end.send(b"anybody there?")
                    received = end.recv(100)
                except OSError as err:
                    if err.errno in _PROHIBITED and self.transport is Transport.UDP:
                        continue
                    raise
                raise AssertionError(f"the flow goes on: {received!r}")

    def assert_stopped(self) -> None:
        """What either end sends is cut, whether they are told or not."""
        for end, other in ((self.caller, self.device), (self.device, self.caller)):
            before = cut()
            with contextlib.suppress(ConnectionResetError):
                end.send(b"anybody there?")
                wait_until(lambda: cut() > before)  # noqa: B023
            other.setblocking(False)
            with contextlib.suppress(BlockingIOError, OSError):
                received = other.recv(100)
                raise AssertionError(f"the flow goes on: {received!r}")


class Service:
    """A port of a device (or of the gateway) that takes calls."""

    def __init__(
        self, namespace: Namespace, family: Family, transport: Transport, port: int
    ) -> None:
        """Listen."""
        self.namespace = namespace
        self.family = family
        self.transport = transport
        self.port = port
        self._sockets: list[socket.socket] = []
        self._listening = self._listen()

    def _listen(self) -> socket.socket:
        sock = netns.socket_in(
            self.namespace, _FAMILIES[self.family], _KINDS[self.transport]
        )
        self._sockets.append(sock)
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.family is Family.IPV6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("", self.port))
        if self.transport is Transport.TCP:
            sock.listen()
        return sock

    def accept(self) -> tuple[socket.socket, bytes]:
        """Return a socket of the next caller, and what a datagram has brought."""
        data = b""
        if self.transport is Transport.TCP:
            sock, _ = self._listening.accept()
            self._sockets.append(sock)
            sock.settimeout(PATIENCE)
        else:
            data, peer = self._listening.recvfrom(100)
            sock = self._listening
            sock.connect(peer)
            self._listening = self._listen()
        return sock, data

    def is_idle(self) -> bool:
        """Return whether nobody calls."""
        return not select.select([self._listening], [], [], 0)[0]

    def close(self) -> None:
        """Hang up and listen no longer."""
        for sock in self._sockets:
            sock.close()


class Traffic:
    """All sockets of a test."""

    def __init__(self, home: Home) -> None:
        """Remember where."""
        self.home = home
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all sockets."""
        self._stack.close()

    def serve(
        self,
        device: str,
        transport: Transport,
        port: int,
        family: Family = Family.IPV4,
    ) -> Service:
        """Listen on a device, or on the gateway itself."""
        namespace = self.home.namespaces[device]
        service = Service(namespace, family, transport, port)
        self._stack.callback(service.close)
        return service

    def caller(
        self, transport: Transport, address: str, *, source_port: int = 0
    ) -> socket.socket:
        """Return a socket on the internet that can call this address."""
        return self.caller_in("internet", transport, address, (INTERNET, source_port))

    def caller_in(
        self,
        where: str,
        transport: Transport,
        address: str,
        source: tuple[object, int] | None = None,
    ) -> socket.socket:
        """Return a socket anywhere that can call this address."""
        family = _FAMILIES[family_of(address)]
        sock = netns.socket_in(self.home.namespaces[where], family, _KINDS[transport])
        self._stack.callback(sock.close)
        sock.settimeout(PATIENCE)
        if source:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((INTERNET.of(family), source[1]))
        return sock

    def flow(
        self,
        service: Service,
        port: int,
        address: str | None = None,
        *,
        source_port: int = 0,
    ) -> Flow:
        """Call the WAN address (IPv6: the device's own), and talk with who answers."""
        address = address or self.address_of(service)
        transport = service.transport
        caller = self.caller(transport, address, source_port=source_port)
        caller.connect((address, port))
        if transport is Transport.UDP:
            caller.send(b"hello")
        device, data = service.accept()
        assert data == (b"hello" if transport is Transport.UDP else b"")
        # The device sees who calls.
        assert device.getpeername()[:2] == caller.getsockname()[:2]
        flow = Flow(transport, caller, device)
        flow.talk()
        return flow

    def address_of(self, service: Service) -> str:
        """Return the address that the internet calls to reach a service."""
        if service.family is Family.IPV4:
            return WAN.ipv4
        names = {space: name for name, space in self.home.namespaces.items()}
        return self.home.devices[names[service.namespace]].addresses.ipv6

    def assert_refused(
        self, transport: Transport, port: int, address: str = WAN.ipv4
    ) -> None:
        """Somebody says that there is nobody."""
        caller = self.caller(transport, address)
        try:
            caller.connect((address, port))
            caller.send(b"hello")
            caller.recv(100)
        except ConnectionRefusedError:
            return
        raise AssertionError(f"{transport} {address}.{port} is open")

    def assert_dropped(
        self, transport: Transport, port: int, address: str = WAN.ipv4
    ) -> None:
        """Nobody says anything, and the firewall has counted it."""
        before = dropped()
        caller = self.caller(transport, address)
        caller.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            caller.connect((address, port))
            caller.send(b"hello")
        wait_until(lambda: dropped() > before)
        readable, writable, _ = select.select([caller], [caller], [], 0)
        if transport is Transport.TCP:
            assert not writable
        assert not readable
        # Or it would call again when the port is open.
        caller.close()

    def assert_closed(
        self,
        transport: Transport,
        port: int,
        address: str = WAN.ipv4,
        *,
        protect: bool,
    ) -> None:
        """Nobody can be reached there."""
        if protect:
            self.assert_dropped(transport, port, address)
        else:
            self.assert_refused(transport, port, address)
