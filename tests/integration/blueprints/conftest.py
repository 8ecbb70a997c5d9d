"""An automation of a blueprint, and a phone to which it speaks."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
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
    mock_integration,
    mock_platform,
)
import voluptuous as vol

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    template,
)
from homeassistant.setup import async_setup_component

REPOSITORY = Path(__file__).parents[3]
BLUEPRINTS = REPOSITORY / "blueprints" / "automation" / "portshare"

type PassTime = Callable[..., Awaitable[None]]


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
        device_action: Any = SimpleNamespace(
            ACTION_SCHEMA=self.ACTION_SCHEMA,
            async_call_action_from_config=self._notify,
        )
        mock_platform(hass, "mobile_app.device_action", device_action)

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
        await settle()


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


@pytest.fixture
def pass_time(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> PassTime:
    """Let so much time pass at once."""

    async def do(**time: float) -> None:
        freezer.tick(timedelta(**time))
        async_fire_time_changed(hass)
        await settle()

    return do


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


async def settle() -> None:
    """Let everything happen, even if an automation then waits for more.

    Nothing of it takes time: the gateway is a fake, and so is the phone.
    """
    for _ in range(100):
        await asyncio.sleep(0)


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
