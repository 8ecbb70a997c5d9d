"""DNS names from which a share may be called: where they lead, and when nobody knows."""

from collections.abc import Iterator
import logging
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant

from .conftest import SSH, WEB, WEB_DATA, WEB_SWITCH, Later, SetUp, call, state_of
from .fake_gateway import FakeGateway
from .name_service import NameService

OFFICE = "office.example.org"
PHONE = "phone.example.org"
LAN = "192.168.178.0/24"


@pytest.fixture(autouse=True)
async def name_service() -> NameService:
    return NameService(**{OFFICE: ["198.51.100.7", "2001:db8:5::7", "198.51.100.7"]})


@pytest.fixture(autouse=True)
def _resolver(name_service: NameService) -> Iterator[None]:
    with patch(
        "asyncio.base_events.BaseEventLoop.getaddrinfo", name_service.getaddrinfo
    ):
        yield


@pytest.fixture
def sources() -> list[str]:
    return [OFFICE]


@pytest.fixture
def shares(sources: list[str]) -> dict[str, Any]:
    """A web server that only the office may call."""
    return {WEB: {**WEB_DATA, "sources": sources}}


@pytest.fixture
async def limited(
    hass: HomeAssistant, later: Later, set_up: SetUp, entry: MockConfigEntry
) -> MockConfigEntry:
    """The entry, set up, and its names looked up; time passes only by `later`."""
    await set_up()
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry


def who(gateway: FakeGateway) -> set[str]:
    """Return the networks from which anything may be called."""
    return {str(network) for each in gateway.mappings for network in each.sources}


def status(hass: HomeAssistant) -> str:
    return str(state_of(hass, WEB_SWITCH).attributes["status"])


@pytest.mark.usefixtures("limited")
async def test_a_name_stands_for_its_addresses(
    hass: HomeAssistant, gateway: FakeGateway, name_service: NameService
) -> None:
    assert who(gateway) == {LAN, "198.51.100.7/32", "2001:db8:5::7/128"}
    assert status(hass) == "active"
    assert name_service.asked == [OFFICE]


@pytest.mark.usefixtures("limited")
async def test_a_name_that_moves_is_followed_within_five_minutes(
    hass: HomeAssistant,
    gateway: FakeGateway,
    name_service: NameService,
    tick: SetUp,
) -> None:
    name_service.answers[OFFICE] = ["198.51.100.8"]
    await tick()
    assert who(gateway) == {LAN, "198.51.100.8/32"}
    assert state_of(hass, WEB_SWITCH).attributes["call"] == ["203.0.113.2:8080"]


@pytest.mark.usefixtures("limited")
async def test_addresses_in_another_order_change_nothing(
    gateway: FakeGateway, name_service: NameService, tick: SetUp
) -> None:
    gateway.changes.clear()
    name_service.answers[OFFICE].reverse()
    await tick()
    assert name_service.asked == [OFFICE] * 2
    assert not any(gateway.changes)


@pytest.mark.parametrize("sources", [[PHONE]])
@pytest.mark.usefixtures("limited")
async def test_a_name_that_was_never_resolved_lets_nobody_in(
    hass: HomeAssistant,
    gateway: FakeGateway,
    name_service: NameService,
    tick: SetUp,
) -> None:
    assert not gateway.mappings
    assert status(hass) == "error"
    assert state_of(hass, "binary_sensor.nas_problem").state == "on"
    name_service.answers[PHONE] = ["198.51.100.9"]
    await tick()
    assert who(gateway) == {LAN, "198.51.100.9/32"}
    assert status(hass) == "active"


@pytest.mark.parametrize("sources", [[PHONE, "203.0.113.99"]])
@pytest.mark.usefixtures("limited")
async def test_who_is_known_may_call_though_others_are_not(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    assert who(gateway) == {LAN, "203.0.113.99/32"}
    assert status(hass) == "active"


@pytest.mark.usefixtures("limited")
async def test_a_name_service_that_is_down_closes_nothing_and_is_logged_once(
    gateway: FakeGateway,
    name_service: NameService,
    tick: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = gateway.mappings.copy()
    caplog.set_level(logging.INFO, "custom_components.portshare.sources")
    known = name_service.answers.pop(OFFICE)
    for answer in (None, ["fe80::1%2"], None):
        if answer:
            name_service.answers[OFFICE] = answer
        await tick()
        name_service.answers.pop(OFFICE, None)
        assert gateway.mappings == before
    name_service.answers[OFFICE] = known
    await tick()
    await tick()
    said = [each.message for each in caplog.records if OFFICE in each.message]
    assert len(said) == 2
    assert "cannot be resolved" in said[0]
    assert "198.51.100.7, 2001:db8:5::7" in said[0]
    assert "is known again" in said[1]


async def test_a_restart_without_a_name_service_keeps_who_may_call(
    hass: HomeAssistant,
    limited: MockConfigEntry,
    gateway: FakeGateway,
    name_service: NameService,
) -> None:
    before = gateway.mappings.copy()
    name_service.answers = {}
    assert await hass.config_entries.async_reload(limited.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.mappings == before
    assert status(hass) == "active"


async def test_a_name_service_that_hangs_delays_no_start(
    hass: HomeAssistant,
    set_up: SetUp,
    gateway: FakeGateway,
    name_service: NameService,
    tick: SetUp,
) -> None:
    name_service.goes_on.clear()
    await set_up()
    assert status(hass) == "error"
    assert not gateway.mappings
    name_service.goes_on.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert who(gateway) == {LAN, "198.51.100.7/32", "2001:db8:5::7/128"}
    assert name_service.asked == [OFFICE]


@pytest.mark.usefixtures("limited")
async def test_only_the_names_of_shares_are_looked_up(
    hass: HomeAssistant,
    gateway: FakeGateway,
    name_service: NameService,
    tick: SetUp,
) -> None:
    name_service.answers[PHONE] = ["198.51.100.9"]
    await call(hass, "update_share", share_id=WEB, sources=[PHONE, OFFICE])
    await hass.async_block_till_done(wait_background_tasks=True)
    assert name_service.asked == [OFFICE, PHONE]
    assert "198.51.100.9/32" in who(gateway)
    await call(hass, "update_share", share_id=WEB, sources=[PHONE])
    await tick()
    assert name_service.asked == [OFFICE, PHONE, PHONE]
    assert who(gateway) == {LAN, "198.51.100.9/32"}
    await call(hass, "remove_share", share_id=WEB)
    await tick()
    assert name_service.asked == [OFFICE, PHONE, PHONE]


@pytest.mark.usefixtures("limited")
async def test_a_name_that_is_forgotten_while_it_is_looked_up_is_nobodys(
    hass: HomeAssistant, gateway: FakeGateway, name_service: NameService
) -> None:
    name_service.answers[PHONE] = ["198.51.100.9"]
    name_service.goes_on.clear()
    await call(hass, "update_share", share_id=WEB, sources=[PHONE])
    await call(hass, "update_share", share_id=WEB, sources=["203.0.113.99"])
    name_service.goes_on.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert who(gateway) == {LAN, "203.0.113.99/32"}


@pytest.mark.parametrize(
    "shares",
    [
        {
            WEB: {**WEB_DATA, "sources": [OFFICE]},
            SSH: {**WEB_DATA, "sources": [OFFICE], "port": 81, "external_port": 81}
            | {"port_end": 81, "name": "Other"},
        }
    ],
)
@pytest.mark.usefixtures("limited")
async def test_all_shares_of_a_name_follow_it(
    gateway: FakeGateway, name_service: NameService, tick: SetUp
) -> None:
    assert name_service.asked == [OFFICE]
    name_service.answers[OFFICE] = ["198.51.100.8"]
    await tick()
    assert len(gateway.mappings) == 2
    assert who(gateway) == {LAN, "198.51.100.8/32"}


async def test_nothing_is_left_of_a_removed_entry(
    hass: HomeAssistant, limited: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    key = f"portshare.{limited.entry_id}.sources"
    assert await hass.config_entries.async_unload(limited.entry_id)
    assert hass_storage[key]["data"] == {OFFICE: ["198.51.100.7", "2001:db8:5::7"]}
    await hass.config_entries.async_remove(limited.entry_id)
    assert key not in hass_storage
