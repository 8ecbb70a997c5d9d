"""What the gateway sees of other firewalls and of its own services."""

import asyncio
from collections.abc import Callable

import pytest

from custom_components.portshare.gateway.gateway import Gateway, remove_tables
from custom_components.portshare.sharing.model import Facts, Transport
from demo.home import Home

from .builders import IPV4, TCP, UDP, Mappings, environment, opening
from .traffic import Traffic, nft

AROUND = environment(protect=True)


async def until(gateway: Gateway, seen: Callable[[Facts], bool]) -> None:
    """Wait until the facts are such; nothing but an event may bring that about."""
    changed = asyncio.Event()
    unsubscribe = gateway.subscribe(changed.set)
    async with asyncio.timeout(5):
        while not seen(gateway.facts()):
            await changed.wait()
            changed.clear()
    unsubscribe()


async def test_a_firewall_comes_and_goes(
    gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """Told by event; and one rule, that we can add, lets shares in."""
    mapping = Mappings(home).dnat("nas", TCP, 80, 80)
    service = traffic.serve("nas", TCP, 80)
    await gateway.adopt([], AROUND)
    await gateway.apply(opening(mapping), AROUND)
    assert not gateway.facts().firewalls.keep_out(mapping)

    nft("add", "table", "inet", "mine")
    chain = "{ type filter hook forward priority 0; policy drop; }"
    nft("add", "chain", "inet", "mine", "forward", chain)
    await until(gateway, lambda facts: facts.firewalls.keep_out(mapping))
    (firewall,) = gateway.others.firewalls

    await gateway.let_through(firewall)
    assert not gateway.facts().firewalls.keep_out(mapping)
    traffic.flow(service, 80)

    nft("flush", "chain", "inet", "mine", "forward")
    await until(gateway, lambda facts: facts.firewalls.keep_out(mapping))
    nft("delete", "table", "inet", "mine")
    await until(gateway, lambda facts: not facts.firewalls.keep_out(mapping))
    traffic.flow(service, 80)


async def test_our_rule_goes_with_our_tables(gateway: Gateway, home: Home) -> None:
    """What was added to the table of somebody else is taken out again."""
    nft("add", "table", "inet", "mine")
    chain = "{ type filter hook forward priority 0; policy drop; }"
    nft("add", "chain", "inet", "mine", "forward", chain)
    before = nft("list", "ruleset")
    await gateway.look()
    await gateway.adopt([], AROUND)
    for firewall in gateway.others.firewalls:
        await gateway.let_through(firewall)
    assert nft("list", "table", "inet", "mine") != before
    await gateway.close()
    await remove_tables()
    assert nft("list", "ruleset") == before


async def test_whether_packets_are_forwarded(gateway: Gateway, home: Home) -> None:
    mapping = Mappings(home).dnat("nas", TCP, 80, 80)
    assert gateway.facts().not_forwarded == frozenset()
    home.gateway.sysctl({"net.ipv4.ip_forward": 0})
    await gateway.look()
    assert gateway.facts().not_forwarded == {IPV4}
    assert gateway.facts().keep_out(mapping)
    home.gateway.sysctl({"net.ipv4.ip_forward": 1})
    await gateway.look()
    assert not gateway.facts().keep_out(mapping)


@pytest.mark.parametrize("transport", [TCP, UDP])
async def test_what_the_gateway_serves(
    gateway: Gateway, traffic: Traffic, transport: Transport
) -> None:
    assert (transport, 2222) not in gateway.facts().served
    traffic.serve("gateway", transport, 2222, IPV4)
    await gateway.look()
    assert (transport, 2222) in gateway.facts().served
