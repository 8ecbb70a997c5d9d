"""The options: what the gateway does beside sharing."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.portshare.const import (
    CONF_DNS_NAME,
    CONF_NOTIFY,
    CONF_PROTECT,
    CONF_TELL_AFTER,
    CONF_TELL_FIRST_CALLS,
    SECTION_EXPERT,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.setup import async_setup_component

from .conftest import SSH, SSH_SWITCH, WEB, WEB_SWITCH, SetUp, call, state_of
from .fake_gateway import FakeGateway

NAME = "home.example.org"


@pytest.fixture(autouse=True)
def _resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name lead to the gateway."""

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return [(0, 0, 0, "", ("203.0.113.2", 0))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", getaddrinfo)


async def save(
    hass: HomeAssistant, entry: MockConfigEntry, options: dict[str, Any]
) -> Any:
    """Fill the form and save it."""
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "init"
    result = await hass.config_entries.options.async_configure(form["flow_id"], options)
    await hass.async_block_till_done()
    return result


def suggested(form: Any) -> dict[str, Any]:
    """Return what the fields of a form are filled with."""
    found = {}
    for key in form["data_schema"].schema:
        value = (key.description or {}).get("suggested_value")
        if value is not None:
            found[str(key)] = value
    return found


async def test_all_options_are_stored_and_shown_again(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    options = {
        CONF_PROTECT: True,
        CONF_NOTIFY: ["notify.phone"],
        CONF_DNS_NAME: NAME,
        CONF_TELL_FIRST_CALLS: True,
        SECTION_EXPERT: {CONF_TELL_AFTER: 60},
    }
    result = await save(hass, loaded, options)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded.options == options
    assert loaded.state is ConfigEntryState.LOADED
    form = await hass.config_entries.options.async_init(loaded.entry_id)
    assert suggested(form) == {
        CONF_PROTECT: True,
        CONF_NOTIFY: ["notify.phone"],
        CONF_DNS_NAME: NAME,
        CONF_TELL_FIRST_CALLS: True,
    }
    assert form["data_schema"]
    section = form["data_schema"].schema[SECTION_EXPERT]
    assert section.options["collapsed"] is True
    assert suggested({"data_schema": section.schema}) == {CONF_TELL_AFTER: 60}


async def test_nothing_but_what_must_be_is_enough(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    result = await save(hass, loaded, {SECTION_EXPERT: {}})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded.options == {CONF_PROTECT: False, SECTION_EXPERT: {}}


async def test_what_is_left_empty_is_gone(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await save(
        hass,
        loaded,
        {
            CONF_DNS_NAME: NAME,
            CONF_NOTIFY: ["notify.phone"],
            SECTION_EXPERT: {CONF_TELL_AFTER: 60},
        },
    )
    assert state_of(hass, SSH_SWITCH).attributes["call"][0] == f"{NAME}:2222"
    await save(hass, loaded, {SECTION_EXPERT: {}})
    assert loaded.options == {CONF_PROTECT: False, SECTION_EXPERT: {}}
    assert state_of(hass, SSH_SWITCH).attributes["call"] == ["203.0.113.2:2222"]


@pytest.mark.parametrize(
    "options",
    [
        {SECTION_EXPERT: {CONF_TELL_AFTER: 0}},
        {CONF_NOTIFY: ["light.lamp"], SECTION_EXPERT: {}},
    ],
    ids=["no time at all", "no notify entity"],
)
async def test_what_makes_no_sense_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidData):
        await save(hass, loaded, options)
    assert not loaded.options


async def test_the_dns_name_comes_first_in_what_callers_are_told(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await save(hass, loaded, {CONF_DNS_NAME: NAME, SECTION_EXPERT: {}})
    assert state_of(hass, WEB_SWITCH).attributes["call"] == [
        f"{NAME}:8080",
        "203.0.113.2:8080",
        "[2001:db8:1::21]:80",
    ]
    listed = (await call(hass, "list_shares", response=True))["shares"]
    calls = {share["share_id"]: share["call"] for share in listed}
    assert calls[SSH] == [f"{NAME}:2222", "203.0.113.2:2222"]
    assert calls[WEB][0] == f"{NAME}:8080"
    shares = state_of(hass, "sensor.nas_mappings").attributes["shares"]
    assert shares[0]["call"][0] == f"{NAME}:8080"


@pytest.mark.parametrize("typed", [f" {NAME} ", f"{NAME}\n"])
async def test_blanks_around_the_dns_name_are_not_told_to_callers(
    hass: HomeAssistant, loaded: MockConfigEntry, typed: str
) -> None:
    await save(hass, loaded, {CONF_DNS_NAME: typed, SECTION_EXPERT: {}})
    assert state_of(hass, SSH_SWITCH).attributes["call"][0] == f"{NAME}:2222"


async def test_saving_options_disturbs_nothing_that_is_open(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    before = gateway.open
    await save(hass, loaded, {CONF_DNS_NAME: NAME, SECTION_EXPERT: {}})
    assert gateway.open == before
    assert not any(change.closed for change in gateway.changes)
    assert not gateway.removed
    assert not events


async def test_protect_is_told_to_the_firewall(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    for protect in (True, False):
        await save(hass, loaded, {CONF_PROTECT: protect, SECTION_EXPERT: {}})
        assert gateway.environment
        assert gateway.environment.protect is protect


PROTECT = {CONF_PROTECT: True, SECTION_EXPERT: {}}
OUTSIDE = "198.51.100.7"


class Browser:
    """Fills the form of the options in a browser, wherever that is."""

    def __init__(self, client: Any, entry: MockConfigEntry) -> None:
        self._client = client
        self._entry_id = entry.entry_id
        self._flow = ""

    async def begin(self, address: str) -> None:
        """Open the form, from an address that a reverse proxy on the gateway tells."""
        self._headers = {"X-Forwarded-For": address}
        form = await self._post("", {"handler": self._entry_id})
        assert form["step_id"] == "init"
        self._flow = f"/{form['flow_id']}"

    async def submit(self, data: dict[str, Any]) -> Any:
        return await self._post(self._flow, data)

    async def _post(self, path: str, data: dict[str, Any]) -> Any:
        response = await self._client.post(
            f"/api/config/config_entries/options/flow{path}",
            json=data,
            headers=self._headers,
        )
        assert response.status == 200
        return await response.json()


@pytest.fixture
async def browser(
    hass: HomeAssistant,
    set_up: SetUp,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> Browser:
    """A browser in front of a running gateway, and a reverse proxy between them."""
    http = {"use_x_forwarded_for": True, "trusted_proxies": ["127.0.0.1"]}
    assert await async_setup_component(hass, "http", {"http": http})
    assert await async_setup_component(hass, "config", {})
    await set_up()
    return Browser(await hass_client(), entry)


async def test_a_browser_outside_is_warned_before_it_shuts_itself_out(
    hass: HomeAssistant,
    browser: Browser,
    entry: MockConfigEntry,
    gateway: FakeGateway,
) -> None:
    """Nothing is protected until it says so again; after that nothing is asked."""
    await browser.begin(OUTSIDE)
    asked = await browser.submit(PROTECT)
    assert asked["step_id"] == "protect_from_outside"
    assert asked["description_placeholders"] == {"address": OUTSIDE}
    await hass.async_block_till_done()
    assert not entry.options

    assert (await browser.submit({}))["type"] == "create_entry"
    await hass.async_block_till_done()
    assert entry.options == PROTECT
    assert gateway.environment
    assert gateway.environment.protect

    await browser.begin(OUTSIDE)
    assert (await browser.submit(PROTECT))["type"] == "create_entry"


@pytest.mark.parametrize("address", ["192.168.178.21", "2001:db8:1::21", "10.8.0.2"])
async def test_a_browser_at_home_is_not_warned(browser: Browser, address: str) -> None:
    await browser.begin(address)
    assert (await browser.submit(PROTECT))["type"] == "create_entry"


async def test_what_does_not_protect_needs_no_warning(browser: Browser) -> None:
    await browser.begin(OUTSIDE)
    done = await browser.submit({**PROTECT, CONF_PROTECT: False})
    assert done["type"] == "create_entry"
