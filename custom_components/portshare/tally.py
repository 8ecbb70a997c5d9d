"""What went through a share since it was added, whatever the kernel forgets meanwhile.

The kernel counts anew when a mapping is opened or our table is made anew, and it
remembers callers for a week. So what has grown from one look to the next is added up.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
import heapq
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final, Self

from .gateway.books import Account, Address, Visitor
from .sharing.model import Dnat, Mapping as PortMapping

# How many a share remembers of those whom the kernel has forgotten.
_MOST_FORGOTTEN: Final = 1_000
_MOST_CLOSED: Final = 50

type Networks = Collection[IPv4Network | IPv6Network]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the kernel had counted for a mapping when that was read last."""

    packets: int = 0
    bytes: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    calls: Mapping[Address, int] = field(default_factory=dict)

    def closed(self) -> Self:
        """Return what the kernel still has when the mapping is closed."""
        return type(self)(0, 0, self.packets_out, self.bytes_out, self.calls)


@dataclass(slots=True)
class Tally:
    """The sums of a share, and all who have called it from outside."""

    packets_in: int = 0
    bytes_in: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    calls: int = 0
    visitors: dict[Address, Visitor] = field(default_factory=dict)
    _seen: dict[str, _Seen] = field(default_factory=dict, init=False)

    def add(
        self, books: Mapping[PortMapping, Account], home: Networks
    ) -> list[Visitor]:
        """Add what the open mappings have grown by; return who has called never before.

        Who calls from the home network is no visitor.
        """
        known = set(self.visitors)
        seen: dict[str, _Seen] = {}
        for mapping, account in books.items():
            key = _key(mapping)
            before = self._seen.get(key, _Seen())
            outside = _by_address(account.visitors, home)
            self._add_traffic(account, before)
            self._add_calls(outside.values(), before)
            seen[key] = _Seen(
                account.packets,
                account.bytes,
                account.packets_out,
                account.bytes_out,
                {address: each.calls for address, each in outside.items()},
            )
        closed = [
            (key, each.closed()) for key, each in self._seen.items() if key not in seen
        ]
        self._seen = {**dict(closed[-_MOST_CLOSED:]), **seen}
        self._forget()
        return [each for each in self.visitors.values() if each.address not in known]

    @property
    def packets(self) -> int:
        """What went through, in and out together."""
        return self.packets_in + self.packets_out

    def latest(self, count: int) -> list[Visitor]:
        """Return who has called last, the last one first."""
        return heapq.nlargest(count, self.visitors.values(), key=_last)

    def _add_traffic(self, now: Account, before: _Seen) -> None:
        packets = _grown(now.packets, before.packets)
        bytes_ = _grown(now.bytes, before.bytes)
        # No more can have gone out than in and out together.
        packets_out = min(packets, _grown(now.packets_out, before.packets_out))
        bytes_out = min(bytes_, _grown(now.bytes_out, before.bytes_out))
        self.packets_in += packets - packets_out
        self.bytes_in += bytes_ - bytes_out
        self.packets_out += packets_out
        self.bytes_out += bytes_out

    def _add_calls(self, visitors: Iterable[Visitor], before: _Seen) -> None:
        for visitor in visitors:
            calls = _grown(visitor.calls, before.calls.get(visitor.address, 0))
            if not calls:
                continue
            self.calls += calls
            if known := self.visitors.get(visitor.address):
                calls += known.calls
            self.visitors[visitor.address] = Visitor(
                visitor.address, calls, visitor.last
            )

    def _forget(self) -> None:
        """Forget those who called long ago, but nobody whom the kernel still tells."""
        told = {address for each in self._seen.values() for address in each.calls}
        forgotten = [
            each for address, each in self.visitors.items() if address not in told
        ]
        forgotten.sort(key=_last)
        for each in forgotten[:-_MOST_FORGOTTEN]:
            del self.visitors[each.address]

    def stored(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {
            "packets_in": self.packets_in,
            "bytes_in": self.bytes_in,
            "packets_out": self.packets_out,
            "bytes_out": self.bytes_out,
            "calls": self.calls,
            "visitors": {
                str(address): [each.calls, each.last.isoformat()]
                for address, each in self.visitors.items()
            },
            "seen": {
                key: [
                    each.packets,
                    each.bytes,
                    each.packets_out,
                    each.bytes_out,
                    {str(address): calls for address, calls in each.calls.items()},
                ]
                for key, each in self._seen.items()
            },
        }

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """Return what was stored."""
        tally = cls(
            stored["packets_in"],
            stored["bytes_in"],
            stored["packets_out"],
            stored["bytes_out"],
            stored["calls"],
        )
        for text, (calls, last) in stored["visitors"].items():
            address = ip_address(text)
            tally.visitors[address] = Visitor(
                address, calls, datetime.fromisoformat(last)
            )
        for key, (*counters, calls) in stored["seen"].items():
            packets, bytes_, packets_out, bytes_out = counters
            by_address = {ip_address(text): count for text, count in calls.items()}
            tally._seen[key] = _Seen(
                packets, bytes_, packets_out, bytes_out, by_address
            )
        return tally


def _grown(now: int, before: int) -> int:
    """Return by how much a counter has grown; what is less than before began anew."""
    return now - before if now >= before else now


def _by_address(visitors: Iterable[Visitor], home: Networks) -> dict[Address, Visitor]:
    """Return the visitors from outside: one for all ports that somebody has called."""
    found: dict[Address, Visitor] = {}
    for each in visitors:
        if before := found.get(each.address):
            calls, last = before.calls + each.calls, max(before.last, each.last)
            found[each.address] = Visitor(each.address, calls, last)
        elif not any(each.address in network for network in home):
            found[each.address] = each
    return found


def _key(mapping: PortMapping) -> str:
    """Return what the kernel counts by."""
    if isinstance(mapping, Dnat):
        return f"{mapping.transport} {mapping.external}"
    return f"{mapping.transport} [{mapping.address}]:{mapping.ports}"


def _last(visitor: Visitor) -> datetime:
    return visitor.last
