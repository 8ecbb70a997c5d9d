"""The last check before a packet leaves for the home: is this really the device?

A share belongs to a device, known by its MAC address, but the firewall translates to an
IP address. Who takes over that address gets its packets from the very moment at which
the kernel's neighbour table says so, milliseconds before we hear of it; and as long as
Home Assistant is stopped, for good. So behind the neighbour table, on the way out of the
LAN interface, what goes to a shared port must have the device's MAC address, or it goes
nowhere. `nft list table netdev portshare` shows it.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

from .definition import (
    ETHER_ADDR,
    INET_PROTO,
    INET_SERVICE,
    IPV4_ADDR,
    IPV6_ADDR,
    Chain,
    Definition,
    Rule,
    SetDefinition,
    rule,
)
from .expressions import (
    ARPHRD_ETHER,
    ECHO_REQUEST6,
    ETHER_DADDR,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    ICMP_TYPE,
    ICMPV6,
    IP6_DADDR,
    IP_DADDR,
    META_IIFTYPE,
    META_L4PROTO,
    META_PROTOCOL,
    TH_DPORT,
    counter,
    differs,
    equals,
    in_set,
    verdict,
)
from .nftables import NFPROTO_NETDEV

_SERVICE: Final = (INET_PROTO, INET_SERVICE)

SETS: Final = (
    # whose an address is
    SetDefinition("device4", (IPV4_ADDR, ETHER_ADDR)),
    SetDefinition("device6", (IPV6_ADDR, ETHER_ADDR)),
    # what of it is shared
    SetDefinition("shared4", (IPV4_ADDR, *_SERVICE)),
    SetDefinition("shared4_range", (IPV4_ADDR, *_SERVICE), interval=True),
    SetDefinition("shared6", (IPV6_ADDR, *_SERVICE)),
    SetDefinition("shared6_range", (IPV6_ADDR, *_SERVICE), interval=True),
    SetDefinition("exposed_host4", (IPV4_ADDR,)),
    SetDefinition("exposed_host6", (IPV6_ADDR,)),
)

# include/uapi/linux/netfilter.h: NF_NETDEV_EGRESS
_EGRESS: Final = 1
_CHAIN: Final = "to_home"


@cache
def delivery(lan: tuple[str, ...]) -> Definition:
    """Return the table for these LAN interfaces, which must exist.

    Needs Linux 5.16, which brought the egress hook.
    """
    chains = (Chain(_CHAIN, "filter", hook=_EGRESS, devices=lan),) if lan else ()
    return Definition(NFPROTO_NETDEV, SETS, chains, tuple(_rules()) if lan else ())


def _rules() -> Iterator[Rule]:
    drop = [counter(), *verdict("drop")]
    for version, ethertype, address in (
        ("4", ETHERTYPE_IPV4, IP_DADDR),
        ("6", ETHERTYPE_IPV6, IP6_DADDR),
    ):
        this_version = equals(META_PROTOCOL, ethertype)
        yield rule(
            _CHAIN,
            this_version,
            equals(META_IIFTYPE, ARPHRD_ETHER),
            in_set(f"device{version}", address, ETHER_DADDR),
            verdict("accept"),
        )
        if version == "6":
            # But for pings it is neighbour discovery, or an error message.
            yield rule(
                _CHAIN,
                this_version,
                equals(META_L4PROTO, ICMPV6),
                differs(ICMP_TYPE, ECHO_REQUEST6),
                verdict("accept"),
            )
        for shared in (f"shared{version}", f"shared{version}_range"):
            yield rule(
                _CHAIN,
                this_version,
                in_set(shared, address, META_L4PROTO, TH_DPORT),
                drop,
            )
        yield rule(
            _CHAIN, this_version, in_set(f"exposed_host{version}", address), drop
        )
