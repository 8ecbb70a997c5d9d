"""How clients find the gateways, and who cannot make a weapon of it."""

from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from ipaddress import IPv4Address, IPv6Address, ip_address
from uuid import UUID

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.independent import ssdp
from custom_components.portshare.independent.descriptions import Device, gateways
from custom_components.portshare.independent.ssdp import (
    ALIVE_AFTER,
    ALIVE_AGAIN,
    GROUPS,
    MAX_AGE,
    Presence,
    Search,
    Throttle,
)

NOW = datetime(2026, 11, 22, 12, 30, 5, tzinfo=UTC)
V1, V2 = gateways(UUID("6a1f8a3e-0000-4000-8000-000000000001"))
DEVICE = "urn:schemas-upnp-org:device"
SERVICE = "urn:schemas-upnp-org:service"
ALL_TARGETS = 11  # of a gateway: itself thrice, two devices twice, four services


def presence(gateway: Device) -> Presence:
    return Presence(
        gateway,
        f"http://192.168.1.1:49000/secret/igd{gateway.version}.xml",
        "Linux/6.18 UPnP/1.1 portshare/1",
        boot_id=7,
        config_id=3,
    )


BOTH = (presence(V1), presence(V2))


def search(
    target: str = "ssdp:all",
    mx: str | None = "2",
    man: str = '"ssdp:discover"',
    start: str = "M-SEARCH * HTTP/1.1",
    end: str = "\r\n",
) -> bytes:
    headers = ["HOST: 239.255.255.250:1900", f"ST: {target}", f"Man: {man}"]
    if mx is not None:
        headers.append(f"mx:{mx}")
    return end.join([start, *headers, "", ""]).encode("latin-1")


def read(datagram: bytes) -> Message:
    """Return the headers of a message; its first line is `start`."""
    start, _, headers = datagram.partition(b"\r\n")
    assert headers.endswith(b"\r\n\r\n")
    message = BytesParser().parsebytes(headers)
    message["start"] = start.decode()
    return message


def answers(target: str) -> list[tuple[str, str]]:
    """Return location and unique service name of each answer to a search."""
    messages = map(read, ssdp.answer(Search(target, 0), BOTH, NOW))
    found = []
    for message in messages:
        if target != "ssdp:all":
            assert message["ST"] == target
        found.append((message["LOCATION"][-8:], message["USN"]))
    return found


# ---- searches -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "datagram",
    [
        search(),
        search(end="\n"),
        search(man="ssdp:discover"),
        search()[:-2],
        search()[:-4],
        search() + b"and what is no header",
        search().replace(b"ST: ", b"ST:"),
        search().replace(b"ST: ", b"ST :\t"),
        search().replace(b"Man", b"MAN"),
    ],
)
def test_a_search_is_understood(datagram: bytes) -> None:
    assert ssdp.parse(datagram, multicast=True) == Search("ssdp:all", 0.5)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\r\n",
        search(start="NOTIFY * HTTP/1.1"),
        search(start="HTTP/1.1 200 OK"),
        search(start="M-SEARCH * HTTP/1.0"),
        search(start="M-SEARCH / HTTP/1.1"),
        search(start="m-search * http/1.1"),
        search(man='"ssdp:byebye"'),
        search(man=""),
        search(target=""),
        search(target="ssdp:all\0"),
        search(target="ssdp:\x1ball"),
        search(target="ssdp:all\xe9"),
        search(target="ssdp:all\r\nST: upnp:rootdevice"),
        search(target="x" * 1500),
        search().replace(b"HOST", b"HO ST"),
        search().replace(b"HOST:", b"HOST"),
        search().replace(b"HOST", b": "),
        search().replace(b"\r\n", b"\r\n" + b"A:1\r\n" * 40, 1),
        search().replace(b"\r\n", b"\r"),
    ],
)
@pytest.mark.parametrize("multicast", [True, False])
def test_what_is_no_search_is_ignored(datagram: bytes, multicast: bool) -> None:
    assert ssdp.parse(datagram, multicast=multicast) is None


@given(st.binary() | st.binary().map(lambda end: search()[:40] + end))
def test_any_bytes_are_a_search_or_ignored(datagram: bytes) -> None:
    for multicast in (True, False):
        found = ssdp.parse(datagram, multicast=multicast)
        assert found is None or isinstance(found, Search)


@pytest.mark.parametrize(
    ("mx", "delay"), [("0", 0.0), ("1", 0.5), ("5", 0.5), ("120", 0.5), ("99999", 0.5)]
)
def test_answers_wait_no_longer_than_the_client(mx: str, delay: float) -> None:
    assert ssdp.parse(search(mx=mx), multicast=True) == Search("ssdp:all", delay)


@pytest.mark.parametrize("mx", [None, "", "-1", "1.5", "soon", "9" * 100, "\u00b2"])
def test_a_multicast_search_must_say_how_long_the_client_waits(mx: str | None) -> None:
    assert ssdp.parse(search(mx=mx), multicast=True) is None


@pytest.mark.parametrize("mx", [None, "", "-1", "5"])
def test_a_unicast_search_is_answered_at_once(mx: str | None) -> None:
    assert ssdp.parse(search(mx=mx), multicast=False) == Search("ssdp:all", 0)


# ---- answers ------------------------------------------------------------------------


def test_all_that_there_is_is_told_once() -> None:
    found = answers("ssdp:all")
    assert len(found) == len(set(found)) == 2 * ALL_TARGETS
    assert len({usn for _, usn in found}) == 2 * ALL_TARGETS


def test_who_takes_any_gateway_gets_the_one_that_all_understand() -> None:
    """AMule knows version 1 only; libtorrent uses all, and would map its ports twice."""
    assert answers("upnp:rootdevice") == [("igd1.xml", f"{V1.udn}::upnp:rootdevice")]


@pytest.mark.parametrize(
    "kind",
    ["InternetGatewayDevice", "WANDevice", "WANConnectionDevice"],
)
@pytest.mark.parametrize("gateway", [V1, V2])
def test_a_device_type_is_answered_by_the_gateway_of_its_version(
    gateway: Device, kind: str
) -> None:
    target = f"{DEVICE}:{kind}:{gateway.version}"
    (device,) = [each for each in gateway if each.kind == kind]
    location = f"igd{gateway.version}.xml"
    assert answers(target) == [(location, f"{device.udn}::{target}")]
    assert answers(device.udn) == [(location, device.udn)]


@pytest.mark.parametrize(
    ("target", "locations"),
    [
        (f"{SERVICE}:WANIPConnection:1", ["igd1.xml"]),
        (f"{SERVICE}:WANIPConnection:2", ["igd2.xml"]),
        (f"{SERVICE}:WANIPv6FirewallControl:1", ["igd1.xml", "igd2.xml"]),
        (f"{SERVICE}:WANCommonInterfaceConfig:1", ["igd1.xml", "igd2.xml"]),
        (f"{SERVICE}:Layer3Forwarding:1", ["igd1.xml", "igd2.xml"]),
    ],
)
def test_a_service_type_is_answered_by_who_has_it(
    target: str, locations: list[str]
) -> None:
    assert [location for location, _ in answers(target)] == locations


@pytest.mark.parametrize(
    "target",
    [
        f"{DEVICE}:InternetGatewayDevice:3",
        f"{DEVICE}:InternetGatewayDevice:0",
        f"{DEVICE}:InternetGatewayDevice",
        f"{DEVICE}:MediaServer:1",
        f"{SERVICE}:WANIPConnection:3",
        f"{SERVICE}:WANPPPConnection:1",
        "uuid:6a1f8a3e-0000-4000-8000-000000000001",
        "ssdp:alive",
    ],
)
def test_what_is_not_there_is_not_answered(target: str) -> None:
    assert answers(target) == []


def test_an_answer_byte_by_byte() -> None:
    target = f"{DEVICE}:InternetGatewayDevice:1"
    assert ssdp.answer(Search(target, 0), BOTH, NOW) == [
        (
            "HTTP/1.1 200 OK\r\n"
            "CACHE-CONTROL: max-age=1800\r\n"
            "DATE: Sun, 22 Nov 2026 12:30:05 GMT\r\n"
            "EXT: \r\n"
            "LOCATION: http://192.168.1.1:49000/secret/igd1.xml\r\n"
            "SERVER: Linux/6.18 UPnP/1.1 portshare/1\r\n"
            f"ST: {target}\r\n"
            f"USN: {V1.udn}::{target}\r\n"
            "BOOTID.UPNP.ORG: 7\r\n"
            "CONFIGID.UPNP.ORG: 3\r\n"
            "\r\n"
        ).encode()
    ]


def test_another_port_for_searches_is_told() -> None:
    elsewhere = replace(presence(V1), search_port=50000)
    for datagram in (
        *ssdp.answer(Search("ssdp:all", 0), (elsewhere,), NOW),
        *ssdp.alive(elsewhere, GROUPS[0]),
        *ssdp.update(elsewhere, GROUPS[0], 8),
    ):
        assert read(datagram)["SEARCHPORT.UPNP.ORG"] == "50000"


# ---- notifications ------------------------------------------------------------------


def notified(datagrams: list[bytes], kind: str, host: str) -> list[Message]:
    messages = [read(datagram) for datagram in datagrams]
    targets = [*presence(V2).targets()]
    assert [(each["NT"], each["USN"]) for each in messages] == targets
    for each in messages:
        assert each["start"] == "NOTIFY * HTTP/1.1"
        assert each["NTS"] == kind
        assert each["HOST"] == host
        assert each["BOOTID.UPNP.ORG"] == "7"
        assert each["CONFIGID.UPNP.ORG"] == "3"
    return messages


HOSTS = ["239.255.255.250:1900", "[ff02::c]:1900", "[ff05::c]:1900"]


@pytest.mark.parametrize(("group", "host"), zip(GROUPS, HOSTS, strict=True))
def test_every_group_is_told_that_a_gateway_is_there(
    group: IPv4Address | IPv6Address, host: str
) -> None:
    for each in notified(ssdp.alive(presence(V2), group), "ssdp:alive", host):
        assert each["LOCATION"] == presence(V2).location
        assert each["CACHE-CONTROL"] == "max-age=1800"
        assert each["SERVER"] == "Linux/6.18 UPnP/1.1 portshare/1"


@pytest.mark.parametrize(("group", "host"), zip(GROUPS, HOSTS, strict=True))
def test_every_group_is_told_that_a_gateway_goes(
    group: IPv4Address | IPv6Address, host: str
) -> None:
    for each in notified(ssdp.byebye(presence(V2), group), "ssdp:byebye", host):
        assert "LOCATION" not in each
        assert "CACHE-CONTROL" not in each


@pytest.mark.parametrize(("group", "host"), zip(GROUPS, HOSTS, strict=True))
def test_every_group_is_told_that_an_address_changes(
    group: IPv4Address | IPv6Address, host: str
) -> None:
    for each in notified(ssdp.update(presence(V2), group, 8), "ssdp:update", host):
        assert each["LOCATION"] == presence(V2).location
        assert each["NEXTBOOTID.UPNP.ORG"] == "8"


def test_a_gateway_is_told_more_than_once_and_again_before_it_is_too_old() -> None:
    assert ALIVE_AFTER[0] == 0
    assert len(ALIVE_AFTER) == 3
    assert [*ALIVE_AFTER] == sorted(ALIVE_AFTER)
    shortest, longest = ALIVE_AGAIN
    assert ALIVE_AFTER[-1] < shortest < longest <= MAX_AGE / 2


def test_no_message_is_cut_to_pieces_on_its_way() -> None:
    for each in BOTH:
        messages = ssdp.alive(each, GROUPS[2]) + ssdp.answer(
            Search("ssdp:all", 0), BOTH, NOW
        )
        assert max(map(len, messages)) < 512


# ---- too many searches --------------------------------------------------------------

ATTACKER = ip_address("192.168.1.66")
PC = ip_address("192.168.1.2")


def test_a_burst_of_searches_is_answered_and_a_flood_is_not() -> None:
    throttle = Throttle()
    assert sum(throttle.admits(PC, 22, 0.0) for _ in range(100)) == 2
    assert not throttle.admits(PC, 1, 0.0)
    assert throttle.admits(PC, 1, 0.5)


def test_over_time_an_address_gets_no_more_than_its_rate() -> None:
    throttle = Throttle(44, 8.0)
    admitted = sum(throttle.admits(ATTACKER, 22, float(now)) for now in range(100))
    assert 22 * admitted <= 44 + 100 * 8


def test_a_flood_of_one_address_is_not_felt_by_another() -> None:
    throttle = Throttle()
    for step in range(1000):
        throttle.admits(ATTACKER, 22, step / 1000)
    assert throttle.admits(PC, 22, 1.0)


def test_who_pretends_to_be_many_gets_no_more_than_all() -> None:
    throttle = Throttle(44, 8.0)
    sources = [IPv4Address(f"192.168.1.{number}") for number in range(1, 255)]
    assert sum(throttle.admits(each, 22, 0.0) for each in sources) == 5 * 44 // 22


def test_over_time_all_together_get_no_more_than_their_rate() -> None:
    throttle = Throttle(44, 8.0)
    admitted = sum(
        throttle.admits(IPv4Address(step), 22, step / 100) for step in range(10_000)
    )
    assert 22 * admitted <= 5 * (44 + 100 * 8)


def test_only_so_many_addresses_are_remembered() -> None:
    throttle = Throttle(sources=16)
    for number in range(1000):
        throttle.admits(IPv6Address(number), 1, float(number))
    assert len(throttle._left) == 16


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 22), st.floats(0, 5))))
def test_nobody_ever_gets_more_than_the_burst_and_the_rate(
    searches: list[tuple[int, int, float]],
) -> None:
    throttle = Throttle(44, 8.0)
    now, got = 0.0, 0
    for source, number, pause in searches:
        now += pause
        if throttle.admits(IPv6Address(source), number, now) and source == 1:
            got += number
    assert got <= 44 + 8 * now + 0.001
