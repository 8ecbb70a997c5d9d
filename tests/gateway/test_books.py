"""Who has called, and how much went through."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Change, Family, Mapping, Transport
from demo.home import INTERNET, Home

from .builders import ANY, IPV4, TCP, UDP, Mappings, environment, opening, ports
from .traffic import Traffic, nft

AROUND = environment(protect=True)
FAMILIES = pytest.mark.parametrize("family", list(Family))
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])

SHARES: dict[str, Callable[[Mappings, Transport, Family], Mapping]] = {
    "port": lambda to, t, f: (
        to.dnat("nas", t, 80, 80) if f is IPV4 else to.pinhole("nas", t, 80)
    ),
    "range": lambda to, t, f: (
        to.dnat("nas", t, ports(75, 85), 75)
        if f is IPV4
        else to.pinhole("nas", t, ports(75, 85))
    ),
    "exposed host": lambda to, t, f: to.all_of("nas", ANY, f),
}


@FAMILIES
@TRANSPORTS
@pytest.mark.parametrize("share", SHARES)
async def test_an_account(
    gateway: Gateway,
    home: Home,
    traffic: Traffic,
    share: str,
    transport: Transport,
    family: Family,
) -> None:
    """Each share its own; what goes in, what goes out, and who it was."""
    to = Mappings(home)
    mapping = SHARES[share](to, transport, family)
    other = (
        to.dnat("pi", transport, 90, 90)
        if family is IPV4
        else to.pinhole("pi", transport, 90)
    )
    await gateway.adopt([other], AROUND)
    await gateway.apply(opening(mapping), AROUND)
    nobody = await gateway.accounts([mapping, other], datetime.now(UTC))
    assert nobody[mapping].visitors == []
    assert nobody[mapping].bytes_in == nobody[mapping].bytes_out == 0

    began = datetime.now(UTC)
    flow = traffic.flow(traffic.serve("nas", transport, 80, family), 80)
    for _ in range(10):
        flow.device.send(bytes(1000))
        assert len(flow.caller.recv(1000)) == 1000
    now = datetime.now(UTC)
    books = await gateway.accounts([mapping, other], now)
    account = books[mapping]
    assert account.bytes_out > 10_000
    assert 0 < account.bytes_in < 10_000
    assert account.packets_in >= 2
    assert account.packets_out >= 10
    (visitor,) = account.visitors
    assert str(visitor.address) == (INTERNET.ipv4 if family is IPV4 else INTERNET.ipv6)
    assert visitor.calls >= 1
    second = timedelta(seconds=1)
    assert began - second < visitor.last < now + second
    assert books[other].visitors == []
    assert books[other].bytes_in == 0


async def test_visitors_are_counted(
    gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """Calls, not packets."""
    mapping = Mappings(home).dnat("nas", TCP, 80, 80)
    await gateway.adopt([mapping], AROUND)
    service = traffic.serve("nas", TCP, 80)
    for _ in range(5):
        traffic.flow(service, 80)
    books = await gateway.accounts([mapping], datetime.now(UTC))
    (visitor,) = books[mapping].visitors
    assert visitor.calls == 5


async def test_what_begins_anew_when_a_mapping_is_opened_again(
    gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """What went through; not what went out, nor who has called."""
    mapping = Mappings(home).dnat("nas", TCP, 80, 80)
    await gateway.adopt([mapping], AROUND)
    traffic.flow(traffic.serve("nas", TCP, 80), 80)
    before = (await gateway.accounts([mapping], datetime.now(UTC)))[mapping]
    assert before.packets > before.packets_out > 0
    await gateway.apply(Change(closed=(mapping,)), AROUND)
    await gateway.apply(opening(mapping), AROUND)
    after = (await gateway.accounts([mapping], datetime.now(UTC)))[mapping]
    assert after.packets == after.bytes == after.packets_in == 0
    assert after.packets_out == before.packets_out
    assert [each.calls for each in after.visitors] == [1]


@pytest.mark.parametrize("name", ["flow4", "visitors4"])
async def test_an_element_of_somebody_else_without_a_key(
    gateway: Gateway, home: Home, name: str
) -> None:
    """Which stands for all others; the healing comes a moment later."""
    mapping = Mappings(home).dnat("nas", Transport.TCP, 8080, 80)
    await gateway.adopt([mapping], AROUND)
    nft("add", "element", "inet", "portshare", name, "{ * }")
    books = await gateway.accounts([mapping], datetime.now(UTC))
    assert books[mapping].bytes == 0
