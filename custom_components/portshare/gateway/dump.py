"""What our tables hold now, in the words of `nft list`."""

from collections.abc import Iterable, Iterator, Mapping
import errno
from ipaddress import ip_address, summarize_address_range
from typing import Final

from . import delivery, ruleset
from .definition import (
    ETHER_ADDR,
    IFNAME,
    INET_PROTO,
    IPV4_ADDR,
    IPV6_ADDR,
    NF_PROTO,
    DataType,
    SetDefinition,
)
from .errors import NetlinkError
from .netlink import NETLINK_NETFILTER, NetlinkSocket
from .table import GET_ELEMENTS, Element, dump_request, parse

type Listing = dict[str, list[str]]
"""The elements of each set and map, as text, in order."""

_SETS: Final = tuple(
    each for each in (*ruleset.SETS, *delivery.SETS) if not each.dynamic
)
_PROTOCOLS: Final = {6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "ipv6-icmp"}
_NFPROTOS: Final = {2: "ipv4", 10: "ipv6"}


async def dump_tables() -> Listing:
    """Read what our tables hold; what the rules remember of callers is left out.

    A set that is not there is not listed. Raises a NetlinkError.
    """
    try:
        netlink = NetlinkSocket(NETLINK_NETFILTER)
    except OSError as err:
        raise NetlinkError(err.errno or errno.EIO, err.strerror or "") from err
    elements: dict[str, list[Element]] = {}
    try:
        for each in _SETS:
            try:
                rows = await netlink.dump(GET_ELEMENTS, dump_request(each.name))
            except NetlinkError as err:
                if err.errno != errno.ENOENT:
                    raise
                continue
            elements[each.name] = [
                element for row in rows for element in parse(each.name, row)
            ]
    finally:
        await netlink.close()
    return listing(elements)


def listing(elements: Mapping[str, Iterable[Element]]) -> Listing:
    """Return the elements of each set as text, without what they are commented with."""
    return {
        each.name: list(_texts(each, sorted(elements[each.name], key=_by_key)))
        for each in _SETS
        if each.name in elements
    }


def _by_key(element: Element) -> bytes:
    return element.key


def _texts(definition: SetDefinition, elements: Iterable[Element]) -> Iterator[str]:
    begin: bytes | None = None
    for element in elements:
        if element.interval_end:
            if begin is not None:
                last = (int.from_bytes(element.key) - 1).to_bytes(len(element.key))
                yield _text(definition.key, begin, last)
            begin = None
        elif element.key and definition.interval and len(definition.key) == 1:
            begin = element.key
        else:
            # Without a key it stands for all others, and is somebody else's.
            key, end = element.key, element.end
            text = _text(definition.key, key, end) if key else "*"
            if element.data is not None:
                text += f" : {_text(definition.data, element.data, None)}"
            yield text
    if begin is not None:
        yield _text(definition.key, begin, b"\xff" * len(begin))


def _text(types: tuple[DataType, ...], first: bytes, last: bytes | None) -> str:
    """Return a concatenation; a part is a range if its two ends differ."""
    ends = zip(types, _parts(types, first), _parts(types, last or first), strict=True)
    return " . ".join(
        _value(type_, begin) if begin == end else _range(type_, begin, end)
        for type_, begin, end in ends
    )


def _parts(types: tuple[DataType, ...], value: bytes) -> Iterator[bytes]:
    """Yield the parts of a concatenation, which begin on full words of four bytes."""
    for each in types:
        yield value[: each.size]
        value = value[each.size + -each.size % 4 :]


def _range(type_: DataType, begin: bytes, end: bytes) -> str:
    """Return a range; as a prefix if it is one."""
    if type_ in (IPV4_ADDR, IPV6_ADDR):
        networks = list(summarize_address_range(ip_address(begin), ip_address(end)))
        if len(networks) == 1:
            return str(networks[0])
    return f"{_value(type_, begin)}-{_value(type_, end)}"


def _value(type_: DataType, value: bytes) -> str:
    if type_ in (IPV4_ADDR, IPV6_ADDR):
        return str(ip_address(value))
    if type_ is ETHER_ADDR:
        return value.hex(":")
    if type_ is IFNAME:
        return f'"{value.rstrip(b"\0").decode(errors="replace")}"'
    number = int.from_bytes(value)
    names = {INET_PROTO: _PROTOCOLS, NF_PROTO: _NFPROTOS}.get(type_, {})
    return names.get(number, str(number))
