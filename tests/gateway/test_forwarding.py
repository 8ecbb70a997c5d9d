"""What the kernel forwards, and how it is made to, on a real gateway."""

import contextlib
from pathlib import Path
import socket
import struct
import sys

import pytest

from custom_components.portshare.gateway.forwarding import missing_settings, set_all
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.sharing.model import Family
from demo import netns
from demo.home import LAN_LINK, WAN_LINK, Home

from .builders import IPV4, IPV6, TCP, Mappings, environment
from .traffic import Service, Traffic, wait_until

ROOT = Path(__file__).parents[2]
FAMILIES = pytest.mark.parametrize("family", [IPV4, IPV6])
SWITCHES = {IPV4: "net.ipv4.ip_forward", IPV6: "net.ipv6.conf.all.forwarding"}

# RFC 4861 section 4.2: a router for half an hour
ADVERTISEMENT = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)


def missing(family: Family, wan: str = WAN_LINK) -> list[str]:
    """Return what is to be set, as it is told."""
    return [str(each) for each in missing_settings(family, [wan], [LAN_LINK])]


def mend(family: Family) -> None:
    """Set what is missing."""
    set_all(missing_settings(family, [WAN_LINK], [LAN_LINK]))


def call(traffic: Traffic, service: Service, port: int) -> socket.socket:
    """Begin to call, whoever answers."""
    address = traffic.address_of(service)
    caller = traffic.caller(TCP, address)
    caller.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        caller.connect((address, port))
    return caller


def stuck() -> int:
    """Return how many IPv4 packets were not for this host and went nowhere."""
    names, values = [
        line.split()
        for line in Path("/proc/thread-self/net/snmp").read_text().splitlines()
        if line.startswith("Ip:")
    ]
    return int(values[names.index("InAddrErrors")])


@FAMILIES
@pytest.mark.usefixtures("inside")
def test_nothing_is_missing_on_a_router(family: Family) -> None:
    assert missing(family) == []


@FAMILIES
@pytest.mark.usefixtures("inside")
def test_what_is_off_can_be_switched_on(home: Home, family: Family) -> None:
    """The other IP version is left alone."""
    home.gateway.sysctl(dict.fromkeys(SWITCHES.values(), 0))
    assert missing(family) == [f"{SWITCHES[family]}=1"]
    mend(family)
    assert missing(family) == []
    [other] = set(SWITCHES) - {family}
    assert missing(other) == [f"{SWITCHES[other]}=1"]


async def test_a_share_works_as_soon_as_packets_are_forwarded(
    home: Home, gateway: Gateway, traffic: Traffic
) -> None:
    """Nothing needs to be done to the firewall, and the caller need not call again."""
    home.gateway.sysctl({SWITCHES[IPV4]: 0})
    await gateway.adopt([Mappings(home).dnat("nas", TCP, 8080, 80)], environment())
    service = traffic.serve("nas", TCP, 80)
    before = stuck()
    call(traffic, service, 8080)
    wait_until(lambda: stuck() > before)
    assert service.is_idle()
    mend(IPV4)
    service.accept()


@pytest.mark.usefixtures("inside")
def test_interfaces_that_forward_by_themselves_are_enough(home: Home) -> None:
    """As systemd-networkd does it."""
    home.gateway.sysctl(dict.fromkeys(SWITCHES.values(), 0))
    links = (WAN_LINK, LAN_LINK)
    home.gateway.sysctl({f"net.ipv4.conf.{each}.forwarding": 1 for each in links})
    home.gateway.sysctl({f"net.ipv6.conf.{each}.force_forwarding": 1 for each in links})
    assert missing(IPV4) == missing(IPV6) == []


@pytest.mark.usefixtures("inside")
def test_an_interface_that_does_not_forward_is_found(home: Home) -> None:
    """Setting the switch for all of them would change nothing: it is on."""
    home.gateway.sysctl({f"net.ipv4.conf.{WAN_LINK}.forwarding": 0})
    assert missing(IPV4) == [f"net.ipv4.conf.{WAN_LINK}.forwarding=1"]
    mend(IPV4)
    assert missing(IPV4) == []


@pytest.mark.usefixtures("inside")
def test_an_interface_that_is_not_there_lacks_nothing() -> None:
    assert missing(IPV4, wan="ppp0") == missing(IPV6, wan="ppp0") == []


@pytest.mark.usefixtures("inside")
def test_a_dot_in_a_name_is_no_dot_of_the_path(home: Home) -> None:
    """What is told is what the program `sysctl` takes."""
    home.gateway.ip(["link add wan0.7 type bridge"])
    home.gateway.sysctl({"net.ipv4.conf.wan0/7.forwarding": 0})
    [setting] = missing(IPV4, wan="wan0.7")
    assert setting == "net.ipv4.conf.wan0/7.forwarding=1"
    home.gateway.run("sysctl", "-w", setting)
    assert missing(IPV4, wan="wan0.7") == []


@pytest.fixture
def advertised(home: Home) -> None:
    """The gateway is no router, and has its own route from one on the internet."""
    home.gateway.sysctl({SWITCHES[IPV6]: 0, f"net.ipv6.conf.{WAN_LINK}.accept_ra": 1})
    home.gateway.ip(["route del ::/0"])
    with netns.socket_in(
        home.internet, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6
    ) as router:
        router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        with netns.inside(home.internet):
            index = socket.if_nametoindex("eth0")
        router.sendto(ADVERTISEMENT, ("ff02::1", 0, 0, index))
    wait_until(lambda: default_route(home))


def default_route(home: Home) -> str:
    return home.gateway.run(
        "ip", "-6", "route", "show", "default", "proto", "ra"
    ).stdout


@pytest.mark.usefixtures("inside", "advertised")
def test_a_route_from_advertisements_is_kept(home: Home) -> None:
    accept = f"net.ipv6.conf.{WAN_LINK}.accept_ra=2"
    assert missing(IPV6) == [accept, f"{SWITCHES[IPV6]}=1"]
    mend(IPV6)
    assert default_route(home)
    assert missing(IPV6) == []


@pytest.mark.usefixtures("inside", "advertised")
def test_a_router_that_is_not_told_to_listen_loses_its_route(home: Home) -> None:
    """This is why."""
    home.gateway.sysctl({SWITCHES[IPV6]: 1})
    assert not default_route(home)


READ_ONLY = "mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys"
SET = """
from custom_components.portshare.gateway.forwarding import Setting, set_all
try:
    set_all([Setting("net.ipv4.ip_forward", "1")])
except OSError as err:
    print(err.strerror)
"""


def test_in_a_container_it_says_that_it_may_not(home: Home) -> None:
    """There the settings are mounted read-only."""
    script = f'{READ_ONLY} && exec "$0" -c "$1"'
    told = home.gateway.run(
        "unshare",
        "--mount",
        "env",
        f"PYTHONPATH={ROOT}",
        "sh",
        "-c",
        script,
        sys.executable,
        SET,
    )
    assert told.stdout == "Read-only file system\n"
