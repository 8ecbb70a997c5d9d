"""PCP and NAT-PMP, which share a port: a datagram comes in, its answer goes out.

The broker decides. What it has granted is true in the kernel before the client hears of
it, and taken back if the kernel refuses.
"""

from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Protocol

from . import natpmp, pcp
from .broker import Broker, Granted, NotAuthorized, Refused, Released, Shared
from .leases import AskedBy, Lease, Refusal, RemotePeers, Wish

# The user may be asked, and may say yes, so a client without permission should ask again
# before long. RFC 6887 section 7.4 recommends half an hour for this error.
_ASK_AGAIN_AFTER: Final = 60

type Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class LeaseChange:
    """A lease that is new (`before` is None), has changed, or is gone (`after`)."""

    before: Lease | None
    after: Lease | None


class LeaseRefused(Exception):
    """The kernel does not take a lease."""


class Household(Protocol):
    """What the servers must know of the home, and what they ask of it."""

    @property
    def external_ipv4(self) -> IPv4Address | None:
        """The address that the internet calls now."""

    async def device_at(self, address: Address) -> str | None:
        """Return the MAC address of the device of the home that has this address."""

    async def keep(self, changes: Collection[LeaseChange]) -> None:
        """Make changes of leases true. Raises LeaseRefused; nothing is done then."""

    def tell_request(self, outcome: NotAuthorized) -> None:
        """Tell the user what a device without permission has asked for."""


class PortControl:
    """Answers datagrams of PCP and NAT-PMP."""

    def __init__(
        self,
        broker: Broker,
        household: Household,
        clock: Callable[[], datetime],
        protocols: Container[str] = frozenset(AskedBy),
    ) -> None:
        """Remember who decides, who makes it true, and which protocols are spoken."""
        self._broker = broker
        self._household = household
        self._clock = clock
        self._natpmp = AskedBy.NATPMP in protocols
        self._pcp = AskedBy.PCP in protocols

    async def answer(self, datagram: bytes, source: Address) -> bytes | None:
        """Return the answer to what came from an address of the home; None is silence."""
        # Who speaks only one of them says so to clients of the other.
        is_natpmp = datagram[:1] == bytes([natpmp.VERSION]) or not self._pcp
        if self._natpmp and is_natpmp and isinstance(source, IPv4Address):
            return await self._answer_natpmp(datagram, source)
        return await self._answer_pcp(datagram, source) if self._pcp else None

    def announcements(self, family: type[Address]) -> tuple[bytes, ...]:
        """Return what is told to all of the home: that a new epoch has begun."""
        epoch_time = self._epoch_time()
        announcements = []
        if self._natpmp and family is IPv4Address:
            external = self._household.external_ipv4
            announcements.append(natpmp.external_address(external, epoch_time))
        if self._pcp:
            announcements.append(pcp.announcement(epoch_time))
        return tuple(announcements)

    def _epoch_time(self) -> int:
        return self._broker.epoch_time(self._clock())

    async def _answer_pcp(self, datagram: bytes, source: Address) -> bytes | None:
        try:
            request = pcp.parse(datagram, source)
        except pcp.PcpError as err:
            return pcp.refuse(datagram, err.result, self._epoch_time())
        if request is None:
            return None
        if isinstance(request, pcp.Announce):
            return pcp.announcement(self._epoch_time())
        if (device := await self._household.device_at(source)) is None:
            return None
        if request.transport is None:
            return pcp.confirm_end(request, self._epoch_time())
        # The firewall tells callers apart by address, not by their port.
        if any(each.network and each.port for each in request.filters):
            return pcp.refuse(datagram, pcp.Result.UNSUPP_OPTION, self._epoch_time())
        wish = Wish(
            device=device,
            transport=request.transport,
            port=request.internal_port,
            address=source if isinstance(source, IPv6Address) else None,
            asked_by=AskedBy.PCP,
            external_port=request.external_port,
            exact=request.prefer_failure,
            lifetime=pcp.assigned_lifetime(request.lifetime),
            nonce=request.nonce,
            peers=tuple(
                RemotePeers(network)
                for each in request.filters
                if (network := each.network)
            ),
            forget_peers=any(each.network is None for each in request.filters),
        )
        if not request.lifetime:
            reason = await self._end(wish)
            if reason in (None, Refusal.NOT_FOUND):
                return pcp.confirm_end(request, self._epoch_time())
            return self._refuse_pcp(datagram, reason)
        external = wish.address or self._household.external_ipv4
        if external is None:
            return self._refuse_pcp(datagram, Refusal.NO_INTERNET)
        if request.rules_out(external):
            return self._refuse_pcp(datagram, Refusal.PORT_TAKEN)
        outcome = await self._ask(wish)
        match outcome:
            case Granted(lease, lifetime):
                port = lease.external_port
            case Shared(port):
                lifetime = pcp.STATIC_LIFETIME
            case Refused(reason, lasts):
                return self._refuse_pcp(datagram, reason, lasts)
            case NotAuthorized():
                return self._refuse_pcp(datagram, outcome.reason, _ASK_AGAIN_AFTER)
        return pcp.grant(request, port, external, lifetime, self._epoch_time())

    def _refuse_pcp(
        self, datagram: bytes, reason: Refusal, lifetime: int | None = None
    ) -> bytes:
        result = pcp.RESULTS[reason]
        return pcp.refuse(datagram, result, self._epoch_time(), lifetime)

    async def _answer_natpmp(
        self, datagram: bytes, source: IPv4Address
    ) -> bytes | None:
        try:
            request = natpmp.parse(datagram)
        except natpmp.NatPmpError as err:
            return natpmp.refuse_unknown(datagram, err.result, self._epoch_time())
        if request is None:
            return None
        external = self._household.external_ipv4
        if isinstance(request, natpmp.AddressRequest):
            return natpmp.external_address(external, self._epoch_time())
        if (device := await self._household.device_at(source)) is None:
            return None
        if request.ends_all:
            reason = await self._end_all(device, request)
            if reason is None:
                return natpmp.confirm_end(request, self._epoch_time())
            return self._refuse_natpmp(request, reason)
        wish = Wish(
            device=device,
            transport=request.transport,
            port=request.internal_port,
            asked_by=AskedBy.NATPMP,
            external_port=request.external_port,
            lifetime=request.lifetime,
        )
        if not request.lifetime:
            reason = await self._end(wish)
            if reason in (None, Refusal.NOT_FOUND):
                return natpmp.confirm_end(request, self._epoch_time())
            return self._refuse_natpmp(request, reason)
        if not request.internal_port:
            return self._refuse_natpmp(request, Refusal.PORT_FORBIDDEN)
        if external is None:
            return self._refuse_natpmp(request, Refusal.NO_INTERNET)
        match await self._ask(wish):
            case Granted(lease, lifetime):
                port = lease.external_port
            case Shared(port):
                lifetime = request.lifetime
            case Refused(reason) | NotAuthorized(reason=reason):
                return self._refuse_natpmp(request, reason)
        return natpmp.grant(request, port, lifetime, self._epoch_time())

    def _refuse_natpmp(self, request: natpmp.MapRequest, reason: Refusal) -> bytes:
        return natpmp.refuse(request, natpmp.RESULTS[reason], self._epoch_time())

    async def _ask(self, wish: Wish) -> Granted | Shared | Refused | NotAuthorized:
        """Let the broker decide, and make it true."""
        outcome = self._broker.ask(wish, self._clock())
        if isinstance(outcome, NotAuthorized) and outcome.request_id:
            self._household.tell_request(outcome)
        if isinstance(outcome, Granted):
            try:
                await self._household.keep([LeaseChange(outcome.before, outcome.lease)])
            except LeaseRefused:
                self._broker.undo(outcome)
                return Refused(Refusal.FULL)
        return outcome

    async def _end(self, wish: Wish) -> Refusal | None:
        """End what a wish is about; return why not, if not."""
        outcome = self._broker.release(wish, self._clock())
        if isinstance(outcome, Refused):
            return outcome.reason
        await self._household.keep([LeaseChange(outcome.before, outcome.after)])
        return None

    async def _end_all(self, device: str, request: natpmp.MapRequest) -> Refusal | None:
        released, refused = self._broker.release_all(
            device, request.transport, self._clock()
        )
        await self._household.keep([changed(each) for each in released])
        return refused.reason if refused else None


def changed(released: Released) -> LeaseChange:
    """Return the change that the end of a claim is."""
    return LeaseChange(released.before, released.after)
