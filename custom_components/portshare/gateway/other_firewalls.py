"""Other firewalls of this gateway that drop what our shares let in.

Our `accept` is not the last word: every base chain on the forward hook must let a packet
pass. All flows that we open carry a label, so one rule in the other firewall lets every
share in, now and later. Here it is found out whether there is such a rule; if there is
none, how the user can add it, or we can.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Final

from ..sharing.model import Family, Mapping, Transport, family_of
from .expressions import counter, has_label, verdict
from .foreign import FAMILY_NAMES, NFPROTO_IPV4, NFPROTO_IPV6, Chain, Hook, Table, read
from .netlink import NLM_F_CREATE, Message, NetlinkSocket, attribute
from .nftables import NFNL_SUBSYS_NFTABLES, NFPROTO_INET, add_rule
from .packet import Interface, Packet
from .ruleset import LABEL
from .trace import Trace

# include/uapi/linux/netfilter.h
_NF_INET_LOCAL_IN: Final = 1
_NF_INET_FORWARD: Final = 2
# include/uapi/linux/netfilter/nf_tables.h
_NFT_MSG_DELRULE: Final = 8
_NFTA_RULE_TABLE: Final = 1
_NFTA_RULE_CHAIN: Final = 2
_NFTA_RULE_HANDLE: Final = 3

_FAMILIES: Final = {
    NFPROTO_INET: tuple(Family),
    NFPROTO_IPV4: (Family.IPV4,),
    NFPROTO_IPV6: (Family.IPV6,),
}
# Whoever lets these in by label lets the others in, too.
_TRANSPORTS: Final = (Transport.TCP, Transport.UDP)
_NUMBERS: Final = {name: number for number, name in FAMILY_NAMES.items()}

# The tables of iptables-nft, and its base chains for what is forwarded.
_IPTABLES_TABLES: Final = frozenset({"filter", "mangle", "security"})
_IPTABLES_CHAIN: Final = "FORWARD"
_LEGACY_TABLES: Final = {
    Family.IPV4: Path("/proc/thread-self/net/ip_tables_names"),
    Family.IPV6: Path("/proc/thread-self/net/ip6_tables_names"),
}

_COMMENT: Final = "portshare, added by Home Assistant"
# libnftnl include/libnftnl/udata.h: NFTNL_UDATA_RULE_COMMENT, length, text
_USERDATA: Final = bytes([0, len(_COMMENT) + 1]) + _COMMENT.encode() + b"\0"

_NFT_RULE: Final = f'ct label {LABEL} counter accept comment "portshare"'
_IPTABLES_RULE: Final = f"-m connlabel --label {LABEL} -j ACCEPT"


class Kind(StrEnum):
    """Who has made a firewall."""

    DOCKER = "docker"
    UFW = "ufw"
    FIREWALLD = "firewalld"
    FW4 = "fw4"
    IPTABLES = "iptables"
    IPTABLES_LEGACY = "iptables_legacy"
    NFTABLES = "nftables"


@dataclass(frozen=True, slots=True)
class OtherFirewall:
    """A base chain on the forward hook that drops calls from the internet.

    `family` is the table's: ip, ip6 or inet. `blocks` are the IP versions over which it
    drops all calls to shares, and `may_block` those over which it drops some, or it
    cannot be told; over others shares are let in. If it is `owned`, only the program
    that made it can change it.
    """

    kind: Kind
    family: str
    table: str
    chain: str
    priority: int = 0
    blocks: frozenset[Family] = frozenset()
    may_block: frozenset[Family] = frozenset()
    owned: bool = False

    @property
    def can_be_opened(self) -> bool:
        """Whether `let_through` can add the rule.

        A rule of nftables in a table of iptables breaks the iptables program, and other
        firewalls make their tables anew whenever they are reloaded.
        """
        return self.kind is Kind.NFTABLES and not self.owned

    @property
    def command(self) -> str:
        """The command that lets all shares in, for a root shell on the gateway."""
        iptables = "ip6tables" if self.family == "ip6" else "iptables"
        match self.kind:
            case Kind.DOCKER:
                return f"{iptables} -I DOCKER-USER {_IPTABLES_RULE}"
            case Kind.UFW:
                version = "6" if self.family == "ip6" else ""
                rule = f"-A ufw{version}-before-forward {_IPTABLES_RULE}"
                return (
                    f"sed -i '/^# End required lines/a {rule}'"
                    f" /etc/ufw/before{version}.rules && ufw reload"
                )
            case Kind.FW4:
                folder = "/usr/share/nftables.d/chain-pre/forward"
                return (
                    f"mkdir -p {folder} && echo '{_NFT_RULE}' >{folder}/portshare.nft"
                    " && fw4 reload"
                )
            case Kind.FIREWALLD if self.owned:
                return (
                    "sed -i '/^NftablesTableOwner=/d; $a NftablesTableOwner=no'"
                    " /etc/firewalld/firewalld.conf && systemctl restart firewalld"
                    f" && {self._nft}"
                )
            case Kind.IPTABLES:
                return f"{iptables} -t {self.table} -I {self.chain} {_IPTABLES_RULE}"
            case Kind.IPTABLES_LEGACY:
                return f"{iptables}-legacy -I {self.chain} {_IPTABLES_RULE}"
        return self._nft

    @property
    def _nft(self) -> str:
        place = f"{self.family} {self.table} {self.chain}"
        return f"nft insert rule {place} '{_NFT_RULE}'"


def find(
    tables: Iterable[Table],
    wan: Collection[Interface],
    lan: Collection[Interface],
) -> Iterator[OtherFirewall]:
    """Yield the firewalls that drop calls from WAN to LAN interfaces."""
    ways = list(product(_TRANSPORTS, wan, lan))
    for table, chain, hook in _base_chains(tables, _NF_INET_FORWARD):
        families = _FAMILIES[table.family]
        shared, strangers = (
            {
                family: _drops(
                    table,
                    chain,
                    [Packet(family, *way, shared=shared) for way in ways],
                )
                for family in families
            }
            for shared in (True, False)
        )
        if any(fate is not False for fate in (*shared.values(), *strangers.values())):
            yield OtherFirewall(
                _kind(table, chain),
                FAMILY_NAMES[table.family],
                table.name,
                chain.name,
                hook.priority,
                frozenset(family for family in families if shared[family]),
                frozenset(family for family in families if shared[family] is None),
                table.owned,
            )


def keep_out(
    tables: Iterable[Table],
    wan: Collection[Interface],
    lan: Collection[Interface],
    mapping: Mapping,
) -> bool:
    """Return whether one of the firewalls is sure to drop all calls to a mapping.

    The first of its ports stands for all of them.
    """
    family = family_of(mapping)
    has_ports = mapping.transport in _TRANSPORTS
    transports = (mapping.transport,) if has_ports else _TRANSPORTS
    port = mapping.ports.first if has_ports else None
    packets = [
        Packet(family, *way, shared=True, address=mapping.address, port=port)
        for way in product(transports, wan, lan)
    ]
    return any(
        _drops(table, chain, packets)
        for table, chain, _ in _base_chains(tables, _NF_INET_FORWARD)
        if family in _FAMILIES[table.family]
    )


def find_legacy() -> Iterator[OtherFirewall]:
    """Yield the firewalls of iptables-legacy, of which no more than the table is seen.

    Only root sees that, even with all capabilities that are needed otherwise.
    """
    for family, names in _LEGACY_TABLES.items():
        try:
            tables = names.read_text(encoding="ascii").split()
        except FileNotFoundError, PermissionError:
            continue
        if "filter" in tables:
            yield OtherFirewall(
                Kind.IPTABLES_LEGACY,
                "ip" if family is Family.IPV4 else "ip6",
                "filter",
                _IPTABLES_CHAIN,
                may_block=frozenset({family}),
            )


def guarding_the_gateway(
    tables: Iterable[Table], wan: Collection[Interface]
) -> frozenset[Family]:
    """Return the IP versions over which calls to the gateway itself are dropped."""
    return frozenset(
        family
        for table, chain, _ in _base_chains(tables, _NF_INET_LOCAL_IN)
        for family in _FAMILIES[table.family]
        if wan
        and all(
            Trace(table, Packet(family, *way, shared=False)).drops(chain)
            for way in product(_TRANSPORTS, wan, [None])
        )
    )


async def let_through(netlink: NetlinkSocket, firewall: OtherFirewall) -> None:
    """Add the rule that lets all shares in; fine if it is there already.

    Only for what `can_be_opened`. Raises a NetlinkError.
    """
    place = (_NUMBERS[firewall.family], firewall.table, firewall.chain)
    if any(place == there for there, _ in await _our_rules(netlink)):
        return
    rule = [*has_label(LABEL), counter(), *verdict("accept")]
    message = add_rule(*place, rule, _COMMENT)
    # Without NLM_F_APPEND the rule is put before all others.
    at_the_top = message._replace(flags=NLM_F_CREATE)
    await netlink.batch([at_the_top], NFNL_SUBSYS_NFTABLES)


async def stop_letting_through(netlink: NetlinkSocket) -> None:
    """Delete the rules that `let_through` has added, wherever they are.

    Raises a NetlinkError.
    """
    messages = [
        Message(
            NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_DELRULE,
            0,
            bytes([family, 0, 0, 0])
            + attribute(_NFTA_RULE_TABLE, table.encode() + b"\0")
            + attribute(_NFTA_RULE_CHAIN, chain.encode() + b"\0")
            + attribute(_NFTA_RULE_HANDLE, handle.to_bytes(8)),
        )
        for (family, table, chain), handle in await _our_rules(netlink)
    ]
    await netlink.batch(messages, NFNL_SUBSYS_NFTABLES)


async def _our_rules(netlink: NetlinkSocket) -> list[tuple[tuple[int, str, str], int]]:
    """Return family, table, chain and handle of the rules that we have added."""
    return [
        ((table.family, table.name, chain.name), rule.handle)
        for table in await read(netlink)
        for chain in table.chains.values()
        for rule in chain.rules
        if rule.userdata == _USERDATA
    ]


def _base_chains(
    tables: Iterable[Table], number: int
) -> Iterator[tuple[Table, Chain, Hook]]:
    for table in tables:
        for chain in table.chains.values():
            if chain.hook and chain.hook.number == number:
                yield table, chain, chain.hook


def _drops(table: Table, chain: Chain, packets: Iterable[Packet]) -> bool | None:
    """Return whether a chain drops all of these packets or none of them.

    None if it drops some, or that depends on what is not known.
    """
    traces = [Trace(table, packet) for packet in packets]
    dropped = [trace.drops(chain) for trace in traces]
    if not any(dropped):
        return False
    if all(dropped) and not any(trace.doubtful for trace in traces):
        return True
    return None


def _kind(table: Table, chain: Chain) -> Kind:
    if table.family == NFPROTO_INET:
        known = {"firewalld": Kind.FIREWALLD, "fw4": Kind.FW4}
        return known.get(table.name, Kind.NFTABLES)
    if not _is_of_iptables(table, chain):
        return Kind.NFTABLES
    jumps = {rule.leads_to for rule in chain.rules}
    if "DOCKER-USER" in jumps:
        return Kind.DOCKER
    if jumps & {"ufw-before-forward", "ufw6-before-forward"}:
        return Kind.UFW
    return Kind.IPTABLES


def _is_of_iptables(table: Table, chain: Chain) -> bool:
    """Return whether iptables-nft takes a chain for its own.

    It makes no lookups in sets of nftables, so who has added one does not use it.
    """
    return (
        table.name in _IPTABLES_TABLES
        and chain.name == _IPTABLES_CHAIN
        and not any(
            expression.name == "lookup"
            for rule in chain.rules
            for expression in rule.expressions
        )
    )
