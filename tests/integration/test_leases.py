"""What devices map for themselves goes the same way as shares."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.coordinator import PortShareCoordinator
from custom_components.portshare.gateway.errors import GatewayError
from custom_components.portshare.sharing.model import (
    Change,
    Family,
    Lease,
    Status,
    Transport,
)
from homeassistant.core import HomeAssistant

from .conftest import SetUp
from .fake_gateway import NAS, NAS_IPV6, PI, FakeGateway

TORRENT = Lease(
    lease_id="01JDTORRENT",
    mac=PI,
    name="torrent on pi",
    transport=Transport.TCP,
    port=6881,
    external_port=6881,
    expires=datetime(2030, 1, 1, tzinfo=UTC),
)
OPEN = "tcp 6881 -> 192.168.178.22:6881"


@pytest.fixture
def coordinator(loaded: MockConfigEntry) -> PortShareCoordinator:
    coordinator: PortShareCoordinator = loaded.runtime_data
    return coordinator


def status(coordinator: PortShareCoordinator) -> Status:
    return coordinator.latest.leases[TORRENT.lease_id].status


async def test_a_lease_begins_and_ends(
    coordinator: PortShareCoordinator, gateway: FakeGateway
) -> None:
    before = gateway.open
    await coordinator.write_leases({TORRENT.lease_id: TORRENT})
    assert gateway.open - before == {OPEN}
    state = coordinator.latest.leases[TORRENT.lease_id]
    assert state.status is Status.ACTIVE
    assert state.families == {Family.IPV4}
    await coordinator.write_leases({TORRENT.lease_id: None})
    assert gateway.open == before
    assert not coordinator.latest.leases


async def test_a_pinhole(
    coordinator: PortShareCoordinator, gateway: FakeGateway
) -> None:
    """The address that asked, as long as it is the device's."""
    pinhole = replace(TORRENT, mac=NAS, address=NAS_IPV6)
    before = gateway.open
    await coordinator.write_leases({pinhole.lease_id: pinhole})
    assert gateway.open - before == {f"tcp [{NAS_IPV6}]:6881"}
    gateway.see(NAS, IPv4Address("192.168.178.21"))
    await coordinator.hass.async_block_till_done()
    assert f"tcp [{NAS_IPV6}]:6881" not in gateway.open
    assert status(coordinator) is Status.DEVICE_UNKNOWN


async def test_a_lease_follows_its_device(
    coordinator: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    await coordinator.write_leases({TORRENT.lease_id: TORRENT})
    gateway.see(PI, IPv4Address("192.168.178.99"))
    await hass.async_block_till_done()
    assert "tcp 6881 -> 192.168.178.99:6881" in gateway.open
    assert OPEN not in gateway.open


async def test_a_lease_without_internet(
    coordinator: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    """The table stays as it is; what closes is the set of IP versions."""
    await coordinator.write_leases({TORRENT.lease_id: TORRENT})
    gateway.change(internet=frozenset())
    await hass.async_block_till_done()
    assert status(coordinator) is Status.NO_INTERNET
    gateway.change(internet=frozenset(Family))
    await hass.async_block_till_done()
    assert status(coordinator) is Status.ACTIVE


@pytest.mark.usefixtures("errors_expected")
async def test_the_kernel_refuses_a_lease(
    coordinator: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    """Nothing of it is left, and a renewal that is refused leaves what was."""
    before = gateway.open

    def refuse(change: Change) -> None:
        if any(mapping.transport is Transport.TCP for mapping in change.opened):
            raise GatewayError("No buffer space available")

    gateway.refuse = refuse
    with pytest.raises(GatewayError):
        await coordinator.write_leases({TORRENT.lease_id: TORRENT})
    await hass.async_block_till_done()
    assert gateway.open == before
    assert not coordinator.latest.leases
    gateway.refuse = lambda change: None
    await coordinator.write_leases({TORRENT.lease_id: TORRENT})
    gateway.refuse = refuse
    with pytest.raises(GatewayError):
        await coordinator.write_leases(
            {TORRENT.lease_id: replace(TORRENT, external_port=7000)}
        )
    await hass.async_block_till_done()
    assert OPEN in gateway.open
    assert status(coordinator) is Status.ACTIVE


async def test_what_the_user_shares_comes_first(
    coordinator: PortShareCoordinator,
    gateway: FakeGateway,
    hass: HomeAssistant,
    set_up: SetUp,
) -> None:
    """A share of the same port takes it, in one transaction, and gives it back."""
    await coordinator.write_leases({TORRENT.lease_id: TORRENT})
    answer = await hass.services.async_call(
        "portshare",
        "add_share",
        {"mac": NAS, "name": "Mine", "port": 6881, "external_port": 6881}
        | {"ipv6": False, "confirm": True},
        blocking=True,
        return_response=True,
    )
    assert "tcp 6881 -> 192.168.178.21:6881" in gateway.open
    assert OPEN not in gateway.open
    assert status(coordinator) is Status.CONFLICT
    assert answer
    share_id = answer["share_id"]
    await hass.services.async_call(
        "portshare", "remove_share", {"share_id": share_id}, blocking=True
    )
    assert OPEN in gateway.open
    assert status(coordinator) is Status.ACTIVE
