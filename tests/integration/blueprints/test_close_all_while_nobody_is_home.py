"""The last one leaves, and everything is closed."""

from typing import Any

import pytest

from homeassistant.core import HomeAssistant

from ..conftest import SSH, SSH_SWITCH, WEB, WEB_SWITCH, call
from ..fake_gateway import FakeGateway
from .conftest import PassTime, settle, state_of, use

NAME = "close_all_while_nobody_is_home"
PERSONS = ("person.anna", "person.ben")


@pytest.fixture(autouse=True)
def both_at_home(hass: HomeAssistant) -> None:
    for person in PERSONS:
        hass.states.async_set(person, "home")


async def move(hass: HomeAssistant, **places: str) -> None:
    for name, place in places.items():
        hass.states.async_set(f"person.{name}", place)
    await settle()


async def use_it(hass: HomeAssistant, **inputs: Any) -> None:
    await use(hass, NAME, persons=list(PERSONS), **inputs)


async def test_all_is_closed_when_the_last_one_has_left(
    hass: HomeAssistant,
    loaded: Any,
    gateway: FakeGateway,
    pass_time: PassTime,
) -> None:
    await use_it(hass)
    await move(hass, anna="not_home")
    await pass_time(minutes=11)
    assert state_of(hass, WEB_SWITCH) == "on"
    await move(hass, ben="Work")
    await pass_time(minutes=9)
    assert state_of(hass, WEB_SWITCH) == "on"
    await pass_time(minutes=2)
    assert state_of(hass, WEB_SWITCH) == "off"
    assert gateway.mappings == set()
    await move(hass, ben="home")
    assert state_of(hass, WEB_SWITCH) == "off"


@pytest.mark.parametrize("state", ["home", "unknown", "unavailable"])
async def test_not_if_somebody_may_be_at_home(
    hass: HomeAssistant,
    loaded: Any,
    pass_time: PassTime,
    state: str,
) -> None:
    await use_it(hass)
    await move(hass, anna="not_home", ben="not_home")
    await move(hass, ben=state)
    await pass_time(minutes=11)
    assert state_of(hass, WEB_SWITCH) == "on"


async def test_the_same_are_open_again_when_somebody_is_back(
    hass: HomeAssistant,
    loaded: Any,
    gateway: FakeGateway,
    pass_time: PassTime,
) -> None:
    before = set(gateway.mappings)
    await use_it(hass, reopen=True)
    for _ in range(2):
        await move(hass, anna="not_home", ben="not_home")
        await pass_time(minutes=11)
        assert gateway.mappings == set()
        await move(hass, ben="home")
        assert gateway.mappings == before
    assert state_of(hass, SSH_SWITCH) == "off"


async def test_what_was_open_for_a_while_stays_closed(
    hass: HomeAssistant, loaded: Any, pass_time: PassTime
) -> None:
    await use_it(hass, reopen=True)
    await call(hass, "open_temporarily", share_id=SSH, duration={"hours": 1})
    await move(hass, anna="not_home", ben="not_home")
    await pass_time(minutes=11)
    await move(hass, ben="home")
    assert state_of(hass, WEB_SWITCH) == "on"
    assert state_of(hass, SSH_SWITCH) == "off"


@pytest.mark.usefixtures("errors_expected")
async def test_a_share_removed_meanwhile_keeps_no_other_from_being_opened(
    hass: HomeAssistant, loaded: Any, pass_time: PassTime
) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await use_it(hass, reopen=True)
    await move(hass, anna="not_home", ben="not_home")
    await pass_time(minutes=11)
    await call(hass, "remove_share", share_id=WEB)
    await move(hass, anna="home")
    assert state_of(hass, SSH_SWITCH) == "on"
