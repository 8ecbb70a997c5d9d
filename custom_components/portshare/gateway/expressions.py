"""nf_tables expressions, named as nft names them.

A selector is loaded into registers, where a lookup or comparison finds it. Several
selectors side by side are a concatenation: `meta l4proto . th dport`.
"""

from dataclasses import dataclass
import struct
from typing import Any, Final

from .nftables import Attributes, attrs

type Expressions = list[Attributes]

# include/uapi/linux/netfilter/nf_tables.h
_NFT_CMP_EQ: Final = 0
_NFT_CMP_NEQ: Final = 1
_NFT_CMP_LTE: Final = 3
_NFT_CMP_GTE: Final = 5
_NFT_NAT_DNAT: Final = 1
_NFT_DYNSET_OP_UPDATE: Final = 1
_NFT_REJECT_TCP_RST: Final = 1
_NFT_REJECT_ICMPX_UNREACH: Final = 2
_NFT_REJECT_ICMPX_ADMIN_PROHIBITED: Final = 3
_NFT_VERDICTS: Final = {"drop": 0, "accept": 1, "jump": -3, "goto": -4, "return": -5}
_LINK_LAYER_HEADER: Final = 0
_NETWORK_HEADER: Final = 1
_TRANSPORT_HEADER: Final = 2
_NFPROTO_IPV4: Final = 2
_ORIGINAL: Final = 0
_REPLY: Final = 1
_RTN_LOCAL: Final = 2

# include/uapi/linux/if_arp.h
ARPHRD_ETHER: Final = struct.pack("=H", 1)
# include/uapi/linux/if_ether.h
ETHERTYPE_IPV4: Final = b"\x08\x00"
ETHERTYPE_IPV6: Final = b"\x86\xdd"

# Protocols on top of IP (IANA), and types of ICMP and ICMPv6
TCP: Final = b"\6"
UDP: Final = b"\x11"
ICMP: Final = b"\1"
ICMPV6: Final = b"\x3a"
ESP: Final = b"\x32"
GRE: Final = b"\x2f"
ECHO_REQUEST: Final = b"\x08"
ECHO_REQUEST6: Final = b"\x80"

# The registers are words of four bytes. What the rules match begins at the first; a
# label to be set must not overwrite an address that was just looked up.
_LABEL_WORD: Final = 8

NEW: Final = 1 << 3
ESTABLISHED: Final = 1 << 1
RELATED: Final = 1 << 2
IPS_DST_NAT: Final = 1 << 5


@dataclass(frozen=True, slots=True)
class Selector:
    """Something of a packet or its flow, `size` bytes long."""

    expression: str
    attributes: tuple[tuple[str, Any], ...]
    size: int

    def load(self, word: int) -> Attributes:
        """Return the expression that loads it to a register."""
        prefix = f"NFTA_{self.expression.upper()}_"
        return _expression(
            self.expression,
            (f"{prefix}DREG", _register(word)),
            *((prefix + name, value) for name, value in self.attributes),
        )


def _meta(key: int, size: int) -> Selector:
    return Selector("meta", (("KEY", key),), size)


def _payload(base: int, offset: int, size: int) -> Selector:
    return Selector(
        "payload", (("BASE", base), ("OFFSET", offset), ("LEN", size)), size
    )


def _ct(key: int, size: int, direction: int | None = None) -> Selector:
    of = () if direction is None else (("DIRECTION", direction),)
    return Selector("ct", (("KEY", key), *of), size)


META_PROTOCOL: Final = _meta(1, 2)
META_IIFNAME: Final = _meta(6, 16)
META_OIFNAME: Final = _meta(7, 16)
META_IIFTYPE: Final = _meta(8, 2)
META_NFPROTO: Final = _meta(15, 1)
META_L4PROTO: Final = _meta(16, 1)
ETHER_DADDR: Final = _payload(_LINK_LAYER_HEADER, 0, 6)
IP_SADDR: Final = _payload(_NETWORK_HEADER, 12, 4)
IP_DADDR: Final = _payload(_NETWORK_HEADER, 16, 4)
IP6_SADDR: Final = _payload(_NETWORK_HEADER, 8, 16)
IP6_DADDR: Final = _payload(_NETWORK_HEADER, 24, 16)
TH_SPORT: Final = _payload(_TRANSPORT_HEADER, 0, 2)
TH_DPORT: Final = _payload(_TRANSPORT_HEADER, 2, 2)
ICMP_TYPE: Final = _payload(_TRANSPORT_HEADER, 0, 1)
FIB_DADDR_TYPE: Final = Selector("fib", (("RESULT", 3), ("FLAGS", 2)), 4)
CT_STATE: Final = _ct(0, 4)
CT_DIRECTION: Final = _ct(1, 1)
CT_STATUS: Final = _ct(2, 4)
CT_LABEL: Final = _ct(13, 16)
CT_ORIGINAL_PROTO_DST: Final = _ct(12, 2, _ORIGINAL)
CT_ORIGINAL_IP6_DADDR: Final = _ct(22, 16, _ORIGINAL)
CT_ORIGINAL_IP_SADDR: Final = _ct(19, 4, _ORIGINAL)
CT_ORIGINAL_IP6_SADDR: Final = _ct(21, 16, _ORIGINAL)
CT_REPLY_IP_SADDR: Final = _ct(19, 4, _REPLY)
CT_REPLY_PROTO_SRC: Final = _ct(11, 2, _REPLY)


def equals(selector: Selector, value: bytes) -> Expressions:
    """Match if the selector has this value."""
    return [selector.load(0), _compare(_NFT_CMP_EQ, value)]


def differs(selector: Selector, value: bytes) -> Expressions:
    """Match if the selector does not have this value."""
    return [selector.load(0), _compare(_NFT_CMP_NEQ, value)]


def between(selector: Selector, low: bytes, high: bytes) -> Expressions:
    """Match if the selector is in this range, ends included."""
    return [
        selector.load(0),
        _compare(_NFT_CMP_GTE, low),
        _compare(_NFT_CMP_LTE, high),
    ]


def in_network(selector: Selector, network: bytes, mask: bytes) -> Expressions:
    """Match if the selector is an address of this network."""
    return [selector.load(0), _bitwise_and(mask), _compare(_NFT_CMP_EQ, network)]


def has_bits(selector: Selector, bits: int) -> Expressions:
    """Match if at least one of these bits is set in a number of four bytes."""
    mask = struct.pack("=I", bits)
    return [selector.load(0), _bitwise_and(mask), _compare(_NFT_CMP_NEQ, bytes(4))]


def is_local(selector: Selector = FIB_DADDR_TYPE) -> Expressions:
    """Match if the packet is addressed to the gateway itself."""
    return equals(selector, struct.pack("=I", _RTN_LOCAL))


def is_original() -> Expressions:
    """Match packets in the direction of the flow's first packet."""
    return equals(CT_DIRECTION, bytes([_ORIGINAL]))


def is_reply() -> Expressions:
    """Match packets against the direction of the flow's first packet."""
    return equals(CT_DIRECTION, bytes([_REPLY]))


def in_set(name: str, *selectors: Selector) -> Expressions:
    """Match if the concatenation of the selectors is in a set."""
    return [*_concatenation(selectors), _lookup(name)]


def not_in_set(name: str, *selectors: Selector) -> Expressions:
    """Match if the concatenation of the selectors is not in a set."""
    inverted = ("NFTA_LOOKUP_FLAGS", {"NFT_LOOKUP_F_INV"})
    return [*_concatenation(selectors), _lookup(name, inverted)]


def has_label(bit: int) -> Expressions:
    """Match packets of a flow that carries a connection tracking label."""
    return [
        CT_LABEL.load(0),
        _bitwise_and(label_bits(bit)),
        _compare(_NFT_CMP_NEQ, bytes(CT_LABEL.size)),
    ]


def set_label(bit: int) -> Expressions:
    """Add a label to the packet's flow; its other labels stay."""
    register = _register(_LABEL_WORD)
    return [
        _immediate(register, ("NFTA_DATA_VALUE", label_bits(bit))),
        _expression("ct", ("NFTA_CT_KEY", 13), ("NFTA_CT_SREG", register)),
    ]


def look_up(name: str, *selectors: Selector) -> Expressions:
    """Look the concatenation up in a map and keep what it leads to."""
    kept = ("NFTA_LOOKUP_DREG", _register(0))
    return [*_concatenation(selectors), _lookup(name, kept)]


def count_in(name: str, *selectors: Selector) -> Expressions:
    """Count the packet at an element of a dynamic set, which is added if need be.

    A set that is full takes no more; the rule does nothing then.
    """
    return [
        *_concatenation(selectors),
        _expression(
            "dynset",
            ("NFTA_DYNSET_SET_NAME", name),
            ("NFTA_DYNSET_OP", _NFT_DYNSET_OP_UPDATE),
            ("NFTA_DYNSET_SREG_KEY", _register(0)),
            ("NFTA_DYNSET_EXPR", counter()),
        ),
    ]


def dnat_to_address_and_port() -> Expressions:
    """Translate the destination to the address and port that were looked up."""
    port = ("NFTA_NAT_REG_PROTO_MIN", _register(1))
    return [_expression("nat", *_DNAT_TO_ADDRESS, port)]


def dnat_to_address() -> Expressions:
    """Translate the destination to the address that was looked up, keep the port."""
    return [_expression("nat", *_DNAT_TO_ADDRESS)]


def masquerade() -> Expressions:
    """Translate the source to the address of the outgoing interface."""
    return [_expression("masq")]


def counter() -> Attributes:
    """Count packets and bytes."""
    return _expression("counter")


def limit(per_second: int, burst: int) -> Expressions:
    """Match at most so many packets a second."""
    return [
        _expression(
            "limit",
            ("NFTA_LIMIT_RATE", per_second),
            ("NFTA_LIMIT_UNIT", 1),
            ("NFTA_LIMIT_BURST", burst),
        )
    ]


def reject_with_tcp_reset() -> Expressions:
    """Answer with a TCP reset."""
    return [_expression("reject", ("NFTA_REJECT_TYPE", _NFT_REJECT_TCP_RST))]


def reject_with_admin_prohibited() -> Expressions:
    """Answer with ICMP or ICMPv6 "administratively prohibited"."""
    return [
        _expression(
            "reject",
            ("NFTA_REJECT_TYPE", _NFT_REJECT_ICMPX_UNREACH),
            ("NFTA_REJECT_ICMP_CODE", _NFT_REJECT_ICMPX_ADMIN_PROHIBITED),
        )
    ]


def verdict(name: str, chain: str | None = None) -> Expressions:
    """Decide: accept, drop, return, or go on in another chain (jump, goto)."""
    pairs: list[tuple[str, Any]] = [("NFTA_VERDICT_CODE", _NFT_VERDICTS[name])]
    if chain:
        pairs.append(("NFTA_VERDICT_CHAIN", chain))
    return [_immediate(0, ("NFTA_DATA_VERDICT", attrs(*pairs)))]


_DNAT_TO_ADDRESS: Final = (
    ("NFTA_NAT_TYPE", _NFT_NAT_DNAT),
    ("NFTA_NAT_FAMILY", _NFPROTO_IPV4),
    ("NFTA_NAT_REG_ADDR_MIN", 1),
)


def _expression(name: str, *pairs: tuple[str, Any]) -> Attributes:
    return attrs(("NFTA_EXPR_NAME", name), ("NFTA_EXPR_DATA", attrs(*pairs)))


def _register(word: int) -> int:
    """Return the kernel's number of a register.

    Every fourth word begins one of the 16-byte registers NFT_REG_1 to NFT_REG_4, and
    that is the name the kernel gives back; the others are NFT_REG32_00 and up.
    """
    return 1 + word // 4 if word % 4 == 0 else 8 + word


def _concatenation(selectors: tuple[Selector, ...]) -> Expressions:
    loads = []
    word = 0
    for selector in selectors:
        loads.append(selector.load(word))
        word += (selector.size + 3) // 4
    return loads


def _lookup(name: str, *more: tuple[str, Any]) -> Attributes:
    return _expression(
        "lookup", ("NFTA_LOOKUP_SET", name), ("NFTA_LOOKUP_SREG", _register(0)), *more
    )


def _compare(operation: int, value: bytes) -> Attributes:
    return _expression(
        "cmp",
        ("NFTA_CMP_SREG", _register(0)),
        ("NFTA_CMP_OP", operation),
        ("NFTA_CMP_DATA", attrs(("NFTA_DATA_VALUE", value))),
    )


def _bitwise_and(mask: bytes) -> Attributes:
    return _expression(
        "bitwise",
        ("NFTA_BITWISE_SREG", _register(0)),
        ("NFTA_BITWISE_DREG", _register(0)),
        ("NFTA_BITWISE_LEN", len(mask)),
        ("NFTA_BITWISE_MASK", attrs(("NFTA_DATA_VALUE", mask))),
        ("NFTA_BITWISE_XOR", attrs(("NFTA_DATA_VALUE", bytes(len(mask))))),
    )


def _immediate(register: int, data: tuple[str, Any]) -> Attributes:
    return _expression(
        "immediate",
        ("NFTA_IMMEDIATE_DREG", register),
        ("NFTA_IMMEDIATE_DATA", attrs(data)),
    )


def label_bits(bit: int) -> bytes:
    """Return the labels of a flow with one bit set: a bitmap of two native longs."""
    longs = [0, 0]
    longs[bit // 64] = 1 << bit % 64
    return struct.pack("=2Q", *longs)
