"""Damaged files and clocks that jump: open stays what shall be open, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import re
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

import custom_components.portshare
from custom_components.portshare.sharing.model import Dnat, Family, PortRange, Transport
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR

from .conftest import NOON, SSH, WEB, WEB_SWITCH, Home, SetUp, call, outages, state_of
from .fake_gateway import NAS, NAS_IPV4, NAS_IPV6, PI, PI_IPV4, FakeGateway

STORES = (
    "addresses",
    "internet",
    "interruptions",
    "journal",
    "leases",
    "log",
    "sources",
    "traffic",
)
EACH_STORE = pytest.mark.parametrize("name", STORES)

OPEN = {"tcp 8080 -> 192.168.178.21:80", "tcp [2001:db8:1::21]:80"}
# What is in the kernel before the start.
BEFORE = Dnat(Transport.UDP, PortRange(1, 1), PI, PI_IPV4, 1)

LOADED, SETUP_ERROR = ConfigEntryState.LOADED, ConfigEntryState.SETUP_ERROR

SSH_OPEN = "tcp 2222 -> 192.168.178.21:22"

type Write = Callable[[str, str], Path]
type Jump = Callable[..., None]

BROKEN = {
    "not JSON": '{"version": 1, "minor_version": 1, "data": {"a',
    "empty": "",
    "zeros, as after a power failure": "\0" * 512,
}


def stored(data: Any, version: int = 1) -> str:
    return json.dumps({"version": version, "minor_version": 1, "data": data})


STRANGE = {
    "a list": "[]",
    "no version": '{"data": {}}',
    "text for data": stored("text"),
    "a list for data": stored([1, 2]),
    "numbers for data": stored({"key": 1}),
    "a newer version": stored({"key": {"of": "the future"}}, version=99),
}


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Have a directory of its own for each test."""
    return str(tmp_path)


@pytest.fixture
def hass_storage() -> None:
    """Files are real files here."""


@pytest.fixture
def write(entry: MockConfigEntry, hass_config_dir: str) -> Write:
    """Write a file of one of our stores."""
    folder = Path(hass_config_dir, STORAGE_DIR)
    folder.mkdir()

    def do(name: str, text: str) -> Path:
        path = folder / f"portshare.{entry.entry_id}.{name}"
        path.write_text(text)
        return path

    return do


def state_and_error(entry: MockConfigEntry) -> tuple[ConfigEntryState, str | None]:
    return entry.state, entry.error_reason_translation_key


def test_each_store_is_tried() -> None:
    """Whoever adds another finds it here."""
    house = Path(custom_components.portshare.__file__).parent
    keys = re.compile(r'f"\{DOMAIN\}\.\{entry_id\}\.(\w+)"')
    found = {
        key for path in house.glob("*.py") for key in keys.findall(path.read_text())
    }
    assert found == set(STORES)


@pytest.mark.usefixtures("errors_expected")
@EACH_STORE
@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_file_stands_in_nobodys_way(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    write: Write,
    name: str,
    text: str,
) -> None:
    """Home Assistant says so and puts it aside; shares do not depend on it."""
    path = write(name, text)
    await set_up()
    assert state_and_error(entry) == (LOADED, None)
    assert gateway.open == OPEN
    assert [
        each.read_text() for each in path.parent.glob(f"{path.name}.corrupt.*")
    ] == [text]
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    assert not gateway.mappings


@pytest.mark.usefixtures("errors_expected")
async def test_a_time_that_nobody_can_count_from(
    entry: MockConfigEntry, set_up: SetUp, write: Write
) -> None:
    outage = outages("no_internet", datetime.max.replace(tzinfo=UTC), WEB)
    write("interruptions", stored(outage["data"]))
    await set_up()
    assert state_and_error(entry) == (SETUP_ERROR, "storage_unreadable")


@pytest.mark.usefixtures("errors_expected")
@EACH_STORE
@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
async def test_a_file_that_cannot_be_understood_is_said_and_left_as_it_is(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: FakeGateway,
    set_up: SetUp,
    write: Write,
    name: str,
    text: str,
) -> None:
    """The firewall is not touched, and after the repair everything is as it was."""
    gateway.mappings = {BEFORE}
    path = write(name, text)
    await set_up()
    assert state_and_error(entry) == (SETUP_ERROR, "storage_unreadable")
    placeholders = entry.error_reason_translation_placeholders or {}
    assert path.match(placeholders["files"])
    assert gateway.mappings == {BEFORE}
    assert not gateway.handles
    assert path.read_text() == text

    path.unlink()
    await hass.config_entries.async_reload(entry.entry_id)
    assert state_and_error(entry) == (LOADED, None)
    assert gateway.open == OPEN


# The clock jumps


@pytest.fixture
def jump(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> Jump:
    """Set the clock; the time that passes by, and timers with it, take no notice."""
    time = hass.loop.time
    skew = timedelta()

    def do(**by: float) -> None:
        nonlocal skew
        skew += timedelta(**by)
        freezer.tick(timedelta(**by))

    monkeypatch.setattr(hass.loop, "time", lambda: time() - skew.total_seconds())
    return do


@pytest.mark.usefixtures("noon", "loaded")
async def test_forward_closes_what_is_over_by_the_new_clock(
    home: Home, jump: Jump, tick: SetUp
) -> None:
    await open_for(home, SSH, hours=2)
    await open_for(home, WEB, hours=50)
    home.events.clear()
    jump(days=1)
    await tick()
    assert home.gateway.open == OPEN
    assert told(home) == [("share_disabled", "SSH", "expired")]
    jump(days=-1)
    await tick()
    assert home.gateway.open == OPEN


@pytest.mark.usefixtures("noon", "loaded")
async def test_back_keeps_nothing_open_for_longer_than_was_asked_for(
    home: Home, jump: Jump, tick: SetUp
) -> None:
    """Ten minutes are ten minutes: by then the kernel has closed it, too."""
    await open_for(home, SSH, minutes=10)
    home.events.clear()
    jump(days=-1)
    await home.later(minutes=9)
    assert home.gateway.open == OPEN | {SSH_OPEN}
    await call(home.hass, "update_share", share_id=SSH, name="Shell")
    await home.later(minutes=1, seconds=1)
    assert home.gateway.open == OPEN
    assert told(home) == [("share_disabled", "Shell", "expired")]
    at = datetime.fromisoformat(home.events[0].data["at"])
    assert at == NOON + timedelta(days=-1, minutes=10, seconds=1)
    await tick()
    assert home.gateway.open == OPEN


@pytest.mark.usefixtures("noon", "loaded")
@pytest.mark.parametrize("days", [-1, 1])
async def test_an_outage_ends_whatever_the_clock_says(
    home: Home, jump: Jump, days: int
) -> None:
    """What is closed opens again; and nothing has lasted less than no time."""
    await home.see(NAS)
    await home.later(minutes=1)
    jump(days=days)
    assert not home.gateway.open
    await home.later(minutes=4, seconds=1)
    assert told(home) == [("share_disabled", "Web server", "device")]
    await home.see(NAS, NAS_IPV4, NAS_IPV6)
    assert home.gateway.open == OPEN
    assert told(home) == [
        ("share_disabled", "Web server", "device"),
        ("share_enabled", "Web server", "device"),
    ]
    assert home.events[-1].data["lasted"] == max(0, days * 86400 + 301)


@pytest.mark.usefixtures("noon", "loaded")
@pytest.mark.parametrize("days", [-1, 1])
async def test_the_internet_comes_back_whatever_the_clock_says(
    home: Home, jump: Jump, days: int
) -> None:
    await home.change(internet=frozenset())
    assert home.gateway.environment
    assert not home.gateway.environment.internet
    jump(days=days)
    await home.change(internet=frozenset(Family))
    assert home.gateway.environment.internet == frozenset(Family)
    assert state_of(home.hass, "binary_sensor.gateway_internet").state == "on"
    assert home.gateway.open == OPEN


async def open_for(home: Home, share_id: str, **duration: float) -> None:
    await call(home.hass, "open_temporarily", share_id=share_id, duration=duration)


def told(home: Home) -> list[tuple[str, str, str]]:
    return [
        (event.data["type"], event.data["name"], event.data["reason"])
        for event in home.events
    ]
