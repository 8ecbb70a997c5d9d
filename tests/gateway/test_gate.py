"""The gate: what is closed is over, also for flows that run; nothing else is."""

from collections.abc import Callable
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import socket
import threading

import pytest

from custom_components.portshare.gateway.errors import OutOfStep
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import (
    Change,
    Family,
    Mapping,
    PortRange,
    Transport,
)
from demo.home import INTERNET, WAN, Home

from .builders import (
    BOTH,
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
from .traffic import Flow, Traffic, dropped, nft, wait_until

PROTECT = pytest.mark.parametrize(
    "protect", [False, True], ids=["adding only", "protect"]
)
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])
FAMILIES = pytest.mark.parametrize("family", list(Family))
FIRST = pytest.mark.parametrize("first", ["device", "caller"])

type Share = tuple[Mapping, int, int]
type Share4 = Callable[[Mappings, Transport], Share]

# What is shared, the port that is called, and the port of the device.
SHARES: dict[str, tuple[Family, Share4]] = {
    "ipv4": (IPV4, lambda to, t: (to.dnat("nas", t, 8080, 80), 8080, 80)),
    "ipv4 same port": (IPV4, lambda to, t: (to.dnat("nas", t, 80, 80), 80, 80)),
    "ipv4 range": (
        IPV4,
        lambda to, t: (to.dnat("nas", t, ports(5000, 5010), 5000), 5003, 5003),
    ),
    "ipv4 shifted": (
        IPV4,
        lambda to, t: (to.dnat("nas", t, ports(5000, 5010), 80), 5003, 83),
    ),
    "ipv6": (IPV6, lambda to, t: (to.pinhole("nas", t, 80), 80, 80)),
    "ipv6 range": (IPV6, lambda to, t: (to.pinhole("nas", t, ports(80, 90)), 83, 83)),
}


@FIRST
@PROTECT
@TRANSPORTS
@pytest.mark.parametrize("share", SHARES)
async def test_closing_cuts_flows_that_run(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    share: str,
    transport: Transport,
    protect: bool,
    first: str,
) -> None:
    """Whoever sends first after that; and it works again when it is opened."""
    family, make = SHARES[share]
    mapping, called, port = make(to, transport)
    service = traffic.serve("nas", transport, port, family)
    around = environment(protect=protect)
    await gateway.adopt([mapping], around)
    flow = traffic.flow(service, called)
    await gateway.apply(closing(mapping), around)
    flow.assert_cut(first=first)
    await gateway.apply(opening(mapping), around)
    traffic.flow(service, called)


@TRANSPORTS
@FAMILIES
async def test_the_same_caller_comes_back(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    transport: Transport,
    family: Family,
) -> None:
    """Same address, same port: what was cut must not stand in the way."""
    around = environment(protect=True)
    mapping = (
        to.dnat("nas", transport, 80, 80)
        if family is IPV4
        else to.pinhole("nas", transport, 80)
    )
    service = traffic.serve("nas", transport, 80, family)
    await gateway.adopt([], around)
    for _ in range(3):
        await gateway.apply(opening(mapping), around)
        flow = traffic.flow(service, 80, source_port=40000)
        await gateway.apply(closing(mapping), around)
        flow.assert_cut(first="device")
        flow.caller.close()
        flow.device.close()


@FAMILIES
async def test_others_are_not_disturbed(
    gateway: Gateway, traffic: Traffic, to: Mappings, family: Family
) -> None:
    """Other shares: of the device, of the same port, of the other protocol."""
    around = environment(protect=True)

    def share(device: str, transport: Transport, external: int, port: int) -> Mapping:
        if family is IPV4:
            return to.dnat(device, transport, external, port)
        return to.pinhole(device, transport, port)

    closed = share("nas", TCP, 8080, 80)
    others = [
        ("nas", TCP, 8081, 81),
        ("nas", UDP, 8080, 80),
        ("pi", TCP, 8082, 80),
    ]
    await gateway.adopt([closed, *(share(*each) for each in others)], around)
    cut = traffic.flow(
        traffic.serve("nas", TCP, 80, family), 8080 if family is IPV4 else 80
    )
    flows = []
    for device, transport, external, port in others:
        service = traffic.serve(device, transport, port, family)
        flows.append(traffic.flow(service, external if family is IPV4 else port))
    for _ in range(3):
        await gateway.apply(closing(closed), around)
        for flow in flows:
            flow.talk()
        await gateway.apply(opening(closed), around)
        for flow in flows:
            flow.talk()
    await gateway.apply(closing(closed), around)
    cut.assert_cut(first="caller")
    for flow in flows:
        flow.talk()


OTHER = """
table inet other {
    chain prerouting {
        type nat hook prerouting priority dstnat - 10; policy accept;
        iifname "wan0" meta nfproto ipv4 tcp dport 9999 dnat ip to 192.168.178.21:80
        iifname "wan0" meta nfproto ipv4 udp dport 9999 dnat ip to 192.168.178.21:80
    }
}
"""


@PROTECT
@TRANSPORTS
async def test_somebody_elses_port_forwarding_is_not_touched(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    home: Home,
    transport: Transport,
    protect: bool,
) -> None:
    """It leads to the same port of the same device as a share of ours."""
    home.gateway.run("nft", "-f", "-", stdin=OTHER)
    around = environment(protect=protect)
    mapping = to.dnat("nas", transport, 8080, 80)
    service = traffic.serve("nas", transport, 80)
    await gateway.adopt([mapping], around)
    ours = traffic.flow(service, 8080)
    theirs = traffic.flow(service, 9999)
    await gateway.apply(closing(mapping), around)
    ours.assert_cut(first="device")
    theirs.talk()
    nowhere = environment(protect=protect, internet=frozenset())
    await gateway.apply(Change(), nowhere)
    theirs.talk()
    nft("delete", "table", "inet", "portshare")
    await gateway.adopt([], around)
    theirs.talk()
    assert service.is_idle()


@PROTECT
@FIRST
@pytest.mark.parametrize(
    ("external", "device", "port"),
    [(80, "nas", 81), (80, "pi", 80), (ports(79, 81), "pi", 79), (8080, "pi", 80)],
    ids=str,
)
async def test_a_new_target_for_tcp(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    external: PortRange | int,
    device: str,
    port: int,
    first: str,
    protect: bool,
) -> None:
    """The old flow is cut, and the same caller gets to the new place."""
    around = environment(protect=protect)
    begin, called = (external, external) if isinstance(external, int) else (79, 80)
    old = to.dnat("nas", TCP, external, 80 + begin - called)
    new = to.dnat(device, TCP, external, port)
    was = traffic.serve("nas", TCP, 80)
    now = traffic.serve(device, TCP, port + called - begin)
    await gateway.adopt([old], around)
    flow = traffic.flow(was, called, source_port=40000)
    await gateway.apply(Change(opened=(new,), closed=(old,)), around)
    flow.assert_cut(first=first)
    flow.caller.close()
    traffic.flow(now, called, source_port=40000)
    traffic.flow(now, called)
    assert was.is_idle()


@PROTECT
@pytest.mark.parametrize(
    ("external", "device", "port"),
    [(80, "nas", 81), (80, "pi", 80), (ports(79, 81), "pi", 79), (8080, "pi", 80)],
    ids=str,
)
async def test_a_new_target_for_udp(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    external: PortRange | int,
    device: str,
    port: int,
    protect: bool,
) -> None:
    """A peer that keeps sending is led to the new place."""
    around = environment(protect=protect)
    begin, called = (external, external) if isinstance(external, int) else (79, 80)
    old = to.dnat("nas", UDP, external, 80 + begin - called)
    new = to.dnat(device, UDP, external, port)
    was = traffic.serve("nas", UDP, 80)
    now = traffic.serve(device, UDP, port + called - begin)
    await gateway.adopt([old], around)
    flow = traffic.flow(was, called)
    await gateway.apply(Change(opened=(new,), closed=(old,)), around)
    # The old device goes on, too, but is no longer heard.
    flow.device.send(b"from the old device")
    flow.caller.send(b"hello")
    device_now, data = now.accept()
    assert data == b"hello"
    Flow(UDP, flow.caller, device_now).talk()
    assert was.is_idle()


@TRANSPORTS
async def test_another_device_while_it_was_closed(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    """The caller keeps knocking all the time, with the same flow."""
    around = environment(protect=True)
    old, new = to.dnat("nas", transport, 80, 80), to.dnat("pi", transport, 80, 80)
    was, now = (traffic.serve(name, transport, 80) for name in ("nas", "pi"))
    await gateway.adopt([old], around)
    flow = traffic.flow(was, 80, source_port=40000)
    await gateway.apply(closing(old), around)
    flow.assert_cut(first="device")
    await gateway.apply(opening(new), around)
    flow.caller.close()
    traffic.flow(now, 80, source_port=40000)
    assert was.is_idle()


@pytest.mark.parametrize("external", [51820, ports(51820, 51830)], ids=str)
async def test_a_peer_that_knocked_before(
    gateway: Gateway, traffic: Traffic, to: Mappings, external: int
) -> None:
    """The gateway has said no to this very flow, and remembers it."""
    around = environment()
    service = traffic.serve("nas", UDP, 51820)
    await gateway.adopt([], around)
    caller = traffic.caller(UDP, WAN.ipv4)
    caller.connect((WAN.ipv4, 51820))
    for _ in range(3):
        caller.send(b"knock")
        with pytest.raises(ConnectionRefusedError):
            caller.recv(100)
    await gateway.apply(opening(to.dnat("nas", UDP, external, 51820)), around)
    caller.send(b"knock")
    device, data = service.accept()
    assert data == b"knock"
    Flow(UDP, caller, device).talk()


@pytest.mark.parametrize("external", [51820, ports(51820, 51830)], ids=str)
async def test_a_peer_that_talked_with_the_gateway_before(
    gateway: Gateway, traffic: Traffic, to: Mappings, external: int
) -> None:
    """A service of the gateway had this port; its answers have made the flow last."""
    around = environment()
    await gateway.adopt([], around)
    own = traffic.serve("gateway", UDP, 51820)
    flow = traffic.flow(own, 51820, WAN.ipv4)
    own.close()
    await gateway.apply(opening(to.dnat("nas", UDP, external, 51820)), around)
    service = traffic.serve("nas", UDP, 51820)
    flow.caller.send(b"knock")
    device, data = service.accept()
    assert data == b"knock"
    Flow(UDP, flow.caller, device).talk()


@PROTECT
async def test_a_peer_that_hammers(
    gateway: Gateway, traffic: Traffic, to: Mappings, protect: bool
) -> None:
    """It sends without a pause, also in the middle of the change."""
    around = environment(protect=protect)
    mapping = to.dnat("nas", UDP, 51820, 51820)
    service = traffic.serve("nas", UDP, 51820)
    await gateway.adopt([], around)
    caller = traffic.caller(UDP, WAN.ipv4)
    caller.connect((WAN.ipv4, 51820))
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                caller.send(b"knock")

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        if protect:
            wait_until(lambda: dropped() > 0)
        else:
            with pytest.raises(ConnectionRefusedError):
                caller.recv(100)
        for _ in range(10):
            await gateway.apply(opening(mapping), around)
            _, data = service.accept()
            assert data == b"knock"
            await gateway.apply(closing(mapping), around)
            # Only what comes from now on counts.
            service.close()
            service = traffic.serve("nas", UDP, 51820)
            with contextlib.suppress(OSError):
                while True:
                    caller.recv(100)
    finally:
        stop.set()
        thread.join()


async def test_the_homes_own_flows_to_the_same_port_elsewhere_are_kept(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """Opening 443 does not forget what devices do with port 443 of the internet."""
    around = environment(protect=True)
    await gateway.adopt([], around)
    service = traffic.serve("internet", TCP, 443)
    caller = traffic.caller_in("nas", TCP, INTERNET.ipv4)
    caller.connect((INTERNET.ipv4, 443))
    internet, _ = service.accept()
    flow = Flow(TCP, caller, internet)
    flow.talk()
    await gateway.apply(opening(to.dnat("nas", TCP, 443, 443)), around)
    # The answer would find nobody, had its flow been forgotten.
    flow.send(internet, caller)
    flow.talk()


@TRANSPORTS
async def test_a_flow_that_ran_before_its_pinhole(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    """Without protection IPv6 comes in; once it is shared, it can be closed."""
    around = environment()
    pinhole = to.pinhole("nas", transport, 80)
    await gateway.adopt([], around)
    flow = traffic.flow(traffic.serve("nas", transport, 80, IPV6), 80)
    await gateway.apply(opening(pinhole), around)
    flow.talk()
    await gateway.apply(closing(pinhole), around)
    flow.assert_cut(first="device")


@FIRST
@PROTECT
@TRANSPORTS
@FAMILIES
async def test_internet_of_one_family_gone_and_back(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    family: Family,
    transport: Transport,
    protect: bool,
    first: str,
) -> None:
    """One element closes all shares of a family; the other family goes on."""
    around = environment(protect=protect)
    without = environment(protect=protect, internet=BOTH - {family})
    mappings: list[Mapping] = [
        to.dnat("nas", transport, 8080, 80),
        to.pinhole("nas", transport, 80),
    ]
    services = {each: traffic.serve("nas", transport, 80, each) for each in Family}
    called = {IPV4: 8080, IPV6: 80}
    other = next(iter(BOTH - {family}))
    await gateway.adopt(mappings, around)
    cut, kept = (traffic.flow(services[each], called[each]) for each in (family, other))
    await gateway.apply(Change(), without)
    cut.assert_cut(first=first)
    kept.talk()
    traffic.flow(services[other], called[other])
    if family is IPV4:
        traffic.assert_closed(transport, 8080, protect=protect)
    await gateway.apply(Change(), around)
    traffic.flow(services[family], called[family])
    kept.talk()


async def test_a_peer_that_knocked_while_there_was_no_internet(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """Its packets came in all the same, and the gateway has said no to them."""
    around = environment()
    service = traffic.serve("nas", UDP, 51820)
    await gateway.adopt(
        [to.dnat("nas", UDP, 51820, 51820)], environment(internet=frozenset({IPV6}))
    )
    caller = traffic.caller(UDP, WAN.ipv4)
    caller.connect((WAN.ipv4, 51820))
    caller.send(b"knock")
    with pytest.raises(ConnectionRefusedError):
        caller.recv(100)
    await gateway.apply(Change(), around)
    caller.send(b"knock")
    assert service.accept()[1] == b"knock"


def decisive() -> str:
    """Return the sets by which we decide; those after them only keep the books."""
    return nft("list", "table", "inet", "portshare").partition("set visitors4")[0]


@TRANSPORTS
@pytest.mark.parametrize("share", SHARES)
async def test_the_kernel_closes_what_is_open_for_a_while(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    share: str,
    transport: Transport,
) -> None:
    """Home Assistant may be dead by then. A running flow is cut, too."""
    family, make = SHARES[share]
    made, called, port = make(to, transport)
    # The kernel waits for two seconds, so that is in one.
    until = datetime.now(UTC) - timedelta(seconds=1)
    mapping = replace(made, until=until)
    around = environment(protect=True)
    service = traffic.serve("nas", transport, port, family)
    await gateway.adopt([], around)
    await gateway.apply(opening(mapping), around)
    flow = traffic.flow(service, called)
    wait_until(lambda: "expires" not in decisive())
    flow.assert_cut(first="device")
    with pytest.raises(OutOfStep):
        await gateway.apply(closing(mapping), around)
    await gateway.adopt([], around)
    await gateway.apply(opening(replace(made, until=None)), around)
    traffic.flow(service, called)


async def test_many_flows_of_one_share(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    around = environment(protect=True)
    mapping = to.dnat("nas", TCP, 8080, 80)
    service = traffic.serve("nas", TCP, 80)
    await gateway.adopt([mapping], around)
    flows = [traffic.flow(service, 8080) for _ in range(50)]
    await gateway.apply(closing(mapping), around)
    for number, flow in enumerate(flows):
        flow.assert_cut(first="device" if number % 2 else "caller")


async def test_a_label_of_somebody_else_survives(
    gateway: Gateway, traffic: Traffic, to: Mappings, home: Home
) -> None:
    """We add a bit and leave the others."""
    home.gateway.run(
        "nft",
        "-f",
        "-",
        stdin="""
            table inet other {
                chain first {
                    type filter hook prerouting priority mangle;
                    ct label set 12
                }
                chain last {
                    type filter hook forward priority 10;
                    ct label 12 counter
                }
            }
        """,
    )
    await gateway.adopt([to.dnat("nas", TCP, 80, 80)], environment())
    flow = traffic.flow(traffic.serve("nas", TCP, 80), 80)
    listing = nft("list", "chain", "inet", "other", "last")
    flow.talk()
    assert nft("list", "chain", "inet", "other", "last") != listing


async def test_a_socket_error_is_told_with_the_flow(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """An ICMP error of the device about an open share gets to its caller."""
    await gateway.adopt([to.dnat("nas", UDP, 80, 80)], environment(protect=True))
    caller = traffic.caller(UDP, WAN.ipv4)
    caller.connect((WAN.ipv4, 80))
    caller.send(b"hello")
    with pytest.raises(ConnectionRefusedError):
        caller.recv(100)


def test_sockets_are_real(traffic: Traffic) -> None:
    """This is what all the other tests rest on."""
    assert socket.socket.__module__ == "socket"
