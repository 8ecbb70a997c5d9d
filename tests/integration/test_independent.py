"""What the user sees of devices that map ports themselves, and how he allows it."""

from ipaddress import IPv4Address
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.portshare.const import CONF_INDEPENDENT, SUBENTRY_DEVICE
from custom_components.portshare.coordinator import PortShareCoordinator
from custom_components.portshare.subentries import device_data, store_permission
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from .conftest import (
    SSH,
    WEB,
    Later,
    call,
    device_of,
    refuse_text,
    state_of,
    stored,
    subentry_of,
)
from .fake_gateway import HOME, NAS, NAS_IPV6, PI, PI_IPV4, FakeGateway
from .test_leasing import NOT_AUTHORIZED, SUCCESS, TORRENT, ask

SWITCH = "switch.nas_independent_port_sharing"
PI_SWITCH = "switch.pi_independent_port_sharing"
MAPPINGS = "sensor.nas_mappings"
INDEPENDENT = "sensor.nas_independent_mappings"
EVENT = "event.nas_port_sharing"


@pytest.fixture
def coordinator(loaded: MockConfigEntry) -> PortShareCoordinator:
    coordinator: PortShareCoordinator = loaded.runtime_data
    return coordinator


@pytest.fixture
async def permitted(
    hass: HomeAssistant, coordinator: PortShareCoordinator
) -> PortShareCoordinator:
    """The NAS may map ports."""
    await call(hass, "turn_on", entity_id=SWITCH)
    return coordinator


@pytest.fixture
async def pi(hass: HomeAssistant, loaded: MockConfigEntry) -> ConfigSubentry:
    """A device without any share."""
    subentry = ConfigSubentry(
        data=device_data(PI, (), {}),
        subentry_type=SUBENTRY_DEVICE,
        title="Pi",
        unique_id=PI,
    )
    hass.config_entries.async_add_subentry(loaded, subentry)
    await hass.async_block_till_done()
    return subentry


def told(events: list[Event], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(event.data.get(key) for key in ("type", *keys)) for event in events]


async def test_the_switch_lets_a_device_map_ports(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    coordinator: PortShareCoordinator,
    gateway: FakeGateway,
) -> None:
    assert state_of(hass, SWITCH).state == "off"
    entity = er.async_get(hass).async_get(SWITCH)
    assert entity
    assert entity.unique_id == f"{subentry_of(loaded).subentry_id}_independent"
    assert entity.entity_category == "config"
    await call(hass, "turn_on", entity_id=SWITCH)
    assert state_of(hass, SWITCH).state == "on"
    assert await ask(coordinator) == (SUCCESS, 6881)
    await call(hass, "turn_off", entity_id=SWITCH)
    assert state_of(hass, SWITCH).state == "off"
    assert TORRENT not in gateway.open
    assert (await ask(coordinator))[0] == NOT_AUTHORIZED
    assert stored(loaded)[WEB]["enabled"] is True


@pytest.mark.usefixtures("pi")
async def test_a_device_without_shares_can_be_permitted(
    hass: HomeAssistant, coordinator: PortShareCoordinator, gateway: FakeGateway
) -> None:
    await call(hass, "turn_on", entity_id=PI_SWITCH)
    assert await ask(coordinator, PI_IPV4) == (SUCCESS, 6881)
    assert "tcp 6881 -> 192.168.178.22:6881" in gateway.open


async def test_a_permission_that_was_stored_by_others_is_noticed(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    coordinator: PortShareCoordinator,
    gateway: FakeGateway,
    pi: ConfigSubentry,
) -> None:
    """Though the device has no share that changes with it."""
    for independent, state, result in (
        (True, "on", SUCCESS),
        (False, "off", NOT_AUTHORIZED),
    ):
        store_permission(hass, loaded, pi.subentry_id, independent=independent)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert state_of(hass, PI_SWITCH).state == state
        assert (await ask(coordinator, PI_IPV4))[0] == result
    assert "tcp 6881 -> 192.168.178.22:6881" not in gateway.open


@pytest.mark.usefixtures("errors_expected")
async def test_the_kernel_refuses_to_close_what_was_mapped(
    hass: HomeAssistant,
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
    later: Later,
) -> None:
    await ask(permitted)
    gateway.refuse = refuse_text("independent on NAS")
    with pytest.raises(HomeAssistantError, match="poison"):
        await call(hass, "turn_off", entity_id=SWITCH)
    # It is told as long as it is open, and ends with the next change.
    await later(seconds=3)
    assert TORRENT in gateway.open
    assert state_of(hass, INDEPENDENT).state == "1"
    assert state_of(hass, SWITCH).state == "off"
    gateway.refuse = lambda change: None
    await permitted.async_refresh()
    await later(seconds=3)
    assert TORRENT not in gateway.open
    assert state_of(hass, INDEPENDENT).state == "0"


async def test_the_sensors_count_what_a_device_has_mapped(
    hass: HomeAssistant, permitted: PortShareCoordinator, later: Later
) -> None:
    assert state_of(hass, MAPPINGS).state == "1"
    assert state_of(hass, MAPPINGS).attributes["leases"] == []
    assert state_of(hass, INDEPENDENT).state == "0"
    assert state_of(hass, "sensor.gateway_open_ports").state == "1"
    await ask(permitted)
    await ask(permitted, NAS_IPV6, port=6882)
    await later(seconds=3)
    assert state_of(hass, MAPPINGS).state == "3"
    assert state_of(hass, INDEPENDENT).state == "2"
    assert state_of(hass, "sensor.gateway_open_ports").state == "3"
    ipv4, ipv6 = state_of(hass, MAPPINGS).attributes["leases"]
    assert state_of(hass, INDEPENDENT).attributes["leases"] == [ipv4, ipv6]
    state = permitted.latest.leases[ipv4["lease_id"]]
    assert ipv4 == {
        "lease_id": state.lease.lease_id,
        "description": "",
        "protocol": "tcp",
        "port": 6881,
        "external_port": 6881,
        "asked_by": ["pcp"],
        "expires": state.lease.expires.isoformat(),
        "status": "active",
        "call": ["203.0.113.2:6881"],
    }
    assert ipv6["call"] == [f"[{NAS_IPV6}]:6882"]
    [share] = state_of(hass, MAPPINGS).attributes["shares"]
    assert share["share_id"] == WEB


async def test_what_is_closed_by_an_outage_is_not_open_but_still_there(
    hass: HomeAssistant,
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
    later: Later,
) -> None:
    await ask(permitted)
    gateway.change(internet=frozenset(), wan_ipv4=())
    await later(seconds=3)
    assert state_of(hass, MAPPINGS).state == "0"
    assert state_of(hass, INDEPENDENT).state == "1"
    [lease] = state_of(hass, INDEPENDENT).attributes["leases"]
    assert (lease["status"], lease["call"]) == ("no_internet", [])
    gateway.change(internet=HOME.internet, wan_ipv4=(IPv4Address("203.0.113.9"),))
    await later(seconds=3)
    [lease] = state_of(hass, MAPPINGS).attributes["leases"]
    assert lease["call"] == ["203.0.113.9:6881"]


async def test_what_a_device_does_is_told(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    permitted: PortShareCoordinator,
    events: list[Event],
) -> None:
    await ask(permitted)
    await ask(permitted)  # to renew it is nothing new
    [event] = events
    data = dict(event.data)
    assert data.pop("at")
    [lease_id] = permitted.latest.leases
    assert data == {
        "type": "mapping_added",
        "entry_id": loaded.entry_id,
        "device_id": device_of(hass, loaded).id,
        "lease_id": lease_id,
        "mac": NAS,
        "name": "",
        "description": "",
        "protocol": "tcp",
        "port": 6881,
        "external_port": 6881,
        "asked_by": ["pcp"],
        "families": ["ipv4"],
        "reason": "lease",
    }
    assert state_of(hass, EVENT).attributes["event_type"] == "mapping_added"
    await ask(permitted, lifetime=0)
    assert told(events[1:], "lease_id", "families", "reason") == [
        ("mapping_removed", lease_id, [], "lease")
    ]
    assert state_of(hass, EVENT).attributes["event_type"] == "mapping_removed"


async def test_who_takes_a_permission_is_known(
    hass: HomeAssistant,
    permitted: PortShareCoordinator,
    events: list[Event],
    hass_admin_user: MockUser,
) -> None:
    await ask(permitted)
    await hass.services.async_call(
        "switch",
        "turn_off",
        {"entity_id": SWITCH},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    assert told(events, "reason")[1:] == [("mapping_removed", "permission")]
    assert events[-1].context.user_id == hass_admin_user.id


async def test_a_device_that_is_removed_loses_what_it_has_mapped(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    await ask(permitted)
    subentry_id = subentry_of(loaded).subentry_id
    hass.config_entries.async_remove_subentry(loaded, subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.open == set()
    [removed] = [each for each in events if each.data["type"] == "mapping_removed"]
    assert removed.data["reason"] == "permission"
    assert removed.data["device_id"] is None
    assert removed.data["mac"] == NAS


async def test_a_permission_that_was_taken_while_nobody_was_here(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
) -> None:
    await ask(permitted)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    subentry_id = subentry_of(loaded).subentry_id
    store_permission(hass, loaded, subentry_id, independent=False)
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert TORRENT not in gateway.open
    assert state_of(hass, INDEPENDENT).state == "0"


async def test_what_was_allowed_once_survives_a_restart(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    coordinator: PortShareCoordinator,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    await ask(coordinator)
    asked = events[-1].data["request_id"]
    await call(hass, "approve_request", request_id=asked)
    await ask(coordinator)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert TORRENT in gateway.open


async def test_to_close_everything_closes_leases_too_in_one_transaction(
    hass: HomeAssistant,
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    await ask(permitted)
    [lease_id] = permitted.latest.leases
    events.clear()
    changes = len(gateway.changes)
    answer = await call(hass, "close_all", response=True)
    assert not gateway.mappings
    assert len(gateway.changes) == changes + 1
    assert [each["share_id"] for each in answer["closed"]] == [WEB]
    [lease] = answer["leases"]
    assert (lease["lease_id"], lease["external_port"]) == (lease_id, 6881)
    assert sorted(told(events, "reason")) == [
        ("all_closed", "service"),
        ("mapping_removed", "service"),
        ("share_disabled", "service"),
    ]
    assert events[-1].data["leases"] == [lease]
    # Whoever may, may again.
    assert state_of(hass, SWITCH).state == "on"
    assert (await ask(permitted))[0] == SUCCESS


async def test_to_close_everything_closes_leases_though_no_share_is_on(
    hass: HomeAssistant, permitted: PortShareCoordinator, gateway: FakeGateway
) -> None:
    await call(hass, "remove_share", share_id=WEB)
    await ask(permitted)
    await call(hass, "close_all")
    assert not gateway.mappings


@pytest.mark.usefixtures("errors_expected")
async def test_a_lease_that_the_kernel_does_not_close_keeps_no_share_open(
    hass: HomeAssistant, permitted: PortShareCoordinator, gateway: FakeGateway
) -> None:
    await ask(permitted)
    gateway.refuse = refuse_text("independent on NAS")
    with pytest.raises(HomeAssistantError, match="poison"):
        await call(hass, "close_all")
    assert gateway.open == {TORRENT}


@pytest.mark.usefixtures("pi")
async def test_permissions_that_nobody_uses_are_taken(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
) -> None:
    await call(hass, "turn_on", entity_id=PI_SWITCH)
    await ask(permitted)
    answer = await call(hass, "disable_independent", response=True)
    await hass.async_block_till_done()
    device_id = device_of(hass, loaded, PI).id
    assert answer == {"disabled": [{"device_id": device_id, "device": "Pi", "mac": PI}]}
    assert state_of(hass, PI_SWITCH).state == "off"
    assert state_of(hass, SWITCH).state == "on"
    assert TORRENT in gateway.open
    answer = await call(hass, "disable_independent", response=True)
    assert answer == {"disabled": []}


async def test_the_button_takes_unused_permissions(
    hass: HomeAssistant, permitted: PortShareCoordinator
) -> None:
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": "button.gateway_disable_independent_port_sharing"},
        blocking=True,
    )
    await hass.async_block_till_done()
    assert state_of(hass, SWITCH).state == "off"
    assert (await ask(permitted))[0] == NOT_AUTHORIZED


async def test_the_settings_of_a_device_have_its_permission(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    subentry_id = subentry_of(loaded).subentry_id

    async def settings() -> Any:
        result = await hass.config_entries.subentries.async_init(
            (loaded.entry_id, "device"),
            context={"source": "reconfigure", "subentry_id": subentry_id},
        )
        return await hass.config_entries.subentries.async_configure(
            result["flow_id"], {"next_step_id": "device"}
        )

    async def save(**changes: Any) -> None:
        form = await settings()
        await hass.config_entries.subentries.async_configure(
            form["flow_id"], {"device": NAS, "name": "NAS", **changes}
        )
        await hass.async_block_till_done()

    await save(independent=True)
    assert state_of(hass, SWITCH).state == "on"
    form = await settings()
    suggested = {
        str(key): (key.description or {}).get("suggested_value")
        for key in form["data_schema"].schema
    }
    assert suggested[CONF_INDEPENDENT] is True
    await save()  # what is not said stays
    assert state_of(hass, SWITCH).state == "on"
    await save(independent=False)
    assert state_of(hass, SWITCH).state == "off"
    assert stored(loaded).keys() == {WEB, SSH}
