"""How long somebody else's damage to our tables lasts.

The clock starts with the kernel's event that somebody's transaction is done, and ends
with the event that ours is, after which the tables are whole. With few mappings and many.

The program `nft` ends right after its transaction, and as its socket closes the kernel
waits for what it has deleted to be freed, with the mutex locked that our transaction
needs (nft_rcv_nl_event: an RCU grace period, here 8-20 ms). So the same damage is done
by a program that goes on, too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
import time

from custom_components.portshare.gateway.definition import TABLE
from custom_components.portshare.gateway.netlink import (
    NETLINK_NETFILTER,
    Event,
    NetlinkSocket,
)
from custom_components.portshare.gateway.nftables import (
    NFNL_SUBSYS_NFTABLES,
    NFPROTO_INET,
    NFPROTO_NETDEV,
    delete_table,
)
from custom_components.portshare.sharing.model import Transport
from demo.home import Home

from . import common
from .report import Line, Section, Target, grouped, timed

SIZES = (10, 1_000, 10_000)
FIRST_PORT = 1024
TARGET = Target(5.0)

# include/uapi/linux/netfilter/nfnetlink.h, nf_tables.h
NFNLGRP_NFTABLES = 7
NEW_GENERATION = 15

BY_NFT = {
    "nft flush ruleset": "flush ruleset",
    "nft flush chain ...": "flush chain inet portshare gate4",
    "nft insert rule ...": "insert rule inet portshare forward accept",
    "nft delete element ...": f"delete element inet portshare dnat4 {{ udp . {FIRST_PORT} }}",
}


def run(*, quick: bool) -> Section:
    """Return all of it."""
    sizes = SIZES[:2] if quick else SIZES
    return Section(
        "Somebody else's damage, until it is mended",
        common.in_home(
            lambda home: _benchmark(home, sizes, rounds=10 if quick else 30)
        ),
    )


class Observer:
    """Sees when damage is done, and when the transaction after it is."""

    def __init__(self) -> None:
        """Listen to nftables."""
        self._netlink = NetlinkSocket(
            NETLINK_NETFILTER, groups=(NFNLGRP_NFTABLES,), on_event=self._event
        )
        self._generations: list[float] = []

    def _event(self, event: Event) -> None:
        if event.type & 0xFF == NEW_GENERATION:
            self._generations.append(time.perf_counter())

    async def lasted(
        self,
        damage: Callable[[], Awaitable[object]],
        heal: Callable[[], Awaitable[None]],
    ) -> float:
        """Do damage, let it be healed, and return how long it lasted, in seconds."""
        self._generations.clear()
        await asyncio.gather(damage(), heal())
        while len(self._generations) < 2:
            await asyncio.sleep(0.001)
        first, second = self._generations[:2]
        return second - first

    async def close(self) -> None:
        """Listen no more."""
        await self._netlink.close()


async def run_nft(command: str) -> None:
    """Let nft do something."""
    nft = await asyncio.create_subprocess_exec("nft", command)
    await nft.wait()


async def _benchmark(home: Home, sizes: Sequence[int], rounds: int) -> list[Line]:
    around = common.environment(protect=True)
    lines = []
    async with common.gateway() as gateway:
        told = asyncio.Event()
        gateway.on_damage(told.set)
        observer = Observer()
        other = NetlinkSocket(NETLINK_NETFILTER)
        deletions = [
            delete_table(each, TABLE) for each in (NFPROTO_INET, NFPROTO_NETDEV)
        ]
        damages: dict[str, Callable[[], Awaitable[object]]] = {
            "both tables deleted, by a program that goes on": lambda: other.batch(
                deletions, NFNL_SUBSYS_NFTABLES
            ),
            **{name: partial(run_nft, command) for name, command in BY_NFT.items()},
        }
        for size in sizes:
            many = common.mappings(home, size, Transport.UDP, FIRST_PORT)

            async def heal() -> None:
                await told.wait()
                told.clear()
                while gateway.damaged:
                    await gateway.adopt(many, around)  # noqa: B023

            await gateway.adopt(many, around)
            told.clear()
            for name, damage in damages.items():
                times = [await observer.lasted(damage, heal) for _ in range(rounds)]
                target = TARGET if size == SIZES[0] else None
                lines.append(timed(name, times, size=size, target=target))
        await other.close()
        await observer.close()
    return grouped(lines)
