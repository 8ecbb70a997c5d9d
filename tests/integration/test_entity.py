"""Entities are added little by little, and meanwhile the home goes on."""

import asyncio
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare import entity
from custom_components.portshare.const import CONF_LAN, CONF_PROTECT, CONF_WAN, DOMAIN
from custom_components.portshare.coordinator import PortShareCoordinator
from custom_components.portshare.gateway.errors import GatewayError
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .conftest import SetUp, device, many_shares, subentry_of
from .fake_gateway import NAS, PI, FakeGateway

MANY = 20


@pytest.fixture
def entry() -> MockConfigEntry:
    return MockConfigEntry(
        domain=DOMAIN,
        title="Gateway",
        data={CONF_WAN: ["wan0"], CONF_LAN: ["lan0"]},
        subentries_data=[
            device(NAS, "NAS", many_shares("Web", range(MANY))),
            device(PI, "Pi", many_shares("Game", range(MANY, 2 * MANY))),
        ],
    )


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entity, "_AT_ONCE", 1)


async def begin(hass: HomeAssistant, entry: MockConfigEntry) -> asyncio.Task[Any]:
    """Set the entry up until some of its switches are there, but not all."""
    entry.add_to_hass(hass)
    setting_up = hass.async_create_task(
        hass.config_entries.async_setup(entry.entry_id), eager_start=True
    )
    while len(switches(hass)) < 3:
        await asyncio.sleep(0)
    assert len(switches(hass)) < MANY
    return setting_up


def switches(hass: HomeAssistant) -> dict[str, str]:
    """The states of the shares' switches."""
    return {
        each.entity_id: each.state
        for each in hass.states.async_all("switch")
        if each.entity_id[-1].isdigit()
    }


async def test_a_device_may_be_removed_while_entities_are_added(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    setting_up = await begin(hass, entry)
    pi = subentry_of(entry, PI).subentry_id
    hass.config_entries.async_remove_subentry(entry, pi)
    await setting_up
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert switches(hass).keys() == {f"switch.nas_web_{n}" for n in range(MANY)}
    assert not [
        each
        for each in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if each.config_subentry_id == pi or pi in each.unique_id
    ]


async def test_a_share_may_be_removed_while_entities_are_added(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    setting_up = await begin(hass, entry)
    pi = subentry_of(entry, PI)
    *_, last = pi.data["shares"]
    left = {key: share for key, share in pi.data["shares"].items() if key != last}
    hass.config_entries.async_update_subentry(
        entry, pi, data={**pi.data, "shares": left}
    )
    await setting_up
    await hass.async_block_till_done()
    assert len(switches(hass)) == 2 * MANY - 1
    assert not [
        each
        for each in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if last in each.unique_id
    ]


async def test_a_share_may_be_added_while_entities_are_added(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    setting_up = await begin(hass, entry)
    pi = subentry_of(entry, PI)
    shares = {**pi.data["shares"], **many_shares("Late", range(2 * MANY, 3 * MANY))}
    hass.config_entries.async_update_subentry(
        entry, pi, data={**pi.data, "shares": shares}
    )
    await setting_up
    await hass.async_block_till_done()
    assert len(switches(hass)) == 3 * MANY


@pytest.mark.usefixtures("errors_expected")
async def test_who_is_added_while_the_kernel_refuses_is_back_when_it_does_not(
    hass: HomeAssistant, entry: MockConfigEntry, tick: SetUp
) -> None:
    setting_up = await begin(hass, entry)
    coordinator: PortShareCoordinator = entry.runtime_data
    coordinator.async_set_update_error(GatewayError("Operation not permitted"))
    await setting_up
    await hass.async_block_till_done()
    assert set(switches(hass).values()) == {STATE_UNAVAILABLE}
    await tick()
    assert set(switches(hass).values()) == {STATE_ON}


async def test_options_may_be_changed_while_entities_are_added(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway
) -> None:
    setting_up = await begin(hass, entry)
    hass.config_entries.async_update_entry(entry, options={CONF_PROTECT: True})
    await setting_up
    await hass.async_block_till_done()
    assert gateway.environment and gateway.environment.protect
