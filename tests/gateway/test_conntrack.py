"""Flows that began before: the rarer turns that leading them anew can take."""

import asyncio
import errno
import logging

import pytest

from custom_components.portshare.gateway import leading
from custom_components.portshare.gateway.conntrack import (
    _IPCTNL_MSG_CT_DELETE,
    _IPCTNL_MSG_CT_GET,
)
from custom_components.portshare.gateway.errors import NetlinkError
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.gateway.netlink import Message, NetlinkSocket
from custom_components.portshare.sharing.model import Change, Transport
from demo.home import WAN, Home

from .builders import TCP, UDP, Mappings, closing, environment, opening, ports
from .traffic import Flow, Service, Traffic, nft

AROUND = environment()
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """All that the kernel is asked for while flows are led anew."""
    asked: list[Message] = []
    request, dump = NetlinkSocket.request, NetlinkSocket.dump

    async def note_request(sock: NetlinkSocket, *messages: Message) -> list[bytes]:
        asked.extend(messages)
        return await request(sock, *messages)

    async def note_dump(sock: NetlinkSocket, type_: int, body: bytes) -> list[bytes]:
        asked.append(Message(type_, 0, body))
        return await dump(sock, type_, body)

    monkeypatch.setattr(NetlinkSocket, "request", note_request)
    monkeypatch.setattr(NetlinkSocket, "dump", note_dump)
    return asked


def knock(traffic: Traffic) -> Flow:
    """Somebody calls a closed port, and the gateway says no."""
    caller = traffic.caller(UDP, WAN.ipv4)
    caller.connect((WAN.ipv4, 51820))
    caller.send(b"knock")
    with pytest.raises(ConnectionRefusedError):
        caller.recv(100)
    return Flow(UDP, caller, caller)


def knock_again(flow: Flow, service: Service) -> None:
    flow.caller.send(b"knock")
    device, data = service.accept()
    assert data == b"knock"
    Flow(UDP, flow.caller, device).talk()


async def test_a_port_that_leads_where_it_always_has(
    gateway: Gateway, to: Mappings, requests: list[Message]
) -> None:
    """The kernel need not look through its whole table of flows."""
    mapping = to.dnat("nas", UDP, 51820, 51820)
    await gateway.adopt([mapping], AROUND)
    requests.clear()
    for _ in range(3):
        await gateway.apply(closing(mapping), AROUND)
        await gateway.apply(opening(mapping), AROUND)
    assert [each.type for each in requests] == [_IPCTNL_MSG_CT_DELETE] * 3


async def test_a_kernel_that_cannot_delete_by_filter(
    gateway: Gateway, traffic: Traffic, to: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Linux 6.12; then flows are looked at one by one."""
    request = NetlinkSocket.request

    async def old(sock: NetlinkSocket, *messages: Message) -> list[bytes]:
        # Version 1 of the message, the first with filters
        if messages[0].type == _IPCTNL_MSG_CT_DELETE and messages[0].body[1] == 1:
            raise NetlinkError(errno.EINVAL, "invalid argument")
        return await request(sock, *messages)

    monkeypatch.setattr(NetlinkSocket, "request", old)
    await gateway.adopt([], AROUND)
    flow = knock(traffic)
    await gateway.apply(opening(to.dnat("nas", UDP, 51820, 51820)), AROUND)
    knock_again(flow, traffic.serve("nas", UDP, 51820))


async def test_many_ports_at_once(
    gateway: Gateway, traffic: Traffic, to: Mappings, requests: list[Message]
) -> None:
    """One look at all flows is cheaper than one for each port."""
    await gateway.adopt([], AROUND)
    flow = knock(traffic)
    requests.clear()
    await gateway.apply(
        opening(*(to.dnat("nas", UDP, 51820 + n, 51820 + n) for n in range(10))), AROUND
    )
    assert [each.type for each in requests].count(_IPCTNL_MSG_CT_GET) == 1
    knock_again(flow, traffic.serve("nas", UDP, 51820))


async def test_flows_that_nobody_waits_for(
    gateway: Gateway, traffic: Traffic, to: Mappings, requests: list[Message]
) -> None:
    """They are led after the ports are open, those of several changes together."""
    await gateway.adopt([], AROUND)
    flow = knock(traffic)
    requests.clear()
    ports_of_nas = [to.dnat("nas", UDP, 51820 + n, 51820 + n) for n in range(3)]
    async with gateway._leading._lock:  # as if a walk were under way
        for each in ports_of_nas:
            await gateway.apply(opening(each), AROUND, lead_soon=True)
        await gateway.apply(closing(ports_of_nas[-1]), AROUND, lead_soon=True)
        assert requests == []
    await gateway.close()
    assert [each.type for each in requests] == [_IPCTNL_MSG_CT_DELETE] * 2
    knock_again(flow, traffic.serve("nas", UDP, 51820))


async def test_what_is_waited_for_is_led_with_what_is_not(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """A share is opened while the flows of a lease are still to be led."""
    await gateway.adopt([], AROUND)
    flow = knock(traffic)
    lease, share = (to.dnat("nas", UDP, 51820 + n, 51820 + n) for n in range(2))
    await gateway.apply(opening(lease), AROUND, lead_soon=True)
    await gateway.apply(opening(share), AROUND)
    knock_again(flow, traffic.serve("nas", UDP, 51820))


async def test_tables_are_adopted_before_flows_are_led(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """Somebody has changed the tables just after a lease was opened."""
    await gateway.adopt([], AROUND)
    flow = knock(traffic)
    mapping = to.dnat("nas", UDP, 51820, 51820)
    async with gateway._leading._lock:  # as if a walk were under way
        await gateway.apply(opening(mapping), AROUND, lead_soon=True)
        adopted = asyncio.create_task(gateway.adopt([mapping], AROUND))
    await adopted
    knock_again(flow, traffic.serve("nas", UDP, 51820))


@TRANSPORTS
async def test_what_was_open_before_the_start(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    """Closed, then Home Assistant has started again, then opened to another device."""
    old, new = to.dnat("nas", transport, 80, 80), to.dnat("pi", transport, 80, 80)
    await gateway.adopt([old], AROUND)
    flow = traffic.flow(traffic.serve("nas", transport, 80), 80, source_port=40000)
    await gateway.apply(closing(old), AROUND)
    await gateway.close()
    again = Gateway(["wan0"], ["lan0"])
    await again.open()
    try:
        await again.adopt([], AROUND)
        await again.apply(opening(new), AROUND)
        service = traffic.serve("pi", transport, 80)
        if transport is UDP:
            knock_again(flow, service)
        else:
            flow.assert_cut(first="device")
            flow.caller.close()
            traffic.flow(service, 80, source_port=40000)
    finally:
        await again.close()


async def test_a_new_target_after_a_range(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """The port was one of many before."""
    old = to.dnat("nas", UDP, ports(79, 81), 79)
    await gateway.adopt([], AROUND)
    await gateway.apply(opening(old), AROUND)
    flow = traffic.flow(traffic.serve("nas", UDP, 80), 80)
    await gateway.apply(closing(old), AROUND)
    await gateway.apply(opening(to.dnat("pi", UDP, 80, 80)), AROUND)
    knock_again(flow, traffic.serve("pi", UDP, 80))


async def test_hairpin_flows_are_led_anew(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """Who calls from home is masqueraded, which needs the rules again."""
    old, new = to.dnat("nas", UDP, 80, 80), to.dnat("console", UDP, 80, 80)
    await gateway.adopt([old], AROUND)
    caller = traffic.caller_in("pi", UDP, WAN.ipv4)
    caller.connect((WAN.ipv4, 80))
    for device, change in (
        ("nas", None),
        ("console", Change(opened=(new,), closed=(old,))),
    ):
        service = traffic.serve(device, UDP, 80)
        if change:
            await gateway.apply(change, AROUND)
        caller.send(b"hello")
        sock, data = service.accept()
        assert data == b"hello"
        Flow(UDP, caller, sock).talk()


async def test_other_flows_to_the_gateway_are_passed_over(
    gateway: Gateway, traffic: Traffic, to: Mappings, home: Home
) -> None:
    """Pings, and ports that are not shared."""
    await gateway.adopt([to.dnat("nas", TCP, ports(9000, 9010), 9000)], AROUND)
    home.internet.run("ping", "-c", "1", "-W", "5", WAN.ipv4)
    own = traffic.serve("gateway", TCP, 8123)
    kept = traffic.flow(own, 8123, WAN.ipv4)
    await gateway.apply(opening(to.dnat("nas", TCP, ports(7000, 8000), 1)), AROUND)
    kept.talk()


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EEXIST])
async def test_a_flow_that_has_settled_itself(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    """It has ended before we came, or its next packet was quicker."""
    old, new = to.dnat("nas", UDP, 80, 80), to.dnat("pi", UDP, 80, 80)
    await gateway.adopt([old], AROUND)
    traffic.flow(traffic.serve("nas", UDP, 80), 80)

    async def request(*_: object) -> list[bytes]:
        raise NetlinkError(code, "settled")

    monkeypatch.setattr(NetlinkSocket, "request", request)
    await gateway.apply(Change(opened=(new,), closed=(old,)), AROUND)
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert leading.__name__ not in {each.name for each in caplog.records}


@pytest.mark.parametrize("retarget", [False, True])
async def test_flows_cannot_be_led(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    retarget: bool,
) -> None:
    """The share is open all the same, and the log says what may not work."""
    old, new = to.dnat("nas", UDP, 80, 80), to.dnat("pi", UDP, 80, 80)
    await gateway.adopt([old] if retarget else [], AROUND)
    if retarget:
        traffic.flow(traffic.serve("nas", UDP, 80), 80)

    async def request(*_: object) -> list[bytes]:
        raise NetlinkError(errno.EPERM, "not permitted")

    monkeypatch.setattr(NetlinkSocket, "request", request)
    await gateway.apply(
        Change(opened=(new,), closed=(old,) if retarget else ()), AROUND
    )
    assert "may not reach a new share" in caplog.text
    assert "udp . 80 : 192.168.178.22 . 80" in nft("list", "ruleset")


async def test_a_gateway_that_is_not_open() -> None:
    gateway = Gateway(["wan0"], ["lan0"])
    with pytest.raises(NetlinkError):
        await gateway.apply(Change(), environment())
    await gateway.close()
