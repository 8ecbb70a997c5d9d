"""Shares of other kinds than a port for everybody: packets find their way, or none."""

from collections.abc import Callable
import contextlib
import socket

import pytest

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Change, Family, Mapping, Transport
from demo import netns
from demo.home import INTERNET, OTHER_CALLER, WAN, Home

from .builders import (
    ANY,
    ESP,
    GRE,
    ICMPV6,
    IPV4,
    IPV6,
    TCP,
    UDP,
    Mappings,
    closing,
    environment,
    opening,
    ports,
)
from .traffic import PATIENCE, Traffic, cut, dropped, wait_until

AROUND = environment(protect=True)
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])
FAMILIES = pytest.mark.parametrize("family", list(Family))
PROTECT = pytest.mark.parametrize(
    "protect", [False, True], ids=["adding only", "protect"]
)

NUMBERS = {ESP: 50, GRE: 47}
# ESP: SPI and sequence number. GRE: no flags, protocol IPv4.
PACKETS = {ESP: bytes(7) + b"\1" + bytes(8), GRE: b"\0\0\x08\0" + bytes(20)}

ONE = (f"{INTERNET.ipv4}/32",)
ONE6 = (f"{INTERNET.ipv6}/128",)


class Raw:
    """A raw IPv4 socket for one protocol."""

    def __init__(self, home: Home, where: str, transport: Transport) -> None:
        self._packet = PACKETS[transport]
        self._sock = netns.socket_in(
            home.namespaces[where],
            socket.AF_INET,
            socket.SOCK_RAW,
            NUMBERS[transport],
        )
        self._sock.settimeout(PATIENCE)

    def send(self, address: str) -> None:
        self._sock.sendto(self._packet, (address, 0))

    def receive(self) -> str:
        """Return who has sent a packet."""
        packet, (source, _) = self._sock.recvfrom(2000)
        assert packet[20:] == self._packet
        return str(source)

    def is_idle(self) -> bool:
        self._sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self._sock.recvfrom(2000)
            return False
        self._sock.settimeout(PATIENCE)
        return True

    def close(self) -> None:
        self._sock.close()


@pytest.mark.parametrize("transport", [ESP, GRE])
async def test_protocols_without_ports(
    gateway: Gateway, home: Home, to: Mappings, transport: Transport
) -> None:
    """There and back through the gateway; closed, it is cut both ways."""
    mapping = to.all_of("nas", transport)
    with (
        contextlib.closing(Raw(home, "internet", transport)) as caller,
        contextlib.closing(Raw(home, "nas", transport)) as nas,
    ):
        await gateway.adopt([], AROUND)
        before = dropped()
        caller.send(WAN.ipv4)
        wait_until(lambda: dropped() > before)

        await gateway.apply(opening(mapping), AROUND)
        for _ in range(2):
            caller.send(WAN.ipv4)
            assert nas.receive() == INTERNET.ipv4
            nas.send(INTERNET.ipv4)
            assert caller.receive() == WAN.ipv4

        await gateway.apply(closing(mapping), AROUND)
        for sender, address in ((nas, INTERNET.ipv4), (caller, WAN.ipv4)):
            before = cut()
            sender.send(address)
            wait_until(lambda: cut() > before)  # noqa: B023
        assert nas.is_idle()
        assert caller.is_idle()

        await gateway.apply(opening(mapping), AROUND)
        caller.send(WAN.ipv4)
        assert nas.receive() == INTERNET.ipv4


def ping(home: Home, where: str, address: str) -> bool:
    done = home.namespaces[where].run(
        "ping", "-c", "1", "-W", "1", address, check=False
    )
    return done.returncode == 0


async def test_ping6(gateway: Gateway, home: Home, to: Mappings) -> None:
    """The device answers pings, and only pings, and only this device."""
    nas, pi = (home.devices[name].addresses.ipv6 for name in ("nas", "pi"))
    mapping = to.all_of("nas", ICMPV6, IPV6)
    await gateway.adopt([], AROUND)
    assert not ping(home, "internet", nas)
    await gateway.apply(opening(mapping), AROUND)
    assert ping(home, "internet", nas)
    assert not ping(home, "internet", pi)
    await gateway.apply(closing(mapping), AROUND)
    assert not ping(home, "internet", nas)
    # As before, devices may ping.
    assert ping(home, "nas", INTERNET.ipv6)


async def test_ping6_is_no_other_icmpv6(
    gateway: Gateway, home: Home, to: Mappings
) -> None:
    """A router advertisement from the internet goes nowhere."""
    await gateway.adopt([to.all_of("nas", ICMPV6, IPV6)], AROUND)
    sock = netns.socket_in(
        home.internet, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6
    )
    with contextlib.closing(sock):
        before = dropped()
        # Router advertisement: type 134
        nas = home.devices["nas"].addresses.ipv6
        sock.sendto(bytes([134, 0, 0, 0]) + bytes(12), (nas, 0))
        wait_until(lambda: dropped() > before)


@TRANSPORTS
@FAMILIES
@PROTECT
async def test_an_exposed_host_gets_everything(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    family: Family,
    transport: Transport,
    protect: bool,
) -> None:
    around = environment(protect=protect)
    mapping = to.all_of("console", ANY, family)
    services = [
        traffic.serve("console", transport, port, family) for port in (1, 4711, 65535)
    ]
    await gateway.adopt([], around)
    await gateway.apply(opening(mapping), around)
    flows = [traffic.flow(service, service.port) for service in services]
    await gateway.apply(closing(mapping), around)
    for flow in flows:
        flow.assert_cut(first="device")
    if protect or family is IPV4:
        address = traffic.address_of(services[0])
        for service in services:
            traffic.assert_closed(transport, service.port, address, protect=protect)


async def test_an_exposed_host_over_icmpv6(
    gateway: Gateway, home: Home, to: Mappings
) -> None:
    await gateway.adopt([to.all_of("console", ANY, IPV6)], AROUND)
    assert ping(home, "internet", home.devices["console"].addresses.ipv6)
    # Over IPv4 the gateway itself answers.
    assert ping(home, "internet", WAN.ipv4)


@TRANSPORTS
async def test_single_shares_win_over_the_exposed_host(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    """Also for flows that ran to the exposed host before."""
    around = AROUND
    exposed = to.all_of("console", ANY)
    single = to.dnat("nas", transport, 80, 80)
    range_ = to.dnat("pi", transport, ports(5000, 5010), 5000)
    console = traffic.serve("console", transport, 80)
    other = traffic.serve("console", transport, 5001)
    kept = traffic.serve("console", transport, 81)
    nas = traffic.serve("nas", transport, 80)
    pi = traffic.serve("pi", transport, 5001)
    await gateway.adopt([exposed], around)
    before = traffic.flow(console, 80, source_port=40000)
    before_range = traffic.flow(other, 5001, source_port=40001)
    bystander = traffic.flow(kept, 81)

    await gateway.apply(opening(single, range_), around)
    if transport is TCP:
        before.assert_cut(first="device")
        before_range.assert_cut(first="device")
    else:
        # Who keeps on calling reaches the other device now.
        before.caller.send(b"hello")
        assert nas.accept()[1] == b"hello"
    traffic.flow(nas, 80)
    traffic.flow(pi, 5001)
    bystander.talk()

    await gateway.apply(closing(single, range_), around)
    traffic.flow(console, 80)
    traffic.flow(other, 5001)
    bystander.talk()


@TRANSPORTS
async def test_what_the_gateway_serves_stays_there(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    """An exposed host does not get the gateway's own VPN; nor are its flows disturbed."""
    around = environment(served=[(transport, 51820)])
    service = traffic.serve("gateway", transport, 51820)
    await gateway.adopt([], around)

    def call() -> None:
        caller = traffic.caller(transport, WAN.ipv4)
        caller.connect((WAN.ipv4, 51820))
        caller.send(b"hello")
        own, data = service.accept()
        assert (data or own.recv(5)) == b"hello"
        own.send(b"answer")
        assert caller.recv(6) == b"answer"

    call()
    await gateway.apply(opening(to.all_of("console", ANY)), around)
    call()


@TRANSPORTS
@FAMILIES
@pytest.mark.parametrize(
    "share",
    [
        lambda to, t, f, s: (
            to.dnat("nas", t, 80, 80, sources=s)
            if f is IPV4
            else to.pinhole("nas", t, 80, sources=s)
        ),
        lambda to, t, f, s: (
            to.dnat("nas", t, ports(80, 90), 80, sources=s)
            if f is IPV4
            else to.pinhole("nas", t, ports(80, 90), sources=s)
        ),
        lambda to, t, f, s: to.all_of("nas", ANY, f, sources=s),
    ],
    ids=["port", "range", "exposed host"],
)
async def test_only_these_may_call(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    family: Family,
    transport: Transport,
    share: Callable[..., Mapping],
) -> None:
    """Others are dropped; who is taken off the list is cut."""
    one = ONE if family is IPV4 else ONE6
    other = (
        (f"{OTHER_CALLER.ipv4}/32",)
        if family is IPV4
        else (f"{OTHER_CALLER.ipv6}/128",)
    )
    service = traffic.serve("nas", transport, 80, family)
    address = traffic.address_of(service)
    for_one, for_other, for_both = (
        share(to, transport, family, sources) for sources in (one, other, one + other)
    )
    await gateway.adopt([for_one], AROUND)
    flow = traffic.flow(service, 80)
    await gateway.apply(Change((for_both,), (for_one,)), AROUND)
    flow.talk()
    await gateway.apply(Change((for_other,), (for_both,)), AROUND)
    flow.assert_cut(first="device")
    traffic.assert_dropped(transport, 80, address)


@TRANSPORTS
async def test_a_limited_share_is_not_the_exposed_hosts(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    """Who may not call the single share does not reach the exposed host instead."""
    limited = to.dnat("nas", transport, 80, 80, sources=(f"{OTHER_CALLER.ipv4}/32",))
    await gateway.adopt([limited, to.all_of("console", ANY)], AROUND)
    console = traffic.serve("console", transport, 80)
    traffic.assert_dropped(transport, 80)
    assert console.is_idle()
    await gateway.apply(closing(limited), AROUND)
    traffic.flow(console, 80)
