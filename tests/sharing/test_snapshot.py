from ipaddress import IPv4Address

import pytest

from custom_components.portshare.sharing.model import (
    NO_ADDRESSES,
    Addresses,
    Facts,
    Family,
    Protocol,
    Share,
    Status,
)
from custom_components.portshare.sharing.plan import NOTHING, plan
from custom_components.portshare.sharing.snapshot import (
    ShareState,
    Snapshot,
    call_strings,
    open_ports,
    share_state,
)

from .builders import BOTH, DEVICES, WAN_IPV4, addresses, facts, ports, share
from .test_plan import configured

NAS = DEVICES["nas"]
AT_HOME = addresses("192.168.1.2", "2001:db8::5")


def state(one: Share, observed: Facts) -> ShareState:
    return share_state(one, NAS, plan(configured(one), observed)["1"], observed)


@pytest.mark.parametrize(
    ("one", "calls"),
    [
        (share(port=80, external=50), ("203.0.113.7:50", "[2001:db8::5]:80")),
        (share(port=80, external=50, ipv6=False), ("203.0.113.7:50",)),
        (share(port=80, ipv4=False), ("[2001:db8::5]:80",)),
        (
            share(port=ports(80, 82), external=ports(50, 52)),
            ("203.0.113.7:50-52", "[2001:db8::5]:80-82"),
        ),
        (share(protocol=Protocol.ESP), ("203.0.113.7",)),
        (share(protocol=Protocol.PING6), ("2001:db8::5",)),
        (share(protocol=Protocol.EXPOSED_HOST), ("203.0.113.7", "2001:db8::5")),
        (share(sources=("198.51.100.7",)), ("203.0.113.7:80",)),
        (share(sources=("2001:db8:5::/48",)), ("[2001:db8::5]:80",)),
        (share(sources=("office.example.org",)), ()),
    ],
)
def test_a_caller_is_told_address_and_port(one: Share, calls: tuple[str, ...]) -> None:
    assert call_strings(one, AT_HOME, facts(nas=AT_HOME)) == calls


def test_a_name_is_told_without_a_port_where_there_is_none() -> None:
    observed = facts(nas=AT_HOME)
    tunnel = share(protocol=Protocol.GRE)
    calls = call_strings(tunnel, AT_HOME, observed, "home.example.org")
    assert calls == ("home.example.org", "203.0.113.7")


def test_a_caller_may_use_every_address_there_is() -> None:
    observed = facts(wan_ipv4=[WAN_IPV4, IPv4Address("198.51.100.1")])
    seen = addresses(None, "2001:db8::5", "2001:db8::6")
    assert call_strings(share(), seen, observed) == (
        "203.0.113.7:80",
        "198.51.100.1:80",
        "[2001:db8::5]:80",
        "[2001:db8::6]:80",
    )


def test_nobody_can_call_where_there_is_no_address() -> None:
    assert call_strings(share(), NO_ADDRESSES, facts(wan_ipv4=[])) == ()


@pytest.mark.parametrize(
    ("internet", "status", "families"),
    [
        (BOTH, Status.ACTIVE, BOTH),
        ([Family.IPV4], Status.ACTIVE, {Family.IPV4}),
        ([], Status.NO_INTERNET, set()),
    ],
)
def test_the_state_says_by_which_ip_versions_a_share_can_be_called_now(
    internet: frozenset[Family], status: Status, families: set[Family]
) -> None:
    now = state(share(), facts(internet, nas=AT_HOME))
    assert now.status is status
    assert now.families == families
    assert now.calls == ("203.0.113.7:80", "[2001:db8::5]:80")


@pytest.mark.parametrize(
    ("one", "seen", "internal_ip"),
    [
        (share(), AT_HOME, "192.168.1.2"),
        (share(ipv4=False), AT_HOME, "2001:db8::5"),
        (share(), addresses(None, "2001:db8::5"), "2001:db8::5"),
        (share(ipv6=False), addresses(None, "2001:db8::5"), None),
        (share(), NO_ADDRESSES, None),
    ],
)
def test_the_state_says_to_which_address_the_share_leads(
    one: Share, seen: Addresses, internal_ip: str | None
) -> None:
    assert state(one, facts(nas=seen)).internal_ip == internal_ip


@pytest.mark.parametrize(
    ("one", "internet", "count"),
    [
        (share(), BOTH, 1),
        (share(port=ports(80, 82)), BOTH, 3),
        (share(port=ports(80, 82), protocol=Protocol.TCP_UDP), BOTH, 6),
        (share(protocol=Protocol.EXPOSED_HOST), BOTH, 131070),
        (share(protocol=Protocol.EXPOSED_HOST, ipv6=False), BOTH, 131070),
        (share(protocol=Protocol.ESP), BOTH, 1),
        (share(protocol=Protocol.GRE), BOTH, 1),
        (share(protocol=Protocol.PING6), BOTH, 1),
        (share(), [], 0),
        (share(enabled=False), BOTH, 0),
    ],
)
def test_open_ports_are_counted_as_long_as_somebody_can_call_them(
    one: Share, internet: frozenset[Family], count: int
) -> None:
    assert open_ports(state(one, facts(internet, nas=AT_HOME))) == count


def test_a_snapshot_begins_empty() -> None:
    assert Snapshot() == Snapshot(Facts(), {}, {})
    assert share_state(share(), NAS, NOTHING, Facts()).status is Status.OFF
