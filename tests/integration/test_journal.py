"""What was changed in the second before Home Assistant was killed."""

from pathlib import Path
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import STORAGE_KEY
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR

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


def with_web_off(entry: MockConfigEntry, at: float) -> dict[str, Any]:
    """Return a journal in which the web server was switched off."""
    return {
        "version": 1,
        "key": journal(entry),
        "data": {
            WEB: {
                "at": at,
                "device_id": subentry_of(entry).subentry_id,
                "share": {**WEB_DATA, "enabled": False},
            }
        },
    }


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
    hass_storage[journal(entry)] = with_web_off(entry, -1.0)
    await set_up()
    assert state_of(hass, WEB_SWITCH).state == "on"


async def test_what_came_while_home_assistant_was_writing_is_made_up_for(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    hass_storage: dict[str, Any],
    tmp_path: Path,
) -> None:
    """What is written is as old as the entry in it, not as the file."""
    hass_storage[journal(entry)] = with_web_off(
        entry, entry.modified_at.timestamp() + 1e-6
    )
    # A file that was finished after the change.
    hass.config.config_dir = str(tmp_path)
    written = Path(hass.config.path(STORAGE_DIR, STORAGE_KEY))
    written.parent.mkdir()
    written.touch()
    await set_up()
    assert gateway.open == set()


async def test_what_was_written_together_with_the_change_is_not_made_up_for(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    for service in ("turn_off", "turn_on"):
        await call(hass, service, entity_id=WEB_SWITCH)
        [change] = hass_storage[journal(loaded)]["data"].values()
        assert change["at"] == loaded.modified_at.timestamp()
    modified = loaded.modified_at
    await hass.config_entries.async_reload(loaded.entry_id)
    assert loaded.modified_at == modified


async def test_what_was_made_up_for_is_kept_until_home_assistant_has_written_it(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    hass_storage: dict[str, Any],
) -> None:
    hass_storage[journal(entry)] = with_web_off(
        entry, entry.modified_at.timestamp() + 1
    )
    await set_up()
    made_up = entry.modified_at
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    written = hass_storage[journal(entry)]["data"]
    assert written[WEB]["share"]["enabled"] is False
    assert written[WEB]["at"] == made_up.timestamp()


async def test_the_journal_goes_with_the_entry(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert journal(loaded) not in hass_storage


async def test_a_permission_is_on_disk_when_its_call_returns(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    device_id = subentry_of(loaded).subentry_id
    for service, may in (("turn_on", True), ("turn_off", False)):
        await call(hass, service, entity_id="switch.nas_independent_port_sharing")
        written = hass_storage[journal(loaded)]["data"]
        assert written[device_id]["independent"] is may


async def test_a_permission_is_as_it_was_after_a_crash(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    hass_storage: dict[str, Any],
) -> None:
    subentry = subentry_of(entry)
    hass_storage[journal(entry)] = {
        "version": 1,
        "key": journal(entry),
        "data": {
            subentry.subentry_id: {
                "at": 1e12,
                "device_id": subentry.subentry_id,
                "independent": True,
            }
        },
    }
    await set_up()
    assert state_of(hass, "switch.nas_independent_port_sharing").state == "on"
