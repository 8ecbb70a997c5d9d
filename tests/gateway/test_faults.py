"""Whatever goes wrong: what shall be open is, what shall not be is not, others run on."""

import asyncio
from collections.abc import Iterator
import contextlib
import os
from pathlib import Path
import random
import signal
import subprocess
import sys

import pytest

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.gateway.table import elements_of
from custom_components.portshare.sharing.model import Change, Dnat, Transport
from demo import netns
from demo.home import LAN, LAN_LINK, MACS, WAN, WAN_LINK, Home

from .builders import TCP, UDP, Mappings, closing, environment, opening
from .listing import listing
from .test_look import until
from .toggler import candidates
from .traffic import Traffic, nft, wait_until

AROUND = environment(protect=True)
KILLS = 50


class Nursery:
    """Makes processes that toggle, and kills them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.toggler"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = 0

    def start(self, seed: int) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{seed}\n")
        self._process.stdin.flush()
        self.pid = int(self._process.stdout.readline())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{self.pid}").exists())

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._process.communicate()


@pytest.fixture
def nursery(inside: None) -> Iterator[Nursery]:
    with contextlib.closing(Nursery()) as nursery:
        yield nursery


def foreign() -> str:
    return nft("-a", "list", "table", "inet", "foreign")


async def test_killed_at_any_moment(
    nursery: Nursery, home: Home, traffic: Traffic
) -> None:
    """Each change is there as a whole or not at all; the next start puts it right."""
    dice = random.Random(1)
    nft("add", "table", "inet", "foreign")
    nft("add", "chain", "inet", "foreign", "mine")
    nft("add", "rule", "inet", "foreign", "mine", "counter")
    others = foreign()
    web = traffic.serve("nas", TCP, 80)
    every = candidates()
    for seed in range(KILLS):
        nursery.start(seed)
        # It may be anywhere: not started yet, or some changes on.
        steps = dice.randrange(4)
        for _ in range(steps):
            before = _tables()
            with contextlib.suppress(AssertionError):
                wait_until(lambda: _tables() != before)  # noqa: B023
        nursery.kill()

        gateway = Gateway([WAN_LINK], [LAN_LINK])
        await gateway.open()
        if "inet portshare" in nft("list", "tables"):
            there = set(await gateway._elements())
            for mapping in every:
                own = set(elements_of(mapping))
                assert own <= there or not own & there
        wanted = [each for each in every if dice.random() < 0.5]
        await gateway.adopt(wanted, AROUND)
        assert set(await gateway._elements()).issuperset(
            element for each in wanted for element in elements_of(each)
        )
        for port in range(8000, 8004):
            if any(isinstance(m, Dnat) and m.external.first == port for m in wanted):
                traffic.flow(web, port)
            else:
                traffic.assert_dropped(TCP, port)
        await gateway.close()
    assert foreign() == others


def _tables() -> str:
    """Return something that is different after each change."""
    done = subprocess.run(
        ["nft", "list", "table", "inet", "portshare"],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _rebuild_lan(home: Home) -> list[str]:
    lines = [
        f"link del {LAN_LINK}",
        *netns.bridge(LAN_LINK, mac=MACS[LAN_LINK]),
        *netns.address(LAN_LINK, *LAN.on(24, 64)),
    ]
    for device in home.devices.values():
        lines += netns.plug(device.port, into=LAN_LINK)
    return lines


async def test_the_lan_interface_is_made_anew(
    gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """A network manager that restarts: the firewall is whole as soon as it is back."""
    to = Mappings(home)
    mapping = to.dnat("nas", TCP, 8080, 80)
    service = traffic.serve("nas", TCP, 80)
    await gateway.adopt([mapping], AROUND)
    whole = listing()
    home.gateway.ip([f"link del {LAN_LINK}"])
    await until(gateway, lambda facts: not facts.lan_ipv4)
    await gateway.adopt([mapping], AROUND)
    traffic.assert_closed(TCP, 8081, protect=True)

    home.gateway.ip(_rebuild_lan(home)[1:])
    await until(gateway, lambda facts: bool(facts.lan_ipv4 and facts.lan_ipv6))
    await gateway.adopt([mapping], AROUND)
    assert listing() == whole
    traffic.flow(service, 8080)


async def test_the_wan_interface_is_made_anew(
    gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """As PPPoE does with each new connection."""
    mapping = Mappings(home).dnat("nas", TCP, 8080, 80)
    service = traffic.serve("nas", TCP, 80)
    await gateway.adopt([mapping], AROUND)
    whole = listing()
    home.gateway.ip([f"link del {WAN_LINK}"])
    await until(gateway, lambda facts: not facts.internet)
    assert listing() == whole  # rules name interfaces, which need not be there

    home.internet.ip(
        [
            *netns.veth(
                "line",
                WAN_LINK,
                home.gateway,
                mac=MACS["line"],
                peer_mac=MACS[WAN_LINK],
            ),
            *netns.plug("line", into="eth0"),
        ]
    )
    home.gateway.ip(
        [
            f"link set {WAN_LINK} up",
            *netns.address(WAN_LINK, *WAN.on(24, 64)),
            *netns.default_routes("203.0.113.1", "2001:db8:ffff::1"),
        ]
    )
    await until(gateway, lambda facts: len(facts.internet) == 2)
    traffic.flow(service, 8080)
    traffic.assert_dropped(TCP, 8081)


@pytest.mark.parametrize("transport", [TCP, UDP])
async def test_a_thousand_toggles(
    gateway: Gateway, home: Home, traffic: Traffic, transport: Transport
) -> None:
    """Who stands by loses nothing, and what is not ours stays as it is."""
    to = Mappings(home)
    nft("add", "table", "inet", "foreign")
    nft("add", "chain", "inet", "foreign", "mine")
    others = foreign()
    bystander = to.dnat("pi", transport, 9000, 9000)
    toggled = to.dnat("nas", transport, 8080, 80)
    await gateway.adopt([bystander], AROUND)
    flow = traffic.flow(traffic.serve("pi", transport, 9000), 9000)
    service = traffic.serve("nas", transport, 80)
    stop = asyncio.Event()

    def talk() -> int:
        """Every word arrives, or this fails."""
        times = 0
        while not stop.is_set():
            flow.talk()
            times += 1
        return times

    talking = asyncio.create_task(asyncio.to_thread(talk))
    for number in range(1000):
        change = closing(toggled) if number % 2 else opening(toggled)
        await gateway.apply(change, AROUND)
    stop.set()
    assert await talking > 100
    assert foreign() == others
    traffic.assert_dropped(transport, 8080)
    await gateway.apply(opening(toggled), AROUND)
    traffic.flow(service, 8080)


async def test_ten_thousand_mappings(
    gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """All at once, found again by the next start, and closed at once."""
    to = Mappings(home)
    many = [to.dnat("nas", TCP, port, port) for port in range(10_000, 20_000)]
    called = (10_000, 12_345, 19_999)
    services = [traffic.serve("nas", TCP, port) for port in called]
    await gateway.adopt([], AROUND)
    await gateway.apply(opening(*many), AROUND)
    flows = [traffic.flow(service, service.port) for service in services]
    await gateway.close()

    again = Gateway([WAN_LINK], [LAN_LINK])
    await again.open()
    try:
        await again.adopt(many, AROUND)
        for flow in flows:
            flow.talk()
        await again.apply(Change(closed=tuple(many)), AROUND)
        for flow in flows:
            flow.assert_cut(first="device")
        for port in called:
            traffic.assert_dropped(TCP, port)
    finally:
        await again.close()
