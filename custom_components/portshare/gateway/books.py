"""Who has called, and how much went through: read from the counters of our table."""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
import struct
from typing import Final, NamedTuple

from ..sharing.model import Dnat, Mapping, Pinhole, Transport
from .netlink import NetlinkSocket, attributes
from .table import GET_ELEMENTS, PROTOCOL_NUMBERS, dump_request, elements_of

# include/uapi/linux/netfilter/nf_tables.h
_HEADER_BYTES: Final = 20
_LIST_ELEMENTS: Final = 3
_ELEM_KEY: Final = 1
_ELEM_TIMEOUT: Final = 4
_ELEM_EXPIRATION: Final = 5
_ELEM_EXPR: Final = 7
_ELEM_KEY_END: Final = 10
_DATA_VALUE: Final = 1
_EXPR_DATA: Final = 2
_COUNTER_BYTES: Final = 1
_COUNTER_PACKETS: Final = 2

_FLOWS: Final = (
    "flow4",
    "flow4_range",
    "flow4_exposed",
    "flow6",
    "flow6_range",
    "flow6_exposed",
)
# The keys of the sets that the rules fill (ruleset.py): a protocol and an external port
# first, or a device's IPv6 address with a protocol and its port.
_KEY4: Final = struct.Struct(">B3xH2x4s")
_KEY6: Final = struct.Struct(">16sB3xH2x")

type Address = IPv4Address | IPv6Address
type _Position = tuple[int, bytes, int]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who has called a share: how often, and when last."""

    address: Address
    calls: int
    last: datetime


@dataclass(slots=True)
class Account:
    """What went through a mapping, in and out together, what went out, and who called.

    What went through is counted anew when the mapping is opened. What went out and who
    has called is forgotten when nobody has called for a while. All of it begins anew
    with our table.
    """

    packets: int = 0
    bytes: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    visitors: list[Visitor] = field(default_factory=list)

    @property
    def packets_in(self) -> int:
        """What went to the device. An answer may be counted, and then cut."""
        return max(0, self.packets - self.packets_out)

    @property
    def bytes_in(self) -> int:
        """What went to the device, in bytes with their headers."""
        return max(0, self.bytes - self.bytes_out)


class _Counted(NamedTuple):
    """An element with its counter, and how long ago it was counted at last."""

    key: bytes
    end: bytes | None
    packets: int
    bytes: int
    age: timedelta


async def accounts(
    netlink: NetlinkSocket, mappings: Collection[Mapping], now: datetime
) -> dict[Mapping, Account]:
    """Return the account of each mapping. Raises a NetlinkError."""
    books = {mapping: Account() for mapping in mappings}
    owners = _Owners(mappings)
    both_ways = {
        (name, each.key, each.end): each
        for name in _FLOWS
        for each in await _dump(netlink, name)
    }
    for mapping, account in books.items():
        for element in elements_of(mapping):
            if each := both_ways.get((element.set, element.key, element.end)):
                account.packets += each.packets
                account.bytes += each.bytes
    for version in (4, 6):
        for each in await _dump(netlink, f"answers{version}"):
            if owner := owners.of(version, each.key):
                account = books[owner]
                account.packets_out += each.packets
                account.bytes_out += each.bytes
        for each in await _dump(netlink, f"visitors{version}"):
            if owner := owners.of(version, each.key):
                caller = ip_address(each.key[-4:] if version == 4 else each.key[-16:])
                visitor = Visitor(caller, each.packets, now - each.age)
                books[owner].visitors.append(visitor)
    return books


class _Owners:
    """Finds the mapping to which a port belongs."""

    def __init__(self, mappings: Collection[Mapping]) -> None:
        """Sort them by protocol, address (IPv6) and port."""
        single = (each for each in mappings if each.transport is not Transport.ANY)
        self._sorted = sorted(((*_begin(each), each) for each in single), key=_position)
        self._exposed = {
            b"" if isinstance(each, Dnat) else each.address.packed: each
            for each in mappings
            if each.transport is Transport.ANY
        }

    def of(self, version: int, key: bytes) -> Mapping | None:
        """Return the mapping of a key of a set that the rules have filled."""
        if version == 4:
            protocol, port, _ = _KEY4.unpack_from(key)
            address = b""
        else:
            address, protocol, port = _KEY6.unpack_from(key)
        wanted = (protocol, address, port)
        number = bisect_right(self._sorted, wanted, key=_position)
        if number:
            *begin, mapping = self._sorted[number - 1]
            ports = mapping.external if isinstance(mapping, Dnat) else mapping.ports
            if begin[:2] == [protocol, address] and port <= ports.last:
                return mapping
        return self._exposed.get(address)


def _begin(mapping: Mapping) -> _Position:
    protocol = PROTOCOL_NUMBERS[mapping.transport]
    if isinstance(mapping, Pinhole):
        return protocol, mapping.address.packed, mapping.ports.first
    return protocol, b"", mapping.external.first


def _position(entry: tuple[int, bytes, int, Mapping]) -> _Position:
    return entry[:3]


async def _dump(netlink: NetlinkSocket, name: str) -> list[_Counted]:
    rows = await netlink.dump(GET_ELEMENTS, dump_request(name))
    return [each for row in rows for each in _parse(row)]


def _parse(row: bytes) -> Iterator[_Counted]:
    for type_, payload in attributes(row[_HEADER_BYTES:]):
        if type_ == _LIST_ELEMENTS:
            for _, element in attributes(payload):
                parts = dict(attributes(element))
                # Without a key it is somebody else's `*`.
                if _ELEM_KEY in parts:
                    yield _parse_element(parts)


def _parse_element(parts: dict[int, bytes]) -> _Counted:
    counter: dict[int, bytes] = {}
    if expression := parts.get(_ELEM_EXPR):
        counter = dict(attributes(dict(attributes(expression)).get(_EXPR_DATA, b"")))
    timeout = int.from_bytes(parts.get(_ELEM_TIMEOUT, b""))
    left = int.from_bytes(parts.get(_ELEM_EXPIRATION, b""))
    return _Counted(
        _value(parts[_ELEM_KEY]),
        _value(parts[_ELEM_KEY_END]) if _ELEM_KEY_END in parts else None,
        int.from_bytes(counter.get(_COUNTER_PACKETS, b"")),
        int.from_bytes(counter.get(_COUNTER_BYTES, b"")),
        timedelta(milliseconds=max(0, timeout - left)),
    )


def _value(data: bytes) -> bytes:
    return dict(attributes(data)).get(_DATA_VALUE, b"")
