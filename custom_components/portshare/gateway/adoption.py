"""Is a table in the kernel still the one that we made?

Each message that made it must be found again in what the kernel lists, with every
attribute that was sent, and nothing beside: a rule that somebody inserted counts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
import sys
from typing import Any, Final

from pyroute2.netlink.nfnetlink import nfgen_msg, nftsocket

from .definition import TABLE, Definition
from .netlink import Message, NetlinkSocket
from .nftables import (
    NFNL_SUBSYS_NFTABLES,
    ChainMessage,
    RuleMessage,
    SetMessage,
    TableMessage,
)

_HEADER_BYTES: Final = 16
# Numbers that a transaction uses to refer to its own new objects.
_NOT_LISTED: Final = frozenset({"NFTA_SET_ID"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of object: how it is listed, and what its table and its order are.

    What has a name is compared by name; rules chain by chain, in their order.
    """

    message_class: type[nfgen_msg]
    get: int
    made: Callable[[Definition], tuple[Message, ...]]
    table: str
    order: str


_KINDS: Final = (
    _Kind(
        TableMessage,
        nftsocket.NFT_MSG_GETTABLE,
        attrgetter("tables"),
        "NFTA_TABLE_NAME",
        "NFTA_TABLE_NAME",
    ),
    _Kind(
        SetMessage,
        nftsocket.NFT_MSG_GETSET,
        attrgetter("sets"),
        "NFTA_SET_TABLE",
        "NFTA_SET_NAME",
    ),
    _Kind(
        ChainMessage,
        nftsocket.NFT_MSG_GETCHAIN,
        attrgetter("chains"),
        "NFTA_CHAIN_TABLE",
        "NFTA_CHAIN_NAME",
    ),
    _Kind(
        RuleMessage,
        nftsocket.NFT_MSG_GETRULE,
        attrgetter("rules"),
        "NFTA_RULE_TABLE",
        "NFTA_RULE_CHAIN",
    ),
)


async def is_ours(netlink: NetlinkSocket, definition: Definition) -> bool:
    """Return whether the table is there exactly as it was defined."""
    loop = asyncio.get_running_loop()
    # The body of a dump request: everything of this family (struct nfgenmsg).
    everything = bytes([definition.family, 0, 0, 0])
    for kind in _KINDS:
        rows = await netlink.dump(NFNL_SUBSYS_NFTABLES << 8 | kind.get, everything)
        # Decoding takes milliseconds, so it is done elsewhere.
        same = await loop.run_in_executor(None, _same, kind, definition, rows)
        if not same:
            return False
    return True


def _same(kind: _Kind, definition: Definition, rows: list[bytes]) -> bool:
    messages = (_decode(kind.message_class, row) for row in rows)
    listed = [each for each in messages if each.get_attr(kind.table) == TABLE]
    ours = [
        _decode(kind.message_class, _with_header(each))
        for each in kind.made(definition)
    ]
    if len(listed) != len(ours):
        return False
    for messages_of_a_kind in (listed, ours):
        messages_of_a_kind.sort(key=lambda message: str(message.get_attr(kind.order)))
    return all(map(_contains, listed, ours, strict=True))


def _with_header(message: Message) -> bytes:
    """Return a message as the kernel would send it: the length is what counts."""
    length = _HEADER_BYTES + len(message.body)
    return length.to_bytes(4, sys.byteorder).ljust(_HEADER_BYTES, b"\0") + message.body


def _decode(message_class: type[nfgen_msg], data: bytes) -> Any:
    message = message_class(data)
    message.decode()
    return message


def _contains(there: Any, own: Any) -> bool:
    """Return whether everything in our message is in the kernel's, recursively."""
    if isinstance(own, list):
        return (
            isinstance(there, list)
            and len(there) == len(own)
            and all(_contains(a, b) for a, b in zip(there, own, strict=True))
        )
    pairs = _attributes(own)
    if pairs is None:
        return bool(_value(there) == _value(own))
    listed = _by_name(_attributes(there) or [])
    # A set without any flags is listed without them.
    return all(
        _contains(listed[name], values) if name in listed else values == [0]
        for name, values in _by_name(pairs).items()
        if name not in _NOT_LISTED
    )


def _by_name(pairs: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    """Return the values of each attribute; the devices of a hook are several."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _attributes(message: Any) -> list[tuple[str, Any]] | None:
    """Return the attributes of a message; None if it is a plain value."""
    if not isinstance(message, dict) or "attrs" not in message:
        return None
    return [(attribute[0], attribute[1]) for attribute in message["attrs"]]


def _value(message: Any) -> Any:
    return message.getvalue() if hasattr(message, "getvalue") else message
