"""Which browser would be shut out if nothing came in from the internet."""

from asyncio import Transport
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import Mock, patch

from aiohttp.test_utils import make_mocked_request
import pytest

from custom_components.portshare.browser import outside_address
from custom_components.portshare.sharing.model import Facts
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import current_request

from .fake_gateway import HOME

OUTSIDE = "198.51.100.7"


@contextmanager
def request(browser: str, peer: object) -> Iterator[None]:
    """Be in a request of a browser; `peer` is the name of the socket's other end."""
    transport = Mock(spec=Transport)
    transport.get_extra_info = lambda name: peer if name == "peername" else None
    made = make_mocked_request("POST", "/", transport=transport)
    token = current_request.set(made.clone(remote=browser))
    yield
    current_request.reset(token)


@pytest.mark.parametrize(
    "browser",
    [OUTSIDE, "203.0.113.9", "2001:db8:77::5", f"::ffff:{OUTSIDE}"],
)
def test_it_calls_from_outside(hass: HomeAssistant, browser: str) -> None:
    with request(browser, (browser, 50000)):
        assert outside_address(hass, HOME) == browser.removeprefix("::ffff:")


@pytest.mark.parametrize(
    "browser",
    [
        "192.168.178.22",
        "::ffff:192.168.178.22",
        "2001:db8:1::22",
        "192.168.178.1",
        "127.0.0.1",
        "::1",
        "fe80::1%lan0",
        "10.8.0.2",
        "100.101.102.103",
        "fd00::5",
    ],
)
def test_it_is_at_home_or_comes_by_a_vpn(hass: HomeAssistant, browser: str) -> None:
    with request(browser, (browser, 50000)):
        assert outside_address(hass, HOME) is None


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("127.0.0.1", OUTSIDE),
        ("192.168.178.1", OUTSIDE),
        ("172.30.33.2", OUTSIDE),
        ("203.0.113.80", OUTSIDE),
        ("192.168.178.22", None),
    ],
    ids=["on the gateway", "its address", "in a container", "outside", "a device"],
)
def test_a_reverse_proxy_counts_by_where_it_is(
    hass: HomeAssistant, proxy: str, told: str | None
) -> None:
    """A device with a proxy can be shared, and stays so."""
    with request(OUTSIDE, (proxy, 50000)):
        assert outside_address(hass, HOME) == told


def test_home_assistant_cloud_comes_by_a_way_of_its_own(hass: HomeAssistant) -> None:
    hass.config.components.add("cloud")
    with (
        request(OUTSIDE, ("127.0.0.1", 50000)),
        patch("hass_nabucasa.remote.is_cloud_request") as cloud,
    ):
        cloud.get.return_value = True
        assert outside_address(hass, HOME) is None


@pytest.mark.parametrize("peer", [None, "", "/run/hass.sock"])
def test_who_does_not_come_by_the_network_is_not_outside(
    hass: HomeAssistant, peer: object
) -> None:
    with request(OUTSIDE, peer):
        assert outside_address(hass, HOME) is None


def test_without_a_request_nobody_is_outside(hass: HomeAssistant) -> None:
    assert outside_address(hass, HOME) is None


def test_before_set_up_it_goes_by_the_address_alone(hass: HomeAssistant) -> None:
    with request(OUTSIDE, (OUTSIDE, 50000)):
        assert outside_address(hass, Facts()) == OUTSIDE
    with request("192.168.178.22", ("192.168.178.22", 50000)):
        assert outside_address(hass, Facts()) is None
