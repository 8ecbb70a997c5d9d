"""The loop: what changes is made true, together and no more than that."""

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.const import DOMAIN
from custom_components.portshare.gateway.errors import OutOfStep
from custom_components.portshare.sharing.model import Change, Family
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    SetUp,
    call,
    device,
    refuse_all,
    refuse_text,
    state_of,
    stored,
    subentry_of,
)
from .fake_gateway import NAS, NAS_IPV4, NAS_IPV6, PI, PI_IPV4, FakeGateway

GAME = "01KAQ3V8Z0Y6S9V3K1T5N7B2CF"
GAME_DATA = {**WEB_DATA, "name": "Game", "port": 99, "port_end": 99, "ipv6": False}
GAME_DATA["external_port"] = 9999
GAME_SWITCH = "switch.pi_game"


@pytest.fixture
def entry(shares: dict[str, Any]) -> MockConfigEntry:
    """A gateway with two devices."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Gateway",
        data={"wan_interfaces": ["wan0"], "lan_interfaces": ["lan0"]},
        subentries_data=[
            device(NAS, "NAS", shares),
            device(PI, "Pi", {GAME: GAME_DATA}),
        ],
    )


def status(hass: HomeAssistant, switch: str) -> str:
    return str(state_of(hass, switch).attributes["status"])


def names(change: Change) -> set[str]:
    """Return the names of the shares that a change touches."""
    return {
        mapping.comment.partition(" on ")[0]
        for mapping in change.opened + change.closed
    }


# Facts


async def test_a_device_that_moves_takes_its_shares_along_and_no_others(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.see(NAS, IPv4Address("192.168.178.77"), NAS_IPV6)
    await hass.async_block_till_done()
    [change] = gateway.changes
    assert names(change) == {"Web server"}
    assert len(change.opened) == len(change.closed) == 1
    assert "tcp 8080 -> 192.168.178.77:80" in gateway.open
    assert state_of(hass, WEB_SWITCH).attributes["internal_ip"] == "192.168.178.77"


async def test_another_device_at_the_old_address_gets_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.see(NAS)
    gateway.see("02:00:5e:00:00:99", NAS_IPV4)
    await hass.async_block_till_done()
    assert gateway.open == {"tcp 9999 -> 192.168.178.22:99"}
    assert status(hass, WEB_SWITCH) == "device_unknown"
    assert state_of(hass, WEB_SWITCH).state == "on"
    assert stored(loaded)[WEB] == WEB_DATA


async def test_who_shares_nothing_may_move_as_he_likes(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.see("02:00:5e:00:00:99", IPv4Address("192.168.178.99"))
    await hass.async_block_till_done()
    assert not gateway.changes


async def test_what_changes_in_one_turn_is_one_transaction(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await hass.services.async_call(
        "switch",
        "turn_off",
        {"entity_id": [WEB_SWITCH, GAME_SWITCH]},
        blocking=True,
    )
    [change] = gateway.changes
    assert names(change) == {"Web server", "Game"}
    gateway.see(NAS)
    gateway.see(PI)
    await hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": [WEB_SWITCH, SSH_SWITCH, GAME_SWITCH]},
        blocking=True,
    )
    gateway.see(NAS, NAS_IPV4)
    gateway.see(PI, PI_IPV4)
    await hass.async_block_till_done()
    assert len(gateway.changes) == 2
    assert len(gateway.mappings) == 3


async def test_a_device_that_moves_and_comes_back_in_the_meantime_is_found(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    before = gateway.open
    gateway.pause()
    gateway.see(NAS, IPv4Address("192.168.178.77"))
    await gateway.under_way.wait()
    gateway.see(NAS, NAS_IPV4, NAS_IPV6)
    gateway.go_on()
    await hass.async_block_till_done()
    assert gateway.open == before
    assert state_of(hass, WEB_SWITCH).attributes["internal_ip"] == str(NAS_IPV4)


async def test_the_firewall_is_told_of_a_gateway_that_changes(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    home = IPv4Network("10.0.0.0/8")
    gateway.change(lan_ipv4=(home,), internet=frozenset({Family.IPV4}))
    await hass.async_block_till_done()
    assert gateway.environment
    assert gateway.environment.lan_ipv4 == (home,)
    assert gateway.environment.internet == {Family.IPV4}
    assert not gateway.changes[-1]


# What is stored


@pytest.mark.parametrize(
    "shares",
    [
        {
            WEB: dict(WEB_DATA),
            SSH: {**SSH_DATA, "external_port": 8080, "enabled": True},
        }
    ],
)
async def test_of_two_stored_shares_for_one_port_the_older_has_it_until_it_goes(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    assert status(hass, WEB_SWITCH) == "active"
    assert status(hass, SSH_SWITCH) == "conflict"
    assert "tcp 8080 -> 192.168.178.21:80" in gateway.open
    await call(hass, "remove_share", share_id=WEB)
    assert status(hass, SSH_SWITCH) == "active"
    assert "tcp 8080 -> 192.168.178.21:22" in gateway.open


@pytest.mark.parametrize(
    "shares", [{WEB: {**WEB_DATA, "port": 0}, SSH: {**SSH_DATA, "enabled": True}}]
)
@pytest.mark.usefixtures("errors_expected")
async def test_a_stored_share_that_is_not_valid_stays_closed_and_is_logged_once(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert loaded.state is ConfigEntryState.LOADED
    assert gateway.open == {
        "tcp 2222 -> 192.168.178.21:22",
        "tcp 9999 -> 192.168.178.22:99",
    }
    assert hass.states.get(WEB_SWITCH) is None
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    logged = [
        record
        for when in ("setup", "call")
        for record in caplog.get_records(when)
        if record.levelno == logging.ERROR
    ]
    assert len(logged) == 1
    assert "A stored share of NAS is not valid" in logged[0].getMessage()
    # It is not thrown away either.
    assert WEB in stored(loaded)


# Refusals


@pytest.mark.usefixtures("errors_expected")
async def test_a_share_that_the_kernel_refuses_does_not_hold_up_the_others(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway.refuse = refuse_text("Game")
    gateway.see(PI, IPv4Address("192.168.178.88"))
    gateway.see(NAS, IPv4Address("192.168.178.77"))
    await hass.async_block_till_done()
    assert gateway.open == {
        "tcp 8080 -> 192.168.178.77:80",
        "tcp 9999 -> 192.168.178.22:99",
    }
    assert status(hass, WEB_SWITCH) == "active"
    assert status(hass, GAME_SWITCH) == "error"
    assert state_of(hass, GAME_SWITCH).state == "on"
    assert caplog.text.count("Game is poison") == 1

    # It is tried again with whatever comes next.
    gateway.refuse = FakeGateway().refuse
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert status(hass, GAME_SWITCH) == "active"
    assert "tcp 9999 -> 192.168.178.88:99" in gateway.open


@pytest.mark.usefixtures("errors_expected")
async def test_a_share_that_the_kernel_refuses_at_the_start_does_not_hold_up_others(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway, set_up: SetUp
) -> None:
    gateway.refuse = refuse_text("Game")
    await set_up()
    assert entry.state is ConfigEntryState.LOADED
    assert gateway.open == {
        "tcp 8080 -> 192.168.178.21:80",
        "tcp [2001:db8:1::21]:80",
    }
    assert status(hass, GAME_SWITCH) == "error"


async def test_who_asks_for_another_share_is_not_told_of_the_refused_one(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.refuse = refuse_text("Game")
    calls = [
        hass.async_create_task(call(hass, "turn_off", entity_id=switch))
        for switch in (GAME_SWITCH, WEB_SWITCH)
    ]
    with pytest.raises(HomeAssistantError, match="Game is poison"):
        await calls[0]
    await calls[1]
    await hass.async_block_till_done()
    assert gateway.open == {"tcp 9999 -> 192.168.178.22:99"}
    assert state_of(hass, GAME_SWITCH).state == "on"
    assert status(hass, GAME_SWITCH) == "active"
    assert stored(loaded, PI)[GAME]["enabled"] is True


@pytest.mark.usefixtures("errors_expected")
async def test_a_removed_share_that_the_kernel_does_not_close_is_closed_later(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    gateway.refuse = refuse_text("Game")
    pi = subentry_of(loaded, PI).subentry_id
    hass.config_entries.async_remove_subentry(loaded, pi)
    await hass.async_block_till_done()
    assert "tcp 9999 -> 192.168.178.22:99" in gateway.open
    assert hass.states.get(GAME_SWITCH) is None
    assert not events
    gateway.refuse = FakeGateway().refuse
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert "tcp 9999 -> 192.168.178.22:99" not in gateway.open
    assert [e.data["type"] for e in events if e.data["name"] == "Game"] == [
        "share_disabled",
        "share_removed",
    ]


async def test_a_table_that_somebody_changed_is_read_again(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.mappings = set()

    def gone(change: Change) -> None:
        if change.closed:
            raise OutOfStep("No such file or directory")

    gateway.refuse = gone
    await call(hass, "turn_off", entity_id=GAME_SWITCH)
    assert gateway.adoptions == 2
    assert gateway.open == {
        "tcp 8080 -> 192.168.178.21:80",
        "tcp [2001:db8:1::21]:80",
    }
    assert state_of(hass, GAME_SWITCH).state == "off"


@pytest.mark.usefixtures("errors_expected")
async def test_a_table_that_cannot_be_read_again_refuses_the_change(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    tick: Callable[[], Awaitable[None]],
) -> None:
    before = stored(loaded, PI)

    def out_of_step(change: Change) -> None:
        raise OutOfStep("File exists")

    gateway.refuse = out_of_step
    with pytest.raises(HomeAssistantError, match="File exists"):
        await call(hass, "turn_off", entity_id=GAME_SWITCH)
    await hass.async_block_till_done()
    assert stored(loaded, PI) == before
    assert state_of(hass, GAME_SWITCH).state == "unavailable"
    gateway.refuse = FakeGateway().refuse
    await tick()
    assert state_of(hass, GAME_SWITCH).state == "on"
    assert status(hass, GAME_SWITCH) == "active"


@pytest.mark.usefixtures("errors_expected")
async def test_a_gateway_change_that_is_refused_without_shares_is_not_kept_quiet(
    hass: HomeAssistant,
    gateway: FakeGateway,
    tick: Callable[[], Awaitable[None]],
) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Gateway",
        data={"wan_interfaces": ["wan0"], "lan_interfaces": ["lan0"]},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    gateway.refuse = refuse_all
    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    assert state_of(hass, "binary_sensor.gateway_internet").state == "unavailable"
    await tick()
    assert state_of(hass, "binary_sensor.gateway_internet").state == "unavailable"
    gateway.refuse = FakeGateway().refuse
    await tick()
    assert state_of(hass, "binary_sensor.gateway_internet").state == "off"


@pytest.mark.usefixtures("errors_expected")
async def test_a_kernel_that_refuses_everything_is_logged_once_and_its_return_too(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    tick: Callable[[], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway.refuse = refuse_all
    for _ in range(3):
        await tick()
    errors = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert [each.getMessage() for each in errors] == [
        "Error fetching portshare data: The kernel refused the change, and nothing "
        "was changed: Operation not permitted"
    ]
    # Nothing that is tried meanwhile makes it look well again.
    with pytest.raises(HomeAssistantError):
        await call(hass, "update_share", share_id=SSH, enabled=True)
    await hass.async_block_till_done()
    assert state_of(hass, WEB_SWITCH).state == "unavailable"

    gateway.refuse = FakeGateway().refuse
    await tick()
    assert caplog.text.count("The firewall table is as it should be again") == 1
    assert state_of(hass, WEB_SWITCH).state == "on"
    assert stored(loaded)[SSH]["enabled"] is False


async def test_a_change_that_the_kernel_takes_ends_the_failure_at_once(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    tick: Callable[[], Awaitable[None]],
    errors_expected: None,
) -> None:
    gateway.refuse = refuse_all
    await tick()
    gateway.refuse = FakeGateway().refuse
    gateway.mappings = set()
    await call(hass, "update_share", share_id=SSH, enabled=True)
    assert len(gateway.mappings) == 4
    assert state_of(hass, WEB_SWITCH).state == "on"


# Every five minutes


async def test_now_and_then_the_kernel_is_read_all_the_same(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    tick: Callable[[], Awaitable[None]],
) -> None:
    gateway.mappings = set()
    await tick()
    assert len(gateway.mappings) == 3
    assert gateway.adoptions == 2
    assert not gateway.changes


# Devices that are looked for


async def test_devices_are_looked_for_where_they_were_seen_before_the_restart(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    hass_storage: dict[str, Any],
) -> None:
    hass_storage[f"portshare.{entry.entry_id}.addresses"] = {
        "version": 1,
        "key": f"portshare.{entry.entry_id}.addresses",
        "data": {NAS: ["192.168.178.50", "nonsense", "2001:db8:1::50"], PI: []},
    }
    gateway.see(NAS)
    gateway.answers[IPv4Address("192.168.178.50")] = NAS
    await set_up()
    assert set(gateway.probed) == {
        IPv4Address("192.168.178.50"),
        IPv6Address("2001:db8:1::50"),
    }
    assert "tcp 8080 -> 192.168.178.50:80" in gateway.open


async def test_what_answers_with_another_mac_is_not_the_device(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    hass_storage: dict[str, Any],
) -> None:
    hass_storage[f"portshare.{entry.entry_id}.addresses"] = {
        "version": 1,
        "key": f"portshare.{entry.entry_id}.addresses",
        "data": {NAS: ["192.168.178.50"]},
    }
    gateway.see(NAS)
    gateway.answers[IPv4Address("192.168.178.50")] = "02:00:5e:00:00:99"
    await set_up()
    assert status(hass, WEB_SWITCH) == "device_unknown"
    assert gateway.open == {"tcp 9999 -> 192.168.178.22:99"}


async def test_a_device_that_is_where_it_was_is_not_looked_for(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    assert not gateway.probed


async def test_a_device_that_went_is_looked_for_where_it_was(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.answers[NAS_IPV4] = NAS
    gateway.see(NAS)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert NAS_IPV4 in gateway.probed
    assert "tcp 8080 -> 192.168.178.21:80" in gateway.open


# A mistake of ours


@pytest.mark.usefixtures("errors_expected")
async def test_a_mistake_of_ours_is_told_and_does_not_stop_the_loop(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def mistake(change: Change) -> None:
        raise RuntimeError("a mistake")

    gateway.refuse = mistake
    with pytest.raises(RuntimeError, match="a mistake"):
        await call(hass, "turn_off", entity_id=GAME_SWITCH)
    assert "A change could not be carried out" in caplog.text
    gateway.refuse = FakeGateway().refuse
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert not any("8080" in each for each in gateway.open)


async def test_a_gateway_that_was_let_go_refuses_and_stores_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    before = stored(loaded)
    gateway.pause()
    calls = [
        hass.async_create_task(call(hass, "turn_on", entity_id=SSH_SWITCH)),
        hass.async_create_task(call(hass, "update_share", share_id=SSH, name="Shell")),
    ]
    await gateway.under_way.wait()
    unload = hass.async_create_task(hass.config_entries.async_unload(loaded.entry_id))
    gateway.go_on()
    await calls[0]
    await unload
    try:
        await calls[1]
    except HomeAssistantError as err:
        assert "not open" in str(err)  # noqa: PT017
        assert stored(loaded)[SSH]["name"] == "SSH"
    else:
        assert stored(loaded)[SSH]["name"] == "Shell"
    assert stored(loaded)[WEB] == before[WEB]


async def test_a_restart_changes_nothing_before_the_whole_table_has_been_read(
    hass: HomeAssistant,
    shares: dict[str, Any],
    gateway: FakeGateway,
    set_up: SetUp,
) -> None:
    # One share ran out meanwhile. A batch for it alone would close all the others.
    shares[WEB]["open_until"] = "2026-01-01T00:00:00+00:00"
    await set_up()
    assert gateway.changes == []
    assert gateway.open == {"tcp 9999 -> 192.168.178.22:99"}
    assert state_of(hass, WEB_SWITCH).state == "off"


async def test_all_addresses_of_a_device_are_remembered_when_one_of_them_goes(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.see(NAS, NAS_IPV4)
    await hass.async_block_till_done(wait_background_tasks=True)
    gateway.see(NAS)
    await hass.async_block_till_done(wait_background_tasks=True)
    gateway.probed.clear()
    await loaded.runtime_data.async_refresh()
    assert set(gateway.probed) == {NAS_IPV4, NAS_IPV6}


async def test_a_device_that_has_an_ipv4_address_is_not_looked_for_at_its_old_one(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.see(NAS, IPv4Address("192.168.178.50"), NAS_IPV6)
    await hass.async_block_till_done(wait_background_tasks=True)
    gateway.probed.clear()
    await loaded.runtime_data.async_refresh()
    assert not gateway.probed
