"""Set up, stop, start again, disable, remove: what happens to the table meanwhile."""

from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.portshare.const import CONF_WAN, DOMAIN
from custom_components.portshare.gateway.errors import GatewayError
from custom_components.portshare.gateway.preflight import AlreadyRunning, PreflightError
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .conftest import SSH_SWITCH, WEB_SWITCH, SetUp, call, refuse_all, state_of
from .fake_gateway import NAS, NAS_IPV4, PI_IPV4, FakeGateway

ADDRESSES_KEY = "portshare.{}.addresses"


async def test_set_up_opens_what_is_stored_as_enabled(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    assert loaded.state is ConfigEntryState.LOADED
    assert gateway.open == {
        "tcp 8080 -> 192.168.178.21:80",
        "tcp [2001:db8:1::21]:80",
    }
    assert state_of(hass, WEB_SWITCH).state == "on"
    assert state_of(hass, SSH_SWITCH).state == "off"


async def test_gateway_and_device_are_known_to_home_assistant(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    devices = {
        device.name: device
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), loaded.entry_id
        )
    }
    assert devices.keys() == {"Gateway", "NAS"}
    assert devices["Gateway"].entry_type is dr.DeviceEntryType.SERVICE
    assert devices["NAS"].via_device_id == devices["Gateway"].id
    assert devices["NAS"].connections == {(dr.CONNECTION_NETWORK_MAC, NAS)}


async def test_unload_keeps_the_table_and_reload_adopts_it(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    before = set(gateway.mappings)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert loaded.state is ConfigEntryState.NOT_LOADED
    assert gateway.mappings == before
    assert not gateway.handles
    assert state_of(hass, WEB_SWITCH).state == "unavailable"

    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert gateway.mappings == before
    assert gateway.adoptions == 2
    assert not gateway.changes
    assert not gateway.removed
    assert state_of(hass, WEB_SWITCH).state == "on"


async def test_facts_that_change_after_unload_are_nobodys_business(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    assert await hass.config_entries.async_unload(loaded.entry_id)
    gateway.see(NAS, PI_IPV4)
    await hass.async_block_till_done()
    assert not gateway.changes
    assert not loaded.update_listeners


async def test_reload_does_not_lose_where_devices_were_seen(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.now = FakeGateway().now
    gateway.see(NAS)
    await hass.async_block_till_done()
    gateway.probed.clear()
    await hass.config_entries.async_reload(loaded.entry_id)
    assert NAS_IPV4 in gateway.probed


async def test_disable_removes_the_table(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await hass.config_entries.async_set_disabled_by(
        loaded.entry_id, ConfigEntryDisabler.USER
    )
    assert gateway.removed == 1
    assert not gateway.mappings
    assert not gateway.handles


async def test_enable_again_opens_what_was_open(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    before = set(gateway.mappings)
    await hass.config_entries.async_set_disabled_by(
        loaded.entry_id, ConfigEntryDisabler.USER
    )
    await hass.config_entries.async_set_disabled_by(loaded.entry_id, None)
    await hass.async_block_till_done()
    assert gateway.mappings == before


async def test_remove_leaves_nothing_behind(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    hass_storage: dict[str, Any],
) -> None:
    gateway.see(NAS, PI_IPV4)
    await hass.async_block_till_done()
    await hass.config_entries.async_remove(loaded.entry_id)
    async_fire_time_changed(hass, dt_util.utcnow().replace(year=2040))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.removed == 1
    assert not gateway.mappings
    assert not gateway.handles
    assert ADDRESSES_KEY.format(loaded.entry_id) not in hass_storage
    assert not dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)
    assert not er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)


async def test_what_was_seen_is_stored_by_the_way(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    async_fire_time_changed(hass, dt_util.utcnow().replace(year=2040))
    await hass.async_block_till_done(wait_background_tasks=True)
    stored = hass_storage[ADDRESSES_KEY.format(loaded.entry_id)]["data"]
    assert stored == {NAS: ["192.168.178.21", "2001:db8:1::21"]}


@pytest.mark.parametrize("error", PreflightError.__subclasses__(), ids=lambda e: e.key)
@pytest.mark.usefixtures("errors_expected")
async def test_what_a_gateway_lacks_is_said_in_words(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    error: type[PreflightError],
) -> None:
    gateway.opens.append(error())
    await set_up()
    # The other Home Assistant may be gone soon; what else is missing will stay so.
    assert entry.state is (
        ConfigEntryState.SETUP_RETRY
        if error is AlreadyRunning
        else ConfigEntryState.SETUP_ERROR
    )
    assert entry.error_reason_translation_key == error.key
    assert entry.reason
    assert error.key not in entry.reason
    assert not gateway.handles


async def test_a_kernel_that_cannot_be_asked_now_is_asked_again(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway, set_up: SetUp
) -> None:
    gateway.opens.append(GatewayError("Device or resource busy"))
    await set_up()
    assert entry.state.value == "setup_retry"
    assert entry.reason == (
        "The kernel refused the change, and nothing was changed: "
        "Device or resource busy"
    )
    async_fire_time_changed(hass, dt_util.utcnow().replace(year=2040))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is ConfigEntryState.LOADED
    assert len(gateway.mappings) == 2


async def test_a_kernel_that_refuses_everything_at_the_start_is_asked_again(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway, set_up: SetUp
) -> None:
    gateway.refuse = refuse_all
    await set_up()
    assert entry.state.value == "setup_retry"
    assert not gateway.handles
    gateway.refuse = FakeGateway().refuse
    async_fire_time_changed(hass, dt_util.utcnow().replace(year=2040))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is ConfigEntryState.LOADED
    assert len(gateway.handles) == 1


async def test_a_missing_interface_is_a_warning_and_no_more(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway.present = gateway.present[1:]
    await set_up()
    assert entry.state is ConfigEntryState.LOADED
    assert "Interfaces are missing: wan0" in caplog.text


async def test_home_assistant_lets_go_of_the_gateway_when_it_ends_and_not_before(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await hass.async_stop()
    assert not gateway.handles
    assert len(gateway.mappings) == 2
    assert not gateway.removed


async def test_what_is_under_way_is_finished_before_the_gateway_is_let_go(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.pause()
    turning = hass.async_create_task(call(hass, "turn_on", entity_id=SSH_SWITCH))
    await gateway.under_way.wait()
    hass.bus.async_fire(EVENT_HOMEASSISTANT_CLOSE)
    gateway.go_on()
    await turning
    await hass.async_block_till_done()
    assert len(gateway.mappings) == 3
    assert not gateway.handles


async def test_other_interfaces_need_a_new_start_and_another_title_does_not(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    hass.config_entries.async_update_entry(loaded, title="Router")
    await hass.async_block_till_done()
    assert gateway.adoptions == 1
    hass.config_entries.async_update_entry(
        loaded, data={**loaded.data, CONF_WAN: ["guest0"]}
    )
    await hass.async_block_till_done()
    assert gateway.adoptions == 2
    assert loaded.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("errors_expected")
async def test_entities_that_cannot_be_unloaded_keep_the_gateway_running(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    with patch.object(
        hass.config_entries, "async_unload_platforms", return_value=False
    ):
        assert not await hass.config_entries.async_unload(loaded.entry_id)
    gateway.see(NAS, PI_IPV4)
    await hass.async_block_till_done()
    assert "tcp 8080 -> 192.168.178.22:80" in gateway.open


async def test_set_up_that_breaks_off_lets_go_of_the_gateway(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway, set_up: SetUp
) -> None:
    with patch.object(
        hass.config_entries,
        "async_forward_entry_setups",
        side_effect=ConfigEntryNotReady("too early"),
    ):
        await set_up()
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert not gateway.handles


async def test_the_services_are_there_before_a_gateway_is(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    assert hass.services.has_service(DOMAIN, "add_share")
