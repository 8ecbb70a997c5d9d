"""What a table of nftables is made of: sets, chains, rules, and their messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
import sys
from typing import Any, Final

from .expressions import Expressions, counter
from .netlink import Message
from .nftables import (
    NFT_SET_CONCAT,
    NFT_SET_EVAL,
    NFT_SET_INTERVAL,
    NFT_SET_MAP,
    NFT_SET_TIMEOUT,
    add_chain,
    add_rule,
    add_set,
    add_table,
    attrs,
    delete_table,
)

TABLE: Final = "portshare"
COMMENT: Final = "port sharing, managed by Home Assistant; do not edit"


@dataclass(frozen=True, slots=True)
class DataType:
    """A data type of nft (its include/datatype.h) and its size in bytes."""

    number: int
    size: int
    host_byte_order: bool = False


NF_PROTO: Final = DataType(2, 1)
IPV4_ADDR: Final = DataType(7, 4)
IPV6_ADDR: Final = DataType(8, 16)
ETHER_ADDR: Final = DataType(9, 6)
INET_PROTO: Final = DataType(12, 1)
INET_SERVICE: Final = DataType(13, 2)
IFNAME: Final = DataType(41, 16, host_byte_order=True)


@dataclass(frozen=True, slots=True)
class SetDefinition:
    """A set, or a map if it has data.

    Interval sets take ranges. Elements of timed sets may have a time after which the
    kernel takes them out. To dynamic sets the rules add elements, at most `size`; they go
    when nothing was counted at them for `timeout`.
    """

    name: str
    key: tuple[DataType, ...]
    data: tuple[DataType, ...] = ()
    interval: bool = False
    timed: bool = False
    counted: bool = False
    size: int = 0
    timeout: timedelta | None = None

    @property
    def dynamic(self) -> bool:
        """Whether the rules fill it, not we."""
        return bool(self.size)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; a base chain if it has a hook. `devices` are for the netdev family."""

    name: str
    type: str = ""
    hook: int = 0
    priority: int = 0
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a chain: matches, then what to do."""

    chain: str
    expressions: Expressions
    comment: str = ""


def rule(chain: str, *parts: Expressions, comment: str = "") -> Rule:
    """Return the rule whose matches and statements are these, in this order."""
    return Rule(chain, [expression for part in parts for expression in part], comment)


@dataclass(frozen=True)
class Definition:
    """A table of one of nftables' families, with all that is in it but elements.

    Encoding takes some milliseconds, so it is done once.
    """

    family: int
    all_sets: tuple[SetDefinition, ...]
    all_chains: tuple[Chain, ...]
    all_rules: tuple[Rule, ...]

    @cached_property
    def tables(self) -> tuple[Message, ...]:
        """The message that makes the table, or finds it already there."""
        return (add_table(self.family, TABLE, COMMENT),)

    @cached_property
    def sets(self) -> tuple[Message, ...]:
        """The messages that make its sets and maps."""
        return tuple(
            _set_message(self.family, number, each)
            for number, each in enumerate(self.all_sets, 1)
        )

    @cached_property
    def chains(self) -> tuple[Message, ...]:
        """The messages that make its chains, still empty."""
        return tuple(
            add_chain(
                self.family,
                TABLE,
                each.name,
                type_=each.type,
                hook=each.hook,
                priority=each.priority,
                devices=each.devices,
            )
            for each in self.all_chains
        )

    @cached_property
    def rules(self) -> tuple[Message, ...]:
        """The messages that append the rules to the chains."""
        return tuple(
            add_rule(self.family, TABLE, each.chain, each.expressions, each.comment)
            for each in self.all_rules
        )

    def replacement(self) -> list[Message]:
        """Return messages that put the empty table in the place of whatever is there.

        Adding first lets the deletion succeed on every kernel when there is none.
        """
        return [
            *self.tables,
            delete_table(self.family, TABLE),
            *self.tables,
            *self.sets,
            *self.chains,
            *self.rules,
        ]


def _set_message(family: int, number: int, definition: SetDefinition) -> Message:
    flags = NFT_SET_INTERVAL if definition.interval else 0
    flags |= NFT_SET_TIMEOUT if definition.timed or definition.timeout else 0
    flags |= NFT_SET_EVAL if definition.dynamic else 0
    description: list[tuple[str, Any]] = []
    pairs: list[tuple[str, Any]] = [
        ("NFTA_SET_KEY_TYPE", _type_number(definition.key)),
        ("NFTA_SET_KEY_LEN", _length(definition.key)),
    ]
    if definition.data:
        flags |= NFT_SET_MAP
        pairs += [
            ("NFTA_SET_DATA_TYPE", _type_number(definition.data)),
            ("NFTA_SET_DATA_LEN", _length(definition.data)),
        ]
    if len(definition.key) > 1 and definition.interval:
        flags |= NFT_SET_CONCAT
        lengths = [attrs(("NFTA_SET_FIELD_LEN", part.size)) for part in definition.key]
        description.append(("NFTA_SET_DESC_CONCAT", lengths))
    if definition.size:
        description.append(("NFTA_SET_DESC_SIZE", definition.size))
    if description:
        pairs.append(("NFTA_SET_DESC", attrs(*description)))
    if definition.timeout:
        milliseconds = definition.timeout // timedelta(milliseconds=1)
        pairs.append(("NFTA_SET_TIMEOUT", milliseconds))
    if definition.counted:
        pairs.append(("NFTA_SET_EXPR", counter()))
    return add_set(
        family,
        TABLE,
        definition.name,
        ("NFTA_SET_FLAGS", flags),
        *pairs,
        ("NFTA_SET_ID", number),
        ("NFTA_SET_USERDATA", _byte_order(definition)),
    )


def _type_number(parts: Iterable[DataType]) -> int:
    """Return nft's number of a concatenated type: six bits for each part."""
    number = 0
    for part in parts:
        number = number << 6 | part.number
    return number


def _length(parts: tuple[DataType, ...]) -> int:
    """Return the bytes of a key; parts of a concatenation begin on full words."""
    if len(parts) == 1:
        return parts[0].size
    return sum((part.size + 3) & ~3 for part in parts)


def _byte_order(definition: SetDefinition) -> list[tuple[str, bytes]]:
    """Return the hint without which `nft list` shows interface names as empty."""
    host = definition.key[0].host_byte_order
    order = (1 if host else 2).to_bytes(4, sys.byteorder)
    return [("NFTNL_UDATA_SET_KEYBYTEORDER", order)]
