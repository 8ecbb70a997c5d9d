"""Port forwardings of other tables, as far as their rules are simple enough to be read.

They are only shown, and compared with shares that want the same external port.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
import struct
from typing import Final

from ..sharing.model import HIGHEST_PORT, LOWEST_PORT, PortRange, Transport
from .foreign import CATCHALL, FAMILY_NAMES, NFPROTO_IPV4, Chain, Expression, Table

# include/uapi/linux/netfilter.h
_NF_INET_PRE_ROUTING: Final = 0
# include/uapi/linux/netfilter/nf_tables.h
_DREG: Final = 1  # of meta, payload and immediate
_META_KEY: Final = 2
_META_L4PROTO: Final = 16
_BASE: Final = 2  # of payload
_OFFSET: Final = 3
_LEN: Final = 4
_IMMEDIATE_DATA: Final = 2
_SREG: Final = 1  # of cmp and range
_OP: Final = 2
_CMP_DATA: Final = 3
_RANGE_FROM: Final = 3
_RANGE_TO: Final = 4
_EQ: Final = 0
_LTE: Final = 3
_GTE: Final = 5
_LOOKUP_SET: Final = 1
_LOOKUP_SREG: Final = 2
_LOOKUP_FLAGS: Final = 5
_NAT_TYPE: Final = 1
_NAT_REG_ADDR_MIN: Final = 3
_NAT_REG_PROTO_MIN: Final = 5
_NFT_NAT_DNAT: Final = 1
_XT_NAME: Final = 1
_XT_REV: Final = 2
_XT_INFO: Final = 3

_DPORT: Final = (2, 2, 2)  # base (transport header), offset, length
_TRANSPORTS: Final = {6: Transport.TCP, 17: Transport.UDP}


class _Subject(Enum):
    """What a rule compares."""

    L4PROTO = 1
    DPORT = 2


# include/uapi/linux/netfilter/nf_nat.h: the beginning of struct nf_nat_range2, which
# iptables uses since its DNAT is of revision 1
_NAT_RANGE: Final = struct.Struct("=I16s16s2s")
_NF_NAT_RANGE_PROTO_SPECIFIED: Final = 1 << 1


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A port forwarding of somebody else's.

    `family` is the table's. What cannot be read of the rule is empty or None: several
    targets in a map, matches other than a transport and its destination ports.
    """

    family: str
    table: str
    chain: str
    transports: frozenset[Transport] = frozenset()
    ports: tuple[PortRange, ...] = ()
    address: IPv4Address | IPv6Address | None = None
    port: int | None = None


def find(tables: Iterable[Table]) -> Iterator[Forwarding]:
    """Yield the port forwardings of packets that come in."""
    for table in tables:
        for chain in _passed_before_routing(table):
            for rule in chain.rules:
                found = _Reader(table)
                for expression in rule.expressions:
                    found.read(expression)
                if found.is_forwarding:
                    yield Forwarding(
                        FAMILY_NAMES[table.family],
                        table.name,
                        chain.name,
                        found.transports,
                        found.ports,
                        found.address,
                        found.port,
                    )


def _passed_before_routing(table: Table) -> Iterator[Chain]:
    """Yield the chains that packets can reach from the prerouting hook."""
    waiting = [
        chain.name
        for chain in table.chains.values()
        if chain.hook and chain.hook.number == _NF_INET_PRE_ROUTING
    ]
    seen = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        chain = table.chains[name]
        waiting += [rule.leads_to for rule in chain.rules if rule.leads_to]
        yield chain


@dataclass(slots=True)
class _Reader:
    """What has been read of a rule of this table."""

    table: Table
    is_forwarding: bool = False
    transports: frozenset[Transport] = frozenset()
    ports: tuple[PortRange, ...] = ()
    address: IPv4Address | IPv6Address | None = None
    port: int | None = None
    _registers: dict[int, _Subject | bytes | None] = field(default_factory=dict)

    def read(self, expression: Expression) -> None:
        """Read the next expression."""
        match expression.name:
            case "meta" | "payload" | "immediate":
                self._registers[expression.number(_DREG)] = _loaded(expression)
            case "cmp":
                subject = self._registers.get(expression.number(_SREG))
                value = expression.value(_CMP_DATA)
                self._compare(subject, expression.number(_OP), value)
            case "range" if expression.number(_OP) == _EQ:
                subject = self._registers.get(expression.number(_SREG))
                self._compare(subject, _GTE, expression.value(_RANGE_FROM))
                self._compare(subject, _LTE, expression.value(_RANGE_TO))
            case "lookup" if not expression.number(_LOOKUP_FLAGS):
                subject = self._registers.get(expression.number(_LOOKUP_SREG))
                self._look_up(subject, expression.text(_LOOKUP_SET))
            case "nat" if expression.number(_NAT_TYPE) == _NFT_NAT_DNAT:
                self.is_forwarding = True
                address, port = (
                    self._registers.get(expression.number(each))
                    for each in (_NAT_REG_ADDR_MIN, _NAT_REG_PROTO_MIN)
                )
                if isinstance(address, bytes):
                    self.address = ip_address(address)
                if isinstance(port, bytes):
                    self.port = int.from_bytes(port)
            case "target" if expression.text(_XT_NAME) == "DNAT":
                self.is_forwarding = True
                if expression.number(_XT_REV) >= 1:
                    self._xt_dnat(expression.attributes[_XT_INFO])

    def _compare(self, subject: object, operation: int, value: bytes) -> None:
        number = int.from_bytes(value)
        if subject is _Subject.L4PROTO and operation == _EQ:
            self.transports = _transports([value])
        elif subject is _Subject.DPORT and operation == _EQ:
            self.ports = (PortRange(number, number),)
        elif subject is _Subject.DPORT and operation == _GTE:
            self.ports = (PortRange(number, HIGHEST_PORT),)
        elif subject is _Subject.DPORT and operation == _LTE:
            first = self.ports[0].first if self.ports else LOWEST_PORT
            self.ports = (PortRange(first, number),)

    def _look_up(self, subject: object, name: str) -> None:
        keys = self.table.sets[name].elements if name in self.table.sets else {}
        if CATCHALL in keys:
            return  # it matches whatever there is
        if subject is _Subject.L4PROTO:
            self.transports = _transports(keys)
        elif subject is _Subject.DPORT:
            numbers = sorted(int.from_bytes(key) for key in keys)
            self.ports = tuple(PortRange(number, number) for number in numbers)

    def _xt_dnat(self, info: bytes) -> None:
        flags, address, _, port = _NAT_RANGE.unpack_from(info)
        size = 4 if self.table.family == NFPROTO_IPV4 else 16
        self.address = ip_address(address[:size])
        if flags & _NF_NAT_RANGE_PROTO_SPECIFIED:
            self.port = int.from_bytes(port)


def _loaded(expression: Expression) -> _Subject | bytes | None:
    """Return what an expression loads, if it is of interest."""
    if expression.name == "meta" and expression.number(_META_KEY) == _META_L4PROTO:
        return _Subject.L4PROTO
    if (
        expression.name == "payload"
        and tuple(expression.number(each) for each in (_BASE, _OFFSET, _LEN)) == _DPORT
    ):
        return _Subject.DPORT
    if expression.name == "immediate":
        data = expression.data(_IMMEDIATE_DATA)
        return data if isinstance(data, bytes) else None
    return None


def _transports(numbers: Iterable[bytes]) -> frozenset[Transport]:
    return frozenset(
        _TRANSPORTS[number[0]] for number in numbers if number[0] in _TRANSPORTS
    )
