"""NAT-PMP on the wire, and a client that was not written here."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from itertools import pairwise
import re
import socket
import struct
import subprocess
from threading import Thread

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.independent import natpmp
from custom_components.portshare.independent.leases import Refusal
from custom_components.portshare.independent.natpmp import (
    AddressRequest,
    MapRequest,
    NatPmpError,
    Result,
)
from custom_components.portshare.sharing.model import Transport

WAN = IPv4Address("203.0.113.7")
EPOCH = 0x01020304

# TCP port 8080 for two hours, external port 80 suggested: octet by octet.
TCP = bytes.fromhex("00 02 0000  1f90 0050  00001c20")
UDP = bytes.fromhex("00 01 0000  1f90 0050  00001c20")
REQUEST = MapRequest(Transport.TCP, 8080, 80, 7200)

seconds = st.integers(0, 2**32 - 1)
port_numbers = st.integers(0, 2**16 - 1)
requests = st.builds(
    MapRequest,
    st.sampled_from([Transport.UDP, Transport.TCP]),
    port_numbers,
    port_numbers,
    seconds,
)
opcodes = {Transport.UDP: 1, Transport.TCP: 2}


def error_of(datagram: bytes) -> Result:
    with pytest.raises(NatPmpError) as caught:
        natpmp.parse(datagram)
    return caught.value.result


def read(datagram: bytes) -> MapRequest | AddressRequest | Result | None:
    try:
        return natpmp.parse(datagram)
    except NatPmpError as err:
        return err.result


@given(st.binary() | st.builds(bytes.__add__, st.just(b"\0"), st.binary(max_size=20)))
def test_any_bytes_are_a_request_ignored_or_refused(datagram: bytes) -> None:
    request = read(datagram)
    if not isinstance(request, Result):
        assert request is None or isinstance(request, MapRequest | AddressRequest)
        return
    answer = natpmp.refuse_unknown(datagram, request, EPOCH)
    assert answer[0] == 0
    assert answer[1] & 0x80
    assert struct.unpack_from("!H", answer, 2) == (request,)
    assert 8 <= len(answer) <= max(8, len(datagram))


@given(requests)
def test_what_a_client_writes_is_read(request: MapRequest) -> None:
    datagram = struct.pack(
        "!BBHHHI",
        *(0, opcodes[request.transport], 0xFFFF),  # reserved: ignored
        *(request.internal_port, request.external_port, request.lifetime),
    )
    assert natpmp.parse(datagram) == request


@given(requests, port_numbers, seconds, seconds)
def test_a_grant_copies_the_request_and_says_what_was_assigned(
    request: MapRequest, port: int, lifetime: int, epoch_time: int
) -> None:
    opcode = opcodes[request.transport] | 0x80
    assert natpmp.grant(request, port, lifetime, epoch_time) == struct.pack(
        "!BBHIHHI", 0, opcode, 0, epoch_time, request.internal_port, port, lifetime
    )


def test_requests_octet_by_octet() -> None:
    assert natpmp.parse(TCP) == REQUEST
    assert natpmp.parse(UDP) == MapRequest(Transport.UDP, 8080, 80, 7200)
    assert natpmp.parse(b"\0\0") == AddressRequest()


def test_answers_octet_by_octet() -> None:
    assert natpmp.grant(REQUEST, 40080, 3600, EPOCH) == bytes.fromhex(
        "00 82 0000  01020304  1f90 9c90  00000e10"
    )
    assert natpmp.external_address(WAN, EPOCH) == bytes.fromhex(
        "00 80 0000  01020304  cb007107"
    )


def test_without_an_external_address_there_is_a_network_failure_and_no_address() -> (
    None
):
    assert natpmp.external_address(None, EPOCH) == bytes.fromhex(
        "00 80 0003  01020304  00000000"
    )


def test_an_address_that_is_not_told_is_zero() -> None:
    assert natpmp.refuse_address(Result.NOT_AUTHORIZED, EPOCH) == bytes.fromhex(
        "00 80 0002  01020304  00000000"
    )


@pytest.mark.parametrize("lifetime", [3_600_000, 2**32 - 1])
def test_a_lifetime_in_milliseconds_is_read_as_it_stands(lifetime: int) -> None:
    # @achingbrain/nat-port-mapper 4.0.5 sends 3,600,000 seconds and means an hour.
    request = natpmp.parse(TCP[:8] + struct.pack("!I", lifetime))
    assert isinstance(request, MapRequest)
    assert request.lifetime == lifetime


@pytest.mark.parametrize("datagram", [b"", b"\0", b"\2"])
def test_less_than_two_octets_are_ignored(datagram: bytes) -> None:
    assert natpmp.parse(datagram) is None


@pytest.mark.parametrize("datagram", [b"\0\x80", b"\0\x82" + TCP[2:], b"\2\x81"])
def test_answers_are_ignored(datagram: bytes) -> None:
    assert natpmp.parse(datagram) is None


@pytest.mark.parametrize("length", [2, 4, 11])
def test_a_mapping_request_that_is_cut_off_is_ignored(length: int) -> None:
    assert natpmp.parse(TCP[:length]) is None


def test_what_is_behind_a_request_is_ignored() -> None:
    assert natpmp.parse(TCP + b"more") == REQUEST


@pytest.mark.parametrize("version", [1, 2, 255])
def test_other_versions_are_told_that_ours_is_zero(version: int) -> None:
    datagram = bytes([version]) + TCP[1:]
    assert error_of(datagram) is Result.UNSUPPORTED_VERSION
    answer = natpmp.refuse_unknown(datagram, Result.UNSUPPORTED_VERSION, EPOCH)
    assert answer == bytes.fromhex("00 80 0001  01020304")


@pytest.mark.parametrize("opcode", [3, 64, 127])
def test_an_unknown_request_is_returned_whole(opcode: int) -> None:
    datagram = bytes([0, opcode]) + bytes(range(40))
    assert error_of(datagram) is Result.UNSUPPORTED_OPCODE
    answer = natpmp.refuse_unknown(datagram, Result.UNSUPPORTED_OPCODE, EPOCH)
    assert answer == bytes([0, opcode | 0x80, 0, 5]) + datagram[4:]


def test_an_unknown_request_that_is_too_short_for_an_answer_gets_the_epoch_time() -> (
    None
):
    answer = natpmp.refuse_unknown(b"\0\3", Result.UNSUPPORTED_OPCODE, EPOCH)
    assert answer == bytes.fromhex("00 83 0005  01020304")


@pytest.mark.parametrize("result", [*Result][1:])
def test_a_refusal_names_the_port_and_nothing_that_was_not_given(
    result: Result,
) -> None:
    assert natpmp.refuse(REQUEST, result, EPOCH) == struct.pack(
        "!BBHIHHI", 0, 0x82, result, EPOCH, 8080, 0, 0
    )


def test_the_end_of_a_mapping_is_confirmed_without_external_port_and_lifetime() -> None:
    assert natpmp.confirm_end(REQUEST, EPOCH) == bytes.fromhex(
        "00 82 0000  01020304  1f90 0000  00000000"
    )


@pytest.mark.parametrize(
    ("port", "external_port", "lifetime", "ends_all"),
    [(0, 0, 0, True), (0, 80, 0, True), (0, 0, 60, False), (80, 0, 0, False)],
)
def test_port_zero_for_no_time_ends_all(
    port: int, external_port: int, lifetime: int, ends_all: bool
) -> None:
    request = MapRequest(Transport.UDP, port, external_port, lifetime)
    assert request.ends_all is ends_all


def test_every_refusal_of_the_broker_can_be_told() -> None:
    assert set(natpmp.RESULTS) == set(Refusal)


def test_every_result_has_its_number() -> None:
    assert [*Result] == [*range(6)]


def test_ten_announcements_at_intervals_that_double() -> None:
    assert natpmp.ANNOUNCE_AFTER[:4] == (0, 0.25, 0.75, 1.75)
    intervals = [after - before for before, after in pairwise(natpmp.ANNOUNCE_AFTER)]
    assert intervals == [0.25 * 2**n for n in range(9)]


# ---- natpmpc, the client of libnatpmp -----------------------------------------------

LIFETIME = "life?time"  # older ones miss a letter
GATEWAY = "127.53.51.1"  # an address of its own, so that nobody is in the way


def answer(datagram: bytes) -> bytes:
    """Grant every second port, and refuse ports below 1024."""
    request = natpmp.parse(datagram)
    assert request is not None
    if isinstance(request, AddressRequest):
        return natpmp.external_address(WAN, EPOCH)
    if not request.lifetime:
        return natpmp.confirm_end(request, EPOCH)
    if request.external_port < 1024:
        return natpmp.refuse(request, Result.NOT_AUTHORIZED, EPOCH)
    return natpmp.grant(request, request.external_port + 1, 600, EPOCH)


@pytest.fixture
def natpmpc(socket_enabled: None) -> Iterator[Callable[..., str]]:
    """Run natpmpc with its arguments beside a server, and return what it says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((GATEWAY, natpmp.SERVER_PORT))

        def serve() -> None:
            while True:
                datagram, client = server.recvfrom(2048)
                if client[0] == GATEWAY:
                    return
                server.sendto(answer(datagram), client)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield run_natpmpc
        finally:
            server.sendto(b"", (GATEWAY, natpmp.SERVER_PORT))
            thread.join()


def run_natpmpc(*arguments: str) -> str:
    done = subprocess.run(
        ["natpmpc", "-g", GATEWAY, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_natpmpc_learns_the_external_address_and_the_epoch_time(
    natpmpc: Callable[..., str],
) -> None:
    output = natpmpc()
    assert "Public IP address : 203.0.113.7" in output
    assert f"epoch = {EPOCH}" in output


@pytest.mark.parametrize("transport", opcodes)
def test_natpmpc_gets_the_mapping_that_was_granted(
    natpmpc: Callable[..., str], transport: Transport
) -> None:
    output = natpmpc("-a", "6000", "5000", transport, "3600")
    mapped = f"Mapped public port 6001 protocol {transport.upper()} to local port 5000"
    assert re.search(f"{mapped} {LIFETIME} 600$", output, re.MULTILINE)


def test_natpmpc_is_told_that_it_may_not(natpmpc: Callable[..., str]) -> None:
    output = natpmpc("-a", "80", "80", "tcp", "3600")
    assert "NOT AUTHORIZED" in output.upper()


def test_natpmpc_is_told_that_a_mapping_has_ended(natpmpc: Callable[..., str]) -> None:
    output = natpmpc("-a", "0", "5000", "udp", "0")
    mapped = "Mapped public port 0 protocol UDP to local port 5000"
    assert re.search(f"{mapped} {LIFETIME} 0$", output, re.MULTILINE)
