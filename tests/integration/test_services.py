"""The services: shares for scripts and automations."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from custom_components.portshare.const import DOMAIN
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    call,
    device_of,
    refuse_all,
    refuse_text,
    state_of,
    stored,
    subentry_of,
)
from .fake_gateway import GATEWAY_MAC, NAS, PI, FakeGateway

GAME: dict[str, Any] = {"name": "Game", "protocol": "udp", "port": 30000}


@pytest.fixture
def nas(hass: HomeAssistant, loaded: MockConfigEntry) -> str:
    """The id of the NAS in the device registry."""
    device = device_of(hass, loaded)
    return str(device.id)


async def test_a_share_is_added_to_a_device(
    hass: HomeAssistant, loaded: MockConfigEntry, nas: str, gateway: FakeGateway
) -> None:
    answer = await call(hass, "add_share", response=True, device_id=nas, **GAME)
    share_id = answer.pop("share_id")
    assert answer == {
        "external_port": 30000,
        "call": ["203.0.113.2:30000", "[2001:db8:1::21]:30000"],
    }
    assert stored(loaded)[share_id]["name"] == "Game"
    assert "udp 30000 -> 192.168.178.21:30000" in gateway.open
    await hass.async_block_till_done()
    assert state_of(hass, "switch.nas_game").attributes["share_id"] == share_id


async def test_every_field_of_a_share_can_be_given(
    hass: HomeAssistant, loaded: MockConfigEntry, nas: str, gateway: FakeGateway
) -> None:
    answer = await call(
        hass,
        "add_share",
        response=True,
        device_id=nas,
        name="Range",
        protocol="tcp_udp",
        port="6000",
        port_end=6002.0,
        external_port=7000,
        external_port_end=7002,
        ipv4=True,
        ipv6=False,
        enabled=False,
    )
    assert stored(loaded)[answer["share_id"]] == {
        **SSH_DATA,
        "name": "Range",
        "protocol": "tcp_udp",
        "port": 6000,
        "port_end": 6002,
        "external_port": 7000,
    }
    assert len(gateway.mappings) == 2


async def test_a_share_without_an_external_port_gets_the_next_one_free(
    hass: HomeAssistant, nas: str
) -> None:
    fields = {**GAME, "protocol": "tcp", "port": 8080}
    answer = await call(hass, "add_share", response=True, device_id=nas, **fields)
    assert answer["external_port"] == 8081


async def test_an_answer_need_not_be_asked_for(
    hass: HomeAssistant, loaded: MockConfigEntry, nas: str
) -> None:
    assert await call(hass, "add_share", device_id=nas, **GAME) is None
    assert await call(hass, "update_share", share_id=WEB, name="Site") is None
    assert len(stored(loaded)) == 3


async def test_a_new_device_is_added_with_its_share(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    names: dict[str, str],
    events: list[Event],
) -> None:
    names["192.168.178.22"] = "raspberry.fritz.box"
    answer = await call(hass, "add_share", response=True, mac=PI.upper(), **GAME)
    await hass.async_block_till_done()
    assert subentry_of(loaded, PI).title == "raspberry"
    assert stored(loaded, PI).keys() == {answer["share_id"]}
    assert "udp 30000 -> 192.168.178.22:30000" in gateway.open
    assert state_of(hass, "switch.raspberry_game").state == "on"
    assert state_of(hass, "sensor.raspberry_mappings").state == "1"
    assert [event.data["type"] for event in events] == ["share_added", "share_enabled"]


async def test_a_device_that_is_there_already_is_found_by_its_mac(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, "add_share", mac=NAS, **GAME)
    assert len(loaded.subentries) == 1
    assert len(stored(loaded)) == 3


async def test_two_shares_for_a_new_device_at_the_same_moment_add_it_once(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    calls = [
        hass.async_create_task(
            call(hass, "add_share", mac=PI, **{**GAME, "port": 30000 + number})
        )
        for number in range(3)
    ]
    for each in calls:
        await each
    assert len(loaded.subentries) == 2
    assert len(stored(loaded, PI)) == 3


async def test_a_new_device_whose_share_the_kernel_refuses_is_not_added(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
) -> None:
    entities = set(hass.states.async_entity_ids())
    registered = set(er.async_get(hass).entities)
    gateway.refuse = refuse_all
    with pytest.raises(HomeAssistantError, match="Operation not permitted"):
        await call(hass, "add_share", mac=PI, **GAME)
    await hass.async_block_till_done()
    assert len(loaded.subentries) == 1
    assert (
        len(dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)) == 2
    )
    assert set(hass.states.async_entity_ids()) == entities
    assert er.async_get(hass).entities.keys() == registered
    assert not events


async def test_a_new_device_keeps_the_share_that_the_kernel_took(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.refuse = refuse_text("Poison")
    gateway.pause()
    poison = hass.async_create_task(
        call(hass, "add_share", mac=PI, **{**GAME, "name": "Poison", "port": 666})
    )
    await gateway.under_way.wait()
    game = hass.async_create_task(call(hass, "add_share", mac=PI, **GAME))
    gateway.go_on()
    with pytest.raises(HomeAssistantError, match="Poison is poison"):
        await poison
    await game
    assert [share["name"] for share in stored(loaded, PI).values()] == ["Game"]


@pytest.mark.parametrize(
    ("mac", "error"),
    [
        ("01:00:5e:00:00:01", "is a multicast address"),
        ("pi", "is neither a MAC address nor an IP address"),
        ("192.168.178.22", "is neither a MAC address nor an IP address"),
        ("198.51.100.7", "is not an address of the home network"),
        (GATEWAY_MAC, "is the gateway itself"),
    ],
)
async def test_what_is_no_mac_of_a_device_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, mac: str, error: str
) -> None:
    with pytest.raises(ServiceValidationError, match=f"{mac} {error}"):
        await call(hass, "add_share", mac=mac, **GAME)
    assert len(loaded.subentries) == 1


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"port": 0}, "0 is not a port number"),
        ({"port": 65536}, "65536 is not a port number"),
        ({"port": "abc"}, "abc is not a port number"),
        ({"port": True}, "True is not a port number"),
        ({"external_port": 0}, "0 is not a port number"),
        ({"port_end": 29999}, "The port range 30000-29999 ends before it begins"),
        (
            {"port_end": 30001, "external_port": 1, "external_port_end": 3},
            r"The ports 30000-30001 \(2\) and the external ports 1-3 \(3\)",
        ),
        ({"protocol": "sctp"}, "sctp is not a protocol that can be shared"),
        ({"name": ""}, "A name has 1 to 64 characters"),
        ({"ipv4": False, "ipv6": False}, "Choose IPv4, IPv6 or both"),
        (
            {"protocol": "tcp", "external_port": 8080},
            'External port 8080 is taken: "Web server" of NAS has 8080. '
            "The next one free is 8081",
        ),
        (
            {"protocol": "tcp", "port": 80, "external_port": 9000},
            'Port 80 of NAS is shared already: "Web server" has 80.',
        ),
    ],
)
@pytest.mark.parametrize("new", [False, True], ids=["device", "new device"])
async def test_bad_input_is_refused_in_words_and_nothing_is_stored(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    nas: str,
    gateway: FakeGateway,
    events: list[Event],
    fields: dict[str, Any],
    error: str,
    new: bool,
) -> None:
    if new and "Port 80 of NAS" in error:
        return  # a new device shares nothing yet
    before = stored(loaded)
    where: dict[str, Any] = {"mac": PI} if new else {"device_id": nas}
    with pytest.raises(ServiceValidationError, match=error):
        await call(hass, "add_share", **{**where, **GAME, **fields})
    assert stored(loaded) == before
    assert len(loaded.subentries) == 1
    assert not gateway.changes
    assert not events


async def test_a_share_needs_a_device_and_not_two(
    hass: HomeAssistant, loaded: MockConfigEntry, nas: str
) -> None:
    wheres: list[dict[str, Any]] = [{}, {"device_id": nas, "mac": PI}]
    for where in wheres:
        with pytest.raises(vol.Invalid):
            await call(hass, "add_share", **where, **GAME)


async def test_a_device_that_is_not_for_sharing_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    gateway_device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, loaded.entry_id), loaded.entry_id
    )
    assert gateway_device
    with pytest.raises(ServiceValidationError, match="Gateway is not a device for"):
        await call(hass, "add_share", device_id=gateway_device.id, **GAME)
    with pytest.raises(ServiceValidationError):
        await call(hass, "add_share", device_id="nobody", **GAME)


async def test_two_calls_for_the_same_port_at_the_same_moment_have_one_winner(
    hass: HomeAssistant, loaded: MockConfigEntry, nas: str, gateway: FakeGateway
) -> None:
    fields = {**GAME, "external_port": 40000}
    calls = [
        hass.async_create_task(call(hass, "add_share", device_id=nas, **fields)),
        hass.async_create_task(
            call(hass, "add_share", device_id=nas, **{**fields, "port": 30001})
        ),
    ]
    await calls[0]
    with pytest.raises(ServiceValidationError, match="External port 40000 is taken"):
        await calls[1]
    assert len(stored(loaded)) == 3
    assert len(gateway.changes) == 1


async def test_a_single_field_is_updated(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    answer = await call(
        hass, "update_share", response=True, share_id=WEB, external_port=9000
    )
    assert answer == {
        "share_id": WEB,
        "external_port": 9000,
        "call": ["203.0.113.2:9000", "[2001:db8:1::21]:80"],
    }
    assert stored(loaded)[WEB] == {**WEB_DATA, "external_port": 9000}
    assert gateway.open == {
        "tcp 9000 -> 192.168.178.21:80",
        "tcp [2001:db8:1::21]:80",
    }


async def test_a_new_port_leaves_the_external_port_as_it_is(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, "update_share", share_id=WEB, port=80, port_end=89)
    await call(hass, "update_share", share_id=WEB, port=70)
    assert stored(loaded)[WEB] == {**WEB_DATA, "port": 70, "port_end": 70}


async def test_a_family_can_be_closed_alone(
    hass: HomeAssistant, gateway: FakeGateway, loaded: MockConfigEntry
) -> None:
    await call(hass, "update_share", share_id=WEB, ipv4=False)
    assert gateway.open == {"tcp [2001:db8:1::21]:80"}
    with pytest.raises(ServiceValidationError, match="Choose IPv4, IPv6 or both"):
        await call(hass, "update_share", share_id=WEB, ipv6=False)


@pytest.mark.parametrize("service", ["update_share", "remove_share"])
async def test_a_share_that_does_not_exist_is_named(
    hass: HomeAssistant, loaded: MockConfigEntry, service: str
) -> None:
    with pytest.raises(ServiceValidationError, match="no share with the id nobody"):
        await call(hass, service, share_id="nobody")


async def test_an_update_that_the_kernel_refuses_changes_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    before = hass.states.get(WEB_SWITCH), gateway.open, stored(loaded)
    gateway.refuse = refuse_all
    with pytest.raises(HomeAssistantError, match="Operation not permitted"):
        await call(hass, "update_share", share_id=WEB, external_port=9000)
    await hass.async_block_till_done()
    assert (hass.states.get(WEB_SWITCH), gateway.open, stored(loaded)) == before
    # Its old port was not given away, and the new one is free.
    gateway.refuse = FakeGateway().refuse
    with pytest.raises(ServiceValidationError, match="External port 8080 is taken"):
        await call(hass, "update_share", share_id=SSH, external_port=8080)
    await call(hass, "update_share", share_id=SSH, external_port=9000)


async def test_a_share_is_removed(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    assert await call(hass, "remove_share", share_id=WEB) is None
    await hass.async_block_till_done()
    assert stored(loaded).keys() == {SSH}
    assert not gateway.mappings
    assert hass.states.get(WEB_SWITCH) is None
    assert hass.states.get(SSH_SWITCH) is not None


async def test_two_who_remove_the_same_share_have_one_winner(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    calls = [
        hass.async_create_task(call(hass, "remove_share", share_id=WEB))
        for _ in range(2)
    ]
    await calls[0]
    with pytest.raises(ServiceValidationError, match=f"no share with the id {WEB}"):
        await calls[1]


async def test_shares_are_listed(
    hass: HomeAssistant, loaded: MockConfigEntry, nas: str
) -> None:
    await call(hass, "add_share", mac=PI, **GAME)
    answer = await call(hass, "list_shares", response=True)
    assert [share["name"] for share in answer["shares"]] == [
        "Web server",
        "SSH",
        "Game",
    ]
    web = answer["shares"][0]
    expected = {
        **WEB_DATA,
        "share_id": WEB,
        "device_id": nas,
        "device": "NAS",
        "external_port_end": 8080,
        "status": "active",
        "families": ["ipv4", "ipv6"],
        "internal_ip": "192.168.178.21",
        "call": ["203.0.113.2:8080", "[2001:db8:1::21]:80"],
    }
    assert expected.items() <= web.items()
    answer = await call(hass, "list_shares", response=True, device_id=nas)
    assert [share["name"] for share in answer["shares"]] == ["Web server", "SSH"]


async def test_shares_are_listed_while_their_device_is_being_removed(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.pause()
    hass.config_entries.async_remove_subentry(loaded, subentry_of(loaded).subentry_id)
    answer = await call(hass, "list_shares", response=True)
    assert {share["device"] for share in answer["shares"]} == {"NAS"}
    gateway.go_on()
    await hass.async_block_till_done()
    assert await call(hass, "list_shares", response=True) == {"shares": []}


@pytest.mark.parametrize(
    ("service", "data"),
    [
        ("add_share", {"mac": PI, **GAME}),
        ("update_share", {"share_id": WEB, "enabled": False}),
        ("remove_share", {"share_id": WEB}),
        ("list_shares", {}),
    ],
)
async def test_who_is_no_administrator_is_refused(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    hass_read_only_user: MockUser,
    service: str,
    data: dict[str, Any],
) -> None:
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            service,
            data,
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
            return_response=service == "list_shares",
        )
    assert not gateway.changes


async def test_without_a_running_gateway_the_services_say_so(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    entry.add_to_hass(hass)
    with pytest.raises(ServiceValidationError, match="not set up, or not running"):
        await call(hass, "list_shares", response=True)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await call(hass, "list_shares", response=True)
    assert await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError, match="not set up, or not running"):
        await call(hass, "remove_share", share_id=WEB)
