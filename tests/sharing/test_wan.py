"""What kind of connection the internet provider gives."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.sharing.model import Family
from custom_components.portshare.sharing.wan import (
    WanProblem,
    provided_ipv4,
    wan_problem,
)

from .builders import BOTH, facts

PUBLIC = "203.0.113.7"
ONLY_IPV4 = (Family.IPV4,)
ONLY_IPV6 = (Family.IPV6,)


def problem(*addresses: str, internet: Iterable[Family] = BOTH) -> WanProblem | None:
    return wan_problem(facts(internet, map(IPv4Address, addresses)))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.0", WanProblem.PRIVATE),
        ("10.255.255.255", WanProblem.PRIVATE),
        ("9.255.255.255", None),
        ("11.0.0.0", None),
        ("172.15.255.255", None),
        ("172.16.0.0", WanProblem.PRIVATE),
        ("172.31.255.255", WanProblem.PRIVATE),
        ("172.32.0.0", None),
        ("192.167.255.255", None),
        ("192.168.0.0", WanProblem.PRIVATE),
        ("192.168.178.20", WanProblem.PRIVATE),
        ("192.169.0.0", None),
        ("100.63.255.255", None),
        ("100.64.0.0", WanProblem.CARRIER_GRADE_NAT),
        ("100.127.255.255", WanProblem.CARRIER_GRADE_NAT),
        ("100.128.0.0", None),
        ("192.0.0.2", WanProblem.DS_LITE),
        ("192.0.0.7", WanProblem.DS_LITE),
        ("192.0.0.8", None),
        (PUBLIC, None),
    ],
)
@pytest.mark.parametrize("internet", [BOTH, ONLY_IPV4])
def test_each_network_means_what_its_rfc_says(
    address: str, expected: WanProblem | None, internet: Iterable[Family]
) -> None:
    assert problem(address, internet=internet) is expected


@pytest.mark.parametrize("address", ["169.254.0.0", "169.254.255.255"])
def test_what_the_gateway_has_given_itself_is_no_address_of_a_provider(
    address: str,
) -> None:
    assert problem(address, internet=ONLY_IPV6) is WanProblem.DS_LITE
    assert problem(address, internet=ONLY_IPV4) is WanProblem.PRIVATE
    assert problem(address, "100.64.0.1") is WanProblem.CARRIER_GRADE_NAT
    assert problem(address, PUBLIC) is None


@pytest.mark.parametrize(
    ("addresses", "provided"),
    [([], False), (["169.254.0.1"], False), (["169.254.0.1", "10.0.0.1"], True)],
)
def test_a_provider_gives_an_address_or_none(
    addresses: list[str], provided: bool
) -> None:
    given = facts(wan_ipv4=map(IPv4Address, addresses))
    assert bool(provided_ipv4(given)) is provided


@given(st.permutations([PUBLIC, "10.0.0.1", "100.64.0.1", "192.0.0.2"]))
def test_one_public_address_is_enough(addresses: list[str]) -> None:
    assert problem(*addresses) is None


@given(st.permutations(["10.0.0.1", "100.64.0.1", "192.0.0.2"]))
def test_of_several_problems_it_is_always_the_same_that_is_told(
    addresses: list[str],
) -> None:
    assert problem(*addresses) is WanProblem.CARRIER_GRADE_NAT


def test_ipv6_without_ipv4_is_ds_lite() -> None:
    assert problem(internet=ONLY_IPV6) is WanProblem.DS_LITE


def test_nothing_is_said_of_a_line_that_is_down() -> None:
    assert problem(internet=()) is None
    assert wan_problem(replace(facts(), wan_ipv4=(), internet=frozenset())) is None
