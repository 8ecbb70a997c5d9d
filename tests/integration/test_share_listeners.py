"""Entities of a share are told when it changes, and thousands of them little by little."""

import asyncio
from collections.abc import Iterator
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


@pytest.fixture
def told(loaded: MockConfigEntry) -> Iterator[list[str]]:
    """The shares whose listeners have been told."""
    coordinator: PortShareCoordinator = loaded.runtime_data
    told: list[str] = []
    stops = [
        coordinator.async_add_listener(partial(told.append, each), each)
        for each in (WEB, SSH)
    ]
    yield told
    for stop in stops:
        stop()


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
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    shares: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But what was true at last is what all say in the end."""
    monkeypatch.setattr(share_listeners, "_SLICE_SECONDS", 0)
    told: list[str] = []
    coordinator: PortShareCoordinator = loaded.runtime_data
    for share_id in shares:
        coordinator.async_add_listener(partial(told.append, share_id), share_id)
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
async def test_what_somebody_has_just_done_is_told_before_what_waits(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    shares: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the internet has gone, too, a switch is off once it has been switched off."""
    monkeypatch.setattr(share_listeners, "_SLICE_SECONDS", 0)
    told = set[str]()
    coordinator: PortShareCoordinator = loaded.runtime_data
    for share_id in shares:
        coordinator.async_add_listener(partial(told.add, share_id), share_id)
    gateway.change(internet=frozenset(), wan_ipv4=())
    while not told:
        await asyncio.sleep(0)
    number, _ = max(enumerate(shares), key=lambda each: each[1] not in told)
    switch = f"switch.nas_web_{number}"
    await call(hass, "turn_off", entity_id=switch)
    assert state_of(hass, switch).state == "off"
    assert len(told) < MANY


@MANY_SHARES
async def test_who_stops_listening_while_it_waits_hears_nothing(
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    shares: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(share_listeners, "_SLICE_SECONDS", 0)
    told: list[str] = []
    coordinator: PortShareCoordinator = loaded.runtime_data
    stops = [
        coordinator.async_add_listener(partial(told.append, each), each)
        for each in shares
    ]
    gateway.change(internet=frozenset(), wan_ipv4=())
    while not told:
        await asyncio.sleep(0)
    for stop in stops:
        stop()
    at_the_end = list(told)
    for _ in range(10 * MANY):
        await asyncio.sleep(0)
    assert told == at_the_end


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
