"""The main job: a switch opens and closes a share."""

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components import portshare
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    call,
    device,
    device_of,
    refuse_all,
    refuse_text,
    state_of,
    stored,
    subentry_of,
)
from .fake_gateway import PI, FakeGateway

GAME: dict[str, Any] = {"name": "Game", "protocol": "udp", "port": 30000}


async def test_a_switch_opens_and_closes_its_share(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    before = gateway.open
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert gateway.open == before | {"tcp 2222 -> 192.168.178.21:22"}
    assert state_of(hass, SSH_SWITCH).state == "on"
    assert stored(loaded)[SSH]["enabled"] is True
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    assert gateway.open == before
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert stored(loaded)[SSH]["enabled"] is False
    assert [event.data["type"] for event in events] == [
        "share_enabled",
        "share_disabled",
    ]


async def test_both_families_are_switched_in_one_transaction(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert not gateway.mappings
    assert len(gateway.changes) == 1
    await call(hass, "turn_on", entity_id=WEB_SWITCH)
    assert len(gateway.mappings) == 2
    assert len(gateway.changes) == 2


async def test_what_is_so_already_is_not_done_again(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    await call(hass, "turn_on", entity_id=WEB_SWITCH)
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    assert not gateway.changes
    assert not events


@pytest.mark.usefixtures("loaded")
async def test_a_switch_shows_its_share_under_the_names_of_fritz(
    hass: HomeAssistant,
) -> None:
    attributes = dict(state_of(hass, WEB_SWITCH).attributes)
    assert attributes.pop("friendly_name") == "NAS Web server"
    assert attributes == {
        "share_id": WEB,
        "protocol": "tcp",
        "internal_ip": "192.168.178.21",
        "internal_port": 80,
        "external_port": 8080,
        "description": "Web server",
        "status": "active",
        "call": ["203.0.113.2:8080", "[2001:db8:1::21]:80"],
    }
    attributes = dict(state_of(hass, SSH_SWITCH).attributes)
    assert attributes["status"] == "off"
    assert attributes["internal_ip"] == "192.168.178.21"
    assert attributes["call"] == ["203.0.113.2:2222"]


@pytest.mark.parametrize(
    "shares", [{WEB: {**WEB_DATA, "port": 6000, "port_end": 6009}}]
)
@pytest.mark.usefixtures("loaded")
async def test_a_switch_shows_both_ends_of_a_range(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    attributes = state_of(hass, WEB_SWITCH).attributes
    assert attributes["internal_port"] == 6000
    assert attributes["internal_port_end"] == 6009
    assert attributes["external_port"] == 8080
    assert attributes["external_port_end"] == 8089
    assert gateway.open == {
        "tcp 8080-8089 -> 192.168.178.21:6000",
        "tcp [2001:db8:1::21]:6000-6009",
    }


async def test_a_switch_is_known_by_ids_and_not_by_names_or_ports(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    registry = er.async_get(hass)
    entry = registry.async_get(WEB_SWITCH)
    assert entry
    assert entry.unique_id == f"{subentry_of(loaded).subentry_id}_{WEB}"
    assert entry.config_subentry_id == subentry_of(loaded).subentry_id
    await call(hass, "update_share", share_id=WEB, name="Site", port=81)
    assert registry.async_get(WEB_SWITCH) is not None
    state = state_of(hass, WEB_SWITCH)
    assert state.attributes["friendly_name"] == "NAS Site"
    assert state.attributes["description"] == "Site"
    assert state.attributes["internal_port"] == 81


async def test_a_switch_that_is_renamed_goes_on_working(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    er.async_get(hass).async_update_entity(WEB_SWITCH, new_entity_id="switch.site")
    await hass.async_block_till_done()
    await call(hass, "turn_off", entity_id="switch.site")
    assert state_of(hass, "switch.site").state == "off"
    await call(hass, "remove_share", share_id=WEB)
    await hass.async_block_till_done()
    assert hass.states.get("switch.site") is None
    assert er.async_get(hass).async_get("switch.site") is None


@pytest.mark.parametrize(
    ("service", "switch"), [("turn_on", SSH_SWITCH), ("turn_off", WEB_SWITCH)]
)
async def test_a_switch_that_the_kernel_refuses_stays_as_it_was(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    service: str,
    switch: str,
) -> None:
    before = hass.states.get(switch), gateway.open, stored(loaded)
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    gateway.refuse = refuse_all
    with pytest.raises(HomeAssistantError) as caught:
        await call(hass, service, entity_id=switch)
    await hass.async_block_till_done()
    assert not isinstance(caught.value, ServiceValidationError)
    assert str(caught.value) == (
        "The kernel refused the change, and nothing was changed: "
        "Operation not permitted"
    )
    assert (hass.states.get(switch), gateway.open, stored(loaded)) == before
    assert not changes
    assert not events

    gateway.refuse = FakeGateway().refuse
    await call(hass, service, entity_id=switch)
    assert len(events) == 1


async def test_two_who_turn_a_switch_that_the_kernel_refuses_leave_it_as_it_was(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    before = hass.states.get(SSH_SWITCH), gateway.open, stored(loaded)
    gateway.refuse = refuse_text("SSH")
    gateway.pause()
    calls = [
        hass.async_create_task(call(hass, "turn_on", entity_id=SSH_SWITCH)),
        hass.async_create_task(
            call(hass, "update_share", share_id=SSH, port=24, enabled=True)
        ),
        hass.async_create_task(call(hass, "update_share", share_id=SSH, name="Shell")),
    ]
    await gateway.under_way.wait()
    gateway.go_on()
    for each in calls[:2]:
        with pytest.raises(HomeAssistantError, match="SSH is poison"):
            await each
    await calls[2]
    assert stored(loaded)[SSH] == {**SSH_DATA, "name": "Shell"}
    assert gateway.open == before[1]
    assert state_of(hass, SSH_SWITCH).state == "off"


async def test_a_switch_turned_to_and_fro_ends_where_it_was_turned_last(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    services = ["turn_on", "turn_off", "turn_on", "turn_off"]
    gateway.pause()
    calls = [
        hass.async_create_task(call(hass, service, entity_id=SSH_SWITCH))
        for service in services
    ]
    await gateway.under_way.wait()
    gateway.go_on()
    for each in calls:
        await each
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert len(gateway.mappings) == 2
    assert [event.data["type"] for event in events] == [
        "share_enabled",
        "share_disabled",
    ] * 2


async def test_a_share_that_is_removed_while_it_is_being_opened_does_not_stay_open(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    gateway.pause()
    turning = hass.async_create_task(call(hass, "turn_on", entity_id=SSH_SWITCH))
    await gateway.under_way.wait()
    hass.config_entries.async_remove_subentry(loaded, subentry_of(loaded).subentry_id)
    gateway.go_on()
    await turning
    await hass.async_block_till_done()
    assert not gateway.mappings
    assert hass.states.get(SSH_SWITCH) is None
    assert {event.data["share_id"] for event in events} == {WEB, SSH}
    assert [e.data["type"] for e in events if e.data["share_id"] == SSH] == [
        "share_enabled",
        "share_disabled",
        "share_removed",
    ]


async def test_a_switch_whose_share_is_being_removed_says_so(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.pause()
    removing = hass.async_create_task(call(hass, "remove_share", share_id=WEB))
    await gateway.under_way.wait()
    turning = hass.async_create_task(call(hass, "turn_off", entity_id=WEB_SWITCH))
    gateway.go_on()
    await removing
    with pytest.raises(ServiceValidationError, match="There is no share with the id"):
        await turning
    assert WEB not in stored(loaded)
    assert not gateway.mappings


async def test_a_device_that_is_removed_while_the_kernel_refuses_stays_removed(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.refuse = refuse_text("SSH")
    gateway.pause()
    turning = hass.async_create_task(call(hass, "turn_on", entity_id=SSH_SWITCH))
    await gateway.under_way.wait()
    hass.config_entries.async_remove_subentry(loaded, subentry_of(loaded).subentry_id)
    gateway.go_on()
    with pytest.raises(HomeAssistantError, match="SSH is poison"):
        await turning
    await hass.async_block_till_done()
    assert not loaded.subentries
    assert not gateway.mappings


async def test_switches_come_and_go_without_a_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    with patch.object(
        portshare, "async_setup_entry", side_effect=portshare.async_setup_entry
    ) as set_up:
        added = await call(
            hass,
            "add_share",
            response=True,
            device_id=device_of(hass, loaded).id,
            **GAME,
        )
        await hass.async_block_till_done()
        assert state_of(hass, "switch.nas_game").state == "on"
        await call(hass, "turn_off", entity_id="switch.nas_game")
        await call(hass, "remove_share", share_id=added["share_id"])
        await hass.async_block_till_done()
        assert hass.states.get("switch.nas_game") is None
        assert er.async_get(hass).async_get("switch.nas_game") is None
        assert not set_up.called
    assert gateway.adoptions == 1


async def test_a_share_that_is_gone_before_its_switch_is_there_leaves_no_switch(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    device_id = device_of(hass, loaded).id
    for _ in range(3):
        added = await call(
            hass, "add_share", response=True, device_id=device_id, **GAME
        )
        await call(hass, "remove_share", share_id=added["share_id"])
    await hass.async_block_till_done()
    assert set(hass.states.async_entity_ids("switch")) == {
        "switch.nas_independent_port_sharing",
        SSH_SWITCH,
        WEB_SWITCH,
    }
    assert "switch.nas_game" not in er.async_get(hass).entities


async def test_a_device_brings_and_takes_its_switches(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    data = device(PI, "Pi", {SSH[:-1] + "F": {**SSH_DATA, "external_port": 2223}})
    added = ConfigSubentry(
        data=MappingProxyType(dict(data["data"])),
        subentry_type="device",
        title="Pi",
        unique_id=PI,
    )
    hass.config_entries.async_add_subentry(loaded, added)
    await hass.async_block_till_done()
    assert state_of(hass, "switch.pi_ssh").state == "off"
    hass.config_entries.async_remove_subentry(loaded, subentry_of(loaded).subentry_id)
    await hass.async_block_till_done()
    assert set(hass.states.async_entity_ids("switch")) == {
        "switch.pi_independent_port_sharing",
        "switch.pi_ssh",
    }
    assert not gateway.mappings


async def test_switches_are_unavailable_while_the_kernel_refuses_everything(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    tick: Callable[[], Awaitable[None]],
    errors_expected: None,
) -> None:
    gateway.refuse = refuse_all
    await tick()
    assert state_of(hass, WEB_SWITCH).state == "unavailable"
    assert state_of(hass, "sensor.nas_mappings").state == "unavailable"
    gateway.refuse = FakeGateway().refuse
    await tick()
    assert state_of(hass, WEB_SWITCH).state == "on"
    assert state_of(hass, "sensor.nas_mappings").state == "1"


async def test_a_state_is_written_only_when_its_own_share_has_changed(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    changes: list[Event[Any]] = async_capture_events(hass, EVENT_STATE_CHANGED)
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await hass.async_block_till_done()
    changed = {event.data["entity_id"] for event in changes}
    assert {SSH_SWITCH, "sensor.nas_mappings", "sensor.gateway_open_ports"} <= changed
    assert not {WEB_SWITCH, "sensor.nas_web_server_status"} & changed


async def test_an_update_of_the_entity_reads_the_kernel_again(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await async_setup_component(hass, "homeassistant", {})
    gateway.mappings = set()
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": WEB_SWITCH}, blocking=True
    )
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done()
    assert len(gateway.mappings) == 2
