"""Repairs: what is wrong with the kernel, and how it is mended from the browser."""

import errno
from pathlib import Path

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.portshare.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .browser import RepairsBrowser
from .conftest import WEB_SWITCH, Home, SetUp, call, state_of

IPV4, IPV6 = "ipv4_forwarding_off", "ipv6_forwarding_off"
SWITCHES = {IPV4: "net/ipv4/ip_forward", IPV6: "net/ipv6/conf/all/forwarding"}
FAMILIES = pytest.mark.parametrize("issue_id", [IPV4, IPV6])


@pytest.fixture(autouse=True)
async def _repairs(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "repairs", {})


def issues(hass: HomeAssistant) -> set[str]:
    return {
        issue.issue_id
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


def write(sysctls: Path, issue_id: str, value: str) -> None:
    (sysctls / SWITCHES[issue_id]).write_text(f"{value}\n")


def read(sysctls: Path, issue_id: str) -> str:
    return (sysctls / SWITCHES[issue_id]).read_text().strip()


@pytest.fixture
async def browser(served: None, hass_client: ClientSessionGenerator) -> RepairsBrowser:
    return RepairsBrowser(await hass_client())


@FAMILIES
async def test_the_kernel_is_made_to_forward(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    sysctls: Path,
    browser: RepairsBrowser,
    issue_id: str,
) -> None:
    """Set-up succeeds all the same, and switches can be switched meanwhile."""
    write(sysctls, issue_id, "0")
    await set_up()
    assert entry.state is ConfigEntryState.LOADED
    assert issues(hass) == {issue_id}
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert state_of(hass, WEB_SWITCH).state == "off"

    form = await browser.begin(issue_id)
    assert form["step_id"] == "confirm"
    setting = f"{SWITCHES[issue_id].replace('/', '.')}=1"
    assert form["description_placeholders"] == {"settings": setting}
    assert read(sysctls, issue_id) == "0"
    done = await browser.submit()
    assert done["type"] == "create_entry"
    assert read(sysctls, issue_id) == "1"
    assert not issues(hass)


async def test_shares_are_open_as_soon_as_it_is_repaired(
    hass: HomeAssistant, set_up: SetUp, sysctls: Path, browser: RepairsBrowser
) -> None:
    """Nobody waits for the next look at the kernel."""
    for issue_id in (IPV4, IPV6):
        write(sysctls, issue_id, "0")
    await set_up()
    assert state_of(hass, WEB_SWITCH).attributes["status"] == "blocked"
    assert state_of(hass, "sensor.nas_mappings").state == "0"
    await browser.begin(IPV4)
    await browser.submit()
    await hass.async_block_till_done()
    assert state_of(hass, WEB_SWITCH).attributes["status"] == "active"
    assert issues(hass) == {IPV6}


@pytest.mark.usefixtures("loaded")
async def test_nothing_is_said_of_a_kernel_that_forwards(hass: HomeAssistant) -> None:
    assert not issues(hass)


@FAMILIES
async def test_it_is_noticed_when_it_ends_and_when_it_begins_again(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    sysctls: Path,
    tick: SetUp,
    issue_id: str,
) -> None:
    write(sysctls, issue_id, "0")
    await tick()
    assert issues(hass) == {issue_id}
    write(sysctls, issue_id, "1")
    await tick()
    assert not issues(hass)


@pytest.mark.usefixtures("loaded")
async def test_ipv6_is_not_missed_where_the_home_has_none(
    home: Home, sysctls: Path, tick: SetUp
) -> None:
    write(sysctls, IPV6, "0")
    await tick()
    assert issues(home.hass) == {IPV6}
    await home.change(lan_ipv6=())
    assert not issues(home.hass)


async def test_an_entry_that_is_not_loaded_misses_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp, sysctls: Path
) -> None:
    write(sysctls, IPV4, "0")
    await set_up()
    assert issues(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    assert not issues(hass)


async def test_the_wan_goes_on_listening_to_its_router(
    set_up: SetUp, sysctls: Path, browser: RepairsBrowser
) -> None:
    """That is set first, and said."""
    accept_ra = sysctls / "net/ipv6/conf/wan0/accept_ra"
    accept_ra.parent.mkdir()
    accept_ra.write_text("1\n")
    write(sysctls, IPV6, "0")
    await set_up()
    form = await browser.begin(IPV6)
    assert form["description_placeholders"]["settings"] == (
        "net.ipv6.conf.wan0.accept_ra=2 net.ipv6.conf.all.forwarding=1"
    )
    await browser.submit()
    assert accept_ra.read_text() == "2"


@FAMILIES
async def test_in_a_container_it_is_said_what_to_do_by_hand(
    hass: HomeAssistant,
    set_up: SetUp,
    sysctls: Path,
    browser: RepairsBrowser,
    monkeypatch: pytest.MonkeyPatch,
    issue_id: str,
) -> None:
    """It is over as soon as it has been done, and not before."""

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    write(sysctls, issue_id, "0")
    await set_up()
    await browser.begin(issue_id)
    with monkeypatch.context() as read_only:
        read_only.setattr(Path, "write_text", refuse)
        form = await browser.submit()
    assert form["step_id"] == "by_hand"
    assert not form["errors"]
    setting = f"{SWITCHES[issue_id].replace('/', '.')}=1"
    assert form["description_placeholders"] == {"settings": setting}

    form = await browser.submit()
    assert form["step_id"] == "by_hand"
    assert form["errors"] == {"base": "still_off"}
    assert issues(hass) == {issue_id}

    write(sysctls, issue_id, "1")
    assert (await browser.submit())["type"] == "create_entry"
    assert not issues(hass)
