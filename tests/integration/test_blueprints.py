"""The blueprints, loaded by Home Assistant itself and triggered by real events."""

from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
import shutil
from types import SimpleNamespace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    async_fire_time_changed,
    async_mock_service,
    mock_integration,
    mock_platform,
)
import voluptuous as vol

from custom_components.portshare.const import DOMAIN, EVENT_PORTSHARE
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint import Blueprint
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    template,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml as yaml_util

from .conftest import SSH, SSH_SWITCH, WEB, WEB_SWITCH, call
from .fake_gateway import FakeGateway

REPOSITORY = Path(__file__).parents[2]
BLUEPRINTS = REPOSITORY / "blueprints" / "automation" / "portshare"
FILES = sorted(BLUEPRINTS.glob("*.yaml"))
SOURCE_URL = "https://github.com/portshare/portshare/blob/main"

REQUEST = {
    "type": "mapping_requested",
    "request_id": "01KAQ3V8Z0Y6S9V3K1T5N7B2CF",
    "device_id": None,
    "name": "Game",
    "protocol": "udp",
    "port": 3074,
    "external_port": 3074,
}


class Phone:
    """The app on a phone: it has what was sent to it, and its buttons can be pressed.

    Home Assistant's own mobile_app needs half of Home Assistant's requirements, so the
    demo is where it is tried; here are only its device action and its event.
    """

    ACTION_SCHEMA = cv.DEVICE_ACTION_BASE_SCHEMA.extend(
        {
            vol.Required("type"): "notify",
            vol.Required("message"): cv.template,
            vol.Optional("title"): cv.template,
            vol.Optional("data"): cv.template_complex,
        }
    )

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self.messages: list[dict[str, Any]] = []
        entry = MockConfigEntry(domain="mobile_app", state=ConfigEntryState.LOADED)
        entry.add_to_hass(hass)
        self.device_id = (
            dr.async_get(hass)
            .async_get_or_create(
                config_entry_id=entry.entry_id, identifiers={("mobile_app", "phone")}
            )
            .id
        )
        mock_integration(hass, MockModule("mobile_app"))
        mock_platform(
            hass,
            "mobile_app.device_action",
            SimpleNamespace(
                ACTION_SCHEMA=self.ACTION_SCHEMA,
                async_call_action_from_config=self._notify,
            ),
        )

    async def _notify(
        self,
        hass: HomeAssistant,
        config: dict[str, Any],
        variables: dict[str, Any],
        context: Context | None,
    ) -> None:
        assert config["device_id"] == self.device_id
        self.messages.append(
            {
                key: template.render_complex(config[key], variables)
                for key in ("title", "message", "data")
                if key in config
            }
        )

    def buttons(self, message: int = -1) -> dict[str, str]:
        """Return the buttons of a message: what stands on them, and what they do."""
        return {
            button["title"]: button["action"]
            for button in self.messages[message]["data"]["actions"]
        }

    async def press(self, action: str) -> None:
        self._hass.bus.async_fire("mobile_app_notification_action", {"action": action})
        await self._hass.async_block_till_done()


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """A configuration into which the blueprints were imported."""
    shutil.copytree(
        BLUEPRINTS, f"{hass_tmp_config_dir}/blueprints/automation/portshare"
    )
    return hass_tmp_config_dir


@pytest.fixture
async def phone(hass: HomeAssistant) -> Phone:
    return Phone(hass)


async def use(hass: HomeAssistant, name: str, **inputs: Any) -> None:
    """Make an automation of a blueprint."""
    automation = {
        "id": name,
        "alias": name,
        "use_blueprint": {"path": f"portshare/{name}.yaml", "input": inputs},
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    # One that cannot be set up is there, too, but unavailable.
    assert hass.states.is_state(f"automation.{name}", "on")


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, **time: float
) -> None:
    freezer.tick(timedelta(**time))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    state = hass.states.get(entity_id)
    assert isinstance(state, State)
    return state.state


def device_id_of(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> str:
    """Return the id of one of the entry's devices."""
    return next(
        device.id
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
        if device.name == name
    )


def test_there_are_four() -> None:
    assert len(FILES) == 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_blueprint_is_whole(path: Path) -> None:
    blueprint = Blueprint(
        yaml_util.load_yaml_dict(path), schema=AUTOMATION_BLUEPRINT_SCHEMA
    )
    assert blueprint.domain == "automation"
    assert blueprint.validate() is None
    metadata = blueprint.metadata
    assert metadata["source_url"] == f"{SOURCE_URL}/{path.relative_to(REPOSITORY)}"
    assert metadata["homeassistant"]["min_version"] == "2026.10.0"
    assert metadata["description"]
    assert set(blueprint.inputs) == yaml_util.extract_inputs(
        {key: value for key, value in blueprint.data.items() if key != "blueprint"}
    )
    for name, each in blueprint.inputs.items():
        assert each["name"], name
        assert each["selector"], name


class TestNotifyAndCloseAgain:
    NAME = "notify_and_close_again"

    async def test_the_button_closes_the_share(
        self, hass: HomeAssistant, loaded: Any, phone: Phone, gateway: FakeGateway
    ) -> None:
        await use(hass, self.NAME, phone=phone.device_id)
        before = set(gateway.mappings)
        await call(hass, "turn_on", entity_id=SSH_SWITCH)
        await hass.async_block_till_done()
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
        self, hass: HomeAssistant, loaded: Any, phone: Phone
    ) -> None:
        # Home Assistant has just begun, and the message is from before.
        await use(hass, self.NAME, phone=phone.device_id)
        await phone.press(f"PORTSHARE_CLOSE_{WEB}")
        assert state_of(hass, WEB_SWITCH) == "off"
        assert phone.messages == []

    async def test_other_buttons_are_somebody_elses(
        self, hass: HomeAssistant, loaded: Any, phone: Phone
    ) -> None:
        await use(hass, self.NAME, phone=phone.device_id)
        await phone.press("OPEN_THE_GARAGE")
        hass.bus.async_fire("mobile_app_notification_action", {"reply_text": "hello"})
        hass.bus.async_fire("mobile_app_notification_action", {"action": None})
        await hass.async_block_till_done()
        assert state_of(hass, WEB_SWITCH) == "on"

    async def test_only_what_is_opened_is_told(
        self, hass: HomeAssistant, loaded: Any, phone: Phone
    ) -> None:
        await use(hass, self.NAME, phone=phone.device_id)
        await call(hass, "turn_off", entity_id=WEB_SWITCH)
        await hass.async_block_till_done()
        assert phone.messages == []

    async def test_only_of_some_devices(
        self, hass: HomeAssistant, loaded: MockConfigEntry, phone: Phone
    ) -> None:
        nas = device_id_of(hass, loaded, "NAS")
        await use(hass, self.NAME, phone=phone.device_id, devices=[nas])
        other = {"type": "share_enabled", "device_id": "other", "share_id": SSH}
        hass.bus.async_fire(
            EVENT_PORTSHARE,
            {**other, "name": "SSH", "protocol": "tcp", "external_port": 22},
        )
        await hass.async_block_till_done()
        assert phone.messages == []
        await call(hass, "turn_on", entity_id=SSH_SWITCH)
        await hass.async_block_till_done()
        assert len(phone.messages) == 1

    async def test_texts_in_ones_own_language(
        self, hass: HomeAssistant, loaded: Any, phone: Phone
    ) -> None:
        await use(
            hass,
            self.NAME,
            phone=phone.device_id,
            title="Freigabe",
            message="{{ share }} ({{ device }}) ist offen.",
            button="Wieder schließen",
        )
        await call(hass, "turn_on", entity_id=SSH_SWITCH)
        await hass.async_block_till_done()
        assert phone.messages[0]["title"] == "Freigabe"
        assert phone.messages[0]["message"] == "SSH (NAS) ist offen."
        assert list(phone.buttons()) == ["Wieder schließen"]


class TestAskBeforeIndependentMapping:
    NAME = "ask_before_independent_mapping"

    @pytest.fixture
    def approved(self, hass: HomeAssistant) -> list[Any]:
        return async_mock_service(hass, DOMAIN, "approve_request")

    @pytest.fixture
    def denied(self, hass: HomeAssistant) -> list[Any]:
        return async_mock_service(hass, DOMAIN, "deny_request")

    async def ask(self, hass: HomeAssistant, **changes: Any) -> None:
        hass.bus.async_fire(EVENT_PORTSHARE, {**REQUEST, **changes})
        await hass.async_block_till_done()

    async def test_the_question(
        self, hass: HomeAssistant, loaded: MockConfigEntry, phone: Phone
    ) -> None:
        await use(hass, self.NAME, phone=phone.device_id)
        nas = device_id_of(hass, loaded, "NAS")
        await self.ask(hass, device_id=nas)
        [message] = phone.messages
        assert message["title"] == "NAS wants to open a port"
        assert message["message"] == "Game: UDP, port 3074. Allow it?"
        assert message["data"]["tag"] == f"portshare_{nas}_udp_3074"
        assert list(phone.buttons()) == ["Once", "Always", "No"]

    @pytest.mark.parametrize(("button", "always"), [("Once", False), ("Always", True)])
    async def test_yes(
        self,
        hass: HomeAssistant,
        phone: Phone,
        approved: list[Any],
        denied: list[Any],
        button: str,
        always: bool,
    ) -> None:
        await use(hass, self.NAME, phone=phone.device_id)
        await self.ask(hass)
        await phone.press(phone.buttons()[button])
        [service_call] = approved
        request_id = REQUEST["request_id"]
        assert service_call.data == {"request_id": request_id, "always": always}
        assert denied == []
        assert len(phone.messages) == 1

    async def test_no(
        self,
        hass: HomeAssistant,
        phone: Phone,
        approved: list[Any],
        denied: list[Any],
    ) -> None:
        await use(hass, self.NAME, phone=phone.device_id)
        await self.ask(hass)
        await phone.press(phone.buttons()["No"])
        [service_call] = denied
        assert service_call.data == {"request_id": REQUEST["request_id"]}
        assert approved == []

    async def test_without_an_answer_the_question_is_withdrawn(
        self,
        hass: HomeAssistant,
        phone: Phone,
        approved: list[Any],
        denied: list[Any],
        freezer: FrozenDateTimeFactory,
    ) -> None:
        await use(hass, self.NAME, phone=phone.device_id, patience={"minutes": 5})
        await self.ask(hass)
        await pass_time(hass, freezer, minutes=4)
        assert len(phone.messages) == 1
        await pass_time(hass, freezer, minutes=2)
        tag = phone.messages[0]["data"]["tag"]
        withdrawn = {"message": "clear_notification", "data": {"tag": tag}}
        assert phone.messages[1:] == [withdrawn]
        await phone.press(phone.buttons(0)["Always"])
        assert approved == denied == []

    async def test_two_questions_at_a_time(
        self,
        hass: HomeAssistant,
        phone: Phone,
        approved: list[Any],
        denied: list[Any],
    ) -> None:
        await use(hass, self.NAME, phone=phone.device_id)
        await self.ask(hass, request_id="first")
        await self.ask(hass, request_id="second", port=3075)
        buttons = [phone.buttons(0), phone.buttons(1)]
        assert set(buttons[0].values()).isdisjoint(buttons[1].values())
        await phone.press(buttons[1]["Once"])
        await phone.press(buttons[0]["No"])
        assert [each.data["request_id"] for each in approved] == ["second"]
        assert [each.data["request_id"] for each in denied] == ["first"]


class TestCloseAllWhileNobodyIsHome:
    NAME = "close_all_while_nobody_is_home"
    PERSONS = ("person.anna", "person.ben")

    @pytest.fixture(autouse=True)
    def _both_at_home(self, hass: HomeAssistant) -> None:
        for person in self.PERSONS:
            hass.states.async_set(person, "home")

    async def move(self, hass: HomeAssistant, **places: str) -> None:
        for name, place in places.items():
            hass.states.async_set(f"person.{name}", place)
        await hass.async_block_till_done()

    async def use(self, hass: HomeAssistant, **inputs: Any) -> None:
        await use(hass, self.NAME, persons=list(self.PERSONS), **inputs)

    async def test_all_is_closed_when_the_last_one_has_left(
        self,
        hass: HomeAssistant,
        loaded: Any,
        gateway: FakeGateway,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        await self.use(hass)
        await self.move(hass, anna="not_home")
        await pass_time(hass, freezer, minutes=11)
        assert state_of(hass, WEB_SWITCH) == "on"
        await self.move(hass, ben="Work")
        await pass_time(hass, freezer, minutes=9)
        assert state_of(hass, WEB_SWITCH) == "on"
        await pass_time(hass, freezer, minutes=2)
        assert state_of(hass, WEB_SWITCH) == "off"
        assert gateway.mappings == set()
        await self.move(hass, ben="home")
        assert state_of(hass, WEB_SWITCH) == "off"

    @pytest.mark.parametrize("state", ["home", "unknown", "unavailable"])
    async def test_not_if_somebody_may_be_at_home(
        self,
        hass: HomeAssistant,
        loaded: Any,
        freezer: FrozenDateTimeFactory,
        state: str,
    ) -> None:
        await self.use(hass)
        await self.move(hass, anna="not_home", ben="not_home")
        await self.move(hass, ben=state)
        await pass_time(hass, freezer, minutes=11)
        assert state_of(hass, WEB_SWITCH) == "on"

    async def test_the_same_are_open_again_when_somebody_is_back(
        self,
        hass: HomeAssistant,
        loaded: Any,
        gateway: FakeGateway,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        before = set(gateway.mappings)
        await self.use(hass, reopen=True)
        for _ in range(2):
            await self.move(hass, anna="not_home", ben="not_home")
            await pass_time(hass, freezer, minutes=11)
            assert gateway.mappings == set()
            await self.move(hass, ben="home")
            assert gateway.mappings == before
        assert state_of(hass, SSH_SWITCH) == "off"

    async def test_what_was_open_for_a_while_stays_closed(
        self, hass: HomeAssistant, loaded: Any, freezer: FrozenDateTimeFactory
    ) -> None:
        await self.use(hass, reopen=True)
        await call(hass, "open_temporarily", share_id=SSH, duration={"hours": 1})
        await self.move(hass, anna="not_home", ben="not_home")
        await pass_time(hass, freezer, minutes=11)
        await self.move(hass, ben="home")
        assert state_of(hass, WEB_SWITCH) == "on"
        assert state_of(hass, SSH_SWITCH) == "off"

    @pytest.mark.usefixtures("errors_expected")
    async def test_a_share_removed_meanwhile_keeps_no_other_from_being_opened(
        self, hass: HomeAssistant, loaded: Any, freezer: FrozenDateTimeFactory
    ) -> None:
        await call(hass, "turn_on", entity_id=SSH_SWITCH)
        await self.use(hass, reopen=True)
        await self.move(hass, anna="not_home", ben="not_home")
        await pass_time(hass, freezer, minutes=11)
        await call(hass, "remove_share", share_id=WEB)
        await self.move(hass, anna="home")
        assert state_of(hass, SSH_SWITCH) == "on"


class TestAnnounceNewPublicAddress:
    NAME = "announce_new_public_address"
    NEW = IPv4Address("203.0.113.9")

    @pytest.fixture
    def sent(self, hass: HomeAssistant) -> list[Any]:
        return async_mock_service(hass, "notify", "send_message")

    async def test_a_new_address_is_sent_once(
        self,
        hass: HomeAssistant,
        loaded: Any,
        gateway: FakeGateway,
        sent: list[Any],
        freezer: FrozenDateTimeFactory,
    ) -> None:
        await use(hass, self.NAME, notify_entities=["notify.phone", "notify.tablet"])
        # The line was down; IPv4 is back first, and IPv6 a moment later.
        ipv6 = gateway.now.wan_ipv6
        gateway.change(internet=frozenset(), wan_ipv4=(), wan_ipv6=())
        await hass.async_block_till_done()
        gateway.change(
            internet=frozenset({*loaded_families(gateway)}), wan_ipv4=(self.NEW,)
        )
        await pass_time(hass, freezer, seconds=3)
        gateway.change(wan_ipv6=ipv6)
        await pass_time(hass, freezer, seconds=11)
        [service_call] = sent
        assert service_call.data["entity_id"] == ["notify.phone", "notify.tablet"]

    async def test_the_message(
        self,
        hass: HomeAssistant,
        loaded: Any,
        gateway: FakeGateway,
        sent: list[Any],
        freezer: FrozenDateTimeFactory,
    ) -> None:
        await use(hass, self.NAME, notify_entities=["notify.phone"])
        gateway.change(wan_ipv4=(self.NEW,))
        await pass_time(hass, freezer, seconds=11)
        assert sent[0].data == {
            "entity_id": ["notify.phone"],
            "title": "New public address",
            "message": f"Your home is on the internet at {self.NEW}, 2001:db8:ffff::2.",
        }

    @pytest.mark.parametrize("when_restored", [True, False])
    async def test_the_internet_is_back(
        self,
        hass: HomeAssistant,
        loaded: Any,
        gateway: FakeGateway,
        sent: list[Any],
        freezer: FrozenDateTimeFactory,
        when_restored: bool,
    ) -> None:
        await use(
            hass,
            self.NAME,
            notify_entities=["notify.phone"],
            when_restored=when_restored,
        )
        before = gateway.now.internet
        gateway.change(internet=frozenset())
        await hass.async_block_till_done()
        gateway.change(internet=before)
        await pass_time(hass, freezer, seconds=11)
        titles = [each.data["title"] for each in sent]
        assert titles == (["The internet is back"] if when_restored else [])

    async def test_actions_of_ones_own_are_enough(
        self,
        hass: HomeAssistant,
        loaded: Any,
        gateway: FakeGateway,
        sent: list[Any],
        freezer: FrozenDateTimeFactory,
    ) -> None:
        updated = async_mock_service(hass, "dns", "update")
        data = {"a": "{{ external_ipv4 }}", "aaaa": "{{ external_ipv6 }}"}
        await use(hass, self.NAME, then_do=[{"action": "dns.update", "data": data}])
        gateway.change(wan_ipv4=(self.NEW,), wan_ipv6=())
        await pass_time(hass, freezer, seconds=11)
        assert sent == []
        assert [each.data for each in updated] == [{"a": str(self.NEW), "aaaa": ""}]
