from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.sharing.errors import (
    DevicePortTaken,
    DeviceSharesAlready,
    ExposedHostTaken,
    ExternalPortTaken,
    GatewayItself,
    InvalidDevice,
    InvalidName,
    InvalidPort,
    InvalidProtocol,
    InvalidTime,
    InvertedRange,
    MissingPort,
    MulticastMac,
    NoExternalPortFree,
    NoFamily,
    OutsideLan,
    ProtocolTaken,
    ProtocolWithoutFamily,
    RangeBeyondLastPort,
    ServedByGateway,
    SharingError,
    UnequalRanges,
)
from custom_components.portshare.sharing.model import (
    ALL_PORTS,
    HIGHEST_PORT,
    LOWEST_PORT,
    Facts,
    Family,
    PortRange,
    Protocol,
    Share,
    Transport,
)
from custom_components.portshare.sharing.ports import PortIndex
from custom_components.portshare.sharing.rules import (
    LONGEST_NAME,
    check_free,
    parse_mac,
    parse_name,
    parse_port,
    parse_share,
    parse_target,
)

from .builders import DEVICES, port_ranges, ports, share, share_sets, shares

HOME = Facts(
    lan_ipv4=(IPv4Network("192.168.1.0/24"),),
    lan_ipv6=(IPv6Network("2001:db8:0:1::/64"),),
    own_macs=frozenset({"02:00:5e:00:00:fe"}),
    own_addresses=frozenset(
        {IPv4Address("192.168.1.1"), IPv6Address("2001:db8:0:1::1")}
    ),
)

junk: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-2, 70000)
    | st.floats()
    | st.text()
    | st.integers(-2, 70000).map(str)
    | st.binary()
    | st.sampled_from([*Protocol, "tcp", ""]),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=3,
)
FIELDS = (
    *("name", "protocol", "port", "port_end", "external_port", "external_port_end"),
    *("ipv4", "ipv6", "sources", "enabled", "open_until"),
)


def parse(index: PortIndex | None = None, /, **fields: object) -> Share:
    given = {"name": "Web", "port": 80} | fields
    return parse_share("1", "nas", given, index or PortIndex())


def tells(error: SharingError) -> dict[str, str]:
    """Return what a form shows of an error, after a look whether it can."""
    assert error.key in str(error)
    assert error.field
    assert all(isinstance(value, str) for value in error.placeholders.values())
    return error.placeholders


# Ports


@given(st.integers(LOWEST_PORT, HIGHEST_PORT))
def test_a_port_may_be_typed_as_a_number_or_in_digits(port: int) -> None:
    for value in (port, float(port), str(port), f" {port}\t", f"\x1c{port:05}"):
        assert parse_port("port", value) == port
        assert type(parse_port("port", value)) is int


@pytest.mark.parametrize(
    "value",
    [
        *(0, 65536, -1, 10**400, 80.5, 0.0, float("nan"), float("inf"), 1e300),
        *(True, False, None, "", " ", "abc", "0", "65536", "-1", "+80", "80.0", "8_0"),
        *("0x50", "1e3", "８０", "²", "80 81", "9" * 5000, b"80", [80]),
    ],
)
def test_what_is_no_port_is_refused_and_named(value: object) -> None:
    with pytest.raises(InvalidPort) as caught:
        parse_port("port_end", value)
    assert caught.value.field == "port_end"
    assert tells(caught.value) == {
        "value": f"{value:.15g}" if isinstance(value, float) else str(value),
        "lowest": "1",
        "highest": "65535",
    }


@given(junk)
def test_a_port_is_a_number_from_1_to_65535_or_an_error(value: object) -> None:
    try:
        port = parse_port("port", value)
    except InvalidPort as err:
        tells(err)
    else:
        assert LOWEST_PORT <= port <= HIGHEST_PORT


# Shares


def test_what_was_not_said_is_simple() -> None:
    assert parse() == share("1", "nas", 80)


def test_everything_that_was_said_counts() -> None:
    assert parse(
        name=" Game ",
        protocol="tcp_udp",
        port="6000",
        port_end=6010.0,
        external_port=7000,
        ipv4=True,
        ipv6=False,
        enabled=False,
    ) == share(
        port=ports(6000, 6010),
        external=ports(7000, 7010),
        name="Game",
        protocol=Protocol.TCP_UDP,
        ipv6=False,
        enabled=False,
    )


def test_external_ports_may_reach_to_the_last_one() -> None:
    made = parse(port_end=89, external_port=65526)
    assert made.external == ports(65526, 65535)


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_field_is_one_that_was_not_filled_in(empty: object) -> None:
    fields = dict.fromkeys(("port_end", "external_port", "external_port_end"), empty)
    assert parse(**fields) == parse()


@given(port_ranges(st.integers(1, HIGHEST_PORT), longest=HIGHEST_PORT), st.booleans())
def test_what_is_stored_of_a_share_reads_as_the_same_share(
    some: PortRange, enabled: bool
) -> None:
    first = parse(port=some.first, port_end=some.last, enabled=enabled)
    assert first.ports == first.external == some
    again = parse(
        port=first.ports.first,
        port_end=first.ports.last,
        external_port=first.external.first,
        external_port_end=first.external.last,
        enabled=first.enabled,
    )
    assert again == first


@pytest.mark.parametrize(
    ("fields", "error", "field", "placeholders"),
    [
        (
            {"port": 90, "port_end": 80},
            *(InvertedRange, "port_end", {"first": "90", "last": "80"}),
        ),
        (
            {"external_port": 90, "external_port_end": 80},
            *(InvertedRange, "external_port_end", {"first": "90", "last": "80"}),
        ),
        (
            {"port_end": 89, "external_port": 8080, "external_port_end": 8090},
            UnequalRanges,
            "external_port_end",
            {
                "ports": "80-89",
                "count": "10",
                "external": "8080-8090",
                "external_count": "11",
            },
        ),
        (
            {"port_end": 89, "external_port": 65527},
            RangeBeyondLastPort,
            "external_port",
            {"first": "65527", "count": "10", "highest": "65535"},
        ),
        (
            {"external_port_end": 90},
            InvalidPort,
            "external_port",
            {"value": "None", "lowest": "1", "highest": "65535"},
        ),
        ({"protocol": "icmp"}, InvalidProtocol, "protocol", {"value": "icmp"}),
        ({"protocol": None}, InvalidProtocol, "protocol", {"value": "None"}),
        ({"ipv4": False, "ipv6": False}, NoFamily, "ipv4", {}),
        ({"name": ""}, InvalidName, "name", {}),
    ],
)
def test_a_wrong_share_is_refused_and_told_why(
    fields: dict[str, object],
    error: type[SharingError],
    field: str,
    placeholders: dict[str, str],
) -> None:
    with pytest.raises(error) as caught:
        parse(**fields)
    assert caught.value.field == field
    assert tells(caught.value) == placeholders


@pytest.mark.parametrize(
    "field", ["port", "port_end", "external_port", "external_port_end"]
)
@pytest.mark.parametrize("value", [0, 65536, "abc", True, 80.5, "８０"])
def test_a_wrong_port_is_shown_at_the_field_where_it_was_typed(
    field: str, value: object
) -> None:
    fields = {"external_port": 80, "external_port_end": 80, field: value}
    with pytest.raises(InvalidPort) as caught:
        parse(**fields)
    assert caught.value.field == field


@pytest.mark.parametrize("fields", [{}, {"port": None}, {"port": "", "port_end": 90}])
def test_a_share_without_a_port_is_asked_for_one(fields: dict[str, object]) -> None:
    with pytest.raises(MissingPort) as caught:
        parse_share("1", "nas", {"name": "Web", **fields}, PortIndex())
    assert caught.value.field == "port"
    assert tells(caught.value) == {}


# Protocols without ports

WITHOUT_PORTS = [each for each in Protocol if not each.has_ports]


@given(st.dictionaries(st.sampled_from(("port", "port_end", "external_port")), junk))
@pytest.mark.parametrize("protocol", WITHOUT_PORTS)
def test_ports_that_a_protocol_does_not_have_are_ignored(
    protocol: Protocol, ports_given: dict[str, object]
) -> None:
    assert parse(protocol=protocol, **ports_given) == share(protocol=protocol)


@pytest.mark.parametrize(
    ("protocol", "families"),
    [
        ("esp", {Family.IPV4}),
        ("gre", {Family.IPV4}),
        ("ping6", {Family.IPV6}),
        ("exposed_host", {Family.IPV4, Family.IPV6}),
    ],
)
def test_a_protocol_is_shared_over_the_ip_versions_that_it_has(
    protocol: str, families: set[Family]
) -> None:
    assert parse(protocol=protocol).families == families


@pytest.mark.parametrize(
    ("protocol", "wanted", "families"),
    [("esp", "ipv6", "IPv4"), ("gre", "ipv6", "IPv4"), ("ping6", "ipv4", "IPv6")],
)
def test_only_an_ip_version_that_a_protocol_does_not_have_is_refused(
    protocol: str, wanted: str, families: str
) -> None:
    with pytest.raises(ProtocolWithoutFamily) as caught:
        parse(protocol=protocol, **{"ipv4": False, "ipv6": False, wanted: True})
    assert caught.value.field == "protocol"
    assert tells(caught.value) == {"protocol": protocol.upper(), "families": families}


@pytest.mark.parametrize(
    ("wanted", "error", "placeholders"),
    [
        (
            share("2", "pc", protocol=Protocol.EXPOSED_HOST),
            ExposedHostTaken,
            {"share": "Mine", "device": "NAS", "protocol": "Exposed host"},
        ),
        (
            share("2", "pc", protocol=Protocol.ESP),
            ProtocolTaken,
            {"share": "Mine", "device": "NAS", "protocol": "ESP"},
        ),
        (
            share("2", "nas", protocol=Protocol.PING6),
            DeviceSharesAlready,
            {"share": "Mine", "device": "NAS", "protocol": "PING6"},
        ),
        (
            share("2", "nas", protocol=Protocol.EXPOSED_HOST, ipv4=False),
            DeviceSharesAlready,
            {"share": "Mine", "device": "NAS", "protocol": "Exposed host"},
        ),
    ],
)
def test_who_has_what_there_is_once_is_named(
    wanted: Share, error: type[SharingError], placeholders: dict[str, str]
) -> None:
    index = PortIndex([share("1", "nas", protocol=wanted.protocol, name="Mine")])
    with pytest.raises(error) as caught:
        check_free(wanted, index, DEVICES)
    assert caught.value.field == "protocol"
    assert tells(caught.value) == placeholders


# What the gateway serves

SSH_AND_DNS = frozenset({(Transport.TCP, 22), (Transport.UDP, 53)})


def test_a_port_that_the_gateway_serves_is_refused_and_another_proposed() -> None:
    index = PortIndex([share("2", "pc", 23)])
    with pytest.raises(ServedByGateway) as caught:
        check_free(share("1", "nas", 22), index, DEVICES, SSH_AND_DNS)
    assert caught.value.field == "external_port"
    assert tells(caught.value) == {"port": "22", "transport": "TCP", "proposal": "24"}


@pytest.mark.parametrize(
    "wanted",
    [
        share("1", "nas", 22, 2222),
        share("1", "nas", 22, ipv4=False),
        share("1", "nas", 22, protocol=Protocol.UDP),
        share("1", "nas", 53),
        share("1", "nas", protocol=Protocol.EXPOSED_HOST),
    ],
)
def test_what_the_gateway_serves_is_in_nobody_elses_way(wanted: Share) -> None:
    check_free(wanted, PortIndex(), DEVICES, SSH_AND_DNS)


def test_without_an_external_port_a_share_gets_none_that_the_gateway_serves() -> None:
    fields = {"name": "SSH", "port": 22}
    assert parse_share("1", "nas", fields, PortIndex(), SSH_AND_DNS).external == ports(
        23
    )


def test_a_taken_port_is_not_answered_with_one_that_the_gateway_serves() -> None:
    index = PortIndex([share("2", "pc", 21)])
    with pytest.raises(ExternalPortTaken) as caught:
        check_free(share("1", "nas", 21), index, DEVICES, SSH_AND_DNS)
    assert caught.value.proposal == ports(23)


@given(st.dictionaries(st.sampled_from(FIELDS), junk), share_sets())
def test_whatever_is_typed_gives_a_valid_share_or_an_error_that_can_be_told(
    fields: dict[str, object], others: dict[str, Share]
) -> None:
    try:
        made = parse(PortIndex(others.values()), **fields)
    except SharingError as err:
        tells(err)
        return
    assert len(made.ports) == len(made.external) >= 1
    for some in (made.ports, made.external):
        if made.protocol.has_ports:
            assert LOWEST_PORT <= some.first <= some.last <= HIGHEST_PORT
        else:
            assert some == ALL_PORTS
    assert made.families
    assert made.families <= made.protocol.families
    assert made.name == made.name.strip() != ""


@given(
    share_sets(),
    port_ranges(),
    st.sampled_from([each for each in Protocol if each.has_ports]),
)
def test_without_an_external_port_a_share_gets_one_that_is_free(
    others: dict[str, Share], wanted: PortRange, protocol: Protocol
) -> None:
    index = PortIndex(others.values())
    made = parse(index, port=wanted.first, port_end=wanted.last, protocol=protocol)
    assert not list(index.external_holders(made))


def test_editing_a_share_without_naming_its_external_port_does_not_move_it() -> None:
    index = PortIndex([share("1", "nas", 80)])
    assert parse(index, name="New name").external == ports(80)


def test_when_no_external_port_is_left_that_is_said() -> None:
    index = PortIndex([share("2", "pc", ports(1, 65000))])
    with pytest.raises(NoExternalPortFree) as caught:
        parse(index, port=1, port_end=536)
    assert tells(caught.value) == {"count": "536"}


def test_an_ipv6_share_asks_for_no_external_port() -> None:
    index = PortIndex([share("2", "pc", ports(1, 65535))])
    made = parse(index, ipv4=False, external_port="nonsense")
    assert made == share(ipv4=False)


# Taken ports


def why_not(wanted: Share, index: PortIndex) -> SharingError | None:
    try:
        check_free(wanted, index, DEVICES)
    except SharingError as err:
        tells(err)
        return err
    return None


def test_a_taken_external_port_is_named_and_the_next_free_one_proposed() -> None:
    index = PortIndex(
        [share("2", "pc", 80, name="Blog"), share("3", "console", 81, 82, name="Game")]
    )
    with pytest.raises(ExternalPortTaken) as caught:
        check_free(share("1", "nas", ports(8000, 8001), ports(79, 80)), index, DEVICES)
    assert caught.value.field == "external_port"
    assert tells(caught.value) == {
        "wanted": "79-80",
        "taken": "80",
        "share": "Blog",
        "device": "PC",
        "proposal": "83-84",
    }


def test_nothing_is_proposed_where_nothing_is_free() -> None:
    index = PortIndex([share("2", "pc", ports(1, 65535))])
    with pytest.raises(ExternalPortTaken) as caught:
        check_free(share("1", "nas", 80), index, DEVICES)
    assert caught.value.proposal is None
    assert tells(caught.value)["proposal"] == "-"


def test_the_same_port_to_a_device_twice_is_refused() -> None:
    index = PortIndex([share("2", "nas", ports(80, 89), ports(180, 189), name="Blog")])
    with pytest.raises(DevicePortTaken) as caught:
        check_free(share("1", "nas", 85, 8085), index, DEVICES)
    assert caught.value.field == "port"
    assert tells(caught.value) == {
        "wanted": "85",
        "taken": "80-89",
        "share": "Blog",
        "device": "NAS",
    }


def test_two_devices_may_be_called_at_the_same_port_by_ipv6() -> None:
    index = PortIndex([share("2", "pc", 80)])
    check_free(share("1", "nas", 80, ipv4=False), index, DEVICES)


@given(share_sets(), shares())
def test_a_share_is_free_or_told_who_is_in_its_way_and_a_port_that_is_free(
    others: dict[str, Share], wanted: Share
) -> None:
    others.pop(wanted.share_id, None)
    index = PortIndex(others.values())
    refusal = why_not(wanted, index)
    if isinstance(refusal, DevicePortTaken):
        assert refusal.holder in index.device_holders(wanted)
        assert refusal.holder.ports.overlaps(wanted.ports)
    elif isinstance(refusal, ExternalPortTaken):
        assert refusal.holder in index.external_holders(wanted)
        assert refusal.holder.external.overlaps(wanted.external)
        assert refusal.proposal
        assert not why_not(replace(wanted, external=refusal.proposal), index)
    elif refusal is not None:
        assert isinstance(
            refusal, DeviceSharesAlready | ExposedHostTaken | ProtocolTaken
        )
        assert refusal.holder.protocol is wanted.protocol
        same_device = refusal.holder.device_id == wanted.device_id
        assert same_device is isinstance(refusal, DeviceSharesAlready)
    else:
        assert index.update((), [wanted]) == {wanted.share_id}


@given(share_sets())
def test_a_share_that_holds_its_ports_may_be_stored_again(
    others: dict[str, Share],
) -> None:
    index = PortIndex(others.values())
    for each in others.values():
        if index.has(each.share_id):
            check_free(each, index, DEVICES)


# Names


@pytest.mark.parametrize("name", ["Web", "ä 🙂 ß", "x" * LONGEST_NAME, "a  b"])
def test_a_name_is_one_line_of_what_can_be_printed(name: str) -> None:
    assert parse_name(f"  {name}\n") == name


@pytest.mark.parametrize(
    "name",
    ["", "  ", "x" * (LONGEST_NAME + 1), "a\nb", "a\0b", "\x1b[1m", "\u202e", None, 7],
)
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(InvalidName):
        parse_name(name)


# Devices


@pytest.mark.parametrize(
    "value",
    ["02:00:5e:00:00:aB", "02-00-5E-00-00-AB", "02005e0000ab", " 02:00:5e:00:00:ab\n"],
)
def test_a_mac_address_is_understood_in_the_forms_people_write(value: str) -> None:
    assert parse_mac(value) == "02:00:5e:00:00:ab"


@given(st.binary(min_size=6, max_size=6))
def test_every_mac_address_of_a_single_device_is_kept_as_it_is(octets: bytes) -> None:
    mac = octets.hex(":")
    if octets[0] & 1:
        with pytest.raises(MulticastMac):
            parse_mac(mac)
    elif any(octets):
        assert parse_mac(mac) == parse_mac(mac.upper()) == mac


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("", InvalidDevice),
        ("nas", InvalidDevice),
        ("02:00:5e:00:00", InvalidDevice),
        ("02:00:5e:00:00:ab:cd", InvalidDevice),
        ("02:00:5e:00:00:ag", InvalidDevice),
        ("02:00-5e:00-00:ab", InvalidDevice),
        ("2:0:5e:0:0:ab", InvalidDevice),
        ("０2:00:5e:00:00:ab", InvalidDevice),
        ("00:00:00:00:00:00", InvalidDevice),
        ("ff:ff:ff:ff:ff:ff", MulticastMac),
        ("01:00:5e:00:00:ab", MulticastMac),
        ("33:33:00:00:00:01", MulticastMac),
    ],
)
@pytest.mark.parametrize(
    "parse_it", [parse_mac, lambda value: parse_target(value, HOME)]
)
def test_a_wrong_mac_address_is_refused(
    parse_it: Callable[[str], Any], value: str, error: type[InvalidDevice]
) -> None:
    with pytest.raises(InvalidDevice) as caught:
        parse_it(value)
    assert type(caught.value) is error
    assert tells(caught.value) == {"value": value}
    assert caught.value.field == "device"


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("02-00-5e-00-00-AB", "02:00:5e:00:00:ab"),
        ("192.168.1.20", IPv4Address("192.168.1.20")),
        (" 2001:db8:0:1::20 ", IPv6Address("2001:db8:0:1::20")),
    ],
)
def test_a_device_is_named_by_its_mac_or_its_address_at_home(
    value: str, target: object
) -> None:
    assert parse_target(value, HOME) == target


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("192.168.1.1", GatewayItself),
        ("2001:db8:0:1::1", GatewayItself),
        ("02:00:5E:00:00:FE", GatewayItself),
        ("192.168.2.20", OutsideLan),
        ("127.0.0.1", OutsideLan),
        ("2001:db8:0:2::20", OutsideLan),
        ("::ffff:192.168.1.20", OutsideLan),
        ("fe80::1", OutsideLan),
        ("2001:db8:0:1::1%eth0", InvalidDevice),
        ("192.168.1.0/24", InvalidDevice),
        ("192.168.1.020", InvalidDevice),
    ],
)
def test_what_is_no_device_at_home_is_refused(
    value: str, error: type[InvalidDevice]
) -> None:
    with pytest.raises(InvalidDevice) as caught:
        parse_target(value, HOME)
    assert type(caught.value) is error
    assert tells(caught.value) == {"value": value}


@given(st.text() | st.ip_addresses().map(str))
def test_whatever_is_typed_for_a_device_gives_one_or_an_error(value: str) -> None:
    try:
        target = parse_target(value, HOME)
    except InvalidDevice as err:
        tells(err)
    else:
        assert target not in HOME.own_addresses
        assert target not in HOME.own_macs


def test_a_share_that_is_open_for_a_while_closes_at_a_time_in_utc() -> None:
    fields = {"name": "Web", "port": 80, "open_until": "2026-11-22T23:00:00+01:00"}
    timed = parse_share("1", "nas", fields, PortIndex())
    assert timed.open_until == datetime(2026, 11, 22, 22, tzinfo=UTC)
    assert (
        parse_share("1", "nas", {**fields, "enabled": False}, PortIndex()).open_until
        is None
    )


@pytest.mark.parametrize("until", ["soon", 7, "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_refused(until: object) -> None:
    fields = {"name": "Web", "port": 80, "open_until": until}
    with pytest.raises(InvalidTime):
        parse_share("1", "nas", fields, PortIndex())
