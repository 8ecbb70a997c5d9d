"""Who has an address? If nobody knows, the kernel asks, and the answer changes facts."""

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

type Address = IPv4Address | IPv6Address


class _Asker(Protocol):
    """What of a Gateway it takes to ask."""

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener when facts have changed; return how to stop that."""

    async def probe(self, address: Address) -> None:
        """Let the kernel find out who has an address; the answer changes the facts."""


async def find_holder(
    gateway: _Asker,
    address: Address,
    look: Callable[[Address], str | None],
    patience: float,
) -> str | None:
    """Return the MAC address that a look finds; None if nobody answers in these seconds."""
    if mac := look(address):
        return mac
    changed = asyncio.Event()
    unsubscribe = gateway.subscribe(changed.set)
    try:
        async with asyncio.timeout(patience):
            await gateway.probe(address)
            while not (mac := look(address)):
                await changed.wait()
                changed.clear()
    except TimeoutError:
        return None
    finally:
        unsubscribe()
    return mac
