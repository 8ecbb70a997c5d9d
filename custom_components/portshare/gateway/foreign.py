"""The nftables of others, as the kernel lists them: tables, chains, rules, some sets.

What iptables-nft makes is listed, too: its matches and targets are expressions that
carry the struct of their extension. The tables of iptables-legacy are not listed.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
import errno
from typing import Final

from .definition import TABLE
from .errors import NetlinkError
from .netlink import Message, NetlinkSocket, attribute, attributes
from .nftables import NFNL_SUBSYS_NFTABLES, NFPROTO_INET, NFT_SET_INTERVAL

NFPROTO_IPV4: Final = 2
NFPROTO_IPV6: Final = 10
FAMILY_NAMES: Final = {NFPROTO_INET: "inet", NFPROTO_IPV4: "ip", NFPROTO_IPV6: "ip6"}

# include/uapi/linux/netfilter/nf_tables.h
_NFT_MSG_GETTABLE: Final = 1
_NFT_MSG_GETCHAIN: Final = 4
_NFT_MSG_GETRULE: Final = 7
_NFT_MSG_GETSET: Final = 10
_NFT_MSG_GETSETELEM: Final = 13
_NFT_MSG_GETGEN: Final = 16
_NFTA_GEN_ID: Final = 1
_NFTA_TABLE: Final = 1  # in tables, chains, rules and sets alike
_NFTA_TABLE_FLAGS: Final = 2
_NFT_TABLE_F_OWNER: Final = 2
_NFTA_CHAIN_NAME: Final = 3
_NFTA_CHAIN_HOOK: Final = 4
_NFTA_CHAIN_POLICY: Final = 5
_NFTA_CHAIN_TYPE: Final = 7
_NFTA_HOOK_HOOKNUM: Final = 1
_NFTA_HOOK_PRIORITY: Final = 2
_NFTA_RULE_CHAIN: Final = 2
_NFTA_RULE_HANDLE: Final = 3
_NFTA_RULE_EXPRESSIONS: Final = 4
_NFTA_RULE_USERDATA: Final = 7
_NFTA_EXPR_NAME: Final = 1
_NFTA_EXPR_DATA: Final = 2
_NFTA_IMMEDIATE_DATA: Final = 2
_NFTA_SET_NAME: Final = 2
_NFTA_SET_FLAGS: Final = 3
_NFTA_SET_KEY_TYPE: Final = 4
_NFTA_SET_KEY_LEN: Final = 5
_NFTA_LIST_TABLE: Final = 1
_NFTA_LIST_SET: Final = 2
_NFTA_LIST_ELEMENTS: Final = 3
_NFTA_ELEM_KEY: Final = 1
_NFTA_ELEM_DATA: Final = 2
_NFTA_DATA_VALUE: Final = 1
_NFTA_DATA_VERDICT: Final = 2
_NFTA_VERDICT_CODE: Final = 1
_NFTA_VERDICT_CHAIN: Final = 2
_HEADER_BYTES: Final = 20
_FAMILY_OFFSET: Final = 16

# The data types of nft (its include/datatype.h) that say something of a flow beside
# its addresses: nf_proto, ethertype, inet_proto, inet_service, iface_index, ct_state,
# ct_dir, ct_status, ifname. Sets of addresses may be huge, and are not read.
_DATA_TYPES: Final = frozenset({2, 10, 12, 13, 20, 26, 27, 28, 41})
_BITS_OF_A_TYPE: Final = 6

CATCHALL: Final = b""
"""The key of the element `*`, which stands for all keys that are no other element's."""

_ATTEMPTS: Final = 5

type Attributes = dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule decides: a code of the kernel, and a chain to go on in."""

    code: int
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """A part of a rule, by the kernel's name for it."""

    name: str
    attributes: Attributes

    def number(self, type_: int) -> int:
        """Return an attribute as a number; 0 if it is not there."""
        return _number(self.attributes, type_)

    def text(self, type_: int) -> str:
        """Return an attribute as a string."""
        return _text(self.attributes, type_)

    def data(self, type_: int) -> bytes | Verdict:
        """Return an attribute that is a value or a verdict."""
        return _data(self.attributes[type_])

    def value(self, type_: int) -> bytes:
        """Return an attribute that is a value."""
        return dict(attributes(self.attributes[type_]))[_NFTA_DATA_VALUE]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `userdata` is what the program that made it has noted, in its own way."""

    handle: int
    expressions: tuple[Expression, ...]
    userdata: bytes

    @property
    def leads_to(self) -> str:
        """The chain that the rule jumps or goes to, empty if to none."""
        if not self.expressions or self.expressions[-1].name != "immediate":
            return ""
        data = self.expressions[-1].data(_NFTA_IMMEDIATE_DATA)
        return data.chain if isinstance(data, Verdict) else ""


@dataclass(frozen=True, slots=True)
class Hook:
    """Where packets enter a base chain, and what becomes of those that run through.

    `number` and `policy` are the kernel's: NF_INET_..., and NF_DROP or NF_ACCEPT.
    """

    type: str
    number: int
    priority: int
    policy: int


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; a base chain has a hook."""

    name: str
    hook: Hook | None
    rules: list[Rule] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Set:
    """A set or map; elements of a map lead to data."""

    key_bytes: int
    elements: Mapping[bytes, bytes | Verdict | None]


@dataclass(frozen=True, slots=True)
class Table:
    """A table. If it is `owned`, only the program that made it can change it.

    `sets` are only those whose elements can decide without looking at addresses.
    """

    family: int
    name: str
    owned: bool
    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[str, Set] = field(default_factory=dict)


async def read(netlink: NetlinkSocket) -> tuple[Table, ...]:
    """Return the tables of families ip, ip6 and inet that are not ours.

    They are read piece by piece, and again if somebody has changed one meanwhile.
    Raises a NetlinkError.
    """
    for _ in range(_ATTEMPTS):
        before = await _generation(netlink)
        try:
            tables = await _read(netlink)
        except NetlinkError as err:
            if err.errno != errno.ENOENT:
                raise
            continue
        if await _generation(netlink) == before:
            return tables
    raise NetlinkError(errno.EINTR, "the tables kept changing while they were read")


async def _generation(netlink: NetlinkSocket) -> bytes:
    """Return the number that every change of any table increments."""
    message = Message(NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_GETGEN, 0, bytes(4))
    (row,) = await netlink.request(message)
    return dict(attributes(row[_HEADER_BYTES:]))[_NFTA_GEN_ID]


async def _read(netlink: NetlinkSocket) -> tuple[Table, ...]:
    tables = {
        (family, name): Table(
            family, name, bool(_number(row, _NFTA_TABLE_FLAGS) & _NFT_TABLE_F_OWNER)
        )
        for family, row in await _dump(netlink, _NFT_MSG_GETTABLE)
        if (name := _text(row, _NFTA_TABLE)) != TABLE
    }

    async def rows_of(message: int) -> Iterator[tuple[Table, Attributes]]:
        return (
            (tables[of], row)
            for family, row in await _dump(netlink, message)
            if (of := (family, _text(row, _NFTA_TABLE))) in tables
        )

    for table, row in await rows_of(_NFT_MSG_GETCHAIN):
        name = _text(row, _NFTA_CHAIN_NAME)
        table.chains[name] = Chain(name, _hook(row))
    rules = await rows_of(_NFT_MSG_GETRULE)
    # Decoding thousands of rules takes milliseconds, so it is done elsewhere.
    await asyncio.get_running_loop().run_in_executor(None, _add_rules, rules)
    for table, row in await rows_of(_NFT_MSG_GETSET):
        if _is_read(row):
            name = _text(row, _NFTA_SET_NAME)
            elements = await _elements(netlink, table, name)
            table.sets[name] = Set(_number(row, _NFTA_SET_KEY_LEN), elements)
    return tuple(tables.values())


async def _dump(
    netlink: NetlinkSocket, message: int
) -> Iterator[tuple[int, Attributes]]:
    """Return family and attributes of every object of a kind."""
    rows = await netlink.dump(NFNL_SUBSYS_NFTABLES << 8 | message, bytes(4))
    return (
        (row[_FAMILY_OFFSET], dict(attributes(row[_HEADER_BYTES:])))
        for row in rows
        if row[_FAMILY_OFFSET] in FAMILY_NAMES
    )


def _add_rules(rows: Iterable[tuple[Table, Attributes]]) -> None:
    for table, row in rows:
        if chain := table.chains.get(_text(row, _NFTA_RULE_CHAIN)):
            chain.rules.append(_rule(row))


async def _elements(
    netlink: NetlinkSocket, table: Table, name: str
) -> dict[bytes, bytes | Verdict | None]:
    request = (
        bytes([table.family, 0, 0, 0])
        + attribute(_NFTA_LIST_TABLE, table.name.encode() + b"\0")
        + attribute(_NFTA_LIST_SET, name.encode() + b"\0")
    )
    type_ = NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_GETSETELEM
    elements = {}
    for row in await netlink.dump(type_, request):
        listed = dict(attributes(row[_HEADER_BYTES:])).get(_NFTA_LIST_ELEMENTS, b"")
        for _, packed in attributes(listed):
            element = dict(attributes(packed))
            packed_key = element.get(_NFTA_ELEM_KEY)
            key = CATCHALL if packed_key is None else _data(packed_key)
            if isinstance(key, bytes):
                value = element.get(_NFTA_ELEM_DATA)
                elements[key] = None if value is None else _data(value)
    return elements


def _is_read(row: Attributes) -> bool:
    if _number(row, _NFTA_SET_FLAGS) & NFT_SET_INTERVAL:
        return False
    types = _number(row, _NFTA_SET_KEY_TYPE)
    while types and types & (1 << _BITS_OF_A_TYPE) - 1 in _DATA_TYPES:
        types >>= _BITS_OF_A_TYPE
    return not types


def _hook(row: Attributes) -> Hook | None:
    if _NFTA_CHAIN_HOOK not in row:
        return None
    hook = dict(attributes(row[_NFTA_CHAIN_HOOK]))
    return Hook(
        _text(row, _NFTA_CHAIN_TYPE),
        _number(hook, _NFTA_HOOK_HOOKNUM),
        int.from_bytes(hook[_NFTA_HOOK_PRIORITY], signed=True),
        _number(row, _NFTA_CHAIN_POLICY),
    )


def _rule(row: Attributes) -> Rule:
    return Rule(
        _number(row, _NFTA_RULE_HANDLE),
        tuple(
            _expression(dict(attributes(packed)))
            for _, packed in attributes(row.get(_NFTA_RULE_EXPRESSIONS, b""))
        ),
        row.get(_NFTA_RULE_USERDATA, b""),
    )


def _expression(row: Attributes) -> Expression:
    return Expression(
        _text(row, _NFTA_EXPR_NAME),
        dict(attributes(row.get(_NFTA_EXPR_DATA, b""))),
    )


def _data(packed: bytes) -> bytes | Verdict:
    data = dict(attributes(packed))
    if _NFTA_DATA_VERDICT not in data:
        return data[_NFTA_DATA_VALUE]
    verdict = dict(attributes(data[_NFTA_DATA_VERDICT]))
    code = int.from_bytes(verdict[_NFTA_VERDICT_CODE], signed=True)
    return Verdict(code, _text(verdict, _NFTA_VERDICT_CHAIN))


def _number(row: Attributes, type_: int) -> int:
    return int.from_bytes(row.get(type_, b""))


def _text(row: Attributes, type_: int) -> str:
    return row.get(type_, b"").rstrip(b"\0").decode(errors="replace")
