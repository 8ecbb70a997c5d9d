"""Close everything: at once, whatever is going on, and it says what it closed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)

from custom_components.portshare.const import DOMAIN
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    call,
    device,
    refuse_all,
    refuse_text,
    state_of,
    stored,
    subentry_of,
)
from .fake_gateway import NAS, PI, FakeGateway

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BUTTON = "button.gateway_close_everything"
GAME = "01KAQ3V8Z0Y6S9V3K1T5N7B2CF"


@pytest.fixture(autouse=True)
def _noon(freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(NOON)


@pytest.fixture
def entry(shares: dict[str, Any]) -> MockConfigEntry:
    """A gateway with two devices that share something, and one that does not."""
    game = {**SSH_DATA, "name": "Game", "port": 99, "port_end": 99, "enabled": True}
    return MockConfigEntry(
        domain=DOMAIN,
        title="Gateway",
        data={"wan_interfaces": ["wan0"], "lan_interfaces": ["lan0"]},
        subentries_data=[
            device(NAS, "NAS", shares),
            device(PI, "Pi", {GAME: {**game, "external_port": 9999}}),
        ],
    )


def told(events: list[Event]) -> list[tuple[str, str | None, str]]:
    return sorted(
        (event.data["type"], event.data.get("name", ""), event.data["reason"])
        for event in events
    )


async def press(hass: HomeAssistant, context: Context | None = None) -> None:
    await hass.services.async_call(
        "button", "press", {"entity_id": BUTTON}, blocking=True, context=context
    )


async def test_the_service_says_what_it_closed_as_it_was(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    before = (await call(hass, "list_shares", response=True))["shares"]
    answer = await call(hass, "close_all", response=True)
    # With this it can be undone.
    assert sorted(answer["closed"], key=lambda each: str(each["share_id"])) == [
        share for share in before if share["enabled"]
    ]
    [change] = gateway.changes
    assert not change.opened
    assert not gateway.mappings
    assert told(events) == [
        ("all_closed", "", "service"),
        ("share_disabled", "Game", "service"),
        ("share_disabled", "Web server", "service"),
    ]
    last = events[-1].data
    assert set(last["closed"]) == {WEB, GAME}
    assert last["at"] == NOON.isoformat()
    gateway_device = dr.async_get(hass).async_get(last["device_id"])
    assert gateway_device
    assert gateway_device.identifiers == {(DOMAIN, loaded.entry_id)}


@pytest.mark.usefixtures("loaded")
async def test_the_button_does_the_same_and_carries_who_pressed_it(
    hass: HomeAssistant,
    gateway: FakeGateway,
    events: list[Event],
    hass_admin_user: MockUser,
) -> None:
    context = Context(user_id=hass_admin_user.id)
    await press(hass, context)
    assert len(gateway.changes) == 1
    assert not gateway.mappings
    assert {event.context.id for event in events} == {context.id}
    assert {event.data["reason"] for event in events} == {"user"}
    for switch in (WEB_SWITCH, SSH_SWITCH, "switch.pi_game"):
        assert state_of(hass, switch).state == "off"


@pytest.mark.usefixtures("loaded")
async def test_an_automation_that_presses_the_button_is_told(
    hass: HomeAssistant, events: list[Event]
) -> None:
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": {"trigger": "event", "event_type": "everybody_left"},
                "actions": {
                    "action": "button.press",
                    "target": {"entity_id": BUTTON},
                },
            }
        },
    )
    hass.bus.async_fire("everybody_left")
    await hass.async_block_till_done()
    assert {event.data["reason"] for event in events} == {"automation"}


@pytest.mark.usefixtures("loaded")
async def test_nothing_to_close_is_told_as_such(
    hass: HomeAssistant, gateway: FakeGateway, events: list[Event]
) -> None:
    await press(hass)
    events.clear()
    gateway.changes.clear()
    assert await call(hass, "close_all", response=True) == {
        "closed": [],
        "leases": [],
    }
    assert not gateway.changes
    assert told(events) == [("all_closed", "", "service")]
    assert events[0].data["closed"] == []


@pytest.mark.usefixtures("loaded")
async def test_only_an_administrator_may(
    hass: HomeAssistant, gateway: FakeGateway, hass_read_only_user: MockUser
) -> None:
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            "close_all",
            {},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )
    assert not gateway.changes


async def test_what_is_open_for_a_while_is_closed_for_good(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    await call(hass, "open_temporarily", share_id=SSH, duration={"minutes": 3})
    answer = await call(hass, "close_all", response=True)
    assert {each["name"]: each["closes_at"] for each in answer["closed"]} == {
        "Game": None,
        "SSH": (NOON + timedelta(minutes=3)).isoformat(),
        "Web server": None,
    }
    assert subentry_of(loaded).data["shares"][SSH]["open_until"] is None
    assert state_of(hass, "sensor.nas_ssh_closes_at").state == "unknown"
    events.clear()
    freezer.tick(timedelta(minutes=4))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert not events


async def test_if_the_kernel_refuses_all_is_as_before(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    before = stored(loaded), stored(loaded, PI), gateway.open
    gateway.refuse = refuse_all
    with pytest.raises(HomeAssistantError, match="Operation not permitted"):
        await press(hass)
    await hass.async_block_till_done()
    assert (stored(loaded), stored(loaded, PI), gateway.open) == before
    assert state_of(hass, WEB_SWITCH).state == "on"
    assert not events


async def test_what_the_kernel_refuses_does_not_keep_the_others_open(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    gateway.refuse = refuse_text("Game")
    with pytest.raises(HomeAssistantError, match="Game is poison"):
        await call(hass, "close_all")
    await hass.async_block_till_done()
    assert gateway.open == {"tcp 9999 -> 192.168.178.22:99"}
    assert state_of(hass, WEB_SWITCH).state == "off"
    assert state_of(hass, "switch.pi_game").state == "on"
    assert told(events) == [("share_disabled", "Web server", "service")]


async def test_two_who_close_everything_close_it_once(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    gateway.pause()
    calls = [
        hass.async_create_task(call(hass, "close_all", response=True)) for _ in range(2)
    ]
    await gateway.under_way.wait()
    gateway.go_on()
    closed = [len((await each)["closed"]) for each in calls]
    assert closed == [2, 0]
    assert len(gateway.changes) == 1
    assert len(events) == 4


async def test_a_share_that_is_being_opened_is_closed_too(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.pause()
    opening = hass.async_create_task(call(hass, "turn_on", entity_id=SSH_SWITCH))
    await gateway.under_way.wait()
    closing = hass.async_create_task(call(hass, "close_all"))
    gateway.go_on()
    await opening
    await closing
    assert not gateway.mappings
    assert stored(loaded)[SSH]["enabled"] is False


async def test_a_share_that_is_being_added_is_closed_too(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.pause()
    adding = hass.async_create_task(
        call(hass, "add_share", mac=NAS, name="Late", port=98)
    )
    await gateway.under_way.wait()
    closing = hass.async_create_task(call(hass, "close_all", response=True))
    gateway.go_on()
    await adding
    answer = await closing
    assert not gateway.mappings
    assert {each["name"] for each in answer["closed"]} == {"Late", "Game", "Web server"}


async def test_a_device_that_is_being_removed_is_no_hindrance(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.pause()
    hass.config_entries.async_remove_subentry(
        loaded, subentry_of(loaded, PI).subentry_id
    )
    await gateway.under_way.wait()
    closing = hass.async_create_task(call(hass, "close_all", response=True))
    gateway.go_on()
    answer = await closing
    assert not gateway.mappings
    assert {each["name"] for each in answer["closed"]} == {"Web server"}
    assert stored(loaded)[WEB] == {**WEB_DATA, "enabled": False}


async def test_a_device_that_is_removed_meanwhile_is_closed_with_the_others(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.pause()
    closing = hass.async_create_task(call(hass, "close_all", response=True))
    await gateway.under_way.wait()
    hass.config_entries.async_remove_subentry(
        loaded, subentry_of(loaded, PI).subentry_id
    )
    gateway.go_on()
    answer = await closing
    assert not gateway.mappings
    assert {each["name"] for each in answer["closed"]} == {"Game", "Web server"}
