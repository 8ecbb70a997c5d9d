"""The bus is told what happened to a share, and why; nothing is told that did not."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.portshare.const import DOMAIN
from custom_components.portshare.events import Cause, Reason
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .conftest import (
    SSH,
    SSH_SWITCH,
    WEB,
    call,
    device_of,
    refuse_all,
    state_of,
    subentry_of,
)
from .fake_gateway import NAS, PI, PI_IPV4, FakeGateway


def told(events: list[Event]) -> list[tuple[str, str, str]]:
    return [
        (event.data["type"], event.data["name"], event.data["reason"])
        for event in events
    ]


async def test_nothing_is_told_at_the_start_or_after_a_reload(
    hass: HomeAssistant, events: list[Event], loaded: MockConfigEntry
) -> None:
    await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert not events


async def test_an_event_says_everything_about_a_share(
    hass: HomeAssistant, loaded: MockConfigEntry, events: list[Event]
) -> None:
    before = dt_util.utcnow()
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    device = device_of(hass, loaded)
    [event] = events
    data = dict(event.data)
    at = dt_util.parse_datetime(data.pop("at"))
    assert at
    assert before <= at <= dt_util.utcnow()
    assert data == {
        "type": "share_enabled",
        "entry_id": loaded.entry_id,
        "device_id": device.id,
        "share_id": SSH,
        "name": "SSH",
        "protocol": "tcp",
        "port": 22,
        "external_port": 2222,
        "families": ["ipv4"],
        "reason": "user",
    }


async def test_a_share_that_comes_and_goes_is_told_step_by_step(
    hass: HomeAssistant, loaded: MockConfigEntry, events: list[Event]
) -> None:
    added = await call(hass, "add_share", response=True, mac=NAS, name="Game", port=99)
    await call(hass, "update_share", share_id=added["share_id"], name="Play")
    await call(hass, "update_share", share_id=added["share_id"], enabled=False)
    await call(hass, "remove_share", share_id=added["share_id"])
    assert told(events) == [
        ("share_added", "Game", "service"),
        ("share_enabled", "Game", "service"),
        ("share_disabled", "Play", "service"),
        ("share_removed", "Play", "service"),
    ]
    assert events[-1].data["families"] == []


async def test_a_share_that_is_added_as_closed_is_not_told_as_open(
    hass: HomeAssistant, loaded: MockConfigEntry, events: list[Event]
) -> None:
    await call(hass, "add_share", mac=NAS, name="Game", port=99, enabled=False)
    assert told(events) == [("share_added", "Game", "service")]


async def test_a_device_that_is_removed_takes_its_shares_along(
    hass: HomeAssistant, loaded: MockConfigEntry, events: list[Event]
) -> None:
    device_id = device_of(hass, loaded).id
    hass.config_entries.async_remove_subentry(loaded, subentry_of(loaded).subentry_id)
    await hass.async_block_till_done()
    assert sorted(told(events)) == [
        ("share_disabled", "Web server", "user"),
        ("share_removed", "SSH", "user"),
        ("share_removed", "Web server", "user"),
    ]
    assert {event.data["device_id"] for event in events} == {device_id}


async def test_who_turns_a_switch_is_told(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    events: list[Event],
    hass_admin_user: MockUser,
) -> None:
    context = Context(user_id=hass_admin_user.id)
    await hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": SSH_SWITCH},
        blocking=True,
        context=context,
    )
    assert told(events) == [("share_enabled", "SSH", "user")]
    assert events[0].context is context
    assert state_of(hass, SSH_SWITCH).context is context


@pytest.mark.parametrize(
    "action",
    [
        {"action": "switch.turn_on", "target": {"entity_id": SSH_SWITCH}},
        {
            "action": "portshare.update_share",
            "data": {"share_id": SSH, "enabled": True},
        },
    ],
    ids=["switch", "service"],
)
async def test_an_automation_that_opens_a_share_is_told(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    events: list[Event],
    action: dict[str, Any],
) -> None:
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": {"trigger": "event", "event_type": "knock"},
                "actions": action,
            }
        },
    )
    hass.bus.async_fire("knock")
    await hass.async_block_till_done()
    assert told(events) == [("share_enabled", "SSH", "automation")]
    assert events[0].context.parent_id


async def test_a_service_call_carries_its_context(
    hass: HomeAssistant, loaded: MockConfigEntry, events: list[Event]
) -> None:
    context = Context()
    await hass.services.async_call(
        DOMAIN, "remove_share", {"share_id": WEB}, blocking=True, context=context
    )
    assert {event.context.id for event in events} == {context.id}
    assert {event.data["reason"] for event in events} == {"service"}


async def test_what_the_kernel_refuses_is_not_told(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    gateway.refuse = refuse_all
    for service, data in (
        ("add_share", {"mac": PI, "name": "Game", "port": 99}),
        ("remove_share", {"share_id": WEB}),
        ("turn_on", {"entity_id": SSH_SWITCH}),
    ):
        with pytest.raises(HomeAssistantError):
            await call(hass, service, **data)
    await hass.async_block_till_done()
    gateway.refuse = FakeGateway().refuse
    gateway.see(NAS, PI_IPV4)
    await hass.async_block_till_done()
    assert not events


async def test_a_device_that_moves_is_no_event(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    gateway.see(NAS)
    gateway.see(NAS, PI_IPV4)
    await hass.async_block_till_done()
    assert not events


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (None, Reason.USER),
        (Context(), Reason.USER),
        (Context(parent_id="automation"), Reason.AUTOMATION),
    ],
)
def test_a_switch_is_turned_by_a_user_or_by_an_automation(
    context: Context | None, reason: Reason
) -> None:
    assert Cause.of_switch(context) == Cause(reason, context)
