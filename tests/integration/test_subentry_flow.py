"""Add a device for sharing and edit its shares, as somebody clicks through it."""

from collections.abc import Callable, Coroutine
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.const import SUBENTRY_DEVICE
from custom_components.portshare.sharing.model import Transport
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.core import Event, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr

from .conftest import (
    SSH,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    SetUp,
    call,
    device,
    device_of,
    refuse_all,
    state_of,
    stored,
    subentry_of,
)
from .fake_gateway import GATEWAY_MAC, NAS, PI, PI_IPV4, FakeGateway
from .test_config_flow import offered, suggested

NEW_MAC = "02:00:5e:00:00:23"

GAME = {
    "name": "Game",
    "protocol": "udp",
    "port": 30000,
    "ipv4": True,
    "ipv6": True,
    "enabled": True,
}

type Result = Any
type Steps = Callable[..., Coroutine[Any, Any, Result]]


@pytest.fixture
def add(hass: HomeAssistant, loaded: MockConfigEntry) -> Steps:
    """Begin to add a device, and submit each of the given forms."""

    async def do(*forms: dict[str, Any]) -> Result:
        result: Result = await hass.config_entries.subentries.async_init(
            (loaded.entry_id, SUBENTRY_DEVICE), context={"source": SOURCE_USER}
        )
        return await submit(hass, result, *forms)

    return do


@pytest.fixture
def edit(hass: HomeAssistant, loaded: MockConfigEntry) -> Steps:
    """Begin to edit the NAS, and submit each of the given forms."""

    async def do(*forms: dict[str, Any]) -> Result:
        result: Result = await hass.config_entries.subentries.async_init(
            (loaded.entry_id, SUBENTRY_DEVICE),
            context={
                "source": SOURCE_RECONFIGURE,
                "subentry_id": subentry_of(loaded).subentry_id,
            },
        )
        return await submit(hass, result, *forms)

    return do


async def submit(hass: HomeAssistant, result: Result, *forms: dict[str, Any]) -> Result:
    for form in forms:
        result = await hass.config_entries.subentries.async_configure(
            result["flow_id"], form
        )
    await hass.async_block_till_done()
    return result


def menu(choice: str) -> dict[str, str]:
    return {"next_step_id": choice}


def labels(result: Result) -> list[str]:
    return offered(result, "device")


# The list of devices


async def test_devices_that_were_seen_are_offered_and_those_added_are_not(
    add: Steps,
) -> None:
    result = await add()
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert labels(result) == [f"192.168.178.22 · {PI}"]


async def test_the_gateway_itself_is_not_offered(
    add: Steps, gateway: FakeGateway
) -> None:
    gateway.see(GATEWAY_MAC, IPv4Address("192.168.178.1"))
    assert labels(await add()) == [f"192.168.178.22 · {PI}"]


async def test_a_device_without_ipv4_is_offered_with_its_ipv6_address(
    add: Steps, gateway: FakeGateway
) -> None:
    gateway.see(PI, IPv6Address("2001:db8:1::22"))
    assert labels(await add()) == [f"2001:db8:1::22 · {PI}"]


async def test_names_come_from_the_name_service(
    add: Steps, names: dict[str, str]
) -> None:
    names["192.168.178.22"] = "raspberry.fritz.box"
    assert labels(await add()) == [f"raspberry · 192.168.178.22 · {PI}"]


async def test_names_come_from_the_name_service_by_ipv6_too(
    add: Steps, names: dict[str, str], gateway: FakeGateway
) -> None:
    gateway.see(PI, PI_IPV4, IPv6Address("2001:db8:1::22"))
    names["2001:db8:1::22"] = "raspberry"
    assert labels(await add()) == [f"raspberry · 192.168.178.22 · {PI}"]


async def test_a_name_service_that_does_not_answer_is_not_waited_for(
    hass: HomeAssistant, add: Steps
) -> None:
    async def never(loop: object, address: object, flags: int) -> None:
        await hass.loop.create_future()

    with (
        patch("asyncio.base_events.BaseEventLoop.getnameinfo", never),
        patch("custom_components.portshare.names._LOOK_UP_SECONDS", 0),
    ):
        assert labels(await add()) == [f"192.168.178.22 · {PI}"]


async def test_names_come_from_device_trackers(
    hass: HomeAssistant, add: Steps, names: dict[str, str]
) -> None:
    names["192.168.178.22"] = "raspberry.fritz.box"
    hass.states.async_set(
        "device_tracker.pi",
        "home",
        {"mac": PI.upper(), "friendly_name": "Kitchen Pi"},
    )
    hass.states.async_set("device_tracker.phone", "home", {"friendly_name": "Phone"})
    assert labels(await add()) == [f"Kitchen Pi · 192.168.178.22 · {PI}"]


async def test_names_come_from_the_device_registry_first(
    hass: HomeAssistant, add: Steps
) -> None:
    other = MockConfigEntry(domain="esphome")
    other.add_to_hass(hass)
    registry = dr.async_get(hass)
    known = registry.async_get_or_create(
        config_entry_id=other.entry_id,
        connections={(dr.CONNECTION_NETWORK_MAC, PI), (dr.CONNECTION_ZIGBEE, "x")},
        name="Raspberry Pi",
    )
    hass.states.async_set(
        "device_tracker.pi", "home", {"mac": PI, "friendly_name": "Tracked"}
    )
    assert labels(await add()) == [f"Raspberry Pi · 192.168.178.22 · {PI}"]
    registry.async_update_device(known.id, name_by_user="My Pi")
    assert labels(await add()) == [f"My Pi · 192.168.178.22 · {PI}"]


async def test_devices_with_names_are_offered_first(
    add: Steps, names: dict[str, str], gateway: FakeGateway
) -> None:
    for last in (30, 31, 32):
        gateway.see(f"02:00:5e:00:00:{last}", IPv4Address(f"192.168.178.{last}"))
    names["192.168.178.32"] = "alpha"
    names["192.168.178.31"] = "Beta"
    assert [label.split(" · ")[0] for label in labels(await add())] == [
        "alpha",
        "Beta",
        "192.168.178.22",
        "192.168.178.30",
    ]


# Add a device


async def test_a_device_is_added_with_its_first_share(
    hass: HomeAssistant,
    add: Steps,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    names: dict[str, str],
) -> None:
    names["192.168.178.22"] = "raspberry"
    result = await add({"device": f"raspberry · 192.168.178.22 · {PI}"})
    assert result["step_id"] == "application"
    result = await submit(hass, result, {"application": "luanti"})
    assert result["step_id"] == "share"
    assert suggested(result) == {
        "name": "Luanti (Minetest)",
        "protocol": "udp",
        "port": 30000,
        "port_end": None,
        "external_port": 30000,
        "external_port_end": None,
        "ipv4": True,
        "ipv6": True,
        "sources": [],
        "enabled": True,
    }
    result = await submit(hass, result, {**GAME, "external_port": 40000})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    added = subentry_of(loaded, PI)
    assert added.title == "raspberry"
    assert added.data["mac"] == PI
    assert added.data["addresses"] == ["192.168.178.22"]
    assert list(stored(loaded, PI).values()) == [
        {**GAME, "port_end": 30000, "external_port": 40000}
    ]
    assert "udp 40000 -> 192.168.178.22:30000" in gateway.open
    assert state_of(hass, "switch.raspberry_game").state == "on"
    assert state_of(hass, "sensor.raspberry_mappings").state == "1"
    assert [event.data["type"] for event in events] == ["share_added", "share_enabled"]
    assert {event.data["reason"] for event in events} == {"user"}
    assert gateway.adoptions == 1


@pytest.mark.parametrize("typed", [NEW_MAC, NEW_MAC.upper().replace(":", "-")])
async def test_a_device_can_be_added_before_it_was_ever_seen(
    hass: HomeAssistant,
    add: Steps,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    typed: str,
) -> None:
    result = await add({"device": typed}, {"application": "other"}, GAME)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert subentry_of(loaded, NEW_MAC).title == NEW_MAC
    state = state_of(hass, "switch.02_00_5e_00_00_23_game")
    assert state.attributes["status"] == "device_unknown"
    gateway.see(NEW_MAC, IPv4Address("192.168.178.23"))
    await hass.async_block_till_done()
    assert "udp 30000 -> 192.168.178.23:30000" in gateway.open


async def test_a_device_may_move_between_choosing_and_submitting(
    hass: HomeAssistant, add: Steps, gateway: FakeGateway, loaded: MockConfigEntry
) -> None:
    result = await add()
    [label] = labels(result)
    gateway.see(PI, IPv4Address("192.168.178.99"))
    await submit(hass, result, {"device": label}, {"application": "other"}, GAME)
    assert subentry_of(loaded, PI).data["addresses"] == ["192.168.178.99"]


async def test_a_name_can_be_given(
    add: Steps, loaded: MockConfigEntry, names: dict[str, str]
) -> None:
    names["192.168.178.22"] = "raspberry"
    await add({"device": PI, "name": " Pi "}, {"application": "other"}, GAME)
    assert subentry_of(loaded, PI).title == "Pi"


async def test_a_name_that_is_none_is_said_at_its_field(
    hass: HomeAssistant, add: Steps, loaded: MockConfigEntry
) -> None:
    result = await add({"device": PI, "name": "x" * 65})
    assert result["errors"] == {"name": "invalid_name"}
    assert suggested(result) == {"device": PI, "name": "x" * 65}
    result = await submit(hass, result, {"device": PI, "name": "Pi"})
    assert result["step_id"] == "application"


@pytest.mark.parametrize("address", ["192.168.178.40", "2001:db8:1::40"])
async def test_a_device_can_be_typed_by_an_address_that_answers(
    add: Steps, loaded: MockConfigEntry, gateway: FakeGateway, address: str
) -> None:
    where = IPv4Address(address) if "." in address else IPv6Address(address)
    gateway.answers[where] = NEW_MAC
    result = await add({"device": address}, {"application": "other"}, GAME)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    added = subentry_of(loaded, NEW_MAC)
    assert added.data["addresses"] == [address]
    assert gateway.probed == [where]


async def test_an_answer_may_take_a_moment(
    hass: HomeAssistant, add: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    asked = hass.async_create_task(add({"device": "192.168.178.40"}))
    while not gateway.probed:
        await hass.async_add_executor_job(lambda: None)
    gateway.see(PI)
    gateway.see(NEW_MAC, IPv4Address("192.168.178.40"))
    assert (await asked)["step_id"] == "application"


async def test_an_address_that_is_known_needs_no_answer(
    add: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await add({"device": " 192.168.178.22 "}, {"application": "other"}, GAME)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert subentry_of(loaded, PI)
    assert not gateway.probed


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("192.168.178.40", "nobody_answers"),
        ("2001:db8:1::40", "nobody_answers"),
        ("192.168.178.1", "gateway_itself"),
        (GATEWAY_MAC, "gateway_itself"),
        ("198.51.100.7", "outside_lan"),
        ("2001:db8:2::1", "outside_lan"),
        ("fe80::1%lan0", "invalid_device"),
        ("01:00:5e:00:00:01", "multicast_mac"),
        ("ff:ff:ff:ff:ff:ff", "multicast_mac"),
        ("00:00:00:00:00:00", "invalid_device"),
        ("02:00:5e:00:00", "invalid_device"),
        ("nas", "invalid_device"),
        ("", "invalid_device"),
    ],
)
async def test_what_is_no_device_is_said_and_can_be_corrected(
    hass: HomeAssistant,
    add: Steps,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    typed: str,
    error: str,
) -> None:
    with patch("custom_components.portshare.hosts._PROBE_SECONDS", 0):
        result = await add({"device": typed})
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert result["errors"] == {"device": error}
    assert result["description_placeholders"] == {"value": typed}
    assert suggested(result)["device"] == typed
    assert len(loaded.subentries) == 1
    # Only Home Assistant listens, and no longer who looked for the device.
    assert [len(handle.listeners) for handle in gateway.handles] == [1]
    result = await submit(hass, result, {"device": PI})
    assert result["step_id"] == "application"


async def test_a_device_is_added_once(add: Steps, loaded: MockConfigEntry) -> None:
    result = await add({"device": NAS})
    assert result["errors"] == {"device": "device_exists"}
    result = await add({"device": "192.168.178.21"})
    assert result["errors"] == {"device": "device_exists"}


async def test_a_device_that_somebody_else_added_meanwhile_is_not_added_again(
    hass: HomeAssistant, add: Steps, loaded: MockConfigEntry
) -> None:
    forms = ({"device": PI}, {"application": "other"})
    first, second = await add(*forms), await add(*forms)
    result = await submit(hass, first, GAME)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    result = await submit(hass, second, {**GAME, "external_port": 40000})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert len(stored(loaded, PI)) == 1


# Applications


async def test_an_application_that_is_a_range_fills_both_ends(add: Steps) -> None:
    result = await add({"device": PI}, {"application": "bittorrent"})
    assert suggested(result) == {
        "name": "BitTorrent",
        "protocol": "tcp_udp",
        "port": 6881,
        "port_end": 6889,
        "external_port": 6881,
        "external_port_end": None,
        "ipv4": True,
        "ipv6": True,
        "sources": [],
        "enabled": True,
    }


async def test_an_application_is_called_in_the_language_of_the_home(
    hass: HomeAssistant, add: Steps
) -> None:
    hass.config.language = "de"
    result = await add({"device": PI}, {"application": "http"})
    assert suggested(result)["name"] == "Webserver (HTTP)"


async def test_the_next_free_external_port_is_suggested(
    hass: HomeAssistant, add: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await add({"device": PI}, {"application": "http_alternative"})
    assert suggested(result)["port"] == 8080
    assert suggested(result)["external_port"] == 8081
    form = {**GAME, "protocol": "tcp", "port": 8080}
    result = await submit(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "tcp 8081 -> 192.168.178.22:8080" in gateway.open


async def test_another_application_is_suggested_nothing(add: Steps) -> None:
    result = await add({"device": PI}, {"application": "other"})
    assert set(suggested(result).values()) == {None}


# Bad input, and what it gets

BAD_SHARES = [
    pytest.param(
        {"port": 0},
        "port",
        "invalid_port",
        {"value": "0", "lowest": "1", "highest": "65535"},
        id="port 0",
    ),
    pytest.param(
        {"port": 65536},
        "port",
        "invalid_port",
        {"value": "65536", "lowest": "1", "highest": "65535"},
        id="port 65536",
    ),
    pytest.param(
        {"port": 80.5},
        "port",
        "invalid_port",
        {"value": "80.5", "lowest": "1", "highest": "65535"},
        id="port 80.5",
    ),
    pytest.param(
        {"external_port": 0},
        "external_port",
        "invalid_port",
        {"value": "0", "lowest": "1", "highest": "65535"},
        id="external port 0",
    ),
    pytest.param(
        {"port_end": 70000},
        "port_end",
        "invalid_port",
        {"value": "70000", "lowest": "1", "highest": "65535"},
        id="last port 70000",
    ),
    pytest.param(
        {"port_end": 29999},
        "port_end",
        "inverted_range",
        {"first": "30000", "last": "29999"},
        id="inverted range",
    ),
    pytest.param(
        {"external_port": 500, "external_port_end": 400},
        "external_port_end",
        "inverted_range",
        {"first": "500", "last": "400"},
        id="inverted external range",
    ),
    pytest.param(
        {"port_end": 30009, "external_port": 500, "external_port_end": 508},
        "external_port_end",
        "unequal_ranges",
        {
            "ports": "30000-30009",
            "count": "10",
            "external": "500-508",
            "external_count": "9",
        },
        id="unequal ranges",
    ),
    pytest.param(
        {"port_end": 30009, "external_port": 65530},
        "external_port",
        "range_beyond_last_port",
        {"first": "65530", "count": "10", "highest": "65535"},
        id="range beyond the last port",
    ),
    pytest.param(
        {"protocol": "tcp", "external_port": 8080},
        "external_port",
        "external_port_taken",
        {
            "wanted": "8080",
            "taken": "8080",
            "share": "Web server",
            "device": "NAS",
            "proposal": "8081",
        },
        id="external port taken",
    ),
    pytest.param(
        {"protocol": "tcp_udp", "port_end": 30001, "external_port": 8079},
        "external_port",
        "external_port_taken",
        {
            "wanted": "8079-8080",
            "taken": "8080",
            "share": "Web server",
            "device": "NAS",
            "proposal": "8081-8082",
        },
        id="external range overlaps",
    ),
    pytest.param({"name": " "}, "name", "invalid_name", {}, id="no name"),
    pytest.param(
        {"ipv4": False, "ipv6": False}, "ipv4", "no_family", {}, id="no family"
    ),
]


@pytest.mark.parametrize(("wrong", "field", "error", "placeholders"), BAD_SHARES)
@pytest.mark.parametrize("existing", [False, True], ids=["new device", "device"])
async def test_a_bad_share_is_said_at_its_field_and_can_be_corrected(
    hass: HomeAssistant,
    add: Steps,
    edit: Steps,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    existing: bool,
    wrong: dict[str, Any],
    field: str,
    error: str,
    placeholders: dict[str, str],
) -> None:
    before = loaded.as_dict()
    first = (edit, menu("application")) if existing else (add, {"device": PI})
    result = await first[0](first[1], {"application": "other"}, {**GAME, **wrong})
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "share"
    assert result["errors"] == {field: error}
    assert result["description_placeholders"] == placeholders
    for name, value in {**GAME, **wrong}.items():
        assert suggested(result)[name] == value
    assert loaded.as_dict()["subentries"] == before["subentries"]
    assert not gateway.changes
    assert not events

    result = await submit(hass, result, GAME)
    assert "errors" not in result
    holder = NAS if existing else PI
    assert "Game" in {share["name"] for share in stored(loaded, holder).values()}
    assert len(gateway.changes) == 1


async def test_the_same_port_of_a_device_is_shared_once(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry
) -> None:
    form = {**GAME, "protocol": "tcp_udp", "port": 80, "external_port": 9000}
    result = await edit(menu("application"), {"application": "other"}, form)
    assert result["errors"] == {"port": "device_port_taken"}
    assert result["description_placeholders"] == {
        "wanted": "80",
        "taken": "80",
        "share": "Web server",
        "device": "NAS",
    }
    result = await submit(hass, result, {**form, "port": 81})
    assert result["reason"] == "saved"


@pytest.mark.usefixtures("errors_expected")
async def test_a_share_that_the_kernel_refuses_is_not_stored_and_the_form_says_why(
    hass: HomeAssistant,
    edit: Steps,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    gateway.refuse = refuse_all
    before = stored(loaded)
    result = await edit(menu("application"), {"application": "other"}, GAME)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "share"
    assert result["errors"] == {"base": "kernel_refused"}
    assert result["description_placeholders"] == {"detail": "Operation not permitted"}
    assert suggested(result)["name"] == "Game"
    assert stored(loaded) == before
    assert hass.states.get("switch.nas_game") is None
    assert not events
    gateway.refuse = FakeGateway().refuse
    result = await submit(hass, result, GAME)
    assert result["reason"] == "saved"
    assert state_of(hass, "switch.nas_game").state == "on"


@pytest.mark.usefixtures("errors_expected")
async def test_the_first_share_of_a_device_stays_closed_while_the_kernel_refuses(
    hass: HomeAssistant, add: Steps, gateway: FakeGateway, events: list[Event]
) -> None:
    gateway.refuse = refuse_all
    forms = ({"device": PI, "name": "Pi"}, {"application": "other"}, GAME)
    assert (await add(*forms))["type"] is FlowResultType.CREATE_ENTRY
    state = state_of(hass, "switch.pi_game")
    assert state.state == "on"
    assert state.attributes["status"] == "error"
    assert not events
    gateway.refuse = FakeGateway().refuse
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert state_of(hass, "switch.pi_game").attributes["status"] == "active"
    assert [event.data["type"] for event in events if event.data["name"] == "Game"] == [
        "share_added",
        "share_enabled",
    ]


# What has no ports, and what is dangerous

PORTS = {"port", "port_end", "external_port", "external_port_end"}


@pytest.mark.parametrize(
    ("application", "opened"),
    [
        ("ipsec_esp", "esp 0-65535 -> 192.168.178.22:0"),
        ("gre", "gre 0-65535 -> 192.168.178.22:0"),
        ("ping6", "icmpv6 [2001:db8:1::22]:0-65535"),
    ],
)
async def test_what_has_no_ports_is_not_asked_for_them(
    hass: HomeAssistant,
    add: Steps,
    gateway: FakeGateway,
    application: str,
    opened: str,
) -> None:
    gateway.see(PI, PI_IPV4, IPv6Address("2001:db8:1::22"))
    before = gateway.open
    result = await add({"device": PI}, {"application": application})
    filled = suggested(result)
    assert filled.keys() == {"name", "protocol", "sources", "enabled"}
    form = {key: filled[key] for key in ("name", "protocol", "enabled")}
    result = await submit(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert gateway.open - before == {opened}


async def test_an_exposed_host_is_confirmed_before_it_is_stored(
    hass: HomeAssistant, add: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await add({"device": PI}, {"application": "exposed_host"})
    filled = suggested(result)
    assert PORTS.isdisjoint(filled)
    assert "confirm" not in filled
    form = {key: filled[key] for key in ("name", "protocol", "ipv4", "ipv6", "enabled")}
    result = await submit(hass, result, form)
    assert result["step_id"] == "share"
    assert result["errors"] == {"confirm": "exposed_host_needs_confirmation"}
    result = await submit(hass, result, {**form, "confirm": False})
    assert result["errors"] == {"confirm": "exposed_host_needs_confirmation"}
    assert subentry_of(loaded, PI) is None
    result = await submit(hass, result, {**form, "confirm": True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "any 0-65535 -> 192.168.178.22:0" in gateway.open


async def test_a_management_port_is_confirmed_when_it_is_new_and_only_then(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry
) -> None:
    form = {**WEB_DATA, "port": 3389, "port_end": 3389}
    result = await edit(menu("edit"), {"share": WEB}, form)
    assert result["step_id"] == "edit_share"
    assert result["errors"] == {"confirm": "needs_confirmation"}
    assert result["description_placeholders"] == {"services": "RDP (3389)"}
    assert stored(loaded)[WEB] == WEB_DATA
    result = await submit(hass, result, {**form, "confirm": True})
    assert result["reason"] == "saved"
    result = await edit(menu("edit"), {"share": WEB}, {**form, "name": "Desktop"})
    assert result["reason"] == "saved"
    assert stored(loaded)[WEB]["name"] == "Desktop"


async def test_who_needs_no_confirmation_any_more_may_have_given_it(
    hass: HomeAssistant, edit: Steps
) -> None:
    form = {**GAME, "protocol": "tcp", "port": 5900}
    result = await edit(menu("application"), {"application": "other"}, form)
    assert result["errors"] == {"confirm": "needs_confirmation"}
    result = await submit(hass, result, {**form, "port": 81, "confirm": True})
    assert result["reason"] == "saved"


async def test_an_exposed_host_becomes_a_share_with_ports_and_back(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    form = {**WEB_DATA, "protocol": "exposed_host", "ipv6": False}
    result = await edit(menu("edit"), {"share": WEB}, form)
    assert PORTS.isdisjoint(result["data_schema"].schema)
    form = {key: form[key] for key in form.keys() - PORTS} | {"confirm": True}
    await submit(hass, result, form)
    assert {stored(loaded)[WEB][each] for each in PORTS & WEB_DATA.keys()} == {None}
    assert gateway.open == {"any 0-65535 -> 192.168.178.21:0"}
    del form["confirm"]

    result = await edit(menu("edit"), {"share": WEB})
    assert PORTS.isdisjoint(suggested(result))
    result = await submit(hass, result, {**form, "protocol": "tcp"})
    assert result["errors"] == {"port": "missing_port"}
    result = await submit(hass, result, {**form, "protocol": "tcp", "port": 81})
    assert result["reason"] == "saved"
    assert gateway.open == {"tcp 81 -> 192.168.178.21:81"}


async def test_what_has_no_ports_is_offered_without_them(
    hass: HomeAssistant, edit: Steps
) -> None:
    await call(hass, "add_share", mac=NAS, name="DMZ", protocol="ping6")
    result = await edit(menu("edit"))
    options = result["data_schema"].schema["share"].config["options"]
    assert options[-1]["label"] == "DMZ · PING6"


async def test_callers_are_limited_and_let_in_again(
    hass: HomeAssistant, edit: Steps, gateway: FakeGateway
) -> None:
    form = {**WEB_DATA, "sources": ["198.51.100.7", "198.51.100.7/24"]}
    result = await edit(menu("edit"), {"share": WEB}, form)
    assert result["errors"] == {"sources": "invalid_source"}
    assert result["description_placeholders"] == {"value": "198.51.100.7/24"}
    result = await submit(hass, result, {**form, "sources": ["198.51.100.7"]})
    assert result["reason"] == "saved"
    assert gateway.open == {"tcp 8080 -> 192.168.178.21:80"}
    result = await edit(menu("edit"), {"share": WEB})
    assert suggested(result)["sources"] == ["198.51.100.7"]
    result = await submit(hass, result, dict(WEB_DATA))
    assert result["reason"] == "saved"
    assert len(gateway.open) == 2


async def test_a_port_that_the_gateway_serves_is_not_suggested_and_refused(
    hass: HomeAssistant, add: Steps, gateway: FakeGateway
) -> None:
    gateway.change(served=frozenset({(Transport.TCP, 80)}))
    result = await add({"device": PI}, {"application": "http"})
    assert suggested(result)["external_port"] == 81
    form = {**GAME, "protocol": "tcp", "port": 80, "external_port": 80}
    result = await submit(hass, result, form)
    assert result["errors"] == {"external_port": "served_by_gateway"}
    assert result["description_placeholders"] == {
        "port": "80",
        "transport": "TCP",
        "proposal": "81",
    }


# Edit a device


async def test_the_menu_offers_what_can_be_done(edit: Steps) -> None:
    result = await edit()
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["application", "edit", "remove", "device"]


@pytest.mark.parametrize("shares", [{}])
async def test_there_is_nothing_to_edit_where_nothing_is_shared(edit: Steps) -> None:
    assert (await edit())["menu_options"] == ["application", "device"]


async def test_a_share_is_added_to_a_device(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await edit(menu("application"), {"application": "luanti"}, GAME)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "saved"
    assert [share["name"] for share in stored(loaded).values()] == [
        "Web server",
        "SSH",
        "Game",
    ]
    assert "udp 30000 -> 192.168.178.21:30000" in gateway.open
    assert state_of(hass, "switch.nas_game").state == "on"
    assert gateway.adoptions == 1


async def test_the_shares_of_the_device_are_offered_for_editing(edit: Steps) -> None:
    result = await edit(menu("edit"))
    options = result["data_schema"].schema["share"].config["options"]
    assert options == [
        {"value": WEB, "label": "Web server · TCP 80"},
        {"value": SSH, "label": "SSH · TCP 22"},
    ]


async def test_a_share_is_edited(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await edit(menu("edit"), {"share": WEB})
    assert result["step_id"] == "edit_share"
    filled = suggested(result)
    emptied = dict.fromkeys(("port_end", "external_port_end"))
    assert filled == {**WEB_DATA, **emptied, "sources": []}
    form = {**WEB_DATA, "port": 81, "port_end": 85, "protocol": "tcp_udp"}
    result = await submit(hass, result, {**form, "external_port": 9000})
    assert result["reason"] == "saved"
    assert stored(loaded)[WEB] == {**form, "external_port": 9000}
    assert gateway.open == {
        "tcp 9000-9004 -> 192.168.178.21:81",
        "udp 9000-9004 -> 192.168.178.21:81",
        "tcp [2001:db8:1::21]:81-85",
        "udp [2001:db8:1::21]:81-85",
    }
    assert state_of(hass, WEB_SWITCH).attributes["external_port"] == 9000


async def test_fields_that_are_emptied_are_filled_anew(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    form = {**WEB_DATA, "port_end": 85, "external_port": 9000}
    await edit(menu("edit"), {"share": WEB}, form)
    result = await edit(menu("edit"), {"share": WEB})
    assert suggested(result)["port_end"] == 85
    form = {
        key: WEB_DATA[key] for key in WEB_DATA.keys() - {"port_end", "external_port"}
    }
    result = await submit(hass, result, form)
    assert result["reason"] == "saved"
    assert stored(loaded)[WEB] == {**WEB_DATA, "external_port": 80}
    assert "tcp 80 -> 192.168.178.21:80" in gateway.open


async def test_a_bad_edit_is_said_and_can_be_corrected(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    form = {**WEB_DATA, "external_port": 2222}
    result = await edit(menu("edit"), {"share": WEB}, form)
    assert result["step_id"] == "edit_share"
    assert result["errors"] == {"external_port": "external_port_taken"}
    assert result["description_placeholders"]["share"] == "SSH"
    assert stored(loaded)[WEB] == WEB_DATA
    result = await submit(hass, result, {**form, "external_port": 2223})
    assert result["reason"] == "saved"
    assert "tcp 2223 -> 192.168.178.21:80" in gateway.open


async def test_an_edit_that_the_kernel_refuses_leaves_the_share_as_it_was(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.refuse = refuse_all
    result = await edit(menu("edit"), {"share": WEB}, {**WEB_DATA, "port": 81})
    assert result["errors"] == {"port_end": "inverted_range"}
    result = await submit(hass, result, {**WEB_DATA, "port": 81, "port_end": 81})
    assert result["errors"] == {"base": "kernel_refused"}
    assert stored(loaded)[WEB] == WEB_DATA
    assert state_of(hass, WEB_SWITCH).attributes["internal_port"] == 80
    assert "tcp 8080 -> 192.168.178.21:80" in gateway.open


async def test_a_share_that_is_gone_cannot_be_edited(
    hass: HomeAssistant, edit: Steps
) -> None:
    choosing = await edit(menu("edit"))
    editing = await edit(menu("edit"), {"share": WEB})
    await call(hass, "remove_share", share_id=WEB)
    for result in (
        await submit(hass, choosing, {"share": WEB}),
        await submit(hass, editing, dict(WEB_DATA)),
    ):
        assert result["type"] is FlowResultType.FORM
        assert result["errors"] == {"base": "unknown_share"}
        assert result["description_placeholders"] == {"value": WEB}


async def test_a_share_is_removed(
    hass: HomeAssistant,
    edit: Steps,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    result = await edit(menu("remove"), {"share": WEB})
    assert result["reason"] == "saved"
    assert stored(loaded).keys() == {SSH}
    assert not gateway.mappings
    assert hass.states.get(WEB_SWITCH) is None
    assert [event.data["type"] for event in events] == [
        "share_disabled",
        "share_removed",
    ]


async def test_a_share_that_the_kernel_does_not_close_is_not_forgotten(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.refuse = refuse_all
    result = await edit(menu("remove"), {"share": WEB})
    assert result["step_id"] == "remove"
    assert result["errors"] == {"base": "kernel_refused"}
    assert stored(loaded)[WEB] == WEB_DATA
    assert state_of(hass, WEB_SWITCH).state == "on"
    gateway.refuse = FakeGateway().refuse
    result = await submit(hass, result, {"share": WEB})
    assert result["reason"] == "saved"


async def test_a_share_that_is_gone_cannot_be_removed_again(
    hass: HomeAssistant, edit: Steps
) -> None:
    result = await edit(menu("remove"))
    await call(hass, "remove_share", share_id=WEB)
    result = await submit(hass, result, {"share": WEB})
    assert result["errors"] == {"base": "unknown_share"}


async def test_a_device_is_renamed(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await edit(menu("device"))
    assert suggested(result) == {"device": NAS, "name": "NAS", "independent": False}
    result = await submit(hass, result, {"device": NAS, "name": "Storage"})
    assert result["reason"] == "saved"
    assert subentry_of(loaded).title == "Storage"
    assert stored(loaded)[WEB] == WEB_DATA
    state = state_of(hass, WEB_SWITCH)
    assert state.attributes["friendly_name"] == "Storage Web server"
    assert {mapping.comment for mapping in gateway.mappings} == {
        "Web server on Storage"
    }
    device = device_of(hass, loaded)
    assert device.name == "Storage"


async def test_a_device_needs_a_name(edit: Steps) -> None:
    result = await edit(menu("device"), {"device": NAS})
    assert result["errors"] == {"name": "invalid_name"}


async def test_another_device_takes_over_all_shares(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    result = await edit(menu("device"), {"device": PI, "name": "NAS"})
    assert result["reason"] == "saved"
    assert subentry_of(loaded, NAS) is None
    assert subentry_of(loaded, PI).data["mac"] == PI
    assert stored(loaded, PI)[WEB] == WEB_DATA
    assert gateway.open == {"tcp 8080 -> 192.168.178.22:80"}
    assert state_of(hass, WEB_SWITCH).attributes["internal_ip"] == "192.168.178.22"
    device = device_of(hass, loaded, PI)
    assert device.connections == {(dr.CONNECTION_NETWORK_MAC, PI)}


async def test_a_device_that_has_its_own_shares_takes_over_no_others(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp, edit: Steps
) -> None:
    hass.config_entries.async_add_subentry(
        entry,
        next(
            iter(
                MockConfigEntry(
                    subentries_data=[device(PI, "Pi", {})]
                ).subentries.values()
            )
        ),
    )
    await hass.async_block_till_done()
    result = await edit(menu("device"), {"device": PI, "name": "NAS"})
    assert result["errors"] == {"device": "device_exists"}
    assert subentry_of(entry, NAS).data["mac"] == NAS


async def test_what_is_no_device_cannot_take_over(edit: Steps) -> None:
    result = await edit(menu("device"), {"device": "nas", "name": "NAS"})
    assert result["errors"] == {"device": "invalid_device"}


async def test_a_share_added_while_a_device_is_looked_for_is_not_lost(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    looking = hass.async_create_task(
        edit(menu("device"), {"device": "192.168.178.40", "name": "NAS"})
    )
    while not gateway.probed:
        await hass.async_add_executor_job(lambda: None)
    await call(hass, "update_share", share_id=WEB, name="Site")
    gateway.see(NEW_MAC, IPv4Address("192.168.178.40"))
    assert (await looking)["reason"] == "saved"
    assert stored(loaded, NEW_MAC)[WEB]["name"] == "Site"


async def test_a_device_that_is_removed_while_its_flow_is_open_ends_the_flow(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry
) -> None:
    adding = await edit(menu("application"), {"application": "other"})
    removing = await edit(menu("remove"))
    renaming = await edit(menu("device"))
    hass.config_entries.async_remove_subentry(loaded, subentry_of(loaded).subentry_id)
    await hass.async_block_till_done()
    assert hass.states.get(WEB_SWITCH) is None
    for result in (
        await submit(hass, adding, GAME),
        await submit(hass, removing, {"share": WEB}),
        await submit(hass, renaming, {"device": NAS, "name": "NAS"}),
    ):
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "device_removed"
    assert not loaded.subentries


# Without a running gateway


async def test_nothing_is_added_while_port_sharing_is_not_running(
    hass: HomeAssistant, add: Steps, loaded: MockConfigEntry
) -> None:
    waiting = await add({"device": PI}, {"application": "other"})
    await hass.config_entries.async_unload(loaded.entry_id)
    for result in (await add(), await submit(hass, waiting, GAME)):
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "not_loaded"
    assert len(loaded.subentries) == 1


@pytest.mark.parametrize(
    "forms",
    [
        pytest.param((menu("application"), {"application": "other"}), id="add"),
        pytest.param((menu("edit"), {"share": WEB}), id="edit"),
    ],
)
async def test_a_form_that_is_open_when_port_sharing_stops_changes_nothing(
    hass: HomeAssistant,
    edit: Steps,
    loaded: MockConfigEntry,
    forms: tuple[dict[str, Any], ...],
) -> None:
    before = stored(loaded)
    result = await edit(*forms)
    await hass.config_entries.async_unload(loaded.entry_id)
    result = await submit(hass, result, GAME)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "not_loaded"
    assert stored(loaded) == before


@pytest.mark.parametrize("choice", ["edit", "remove", "device"])
async def test_nothing_is_edited_while_port_sharing_is_not_running(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry, choice: str
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    result = await edit(menu(choice))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "not_loaded"


async def test_no_share_is_added_while_port_sharing_is_not_running(
    hass: HomeAssistant, edit: Steps, loaded: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    result = await edit(menu("application"), {"application": "http"})
    assert result["reason"] == "not_loaded"
