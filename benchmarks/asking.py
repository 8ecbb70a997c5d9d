"""Clients of independent port sharing, so many at once, and how long they wait."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
import re
import selectors
import socket
import struct
import time
from typing import override
from urllib.parse import urljoin

from demo import netns, pcp, upnp
from demo.home import LAN, Device

PCP, NAT_PMP, SOAP = "PCP MAP", "NAT-PMP map", "AddPortMapping"
"""The protocols, by what is asked in each."""

LIFETIME = 3600
_NONCE = b"portshare-12"
_PATIENCE = 30.0
_TYPE = "urn:schemas-upnp-org:service:WANIPConnection:1"


type Waiting = Generator[tuple[socket.socket, int]]
"""What a client waits for: that it can read from a socket, or write to it."""


class Client(ABC):
    """A program on a device. It asks for one port after the other, or for its end."""

    def __init__(self, device: Device, *, end: bool) -> None:
        """Ask from this device."""
        self.device = device
        self.end = end
        self.times: list[float] = []

    def ask(self, ports: Sequence[int]) -> Waiting:
        """Ask for all of them, and note how long each answer took, in seconds."""
        for port in ports:
            began = time.perf_counter()
            yield from self.ask_for(port)
            self.times.append(time.perf_counter() - began)

    @abstractmethod
    def ask_for(self, port: int) -> Waiting:
        """Ask for one port. Raises RuntimeError if the answer is no."""


class DatagramClient(Client):
    """One that has a socket for all that it asks."""

    def __init__(self, device: Device, *, end: bool) -> None:
        """Open the socket."""
        super().__init__(device, end=end)
        self._sock = netns.socket_in(
            device.namespace, socket.AF_INET, socket.SOCK_DGRAM
        )
        self._sock.connect((LAN.ipv4, pcp.PORT))

    @override
    def ask_for(self, port: int) -> Waiting:
        self._sock.send(self.request(port, 0 if self.end else LIFETIME))
        yield self._sock, selectors.EVENT_READ
        answer = self._sock.recv(2048)
        if not self.is_success(answer):
            raise RuntimeError(f"Refused: {answer.hex()}")

    @abstractmethod
    def request(self, port: int, lifetime: int) -> bytes:
        """Return what asks for a port, or with a lifetime of 0 for its end."""

    @abstractmethod
    def is_success(self, answer: bytes) -> bool:
        """Tell whether the answer is yes."""


class PcpClient(DatagramClient):
    """One that speaks PCP."""

    @override
    def request(self, port: int, lifetime: int) -> bytes:
        source = self.device.addresses.ipv4
        return pcp.map_request(source, _NONCE, "tcp", port, lifetime)

    @override
    def is_success(self, answer: bytes) -> bool:
        return answer[3] == pcp.SUCCESS


class NatPmpClient(DatagramClient):
    """One that speaks NAT-PMP, RFC 6886 section 3.3."""

    @override
    def request(self, port: int, lifetime: int) -> bytes:
        external = port if lifetime else 0
        return struct.pack("!BBxxHHI", 0, 2, port, external, lifetime)

    @override
    def is_success(self, answer: bytes) -> bool:
        return answer[2:4] == bytes(2)


_OF_DATAGRAMS: dict[str, type[DatagramClient]] = {
    PCP: PcpClient,
    NAT_PMP: NatPmpClient,
}


class SoapClient(Client):
    """One that speaks UPnP, with a connection for each call, as those of devices do."""

    def __init__(self, device: Device, *, end: bool, control: str) -> None:
        """`control`: where calls go, as `host:port/path`."""
        super().__init__(device, end=end)
        self._host, _, self._path = control.partition("/")

    @override
    def ask_for(self, port: int) -> Waiting:
        host, _, number = self._host.partition(":")
        answer = b""
        with netns.socket_in(self.device.namespace, socket.AF_INET) as sock:
            sock.setblocking(False)
            sock.connect_ex((host, int(number)))
            yield sock, selectors.EVENT_WRITE
            sock.sendall(self._request(port))
            yield sock, selectors.EVENT_READ
            while received := sock.recv(10_000):
                answer += received
                yield sock, selectors.EVENT_READ
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"Refused: {answer.decode()}")

    def _request(self, port: int) -> bytes:
        action = "DeletePortMapping"
        arguments = {
            "NewRemoteHost": "",
            "NewExternalPort": port,
            "NewProtocol": "TCP",
        }
        if not self.end:
            action = "AddPortMapping"
            arguments |= {
                "NewInternalPort": port,
                "NewInternalClient": self.device.addresses.ipv4,
                "NewEnabled": 1,
                "NewPortMappingDescription": "benchmark",
                "NewLeaseDuration": LIFETIME,
            }
        inside = "".join(f"<{k}>{v}</{k}>" for k, v in arguments.items())
        body = (
            '<?xml version="1.0"?>'
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            f'<u:{action} xmlns:u="{_TYPE}">{inside}</u:{action}></s:Body></s:Envelope>'
        )
        return (
            f"POST /{self._path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f'SOAPAction: "{_TYPE}#{action}"\r\nContent-Type: text/xml\r\n'
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def find_control(device: Device) -> str:
    """Search as a device does; return where a gateway does what UPnP clients ask."""
    group, port = upnp.GROUPS["IPv4"], upnp.SSDP
    searched = upnp.search(group, upnp.GATEWAY.format(1))
    with netns.socket_in(device.namespace, socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_PATIENCE)
        sock.sendto(searched, (group, port))
        answer = sock.recv(2048).decode()
    location = _first(r"(?i)^LOCATION: *(\S+)", answer)
    host, _, path = location.removeprefix("http://").partition("/")
    with netns.socket_in(device.namespace, socket.AF_INET) as sock:
        sock.settimeout(_PATIENCE)
        sock.connect((LAN.ipv4, int(host.partition(":")[2])))
        sock.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        description = b""
        while received := sock.recv(10_000):
            description += received
    control = _first(rf"(?s){_TYPE}.*?<controlURL>(.*?)</", description.decode())
    return urljoin(location, control).removeprefix("http://")


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{pattern} is not in {text}")
    return found[1]


@dataclass(frozen=True, slots=True)
class Waited:
    """How long each request took, and all of them together, in seconds."""

    times: list[float]
    all: float

    @property
    def rate(self) -> float:
        """Requests in a second."""
        return len(self.times) / self.all


def together(waited: Iterable[Waited]) -> Waited:
    """Return several as one."""
    every = list(waited)
    return Waited(
        [one for each in every for one in each.times], sum(each.all for each in every)
    )


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many clients, which are on these devices in turn.

    `control` is where they speak UPnP.
    """

    devices: tuple[Device, ...]
    count: int
    protocol: str
    control: str

    def ask(self, ports: range, *, end: bool = False) -> Waited:
        """Ask for all of these ports, or for their end. The same client asks for both."""
        clients = [self._client(number, end=end) for number in range(self.count)]
        began = time.perf_counter()
        _run(
            client.ask(ports[number :: self.count])
            for number, client in enumerate(clients)
        )
        took = time.perf_counter() - began
        return Waited([each for client in clients for each in client.times], took)

    def _client(self, number: int, *, end: bool) -> Client:
        device = self.devices[number % len(self.devices)]
        if self.protocol == SOAP:
            return SoapClient(device, end=end, control=self.control)
        return _OF_DATAGRAMS[self.protocol](device, end=end)


def _run(clients: Iterable[Waiting]) -> None:
    """Go on with each client as soon as it can; return when all have ended."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            _go_on(selector, client)
        while selector.get_map():
            if not (ready := selector.select(_PATIENCE)):
                raise TimeoutError("Nobody answers")
            for key, _ in ready:
                selector.unregister(key.fileobj)
                _go_on(selector, key.data)


def _go_on(selector: selectors.BaseSelector, client: Waiting) -> None:
    if waits_for := next(client, None):
        selector.register(*waits_for, client)
