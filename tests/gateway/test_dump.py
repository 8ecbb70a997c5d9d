"""What is read of our tables is what `nft list` shows of them."""

from dataclasses import replace
import errno
from ipaddress import IPv4Network
import re

import pytest

from custom_components.portshare.gateway import dump
from custom_components.portshare.gateway.dump import dump_tables
from custom_components.portshare.gateway.errors import NetlinkError
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.gateway.netlink import NetlinkSocket
from custom_components.portshare.gateway.table import environment_elements
from demo.home import Home

from .builders import (
    ANY,
    ESP,
    GRE,
    ICMPV6,
    IPV6,
    TCP,
    UDP,
    Mappings,
    environment,
    ports,
)
from .capabilities import without_net_admin
from .traffic import nft

_SET = re.compile(r"\t(?:set|map) (\w+) \{\n(.*?)\n\t\}", re.DOTALL)
_ELEMENTS = re.compile(r"elements = \{(.*?)\}", re.DOTALL)
_BESIDE = re.compile(r' counter packets \d+ bytes \d+| comment "[^"]*"')


def listed() -> dict[str, set[str]]:
    """Return the elements of our sets, as nft lists them."""
    text = nft("list", "table", "inet", "portshare")
    text += nft("list", "table", "netdev", "portshare")
    found = {}
    for name, body in _SET.findall(text):
        if "size" in body:  # what the rules fill
            continue
        elements = _ELEMENTS.search(body)
        each = _BESIDE.sub("", elements[1]).split(",") if elements else []
        found[name] = {" ".join(one.split()) for one in each}
    return found


async def test_it_is_what_nft_lists(home: Home, gateway: Gateway) -> None:
    to = Mappings(home)
    mappings = [
        to.dnat("nas", TCP, 8080, 80, "Web, on NAS"),
        to.dnat("nas", UDP, ports(5000, 5010), 5000),
        to.dnat("nas", TCP, 22, 22, sources=["198.51.100.0/24", "203.0.113.9/32"]),
        to.all_of("pi", GRE),
        to.all_of("pi", ESP),
        to.all_of("console", ANY),
        to.pinhole("nas", TCP, 443),
        to.pinhole("nas", UDP, ports(6000, 6010), sources=["2001:db8:7::/48"]),
        to.all_of("pi", ICMPV6, IPV6),
        to.all_of("console", ANY, IPV6),
    ]
    await gateway.adopt(
        mappings, environment(protect=True, served=[(TCP, 22), (UDP, 51820)])
    )
    dumped = await dump_tables()
    assert {name: set(elements) for name, elements in dumped.items()} == listed()
    assert dumped["dnat4"] == [
        f"tcp . 8080 : {home.devices['nas'].addresses.ipv4} . 80"
    ]
    assert dumped["lan4"] == ["192.168.178.0/24"]
    assert all(dumped.values())


async def test_what_somebody_has_added_for_all_others(
    home: Home, gateway: Gateway
) -> None:
    await gateway.adopt([Mappings(home).dnat("nas", TCP, 80, 80)], environment())
    for name, element in (
        ("wan4", "*"),
        ("dnat4", "* : 192.168.178.9 . 22"),
    ):
        nft("add", "element", "inet", "portshare", name, f"{{ {element} }}")
        dumped = await dump_tables()
        assert element in dumped[name]
        assert set(dumped[name]) == listed()[name]


@pytest.mark.usefixtures("inside")
async def test_without_our_tables_there_is_nothing() -> None:
    assert await dump_tables() == {}


@pytest.mark.usefixtures("inside")
async def test_without_privilege_it_says_so() -> None:
    with without_net_admin(), pytest.raises(NetlinkError) as raised:
        await dump_tables()
    assert raised.value.errno == errno.EPERM


@pytest.mark.usefixtures("inside")
async def test_a_socket_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_to_open(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(dump, "NetlinkSocket", refuse_to_open)
    with pytest.raises(NetlinkError) as raised:
        await dump_tables()
    assert raised.value.errno == errno.EMFILE


async def test_what_cannot_be_read_is_said(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a set that is not there is passed over."""

    async def refuse(*_: object) -> list[bytes]:
        raise NetlinkError(errno.EINTR, "the table kept changing during the dump")

    monkeypatch.setattr(NetlinkSocket, "dump", refuse)
    with pytest.raises(NetlinkError) as raised:
        await dump_tables()
    assert raised.value.errno == errno.EINTR


@pytest.mark.parametrize(
    ("networks", "listed"),
    [
        (["10.0.0.0/24", "10.0.1.0/24"], ["10.0.0.0/23"]),
        (["10.0.1.0/24", "10.0.2.0/24"], ["10.0.1.0-10.0.2.255"]),
        (["10.0.0.7/32", "10.0.0.0/30"], ["10.0.0.0/30", "10.0.0.7"]),
        (["255.255.0.0/16", "0.0.0.0/8"], ["0.0.0.0/8", "255.255.0.0/16"]),
    ],
    ids=str,
)
def test_networks_are_listed_as_what_they_are(
    networks: list[str], listed: list[str]
) -> None:
    around = replace(environment(), lan_ipv4=tuple(map(IPv4Network, networks)))
    edges = [each for each in environment_elements(around, ()) if each.set == "lan4"]
    assert dump.listing({"lan4": edges}) == {"lan4": listed}
