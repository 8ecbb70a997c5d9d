"""Home Assistant with portshare, and a fake gateway behind it."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
import logging
from pathlib import Path
import socket
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pyroute2  # noqa: F401  its classes subclass socket.socket as it is when imported
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

import custom_components.portshare  # noqa: F401  before the plugin's own custom_components
from custom_components.portshare.const import (
    CONF_LAN,
    CONF_WAN,
    DOMAIN,
    EVENT_PORTSHARE,
    SUBENTRY_DEVICE,
)
from custom_components.portshare.coordinator import RECONCILE_INTERVAL
from custom_components.portshare.gateway import forwarding
from custom_components.portshare.gateway.errors import GatewayError
from custom_components.portshare.sharing.model import Change
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, HomeAssistant, State
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from .fake_gateway import NAS, FakeGateway

WEB = "01KAQ3V8Z0Y6S9V3K1T5N7B2CD"
SSH = "01KAQ3V8Z0Y6S9V3K1T5N7B2CE"

WEB_DATA = MappingProxyType(
    {
        "name": "Web server",
        "protocol": "tcp",
        "port": 80,
        "port_end": 80,
        "external_port": 8080,
        "ipv4": True,
        "ipv6": True,
        "enabled": True,
    }
)
SSH_DATA = MappingProxyType(
    {**WEB_DATA, "name": "SSH", "port": 22, "port_end": 22, "external_port": 2222}
    | {"ipv6": False, "enabled": False}
)

WEB_SWITCH = "switch.nas_web_server"
SSH_SWITCH = "switch.nas_ssh"

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

# It cannot tell the local time while freezegun stops the clock.
logging.getLogger("aiohttp.access").setLevel(logging.WARNING)

type SetUp = Callable[[], Awaitable[None]]
type Later = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant load portshare."""


@pytest.fixture
async def served(hass: HomeAssistant) -> None:
    """Whatever portshare has to serve, before there is a client to ask for it."""
    assert await async_setup_component(hass, DOMAIN, {})


@pytest.fixture(autouse=True)
def _nothing_unexpected_in_the_log(
    caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Fail for what Home Assistant says against us, and for exceptions nobody caught.

    `@pytest.mark.usefixtures("errors_expected")` is for tests that provoke some.
    """
    yield
    for record in caplog.get_records("call"):
        text = record.getMessage()
        assert "Detected that custom integration" not in text, text
        assert "deprecated" not in text.lower(), text
        if "errors_expected" not in request.fixturenames:
            assert record.levelno < logging.ERROR, text


@pytest.fixture
def errors_expected() -> None:
    """Let the test write errors to the log."""


@pytest.fixture
async def gateway() -> FakeGateway:
    """The gateway, instead of a kernel."""
    return FakeGateway()


@pytest.fixture(autouse=True)
def _patched(gateway: FakeGateway) -> Iterator[None]:
    with (
        patch("custom_components.portshare.Gateway", gateway),
        patch("custom_components.portshare.config_flow.Gateway", gateway),
        patch("custom_components.portshare.remove_tables", gateway.remove_tables),
        patch(
            "custom_components.portshare.diagnostics.dump_tables", gateway.dump_tables
        ),
        patch(
            "custom_components.portshare.listening.somebody_listens",
            gateway.somebody_listens,
        ),
        patch(
            "custom_components.portshare.system_health.has_egress_hook",
            gateway.has_egress_hook,
        ),
    ):
        yield


@pytest.fixture(autouse=True)
def sysctls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The kernel's settings, as files: packets are forwarded."""
    for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("1\n")
    monkeypatch.setattr(forwarding, "_SYSCTLS", tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def names() -> Iterator[dict[str, str]]:
    """The names that the name service knows, by address."""
    known: dict[str, str] = {}

    async def getnameinfo(
        loop: object, address: tuple[str, int], flags: int
    ) -> tuple[str, str]:
        if address[0] not in known:
            raise socket.gaierror(socket.EAI_NONAME)
        return known[address[0]], ""

    with patch("asyncio.base_events.BaseEventLoop.getnameinfo", getnameinfo):
        yield known


@pytest.fixture
def shares() -> dict[str, Any]:
    """The stored shares of the NAS; a test may change them before set-up."""
    return {WEB: dict(WEB_DATA), SSH: dict(SSH_DATA)}


@pytest.fixture
def entry(shares: dict[str, Any]) -> MockConfigEntry:
    """A gateway with one device for sharing, the NAS."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Gateway",
        data={CONF_WAN: ["wan0"], CONF_LAN: ["lan0"]},
        subentries_data=[device(NAS, "NAS", shares)],
    )


@pytest.fixture
def set_up(hass: HomeAssistant, entry: MockConfigEntry, gateway: FakeGateway) -> SetUp:
    """Set the entry up; a test may change entry and gateway before."""

    async def do() -> None:
        entry.add_to_hass(hass)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()

    return do


@pytest.fixture
async def loaded(hass: HomeAssistant, set_up: SetUp, entry: MockConfigEntry) -> Any:
    """The entry, set up and running."""
    await set_up()
    return entry


@pytest.fixture
def tick(later: Later) -> SetUp:
    """Let the time pass after which the kernel is read again."""

    async def do() -> None:
        await later(seconds=RECONCILE_INTERVAL.total_seconds() + 1)

    return do


@pytest.fixture
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Let it be noon."""
    freezer.move_to(NOON)


@pytest.fixture
def later(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Later:
    """Let time pass, with all that is to happen then."""

    async def pass_by(**time: float) -> None:
        freezer.tick(timedelta(**time))
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)

    return pass_by


@pytest.fixture
def events(hass: HomeAssistant) -> list[Event]:
    """The events that portshare fires."""
    return async_capture_events(hass, EVENT_PORTSHARE)


@dataclass(frozen=True, slots=True)
class Home:
    """The gateway and what is told of it, over time."""

    hass: HomeAssistant
    gateway: FakeGateway
    events: list[Event]
    later: Later

    async def change(self, **facts: Any) -> None:
        """Let facts change, with all that follows at once."""
        self.gateway.change(**facts)
        await self.hass.async_block_till_done()

    async def see(self, mac: str, *addresses: IPv4Address | IPv6Address) -> None:
        """Let a device be at these addresses or nowhere, with all that follows."""
        self.gateway.see(mac, *addresses)
        await self.hass.async_block_till_done()


@pytest.fixture
def home(
    hass: HomeAssistant, gateway: FakeGateway, events: list[Event], later: Later
) -> Home:
    """A home, for tests in which much happens."""
    return Home(hass, gateway, events, later)


def many_shares(name: str, numbers: Iterable[int]) -> dict[str, Any]:
    """Return a stored share for each number, of a port of its own."""
    return {
        f"01KAQ3V8Z0Y6S9V3K1T5N7C{number:03}": {
            **WEB_DATA,
            "name": f"{name} {number}",
            "port": 1000 + number,
            "port_end": 1000 + number,
            "external_port": 1000 + number,
        }
        for number in numbers
    }


def device(mac: str, name: str, shares: Mapping[str, Any]) -> ConfigSubentryData:
    """Return the subentry of a device, as it is stored."""
    return ConfigSubentryData(
        data={"mac": mac, "addresses": [], "shares": dict(shares)},
        subentry_type=SUBENTRY_DEVICE,
        title=name,
        unique_id=mac,
    )


def subentry_of(entry: MockConfigEntry, mac: str = NAS) -> Any:
    """Return the subentry of a device; None if it has not been added."""
    return next(
        (each for each in entry.subentries.values() if each.unique_id == mac), None
    )


def stored(entry: MockConfigEntry, mac: str = NAS) -> dict[str, Any]:
    """Return the shares that are stored for a device: the fields of WEB_DATA."""
    return {
        share_id: {key: data[key] for key in WEB_DATA}
        for share_id, data in subentry_of(entry, mac).data["shares"].items()
    }


def store(
    hass: HomeAssistant, entry: MockConfigEntry, share_id: str, **data: Any
) -> None:
    """Change a stored share behind everybody's back; no rule is looked at."""
    subentry = subentry_of(entry)
    shares = {**subentry.data["shares"]}
    shares[share_id] = {**shares[share_id], **data}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "shares": shares}
    )


def outages(
    cause: str, since: datetime, *share_ids: str, told: bool = False
) -> dict[str, Any]:
    """Return interruptions as they are stored."""
    outage = {"cause": cause, "since": since.isoformat(), "told": told}
    return {"version": 1, "data": dict.fromkeys(share_ids, outage)}


def refuse_all(change: Change) -> None:
    """Refuse whatever is asked of the kernel."""
    raise GatewayError("Operation not permitted")


def refuse_text(text: str) -> Callable[[Change], None]:
    """Refuse what opens or closes a mapping with this text in its comment."""

    def refuse(change: Change) -> None:
        if any(text in mapping.comment for mapping in change.opened + change.closed):
            raise GatewayError(f"{text} is poison")

    return refuse


def state_of(hass: HomeAssistant, entity_id: str) -> State:
    """Return the state of an entity that is there."""
    state = hass.states.get(entity_id)
    assert state
    return state


def device_of(hass: HomeAssistant, entry: MockConfigEntry, mac: str = NAS) -> Any:
    """Return a device as Home Assistant's registry knows it; the mac is of a device."""
    return dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, subentry_of(entry, mac).subentry_id), entry.entry_id
    )


async def finish_start(hass: HomeAssistant) -> None:
    """Let Home Assistant have started: automations can hear what is told."""
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()


async def call(
    hass: HomeAssistant, service: str, response: bool = False, **data: Any
) -> Any:
    """Call one of our services, or of the switches'."""
    domain = "switch" if service.startswith("turn_") else DOMAIN
    return await hass.services.async_call(
        domain, service, data, blocking=True, return_response=response
    )
