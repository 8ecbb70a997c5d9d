from dataclasses import FrozenInstanceError, is_dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
import pytest

from custom_components.portshare.sharing import model
from custom_components.portshare.sharing.model import (
    NO_ADDRESSES,
    Change,
    Dnat,
    Facts,
    Family,
    Pinhole,
    PortRange,
    Protocol,
    Transport,
    family_of,
)

from .builders import DEVICES, addresses, facts, port_ranges, ports, share

MAC = "02:00:5e:00:00:01"
DNAT = Dnat(Transport.TCP, ports(80), MAC, IPv4Address("192.168.1.2"), 80)
PINHOLE = Pinhole(Transport.TCP, MAC, IPv6Address("2001:db8::2"), ports(80))


def numbers(some: PortRange) -> set[int]:
    return set(range(some.first, some.last + 1))


@given(port_ranges())
def test_a_range_is_as_long_as_it_has_ports(some: PortRange) -> None:
    assert len(some) == len(numbers(some))


@given(port_ranges(), port_ranges())
def test_ranges_overlap_if_they_have_a_port_in_common(
    one: PortRange, other: PortRange
) -> None:
    assert one.overlaps(other) == bool(numbers(one) & numbers(other))
    assert other.overlaps(one) == one.overlaps(other)


@pytest.mark.parametrize(
    ("some", "text"), [(ports(80), "80"), (ports(6000, 6010), "6000-6010")]
)
def test_ports_read_as_people_write_them(some: PortRange, text: str) -> None:
    assert str(some) == text


@pytest.mark.parametrize(
    ("protocol", "transports"),
    [
        (Protocol.TCP, (Transport.TCP,)),
        (Protocol.UDP, (Transport.UDP,)),
        (Protocol.TCP_UDP, (Transport.TCP, Transport.UDP)),
        (Protocol.ESP, (Transport.ESP,)),
        (Protocol.GRE, (Transport.GRE,)),
        (Protocol.PING6, (Transport.ICMPV6,)),
        (Protocol.EXPOSED_HOST, (Transport.ANY,)),
    ],
)
def test_a_protocol_opens_its_transport_protocols(
    protocol: Protocol, transports: tuple[Transport, ...]
) -> None:
    assert protocol.transports == transports


@pytest.mark.parametrize(
    ("protocol", "label"),
    [
        (Protocol.TCP, "TCP"),
        (Protocol.TCP_UDP, "TCP+UDP"),
        (Protocol.PING6, "PING6"),
        (Protocol.EXPOSED_HOST, "Exposed host"),
    ],
)
def test_a_protocol_has_a_name(protocol: Protocol, label: str) -> None:
    assert protocol.label == label


def test_address_translation_is_for_ipv4_and_pinholes_are_for_ipv6() -> None:
    assert family_of(DNAT) is Family.IPV4
    assert family_of(PINHOLE) is Family.IPV6


def test_a_device_that_was_not_seen_has_no_addresses() -> None:
    seen = addresses("192.168.1.2", "2001:db8::2")
    observed = facts(nas=seen)
    assert observed.addresses_of(DEVICES["nas"].mac) == seen
    assert observed.addresses_of(DEVICES["pc"].mac) == NO_ADDRESSES


def test_the_gateway_stays_the_same_when_only_a_device_or_a_name_moves() -> None:
    before = facts(nas=addresses("192.168.1.2"))
    assert before.same_gateway(facts(nas=addresses("192.168.1.3")))
    names = {"office.example.org": (IPv4Address("198.51.100.7"),)}
    assert before.same_gateway(replace(before, names=names))
    assert not before.same_gateway(
        replace(before, served=frozenset({(Transport.TCP, 22)}))
    )
    assert not before.same_gateway(replace(before, internet=frozenset()))


def test_a_change_is_something_if_it_opens_or_closes() -> None:
    assert Change(opened=(DNAT,))
    assert Change(closed=(PINHOLE,))
    assert not Change()


def test_what_somebody_holds_never_changes_under_their_hands() -> None:
    words = [
        word
        for word in vars(model).values()
        if isinstance(word, type) and is_dataclass(word)
    ]
    assert Facts in words
    for word in words:
        assert "__slots__" in vars(word)
        with pytest.raises(FrozenInstanceError):
            object.__new__(word).anything = None  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        share().enabled = False  # type: ignore[misc]
