"""How long it takes to switch a share, and until the internet sees it.

The clock starts when the gateway layer is asked. Opening: it has done its work, and then
a caller on the internet has connected. Closing: a caller that sends all the time is told
that its flow is over; and, where the gateway's own closed port answers, a new call is
refused. Every first attempt after a change must see what is true then.

Then with more and more mappings present, beside what others do: start a program that
changes the same elements of the same table, or one rule of a ruleset with so many.
"""

from ipaddress import IPv4Address, IPv6Address
import time

from custom_components.portshare.gateway.gateway import Gateway, remove_tables
from custom_components.portshare.sharing.model import (
    Change,
    Dnat,
    Mapping,
    Pinhole,
    PortRange,
    Transport,
)
from demo.home import WAN, Home

from . import common, programs
from .flows import PORT, Closing, Device, connect
from .programs import Times
from .report import Line, Peer, Section, Target, median, timed

TARGET = Target(2.0)
# How many are present before one more is opened and closed.
SIZES = (1, 100, 1_000, 10_000)
FIRST_PRESENT = 10_000


def run(*, quick: bool) -> Section:
    """Return all of it."""

    async def benchmark(home: Home) -> list[Line]:
        lines = await _seen_from_the_internet(home, rounds=50 if quick else 300)
        for size in SIZES[:3] if quick else SIZES:
            lines += await _beside_others(home, size, quick=quick)
        return lines

    return Section(
        "Switching a share of both IP versions, gateway layer",
        common.in_home(benchmark),
        programs.COMMANDS,
    )


def _share(home: Home) -> tuple[Mapping, ...]:
    """One share of both families."""
    nas = home.devices["nas"]
    one = PortRange(PORT, PORT)
    return (
        Dnat(Transport.TCP, one, nas.mac, IPv4Address(nas.addresses.ipv4), PORT),
        Pinhole(Transport.TCP, nas.mac, IPv6Address(nas.addresses.ipv6), one),
    )


async def _seen_from_the_internet(home: Home, rounds: int) -> list[Line]:
    device = Device(home)
    lines: list[Line] = []
    async with common.gateway() as gateway:
        nas = home.devices["nas"].addresses
        for family, address in (("IPv4", WAN.ipv4), ("IPv6", nas.ipv6)):
            await gateway.adopt([], common.environment(protect=True))
            lines += await _calls(home, gateway, device, family, address, rounds)
        lines.append(await _refusal(home, gateway, device, rounds))
    device.close()
    return lines


async def _calls(
    home: Home, gateway: Gateway, device: Device, family: str, address: str, rounds: int
) -> list[Line]:
    """Switch on and off, and look from the internet after each."""
    share = _share(home)
    around = common.environment(protect=True)
    connected, cut = [], []
    wrong = 0
    for _ in range(rounds):
        began = time.perf_counter()
        await gateway.apply(Change(opened=share), around)
        while (sock := connect(home, address)) is None:
            wrong += 1
        connected.append(time.perf_counter() - began)

        closing = Closing(sock)
        began = time.perf_counter()
        await gateway.apply(Change(closed=share), around)
        cut.append(closing.wait() - began)
        sock.close()
        # A protected gateway says nothing, so how long that takes is our own patience.
        again = connect(home, address)
        if again is not None:
            wrong += 1
            again.close()
        device.hang_up()
    return [
        timed(
            f"open -> connected from the internet, {family}", connected, target=TARGET
        ),
        timed(f"close -> a running flow is cut, {family}", cut, target=TARGET),
        Line(
            f"first calls of {2 * rounds:,} that saw what was no longer true, {family}",
            wrong,
            "",
            target=Target(0),
        ),
    ]


async def _refusal(home: Home, gateway: Gateway, device: Device, rounds: int) -> Line:
    """Without protection the gateway's own closed port answers at once."""
    share = _share(home)
    around = common.environment(protect=False)
    await gateway.adopt([], around)
    times = []
    for _ in range(rounds):
        await gateway.apply(Change(opened=share), around)
        began = time.perf_counter()
        await gateway.apply(Change(closed=share), around)
        while (sock := connect(home, WAN.ipv4)) is not None:
            sock.close()
        times.append(time.perf_counter() - began)
        device.hang_up()
    return timed(
        "close -> refused by the gateway (no protection)", times, target=TARGET
    )


async def _beside_others(home: Home, size: int, *, quick: bool) -> list[Line]:
    """Switch with so many present, and let programs do the same."""
    times, share = await _ours(home, size, rounds=50 if quick else 200)
    rounds = 5 if quick else 20
    took = {
        program.name: program.toggle(rounds)
        for program in programs.with_elements(share)
    }
    await remove_tables()
    for make in (programs.with_rules, programs.with_iptables):
        program = make(home, size, FIRST_PRESENT)
        took[program.name] = program.toggle(rounds)
        programs.run("nft", "flush", "ruleset")
    return [
        timed(
            f"{what}, until done",
            times[number],
            size=size,
            peer=Peer(name, median(theirs[number])),
        )
        for number, what in enumerate(("open", "close"))
        for name, theirs in took.items()
    ]


async def _ours(
    home: Home, size: int, rounds: int
) -> tuple[Times, set[programs.Element]]:
    """Return how long each change took, and which elements it changes."""
    share = _share(home)
    around = common.environment(protect=True)
    times: Times = [], []
    async with common.opened() as gateway:
        await gateway.adopt(
            common.mappings(home, size, Transport.TCP, FIRST_PRESENT), around
        )
        for _ in range(rounds):
            for change, took in zip(
                (Change(opened=share), Change(closed=share)), times, strict=True
            ):
                began = time.perf_counter()
                await gateway.apply(change, around)
                took.append(time.perf_counter() - began)
        before = programs.elements()
        await gateway.apply(Change(opened=share), around)
        changed = programs.elements() - before
        await gateway.apply(Change(closed=share), around)
    return times, changed
