"""The internet comes and goes: the gateway at once, the household as it wants to know."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.portshare.const import CONF_TELL_AFTER, DOMAIN, SECTION_EXPERT
from custom_components.portshare.sharing.model import Family
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import CoreState, Event, HomeAssistant
from homeassistant.helpers import device_registry as dr

from .conftest import (
    NOON,
    SSH,
    SSH_DATA,
    WEB,
    WEB_DATA,
    Home,
    SetUp,
    call,
    device_of,
    finish_start,
    outages,
    state_of,
)
from .fake_gateway import HOME, FakeGateway

pytestmark = pytest.mark.usefixtures("noon")

GAME = "01KAQ3V8Z0Y6S9V3K1T5N7B2CF"

NOTHING: dict[str, Any] = {
    "internet": frozenset(),
    "wan_ipv4": (),
    "wan_ipv6": (),
}
EVERYTHING: dict[str, Any] = {key: getattr(HOME, key) for key in NOTHING}
ONLY_IPV6: dict[str, Any] = {"internet": frozenset({Family.IPV6}), "wan_ipv4": ()}
ADDRESSES = {"external_ipv4": "203.0.113.2", "external_ipv6": "2001:db8:ffff::2"}
NO_ADDRESSES = {"external_ipv4": None, "external_ipv6": None}


@pytest.fixture
def shares() -> dict[str, Any]:
    """A share for both IP versions, one for IPv4, one for IPv6, and one that is off."""
    return {
        WEB: dict(WEB_DATA),
        SSH: {**SSH_DATA, "enabled": True},
        GAME: {**WEB_DATA, "name": "Game", "port": 99, "port_end": 99, "ipv4": False},
        "01KAQ3V8Z0Y6S9V3K1T5N7B2CG": {
            **SSH_DATA,
            "name": "Off",
            "port": 98,
            "port_end": 98,
            "external_port": 98,
        },
    }


def of_internet(events: list[Event]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return what was told of the internet, without who and when."""
    return [
        (event.data["type"], {key: event.data[key] for key in ADDRESSES})
        for event in events
        if "external_ipv4" in event.data
    ]


def of_shares(events: list[Event]) -> list[tuple[str, str, float, int | None]]:
    """Return what was told of shares: type, name, when (in seconds), how long."""
    told: list[tuple[str, str, float, int | None]] = []
    for event in events:
        if "share_id" in event.data:
            assert event.data["reason"] == "internet"
            at = datetime.fromisoformat(event.data["at"])
            assert at.utcoffset() == timedelta()
            told.append(
                (
                    event.data["type"],
                    event.data["name"],
                    (at - NOON).total_seconds(),
                    event.data.get("lasted"),
                )
            )
    return sorted(told, key=lambda each: (each[2], each[1]))


def each_share(kind: str, at: float, lasted: int | None = None) -> list[Any]:
    return [
        (f"share_{kind}", name, pytest.approx(at, abs=0.01), lasted)
        for name in ("Game", "SSH", "Web server")
    ]


# The internet itself


async def test_the_internet_is_told_at_once(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**NOTHING)
    await home.change(**EVERYTHING)
    assert of_internet(home.events) == [
        ("internet_lost", NO_ADDRESSES),
        ("internet_restored", ADDRESSES),
    ]
    for event in home.events:
        assert event.data["entry_id"] == loaded.entry_id
        gateway_device = dr.async_get(hass).async_get(event.data["device_id"])
        assert gateway_device
        assert gateway_device.identifiers == {(DOMAIN, loaded.entry_id)}
        assert event.data["at"] == NOON.isoformat()
    assert not of_shares(home.events)


@pytest.mark.usefixtures("loaded")
async def test_one_ip_version_is_internet_enough(
    hass: HomeAssistant, home: Home
) -> None:
    await home.change(**ONLY_IPV6)
    assert not home.events
    internet = state_of(hass, "binary_sensor.gateway_internet")
    assert internet.state == "on"
    assert internet.attributes["ipv4"] is False
    assert internet.attributes["ipv6"] is True


@pytest.mark.parametrize(
    "new",
    [
        {"wan_ipv4": (IPv4Address("203.0.113.99"),)},
        {"wan_ipv6": (IPv6Address("2001:db8:ffff::99"),)},
        {"wan_ipv4": (IPv4Address("203.0.113.99"), *HOME.wan_ipv4)},
    ],
    ids=["ipv4", "ipv6", "first of two"],
)
@pytest.mark.usefixtures("loaded")
async def test_a_new_address_is_told_with_the_addresses(
    home: Home, new: dict[str, Any]
) -> None:
    await home.change(**new)
    assert of_internet(home.events) == [
        (
            "address_changed",
            {
                "external_ipv4": str(home.gateway.now.wan_ipv4[0]),
                "external_ipv6": str(home.gateway.now.wan_ipv6[0]),
            },
        )
    ]


@pytest.mark.usefixtures("loaded")
async def test_an_outage_that_brings_another_address_tells_that_too(
    hass: HomeAssistant, home: Home
) -> None:
    await home.change(**NOTHING)
    await home.change(**{**EVERYTHING, "wan_ipv4": (IPv4Address("203.0.113.99"),)})
    assert [kind for kind, _ in of_internet(home.events)] == [
        "internet_lost",
        "internet_restored",
        "address_changed",
    ]


@pytest.mark.usefixtures("loaded")
async def test_an_address_that_comes_back_is_no_other(home: Home) -> None:
    await home.change(**ONLY_IPV6)
    await home.change(**EVERYTHING)
    assert not home.events


async def test_the_first_address_ever_is_no_other(home: Home, set_up: SetUp) -> None:
    home.gateway.change(**NOTHING)
    await set_up()
    await home.change(**EVERYTHING)
    assert [kind for kind, _ in of_internet(home.events)] == ["internet_restored"]


# The shares


@pytest.mark.usefixtures("loaded")
async def test_the_gateway_closes_and_opens_at_once(
    hass: HomeAssistant, home: Home
) -> None:
    mappings = set(home.gateway.mappings)
    await home.change(**NOTHING)
    assert home.gateway.environment
    assert not home.gateway.environment.internet
    assert state_of(hass, "sensor.gateway_open_ports").state == "0"
    await home.change(**EVERYTHING)
    assert home.gateway.environment.internet == frozenset(Family)
    assert home.gateway.mappings == mappings
    assert state_of(hass, "sensor.gateway_open_ports").state == "3"


@pytest.mark.usefixtures("loaded")
async def test_five_minutes_are_not_told_of_the_shares(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    await home.change(**NOTHING)
    await home.later(minutes=4, seconds=59)
    freezer.tick(timedelta(seconds=1))
    await home.change(**EVERYTHING)
    await home.later(hours=1)
    assert [kind for kind, _ in of_internet(home.events)] == [
        "internet_lost",
        "internet_restored",
    ]
    assert not of_shares(home.events)


@pytest.mark.usefixtures("loaded")
async def test_more_than_five_minutes_are_told_with_their_true_times(
    home: Home,
) -> None:
    await home.later(seconds=10)
    await home.change(**NOTHING)
    await home.later(minutes=4, seconds=59)
    assert not of_shares(home.events)
    await home.later(seconds=2)
    assert of_shares(home.events) == each_share("disabled", 10)
    await home.later(hours=1)
    await home.change(**EVERYTHING)
    lasted = 300 + 1 + 3600
    assert of_shares(home.events) == [
        *each_share("disabled", 10),
        *each_share("enabled", 10 + lasted, lasted),
    ]


async def test_both_are_told_of_the_device_and_with_its_share(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**NOTHING)
    await home.later(minutes=6)
    await home.change(**EVERYTHING)
    lost, restored = (e.data for e in home.events if e.data.get("share_id") == WEB)
    assert lost["device_id"] == device_of(hass, loaded).id
    assert lost["families"] == []
    assert "lasted" not in lost
    assert restored["families"] == ["ipv4", "ipv6"]
    assert restored["external_port"] == 8080
    assert restored["lasted"] == 360


@pytest.mark.usefixtures("loaded")
async def test_two_outages_are_told_one_after_the_other(home: Home) -> None:
    for _ in range(2):
        await home.change(**NOTHING)
        await home.later(minutes=6)
        await home.change(**EVERYTHING)
        await home.later(minutes=1)
    assert of_shares(home.events) == [
        *each_share("disabled", 0),
        *each_share("enabled", 360, 360),
        *each_share("disabled", 420),
        *each_share("enabled", 780, 360),
    ]


@pytest.mark.usefixtures("loaded")
async def test_two_short_outages_are_not_one_long_one(home: Home) -> None:
    for _ in range(3):
        await home.change(**NOTHING)
        await home.later(minutes=4)
        await home.change(**EVERYTHING)
        await home.later(seconds=3)
    assert not of_shares(home.events)


@pytest.mark.usefixtures("loaded")
async def test_an_outage_of_ipv4_concerns_who_has_nothing_else(home: Home) -> None:
    await home.change(**ONLY_IPV6)
    await home.later(minutes=6)
    await home.change(**EVERYTHING)
    assert of_shares(home.events) == [
        ("share_disabled", "SSH", 0, None),
        ("share_enabled", "SSH", 360, 360),
    ]
    assert not of_internet(home.events)


@pytest.mark.usefixtures("loaded")
async def test_a_share_that_was_closed_meanwhile_is_not_told_as_open_again(
    hass: HomeAssistant, home: Home
) -> None:
    await home.change(**NOTHING)
    await home.later(minutes=6)
    await call(hass, "close_all")
    home.events.clear()
    await home.change(**EVERYTHING)
    assert not of_shares(home.events)


@pytest.mark.usefixtures("loaded")
async def test_a_share_that_was_opened_meanwhile_was_neither_closed_nor_opened_again(
    hass: HomeAssistant, home: Home
) -> None:
    await home.change(**NOTHING)
    await home.later(minutes=2)
    await call(hass, "turn_on", entity_id="switch.nas_off")
    await home.later(minutes=4)
    # And one that was closed and opened again by hand.
    await call(hass, "turn_off", entity_id="switch.nas_ssh")
    await call(hass, "turn_on", entity_id="switch.nas_ssh")
    await home.change(**EVERYTHING)
    told = [
        (event.data["type"], event.data["reason"])
        for event in home.events
        if event.data.get("name") == "Off"
    ]
    assert told == [("share_enabled", "user")]
    told = [
        (event.data["type"], event.data["reason"])
        for event in home.events
        if event.data.get("name") == "SSH"
    ]
    assert told == [
        ("share_disabled", "internet"),
        ("share_disabled", "user"),
        ("share_enabled", "user"),
    ]
    # The next outage concerns them as all others.
    home.events.clear()
    await home.later(minutes=1)
    await home.change(**NOTHING)
    await home.later(minutes=6)
    assert {name for _, name, _, _ in of_shares(home.events)} == {
        "Game",
        "Off",
        "SSH",
        "Web server",
    }


async def test_the_five_minutes_can_be_others(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up()
    hass.config_entries.async_update_entry(
        entry, options={SECTION_EXPERT: {CONF_TELL_AFTER: 2.0}}
    )
    await hass.async_block_till_done()
    await home.change(**NOTHING)
    await home.later(seconds=1)
    assert not of_shares(home.events)
    await home.later(seconds=2)
    assert of_shares(home.events) == each_share("disabled", 0)


# Over a restart


async def test_an_outage_that_spans_a_reload_is_told_right(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**NOTHING)
    await home.later(minutes=3)
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    await home.later(minutes=1, seconds=59)
    assert not of_shares(home.events)
    await home.later(seconds=2)
    assert of_shares(home.events) == each_share("disabled", 0)
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    await home.later(minutes=2)
    await home.change(**EVERYTHING)
    assert of_shares(home.events) == [
        *each_share("disabled", 0),
        *each_share("enabled", 421, 421),
    ]
    assert [kind for kind, _ in of_internet(home.events)] == [
        "internet_lost",
        "internet_restored",
    ]


async def test_nothing_is_told_after_unload(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**NOTHING)
    await hass.config_entries.async_unload(loaded.entry_id)
    home.events.clear()
    await home.later(hours=1)
    assert not home.events


@pytest.mark.parametrize("told", [False, True])
async def test_an_outage_that_ended_while_home_assistant_was_away_is_told_at_the_start(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    entry: MockConfigEntry,
    set_up: SetUp,
    events: list[Event],
    told: bool,
) -> None:
    hass_storage[f"portshare.{entry.entry_id}.internet"] = {
        "version": 1,
        "data": {
            "connected": False,
            "external_ipv4": "203.0.113.99",
            "external_ipv6": None,
        },
    }
    hass_storage[f"portshare.{entry.entry_id}.interruptions"] = outages(
        "no_internet", NOON - timedelta(minutes=9), WEB, SSH, GAME, told=told
    )
    hass.set_state(CoreState.starting)
    await set_up()
    assert not events  # nobody could hear it
    await finish_start(hass)
    assert of_internet(events) == [
        ("internet_restored", ADDRESSES),
        ("address_changed", ADDRESSES),
    ]
    assert of_shares(events) == [
        *(each_share("disabled", -540) if not told else []),
        *each_share("enabled", 0, 540),
    ]
    # The event entities have heard it, too.
    assert state_of(hass, "event.gateway_internet").attributes["event_type"] == (
        "address_changed"
    )
    assert state_of(hass, "event.nas_port_sharing").attributes["lasted"] == 540


async def test_an_outage_goes_on_that_began_before_the_restart(
    hass_storage: dict[str, Any], home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**NOTHING)
    # A crash: nothing but the delayed saving.
    await home.later(seconds=2)
    data = hass_storage[f"portshare.{loaded.entry_id}.internet"]["data"]
    assert data == {
        "connected": False,
        "external_ipv4": "203.0.113.2",
        "external_ipv6": "2001:db8:ffff::2",
    }
    data = hass_storage[f"portshare.{loaded.entry_id}.interruptions"]["data"]
    assert data == outages("no_internet", NOON, WEB, SSH, GAME)["data"]


async def test_an_outage_that_began_while_home_assistant_was_away_is_told(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    gateway.change(**NOTHING)
    await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert of_internet(events) == [("internet_lost", NO_ADDRESSES)]


async def test_another_address_after_a_restart_is_told(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    gateway.change(wan_ipv4=(IPv4Address("203.0.113.99"),))
    await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert [kind for kind, _ in of_internet(events)] == ["address_changed"]


# A line that flaps


async def test_a_flapping_line_settles_on_the_truth_without_a_flood(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    mappings = set(home.gateway.mappings)
    await home.later(minutes=1)
    states = async_capture_events(hass, EVENT_STATE_CHANGED)
    followed = []
    for count in range(100):
        await home.change(**(EVERYTHING if count % 2 else NOTHING))
        assert home.gateway.environment
        followed.append(bool(home.gateway.environment.internet))
        await home.later(milliseconds=100)
    assert followed == [False, True] * 50
    await home.later(seconds=3)
    assert home.gateway.mappings == mappings
    assert state_of(hass, "binary_sensor.gateway_internet").state == "on"
    assert state_of(hass, "sensor.gateway_open_ports").state == "3"
    assert state_of(hass, "switch.nas_web_server").attributes["status"] == "active"
    assert len(of_internet(home.events)) <= 12
    assert not of_shares(home.events)
    kinds = [kind for kind, _ in of_internet(home.events)]
    assert kinds == ["internet_lost", "internet_restored"] * (len(kinds) // 2)
    written = [
        event
        for event in states
        if event.data["entity_id"] == "binary_sensor.gateway_internet"
    ]
    assert len(written) <= 12


async def test_a_flapping_line_that_stays_down_is_told_so(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    for count in range(101):
        await home.change(**(EVERYTHING if count % 2 else NOTHING))
    await home.later(seconds=3)
    assert of_internet(home.events)[-1] == ("internet_lost", NO_ADDRESSES)
    assert state_of(hass, "binary_sensor.gateway_internet").state == "off"
    assert state_of(hass, "sensor.nas_web_server_status").state == "no_internet"
    await hass.config_entries.async_unload(loaded.entry_id)


async def test_a_share_that_is_switched_while_the_line_flaps_is_shown_at_once(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    for count in range(20):
        await home.change(**(EVERYTHING if count % 2 else NOTHING))
    await call(hass, "turn_off", entity_id="switch.nas_web_server")
    assert state_of(hass, "switch.nas_web_server").state == "off"


# What is stored


async def test_nothing_is_stored_if_nothing_has_changed(
    hass: HomeAssistant,
    home: Home,
    hass_storage: dict[str, Any],
    loaded: MockConfigEntry,
) -> None:
    await home.later(seconds=2)
    before = hass_storage.pop(f"portshare.{loaded.entry_id}.internet")
    for _ in range(3):
        await home.later(minutes=6)
        await call(hass, "turn_on", entity_id="switch.nas_ssh")
        await home.later(seconds=2)
    assert f"portshare.{loaded.entry_id}.internet" not in hass_storage
    await home.change(**NOTHING)
    await home.later(seconds=2)
    after = hass_storage[f"portshare.{loaded.entry_id}.internet"]
    assert after["data"] != before["data"]
