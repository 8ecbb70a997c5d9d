"""What devices without permission ask for, and what the user says to it."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.portshare.coordinator import PortShareCoordinator
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized

from .conftest import SSH, WEB, Later, call, device_of, state_of, stored, subentry_of
from .fake_gateway import NAS, NAS_IPV4, PI, PI_IPV4, FakeGateway
from .test_independent import EVENT, SWITCH
from .test_leasing import NOT_AUTHORIZED, SUCCESS, TORRENT, ask


@pytest.fixture
def coordinator(loaded: MockConfigEntry) -> PortShareCoordinator:
    coordinator: PortShareCoordinator = loaded.runtime_data
    return coordinator


async def request_id(
    coordinator: PortShareCoordinator, events: list[Event], source: Any = NAS_IPV4
) -> str:
    """Let a device ask in vain; return the id of what the user is told."""
    assert (await ask(coordinator, source))[0] == NOT_AUTHORIZED
    assert events[-1].data["type"] == "mapping_requested"
    return str(events[-1].data["request_id"])


async def test_a_request_is_told_once(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    coordinator: PortShareCoordinator,
    events: list[Event],
) -> None:
    for _ in range(3):
        await ask(coordinator)
    [event] = events
    data = dict(event.data)
    assert data.pop("at")
    assert data.pop("request_id")
    assert data == {
        "type": "mapping_requested",
        "entry_id": loaded.entry_id,
        "device_id": device_of(hass, loaded).id,
        "mac": NAS,
        "name": "",
        "description": "",
        "protocol": "tcp",
        "port": 6881,
        "external_port": 6881,
        "asked_by": "pcp",
        "families": ["ipv4"],
        "reason": "request",
    }
    assert state_of(hass, EVENT).attributes["event_type"] == "requested"


async def test_a_request_of_a_device_that_nobody_has_added(
    coordinator: PortShareCoordinator, events: list[Event]
) -> None:
    await request_id(coordinator, events, PI_IPV4)
    assert events[0].data["device_id"] is None
    assert events[0].data["mac"] == PI


async def test_once(
    hass: HomeAssistant,
    coordinator: PortShareCoordinator,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    asked = await request_id(coordinator, events)
    await call(hass, "approve_request", request_id=asked)
    assert TORRENT not in gateway.open  # the device has to ask again
    assert await ask(coordinator) == (SUCCESS, 6881)
    assert TORRENT in gateway.open
    assert (await ask(coordinator, port=6882))[0] == NOT_AUTHORIZED
    assert state_of(hass, SWITCH).state == "off"


async def test_once_is_over_after_ten_minutes(
    hass: HomeAssistant,
    coordinator: PortShareCoordinator,
    events: list[Event],
    later: Later,
) -> None:
    asked = await request_id(coordinator, events)
    await call(hass, "approve_request", request_id=asked)
    await later(minutes=11)
    assert (await ask(coordinator))[0] == NOT_AUTHORIZED


async def test_what_was_allowed_once_is_told_without_a_device(
    hass: HomeAssistant,
    coordinator: PortShareCoordinator,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    asked = await request_id(coordinator, events, PI_IPV4)
    await call(hass, "approve_request", request_id=asked)
    assert await ask(coordinator, PI_IPV4) == (SUCCESS, 6881)
    assert "tcp 6881 -> 192.168.178.22:6881" in gateway.open
    assert events[-1].data["type"] == "mapping_added"
    assert events[-1].data["device_id"] is None


async def test_always(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    coordinator: PortShareCoordinator,
    events: list[Event],
) -> None:
    asked = await request_id(coordinator, events)
    await call(hass, "approve_request", request_id=asked, always=True)
    await hass.async_block_till_done()
    assert state_of(hass, SWITCH).state == "on"
    assert stored(loaded).keys() == {WEB, SSH}
    for port in (6881, 6882):
        assert await ask(coordinator, port=port) == (SUCCESS, port)


async def test_always_adds_the_device(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    coordinator: PortShareCoordinator,
    events: list[Event],
    names: dict[str, str],
) -> None:
    names[str(PI_IPV4)] = "pi.fritz.box"
    asked = await request_id(coordinator, events, PI_IPV4)
    await call(hass, "approve_request", request_id=asked, always=True)
    await hass.async_block_till_done()
    assert subentry_of(loaded, PI).title == "pi"
    assert stored(loaded, PI) == {}
    assert state_of(hass, "switch.pi_independent_port_sharing").state == "on"
    assert await ask(coordinator, PI_IPV4) == (SUCCESS, 6881)
    assert events[-1].data["device_id"] == device_of(hass, loaded, PI).id


async def test_no(
    hass: HomeAssistant,
    coordinator: PortShareCoordinator,
    events: list[Event],
    later: Later,
) -> None:
    asked = await request_id(coordinator, events)
    await call(hass, "deny_request", request_id=asked)
    await later(hours=23)
    await ask(coordinator)
    assert len(events) == 1
    await later(hours=2)
    await request_id(coordinator, events)
    assert len(events) == 2


@pytest.mark.parametrize("service", ["approve_request", "deny_request"])
async def test_a_request_is_answered_once(
    hass: HomeAssistant,
    coordinator: PortShareCoordinator,
    events: list[Event],
    service: str,
) -> None:
    asked = await request_id(coordinator, events)
    await call(hass, service, request_id=asked)
    with pytest.raises(ServiceValidationError, match=f"the id {asked}"):
        await call(hass, service, request_id=asked)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("service", "data"),
    [
        ("approve_request", {"request_id": "1"}),
        ("deny_request", {"request_id": "1"}),
        ("disable_independent", {}),
    ],
)
async def test_only_administrators_may_answer(
    hass: HomeAssistant,
    hass_read_only_user: MockUser,
    service: str,
    data: dict[str, Any],
) -> None:
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            "portshare",
            service,
            data,
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )
