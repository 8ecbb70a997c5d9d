"""Open for a while, and close everything at once."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .conftest import (
    SSH,
    SSH_SWITCH,
    WEB,
    WEB_SWITCH,
    call,
    refuse_all,
    refuse_text,
    state_of,
    stored,
)
from .fake_gateway import FakeGateway


def told(events: list[Event]) -> list[tuple[str, str | None, str]]:
    return [
        (event.data["type"], event.data.get("name"), event.data["reason"])
        for event in events
    ]


async def test_a_share_that_is_open_for_a_while_closes_by_itself(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    answer = await call(
        hass,
        "open_temporarily",
        response=True,
        share_id=SSH,
        duration={"minutes": 10},
    )
    assert answer["share_id"] == SSH
    assert answer["closes_at"]
    assert "tcp 2222 -> 192.168.178.21:22" in gateway.open
    assert state_of(hass, SSH_SWITCH).state == "on"

    freezer.tick(timedelta(minutes=11))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert "tcp 2222 -> 192.168.178.21:22" not in gateway.open
    assert state_of(hass, SSH_SWITCH).state == "off"
    assert stored(loaded)[SSH]["enabled"] is False
    assert told(events) == [
        ("share_enabled", "SSH", "service"),
        ("share_disabled", "SSH", "expired"),
    ]


async def test_a_share_that_was_to_close_while_home_assistant_was_away_stays_closed(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    freezer: FrozenDateTimeFactory,
) -> None:
    await call(hass, "open_temporarily", share_id=SSH, duration={"minutes": 10})
    await hass.config_entries.async_unload(loaded.entry_id)
    freezer.tick(timedelta(minutes=11))
    await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert "tcp 2222 -> 192.168.178.21:22" not in gateway.open
    assert state_of(hass, SSH_SWITCH).state == "off"


async def test_a_while_that_is_none_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    with pytest.raises(ServiceValidationError):
        await call(hass, "open_temporarily", share_id=SSH, duration={"seconds": 0})
    assert stored(loaded)[SSH]["enabled"] is False
    assert not gateway.changes


async def test_everything_is_closed_in_one_transaction(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    events.clear()
    answer = await call(hass, "close_all", response=True)
    assert {share["name"] for share in answer["closed"]} == {"Web server", "SSH"}
    assert not gateway.mappings
    assert len(gateway.changes) == 2
    assert state_of(hass, WEB_SWITCH).state == "off"
    assert sorted(told(events), key=str) == [
        ("all_closed", None, "service"),
        ("share_disabled", "SSH", "service"),
        ("share_disabled", "Web server", "service"),
    ]


async def test_the_button_closes_everything(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    button = "button.gateway_close_everything"
    await hass.services.async_call(
        "button", "press", {"entity_id": button}, blocking=True
    )
    assert not gateway.mappings
    # And once more, when there is nothing to close.
    await hass.services.async_call(
        "button", "press", {"entity_id": button}, blocking=True
    )
    assert len(gateway.changes) == 1


async def test_what_the_kernel_refuses_to_close_is_not_told_as_closed(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    before = stored(loaded)
    gateway.refuse = refuse_all
    with pytest.raises(HomeAssistantError, match="Operation not permitted"):
        await call(hass, "close_all")
    await hass.async_block_till_done()
    assert stored(loaded) == before
    assert len(gateway.mappings) == 2
    assert not events


async def test_everything_stays_closed_though_a_change_before_it_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.refuse = refuse_text("Poison")
    gateway.pause()
    changing = hass.async_create_task(
        call(hass, "update_share", share_id=WEB, name="Poison")
    )
    await gateway.under_way.wait()
    closing = hass.async_create_task(call(hass, "close_all"))
    gateway.go_on()
    with pytest.raises(HomeAssistantError, match="Poison is poison"):
        await changing
    await closing
    await hass.async_block_till_done()
    assert not gateway.mappings
    assert stored(loaded)[WEB]["enabled"] is False
