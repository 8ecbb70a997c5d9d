"""The external ports that leases have, may have, or have just had."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final
from zlib import crc32

from ..sharing.model import HIGHEST_PORT, Transport
from .leases import Lease, Leases, Refusal, Wish

# "The assigned external port [...] SHOULD NOT be reused for an interval equal to the reuse
# time limit enforced by the NAT for its implicit dynamic mappings (typically, the maximum
# TCP segment lifetime of 2 minutes [RFC0793]). [...] However, within these time windows, the
# PCP server SHOULD allow an external port to be reclaimed by the same client"
# -- RFC 6887 section 15
REST: Final = timedelta(minutes=2)

# "A PCP server MUST NOT create client mappings for external UDP ports 5350 or 5351."
# -- RFC 6887 section 11.3. The same for SSDP's port.
_FORBIDDEN: Final = frozenset((Transport.UDP, port) for port in (1900, 5350, 5351))

# Where another port is looked for: all over the ports from 1024 on, beginning where chance
# would, but for the same wish always at the same. After so many tries nearly all are taken,
# and nobody may keep us busy with the search for the last one.
_LOWEST_TRIED: Final = 1024
_COUNT_TRIED: Final = HIGHEST_PORT - _LOWEST_TRIED + 1
_STRIDE: Final = 20_011
_TRIES: Final = 1024

_COMPANIONS: Final = {
    Transport.TCP: Transport.UDP,
    Transport.UDP: Transport.TCP,
}


class ExternalPorts:
    """Finds the external port for a wish.

    A port that a lease has had rests: only the same device may have it again.
    """

    def __init__(
        self,
        leases: Leases,
        reserved: Callable[[Transport, int], bool],
        lowest: int,
    ) -> None:
        """Remember who has ports, which nobody gets, and from where on there are any."""
        self._leases = leases
        self._reserved = reserved
        self._lowest = lowest
        self._resting: dict[tuple[Transport, int], tuple[str, datetime]] = {}

    def choose(self, wish: Wish, now: datetime) -> int | Refusal:
        """Return the external port for a new lease, or why there is none."""
        if wish.address is not None:
            if not self._is_allowed(wish.transport, wish.port):
                return Refusal.NOT_PERMITTED
            if wish.exact and wish.external_port != wish.port:
                return Refusal.PORT_TAKEN
            return wish.port
        if wish.exact and not self._is_allowed(wish.transport, wish.external_port):
            return Refusal.PORT_FORBIDDEN
        if self._is_free(wish, wish.external_port, now):
            return wish.external_port
        if wish.exact:
            return Refusal.PORT_TAKEN
        # "If the request did not contain the PREFER_FAILURE option, and the PCP server can
        # assign some other external address and port for that protocol, then the PCP
        # server MUST do so" -- RFC 6887 section 11.3
        return next(
            (port for port in _other_ports(wish) if self._is_free(wish, port, now)),
            Refusal.FULL,
        )

    def let_rest(self, ended: Lease, now: datetime) -> None:
        """Keep the external port of a lease that has ended for its device."""
        self.forget_rested(now)
        if ended.address is None:
            port = (ended.transport, ended.external_port)
            self._resting.pop(port, None)  # so that they stay in the order of time
            self._resting[port] = (ended.device, now + REST)

    def forget_rested(self, now: datetime) -> None:
        """Let all devices have the ports that have rested."""
        rested = takewhile(lambda each: each[1][1] <= now, self._resting.items())
        for port, _ in [*rested]:
            del self._resting[port]

    def has_another(self, ended: Lease) -> bool:
        """Return whether another lease has the external port of one that has ended."""
        holder = self._leases.at_external(ended.transport, ended.external_port)
        return ended.address is None and holder is not None

    def _is_allowed(self, transport: Transport, port: int) -> bool:
        return port >= self._lowest and (transport, port) not in _FORBIDDEN

    def _is_free(self, wish: Wish, port: int, now: datetime) -> bool:
        """Return whether a device may have this external port of IPv4."""
        if (
            not self._is_allowed(wish.transport, port)
            or self._leases.at_external(wish.transport, port) is not None
            or self._reserved(wish.transport, port)
        ):
            return False
        # "The NAT gateway MUST reserve the companion port so the same client can choose to
        # map it in the future. For example, if a client requests to map TCP port 80, as
        # long as the client maintains the lease for that TCP port mapping, another client
        # with a different internal IP address MUST NOT be able to successfully acquire the
        # mapping for UDP port 80." -- RFC 6886 section 3.3
        companion = self._leases.at_external(_COMPANIONS[wish.transport], port)
        if companion is not None and companion.device != wish.device:
            return False
        device, until = self._resting.get((wish.transport, port), (wish.device, now))
        return device == wish.device or now >= until


def _other_ports(wish: Wish) -> Iterator[int]:
    begin = crc32(f"{wish.device} {wish.transport} {wish.port}".encode())
    for step in range(_TRIES):
        yield _LOWEST_TRIED + (begin + step * _STRIDE) % _COUNT_TRIED
