"""Telling at once, but not a hundred times; and never without the last word."""

import asyncio
from collections.abc import AsyncIterator
from types import MappingProxyType
from unittest.mock import Mock

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.portshare.pace import Pace
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from .conftest import SSH, SSH_DATA, call, device, state_of
from .fake_gateway import HOME, PI, FakeGateway


@pytest.fixture
async def told() -> Mock:
    """What is called: it counts."""
    return Mock()


@pytest.fixture
async def pace(told: Mock) -> AsyncIterator[Pace]:
    """Three at once, and one every other second."""
    pace = Pace(told, burst=3, interval=2.0)
    yield pace
    pace.cancel()


async def pass_by(seconds: float, freezer: FrozenDateTimeFactory) -> None:
    """Let time pass; the loop's clock is the frozen one."""
    freezer.tick(seconds)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_burst_is_told_at_once(pace: Pace, told: Mock) -> None:
    for count in range(1, 4):
        pace.ask()
        assert told.call_count == count


async def test_after_that_one_is_told_for_each_interval(
    pace: Pace, told: Mock, freezer: FrozenDateTimeFactory
) -> None:
    for _ in range(100):
        pace.ask()
        await pass_by(0.1, freezer)
    assert told.call_count in (3 + 4, 3 + 5)
    await pass_by(2.1, freezer)
    count = told.call_count
    await pass_by(60, freezer)
    assert told.call_count == count


async def test_what_was_asked_for_last_is_told_no_later_than_an_interval_after(
    pace: Pace, told: Mock, freezer: FrozenDateTimeFactory
) -> None:
    for _ in range(4):
        pace.ask()
    assert told.call_count == 3
    await pass_by(1.9, freezer)
    pace.ask()
    assert told.call_count == 3
    await pass_by(0.2, freezer)
    assert told.call_count == 4


async def test_after_a_rest_there_is_a_burst_again_and_no_more_than_that(
    pace: Pace, told: Mock, freezer: FrozenDateTimeFactory
) -> None:
    for _ in range(3):
        pace.ask()
    await pass_by(3600, freezer)
    for _ in range(10):
        pace.ask()
    assert told.call_count == 6


async def test_a_hurry_is_told_at_once_and_says_what_was_to_be_said_later(
    pace: Pace, told: Mock, freezer: FrozenDateTimeFactory
) -> None:
    for _ in range(4):
        pace.ask()
    pace.hurry()
    assert told.call_count == 4
    await pass_by(10, freezer)
    assert told.call_count == 4


async def test_many_in_a_hurry_keep_nobody_waiting(pace: Pace, told: Mock) -> None:
    for _ in range(100):
        pace.hurry()
    assert told.call_count == 100
    pace.ask()
    assert told.call_count == 101


async def test_what_is_cancelled_is_not_told(
    pace: Pace, told: Mock, freezer: FrozenDateTimeFactory
) -> None:
    pace.cancel()
    for _ in range(4):
        pace.ask()
    pace.cancel()
    await pass_by(10, freezer)
    assert told.call_count == 3


# What it means for those who ask


async def flap(hass: HomeAssistant, gateway: FakeGateway, times: int = 10) -> None:
    """Use up what may be told at once; in the end all is as before."""
    for count in range(times):
        internet = HOME.internet if count % 2 else frozenset()
        gateway.change(internet=internet)
        await hass.async_block_till_done()


async def test_who_lists_the_shares_gets_the_truth_of_the_moment(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    freezer: FrozenDateTimeFactory,
) -> None:
    await flap(hass, gateway)
    data = device(PI, "Pi", {SSH[:-1] + "F": {**SSH_DATA, "external_port": 2223}})
    hass.config_entries.async_add_subentry(
        loaded,
        ConfigSubentry(
            data=MappingProxyType(dict(data["data"])),
            subentry_type="device",
            title="Pi",
            unique_id=PI,
        ),
    )
    await hass.async_block_till_done()
    listed = (await call(hass, "list_shares", response=True))["shares"]
    assert {each["device"] for each in listed} == {"NAS", "Pi"}
    freezer.tick(3)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert state_of(hass, "switch.pi_ssh").state == "off"


async def test_nothing_is_told_later_after_unload(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    freezer: FrozenDateTimeFactory,
) -> None:
    await flap(hass, gateway)
    told = Mock()
    loaded.runtime_data.async_add_listener(told)
    await hass.config_entries.async_unload(loaded.entry_id)
    freezer.tick(10)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert not told.mock_calls
