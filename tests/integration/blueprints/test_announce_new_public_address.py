"""The provider gives another address, or the internet is back."""

from ipaddress import IPv4Address
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import HomeAssistant

from ..fake_gateway import FakeGateway
from .conftest import PassTime, settle, use

NAME = "announce_new_public_address"
NEW = IPv4Address("203.0.113.9")


@pytest.fixture
def sent(hass: HomeAssistant) -> list[Any]:
    return async_mock_service(hass, "notify", "send_message")


async def change(gateway: FakeGateway, **facts: object) -> None:
    gateway.change(**facts)
    await settle()


async def test_a_new_address_is_sent_once(
    hass: HomeAssistant,
    loaded: Any,
    gateway: FakeGateway,
    sent: list[Any],
    pass_time: PassTime,
) -> None:
    await use(hass, NAME, notify_entities=["notify.phone", "notify.tablet"])
    # The line was down; IPv4 is back first, and IPv6 a moment later.
    before = gateway.now
    await change(gateway, internet=frozenset(), wan_ipv4=(), wan_ipv6=())
    await change(gateway, internet=before.internet, wan_ipv4=(NEW,))
    await pass_time(seconds=3)
    await change(gateway, wan_ipv6=before.wan_ipv6)
    await pass_time(seconds=11)
    [service_call] = sent
    assert service_call.data["entity_id"] == ["notify.phone", "notify.tablet"]
    assert service_call.data["title"] == "New public address"


async def test_the_message(
    hass: HomeAssistant,
    loaded: Any,
    gateway: FakeGateway,
    sent: list[Any],
    pass_time: PassTime,
) -> None:
    await use(hass, NAME, notify_entities=["notify.phone"])
    await change(gateway, wan_ipv4=(NEW,))
    await pass_time(seconds=11)
    assert sent[0].data == {
        "entity_id": ["notify.phone"],
        "title": "New public address",
        "message": f"Your home is on the internet at {NEW}, 2001:db8:ffff::2.",
    }


@pytest.mark.parametrize("when_restored", [True, False])
async def test_the_internet_is_back(
    hass: HomeAssistant,
    loaded: Any,
    gateway: FakeGateway,
    sent: list[Any],
    pass_time: PassTime,
    when_restored: bool,
) -> None:
    await use(
        hass,
        NAME,
        notify_entities=["notify.phone"],
        when_restored=when_restored,
    )
    before = gateway.now.internet
    await change(gateway, internet=frozenset())
    await change(gateway, internet=before)
    await pass_time(seconds=11)
    titles = [each.data["title"] for each in sent]
    assert titles == (["The internet is back"] if when_restored else [])


async def test_actions_of_ones_own_are_enough(
    hass: HomeAssistant,
    loaded: Any,
    gateway: FakeGateway,
    sent: list[Any],
    pass_time: PassTime,
) -> None:
    updated = async_mock_service(hass, "dns", "update")
    data = {"a": "{{ external_ipv4 }}", "aaaa": "{{ external_ipv6 }}"}
    await use(hass, NAME, then_do=[{"action": "dns.update", "data": data}])
    await change(gateway, wan_ipv4=(NEW,), wan_ipv6=())
    await pass_time(seconds=11)
    assert sent == []
    assert [each.data for each in updated] == [{"a": str(NEW), "aaaa": ""}]
