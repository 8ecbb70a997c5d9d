"""How long it takes from switching a share to what the internet sees of it.

    python -m benchmarks.toggle

The clock starts when the gateway layer is asked. Opening: it has done its work, and then
a caller on the internet has connected. Closing: a caller that sends all the time is told
that its flow is over; and, where the gateway's own closed port answers, a new call is
refused. Every first attempt after a change must see what is true then.
"""

import contextlib
from ipaddress import IPv4Address, IPv6Address
import select
import socket
import threading
import time

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import (
    Change,
    Dnat,
    Mapping,
    Pinhole,
    PortRange,
    Transport,
)
from demo import netns
from demo.home import WAN, Home

from . import common

ROUNDS = 300
PORT = 8080
TARGET_MS = 2.0

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


async def measure(
    home: Home, gateway: Gateway, device: Device, mappings: list[Mapping], address: str
) -> dict[str, list[float]]:
    """Switch on and off, and look from the internet after each."""
    around = common.environment(protect=True)
    times: dict[str, list[float]] = {
        "open: gateway layer returns": [],
        "open -> connected": [],
        "close: gateway layer returns": [],
        "close -> running flow cut": [],
    }
    wrong = 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await gateway.apply(Change(opened=tuple(mappings)), around)
        times["open: gateway layer returns"].append(time.perf_counter() - began)
        while (sock := connect(home, address)) is None:
            wrong += 1
        times["open -> connected"].append(time.perf_counter() - began)

        closing = Closing(sock)
        began = time.perf_counter()
        await gateway.apply(Change(closed=tuple(mappings)), around)
        returned = time.perf_counter()
        times["close: gateway layer returns"].append(returned - began)
        times["close -> running flow cut"].append(closing.wait() - began)
        sock.close()
        # A protected gateway says nothing, so how long that takes is our own patience.
        again = connect(home, address)
        if again is not None:
            wrong += 1
            again.close()
        device.hang_up()
    print(f"  attempts that saw what was no longer true: {wrong} of {2 * ROUNDS}")
    return times


async def measure_refusal(
    home: Home, gateway: Gateway, device: Device, mappings: list[Mapping]
) -> list[float]:
    """Without protection the gateway's own closed port answers at once."""
    around = common.environment(protect=False)
    await gateway.adopt([], around)
    times = []
    for _ in range(ROUNDS):
        await gateway.apply(Change(opened=tuple(mappings)), around)
        began = time.perf_counter()
        await gateway.apply(Change(closed=tuple(mappings)), around)
        while (sock := connect(home, WAN.ipv4)) is not None:
            sock.close()
        times.append(time.perf_counter() - began)
        device.hang_up()
    return times


async def benchmark(home: Home) -> None:
    """Print all of it beside the targets."""
    nas = home.devices["nas"]
    one = PortRange(PORT, PORT)
    both: list[Mapping] = [
        Dnat(
            Transport.TCP, one, nas.mac, IPv4Address(nas.addresses.ipv4), PORT, "toggle"
        ),
        Pinhole(Transport.TCP, nas.mac, IPv6Address(nas.addresses.ipv6), one, "toggle"),
    ]
    device = Device(home)
    async with common.gateway() as gateway:
        for family, address in (("IPv4", WAN.ipv4), ("IPv6", nas.addresses.ipv6)):
            await gateway.adopt([], common.environment(protect=True))
            print(
                f"\nOne share of both families, called over {family} ({ROUNDS} times)"
            )
            times = await measure(home, gateway, device, both, address)
            for what, values in times.items():
                told = common.milliseconds(values)
                p50 = common.percentile(values, 50)
                print(f"  {what:30} {told}   {common.target(p50, TARGET_MS, ' ms')}")
        refused = await measure_refusal(home, gateway, device, both)
        p50 = common.percentile(refused, 50)
        print(
            f"  {'close -> refused (no protect)':30} {common.milliseconds(refused)}"
            f"   {common.target(p50, TARGET_MS, ' ms')}"
        )
    device.close()


if __name__ == "__main__":
    common.run(benchmark)
