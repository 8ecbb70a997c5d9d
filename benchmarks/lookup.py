"""What a new flow costs with many mappings, and what loading them costs others.

    python -m benchmarks.lookup

A sender on the internet makes new flows (one UDP datagram each, a raw packet) to mapped
ports at random, as fast as it can; sending includes the gateway's work, because between
namespaces the sender's own thread carries a packet through to the device. Beside our
maps stands what most programs do: one rule for each mapping.

Meanwhile a bystander sends 1,000 numbered datagrams a second through a share of its own.
"""

import asyncio
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

from . import common

SIZES = (1, 1_000, 10_000, 60_000)
FIRST_PORT = 1024
DEVICE_PORT = 9999
BYSTANDER_PORT = 1000
REPEATS = 3
TARGET_GROWTH = 1.2
TARGET_RATIO = 50

# One rule takes so much longer that fewer flows say the same.
_FLOWS = {1: 20_000, 1_000: 20_000, 10_000: 4_000, 60_000: 1_500}


class Sender:
    """Makes new flows from the internet."""

    def __init__(self, home: Home) -> None:
        """Open a socket that takes whole packets."""
        self._sock = netns.socket_in(
            home.internet, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW
        )
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)

    def microseconds(self, size: int, flows: int) -> float:
        """Return the cost of one new flow: the best of some tries."""
        numbers = random.Random(1)
        packets = [
            _packet(1024 + number * 7 % 60_000, FIRST_PORT + numbers.randrange(size))
            for number in range(flows)
        ]
        best = float("inf")
        for _ in range(REPEATS):
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

    def end(self) -> str:
        """Stop, and tell what was lost."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._in.close()
        self._out.close()
        return f"{self.sent - self.received} of {self.sent} packets lost"


def _mappings(home: Home, size: int) -> tuple[Dnat, ...]:
    nas = home.devices["nas"]
    address = IPv4Address(nas.addresses.ipv4)
    return tuple(
        Dnat(Transport.UDP, PortRange(port, port), nas.mac, address, DEVICE_PORT)
        for port in range(FIRST_PORT, FIRST_PORT + size)
    )


def _rules(home: Home, size: int) -> str:
    """One rule for each mapping, with the established flows accepted first."""
    address = home.devices["nas"].addresses.ipv4
    rules = "".join(
        f'iifname "wan0" udp dport {port} counter dnat to {address}:{DEVICE_PORT}\n'
        for port in range(FIRST_PORT, FIRST_PORT + size)
    )
    return f"""
        table ip each {{
            chain prerouting {{
                type nat hook prerouting priority dstnat;
                {rules}
            }}
            chain forward {{
                type filter hook forward priority filter;
                ct state established,related accept
                ct status dnat accept
            }}
        }}
    """


async def _with_map(home: Home, gateway: Gateway, sender: Sender, size: int) -> float:
    """Measure our own, and print what a bystander sees of it."""
    around = common.environment(protect=False)
    own = Dnat(
        Transport.UDP,
        PortRange(BYSTANDER_PORT, BYSTANDER_PORT),
        home.devices["pi"].mac,
        IPv4Address(home.devices["pi"].addresses.ipv4),
        BYSTANDER_PORT,
    )
    await gateway.adopt([own], around)
    mappings = _mappings(home, size)
    bystander = Bystander(home)
    began = time.perf_counter()
    await gateway.apply(Change(opened=mappings), around)
    opened = time.perf_counter()
    await gateway.apply(Change(closed=mappings), around)
    closed = time.perf_counter()
    await gateway.apply(Change(opened=mappings), around)
    began_again = time.perf_counter()
    await gateway.adopt([own, *mappings], around)
    adopted = time.perf_counter() - began_again
    lost = await asyncio.to_thread(bystander.end)
    cost = await asyncio.to_thread(sender.microseconds, size, _FLOWS[1])
    print(
        f"{size:7,} mappings: open all {(opened - began) * 1000:7.1f} ms,"
        f" close all {(closed - opened) * 1000:7.1f} ms,"
        f" adopt {adopted * 1000:7.1f} ms; bystander: {lost}"
    )
    home.gateway.run("nft", "flush", "ruleset")
    return cost


def _with_rules(home: Home, sender: Sender, size: int) -> float:
    home.gateway.run("nft", "-f", "-", stdin=_rules(home, size))
    cost = sender.microseconds(size, _FLOWS[size])
    home.gateway.run("nft", "flush", "ruleset")
    return cost


async def benchmark(home: Home) -> None:
    """Print all of it beside the targets."""
    sink = netns.socket_in(
        home.devices["nas"].namespace, socket.AF_INET, socket.SOCK_DGRAM
    )
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sink.bind(("", DEVICE_PORT))
    sender = Sender(home)
    maps = {}
    async with common.gateway() as gateway:
        for size in SIZES:
            maps[size] = await _with_map(home, gateway, sender, size)
    print("\nCost of a new flow, sending included, in microseconds")
    print("mappings     map   one rule each   ratio")
    for size in SIZES:
        rules = await asyncio.to_thread(_with_rules, home, sender, size)
        print(f"{size:8,} {maps[size]:7.1f} {rules:15.1f} {rules / maps[size]:6.1f}x")
    largest = SIZES[-1]
    growth = maps[largest] / maps[1]
    told = common.target(growth, TARGET_GROWTH, "x")
    print(f"60,000 mappings against 1: {growth:.2f}x   {told}")
    verdict = "met" if rules / maps[largest] >= TARGET_RATIO else "missed"
    print(
        f"one rule each against the map: {rules / maps[largest]:.0f}x"
        f"   target >= {TARGET_RATIO}x: {verdict}"
    )
    sender.close()
    sink.close()


if __name__ == "__main__":
    common.run(benchmark)
