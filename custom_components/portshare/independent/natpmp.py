"""The NAT Port Mapping Protocol, RFC 6886: bytes in, a request; its answer, bytes out.

There are no sockets here and no state. Where RFC 6886 says MUST, its sentence stands
above the line that does so. PCP is the same port's newer protocol: `pcp.py`.
"""

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address
import struct
from typing import Final

from ..sharing.model import Transport
from .leases import Refusal

VERSION: Final = 0

# Where clients send requests, and where they listen to announcements.
SERVER_PORT: Final = 5351
CLIENT_PORT: Final = 5350

# When to send each announcement, in seconds after the first. "To accommodate packet loss,
# the NAT gateway SHOULD multicast 10 address notifications. The interval between the first
# two notifications SHOULD be 250 ms, and the interval between each subsequent notification
# SHOULD double." -- RFC 6886 section 3.2.1
# PCP's go with them: "up to ten times [...] provided that the interval between the first
# two notifications is at least 250 ms, and the interval between subsequent notification
# at least doubles" -- RFC 6887 section 14.1.3
ANNOUNCE_AFTER: Final = tuple(0.25 * (2**n - 1) for n in range(10))

_RESPONSE_BIT: Final = 0x80

# Opcode, internal port, external port, lifetime. "The Reserved field MUST be set to zero on
# transmission and MUST be ignored on reception." -- RFC 6886 section 3.3
_MAP: Final = struct.Struct("!xBxxHHI")
# Version, opcode, result, epoch.
_RESPONSE: Final = struct.Struct("!BBHI")
# Internal port, external port, lifetime.
_MAPPED: Final = struct.Struct("!HHI")

_TRANSPORTS: Final = {1: Transport.UDP, 2: Transport.TCP}
_OPCODES: Final = {transport: opcode for opcode, transport in _TRANSPORTS.items()}
_EXTERNAL_ADDRESS: Final = 0
_NO_ADDRESS: Final = IPv4Address(0)


class Result(IntEnum):
    """The result codes of RFC 6886 section 3.5."""

    SUCCESS = 0
    UNSUPPORTED_VERSION = 1
    NOT_AUTHORIZED = 2
    NETWORK_FAILURE = 3
    OUT_OF_RESOURCES = 4
    UNSUPPORTED_OPCODE = 5


RESULTS: Final = {
    Refusal.NOT_PERMITTED: Result.NOT_AUTHORIZED,
    Refusal.OTHER_NONCE: Result.NOT_AUTHORIZED,
    Refusal.NOT_OWNER: Result.NOT_AUTHORIZED,
    Refusal.NOT_FOUND: Result.SUCCESS,
    Refusal.PORT_FORBIDDEN: Result.NOT_AUTHORIZED,
    Refusal.PORT_TAKEN: Result.NOT_AUTHORIZED,
    Refusal.QUOTA: Result.OUT_OF_RESOURCES,
    Refusal.FULL: Result.OUT_OF_RESOURCES,
    Refusal.NO_INTERNET: Result.NETWORK_FAILURE,
    Refusal.PEERS: Result.NOT_AUTHORIZED,
}
"""What a NAT-PMP client is told when the broker refuses."""


class NatPmpError(ValueError):
    """A request that is to be answered with an error: see `refuse_unknown`."""

    def __init__(self, result: Result) -> None:
        """Remember the result code."""
        super().__init__(result.name)
        self.result = result


@dataclass(frozen=True, slots=True)
class AddressRequest:
    """A client asks for the external IPv4 address."""


@dataclass(frozen=True, slots=True)
class MapRequest:
    """A client asks for a mapping to itself; with a lifetime of 0 for its end.

    The external port is a hint, 0 is none. The lifetime is in seconds.
    """

    transport: Transport
    internal_port: int
    external_port: int
    lifetime: int

    @property
    def ends_all(self) -> bool:
        """Whether all of the client's mappings of this transport are to end."""
        # "A client can request the explicit deletion of all its UDP or TCP mappings by
        # sending the same deletion request to the NAT gateway with the external port,
        # internal port, and lifetime set to zero." Of any deletion: "The Suggested
        # External Port [...] MUST be ignored by the gateway on reception."
        # -- RFC 6886 section 3.4
        return self.lifetime == 0 and self.internal_port == 0


def parse(datagram: bytes) -> AddressRequest | MapRequest | None:
    """Return the request in a datagram; None if it is to be ignored.

    Raises NatPmpError, and nothing else, if it is to be refused.
    """
    # "If the opcode in the request is 128 or greater, then this is not a request; it's a
    # response, and the NAT-PMP server MUST silently ignore it." -- RFC 6886 section 3.5
    if len(datagram) < 2 or datagram[1] & _RESPONSE_BIT:
        return None

    # "Any NAT-PMP gateway implementing this version of the protocol, receiving a request
    # with a version number other than 0, MUST return result code 1 (Unsupported Version)"
    # -- RFC 6886 section 3
    if datagram[0] != VERSION:
        raise NatPmpError(Result.UNSUPPORTED_VERSION)

    opcode = datagram[1]
    if opcode == _EXTERNAL_ADDRESS:
        return AddressRequest()

    # "Otherwise, if the opcode in the request is less than 128, but is not a supported
    # opcode (currently 0, 1, or 2), then the entire request MUST be returned to the sender"
    # -- RFC 6886 section 3.5
    if opcode not in _TRANSPORTS:
        raise NatPmpError(Result.UNSUPPORTED_OPCODE)

    # There is no result code for a request that is cut off.
    if len(datagram) < _MAP.size:
        return None
    _, internal_port, external_port, lifetime = _MAP.unpack_from(datagram)
    return MapRequest(_TRANSPORTS[opcode], internal_port, external_port, lifetime)


def external_address(address: IPv4Address | None, epoch_time: int) -> bytes:
    """Return the answer to AddressRequest, which is also what is told to all unasked.

    None: the gateway has no external address now.
    """
    # "If the result code is non-zero, the value of the External IPv4 Address field is
    # undefined (MUST be set to zero on transmission [...])" -- RFC 6886 section 3.2
    if address is None:
        return refuse_address(Result.NETWORK_FAILURE, epoch_time)
    return _respond(_EXTERNAL_ADDRESS, Result.SUCCESS, epoch_time) + address.packed


def refuse_address(result: Result, epoch_time: int) -> bytes:
    """Return the answer that the external address is not told."""
    return _respond(_EXTERNAL_ADDRESS, result, epoch_time) + _NO_ADDRESS.packed


def grant(request: MapRequest, port: int, lifetime: int, epoch_time: int) -> bytes:
    """Return the answer that there is a mapping of this external port."""
    return _answer_map(request, Result.SUCCESS, port, lifetime, epoch_time)


def confirm_end(request: MapRequest, epoch_time: int) -> bytes:
    """Return the answer that there is no mapping any more, or that there was none."""
    # "The response MUST contain a result code of 0, the internal port as indicated in the
    # deletion request, an external port of 0, and a lifetime of 0. The NAT gateway MUST
    # respond to a request to destroy a mapping that does not exist as if the request were
    # successful." -- RFC 6886 section 3.4
    return _answer_map(request, Result.SUCCESS, 0, 0, epoch_time)


def refuse(request: MapRequest, result: Result, epoch_time: int) -> bytes:
    """Return the answer that there will be no mapping, or that it will not end."""
    # "The Internal Port MUST be set to the client's requested Internal Port. [...] The
    # Mapped External Port and Port Mapping Lifetime MUST be set appropriately -- i.e., zero
    # if no successful port mapping was created." -- RFC 6886 section 3.5
    return _answer_map(request, result, 0, 0, epoch_time)


def refuse_unknown(datagram: bytes, result: Result, epoch_time: int) -> bytes:
    """Return the answer to what is no request of this protocol: see NatPmpError."""
    # "Indicating the highest version number it does support (i.e., 0) in the version field
    # of the response." -- RFC 6886 section 3
    # The figure in section 3.5 has opcode 0. But "opcodes from 128 to 255 are corresponding
    # server responses" (section 3), and PCP clients, who ask so, ignore all others.
    if result is Result.UNSUPPORTED_VERSION:
        return _respond(0, result, epoch_time)
    # "The entire request MUST be returned to the sender, with the top bit of the opcode
    # set (to indicate that this is a response) and the result code set to 5"
    # -- RFC 6886 section 3.5
    header = _respond(datagram[1], result, epoch_time)
    return header[:4] + datagram[4:] if len(datagram) >= len(header) else header


def _answer_map(
    request: MapRequest, result: Result, port: int, lifetime: int, epoch_time: int
) -> bytes:
    # "The 'x' in the OP field MUST match what the client requested."
    # -- RFC 6886 section 3.3
    return _respond(_OPCODES[request.transport], result, epoch_time) + _MAPPED.pack(
        request.internal_port, port, lifetime
    )


def _respond(opcode: int, result: Result, epoch_time: int) -> bytes:
    # "Seconds Since Start of Epoch MUST be set correctly" -- RFC 6886 section 3.5
    return _RESPONSE.pack(VERSION, opcode | _RESPONSE_BIT, result, epoch_time)
