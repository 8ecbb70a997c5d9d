"""What the gateway sees of other firewalls and of its own services."""

import asyncio
from collections.abc import Callable
import re
from typing import override

import pytest

from custom_components.portshare.gateway.gateway import Gateway, remove_tables
from custom_components.portshare.gateway.table_watch import TableWatch
from custom_components.portshare.sharing.model import Facts, Transport
from demo.home import LAN_LINK, WAN_LINK, Home

from .builders import IPV4, TCP, UDP, Mappings, environment, opening
from .traffic import Traffic, nft

AROUND = environment(protect=True)


async def until(
    gateway: Gateway, seen: Callable[[Facts], bool], *, seconds: float = 5
) -> None:
    """Wait until the facts are such; nothing but an event may bring that about."""
    changed = asyncio.Event()
    unsubscribe = gateway.subscribe(changed.set)
    async with asyncio.timeout(seconds):
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


FORWARD = "{ type filter hook forward priority 0; policy %s; }"


@pytest.mark.parametrize("policy", ["accept", "drop"])
async def test_a_single_rule_of_another_firewall(
    gateway: Gateway, home: Home, policy: str
) -> None:
    """Told by event when it comes and when it goes, wherever it stands."""
    mapping = Mappings(home).dnat("nas", TCP, 80, 80)
    nft("add", "table", "inet", "mine")
    nft("add", "chain", "inet", "mine", "forward", FORWARD % policy)
    nft("add", "chain", "inet", "mine", "from_wan")
    nft("add", "rule", "inet", "mine", "forward", "jump", "from_wan")
    shut = policy == "drop"
    await until(gateway, lambda facts: facts.firewalls.keep_out(mapping) is shut)
    rule = "accept" if shut else "drop"
    added = nft("--echo", "--handle", "add", "rule", "inet", "mine", "from_wan", rule)
    await until(gateway, lambda facts: facts.firewalls.keep_out(mapping) is not shut)
    handle = re.search(r"# handle (\d+)", added)
    assert handle
    nft("delete", "rule", "inet", "mine", "from_wan", "handle", handle[1])
    await until(gateway, lambda facts: facts.firewalls.keep_out(mapping) is shut)


async def test_a_rule_that_settles_what_could_not_be_told(
    gateway: Gateway, home: Home
) -> None:
    """A firewall that may block does so, or does not, by one rule more."""
    mapping = Mappings(home).dnat("nas", TCP, 80, 80)
    nft("add", "table", "inet", "mine")
    nft("add", "chain", "inet", "mine", "forward", FORWARD % "drop")
    nft("add", "rule", "inet", "mine", "forward", "meta", "mark", "7", "accept")
    await until(gateway, lambda facts: bool(gateway.others.firewalls))
    (firewall,) = gateway.others.firewalls
    assert firewall.may_block
    nft("insert", "rule", "inet", "mine", "forward", "drop")
    await until(gateway, lambda facts: facts.firewalls.keep_out(mapping))
    nft("insert", "rule", "inet", "mine", "forward", "ct", "label", "77", "accept")
    await until(gateway, lambda facts: not facts.firewalls.keep_out(mapping))
    (firewall,) = gateway.others.firewalls
    assert not firewall.may_block


class Counting(Gateway):
    """A gateway that counts how often it looks."""

    looks = 0

    @override
    async def look(self) -> None:
        self.looks += 1
        await super().look()


async def test_a_thousand_rule_changes_are_few_looks(inside: None, home: Home) -> None:
    """One by one, as some programs make them; what the last says is true in the end."""
    mapping = Mappings(home).dnat("nas", TCP, 80, 80)
    nft("add", "table", "inet", "mine")
    nft("add", "chain", "inet", "mine", "forward", FORWARD % "accept")
    gateway = Counting([WAN_LINK], [LAN_LINK])
    await gateway.open()
    storm = await asyncio.create_subprocess_exec(
        "sh",
        "-ec",
        "for i in $(seq 1000); do nft add rule inet mine forward tcp dport $i; done;"
        "nft add rule inet mine forward drop",
    )
    await until(gateway, lambda facts: facts.firewalls.keep_out(mapping), seconds=60)
    assert await storm.wait() == 0
    assert 1 < gateway.looks < 10
    await gateway.close()


async def test_elements_of_others_are_no_rules(inside: None) -> None:
    """Programs that ban callers add and delete them all day long."""
    told = asyncio.Queue[str]()
    nft("add", "table", "inet", "mine")
    nft("add", "chain", "inet", "mine", "input")
    nft("add", "set", "inet", "mine", "banned", "{ type ipv4_addr; }")
    tables = TableWatch(
        lambda: told.put_nowait("damage"), lambda: told.put_nowait("others")
    )
    tables.open(0)
    for number in range(1, 100):
        nft("add", "element", "inet", "mine", "banned", f"{{ 10.0.0.{number} }}")
    nft("add", "rule", "inet", "mine", "input", "accept")
    async with asyncio.timeout(5):
        assert await told.get() == "others"
    # The last of all is told last.
    nft("add", "table", "inet", "portshare")
    async with asyncio.timeout(5):
        assert await told.get() == "damage"
    await tables.close()


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
