"""Our page in the sidebar: there with the entry, and gone with it."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.portshare import panel
from custom_components.portshare.const import DOMAIN
from custom_components.portshare.gateway.errors import GatewayError
from homeassistant.components.frontend import (
    DATA_PANELS,
    EVENT_PANELS_UPDATED,
    async_panel_exists,
)
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import Event, HomeAssistant

from .conftest import SetUp
from .fake_gateway import FakeGateway

CODE = b"customElements.define('portshare-panel', class extends HTMLElement {});"


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module that the build makes."""
    path = tmp_path / "portshare-panel.js"
    path.write_bytes(CODE)
    monkeypatch.setattr(panel, "MODULE", path)
    return path


@pytest.fixture
def told(hass: HomeAssistant) -> list[Event]:
    """How often browsers are told that there are other panels."""
    return async_capture_events(hass, EVENT_PANELS_UPDATED)


def url() -> str:
    return f"/portshare/panel/{sha256(CODE).hexdigest()[:16]}/portshare-panel.js"


def panel_of(hass: HomeAssistant) -> Any:
    return hass.data[DATA_PANELS][DOMAIN]


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "Port sharing"), ("de", "Portfreigaben"), ("fr", "Port sharing")],
)
async def test_the_page_is_in_the_sidebar_of_administrators(
    hass: HomeAssistant, set_up: SetUp, language: str, title: str
) -> None:
    hass.config.language = language
    await set_up()
    page = panel_of(hass)
    assert page.sidebar_title == title
    assert page.sidebar_icon == "mdi:security-network"
    assert page.require_admin
    assert page.config_panel_domain is None
    assert page.config == {
        "_panel_custom": {
            "name": "portshare-panel",
            "module_url": url(),
            "embed_iframe": False,
            "trust_external": False,
            "handle_safe_area": False,
        }
    }


@pytest.mark.usefixtures("loaded")
async def test_the_module_is_served_and_may_be_kept_by_browsers(
    hass_client: ClientSessionGenerator,
) -> None:
    client = await hass_client()
    response = await client.get(url())
    assert response.status == 200
    assert await response.read() == CODE
    assert "javascript" in response.headers["Content-Type"]
    assert "max-age=2678400" in response.headers["Cache-Control"]


async def test_a_reload_does_not_touch_the_page(
    hass: HomeAssistant, loaded: MockConfigEntry, told: list[Event]
) -> None:
    page = panel_of(hass)
    await hass.config_entries.async_reload(loaded.entry_id)
    assert loaded.state is ConfigEntryState.LOADED
    assert panel_of(hass) is page
    assert not told


async def test_a_removed_entry_takes_the_page_with_it_and_another_brings_it_back(
    hass: HomeAssistant, loaded: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    await hass.config_entries.async_remove(loaded.entry_id)
    assert not async_panel_exists(hass, DOMAIN)
    other = MockConfigEntry(domain=DOMAIN, data=dict(loaded.data))
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    assert async_panel_exists(hass, DOMAIN)
    assert (await (await hass_client()).get(url())).status == 200


async def test_a_disabled_entry_takes_the_page_with_it(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    disable = hass.config_entries.async_set_disabled_by
    await disable(loaded.entry_id, ConfigEntryDisabler.USER)
    assert not async_panel_exists(hass, DOMAIN)
    await disable(loaded.entry_id, None)
    await hass.async_block_till_done()
    assert async_panel_exists(hass, DOMAIN)


async def test_the_page_is_there_to_say_that_the_gateway_is_not_running(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway, set_up: SetUp
) -> None:
    gateway.opens.append(GatewayError("Device or resource busy"))
    await set_up()
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert async_panel_exists(hass, DOMAIN)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not async_panel_exists(hass, DOMAIN)


async def test_another_build_has_another_address(
    hass: HomeAssistant, set_up: SetUp, module: Path
) -> None:
    module.write_bytes(b"// new")
    await set_up()
    assert panel_of(hass).config["_panel_custom"]["module_url"] != url()


async def test_without_a_build_there_is_a_warning_and_no_page(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    module: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    module.unlink()
    await set_up()
    assert entry.state is ConfigEntryState.LOADED
    assert not async_panel_exists(hass, DOMAIN)
    warnings = [each for each in caplog.records if "scripts/build-frontend" in each.msg]
    assert len(warnings) == 1
    assert await hass.config_entries.async_remove(entry.entry_id)


def test_the_module_is_where_the_build_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    house = Path(panel.__file__).parent
    assert house / "frontend" / "portshare-panel.js" == panel.MODULE
