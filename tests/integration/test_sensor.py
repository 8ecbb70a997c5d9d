"""The sensors of the gateway and of each device follow what is true."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.sharing.model import Family
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .conftest import SSH_SWITCH, WEB, WEB_DATA, WEB_SWITCH, call, state_of, subentry_of
from .fake_gateway import NAS, FakeGateway

MAPPINGS = "sensor.nas_mappings"
INTERNET = "binary_sensor.gateway_internet"

pytestmark = pytest.mark.usefixtures("loaded")


async def test_a_device_counts_what_the_internet_can_call(hass: HomeAssistant) -> None:
    assert state_of(hass, MAPPINGS).state == "1"
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert state_of(hass, MAPPINGS).state == "2"
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert state_of(hass, MAPPINGS).state == "0"
    assert state_of(hass, MAPPINGS).attributes["shares"] == []


async def test_a_device_lists_what_is_open_under_the_names_of_fritz(
    hass: HomeAssistant,
) -> None:
    assert state_of(hass, MAPPINGS).attributes["shares"] == [
        {
            "share_id": WEB,
            "description": "Web server",
            "protocol": "tcp",
            "internal_ip": "192.168.178.21",
            "internal_port": 80,
            "external_port": 8080,
            "call": ["203.0.113.2:8080", "[2001:db8:1::21]:80"],
        }
    ]


async def test_a_device_that_is_not_there_is_not_called(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    gateway.see(NAS)
    await hass.async_block_till_done()
    assert state_of(hass, MAPPINGS).state == "0"
    gateway.see(NAS, IPv4Address("192.168.178.77"))
    await hass.async_block_till_done()
    assert state_of(hass, MAPPINGS).state == "1"
    [share] = state_of(hass, MAPPINGS).attributes["shares"]
    assert share["internal_ip"] == "192.168.178.77"
    assert share["call"] == ["203.0.113.2:8080"]


async def test_the_sensor_of_a_device_is_known_by_the_id_of_the_device(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    entry = er.async_get(hass).async_get(MAPPINGS)
    assert entry
    assert entry.unique_id == f"{subentry_of(loaded).subentry_id}_mappings"
    assert entry.config_subentry_id == subentry_of(loaded).subentry_id


async def test_the_gateway_tells_its_addresses(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    assert state_of(hass, "sensor.gateway_external_ipv4").state == "203.0.113.2"
    assert state_of(hass, "sensor.gateway_external_ipv6").state == "2001:db8:ffff::2"
    gateway.change(
        wan_ipv4=(IPv4Address("198.51.100.7"), IPv4Address("198.51.100.8")),
        wan_ipv6=(),
    )
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.gateway_external_ipv4").state == "198.51.100.7"
    assert state_of(hass, "sensor.gateway_external_ipv6").state == "unknown"
    assert state_of(hass, WEB_SWITCH).attributes["call"] == [
        "198.51.100.7:8080",
        "198.51.100.8:8080",
        "[2001:db8:1::21]:80",
    ]
    assert gateway.environment
    assert gateway.environment.wan_ipv4[0] == IPv4Address("198.51.100.7")


@pytest.mark.parametrize(
    "shares",
    [{WEB: {**WEB_DATA, "port": 6000, "port_end": 6009, "protocol": "tcp_udp"}}],
)
async def test_the_gateway_counts_its_open_ports(hass: HomeAssistant) -> None:
    assert state_of(hass, "sensor.gateway_open_ports").state == "20"
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert state_of(hass, "sensor.gateway_open_ports").state == "0"


async def test_the_internet_goes_and_comes_back(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    state = state_of(hass, INTERNET)
    assert state.state == "on"
    assert (state.attributes["ipv4"], state.attributes["ipv6"]) == (True, True)

    gateway.change(internet=frozenset({Family.IPV6}))
    await hass.async_block_till_done()
    state = state_of(hass, INTERNET)
    assert state.state == "on"
    assert (state.attributes["ipv4"], state.attributes["ipv6"]) == (False, True)
    assert state_of(hass, WEB_SWITCH).attributes["status"] == "active"

    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    assert state_of(hass, INTERNET).state == "off"
    assert state_of(hass, WEB_SWITCH).state == "on"
    assert state_of(hass, WEB_SWITCH).attributes["status"] == "no_internet"
    assert state_of(hass, MAPPINGS).state == "0"
    assert state_of(hass, "sensor.gateway_open_ports").state == "0"
    assert gateway.environment
    assert not gateway.environment.internet

    gateway.change(internet=frozenset(Family))
    await hass.async_block_till_done()
    assert state_of(hass, INTERNET).state == "on"
    assert state_of(hass, WEB_SWITCH).attributes["status"] == "active"
    assert state_of(hass, MAPPINGS).state == "1"


async def test_a_device_that_got_ipv6_addresses_is_called_at_all_of_them(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    addresses = (IPv6Address("2001:db8:1::21"), IPv6Address("2001:db8:1::22"))
    gateway.see(NAS, *addresses)
    await hass.async_block_till_done()
    assert gateway.open == {"tcp [2001:db8:1::21]:80", "tcp [2001:db8:1::22]:80"}
    [share] = state_of(hass, MAPPINGS).attributes["shares"]
    assert share["internal_ip"] == "2001:db8:1::21"
    assert share["call"][-2:] == ["[2001:db8:1::21]:80", "[2001:db8:1::22]:80"]
