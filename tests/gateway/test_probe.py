"""Does anybody listen? Asked of devices in their own network namespaces."""

import asyncio
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from custom_components.portshare.gateway import probe
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.gateway.probe import somebody_listens
from custom_components.portshare.sharing.model import Family
from demo.home import LAN_LINK, Home

from .builders import TCP, Mappings, environment
from .traffic import Traffic

FAMILIES = pytest.mark.parametrize("family", list(Family))
NOWHERE = ip_address("192.168.178.99")
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@FAMILIES
async def test_who_listens_is_found_and_hung_up_at_once(
    inside: None, home: Home, traffic: Traffic, family: Family
) -> None:
    service = traffic.serve("nas", TCP, 80, family)
    assert await somebody_listens(at(home, family), 80) is True
    sock, _ = await asyncio.to_thread(service.accept)
    assert sock.recv(1) == b""


@FAMILIES
async def test_who_refuses_does_not_listen(
    inside: None, home: Home, family: Family
) -> None:
    assert await somebody_listens(at(home, family), 80) is False


async def test_a_device_that_is_gone_does_not_listen(inside: None) -> None:
    assert await somebody_listens(NOWHERE, 80) is False


async def test_a_device_that_says_nothing_does_not_listen(
    inside: None, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a device does whose own firewall drops calls."""
    monkeypatch.setattr(probe, "_PATIENCE_SECONDS", 0.1)
    home.namespaces["nas"].run(
        "nft",
        "add table inet deaf; "
        "add chain inet deaf input { type filter hook input priority 0; }; "
        "add rule inet deaf input tcp dport 80 drop",
    )
    assert await somebody_listens(at(home, Family.IPV4), 80) is False


async def test_without_a_way_to_the_device_nothing_can_be_told(
    inside: None, home: Home
) -> None:
    home.gateway.run("ip", "link", "set", LAN_LINK, "down")
    home.gateway.run("ip", "route", "flush", "default")
    assert await somebody_listens(at(home, Family.IPV4), 80) is None


async def test_a_device_is_asked_through_the_firewall_that_shares_its_port(
    gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """With protection on, and over the binding of the port to the device."""
    mapping = Mappings(home).dnat("nas", TCP, 8080, 80)
    await gateway.adopt([mapping], environment(protect=True))
    assert await somebody_listens(at(home, Family.IPV4), 80) is False
    traffic.serve("nas", TCP, 80)
    assert await somebody_listens(at(home, Family.IPV4), 80) is True
    # Nobody has called it from outside.
    books = await gateway.accounts([mapping], NOW)
    assert books[mapping].packets == 0
    assert not books[mapping].visitors


def at(home: Home, family: Family) -> IPv4Address | IPv6Address:
    """Return where the NAS is."""
    addresses = home.devices["nas"].addresses
    return ip_address(addresses.ipv4 if family is Family.IPV4 else addresses.ipv6)
