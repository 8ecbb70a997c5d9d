"""The log of our page: the last 200 things that happened, over restarts."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.portshare.const import DOMAIN
from custom_components.portshare.event_log import LONGEST, EventLog, event_log_of
from custom_components.portshare.events import Cause
from custom_components.portshare.shares import async_update_share
from custom_components.portshare.sharing.model import Family
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import Context, CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr

from .conftest import (
    NOON,
    SSH,
    SSH_SWITCH,
    Later,
    SetUp,
    call,
    device_of,
    finish_start,
    subentry_of,
)
from .fake_gateway import HOME, PI, PI_IPV4, FakeGateway
from .test_leasing import ask

KEY = "portshare.{}.log"


@pytest.fixture
def log(hass: HomeAssistant, loaded: MockConfigEntry) -> EventLog:
    return event_log_of(hass, loaded.entry_id)


def messages(log: EventLog) -> list[str]:
    return [f"{each['device_name']} | {each['message']}" for each in log.entries]


@pytest.mark.usefixtures("noon")
async def test_what_a_person_does_is_written_down_with_the_person(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_admin_user: MockUser
) -> None:
    log = event_log_of(hass, loaded.entry_id)
    await hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": SSH_SWITCH},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    (entry,) = log.entries
    assert entry == {
        "id": entry["id"],
        "at": NOON.isoformat(),
        "type": "share_enabled",
        "message": "SSH (external port 2222) was shared with the internet",
        "device": subentry_of(loaded).subentry_id,
        "device_name": "NAS",
        "share": SSH,
        "lease": None,
        "reason": "user",
        "by": hass_admin_user.name,
        "request_id": None,
    }


async def test_nobody_is_named_who_is_not_known(
    loaded: MockConfigEntry, log: EventLog
) -> None:
    for enabled, context in ((True, Context()), (False, Context(user_id="gone"))):
        await async_update_share(
            loaded.runtime_data, SSH, {"enabled": enabled}, Cause(context=context)
        )
    assert [entry["by"] for entry in log.entries] == [None, None]


async def test_what_happens_to_the_gateway_belongs_to_no_device(
    hass: HomeAssistant, log: EventLog, gateway: FakeGateway
) -> None:
    for internet in (frozenset[Family](), HOME.internet):
        gateway.change(internet=internet)
        await hass.async_block_till_done()
    assert messages(log) == [
        "Gateway | lost the internet: 203.0.113.2, 2001:db8:ffff::2",
        "Gateway | has the internet again: 203.0.113.2, 2001:db8:ffff::2",
    ]
    assert {entry["device"] for entry in log.entries} == {None}
    assert {entry["reason"] for entry in log.entries} == {None}


async def test_a_refused_request_can_be_answered_from_the_log(
    hass: HomeAssistant, loaded: MockConfigEntry, log: EventLog
) -> None:
    await ask(loaded.runtime_data, PI_IPV4)
    (entry,) = log.entries
    assert (entry["type"], entry["device"]) == ("mapping_requested", None)
    await call(hass, "approve_request", request_id=entry["request_id"], always=True)
    assert subentry_of(loaded, PI)


async def test_what_devices_map_is_written_down_with_its_lease(
    hass: HomeAssistant, loaded: MockConfigEntry, log: EventLog
) -> None:
    await call(hass, "turn_on", entity_id="switch.nas_independent_port_sharing")
    await ask(loaded.runtime_data)
    (entry,) = log.entries
    assert entry["type"] == "mapping_added"
    assert entry["lease"] in loaded.runtime_data.latest.leases


async def test_the_log_speaks_the_language_of_home_assistant_and_of_the_user(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    hass.config.language = "de"
    await set_up()
    device_id = device_of(hass, entry).id
    dr.async_get(hass).async_update_device(device_id, name_by_user="Dachboden")
    await call(hass, "remove_share", share_id=SSH)
    assert messages(event_log_of(hass, entry.entry_id)) == [
        "Dachboden | SSH (externer Port 2222) wurde von einer Aktion entfernt"
    ]


async def test_only_the_last_entries_are_kept(
    hass: HomeAssistant, log: EventLog
) -> None:
    for _ in range(LONGEST // 2 + 1):
        await call(hass, "turn_on", entity_id=SSH_SWITCH)
        await call(hass, "turn_off", entity_id=SSH_SWITCH)
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert len(log.entries) == LONGEST
    ids = [entry["id"] for entry in log.entries]
    assert len(set(ids)) == LONGEST
    assert log.entries[-1]["type"] == "share_enabled"


async def test_the_log_survives_a_reload_and_a_restart(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    log: EventLog,
    hass_storage: dict[str, Any],
    later: Later,
) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    before = log.entries
    await hass.config_entries.async_reload(loaded.entry_id)
    again = event_log_of(hass, loaded.entry_id)
    assert again is not log
    assert again.entries == before
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    await later(minutes=2)
    stored = hass_storage[KEY.format(loaded.entry_id)]["data"]["entries"]
    assert stored == again.entries
    assert len(stored) == 2


async def test_what_happens_while_home_assistant_ends_is_in_the_log(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_CLOSE)
    await hass.async_block_till_done()
    (entry,) = hass_storage[KEY.format(loaded.entry_id)]["data"]["entries"]
    assert entry["type"] == "share_enabled"


async def test_what_happened_while_home_assistant_started_is_in_the_log(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp, gateway: FakeGateway
) -> None:
    hass.set_state(CoreState.starting)
    await set_up()
    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    log = event_log_of(hass, entry.entry_id)
    assert not log.entries
    await finish_start(hass)
    assert [entry["type"] for entry in log.entries] == ["internet_lost"]


async def test_the_log_goes_with_the_entry(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert KEY.format(loaded.entry_id) not in hass_storage
    assert not [key for key in hass_storage if key.startswith(f"{DOMAIN}.")]
