"""Which ports are taken, and by which share."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from .model import HIGHEST_PORT, LOWEST_PORT, PortRange, Share, Transport

# Ports that the gateway itself offers to the internet.
type Served = frozenset[tuple[Transport, int]]
NOTHING_SERVED: Final[Served] = frozenset()


class TakenRanges:
    """Ranges of ports that do not overlap, each held by a share.

    Kept sorted: a lookup costs the logarithm of their number.
    """

    def __init__(self) -> None:
        """Begin with every port free."""
        self._ranges: list[tuple[PortRange, str]] = []

    def holders(self, wanted: PortRange) -> Iterator[str]:
        """Yield the shares that hold at least one of the wanted ports."""
        for position in range(self._position(wanted), len(self._ranges)):
            taken, share_id = self._ranges[position]
            if not taken.overlaps(wanted):
                return
            yield share_id

    def take(self, ports: PortRange, share_id: str) -> None:
        """Give the ports to a share; they must be free."""
        insort(self._ranges, (ports, share_id), key=_last_port)

    def free(self, ports: PortRange) -> None:
        """Take the ports back from the share that holds exactly them."""
        del self._ranges[self._position(ports)]

    def _position(self, ports: PortRange) -> int:
        """Return where the ranges begin that do not end before these ports."""
        return bisect_left(self._ranges, ports.first, key=_last_port)


def _last_port(entry: tuple[PortRange, str]) -> int:
    return entry[0].last


def served_among(
    share: Share, wanted: PortRange, served: Served
) -> list[tuple[Transport, int]]:
    """Return what of these ports the gateway itself serves by the share's protocol."""
    return sorted(
        (transport, port)
        for transport, port in served
        if transport in share.protocol.transports
        and wanted.first <= port <= wanted.last
    )


class PortIndex:
    """The external ports of the gateway and the ports of its devices that are shared.

    Where shares want the same port, the oldest has it and the others wait. Ids are
    ULIDs, so they sort by age: it depends on the shares alone who holds what, not on
    the order in which they got here, and it is the same after a restart.
    """

    def __init__(self, shares: Collection[Share] = ()) -> None:
        """Begin with the given shares."""
        self._external: dict[Transport, TakenRanges] = {}
        self._device: dict[tuple[str, Transport], TakenRanges] = {}
        self._holding: dict[str, Share] = {}
        self._waiting: dict[str, Share] = {}
        self.update((), shares)

    def update(self, gone: Iterable[str], entered: Collection[Share]) -> set[str]:
        """Forget shares, and enter others; return the ids of all that got or lost ports.

        A share that is entered again replaces what it was before.
        """
        for share_id in (*gone, *(share.share_id for share in entered)):
            if share_id in self._holding:
                self._let_go(share_id)
            self._waiting.pop(share_id, None)
        self._waiting.update((share.share_id, share) for share in entered)
        return self._settle()

    def has(self, share_id: str) -> bool:
        """Return whether the share holds its ports."""
        return share_id in self._holding

    def external_holders(self, share: Share) -> Iterator[Share]:
        """Yield the other shares that hold an external port that this one wants."""
        return self._external_holders(share, share.external)

    def external_holder(self, transport: Transport, port: int) -> Share | None:
        """Return the share that holds an external port; an exposed host holds none."""
        if ranges := self._external.get(transport):
            for share_id in ranges.holders(PortRange(port, port)):
                return self._holding[share_id]
        return None

    def device_holders(self, share: Share) -> Iterator[Share]:
        """Yield the other shares of the same device that hold a port it wants."""
        for transport in share.protocol.transports:
            if ranges := self._device.get((share.device_id, transport)):
                yield from self._others(ranges.holders(share.ports), share)

    def next_free_external(
        self, share: Share, served: Served = NOTHING_SERVED
    ) -> PortRange | None:
        """Return the first external ports that a share could have, from its own upwards.

        What it holds itself is free for it; what the gateway serves is not. The search
        goes round at 65535. None if there are not that many free ports in a row.
        """
        return self._search(
            share, share.external.first, HIGHEST_PORT, served
        ) or self._search(share, LOWEST_PORT, share.external.last - 1, served)

    def _search(
        self, share: Share, first: int, end: int, served: Served
    ) -> PortRange | None:
        count = len(share.external)
        while (last := first + count - 1) <= end:
            wanted = PortRange(first, last)
            holders = self._external_holders(share, wanted)
            taken = [
                *(holder.external.last for holder in holders),
                *(port for _, port in served_among(share, wanted, served)),
            ]
            if not taken:
                return wanted
            first = max(taken) + 1
        return None

    def _external_holders(self, share: Share, wanted: PortRange) -> Iterator[Share]:
        if not share.ipv4:
            return
        for transport in share.protocol.transports:
            if ranges := self._external.get(transport):
                yield from self._others(ranges.holders(wanted), share)

    def _others(self, share_ids: Iterator[str], share: Share) -> Iterator[Share]:
        for share_id in share_ids:
            if share_id != share.share_id:
                yield self._holding[share_id]

    def _settle(self) -> set[str]:
        """Give waiting shares what no older one holds; return whose ports changed.

        Younger shares give way. For whom that makes room is younger still, so if it
        waits, its turn is yet to come: once from the oldest to the youngest is enough.
        """
        changed: set[str] = set()
        for share_id in sorted(self._waiting):
            share = self._waiting[share_id]
            holders = {
                holder.share_id
                for holder in (
                    *self.external_holders(share),
                    *self.device_holders(share),
                )
            }
            if any(holder_id < share_id for holder_id in holders):
                continue
            for holder_id in holders:
                self._waiting[holder_id] = self._let_go(holder_id)
            self._take(self._waiting.pop(share_id))
            changed |= {share_id, *holders}
        return changed

    def _take(self, share: Share) -> None:
        for ranges, ports in self._ranges_of(share):
            ranges.take(ports, share.share_id)
        self._holding[share.share_id] = share

    def _let_go(self, share_id: str) -> Share:
        share = self._holding.pop(share_id)
        for ranges, ports in self._ranges_of(share):
            ranges.free(ports)
        return share

    def _ranges_of(self, share: Share) -> Iterator[tuple[TakenRanges, PortRange]]:
        for transport in share.protocol.transports:
            if share.ipv4:
                yield (
                    self._external.setdefault(transport, TakenRanges()),
                    share.external,
                )
            yield (
                self._device.setdefault((share.device_id, transport), TakenRanges()),
                share.ports,
            )
