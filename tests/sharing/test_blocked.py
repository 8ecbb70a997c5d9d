"""Shares that the gateway itself keeps callers out of, whatever we open."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest

from custom_components.portshare.sharing.model import (
    Facts,
    Family,
    Mapping,
    Protocol,
    Share,
    Status,
    family_of,
)
from custom_components.portshare.sharing.plan import change_between, plan
from custom_components.portshare.sharing.snapshot import (
    ShareState,
    open_ports,
    share_state,
)

from .builders import BOTH, DEVICES, addresses, facts, share
from .test_plan import configured, planned

IPV4, IPV6 = Family.IPV4, Family.IPV6
NAS = DEVICES["nas"]
AT_HOME = addresses("192.168.1.2", "2001:db8::2")

type KeepOut = Callable[..., Facts]


@dataclass(frozen=True, slots=True)
class Dropping:
    """Firewalls that drop calls over some IP versions, to these ports if any."""

    families: frozenset[Family]
    ports: tuple[int, ...] = ()

    def keep_out(self, mapping: Mapping) -> bool:
        if self.ports and mapping.ports.first not in self.ports:
            return False
        return family_of(mapping) in self.families


def dropped(families: Iterable[Family], internet: Iterable[Family] = BOTH) -> Facts:
    """Return what is observed where another firewall drops calls."""
    firewalls = Dropping(frozenset(families))
    return replace(facts(internet, nas=AT_HOME), firewalls=firewalls)


def not_forwarded(
    families: Iterable[Family], internet: Iterable[Family] = BOTH
) -> Facts:
    """Return what is observed where the kernel is no router."""
    observed = facts(internet, nas=AT_HOME)
    return replace(observed, not_forwarded=frozenset(families))


def state(one: Share, observed: Facts) -> ShareState:
    return share_state(one, NAS, planned(one, observed), observed, "home.example.org")


HOW = pytest.mark.parametrize("keep_out", [dropped, not_forwarded])


@HOW
@pytest.mark.parametrize(
    ("one", "internet", "families", "status", "reachable"),
    [
        (share(), BOTH, [], "active", BOTH),
        (share(), BOTH, [IPV4], "active", {IPV6}),
        (share(), BOTH, [IPV6], "active", {IPV4}),
        (share(), BOTH, BOTH, "blocked", ()),
        (share(ipv6=False), BOTH, [IPV4], "blocked", ()),
        (share(ipv6=False), BOTH, [IPV6], "active", {IPV4}),
        (share(ipv4=False), BOTH, [IPV6], "blocked", ()),
        # The one IP version that has an internet is the one that is dropped.
        (share(), [IPV4], [IPV4], "blocked", ()),
        (share(), [IPV6], [IPV4], "active", {IPV6}),
        # What is closed anyway is not blocked.
        (share(), [], BOTH, "no_internet", ()),
        (share(enabled=False), BOTH, BOTH, "off", ()),
        (share(protocol=Protocol.GRE), BOTH, [IPV4], "blocked", ()),
        (share(protocol=Protocol.EXPOSED_HOST), BOTH, [IPV4], "active", {IPV6}),
    ],
)
def test_the_status_says_whether_there_is_a_way_in(
    keep_out: KeepOut,
    one: Share,
    internet: Iterable[Family],
    families: Iterable[Family],
    status: str,
    reachable: Iterable[Family],
) -> None:
    seen = state(one, keep_out(families, internet))
    assert seen.status == status
    assert seen.families == set(reachable)


@HOW
def test_a_device_that_is_not_there_is_not_blocked(keep_out: KeepOut) -> None:
    observed = replace(keep_out(BOTH), devices={})
    assert planned(share(), observed).status is Status.DEVICE_UNKNOWN


@HOW
def test_nothing_is_closed_because_it_is_blocked(keep_out: KeepOut) -> None:
    """It opens with the rule that lets it through, and not after us."""
    one = share()
    open_, blocked = (planned(one, keep_out(each)) for each in ((), BOTH))
    assert blocked.mappings == open_.mappings != ()
    assert not change_between({"1": open_}, {"1": blocked})


@HOW
def test_a_blocked_share_holds_no_port_open(keep_out: KeepOut) -> None:
    assert open_ports(state(share(), keep_out([IPV4]))) == 1
    assert open_ports(state(share(), keep_out(BOTH))) == 0


@HOW
@pytest.mark.parametrize(
    ("families", "calls"),
    [
        ([], ("home.example.org:80", "203.0.113.7:80", "[2001:db8::2]:80")),
        ([IPV4], ("[2001:db8::2]:80",)),
        ([IPV6], ("home.example.org:80", "203.0.113.7:80")),
        (BOTH, ()),
    ],
)
def test_nobody_is_told_to_call_where_he_is_kept_out(
    keep_out: KeepOut, families: Iterable[Family], calls: tuple[str, ...]
) -> None:
    assert state(share(), keep_out(families)).calls == calls


def test_one_share_is_blocked_and_another_is_not() -> None:
    """It depends on the port, where a firewall lets some of them in."""
    firewalls = Dropping(BOTH, (22,))
    observed = replace(facts(nas=AT_HOME), firewalls=firewalls)
    plans = plan(configured(share("1", port=22), share("2", port=80)), observed)
    assert plans["1"].status is Status.BLOCKED
    assert plans["2"].status is Status.ACTIVE


def test_one_address_that_can_be_called_is_enough() -> None:
    @dataclass(frozen=True)
    class OneAddress:
        def keep_out(self, mapping: Mapping) -> bool:
            return mapping.address == AT_HOME.ipv6[0]

    seen = addresses(None, "2001:db8::2", "2001:db8::3")
    observed = replace(facts(nas=seen), firewalls=OneAddress())
    after = planned(share(ipv4=False), observed)
    assert after.status is Status.ACTIVE
    assert after.families == {IPV6}
    assert not after.blocked


def test_another_gateway_is_one_that_forwards_again() -> None:
    assert not not_forwarded([IPV4]).same_gateway(not_forwarded([]))
    assert not dropped([IPV4]).same_gateway(dropped([]))
