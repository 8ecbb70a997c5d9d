"""PCP and NAT-PMP, which share a port: a datagram comes in, its answer goes out.

The broker decides. What it has granted is true in the kernel before the client hears of
it, and taken back if the kernel refuses.
"""

import asyncio
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from math import ceil
from typing import Final, Protocol

from . import natpmp, pcp
from .broker import Broker, Granted, NotAuthorized, Refused, Released, Shared
from .leases import AskedBy, Claim, Lease, Refusal, Wish

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

    def ipv4_of(self, device: str) -> IPv4Address | None:
        """Return the address that a device has at home now."""

    async def keep(self, changes: Collection[LeaseChange]) -> None:
        """Make changes of leases true. Raises LeaseRefused; nothing is done then."""

    def tell_request(self, outcome: NotAuthorized) -> None:
        """Tell the user what a device without permission has asked for."""


async def keep(
    household: Household, broker: Broker, outcomes: Collection[Granted | Released]
) -> None:
    """Make true what the broker has decided. Raises LeaseRefused; it is undone then."""
    try:
        await household.keep([changed(each) for each in outcomes])
    except LeaseRefused:
        for outcome in outcomes:
            broker.undo(outcome)
        raise


@dataclass(frozen=True, slots=True)
class MappingUpdate:
    """What the client of a lease by PCP is told unasked, and where it hears it."""

    client: Address
    port: int
    datagram: bytes


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

    async def answer(
        self, datagram: bytes, source: Address, port: int = natpmp.CLIENT_PORT
    ) -> bytes | None:
        """Return the answer to what came from an address and port of the home.

        None is silence.
        """
        # Who speaks only one of them says so to clients of the other.
        is_natpmp = datagram[:1] == bytes([natpmp.VERSION]) or not self._pcp
        if self._natpmp and is_natpmp and isinstance(source, IPv4Address):
            return await self._answer_natpmp(datagram, source)
        return await self._answer_pcp(datagram, source, port) if self._pcp else None

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

    def claims(self) -> Mapping[str, Claim]:
        """Return what there is by PCP: by the ids of the leases, for `mapping_updates`."""
        return {
            lease.lease_id: claim
            for lease in self._broker.leases
            if self._pcp and (claim := lease.claim(AskedBy.PCP))
        }

    def mapping_updates(self, stale: Mapping[str, Claim]) -> tuple[MappingUpdate, ...]:
        """Return what clients with these claims are told of the mappings they have now."""
        # "Once the PCP server has received a refreshed state for that mapping, the PCP
        # server SHOULD cease those retransmissions for that mapping"
        # -- RFC 6887 section 14.2
        updates = (
            self._mapping_update(lease, claim)
            for lease in self._broker.leases
            if (claim := stale.get(lease.lease_id)) and claim in lease.claims
        )
        return tuple(each for each in updates if each)

    def _mapping_update(self, lease: Lease, claim: Claim) -> MappingUpdate | None:
        # "Such unsolicited responses are identical to the MAP or PEER responses normally
        # returned in response to client MAP or PEER requests, containing newly updated
        # External IP Address and External Port values, and are sent to the same client IP
        # address and port that the PCP server used to send the prior response for that
        # mapping." -- RFC 6887 section 14.2. A device may have another address since.
        client = lease.address or self._household.ipv4_of(lease.device)
        external = lease.address or self._household.external_ipv4
        if client is None or external is None:
            return None
        remaining = ceil((claim.expires - self._clock()).total_seconds())
        if remaining <= 0:
            return None
        # "If the earlier associated request contained the FILTER option, the filters are
        # moved to the new mapping and the FILTER option is sent in the Mapping Update
        # response." -- RFC 6887 section 14.2
        request = pcp.MapRequest(
            nonce=claim.nonce,
            protocol=pcp.PROTOCOLS[lease.transport],
            internal_port=lease.port,
            external_port=lease.external_port,
            external_address=external,
            lifetime=remaining,
            filters=tuple(pcp.Filter.of(peers) for peers in claim.peers),
        )
        datagram = pcp.grant(
            request, lease.external_port, external, remaining, self._epoch_time()
        )
        return MappingUpdate(client, claim.client_port, datagram)

    def _epoch_time(self) -> int:
        return self._broker.epoch_time(self._clock())

    async def _answer_pcp(
        self, datagram: bytes, source: Address, port: int
    ) -> bytes | None:
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
                network for each in request.filters if (network := each.network)
            ),
            forget_peers=any(each.network is None for each in request.filters),
            client_port=port,
        )
        if not request.lifetime:
            reason = await self._end(wish)
            if reason in (None, Refusal.NOT_FOUND):
                return pcp.confirm_end(request, self._epoch_time())
            return self._refuse_pcp(datagram, reason)
        # The internet can call no such address.
        if wish.address and wish.address.is_link_local:
            return self._refuse_pcp(datagram, Refusal.NOT_PERMITTED)
        external = wish.address or self._household.external_ipv4
        if external is None:
            return self._refuse_pcp(datagram, Refusal.NO_INTERNET)
        if request.rules_out(external):
            return self._refuse_pcp(datagram, Refusal.PORT_TAKEN)
        outcome = await self._ask(wish)
        match outcome:
            case Granted(lease, lifetime):
                external_port = lease.external_port
            case Shared(external_port):
                lifetime = pcp.STATIC_LIFETIME
            case Refused(reason, lasts):
                return self._refuse_pcp(datagram, reason, lasts)
            case NotAuthorized():
                return self._refuse_pcp(datagram, outcome.reason, _ASK_AGAIN_AFTER)
        return pcp.grant(request, external_port, external, lifetime, self._epoch_time())

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
        if isinstance(outcome, Granted) and not await self._is_kept(outcome):
            return Refused(Refusal.FULL)
        return outcome

    async def _end(self, wish: Wish) -> Refusal | None:
        """End what a wish is about; return why not, if not."""
        outcome = self._broker.release(wish, self._clock())
        if isinstance(outcome, Refused):
            return outcome.reason
        return None if await self._is_kept(outcome) else Refusal.FULL

    async def _end_all(self, device: str, request: natpmp.MapRequest) -> Refusal | None:
        released, refused = self._broker.release_all(
            device, request.transport, self._clock()
        )
        # Each by itself: as many as possible must end.
        kept = await asyncio.gather(*(self._is_kept(each) for each in released))
        if not all(kept):
            return Refusal.FULL
        return refused.reason if refused else None

    async def _is_kept(self, outcome: Granted | Released) -> bool:
        """Make it true; return whether the kernel takes it.

        If not, clients are told that resources are short: "the NAT device cannot create
        more mappings at this time, [...] or is unable to handle the request due to some
        other temporary condition" -- RFC 6887 section 7.4
        """
        try:
            await keep(self._household, self._broker, [outcome])
        except LeaseRefused:
            return False
        return True


def changed(outcome: Granted | Released) -> LeaseChange:
    """Return the change of a lease that the broker has decided."""
    return LeaseChange(outcome.before, outcome.after)
