"""What was changed in the second before Home Assistant was killed."""

from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant

from .conftest import (
    SSH,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    SetUp,
    call,
    state_of,
    subentry_of,
)
from .fake_gateway import FakeGateway


def journal(entry: MockConfigEntry) -> str:
    return f"portshare.{entry.entry_id}.journal"


async def test_a_change_is_on_disk_when_its_call_returns(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    written = hass_storage[journal(loaded)]["data"]
    assert written[WEB]["share"]["enabled"] is False
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    written = hass_storage[journal(loaded)]["data"]
    assert written[SSH]["share"]["enabled"] is True


async def test_what_was_switched_off_stays_off_after_a_crash(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    hass_storage: dict[str, Any],
) -> None:
    device_id = subentry_of(entry).subentry_id
    hass_storage[journal(entry)] = {
        "version": 1,
        "key": journal(entry),
        "data": {
            WEB: {
                "at": 1e12,
                "device_id": device_id,
                "share": {**WEB_DATA, "enabled": False},
            },
            SSH: {"at": 1e12, "device_id": device_id, "share": None},
            "gone": {"at": 1e12, "device_id": "gone", "share": None},
        },
    }
    await set_up()
    assert gateway.open == set()
    assert state_of(hass, WEB_SWITCH).state == "off"
    assert hass.states.get(SSH_SWITCH) is None


async def test_what_home_assistant_has_written_later_counts(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    hass_storage: dict[str, Any],
) -> None:
    hass_storage[journal(entry)] = {
        "version": 1,
        "key": journal(entry),
        "data": {
            WEB: {
                "at": -1.0,
                "device_id": subentry_of(entry).subentry_id,
                "share": {**WEB_DATA, "enabled": False},
            }
        },
    }
    await set_up()
    assert state_of(hass, WEB_SWITCH).state == "on"


async def test_the_journal_goes_with_the_entry(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert journal(loaded) not in hass_storage
