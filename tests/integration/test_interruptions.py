"""Shares that are switched on, but closed: what is told of them, and when."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.gateway.other_firewalls import Kind, OtherFirewall
from custom_components.portshare.gateway.others import Others
from custom_components.portshare.sharing.model import Family
from homeassistant.core import Event, HomeAssistant

from .conftest import (
    NOON,
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    Home,
    SetUp,
    call,
    device_of,
    outages,
    state_of,
    store,
)
from .fake_gateway import HOME, NAS, NAS_IPV4, NAS_IPV6, PI_IPV4

pytestmark = pytest.mark.usefixtures("noon")

NO_INTERNET: Any = {"internet": frozenset()}
INTERNET: Any = {"internet": HOME.internet}

# The web server is older: what it wants, SSH cannot have.
SAME_PORT = pytest.mark.parametrize(
    "shares",
    [{WEB: dict(WEB_DATA), SSH: {**SSH_DATA, "external_port": 8080, "enabled": True}}],
)
TWO_PORTS = pytest.mark.parametrize(
    "shares", [{WEB: dict(WEB_DATA), SSH: {**SSH_DATA, "enabled": True}}]
)

type Told = tuple[str, str, str, Any, int | None]


def told(events: list[Event]) -> list[Told]:
    """Return type, name, reason, when (in seconds) and how long."""
    return [
        (
            event.data["type"].removeprefix("share_"),
            event.data["name"],
            event.data["reason"],
            pytest.approx(
                (datetime.fromisoformat(event.data["at"]) - NOON).total_seconds(),
                abs=0.01,
            ),
            event.data.get("lasted"),
        )
        for event in events
        if "share_id" in event.data
    ]


# The device


async def test_a_device_that_is_gone_for_long_is_told_with_the_true_times(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.see(NAS)
    await home.later(minutes=4, seconds=59)
    assert not home.events
    await home.later(seconds=2)
    closed = ("disabled", "Web server", "device", 0, None)
    assert told(home.events) == [closed]
    await home.later(hours=1)
    await home.see(NAS, NAS_IPV4)
    assert told(home.events) == [
        closed,
        ("enabled", "Web server", "device", 3901, 3901),
    ]
    assert [event.data["families"] for event in home.events] == [[], ["ipv4"]]
    assert {event.data["device_id"] for event in home.events} == {
        device_of(hass, loaded).id
    }
    event_entity = state_of(hass, "event.nas_port_sharing").attributes
    assert event_entity["event_type"] == "enabled"
    assert event_entity["reason"] == "device"


async def test_a_device_that_sleeps_now_and_then_floods_nobody(
    home: Home, loaded: MockConfigEntry
) -> None:
    for _ in range(10):
        await home.see(NAS)
        await home.later(minutes=4)
        await home.see(NAS, NAS_IPV4, NAS_IPV6)
        await home.later(seconds=5)
    await home.see(NAS, PI_IPV4)
    await home.see(NAS, NAS_IPV6)
    await home.later(hours=1)
    assert not home.events


async def test_what_a_person_does_meanwhile_is_told_once(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.see(NAS)
    await home.later(minutes=1)
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await home.later(minutes=9)
    await home.see(NAS, NAS_IPV4)
    assert told(home.events) == [
        ("disabled", "Web server", "user", 60, None),
        ("enabled", "SSH", "user", 60, None),
    ]
    # The next time both are concerned as all others.
    await home.later(minutes=1)
    await call(hass, "turn_on", entity_id=WEB_SWITCH)
    home.events.clear()
    await home.see(NAS)
    await home.later(minutes=6)
    assert sorted(told(home.events)) == [
        ("disabled", "SSH", "device", 660, None),
        ("disabled", "Web server", "device", 660, None),
    ]


@pytest.mark.parametrize("first", ["internet", "device"])
async def test_what_the_internet_and_the_device_close_is_closed_and_opened_once(
    home: Home, loaded: MockConfigEntry, first: str
) -> None:
    if first == "internet":
        await home.change(**NO_INTERNET)
        await home.later(minutes=4)
        await home.see(NAS)
    else:
        await home.see(NAS)
        await home.later(minutes=4)
        await home.change(**NO_INTERNET)
    await home.later(minutes=4)
    await home.change(**INTERNET)
    await home.later(minutes=4)
    await home.see(NAS, NAS_IPV4)
    await home.later(hours=1)
    assert told(home.events) == [
        ("disabled", "Web server", first, 0, None),
        ("enabled", "Web server", first, 720, 720),
    ]


# The IP versions over which a share really is open


@pytest.mark.parametrize(
    ("addresses", "concerned"), [((NAS_IPV4,), True), ((NAS_IPV4, NAS_IPV6), False)]
)
async def test_an_outage_of_ipv4_concerns_what_was_open_over_nothing_else(
    home: Home, loaded: MockConfigEntry, addresses: Any, concerned: bool
) -> None:
    await home.see(NAS, *addresses)
    await home.change(internet=frozenset({"ipv6"}))
    await home.later(minutes=6)
    await home.change(**INTERNET)
    assert told(home.events) == [
        ("disabled", "Web server", "internet", 0, None),
        ("enabled", "Web server", "internet", 360, 360),
    ] * (concerned)


# A port that another share has


@TWO_PORTS
async def test_a_port_that_goes_to_another_share_is_told_at_once(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    store(hass, loaded, WEB, external_port=2222)
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.nas_ssh_status").state == "conflict"
    closed = ("disabled", "SSH", "conflict", 0, None)
    assert told(home.events) == [closed]
    await home.later(seconds=30)
    await call(hass, "update_share", share_id=WEB, external_port=8080)
    assert told(home.events) == [closed, ("enabled", "SSH", "conflict", 30, 30)]
    assert home.events[-1].data["families"] == ["ipv4"]


@SAME_PORT
async def test_who_has_waited_from_the_start_is_told_only_when_he_gets_the_port(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.later(hours=1)
    await hass.config_entries.async_reload(loaded.entry_id)
    await home.later(hours=1)
    assert not home.events
    await call(hass, "remove_share", share_id=WEB)
    assert sorted(told(home.events)) == [
        ("disabled", "Web server", "service", 7200, None),
        ("enabled", "SSH", "conflict", 7200, None),
        ("removed", "Web server", "service", 7200, None),
    ]


@SAME_PORT
async def test_who_no_longer_waits_for_a_port_is_told_only_by_whom(
    hass: HomeAssistant, loaded: MockConfigEntry, events: list[Event]
) -> None:
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    await call(hass, "remove_share", share_id=WEB)
    assert [each for each in told(events) if each[1] == "SSH"] == [
        ("disabled", "SSH", "user", 0, None)
    ]


@TWO_PORTS
async def test_a_port_that_is_free_again_opens_when_the_internet_is_back(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    store(hass, loaded, WEB, external_port=2222)
    await hass.async_block_till_done()
    await home.change(**NO_INTERNET)
    store(hass, loaded, WEB, external_port=8080)
    await home.later(minutes=1)
    assert [each[:3] for each in told(home.events)] == [("disabled", "SSH", "conflict")]
    await home.change(**INTERNET)
    assert told(home.events)[1:] == [("enabled", "SSH", "conflict", 60, 60)]


# Another firewall


DOCKER, DOCKER_IPV6 = (
    OtherFirewall(Kind.DOCKER, table, "filter", "FORWARD", blocks=frozenset({family}))
    for table, family in (("ip", Family.IPV4), ("ip6", Family.IPV6))
)
BLOCKED: Any = {"firewalls": Others((DOCKER, DOCKER_IPV6))}
LET_IN: Any = {"firewalls": Others()}


async def test_a_firewall_that_keeps_callers_out_is_told_at_once(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**BLOCKED)
    assert state_of(hass, "sensor.nas_web_server_status").state == "blocked"
    closed = ("disabled", "Web server", "firewall", 0, None)
    assert told(home.events) == [closed]
    event_entity = state_of(hass, "event.nas_port_sharing").attributes
    assert (event_entity["event_type"], event_entity["reason"]) == (
        "disabled",
        "firewall",
    )
    await home.later(seconds=30)
    await home.change(**LET_IN)
    assert told(home.events) == [
        closed,
        ("enabled", "Web server", "firewall", 30, 30),
    ]
    assert [event.data["families"] for event in home.events] == [[], ["ipv4", "ipv6"]]


async def test_a_firewall_that_leaves_another_way_in_is_not_told_of_the_share(
    home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(firewalls=Others((DOCKER,)))
    await home.change(**LET_IN)
    assert not home.events


async def test_what_is_switched_on_behind_a_firewall_is_told_when_callers_come_through(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**BLOCKED)
    home.events.clear()
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await home.later(minutes=1)
    assert told(home.events) == [("enabled", "SSH", "user", 0, None)]
    home.events.clear()
    await home.change(**LET_IN)
    assert sorted(told(home.events)) == [
        ("enabled", "SSH", "firewall", 60, None),
        ("enabled", "Web server", "firewall", 60, 60),
    ]


async def test_a_firewall_that_stays_over_a_restart_is_told_once(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**BLOCKED)
    await home.later(minutes=1)
    await hass.config_entries.async_reload(loaded.entry_id)
    await home.later(hours=1)
    closed = ("disabled", "Web server", "firewall", 0, None)
    assert told(home.events) == [closed]
    await home.change(**LET_IN)
    assert told(home.events) == [
        closed,
        ("enabled", "Web server", "firewall", 3660, 3660),
    ]


# Over a restart


async def test_a_device_that_is_gone_over_a_reload_is_told_right(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.see(NAS)
    await home.later(minutes=3)
    await hass.config_entries.async_reload(loaded.entry_id)
    await home.later(minutes=3)
    closed = ("disabled", "Web server", "device", 0, None)
    assert told(home.events) == [closed]
    await hass.config_entries.async_reload(loaded.entry_id)
    await home.later(minutes=3)
    await home.see(NAS, NAS_IPV4)
    assert told(home.events) == [closed, ("enabled", "Web server", "device", 540, 540)]


@pytest.mark.parametrize("gone", [False, True])
async def test_what_went_on_while_home_assistant_was_away_is_told_at_the_start(
    hass_storage: dict[str, Any],
    home: Home,
    entry: MockConfigEntry,
    set_up: SetUp,
    gone: bool,
) -> None:
    hass_storage[f"portshare.{entry.entry_id}.interruptions"] = outages(
        "device_unknown", NOON - timedelta(minutes=9), WEB
    )
    if gone:
        home.gateway.see(NAS)
    await set_up()
    opened = ("enabled", "Web server", "device", 0, 540)
    assert told(home.events) == [
        ("disabled", "Web server", "device", -540, None),
        *([] if gone else [opened]),
    ]
    await home.later(hours=1)
    assert len(home.events) == 2 - gone


async def test_what_closed_while_home_assistant_was_away_is_told(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    home.gateway.see(NAS)
    await hass.config_entries.async_setup(loaded.entry_id)
    await home.later(minutes=6)
    assert told(home.events) == [("disabled", "Web server", "device", 0, None)]


async def test_of_shares_that_are_gone_nothing_is_told(
    hass_storage: dict[str, Any], home: Home, entry: MockConfigEntry, set_up: SetUp
) -> None:
    hass_storage[f"portshare.{entry.entry_id}.interruptions"] = outages(
        "device_unknown", NOON, "gone"
    )
    await set_up()
    await home.later(hours=1)
    assert not home.events


async def test_what_was_stored_goes_with_the_entry(
    hass: HomeAssistant,
    home: Home,
    hass_storage: dict[str, Any],
    loaded: MockConfigEntry,
) -> None:
    key = f"portshare.{loaded.entry_id}.interruptions"
    await home.later(hours=1)
    assert key not in hass_storage  # flash memory wears out
    await home.see(NAS)
    await home.later(seconds=2)
    assert WEB in hass_storage[key]["data"]
    await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert key not in hass_storage
