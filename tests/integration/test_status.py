"""The switch shows what the user wants; the status shows what is true."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.portshare.sharing.model import Status
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    Home,
    SetUp,
    call,
    refuse_all,
    refuse_text,
    state_of,
    subentry_of,
)
from .fake_gateway import HOME, NAS, NAS_IPV4, NAS_IPV6, FakeGateway

WEB_STATUS = "sensor.nas_web_server_status"
SSH_STATUS = "sensor.nas_ssh_status"
PROBLEM = "binary_sensor.nas_problem"


def problems(hass: HomeAssistant) -> tuple[str, list[tuple[str, str]]]:
    state = state_of(hass, PROBLEM)
    shares = state.attributes["shares"]
    return state.state, [(each["name"], each["status"]) for each in shares]


@pytest.mark.usefixtures("loaded")
async def test_what_is_active_or_off_is_no_problem(hass: HomeAssistant) -> None:
    assert state_of(hass, WEB_STATUS).state == "active"
    assert state_of(hass, SSH_STATUS).state == "off"
    assert problems(hass) == ("off", [])


@pytest.mark.usefixtures("loaded")
async def test_the_status_is_one_of_all_there_are(hass: HomeAssistant) -> None:
    assert state_of(hass, WEB_STATUS).attributes["options"] == list(Status)


async def test_status_and_problem_are_known_by_ids_and_are_diagnostic(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    device_id = subentry_of(loaded).subentry_id
    registry = er.async_get(hass)
    for entity_id, unique_id in (
        (WEB_STATUS, f"{device_id}_{WEB}_status"),
        (PROBLEM, f"{device_id}_problem"),
    ):
        entity = registry.async_get(entity_id)
        assert entity
        assert entity.unique_id == unique_id
        assert entity.entity_category == "diagnostic"


@pytest.mark.usefixtures("loaded")
async def test_without_internet(hass: HomeAssistant, gateway: FakeGateway) -> None:
    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    assert state_of(hass, WEB_SWITCH).state == "on"
    assert state_of(hass, WEB_STATUS).state == "no_internet"
    assert problems(hass) == ("on", [("Web server", "no_internet")])
    gateway.change(internet=HOME.internet)
    await hass.async_block_till_done()
    assert state_of(hass, WEB_STATUS).state == "active"
    assert problems(hass) == ("off", [])


@pytest.mark.usefixtures("loaded")
async def test_without_the_device(hass: HomeAssistant, gateway: FakeGateway) -> None:
    gateway.see(NAS)
    await hass.async_block_till_done()
    assert state_of(hass, WEB_SWITCH).state == "on"
    assert state_of(hass, WEB_STATUS).state == "device_unknown"
    assert problems(hass) == ("on", [("Web server", "device_unknown")])
    gateway.see(NAS, NAS_IPV4, NAS_IPV6)
    await hass.async_block_till_done()
    assert state_of(hass, WEB_STATUS).state == "active"


@pytest.mark.parametrize(
    "shares",
    [{WEB: dict(WEB_DATA), SSH: {**SSH_DATA, "external_port": 8080, "enabled": True}}],
)
@pytest.mark.usefixtures("loaded")
async def test_of_two_for_one_port(hass: HomeAssistant) -> None:
    assert state_of(hass, WEB_STATUS).state == "active"
    assert state_of(hass, SSH_STATUS).state == "conflict"
    assert problems(hass) == ("on", [("SSH", "conflict")])
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    assert state_of(hass, SSH_STATUS).state == "off"
    assert problems(hass) == ("off", [])


@pytest.mark.parametrize(
    "shares",
    [{WEB: dict(WEB_DATA), SSH: {**SSH_DATA, "name": "Web server", "enabled": True}}],
)
@pytest.mark.usefixtures("loaded")
async def test_of_two_with_one_name(hass: HomeAssistant, home: Home) -> None:
    await home.change(internet=frozenset())
    assert state_of(hass, PROBLEM).attributes["shares"] == [
        {"share_id": share_id, "name": "Web server", "status": "no_internet"}
        for share_id in (WEB, SSH)
    ]


@pytest.mark.usefixtures("loaded", "errors_expected")
async def test_of_what_the_kernel_refuses(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    gateway.refuse = refuse_text("Web server")
    gateway.see(NAS, NAS_IPV4)
    await hass.async_block_till_done()
    assert state_of(hass, WEB_STATUS).state == "error"
    assert problems(hass) == ("on", [("Web server", "error")])
    gateway.refuse = FakeGateway().refuse
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert state_of(hass, WEB_STATUS).state == "active"


@pytest.mark.usefixtures("errors_expected", "loaded")
async def test_while_nothing_is_known(
    hass: HomeAssistant, gateway: FakeGateway, tick: SetUp
) -> None:
    gateway.refuse = refuse_all
    await tick()
    for entity_id in (WEB_STATUS, PROBLEM, "sensor.nas_web_server_closes_at"):
        assert state_of(hass, entity_id).state == "unavailable"
    gateway.refuse = FakeGateway().refuse
    await tick()
    assert state_of(hass, WEB_STATUS).state == "active"
    assert problems(hass) == ("off", [])


async def test_every_entity_of_a_share_follows_when_it_is_renamed(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, "update_share", share_id=WEB, name="Site")
    await hass.async_block_till_done()
    for entity_id, name in (
        (WEB_SWITCH, "NAS Site"),
        (WEB_STATUS, "NAS Site status"),
        ("sensor.nas_web_server_closes_at", "NAS Site closes at"),
    ):
        assert state_of(hass, entity_id).attributes["friendly_name"] == name
    # And the registry knows it, too: there the user looks for it.
    entity = er.async_get(hass).async_get(WEB_STATUS)
    assert entity
    assert entity.original_name == "Site status"


async def test_every_entity_of_a_share_goes_with_it(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, "remove_share", share_id=WEB)
    await hass.async_block_till_done()
    registry = er.async_get(hass)
    for entity_id in (WEB_SWITCH, WEB_STATUS, "sensor.nas_web_server_closes_at"):
        assert hass.states.get(entity_id) is None
        assert registry.async_get(entity_id) is None
    assert hass.states.get(PROBLEM)


@pytest.mark.usefixtures("loaded")
async def test_nothing_is_written_when_nothing_has_changed(
    hass: HomeAssistant, gateway: FakeGateway, tick: SetUp
) -> None:
    await tick()
    written: list[Any] = async_capture_events(hass, EVENT_STATE_CHANGED)
    await tick()
    await tick()
    gateway.change()
    await hass.async_block_till_done()
    assert not written


async def test_a_share_that_is_renamed_before_its_entities_are_there(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    added = await call(hass, "add_share", response=True, mac=NAS, name="Game", port=99)
    await call(hass, "update_share", share_id=added["share_id"], name="Play")
    await hass.async_block_till_done()
    names = {
        hass.states.get(entity.entity_id).attributes["friendly_name"]  # type: ignore[union-attr]
        for entity in er.async_get(hass).entities.values()
        if added["share_id"] in entity.unique_id and not entity.disabled
    }
    assert names == {"NAS Play", "NAS Play status", "NAS Play closes at"}
