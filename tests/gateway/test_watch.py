"""What happens on the network becomes changed facts, without anybody asking."""

import asyncio
from collections.abc import AsyncGenerator, Callable
import contextlib
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
import socket

import pytest

from custom_components.portshare.gateway import watch
from custom_components.portshare.gateway.errors import NetlinkError
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Addresses, Facts, Family
from demo import netns
from demo.home import INTERNET, LAN, LAN_LINK, WAN, WAN_LINK, Device, Home

from .builders import BOTH, IPV4, IPV6
from .traffic import PATIENCE

# So long it takes to ask three times who has an address, and more.
KERNELS_PATIENCE = 20


class Facing:
    """A gateway, and a way to wait for what it sees."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._changed = asyncio.Event()
        self.calls = 0
        self.unsubscribe = gateway.subscribe(self._note)

    def _note(self) -> None:
        self.calls += 1
        self._changed.set()

    @property
    def facts(self) -> Facts:
        return self.gateway.facts()

    async def until(
        self, seen: Callable[[Facts], bool], patience: float = PATIENCE
    ) -> None:
        """Wait to be told of facts like these."""
        async with asyncio.timeout(patience):
            while not seen(self.facts):
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def sees(gateway: Gateway) -> Facing:
    return Facing(gateway)


@pytest.fixture
def nas(home: Home) -> Device:
    return home.devices["nas"]


def ipv4(facts: Facts, device: Device) -> str | None:
    address = facts.addresses_of(device.mac).ipv4
    return str(address) if address else None


def speak(device: Device, source: str, *, to: str = LAN.ipv4) -> None:
    """Let a device send a packet from one of its addresses; the gateway looks it up."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with netns.socket_in(device.namespace, family, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.connect((to, 9))
        sock.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionRefusedError):
            sock.send(b"hello")
            sock.recv(1)


async def test_the_home_as_it_is(sees: Facing, home: Home) -> None:
    facts = sees.facts
    assert facts.internet == BOTH
    assert facts.wan_ipv4 == (IPv4Address(WAN.ipv4),)
    assert facts.wan_ipv6 == (IPv6Address(WAN.ipv6),)
    assert facts.lan_ipv4 == (IPv4Network("192.168.178.0/24"),)
    assert facts.lan_ipv6 == (IPv6Network("2001:db8:1::/64"),)
    assert {ip_address(each) for each in (LAN.ipv4, LAN.ipv6, WAN.ipv4, WAN.ipv6)} <= (
        facts.own_addresses
    )
    assert "02:00:5e:01:00:04" in facts.own_macs
    for device in home.devices.values():
        assert facts.devices[device.mac] == Addresses(
            IPv4Address(device.addresses.ipv4), (IPv6Address(device.addresses.ipv6),)
        )


async def test_a_new_lease(sees: Facing, nas: Device) -> None:
    """The address that was learned last counts."""
    nas.namespace.ip(
        [
            "addr del 192.168.178.21/24 dev eth0",
            "addr add 192.168.178.121/24 dev eth0",
        ]
    )
    speak(nas, "192.168.178.121")
    await sees.until(lambda facts: ipv4(facts, nas) == "192.168.178.121")


async def test_an_address_changes_hands(sees: Facing, home: Home, nas: Device) -> None:
    """Who had it before does not have it any longer."""
    pi = home.devices["pi"]
    nas.namespace.ip(["addr del 192.168.178.21/24 dev eth0"])
    pi.namespace.ip(["addr add 192.168.178.21/24 dev eth0"])
    # A new owner says so, as after a DHCP lease: the gateway has another MAC address.
    home.gateway.ip([f"neigh replace 192.168.178.21 lladdr {pi.mac} dev {LAN_LINK}"])
    await sees.until(lambda facts: ipv4(facts, nas) is None)
    assert ipv4(sees.facts, pi) == "192.168.178.21"


@pytest.mark.parametrize("how", ["del", "change"])
async def test_a_device_is_gone(
    sees: Facing, home: Home, nas: Device, how: str
) -> None:
    """The kernel has forgotten it, or has asked in vain."""
    for address in (nas.addresses.ipv4, nas.addresses.ipv6):
        state = "" if how == "del" else f"lladdr {nas.mac} nud failed"
        home.gateway.ip([f"neigh {how} {address} dev {LAN_LINK} {state}"])
    await sees.until(lambda facts: nas.mac not in facts.devices)


async def test_a_device_does_not_answer(sees: Facing, home: Home, nas: Device) -> None:
    """Its cable is pulled; the kernel asks for it, and there is nobody."""
    home.gateway.sysctl(
        {
            f"net.ipv4.neigh.{LAN_LINK}.retrans_time_ms": 10,
            f"net.ipv4.neigh.{LAN_LINK}.delay_first_probe_time": 0,
        }
    )
    home.cable("nas", plugged=False)
    home.gateway.ip([f"neigh del {nas.addresses.ipv4} dev {LAN_LINK}"])
    await sees.until(lambda facts: ipv4(facts, nas) is None)
    await sees.gateway.probe(IPv4Address(nas.addresses.ipv4))
    home.cable("nas", plugged=True)
    await sees.until(lambda facts: ipv4(facts, nas) is not None)


@pytest.mark.parametrize("family", list(Family))
async def test_probing_an_unknown_neighbour(
    sees: Facing, home: Home, nas: Device, family: Family
) -> None:
    """The device is there and silent: we ask, it answers, the facts have changed."""
    address = nas.addresses.ipv4 if family is IPV4 else nas.addresses.ipv6
    home.gateway.ip([f"neigh del {address} dev {LAN_LINK}"])

    def known(facts: Facts) -> bool:
        there = facts.addresses_of(nas.mac)
        return ip_address(address) in {there.ipv4, *there.ipv6}

    await sees.until(lambda facts: not known(facts))
    await sees.gateway.probe(ip_address(address))
    await sees.until(known)


async def test_nobody_is_probed_elsewhere(sees: Facing, home: Home) -> None:
    """Only addresses of the home network are asked for."""
    await sees.gateway.probe(IPv4Address("203.0.113.99"))
    await sees.gateway.probe(IPv6Address("2001:db8:ffff::99"))
    neighbours = home.gateway.run("ip", "neigh", "show").stdout
    assert "::99" not in neighbours
    assert ".99" not in neighbours


async def test_a_prefix_comes_and_goes(sees: Facing, home: Home, nas: Device) -> None:
    """A device has an address in each, once it has spoken."""
    old, new = IPv6Network("2001:db8:1::/64"), IPv6Network("2001:db8:2::/64")
    home.gateway.ip([f"addr add 2001:db8:2::1/64 dev {LAN_LINK} nodad"])
    await sees.until(lambda facts: set(facts.lan_ipv6) == {old, new})
    nas.namespace.ip(["addr add 2001:db8:2::21/64 dev eth0 nodad"])
    speak(nas, "2001:db8:2::21", to="2001:db8:2::1")
    address = IPv6Address("2001:db8:2::21")
    await sees.until(lambda facts: address in facts.addresses_of(nas.mac).ipv6)
    home.gateway.ip([f"addr del 2001:db8:1::1/64 dev {LAN_LINK}"])
    await sees.until(lambda facts: facts.lan_ipv6 == (new,))
    assert sees.facts.addresses_of(nas.mac).ipv6 == (address,)


async def test_the_wan_cable_is_pulled(sees: Facing, home: Home) -> None:
    """And comes back."""
    home.cable("wan", plugged=False)
    await sees.until(lambda facts: not facts.internet)
    home.cable("wan", plugged=True)
    await sees.until(lambda facts: facts.internet == BOTH)


async def test_the_default_route_is_gone(sees: Facing, home: Home) -> None:
    home.gateway.ip(["route del default"])
    await sees.until(lambda facts: facts.internet == {IPV6})
    home.gateway.ip(["route del ::/0"])
    await sees.until(lambda facts: not facts.internet)
    home.gateway.ip([f"route add default via {INTERNET.ipv4}"])
    await sees.until(lambda facts: facts.internet == {IPV4})
    home.gateway.ip([f"route add ::/0 via {INTERNET.ipv6}"])
    await sees.until(lambda facts: facts.internet == BOTH)


async def test_several_default_routes(sees: Facing, home: Home) -> None:
    """As long as one leads to the internet, there is one."""
    home.gateway.ip(
        [
            f"route add default via {INTERNET.ipv4} metric 50",
            "route add default via 192.168.178.22 metric 60",
            f"route del default via {INTERNET.ipv4} metric 0",
        ]
    )
    home.gateway.ip([f"route del default via {INTERNET.ipv4} metric 50"])
    await sees.until(lambda facts: facts.internet == {IPV6})
    home.gateway.ip(
        [
            "route add default metric 40"
            f" nexthop via {INTERNET.ipv4} nexthop via 192.168.178.22"
        ]
    )
    await sees.until(lambda facts: facts.internet == BOTH)
    home.gateway.ip(["route add blackhole default metric 1"])
    home.gateway.ip(["route del default metric 40"])
    await sees.until(lambda facts: facts.internet == {IPV6})


async def test_the_provider_gives_another_address(sees: Facing, home: Home) -> None:
    home.gateway.ip([f"addr add 203.0.113.3/24 dev {WAN_LINK}"])
    await sees.until(lambda facts: len(facts.wan_ipv4) == 2)
    home.gateway.ip([f"addr del {WAN.ipv4}/24 dev {WAN_LINK}"])
    await sees.until(lambda facts: not facts.wan_ipv4 or len(facts.wan_ipv4) == 1)
    home.gateway.ip(
        [
            f"addr replace 203.0.113.3/24 dev {WAN_LINK}",
            f"route replace default via {INTERNET.ipv4}",
        ]
    )
    await sees.until(
        lambda facts: (
            facts.wan_ipv4 == (IPv4Address("203.0.113.3"),) and IPV4 in facts.internet
        )
    )


async def test_an_address_that_is_no_longer_used(sees: Facing, home: Home) -> None:
    """A deprecated prefix is not where the internet should call."""
    home.gateway.ip(
        [
            f"addr add 2001:db8:ffff::3/64 dev {WAN_LINK} nodad preferred_lft 0",
            f"addr add 2001:db8:ffff::4/64 dev {WAN_LINK} nodad",
        ]
    )
    expected = {IPv6Address(WAN.ipv6), IPv6Address("2001:db8:ffff::4")}
    await sees.until(lambda facts: set(facts.wan_ipv6) == expected)


async def test_an_interface_comes_and_goes(home: Home, inside: None) -> None:
    """Both sides may have several; a name that is not there is told."""
    gateway = Gateway([WAN_LINK, "ppp0"], [LAN_LINK, "guests"])
    await gateway.open()
    sees = Facing(gateway)
    try:
        assert gateway.missing_interfaces() == ("ppp0", "guests")
        home.gateway.ip(
            [
                "link add ppp0 type veth peer name pppoe",
                "link set pppoe up",
                "link set ppp0 up",
                "addr add 198.51.100.7/32 dev ppp0",
                "link add guests type bridge",
                "link set guests up",
                "addr add 10.9.0.1/24 dev guests",
            ]
        )
        await sees.until(
            lambda facts: (
                IPv4Address("198.51.100.7") in facts.wan_ipv4
                and IPv4Network("10.9.0.0/24") in facts.lan_ipv4
            )
        )
        assert gateway.missing_interfaces() == ()
        names = {each.name: each for each in gateway.interfaces()}
        assert {WAN_LINK, LAN_LINK, "ppp0", "guests"} <= set(names)
        assert "lo" not in names
        assert names[WAN_LINK].routed
        assert not names["ppp0"].routed
        assert names["guests"].addresses == ("10.9.0.1/24",)
        home.gateway.ip(["route del default", "route add default dev ppp0"])
        home.gateway.ip([f"link set {WAN_LINK} down"])
        await sees.until(lambda facts: facts.internet == {IPV4})
        home.gateway.ip(["link del ppp0"])
        await sees.until(lambda facts: not facts.internet)
        assert gateway.missing_interfaces() == ("ppp0",)
    finally:
        await gateway.close()


async def test_a_bridge_port_is_removed(sees: Facing, home: Home, nas: Device) -> None:
    """The kernel tells it with "link deleted", but the bridge itself is still there."""
    home.gateway.ip([f"link set {nas.port} nomaster"])
    home.gateway.ip([f"addr add 10.0.0.1/24 dev {LAN_LINK}"])
    await sees.until(lambda facts: IPv4Network("10.0.0.0/24") in facts.lan_ipv4)
    assert sees.gateway.missing_interfaces() == ()
    assert sees.facts.internet == BOTH
    assert IPv4Network("192.168.178.0/24") in sees.facts.lan_ipv4


async def test_what_was_missed_is_read_again(
    sees: Facing, home: Home, nas: Device
) -> None:
    """More happens than the kernel can tell; what is true in the end counts."""
    netlink = sees.gateway._watch._netlink
    assert netlink
    netlink._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    home.gateway.ip(
        [
            *(
                f"neigh replace 192.168.178.{number} lladdr 02:00:00:00:00:{number:02x}"
                f" dev {LAN_LINK}"
                for number in range(100, 250)
            ),
            f"neigh del {nas.addresses.ipv4} dev {LAN_LINK}",
            f"addr add 203.0.113.9/24 dev {WAN_LINK}",
        ]
    )
    # With this buffer the answers would not fit either.
    netlink._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    await sees.until(
        lambda facts: (
            len(facts.devices) > 150
            and ipv4(facts, nas) is None
            and IPv4Address("203.0.113.9") in facts.wan_ipv4
        )
    )


async def test_what_happens_while_it_is_read(
    sees: Facing, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A neighbour that comes after the dump, before it has been looked at."""
    original = sees.gateway._watch._read_neighbours
    mac = "02:00:00:00:00:99"

    async def read() -> dict[tuple[int, watch.Address], str]:
        before = await original()
        home.gateway.ip([f"neigh replace 192.168.178.99 lladdr {mac} dev {LAN_LINK}"])
        async with asyncio.timeout(PATIENCE):
            while not sees.gateway._watch._meanwhile:
                await asyncio.sleep(0)
        return before

    monkeypatch.setattr(sees.gateway._watch, "_read_neighbours", read)
    sees.gateway._watch._lost()
    await sees.until(lambda facts: mac in facts.devices)


async def test_reading_fails_for_a_while(
    sees: Facing, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again."""
    original = sees.gateway._watch._read_network
    failures = iter([NetlinkError(16, "busy"), NetlinkError(4, "interrupted")])

    async def read() -> watch.Network:
        for failure in failures:
            raise failure
        return await original()

    monkeypatch.setattr(watch, "_RETRY_SECONDS", 0)
    monkeypatch.setattr(sees.gateway._watch, "_read_network", read)
    home.gateway.ip([f"addr add 203.0.113.9/24 dev {WAN_LINK}"])
    await sees.until(lambda facts: IPv4Address("203.0.113.9") in facts.wan_ipv4)


async def test_closing_while_it_is_read(
    sees: Facing, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left behind, also when reading has just failed."""
    failed = asyncio.Event()

    async def read() -> watch.Network:
        failed.set()
        raise NetlinkError(16, "busy")

    monkeypatch.setattr(sees.gateway._watch, "_read_network", read)
    home.gateway.ip([f"addr add 203.0.113.9/24 dev {WAN_LINK}"])
    async with asyncio.timeout(PATIENCE):
        await failed.wait()
    await sees.gateway.close()


async def test_nothing_of_interest_happens(sees: Facing, home: Home) -> None:
    """Others come and go; nobody is told, and nothing is worked out again."""
    before = sees.facts
    home.gateway.ip(
        [
            "link add other type bridge",
            "link set other up",
            "neigh replace 10.1.1.1 lladdr 02:00:00:00:00:01 dev other",
            "neigh replace 10.1.1.2 lladdr 02:00:00:00:00:02 dev other",
            "neigh add proxy 192.168.178.77 dev lan0",
            "neigh replace 192.168.178.78 nud incomplete dev lan0",
            "neigh del 10.1.1.1 dev other",
        ]
    )
    home.gateway.ip([f"addr add 203.0.113.9/24 dev {WAN_LINK}"])
    await sees.until(lambda facts: IPv4Address("203.0.113.9") in facts.wan_ipv4)
    assert sees.facts.devices == before.devices


async def test_nobody_is_told_after_unsubscribing(sees: Facing, home: Home) -> None:
    other = Facing(sees.gateway)
    sees.unsubscribe()
    sees.unsubscribe()
    home.gateway.ip([f"addr add 203.0.113.9/24 dev {WAN_LINK}"])
    await other.until(lambda facts: IPv4Address("203.0.113.9") in facts.wan_ipv4)
    assert sees.calls == 0


@pytest.fixture
async def opened(inside: None) -> AsyncGenerator[Gateway]:
    """A gateway that was opened when a neighbour had spoken some time ago."""
    gateway = Gateway([WAN_LINK], [LAN_LINK])
    yield gateway
    await gateway.close()


async def test_neighbours_that_are_there_already(
    opened: Gateway, home: Home, nas: Device
) -> None:
    """At the start the address that was confirmed last counts."""
    nas.namespace.ip(["addr add 192.168.178.121/24 dev eth0"])
    speak(nas, "192.168.178.121")
    home.gateway.ip(
        [
            f"neigh replace 192.168.178.21 lladdr {nas.mac} dev {LAN_LINK} nud stale",
            "neigh replace 192.168.178.90 lladdr 02:00:00:00:00:90"
            f" dev {LAN_LINK} nud permanent",
            f"neigh replace 192.168.178.91 dev {LAN_LINK} nud failed",
        ]
    )
    await opened.open()
    assert ipv4(opened.facts(), nas) is not None
    assert opened.facts().addresses_of("02:00:00:00:00:90").ipv4 == IPv4Address(
        "192.168.178.90"
    )


@pytest.mark.parametrize("away", [False, True])
async def test_a_device_that_has_just_moved_when_we_start(
    opened: Gateway, home: Home, nas: Device, away: bool
) -> None:
    """Of the address that it has left the kernel is surer than of the new one."""
    was, other = nas.addresses.ipv4, "192.168.178.51"
    speak(nas, was)
    await neighbour(home, was, "REACHABLE")
    await asyncio.to_thread(move, nas, was, other)
    if away:
        home.cable("nas", plugged=False)
    await opened.open()
    now = None if away else other
    await Facing(opened).until(lambda facts: ipv4(facts, nas) == now, KERNELS_PATIENCE)


def move(device: Device, before: str, after: str) -> None:
    device.namespace.ip(
        [
            f"addr del {before}/24 dev eth0",
            f"addr add {after}/24 dev eth0",
            "neigh flush dev eth0",
        ]
    )
    speak(device, after)


async def neighbour(home: Home, address: str, state: str) -> None:
    """Wait until the kernel knows this of an address."""
    async with asyncio.timeout(KERNELS_PATIENCE):
        while True:
            command = ("ip", "neigh", "show", address, "dev", LAN_LINK)
            if state in (await asyncio.to_thread(home.gateway.run, *command)).stdout:
                return


@pytest.mark.parametrize("known_to_be_gone", [False, True])
async def test_a_device_that_comes_back_to_its_address(
    sees: Facing, nas: Device, home: Home, known_to_be_gone: bool
) -> None:
    """Of the address that it had left the kernel was sure all the time."""
    was, other = nas.addresses.ipv4, "192.168.178.51"
    speak(nas, was)
    await sees.until(lambda facts: ipv4(facts, nas) == was)
    await asyncio.to_thread(move, nas, was, other)
    await sees.until(lambda facts: ipv4(facts, nas) == other)
    if known_to_be_gone:
        await neighbour(home, was, "FAILED")
    await asyncio.to_thread(move, nas, other, was)
    await sees.until(lambda facts: ipv4(facts, nas) == was, KERNELS_PATIENCE)


async def test_a_device_with_two_addresses_is_known_by_the_newer_one(
    sees: Facing, nas: Device, home: Home
) -> None:
    """It is asked once whether it has left the other one."""
    was, other = nas.addresses.ipv4, "192.168.178.51"
    speak(nas, was)
    await sees.until(lambda facts: ipv4(facts, nas) == was)
    nas.namespace.ip([f"addr add {other}/24 dev eth0"])
    speak(nas, other)
    await sees.until(lambda facts: ipv4(facts, nas) == other)
    await neighbour(home, was, "REACHABLE")
    await neighbour(home, other, "REACHABLE")
    assert ipv4(sees.facts, nas) == other


@pytest.fixture
async def doubted(sees: Facing, nas: Device, home: Home) -> tuple[int, watch.Address]:
    """An address that a device may have left for another: it does not answer yet."""
    was, other = nas.addresses.ipv4, "192.168.178.51"
    home.cable("nas", plugged=False)
    home.gateway.ip([f"neigh replace {other} lladdr {nas.mac} dev {LAN_LINK}"])
    await sees.until(lambda facts: ipv4(facts, nas) == other)
    key = socket.if_nametoindex(LAN_LINK), ip_address(was)
    assert key in sees.gateway._watch._doubted
    return key


async def all_is_seen(sees: Facing, home: Home) -> None:
    """What happens now is told last."""
    home.gateway.ip([f"addr add 203.0.113.9/24 dev {WAN_LINK}"])
    await sees.until(lambda facts: IPv4Address("203.0.113.9") in facts.wan_ipv4)


async def test_who_is_gone_is_not_doubted_any_longer(
    sees: Facing, home: Home, doubted: tuple[int, watch.Address]
) -> None:
    """It went while all neighbours were read anew."""
    sees.gateway._watch._lost()
    home.gateway.ip([f"neigh del {doubted[1]} dev {LAN_LINK}"])
    await all_is_seen(sees, home)
    assert doubted not in sees.gateway._watch.neighbours
    assert doubted not in sees.gateway._watch._doubted


async def test_what_somebody_sets_for_good_is_not_doubted_any_longer(
    sees: Facing, nas: Device, home: Home, doubted: tuple[int, watch.Address]
) -> None:
    lasting = f"lladdr {nas.mac} nud permanent dev {LAN_LINK}"
    home.gateway.ip([f"neigh replace {doubted[1]} {lasting}"])
    await all_is_seen(sees, home)
    assert doubted in sees.gateway._watch.neighbours
    assert doubted not in sees.gateway._watch._doubted


async def test_what_somebody_has_set_for_good_is_left_alone(
    sees: Facing, nas: Device, home: Home
) -> None:
    was, other = nas.addresses.ipv4, "192.168.178.51"
    home.gateway.ip([f"neigh replace {was} lladdr {nas.mac} nud permanent dev lan0"])
    await sees.until(lambda facts: ipv4(facts, nas) == was)
    await asyncio.to_thread(move, nas, was, other)
    await sees.until(lambda facts: ipv4(facts, nas) == other)
    await neighbour(home, was, "PERMANENT")
    await asyncio.gather(*sees.gateway._watch._asking)
    assert not sees.gateway._watch._doubted
