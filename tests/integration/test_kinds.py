"""Shares without ports, limited and dangerous ones, by services and on entities."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.sharing.model import Transport
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from .conftest import (
    SSH,
    SSH_DATA,
    SSH_SWITCH,
    WEB,
    WEB_DATA,
    WEB_SWITCH,
    SetUp,
    call,
    state_of,
    stored,
)
from .fake_gateway import NAS, PI, FakeGateway

NO_PORTS = dict.fromkeys(("port", "port_end", "external_port"))
DMZ: dict[str, Any] = {"mac": NAS, "name": "DMZ", "protocol": "exposed_host"}
EXPOSED = {"any 0-65535 -> 192.168.178.21:0", "any [2001:db8:1::21]:0-65535"}


async def add(hass: HomeAssistant, **data: Any) -> Any:
    answer = await call(hass, "add_share", response=True, **data)
    await hass.async_block_till_done()
    return answer


@pytest.mark.parametrize(
    ("protocol", "opened", "calls"),
    [
        ("esp", {"esp 0-65535 -> 192.168.178.21:0"}, ["203.0.113.2"]),
        ("gre", {"gre 0-65535 -> 192.168.178.21:0"}, ["203.0.113.2"]),
        ("ping6", {"icmpv6 [2001:db8:1::21]:0-65535"}, ["2001:db8:1::21"]),
        ("exposed_host", EXPOSED, ["203.0.113.2", "2001:db8:1::21"]),
    ],
)
async def test_a_share_without_ports_is_told_without_them(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    events: list[Event],
    protocol: str,
    opened: set[str],
    calls: list[str],
) -> None:
    before = gateway.open
    fields = {**DMZ, "protocol": protocol, "confirm": True}
    answer = await add(hass, **fields, port=80, external_port=7)
    share_id = answer.pop("share_id")
    assert answer == {"external_port": None, "call": calls}
    assert gateway.open - before == opened
    assert NO_PORTS.items() <= stored(loaded)[share_id].items()
    attributes = state_of(hass, "switch.nas_dmz").attributes
    assert attributes["internal_port"] is None
    assert attributes["external_port"] is None
    assert "internal_port_end" not in attributes
    assert attributes["call"] == calls
    shares = state_of(hass, "sensor.nas_mappings").attributes["shares"]
    assert [each["external_port"] for each in shares] == [8080, None]
    for event in events:
        assert event.data["port"] is None
        assert event.data["external_port"] is None
    listed = (await call(hass, "list_shares", response=True))["shares"]
    [mine] = [each for each in listed if each["share_id"] == share_id]
    assert {**NO_PORTS, "external_port_end": None}.items() <= mine.items()


async def test_a_share_without_ports_is_there_again_after_a_restart(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await add(hass, **DMZ, confirm=True, sources=["198.51.100.0/24"])
    before = gateway.mappings
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert gateway.mappings == before
    assert state_of(hass, "switch.nas_dmz").attributes["sources"] == ["198.51.100.0/24"]


async def test_open_ports_count_all_of_an_exposed_host(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await add(hass, **DMZ, confirm=True)
    await add(hass, **{**DMZ, "protocol": "esp"})
    open_ports = int(state_of(hass, "sensor.gateway_open_ports").state)
    assert open_ports == 1 + 2 * 65535 + 1


async def test_a_second_exposed_host_is_refused_and_the_first_one_named(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await add(hass, **DMZ, confirm=True)
    mine = {**DMZ, "mac": PI, "confirm": True}
    with pytest.raises(
        ServiceValidationError, match="Another device is the exposed host: NAS"
    ):
        await add(hass, **mine)
    await add(hass, **mine, ipv4=False)


async def test_only_the_other_ip_version_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    with pytest.raises(
        ServiceValidationError, match="ESP can be shared over IPv4 only"
    ):
        await add(hass, **{**DMZ, "protocol": "esp"}, ipv4=False)


async def test_a_share_with_a_port_needs_one(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError, match="Say which port"):
        await add(hass, mac=NAS, name="Web")


# From one protocol to another


async def test_another_protocol_keeps_only_what_it_has(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    async def become(protocol: str, **fields: Any) -> set[str]:
        await call(hass, "update_share", share_id=SSH, protocol=protocol, **fields)
        return gateway.open - {"tcp 8080 -> 192.168.178.21:80"}

    web = {"tcp [2001:db8:1::21]:80"}
    assert await become("esp", enabled=True) == web | {
        "esp 0-65535 -> 192.168.178.21:0"
    }
    # ESP is over IPv4, ping over IPv6.
    assert await become("ping6") == web | {"icmpv6 [2001:db8:1::21]:0-65535"}
    assert await become("gre") == web | {"gre 0-65535 -> 192.168.178.21:0"}
    with pytest.raises(ServiceValidationError, match="Say which port"):
        await become("udp")
    assert await become("udp", port=99) == web | {"udp 99 -> 192.168.178.21:99"}
    assert stored(loaded)[SSH] == {
        **SSH_DATA,
        "protocol": "udp",
        "port": 99,
        "port_end": 99,
        "external_port": 99,
        "enabled": True,
    }


# Sources


async def test_only_the_sources_may_call(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    sources = ["198.51.100.0/25", "198.51.100.128/25"]
    answer = await call(
        hass, "update_share", response=True, share_id=WEB, sources=sources
    )
    assert answer["call"] == ["203.0.113.2:8080"]
    [mapping] = gateway.mappings
    assert list(map(str, mapping.sources)) == ["192.168.178.0/24", "198.51.100.0/24"]
    await hass.async_block_till_done()
    assert state_of(hass, WEB_SWITCH).attributes["sources"] == sources
    await call(hass, "update_share", share_id=WEB, name="Site")
    [mapping] = gateway.mappings
    assert len(mapping.sources) == 2
    await call(hass, "update_share", share_id=WEB, sources=[])
    assert {str(network) for each in gateway.mappings for network in each.sources} == {
        "0.0.0.0/0",
        "::/0",
    }


@pytest.mark.parametrize(
    ("sources", "error"),
    [
        ([""], '"" is neither an IP address'),
        ("", "is neither an IP address"),
        (["198.51.100.7/24"], "is neither an IP address"),
        ([f"198.51.100.{last}" for last in range(33)], "33 callers are too many"),
    ],
)
async def test_bad_sources_are_refused_and_nobody_else_is_let_in(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: FakeGateway,
    sources: object,
    error: str,
) -> None:
    with pytest.raises(ServiceValidationError, match=error):
        await call(hass, "update_share", share_id=WEB, sources=sources)
    assert not gateway.changes


async def test_sources_that_can_never_call_are_refused(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError, match="can call over IPv4"):
        await call(hass, "update_share", share_id=SSH, sources=["2001:db8::1"])


@pytest.mark.parametrize(
    "shares", [{WEB: {**WEB_DATA, "sources": "198.51.100.7"}}, {WEB: {**WEB_DATA}}]
)
@pytest.mark.usefixtures("errors_expected")
async def test_stored_sources_that_are_not_understood_let_nobody_in(
    hass: HomeAssistant,
    shares: dict[str, Any],
    set_up: SetUp,
    gateway: FakeGateway,
) -> None:
    await set_up()
    assert bool(gateway.mappings) is ("sources" not in shares[WEB])


# Confirmation


async def test_what_is_dangerous_is_refused_until_it_is_confirmed(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    shell = {"mac": NAS, "name": "Desktop", "port": 3389}
    for fields, danger in (
        (shell, r"RDP \(3389\): .*confirm: true"),
        ({**shell, "confirm": False}, r"RDP \(3389\)"),
        (DMZ, "everything of the device is open.*confirm: true"),
        ({**shell, "mac": PI}, "RDP"),
    ):
        with pytest.raises(ServiceValidationError, match=danger):
            await add(hass, **fields)
    assert len(loaded.subentries) == 1
    assert not gateway.changes
    answer = await add(hass, **shell, confirm=True, enabled=False)
    share_id = answer["share_id"]
    # It was confirmed when it was added.
    await call(hass, "turn_on", entity_id="switch.nas_desktop")
    await call(hass, "update_share", share_id=share_id, name="Screen")
    assert "tcp 3389 -> 192.168.178.21:3389" in gateway.open


async def test_a_share_that_becomes_dangerous_is_confirmed(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError, match=r"VNC \(5900\)"):
        await call(hass, "update_share", share_id=WEB, port=5900)
    assert stored(loaded)[WEB] == WEB_DATA
    await call(hass, "update_share", share_id=WEB, port=5900, confirm=True)
    assert stored(loaded)[WEB]["port"] == 5900


async def test_a_share_from_before_is_not_asked_for(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    await call(hass, "turn_on", entity_id=SSH_SWITCH)
    assert "tcp 2222 -> 192.168.178.21:22" in gateway.open


# What the gateway serves


async def test_a_port_that_the_gateway_serves_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    gateway.change(served=frozenset({(Transport.TCP, 25)}))
    await hass.async_block_till_done()
    assert gateway.environment
    assert gateway.environment.served == {(Transport.TCP, 25)}
    mail = {"mac": NAS, "name": "Mail", "port": 25}
    with pytest.raises(
        ServiceValidationError,
        match=r"answers on port 25 \(TCP\).*next one free is 26",
    ):
        await add(hass, **mail, external_port=25)
    assert (await add(hass, **mail))["external_port"] == 26


async def test_what_the_gateway_came_to_serve_later_disturbs_no_share_that_is_on(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: FakeGateway
) -> None:
    before = gateway.open
    served = {(Transport.TCP, 8080), (Transport.TCP, 2222)}
    gateway.change(served=frozenset(served))
    await hass.async_block_till_done()
    assert gateway.open == before
    await call(hass, "update_share", share_id=WEB, name="Site")
    with pytest.raises(ServiceValidationError, match="answers on port 2222"):
        await call(hass, "turn_on", entity_id=SSH_SWITCH)
    await call(hass, "turn_off", entity_id=WEB_SWITCH)
    await hass.async_block_till_done()
    with pytest.raises(ServiceValidationError, match="answers on port 8080"):
        await call(hass, "turn_on", entity_id="switch.nas_web_server")
