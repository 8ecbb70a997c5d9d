"""How long somebody else's damage to our tables lasts.

    python -m benchmarks.heal

The clock starts with the kernel's event that somebody's transaction is done, and ends
with the event that ours is, after which the tables are whole. With few mappings and many.

The program `nft` ends right after its transaction, and as its socket closes the kernel
waits for what it has deleted to be freed, with the mutex locked that our transaction
needs (nft_rcv_nl_event: an RCU grace period, here 8-20 ms). So the same damage is done
by a program that goes on, too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import IPv4Address
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
from custom_components.portshare.sharing.model import Dnat, PortRange, Transport
from demo.home import Home

from . import common

ROUNDS = 30
SIZES = (10, 1_000, 10_000)
TARGET_MS = 5.0

# include/uapi/linux/netfilter/nfnetlink.h, nf_tables.h
NFNLGRP_NFTABLES = 7
NEW_GENERATION = 15

BY_NFT = {
    "nft: ruleset flushed": "flush ruleset",
    "nft: chain flushed": "flush chain inet portshare gate4",
    "nft: rule inserted": "insert rule inet portshare forward accept",
    "nft: element deleted": "delete element inet portshare dnat4 { udp . 1024 }",
}


def mappings(home: Home, size: int) -> list[Dnat]:
    """Return so many mappings to one device."""
    nas = home.devices["nas"]
    address = IPv4Address(nas.addresses.ipv4)
    return [
        Dnat(Transport.UDP, PortRange(port, port), nas.mac, address, port)
        for port in range(1024, 1024 + size)
    ]


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


async def main(home: Home) -> None:
    """Print a line for each damage and size."""
    around = common.environment(protect=True)
    async with common.gateway() as gateway:
        told = asyncio.Event()
        gateway.on_damage(told.set)
        observer = Observer()
        other = NetlinkSocket(NETLINK_NETFILTER)
        deletions = [
            delete_table(each, TABLE) for each in (NFPROTO_INET, NFPROTO_NETDEV)
        ]
        damages: dict[str, Callable[[], Awaitable[object]]] = {
            "tables deleted": lambda: other.batch(deletions, NFNL_SUBSYS_NFTABLES),
            **{name: partial(run_nft, command) for name, command in BY_NFT.items()},
        }
        for size in SIZES:
            many = mappings(home, size)

            async def heal() -> None:
                await told.wait()
                told.clear()
                while gateway.damaged:
                    await gateway.adopt(many, around)  # noqa: B023

            await gateway.adopt(many, around)
            told.clear()
            print(f"\n{size:,} mappings")
            for name, damage in damages.items():
                times = [await observer.lasted(damage, heal) for _ in range(ROUNDS)]
                p50 = common.percentile(times, 50)
                line = f"  {name:22} {common.milliseconds(times)}"
                if size == SIZES[0]:
                    line += f"   {common.target(p50, TARGET_MS, ' ms')}"
                print(line)
        await other.close()
        await observer.close()


if __name__ == "__main__":
    common.run(main)
