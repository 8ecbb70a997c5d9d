"""A PCP client, as a program on a device has one in it: RFC 6887's MAP, and no more.

Debian has none. This one shares no line with the server that it asks.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
import secrets
import socket
import struct

from . import netns
from .calls import PATIENCE, Caller
from .home import Device

PORT = 5351
SUCCESS = 0

_VERSION = 2
_ANNOUNCE, _MAP = range(2)
_PROTOCOLS = {"tcp": 6, "udp": 17}

# Version, opcode, lifetime, client.
_HEADER = struct.Struct("!BBxxI16s")
# Nonce, protocol, internal and external port, external address.
_BODY = struct.Struct("!12sB3xHH16s")
# Of the answer: result, lifetime, epoch time, external port and address.
_ANSWER = struct.Struct("!3xBII12x12x4x2xH16s")


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a client is told. Lifetime and epoch time are in seconds."""

    result: int
    lifetime: int
    epoch: int
    external: str
    external_port: int

    def __str__(self) -> str:
        """What a person reads."""
        if self.result != SUCCESS:
            return f"refused with result {self.result}"
        return f"{self.external} port {self.external_port} for {self.lifetime} s"


class Client:
    """A program on a device. All its mappings have the same nonce."""

    def __init__(self, device: Device, router: str) -> None:
        """`router`: an address of the gateway, which may be its link-local one."""
        addresses = device.addresses
        self._source = addresses.ipv6 if ":" in router else addresses.ipv4
        self._caller = Caller(device.namespace, self._source)
        with netns.inside(device.namespace):
            link = socket.if_nametoindex("eth0")
        self._server = (router, PORT, 0, link) if ":" in router else (router, PORT)
        self._nonce = secrets.token_bytes(12)

    def map(self, transport: str, port: int, lifetime: int) -> Mapped:
        """Ask for a mapping to this device; with a lifetime of 0 for its end.

        Raises OSError if nobody answers.
        """
        request = map_request(self._source, self._nonce, transport, port, lifetime)
        with self._caller.open(self._server[0], socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(self._server)
            sock.send(request)
            return read_answer(sock.recv(2048))


def map_request(
    source: str,
    nonce: bytes,
    transport: str,
    port: int,
    lifetime: int,
    external_port: int | None = None,
) -> bytes:
    """A request from this address, which would like the same external port, or another."""
    anywhere = "::" if ":" in source else "0.0.0.0"
    wish = port if external_port is None else external_port
    return _HEADER.pack(_VERSION, _MAP, lifetime, _packed(source)) + _BODY.pack(
        nonce, _PROTOCOLS[transport], port, wish, _packed(anywhere)
    )


def read_answer(answer: bytes) -> Mapped:
    """What an answer to such a request says."""
    result, lasts, epoch, external_port, external = _ANSWER.unpack_from(answer)
    return Mapped(result, lasts, epoch, _readable(external), external_port)


def announce_request(source: str) -> bytes:
    """The question whether there is a server."""
    return _HEADER.pack(_VERSION, _ANNOUNCE, 0, _packed(source))


def _packed(address: str) -> bytes:
    """An address in 16 octets, as PCP writes those of both families."""
    mapped = address if ":" in address else f"::ffff:{address}"
    return IPv6Address(mapped).packed


def _readable(packed: bytes) -> str:
    address = ip_address(packed)
    assert isinstance(address, IPv6Address)
    return str(address.ipv4_mapped or address)
