"""What our page is told, and what its commands do; over a real websocket."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

import custom_components.portshare
from custom_components.portshare import panel_subscription
from custom_components.portshare.const import DOMAIN
from custom_components.portshare.gateway.books import Account, Visitor
from custom_components.portshare.gateway.errors import GatewayError
from custom_components.portshare.sharing.applications import APPLICATIONS
from custom_components.portshare.sharing.model import Family, Transport
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import (
    SSH,
    SSH_SWITCH,
    WEB,
    WEB_SWITCH,
    call,
    device_of,
    refuse_all,
    state_of,
    stored,
    subentry_of,
)
from .fake_gateway import GATEWAY_MAC, NAS, NAS_IPV4, PI, PI_IPV4, FakeGateway
from .page import Page, Refused
from .test_leasing import ask

PERMISSION = "switch.nas_independent_port_sharing"
GAME = {"name": "Game", "protocol": "udp", "port": 3074}
NEVER = "01KAQ3V8Z0Y6S9V3K1T5N7B2CZ"

type OpenPage = Callable[[], Awaitable[Page]]


@pytest.fixture
def open_page(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> OpenPage:
    """Open a connection as an administrator; a test may open many."""

    async def do() -> Page:
        return Page(await hass_ws_client(hass))

    return do


@pytest.fixture
async def page(loaded: MockConfigEntry, open_page: OpenPage) -> Page:
    """A browser that does not show the page yet."""
    return await open_page()


@pytest.fixture
async def shown(page: Page) -> Page:
    """A browser that shows the page."""
    await page.subscribe()
    return page


async def refused(asked: Awaitable[Any]) -> tuple[str, str | None]:
    """Return with which code and text a command is refused."""
    with pytest.raises(Refused) as caught:
        await asked
    assert caught.value.error["message"]
    return caught.value.code, caught.value.key


@pytest.mark.parametrize(
    "language", ["\0", "../manifest", "x" * 5_000], ids=["zero", "path", "long"]
)
async def test_a_language_that_there_is_not(page: Page, language: str) -> None:
    """It would name a file, and be remembered for ever: the home's is taken."""
    usual = await page.subscribe()
    assert await page.subscribe(language=language) == usual


def state(page: Page) -> dict[str, Any]:
    assert page.state
    return page.state


# Who may


COMMANDS: dict[str, dict[str, Any]] = {
    "subscribe": {},
    "log": {},
    "hosts": {},
    "share/check": {"share_id": WEB},
    "share/add": {"mac": NAS, **GAME},
    "share/update": {"share_id": SSH, "enabled": True},
    "share/remove": {"share_id": WEB},
    "device/add": {"mac": PI},
    "device/update": {"device_id": "1", "name": "Other"},
    "device/remove": {"device_id": "1"},
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("errors_expected")
async def test_nobody_but_administrators_may_give_commands(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
    command: str,
) -> None:
    before = stored(loaded), gateway.open
    page = Page(await hass_ws_client(hass, hass_read_only_access_token))
    device_id = subentry_of(loaded).subentry_id
    data = COMMANDS[command]
    if "device_id" in data:
        data = {**data, "device_id": device_id}
    assert await refused(page.ask(f"portshare/{command}", **data)) == (
        "unauthorized",
        None,
    )
    assert (stored(loaded), gateway.open) == before
    assert set(loaded.subentries) == {device_id}


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"subscribe"}))
async def test_a_command_says_that_no_gateway_is_running(
    hass: HomeAssistant, open_page: OpenPage, command: str
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    page = await open_page()
    assert await refused(page.ask(f"portshare/{command}", **COMMANDS[command])) == (
        "base",
        "not_loaded",
    )


# What is shown


async def test_the_page_shows_the_gateway_and_all_that_it_shares(
    hass: HomeAssistant, loaded: MockConfigEntry, page: Page
) -> None:
    shown = await page.subscribe()
    assert shown
    nas = subentry_of(loaded).subentry_id
    device = device_of(hass, loaded)
    assert shown["gateway"] == {
        "entry_id": loaded.entry_id,
        "name": "Gateway",
        "device_id": device.via_device_id,
        "available": True,
        "internet": ["ipv4", "ipv6"],
        "external_ipv4": "203.0.113.2",
        "external_ipv6": "2001:db8:ffff::2",
        "dns_name": "",
        "open_ports": 1,
        "unused_permissions": 0,
        "loaded": True,
    }
    assert shown["devices"] == {
        nas: {
            "id": nas,
            "name": "NAS",
            "mac": NAS,
            "ipv4": "192.168.178.21",
            "ipv6": ["2001:db8:1::21"],
            "online": True,
            "independent": False,
            "device_id": device.id,
        }
    }
    assert shown["shares"].keys() == {WEB, SSH}
    assert shown["shares"][WEB] == {
        "id": WEB,
        "device": nas,
        "name": "Web server",
        "protocol": "tcp",
        "port": 80,
        "port_end": None,
        "external_port": 8080,
        "external_port_end": None,
        "ipv4": True,
        "ipv6": True,
        "sources": [],
        "enabled": True,
        "open_until": None,
        "status": "active",
        "families": ["ipv4", "ipv6"],
        "calls": ["203.0.113.2:8080", "[2001:db8:1::21]:80"],
        "nobody_listens": False,
        "entity_id": WEB_SWITCH,
    }
    assert shown["shares"][SSH]["status"] == "off"
    assert shown["leases"] == {}


async def test_the_catalogue_is_in_the_language_of_the_user(
    hass: HomeAssistant, page: Page
) -> None:
    names = {}
    for language in ("en", "de"):
        shown = await page.subscribe(language=language)
        assert shown
        assert len(shown["applications"]) == len(APPLICATIONS)
        names[language] = [each["name"] for each in shown["applications"]]
    assert names["en"][0] == "Web server (HTTP)"
    assert names["de"][0] == "Webserver (HTTP)"
    applications = {each["name"]: each for each in state(page)["applications"]}
    assert applications["SSH und SFTP"] == {
        "name": "SSH und SFTP",
        "protocol": "tcp",
        "port": 22,
        "port_end": None,
    }
    assert applications["Mosh"]["port_end"] == 61000
    exposed = next(
        each for each in applications.values() if each["protocol"] == "exposed_host"
    )
    assert exposed["port"] is exposed["port_end"] is None


async def test_without_a_gateway_the_page_waits_for_one(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    open_page: OpenPage,
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    page = await open_page()
    assert await page.subscribe() is None
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, title="Router")
    await hass.config_entries.async_setup(entry.entry_id)
    shown = await page.sees(lambda state: True)
    assert shown["shares"].keys() == {WEB, SSH}


async def test_the_page_shows_the_gateway_again_after_a_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, shown: Page
) -> None:
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert await shown.hear() == {"snapshot": None}
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await shown.sees(lambda state: True)
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await shown.sees(lambda state: state["shares"][SSH]["status"] == "active")


async def test_what_belongs_to_other_integrations_is_none_of_our_business(
    hass: HomeAssistant, shown: Page
) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    hass.config_entries.async_update_entry(other, title="Other")
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await shown.reads(1)
    assert ["snapshot" in event for event in shown.told].count(True) == 1


async def test_nothing_is_sent_to_a_page_that_is_closed(
    hass: HomeAssistant, loaded: MockConfigEntry, page: Page
) -> None:
    coordinator = loaded.runtime_data
    before = len(coordinator._listeners)
    await page.subscribe()
    assert len(coordinator._listeners) == before + 1
    await page.ask("unsubscribe_events", subscription=1)
    assert len(coordinator._listeners) == before
    assert not coordinator.traffic._listeners


async def test_a_page_may_be_closed_while_no_gateway_is_running(
    hass: HomeAssistant, loaded: MockConfigEntry, shown: Page
) -> None:
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await shown.ask("unsubscribe_events", subscription=1)
    shown.told.clear()
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await shown.catch_up()
    assert not shown.told


async def test_a_page_may_be_closed_before_it_is_shown(
    loaded: MockConfigEntry, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts_are_read = asyncio.Event()

    async def read_texts(*args: object) -> dict[str, str]:
        await texts_are_read.wait()
        return {}

    monkeypatch.setattr(panel_subscription, "async_get_translations", read_texts)
    before = len(loaded.runtime_data._listeners)
    await page.send("portshare/subscribe")
    await page.ask("unsubscribe_events", subscription=1)
    texts_are_read.set()
    await page.catch_up()
    assert not page.told
    assert len(loaded.runtime_data._listeners) == before


async def test_the_log_is_what_was_told_live(hass: HomeAssistant, shown: Page) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await call(hass, "turn_off", entity_id=SSH_SWITCH)
    live = await shown.reads(2)
    assert (await shown.ask("portshare/log"))["entries"] == live


# What changes


async def test_a_toggle_is_sent_as_a_small_change(
    hass: HomeAssistant, shown: Page, hass_admin_user: MockUser
) -> None:
    await shown.catch_up()
    shown.told.clear()
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    log = await shown.reads(1)
    await shown.sees(lambda state: state["shares"][SSH]["enabled"])
    changes = [event["changes"] for event in shown.told]
    assert {key for each in changes for key in each} <= {"shares", "gateway", "log"}
    assert all(each.get("shares", {SSH: 0}).keys() == {SSH} for each in changes)
    assert state(shown)["gateway"]["open_ports"] == 2
    assert [entry["type"] for entry in log] == ["share_enabled"]


async def test_every_page_is_told(
    shown: Page, open_page: OpenPage, loaded: MockConfigEntry
) -> None:
    other = await open_page()
    await other.subscribe()
    await other.ask("portshare/share/update", share_id=SSH, name="Shell")
    await shown.sees(lambda state: state["shares"][SSH]["name"] == "Shell")


async def test_the_internet_and_the_devices_are_shown_as_they_come_and_go(
    gateway: FakeGateway, hass: HomeAssistant, loaded: MockConfigEntry, shown: Page
) -> None:
    nas = subentry_of(loaded).subentry_id
    gateway.change(internet=frozenset({Family.IPV6}), wan_ipv4=())
    await shown.sees(lambda state: state["gateway"]["internet"] == ["ipv6"])
    assert state(shown)["gateway"]["external_ipv4"] is None
    gateway.see(NAS)
    await shown.sees(lambda state: not state["devices"][nas]["online"])
    assert state(shown)["shares"][WEB]["status"] == "device_unknown"


@pytest.mark.usefixtures("errors_expected")
async def test_a_kernel_that_cannot_be_asked_is_shown(
    loaded: MockConfigEntry, gateway: FakeGateway, shown: Page
) -> None:
    gateway.refuse = refuse_all
    await loaded.runtime_data.async_refresh()
    await shown.sees(lambda state: not state["gateway"]["available"])


async def test_a_renamed_switch_is_shown(hass: HomeAssistant, shown: Page) -> None:
    er.async_get(hass).async_update_entity(WEB_SWITCH, new_entity_id="switch.blog")
    await shown.sees(lambda state: state["shares"][WEB]["entity_id"] == "switch.blog")


async def test_a_renamed_gateway_is_shown(
    hass: HomeAssistant, loaded: MockConfigEntry, shown: Page
) -> None:
    hass.config_entries.async_update_entry(loaded, title="Router")
    await shown.sees(lambda state: state["gateway"]["name"] == "Router")


async def test_a_device_that_takes_no_calls_is_shown(
    hass: HomeAssistant, gateway: FakeGateway, shown: Page
) -> None:
    gateway.deaf.add((NAS_IPV4, 22))
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await shown.sees(lambda state: state["shares"][SSH]["nobody_listens"])


async def test_what_devices_map_themselves_is_shown(
    hass: HomeAssistant, loaded: MockConfigEntry, shown: Page
) -> None:
    nas = subentry_of(loaded).subentry_id
    await shown.ask("portshare/device/update", device_id=nas, independent=True)
    await shown.sees(lambda state: state["devices"][nas]["independent"])
    assert state(shown)["gateway"]["unused_permissions"] == 1
    await ask(loaded.runtime_data)
    await shown.sees(lambda state: state["gateway"]["unused_permissions"] == 0)
    (lease,) = state(shown)["leases"].values()
    assert datetime.fromisoformat(lease.pop("expires")) > datetime.now(UTC)
    assert lease == {
        "id": lease["id"],
        "mac": NAS,
        "device": nas,
        "protocol": "tcp",
        "port": 6881,
        "external_port": 6881,
        "address": None,
        "description": "",
        "asked_by": ["pcp"],
        "status": "active",
        "families": ["ipv4"],
        "calls": ["203.0.113.2:6881"],
    }
    assert state(shown)["gateway"]["open_ports"] == 2
    await ask(loaded.runtime_data, lifetime=0)
    await shown.sees(lambda state: not state["leases"])


async def test_traffic_is_read_and_shown_as_long_as_somebody_looks(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    page: Page,
) -> None:
    assert gateway.looks == 0
    visitor = Visitor(IPv4Address("198.51.100.7"), 3, datetime.now(UTC))
    gateway.books["tcp 8080 -> 192.168.178.21:80"] = Account(
        10, 1000, 4, 400, visitors=[visitor]
    )
    await page.subscribe()
    shown = await page.sees(lambda state: state["traffic"])
    assert shown["traffic"] == {
        WEB: {
            "bytes_in": 600,
            "bytes_out": 400,
            "connections": 3,
            "last_visitor": "198.51.100.7",
            "last_call": visitor.last.isoformat(),
        }
    }


@pytest.mark.parametrize("seed", range(3))
async def test_the_changes_lead_to_what_a_new_page_shows(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    shown: Page,
    open_page: OpenPage,
    seed: int,
) -> None:
    random = Random(seed)
    worker = await open_page()
    nas = subentry_of(loaded).subentry_id

    async def add() -> None:
        await worker.ask(
            "portshare/share/add",
            mac=random.choice((NAS, PI)),
            name="Game",
            port=random.randint(1024, 65535),
        )

    async def toggle() -> None:
        share_id = random.choice(sorted(loaded.runtime_data.configuration.shares))
        share = loaded.runtime_data.configuration.shares[share_id]
        await worker.ask(
            "portshare/share/update", share_id=share_id, enabled=not share.enabled
        )

    async def remove() -> None:
        shares = sorted(loaded.runtime_data.configuration.shares)
        if len(shares) > 2:
            share_id = random.choice(shares)
            await worker.ask("portshare/share/remove", share_id=share_id)

    async def rename() -> None:
        name = f"Name {random.random()}"
        await worker.ask("portshare/device/update", device_id=nas, name=name)

    async def move() -> None:
        mac, address = random.choice(((NAS, NAS_IPV4), (PI, PI_IPV4)))
        gateway.see(mac, *([address] if random.random() < 0.5 else []))

    async def lose_internet() -> None:
        gateway.change(internet=frozenset(random.sample(sorted(Family), 1)))

    async def permit() -> None:
        may = random.random() < 0.8
        await worker.ask("portshare/device/update", device_id=nas, independent=may)

    async def lease() -> None:
        await ask(loaded.runtime_data, port=random.randint(1024, 65535))

    async def refuse() -> None:
        gateway.refuse = refuse_all
        try:
            await toggle()
        finally:
            gateway.refuse = FakeGateway().refuse

    steps = (add, toggle, remove, rename, move, lose_internet, permit, lease, refuse)
    for _ in range(40):
        with suppress(Refused):
            await random.choice(steps)()
        await hass.async_block_till_done()
    await hass.async_block_till_done(wait_background_tasks=True)
    other = await open_page()
    truth = await other.subscribe()
    await shown.sees(lambda state: state == truth)
    ids = [each["id"] for each in shown.log]
    assert len(ids) == len(set(ids)) > 10


# What is on the network


async def test_the_page_can_offer_what_is_on_the_network(
    loaded: MockConfigEntry, page: Page, names: dict[str, str]
) -> None:
    names[str(PI_IPV4)] = "raspberry.home"
    hosts = (await page.ask("portshare/hosts"))["hosts"]
    by_mac = {host.pop("mac"): host for host in hosts}
    assert by_mac.keys() == {NAS, PI}
    assert by_mac[PI] == {
        "name": "raspberry",
        "ipv4": "192.168.178.22",
        "ipv6": [],
        "online": True,
        "device": None,
    }
    assert by_mac[NAS]["device"] == subentry_of(loaded).subentry_id


# Shares


async def test_a_check_tells_which_external_port_would_be_taken(
    loaded: MockConfigEntry, page: Page, gateway: FakeGateway
) -> None:
    before = stored(loaded), gateway.open
    nas = subentry_of(loaded).subentry_id
    check = "portshare/share/check"
    for target in ({"device_id": nas}, {"mac": NAS}, {"mac": PI}, {}):
        answer = await page.ask(check, **target, name="Game", port=8080)
        assert answer == {
            "external_port": 8081,
            "external_port_end": None,
            "proposal": "8081",
        }
    fields = {"name": "Game", "port": 50, "port_end": 59, "external_port": 70}
    answer = await page.ask(check, mac=PI, **fields)
    assert answer == {
        "external_port": 70,
        "external_port_end": 79,
        "proposal": None,
    }
    answer = await page.ask(check, mac=PI, name="Tunnel", protocol="gre")
    assert set(answer.values()) == {None}
    answer = await page.ask(check, share_id=SSH, external_port=None, confirm=True)
    assert answer["external_port"] == 22
    assert (stored(loaded), gateway.open) == before


FUTURE = (datetime.now(UTC) + timedelta(days=40)).isoformat()
PAST = "2020-01-01T00:00:00+00:00"

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"name": ""}, "invalid_name"),
    "protocol": ({"protocol": "sctp"}, "invalid_protocol"),
    "port": ({"port": 0}, "invalid_port"),
    "port missing": ({"port": None}, "missing_port"),
    "port taken": ({"port": 80}, "device_port_taken"),
    "port_end": ({"port_end": 5}, "inverted_range"),
    "external_port": ({"external_port": "x"}, "invalid_port"),
    "external_port taken": ({"external_port": 8080}, "external_port_taken"),
    "external_port served": ({"external_port": 53}, "served_by_gateway"),
    "external_port_end": (
        {"external_port": 1, "external_port_end": 2},
        "unequal_ranges",
    ),
    "ipv4": ({"ipv4": False, "ipv6": False}, "no_family"),
    "sources": ({"sources": ["?"]}, "invalid_source"),
    "open_until": ({"open_until": "soon"}, "invalid_time"),
    "open_until past": ({"open_until": PAST}, "invalid_duration"),
    "open_until far": ({"open_until": FUTURE}, "invalid_duration"),
    "confirm": ({"port": 23}, "needs_confirmation"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_is_told_at_its_field_and_nothing_is_stored(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    shown: Page,
    events: list[Event],
    wrong: str,
) -> None:
    served = frozenset({(Transport.TCP, 53)})
    gateway.change(served=served)
    await hass.async_block_till_done()
    before = stored(loaded), gateway.open, set(loaded.subentries)
    nas = subentry_of(loaded).subentry_id
    fields, key = WRONG[wrong]
    share = {"name": "Game", "port": 3074, **fields}
    for command, target in (
        ("share/check", {"device_id": nas, **share}),
        ("share/check", {"share_id": SSH, **share}),
        ("share/add", {"device_id": nas, **share}),
        ("share/add", {"mac": NAS, **share}),
        ("share/update", {"share_id": SSH, **share}),
    ):
        expected = wrong.partition(" ")[0], key
        asked = shown.ask(f"portshare/{command}", **target)
        assert await refused(asked) == expected
    assert (stored(loaded), gateway.open, set(loaded.subentries)) == before
    assert not events


async def test_an_error_has_its_text_and_what_that_names(page: Page) -> None:
    asked = page.ask(
        "portshare/share/add", mac=PI, name="Blog", port=80, external_port=8080
    )
    with pytest.raises(Refused) as caught:
        await asked
    assert caught.value.error == {
        "code": "external_port",
        "message": 'External port 8080 is taken: "Web server" of NAS has 8080. '
        "The next one free is 8081",
        "translation_domain": DOMAIN,
        "translation_key": "external_port_taken",
        "translation_placeholders": {
            "wanted": "8080",
            "taken": "8080",
            "share": "Web server",
            "device": "NAS",
            "proposal": "8081",
        },
    }


async def test_a_share_is_added_and_its_call_string_told(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    shown: Page,
    hass_admin_user: MockUser,
    events: list[Event],
) -> None:
    nas = subentry_of(loaded).subentry_id
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    answer = await shown.ask(
        "portshare/share/add",
        device_id=nas,
        **GAME,
        ipv6=False,
        open_until=until.isoformat(),
    )
    assert answer == {
        "share_id": answer["share_id"],
        "external_port": 3074,
        "call": ["203.0.113.2:3074"],
    }
    assert "udp 3074 -> 192.168.178.21:3074" in gateway.open
    share_id = answer["share_id"]
    await shown.sees(lambda state: state["shares"][share_id]["entity_id"])
    share = state(shown)["shares"][share_id]
    assert share["open_until"] == until.isoformat()
    assert share["entity_id"] == "switch.nas_game"
    assert {event.context.user_id for event in events} == {hass_admin_user.id}
    assert {event.data["reason"] for event in events} == {"user"}
    log = await shown.reads(2)
    assert [entry["by"] for entry in log] == [hass_admin_user.name] * 2


@pytest.mark.parametrize("typed", [PI, str(PI_IPV4)])
async def test_a_share_adds_its_device(shown: Page, typed: str) -> None:
    await shown.ask("portshare/share/add", mac=typed, **GAME)
    await shown.sees(lambda state: len(state["shares"]) == 3)
    assert {each["mac"] for each in state(shown)["devices"].values()} == {NAS, PI}


async def test_a_share_is_changed_and_what_was_not_given_stays(
    loaded: MockConfigEntry, page: Page
) -> None:
    answer = await page.ask(
        "portshare/share/update", share_id=SSH, external_port=2223, enabled=True
    )
    assert answer == {
        "share_id": SSH,
        "external_port": 2223,
        "call": ["203.0.113.2:2223"],
    }
    assert stored(loaded)[SSH]["port"] == 22


async def test_how_long_a_share_is_open_can_be_changed(shown: Page) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    update = "portshare/share/update"
    await shown.ask(update, share_id=WEB, open_until=until)
    now = await shown.sees(lambda state: state["shares"][WEB]["open_until"])
    shown_until = now["shares"][WEB]["open_until"]
    await shown.ask(update, share_id=WEB, open_until=shown_until, name="Blog")
    await shown.sees(lambda state: state["shares"][WEB]["name"] == "Blog")
    assert state(shown)["shares"][WEB]["open_until"] == shown_until
    await shown.ask(update, share_id=WEB, open_until=None)
    await shown.sees(lambda state: not state["shares"][WEB]["open_until"])


async def test_a_share_is_removed(
    hass: HomeAssistant, loaded: MockConfigEntry, shown: Page, gateway: FakeGateway
) -> None:
    assert await shown.ask("portshare/share/remove", share_id=WEB) is None
    await shown.sees(lambda state: state["shares"].keys() == {SSH})
    assert not gateway.open


@pytest.mark.parametrize(
    ("command", "data"),
    [
        ("share/check", {"share_id": NEVER}),
        ("share/update", {"share_id": NEVER}),
        ("share/remove", {"share_id": NEVER}),
        ("share/check", {"device_id": NEVER, **GAME}),
        ("share/add", {"device_id": NEVER, **GAME}),
        ("device/update", {"device_id": NEVER}),
        ("device/remove", {"device_id": NEVER}),
    ],
)
async def test_what_is_not_there_is_named(
    page: Page, loaded: MockConfigEntry, command: str, data: dict[str, Any]
) -> None:
    field = "share_id" if "share_id" in data else "device_id"
    key = f"unknown_{field.removesuffix('_id')}"
    assert await refused(page.ask(f"portshare/{command}", **data)) == (field, key)


@pytest.mark.usefixtures("errors_expected")
async def test_a_share_is_of_one_device(page: Page, loaded: MockConfigEntry) -> None:
    nas = subentry_of(loaded).subentry_id
    for target in ({}, {"mac": NAS, "device_id": nas}):
        asked = page.ask("portshare/share/add", **target, **GAME)
        assert await refused(asked) == ("invalid_format", None)


async def test_what_the_kernel_refuses_is_not_stored(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway, page: Page
) -> None:
    before = stored(loaded), gateway.open, set(loaded.subentries)
    gateway.refuse = refuse_all
    for command, data in (
        ("share/add", {"mac": NAS, **GAME}),
        ("share/add", {"mac": PI, **GAME}),
        ("share/update", {"share_id": SSH, "enabled": True}),
        ("share/remove", {"share_id": WEB}),
        ("device/add", {"mac": PI, "share": GAME}),
    ):
        asked = page.ask(f"portshare/{command}", **data)
        assert await refused(asked) == ("base", "kernel_refused")
    assert (stored(loaded), gateway.open, set(loaded.subentries)) == before


# Devices


@pytest.mark.parametrize("typed", [PI, PI.upper().replace(":", "-"), str(PI_IPV4)])
async def test_a_device_is_added_without_a_share(
    hass: HomeAssistant, loaded: MockConfigEntry, shown: Page, typed: str
) -> None:
    answer = await shown.ask("portshare/device/add", mac=typed, name="Attic")
    now = await shown.sees(lambda state: answer["device_id"] in state["devices"])
    device = now["devices"][answer["device_id"]]
    assert (device["name"], device["mac"]) == ("Attic", PI)
    assert subentry_of(loaded, PI).title == "Attic"


async def test_a_device_gets_the_name_that_it_is_known_by(
    loaded: MockConfigEntry, page: Page, names: dict[str, str]
) -> None:
    names[str(PI_IPV4)] = "raspberry.home"
    await page.ask("portshare/device/add", mac=PI, name=None)
    assert subentry_of(loaded, PI).title == "raspberry"


async def test_a_device_is_added_with_its_first_share(
    loaded: MockConfigEntry, page: Page, gateway: FakeGateway
) -> None:
    answer = await page.ask("portshare/device/add", mac=PI, name="Attic", share=GAME)
    assert answer == {"device_id": subentry_of(loaded, PI).subentry_id}
    (share,) = stored(loaded, PI).values()
    assert share["name"] == "Game"
    assert "udp 3074 -> 192.168.178.22:3074" in gateway.open


@pytest.mark.parametrize(
    ("data", "code", "key"),
    [
        ({"mac": NAS}, "mac", "device_exists"),
        ({"mac": str(NAS_IPV4)}, "mac", "device_exists"),
        ({"mac": "?"}, "mac", "invalid_device"),
        ({"mac": GATEWAY_MAC}, "mac", "gateway_itself"),
        ({"mac": "8.8.8.8"}, "mac", "outside_lan"),
        ({"mac": PI, "name": ""}, "device_name", "invalid_name"),
        ({"mac": PI, "share": {**GAME, "name": ""}}, "name", "invalid_name"),
        ({"mac": PI, "share": {**GAME, "port": 0}}, "port", "invalid_port"),
        ({"mac": PI, "share": {**GAME, "open_until": PAST}}, "open_until", ...),
        ({"mac": PI, "share": {"name": "x", "port": 22}}, "confirm", ...),
    ],
)
async def test_a_device_is_not_added_if_anything_is_wrong(
    loaded: MockConfigEntry, page: Page, data: dict[str, Any], code: str, key: Any
) -> None:
    before = set(loaded.subentries)
    told = await refused(page.ask("portshare/device/add", **data))
    assert told[0] == code
    assert key in (told[1], ...)
    assert set(loaded.subentries) == before


async def test_a_device_gets_another_name_and_a_permission(
    hass: HomeAssistant, loaded: MockConfigEntry, shown: Page
) -> None:
    nas = subentry_of(loaded).subentry_id
    update = "portshare/device/update"
    asked = shown.ask(update, device_id=nas, name=" ", independent=True)
    assert await refused(asked) == ("name", "invalid_name")
    assert state_of(hass, PERMISSION).state == "off"
    await shown.ask(update, device_id=nas, name="Attic", independent=True)
    now = await shown.sees(lambda state: state["devices"][nas]["independent"])
    assert now["devices"][nas]["name"] == "Attic"
    assert state_of(hass, PERMISSION).state == "on"


async def test_a_device_is_removed_with_all_that_it_has_open(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    shown: Page,
    hass_admin_user: MockUser,
    events: list[Event],
) -> None:
    nas = subentry_of(loaded).subentry_id
    await shown.ask("portshare/device/update", device_id=nas, independent=True)
    await ask(loaded.runtime_data)
    events.clear()
    assert await shown.ask("portshare/device/remove", device_id=nas) is None
    assert not gateway.open
    assert not loaded.subentries
    await shown.sees(
        lambda state: not (state["devices"] or state["shares"] or state["leases"])
    )
    assert {event.context.user_id for event in events} == {hass_admin_user.id}
    assert sorted(event.data["type"] for event in events) == [
        "mapping_removed",
        "share_disabled",
        "share_removed",
        "share_removed",
    ]
    log = await shown.reads(len(events) + 1)
    assert {entry["device_name"] for entry in log[1:4]} == {"NAS"}


async def test_a_device_stays_with_what_the_kernel_refuses_to_close(
    loaded: MockConfigEntry, gateway: FakeGateway, page: Page
) -> None:
    nas, opened = subentry_of(loaded).subentry_id, gateway.open
    gateway.refuse = refuse_all
    asked = page.ask("portshare/device/remove", device_id=nas)
    assert await refused(asked) == ("base", "kernel_refused")
    assert stored(loaded).keys() == {WEB}
    assert gateway.open == opened


async def test_a_device_without_shares_is_removed(
    loaded: MockConfigEntry, page: Page
) -> None:
    device_id = (await page.ask("portshare/device/add", mac=PI))["device_id"]
    await page.ask("portshare/device/remove", device_id=device_id)
    assert subentry_of(loaded, PI) is None


def test_every_command_is_one_of_the_contract() -> None:
    assert set(COMMANDS) == {
        line.split('"portshare/')[1].split('"')[0]
        for line in Path(custom_components.portshare.__file__)
        .with_name("websocket_api.py")
        .read_text()
        .splitlines()
        if 'vol.Required("type")' in line
    }


async def test_what_was_said_can_be_read_by_every_browser(page: Page) -> None:
    assert json.dumps(await page.subscribe(), allow_nan=False)


@pytest.mark.usefixtures("errors_expected")
async def test_traffic_that_cannot_be_read_is_no_reason_to_show_nothing(
    hass: HomeAssistant, gateway: FakeGateway, page: Page
) -> None:
    gateway.closed_books = GatewayError("Device or resource busy")
    await page.subscribe()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(page)["shares"].keys() == {WEB, SSH}
