"""A message for what is opened, and its button that closes it again."""

from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.const import EVENT_PORTSHARE
from homeassistant.core import HomeAssistant

from ..conftest import SSH, SSH_SWITCH, WEB, WEB_SWITCH, call
from ..fake_gateway import FakeGateway
from .conftest import Phone, device_id_of, settle, state_of, use

NAME = "notify_and_close_again"


async def test_the_button_closes_the_share(
    hass: HomeAssistant, loaded: Any, phone: Phone, gateway: FakeGateway
) -> None:
    await use(hass, NAME, phone=phone.device_id)
    before = set(gateway.mappings)
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await settle()
    assert phone.messages == [
        {
            "title": "A port was opened",
            "message": "SSH of NAS is open to the internet (TCP, port 2222).",
            "data": {
                "tag": f"portshare_{SSH}",
                "group": "portshare",
                "actions": [
                    {
                        "action": f"PORTSHARE_CLOSE_{SSH}",
                        "title": "Close it again",
                        "destructive": True,
                    }
                ],
            },
        }
    ]
    assert gateway.mappings > before
    await phone.press(phone.buttons()["Close it again"])
    assert state_of(hass, SSH_SWITCH) == "off"
    assert gateway.mappings == before
    assert state_of(hass, WEB_SWITCH) == "on"


async def test_the_button_works_after_a_restart(
    hass: HomeAssistant, loaded: Any, phone: Phone
) -> None:
    # Home Assistant has just begun, and the message is from before.
    await use(hass, NAME, phone=phone.device_id)
    await phone.press(f"PORTSHARE_CLOSE_{WEB}")
    assert state_of(hass, WEB_SWITCH) == "off"
    assert phone.messages == []


async def test_other_buttons_are_somebody_elses(
    hass: HomeAssistant, loaded: Any, phone: Phone
) -> None:
    await use(hass, NAME, phone=phone.device_id)
    await phone.press("OPEN_THE_GARAGE")
    hass.bus.async_fire("mobile_app_notification_action", {"reply_text": "hello"})
    hass.bus.async_fire("mobile_app_notification_action", {"action": None})
    await settle()
    assert state_of(hass, WEB_SWITCH) == "on"


async def test_only_what_is_opened_is_told(
    hass: HomeAssistant, loaded: Any, phone: Phone
) -> None:
    await use(hass, NAME, phone=phone.device_id)
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await settle()
    assert phone.messages == []


async def test_only_of_some_devices(
    hass: HomeAssistant, loaded: MockConfigEntry, phone: Phone
) -> None:
    nas = device_id_of(hass, loaded, "NAS")
    await use(hass, NAME, phone=phone.device_id, devices=[nas])
    other = {"type": "share_enabled", "device_id": "other", "share_id": SSH}
    hass.bus.async_fire(
        EVENT_PORTSHARE,
        {**other, "name": "SSH", "protocol": "tcp", "external_port": 22},
    )
    await settle()
    assert phone.messages == []
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await settle()
    assert len(phone.messages) == 1


async def test_texts_in_ones_own_language(
    hass: HomeAssistant, loaded: Any, phone: Phone
) -> None:
    await use(
        hass,
        NAME,
        phone=phone.device_id,
        title="Freigabe",
        message="{{ share }} ({{ device }}) ist offen.",
        button="Wieder schließen",
    )
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await settle()
    assert phone.messages[0]["title"] == "Freigabe"
    assert phone.messages[0]["message"] == "SSH (NAS) ist offen."
    assert list(phone.buttons()) == ["Wieder schließen"]
