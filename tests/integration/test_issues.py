"""What the user should know of his line and of the DNS name, as repair issues."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.portshare.const import CONF_DNS_NAME, CONF_LAN, CONF_WAN, DOMAIN
from custom_components.portshare.gateway.gateway import NetworkInterface
from custom_components.portshare.sharing.model import Family
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .conftest import Home, Later, SetUp, device
from .fake_gateway import HOME, NAS, FakeGateway
from .name_service import NameService

NAME = "home.example.org"
ELSEWHERE = "dns_name_elsewhere"
DOWN: dict[str, Any] = {"internet": frozenset(), "wan_ipv4": (), "wan_ipv6": ()}
UP: dict[str, Any] = {key: getattr(HOME, key) for key in DOWN}
ONLY_IPV6: dict[str, Any] = {"internet": frozenset({Family.IPV6})}


@pytest.fixture(autouse=True)
async def name_service() -> NameService:
    return NameService(**{NAME: ["203.0.113.2"]})


@pytest.fixture(autouse=True)
def _resolver(name_service: NameService) -> Iterator[None]:
    with patch(
        "asyncio.base_events.BaseEventLoop.getaddrinfo", name_service.getaddrinfo
    ):
        yield


@pytest.fixture
def options() -> dict[str, Any]:
    return {CONF_DNS_NAME: NAME}


@pytest.fixture
def entry(shares: dict[str, Any], options: dict[str, Any]) -> MockConfigEntry:
    """A gateway with a DNS name."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Gateway",
        data={CONF_WAN: ["wan0"], CONF_LAN: ["lan0"]},
        options=options,
        subentries_data=[device(NAS, "NAS", shares)],
    )


def issues(hass: HomeAssistant) -> dict[str, dict[str, str] | None]:
    """Return the issues there are, with what they name."""
    return {
        issue.issue_id: issue.translation_placeholders
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN
    }


# The line


@pytest.mark.parametrize(
    ("address", "issue"),
    [
        ("192.168.1.2", "wan_private"),
        ("100.64.0.7", "wan_cgnat"),
        ("192.0.0.2", "wan_ds_lite"),
    ],
)
@pytest.mark.parametrize("options", [{}])
async def test_an_address_that_nobody_can_call_is_said(
    hass: HomeAssistant, home: Home, set_up: SetUp, address: str, issue: str
) -> None:
    home.gateway.change(wan_ipv4=(IPv4Address(address),))
    await set_up()
    assert issues(hass) == {issue: {"address": address}}
    registered = ir.async_get(hass).async_get_issue(DOMAIN, issue)
    assert registered
    assert registered.severity is ir.IssueSeverity.WARNING
    # Another provider.
    await home.change(wan_ipv4=HOME.wan_ipv4)
    assert not issues(hass)


@pytest.mark.parametrize("options", [{}])
async def test_a_public_address_is_nothing_to_talk_about(
    hass: HomeAssistant, loaded: MockConfigEntry, name_service: NameService
) -> None:
    assert not issues(hass)
    assert not name_service.asked


@pytest.mark.parametrize("address", [(), (IPv4Address("169.254.7.7"),)])
@pytest.mark.parametrize("options", [{}])
async def test_a_line_that_stays_without_ipv4_is_said_to_be_ds_lite(
    hass: HomeAssistant,
    set_up: SetUp,
    gateway: FakeGateway,
    tick: SetUp,
    address: tuple[IPv4Address, ...],
) -> None:
    gateway.change(**ONLY_IPV6, wan_ipv4=address)
    await set_up()
    assert not issues(hass)
    await tick()
    assert issues(hass) == {
        "wan_ds_lite": {"address": ", ".join(map(str, address)) or "-"}
    }


@pytest.mark.parametrize("options", [{}])
async def test_a_line_that_is_without_ipv4_for_a_moment_is_still_what_it_was(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry, tick: SetUp
) -> None:
    carrier_grade = (IPv4Address("100.64.0.1"),)
    await home.change(wan_ipv4=carrier_grade)
    for _ in range(3):
        await home.change(**ONLY_IPV6, wan_ipv4=())
        assert list(issues(hass)) == ["wan_cgnat"]
        await home.change(**{**UP, "wan_ipv4": carrier_grade})
        await tick()
    # Each time it has five minutes, of which none count without any internet.
    await home.change(**ONLY_IPV6, wan_ipv4=())
    await home.change(**DOWN)
    await tick()
    await home.change(**ONLY_IPV6)
    assert list(issues(hass)) == ["wan_cgnat"]
    await tick()
    assert list(issues(hass)) == ["wan_ds_lite"]


@pytest.mark.parametrize("options", [{}])
async def test_another_kind_of_line_takes_the_place_of_the_one_before(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(wan_ipv4=(IPv4Address("10.0.0.1"),))
    await home.change(wan_ipv4=(IPv4Address("100.64.0.1"),))
    assert list(issues(hass)) == ["wan_cgnat"]


@pytest.mark.parametrize("options", [{}])
async def test_of_a_line_that_is_down_nothing_new_is_said(
    hass: HomeAssistant, home: Home, loaded: MockConfigEntry
) -> None:
    await home.change(**{**DOWN, "wan_ipv4": (IPv4Address("10.0.0.1"),)})
    assert not issues(hass)
    await home.change(**{**UP, "wan_ipv4": (IPv4Address("10.0.0.1"),)})
    await home.change(**DOWN)
    assert list(issues(hass)) == ["wan_private"]


@pytest.mark.parametrize("options", [{}])
@pytest.mark.parametrize("how", ["async_unload", "async_remove"])
async def test_without_a_gateway_there_is_nothing_to_mend(
    hass: HomeAssistant, set_up: SetUp, gateway: FakeGateway, how: str, entry: Any
) -> None:
    gateway.change(wan_ipv4=(IPv4Address("10.0.0.1"),))
    await set_up()
    assert issues(hass)
    await getattr(hass.config_entries, how)(entry.entry_id)
    assert not issues(hass)


# The DNS name


@pytest.mark.parametrize("address", ["203.0.113.2", "2001:db8:ffff::2"])
async def test_a_name_that_leads_here_is_asked_now_and_then_and_all_is_well(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    name_service: NameService,
    later: Later,
    address: str,
) -> None:
    name_service.answers[NAME] = ["198.51.100.1", address]
    for _ in range(4):
        await later(minutes=5, seconds=1)
    assert name_service.asked == [NAME] * 5
    assert not issues(hass)


@pytest.mark.parametrize(
    ("answers", "resolved"),
    [(["198.51.100.2", "198.51.100.1"], "198.51.100.1, 198.51.100.2"), ([], "-")],
    ids=["elsewhere", "nowhere"],
)
async def test_a_name_that_leads_elsewhere_is_said_after_ten_minutes(
    hass: HomeAssistant,
    set_up: SetUp,
    name_service: NameService,
    later: Later,
    answers: list[str],
    resolved: str,
) -> None:
    name_service.answers[NAME] = answers
    await set_up()
    await later(minutes=5)
    assert not issues(hass)
    await later(minutes=5)
    assert issues(hass) == {
        ELSEWHERE: {
            "name": NAME,
            "resolved": resolved,
            "external": "2001:db8:ffff::2, 203.0.113.2",
        }
    }
    name_service.answers[NAME] = ["203.0.113.2"]
    await later(minutes=5)
    assert not issues(hass)


async def test_each_time_it_has_ten_minutes(
    hass: HomeAssistant, set_up: SetUp, name_service: NameService, later: Later
) -> None:
    name_service.answers[NAME] = ["198.51.100.1"]
    await set_up()
    await later(minutes=5)
    name_service.answers[NAME] = ["203.0.113.2"]
    await later(minutes=5)
    name_service.answers[NAME] = ["198.51.100.1"]
    await later(minutes=5)
    await later(minutes=5)
    assert not issues(hass)
    await later(minutes=5)
    assert list(issues(hass)) == [ELSEWHERE]


async def test_a_slow_name_service_does_not_make_it_fifteen_minutes(
    hass: HomeAssistant,
    set_up: SetUp,
    name_service: NameService,
    later: Later,
    freezer: FrozenDateTimeFactory,
) -> None:
    name_service.answers[NAME] = []
    name_service.goes_on.clear()
    await set_up()
    freezer.tick(4)
    name_service.goes_on.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    await later(minutes=4, seconds=56)
    await later(minutes=5)
    assert list(issues(hass)) == [ELSEWHERE]


async def test_without_internet_nothing_can_be_said_of_a_name(
    hass: HomeAssistant, home: Home, set_up: SetUp, name_service: NameService
) -> None:
    name_service.answers[NAME] = []
    home.gateway.change(**DOWN)
    await set_up()
    for _ in range(4):
        await home.later(minutes=5)
    assert not issues(hass)
    assert not name_service.asked


async def test_after_an_outage_a_name_has_ten_minutes_to_follow(
    hass: HomeAssistant, home: Home, set_up: SetUp, name_service: NameService
) -> None:
    name_service.answers[NAME] = ["198.51.100.1"]
    await set_up()
    await home.change(**DOWN)
    for _ in range(12):
        await home.later(minutes=5)
    await home.change(**UP)
    await home.later(minutes=5)
    assert not issues(hass)
    await home.later(minutes=5)
    await home.later(minutes=5)
    assert list(issues(hass)) == [ELSEWHERE]
    # And of what was said before, nothing can be said either.
    await home.change(**DOWN)
    await home.later(minutes=5)
    assert not issues(hass)


async def test_what_is_no_name_at_all_leads_nowhere(
    hass: HomeAssistant, set_up: SetUp, name_service: NameService, later: Later
) -> None:
    name_service.answers[NAME] = []
    with pytest.raises(UnicodeError) as caught:  # and no OSError
        "a..b".encode("idna")
    name_service.error = caught.value
    await set_up()
    await later(minutes=5)
    await later(minutes=5)
    assert list(issues(hass)) == [ELSEWHERE]


@pytest.mark.parametrize("how", ["async_unload", "async_remove"])
@pytest.mark.parametrize("while_asking", [False, True])
async def test_without_a_gateway_nobody_asks_for_its_name(
    hass: HomeAssistant,
    set_up: SetUp,
    entry: MockConfigEntry,
    name_service: NameService,
    later: Later,
    freezer: FrozenDateTimeFactory,
    how: str,
    while_asking: bool,
) -> None:
    name_service.answers[NAME] = []
    await set_up()
    await later(minutes=5)
    await later(minutes=5)
    assert list(issues(hass)) == [ELSEWHERE]
    if while_asking:
        name_service.goes_on.clear()
        freezer.tick(timedelta(minutes=5))
        async_fire_time_changed(hass)
        await asyncio.sleep(0)
    asked = len(name_service.asked)
    await getattr(hass.config_entries, how)(entry.entry_id)
    name_service.goes_on.set()
    await later(minutes=5)
    await later(minutes=5)
    assert not issues(hass)
    assert len(name_service.asked) == asked


async def test_an_ipv6_address_is_compared_and_not_its_spelling(
    hass: HomeAssistant, home: Home, set_up: SetUp, name_service: NameService
) -> None:
    home.gateway.change(wan_ipv6=(IPv6Address("2001:db8:ffff:0:0:0:0:2"),), wan_ipv4=())
    name_service.answers[NAME] = ["2001:db8:ffff::2"]
    await set_up()
    await home.later(minutes=5)
    await home.later(minutes=5)
    assert ELSEWHERE not in issues(hass)


@pytest.mark.parametrize(("wan", "shown"), [("eth0", True), ("wan0", False)])
async def test_home_assistant_looks_for_devices_on_the_internet_side(
    hass: HomeAssistant, gateway: FakeGateway, wan: str, shown: bool
) -> None:
    """It uses the adapter with the default route, unless the user chooses another."""
    gateway.present += (NetworkInterface("eth0", ("10.10.10.10/24",), True),)
    data = {CONF_WAN: [wan], CONF_LAN: ["lan0"]}
    entry = MockConfigEntry(domain=DOMAIN, title="Gateway", data=data)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "discovery_on_wan")
    assert bool(issue) is shown
    if issue:
        assert issue.translation_placeholders == {"wan": "eth0", "lan": "lan0"}
    await hass.config_entries.async_unload(entry.entry_id)
    assert not ir.async_get(hass).async_get_issue(DOMAIN, "discovery_on_wan")
