"""Walks through the kernel's table of flows: when they are made."""

import asyncio

import pytest

from custom_components.portshare.gateway import leading
from custom_components.portshare.gateway.gateway import Gateway

from .builders import UDP, Mappings, environment, opening
from .test_conntrack import knock, knock_again
from .traffic import PATIENCE, Traffic

AROUND = environment()


async def test_closing_does_not_wait_for_the_rest_between_walks(
    gateway: Gateway, traffic: Traffic, to: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was opened in that time is led at once."""
    for rest in ("_SHORTEST_REST_SECONDS", "_LONGEST_REST_SECONDS"):
        monkeypatch.setattr(leading, rest, 3600)
    first, second = (to.dnat("nas", UDP, port, port) for port in (51821, 51820))
    await gateway.adopt([], AROUND)
    flow = knock(traffic)
    async with asyncio.timeout(PATIENCE):
        await gateway.apply(opening(first), AROUND, lead_soon=True)
        while gateway._leading._opened or gateway._leading._lock.locked():
            await asyncio.sleep(0)
        await gateway.apply(opening(second), AROUND, lead_soon=True)
        assert gateway._leading._opened == {second}
        await gateway.close()
    knock_again(flow, traffic.serve("nas", UDP, 51820))
