"""What somebody else does to our tables is undone, and said once."""

from collections.abc import Callable
import logging

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.gateway.errors import GatewayError, OutOfStep
from custom_components.portshare.gateway.preflight import AlreadyRunning
from custom_components.portshare.sharing.model import Change
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .conftest import SSH_SWITCH, WEB_SWITCH, Later, SetUp, call, refuse_all, state_of
from .fake_gateway import FakeGateway

SOMEBODY = "Somebody else has changed the firewall tables"


def told(caplog: pytest.LogCaptureFixture) -> int:
    """Return how often damage has been told."""
    return sum(SOMEBODY in each.getMessage() for each in caplog.records)


def refuse_once(gateway: FakeGateway, error: GatewayError) -> Callable[[Change], None]:
    """Refuse the next change, and none after it."""

    def refuse(_: Change) -> None:
        gateway.refuse = lambda change: None
        raise error

    return refuse


@pytest.mark.usefixtures("loaded")
async def test_a_table_that_somebody_flushes_is_filled_again(
    hass: HomeAssistant, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    before = gateway.open
    gateway.damage()
    assert not gateway.open
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.open == before
    assert told(caplog) == 1
    assert state_of(hass, WEB_SWITCH).attributes["status"] == "active"


@pytest.mark.usefixtures("loaded")
async def test_what_somebody_puts_into_the_table_is_taken_out(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    before = gateway.mappings
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    more = gateway.mappings
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    gateway.damage(more)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.mappings == before


@pytest.mark.usefixtures("loaded")
async def test_a_thousand_times_is_one_line_in_the_log(
    hass: HomeAssistant, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """And what is done to the tables in one moment is undone at once."""
    before, adoptions = gateway.open, gateway.adoptions
    for _ in range(1000):
        gateway.damage()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.open == before
    assert gateway.adoptions == adoptions + 1
    for _ in range(1000):
        gateway.damage()
        await hass.async_block_till_done(wait_background_tasks=True)
        assert gateway.open == before
    assert told(caplog) == 1


@pytest.mark.usefixtures("loaded")
async def test_after_a_quiet_time_it_is_told_again(
    hass: HomeAssistant,
    gateway: FakeGateway,
    later: Later,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway.damage()
    await later(minutes=4)
    gateway.damage()
    await later(minutes=4)
    gateway.damage()
    assert told(caplog) == 1
    await later(minutes=6)
    gateway.damage()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert told(caplog) == 2


@pytest.mark.usefixtures("loaded")
async def test_damage_while_the_tables_are_put_right_is_undone_too(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    before = gateway.open
    gateway.pause()
    gateway.damage()
    await gateway.under_way.wait()
    gateway.damage()
    gateway.go_on()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not gateway.damaged
    assert gateway.open == before


@pytest.mark.usefixtures("loaded", "errors_expected")
@pytest.mark.parametrize("error", [OutOfStep("EEXIST"), GatewayError("EBUSY")])
async def test_who_is_quicker_than_we_does_not_win(
    hass: HomeAssistant, gateway: FakeGateway, error: GatewayError
) -> None:
    """He changes the tables while they are put right, and that fails because of him."""
    before = gateway.open
    gateway.pause()
    gateway.damage()
    await gateway.under_way.wait()
    gateway.refuse = refuse_once(gateway, error)
    gateway.damage()
    gateway.go_on()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.open == before
    assert state_of(hass, WEB_SWITCH).state == "on"


@pytest.mark.usefixtures("loaded", "errors_expected")
async def test_if_the_kernel_refuses_nothing_is_said_to_be_true_until_it_is(
    hass: HomeAssistant,
    gateway: FakeGateway,
    tick: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = gateway.open
    gateway.refuse = refuse_all
    gateway.damage()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, WEB_SWITCH).state == "unavailable"
    errors = [each for each in caplog.records if each.levelno == logging.ERROR]
    gateway.damage()
    await tick()
    now = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert now == errors
    assert len(errors) == 1

    gateway.refuse = FakeGateway().refuse
    await tick()
    assert gateway.open == before
    assert state_of(hass, WEB_SWITCH).attributes["status"] == "active"
    assert "The firewall table is as it should be again" in caplog.text
    assert told(caplog) == 1


@pytest.mark.usefixtures("loaded", "errors_expected")
async def test_the_next_change_mends_it_as_well(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    before = gateway.open
    gateway.refuse = refuse_once(gateway, GatewayError("Too many open files"))
    gateway.damage()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, WEB_SWITCH).state == "unavailable"
    gateway.change(wan_ipv6=())
    await hass.async_block_till_done()
    assert gateway.open == before
    assert state_of(hass, WEB_SWITCH).state == "on"


async def test_who_is_unloaded_heals_no_more(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    gateway.damage()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not gateway.open


@pytest.mark.usefixtures("errors_expected")
async def test_another_home_assistant_is_waited_for(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    later: Later,
) -> None:
    """It may be the one of before, which has not ended yet."""
    gateway.opens += [AlreadyRunning(), AlreadyRunning()]
    states = []
    for begin in (set_up(), later(minutes=10)):
        await begin
        states.append(entry.state)
        assert not gateway.handles
        assert not gateway.mappings
    assert states == [ConfigEntryState.SETUP_RETRY] * 2
    await later(minutes=10)
    assert entry.state is ConfigEntryState.LOADED
    assert len(gateway.mappings) == 2
