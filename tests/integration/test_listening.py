"""A share whose device takes no calls says so."""

from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.portshare.sharing.model import Addresses
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .conftest import (
    SSH,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    Home,
    Later,
    SetUp,
    call,
    state_of,
)
from .fake_gateway import HOME, NAS, NAS_IPV4, NAS_IPV6, FakeGateway

WEB_STATUS = "sensor.nas_web_server_status"
SSH_STATUS = "sensor.nas_ssh_status"
MOVED = IPv4Address("192.168.178.77")


@pytest.fixture(autouse=True)
def _noon(noon: None) -> None:
    """Let time pass by `later` only, from before anything is set up."""


def nobody_listens(hass: HomeAssistant, status: str = WEB_STATUS) -> Any:
    return state_of(hass, status).attributes.get("nobody_listens")


@pytest.fixture
def quarter_of_an_hour(later: Later) -> SetUp:
    async def pass_by() -> None:
        await later(minutes=15, seconds=1)

    return pass_by


async def test_who_takes_calls_is_told_and_asked_again(
    hass: HomeAssistant,
    set_up: SetUp,
    gateway: FakeGateway,
    quarter_of_an_hour: SetUp,
) -> None:
    await set_up()
    assert gateway.asked == [(NAS_IPV4, 80)]
    assert nobody_listens(hass) is False
    gateway.deaf.add((NAS_IPV4, 80))
    await quarter_of_an_hour()
    assert gateway.asked == [(NAS_IPV4, 80)] * 2
    assert nobody_listens(hass) is True
    gateway.deaf.clear()
    await quarter_of_an_hour()
    assert nobody_listens(hass) is False


@pytest.mark.usefixtures("loaded")
async def test_a_share_that_is_closed_is_not_asked_for(
    hass: HomeAssistant, gateway: FakeGateway, quarter_of_an_hour: SetUp
) -> None:
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    gateway.asked.clear()
    await quarter_of_an_hour()
    assert not gateway.asked
    assert nobody_listens(hass) is None
    assert nobody_listens(hass, SSH_STATUS) is None


@pytest.mark.usefixtures("loaded")
async def test_a_device_is_asked_when_its_share_is_opened(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    gateway.asked.clear()
    gateway.deaf.add((NAS_IPV4, 22))
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.asked == [(NAS_IPV4, 22)]
    assert nobody_listens(hass, SSH_STATUS) is True


@pytest.mark.usefixtures("loaded")
async def test_a_device_is_asked_where_it_is(home: Home, gateway: FakeGateway) -> None:
    gateway.asked.clear()
    await home.see(NAS)
    assert nobody_listens(home.hass) is None
    assert not gateway.asked
    gateway.deaf.add((MOVED, 80))
    await home.see(NAS, MOVED)
    assert gateway.asked == [(MOVED, 80)]
    assert nobody_listens(home.hass) is True


@pytest.mark.usefixtures("loaded")
async def test_a_device_that_nobody_has_seen_is_not_asked(
    home: Home, gateway: FakeGateway
) -> None:
    """Its share is open, for it may be where it is expected."""
    gateway.asked.clear()
    await home.change(devices={NAS: Addresses(None, (), (NAS_IPV6,))})
    assert state_of(home.hass, WEB_STATUS).state == "active"
    assert not gateway.asked


@pytest.mark.usefixtures("loaded")
async def test_without_internet_nobody_is_asked(
    home: Home, gateway: FakeGateway, quarter_of_an_hour: SetUp
) -> None:
    await home.change(internet=frozenset())
    gateway.asked.clear()
    await quarter_of_an_hour()
    assert not gateway.asked
    await home.change(internet=HOME.internet)
    assert gateway.asked == [(NAS_IPV4, 80)]


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"protocol": "udp"}, []),
        ({"protocol": "tcp_udp"}, [(NAS_IPV4, 80)]),
        ({"protocol": "ping6", "ipv4": False}, []),
        ({"protocol": "exposed_host"}, []),
        ({"ipv4": False}, [(NAS_IPV6, 80)]),
        ({"port_end": 89}, [(NAS_IPV4, 80)]),
        ({"port": 1000, "port_end": 2000}, []),
    ],
    ids=["udp", "both", "ping", "everything", "ipv6 only", "few ports", "many ports"],
)
async def test_only_what_can_be_asked_is_asked(
    set_up: SetUp,
    shares: dict[str, Any],
    gateway: FakeGateway,
    change: dict[str, Any],
    asked: list[Any],
) -> None:
    shares[WEB] |= change
    await set_up()
    assert gateway.asked == asked


@pytest.mark.parametrize(
    "shares",
    [
        {
            f"{SSH[:-2]}{number:02}": {
                **WEB_DATA,
                "name": f"Port {number}",
                "port": number,
                "port_end": number,
                "external_port": number,
            }
            for number in range(20, 40)
        }
    ],
)
async def test_few_devices_are_asked_at_a_time(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway
) -> None:
    gateway.devices_answer.clear()
    await set_up()
    assert len(gateway.asked) == 8
    everybody = {(NAS_IPV4, number) for number in range(20, 40)}
    # Whose share is closed while it waits for its turn is not asked.
    closed = min(everybody.difference(gateway.asked))
    await call(hass, "turn_off", entity_id=f"switch.nas_port_{closed[1]}")
    gateway.devices_answer.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(gateway.asked) == 19
    assert set(gateway.asked) == everybody - {closed}


@pytest.mark.usefixtures("loaded")
async def test_what_a_device_answers_too_late_is_not_told(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    """The share has been closed meanwhile."""
    gateway.devices_answer.clear()
    gateway.deaf.add((NAS_IPV4, 22))
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    gateway.devices_answer.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.asked[-1] == (NAS_IPV4, 22)
    assert nobody_listens(hass, SSH_STATUS) is None


@pytest.mark.usefixtures("loaded")
async def test_a_device_that_answers_slowly_is_asked_once(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    gateway.devices_answer.clear()
    gateway.asked.clear()
    for _ in range(3):
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=16))
    assert gateway.asked == [(NAS_IPV4, 80)]


async def test_nobody_is_asked_when_the_entry_is_unloaded(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    quarter_of_an_hour: SetUp,
) -> None:
    assert await hass.config_entries.async_unload(loaded.entry_id)
    gateway.asked.clear()
    await quarter_of_an_hour()
    assert not gateway.asked
