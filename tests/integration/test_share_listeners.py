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

from .conftest import SSH, WEB, WEB_DATA, WEB_SWITCH, SetUp, call, refuse_all, state_of
from .fake_gateway import FakeGateway

MANY = 50
MANY_SHARES = pytest.mark.parametrize(
    "shares",
    [
        {
            f"01KAQ3V8Z0Y6S9V3K1T5N7C{number:03}": {
                **WEB_DATA,
                "name": f"Web {number}",
                "port": 1000 + number,
                "port_end": 1000 + number,
                "external_port": 1000 + number,
            }
            for number in range(MANY)
        }
    ],
)


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
def one_at_a_time(loaded: MockConfigEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on each turn of the loop tells of one share."""
    monkeypatch.setattr(share_listeners, "_SLICE_SECONDS", 0)


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
@pytest.mark.usefixtures("one_at_a_time")
async def test_others_have_their_turn_while_very_many_are_told(
    hass: HomeAssistant,
    gateway: FakeGateway,
    shares: dict[str, Any],
    told: list[str],
) -> None:
    """But what was true at last is what all say in the end."""
    gateway.change(internet=frozenset(), wan_ipv4=())
    meanwhile = set()
    for _ in range(10 * MANY):
        meanwhile.add(len(told))
        await asyncio.sleep(0)
    assert sorted(told) == sorted(shares)
    assert len(meanwhile) > 2
    await hass.async_block_till_done()
    for number in range(MANY):
        share = state_of(hass, f"switch.nas_web_{number}")
        assert share.attributes["status"] == "no_internet"


@MANY_SHARES
@pytest.mark.usefixtures("one_at_a_time")
async def test_what_somebody_has_just_done_is_told_before_what_waits(
    hass: HomeAssistant,
    gateway: FakeGateway,
    shares: dict[str, Any],
    told: list[str],
) -> None:
    """When the internet has gone, too, a switch is off once it has been switched off."""
    gateway.change(internet=frozenset(), wan_ipv4=())
    while not told:
        await asyncio.sleep(0)
    number, _ = max(enumerate(shares), key=lambda each: each[1] not in told)
    switch = f"switch.nas_web_{number}"
    await call(hass, "turn_off", entity_id=switch)
    assert state_of(hass, switch).state == "off"
    assert set(told) < shares.keys()


@MANY_SHARES
@pytest.mark.usefixtures("one_at_a_time")
async def test_who_stops_listening_while_it_waits_hears_nothing(
    gateway: FakeGateway, ears: Ears
) -> None:
    gateway.change(internet=frozenset(), wan_ipv4=())
    while not ears.told:
        await asyncio.sleep(0)
    ears.stop()
    at_the_end = list(ears.told)
    for _ in range(10 * MANY):
        await asyncio.sleep(0)
    assert ears.told == at_the_end


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
