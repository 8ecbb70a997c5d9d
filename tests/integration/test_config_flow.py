"""Set up, reconfigure and options, as somebody clicks through them."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.const import (
    CONF_LAN,
    CONF_PROTECT,
    CONF_WAN,
    DOMAIN,
    SECTION_EXPERT,
)
from custom_components.portshare.gateway.errors import GatewayError
from custom_components.portshare.gateway.preflight import NoPrivilege, PreflightError
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .conftest import SetUp
from .fake_gateway import FakeGateway

CHOICE = {CONF_WAN: ["wan0"], CONF_LAN: ["lan0"]}


async def start(hass: HomeAssistant) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )


async def submit(
    hass: HomeAssistant, result: ConfigFlowResult, **choice: Any
) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {**CHOICE, **choice}
    )


def suggested(result: Any) -> dict[str, Any]:
    """Return what a form is filled with."""
    return {
        str(key): (key.description or {}).get("suggested_value")
        for key in result["data_schema"].schema
    }


def offered(result: Any, field: str) -> list[str]:
    """Return the values that a field of a form can be chosen from."""
    selector = result["data_schema"].schema[field]
    return [
        option["value"] if isinstance(option, dict) else option
        for option in selector.config["options"]
    ]


async def test_interfaces_are_offered_and_guessed(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    result = await start(hass)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert suggested(result) == CHOICE
    assert offered(result, CONF_WAN) == ["wan0", "lan0", "guest0"]
    schema: Any = result["data_schema"]
    options = schema.schema[CONF_LAN].config["options"]
    assert [option["label"] for option in options] == [
        "wan0 · 203.0.113.2/24",
        "lan0 · 192.168.178.1/24",
        "guest0",
    ]
    assert not gateway.handles


async def test_what_was_chosen_is_set_up(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    result = await submit(hass, await start(hass))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Gateway"
    assert result["data"] == CHOICE
    await hass.async_block_till_done()
    assert result["result"].state is ConfigEntryState.LOADED
    assert not gateway.mappings


@pytest.mark.parametrize("error", PreflightError.__subclasses__(), ids=lambda e: e.key)
async def test_what_a_gateway_lacks_ends_the_flow_with_its_own_reason(
    hass: HomeAssistant, gateway: FakeGateway, error: type[PreflightError]
) -> None:
    gateway.opens.append(error())
    result = await start(hass)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == error.key
    assert not gateway.handles


async def test_a_kernel_that_refuses_ends_the_flow_with_its_words(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    gateway.opens.append(GatewayError("Too many open files"))
    result = await start(hass)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "kernel_refused"
    assert result["description_placeholders"] == {"detail": "Too many open files"}


async def test_an_interface_is_either_wan_or_lan_and_can_be_corrected(
    hass: HomeAssistant,
) -> None:
    result = await submit(hass, await start(hass), **{CONF_LAN: ["lan0", "wan0"]})
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {CONF_LAN: "same_interface"}
    assert suggested(result)[CONF_LAN] == ["lan0", "wan0"]
    result = await submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("field", [CONF_WAN, CONF_LAN])
async def test_an_interface_must_be_chosen_and_can_be_corrected(
    hass: HomeAssistant, field: str
) -> None:
    result = await submit(hass, await start(hass), **{field: []})
    assert result["errors"] == {field: "no_interface"}
    result = await submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_interface_that_vanished_meanwhile_is_noticed(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    result = await start(hass)
    gateway.present = gateway.present[1:]
    result = await submit(hass, result)
    assert result["errors"] == {CONF_WAN: "interface_gone"}
    assert offered(result, CONF_WAN) == ["lan0", "guest0"]
    result = await submit(hass, result, **{CONF_WAN: ["guest0"]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {CONF_WAN: ["guest0"], CONF_LAN: ["lan0"]}


@pytest.mark.usefixtures("loaded")
async def test_there_is_one_gateway(hass: HomeAssistant) -> None:
    result = await start(hass)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "single_instance_allowed"


async def test_reconfigure_shows_what_is_set_and_starts_with_the_new_choice(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await loaded.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure"
    assert suggested(result) == CHOICE
    result = await submit(hass, result, **{CONF_LAN: ["lan0", "guest0"]})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert loaded.data == {CONF_WAN: ["wan0"], CONF_LAN: ["lan0", "guest0"]}
    assert loaded.state is ConfigEntryState.LOADED
    assert gateway.adoptions == 2
    assert not gateway.removed


async def test_reconfigure_can_be_wrong_and_corrected(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await loaded.start_reconfigure_flow(hass)
    result = await submit(hass, result, **{CONF_LAN: ["wan0"]})
    assert result["errors"] == {CONF_LAN: "same_interface"}
    assert loaded.data == CHOICE
    result = await submit(hass, result)
    assert result["reason"] == "reconfigure_successful"


@pytest.mark.usefixtures("errors_expected")
async def test_reconfigure_starts_what_could_not_be_started(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway, set_up: SetUp
) -> None:
    gateway.opens.append(NoPrivilege())
    await set_up()
    assert entry.state.value == "setup_error"
    result = await entry.start_reconfigure_flow(hass)
    await submit(hass, result, **{CONF_LAN: ["guest0"]})
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data[CONF_LAN] == ["guest0"]


async def test_the_home_network_is_protected_if_the_options_say_so(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    assert gateway.environment
    assert not gateway.environment.protect
    for protect in (True, False):
        result: Any = await hass.config_entries.options.async_init(loaded.entry_id)
        assert result["type"] is FlowResultType.FORM
        assert suggested(result)[CONF_PROTECT] in (None, not protect)
        result = await hass.config_entries.options.async_configure(
            result["flow_id"], {CONF_PROTECT: protect, SECTION_EXPERT: {}}
        )
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()
        assert gateway.environment.protect is protect
        assert len(gateway.mappings) == 2
        assert not gateway.removed
