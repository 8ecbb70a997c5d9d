"""Which ports are taken, and by which share."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from .model import HIGHEST_PORT, LOWEST_PORT, PortRange, Share, Transport


class TakenRanges:
    """Ranges of ports that do not overlap, each held by a share.

    Kept sorted: a lookup costs the logarithm of their number.
    """

    def __init__(self) -> None:
        """Begin with every port free."""
        self._ranges: list[tuple[PortRange, str]] = []

    def holders(self, wanted: PortRange) -> Iterator[str]:
        """Yield the shares that hold at least one of the wanted ports."""
        position = bisect_left(self._ranges, wanted.first, key=_last_port)
        for taken, share_id in self._ranges[position:]:
            if not taken.overlaps(wanted):
                return
            yield share_id

    def take(self, ports: PortRange, share_id: str) -> None:
        """Give the ports to a share; they must be free."""
        insort(self._ranges, (ports, share_id))

    def free(self, ports: PortRange, share_id: str) -> None:
        """Take the ports back from the share that holds exactly them."""
        self._ranges.remove((ports, share_id))

    def first_clash(self, wanted: PortRange) -> PortRange | None:
        """Return the lowest taken range that overlaps the wanted ports."""
        position = bisect_left(self._ranges, wanted.first, key=_last_port)
        if position == len(self._ranges):
            return None
        taken = self._ranges[position][0]
        return taken if taken.overlaps(wanted) else None


def _last_port(entry: tuple[PortRange, str]) -> int:
    return entry[0].last


class PortIndex:
    """The external ports of the gateway and the ports of its devices that are shared.

    A share that would clash is not entered: whoever came first keeps the port.
    """

    def __init__(self, shares: Iterable[Share] = ()) -> None:
        """Enter the given shares, in order."""
        self._external: dict[Transport, TakenRanges] = {}
        self._device: dict[tuple[str, Transport], TakenRanges] = {}
        self._entered: dict[str, Share] = {}
        for share in shares:
            self.enter(share)

    def enter(self, share: Share) -> bool:
        """Enter a share; return False and enter nothing if it clashes."""
        if any(self.external_holders(share)) or any(self.device_holders(share)):
            return False
        for ranges, ports in self._ranges_of(share):
            ranges.take(ports, share.share_id)
        self._entered[share.share_id] = share
        return True

    def remove(self, share_id: str) -> None:
        """Free the ports of a share; nothing happens if it is not entered."""
        if (share := self._entered.pop(share_id, None)) is None:
            return
        for ranges, ports in self._ranges_of(share):
            ranges.free(ports, share_id)

    def has(self, share_id: str) -> bool:
        """Return whether the share holds its ports."""
        return share_id in self._entered

    def external_holders(self, share: Share) -> Iterator[Share]:
        """Yield the other shares that hold an external port that this one wants."""
        if not share.ipv4:
            return
        for transport in share.protocol.transports:
            if ranges := self._external.get(transport):
                yield from self._others(ranges.holders(share.external), share)

    def device_holders(self, share: Share) -> Iterator[Share]:
        """Yield the other shares of the same device that hold a port it wants."""
        for transport in share.protocol.transports:
            if ranges := self._device.get((share.device_id, transport)):
                yield from self._others(ranges.holders(share.ports), share)

    def next_free_external(
        self, transports: Iterable[Transport], count: int, start: int
    ) -> PortRange | None:
        """Return the first `count` free external ports in a row from `start` upwards.

        The search goes round at 65535. None if there are not that many in a row.
        """
        wanted = tuple(transports)
        return self._search(wanted, count, start, HIGHEST_PORT) or self._search(
            wanted, count, LOWEST_PORT, min(start + count, HIGHEST_PORT)
        )

    def _search(
        self, transports: tuple[Transport, ...], count: int, start: int, end: int
    ) -> PortRange | None:
        first = start
        while first + count - 1 <= end:
            candidate = PortRange(first, first + count - 1)
            clashes = [
                clash.last
                for transport in transports
                if (ranges := self._external.get(transport))
                and (clash := ranges.first_clash(candidate))
            ]
            if not clashes:
                return candidate
            first = max(clashes) + 1
        return None

    def _others(self, share_ids: Iterator[str], share: Share) -> Iterator[Share]:
        for share_id in share_ids:
            if share_id != share.share_id:
                yield self._entered[share_id]

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
