"""A question for what a device wants to open, and its three answers."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from custom_components.portshare.const import DOMAIN, EVENT_PORTSHARE
from homeassistant.core import HomeAssistant

from ..fake_gateway import NAS, PI, PI_IPV4, FakeGateway
from ..test_leasing import NOT_AUTHORIZED, SUCCESS, ask as ask_for_port
from .conftest import PassTime, Phone, device_id_of, settle, use

NAME = "ask_before_independent_mapping"
REQUEST = {
    "type": "mapping_requested",
    "request_id": "01KAQ3V8Z0Y6S9V3K1T5N7B2CF",
    "device_id": None,
    "mac": NAS,
    "name": "Game",
    "protocol": "udp",
    "port": 3074,
    "external_port": 3074,
}


@pytest.fixture
def approved(hass: HomeAssistant) -> list[Any]:
    return async_mock_service(hass, DOMAIN, "approve_request")


@pytest.fixture
def denied(hass: HomeAssistant) -> list[Any]:
    return async_mock_service(hass, DOMAIN, "deny_request")


async def ask(hass: HomeAssistant, **changes: Any) -> None:
    hass.bus.async_fire(EVENT_PORTSHARE, {**REQUEST, **changes})
    await settle()


async def test_the_question(
    hass: HomeAssistant, loaded: MockConfigEntry, phone: Phone
) -> None:
    await use(hass, NAME, phone=phone.device_id)
    nas = device_id_of(hass, loaded, "NAS")
    await ask(hass, device_id=nas)
    [message] = phone.messages
    assert message["title"] == "NAS wants to open a port"
    assert message["message"] == "Game: UDP, port 3074. Allow it?"
    assert message["data"]["tag"] == f"portshare_{NAS}_udp_3074"
    assert list(phone.buttons()) == ["Once", "Always", "No"]


@pytest.mark.parametrize(("button", "always"), [("Once", False), ("Always", True)])
async def test_yes(
    hass: HomeAssistant,
    phone: Phone,
    approved: list[Any],
    denied: list[Any],
    button: str,
    always: bool,
) -> None:
    await use(hass, NAME, phone=phone.device_id)
    await ask(hass)
    await phone.press(phone.buttons()[button])
    [service_call] = approved
    request_id = REQUEST["request_id"]
    assert service_call.data == {"request_id": request_id, "always": always}
    assert denied == []
    assert len(phone.messages) == 1


async def test_no(
    hass: HomeAssistant,
    phone: Phone,
    approved: list[Any],
    denied: list[Any],
) -> None:
    await use(hass, NAME, phone=phone.device_id)
    await ask(hass)
    await phone.press(phone.buttons()["No"])
    [service_call] = denied
    assert service_call.data == {"request_id": REQUEST["request_id"]}
    assert approved == []


async def test_without_an_answer_the_question_is_withdrawn(
    hass: HomeAssistant,
    phone: Phone,
    approved: list[Any],
    denied: list[Any],
    pass_time: PassTime,
) -> None:
    await use(hass, NAME, phone=phone.device_id, patience={"minutes": 5})
    await ask(hass)
    await pass_time(minutes=4)
    assert len(phone.messages) == 1
    await pass_time(minutes=2)
    tag = phone.messages[0]["data"]["tag"]
    withdrawn = {"message": "clear_notification", "data": {"tag": tag}}
    assert phone.messages[1:] == [withdrawn]
    await phone.press(phone.buttons(0)["Always"])
    assert approved == denied == []


async def test_two_questions_at_a_time(
    hass: HomeAssistant,
    phone: Phone,
    approved: list[Any],
    denied: list[Any],
) -> None:
    await use(hass, NAME, phone=phone.device_id)
    await ask(hass, request_id="first")
    await ask(hass, request_id="second", port=3075)
    buttons = [phone.buttons(0), phone.buttons(1)]
    assert set(buttons[0].values()).isdisjoint(buttons[1].values())
    await phone.press(buttons[1]["Once"])
    await phone.press(buttons[0]["No"])
    assert [each.data["request_id"] for each in approved] == ["second"]
    assert [each.data["request_id"] for each in denied] == ["first"]


@pytest.mark.parametrize("button", ["Once", "Always"])
async def test_a_device_asks_and_gets_its_port(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    phone: Phone,
    gateway: FakeGateway,
    button: str,
) -> None:
    """With nothing in between that is not real but the phone and the kernel."""
    await use(hass, NAME, phone=phone.device_id)
    coordinator = loaded.runtime_data
    assert (await ask_for_port(coordinator, PI_IPV4))[0] == NOT_AUTHORIZED
    await settle()
    [message] = phone.messages
    assert message["title"] == f"{PI} wants to open a port"
    assert message["message"] == "Without a name: TCP, port 6881. Allow it?"
    await phone.press(phone.buttons()[button])
    await hass.async_block_till_done()
    assert await ask_for_port(coordinator, PI_IPV4) == (SUCCESS, 6881)
    assert "tcp 6881 -> 192.168.178.22:6881" in gateway.open
