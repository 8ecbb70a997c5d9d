"""The home: an internet, a gateway and devices, each in its own network namespace.

        internet                      gateway                        devices
    203.0.113.1, .77          wan0  203.0.113.2               nas      192.168.178.21
    2001:db8:ffff::1, ::77          2001:db8:ffff::2                   2001:db8:1::21
    eth0 (a switch) ---line--------- wan0                     pi       .22, ::22
                              lan0  192.168.178.1             console  .23, ::23
                                    2001:db8:1::1  (a switch)
                                    lan-nas, lan-pi ... ------------- eth0 of each

Every cable ends in a port of a switch, so pulling one takes its carrier from the other
side and changes nothing else: addresses and routes stay, as with a real cable.
"""

from collections.abc import Iterable
from dataclasses import dataclass
import socket
import time
from typing import Self

from . import netns
from .netns import Namespace, NetnsError


@dataclass(frozen=True, slots=True)
class Addresses:
    """An IPv4 and an IPv6 address of the same host."""

    ipv4: str
    ipv6: str

    def of(self, family: socket.AddressFamily) -> str:
        """The one of this family."""
        return self.ipv6 if family == socket.AF_INET6 else self.ipv4

    def on(self, prefix4: int, prefix6: int) -> tuple[str, str]:
        """Both with their prefix lengths."""
        return f"{self.ipv4}/{prefix4}", f"{self.ipv6}/{prefix6}"


INTERNET = Addresses("203.0.113.1", "2001:db8:ffff::1")
OTHER_CALLER = Addresses("203.0.113.77", "2001:db8:ffff::77")
WAN = Addresses("203.0.113.2", "2001:db8:ffff::2")
LAN = Addresses("192.168.178.1", "2001:db8:1::1")
LAN_PREFIX6 = "2001:db8:1::/64"

WAN_LINK_LOCAL, LAN_LINK_LOCAL = "fe80::5eff:fe01:3", "fe80::5eff:fe01:4"
"""The gateway's, which the kernel makes of the hardware addresses of wan0 and lan0."""

DEVICES = ("nas", "pi", "console")

WAN_LINK, LAN_LINK = "wan0", "lan0"
DISCARD = 9
FAMILIES = (socket.AF_INET, socket.AF_INET6)

MACS = {
    "internet": "02:00:5e:01:00:01",
    "line": "02:00:5e:01:00:02",
    WAN_LINK: "02:00:5e:01:00:03",
    LAN_LINK: "02:00:5e:01:00:04",
}

_EVERYWHERE = {
    # Link-local addresses are usable at once, nobody waits for a router's words.
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv6.conf.default.router_solicitations": 0,
}
_ROUTER = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the home; its number (21 and up) is in all its addresses."""

    name: str
    number: int
    namespace: Namespace

    @property
    def addresses(self) -> Addresses:
        """Its static addresses."""
        return Addresses(f"192.168.178.{self.number}", f"2001:db8:1::{self.number}")

    @property
    def mac(self) -> str:
        """Its own hardware address, the number's digits at the end."""
        return f"02:00:5e:00:{self.number // 100:02d}:{self.number % 100:02d}"

    @property
    def port(self) -> str:
        """The gateway's end of its cable."""
        return f"lan-{self.name}"


class Home:
    """All namespaces of one home, named with a prefix of its own."""

    def __init__(self, prefix: str, devices: Iterable[str] = DEVICES) -> None:
        """Plan a home; `up` builds it. A device's name has at most 11 letters."""
        self.prefix = prefix
        self.internet = Namespace(f"{prefix}internet")
        self.gateway = Namespace(f"{prefix}gateway")
        self.devices = {
            name: Device(name, number, Namespace(f"{prefix}{name}"))
            for number, name in enumerate(devices, start=21)
        }

    @property
    def namespaces(self) -> dict[str, Namespace]:
        """Every namespace by the name a person uses for it."""
        return {
            "internet": self.internet,
            "gateway": self.gateway,
            **{device.name: device.namespace for device in self.devices.values()},
        }

    def __enter__(self) -> Self:
        """Build the home."""
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it down."""
        self.down()

    def up(self) -> None:
        """Build everything; what an earlier home of this prefix left goes first."""
        netns.purge(self.prefix)
        try:
            self._build()
            for device in self.devices.values():
                self.greet(device)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Remove all namespaces, with every process inside."""
        netns.purge(self.prefix)

    def cable(self, which: str, *, plugged: bool) -> None:
        """Pull or plug the cable to the internet, to all devices or to one of them."""
        state = "up" if plugged else "down"
        if which == "wan":
            self.internet.ip([f"link set line {state}"])
            if plugged:
                speak(self.gateway, WAN, INTERNET)
            return
        devices = self.devices if which == "lan" else {which: self.devices[which]}
        self.gateway.ip(f"link set {each.port} {state}" for each in devices.values())
        if plugged:
            for device in devices.values():
                self.greet(device)

    def greet(self, device: Device) -> None:
        """A device speaks to the gateway, which then knows its addresses."""
        speak(device.namespace, device.addresses, LAN)

    def _build(self) -> None:
        """Make namespaces, cables, addresses and routes; one process for each."""
        netns.create(*self.namespaces.values())
        for namespace in self.namespaces.values():
            namespace.sysctl(_EVERYWHERE)
        # bridge-nf-call-iptables is left as the machine has it: with Docker installed
        # it is 1, and sharing has to work on such a gateway.
        self.gateway.sysctl(_ROUTER)
        self._build_internet()
        self._build_gateway()
        for device in self.devices.values():
            self._build_device(device)
        names = (f"{d.addresses.ipv4} {d.name}\n" for d in self.devices.values())
        names6 = (f"{d.addresses.ipv6} {d.name}\n" for d in self.devices.values())
        self.gateway.write_etc(
            "hosts", "127.0.0.1 localhost\n::1 localhost\n" + "".join((*names, *names6))
        )
        # No name server: a look-up fails at once, on the loopback.
        self.gateway.write_etc("resolv.conf", "nameserver 127.0.0.1\n")

    def _build_internet(self) -> None:
        """A caller with two addresses that reaches the home's IPv6 prefix."""
        wires = netns.veth(
            "line", WAN_LINK, self.gateway, mac=MACS["line"], peer_mac=MACS[WAN_LINK]
        )
        self.internet.ip(
            [
                *netns.bridge("eth0", mac=MACS["internet"]),
                *wires,
                *netns.plug("line", into="eth0"),
                # For a call that does not care the kernel takes .1 and ::1: the first
                # IPv4 address of a link, and the last IPv6 address.
                *netns.address("eth0", *INTERNET.on(24, 64)[:1]),
                *netns.address("eth0", *OTHER_CALLER.on(24, 64)),
                *netns.address("eth0", *INTERNET.on(24, 64)[1:]),
                netns.route(LAN_PREFIX6, via=WAN.ipv6),
            ]
        )

    def _build_gateway(self) -> None:
        """A router between the two; its lan0 is the home's switch."""
        lines = [
            f"link set {WAN_LINK} up",
            *netns.address(WAN_LINK, *WAN.on(24, 64)),
            *netns.default_routes(INTERNET.ipv4, INTERNET.ipv6),
            *netns.bridge(LAN_LINK, mac=MACS[LAN_LINK]),
            *netns.address(LAN_LINK, *LAN.on(24, 64)),
        ]
        for device in self.devices.values():
            lines += netns.veth(
                device.port,
                "eth0",
                device.namespace,
                mac=device.mac.replace("02:", "06:", 1),
                peer_mac=device.mac,
            )
            lines += netns.plug(device.port, into=LAN_LINK)
        self.gateway.ip(lines)

    def _build_device(self, device: Device) -> None:
        """One host behind the gateway."""
        device.namespace.ip(
            [
                "link set eth0 up",
                *netns.address("eth0", *device.addresses.on(24, 64)),
                *netns.default_routes(LAN.ipv4, LAN.ipv6),
            ]
        )


def speak(
    namespace: Namespace, source: Addresses, to: Addresses, within: float = 5.0
) -> None:
    """Say a word over both families, and again until the other has heard it.

    It is said to a port where nobody listens: that answer shows that both ways work.
    """
    deadline = time.monotonic() + within
    for family in FAMILIES:
        with netns.socket_in(namespace, family, socket.SOCK_DGRAM) as sock:
            sock.bind((source.of(family), 0))
            sock.connect((to.of(family), DISCARD))
            sock.settimeout(0.1)
            while not _told_that_nobody_listens(sock):
                if time.monotonic() > deadline:
                    raise NetnsError(f"{namespace.name} cannot reach {to.of(family)}")


def _told_that_nobody_listens(sock: socket.socket) -> bool:
    """Send a word; the gateway's refusal shows that both ways work."""
    try:
        sock.send(b"hello")
        sock.recv(1)
    except ConnectionRefusedError:
        return True
    except OSError:  # no answer yet, or no carrier yet
        pass
    return False
