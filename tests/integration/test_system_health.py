"""The system information that people copy into a question."""

import platform
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)

from custom_components.portshare.const import DOMAIN
from custom_components.portshare.gateway.errors import GatewayError
from custom_components.portshare.sharing.model import Family
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .conftest import Home, SetUp, refuse_all
from .fake_gateway import FakeGateway
from .test_texts import EN

ALL_IS_WELL = {
    "set_up": True,
    "table": True,
    "shares_enabled": 1,
    "shares_active": 1,
    "open_ports": 1,
    "internet_ipv4": True,
    "internet_ipv6": True,
    "forwarding_ipv4": True,
    "forwarding_ipv6": True,
    "kernel": platform.release(),
    "egress_hook": True,
}


async def info(hass: HomeAssistant) -> dict[str, Any]:
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    return await get_system_health_info(hass, DOMAIN)


@pytest.mark.usefixtures("loaded")
async def test_all_is_well(hass: HomeAssistant) -> None:
    assert await info(hass) == ALL_IS_WELL


@pytest.mark.usefixtures("loaded")
async def test_the_internet_is_gone(home: Home) -> None:
    await home.change(internet=frozenset({Family.IPV6}))
    told = await info(home.hass)
    assert (told["internet_ipv4"], told["internet_ipv6"]) == (False, True)
    await home.change(internet=frozenset())
    told = await info(home.hass)
    assert told["internet_ipv6"] is False
    assert (told["shares_enabled"], told["shares_active"]) == (1, 0)
    assert told["open_ports"] == 0


@pytest.mark.usefixtures("loaded", "errors_expected")
async def test_the_table_is_not_in_order(
    hass: HomeAssistant, gateway: FakeGateway, tick: SetUp
) -> None:
    gateway.refuse = refuse_all
    await tick()
    assert (await info(hass))["table"] is False


@pytest.mark.usefixtures("errors_expected")
async def test_before_set_up_it_tells_of_the_machine(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway, set_up: SetUp
) -> None:
    gateway.opens.append(GatewayError("Too many open files"))
    await set_up()
    assert await info(hass) == {
        "set_up": False,
        "kernel": platform.release(),
        "egress_hook": True,
    }


def test_all_of_it_has_a_text() -> None:
    assert EN["system_health"]["info"].keys() == ALL_IS_WELL.keys()
