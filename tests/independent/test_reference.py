"""The same questions to portshare and to Debian's miniupnpd, by clients of others.

Ours is a Home Assistant on a gateway with a real kernel. It is asked with upnpc, natpmpc
and miniupnpc's Python module; and with bytes, for what none of them says. Whatever has
been mapped is called from the internet.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
import re
import socket
import sys
from urllib.parse import urljoin, urlsplit

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.const import (
    CONF_INDEPENDENT,
    CONF_LAN,
    CONF_WAN,
    DOMAIN,
    SUBENTRY_DEVICE,
)
from custom_components.portshare.subentries import device_data
from demo import calls, pcp
from demo.calls import Caller
from demo.home import LAN, LAN_LINK, WAN, WAN_LINK, Device, Home
from demo.services import Service, Services, serve_game, serve_shell, serve_web
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant

from . import miniupnpd

SERVICES = (
    Service(80, socket.SOCK_STREAM, serve_web),
    Service(81, socket.SOCK_STREAM, serve_shell),
    Service(7000, socket.SOCK_STREAM, serve_shell),
    Service(9000, socket.SOCK_DGRAM, serve_game),
)
CONNECTION = "urn:schemas-upnp-org:service:WANIPConnection:1"
HOUR = "3600"
PREFIX = "psf-"

ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
    "<s:Body>{}</s:Body></s:Envelope>"
)

# What is an answer, of all that upnpc and natpmpc print.
ANSWERS = re.compile(
    r"""(Status\ :\ \w+) | (ExternalIPAddress\ =\ \S+) | (is\ redirected\ to.*)
    | (failed\ with\ code\ :?\ ?\d+) | (DeletePortMapping\(\)\ returned\ :\ 0)
    | ((?:TCP|UDP)\ +\d+->\S+) | (Public\ IP.*) | (Mapped\ public.*) | (FAILED)""",
    re.VERBOSE,
)

SHELL = "SSH-2.0-portshare_demo nas"

# What the internet gets, whoever mapped it.
CALLS = {
    "call what upnpc added": "HTTP 200 OK",
    "call where it leads now": SHELL,
    "call what was deleted": "refused",
    "call what natpmpc mapped": "nas 1 hello",
    "call what natpmpc ended": "refused",
    "call what PCP mapped": SHELL,
    "call what PCP ended": "refused",
}

# Where miniupnpd answers otherwise: what we answer, and why. What it answers is that of
# 2.3.1, and nobody asserts it, because it may get better.
DIFFERENCES = {
    "upnpc: for another": (
        "ExternalIPAddress = EXTERNAL; failed with code 606",
        "606 is 'Action not authorized'; it says 718, as if the port was taken",
    ),
    "upnpc: one remote host": (
        "ExternalIPAddress = EXTERNAL; failed with code 726",
        "726 is 'RemoteHostOnlySupportsWildcard'; it says yes",
    ),
    "call what only that host may": (
        "refused",
        "its rule for nftables lets everybody in, so another caller arrives",
    ),
    "upnpc: delete that": (
        "failed with code : 714",
        "follows from the remote host: we have no such mapping",
    ),
    "upnpc: delete again": (
        "failed with code : 714",
        "714 is 'NoSuchEntryInArray'; it says yes to the end of what there is not",
    ),
    "natpmpc: other port": (
        "Public IP address : EXTERNAL; Mapped public port 9000 protocol UDP"
        " to local port 9000 liftime 600",
        "RFC 6886 section 3.3: 'should succeed, returning the already-assigned external"
        " port'; it makes a second mapping",
    ),
    "PCP: another nonce": (
        "refused with result 2",
        "RFC 6887 section 11.3: 'the request MUST be rejected with a NOT_AUTHORIZED'",
    ),
    "PCP: end with another nonce": (
        "refused with result 2",
        "the same; it ends the mapping",
    ),
    "call what only one may end": (SHELL, "follows: it is still there"),
    "PCP: end": (
        "0.0.0.0 port 7000 for 0 s",
        "follows: its mapping has ended already, and it says 8, NO_RESOURCES",
    ),
    "PCP: end again": (
        "0.0.0.0 port 7000 for 0 s",
        "RFC 6887 section 15.1: 'attempts to delete a mapping that does not exist, the"
        " SUCCESS result code is returned'",
    ),
}

# With miniupnpc's module. Its errors are told by their text, which begins alike.
MODULE = """
import sys, miniupnpc
upnp = miniupnpc.UPnP()
upnp.discoverdelay = 1000
upnp.discover()
def tell(what, *arguments):
    try:
        print(getattr(upnp, what)(*arguments))
    except Exception as err:
        print(err)
upnp.selectigd(sys.argv[1])
print(upnp.lanaddr)
tell("externalipaddress")
tell("connectiontype")
tell("addportmapping", 8090, "TCP", upnp.lanaddr, 80, "module", "", 3600)
tell("getspecificportmapping", 8090, "TCP")
tell("getgenericportmapping", 0)
tell("getgenericportmapping", 1)
tell("deleteportmapping", 8090, "TCP")
tell("getspecificportmapping", 8090, "TCP")
"""


@dataclass(slots=True)
class Gateway:
    """A gateway that is asked, and where it is described."""

    home: Home
    url: str

    def upnpc(self, device: str, *arguments: str) -> str:
        """Let upnpc ask; the address of the gateway, of no internet, is forgiven."""
        return self._run(device, "upnpc", "-i", "-u", self.url, *arguments)

    def add(self, device: str, owner: str, *place: str) -> str:
        """Let it map a port of an owner."""
        return self.upnpc(device, "-a", self._device(owner).addresses.ipv4, *place)

    def natpmpc(self, *arguments: str) -> str:
        """Let natpmpc ask."""
        return self._run("nas", "natpmpc", "-g", LAN.ipv4, *arguments)

    def module(self) -> str:
        """Let the Python module do what it can."""
        run = self._device("nas").namespace.run
        said = run(sys.executable, "-c", MODULE, self.url, check=False)
        return self._neutral(said.stdout + said.stderr)

    def pcp(self, client: pcp.Client, port: int, lifetime: int) -> str:
        """Ask by PCP."""
        return self._neutral(str(client.map("tcp", port, lifetime)))

    def act(self, body: str, action: str = "AddPortMapping") -> str:
        """Send a body that no client sends; return the status and the error."""
        description = self._http("GET", self.url)[1]
        control = re.search(
            rf"{CONNECTION}.*?<controlURL>(.*?)<", description, re.DOTALL
        )
        assert control
        status, said = self._http(
            "POST",
            urljoin(self.url, control[1]),
            ENVELOPE.format(body),
            {"SOAPAction": f'"{CONNECTION}#{action}"'},
        )
        error = re.search(r"<errorCode>(\d+)<", said)
        return f"{status}, error {error[1] if error else None}"

    def call(self, port: int) -> str:
        """Call a port from the internet."""
        answer = calls.tcp(Caller(self.home.internet), WAN.ipv4, port)
        return answer.text.partition("\n")[0]

    def call_udp(self, port: int) -> str:
        """Send to a port from the internet."""
        return calls.udp(Caller(self.home.internet), WAN.ipv4, port).text

    def _http(
        self, method: str, url: str, body: str = "", headers: Mapping[str, str] = {}
    ) -> tuple[int, str]:
        where = urlsplit(url)
        assert where.hostname and where.port
        caller = Caller(self._device("nas").namespace)
        http = HTTPConnection(where.hostname, where.port)
        http.sock = caller.connect(where.hostname, where.port, calls.PATIENCE)
        with closing(http):
            http.request(method, where.path, body, headers)
            answer = http.getresponse()
            return answer.status, answer.read().decode()

    def _run(self, device: str, *command: str) -> str:
        done = self._device(device).namespace.run(*command, check=False)
        told = ANSWERS.finditer(done.stdout + done.stderr)
        return self._neutral("; ".join(each[0] for each in told))

    def _device(self, name: str) -> Device:
        return self.home.devices[name]

    def _neutral(self, text: str) -> str:
        return re.sub(rf"{WAN.ipv4}|{re.escape(miniupnpd.EXTERNAL)}", "EXTERNAL", text)


def steps(gateway: Gateway) -> dict[str, Callable[[], str]]:
    """Return what is asked, in this order."""
    upnpc, add, natpmpc = gateway.upnpc, gateway.add, gateway.natpmpc
    nas = gateway.home.devices["nas"]
    client, another = (pcp.Client(nas, LAN.ipv4) for _ in range(2))
    place = ("80", "8080", "tcp")
    return {
        "upnpc: status": partial(upnpc, "nas", "-s"),
        "upnpc: add": partial(add, "nas", "nas", *place, HOUR),
        "call what upnpc added": partial(gateway.call, 8080),
        "upnpc: add again": partial(add, "nas", "nas", *place, HOUR),
        "upnpc: add for ever": partial(add, "nas", "nas", *place),
        "upnpc: lead elsewhere": partial(add, "nas", "nas", "81", "8080", "tcp", HOUR),
        "call where it leads now": partial(gateway.call, 8080),
        "upnpc: list": partial(upnpc, "nas", "-l"),
        "upnpc: taken by another": partial(add, "pi", "pi", *place, HOUR),
        "upnpc: for another": partial(add, "pi", "nas", "80", "8081", "tcp", HOUR),
        "upnpc: a low port": partial(add, "nas", "nas", "80", "443", "tcp", HOUR),
        "upnpc: any external port": partial(add, "nas", "nas", "80", "0", "tcp", HOUR),
        "upnpc: one remote host": partial(
            add, "nas", "nas", "80", "8082", "tcp", HOUR, "198.51.100.1"
        ),
        "call what only that host may": partial(gateway.call, 8082),
        "upnpc: delete that": partial(upnpc, "nas", "-d", "8082", "tcp"),
        "upnpc: delete another's": partial(upnpc, "pi", "-d", "8080", "tcp"),
        "upnpc: delete": partial(upnpc, "nas", "-d", "8080", "tcp"),
        "call what was deleted": partial(gateway.call, 8080),
        "upnpc: delete again": partial(upnpc, "nas", "-d", "8080", "tcp"),
        "the Python module": gateway.module,
        "an unknown action": partial(
            gateway.act, f'<u:Shout xmlns:u="{CONNECTION}"/>', "Shout"
        ),
        "an action without arguments": partial(
            gateway.act, f'<u:AddPortMapping xmlns:u="{CONNECTION}"/>'
        ),
        "no XML": partial(gateway.act, "<"),
        "natpmpc: address": natpmpc,
        "natpmpc: map": partial(natpmpc, "-a", "9000", "9000", "udp", "300"),
        "call what natpmpc mapped": partial(gateway.call_udp, 9000),
        "natpmpc: renew": partial(natpmpc, "-a", "9000", "9000", "udp", "600"),
        "natpmpc: other port": partial(natpmpc, "-a", "9001", "9000", "udp", "600"),
        "natpmpc: end": partial(natpmpc, "-a", "9000", "9000", "udp", "0"),
        "call what natpmpc ended": partial(gateway.call_udp, 9000),
        "natpmpc: map two": partial(natpmpc, "-a", "9005", "9005", "udp", "600"),
        "natpmpc: end all": partial(natpmpc, "-a", "0", "0", "udp", "0"),
        "PCP: map": partial(gateway.pcp, client, 7000, 600),
        "call what PCP mapped": partial(gateway.call, 7000),
        "PCP: renew": partial(gateway.pcp, client, 7000, 900),
        "PCP: another nonce": partial(gateway.pcp, another, 7000, 600),
        "PCP: end with another nonce": partial(gateway.pcp, another, 7000, 0),
        "call what only one may end": partial(gateway.call, 7000),
        "PCP: end": partial(gateway.pcp, client, 7000, 0),
        "call what PCP ended": partial(gateway.call, 7000),
        "PCP: end again": partial(gateway.pcp, client, 7000, 0),
    }


def ask(gateway: Gateway) -> dict[str, str]:
    """Return all answers."""
    nas = gateway.home.devices["nas"]
    with Services("nas", nas.namespace, SERVICES):
        return {name: step() for name, step in steps(gateway).items()}


@pytest.fixture
async def ours(
    inside: None, home: Home, hass: HomeAssistant, enable_custom_integrations: None
) -> AsyncGenerator[Gateway]:
    """The gateway of a Home Assistant; nas and pi may map ports."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Gateway",
        data={CONF_WAN: [WAN_LINK], CONF_LAN: [LAN_LINK]},
        subentries_data=[may_map(home.devices[name]) for name in ("nas", "pi")],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    nas = home.devices["nas"].namespace
    searched = await asyncio.to_thread(nas.run, "upnpc", "-i", "-s")
    found = re.search(r"desc: (\S+)", searched.stdout)
    assert found
    yield Gateway(home, found[1])
    await hass.config_entries.async_remove(entry.entry_id)


def may_map(device: Device) -> ConfigSubentryData:
    data = device_data(device.mac, [device.addresses.ipv4], {})
    return ConfigSubentryData(
        data={**data, CONF_INDEPENDENT: True},
        subentry_type=SUBENTRY_DEVICE,
        title=device.name,
        unique_id=device.mac,
    )


@pytest.fixture
def theirs(ours: Gateway) -> Iterator[Gateway]:
    """Another gateway, with miniupnpd as one of version 1."""
    with Home(PREFIX) as home, miniupnpd.running(home, "-1"):
        yield Gateway(home, miniupnpd.DESCRIPTION)


async def test_answers_are_those_of_miniupnpd(ours: Gateway, theirs: Gateway) -> None:
    """But for the differences that are listed, each with its reason."""
    said = await asyncio.to_thread(ask, ours)
    reference = await asyncio.to_thread(ask, theirs)
    assert {step: said[step] for step in DIFFERENCES} == {
        step: answer for step, (answer, _) in DIFFERENCES.items()
    }
    others = said.keys() - DIFFERENCES.keys()
    assert {step: said[step] for step in others} == {
        step: reference[step] for step in others
    }
    # Nobody agrees by saying nothing, or because nothing works.
    assert all(said.values())
    assert {step: said[step] for step in CALLS} == CALLS
