"""Somebody in our process closes what is not his: we notice, and nothing is lost."""

import asyncio
from ipaddress import IPv4Address
import os

import pytest

from custom_components.portshare.gateway import netlink
from custom_components.portshare.gateway.errors import NetlinkTimeout
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.gateway.netlink import NETLINK_NETFILTER, NetlinkSocket
from demo.home import WAN_LINK, Home

from .builders import TCP, Mappings, closing, environment, opening
from .listing import listing
from .test_healing import Healer
from .test_look import until
from .traffic import Traffic, nft

AROUND = environment(protect=True)


def close_sockets(gateway: Gateway, *names: str) -> None:
    """Close some of: what commands, what hears of tables, what hears of the network."""
    sockets = {
        "commands": gateway._netlink,
        "tables": gateway._tables._netlink,
        "network": gateway._watch._netlink,
    }
    for name in names:
        lost = sockets[name]
        assert lost
        os.close(lost._socket.fileno())


ANY = pytest.mark.parametrize(
    "names",
    [
        ("commands",),
        ("commands", "tables"),
        ("network", "tables"),
        ("commands", "tables", "network"),
    ],
    ids=" ".join,
)


@ANY
async def test_the_next_change_is_made(
    gateway: Gateway, home: Home, traffic: Traffic, names: tuple[str, ...]
) -> None:
    """It opens what it shall, and closes it: flows that run, too."""
    to = Mappings(home)
    mapping = to.dnat("nas", TCP, 8080, 80)
    service = traffic.serve("nas", TCP, 80)
    await gateway.adopt([], AROUND)
    close_sockets(gateway, *names)
    await gateway.apply(opening(mapping), AROUND)
    flow = traffic.flow(service, 8080)
    close_sockets(gateway, "commands")
    await gateway.apply(closing(mapping), AROUND)
    flow.assert_cut(first="device")


@ANY
async def test_what_happened_meanwhile_is_found_and_what_comes_is_told(
    gateway: Gateway, home: Home, names: tuple[str, ...]
) -> None:
    mapping = Mappings(home).dnat("nas", TCP, 8080, 80)
    await gateway.adopt([mapping], AROUND)
    healer = Healer(gateway, [mapping])
    right = listing()
    close_sockets(gateway, *names)
    nft("flush", "ruleset")
    home.gateway.ip([f"addr add 203.0.113.9/24 dev {WAN_LINK}"])
    await gateway.look()
    await healer.heal()
    assert listing() == right
    await until(gateway, lambda facts: IPv4Address("203.0.113.9") in facts.wan_ipv4)

    healer.damaged.clear()
    nft("delete", "table", "inet", "portshare")
    await healer.heal()
    assert listing() == right
    home.gateway.ip([f"addr del 203.0.113.9/24 dev {WAN_LINK}"])
    await until(gateway, lambda facts: IPv4Address("203.0.113.9") not in facts.wan_ipv4)


async def test_our_own_changes_are_still_no_damage(
    gateway: Gateway, home: Home
) -> None:
    """Although they come from another port id now, as somebody else has ours."""
    mapping = Mappings(home).dnat("nas", TCP, 8080, 80)
    await gateway.adopt([], AROUND)
    healer = Healer(gateway, [])
    assert gateway._netlink
    before = gateway._netlink.port_id
    close_sockets(gateway, "commands")
    thief = NetlinkSocket(NETLINK_NETFILTER)
    assert thief.port_id == before
    await gateway.look()
    assert gateway._netlink.port_id != before
    await healer.heal()
    assert not gateway.damaged
    await gateway.apply(opening(mapping), AROUND)
    await gateway.apply(closing(mapping), AROUND)
    # The last of all is told last.
    nft("flush", "chain", "inet", "portshare", "forward")
    assert not healer.damaged.is_set()
    await healer.heal()
    await thief.close()


async def test_a_change_whose_outcome_is_unknown_is_looked_after(
    gateway: Gateway, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel has carried it out, but its answer does not come."""
    mapping = Mappings(home).dnat("nas", TCP, 8080, 80)
    await gateway.adopt([], AROUND)
    healer = Healer(gateway, [])
    right = listing()
    assert gateway._netlink
    with monkeypatch.context() as hasty:
        hasty.setattr(netlink, "_TIMEOUT_SECONDS", 0.1)
        asyncio.get_running_loop().remove_reader(gateway._netlink._socket)
        with pytest.raises(NetlinkTimeout):
            await gateway.apply(opening(mapping), AROUND)
    assert listing() != right
    await healer.heal()
    assert listing() == right
    await gateway.apply(opening(mapping), AROUND)
