"""Elements as bytes: what is packed here is what others read, and back."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address
import itertools
from pathlib import Path
import random
from typing import Any

from hypothesis import given, settings, strategies as st
from pyroute2.netlink.nfnetlink.nftsocket import nft_set_elem_list_msg
import pytest

from custom_components.portshare.gateway.bindings import Bindings
from custom_components.portshare.gateway.delivery import delivery
from custom_components.portshare.gateway.gateway import Gateway
from custom_components.portshare.gateway.netlink import Message
from custom_components.portshare.gateway.ruleset import RULESET
from custom_components.portshare.gateway.table import (
    Element,
    add_messages,
    delete_messages,
    difference,
    elements_of,
    environment_elements,
    parse,
)
from custom_components.portshare.sharing.model import (
    Change,
    Dnat,
    Environment,
    Family,
    Mapping,
    Pinhole,
    PortRange,
    Transport,
)
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
from .listing import listing
from .traffic import nft

GOLDEN = Path(__file__).parent / "golden"
MAC = "02:00:5e:00:00:01"
NUMBERS = {TCP: 6, UDP: 17}
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

OFFICE = ("192.168.178.0/24", "198.51.100.0/24", "203.0.113.77/32")
OFFICE6 = ("2001:db8:ffff::77/128", "2001:db8:aaaa::/48")

ports_of_all_kinds = st.integers(1, 65535)
addresses4 = st.ip_addresses(v=4).map(lambda each: IPv4Address(int(each)))
addresses6 = st.ip_addresses(v=6).map(lambda each: IPv6Address(int(each)))
transports = st.sampled_from((TCP, UDP))
macs = st.binary(min_size=6, max_size=6).map(lambda octets: octets.hex(":"))
comments = st.text(max_size=200)
untils = st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=30)).map(
    lambda after: NOW + after
)


@st.composite
def ranges(draw: st.DrawFn) -> PortRange:
    first = draw(ports_of_all_kinds)
    return PortRange(first, min(65535, first + draw(st.integers(0, 20))))


@st.composite
def dnats(draw: st.DrawFn) -> Dnat:
    external = draw(ranges())
    port = draw(st.just(external.first) | st.integers(1, 65536 - len(external)))
    return Dnat(
        draw(transports),
        external,
        draw(macs),
        draw(addresses4),
        port,
        draw(comments),
        draw(untils),
    )


pinholes = st.builds(Pinhole, transports, macs, addresses6, ranges(), comments, untils)
mappings = dnats() | pinholes


def as_row(message: Message) -> bytes:
    """Return a message as the kernel would send it."""
    length = 16 + len(message.body)
    return length.to_bytes(4, "little") + bytes(12) + message.body


def decode(messages: Iterable[Message]) -> list[tuple[str, Any]]:
    """Let pyroute2 read the elements of messages."""
    decoded = []
    for each in messages:
        message = nft_set_elem_list_msg(as_row(each))
        message.decode()
        assert message["nfgen_family"] == 1
        assert message.get_attr("NFTA_SET_ELEM_LIST_TABLE") == "portshare"
        name = message.get_attr("NFTA_SET_ELEM_LIST_SET")
        elements = message.get_attr("NFTA_SET_ELEM_LIST_ELEMENTS")
        decoded += [(name, element) for element in elements]
    return decoded


def value(element: Any, name: str) -> bytes | None:
    data = element.get_attr(f"NFTA_SET_ELEM_{name}")
    return None if data is None else bytes(data.get_attr("NFTA_DATA_VALUE"))


def service(transport: Transport, port: int) -> bytes:
    return bytes([NUMBERS[transport], 0, 0, 0]) + port.to_bytes(2) + bytes(2)


def expected(mapping: Mapping) -> set[tuple[str, bytes, bytes | None, bytes | None]]:
    """Say in other words what a mapping is in the kernel."""
    transport = mapping.transport
    if isinstance(mapping, Pinhole):
        key = mapping.address.packed + service(transport, mapping.ports.first)
        if len(mapping.ports) == 1:
            return {("flow6", key, None, None)}
        end = mapping.address.packed + service(transport, mapping.ports.last)
        return {("flow6_range", key + bytes(16), None, end + b"\xff" * 16)}
    address, external = mapping.address.packed, mapping.external
    if len(external) > 1 and external.first == mapping.port:
        first, last = (service(transport, p) for p in (external.first, external.last))
        begin, end = (
            address + port.to_bytes(2) + bytes(2)
            for port in (external.first, external.last)
        )
        return {
            ("dnat4_range", first + bytes(4), address, last + b"\xff" * 4),
            (
                "flow4_range",
                first + begin + bytes(4),
                None,
                last + end + b"\xff" * 4,
            ),
        }
    elements: set[tuple[str, bytes, bytes | None, bytes | None]] = set()
    for number in range(len(external)):
        key = service(transport, external.first + number)
        target = address + (mapping.port + number).to_bytes(2) + bytes(2)
        elements |= {("dnat4", key, target, None), ("flow4", key + target, None, None)}
    return elements


@given(mappings)
def test_pyroute2_reads_what_is_packed(mapping: Mapping) -> None:
    elements = list(elements_of(mapping))
    decoded = decode(add_messages(elements, NOW))
    assert {
        (name, value(each, "KEY"), value(each, "DATA"), value(each, "KEY_END"))
        for name, each in decoded
    } == expected(mapping)
    assert len(decoded) == len(elements)
    for _, each in decoded:
        timeout = each.get_attr("NFTA_SET_ELEM_TIMEOUT")
        if mapping.until is None:
            assert timeout is None
        else:
            left = (mapping.until - NOW) / timedelta(milliseconds=1)
            assert 0 < timeout - left < 5000


@given(st.lists(mappings, max_size=5))
def test_what_is_parsed_is_what_was_packed(several: list[Mapping]) -> None:
    elements = {element for each in several for element in elements_of(each)}
    parsed = [
        element
        for message in add_messages(elements, NOW)
        for name in [
            dict(nft_attributes(message))["NFTA_SET_ELEM_LIST_SET"],
        ]
        for element in parse(name, as_row(message))
    ]
    assert len(parsed) == len(elements)
    assert set(parsed) == elements


def nft_attributes(message: Message) -> list[tuple[str, Any]]:
    decoded = nft_set_elem_list_msg(as_row(message))
    decoded.decode()
    return [(attribute[0], attribute[1]) for attribute in decoded["attrs"]]


@given(mappings)
def test_deleting_names_keys_only(mapping: Mapping) -> None:
    """Content that is not the same must not keep an element from being deleted."""
    decoded = decode(delete_messages(elements_of(mapping)))
    assert {
        (name, value(each, "KEY"), value(each, "KEY_END")) for name, each in decoded
    } == {(name, key, end) for name, key, _, end in expected(mapping)}
    for _, each in decoded:
        assert each.get_attr("NFTA_SET_ELEM_DATA") is None
        assert each.get_attr("NFTA_SET_ELEM_USERDATA") is None
        assert each.get_attr("NFTA_SET_ELEM_TIMEOUT") is None


@given(st.lists(mappings, max_size=4), st.lists(mappings, max_size=4))
def test_the_difference_leads_from_one_to_the_other(
    before: list[Mapping], after: list[Mapping]
) -> None:
    have, want = (
        [element for each in several for element in elements_of(each)]
        for several in (before, after)
    )
    gone, new = difference(have, want)
    assert (set(have) - set(gone)) | set(new) == set(want)
    assert set(gone) <= set(have)
    assert not set(new) & set(have)
    assert difference(want, want) == ([], [])


@given(st.lists(st.integers(0, 2**32 - 1), max_size=6))
def test_networks_of_the_home_do_not_overlap(numbers: list[int]) -> None:
    """The kernel refuses intervals that overlap, and addresses often do."""
    networks = tuple(
        IPv4Network((number, 8 + number % 25), strict=False) for number in numbers
    )
    around = Environment(frozenset(Family), (), networks, protect=False)
    elements = [e for e in environment_elements(around, ["wan0"]) if e.set == "lan4"]
    edges = [int.from_bytes(each.key) for each in elements if not each.interval_end]
    ends = [int.from_bytes(each.key) for each in elements if each.interval_end]
    assert edges == sorted(edges)
    ends += [2**32] * (len(edges) - len(ends))
    spans = list(zip(edges, ends, strict=True))
    assert all(begin < end for begin, end in spans)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))
    for network in networks:
        address = int(network.broadcast_address)
        assert any(begin <= address < end for begin, end in spans)


def test_the_last_network_has_no_end() -> None:
    around = Environment(
        frozenset(), (), (IPv4Network("255.255.255.0/24"),), protect=True
    )
    elements = list(environment_elements(around, ["wan0", "ppp0"]))
    assert [each.set for each in elements].count("lan4") == 1
    assert [each.set for each in elements].count("protected") == 2


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        ("", ""),
        ("Web on nas", "Web on nas"),
        ('12" display\n', "12_ display_"),
        ("\0", "_"),
        ("x" * 126, "x" * 126),
        ("x" * 127, "x" * 126),
        ("ü" * 100, "ü" * 63),
        ("x" + "🏠" * 40, "x" + "🏠" * 31),
    ],
)
def test_comments_are_as_long_as_nft_can_show(comment: str, kept: str) -> None:
    mapping = Pinhole(TCP, MAC, IPv6Address("2001:db8::1"), ports(80), comment)
    (element,) = elements_of(mapping)
    assert element.comment == kept
    (message,) = add_messages([element], NOW)
    assert list(parse("flow6", as_row(message))) == [element]


def test_what_others_leave_in_an_element() -> None:
    """Userdata of another kind, or none, or broken."""
    key = b"\x08\x00\x01\x80\x04\x00\x01\x80"
    for userdata, comment in (
        (b"\x01\x02ab\x00\x03hi\x00", "hi"),
        (b"\x01\x02ab", ""),
        (b"\x00", ""),
        (b"\x00\x03\xff\xfe\x00", "\ufffd\ufffd"),
    ):
        length = (4 + len(userdata)).to_bytes(2, "little")
        padding = bytes(-len(userdata) % 4)
        body = key + length + b"\x06\x00" + userdata + padding
        element = (4 + len(body)).to_bytes(2, "little") + b"\x01\x80" + body
        elements = (4 + len(element)).to_bytes(2, "little") + b"\x03\x80" + element
        assert list(parse("flow6", bytes(20) + elements)) == [
            Element("flow6", b"", comment=comment)
        ]


@pytest.mark.parametrize("number", range(3))
async def test_the_kernel_keeps_what_is_added(
    gateway: Gateway, home: Home, number: int
) -> None:
    """What a dump tells is what was added, for elements of all kinds."""
    to = Mappings(home)
    many: list[Mapping] = []
    for index, device in enumerate(home.devices):
        base = 10_000 * (index + 1) + number
        for transport in (TCP, UDP):
            many += [
                to.dnat(device, transport, ports(base, base + 9), base, "Größe"),
                to.dnat(device, transport, ports(base + 20, base + 29), 7000),
                *(
                    to.dnat(device, transport, port, 80, f"port {port}")
                    for port in range(base + 100, base + 400)
                ),
                to.pinhole(device, transport, ports(base, base + 9)),
                *(to.pinhole(device, transport, port) for port in range(1, 300)),
            ]
    many += [
        to.all_of("pi", GRE, sources=OFFICE),
        to.dnat("pi", TCP, 8080, 80, sources=OFFICE),
        to.all_of("console", ANY),
        to.all_of("console", ANY, IPV6),
    ]
    around = environment(protect=True, served=[(TCP, 22)])
    await gateway.adopt(many, around)
    wanted = [element for each in many for element in elements_of(each)]
    wanted += environment_elements(around, ["wan0"])
    wanted += Bindings(many).elements
    there = await gateway._elements()
    assert len(there) == len(wanted)
    assert set(there) == set(wanted)
    assert {element.set for element in there} == {
        each.name
        for definition in (RULESET, delivery(()))
        for each in definition.all_sets
        if not each.dynamic
    }


@pytest.mark.parametrize("seed", range(4))
async def test_networks_of_all_kinds(gateway: Gateway, seed: int) -> None:
    """Side by side, one in the other, at the very end; from any set to any other."""
    numbers = random.Random(seed)
    await gateway.adopt([], environment())
    for _ in range(8):
        networks = tuple(
            IPv4Network((number << 24 | numbers.getrandbits(24), length), strict=False)
            for number in numbers.choices((10, 11, 12, 254, 255), k=5)
            for length in [numbers.randint(6, 10)]
        )
        around = Environment(frozenset(), (), networks, protect=False)
        await gateway.apply(Change(), around)
        wanted = set(environment_elements(around, ["wan0"]))
        assert set(await gateway._elements()) == wanted
        await gateway.adopt([], around)
        nft("add", "element", "inet", "portshare", "lan4", "{ 20.0.0.0/8 }")
        await gateway.adopt([], around)
        assert set(await gateway._elements()) == wanted


HOMES = {
    "empty": (environment(), lambda to: []),
    "protect": (environment(protect=True), lambda to: []),
    "no_internet": (
        environment(protect=True, internet=frozenset()),
        lambda to: [to.dnat("nas", TCP, 8080, 80)],
    ),
    "one_share_both_families": (
        environment(protect=True),
        lambda to: [
            to.dnat("nas", TCP, 8080, 80, "Web server on nas"),
            to.pinhole("nas", TCP, 80, "Web server on nas"),
        ],
    ),
    "other_kinds": (
        environment(protect=True, served=[(TCP, 22), (UDP, 51820)]),
        lambda to: [
            to.all_of("nas", ESP),
            to.all_of("nas", GRE),
            to.all_of("nas", ICMPV6, IPV6),
            to.all_of("console", ANY),
            to.all_of("console", ANY, IPV6),
        ],
    ),
    "limited": (
        environment(protect=True),
        lambda to: [
            to.dnat("nas", TCP, 8080, 80, sources=OFFICE),
            to.dnat("nas", UDP, ports(5000, 5010), 5000, sources=OFFICE),
            to.pinhole("nas", TCP, 80, sources=OFFICE6),
            to.all_of("pi", ESP, sources=OFFICE),
            to.all_of("pi", ICMPV6, IPV6, sources=OFFICE6),
            to.all_of("console", ANY, sources=OFFICE),
            to.all_of("console", ANY, IPV6, sources=OFFICE6),
        ],
    ),
    "ranges": (
        environment(),
        lambda to: [
            mapping
            for transport in (TCP, UDP)
            for mapping in (
                to.dnat("console", transport, ports(3074, 3080), 3074, "Game"),
                to.dnat("pi", transport, ports(6000, 6003), 7000, "shifted"),
                to.pinhole("console", transport, ports(3074, 3080), "Game"),
            )
        ],
    ),
}


@pytest.mark.parametrize("name", HOMES)
async def test_listing(
    gateway: Gateway, home: Home, name: str, request: pytest.FixtureRequest
) -> None:
    """The whole firewall as a person reads it.

    Write the files anew with `pytest tests/gateway --update-golden`.
    """
    around, make = HOMES[name]
    await gateway.adopt(make(Mappings(home)), around)
    path = GOLDEN / f"{name}.nft"
    if request.config.getoption("--update-golden"):
        path.write_text(listing(), encoding="utf-8")
    assert listing() == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HOMES)
async def test_people_may_save_and_restore_it(
    gateway: Gateway, home: Home, name: str
) -> None:
    """`nft list ruleset` is what boot scripts load, and it must be readable."""
    around, make = HOMES[name]
    await gateway.adopt(make(Mappings(home)), around)
    saved = listing()
    text = nft("list", "ruleset")
    nft("flush", "ruleset")
    home.gateway.run("nft", "-f", "-", stdin=text)
    assert listing() == saved


settings.register_profile("gateway", deadline=None)
settings.load_profile("gateway")
