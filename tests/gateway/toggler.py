"""Processes that toggle mappings until they are killed: `python -m tests.gateway.toggler`.

For each line that it reads it makes one, and writes its process id. Forks are quicker
than fifty starts of Python.
"""

import asyncio
import os
import random
import signal
import sys

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Change, Mapping
from demo.home import LAN_LINK, WAN_LINK, Home

from .builders import TCP, UDP, Mappings, environment, ports

PREFIX = "pst-"
AROUND = environment(protect=True)


def candidates() -> list[Mapping]:
    """Mappings of all kinds of elements, none in the way of another."""
    to = Mappings(Home(PREFIX))
    return [
        *(to.dnat("nas", TCP, port, 80) for port in range(8000, 8004)),
        to.dnat("pi", UDP, 51820, 51820),
        to.dnat("nas", TCP, ports(5000, 5010), 5000),
        to.dnat("console", UDP, ports(6000, 6002), 7000),
        to.pinhole("nas", TCP, 80),
        to.pinhole("pi", UDP, ports(5000, 5010)),
        to.dnat("pi", TCP, 9000, 9000, sources=("203.0.113.0/24",)),
    ]


async def toggle(seed: int) -> None:
    """Start like Home Assistant does, and change one thing after the other."""
    dice = random.Random(seed)
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    await gateway.open()
    is_open = {each for each in candidates() if dice.random() < 0.5}
    await gateway.adopt(is_open, AROUND)
    while True:
        some = dice.sample(candidates(), 3)
        change = Change(
            tuple(each for each in some if each not in is_open),
            tuple(each for each in some if each in is_open),
        )
        await gateway.apply(change, AROUND)
        is_open = is_open - set(change.closed) | set(change.opened)


def main() -> None:
    """Fork for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            asyncio.run(toggle(int(line)))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
