"""The event entities of the gateway and of each device."""

from ipaddress import IPv4Address
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
    async_fire_time_changed,
)

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Context, CoreState, Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .conftest import (
    SSH,
    SSH_SWITCH,
    WEB,
    WEB_SWITCH,
    SetUp,
    call,
    finish_start,
    state_of,
    subentry_of,
)
from .fake_gateway import HOME, PI, FakeGateway

INTERNET = "event.gateway_internet"
NAS_EVENT = "event.nas_port_sharing"


@pytest.mark.usefixtures("loaded")
async def test_the_gateway_tells_of_the_internet(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    assert state_of(hass, INTERNET).state == "unknown"
    assert state_of(hass, INTERNET).attributes["event_types"] == [
        "lost",
        "restored",
        "address_changed",
    ]
    for facts, event_type, external_ipv4 in (
        ({"internet": frozenset(), "wan_ipv4": ()}, "lost", None),
        ({"internet": HOME.internet, "wan_ipv4": HOME.wan_ipv4}, "restored", True),
        ({"wan_ipv4": (IPv4Address("203.0.113.9"),)}, "address_changed", True),
    ):
        gateway.change(**facts)
        await hass.async_block_till_done()
        attributes = state_of(hass, INTERNET).attributes
        assert attributes["event_type"] == event_type
        assert attributes["external_ipv4"] == (
            str(gateway.now.wan_ipv4[0]) if external_ipv4 else None
        )
        assert attributes["external_ipv6"] == "2001:db8:ffff::2"
        assert dt_util.parse_datetime(attributes["at"])
        assert dt_util.parse_datetime(state_of(hass, INTERNET).state)
    assert state_of(hass, NAS_EVENT).state == "unknown"


@pytest.mark.usefixtures("loaded")
async def test_a_device_tells_of_its_shares(hass: HomeAssistant) -> None:
    assert state_of(hass, NAS_EVENT).state == "unknown"
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    attributes = dict(state_of(hass, NAS_EVENT).attributes)
    assert attributes.pop("at")
    assert attributes == {
        "event_types": [
            "enabled",
            "disabled",
            "first_call",
            "mapping_added",
            "mapping_removed",
            "requested",
        ],
        "event_type": "enabled",
        "friendly_name": "NAS Port sharing",
        "share_id": SSH,
        "name": "SSH",
        "protocol": "tcp",
        "port": 22,
        "external_port": 2222,
        "families": ["ipv4"],
        "reason": "user",
    }
    await call(hass, "remove_share", share_id=WEB)
    attributes = dict(state_of(hass, NAS_EVENT).attributes)
    assert attributes["event_type"] == "disabled"
    assert attributes["share_id"] == WEB
    assert attributes["reason"] == "service"
    assert state_of(hass, INTERNET).state == "unknown"


@pytest.mark.usefixtures("loaded")
async def test_a_device_tells_of_each_share_that_is_closed(hass: HomeAssistant) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    changes: list[Event[Any]] = async_capture_events(hass, EVENT_STATE_CHANGED)
    await call(hass, "close_all")
    told = [
        event.data["new_state"].attributes["share_id"]
        for event in changes
        if event.data["entity_id"] == NAS_EVENT
    ]
    assert sorted(told) == [WEB, SSH]


async def test_a_device_that_comes_with_an_open_share_tells_of_it(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    added = await call(hass, "add_share", response=True, mac=PI, name="Game", port=99)
    await hass.async_block_till_done()
    [entity_id] = [
        entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.unique_id == f"{subentry_of(loaded, PI).subentry_id}_port_sharing"
    ]
    attributes = state_of(hass, entity_id).attributes
    assert attributes["event_type"] == "enabled"
    assert attributes["share_id"] == added["share_id"]
    assert attributes["reason"] == "service"
    # Of other devices it knows nothing.
    before = hass.states.get(entity_id)
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert hass.states.get(entity_id) == before
    assert state_of(hass, NAS_EVENT).attributes["event_type"] == "enabled"


@pytest.mark.usefixtures("loaded")
async def test_a_person_is_known_by_the_context_and_only_for_what_he_did(
    hass: HomeAssistant,
    gateway: FakeGateway,
    hass_admin_user: MockUser,
    freezer: FrozenDateTimeFactory,
) -> None:
    context = Context(user_id=hass_admin_user.id)
    await hass.services.async_call(
        "portshare",
        "open_temporarily",
        {"share_id": SSH, "duration": {"minutes": 1}},
        blocking=True,
        context=context,
    )
    assert state_of(hass, NAS_EVENT).context.user_id == hass_admin_user.id
    freezer.tick(58)
    await hass.services.async_call(
        "switch",
        "turn_off",
        {"entity_id": WEB_SWITCH},
        blocking=True,
        context=context,
    )
    assert state_of(hass, NAS_EVENT).context.id == context.id
    freezer.tick(3)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    state = state_of(hass, NAS_EVENT)
    assert state.attributes["reason"] == "expired"
    assert state.context.user_id is None


async def test_a_restart_leaves_what_was_told_last(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    before = state_of(hass, NAS_EVENT)
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, NAS_EVENT).state in (before.state, "unknown")


async def test_what_happens_while_home_assistant_starts_is_told_when_it_has_started(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway, events: list[Event]
) -> None:
    hass.set_state(CoreState.starting)
    await set_up()
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    assert not events
    assert state_of(hass, NAS_EVENT).state == "unknown"
    await finish_start(hass)
    assert [event.data["type"] for event in events] == [
        "share_enabled",
        "internet_lost",
    ]
    assert state_of(hass, NAS_EVENT).attributes["event_type"] == "enabled"
    assert state_of(hass, INTERNET).attributes["event_type"] == "lost"
    # And only once.
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    assert len(events) == 3


async def test_what_happened_is_kept_if_the_entry_is_reloaded_before_that(
    hass: HomeAssistant, set_up: SetUp, entry: MockConfigEntry, events: list[Event]
) -> None:
    hass.set_state(CoreState.starting)
    await set_up()
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await hass.config_entries.async_reload(entry.entry_id)
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    assert not events
    await finish_start(hass)
    assert [event.data["type"] for event in events] == [
        "share_enabled",
        "share_disabled",
    ]
    assert state_of(hass, NAS_EVENT).attributes["event_type"] == "disabled"
    # And only once.
    await hass.config_entries.async_reload(entry.entry_id)
    assert len(events) == 2


async def test_an_entity_that_was_switched_off_harms_nobody(
    hass: HomeAssistant, loaded: MockConfigEntry, events: list[Event]
) -> None:
    er.async_get(hass).async_remove(NAS_EVENT)
    await hass.async_block_till_done()
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert len(events) == 1
    assert hass.states.get(NAS_EVENT) is None
