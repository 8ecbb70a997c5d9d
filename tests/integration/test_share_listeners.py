"""Entities of a share are told when it changes, and thousands of them little by little."""

import asyncio
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare import share_listeners
from custom_components.portshare.coordinator import PortShareCoordinator
from homeassistant.core import HomeAssistant

from .conftest import (
    SSH,
    WEB,
    WEB_SWITCH,
    SetUp,
    call,
    many_shares,
    refuse_all,
    state_of,
)
from .fake_gateway import FakeGateway

MANY = 50
MANY_SHARES = pytest.mark.parametrize("shares", [many_shares("Web", range(MANY))])


class Ears:
    """Somebody for each share, and the shares that they have been told of."""

    def __init__(
        self, coordinator: PortShareCoordinator, shares: Iterable[str]
    ) -> None:
        self.told: list[str] = []
        self._stops = [
            coordinator.async_add_listener(partial(self.told.append, each), each)
            for each in shares
        ]

    def stop(self) -> None:
        while self._stops:
            self._stops.pop()()


@pytest.fixture
def ears(loaded: MockConfigEntry, shares: dict[str, Any]) -> Iterator[Ears]:
    ears = Ears(loaded.runtime_data, shares)
    yield ears
    ears.stop()


@pytest.fixture
def told(ears: Ears) -> list[str]:
    return ears.told


@pytest.fixture
async def being_told(
    ears: Ears, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The first who have been told that the internet has gone; the others wait."""
    monkeypatch.setattr(share_listeners, "_SLICE_SECONDS", 0)
    gateway.change(internet=frozenset(), wan_ipv4=())
    while not ears.told:
        await asyncio.sleep(0)
    return ears.told


async def test_who_listens_to_a_share_hears_of_no_other(
    hass: HomeAssistant, told: list[str]
) -> None:
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert set(told) == {WEB}


async def test_who_listens_no_longer_hears_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    coordinator: PortShareCoordinator = loaded.runtime_data
    told: list[str] = []
    for name in "ab":
        stop = coordinator.async_add_listener(partial(told.append, name), WEB)
        if name == "a":
            stop()
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert told == ["b"]


@pytest.mark.usefixtures("errors_expected")
async def test_all_hear_that_the_kernel_refuses(
    gateway: FakeGateway, told: list[str], tick: SetUp
) -> None:
    gateway.refuse = refuse_all
    await tick()
    assert set(told) == {WEB, SSH}


@MANY_SHARES
async def test_others_have_their_turn_while_very_many_are_told(
    hass: HomeAssistant, shares: dict[str, Any], being_told: list[str]
) -> None:
    """But what was true at last is what all say in the end."""
    meanwhile = set()
    for _ in range(10 * MANY):
        meanwhile.add(len(being_told))
        await asyncio.sleep(0)
    assert sorted(being_told) == sorted(shares)
    assert len(meanwhile) > 2
    await hass.async_block_till_done()
    for number in range(MANY):
        share = state_of(hass, f"switch.nas_web_{number}")
        assert share.attributes["status"] == "no_internet"


@MANY_SHARES
async def test_what_somebody_has_just_done_is_told_before_what_waits(
    hass: HomeAssistant, shares: dict[str, Any], being_told: list[str]
) -> None:
    """When the internet has gone, too, a switch is off once it has been switched off."""
    number, _ = max(enumerate(shares), key=lambda each: each[1] not in being_told)
    switch = f"switch.nas_web_{number}"
    await call(hass, "turn_off", entity_id=switch)
    assert state_of(hass, switch).state == "off"
    assert set(being_told) < shares.keys()


@MANY_SHARES
async def test_who_stops_listening_while_it_waits_hears_nothing(
    ears: Ears, being_told: list[str]
) -> None:
    ears.stop()
    at_the_end = list(being_told)
    for _ in range(10 * MANY):
        await asyncio.sleep(0)
    assert being_told == at_the_end


@pytest.mark.usefixtures("errors_expected")
async def test_one_that_fails_keeps_nobody_from_hearing(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    told: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    coordinator: PortShareCoordinator = loaded.runtime_data

    def fail() -> None:
        raise ValueError("an entity is broken")

    coordinator.async_add_listener(fail, WEB)
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await call(hass, "turn_on", entity_id=WEB_SWITCH)
    assert told == [WEB, WEB]
    assert caplog.text.count(f"An entity of share {WEB} is broken") == 2
