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

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from .definition import (
    IFNAME,
    INET_PROTO,
    INET_SERVICE,
    IPV4_ADDR,
    IPV6_ADDR,
    NF_PROTO,
    Chain,
    Definition,
    Rule,
    SetDefinition,
    rule,
)
from .expressions import (
    CT_ORIGINAL_IP6_DADDR,
    CT_ORIGINAL_IP6_SADDR,
    CT_ORIGINAL_IP_SADDR,
    CT_ORIGINAL_PROTO_DST,
    CT_REPLY_IP_SADDR,
    CT_REPLY_PROTO_SRC,
    CT_STATE,
    CT_STATUS,
    ECHO_REQUEST,
    ECHO_REQUEST6,
    ESP,
    ESTABLISHED,
    GRE,
    ICMP,
    ICMP_TYPE,
    ICMPV6,
    IP6_SADDR,
    IP_DADDR,
    IP_SADDR,
    IPS_DST_NAT,
    META_IIFNAME,
    META_L4PROTO,
    META_NFPROTO,
    META_OIFNAME,
    NEW,
    RELATED,
    TCP,
    TH_DPORT,
    TH_SPORT,
    UDP,
    Selector,
    between,
    count_in,
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
    is_reply,
    limit,
    look_up,
    masquerade,
    not_in_set,
    reject_with_admin_prohibited,
    reject_with_tcp_reset,
    set_label,
    verdict,
)
from .nftables import NFPROTO_INET

# One bit of the 128 connection tracking labels. Not the mark: that one belongs to VPN
# and quality of service tools.
LABEL: Final = 77
# Another one, beside it: this flow is over, whatever elements it may find.
OVER_LABEL: Final = 78

_IPV4: Final = b"\2"
_IPV6: Final = b"\n"

_SERVICE: Final = (INET_PROTO, INET_SERVICE)
_FLOW4: Final = (*_SERVICE, IPV4_ADDR, INET_SERVICE)
_FLOW6: Final = (IPV6_ADDR, *_SERVICE)

_MOST_REMEMBERED: Final = 8_192
_VISITS: Final = timedelta(days=7)
_ANSWERS: Final = timedelta(days=30)

SETS: Final = (
    # what the gateway is
    SetDefinition("wan", (IFNAME,)),
    SetDefinition("wan4", (IPV4_ADDR,)),
    SetDefinition("lan4", (IPV4_ADDR,), interval=True),
    # the IP versions for which there is an internet to let in
    SetDefinition("internet", (NF_PROTO,)),
    # the WAN interfaces that nothing but shares may come in by
    SetDefinition("protected", (IFNAME,)),
    # IPv4: external port -> device . port; with a range the port is kept. Who may call
    # is in the key, but for the most common share: one port, for everybody.
    SetDefinition("dnat4", _SERVICE, (IPV4_ADDR, INET_SERVICE), timed=True),
    SetDefinition(
        "dnat4_range", (*_SERVICE, IPV4_ADDR), (IPV4_ADDR,), interval=True, timed=True
    ),
    SetDefinition(
        "dnat4_from",
        (*_SERVICE, IPV4_ADDR),
        (IPV4_ADDR, INET_SERVICE),
        interval=True,
        timed=True,
    ),
    # the exposed host: who may call -> device; what the gateway serves itself and what
    # is shared with a few never goes there
    SetDefinition(
        "exposed4", (INET_PROTO, IPV4_ADDR), (IPV4_ADDR,), interval=True, timed=True
    ),
    SetDefinition("served4", _SERVICE),
    SetDefinition("limited4", _SERVICE, interval=True, timed=True),
    # the gate: which flows may run, external port . device . port, or device . port
    SetDefinition("flow4", _FLOW4, timed=True, counted=True),
    SetDefinition(
        "flow4_range", (*_FLOW4, IPV4_ADDR), interval=True, timed=True, counted=True
    ),
    SetDefinition(
        "flow4_exposed",
        (IPV4_ADDR, IPV4_ADDR),
        interval=True,
        timed=True,
        counted=True,
    ),
    SetDefinition("flow6", _FLOW6, timed=True, counted=True),
    SetDefinition(
        "flow6_range", (*_FLOW6, IPV6_ADDR), interval=True, timed=True, counted=True
    ),
    SetDefinition(
        "flow6_exposed",
        (IPV6_ADDR, IPV6_ADDR),
        interval=True,
        timed=True,
        counted=True,
    ),
    # what the rules remember: who has called, and what the devices have sent
    SetDefinition(
        "visitors4", (*_SERVICE, IPV4_ADDR), size=_MOST_REMEMBERED, timeout=_VISITS
    ),
    SetDefinition(
        "visitors6", (*_FLOW6, IPV6_ADDR), size=_MOST_REMEMBERED, timeout=_VISITS
    ),
    SetDefinition("answers4", _FLOW4, size=_MOST_REMEMBERED, timeout=_ANSWERS),
    SetDefinition("answers6", _FLOW6, size=_MOST_REMEMBERED, timeout=_ANSWERS),
)

# include/uapi/linux/netfilter_ipv4.h: hooks and priorities
_CHAINS: Final = (
    Chain("to_device"),
    Chain("pinholes"),
    Chain("gate"),
    Chain("gate4"),
    Chain("gate6"),
    Chain("cut"),
    Chain("from_internet"),
    Chain("to_gateway"),
    Chain("label", "filter", hook=0, priority=-150),
    Chain("prerouting", "nat", hook=0, priority=-100),
    Chain("postrouting", "nat", hook=4, priority=100),
    Chain("forward", "filter", hook=2),
    Chain("input", "filter", hook=1),
)

_EXTERNAL_PORT: Final = (META_L4PROTO, TH_DPORT)
_FLOW4_KEY: Final = (
    META_L4PROTO,
    CT_ORIGINAL_PROTO_DST,
    CT_REPLY_IP_SADDR,
    CT_REPLY_PROTO_SRC,
)
_FLOW6_KEY: Final = (CT_ORIGINAL_IP6_DADDR, META_L4PROTO, CT_ORIGINAL_PROTO_DST)

# The transport is in the keys, and yet often a match of its own: without one, nft cannot
# read `ct original proto-dst`, and people save and restore rulesets.
_TCP_OR_UDP: Final = (equals(META_L4PROTO, TCP), equals(META_L4PROTO, UDP))
_ESP_OR_GRE: Final = (equals(META_L4PROTO, ESP), equals(META_L4PROTO, GRE))
_PING6: Final = [
    *equals(META_L4PROTO, ICMPV6),
    *equals(ICMP_TYPE, ECHO_REQUEST6),
]


def _remember(
    chain: str,
    version: str,
    flow: tuple[Selector, ...],
    visitor: tuple[Selector, ...],
) -> Iterator[Rule]:
    """Yield the rules that keep the books: they decide nothing."""
    for transport in _TCP_OR_UDP:
        new = has_bits(CT_STATE, NEW)
        yield rule(chain, transport, new, count_in(f"visitors{version}", *visitor))
    for transport in _TCP_OR_UDP:
        yield rule(chain, transport, is_reply(), count_in(f"answers{version}", *flow))


def _rules() -> tuple[Rule, ...]:
    ipv4 = equals(META_NFPROTO, _IPV4)
    ipv6 = equals(META_NFPROTO, _IPV6)
    tcp = equals(META_L4PROTO, TCP)
    udp = equals(META_L4PROTO, UDP)
    icmp = equals(META_L4PROTO, ICMP)
    icmpv6 = equals(META_L4PROTO, ICMPV6)
    from_wan = in_set("wan", META_IIFNAME)
    internet = in_set("internet", META_NFPROTO)
    ours = has_label(LABEL)
    accept = verdict("accept")
    drop = [counter(), *verdict("drop")]
    belongs_to_a_flow = has_bits(CT_STATE, ESTABLISHED | RELATED)
    return (
        # A WAN address need not be known: it is whatever is local.
        rule("prerouting", from_wan, ipv4, is_local(), verdict("jump", "to_device")),
        # By address, not by interface: with br_netfilter a bridge port comes instead.
        rule(
            "prerouting",
            ipv4,
            in_set("lan4", IP_SADDR),
            in_set("wan4", IP_DADDR),
            verdict("jump", "to_device"),
            comment="hairpin",
        ),
        # Not only new flows: one that ran before its pinhole was opened is ours now.
        # Early, so that a firewall whose forward chain comes before ours can let our
        # flows pass by their label, from the first packet on.
        rule("label", from_wan, ipv6, is_original(), verdict("jump", "pinholes")),
        # The label comes with the translation, in one rule: no flow gets one
        # without the other.
        rule(
            "to_device",
            internet,
            look_up("dnat4", *_EXTERNAL_PORT),
            set_label(LABEL),
            dnat_to_address_and_port(),
        ),
        rule(
            "to_device",
            internet,
            ipv4,
            look_up("dnat4_range", *_EXTERNAL_PORT, IP_SADDR),
            set_label(LABEL),
            dnat_to_address(),
        ),
        *(
            rule(
                "to_device",
                internet,
                ipv4,
                transport,
                look_up("dnat4_from", *_EXTERNAL_PORT, IP_SADDR),
                set_label(LABEL),
                dnat_to_address_and_port(),
            )
            for transport in _TCP_OR_UDP
        ),
        rule(
            "to_device",
            internet,
            ipv4,
            not_in_set("served4", *_EXTERNAL_PORT),
            not_in_set("limited4", *_EXTERNAL_PORT),
            look_up("exposed4", META_L4PROTO, IP_SADDR),
            set_label(LABEL),
            dnat_to_address(),
        ),
        rule(
            "postrouting",
            ours,
            ipv4,
            in_set("lan4", IP_SADDR),
            in_set("lan4", IP_DADDR),
            masquerade(),
            comment="hairpin",
        ),
        rule(
            "postrouting",
            in_set("protected", META_OIFNAME),
            ipv4,
            masquerade(),
        ),
        rule("forward", ours, verdict("goto", "gate")),
        rule(
            "forward",
            in_set("protected", META_IIFNAME),
            verdict("goto", "from_internet"),
        ),
        *(
            rule("pinholes", *matches, set_label(LABEL), verdict("return"))
            for matches in (
                *(
                    (transport, in_set("flow6", *_FLOW6_KEY))
                    for transport in _TCP_OR_UDP
                ),
                *(
                    (
                        transport,
                        in_set("flow6_range", *_FLOW6_KEY, CT_ORIGINAL_IP6_SADDR),
                    )
                    for transport in (*_TCP_OR_UDP, _PING6)
                ),
                (
                    in_set(
                        "flow6_exposed", CT_ORIGINAL_IP6_DADDR, CT_ORIGINAL_IP6_SADDR
                    ),
                ),
            )
        ),
        rule("gate", not_in_set("internet", META_NFPROTO), verdict("goto", "cut")),
        rule("gate", has_label(OVER_LABEL), verdict("goto", "cut")),
        rule("gate", ipv4, verdict("goto", "gate4")),
        rule("gate", verdict("goto", "gate6")),
        *_remember("gate4", "4", _FLOW4_KEY, (*_FLOW4_KEY[:2], CT_ORIGINAL_IP_SADDR)),
        *(
            rule("gate4", transport, in_set("flow4", *_FLOW4_KEY), accept)
            for transport in _TCP_OR_UDP
        ),
        *(
            rule(
                "gate4",
                transport,
                in_set("flow4_range", *_FLOW4_KEY, CT_ORIGINAL_IP_SADDR),
                accept,
            )
            for transport in (*_TCP_OR_UDP, *_ESP_OR_GRE)
        ),
        rule(
            "gate4",
            in_set("flow4_exposed", CT_REPLY_IP_SADDR, CT_ORIGINAL_IP_SADDR),
            accept,
        ),
        *_remember("gate6", "6", _FLOW6_KEY, (*_FLOW6_KEY, CT_ORIGINAL_IP6_SADDR)),
        *(
            rule("gate6", transport, in_set("flow6", *_FLOW6_KEY), accept)
            for transport in _TCP_OR_UDP
        ),
        *(
            rule(
                "gate6",
                transport,
                in_set("flow6_range", *_FLOW6_KEY, CT_ORIGINAL_IP6_SADDR),
                accept,
            )
            for transport in (*_TCP_OR_UDP, icmpv6)
        ),
        rule(
            "gate6",
            in_set("flow6_exposed", CT_ORIGINAL_IP6_DADDR, CT_ORIGINAL_IP6_SADDR),
            accept,
        ),
        # ICMP errors about a flow share its label, but have no ports of their own.
        *(
            each
            for gate in ("gate4", "gate6")
            for each in (
                rule(gate, has_bits(CT_STATE, RELATED), accept),
                rule(gate, verdict("goto", "cut")),
            )
        ),
        rule("cut", tcp, [counter()], reject_with_tcp_reset()),
        rule("cut", [counter()], reject_with_admin_prohibited()),
        rule("from_internet", belongs_to_a_flow, accept),
        rule(
            "from_internet",
            has_bits(CT_STATUS, IPS_DST_NAT),
            accept,
            comment="port forwarding of another table",
        ),
        rule("from_internet", drop),
        rule(
            "input",
            in_set("protected", META_IIFNAME),
            verdict("goto", "to_gateway"),
        ),
        # Before the rule of established flows: all pings of one program are one flow.
        *(
            rule("to_gateway", version, equals(ICMP_TYPE, echo_request), *what)
            for version, echo_request in (
                ([*ipv4, *icmp], ECHO_REQUEST),
                ([*ipv6, *icmpv6], ECHO_REQUEST6),
            )
            for what in ((limit(20, 20), accept), (drop,))
        ),
        rule("to_gateway", belongs_to_a_flow, accept),
        # RFC 4890 section 4.4.1: what must not be dropped. Errors belong to a flow.
        *(
            rule(
                "to_gateway",
                ipv6,
                icmpv6,
                between(ICMP_TYPE, bytes([first]), bytes([last])),
                accept,
                comment=comment,
            )
            for first, last, comment in (
                (130, 136, "multicast listener and neighbour discovery"),
                (141, 143, "inverse discovery, multicast listener report"),
                (148, 149, "secure neighbour discovery"),
                (151, 153, "multicast router discovery"),
            )
        ),
        rule(
            "to_gateway",
            ipv4,
            udp,
            equals(TH_SPORT, (67).to_bytes(2)),
            equals(TH_DPORT, (68).to_bytes(2)),
            accept,
            comment="DHCP",
        ),
        rule(
            "to_gateway",
            ipv6,
            in_network(IP6_SADDR, b"\xfe\x80" + bytes(14), b"\xff\xc0" + bytes(14)),
            udp,
            equals(TH_DPORT, (546).to_bytes(2)),
            accept,
            comment="DHCPv6",
        ),
        rule("to_gateway", drop),
    )


RULESET: Final = Definition(NFPROTO_INET, SETS, _CHAINS, _rules())
