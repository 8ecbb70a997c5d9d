"""What goes through a share, and who calls it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.const import CONF_TELL_FIRST_CALLS
from custom_components.portshare.gateway.books import Account, Visitor
from custom_components.portshare.gateway.errors import GatewayError
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity

from .conftest import (
    NOON,
    SSH,
    WEB,
    WEB_SWITCH,
    Later,
    SetUp,
    call,
    device_of,
    state_of,
)
from .fake_gateway import NAS, FakeGateway

IPV4 = "tcp 8080 -> 192.168.178.21:80"
IPV6 = "tcp [2001:db8:1::21]:80"
BYTES_IN = "sensor.nas_web_server_bytes_in"
VISITOR = "sensor.nas_web_server_last_visitor"
EVENT = "event.nas_port_sharing"

everything_enabled = pytest.mark.usefixtures("_everything_enabled")


@pytest.fixture(autouse=True)
def _noon(noon: None) -> None:
    """Let time pass by `later` only, from before anything is set up."""


@pytest.fixture
def _everything_enabled() -> Iterator[None]:
    """Let somebody have enabled all entities."""
    with patch.object(Entity, "entity_registry_enabled_default", True):
        yield


@pytest.fixture
def minute(later: Later) -> SetUp:
    """Let a minute pass: the books are read again."""

    async def pass_by() -> None:
        await later(seconds=61)

    return pass_by


@pytest.fixture
def options() -> dict[str, Any]:
    return {}


@pytest.fixture
def entry(entry: MockConfigEntry, hass: HomeAssistant, options: Any) -> MockConfigEntry:
    """The gateway, with options."""
    return MockConfigEntry(
        domain=entry.domain,
        title=entry.title,
        data=entry.data,
        options=options,
        subentries_data=[each.as_dict() for each in entry.subentries.values()],
    )


@pytest.fixture
async def web(set_up: SetUp, gateway: FakeGateway) -> Account:
    """The account of the web server, of which the books have been read once."""
    gateway.books = {IPV4: account()}
    await set_up()
    return gateway.books[IPV4]


told = pytest.mark.parametrize("options", [{CONF_TELL_FIRST_CALLS: True}])


def account(into: int = 0, out: int = 0) -> Account:
    """Return what a kernel has counted: bytes, ten to a packet."""
    return Account((into + out) // 10, into + out, out // 10, out)


def visitor(address: str, calls: int = 1, at: datetime = NOON) -> Visitor:
    return Visitor(ip_address(address), calls, at)


def traffic(hass: HomeAssistant) -> tuple[float, ...]:
    """Return bytes in and out, packets in and out, and connections."""
    keys = ("bytes_in", "bytes_out", "packets_in", "packets_out", "connections")
    return tuple(
        float(state_of(hass, f"sensor.nas_web_server_{key}").state) for key in keys
    )


async def test_nothing_is_read_as_long_as_nobody_wants_to_know(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway, later: Later
) -> None:
    for _ in range(5):
        await later(minutes=2)
    assert gateway.looks == 0
    for key in ("bytes_in", "packets_out", "connections", "last_visitor"):
        entity = er.async_get(hass).async_get(f"sensor.nas_web_server_{key}")
        assert entity
        assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION


async def test_nothing_is_left_of_a_removed_share_however_much_of_it_is_disabled(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    def left() -> list[str]:
        entries = er.async_get(hass).entities.values()
        return [each.entity_id for each in entries if WEB in each.unique_id]

    assert len(left()) == 9
    await call(hass, "remove_share", share_id=WEB)
    await hass.async_block_till_done()
    assert left() == []


async def test_a_sensor_is_there_when_somebody_enables_it(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.books = {IPV4: account(1_000_000)}
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert hass.states.get(BYTES_IN) is None
    er.async_get(hass).async_update_entity(BYTES_IN, disabled_by=None)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert state_of(hass, BYTES_IN).state == "1.0"
    assert hass.states.get(VISITOR) is None
    er.async_get(hass).async_update_entity(
        BYTES_IN, disabled_by=er.RegistryEntryDisabler.USER
    )
    await hass.async_block_till_done()
    assert hass.states.get(BYTES_IN) is None


@everything_enabled
async def test_the_books_are_read_at_once_and_every_minute_until_the_last_has_gone(
    hass: HomeAssistant,
    set_up: SetUp,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    minute: SetUp,
) -> None:
    gateway.books = {IPV4: account(1_000_000, 2_000_000)}
    await set_up()
    assert traffic(hass) == (1.0, 2.0, 100_000, 200_000, 0)
    await minute()
    looks = gateway.looks
    await minute()
    assert gateway.looks == looks + 1
    await call(hass, "remove_share", share_id=WEB)
    await call(hass, "remove_share", share_id=SSH)
    await hass.async_block_till_done()
    looks = gateway.looks
    await minute()
    assert gateway.looks == looks


@everything_enabled
async def test_a_sum_goes_on_when_the_kernel_begins_anew(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway, minute: SetUp
) -> None:
    gateway.books = {IPV4: account(100_000, 1_000_000), IPV6: account(1_000_000)}
    await set_up()
    assert traffic(hass)[:2] == (1.1, 1.0)
    gateway.books = {IPV4: account(300_000, 1_500_000), IPV6: account(1_000_000)}
    await minute()
    assert traffic(hass)[:2] == (1.3, 1.5)
    # Our tables were made anew.
    gateway.books = {IPV4: account(10_000, 20_000), IPV6: account(30_000)}
    await minute()
    assert traffic(hass)[:2] == (1.34, 1.52)


@everything_enabled
async def test_a_share_that_was_closed_goes_on_with_its_sums(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway, minute: SetUp
) -> None:
    """What went through is counted anew then; what went out and who called is not."""
    gateway.books = {IPV4: account(100_000, 1_000_000)}
    gateway.books[IPV4].visitors.append(visitor("198.51.100.7", 3))
    await set_up()
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await minute()
    assert traffic(hass)[:2] == (0.1, 1.0)
    await call(hass, "turn_on", entity_id=WEB_SWITCH)
    gateway.books[IPV4] = Account(
        3_000, 30_000, 102_000, 1_020_000, [visitor("198.51.100.7", 4)]
    )
    await minute()
    assert traffic(hass) == (0.11, 1.02, 11_000, 102_000, 4)


@everything_enabled
async def test_no_more_goes_out_than_goes_through(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway, minute: SetUp
) -> None:
    """An answer may be counted and cut, and the kernel forgets the answers of a port."""
    gateway.books = {IPV4: Account(10, 1_000_000, 20, 3_000_000)}
    await set_up()
    assert traffic(hass)[:4] == (0, 1.0, 0, 10)
    gateway.books = {IPV4: Account(10, 1_000_000, 5, 2_000_000)}
    await minute()
    assert traffic(hass)[:4] == (0, 1.0, 0, 10)


@everything_enabled
async def test_the_last_visitor_and_those_before(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway, minute: SetUp
) -> None:
    gateway.books = {IPV4: account()}
    await set_up()
    assert state_of(hass, VISITOR).state == "unknown"
    gateway.books = {IPV4: account(), IPV6: account()}
    gateway.books[IPV4].visitors = [
        visitor(f"198.51.100.{number}", 2, NOON + timedelta(seconds=number))
        for number in range(1, 12)
    ]
    gateway.books[IPV6].visitors = [
        visitor("2001:db8:5::7", 4, NOON + timedelta(seconds=30))
    ]
    await minute()
    state = state_of(hass, VISITOR)
    assert state.state == "2001:db8:5::7"
    assert state.attributes["last"] == "2026-11-22T12:00:30+00:00"
    assert state.attributes["calls"] == 4
    addresses = [each["address"] for each in state.attributes["visitors"]]
    assert addresses == [
        "2001:db8:5::7",
        *(f"198.51.100.{number}" for number in range(11, 2, -1)),
    ]
    assert traffic(hass)[4] == 26


@everything_enabled
async def test_an_address_is_one_visitor_at_whatever_ports_it_calls(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway
) -> None:
    gateway.books = {IPV4: account()}
    gateway.books[IPV4].visitors = [
        visitor("198.51.100.7", 2, NOON),
        visitor("198.51.100.7", 3, NOON - timedelta(hours=1)),
    ]
    await set_up()
    attributes = state_of(hass, VISITOR).attributes
    assert attributes["calls"] == 5
    assert attributes["last"] == NOON.isoformat()
    assert len(attributes["visitors"]) == 1


@everything_enabled
async def test_who_calls_from_home_is_no_visitor(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway
) -> None:
    gateway.books = {IPV4: account(), IPV6: account()}
    gateway.books[IPV4].visitors = [visitor("192.168.178.22")]
    gateway.books[IPV6].visitors = [visitor("2001:db8:1::22")]
    await set_up()
    assert state_of(hass, VISITOR).state == "unknown"
    assert traffic(hass)[4] == 0


@everything_enabled
async def test_nothing_is_written_as_long_as_nobody_calls(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway, minute: SetUp
) -> None:
    """How long ago somebody called is known to some milliseconds only."""
    gateway.books = {IPV4: account()}
    gateway.books[IPV4].visitors = [visitor("198.51.100.7", 2, NOON)]
    await set_up()
    before = state_of(hass, VISITOR)
    gateway.books[IPV4].visitors = [
        visitor("198.51.100.7", 2, NOON + timedelta(milliseconds=4))
    ]
    await minute()
    assert state_of(hass, VISITOR) is before


@everything_enabled
async def test_who_comes_back_after_the_kernel_has_forgotten_him_is_counted_on(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway, minute: SetUp
) -> None:
    for calls in (2, 0, 2):
        gateway.books = {IPV4: account()}
        if calls:
            gateway.books[IPV4].visitors = [visitor("198.51.100.7", calls)]
        await (minute() if gateway.looks else set_up())
    assert state_of(hass, VISITOR).attributes["calls"] == 4
    assert traffic(hass)[4] == 4


@everything_enabled
async def test_what_was_added_up_survives_a_restart(
    hass: HomeAssistant,
    set_up: SetUp,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    hass_storage: dict[str, Any],
    minute: SetUp,
) -> None:
    """And what went through meanwhile is added."""
    gateway.books = {IPV4: account(1_000_000, 500_000)}
    gateway.books[IPV4].visitors = [visitor("198.51.100.7", 2)]
    await set_up()
    key = f"portshare.{entry.entry_id}.traffic"
    assert key not in hass_storage
    gateway.books[IPV4] = account(1_200_000, 500_000)
    gateway.books[IPV4].visitors = [visitor("198.51.100.7", 3)]
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert key in hass_storage
    assert traffic(hass) == (1.2, 0.5, 120_000, 50_000, 3)
    # The machine was started anew, too.
    assert await hass.config_entries.async_unload(entry.entry_id)
    gateway.books[IPV4] = account(100_000)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert traffic(hass) == (1.3, 0.5, 130_000, 50_000, 3)
    assert state_of(hass, VISITOR).state == "198.51.100.7"
    await hass.config_entries.async_remove(entry.entry_id)
    assert key not in hass_storage


@everything_enabled
async def test_the_sums_are_stored_rarely_and_only_if_they_have_grown(
    hass: HomeAssistant,
    set_up: SetUp,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    hass_storage: dict[str, Any],
    later: Later,
) -> None:
    key = f"portshare.{entry.entry_id}.traffic"
    await set_up()
    for _ in range(20):
        await later(minutes=1, seconds=1)
    assert key not in hass_storage
    for minute in range(14):
        gateway.books = {IPV4: account(minute * 1000 + 1000)}
        await later(minutes=1, seconds=1)
    assert key not in hass_storage
    await later(minutes=1, seconds=1)
    await later(minutes=1, seconds=1)
    assert hass_storage[key]["data"]["shares"][WEB]["bytes_in"] == 14_000


@everything_enabled
async def test_books_that_cannot_be_read_are_logged_once_and_make_the_sums_unavailable(
    hass: HomeAssistant,
    set_up: SetUp,
    gateway: FakeGateway,
    minute: SetUp,
    errors_expected: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway.books = {IPV4: account(1_000_000)}
    await set_up()
    gateway.closed_books = GatewayError("Operation not permitted")
    await minute()
    await minute()
    assert state_of(hass, BYTES_IN).state == "unavailable"
    assert state_of(hass, "sensor.nas_web_server_status").state == "active"
    said = [each for each in caplog.records if "not permitted" in each.getMessage()]
    assert len(said) == 1
    gateway.closed_books = None
    await minute()
    assert state_of(hass, BYTES_IN).state == "1.0"


@told
async def test_who_calls_for_the_first_time_is_told(
    hass: HomeAssistant,
    set_up: SetUp,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    minute: SetUp,
    events: list[Event],
) -> None:
    """But nobody who has called before anybody wanted to know."""
    gateway.books = {IPV4: account()}
    gateway.books[IPV4].visitors = [visitor("198.51.100.7")]
    await set_up()
    await minute()
    assert gateway.looks == 2
    assert not events
    at = NOON + timedelta(seconds=70)
    gateway.books[IPV4].visitors += [visitor("198.51.100.8", 3, at)]
    await minute()
    await minute()
    [event] = events
    assert event.data == {
        "type": "first_call",
        "entry_id": entry.entry_id,
        "device_id": device_of(hass, entry).id,
        "share_id": WEB,
        "name": "Web server",
        "protocol": "tcp",
        "port": 80,
        "external_port": 8080,
        "address": "198.51.100.8",
        "calls": 3,
        "at": at.isoformat(),
    }
    attributes = state_of(hass, EVENT).attributes
    assert attributes["event_type"] == "first_call"
    assert attributes["address"] == "198.51.100.8"


@told
@everything_enabled
async def test_who_called_while_home_assistant_was_away_is_told_but_nobody_twice(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    web: Account,
    minute: SetUp,
    events: list[Event],
) -> None:
    web.visitors = [visitor("198.51.100.7")]
    await minute()
    assert await hass.config_entries.async_unload(entry.entry_id)
    web.visitors += [visitor("198.51.100.8")]
    assert await hass.config_entries.async_setup(entry.entry_id)
    await minute()
    assert [event.data["address"] for event in events] == [
        "198.51.100.7",
        "198.51.100.8",
    ]


@told
async def test_a_new_share_inherits_no_callers_of_its_port(
    hass: HomeAssistant,
    set_up: SetUp,
    gateway: FakeGateway,
    minute: SetUp,
    events: list[Event],
) -> None:
    await set_up()
    await minute()
    port = "tcp 99 -> 192.168.178.21:99"
    await call(hass, "add_share", mac=NAS, name="Game", port=99)
    gateway.books = {port: account()}
    gateway.books[port].visitors = [
        visitor("198.51.100.7"),
        visitor("198.51.100.8", at=NOON + timedelta(seconds=90)),
    ]
    events.clear()
    await minute()
    assert [event.data.get("address") for event in events] == ["198.51.100.8"]


@told
async def test_who_scans_the_internet_does_not_fill_the_log(
    web: Account, minute: SetUp, events: list[Event]
) -> None:
    web.visitors = [
        visitor(f"198.51.100.{number}", at=NOON + timedelta(seconds=number))
        for number in range(50, 0, -1)
    ]
    await minute()
    assert [event.data.get("address") for event in events[:-1]] == [
        f"198.51.100.{number}" for number in range(1, 11)
    ]
    assert events[-1].data["type"] == "more_first_calls"
    assert events[-1].data["count"] == 40
    await minute()
    assert len(events) == 11


@told
@pytest.mark.usefixtures("errors_expected")
async def test_books_that_cannot_be_read_tell_nobody_twice(
    gateway: FakeGateway, web: Account, minute: SetUp, events: list[Event]
) -> None:
    web.visitors = [visitor("198.51.100.7")]
    await minute()
    gateway.closed_books = GatewayError("Operation not permitted")
    await minute()
    assert len(events) == 1


async def test_nobody_is_told_of_callers_who_does_not_want_to_be(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    minute: SetUp,
    events: list[Event],
) -> None:
    gateway.books = {IPV4: account()}
    gateway.books[IPV4].visitors = [visitor("198.51.100.7", at=NOON)]
    await minute()
    assert gateway.looks == 0
    assert not events
