"""upnpc, the client of libminiupnpc, at both gateways."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address, IPv6Address
import re
import subprocess
from threading import Thread
from typing import override
from uuid import UUID

import pytest

from custom_components.portshare.independent import soap
from custom_components.portshare.independent.broker import Broker
from custom_components.portshare.independent.control import (
    Client,
    Measured,
    Traffic,
    Wan,
)
from custom_components.portshare.independent.descriptions import (
    About,
    Device,
    Paths,
    describe,
    describe_service,
    gateways,
)
from custom_components.portshare.independent.igd import Igd
from custom_components.portshare.independent.leases import AskedBy
from custom_components.portshare.independent.services import Service
from custom_components.portshare.independent.soap import UpnpError
from custom_components.portshare.sharing.model import Transport

from .test_broker import NAS, NOON, Surroundings, grant, new_broker, pcp

LOOPBACK = "127.0.0.1"
IPV6 = IPv6Address("2001:db8:1::1")
CLIENT = Client(device=NAS, ipv4=IPv4Address(LOOPBACK), ipv6={IPV6})
ABOUT = About(friendly_name="Home", model_number="1")

type Upnpc = Callable[..., str]


def wan() -> Wan:
    return Wan(
        address=IPv4Address("8.8.4.4"),  # upnpc wants one of the real internet
        since=NOON,
    )


def measured(broker: Broker) -> Measured:
    return Measured(
        rate=100_000_000,
        traffic=Traffic(11, 22, 33, 44),
        idle={Transport.TCP: 432_000, Transport.UDP: 120},
        packets={each.lease_id: 5 for each in broker.leases},
    )


@contextmanager
def served(gateway: Device, broker: Broker) -> Iterator[str]:
    """Serve a gateway on the loopback, and yield the URL of its description."""
    igd = Igd(broker)
    paths = Paths("/secret", gateway.version)
    services = [service for device in gateway for service in device.services]
    documents = {paths.scpd(each): describe_service(each) for each in services}
    documents[paths.description] = describe(gateway, paths, ABOUT, 1)
    controls = {paths.control(each): each for each in services}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(200, documents[self.path])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(*self.act(controls[self.path], body))

        def act(self, service: Service, body: bytes) -> tuple[int, bytes]:
            try:
                call = soap.parse(body, self.headers["SOAPAction"])
                now = datetime.now(UTC)
                seen = measured(broker)
                reply = igd.act(gateway, service, call, CLIENT, now, wan(), seen)
            except UpnpError as err:
                return 500, soap.fault(err)
            return 200, soap.respond(call, reply.results)

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", 'text/xml; charset="utf-8"')
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer((LOOPBACK, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}{paths.description}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def broker() -> Broker:
    return new_broker(Surroundings())


@pytest.fixture(params=gateways(UUID(int=1)), ids=["v1", "v2"])
def upnpc(
    request: pytest.FixtureRequest, broker: Broker, socket_enabled: None
) -> Iterator[Upnpc]:
    """Run upnpc with its arguments, and return what it says."""
    with served(request.param, broker) as url:

        def run(*arguments: str) -> str:
            done = subprocess.run(
                ["upnpc", "-u", url, *arguments],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            return done.stdout + done.stderr

        yield run


V2_ONLY = pytest.mark.parametrize(
    "upnpc", [gateways(UUID(int=1))[1]], ids=["v2"], indirect=True
)


def test_upnpc_sees_the_connection(upnpc: Upnpc) -> None:
    output = upnpc("-s")
    assert "Found valid IGD" in output
    assert "Connection Type : IP_Routed" in output
    assert re.search(
        "Status : Connected, uptime=[0-9]+s, LastConnectionError : ERROR_NONE", output
    )
    assert "MaxBitRateDown : 100000000 bps" in output
    assert "ExternalIPAddress = 8.8.4.4" in output
    assert re.search(r"Bytes: *Sent: *11\s*Recv: *22", output)
    assert re.search(r"Packets: *Sent: *33\s*Recv: *44", output)


def test_upnpc_adds_sees_and_deletes_a_port_mapping(
    upnpc: Upnpc, broker: Broker
) -> None:
    description = "Tom & <Jerry>"
    output = upnpc("-e", description, "-a", LOOPBACK, "80", "8080", "tcp", "3600")
    assert (
        f"external 8.8.4.4:8080 TCP is redirected to internal {LOOPBACK}:80" in output
    )
    (lease,) = broker.leases
    assert (lease.external_port, lease.port) == (8080, 80)
    claim = lease.claim(AskedBy.UPNP)
    assert claim is not None
    assert claim.description == description
    assert re.search(rf"0 TCP +8080->{LOOPBACK}:80 +'Tom .*'", upnpc("-l"))
    assert "UPNP_DeletePortMapping() returned : 0" in upnpc("-d", "8080", "tcp")
    assert not broker.leases
    assert "failed with code : 714" in upnpc("-d", "8080", "tcp")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("192.168.1.9", "80", "8080", "tcp"), 606),
        ((LOOPBACK, "80", "443", "tcp"), 606),
        ((LOOPBACK, "80", "8080", "tcp", "0", "198.51.100.1"), 726),
    ],
)
def test_upnpc_is_told_why_it_may_not(
    upnpc: Upnpc, broker: Broker, arguments: tuple[str, ...], code: int
) -> None:
    assert f"failed with code {code}" in upnpc("-a", *arguments)
    assert not broker.leases


@V2_ONLY
def test_upnpc_uses_what_is_of_version_2(upnpc: Upnpc, broker: Broker) -> None:
    grant(broker, pcp(80, 8080, device="02:00:5e:00:00:02"))
    output = upnpc("-n", LOOPBACK, "80", "8080", "tcp", "3600")
    (lease,) = broker.leases_of(NAS)
    assert f"external 8.8.4.4:{lease.external_port} TCP is redirected" in output
    assert f"->{LOOPBACK}:80" in upnpc("-L")
    assert "returned : 0" in upnpc("-N", "1024", "65535", "tcp")
    assert not broker.leases_of(NAS)


def test_upnpc_opens_and_closes_a_pinhole(upnpc: Upnpc, broker: Broker) -> None:
    assert re.search("FirewallEnabled: 1 .*Inbound.*1", upnpc("-S"), re.IGNORECASE)
    opened = upnpc("-A", "", "0", str(IPV6), "8080", "tcp", "3600")
    assert "Pinhole ID = 1" in opened
    (lease,) = broker.leases
    assert (lease.address, lease.port) == (IPV6, 8080)
    assert "PinholePackets = 5" in upnpc("-K", "1")
    upnpc("-D", "1")
    assert not broker.leases
