"""The file that people attach to a report: it helps, and tells nobody whose home it is."""

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, ip_address
import json
import platform
import re
from types import MappingProxyType
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.portshare.const import (
    CONF_DNS_NAME,
    CONF_LAN,
    CONF_NOTIFY,
    CONF_PROTECT,
    CONF_WAN,
    DOMAIN,
)
from custom_components.portshare.gateway.errors import GatewayError
from custom_components.portshare.gateway.other_firewalls import Kind, OtherFirewall
from custom_components.portshare.gateway.other_forwardings import Forwarding
from custom_components.portshare.gateway.others import Others
from custom_components.portshare.sharing.model import (
    Family,
    Lease,
    PortRange,
    Transport,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from .conftest import SSH, WEB, SetUp, device, device_of, refuse_all, subentry_of
from .fake_gateway import GATEWAY_MAC, HOME, NAS, NAS_IPV6, PI, FakeGateway

SECRETS = [
    "annas-nas",
    "Anna's pictures",
    "anna.example.org",
    "friend.example.net",
    "notify.annas_phone",
    NAS,
    PI,
    GATEWAY_MAC,
    *map(str, (*HOME.wan_ipv4, *HOME.wan_ipv6, *HOME.lan_ipv6)),
    *(address.exploded for address in HOME.wan_ipv6),
    "2001:db8",
    "2001:0db8",
    "203.0.113.",
    "198.51.100.",
]
PRIVATE = IPv4Network("192.168.0.0/16")


@pytest.fixture(autouse=True)
def _resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name lead somewhere."""

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return [(0, 0, 0, "", ("198.51.100.77", 0))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", getaddrinfo)


@pytest.fixture
def entry(shares: dict[str, Any]) -> MockConfigEntry:
    """A home with a name and friends."""
    shares[WEB] |= {
        "name": "Anna's pictures",
        "sources": [
            "198.51.100.0/24",
            "friend.example.net",
            "192.168.7.0/24",
            "2001:db8:99::/48",
        ],
    }
    return MockConfigEntry(
        domain=DOMAIN,
        title="Anna's gateway",
        data={CONF_WAN: ["wan0"], CONF_LAN: ["lan0"]},
        options={
            CONF_PROTECT: True,
            CONF_DNS_NAME: "anna.example.org",
            CONF_NOTIFY: ["notify.annas_phone"],
        },
        subentries_data=[
            device(NAS, "annas-nas", MappingProxyType(shares)),
            device(PI, "Pi", {}),
        ],
    )


class Download:
    """Downloads diagnostics in a browser."""

    def __init__(self, client: Any, entry: MockConfigEntry) -> None:
        self._client = client
        self._path = f"/api/diagnostics/config_entry/{entry.entry_id}"

    async def text(self, device_id: str | None = None) -> str:
        path = f"{self._path}/device/{device_id}" if device_id else self._path
        response = await self._client.get(path)
        assert response.status == 200
        return str(await response.text())

    async def data(self, device_id: str | None = None) -> Any:
        return json.loads(await self.text(device_id))["data"]


@pytest.fixture
async def download(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    served: None,
    hass_client: ClientSessionGenerator,
) -> Download:
    assert await async_setup_component(hass, "diagnostics", {})
    return Download(await hass_client(), entry)


def assert_tells_nobody(text: str) -> None:
    for secret in SECRETS:
        assert secret.lower() not in text.lower()
    for word in re.split(r"[^0-9A-Za-z:.]+", text):
        try:
            address = ip_address(word)
        except ValueError:
            continue
        assert address in PRIVATE or address.is_unspecified, word
    assert not re.search(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", text, re.IGNORECASE)


async def test_it_tells_nobody_whose_home_it_is(
    hass: HomeAssistant, loaded: MockConfigEntry, download: Download
) -> None:
    assert_tells_nobody(await download.text())
    assert_tells_nobody(await download.text(device_of(hass, loaded).id))


async def test_what_was_set_and_what_is_true_can_be_compared(
    loaded: MockConfigEntry, download: Download
) -> None:
    """From the configuration over the facts and the plan to the firewall."""
    data = await download.data()
    assert data["data"] == loaded.data
    assert data["options"][CONF_PROTECT] is True
    assert data["sysctls_to_set"] == {"ipv4": [], "ipv6": []}

    nas_id = subentry_of(loaded).subentry_id
    stored = data["devices"][nas_id]
    mac, name = stored["mac"], stored["shares"][WEB]["name"]
    assert re.fullmatch(r"\*\*MAC-\d+\*\*", mac)
    assert re.fullmatch(r"\*\*NAME-\d+\*\*", name)
    assert stored["shares"][WEB]["port"] == 80
    ipv4, friends, private, ipv6 = stored["shares"][WEB]["sources"]
    assert re.fullmatch(r"\*\*IPV4-\d+\*\*/24", ipv4)
    assert re.fullmatch(r"\*\*NAME-\d+\*\*", friends)
    assert private == "192.168.7.0/24"
    assert re.fullmatch(r"\*\*PREFIX-\d+\*\*::/48", ipv6)

    facts = data["facts"]
    assert facts["internet"] == ["ipv4", "ipv6"]
    assert set(facts["names"]) == {friends}
    seen = facts["devices"][mac]
    assert seen["ipv4"] == "192.168.178.21"
    [prefix], [address] = facts["lan_ipv6"], seen["ipv6"]
    assert address.startswith(prefix.removesuffix("/64"))

    assert set(data["shares"]) == {WEB, SSH}
    assert data["shares"][SSH]["status"] == "off"
    web = data["shares"][WEB]
    assert web["device"] == nas_id
    assert web["status"] == "active"
    assert web["internal_ip"] == "192.168.178.21"
    assert f"[{address}]:80" in web["call"]
    assert f"{data['options'][CONF_DNS_NAME]}:8080" in web["call"]
    assert {mapping["address"] for mapping in web["mappings"]} == {
        "192.168.178.21",
        address,
    }
    tables = data["tables"]
    assert tables["wan"] == ['"wan0"']
    assert f"192.168.178.21 . {mac}" in tables["device4"]
    assert f"{address} . tcp . 80 . {ipv6}" in tables["flow6_range"]


async def test_other_firewalls_and_port_forwardings_are_told(
    loaded: MockConfigEntry, download: Download, gateway: FakeGateway
) -> None:
    gateway.put_others(
        Others(
            firewalls=(
                OtherFirewall(
                    Kind.DOCKER, "ip", "filter", "FORWARD", blocks=frozenset(Family)
                ),
            ),
            forwardings=(
                Forwarding(
                    "ip",
                    "nat",
                    "DOCKER",
                    frozenset({Transport.TCP}),
                    (PortRange(25, 25),),
                    IPv4Address("203.0.113.99"),
                    25,
                ),
            ),
            guarding=frozenset({Family.IPV4}),
        )
    )
    text = await download.text()
    assert_tells_nobody(text)
    data = json.loads(text)["data"]
    [firewall] = data["other_firewalls"]
    assert firewall["kind"] == "docker"
    assert firewall["blocks"] == ["ipv4", "ipv6"]
    assert firewall["command"].startswith("iptables ")
    assert data["guarded_by_others"] == ["ipv4"]
    [forwarding] = data["other_forwardings"]
    assert forwarding["ports"] == [{"first": 25, "last": 25}]
    assert re.fullmatch(r"\*\*IPV4-\d+\*\*", forwarding["address"])


async def test_the_software_is_named(
    loaded: MockConfigEntry, download: Download
) -> None:
    software = (await download.data())["software"]
    assert software["kernel"] == platform.release()
    assert re.match(r"0\.\d+\.\d+", software["pyroute2"])


async def test_of_a_device_only_its_own_shares_are_told(
    hass: HomeAssistant, loaded: MockConfigEntry, download: Download
) -> None:
    pi_id = subentry_of(loaded, PI).subentry_id
    data = await download.data(device_of(hass, loaded, PI).id)
    assert set(data["devices"]) == {pi_id}
    assert data["shares"] == {}
    data = await download.data(device_of(hass, loaded).id)
    assert set(data["shares"]) == {WEB, SSH}


async def test_of_the_gateway_everything_is_told(
    hass: HomeAssistant, loaded: MockConfigEntry, download: Download
) -> None:
    gateway = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, loaded.entry_id), loaded.entry_id
    )
    assert gateway
    assert await download.data(gateway.id) == await download.data()


async def test_what_devices_have_mapped_is_told(
    hass: HomeAssistant, loaded: MockConfigEntry, download: Download
) -> None:
    leases = {
        mac: Lease(
            lease_id=f"of {number}",
            mac=mac,
            name=f"Anna's pictures on {mac}",
            transport=Transport.TCP,
            port=6881 + number,
            external_port=6881 + number,
            expires=datetime(2030, 1, 1, tzinfo=UTC),
            address=NAS_IPV6 if mac == NAS else None,
            sources=(IPv4Network("198.51.100.0/24"),),
            description="Anna's pictures",
            asked_by=("pcp", "upnp"),
        )
        for number, mac in enumerate((NAS, PI, "02:00:5e:00:00:99"))
    }
    await loaded.runtime_data.write_leases(
        {lease.lease_id: lease for lease in leases.values()}
    )
    text = await download.text()
    assert_tells_nobody(text)
    data = json.loads(text)["data"]
    shown = data["leases"]["of 1"]
    assert re.fullmatch(r"\*\*NAME-\d+\*\*", shown.pop("description"))
    [source] = shown.pop("sources")
    assert source.endswith("/24")
    assert shown == {
        "lease_id": "of 1",
        "mac": data["devices"][subentry_of(loaded, PI).subentry_id]["mac"],
        "transport": "tcp",
        "port": 6882,
        "external_port": 6882,
        "expires": "2030-01-01 00:00:00+00:00",
        "address": None,
        "asked_by": ["pcp", "upnp"],
        "status": "active",
        "families": ["ipv4"],
    }
    assert set(data["leases"]) == {"of 0", "of 1", "of 2"}
    # With a device also those of devices that nobody has added.
    data = await download.data(device_of(hass, loaded, PI).id)
    assert set(data["leases"]) == {"of 1", "of 2"}


@pytest.mark.usefixtures("errors_expected")
async def test_what_went_wrong_is_told(
    loaded: MockConfigEntry,
    download: Download,
    gateway: FakeGateway,
    tick: SetUp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse() -> None:
        raise GatewayError("Too many open files")

    gateway.refuse = refuse_all
    await tick()
    monkeypatch.setattr("custom_components.portshare.diagnostics.dump_tables", refuse)
    data = await download.data()
    assert "Operation not permitted" in data["error"]
    assert data["tables"] == {"error": "Too many open files"}


@pytest.mark.usefixtures("errors_expected")
async def test_before_set_up_it_tells_what_was_set_and_what_the_kernel_holds(
    entry: MockConfigEntry, download: Download, gateway: FakeGateway, set_up: SetUp
) -> None:
    gateway.opens.append(GatewayError("Too many open files"))
    await set_up()
    text = await download.text()
    assert_tells_nobody(text)
    data = json.loads(text)["data"]
    assert len(data["devices"]) == 2
    assert data["tables"] == {}
    assert "shares" not in data
