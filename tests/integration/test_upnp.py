"""A device maps ports by UPnP: with upnpc, on the loopback as the home network."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import IPv4Address, IPv4Network
import re
import socket
import subprocess
from urllib.parse import urljoin

from aiohttp import ClientSession, web
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.portshare.const import CONF_PROTOCOLS, SECTION_INDEPENDENT
from custom_components.portshare.coordinator import PortShareCoordinator
from custom_components.portshare.sharing.model import LanAddress
from homeassistant.core import HomeAssistant

from .conftest import SetUp, refuse_all, state_of
from .fake_gateway import HOME, NAS, FakeGateway
from .test_leasing import ask, permit

LOOPBACK = LanAddress(IPv4Address("127.0.0.1"), 1, "lo")
SEARCHER = "127.0.0.2"
WEB4 = "tcp 8081 -> 127.0.0.1:8081"

SEARCH = (
    b"M-SEARCH * HTTP/1.1\r\n"
    b"HOST: 127.0.0.1:1900\r\n"
    b'MAN: "ssdp:discover"\r\n'
    b"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
)


@pytest.fixture
async def coordinator(
    set_up: SetUp, entry: MockConfigEntry, gateway: FakeGateway, socket_enabled: None
) -> PortShareCoordinator:
    """The NAS is where the clients run, and may map ports."""
    gateway.lan_addresses = (LOOPBACK,)
    gateway.change(lan_ipv4=(*HOME.lan_ipv4, IPv4Network("127.0.0.0/8")))
    gateway.see(NAS, LOOPBACK.address)
    await set_up()
    coordinator: PortShareCoordinator = entry.runtime_data
    await permit(coordinator, independent=True)
    return coordinator


@contextmanager
def searching() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((SEARCHER, 0))
        sock.settimeout(5)
        yield sock


def find() -> str:
    """Return where the gateway of version 1 is described."""
    with searching() as sock:
        sock.sendto(SEARCH, ("127.0.0.1", 1900))
        answer = sock.recv(2000)
    found = re.search(rb"(?i)location: *(\S+)", answer)
    assert found
    return found[1].decode()


async def upnpc(*arguments: str) -> str:
    def run() -> str:
        command = ["upnpc", "-u", find(), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    return await asyncio.to_thread(run)


async def test_a_port_is_mapped_and_deleted(
    coordinator: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    output = await upnpc("-e", "a game", "-a", "127.0.0.1", "8081", "8081", "TCP")
    assert "is redirected to internal 127.0.0.1:8081" in output
    assert WEB4 in gateway.open
    (lease,) = state_of(hass, "sensor.nas_independent_mappings").attributes["leases"]
    assert lease["description"] == "a game"
    assert lease["asked_by"] == ["upnp"]
    output = await upnpc("-l")
    assert "TCP  8081->127.0.0.1:8081  'a game'" in output
    await upnpc("-d", "8081", "TCP")
    assert WEB4 not in gateway.open


async def test_one_mapping_with_two_owners(
    coordinator: PortShareCoordinator, gateway: FakeGateway
) -> None:
    """It goes when the last one goes."""
    await upnpc("-a", "127.0.0.1", "8081", "8081", "TCP")
    assert await ask(coordinator, LOOPBACK.address, port=8081) == (0, 8081)
    await upnpc("-d", "8081", "TCP")
    assert WEB4 in gateway.open
    await ask(coordinator, LOOPBACK.address, lifetime=0, port=8081)
    assert WEB4 not in gateway.open


async def test_the_connection(coordinator: PortShareCoordinator) -> None:
    output = await upnpc("-s")
    assert "ExternalIPAddress = 203.0.113.2" in output
    assert "Status : Connected" in output


async def test_who_may_not_is_told(
    coordinator: PortShareCoordinator, gateway: FakeGateway, hass: HomeAssistant
) -> None:
    await permit(coordinator, independent=False)
    events = async_capture_events(hass, "portshare_event")
    output = await upnpc("-e", "a game", "-a", "127.0.0.1", "8081", "8081", "TCP")
    assert "failed with code 606" in output
    assert WEB4 not in gateway.open
    (asked,) = [each.data for each in events]
    assert asked["type"] == "mapping_requested"
    assert asked["asked_by"] == "upnp"
    assert asked["description"] == "a game"


@pytest.mark.usefixtures("errors_expected")
async def test_the_kernel_refuses(
    coordinator: PortShareCoordinator, gateway: FakeGateway
) -> None:
    await upnpc("-a", "127.0.0.1", "8082", "8082", "TCP")
    before = gateway.open
    gateway.refuse = refuse_all
    output = await upnpc("-a", "127.0.0.1", "8081", "8081", "TCP")
    assert "failed with code 501" in output
    output = await upnpc("-d", "8082", "TCP")
    assert "failed with code : 501" in output
    gateway.refuse = lambda change: None
    await coordinator.async_refresh()
    # What the client was told is what is true.
    assert gateway.open == before
    await upnpc("-d", "8082", "TCP")
    assert len(before - gateway.open) == 1


async def test_the_same_gateway_after_a_restart(
    coordinator: PortShareCoordinator, hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Clients keep its address, so that stays; and so does what they have mapped."""
    before = await asyncio.to_thread(find)
    await upnpc("-a", "127.0.0.1", "8081", "8081", "TCP")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert await asyncio.to_thread(find) == before
    assert "8081->127.0.0.1:8081" in await upnpc("-l")


async def test_a_port_that_is_taken_meanwhile(
    coordinator: PortShareCoordinator, hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    before = await asyncio.to_thread(find)
    taken = before.split("/")[2].partition(":")[2]
    assert await hass.config_entries.async_unload(entry.entry_id)
    with socket.create_server(("127.0.0.1", int(taken))):
        assert await hass.config_entries.async_setup(entry.entry_id)
        assert await asyncio.to_thread(find) != before
        assert "Connected" in await upnpc("-s")


async def test_a_protocol_that_is_switched_off(
    coordinator: PortShareCoordinator,
    gateway: FakeGateway,
    hass: HomeAssistant,
    entry: MockConfigEntry,
) -> None:
    """It is not served any more, and what was mapped by it ends."""
    await upnpc("-a", "127.0.0.1", "8081", "8081", "TCP")
    await upnpc("-a", "127.0.0.1", "8082", "8082", "TCP")
    assert await ask(coordinator, LOOPBACK.address, port=8082) == (0, 8082)
    events = async_capture_events(hass, "portshare_event")
    hass.config_entries.async_update_entry(
        entry, options={SECTION_INDEPENDENT: {CONF_PROTOCOLS: ["pcp"]}}
    )
    await hass.async_block_till_done()
    assert WEB4 not in gateway.open
    assert "tcp 8082 -> 127.0.0.1:8082" in gateway.open
    with searching() as sock:
        sock.setblocking(False)
        sock.connect(("127.0.0.1", 1900))
        sock.send(SEARCH)
        with pytest.raises(ConnectionRefusedError):
            sock.send(SEARCH)
    assert [each.data["external_port"] for each in events] == [8081]


@pytest.mark.usefixtures("errors_expected")
async def test_subscribers_hear_that_a_mapping_has_ended_which_the_kernel_keeps(
    coordinator: PortShareCoordinator, gateway: FakeGateway
) -> None:
    """Nobody may list it any more, though it is closed later."""

    await upnpc("-a", "127.0.0.1", "8081", "8081", "TCP")
    async with subscribed() as heard, asyncio.timeout(10):
        assert "<PortMappingNumberOfEntries>1<" in await heard.get()
        gateway.refuse = refuse_all
        await permit(coordinator, independent=False)
        assert WEB4 in gateway.open
        assert "<PortMappingNumberOfEntries>0<" in await heard.get()


@asynccontextmanager
async def subscribed() -> AsyncIterator[asyncio.Queue[str]]:
    """Yield what the gateway tells who subscribes to its connection."""
    heard = asyncio.Queue[str]()

    async def hear(request: web.BaseRequest) -> web.Response:
        heard.put_nowait(await request.text())
        return web.Response()

    runner = web.ServerRunner(web.Server(hear))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _, port = runner.addresses[0]
    location = await asyncio.to_thread(find)
    async with ClientSession() as session:
        description = await (await session.get(location)).text()
        paths = re.findall(r"<eventSubURL>(.*?)</eventSubURL>", description)
        subscription = {"NT": "upnp:event", "CALLBACK": f"<http://127.0.0.1:{port}/>"}
        path = next(each for each in paths if "WANIP" in each)
        async with session.request(
            "SUBSCRIBE", urljoin(location, path), headers=subscription
        ) as answer:
            assert answer.status == 200
    try:
        yield heard
    finally:
        await runner.cleanup()
