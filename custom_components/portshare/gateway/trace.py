"""What becomes of a packet in somebody else's base chain, told from its rules.

The packet is the first of a flow, and not all of it is known: its addresses, ports and
marks may be any. They are taken for such that no rule names, so that `th dport 80` is
unlikely to match, and `th dport != 80` is likely to.
"""

from collections.abc import Callable
from enum import IntEnum
import operator
import struct
from typing import Final

from .foreign import CATCHALL, Chain, Expression, Rule, Table, Verdict
from .packet import NEW, Packet
from .registers import Registers
from .ruleset import LABEL

# include/uapi/linux/netfilter.h and nf_tables.h
_NF_DROP: Final = 0
_NF_ACCEPT: Final = 1
_NFT_CONTINUE: Final = -1
_NFT_JUMP: Final = -3
_NFT_GOTO: Final = -4
_NFT_RETURN: Final = -5

_DREG: Final = 1  # of meta, ct, payload and immediate
_KEY: Final = 2  # of meta and ct
_SREG: Final = 1  # of cmp and bitwise
_IMMEDIATE_DATA: Final = 2
_PLACE: Final = (2, 3, 4)  # of payload: base, offset, length
_PAYLOAD_LEN: Final = 4
_CMP_OP: Final = 2
_CMP_DATA: Final = 3
_BITWISE_DREG: Final = 2
_BITWISE_LEN: Final = 3
_BITWISE_MASK: Final = 4
_BITWISE_XOR: Final = 5
_BITWISE_OP: Final = 6
_LOOKUP_SET: Final = 1
_LOOKUP_SREG: Final = 2
_LOOKUP_DREG: Final = 3
_LOOKUP_FLAGS: Final = 5
_LOOKUP_F_INV: Final = 1
_LIMIT_FLAGS: Final = 5
_LIMIT_F_INV: Final = 1
_XT_NAME: Final = 1
_XT_REV: Final = 2
_XT_INFO: Final = 3
_COMPARISONS: Final[tuple[Callable[[bytes, bytes], bool], ...]] = (
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
)

# include/uapi/linux/netfilter/xt_conntrack.h: struct xt_conntrack_mtinfo3 from
# match_flags to state_mask, and its bits
_XT_CONNTRACK: Final = struct.Struct("=146xHHH")
_XT_CONNTRACK_STATE: Final = 1 << 0
_XT_CONNTRACK_STATE_ALIAS: Final = 1 << 13
_XT_CONNTRACK_STATE_DNAT: Final = 1 << 7
# include/uapi/linux/netfilter/xt_connlabel.h: struct xt_connlabel_mtinfo
_XT_CONNLABEL: Final = struct.Struct("=HH")
_XT_CONNLABEL_OP_INVERT: Final = 1 << 0
_XT_CONNLABEL_OP_SET: Final = 1 << 1

# They do something, and the rule goes on.
_STATEMENTS: Final = frozenset(
    {"counter", "log", "objref", "notrack", "flow_offload", "last"}
)


class Match(IntEnum):
    """Whether a rule applies to the packet."""

    NO = 0
    UNLIKELY = 1
    LIKELY = 2
    YES = 3


class Trace:
    """The way of one packet through the chains of a table."""

    def __init__(self, table: Table, packet: Packet) -> None:
        """Prepare; `drops` tells."""
        self._table = table
        self._packet = packet
        self._registers = Registers()
        self.doubtful = False
        """It depends on what is not known whether the packet is dropped."""

    def drops(self, chain: Chain) -> bool:
        """Return whether a base chain drops the packet, if all is as it is likely."""
        decided = self._run(chain)
        if decided is None and chain.hook:
            decided = chain.hook.policy
        return decided == _NF_DROP

    def _run(self, chain: Chain) -> int | None:
        """Return NF_ACCEPT or NF_DROP; None if the packet comes out at the end."""
        for rule in chain.rules:
            match, verdict = self._judge(rule)
            if match is Match.NO or verdict is None or verdict.code == _NFT_CONTINUE:
                continue
            decided: int | None = verdict.code
            if verdict.code == _NFT_RETURN:
                decided = None
            elif verdict.code in {_NFT_JUMP, _NFT_GOTO}:
                decided = self._run(self._table.chains[verdict.chain])
            goes_on = decided is None and verdict.code == _NFT_JUMP
            if match is Match.UNLIKELY:
                self.doubtful |= decided != _NF_DROP and not goes_on
            elif not goes_on:
                self.doubtful |= match is Match.LIKELY and decided != _NF_ACCEPT
                return decided
        return None

    def _judge(self, rule: Rule) -> tuple[Match, Verdict | None]:
        self._registers.forget()
        match = Match.YES
        for expression in rule.expressions:
            result = self._evaluate(expression)
            if isinstance(result, Verdict):
                return match, result
            match = min(match, result)
            if match is Match.NO:
                break
        return match, None

    def _evaluate(self, expression: Expression) -> Match | Verdict:
        match expression.name:
            case "meta":
                return self._load(
                    expression, self._packet.meta(expression.number(_KEY))
                )
            case "ct":
                return self._load(expression, self._packet.ct(expression.number(_KEY)))
            case "payload":
                return self._load(
                    expression, self._packet.payload(*map(expression.number, _PLACE))
                )
            case "immediate":
                return self._immediate(expression)
            case "bitwise":
                return self._bitwise(expression)
            case "cmp":
                return self._compare(expression)
            case "lookup":
                return self._lookup(expression)
            case "reject":
                return Verdict(_NF_DROP)
            case "queue":  # A program decides, and most of them let most packets pass.
                return Verdict(_NF_ACCEPT)
            case "limit":
                over = expression.number(_LIMIT_FLAGS) & _LIMIT_F_INV
                return Match.UNLIKELY if over else Match.LIKELY
            case "match":
                return self._xt_match(expression)
            case "target":
                return _xt_target(expression)
            case name if name in _STATEMENTS:
                return Match.YES
        self._registers.forget()
        return Match.UNLIKELY

    def _load(self, expression: Expression, value: bytes | None) -> Match:
        # Without a register to load to it sets what it names.
        if register := expression.number(_DREG):
            size = expression.number(_PAYLOAD_LEN) or 16
            self._registers.store(register, value, size)
        return Match.YES

    def _immediate(self, expression: Expression) -> Match | Verdict:
        data = expression.data(_IMMEDIATE_DATA)
        if isinstance(data, Verdict):
            return data
        self._registers.store(expression.number(_DREG), data)
        return Match.YES

    def _bitwise(self, expression: Expression) -> Match:
        size = expression.number(_BITWISE_LEN)
        value = self._registers.load(expression.number(_SREG), size)
        if value is not None and expression.number(_BITWISE_OP) == 0:
            mask, flipped = (
                expression.value(each) for each in (_BITWISE_MASK, _BITWISE_XOR)
            )
            value = bytes(
                a & b ^ c for a, b, c in zip(value, mask, flipped, strict=True)
            )
        else:
            value = None
        self._registers.store(expression.number(_BITWISE_DREG), value, size)
        return Match.YES

    def _compare(self, expression: Expression) -> Match:
        data = expression.value(_CMP_DATA)
        value = self._registers.load(expression.number(_SREG), len(data))
        compare = _COMPARISONS[expression.number(_CMP_OP)]
        if value is None:
            return Match.LIKELY if compare is operator.ne else Match.UNLIKELY
        return _sure(compare(value, data))

    def _lookup(self, expression: Expression) -> Match | Verdict:
        to_verdicts = expression.attributes.get(_LOOKUP_DREG) == bytes(4)
        found = self._table.sets.get(expression.text(_LOOKUP_SET))
        key = None
        if found:
            register = expression.number(_LOOKUP_SREG)
            key = self._registers.load(register, found.key_bytes)
        inverted = bool(expression.number(_LOOKUP_FLAGS) & _LOOKUP_F_INV)
        if found is None or key is None:
            # One of the verdicts may let the packet through.
            self.doubtful |= to_verdicts
            return Match.LIKELY if inverted else Match.UNLIKELY
        if key not in found.elements:
            key = CATCHALL
        data = found.elements.get(key)
        if to_verdicts and isinstance(data, Verdict):
            return data
        return _sure((key in found.elements) is not inverted)

    def _xt_match(self, expression: Expression) -> Match:
        info = expression.attributes.get(_XT_INFO, b"")
        match expression.text(_XT_NAME):
            case "comment":
                return Match.YES
            case "connlabel":
                bit, options = _XT_CONNLABEL.unpack_from(info)
                if options & _XT_CONNLABEL_OP_SET:
                    return Match.YES
                inverted = bool(options & _XT_CONNLABEL_OP_INVERT)
                carried = self._packet.shared and bit == LABEL
                return _sure(carried is not inverted)
            case "conntrack" if expression.number(_XT_REV) >= 2:
                return self._xt_conntrack(info)
        return Match.UNLIKELY

    def _xt_conntrack(self, info: bytes) -> Match:
        asked, inverted, states = _XT_CONNTRACK.unpack_from(info)
        if asked & ~_XT_CONNTRACK_STATE_ALIAS != _XT_CONNTRACK_STATE:
            return Match.UNLIKELY
        state = NEW
        if self._packet.translated:
            state |= _XT_CONNTRACK_STATE_DNAT
        return _sure(bool(states & state) is not bool(inverted & _XT_CONNTRACK_STATE))


def _xt_target(expression: Expression) -> Match | Verdict:
    match expression.text(_XT_NAME):
        case "REJECT":
            return Verdict(_NF_DROP)
        case "NFQUEUE":
            return Verdict(_NF_ACCEPT)
    return Match.YES


def _sure(matches: bool) -> Match:
    return Match.YES if matches else Match.NO
