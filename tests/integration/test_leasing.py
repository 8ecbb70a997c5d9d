"""Devices that may, map their own ports; with the bytes that a client sends."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
import struct
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.portshare.const import CONF_MAC
from custom_components.portshare.coordinator import PortShareCoordinator
from custom_components.portshare.events import Cause, Reason
from custom_components.portshare.leasing import Leasing, leasing_of
from custom_components.portshare.shares import async_add_share
from custom_components.portshare.sharing.errors import LeasedPortNeedsConfirmation
from custom_components.portshare.subentries import store_permission
from homeassistant.core import HomeAssistant
from tests.independent.test_pcp import header, map_body

from .conftest import refuse_all
from .fake_gateway import NAS, NAS_IPV4, NAS_IPV6, FakeGateway

SUCCESS, NOT_AUTHORIZED, NETWORK_FAILURE, NO_RESOURCES = 0, 2, 7, 8
TORRENT = "tcp 6881 -> 192.168.178.21:6881"

type Ask = Callable[..., object]


@pytest.fixture
def coordinator(loaded: MockConfigEntry) -> PortShareCoordinator:
    coordinator: PortShareCoordinator = loaded.runtime_data
    return coordinator


def leasing(coordinator: PortShareCoordinator) -> Leasing:
    return leasing_of(coordinator.hass, coordinator.config_entry.entry_id)


async def ask(
    coordinator: PortShareCoordinator,
    source: IPv4Address | IPv6Address = NAS_IPV4,
    lifetime: int = 3600,
    port: int = 6881,
) -> tuple[int, int]:
    """Ask for a port by PCP; return the result and the external port."""
    request = header(1, lifetime, source) + map_body(port=port, external_port=port)
    answer = await leasing(coordinator).control.answer(request, source)
    assert answer
    await asyncio.sleep(0)  # the world is told after the device
    return answer[3], struct.unpack_from("!H", answer, 42)[0]


async def test_a_device_hears_of_its_port_before_the_world_does(
    permitted: PortShareCoordinator, hass: HomeAssistant
) -> None:
    """The world hears all of it, in order, and what was true of it then."""
    events = async_capture_events(hass, "portshare_event")
    control = leasing(permitted).control
    body = map_body(port=6881, external_port=6881)
    for lifetime in (3600, 0):
        assert await control.answer(header(1, lifetime, NAS_IPV4) + body, NAS_IPV4)
        if lifetime:
            assert events == []
    await hass.async_block_till_done()
    assert [(each.data["type"], each.data["families"]) for each in events] == [
        ("mapping_added", ["ipv4"]),
        ("mapping_removed", []),
    ]


async def test_what_ends_at_once_was_there_before(
    permitted: PortShareCoordinator, hass: HomeAssistant
) -> None:
    """The user closes everything in the moment when a device maps a port."""
    events = async_capture_events(hass, "portshare_event")
    await asyncio.gather(
        ask(permitted), leasing(permitted).end_all(Cause(Reason.SERVICE))
    )
    assert [each.data["type"] for each in events] == [
        "mapping_added",
        "mapping_removed",
    ]


async def epoch(coordinator: PortShareCoordinator) -> int:
    request = header(0, 0, NAS_IPV4)
    answer = await leasing(coordinator).control.answer(request, NAS_IPV4)
    assert answer
    time: int = struct.unpack_from("!I", answer, 8)[0]
    return time


async def permit(coordinator: PortShareCoordinator, *, independent: bool) -> None:
    entry = coordinator.config_entry
    for subentry in entry.subentries.values():
        if subentry.data[CONF_MAC] == NAS:
            store_permission(
                coordinator.hass, entry, subentry.subentry_id, independent=independent
            )
    await coordinator.hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
async def permitted(coordinator: PortShareCoordinator) -> PortShareCoordinator:
    """The nas may map ports."""
    await permit(coordinator, independent=True)
    return coordinator


async def test_nobody_may_by_default(
    coordinator: PortShareCoordinator, gateway: FakeGateway
) -> None:
    before = gateway.open
    assert await ask(coordinator) == (NOT_AUTHORIZED, 6881)
    assert gateway.open == before


async def test_who_may_maps_and_ends(
    permitted: PortShareCoordinator, gateway: FakeGateway
) -> None:
    before = gateway.open
    assert await ask(permitted) == (SUCCESS, 6881)
    assert gateway.open - before == {TORRENT}
    assert (await ask(permitted, lifetime=0))[0] == SUCCESS
    assert gateway.open == before


async def test_a_pinhole(permitted: PortShareCoordinator, gateway: FakeGateway) -> None:
    assert await ask(permitted, NAS_IPV6) == (SUCCESS, 6881)
    assert f"tcp [{NAS_IPV6}]:6881" in gateway.open


async def test_a_permission_that_is_taken(
    permitted: PortShareCoordinator, gateway: FakeGateway
) -> None:
    """With it goes what was mapped."""
    await ask(permitted)
    await permit(permitted, independent=False)
    assert TORRENT not in gateway.open
    assert (await ask(permitted))[0] == NOT_AUTHORIZED


async def test_a_lease_ends(
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
) -> None:
    await ask(permitted, lifetime=600)
    freezer.tick(timedelta(seconds=599))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert TORRENT in gateway.open
    freezer.tick(timedelta(seconds=2))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert TORRENT not in gateway.open


async def test_leases_survive_a_restart(
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
    hass: HomeAssistant,
    loaded: MockConfigEntry,
) -> None:
    """And are still the device's own: it renews them."""
    await ask(permitted)
    before = gateway.mappings
    gateway.changes.clear()
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    # They were never closed, so that what runs over them goes on.
    assert gateway.mappings == before
    assert not any(gateway.changes)
    assert TORRENT in gateway.open
    again: PortShareCoordinator = loaded.runtime_data
    assert again is not permitted
    assert await ask(again) == (SUCCESS, 6881)


@pytest.mark.usefixtures("errors_expected")
async def test_the_kernel_refuses(
    permitted: PortShareCoordinator, gateway: FakeGateway
) -> None:
    before = gateway.open

    gateway.refuse = refuse_all
    assert (await ask(permitted))[0] == NO_RESOURCES
    gateway.refuse = lambda change: None
    await permitted.async_refresh()
    assert gateway.open == before


async def test_without_internet(
    permitted: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    gateway.change(internet=frozenset(), wan_ipv4=())
    await hass.async_block_till_done()
    assert (await ask(permitted))[0] == NETWORK_FAILURE


async def test_a_port_that_is_shared(
    permitted: PortShareCoordinator, gateway: FakeGateway
) -> None:
    """A device that asks for what is shared gets told so; another port's is taken."""
    before = gateway.open
    # The nas's web server is shared: external port 8080 leads to its port 80.
    assert await ask(permitted, port=80) == (SUCCESS, 8080)
    assert gateway.open == before
    result, port = await ask(permitted, port=8080)
    assert result == SUCCESS
    assert port != 8080


async def test_a_new_address_is_a_new_epoch(
    permitted: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    """Clients compare the epoch time, and know that they have to ask again."""
    begun = await epoch(permitted)
    gateway.change(wan_ipv4=(IPv4Address("203.0.113.99"),))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await epoch(permitted) <= begun + 1


async def test_a_new_share_is_told_whose_port_it_wants(
    permitted: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    """If it is to be all the same, the device loses the port, and may ask for another."""
    await ask(permitted)
    device = permitted.configuration.device_with(NAS)
    assert device
    fields = {"name": "Torrent", "port": 6882, "external_port": 6881, "ipv6": False}
    with pytest.raises(LeasedPortNeedsConfirmation) as refused:
        await async_add_share(permitted, device.device_id, fields, Cause())
    assert refused.value.placeholders == {
        "port": "6881",
        "device": "NAS",
        "description": "TCP 6881",
    }
    assert TORRENT in gateway.open
    events = async_capture_events(hass, "portshare_event")
    fields["confirm"] = True
    await async_add_share(permitted, device.device_id, fields, Cause())
    await hass.async_block_till_done(wait_background_tasks=True)
    assert "tcp 6881 -> 192.168.178.21:6882" in gateway.open
    assert TORRENT not in gateway.open
    (removed,) = [each.data for each in events if "lease_id" in each.data]
    assert (removed["type"], removed["reason"]) == ("mapping_removed", "conflict")
    result, port = await ask(permitted)
    assert result == SUCCESS
    assert port != 6881


async def test_a_share_takes_no_leased_port_of_itself(
    permitted: PortShareCoordinator,
) -> None:
    await ask(permitted)
    device = permitted.configuration.device_with(NAS)
    assert device
    fields = {"name": "Torrent", "port": 6881, "ipv6": False}
    share = await async_add_share(permitted, device.device_id, fields, Cause())
    assert share.external_port == 6882


async def test_what_ended_while_nobody_was_here_is_told(
    permitted: PortShareCoordinator,
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await ask(permitted, lifetime=600)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    freezer.tick(timedelta(hours=1))
    events = async_capture_events(hass, "portshare_event")
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    (removed,) = [each.data for each in events if "lease_id" in each.data]
    assert (removed["type"], removed["reason"]) == ("mapping_removed", "expired")


async def test_an_address_that_changed_while_nobody_was_here(
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Clients compare the epoch time, and know that they have to ask again."""
    freezer.tick(timedelta(hours=1))
    assert await epoch(permitted) >= 3600
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert await epoch(loaded.runtime_data) >= 3600
    assert await hass.config_entries.async_unload(loaded.entry_id)
    gateway.change(wan_ipv4=(IPv4Address("203.0.113.99"),))
    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert await epoch(loaded.runtime_data) < 10


@pytest.mark.usefixtures("errors_expected")
async def test_the_kernel_does_not_close(
    permitted: PortShareCoordinator, gateway: FakeGateway
) -> None:
    """Then it is open, and the device hears so; it can try again."""
    await ask(permitted)

    gateway.refuse = refuse_all
    assert (await ask(permitted, lifetime=0))[0] == NO_RESOURCES
    gateway.refuse = lambda change: None
    await permitted.async_refresh()
    assert TORRENT in gateway.open
    assert (await ask(permitted, lifetime=0))[0] == SUCCESS
    assert TORRENT not in gateway.open


@pytest.mark.usefixtures("errors_expected")
async def test_what_the_kernel_closes_later_is_told_then(
    permitted: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    """A device may not map any more, and the kernel refuses to close its port."""
    await ask(permitted)
    events = async_capture_events(hass, "portshare_event")

    gateway.refuse = refuse_all
    await permit(permitted, independent=False)
    assert TORRENT in gateway.open
    assert events == []
    gateway.refuse = lambda change: None
    await permitted.async_refresh()
    assert TORRENT not in gateway.open
    assert [(each.data["type"], each.data["reason"]) for each in events] == [
        ("mapping_removed", "permission")
    ]


async def test_a_new_epoch_after_a_crash(
    permitted: PortShareCoordinator,
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """The last leases may not have been written, so all devices shall ask again."""
    freezer.tick(timedelta(hours=1))
    key = f"portshare.{loaded.entry_id}.leases"
    running = deepcopy(hass_storage[key])
    assert await hass.config_entries.async_unload(loaded.entry_id)
    hass_storage[key] = running
    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert await epoch(loaded.runtime_data) < 10
