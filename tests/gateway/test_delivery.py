"""What is let in goes to the device that the share belongs to, or nowhere."""

import asyncio
from collections.abc import Iterator
import contextlib
import re

import pytest

from custom_components.portshare.gateway import delivery
from custom_components.portshare.gateway.errors import OutOfStep
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Change, Family, Mapping, Transport
from demo.home import LAN_LINK, WAN, WAN_LINK, Home

from .builders import IPV4, TCP, UDP, Mappings, closing, environment, opening, ports
from .listing import listing
from .traffic import Traffic, nft, wait_until

AROUND = environment(protect=True)
FAMILIES = pytest.mark.parametrize("family", list(Family))
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])
RANGES = pytest.mark.parametrize("last", [80, 90], ids=["port", "range"])


def share(
    to: Mappings, family: Family, transport: Transport, last: int = 80
) -> Mapping:
    if family is IPV4:
        return to.dnat("nas", transport, ports(80, last), 80)
    return to.pinhole("nas", transport, ports(80, last))


def kept_back() -> int:
    """Return how many packets were not for the device at the shared address."""
    text = nft("list", "table", "netdev", "portshare")
    return sum(map(int, re.findall(r"counter packets (\d+)", text)))


def take_over(home: Home, family: Family) -> None:
    """The console has the address of the nas, and the kernel believes it at once."""
    nas, console = home.devices["nas"], home.devices["console"]
    address = nas.addresses.ipv4 if family is IPV4 else nas.addresses.ipv6
    prefix = 24 if family is IPV4 else 64
    nas.namespace.ip([f"addr flush dev eth0 to {address}"])
    console.namespace.ip([f"addr add {address}/{prefix} dev eth0 nodad"])
    home.gateway.ip(
        [f"neigh replace {address} lladdr {console.mac} dev {LAN_LINK} nud reachable"]
    )


@FAMILIES
@TRANSPORTS
@RANGES
async def test_nothing_for_who_has_taken_the_address(
    gateway: Gateway,
    home: Home,
    traffic: Traffic,
    to: Mappings,
    family: Family,
    transport: Transport,
    last: int,
) -> None:
    """Neither new calls nor running flows; we have not even heard of it yet."""
    await gateway.adopt([share(to, family, transport, last)], AROUND)
    flow = traffic.flow(traffic.serve("nas", transport, 80, family), 80)
    other = traffic.serve("console", transport, 80, family)
    address = WAN.ipv4 if family is IPV4 else home.devices["nas"].addresses.ipv6
    take_over(home, family)

    before = kept_back()
    flow.caller.send(b"secret")
    wait_until(lambda: kept_back() > before)
    before = kept_back()
    caller = traffic.caller(transport, address)
    caller.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        caller.connect((address, 80))
        caller.send(b"secret")
    wait_until(lambda: kept_back() > before)
    assert other.is_idle()


@FAMILIES
@TRANSPORTS
async def test_what_is_not_shared_is_not_our_business(
    gateway: Gateway,
    home: Home,
    traffic: Traffic,
    to: Mappings,
    family: Family,
    transport: Transport,
) -> None:
    """Who has the address now may be called by the gateway, and call the internet."""
    await gateway.adopt([share(to, family, transport)], AROUND)
    take_over(home, family)
    nas = home.devices["nas"].addresses
    address = nas.ipv4 if family is IPV4 else nas.ipv6
    service = traffic.serve("console", transport, 81, family)
    caller = traffic.caller_in("gateway", transport, address)
    caller.connect((address, 81))
    caller.send(b"hello")
    device, data = service.accept()
    assert (data or device.recv(5)) == b"hello"


@FAMILIES
async def test_bound_as_long_as_one_mapping_needs_it(
    gateway: Gateway, to: Mappings, family: Family
) -> None:
    """Two external ports may lead to one port; one address has many ports."""
    several: list[Mapping] = [
        to.dnat("nas", TCP, 8080, 80),
        to.dnat("nas", TCP, 8081, 80),
        to.dnat("nas", UDP, 8080, 80),
    ]
    if family is Family.IPV6:
        several = [to.pinhole("nas", TCP, 80), to.pinhole("nas", TCP, 81)]
    await gateway.adopt(several[:1], AROUND)
    one = nft("list", "table", "netdev", "portshare")
    await gateway.apply(opening(*several[1:]), AROUND)
    await gateway.apply(closing(*several[1:]), AROUND)
    assert nft("list", "table", "netdev", "portshare") == one
    await gateway.apply(opening(*several[1:]), AROUND)
    await gateway.apply(closing(several[0]), AROUND)
    assert "elements" in nft("list", "table", "netdev", "portshare")
    await gateway.apply(closing(*several[1:]), AROUND)
    assert "elements" not in nft("list", "table", "netdev", "portshare")


async def until(gateway: Gateway, lan_is_there: bool) -> None:
    """Wait until the gateway has seen that its LAN interface is gone, or back."""
    changed = asyncio.Event()
    unsubscribe = gateway.subscribe(changed.set)
    while bool(gateway.facts().lan_ipv4) is not lan_is_there:
        await changed.wait()
        changed.clear()
    unsubscribe()


async def test_the_lan_interface_goes_and_comes(
    gateway: Gateway, home: Home, traffic: Traffic, to: Mappings
) -> None:
    """It is bound as soon as it is there again; a change tells that it must be."""
    mapping = share(to, IPV4, TCP)
    await gateway.adopt([mapping], AROUND)
    whole = listing()
    for name, new_name in ((LAN_LINK, "gone0"), ("gone0", LAN_LINK)):
        home.gateway.ip([f"link set {name} name {new_name}"])
        await until(gateway, new_name == LAN_LINK)
        with pytest.raises(OutOfStep):
            await gateway.apply(Change(), AROUND)
        await gateway.adopt([mapping], AROUND)
        await gateway.apply(Change(), AROUND)
        assert (listing() == whole) is (new_name == LAN_LINK)
    traffic.flow(traffic.serve("nas", TCP, 80), 80)
    take_over(home, IPV4)
    caller = traffic.caller(TCP, WAN.ipv4)
    caller.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        caller.connect((WAN.ipv4, 80))
    wait_until(lambda: kept_back() > 0)


@pytest.fixture
def no_egress_hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ask the kernel for a hook that it does not have."""
    monkeypatch.setattr(delivery, "_EGRESS", 7)
    delivery.delivery.cache_clear()
    yield
    delivery.delivery.cache_clear()


async def test_a_kernel_without_the_egress_hook(
    inside: None,
    no_egress_hook: None,
    traffic: Traffic,
    to: Mappings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It refuses the chain; shares work all the same, and it is said once."""
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    await gateway.open()
    mapping = share(to, IPV4, TCP)
    await gateway.adopt([], AROUND)
    await gateway.apply(opening(mapping), AROUND)
    traffic.flow(traffic.serve("nas", TCP, 80), 80)
    await gateway.apply(closing(mapping), AROUND)
    await gateway.close()
    assert "netdev" not in nft("list", "tables")
    assert caplog.text.count("egress hook") == 1
