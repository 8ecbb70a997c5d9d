"""The log: what happened, when, and by whom."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any
from unittest.mock import Mock

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.portshare.const import EVENT_PORTSHARE
from custom_components.portshare.events import (
    of_first_call,
    of_more_first_calls,
    of_request,
)
from custom_components.portshare.gateway.books import Visitor
from custom_components.portshare.gateway.other_firewalls import Kind, OtherFirewall
from custom_components.portshare.gateway.others import Others
from custom_components.portshare.independent.leases import AskedBy, Wish
from custom_components.portshare.sharing.model import Family, Transport
from homeassistant.components.logbook.processor import EventProcessor
from homeassistant.components.recorder import get_instance
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    SetUp,
    call,
    device_of,
    outages,
    store,
    subentry_of,
)
from .fake_gateway import HOME, NAS, PI, PI_IPV4, FakeGateway
from .test_leasing import ask

AWAY: Any = {"internet": frozenset()}
BACK: Any = {"internet": HOME.internet}
LONG_AGO = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _custom_integrations(recorder_mock: Mock, enable_custom_integrations: None) -> None:
    """Let Home Assistant load portshare, and record what happens."""


@pytest.fixture(autouse=True)
async def _logbook(hass: HomeAssistant, _custom_integrations: None) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    hass.config.components.add("frontend")  # nobody looks at it
    assert await async_setup_component(hass, "logbook", {})


async def logged(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return the lines of the log, as the frontend gets them."""
    await hass.async_block_till_done()
    await async_wait_recording_done(hass)
    now = dt_util.utcnow()
    processor = EventProcessor(hass, (EVENT_PORTSHARE,))
    lines = await get_instance(hass).async_add_executor_job(
        processor.get_events, now - timedelta(hours=1), now + timedelta(hours=1)
    )
    return [line for line in lines if line.get("domain") == "portshare"]


async def messages(hass: HomeAssistant) -> list[str]:
    return [f"{line['name']} | {line['message']}" for line in await logged(hass)]


@pytest.mark.usefixtures("loaded")
async def test_what_a_person_does_is_logged_with_the_person(
    hass: HomeAssistant, hass_admin_user: MockUser
) -> None:
    context = Context(user_id=hass_admin_user.id)
    for service in ("turn_on", "turn_off"):
        await hass.services.async_call(
            "switch",
            service,
            {"entity_id": SSH_SWITCH},
            blocking=True,
            context=context,
        )
    lines = await logged(hass)
    assert [(line["name"], line["message"]) for line in lines] == [
        ("NAS", "SSH (external port 2222) was shared with the internet"),
        ("NAS", "SSH (external port 2222) was closed"),
    ]
    assert {line["context_user_id"] for line in lines} == {hass_admin_user.id}


async def test_what_services_and_automations_do_is_logged_as_such(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    dr.async_get(hass).async_update_device(
        device_of(hass, loaded).id, name_by_user="Attic"
    )
    await call(hass, "add_share", mac=NAS, name="Game", port=99)
    await call(hass, "remove_share", share_id=WEB)
    await hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": SSH_SWITCH},
        blocking=True,
        context=Context(parent_id=Context().id),
    )
    await call(hass, "close_all")
    lines = await messages(hass)
    assert lines[:-3] == [
        "Attic | Game (external port 99) was added by a service",
        "Attic | Game (external port 99) was shared with the internet by a service",
        "Attic | Web server (external port 8080) was closed by a service",
        "Attic | Web server (external port 8080) was removed by a service",
        "Attic | SSH (external port 2222) was shared with the internet by an automation",
    ]
    assert sorted(lines[-3:]) == [
        "Attic | Game (external port 99) was closed by a service",
        "Attic | SSH (external port 2222) was closed by a service",
        "Gateway | closed all shares",
    ]


async def test_who_calls_for_the_first_time_is_logged(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    coordinator = loaded.runtime_data
    visitor = Visitor(IPv4Address("198.51.100.7"), 3, LONG_AGO)
    share = coordinator.configuration.shares[WEB]
    coordinator.teller.tell(of_first_call(share, visitor))
    coordinator.teller.tell(of_more_first_calls(40, LONG_AGO))
    assert await messages(hass) == [
        "NAS | Web server (external port 8080) was called by 198.51.100.7 "
        "for the first time",
        "Gateway | was called for the first time by 40 more addresses",
    ]


@pytest.mark.usefixtures("loaded")
async def test_the_internet_is_logged_with_its_addresses(
    hass: HomeAssistant, gateway: FakeGateway
) -> None:
    for facts in (
        {**AWAY, "wan_ipv4": (), "wan_ipv6": ()},
        {**BACK, "wan_ipv4": HOME.wan_ipv4, "wan_ipv6": HOME.wan_ipv6},
        {"wan_ipv4": (IPv4Address("203.0.113.9"),)},
    ):
        gateway.change(**facts)
        await hass.async_block_till_done()
    assert await messages(hass) == [
        "Gateway | lost the internet",
        "Gateway | has the internet again: 203.0.113.2, 2001:db8:ffff::2",
        "Gateway | has a new address: 203.0.113.9, 2001:db8:ffff::2",
    ]


@pytest.mark.parametrize(
    "shares",
    [
        {
            WEB: dict(WEB_DATA),
            SSH: {**SSH_DATA, "enabled": True, "open_until": LONG_AGO.isoformat()},
        }
    ],
)
@pytest.mark.usefixtures("loaded")
async def test_what_closed_by_itself_is_logged_with_its_true_time(
    hass: HomeAssistant,
) -> None:
    assert await messages(hass) == [
        "NAS | SSH (external port 2222) was closed at 2026-11-22 13:00:00 "
        "because its time was over"
    ]


@pytest.mark.parametrize(
    ("status", "why", "without"),
    [
        ("no_internet", "the internet was lost", " without internet"),
        ("device_unknown", "the device was gone", " without the device"),
    ],
)
async def test_an_interruption_is_logged_with_its_true_times(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    entry: MockConfigEntry,
    set_up: SetUp,
    status: str,
    why: str,
    without: str,
) -> None:
    hass_storage[f"portshare.{entry.entry_id}.interruptions"] = outages(
        status, LONG_AGO, WEB
    )
    await set_up()
    closed, opened = await messages(hass)
    share = "NAS | Web server (external port 8080)"
    assert closed == f"{share} was closed at 2026-11-22 13:00:00 because {why}"
    assert opened.startswith(f"{share} was opened again at ")
    assert opened.endswith(without)


@pytest.mark.parametrize(
    "shares",
    [{WEB: dict(WEB_DATA), SSH: {**SSH_DATA, "external_port": 8080, "enabled": True}}],
)
async def test_a_port_that_goes_to_another_share_is_logged(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, "update_share", share_id=WEB, external_port=81)
    store(hass, loaded, WEB, external_port=8080)
    assert await messages(hass) == [
        "NAS | SSH (external port 8080) was shared with the internet "
        "because its port has become free",
        "NAS | SSH (external port 8080) was closed because another share has its port",
    ]


async def test_a_firewall_that_keeps_callers_out_is_logged(
    hass: HomeAssistant, gateway: FakeGateway, loaded: MockConfigEntry
) -> None:
    mine = OtherFirewall(
        Kind.NFTABLES, "inet", "mine", "forward", blocks=frozenset(Family)
    )
    for firewalls in ((mine,), ()):
        gateway.put_others(Others(firewalls))
        await hass.async_block_till_done()
    assert await messages(hass) == [
        "NAS | Web server (external port 8080) cannot be called any more "
        "because the gateway itself keeps callers out",
        "NAS | Web server (external port 8080) can be called from the internet "
        "because the gateway itself lets callers in now",
    ]


async def test_the_log_speaks_the_language_of_home_assistant(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    hass.config.language = "de"
    hass_storage[f"portshare.{entry.entry_id}.interruptions"] = outages(
        "device_unknown", LONG_AGO, WEB
    )
    await set_up()
    await call(hass, "remove_share", share_id=SSH)
    closed, opened, removed = await messages(hass)
    share = "NAS | Web server (externer Port 8080)"
    assert closed == (
        f"{share} wurde um 2026-11-22 13:00:00 geschlossen, weil das Gerät weg war"
    )
    assert opened.startswith(f"{share} wurde um ")
    assert opened.endswith(" ohne das Gerät")
    assert removed == ("NAS | SSH (externer Port 2222) wurde von einer Aktion entfernt")


async def test_what_belongs_to_a_device_that_is_gone_is_still_logged(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    dr.async_get(hass).async_remove_device(device_of(hass, loaded).id)
    assert await messages(hass) == [
        "Port sharing | SSH (external port 2222) was shared with the internet"
    ]


async def test_what_has_no_port_is_logged_without_one(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, "add_share", mac=NAS, name="Tunnel", protocol="gre")
    assert await messages(hass) == [
        "NAS | Tunnel was added by a service",
        "NAS | Tunnel was shared with the internet by a service",
    ]


async def test_what_devices_do_by_themselves_is_logged(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    coordinator = loaded.runtime_data
    permission = "switch.nas_independent_port_sharing"
    await ask(coordinator)
    await call(hass, "turn_on", entity_id=permission)
    await ask(coordinator)
    await ask(coordinator, lifetime=0)
    await ask(coordinator)
    await call(hass, "close_all")
    await ask(coordinator)
    await call(hass, "turn_off", entity_id=permission)
    await ask(coordinator, PI_IPV4)
    lines = await messages(hass)
    port = "TCP 6881 (external port 6881)"
    by_itself = f"NAS | opened {port} by itself"
    assert [line for line in lines if "6881" in line] == [
        f"NAS | ({NAS}) asks for {port}, and may not have it",
        by_itself,
        f"NAS | closed {port}, which it had opened by itself",
        by_itself,
        f"NAS | {port}, which it had opened by itself, was closed by a service",
        by_itself,
        f"NAS | lost {port}, which it had opened by itself, "
        "with the permission to do so",
        f"Port sharing | ({PI}) asks for {port}, and may not have it",
    ]


async def test_what_a_device_says_of_its_mapping_is_logged(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    wish = Wish(
        device=NAS,
        transport=Transport.UDP,
        port=3074,
        asked_by=AskedBy.UPNP,
        description="Game {at}",
    )
    device_id = subentry_of(loaded).subentry_id
    loaded.runtime_data.teller.tell(of_request(wish, "1", device_id, LONG_AGO))
    assert await messages(hass) == [
        f"NAS | ({NAS}) asks for Game {{at}}, and may not have it"
    ]
