"""What is open is reached, at the right device; what is closed is not."""

import pytest

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import (
    Change,
    Family,
    PortRange,
    Transport,
)
from demo.home import WAN, Home

from .builders import (
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
from .traffic import Flow, Traffic

TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])
PROTECT = pytest.mark.parametrize(
    "protect", [False, True], ids=["adding only", "protect"]
)


@PROTECT
@TRANSPORTS
@pytest.mark.parametrize(
    ("external", "port"),
    [
        (ports(8080), 80),
        (ports(443), 443),
        (ports(1), 65535),
        (ports(65535), 1),
        (ports(5000, 5010), 5000),
        (ports(6000, 6005), 7000),
        (ports(6000, 6005), 5998),
    ],
    ids=lambda value: str(value),
)
async def test_ipv4(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    external: PortRange,
    port: int,
    transport: Transport,
    protect: bool,
) -> None:
    """Closed, open, closed again; each external port leads to its own port."""
    around = environment(protect=protect)
    mapping = to.dnat("nas", transport, external, port)
    called = sorted({external.first, (external.first + external.last) // 2})
    if len(external) > 1:
        called.append(external.last)
    services = {
        each: traffic.serve("nas", transport, port + each - external.first)
        for each in called
    }
    elsewhere = [
        each
        for each in (external.first - 1, external.last + 1)
        if 0 < each < 65536 and each != 1
    ]
    other = UDP if transport is TCP else TCP
    await gateway.adopt([], around)
    for each in called:
        traffic.assert_closed(transport, each, protect=protect)

    await gateway.apply(opening(mapping), around)
    for each, service in services.items():
        traffic.flow(service, each)
    for each in elsewhere:
        traffic.assert_closed(transport, each, protect=protect)
    traffic.assert_closed(other, external.first, protect=protect)

    await gateway.apply(closing(mapping), around)
    for each in called:
        traffic.assert_closed(transport, each, protect=protect)
    assert all(service.is_idle() for service in services.values())


@TRANSPORTS
@pytest.mark.parametrize("opened", [ports(80), ports(5000, 5010)], ids=str)
async def test_ipv6(
    gateway: Gateway,
    traffic: Traffic,
    to: Mappings,
    opened: PortRange,
    transport: Transport,
) -> None:
    """Only this device, these ports and this protocol, as long as it is open."""
    around = environment(protect=True)
    mapping = to.pinhole("nas", transport, opened)
    services = [
        traffic.serve("nas", transport, port, IPV6)
        for port in sorted({opened.first, opened.last})
    ]
    nas = str(mapping.address)
    pi = str(to.pinhole("pi", transport, opened).address)
    other = UDP if transport is TCP else TCP
    await gateway.adopt([], around)
    for service in services:
        traffic.assert_dropped(transport, service.port, nas)

    await gateway.apply(opening(mapping), around)
    for service in services:
        traffic.flow(service, service.port)
    traffic.assert_dropped(transport, opened.first - 1, nas)
    traffic.assert_dropped(transport, opened.last + 1, nas)
    traffic.assert_dropped(other, opened.first, nas)
    traffic.assert_dropped(transport, opened.first, pi)

    await gateway.apply(closing(mapping), around)
    for service in services:
        traffic.assert_dropped(transport, service.port, nas)
        assert service.is_idle()


@TRANSPORTS
async def test_ipv6_without_protection(
    gateway: Gateway, traffic: Traffic, to: Mappings, transport: Transport
) -> None:
    """Without it we keep nobody out, but what is open goes through the gate."""
    around = environment()
    await gateway.adopt([to.pinhole("nas", transport, 80)], around)
    traffic.flow(traffic.serve("nas", transport, 80, IPV6), 80)
    traffic.flow(traffic.serve("nas", transport, 81, IPV6), 81)


@PROTECT
async def test_both_families_and_transports_at_once(
    gateway: Gateway, traffic: Traffic, to: Mappings, protect: bool
) -> None:
    """A share of TCP and UDP for IPv4 and IPv6 is one transaction."""
    around = environment(protect=protect)
    mappings = [
        mapping
        for transport in (TCP, UDP)
        for mapping in (
            to.dnat("nas", transport, 8080, 80),
            to.pinhole("nas", transport, 80),
        )
    ]
    services = [
        (traffic.serve("nas", transport, 80, family), 8080 if family is IPV4 else 80)
        for transport in (TCP, UDP)
        for family in Family
    ]
    await gateway.adopt([], around)
    for _ in range(2):
        await gateway.apply(opening(*mappings), around)
        flows = [traffic.flow(service, port) for service, port in services]
        await gateway.apply(closing(*mappings), around)
        for flow in flows:
            flow.assert_cut(first="device")
        for transport in (TCP, UDP):
            traffic.assert_closed(transport, 8080, protect=protect)


async def test_each_port_leads_to_its_own_device(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """Several devices with the same port to the device."""
    around = environment(protect=True)
    external = {"nas": 8001, "pi": 8002, "console": 8003}
    services = {device: traffic.serve(device, TCP, 80) for device in external}
    await gateway.adopt([], around)
    await gateway.apply(
        opening(*(to.dnat(name, TCP, port, 80) for name, port in external.items())),
        around,
    )
    for name, service in services.items():
        traffic.flow(service, external[name])


async def test_a_single_port_beside_a_range(
    gateway: Gateway, traffic: Traffic, to: Mappings
) -> None:
    """They are found in different maps."""
    around = environment(protect=True)
    nas, pi = (traffic.serve(name, UDP, 5010) for name in ("nas", "pi"))
    await gateway.adopt(
        [to.dnat("nas", UDP, ports(5000, 5010), 5000), to.dnat("pi", UDP, 5011, 5010)],
        around,
    )
    traffic.flow(nas, 5010)
    traffic.flow(pi, 5011)


@PROTECT
@TRANSPORTS
@pytest.mark.parametrize("bridge", [0, 1], ids=["routed", "br_netfilter"])
@pytest.mark.parametrize("who", ["pi", "nas"], ids=["another device", "itself"])
async def test_hairpin(
    gateway: Gateway,
    home: Home,
    traffic: Traffic,
    to: Mappings,
    who: str,
    bridge: int,
    transport: Transport,
    protect: bool,
) -> None:
    """A device at home calls the WAN address and reaches another one, or itself.

    With br_netfilter the bridge sends translated packets on by itself, so what comes
    back to the port where it came from needs that port in hairpin mode.
    """
    home.gateway.sysctl({"net.bridge.bridge-nf-call-iptables": bridge})
    if bridge and who == "nas":
        port = home.devices["nas"].port
        home.gateway.ip([f"link set {port} type bridge_slave hairpin on"])
    around = environment(protect=protect)
    mapping = to.dnat("nas", transport, 8080, 80)
    service = traffic.serve("nas", transport, 80)

    def call() -> Flow:
        caller = traffic.caller_in(who, transport, WAN.ipv4)
        caller.connect((WAN.ipv4, 8080))
        caller.send(b"hello")
        device, data = service.accept()
        assert (data or device.recv(5)) == b"hello"
        flow = Flow(transport, caller, device)
        flow.talk()
        return flow

    await gateway.adopt([mapping], around)
    flow = call()
    await gateway.apply(closing(mapping), around)
    # With br_netfilter the kernel sends a TCP reset past the address translation, so
    # neither end understands it.
    flow.assert_stopped()
    await gateway.apply(opening(mapping), around)
    call()


@TRANSPORTS
@pytest.mark.parametrize("family", list(Family))
async def test_calls_from_home_to_the_internet(
    gateway: Gateway,
    traffic: Traffic,
    home: Home,
    transport: Transport,
    family: Family,
) -> None:
    """With protection the home may call, and answers come in; shares change nothing."""
    around = environment(protect=True)
    mappings = Mappings(home)
    await gateway.adopt([mappings.dnat("nas", transport, 80, 80)], around)
    service = traffic.serve("internet", transport, 443, family)
    address = "203.0.113.1" if family is IPV4 else "2001:db8:ffff::1"
    caller = traffic.caller_in("nas", transport, address)
    caller.connect((address, 443))
    caller.send(b"hello")
    internet, data = service.accept()
    assert (data or internet.recv(5)) == b"hello"
    expected = WAN.ipv4 if family is IPV4 else home.devices["nas"].addresses.ipv6
    assert internet.getpeername()[0] == expected
    flow = Flow(transport, caller, internet)
    flow.talk()
    await gateway.apply(
        Change(closed=(mappings.dnat("nas", transport, 80, 80),)), around
    )
    flow.talk()


@TRANSPORTS
async def test_protection_leaves_the_home_network_alone(
    gateway: Gateway, traffic: Traffic, transport: Transport
) -> None:
    """The gateway's own services are for the home, not for the internet."""
    await gateway.adopt([], environment(protect=True))
    service = traffic.serve("gateway", transport, 53)
    caller = traffic.caller_in("pi", transport, "192.168.178.1")
    caller.connect(("192.168.178.1", 53))
    caller.send(b"hello")
    own, data = service.accept()
    assert (data or own.recv(5)) == b"hello"
    Flow(transport, caller, own).talk()
    traffic.assert_dropped(transport, 53)


@pytest.mark.parametrize("address", [WAN.ipv4, WAN.ipv6])
async def test_protection_answers_pings(
    gateway: Gateway, home: Home, address: str
) -> None:
    await gateway.adopt([], environment(protect=True))
    home.internet.run("ping", "-c", "1", "-W", "5", address)
