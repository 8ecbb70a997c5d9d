"""Protection: from the internet comes in what a gateway needs, and nothing else."""

import contextlib
import re
import socket

import pytest

from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Family, Transport
from demo import netns
from demo.home import INTERNET, WAN, Home

from .builders import IPV4, TCP, UDP, environment
from .traffic import Traffic, dropped, nft, wait_until

AROUND = environment(protect=True)
TRANSPORTS = pytest.mark.parametrize("transport", [TCP, UDP])


@pytest.fixture
async def protected(gateway: Gateway) -> Gateway:
    await gateway.adopt([], AROUND)
    return gateway


def send_icmpv6(home: Home, type_: int, to: str = WAN.ipv6, code: int = 0) -> None:
    """Send such a message from the internet, whatever is in it."""
    sock = netns.socket_in(
        home.internet, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6
    )
    with contextlib.closing(sock):
        sock.sendto(bytes([type_, code, 0, 0]) + bytes(40), (to, 0))


# RFC 4890: 4.4.1 must not be dropped, 4.4.3 and 4.4.4 dropped by policy.
@pytest.mark.parametrize(
    "type_",
    [
        1,  # errors that belong to nothing
        2,
        100,
        137,  # redirect
        138,  # router renumbering
        139,  # node information query
        144,
        200,
    ],
)
async def test_icmpv6_that_is_dropped(
    protected: Gateway, home: Home, type_: int
) -> None:
    before = dropped()
    send_icmpv6(home, type_)
    wait_until(lambda: dropped() > before)


@pytest.mark.parametrize("type_", [130, 135, 136, 141, 143, 148, 151])
async def test_icmpv6_that_a_gateway_needs(
    protected: Gateway, home: Home, type_: int
) -> None:
    """Known by the drop that counts the message after it, and only that one."""
    before = dropped()
    send_icmpv6(home, type_)
    send_icmpv6(home, 200)
    wait_until(lambda: dropped() > before)
    assert dropped() == before + 1


async def test_pings_are_limited(protected: Gateway, home: Home) -> None:
    """A flood is no reason to answer each of them."""
    home.internet.run("ping", "-f", "-q", "-c", "200", "-W", "1", WAN.ipv4, check=False)
    assert dropped() > 50


async def test_a_neighbour_of_the_provider_cannot_route_to_the_home(
    protected: Gateway, home: Home, traffic: Traffic
) -> None:
    """Who sits on the same line may send packets to private addresses through us."""
    nas = home.devices["nas"].addresses.ipv4
    service = traffic.serve("nas", TCP, 80)
    home.internet.ip([f"route add 192.168.178.0/24 via {WAN.ipv4}"])
    traffic.assert_dropped(TCP, 80, nas)
    assert service.is_idle()


@TRANSPORTS
@pytest.mark.parametrize("family", list(Family))
async def test_the_gateway_is_closed(
    protected: Gateway,
    traffic: Traffic,
    transport: Transport,
    family: Family,
) -> None:
    service = traffic.serve("gateway", transport, 22, family)
    address = WAN.ipv4 if family is IPV4 else WAN.ipv6
    traffic.assert_dropped(transport, 22, address)
    assert service.is_idle()


async def test_an_answer_from_dhcp_comes_in(
    protected: Gateway, home: Home, traffic: Traffic
) -> None:
    """The offer goes to a client that has not said a word to this server before."""
    client = netns.socket_in(home.gateway, socket.AF_INET, socket.SOCK_DGRAM)
    server = netns.socket_in(home.internet, socket.AF_INET, socket.SOCK_DGRAM)
    with contextlib.closing(client), contextlib.closing(server):
        client.settimeout(3)
        client.bind(("", 68))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        server.bind((INTERNET.ipv4, 67))
        server.sendto(b"offer", (WAN.ipv4, 68))
        assert client.recv(100) == b"offer"
        server.close()
    other = netns.socket_in(home.internet, socket.AF_INET, socket.SOCK_DGRAM)
    with contextlib.closing(other):
        other.bind((INTERNET.ipv4, 53))
        before = dropped()
        other.sendto(b"no offer", (WAN.ipv4, 68))
        wait_until(lambda: dropped() > before)


async def test_errors_about_flows_reach_the_home(
    protected: Gateway, home: Home, traffic: Traffic
) -> None:
    """Path MTU discovery through the gateway: the internet says "too big"."""
    caller = traffic.caller_in("nas", UDP, INTERNET.ipv4)
    caller.connect((INTERNET.ipv4, 4711))
    # Nobody listens there, so the internet answers "port unreachable".
    caller.send(b"hello")
    with pytest.raises(ConnectionRefusedError):
        caller.recv(10)


async def test_without_it_nothing_is_kept_out(
    gateway: Gateway, home: Home, traffic: Traffic
) -> None:
    """Off, the table has no say in what is not shared."""
    await gateway.adopt([], environment(protect=False))
    assert re.search(r"set protected \{\s+type ifname\s+\}", nft("list", "ruleset"))
    service = traffic.serve("gateway", TCP, 22)
    caller = traffic.caller(TCP, WAN.ipv4)
    caller.connect((WAN.ipv4, 22))
    assert service.accept()
