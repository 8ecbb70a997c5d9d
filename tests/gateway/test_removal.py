"""Taking away all that is ours: the tables, our rules in those of others, the flows."""

import asyncio
from collections.abc import Callable
import contextlib
import errno
from ipaddress import IPv4Address
from pathlib import Path
import socket

import pytest

from custom_components.portshare.gateway import conntrack, gateway as gateway_module
from custom_components.portshare.gateway.conntrack import forget_flows
from custom_components.portshare.gateway.errors import (
    GatewayError,
    NetlinkError,
    NetlinkTimeout,
)
from custom_components.portshare.gateway.expressions import label_bits
from custom_components.portshare.gateway.gateway import Gateway, remove_tables
from custom_components.portshare.gateway.netlink import (
    NETLINK_NETFILTER,
    NetlinkSocket,
    attribute,
)
from custom_components.portshare.gateway.ruleset import LABEL
from custom_components.portshare.sharing.model import Family, Mapping, Transport
from demo.calls import Caller, Download
from demo.home import INTERNET, WAN, Home
from demo.services import Services

from .builders import IPV4, IPV6, TCP, UDP, Mappings, environment
from .traffic import PATIENCE, Traffic, nft

FIREWALLS = Path(__file__).parent / "firewalls"
AROUND = environment()
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])
FAMILIES = pytest.mark.parametrize("family", list(Family))


def firewall(name: str) -> None:
    """Load the firewall of somebody else."""
    nft("-f", str(FIREWALLS / f"{name}.nft"))


def web(to: Mappings, family: Family) -> Mapping:
    """Return port 80 of the nas, which the internet calls by the same number."""
    return to.dnat("nas", TCP, 80, 80) if family is IPV4 else to.pinhole("nas", TCP, 80)


@TRANSPORTS
async def test_removing_cuts_flows_that_run(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    await gateway.adopt([to.dnat("nas", transport, 8080, 80)], AROUND)
    flow = traffic.flow(traffic.serve("nas", transport, 80), 8080)
    firewall("masquerade")
    await gateway.close()
    await remove_tables()
    with pytest.raises(ConnectionError):
        ask(flow.caller)


def ask(sock: socket.socket) -> bytes:
    """Return what the other end of a flow answers."""
    sock.send(b"anybody there?")
    return sock.recv(100)


@FAMILIES
async def test_removing_cuts_a_download_that_runs(
    gateway: Gateway, home: Home, to: Mappings, family: Family
) -> None:
    """Its device speaks next, and others would let it out as one that it has begun."""
    nas = home.devices["nas"]
    await gateway.adopt([web(to, family)], AROUND)
    await gateway.close()
    address = WAN.ipv4 if family is IPV4 else nas.addresses.ipv6
    with Services("nas", nas.namespace), contextlib.ExitStack() as stack:
        download = Download(
            Caller(home.internet), address, 80, size=1 << 40, rate=20_000_000
        )
        stack.callback(download.leave)
        assert download.wait_until(1, PATIENCE), download.ended
        firewall("lets_out")
        assert download.wait_until(download.received + 1, PATIENCE), download.ended
        await remove_tables()
        assert download.wait_until_ended(PATIENCE)


@TRANSPORTS
async def test_after_removing_other_firewalls_have_their_say(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    """What they let through as begun long ago was begun by us.

    Over TCP the ends may have been told already: one was to acknowledge something yet.
    """
    await gateway.adopt([to.pinhole("nas", transport, 80)], AROUND)
    flow = traffic.flow(traffic.serve("nas", transport, 80, IPV6), 80)
    bystander = traffic.flow(traffic.serve("pi", transport, 7, IPV6), 7)
    firewall("established_only")
    flow.talk()
    bystander.talk()
    await gateway.close()
    await remove_tables()
    with contextlib.suppress(ConnectionResetError):
        flow.caller.send(b"anybody there?")
    bystander.talk()
    flow.device.setblocking(False)
    with pytest.raises((BlockingIOError, ConnectionResetError)):
        flow.device.recv(100)


async def test_removing_what_is_not_there(inside: None) -> None:
    await remove_tables()


@pytest.mark.parametrize(
    "internet",
    ["", "add set inet portshare internet { type ipv4_addr ; }"],
    ids=["none", "of addresses"],
)
async def test_removing_a_table_of_another_version(inside: None, internet: str) -> None:
    """It has no set with the name of one of ours, or another one."""
    nft("add", "table", "inet", "portshare")
    if internet:
        nft(*internet.split())
    await remove_tables()
    assert nft("list", "tables") == ""


def _nobody_calls(traffic: Traffic) -> None:
    """No flow is there."""


def _somebody_calls_another(traffic: Traffic) -> None:
    traffic.flow(traffic.serve("pi", TCP, 7, IPV6), 7)


def _the_table_is_gone(traffic: Traffic) -> None:
    traffic.flow(traffic.serve("nas", TCP, 80, IPV6), 80)
    nft("delete", "table", "inet", "portshare")


@pytest.mark.parametrize(
    "before", [_nobody_calls, _somebody_calls_another, _the_table_is_gone]
)
async def test_removing_is_done_at_once_if_there_is_nothing_to_cut(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[Traffic], None],
) -> None:
    monkeypatch.setattr(gateway_module, "_CUTTING_SECONDS", 3600)
    await gateway.adopt([web(to, IPV6)], AROUND)
    before(traffic)
    await gateway.close()
    async with asyncio.timeout(PATIENCE):
        await remove_tables()
    assert nft("list", "tables") == ""


@pytest.mark.parametrize(
    "why", [NetlinkError(errno.EINTR, "interrupted"), NetlinkTimeout()], ids=repr
)
async def test_the_kernel_does_not_tell_its_flows(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    monkeypatch: pytest.MonkeyPatch,
    why: GatewayError,
) -> None:
    """Nothing of ours is open any more all the same, in no firewall."""
    firewall("lets_out")
    before = nft("list", "ruleset")
    await gateway.look()
    await gateway.adopt([web(to, IPV4)], AROUND)
    for each in gateway.others.firewalls:
        await gateway.let_through(each)
    assert "portshare, added by" in nft("list", "table", "inet", "theirs")
    traffic.flow(traffic.serve("nas", TCP, 80), 80)
    await gateway.close()
    real_dump = NetlinkSocket.dump

    async def dump(sock: NetlinkSocket, type_: int, body: bytes) -> list[bytes]:
        if type_ == conntrack._IPCTNL_MSG_CT_GET:
            raise why
        return await real_dump(sock, type_, body)

    monkeypatch.setattr(NetlinkSocket, "dump", dump)
    with pytest.raises(type(why)):
        await remove_tables()
    assert nft("list", "ruleset") == before


async def test_many_flows_are_forgotten(
    gateway: Gateway, traffic: Traffic, to: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are asked for together, and beside them one of somebody else."""
    monkeypatch.setattr(conntrack, "_AT_ONCE", 3)
    await gateway.adopt([to.pinhole("nas", UDP, 80)], AROUND)
    service = traffic.serve("nas", UDP, 80, IPV6)
    flows = [traffic.flow(service, 80) for _ in range(8)]
    bystander = traffic.flow(traffic.serve("pi", UDP, 7, IPV6), 7)
    firewall("established_only")
    await forget_flows(gateway._socket)
    for flow in flows:
        flow.caller.send(b"anybody there?")
    bystander.talk()
    for flow in flows:
        flow.device.setblocking(False)
        with pytest.raises(BlockingIOError):
            flow.device.recv(100)


def _seen(*parts: bytes) -> bytes:
    """Return a flow of ours as the kernel lists it."""
    return bytes(20) + b"".join(
        [
            attribute(conntrack._CTA_TUPLE_ORIG, b"".join(parts)),
            attribute(conntrack._CTA_ID, bytes(4)),
            attribute(conntrack._CTA_LABELS, label_bits(LABEL)),
        ]
    )


_ADDRESSES = conntrack._nested(
    conntrack._CTA_TUPLE_IP,
    attribute(conntrack._CTA_IP_V4_SRC, IPv4Address(INTERNET.ipv4).packed),
    attribute(conntrack._CTA_IP_V4_DST, IPv4Address(WAN.ipv4).packed),
)
_PORTS = conntrack._nested(
    conntrack._CTA_TUPLE_PROTO,
    attribute(conntrack._CTA_PROTO_NUM, bytes([socket.IPPROTO_TCP])),
    attribute(conntrack._CTA_PROTO_SRC_PORT, (40000).to_bytes(2)),
    attribute(conntrack._CTA_PROTO_DST_PORT, (80).to_bytes(2)),
)
_ENDED = _seen(_ADDRESSES, _PORTS)
_UNREADABLE = _seen(_ADDRESSES)


def let_the_kernel_list(monkeypatch: pytest.MonkeyPatch, seen: list[bytes]) -> None:
    """Let these be the flows over IPv4."""

    async def dump(_: NetlinkSocket, _type: int, body: bytes) -> list[bytes]:
        return seen if body == conntrack._IPV4 else []

    monkeypatch.setattr(NetlinkSocket, "dump", dump)


@pytest.mark.parametrize(
    "seen", [[_ENDED, _UNREADABLE], [_UNREADABLE, _ENDED]], ids=["first", "last"]
)
async def test_a_flow_that_has_ended_does_not_hide_a_refusal(
    inside: None, monkeypatch: pytest.MonkeyPatch, seen: list[bytes]
) -> None:
    """The kernel is asked to delete both together."""

    let_the_kernel_list(monkeypatch, seen)
    netlink = NetlinkSocket(NETLINK_NETFILTER)
    try:
        with pytest.raises(NetlinkError) as raised:
            await forget_flows(netlink)
    finally:
        await netlink.close()
    assert raised.value.errno == errno.EINVAL


async def test_a_flow_that_has_ended_is_forgotten(
    inside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_the_kernel_list(monkeypatch, [_ENDED])
    await remove_tables()
