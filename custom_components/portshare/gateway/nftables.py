"""nf_tables messages: pyroute2's classes with the mends that our ruleset needs."""

from collections.abc import Collection
from typing import Any, Final

from pyroute2.netlink import nla
from pyroute2.netlink.nfnetlink import nfgen_msg, nftsocket

from .netlink import NLM_F_APPEND, NLM_F_CREATE, Message

NFNL_SUBSYS_NFTABLES: Final = 10
NFPROTO_INET: Final = 1
NFPROTO_NETDEV: Final = 5

# include/uapi/linux/netfilter/nf_tables.h
NFT_SET_CONSTANT: Final = 0x2
NFT_SET_INTERVAL: Final = 0x4
NFT_SET_MAP: Final = 0x8
NFT_SET_TIMEOUT: Final = 0x10
NFT_SET_EVAL: Final = 0x20
NFT_SET_CONCAT: Final = 0x80

type Attributes = dict[str, list[tuple[str, Any]]]


class _Expression(nftsocket.nft_contains_expr.nft_expr):
    """pyroute2 has the types of the two `fib` numbers the wrong way round."""

    class nft_fib(nftsocket.nft_regs):
        nla_map = (
            ("NFTA_FIB_UNSPEC", "none"),
            ("NFTA_FIB_DREG", "regs"),
            ("NFTA_FIB_RESULT", "be32"),
            ("NFTA_FIB_FLAGS", "be32"),
        )


class RuleMessage(nftsocket.nft_rule_msg):
    """A rule."""

    class nft_expr(_Expression):
        pass


class SetMessage(nftsocket.nft_set_msg):
    """A set or map. pyroute2 nests the lengths of a concatenation one level too deep."""

    nla_map = tuple(
        (name, "be32" if name == "NFTA_SET_FLAGS" else type_)
        for name, type_ in nftsocket.nft_set_msg.nla_map
    )

    class set_desc(nla):
        nla_map = (
            ("NFTA_SET_DESC_UNSPEC", "none"),
            ("NFTA_SET_DESC_SIZE", "be32"),
            ("NFTA_SET_DESC_CONCAT", "*field_"),
        )

        class field_(nla):
            header_type = 1  # NFTA_LIST_ELEM
            nla_map = (
                ("NFTA_SET_FIELD_UNSPEC", "none"),
                ("NFTA_SET_FIELD_LEN", "be32"),
            )


class ChainMessage(nftsocket.nft_chain_msg):
    """A chain."""


class TableMessage(nftsocket.nft_table_msg):
    """A table."""


def attrs(*pairs: tuple[str, Any]) -> Attributes:
    """Return nested attributes as pyroute2 wants them."""
    return {"attrs": list(pairs)}


def add_table(family: int, name: str, comment: str) -> Message:
    """Return the message that adds a table, or finds it already there."""
    return _message(
        family,
        TableMessage,
        nftsocket.NFT_MSG_NEWTABLE,
        NLM_F_CREATE,
        ("NFTA_TABLE_NAME", name),
        ("NFTA_TABLE_USERDATA", comment),
    )


def delete_table(family: int, name: str) -> Message:
    """Return the message that deletes a table with all that is in it."""
    return _message(
        family, TableMessage, nftsocket.NFT_MSG_DELTABLE, 0, ("NFTA_TABLE_NAME", name)
    )


def add_chain(
    family: int,
    table: str,
    name: str,
    *,
    type_: str = "",
    hook: int = 0,
    priority: int = 0,
    devices: Collection[str] = (),
) -> Message:
    """Return the message that adds a chain.

    A base chain has a type (nat, filter), a hook and a priority, in the netdev family
    devices, too; its policy is accept.
    """
    pairs: list[tuple[str, Any]] = [
        ("NFTA_CHAIN_TABLE", table),
        ("NFTA_CHAIN_NAME", name),
    ]
    if type_:
        where: list[tuple[str, Any]] = [
            ("NFTA_HOOK_HOOKNUM", hook),
            ("NFTA_HOOK_PRIORITY", priority),
        ]
        if devices:
            names = [("NFTA_DEVICE_NAME", device) for device in devices]
            where.append(("NFTA_HOOK_DEVS", attrs(*names)))
        pairs += [
            ("NFTA_CHAIN_HOOK", attrs(*where)),
            ("NFTA_CHAIN_POLICY", 1),
            ("NFTA_CHAIN_TYPE", type_),
        ]
    return _message(
        family, ChainMessage, nftsocket.NFT_MSG_NEWCHAIN, NLM_F_CREATE, *pairs
    )


def add_rule(
    family: int, table: str, chain: str, expressions: list[Attributes], comment: str
) -> Message:
    """Return the message that appends a rule to a chain."""
    pairs: list[tuple[str, Any]] = [
        ("NFTA_RULE_TABLE", table),
        ("NFTA_RULE_CHAIN", chain),
        ("NFTA_RULE_EXPRESSIONS", expressions),
    ]
    if comment:
        pairs.append(("NFTA_RULE_USERDATA", comment))
    return _message(
        family,
        RuleMessage,
        nftsocket.NFT_MSG_NEWRULE,
        NLM_F_CREATE | NLM_F_APPEND,
        *pairs,
    )


def add_set(family: int, table: str, name: str, *pairs: tuple[str, Any]) -> Message:
    """Return the message that adds a set or map."""
    return _message(
        family,
        SetMessage,
        nftsocket.NFT_MSG_NEWSET,
        NLM_F_CREATE,
        ("NFTA_SET_TABLE", table),
        ("NFTA_SET_NAME", name),
        *pairs,
    )


def _message(
    family: int,
    message_class: type[nfgen_msg],
    type_: int,
    flags: int,
    *pairs: tuple[str, Any],
) -> Message:
    message = message_class()
    message["nfgen_family"] = family
    message["attrs"] = list(pairs)
    message.encode()
    return Message(NFNL_SUBSYS_NFTABLES << 8 | type_, flags, bytes(message.data[16:]))
