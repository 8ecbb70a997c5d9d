"""PCP on the wire. Requests are packed here by hand, as RFC 6887 draws them."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
import struct

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.independent import pcp
from custom_components.portshare.independent.leases import Refusal
from custom_components.portshare.independent.pcp import (
    Address,
    Announce,
    Filter,
    MapRequest,
    PcpError,
    Result,
)
from custom_components.portshare.sharing.model import Transport

CLIENT = IPv4Address("192.168.1.9")
CLIENT_IPV6 = IPv6Address("2001:db8:1::9")
WAN = IPv4Address("203.0.113.7")
NO_IPV4 = IPv4Address(0)
NO_IPV6 = IPv6Address(0)
NONCE = bytes(range(12))
EPOCH = 0x01020304

# MAP of TCP port 8080 for an hour, external port 80 suggested: octet by octet.
REQUEST = bytes.fromhex(
    "02 01 0000  00000e10  00000000000000000000ffffc0a80109"
    "000102030405060708090a0b  06 000000  1f90 0050  00000000000000000000ffff00000000"
)
PREFER_FAILURE = bytes.fromhex("02 00 0000")
FILTER = bytes.fromhex(
    "03 00 0014  00 78 0000  00000000000000000000ffffc6336400"  # 198.51.100.0/24
)
THIRD_PARTY = bytes.fromhex("01 00 0010  00000000000000000000ffffc0a8010a")
UNKNOWN_MANDATORY = bytes.fromhex("7f 00 0003  616263 00")
UNKNOWN_OPTIONAL = bytes.fromhex("80 00 0003  616263 00")


def packed(address: Address) -> bytes:
    if isinstance(address, IPv4Address):
        return IPv6Address(f"::ffff:{address}").packed
    return address.packed


def header(opcode: int = 1, lifetime: int = 3600, client: Address = CLIENT) -> bytes:
    return struct.pack("!BBHI", 2, opcode, 0, lifetime) + packed(client)


def map_body(
    *,
    nonce: bytes = NONCE,
    protocol: int = 6,
    port: int = 8080,
    external_port: int = 0,
    external_address: Address = NO_IPV4,
) -> bytes:
    ports = struct.pack("!HH", port, external_port)
    return nonce + bytes([protocol, 0, 0, 0]) + ports + packed(external_address)


def option(code: int, data: bytes) -> bytes:
    padding = bytes(-len(data) % 4)
    return struct.pack("!BBH", code, 0, len(data)) + data + padding


def filter_option(prefix_length: int, port: int, address: Address) -> bytes:
    return option(3, struct.pack("!BBH", 0, prefix_length, port) + packed(address))


def wire(request: MapRequest, client: Address) -> bytes:
    """Write a request as a client would."""
    options = [
        filter_option(f.prefix_length, f.port, f.address) for f in request.filters
    ]
    if request.prefer_failure:
        options.append(PREFER_FAILURE)
    body = map_body(
        nonce=request.nonce,
        protocol=request.protocol,
        port=request.internal_port,
        external_port=request.external_port,
        external_address=request.external_address,
    )
    return header(1, request.lifetime, client) + body + b"".join(options)


def parse_map(datagram: bytes, source: Address = CLIENT) -> MapRequest:
    request = pcp.parse(datagram, source)
    assert isinstance(request, MapRequest)
    return request


def error_of(datagram: bytes, source: Address = CLIENT) -> Result:
    with pytest.raises(PcpError) as caught:
        pcp.parse(datagram, source)
    return caught.value.result


seconds = st.integers(0, 2**32 - 1)
port_numbers = st.integers(0, 2**16 - 1)
# What looks like IPv4 on the wire is IPv4.
ipv6: st.SearchStrategy[Address] = st.ip_addresses(v=6).filter(
    lambda address: not packed(address).startswith(bytes(10) + b"\xff\xff")
)
addresses: st.SearchStrategy[Address] = st.ip_addresses(v=4) | ipv6


@st.composite
def filters(draw: st.DrawFn, version: int) -> Filter:
    address = draw(st.ip_addresses(v=4) if version == 4 else ipv6)
    lengths = st.integers(96, 128) if version == 4 else st.integers(1, 128)
    return Filter(draw(lengths | st.just(0)), draw(port_numbers), address)


@st.composite
def requests(draw: st.DrawFn, version: int) -> MapRequest:
    """Requests that are in order: with options or not, and those to end a mapping."""
    plain = MapRequest(
        nonce=draw(st.binary(min_size=12, max_size=12)),
        protocol=draw(st.sampled_from([6, 17])),
        internal_port=draw(port_numbers.filter(bool)),
        external_port=draw(port_numbers),
        external_address=draw(addresses),
        lifetime=draw(seconds),
    )
    if not plain.lifetime:
        return replace(plain, protocol=draw(st.integers(1, 255)))
    return replace(
        plain,
        prefer_failure=plain.external_port > 0 and draw(st.booleans()),
        filters=tuple(draw(st.lists(filters(version), max_size=3))),
    )


def answer_of(datagram: bytes) -> tuple[int, ...]:
    """Return version, opcode, reserved, result, lifetime, epoch time."""
    return struct.unpack_from("!BBBBII", datagram)


# ---- hostile bytes ----------------------------------------------------------------


def any_bytes() -> st.SearchStrategy[bytes]:
    """Everything from noise to requests that are nearly right."""
    words = st.binary(max_size=1200)
    heads = st.sampled_from([REQUEST, REQUEST[:24], header(0), header(2), REQUEST[:40]])
    pieces = st.sampled_from(
        [PREFER_FAILURE, FILTER, THIRD_PARTY, UNKNOWN_MANDATORY, UNKNOWN_OPTIONAL]
    )
    tails = st.lists(pieces | st.binary(max_size=24), max_size=4).map(b"".join)
    nearly = st.builds(bytes.__add__, heads, tails)
    cut = st.builds(lambda data, length: data[:length], nearly, st.integers(0, 100))

    def flip(data: bytes, at: int, value: int) -> bytes:
        changed = bytearray(data)
        changed[at % len(data)] = value
        return bytes(changed)

    flipped = st.builds(flip, nearly, st.integers(0, 99), st.integers(0, 255))
    return words | nearly | cut | flipped


def read(datagram: bytes, source: Address) -> MapRequest | Announce | Result | None:
    try:
        return pcp.parse(datagram, source)
    except PcpError as err:
        return err.result


@given(any_bytes(), addresses | st.just(CLIENT))
def test_any_bytes_are_a_request_ignored_or_refused_with_a_copy_of_themselves(
    datagram: bytes, source: Address
) -> None:
    request = read(datagram, source)
    if not isinstance(request, Result):
        assert request is None or isinstance(request, MapRequest | Announce)
        return
    answer = pcp.refuse(datagram, request, EPOCH)
    assert len(answer) % 4 == 0
    assert 24 <= len(answer) <= 1100
    assert answer_of(answer) == (
        *(2, datagram[1] | 0x80, 0, request, request.lifetime, EPOCH),
    )
    payload = datagram[24:1100]
    assert answer[24:].startswith(payload)
    assert not any(answer[24 + len(payload) :])


@pytest.mark.parametrize("version", [4, 6])
@given(data=st.data())
def test_what_a_client_writes_is_read(version: int, data: st.DataObject) -> None:
    client = CLIENT if version == 4 else CLIENT_IPV6
    request = data.draw(requests(version))
    assert pcp.parse(wire(request, client), client) == request


@given(requests(4), port_numbers, addresses, seconds, seconds)
def test_a_grant_copies_the_request_and_says_what_was_assigned(
    request: MapRequest, port: int, address: Address, lifetime: int, epoch_time: int
) -> None:
    answer = pcp.grant(request, port, address, lifetime, epoch_time)
    assert answer_of(answer) == (2, 0x81, 0, 0, lifetime, epoch_time)
    assert answer[12:24] == bytes(12)
    assigned = replace(request, external_port=port, external_address=address)
    assert answer[24:] == wire(assigned, CLIENT)[24:]


def test_a_request_octet_by_octet() -> None:
    assert parse_map(REQUEST) == MapRequest(
        nonce=NONCE,
        protocol=6,
        internal_port=8080,
        external_port=80,
        external_address=NO_IPV4,
        lifetime=3600,
    )
    assert parse_map(REQUEST).transport is Transport.TCP


def test_a_grant_octet_by_octet() -> None:
    assert pcp.grant(parse_map(REQUEST), 40080, WAN, 3600, EPOCH) == bytes.fromhex(
        "02 81 00 00  00000e10  01020304  000000000000000000000000"
        "000102030405060708090a0b  06 000000  1f90 9c90"
        "00000000000000000000ffffcb007107"
    )


def test_the_all_zeros_ipv6_address_is_all_zeros() -> None:
    request = parse_map(
        header(client=CLIENT_IPV6) + REQUEST[24:44] + bytes(16), CLIENT_IPV6
    )
    assert request.external_address == NO_IPV6
    assert pcp.confirm_end(request, EPOCH).endswith(bytes(16))


def test_an_address_with_only_some_bits_of_ipv4_mapped_is_ipv6() -> None:
    odd = bytes.fromhex("00000000000000000001ffffc0a80109")
    request = parse_map(REQUEST[:44] + odd)
    assert request.external_address == IPv6Address(odd)


# ---- what is ignored, in silence --------------------------------------------------


@pytest.mark.parametrize("datagram", [b"", b"\x02", b"\x00"])
def test_less_than_two_octets_are_ignored(datagram: bytes) -> None:
    assert pcp.parse(datagram, CLIENT) is None


@pytest.mark.parametrize("version", [0, 1, 2, 3, 255])
def test_answers_are_ignored_whatever_their_version(version: int) -> None:
    assert pcp.parse(bytes([version, 0x81]) + REQUEST[2:], CLIENT) is None


@pytest.mark.parametrize("length", [2, 4, 23])
def test_less_than_a_header_is_ignored(length: int) -> None:
    assert pcp.parse(REQUEST[:length], CLIENT) is None


# ---- what is refused --------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 1, 3, 255])
def test_other_versions_are_told_that_ours_is_two(version: int) -> None:
    datagram = bytes([version]) + REQUEST[1:]
    assert error_of(datagram) is Result.UNSUPP_VERSION
    answer = pcp.refuse(datagram, Result.UNSUPP_VERSION, EPOCH)
    assert answer_of(answer) == (2, 0x81, 0, 1, 1800, EPOCH)
    assert answer[12:] == datagram[12:]


def test_a_nat_pmp_request_of_two_octets_gets_a_whole_header() -> None:
    assert error_of(b"\0\0") is Result.UNSUPP_VERSION
    assert pcp.refuse(b"\0\0", Result.UNSUPP_VERSION, EPOCH) == bytes.fromhex(
        "02 80 00 01  00000708  01020304  000000000000000000000000"
    )


@pytest.mark.parametrize("length", [25, 26, 27, 59, 61, 1101, 1104, 65507])
def test_a_length_that_cannot_be_is_malformed(length: int) -> None:
    assert error_of(REQUEST.ljust(length, b"\0")[:length]) is Result.MALFORMED_REQUEST


def test_the_longest_message_is_read() -> None:
    datagram = REQUEST + option(128, bytes(1100 - 60 - 4))
    assert len(datagram) == 1100
    assert parse_map(datagram) == parse_map(REQUEST)


@pytest.mark.parametrize("length", [24, 28, 56])
def test_a_map_request_that_is_cut_off_is_malformed(length: int) -> None:
    assert error_of(REQUEST[:length]) is Result.MALFORMED_REQUEST


def test_an_answer_that_copies_a_long_request_ends_at_1100_octets() -> None:
    datagram = REQUEST.ljust(5000, b"x")
    answer = pcp.refuse(datagram, Result.MALFORMED_REQUEST, EPOCH)
    assert answer[24:] == datagram[24:1100]


@pytest.mark.parametrize("opcode", [2, 3, 96, 127])
def test_peer_and_unknown_opcodes_are_refused_with_their_payload(opcode: int) -> None:
    datagram = header(opcode) + bytes(range(56))
    assert error_of(datagram) is Result.UNSUPP_OPCODE
    answer = pcp.refuse(datagram, Result.UNSUPP_OPCODE, EPOCH)
    assert answer_of(answer) == (2, opcode | 0x80, 0, 4, 1800, EPOCH)
    assert answer[24:] == datagram[24:]


@pytest.mark.parametrize("opcode", [0, 1])
@pytest.mark.parametrize(
    "source", [IPv4Address("192.168.1.10"), CLIENT_IPV6, IPv6Address("fe80::9%eth0")]
)
def test_a_client_that_is_not_who_it_says_is_refused(
    opcode: int, source: Address
) -> None:
    datagram = bytes([2, opcode]) + REQUEST[2 : 60 if opcode else 24]
    assert error_of(datagram, source) is Result.ADDRESS_MISMATCH
    answer = pcp.refuse(datagram, Result.ADDRESS_MISMATCH, EPOCH)
    assert answer_of(answer) == (2, opcode | 0x80, 0, 12, 1800, EPOCH)
    assert answer[12:24] == bytes(12)


@pytest.mark.parametrize("prefix", [bytes(12), bytes(9) + b"\1\xff\xff"])
def test_all_bits_of_the_clients_address_count(prefix: bytes) -> None:
    datagram = REQUEST[:8] + prefix.rjust(12, b"\0") + REQUEST[20:]
    assert error_of(datagram) is Result.ADDRESS_MISMATCH


def test_a_link_local_client_is_known_without_its_interface() -> None:
    datagram = header(0, client=IPv6Address("fe80::9"))
    assert pcp.parse(datagram, IPv6Address("fe80::9%eth0")) == Announce()


@pytest.mark.parametrize("lifetime", [0, 3600])
def test_all_protocols_of_one_port_are_malformed(lifetime: int) -> None:
    datagram = header(lifetime=lifetime) + map_body(protocol=0)
    assert error_of(datagram) is Result.MALFORMED_REQUEST


@pytest.mark.parametrize(("protocol", "port"), [(0, 0), (6, 0), (33, 80), (46, 0)])
def test_all_ports_and_other_protocols_are_not_offered(
    protocol: int, port: int
) -> None:
    body = map_body(protocol=protocol, port=port)
    assert error_of(header() + body) is Result.UNSUPP_PROTOCOL
    # Nobody can have such a mapping, so it can be ended.
    request = parse_map(header(lifetime=0) + body)
    assert (request.protocol, request.internal_port) == (protocol, port)


def test_only_tcp_and_udp_are_transports() -> None:
    transports = {
        protocol: parse_map(header(lifetime=0) + map_body(protocol=protocol)).transport
        for protocol in range(1, 256)
    }
    assert {protocol: each for protocol, each in transports.items() if each} == {
        6: Transport.TCP,
        17: Transport.UDP,
    }


@pytest.mark.parametrize(
    ("result", "lifetime"),
    [
        (Result.UNSUPP_VERSION, 1800),
        (Result.NOT_AUTHORIZED, 1800),
        (Result.MALFORMED_REQUEST, 1800),
        (Result.UNSUPP_OPCODE, 1800),
        (Result.UNSUPP_OPTION, 1800),
        (Result.MALFORMED_OPTION, 1800),
        (Result.NETWORK_FAILURE, 30),
        (Result.NO_RESOURCES, 30),
        (Result.UNSUPP_PROTOCOL, 1800),
        (Result.USER_EX_QUOTA, 30),
        (Result.CANNOT_PROVIDE_EXTERNAL, 30),
        (Result.ADDRESS_MISMATCH, 1800),
        (Result.EXCESSIVE_REMOTE_PEERS, 1800),
    ],
)
def test_an_error_says_for_how_long_it_will_be_the_same(
    result: Result, lifetime: int
) -> None:
    answer = pcp.refuse(REQUEST, result, EPOCH)
    assert answer_of(answer) == (2, 0x81, 0, result, lifetime, EPOCH)
    assert answer[24:] == REQUEST[24:]
    assert answer_of(pcp.refuse(REQUEST, result, EPOCH, 77))[4] == 77


def test_every_error_code_has_its_number() -> None:
    assert [*Result] == [*range(14)]


@pytest.mark.parametrize("result", [*Result][1:])
def test_who_asked_is_copied_only_if_the_request_was_not_understood(
    result: Result,
) -> None:
    not_understood = result in {
        Result.UNSUPP_VERSION,
        Result.MALFORMED_REQUEST,
        Result.UNSUPP_OPCODE,
        Result.MALFORMED_OPTION,
    }
    answer = pcp.refuse(REQUEST, result, EPOCH)
    assert answer[12:24] == (REQUEST[12:24] if not_understood else bytes(12))


def test_every_refusal_of_the_broker_can_be_told() -> None:
    assert set(pcp.RESULTS) == set(Refusal)


# ---- options ----------------------------------------------------------------------


def test_options_are_read_whatever_their_order_and_reserved_octets() -> None:
    dirty = bytearray(PREFER_FAILURE)
    dirty[1] = 0xFF
    for options in (dirty + FILTER, FILTER + UNKNOWN_OPTIONAL + dirty):
        request = parse_map(REQUEST + options)
        assert request.prefer_failure
        assert [each.network for each in request.filters] == [
            IPv4Network("198.51.100.0/24")
        ]


def test_only_options_that_were_processed_are_in_the_answer() -> None:
    request = parse_map(REQUEST + UNKNOWN_OPTIONAL + PREFER_FAILURE + FILTER)
    answer = pcp.grant(request, 80, WAN, 3600, EPOCH)
    assert answer[60:] == FILTER + PREFER_FAILURE
    plain = pcp.grant(parse_map(REQUEST + UNKNOWN_OPTIONAL), 80, WAN, 3600, EPOCH)
    assert len(plain) == 60


@pytest.mark.parametrize(
    "options",
    [
        THIRD_PARTY,
        UNKNOWN_MANDATORY,
        option(0, b""),
        # Only the number counts, not what is in it.
        option(1, b""),
        option(1, packed(CLIENT)),
        PREFER_FAILURE + THIRD_PARTY,
    ],
)
def test_third_party_and_unknown_options_are_refused(options: bytes) -> None:
    assert error_of(REQUEST + options) is Result.UNSUPP_OPTION
    answer = pcp.refuse(REQUEST + options, Result.UNSUPP_OPTION, EPOCH)
    assert answer[60:] == options


@pytest.mark.parametrize(
    "options",
    [
        bytes.fromhex("02 00 0001"),
        bytes.fromhex("03 00 0014 00000000"),
        bytes.fromhex("80 00 ffff"),
        # Even after one that would be refused for another reason.
        THIRD_PARTY + bytes.fromhex("80 00 0001"),
    ],
)
def test_options_longer_than_the_message_are_malformed(options: bytes) -> None:
    assert error_of(REQUEST + options) is Result.MALFORMED_OPTION


@pytest.mark.parametrize(
    "options",
    [
        PREFER_FAILURE + PREFER_FAILURE,
        option(2, b"x"),
        option(3, b""),
        option(3, bytes(19)),
        option(3, bytes(21)),
        filter_option(95, 0, WAN),
        filter_option(129, 0, WAN),
        filter_option(129, 0, CLIENT_IPV6),
        filter_option(64, 0, CLIENT_IPV6),  # IPv6 peers cannot call an IPv4 address
    ],
)
def test_malformed_options_are_refused(options: bytes) -> None:
    assert error_of(REQUEST + options) is Result.MALFORMED_OPTION


def test_options_are_judged_in_their_order() -> None:
    assert error_of(REQUEST + option(2, b"x") + THIRD_PARTY) is Result.MALFORMED_OPTION
    assert error_of(REQUEST + THIRD_PARTY + option(2, b"x")) is Result.UNSUPP_OPTION


def test_to_insist_on_no_port_in_particular_is_malformed() -> None:
    datagram = header() + map_body(external_port=0) + PREFER_FAILURE
    assert error_of(datagram) is Result.MALFORMED_OPTION


@pytest.mark.parametrize("options", [PREFER_FAILURE, FILTER])
def test_options_make_no_sense_in_a_request_to_end_a_mapping(options: bytes) -> None:
    datagram = header(lifetime=0) + map_body(external_port=80) + options
    assert error_of(datagram) is Result.MALFORMED_OPTION


@pytest.mark.parametrize("code", [128, 130, 131, 255])
def test_optional_options_are_ignored_whatever_is_in_them(code: int) -> None:
    assert parse_map(REQUEST + option(code, b"abc")) == parse_map(REQUEST)


def test_optional_options_do_no_harm_in_a_request_to_end_a_mapping() -> None:
    datagram = header(lifetime=0) + map_body() + UNKNOWN_OPTIONAL
    assert parse_map(datagram).lifetime == 0


@pytest.mark.parametrize(
    ("each", "network"),
    [
        (Filter(128, 443, WAN), IPv4Network("203.0.113.7/32")),
        (Filter(120, 0, WAN), IPv4Network("203.0.113.0/24")),
        (Filter(96, 0, WAN), IPv4Network("0.0.0.0/0")),
        (Filter(64, 0, CLIENT_IPV6), IPv6Network("2001:db8:1::/64")),
        (Filter(0, 0, WAN), None),
        (Filter(0, 0, CLIENT_IPV6), None),
    ],
)
def test_the_peers_of_a_filter(
    each: Filter, network: IPv4Network | IPv6Network | None
) -> None:
    assert each.network == network


@pytest.mark.parametrize(
    "network",
    [
        IPv4Network("203.0.113.0/24"),
        IPv4Network("0.0.0.0/0"),
        IPv6Network("2001:db8:1::/64"),
        IPv6Network("2001:db8:1::1/128"),
    ],
)
def test_the_filter_of_peers(network: IPv4Network | IPv6Network) -> None:
    assert Filter.of(network).network == network
    assert Filter.of(network).port == 0


@pytest.mark.parametrize(
    ("wanted", "prefer_failure", "assigned", "ruled_out"),
    [
        (WAN, True, WAN, False),
        (NO_IPV4, True, WAN, False),
        (NO_IPV6, True, CLIENT_IPV6, False),
        (IPv4Address("203.0.113.8"), True, WAN, True),
        (IPv4Address("203.0.113.8"), False, WAN, False),
        (WAN, True, CLIENT_IPV6, True),
    ],
)
def test_another_address_will_not_do_only_if_a_client_insists(
    wanted: Address, prefer_failure: bool, assigned: Address, ruled_out: bool
) -> None:
    request = replace(
        parse_map(REQUEST), external_address=wanted, prefer_failure=prefer_failure
    )
    assert request.rules_out(assigned) is ruled_out


# ---- the rest ---------------------------------------------------------------------


def test_an_announce_request_and_its_answer() -> None:
    assert pcp.parse(header(0, lifetime=0), CLIENT) == Announce()
    assert pcp.parse(header(0, 0, CLIENT_IPV6), CLIENT_IPV6) == Announce()
    assert pcp.announcement(EPOCH) == bytes.fromhex(
        "02 80 00 00  00000000  01020304  000000000000000000000000"
    )


def test_the_lifetime_of_an_announce_request_is_ignored() -> None:
    assert pcp.parse(header(0, lifetime=2**32 - 1), CLIENT) == Announce()


@pytest.mark.parametrize("options", [PREFER_FAILURE, FILTER, THIRD_PARTY])
def test_options_of_map_are_refused_with_announce(options: bytes) -> None:
    assert error_of(header(0) + options) is Result.UNSUPP_OPTION


def test_announce_may_have_options_that_are_optional() -> None:
    assert pcp.parse(header(0) + UNKNOWN_OPTIONAL, CLIENT) == Announce()


def test_the_end_of_a_mapping_echoes_what_was_suggested() -> None:
    body = map_body(external_port=4711, external_address=WAN)
    request = parse_map(header(lifetime=0) + body)
    answer = pcp.confirm_end(request, EPOCH)
    assert answer_of(answer) == (2, 0x81, 0, 0, 0, EPOCH)
    assert answer[24:] == body


@pytest.mark.parametrize(
    ("requested", "assigned"),
    [(0, 0), (1, 120), (120, 120), (3600, 3600), (86_400, 86_400), (2**32 - 1, 86_400)],
)
def test_a_lifetime_is_two_minutes_to_a_day(requested: int, assigned: int) -> None:
    assert pcp.assigned_lifetime(requested) == assigned


def test_the_limits_of_a_lifetime_can_be_set() -> None:
    assert pcp.assigned_lifetime(1, shortest=60) == 60
    assert pcp.assigned_lifetime(9000, longest=7200) == 7200


def test_three_mapping_updates_within_a_second() -> None:
    assert pcp.UPDATE_AFTER == (0, 0.25, 0.75)


def test_a_mapping_update_needs_only_what_a_lease_remembers() -> None:
    update = MapRequest(NONCE, 6, 8080, 0, NO_IPV4, 0)
    assert pcp.grant(update, 80, WAN, 60, EPOCH) == pcp.grant(
        parse_map(REQUEST), 80, WAN, 60, EPOCH
    )
