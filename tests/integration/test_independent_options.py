"""How much devices may map, and by which protocols."""

from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
import struct
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.portshare.const import (
    CONF_INDEPENDENT,
    CONF_LONGEST_LIFETIME,
    CONF_LOW_PORTS,
    CONF_MOST_IN_ALL,
    CONF_MOST_OF_DEVICE,
    CONF_PROTECT,
    CONF_PROTOCOLS,
    SECTION_EXPERT,
    SECTION_INDEPENDENT,
)
from custom_components.portshare.coordinator import PortShareCoordinator
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.util import dt as dt_util
from tests.independent.test_pcp import header, map_body

from .conftest import state_of, subentry_of
from .fake_gateway import NAS_IPV4, NAS_IPV6, FakeGateway
from .test_independent import INDEPENDENT, SWITCH
from .test_leasing import NO_RESOURCES, SUCCESS, ask, leasing
from .test_options import save

USER_EX_QUOTA = 10
UNSUPPORTED_VERSION = 1
NATPMP_EXTERNAL_ADDRESS = bytes(2)
ALL = ["pcp", "natpmp", "upnp"]


@pytest.fixture
def options() -> dict[str, Any]:
    """The options of independent port sharing."""
    return {}


@pytest.fixture
async def permitted(
    hass: HomeAssistant, loaded: MockConfigEntry, options: dict[str, Any]
) -> PortShareCoordinator:
    """The NAS may map ports, within these options."""
    subentry = subentry_of(loaded)
    hass.config_entries.async_update_subentry(
        loaded, subentry, data={**subentry.data, CONF_INDEPENDENT: True}
    )
    result = await save(
        hass, loaded, {SECTION_INDEPENDENT: options, SECTION_EXPERT: {}}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded.options[SECTION_INDEPENDENT] == {CONF_PROTOCOLS: ALL, **options}
    assert loaded.options[CONF_PROTECT] is False
    coordinator: PortShareCoordinator = loaded.runtime_data
    return coordinator


async def answer(
    coordinator: PortShareCoordinator,
    datagram: bytes,
    source: IPv4Address | IPv6Address = NAS_IPV4,
) -> bytes | None:
    return await leasing(coordinator).control.answer(datagram, source)


async def test_the_usual(permitted: PortShareCoordinator) -> None:
    assert await ask(permitted) == (SUCCESS, 6881)
    # The port is one of a device's own choice, but not this one.
    result, port = await ask(permitted, port=25)
    assert result == SUCCESS
    assert port >= 1024
    [lease, _] = permitted.latest.leases.values()
    assert lease.lease.expires - dt_util.utcnow() <= timedelta(hours=1)


@pytest.mark.parametrize("options", [{CONF_LOW_PORTS: True}])
async def test_low_ports(permitted: PortShareCoordinator) -> None:
    assert await ask(permitted, port=25) == (SUCCESS, 25)


@pytest.mark.parametrize(
    ("options", "result"),
    [({CONF_MOST_OF_DEVICE: 2}, USER_EX_QUOTA), ({CONF_MOST_IN_ALL: 2}, NO_RESOURCES)],
)
async def test_how_many(permitted: PortShareCoordinator, result: int) -> None:
    results = [(await ask(permitted, port=7000 + number))[0] for number in range(3)]
    assert results == [SUCCESS, SUCCESS, result]
    assert len(permitted.latest.leases) == 2


@pytest.mark.parametrize("options", [{CONF_LONGEST_LIFETIME: 2}])
async def test_how_long(permitted: PortShareCoordinator) -> None:
    await ask(permitted, lifetime=80_000)
    [state] = permitted.latest.leases.values()
    remaining = state.lease.expires - dt_util.utcnow()
    assert timedelta(hours=1, minutes=59) < remaining <= timedelta(hours=2)


@pytest.mark.parametrize("options", [{CONF_LONGEST_LIFETIME: 48}])
async def test_more_than_a_day_is_for_upnp_only(
    permitted: PortShareCoordinator,
) -> None:
    three_days = struct.pack("!BBHHHI", 0, 2, 0, 6881, 6881, 3 * 86_400)
    told = await answer(permitted, three_days)
    assert told
    assert struct.unpack("!I", told[-4:]) == (86_400,)


async def test_what_is_mapped_outlives_a_change_of_options(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    permitted: PortShareCoordinator,
    gateway: FakeGateway,
) -> None:
    await ask(permitted)
    before = gateway.open
    await save(
        hass,
        loaded,
        {SECTION_INDEPENDENT: {CONF_MOST_IN_ALL: 1}, SECTION_EXPERT: {}},
    )
    assert gateway.open == before
    assert state_of(hass, SWITCH).state == "on"
    assert state_of(hass, INDEPENDENT).state == "1"
    after: PortShareCoordinator = loaded.runtime_data
    assert (await ask(after, port=7000))[0] == NO_RESOURCES
    assert await ask(after) == (SUCCESS, 6881)


@pytest.mark.parametrize("options", [{CONF_PROTOCOLS: ["natpmp", "upnp"]}])
async def test_natpmp_only(permitted: PortShareCoordinator) -> None:
    told = await answer(permitted, NATPMP_EXTERNAL_ADDRESS)
    assert told
    assert told[-4:] == IPv4Address("203.0.113.2").packed
    # To a client of PCP, as a gateway that never knew of it.
    request = header(1, 3600, NAS_IPV4) + map_body(port=6881)
    told = await answer(permitted, request)
    assert told
    assert (told[0], struct.unpack_from("!H", told, 2)) == (0, (UNSUPPORTED_VERSION,))
    request = header(1, 3600, NAS_IPV6) + map_body(port=6881)
    assert await answer(permitted, request, NAS_IPV6) is None
    control = leasing(permitted).control
    assert [each[:2] for each in control.announcements(IPv4Address)] == [b"\x00\x80"]
    assert control.announcements(IPv6Address) == ()


@pytest.mark.parametrize("options", [{CONF_PROTOCOLS: ["pcp"]}])
async def test_pcp_only(permitted: PortShareCoordinator) -> None:
    assert await ask(permitted) == (SUCCESS, 6881)
    told = await answer(permitted, NATPMP_EXTERNAL_ADDRESS)
    assert told
    assert (told[0], told[3]) == (2, UNSUPPORTED_VERSION)
    control = leasing(permitted).control
    assert [each[:2] for each in control.announcements(IPv4Address)] == [b"\x02\x80"]


@pytest.mark.parametrize("options", [{CONF_PROTOCOLS: []}])
async def test_no_protocol_at_all(permitted: PortShareCoordinator) -> None:
    assert await answer(permitted, NATPMP_EXTERNAL_ADDRESS) is None
    request = header(1, 3600, NAS_IPV4) + map_body(port=6881)
    assert await answer(permitted, request) is None


@pytest.mark.parametrize(
    "options",
    [
        {CONF_MOST_OF_DEVICE: 0},
        {CONF_MOST_IN_ALL: 100_000},
        {CONF_LONGEST_LIFETIME: 0},
        {CONF_PROTOCOLS: ["telnet"]},
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidData):
        await save(hass, loaded, {SECTION_INDEPENDENT: options, SECTION_EXPERT: {}})
