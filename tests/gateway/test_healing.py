"""What others do to our tables is undone at once."""

import asyncio
import subprocess

import pytest

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Mapping
from demo.home import Home

from .builders import TCP, UDP, Mappings, closing, environment, opening, ports
from .listing import listing
from .test_adopt import DAMAGES
from .traffic import Traffic, nft

AROUND = environment(protect=True)


class Healer:
    """Does what the coordinator does: it adopts what shall be there."""

    def __init__(self, gateway: Gateway, mappings: list[Mapping]) -> None:
        self.gateway = gateway
        self.mappings = mappings
        self.damaged = asyncio.Event()
        gateway.on_damage(self.damaged.set)

    async def heal(self) -> None:
        """Wait for damage, and put it right."""
        await asyncio.wait_for(self.damaged.wait(), 5)
        self.damaged.clear()
        await self.gateway.adopt(self.mappings, AROUND)


@pytest.fixture
async def healer(gateway: Gateway, home: Home) -> Healer:
    to = Mappings(home)
    mappings: list[Mapping] = [
        to.dnat("nas", TCP, 8080, 80, "Web on nas"),
        to.dnat("pi", UDP, 51820, 51820, "WireGuard"),
        to.dnat("nas", TCP, ports(5000, 5010), 5000, "range"),
        to.dnat("console", UDP, ports(6000, 6002), 7000, "shifted"),
        to.pinhole("nas", TCP, 80, "Web on nas"),
        to.pinhole("nas", UDP, ports(5000, 5010)),
    ]
    await gateway.adopt(mappings, AROUND)
    return Healer(gateway, mappings)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_told_and_put_right(
    healer: Healer, damage: str, traffic: Traffic
) -> None:
    """Whatever it was; and a flow that runs goes on."""
    flow = traffic.flow(traffic.serve("nas", TCP, 80), 8080)
    right = listing()
    DAMAGES[damage]()
    assert _now() != right
    await healer.heal()
    assert listing() == right
    flow.talk()


def _now() -> str:
    try:
        return listing()
    except subprocess.CalledProcessError:
        return "gone"


@pytest.mark.parametrize(
    "what",
    [
        "delete table netdev portshare",
        "flush chain netdev portshare to_home",
        "flush set netdev portshare device4",
        "add rule netdev portshare to_home drop",
    ],
)
async def test_the_delivery_table(healer: Healer, what: str) -> None:
    right = listing()
    nft(*what.split())
    await healer.heal()
    assert listing() == right


async def test_our_own_changes_are_no_damage(
    healer: Healer, gateway: Gateway, home: Home
) -> None:
    """Nor are those of others to their own tables."""
    mapping = Mappings(home).dnat("nas", TCP, 9000, 9000)
    await gateway.apply(opening(mapping), AROUND)
    await gateway.apply(closing(mapping), AROUND)
    nft("add", "table", "inet", "foreign")
    nft("add", "table", "ip", "portshare")
    nft("add", "chain", "ip", "portshare", "mine")
    # The last of all is told last.
    nft("add", "set", "inet", "portshare", "mine", "{ type ipv4_addr; }")
    assert not healer.damaged.is_set()
    await healer.heal()
    assert not healer.damaged.is_set()


async def test_a_thousand_times(healer: Healer, traffic: Traffic) -> None:
    """In the end all is right, and what runs has never been disturbed for good."""
    right = listing()
    flow = traffic.flow(traffic.serve("nas", TCP, 80), 8080)
    stop = asyncio.Event()

    async def heal_until_stopped() -> int:
        times = 0
        while not stop.is_set() or healer.damaged.is_set():
            await asyncio.wait(
                [
                    asyncio.ensure_future(healer.damaged.wait()),
                    asyncio.ensure_future(stop.wait()),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            if healer.damaged.is_set():
                await healer.heal()
                times += 1
        return times

    healing = asyncio.create_task(heal_until_stopped())
    nft_process = await asyncio.create_subprocess_exec(
        "sh", "-c", "for i in $(seq 1000); do nft flush ruleset; done"
    )
    await nft_process.wait()
    stop.set()
    assert await healing > 0
    assert listing() == right
    flow.talk()
