"""What the devices on the home network are called, and by whom."""

import asyncio
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
import sys
from types import ModuleType
from typing import Any
from unittest.mock import Mock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from zeroconf import DNSAddress, DNSCache, DNSPointer, DNSText  # type: ignore[attr-defined]

from custom_components.portshare.hosts import async_find, async_hosts
from homeassistant.components import zeroconf
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo

from .fake_gateway import GATEWAY_MAC, NAS, NAS_IPV4, NAS_IPV6, PI, PI_IPV4, FakeGateway

NOBODY = IPv4Address("192.168.178.99")


@pytest.fixture
async def handle(gateway: FakeGateway) -> Any:
    """The gateway, open."""
    handle = gateway(["wan0"], ["lan0"])
    await handle.open()
    return handle


@pytest.fixture
def dhcp(hass: HomeAssistant) -> Iterator[list[DhcpServiceInfo]]:
    """What devices said when they asked for an address."""
    asked: list[DhcpServiceInfo] = []
    helpers = ModuleType("homeassistant.components.dhcp.helpers")
    vars(helpers)["async_discovered_service_info"] = lambda hass: asked
    hass.config.components.add("dhcp")
    modules = {
        "homeassistant.components.dhcp": ModuleType("homeassistant.components.dhcp"),
        helpers.__name__: helpers,
    }
    with patch.dict(sys.modules, modules):
        yield asked


@pytest.fixture
def mdns(hass: HomeAssistant) -> Iterator[DNSCache]:
    """What devices have announced."""
    cache = DNSCache()
    hass.config.components.add("zeroconf")
    with patch.object(zeroconf, "async_get_instance", return_value=Mock(cache=cache)):
        yield cache


def address(name: str, of: IPv4Address | IPv6Address) -> DNSAddress:
    return DNSAddress(name, 1 if of.version == 4 else 28, 1, 120, of.packed)


async def called(hass: HomeAssistant, handle: Any) -> dict[str, str]:
    return {host.mac: host.name for host in await async_hosts(hass, handle)}


async def test_nobody_knows_a_name(hass: HomeAssistant, handle: Any) -> None:
    assert await called(hass, handle) == {NAS: "", PI: ""}


async def test_the_gateway_itself_is_no_host(
    hass: HomeAssistant, gateway: FakeGateway, handle: Any
) -> None:
    gateway.see(GATEWAY_MAC, IPv4Address("192.168.178.1"))
    assert GATEWAY_MAC not in await called(hass, handle)


async def test_those_with_names_come_first(
    hass: HomeAssistant, handle: Any, names: dict[str, str]
) -> None:
    names[str(PI_IPV4)] = "pi.fritz.box"
    hosts = await async_hosts(hass, handle)
    assert [(host.mac, host.name) for host in hosts] == [(PI, "pi"), (NAS, "")]
    assert hosts[0].addresses.ipv4 == PI_IPV4


async def test_the_name_service_is_asked_for_every_address(
    hass: HomeAssistant, handle: Any, names: dict[str, str]
) -> None:
    names[str(NAS_IPV6)] = "nas.example.org"
    assert (await called(hass, handle))[NAS] == "nas"


async def test_a_name_service_that_does_not_answer_keeps_nobody_waiting(
    hass: HomeAssistant, handle: Any
) -> None:
    async def getnameinfo(*_: object) -> tuple[str, str]:
        await asyncio.Event().wait()
        raise AssertionError

    with (
        patch("asyncio.base_events.BaseEventLoop.getnameinfo", getnameinfo),
        patch("custom_components.portshare.names._LOOK_UP_SECONDS", 0.01),
    ):
        assert await called(hass, handle) == {NAS: "", PI: ""}


async def test_a_device_has_said_its_name_when_it_asked_for_an_address(
    hass: HomeAssistant, handle: Any, dhcp: list[DhcpServiceInfo]
) -> None:
    dhcp += [
        DhcpServiceInfo(str(NAS_IPV4), "diskstation", NAS.replace(":", "")),
        DhcpServiceInfo(str(PI_IPV4), "", PI.replace(":", "")),
    ]
    assert await called(hass, handle) == {NAS: "diskstation", PI: ""}


@pytest.mark.parametrize("of", [NAS_IPV4, NAS_IPV6])
async def test_a_device_has_announced_its_name(
    hass: HomeAssistant,
    handle: Any,
    mdns: DNSCache,
    of: IPv4Address | IPv6Address,
) -> None:
    service = "_http._tcp.local."
    mdns.async_add_records(
        [
            address("diskstation.local.", of),
            DNSText("diskstation.local.", 16, 1, 120, b""),
            DNSPointer(service, 12, 1, 120, f"diskstation.{service}"),
            address("elsewhere.example.org.", PI_IPV4),
            address("stranger.local.", NOBODY),
        ]
    )
    assert await called(hass, handle) == {NAS: "diskstation", PI: ""}


async def test_who_knows_better_is_asked_first(
    hass: HomeAssistant,
    handle: Any,
    names: dict[str, str],
    dhcp: list[DhcpServiceInfo],
    mdns: DNSCache,
) -> None:
    names[str(NAS_IPV4)] = "name-service"
    assert (await called(hass, handle))[NAS] == "name-service"
    mdns.async_add_records([address("announced.local.", NAS_IPV4)])
    assert (await called(hass, handle))[NAS] == "announced"
    dhcp.append(DhcpServiceInfo(str(NAS_IPV4), "lease", NAS.replace(":", "")))
    assert (await called(hass, handle))[NAS] == "lease"
    hass.states.async_set("device_tracker.nas", "home", {"mac": NAS.upper()})
    assert (await called(hass, handle))[NAS] == "nas"
    entry = MockConfigEntry(domain="synology_dsm")
    entry.add_to_hass(hass)
    registry = dr.async_get(hass)
    device = registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        connections={(dr.CONNECTION_NETWORK_MAC, NAS)},
        name="DiskStation",
    )
    assert (await called(hass, handle))[NAS] == "DiskStation"
    registry.async_update_device(device.id, name_by_user="My NAS")
    assert (await called(hass, handle))[NAS] == "My NAS"


# Who is at an address?


async def test_who_was_seen_is_found(handle: Any, gateway: FakeGateway) -> None:
    assert await async_find(handle, NAS_IPV6) == NAS
    assert not gateway.probed


async def test_who_answers_is_found(handle: Any, gateway: FakeGateway) -> None:
    gateway.answers[NOBODY] = "02:00:5e:00:00:99"
    assert await async_find(handle, NOBODY) == "02:00:5e:00:00:99"


async def test_who_answers_late_is_found_and_others_are_not_taken_for_him(
    handle: Any, gateway: FakeGateway
) -> None:
    finding = asyncio.create_task(async_find(handle, NOBODY))
    await asyncio.sleep(0)
    gateway.see("02:00:5e:00:00:98", IPv4Address("192.168.178.98"))
    await asyncio.sleep(0)
    gateway.see("02:00:5e:00:00:99", NOBODY)
    assert await finding == "02:00:5e:00:00:99"
    assert not handle.listeners


async def test_where_nobody_answers_nobody_is(
    handle: Any, gateway: FakeGateway
) -> None:
    with patch("custom_components.portshare.hosts._PROBE_SECONDS", 0.01):
        assert await async_find(handle, NOBODY) is None
    assert gateway.probed == [NOBODY]
    assert not handle.listeners
