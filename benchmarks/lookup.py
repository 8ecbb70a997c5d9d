"""What a new flow costs with many mappings, and what loading them costs others.

A sender on the internet makes new flows (one UDP datagram each, a raw packet) to mapped
ports at random, as fast as it can; sending includes the gateway's work, because between
namespaces the sender's own thread carries a packet through to the device. Beside our
maps stands what most programs do: one rule for each mapping.

Meanwhile a bystander sends 1,000 numbered datagrams a second through a share of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address
import random
import socket
import struct
import subprocess
import threading
import time

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Change, Dnat, PortRange, Transport
from demo import netns
from demo.home import INTERNET, WAN, Home

from . import common, programs
from .report import Line, Peer, Section, Target, grouped

SIZES = (1, 1_000, 10_000, 60_000)
FIRST_PORT = 1024
DEVICE_PORT = 9999
BYSTANDER_PORT = 1000
MOST_GROWTH = 1.2
LEAST_RATIO = 50
ONE_RULE = "one rule each"

# One rule takes so much longer that fewer flows say the same.
_FLOWS = {1: 20_000, 1_000: 20_000, 10_000: 4_000, 60_000: 1_500}


def run(*, quick: bool) -> Section:
    """Return all of it."""
    sizes = SIZES[:3] if quick else SIZES
    one = programs.rule(Transport.UDP, FIRST_PORT, "DEVICE", DEVICE_PORT)
    return Section(
        "New flows by the number of mappings",
        common.in_home(lambda home: _benchmark(home, sizes, tries=2 if quick else 3)),
        {ONE_RULE: f"nft -f -  (add rule ip each prerouting {one}, and so on)"},
    )


class Sender:
    """Makes new flows from the internet."""

    def __init__(self, home: Home) -> None:
        """Open a socket that takes whole packets."""
        self._sock = netns.socket_in(
            home.internet, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW
        )
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)

    def microseconds(self, size: int, flows: int, tries: int) -> float:
        """Return the cost of one new flow: the best of some tries."""
        numbers = random.Random(1)
        packets = [
            _packet(1024 + number * 7 % 60_000, FIRST_PORT + numbers.randrange(size))
            for number in range(flows)
        ]
        best = float("inf")
        for _ in range(tries):
            subprocess.run(["conntrack", "-F"], check=True, capture_output=True)
            began = time.perf_counter()
            for packet in packets:
                self._sock.sendto(packet, (WAN.ipv4, 0))
            best = min(best, (time.perf_counter() - began) / flows * 1e6)
        return best

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def _packet(source_port: int, port: int) -> bytes:
    """An IPv4 packet with an empty UDP datagram."""
    source, destination = map(socket.inet_aton, (INTERNET.ipv4, WAN.ipv4))
    header = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, source, destination
    )
    return header + struct.pack(">HHHH", source_port, port, 8, 0)


class Bystander:
    """A flow through a share of its own, numbered and counted at the device."""

    def __init__(self, home: Home) -> None:
        """Begin to send and to receive, in a thread each."""
        kind = socket.SOCK_DGRAM
        self._in = netns.socket_in(home.devices["pi"].namespace, socket.AF_INET, kind)
        self._in.bind(("", BYSTANDER_PORT))
        self._in.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._out = netns.socket_in(home.internet, socket.AF_INET, kind)
        self._out.connect((WAN.ipv4, BYSTANDER_PORT))
        self._stop = threading.Event()
        self.sent = 0
        self.received = 0
        self._threads = [
            threading.Thread(target=each) for each in (self._send, self._receive)
        ]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        while not self._stop.wait(0.001):
            self._out.send(b"%d" % self.sent)
            self.sent += 1
        self._out.send(b"end")

    def _receive(self) -> None:
        while self._in.recv(100) != b"end":
            self.received += 1

    def end(self) -> None:
        """Stop."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._in.close()
        self._out.close()


def _mappings(home: Home, size: int) -> tuple[Dnat, ...]:
    nas = home.devices["nas"]
    address = IPv4Address(nas.addresses.ipv4)
    return tuple(
        Dnat(Transport.UDP, PortRange(port, port), nas.mac, address, DEVICE_PORT)
        for port in range(FIRST_PORT, FIRST_PORT + size)
    )


async def _benchmark(home: Home, sizes: Sequence[int], tries: int) -> list[Line]:
    sink = netns.socket_in(
        home.devices["nas"].namespace, socket.AF_INET, socket.SOCK_DGRAM
    )
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sink.bind(("", DEVICE_PORT))
    sender = Sender(home)
    loading: list[Line] = []
    sent = lost = 0
    ours, theirs = {}, {}
    async with common.gateway() as gateway:
        for size in sizes:
            bystander, lines = await _load(home, gateway, size)
            loading += lines
            sent += bystander.sent
            lost += bystander.sent - bystander.received
            ours[size] = await asyncio.to_thread(
                sender.microseconds, size, _FLOWS[1], tries
            )
    for size in sizes:
        theirs[size] = await asyncio.to_thread(_with_rules, home, sender, size, tries)
    sender.close()
    sink.close()
    largest = sizes[-1]
    return [
        *(
            Line(
                "a new flow, with the sender's system call",
                ours[size],
                "µs",
                size,
                peer=Peer(ONE_RULE, theirs[size]),
                target=Target(LEAST_RATIO, of_ratio=True)
                if size == SIZES[-1]
                else None,
            )
            for size in sizes
        ),
        Line(
            f"the same, {largest:,} mappings against 1",
            ours[largest] / ours[1],
            "x",
            target=Target(MOST_GROWTH),
        ),
        Line(
            f"packets of a bystander lost by these changes, of {sent:,}",
            lost,
            "",
            target=Target(0),
        ),
        *grouped(loading),
    ]


async def _load(
    home: Home, gateway: Gateway, size: int
) -> tuple[Bystander, list[Line]]:
    """Open, close and adopt all at once, beside a bystander; they are open in the end."""
    around = common.environment(protect=False)
    pi = home.devices["pi"]
    one = PortRange(BYSTANDER_PORT, BYSTANDER_PORT)
    address = IPv4Address(pi.addresses.ipv4)
    own = Dnat(Transport.UDP, one, pi.mac, address, BYSTANDER_PORT)
    await gateway.adopt([own], around)
    bystander = Bystander(home)
    mappings = _mappings(home, size)
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "open all at once": lambda: gateway.apply(Change(opened=mappings), around),
        "close all at once": lambda: gateway.apply(Change(closed=mappings), around),
        "open them again": lambda: gateway.apply(Change(opened=mappings), around),
        "adopt, nothing to change": lambda: gateway.adopt([own, *mappings], around),
    }
    lines = []
    for what, step in steps.items():
        began = time.perf_counter()
        await step()
        lines.append(Line(what, (time.perf_counter() - began) * 1000, "ms", size))
    await asyncio.to_thread(bystander.end)
    return bystander, lines


def _with_rules(home: Home, sender: Sender, size: int, tries: int) -> float:
    """Measure with one rule for each mapping."""
    address = home.devices["nas"].addresses.ipv4
    programs.load(
        programs.rule(Transport.UDP, port, address, DEVICE_PORT)
        for port in range(FIRST_PORT, FIRST_PORT + size)
    )
    cost = sender.microseconds(size, _FLOWS[size], tries)
    programs.run("nft", "flush", "ruleset")
    return cost
