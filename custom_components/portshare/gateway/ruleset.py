"""The static firewall: one table whose chains and rules never change.

A share is elements in its sets and maps, so that opening one is a tiny atomic
transaction, lookup cost does not grow with their number, and flows that run are not
disturbed by changes beside them. `nft list table inet portshare` shows the same.

The gate: deleting connection tracking entries does not close a running flow, because
the device's next packet opens it again from inside (measured: 5 of 5 survive). So
every flow that we open carries a label, and each of its packets, in both directions,
must still find its element; else the flow is cut. Flows of other people's rules carry
no label and are never touched.
"""

from dataclasses import dataclass
import sys
from typing import Any, Final

from .expressions import (
    CT_ORIGINAL_IP6_DADDR,
    CT_ORIGINAL_PROTO_DST,
    CT_REPLY_IP_SADDR,
    CT_REPLY_PROTO_SRC,
    CT_STATE,
    CT_STATUS,
    ESTABLISHED,
    ICMP_TYPE,
    IP6_SADDR,
    IP_DADDR,
    IP_SADDR,
    IPS_DST_NAT,
    META_IIFNAME,
    META_L4PROTO,
    META_NFPROTO,
    META_OIFNAME,
    RELATED,
    TH_DPORT,
    TH_SPORT,
    Expressions,
    between,
    counter,
    dnat_to_address,
    dnat_to_address_and_port,
    equals,
    has_bits,
    has_label,
    in_network,
    in_set,
    is_local,
    is_original,
    limit,
    look_up,
    masquerade,
    not_in_set,
    reject_with_admin_prohibited,
    reject_with_tcp_reset,
    set_label,
    verdict,
)
from .netlink import Message
from .nftables import (
    NFT_SET_CONCAT,
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

# One bit of the 128 connection tracking labels. Not the mark: that one belongs to VPN
# and quality of service tools.
LABEL: Final = 77

_IPV4: Final = b"\2"
_IPV6: Final = b"\n"
_TCP: Final = b"\6"
_UDP: Final = b"\x11"
_ICMP: Final = b"\1"
_ICMPV6: Final = b"\x3a"


@dataclass(frozen=True, slots=True)
class DataType:
    """A data type of nft (its include/datatype.h) and its size in bytes."""

    number: int
    size: int
    host_byte_order: bool = False


_NF_PROTO: Final = DataType(2, 1)
_IPV4_ADDR: Final = DataType(7, 4)
_IPV6_ADDR: Final = DataType(8, 16)
_INET_PROTO: Final = DataType(12, 1)
_INET_SERVICE: Final = DataType(13, 2)
_IFNAME: Final = DataType(41, 16, host_byte_order=True)


@dataclass(frozen=True, slots=True)
class SetDefinition:
    """A set, or a map if it has data.

    Interval sets take ranges. Elements of timed sets may have a time after which the
    kernel takes them out.
    """

    name: str
    key: tuple[DataType, ...]
    data: tuple[DataType, ...] = ()
    interval: bool = False
    timed: bool = False
    counted: bool = False


_SERVICE: Final = (_INET_PROTO, _INET_SERVICE)
_FLOW4: Final = (*_SERVICE, _IPV4_ADDR, _INET_SERVICE)
_FLOW6: Final = (_IPV6_ADDR, *_SERVICE)

SETS: Final = (
    # what the gateway is
    SetDefinition("wan", (_IFNAME,)),
    SetDefinition("wan4", (_IPV4_ADDR,)),
    SetDefinition("lan4", (_IPV4_ADDR,), interval=True),
    # the IP versions for which there is an internet to let in
    SetDefinition("internet", (_NF_PROTO,)),
    # the WAN interfaces that nothing but shares may come in by
    SetDefinition("protected", (_IFNAME,)),
    # IPv4: external port -> device . port; with ranges the port is kept
    SetDefinition("dnat4", _SERVICE, (_IPV4_ADDR, _INET_SERVICE), timed=True),
    SetDefinition("dnat4_range", _SERVICE, (_IPV4_ADDR,), interval=True, timed=True),
    # the gate: which flows may run, external port . device . port, or device . port
    SetDefinition("flow4", _FLOW4, timed=True, counted=True),
    SetDefinition("flow4_range", _FLOW4, interval=True, timed=True, counted=True),
    SetDefinition("flow6", _FLOW6, timed=True, counted=True),
    SetDefinition("flow6_range", _FLOW6, interval=True, timed=True, counted=True),
)

# include/uapi/linux/netfilter_ipv4.h: hooks and priorities
_CHAINS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("to_device", {}),
    ("gate", {}),
    ("cut", {}),
    ("from_internet", {}),
    ("to_gateway", {}),
    ("prerouting", {"type": "nat", "hook": 0, "priority": -100}),
    ("postrouting", {"type": "nat", "hook": 4, "priority": 100}),
    ("forward", {"type": "filter", "hook": 2, "priority": 0}),
    ("input", {"type": "filter", "hook": 1, "priority": 0}),
)

_EXTERNAL_PORT: Final = (META_L4PROTO, TH_DPORT)
_FLOW4_KEY: Final = (
    META_L4PROTO,
    CT_ORIGINAL_PROTO_DST,
    CT_REPLY_IP_SADDR,
    CT_REPLY_PROTO_SRC,
)
_FLOW6_KEY: Final = (CT_ORIGINAL_IP6_DADDR, META_L4PROTO, CT_ORIGINAL_PROTO_DST)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a chain: matches, then what to do."""

    chain: str
    expressions: Expressions
    comment: str = ""


def _rule(chain: str, *parts: Expressions, comment: str = "") -> Rule:
    return Rule(chain, [expression for part in parts for expression in part], comment)


def _rules() -> tuple[Rule, ...]:
    ipv4 = equals(META_NFPROTO, _IPV4)
    ipv6 = equals(META_NFPROTO, _IPV6)
    tcp = equals(META_L4PROTO, _TCP)
    udp = equals(META_L4PROTO, _UDP)
    from_wan = in_set("wan", META_IIFNAME)
    internet = in_set("internet", META_NFPROTO)
    ours = has_label(LABEL)
    accept = verdict("accept")
    drop = [counter(), *verdict("drop")]
    belongs_to_a_flow = has_bits(CT_STATE, ESTABLISHED | RELATED)
    return (
        # A WAN address need not be known: it is whatever is local.
        _rule("prerouting", from_wan, ipv4, is_local(), verdict("jump", "to_device")),
        # By address, not by interface: with br_netfilter a bridge port comes instead.
        _rule(
            "prerouting",
            ipv4,
            in_set("lan4", IP_SADDR),
            in_set("wan4", IP_DADDR),
            verdict("jump", "to_device"),
            comment="hairpin",
        ),
        # The label comes with the translation, in one rule: no flow gets one
        # without the other.
        _rule(
            "to_device",
            internet,
            look_up("dnat4", *_EXTERNAL_PORT),
            set_label(LABEL),
            dnat_to_address_and_port(),
        ),
        _rule(
            "to_device",
            internet,
            look_up("dnat4_range", *_EXTERNAL_PORT),
            set_label(LABEL),
            dnat_to_address(),
        ),
        _rule(
            "postrouting",
            ours,
            ipv4,
            in_set("lan4", IP_SADDR),
            in_set("lan4", IP_DADDR),
            masquerade(),
            comment="hairpin",
        ),
        _rule(
            "postrouting",
            in_set("protected", META_OIFNAME),
            ipv4,
            masquerade(),
        ),
        _rule("forward", ours, verdict("goto", "gate")),
        # Not only new flows: one that ran before its pinhole was opened is ours now.
        # The transport is in the key, and yet a match of its own: without one, nft
        # cannot read `ct original proto-dst`, and people save and restore rulesets.
        *(
            _rule(
                "forward",
                from_wan,
                ipv6,
                is_original(),
                transport,
                in_set(pinholes, *_FLOW6_KEY),
                set_label(LABEL),
                verdict("goto", "gate"),
            )
            for pinholes in ("flow6", "flow6_range")
            for transport in (tcp, udp)
        ),
        _rule(
            "forward",
            in_set("protected", META_IIFNAME),
            verdict("goto", "from_internet"),
        ),
        _rule("gate", not_in_set("internet", META_NFPROTO), verdict("goto", "cut")),
        *(
            _rule("gate", version, transport, in_set(gate, *key), accept)
            for version, gate, key in (
                (ipv4, "flow4", _FLOW4_KEY),
                (ipv4, "flow4_range", _FLOW4_KEY),
                (ipv6, "flow6", _FLOW6_KEY),
                (ipv6, "flow6_range", _FLOW6_KEY),
            )
            for transport in (tcp, udp)
        ),
        # ICMP errors about a flow share its label, but have no ports of their own.
        _rule("gate", has_bits(CT_STATE, RELATED), accept),
        _rule("gate", verdict("goto", "cut")),
        _rule("cut", tcp, [counter()], reject_with_tcp_reset()),
        _rule("cut", [counter()], reject_with_admin_prohibited()),
        _rule("from_internet", belongs_to_a_flow, accept),
        _rule(
            "from_internet",
            has_bits(CT_STATUS, IPS_DST_NAT),
            accept,
            comment="port forwarding of another table",
        ),
        _rule("from_internet", drop),
        _rule(
            "input",
            in_set("protected", META_IIFNAME),
            verdict("goto", "to_gateway"),
        ),
        _rule("to_gateway", belongs_to_a_flow, accept),
        _rule(
            "to_gateway",
            ipv6,
            equals(META_L4PROTO, _ICMPV6),
            between(ICMP_TYPE, b"\x85", b"\x89"),
            accept,
            comment="neighbour discovery",
        ),
        *(
            _rule(
                "to_gateway",
                version,
                equals(META_L4PROTO, icmp),
                equals(ICMP_TYPE, echo_request),
                limit(20, 20),
                accept,
                comment="ping",
            )
            for version, icmp, echo_request in (
                (ipv4, _ICMP, b"\x08"),
                (ipv6, _ICMPV6, b"\x80"),
            )
        ),
        _rule(
            "to_gateway",
            ipv4,
            udp,
            equals(TH_SPORT, (67).to_bytes(2)),
            equals(TH_DPORT, (68).to_bytes(2)),
            accept,
            comment="DHCP",
        ),
        _rule(
            "to_gateway",
            ipv6,
            in_network(IP6_SADDR, b"\xfe\x80" + bytes(14), b"\xff\xc0" + bytes(14)),
            udp,
            equals(TH_DPORT, (546).to_bytes(2)),
            accept,
            comment="DHCPv6",
        ),
        _rule("to_gateway", drop),
    )


RULES: Final = _rules()


@dataclass(frozen=True, slots=True)
class Definition:
    """The messages that make the empty table."""

    tables: tuple[Message, ...]
    sets: tuple[Message, ...]
    chains: tuple[Message, ...]
    rules: tuple[Message, ...]


def _define() -> Definition:
    return Definition(
        (add_table(TABLE, COMMENT),),
        tuple(_set_message(number, each) for number, each in enumerate(SETS, 1)),
        tuple(add_chain(TABLE, name, **base) for name, base in _CHAINS),
        tuple(
            add_rule(TABLE, rule.chain, rule.expressions, rule.comment)
            for rule in RULES
        ),
    )


def replacement() -> list[Message]:
    """Return messages that put the empty table in the place of whatever is there.

    Adding first lets the deletion succeed on every kernel when there is none.
    """
    return [
        *DEFINITION.tables,
        delete_table(TABLE),
        *DEFINITION.tables,
        *DEFINITION.sets,
        *DEFINITION.chains,
        *DEFINITION.rules,
    ]


def _set_message(number: int, definition: SetDefinition) -> Message:
    concatenated = len(definition.key) > 1
    flags = NFT_SET_INTERVAL if definition.interval else 0
    flags |= NFT_SET_TIMEOUT if definition.timed else 0
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
    if concatenated and definition.interval:
        flags |= NFT_SET_CONCAT
        lengths = [attrs(("NFTA_SET_FIELD_LEN", part.size)) for part in definition.key]
        pairs.append(("NFTA_SET_DESC", attrs(("NFTA_SET_DESC_CONCAT", lengths))))
    if definition.counted:
        pairs.append(("NFTA_SET_EXPR", counter()))
    return add_set(
        TABLE,
        definition.name,
        ("NFTA_SET_FLAGS", flags),
        *pairs,
        ("NFTA_SET_ID", number),
        ("NFTA_SET_USERDATA", _byte_order(definition)),
    )


def _type_number(parts: tuple[DataType, ...]) -> int:
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


# Encoding takes some milliseconds, so it is done once, when the module is imported.
DEFINITION: Final = _define()
