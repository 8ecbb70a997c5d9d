"""The elements of our table: from mappings to bytes and back, and their difference.

Elements are packed with `struct`, not with pyroute2's classes, which take 20-30 times
as long for thousands of them; a test lets pyroute2 decode what is packed here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
import struct
from typing import Final

from ..sharing.model import (
    ANY_IPV4,
    ANY_IPV6,
    Dnat,
    Environment,
    Family,
    Mapping,
    Pinhole,
    Transport,
)
from . import delivery, ruleset
from .definition import TABLE
from .netlink import NLM_F_CREATE, NLM_F_EXCL, Message, attribute, attributes
from .nftables import NFNL_SUBSYS_NFTABLES, NFPROTO_INET, NFPROTO_NETDEV

# include/uapi/linux/netfilter/nf_tables.h
_NFT_MSG_NEWSETELEM: Final = 12
_NFT_MSG_GETSETELEM: Final = 13
_NFT_MSG_DELSETELEM: Final = 14
_LIST_TABLE: Final = 1
_LIST_SET: Final = 2
_LIST_ELEMENTS: Final = 3
_ELEM_KEY: Final = 1
_ELEM_DATA: Final = 2
_ELEM_FLAGS: Final = 3
_ELEM_TIMEOUT: Final = 4
_ELEM_USERDATA: Final = 6
_ELEM_KEY_END: Final = 10
_DATA_VALUE: Final = 1
_LIST_ELEM: Final = 1
_INTERVAL_END: Final = 1
_CATCHALL: Final = 2
_NESTED: Final = 0x8000
# libnftnl include/libnftnl/udata.h: the comment of an element, at most 128 bytes
_UDATA_COMMENT: Final = 0
_LONGEST_COMMENT: Final = 127

# A nested attribute has a length of 16 bits.
_MESSAGE_BYTES: Final = 60_000
_HEADER_BYTES: Final = 20

GET_ELEMENTS: Final = NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_GETSETELEM

PROTOCOL_NUMBERS: Final = {
    Transport.TCP: 6,
    Transport.UDP: 17,
    Transport.GRE: 47,
    Transport.ESP: 50,
    Transport.ICMPV6: 58,
}
# What an exposed host gets over IPv4: what has ports, and what can be shared beside it.
# ICMP is answered by the gateway.
_EXPOSED4: Final = (Transport.TCP, Transport.UDP, Transport.GRE, Transport.ESP)
_NFPROTO: Final = {Family.IPV4: b"\2", Family.IPV6: b"\n"}

_FAMILIES: Final = {
    **{each.name: NFPROTO_INET for each in ruleset.SETS},
    **{each.name: NFPROTO_NETDEV for each in delivery.SETS},
}
_PLAIN_INTERVALS: Final = frozenset(
    each.name for each in ruleset.SETS if each.interval and len(each.key) == 1
)
_LAST_ADDRESS: Final = 0xFFFFFFFF

# Parts of a concatenation begin on full words of four bytes.
_SERVICE: Final = struct.Struct(">B3xH2x")
_ADDRESS_PORT: Final = struct.Struct(">4sH2x")
_MAC_BYTES: Final = 8


# Home Assistant closes a share that was open for a while by itself. The kernel does it
# a moment later, in case Home Assistant is not there.
_GRACE: Final = timedelta(seconds=2)

# set, key, data, end of a range
type _Parts = tuple[str, bytes, bytes | None, bytes | None]


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a set or map.

    The key is empty if it is every other one (`*`), which we never make ourselves.
    `end` is the last key of a range in a set of concatenations; plain interval sets
    end a range by an element of its own, with `interval_end`. The kernel takes a timed
    element out by itself a moment after `until`.
    """

    set: str
    key: bytes
    data: bytes | None = None
    end: bytes | None = None
    interval_end: bool = False
    comment: str = ""
    timed: bool = False
    until: datetime | None = field(default=None, compare=False)


def elements_of(mapping: Mapping) -> Iterator[Element]:
    """Yield the elements that make a mapping true, and are of nobody else."""
    comment = _shorten(mapping.comment)
    timed = mapping.until is not None
    for set_name, key, data, end in (
        _dnat_parts(mapping) if isinstance(mapping, Dnat) else _pinhole_parts(mapping)
    ):
        yield Element(
            set_name,
            key,
            data,
            end,
            comment=comment,
            timed=timed,
            until=mapping.until,
        )


def delivery_elements(mapping: Mapping) -> Iterator[Element]:
    """Yield the elements that bind what is shared to its device.

    Several mappings may need the same one.
    """
    version = mapping.address.version
    address = mapping.address.packed
    mac = bytes.fromhex(mapping.mac.replace(":", ""))
    yield Element(f"device{version}", address + mac.ljust(_MAC_BYTES, b"\0"))
    if mapping.transport is Transport.ANY:
        yield Element(f"exposed_host{version}", address)
        return
    protocol = PROTOCOL_NUMBERS[mapping.transport]
    ports = mapping.ports
    first = address + _SERVICE.pack(protocol, ports.first)
    if len(ports) == 1:
        yield Element(f"shared{version}", first)
    else:
        last = address + _SERVICE.pack(protocol, ports.last)
        yield Element(f"shared{version}_range", first, end=last)


def environment_elements(
    environment: Environment, wan_interfaces: Iterable[str]
) -> Iterator[Element]:
    """Yield the elements that tell the rules what the gateway is."""
    for name in wan_interfaces:
        yield Element("wan", _interface(name))
        if environment.protect:
            yield Element("protected", _interface(name))
    for family in environment.internet:
        yield Element("internet", _NFPROTO[family])
    for address in environment.wan_ipv4:
        yield Element("wan4", address.packed)
    for transport, port in environment.served:
        service = _SERVICE.pack(PROTOCOL_NUMBERS[transport], port)
        yield Element("served4", service)
    yield from _intervals(environment.lan_ipv4)


def _intervals(networks: Iterable[IPv4Network]) -> Iterator[Element]:
    """Yield where the intervals begin and end, in the order that the kernel takes.

    Networks side by side are one interval; one at the very end of all has no end.
    """
    collapsed = list(collapse_addresses(networks))
    begins = {int(network.network_address) for network in collapsed}
    ends = {int(network.broadcast_address) + 1 for network in collapsed}
    for edge in sorted(begins ^ ends):
        if edge <= _LAST_ADDRESS:
            yield Element("lan4", edge.to_bytes(4), interval_end=edge in ends)


def difference(
    have: Iterable[Element], want: Iterable[Element]
) -> tuple[list[Element], list[Element]]:
    """Return which elements to delete and which to add.

    A set of plain intervals is exchanged as a whole: the kernel refuses some changes
    of single edges.
    """
    having = dict.fromkeys(have)
    wanting = dict.fromkeys(want)
    exchanged = {
        element.set
        for element in having.keys() ^ wanting.keys()
        if element.set in _PLAIN_INTERVALS
    }
    return (
        [each for each in having if each not in wanting or each.set in exchanged],
        [each for each in wanting if each not in having or each.set in exchanged],
    )


def delete_messages(elements: Iterable[Element]) -> list[Message]:
    """Return messages that delete elements; a missing one fails the batch."""
    return _messages(
        _NFT_MSG_DELSETELEM,
        0,
        ((element.set, _pack_key(element)) for element in elements),
    )


def flush_message(set_name: str) -> Message:
    """Return the message that takes all elements out of a set."""
    type_ = NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_DELSETELEM
    return Message(type_, 0, _list_header(set_name))


def add_messages(
    elements: Iterable[Element], now: datetime | None = None
) -> list[Message]:
    """Return messages that add elements; one that is there fails the batch.

    Timed elements count from `now`, which is the present unless a test says otherwise.
    """
    now = now or datetime.now(UTC)
    return _messages(
        _NFT_MSG_NEWSETELEM,
        NLM_F_CREATE | NLM_F_EXCL,
        ((element.set, _pack(element, now)) for element in elements),
    )


def dump_request(set_name: str) -> bytes:
    """Return the body of a request for all elements of a set."""
    return _list_header(set_name)


def parse(set_name: str, row: bytes) -> Iterator[Element]:
    """Yield the elements in one message of a dump or event."""
    for type_, payload in attributes(row[_HEADER_BYTES:]):
        if type_ == _LIST_ELEMENTS:
            for _, element in attributes(payload):
                yield _parse_element(set_name, element)


def _dnat_parts(mapping: Dnat) -> Iterator[_Parts]:
    address = mapping.address.packed
    if mapping.transport is Transport.ANY:
        for begin, end in _ends(mapping.sources):
            for each in _EXPOSED4:
                number = bytes([PROTOCOL_NUMBERS[each], 0, 0, 0])
                yield "exposed4", number + begin, address, number + end
            yield "flow4_exposed", address + begin, None, address + end
        return
    protocol = PROTOCOL_NUMBERS[mapping.transport]
    first, last = (
        _SERVICE.pack(protocol, port)
        for port in (mapping.external.first, mapping.external.last)
    )
    limited = mapping.sources != (ANY_IPV4,)
    if limited:
        yield "limited4", first, None, last
    if mapping.external == mapping.ports and first != last:
        first_flow = first + _ADDRESS_PORT.pack(address, mapping.ports.first)
        last_flow = last + _ADDRESS_PORT.pack(address, mapping.ports.last)
        for begin, end in _ends(mapping.sources):
            yield "dnat4_range", first + begin, address, last + end
            yield "flow4_range", first_flow + begin, None, last_flow + end
        return
    # The kernel keeps or shuffles the ports of a range, but does not shift them.
    for external, port in zip(
        mapping.external.numbers, mapping.ports.numbers, strict=True
    ):
        service = _SERVICE.pack(protocol, external)
        target = _ADDRESS_PORT.pack(address, port)
        if not limited:
            yield "dnat4", service, target, None
            yield "flow4", service + target, None, None
            continue
        for begin, end in _ends(mapping.sources):
            flow = service + target
            yield "dnat4_from", service + begin, target, service + end
            yield "flow4_range", flow + begin, None, flow + end


def _pinhole_parts(mapping: Pinhole) -> Iterator[_Parts]:
    address = mapping.address.packed
    if mapping.transport is Transport.ANY:
        for begin, end in _ends(mapping.sources):
            yield "flow6_exposed", address + begin, None, address + end
        return
    protocol = PROTOCOL_NUMBERS[mapping.transport]
    first, last = mapping.ports.first, mapping.ports.last
    key = address + _SERVICE.pack(protocol, first)
    if first == last and mapping.sources == (ANY_IPV6,):
        yield "flow6", key, None, None
        return
    last_key = address + _SERVICE.pack(protocol, last)
    for begin, end in _ends(mapping.sources):
        yield "flow6_range", key + begin, None, last_key + end


def _ends(
    networks: Iterable[IPv4Network | IPv6Network],
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the first and the last address of each network, as bytes."""
    for network in networks:
        yield network.network_address.packed, network.broadcast_address.packed


def _interface(name: str) -> bytes:
    return name.encode().ljust(16, b"\0")


def _messages(
    type_: int, flags: int, elements: Iterable[tuple[str, bytes]]
) -> list[Message]:
    by_set: dict[str, list[bytes]] = {}
    for set_name, packed in elements:
        by_set.setdefault(set_name, []).append(packed)
    return [
        Message(
            NFNL_SUBSYS_NFTABLES << 8 | type_,
            flags,
            _list_header(set_name) + attribute(_LIST_ELEMENTS | _NESTED, chunk),
        )
        for set_name, all_packed in by_set.items()
        for chunk in _chunks(all_packed)
    ]


def _chunks(packed: list[bytes]) -> Iterator[bytes]:
    chunk: list[bytes] = []
    size = 0
    for element in packed:
        if size + len(element) > _MESSAGE_BYTES:
            yield b"".join(chunk)
            chunk, size = [], 0
        chunk.append(element)
        size += len(element)
    if chunk:
        yield b"".join(chunk)


def _list_header(set_name: str) -> bytes:
    return (
        struct.pack(">BBH", _FAMILIES[set_name], 0, 0)
        + attribute(_LIST_TABLE, TABLE.encode() + b"\0")
        + attribute(_LIST_SET, set_name.encode() + b"\0")
    )


def _pack(element: Element, now: datetime) -> bytes:
    body = _key(element)
    if element.data is not None:
        body += _value(_ELEM_DATA, element.data)
    if element.until is not None:
        left = element.until + _GRACE - now
        milliseconds = max(1, round(left / timedelta(milliseconds=1)))
        body += attribute(_ELEM_TIMEOUT, milliseconds.to_bytes(8))
    if element.comment:
        body += attribute(_ELEM_USERDATA, _pack_comment(element.comment))
    return attribute(_LIST_ELEM | _NESTED, body)


def _pack_key(element: Element) -> bytes:
    return attribute(_LIST_ELEM | _NESTED, _key(element))


def _key(element: Element) -> bytes:
    # Somebody else's: `*`, which stands for all other keys.
    if not element.key:
        return attribute(_ELEM_FLAGS, _CATCHALL.to_bytes(4))
    key = _value(_ELEM_KEY, element.key)
    if element.interval_end:
        key += attribute(_ELEM_FLAGS, _INTERVAL_END.to_bytes(4))
    if element.end is not None:
        key += _value(_ELEM_KEY_END, element.end)
    return key


def _value(type_: int, value: bytes) -> bytes:
    return attribute(type_ | _NESTED, attribute(_DATA_VALUE, value))


def _shorten(comment: str) -> str:
    """Return as much of a comment as nft can show, and read again."""
    text = "".join(c if c.isprintable() and c != '"' else "_" for c in comment)
    return text.encode()[: _LONGEST_COMMENT - 1].decode(errors="ignore")


def _pack_comment(comment: str) -> bytes:
    text = comment.encode() + b"\0"
    return bytes([_UDATA_COMMENT, len(text)]) + text


def _parse_element(set_name: str, data: bytes) -> Element:
    parts = dict(attributes(data))
    return Element(
        set_name,
        _parse_value(parts.get(_ELEM_KEY, b"")),
        _parse_value(parts[_ELEM_DATA]) if _ELEM_DATA in parts else None,
        _parse_value(parts[_ELEM_KEY_END]) if _ELEM_KEY_END in parts else None,
        bool(int.from_bytes(parts.get(_ELEM_FLAGS, b"")) & _INTERVAL_END),
        _parse_comment(parts.get(_ELEM_USERDATA, b"")),
        _ELEM_TIMEOUT in parts,
    )


def _parse_value(data: bytes) -> bytes:
    return next(
        (value for type_, value in attributes(data) if type_ == _DATA_VALUE), b""
    )


def _parse_comment(userdata: bytes) -> str:
    while len(userdata) >= 2:
        type_, length = userdata[0], userdata[1]
        if type_ == _UDATA_COMMENT:
            return userdata[2 : 2 + length].rstrip(b"\0").decode(errors="replace")
        userdata = userdata[2 + length :]
    return ""
