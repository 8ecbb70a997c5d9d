"""The Port Control Protocol, RFC 6887: bytes in, a request; its answer, bytes out.

There are no sockets here and no state. Where RFC 6887 says MUST, its sentence stands
above the line that does so. NAT-PMP is the same port's older protocol: `natpmp.py`.
"""

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
import struct
from typing import Final

from ..sharing.model import Transport
from .leases import Refusal

VERSION: Final = 2

# "All PCP messages are sent over UDP, with a maximum UDP payload length of 1100
# octets." -- RFC 6887 section 7
LONGEST_MESSAGE: Final = 1100

# "The minimum value SHOULD be 120 seconds. The maximum value SHOULD be [...] 24 hours."
# -- RFC 6887 section 15
SHORTEST_LIFETIME: Final = 120
LONGEST_LIFETIME: Final = 86_400

# "The PCP server MUST return the external address and port of the existing mapping in
# its response and SHOULD indicate a lifetime of 2^32-1 seconds" -- RFC 6887 section
# 11.3, of a mapping that was not made by PCP.
STATIC_LIFETIME: Final = 2**32 - 1

# When to send each mapping update, in seconds after the first. "The PCP server device
# SHOULD transmit such packets three times [...] The interval between the first two
# notifications MUST be at least 250 ms, and the third packet after a 500-ms interval."
# -- RFC 6887 section 14.2
UPDATE_AFTER: Final = (0.0, 0.25, 0.75)

_RESPONSE_BIT: Final = 0x80
_OPTIONAL_BIT: Final = 0x80
_HEADER_BYTES: Final = 24
_IPV4_MAPPED: Final = bytes(10) + b"\xff\xff"

# Version, opcode, lifetime, the client's address.
_REQUEST: Final = struct.Struct("!BBxxI16s")
# Version, opcode, result, lifetime, epoch time. "Reserved: 8 reserved bits, MUST be sent
# as 0" and "96 reserved bits. For requests that were successfully parsed, this MUST be
# sent as 0" -- RFC 6887 section 7.2
_RESPONSE: Final = struct.Struct("!BBxBII12x")
# Nonce, protocol, internal port, external port, external address. "Reserved: 24 reserved
# bits, MUST be sent as 0 and MUST be ignored when received." -- RFC 6887 section 11.1
_MAP: Final = struct.Struct("!12sB3xHH16s")
# Code, length. "Reserved: 8 bits. MUST be set to 0 on transmission and MUST be ignored on
# reception." -- RFC 6887 section 7.3
_OPTION: Final = struct.Struct("!BxH")
# Prefix length, port, address. "Reserved: 8 reserved bits, MUST be sent as 0 and MUST be
# ignored when received." -- RFC 6887 section 13.3
_FILTER: Final = struct.Struct("!xBH16s")

_TRANSPORTS: Final = {6: Transport.TCP, 17: Transport.UDP}
PROTOCOLS: Final = {transport: number for number, transport in _TRANSPORTS.items()}
"""IANA's numbers of what has mappings."""

type Address = IPv4Address | IPv6Address


class Opcode(IntEnum):
    """What is asked for. PEER is not offered."""

    ANNOUNCE = 0
    MAP = 1


class Option(IntEnum):
    """The options that are understood. THIRD_PARTY is not offered."""

    PREFER_FAILURE = 2
    FILTER = 3


class Result(IntEnum):
    """The result codes of RFC 6887 section 7.4."""

    SUCCESS = 0
    UNSUPP_VERSION = 1
    NOT_AUTHORIZED = 2
    MALFORMED_REQUEST = 3
    UNSUPP_OPCODE = 4
    UNSUPP_OPTION = 5
    MALFORMED_OPTION = 6
    NETWORK_FAILURE = 7
    NO_RESOURCES = 8
    UNSUPP_PROTOCOL = 9
    USER_EX_QUOTA = 10
    CANNOT_PROVIDE_EXTERNAL = 11
    ADDRESS_MISMATCH = 12
    EXCESSIVE_REMOTE_PEERS = 13

    @property
    def lifetime(self) -> int:
        """For how many seconds a client may expect the same error again."""
        # "It is RECOMMENDED that short lifetime errors use a 30-second lifetime and long
        # lifetime errors use a 30-minute lifetime." -- RFC 6887 section 7.4
        return 30 if self in _SHORT else 1800


_SHORT: Final = frozenset(
    {
        Result.NETWORK_FAILURE,
        Result.NO_RESOURCES,
        Result.USER_EX_QUOTA,
        Result.CANNOT_PROVIDE_EXTERNAL,
    }
)
_NOT_PARSED: Final = frozenset(
    {
        Result.UNSUPP_VERSION,
        Result.MALFORMED_REQUEST,
        Result.UNSUPP_OPCODE,
        Result.MALFORMED_OPTION,
    }
)

RESULTS: Final = {
    Refusal.NOT_PERMITTED: Result.NOT_AUTHORIZED,
    Refusal.OTHER_NONCE: Result.NOT_AUTHORIZED,
    Refusal.NOT_OWNER: Result.NOT_AUTHORIZED,
    Refusal.NOT_FOUND: Result.SUCCESS,
    Refusal.PORT_FORBIDDEN: Result.CANNOT_PROVIDE_EXTERNAL,
    Refusal.PORT_TAKEN: Result.CANNOT_PROVIDE_EXTERNAL,
    Refusal.QUOTA: Result.USER_EX_QUOTA,
    Refusal.FULL: Result.NO_RESOURCES,
    Refusal.NO_INTERNET: Result.NETWORK_FAILURE,
    Refusal.PEERS: Result.EXCESSIVE_REMOTE_PEERS,
}
"""What a PCP client is told when the broker refuses."""


class PcpError(ValueError):
    """A request that is to be answered with an error: see `refuse`."""

    def __init__(self, result: Result) -> None:
        """Remember the result code."""
        super().__init__(result.name)
        self.result = result


@dataclass(frozen=True, slots=True)
class Announce:
    """A client asks whether there is a server, and for its epoch time."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A FILTER option: who on the internet may call. Port 0: from all of its ports."""

    prefix_length: int
    port: int
    address: Address

    @classmethod
    def of(cls, network: IPv4Network | IPv6Network) -> Filter:
        """Return the filter that lets a network call, from all ports."""
        shift = 96 if isinstance(network, IPv4Network) else 0
        return cls(shift + network.prefixlen, 0, network.network_address)

    @property
    def network(self) -> IPv4Network | IPv6Network | None:
        """The remote peers; None: forget all filters of before."""
        # "The value 0 indicates 'no filter', and will remove all previous filters."
        # "For IPv4 addresses [...] add 96 to the IPv4 prefix length."
        # -- RFC 6887 section 13.3
        if self.prefix_length == 0:
            return None
        if isinstance(self.address, IPv4Address):
            return IPv4Network((self.address, self.prefix_length - 96), strict=False)
        return IPv6Network((self.address, self.prefix_length), strict=False)


@dataclass(frozen=True, slots=True)
class MapRequest:
    """A client asks for a mapping to itself; with a lifetime of 0 for its end.

    `protocol` is a number of IANA's. The external port and address are hints, 0 and the
    unspecified address are none; with `prefer_failure` nothing else will do. Lifetimes
    are in seconds.
    """

    nonce: bytes
    protocol: int
    internal_port: int
    external_port: int
    external_address: Address
    lifetime: int
    prefer_failure: bool = False
    filters: tuple[Filter, ...] = ()

    @property
    def transport(self) -> Transport | None:
        """The protocol if it has mappings here; None only in requests to end one."""
        return _TRANSPORTS.get(self.protocol)

    def rules_out(self, external_address: Address) -> bool:
        """Return whether a mapping of this external address will not do."""
        return (
            self.prefer_failure
            and not self.external_address.is_unspecified
            and self.external_address != external_address
        )


def parse(datagram: bytes, source: Address) -> MapRequest | Announce | None:
    """Return the request that came from `source`; None if it is to be ignored.

    Raises PcpError, and nothing else, if it is to be refused.
    """
    # "If the received PCP request message is less than 2 octets long, it is silently
    # dropped. If the R bit is set, the message is silently dropped."
    # -- RFC 6887 section 8.2
    if len(datagram) < 2 or datagram[1] & _RESPONSE_BIT:
        return None

    # "If the first octet (version) is a version that is not supported, a response is
    # generated with the UNSUPP_VERSION result code" -- RFC 6887 section 8.2
    if datagram[0] != VERSION:
        raise PcpError(Result.UNSUPP_VERSION)

    # "Otherwise, if the version is supported but the received message is shorter than 24
    # octets, the message is silently dropped." -- RFC 6887 section 8.2
    if len(datagram) < _HEADER_BYTES:
        return None

    # "If the length of the message exceeds 1100 octets, is not a multiple of 4 octets,
    # [...] it is invalid and a MALFORMED_REQUEST response is generated"
    # -- RFC 6887 section 8.2
    if len(datagram) > LONGEST_MESSAGE or len(datagram) % 4:
        raise PcpError(Result.MALFORMED_REQUEST)

    # "For Opcodes that are not understood by the PCP server, it simply generates the
    # UNSUPP_OPCODE response" -- RFC 6887 section 8.2
    _, opcode, lifetime, client = _REQUEST.unpack_from(datagram)
    if opcode not in (Opcode.ANNOUNCE, Opcode.MAP):
        raise PcpError(Result.UNSUPP_OPCODE)

    # "[...] or is too short for the Opcode in question, it is invalid"
    # -- RFC 6887 section 8.2
    payload_bytes = _MAP.size if opcode == Opcode.MAP else 0
    if len(datagram) < _HEADER_BYTES + payload_bytes:
        raise PcpError(Result.MALFORMED_REQUEST)

    # "The PCP server compares the source IP address (from the received IP header) with
    # the field PCP Client IP Address. If they do not match, the error ADDRESS_MISMATCH
    # MUST be returned." -- RFC 6887 section 8.2
    if client != _pack(source):
        raise PcpError(Result.ADDRESS_MISMATCH)

    options = _parse_options(datagram, _HEADER_BYTES + payload_bytes)
    if opcode == Opcode.ANNOUNCE:
        # "These options MUST NOT appear with other Opcodes" -- RFC 6887 section 13
        if options:
            raise PcpError(Result.UNSUPP_OPTION)
        return Announce()
    return _parse_map(datagram, source, lifetime, options)


def announcement(epoch_time: int) -> bytes:
    """Return the answer to Announce, which is also what is told to all unasked."""
    # "When sending unsolicited responses, the ANNOUNCE Opcode MUST have result code equal
    # to zero (SUCCESS)" -- RFC 6887 section 14.1.3
    return _respond(Opcode.ANNOUNCE, 0, epoch_time)


def grant(
    request: MapRequest, port: int, address: Address, lifetime: int, epoch_time: int
) -> bytes:
    """Return the answer that there is a mapping of this external port and address.

    When one of them has changed, the same message goes out unasked: a mapping update.
    """
    # "In success responses, all processed options are included and unprocessed options
    # are not included." -- RFC 6887 section 7.3
    options = [_pack_filter(each) for each in request.filters]
    if request.prefer_failure:
        options.append(_OPTION.pack(Option.PREFER_FAILURE, 0))
    return b"".join(
        (
            _respond(Opcode.MAP, lifetime, epoch_time),
            _pack_map(request, port, address),
            *options,
        )
    )


def confirm_end(request: MapRequest, epoch_time: int) -> bytes:
    """Return the answer that there is no mapping any more, or that there was none."""
    # "In requests where the requested Lifetime is 0, [the Suggested External Address and
    # Suggested External Port] fields MUST be copied into the assigned external IP address
    # and assigned external port of the response." -- RFC 6887 section 15.1
    return _respond(Opcode.MAP, 0, epoch_time) + _pack_map(
        request, request.external_port, request.external_address
    )


def refuse(
    datagram: bytes, result: Result, epoch_time: int, lifetime: int | None = None
) -> bytes:
    """Return the answer that a request failed, for a lifetime other than usual if given.

    `datagram` is the request as it came.
    """
    # "Such an error response MUST consist of a complete copy of the request packet with
    # the error code and other appropriate fields set in the header."
    # -- RFC 6887 section 7.3
    # "Copying the entire UDP payload, or 1100 octets, whichever is less, and zero-padding
    # the response to a multiple of 4 octets if necessary" -- RFC 6887 section 8.2
    copy = datagram[:LONGEST_MESSAGE]
    copy = copy.ljust(max(_HEADER_BYTES, len(copy) + -len(copy) % 4), b"\0")
    header = _respond(
        copy[1], result.lifetime if lifetime is None else lifetime, epoch_time, result
    )
    # "For requests that were not successfully parsed, the server copies the last 96 bits
    # of the PCP Client's IP Address field from the request message into this corresponding
    # 96-bit field of the response." -- RFC 6887 section 7.2
    kept = 12 if result in _NOT_PARSED else _HEADER_BYTES
    return header[:kept] + copy[kept:]


def assigned_lifetime(
    requested: int,
    shortest: int = SHORTEST_LIFETIME,
    longest: int = LONGEST_LIFETIME,
) -> int:
    """Return for how many seconds a mapping may live; 0, its end, stays 0."""
    # "The PCP server SHOULD be configurable for permitted minimum and maximum lifetime"
    # -- RFC 6887 section 15
    return min(max(requested, shortest), longest) if requested else 0


def _parse_options(datagram: bytes, offset: int) -> list[tuple[int, bytes]]:
    """Return code and data of the options that must be processed, in their order."""
    options = []
    while offset < len(datagram):
        code, length = _OPTION.unpack_from(datagram, offset)
        begin = offset + _OPTION.size
        offset = begin + length + -length % 4
        # "If the overall option structure of a request cannot successfully be parsed
        # (e.g., a nonsensical option length), the PCP server MUST generate an error
        # response with code MALFORMED_OPTION." -- RFC 6887 section 7.3
        if offset > len(datagram):
            raise PcpError(Result.MALFORMED_OPTION)
        # "If the most significant bit is set, handling this option is optional, and a PCP
        # server MAY process or ignore this option" -- RFC 6887 section 7.3
        if not code & _OPTIONAL_BIT:
            options.append((code, datagram[begin : begin + length]))
    return options


def _parse_map(
    datagram: bytes,
    source: Address,
    lifetime: int,
    options: list[tuple[int, bytes]],
) -> MapRequest:
    nonce, protocol, internal_port, external_port, external_address = _MAP.unpack_from(
        datagram, _HEADER_BYTES
    )
    # "If the protocol is zero and the internal port is non-zero, then the request is
    # invalid and the PCP server MUST return a MALFORMED_REQUEST error to the client."
    # -- RFC 6887 section 11.3
    if protocol == 0 and internal_port:
        raise PcpError(Result.MALFORMED_REQUEST)

    # "If the PCP server or PCP-controlled device does not support the protocol, the
    # UNSUPP_PROTOCOL error MUST be returned." The same for all ports of a protocol and for
    # all protocols, "if this request cannot be fulfilled in its entirety".
    # -- RFC 6887 section 11.3, of requests with a lifetime
    if lifetime and not (protocol in _TRANSPORTS and internal_port):
        raise PcpError(Result.UNSUPP_PROTOCOL)

    # "If several options are included in a PCP request, they [...] MUST be processed by
    # the PCP server in the order in which they appear." -- RFC 6887 section 7.3
    prefer_failure = False
    filters = []
    for code, data in options:
        if code == Option.PREFER_FAILURE:
            # "If the option's definition allows the option to appear only once but it
            # appears more than once in a request, and the option is understood by the PCP
            # server, the PCP server MUST respond with the MALFORMED_OPTION result code."
            # -- RFC 6887 section 7.3
            # "If a PCP request contains the PREFER_FAILURE option and has zero in the
            # Suggested External Port field, then it is invalid. The PCP server MUST reject
            # such a message with the MALFORMED_OPTION error code."
            # -- RFC 6887 section 13.2
            if prefer_failure or data or external_port == 0:
                raise PcpError(Result.MALFORMED_OPTION)
            prefer_failure = True
        elif code == Option.FILTER:
            filters.append(_parse_filter(data, source))
        else:
            # "A PCP server MUST return [...] UNSUPP_OPTION if the option is unrecognized,
            # unimplemented, or disabled" -- RFC 6887 section 7.3. The same of THIRD_PARTY
            # in section 13.1: "If this option is prohibited, and a PCP server receives a
            # PCP MAP request with a THIRD_PARTY option, it MUST generate a UNSUPP_OPTION
            # response."
            raise PcpError(Result.UNSUPP_OPTION)

    # "If an option with value less than 128 exists (i.e., mandatory to process) but that
    # option does not make sense (e.g., the PREFER_FAILURE option is included in a request
    # with lifetime=0), the request is invalid and generates a MALFORMED_OPTION error."
    # -- RFC 6887 section 11.3
    if options and lifetime == 0:
        raise PcpError(Result.MALFORMED_OPTION)

    return MapRequest(
        nonce,
        protocol,
        internal_port,
        external_port,
        _unpack(external_address),
        lifetime,
        prefer_failure,
        tuple(filters),
    )


def _parse_filter(data: bytes, source: Address) -> Filter:
    # "A PCP server MUST return the error MALFORMED_OPTION if the option contents are
    # malformed" -- RFC 6887 section 7.3
    if len(data) != _FILTER.size:
        raise PcpError(Result.MALFORMED_OPTION)
    prefix_length, port, packed = _FILTER.unpack(data)
    address = _unpack(packed)

    # "For IPv4 addresses [...] valid prefix lengths are between 96 and 128 bits,
    # inclusive. [...] For IPv6 addresses, valid prefix lengths are between 0 and 128 bits,
    # inclusive. Values outside those ranges cause the PCP server to return the
    # MALFORMED_OPTION result code." -- RFC 6887 section 13.3
    # And peers of the other IP version can never call the address that is mapped.
    shortest = 96 if address.version == 4 else 1
    if prefix_length and (
        not shortest <= prefix_length <= 128 or address.version != source.version
    ):
        raise PcpError(Result.MALFORMED_OPTION)
    return Filter(prefix_length, port, address)


def _respond(
    opcode: int, lifetime: int, epoch_time: int, result: Result = Result.SUCCESS
) -> bytes:
    # "Responses from servers compliant with this specification MUST use version 2."
    # "R: Indicates Request (0) or Response (1). All Responses MUST use 1."
    # -- RFC 6887 section 7.2
    return _RESPONSE.pack(VERSION, opcode | _RESPONSE_BIT, result, lifetime, epoch_time)


def _pack_map(request: MapRequest, port: int, address: Address) -> bytes:
    # "The Protocol, Internal Port, and Mapping Nonce fields from the MAP request are
    # copied into the MAP response." -- RFC 6887 section 11.3
    return _MAP.pack(
        request.nonce, request.protocol, request.internal_port, port, _pack(address)
    )


def _pack_filter(each: Filter) -> bytes:
    return _OPTION.pack(Option.FILTER, _FILTER.size) + _FILTER.pack(
        each.prefix_length, each.port, _pack(each.address)
    )


def _pack(address: Address) -> bytes:
    packed = address.packed
    return packed if len(packed) == 16 else _IPV4_MAPPED + packed


def _unpack(packed: bytes) -> Address:
    # "When checking for an IPv4-mapped IPv6 address, all of the first 96 bits MUST be
    # checked for the pattern" -- RFC 6887 section 5
    if packed.startswith(_IPV4_MAPPED):
        return IPv4Address(packed[12:])
    return IPv6Address(packed)
