"""How many port mappings devices get by UPnP in a second, and how long one takes.

    .venv/test/bin/python -m benchmarks.igd

A client on the nas asks one after the other, each by a connection of its own, as clients
do. It runs in a process of its own; the server does everything but the kernel's part:
what that takes is told by benchmarks.toggle.
"""

import asyncio
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from itertools import count
import socket
import time
from uuid import UUID

from custom_components.portshare.independent.broker import Broker, Limits, NotAuthorized
from custom_components.portshare.independent.control import Client, Measured, Wan
from custom_components.portshare.independent.descriptions import About, Paths
from custom_components.portshare.independent.igd import Igd
from custom_components.portshare.independent.igd_server import Identity, IgdServer
from custom_components.portshare.independent.leases import Wish
from custom_components.portshare.independent.port_control import Address, LeaseChange
from custom_components.portshare.independent.services import WAN_IP_CONNECTION_1
from custom_components.portshare.sharing.model import Family, LanAddress, Transport
from demo import netns
from demo.home import LAN, LAN_LINK, WAN, Home
from demo.netns import Namespace

from . import common

ROUNDS = 500
PRESENT = (1, 100, 1_000, 10_000)
FIRST_PORT = 2_000
PORT = 49000
SECRET = "secret"
NAS4 = "192.168.178.21"
NAS = "02:00:5e:00:00:21"
TYPE = WAN_IP_CONNECTION_1.type


class Household:
    """A home with one device, which may map as many ports as it likes."""

    permitted = (NAS,)
    internet = frozenset(Family)
    external_ipv4 = IPv4Address(WAN.ipv4)
    wan = Wan(
        address=external_ipv4,
        since=datetime.now(UTC),
    )

    def reserved(self, transport: Transport, port: int) -> bool:
        """Nothing is."""
        return False

    def shared(self, wish: Wish) -> int | None:
        """Nothing is."""
        return None

    def shares_any(self, device: str, transport: Transport) -> bool:
        """There are no shares."""
        return False

    async def device_at(self, address: Address) -> str | None:
        """Everybody is the nas."""
        return NAS

    async def client_at(self, address: Address) -> Client | None:
        """Everybody is the nas."""
        return Client(device=NAS, ipv4=IPv4Address(NAS4))

    def ipv4_of(self, device: str) -> IPv4Address | None:
        """Everybody is the nas."""
        return IPv4Address(NAS4)

    async def measure(self, device: str) -> Measured:
        """Nothing is."""
        return Measured()

    async def keep(self, changes: Collection[LeaseChange]) -> None:
        """The kernel's part is not measured here."""

    def tell_request(self, outcome: NotAuthorized) -> None:
        """Everybody has permission."""


@dataclass(frozen=True, slots=True)
class Asker:
    """A client that is in a namespace."""

    namespace: Namespace

    def ask(self, action: str, ports: range) -> list[float]:
        """Ask for one after the other, and return how long each took, in seconds."""
        times = []
        for port in ports:
            request = self._request(action, port)
            began = time.perf_counter()
            with netns.socket_in(self.namespace, socket.AF_INET) as sock:
                sock.connect((LAN.ipv4, PORT))
                sock.sendall(request)
                answer = b""
                while received := sock.recv(10_000):
                    answer += received
            times.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer)
        return times

    def _request(self, action: str, port: int) -> bytes:
        arguments = {
            "NewRemoteHost": "",
            "NewExternalPort": port,
            "NewProtocol": "TCP",
            "NewInternalPort": port,
            "NewInternalClient": NAS4,
            "NewEnabled": 1,
            "NewPortMappingDescription": "benchmark",
            "NewLeaseDuration": 3600,
        }
        inside = "".join(f"<{k}>{v}</{k}>" for k, v in arguments.items())
        body = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            f'<u:{action} xmlns:u="{TYPE}">{inside}</u:{action}></s:Body></s:Envelope>'
        )
        path = Paths(f"/{SECRET}", 1).control(WAN_IP_CONNECTION_1)
        return (
            f"POST {path} HTTP/1.1\r\nHost: {LAN.ipv4}:{PORT}\r\n"
            f'SOAPAction: "{TYPE}#{action}"\r\nContent-Length: {len(body)}\r\n\r\n{body}'
        ).encode()


def new_server() -> IgdServer:
    """Return a server that knows no mappings yet."""
    household = Household()
    ids = count()
    limits = Limits(of_device=100_000, in_all=100_000)
    broker = Broker(household, lambda: str(next(ids)), datetime.now(UTC), limits)
    about = About(friendly_name="Benchmark", model_number="1")
    return IgdServer(
        household,
        broker,
        Igd(broker),
        Identity(seed=UUID(int=1), secret=SECRET, boot_id=1, about=about),
        lambda address: True,
        lambda: datetime.now(UTC),
        PORT,
    )


async def main(home: Home) -> None:
    """Print the rates with more and more mappings present."""
    server = new_server()
    link = socket.if_nametoindex(LAN_LINK)
    await server.listen([LanAddress(IPv4Address(LAN.ipv4), link, LAN_LINK)])
    asker = Asker(home.devices["nas"].namespace)
    loop = asyncio.get_running_loop()
    present = 0
    with ProcessPoolExecutor(1) as pool:
        for number in PRESENT:
            some = range(FIRST_PORT + present, FIRST_PORT + number)
            await loop.run_in_executor(pool, asker.ask, "AddPortMapping", some)
            present = number
            more = range(FIRST_PORT + number, FIRST_PORT + number + ROUNDS)
            print(f"with {number} mappings")
            for action in (
                "AddPortMapping",
                "GetSpecificPortMappingEntry",
                "DeletePortMapping",
            ):
                times = await loop.run_in_executor(pool, asker.ask, action, more)
                rate = len(times) / sum(times)
                told = common.milliseconds(times)
                print(f"  {action:28} {rate:6.0f} per second   {told}")
    await server.close()


if __name__ == "__main__":
    common.run(main)
