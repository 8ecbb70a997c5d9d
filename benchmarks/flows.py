"""What a caller on the internet sees of a share of the nas."""

import contextlib
import select
import socket
import threading
import time

from demo import netns
from demo.home import Home

PORT = 8080

# A call that nobody answers is given up after this: a protected gateway is silent.
_PATIENCE = 0.05


class Device:
    """A service on the device that takes every call and says nothing."""

    def __init__(self, home: Home) -> None:
        """Listen on both families, in a thread."""
        namespace = home.devices["nas"].namespace
        self._sock = netns.socket_in(namespace, socket.AF_INET6)
        self._sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._sock.bind(("::", PORT))
        self._sock.listen(512)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.flows: list[socket.socket] = []

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                flow, _ = self._sock.accept()
                self.flows.append(flow)

    def hang_up(self) -> None:
        """End what is not needed any more."""
        while self.flows:
            self.flows.pop().close()

    def close(self) -> None:
        """Stop."""
        self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._sock.close()
        self.hang_up()


def connect(home: Home, address: str) -> socket.socket | None:
    """Call once; None if that is refused or not answered."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = netns.socket_in(home.internet, family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(_PATIENCE)
    try:
        sock.connect((address, PORT))
    except OSError:
        sock.close()
        return None
    return sock


class Closing:
    """Sees from the internet when a running flow is cut."""

    def __init__(self, sock: socket.socket) -> None:
        """Send all the time until it is over, in a thread."""
        self.over = 0.0
        self._sock = sock
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        poll = select.poll()
        poll.register(self._sock, select.POLLERR | select.POLLHUP | select.POLLIN)
        while not poll.poll(0):
            with contextlib.suppress(OSError):
                self._sock.send(b".")
            time.sleep(0.0001)
        self.over = time.perf_counter()

    def wait(self) -> float:
        """Return when it was over."""
        self._thread.join()
        return self.over
