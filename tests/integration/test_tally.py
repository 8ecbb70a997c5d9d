"""How much a share remembers of those who have called it."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
import json

from custom_components.portshare.gateway.books import Account, Visitor
from custom_components.portshare.sharing.model import (
    ALL_PORTS,
    Dnat,
    Pinhole,
    PortRange,
    Transport,
)
from custom_components.portshare.tally import Tally

from .fake_gateway import NAS, NAS_IPV4

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEB = Dnat(Transport.TCP, PortRange(80, 80), NAS, NAS_IPV4, 80)
FIRST = IPv4Address("198.18.0.0")


def callers(first: int, count: int) -> Account:
    """Return an account in which so many have called, one a second."""
    return Account(
        visitors=[
            Visitor(FIRST + number, 1, NOON + timedelta(seconds=number))
            for number in range(first, first + count)
        ]
    )


def test_nobody_is_forgotten_whom_the_kernel_remembers() -> None:
    tally = Tally()
    for count in (3_000, 6_000):
        assert len(tally.add({WEB: callers(0, count)}, ())) == 3_000
    assert len(tally.visitors) == tally.calls == 6_000


def test_of_those_whom_the_kernel_forgot_the_last_thousand_are_remembered() -> None:
    tally = Tally()
    tally.add({WEB: callers(0, 3_000)}, ())
    assert len(tally.add({WEB: callers(3_000, 10)}, ())) == 10
    assert len(tally.visitors) == 1_010
    assert not tally.add({WEB: callers(2_000, 1_000)}, ())
    assert len(tally.add({WEB: callers(1_990, 20)}, ())) == 10


def test_addresses_that_a_device_had_are_forgotten_at_last() -> None:
    tally = Tally()
    for number in range(200):
        address = IPv6Address("2001:db8:1::") + number
        mapping = Pinhole(Transport.ANY, NAS, address, ALL_PORTS)
        tally.add({mapping: Account(1, 100)}, ())
    assert len(tally.stored()["seen"]) == 51
    assert (tally.packets_in, tally.bytes_in) == (200, 20_000)


def test_what_is_stored_is_json_and_goes_on() -> None:
    tally = Tally()
    account = callers(0, 3)
    account.bytes, account.bytes_out = 500, 200
    tally.add({WEB: account}, ())
    again = Tally.restored(json.loads(json.dumps(tally.stored())))
    assert again == tally
    assert not again.add({WEB: account}, ())
    assert (again.bytes_in, again.bytes_out, again.calls) == (300, 200, 3)
