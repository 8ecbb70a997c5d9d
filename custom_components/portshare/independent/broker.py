"""Who may map which ports: the one place that decides for PCP, NAT-PMP and UPnP.

A wish goes in, an outcome comes out. The broker keeps the leases, but knows no sockets,
no kernel and no clock: who asks says what time it is, and undoes what the kernel refuses.
"""

from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from ..sharing.model import Family, Transport
from .approval import Answer, Approvals
from .external_ports import ExternalPorts
from .leases import AskedBy, Claim, Lease, Leases, Refusal, RemotePeers, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much devices may map. Lifetimes are in seconds."""

    lowest_port: int = 1024
    of_device: int = 32
    in_all: int = 256
    peers: int = 16
    lifetime: Mapping[AskedBy, int] = field(
        default=MappingProxyType(
            {
                AskedBy.PCP: 86_400,
                AskedBy.NATPMP: 86_400,
                AskedBy.UPNP: 604_800,
            }
        )
    )


class Surroundings(Protocol):
    """What the broker must know of the rest of the gateway, and asks anew each time."""

    @property
    def permitted(self) -> Container[str]:
        """The MAC addresses of the devices that may map ports."""

    @property
    def internet(self) -> Container[Family]:
        """The IP versions over which the internet can call now."""

    def reserved(self, transport: Transport, port: int) -> bool:
        """Return whether a share or the gateway itself has this external port."""

    def shared(self, wish: Wish) -> int | None:
        """Return the external port of a share that leads where the wish would."""

    def shares_any(self, device: str, transport: Transport) -> bool:
        """Return whether the device has a share of this transport."""


@dataclass(frozen=True, slots=True)
class Granted:
    """There is this lease, for `lifetime` seconds. It was `before`, if it is not new."""

    lease: Lease
    lifetime: int
    before: Lease | None = None

    @property
    def after(self) -> Lease:
        """What there is now, as `Released` has it."""
        return self.lease


@dataclass(frozen=True, slots=True)
class Shared:
    """A share leads there already, from this external port."""

    external_port: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer is no, and will be for `lifetime` seconds where that is known."""

    reason: Refusal
    lifetime: int | None = None


@dataclass(frozen=True, slots=True)
class NotAuthorized:
    """The device may not map ports. It is to be told if there is a request id."""

    wish: Wish
    request_id: str | None
    reason: ClassVar = Refusal.NOT_PERMITTED


@dataclass(frozen=True, slots=True)
class Released:
    """A claim has ended, and with the last one the lease: then `after` is None."""

    before: Lease
    after: Lease | None


class Broker:
    """Decides what devices may map, and keeps what they have mapped.

    A device can change only what is its own: leases belong to its MAC address.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        new_id: Callable[[], str],
        now: datetime,
        limits: Limits = Limits(),
    ) -> None:
        """Begin without leases, and with a new epoch."""
        self._surroundings = surroundings
        self._new_id = new_id
        self._limits = limits
        self._leases = Leases()
        self._approvals = Approvals(
            new_id, most=limits.in_all, most_of_device=limits.of_device
        )
        self._ports = ExternalPorts(
            self._leases, surroundings.reserved, limits.lowest_port
        )
        self._began = now
        self._askers: set[str] = set()

    @property
    def leases(self) -> Collection[Lease]:
        """All leases, in the order in which they came."""
        return tuple(self._leases)

    @property
    def askers(self) -> Container[str]:
        """The devices that have made use of their permission."""
        return self._askers

    def leases_of(self, device: str) -> Collection[Lease]:
        """Return the leases of a device."""
        return tuple(self._leases.of(device))

    def holder(self, transport: Transport, external_port: int) -> Lease | None:
        """Return the lease that has this external port of IPv4."""
        return self._leases.at_external(transport, external_port)

    def ask(
        self, wish: Wish, now: datetime
    ) -> Granted | Shared | Refused | NotAuthorized:
        """Return what becomes of a wish: a lease, new or with a new lifetime, or none."""
        shared = self._surroundings.shared(wish)
        if shared is not None and not wish.by_external_port:
            # "If the MAP request contains the PREFER_FAILURE option, but the suggested
            # external address and port do not match the external address and port of the
            # existing mapping, the PCP server MUST return CANNOT_PROVIDE_EXTERNAL."
            # -- RFC 6887 section 11.3
            if wish.exact and wish.external_port != shared:
                return Refused(Refusal.PORT_TAKEN)
            # Who may call a share is up to the user.
            if wish.peers:
                return Refused(Refusal.PEERS)
            # "If the existing mapping is static (created outside of PCP), the PCP server
            # MUST return the external address and port of the existing mapping in its
            # response" -- RFC 6887 section 11.3
            return Shared(shared)
        lease = self._find(wish)
        approved = self._approvals.covers(wish, now) or (
            lease is not None and lease.approved and lease.place == wish.place
        )
        if wish.device in self._surroundings.permitted:
            self._askers.add(wish.device)
        elif not approved:
            return NotAuthorized(wish, self._approvals.ask(wish, now))
        if lease is None:
            return self._open(wish, now)
        return self._renew(lease, wish, now)

    def undo(self, outcome: Granted | Released) -> None:
        """Take back what the kernel has refused: the claims of before are there again.

        What else was decided meanwhile stays. If the device has got the external port of
        an ended lease for another one, the ended lease does not come back.
        """
        before, after = outcome.before, outcome.after
        origin = before or after
        assert origin is not None
        lease = self._leases.get(origin.lease_id)
        claims = _claims_without(before, after, lease)
        if lease is None:
            if isinstance(outcome, Released) and not self._ports.has_another(origin):
                self._leases.put(replace(origin, claims=claims))
        elif claims:
            self._leases.put(
                replace(origin if lease is after else lease, claims=claims)
            )
        else:
            self._leases.drop(lease)

    def release(self, wish: Wish, now: datetime) -> Released | Refused:
        """End the claim that a device made by the same wish."""
        lease = self._find(wish)
        claim = lease.claim(wish.asked_by) if lease else None
        if lease is not None and claim is not None:
            return self._refuse_nonce(claim, wish, now) or self._end_claims(
                lease, now, {wish.asked_by}
            )
        # "If the PCP client attempts to delete a static mapping (i.e., a mapping created
        # outside of PCP itself) [...] the PCP server MUST return NOT_AUTHORIZED."
        # -- RFC 6887 section 15.1
        # "If the client attempts to delete a port mapping that was manually assigned by
        # some kind of configuration tool, the NAT gateway MUST respond with a 'Not
        # Authorized' error" -- RFC 6886 section 3.4
        if self._surroundings.shared(wish) is not None:
            return Refused(Refusal.NOT_OWNER)
        return Refused(Refusal.NOT_FOUND)

    def release_all(
        self, device: str, transport: Transport, now: datetime
    ) -> tuple[Collection[Released], Refused | None]:
        """End all that a device has by NAT-PMP; say no if not all could end."""
        # "If the gateway is unable to delete a port mapping, for example, because the
        # mapping was manually configured by the administrator, the gateway MUST still
        # delete as many port mappings as possible, but respond with a non-zero result
        # code." -- RFC 6886 section 3.4
        released = tuple(
            self._end_claims(lease, now, {AskedBy.NATPMP})
            for lease in self.leases_of(device)
            if lease.transport is transport and lease.claim(AskedBy.NATPMP)
        )
        if self._surroundings.shares_any(device, transport):
            return released, Refused(Refusal.NOT_OWNER)
        return released, None

    def release_external(
        self, device: str, transport: Transport, port: int, now: datetime
    ) -> Released | Refused:
        """End the claim that a device has by UPnP on an external port of IPv4."""
        lease = self._leases.at_external(transport, port)
        if lease is None and not self._surroundings.reserved(transport, port):
            return Refused(Refusal.NOT_FOUND)
        if lease is None or lease.device != device or not lease.claim(AskedBy.UPNP):
            return Refused(Refusal.NOT_OWNER)
        return self._end_claims(lease, now, {AskedBy.UPNP})

    def end(self, lease_id: str, now: datetime) -> Released | None:
        """End a lease, whoever claims it; None if it has ended already."""
        lease = self._leases.get(lease_id)
        return self._end_claims(lease, now, AskedBy) if lease else None

    def revoke(self, device: str, now: datetime) -> Collection[Released]:
        """End all leases of a device: its permission has ended."""
        return tuple(
            self._end_claims(lease, now, AskedBy) for lease in self.leases_of(device)
        )

    def withdraw(
        self, protocols: Container[AskedBy], now: datetime
    ) -> Collection[Released]:
        """End the claims by protocols that nobody serves any more.

        Nobody could renew them, nor end them.
        """
        return tuple(
            self._end_claims(lease, now, protocols)
            for lease in self.leases
            if any(claim.asked_by in protocols for claim in lease.claims)
        )

    def expire(self, now: datetime) -> Collection[Released]:
        """End the claims whose time is over."""
        released = []
        while (lease := self._leases.first_due()) is not None and lease.due <= now:
            over = {claim.asked_by for claim in lease.claims if claim.expires <= now}
            released.append(self._end_claims(lease, now, over))
        self._ports.forget_rested(now)
        return released

    def next_expiry(self) -> datetime | None:
        """Return when to call `expire` next."""
        lease = self._leases.first_due()
        return lease.due if lease else None

    def answer(self, request_id: str, answer: Answer, now: datetime) -> Wish:
        """Note what the user says to a request, and return what it was for.

        Raises UnknownRequest.
        """
        return self._approvals.answer(request_id, answer, now)

    def epoch_time(self, now: datetime) -> int:
        """Return the seconds since leases were lost last."""
        # "This time field increments by one every second." -- RFC 6887 section 8.5
        return max(0, int((now - self._began).total_seconds())) & 0xFFFFFFFF

    def begin_epoch(self, now: datetime) -> None:
        """Let clients know by the epoch time that they have to ask again."""
        # "If the PCP server resets or loses the state of its explicit dynamic mappings
        # [...] it MUST reset its Epoch time to its initial starting value (usually zero)
        # [...]. Similarly, if the external IP address(es) of the NAT (controlled by the
        # PCP server) changes, the Epoch time MUST be reset." -- RFC 6887 section 8.5
        self._began = now

    def as_dict(self) -> dict[str, Any]:
        """Return what a restart must not lose, as JSON can hold it."""
        return {
            "epoch": self._began.isoformat(),
            "askers": sorted(self._askers),
            "leases": [lease.as_dict() for lease in self._leases],
        }

    def restore(self, stored: dict[str, Any], now: datetime) -> Collection[Released]:
        """Go on with what `as_dict` returned before a restart.

        Returns what has ended meanwhile.
        """
        self._began = datetime.fromisoformat(stored["epoch"])
        self._askers.update(stored["askers"])
        for each in stored["leases"]:
            self._leases.put(Lease.from_dict(each))
        return self.expire(now)

    def _find(self, wish: Wish) -> Lease | None:
        """Return the lease of the device that a wish is about."""
        if wish.by_external_port:
            lease = self._leases.at_external(wish.transport, wish.external_port)
            return lease if lease is not None and lease.device == wish.device else None
        return min(
            self._leases.at(wish.place),
            key=lambda lease: (
                lease.claim(wish.asked_by) is None,
                lease.external_port != wish.external_port,
            ),
            default=None,
        )

    def _open(self, wish: Wish, now: datetime) -> Granted | Refused:
        if wish.family not in self._surroundings.internet:
            return Refused(Refusal.NO_INTERNET)
        # "If this limit is exceeded, the result code USER_EX_QUOTA is returned."
        # -- RFC 6887 section 11.3
        if len(self._leases.of(wish.device)) >= self._limits.of_device:
            return Refused(Refusal.QUOTA)
        if len(self._leases) >= self._limits.in_all:
            return Refused(Refusal.FULL)
        if len(wish.peers) > self._limits.peers:
            return Refused(Refusal.PEERS)
        external_port = self._ports.choose(wish, now)
        if isinstance(external_port, Refusal):
            return Refused(external_port)
        claim = self._claim(wish, wish.peers, now)
        return self._grant(
            Lease(
                lease_id=self._new_id(),
                device=wish.device,
                transport=wish.transport,
                port=wish.port,
                external_port=external_port,
                created=now,
                claims=(claim,),
                address=wish.address,
                approved=wish.device not in self._surroundings.permitted,
            ),
            wish,
        )

    def _renew(self, lease: Lease, wish: Wish, now: datetime) -> Granted | Refused:
        held = lease.claim(wish.asked_by)
        if held is not None and (refused := self._refuse_nonce(held, wish, now)):
            return refused
        if wish.exact and wish.external_port != lease.external_port:
            return Refused(Refusal.PORT_TAKEN)
        # UPnP may lead an external port elsewhere, but not for somebody else.
        if lease.port != wish.port and lease.claims != (held,):
            return Refused(Refusal.PORT_TAKEN)

        # "The filters indicated in the new request are added to any existing filters."
        # -- RFC 6887 section 13.3. Those of no use are never accepted: they cannot keep
        # out whom another claim lets in.
        before = () if held is None or wish.forget_peers else held.peers
        peers = tuple(dict.fromkeys(before + wish.peers))
        others = lease.without({wish.asked_by})
        if len(peers) > self._limits.peers or (
            wish.peers and others is not None and not others.peers
        ):
            return Refused(Refusal.PEERS)

        renewed = lease.with_claim(self._claim(wish, peers, now))
        if lease.port != wish.port:
            renewed = replace(renewed, port=wish.port)
        return self._grant(renewed, wish, lease)

    def _grant(self, lease: Lease, wish: Wish, before: Lease | None = None) -> Granted:
        self._leases.put(lease)
        return Granted(lease, self._lifetime(wish), before)

    def _claim(
        self, wish: Wish, peers: tuple[RemotePeers, ...], now: datetime
    ) -> Claim:
        return Claim(
            wish.asked_by,
            now + timedelta(seconds=self._lifetime(wish)),
            wish.nonce,
            peers,
            wish.description,
            wish.client_port,
        )

    def _lifetime(self, wish: Wish) -> int:
        return min(wish.lifetime, self._limits.lifetime[wish.asked_by])

    def _refuse_nonce(self, held: Claim, wish: Wish, now: datetime) -> Refused | None:
        # "If [...] the internal port, protocol, and internal address match an existing
        # explicit dynamic mapping, but the mapping nonce does not match, the request MUST
        # be rejected with a NOT_AUTHORIZED error with the lifetime of the error indicating
        # duration of that existing mapping." -- RFC 6887 section 11.3
        if held.nonce == wish.nonce:
            return None
        remaining = (held.expires - now).total_seconds()
        return Refused(Refusal.OTHER_NONCE, max(0, ceil(remaining)))

    def _end_claims(
        self, lease: Lease, now: datetime, gone: Container[AskedBy]
    ) -> Released:
        after = lease.without(gone)
        if after is not None:
            self._leases.put(after)
        else:
            self._leases.drop(lease)
            self._ports.let_rest(lease, now)
        return Released(lease, after)


def _claims_without(
    before: Lease | None, after: Lease | None, lease: Lease | None
) -> tuple[Claim, ...]:
    """Return the claims of a lease as if `before` had not become `after`."""
    was, became, now = (each.claims if each else () for each in (before, after, lease))
    claims = [each for each in was if each in now or each not in became]
    claims += [each for each in now if each not in became]
    return tuple({each.asked_by: each for each in claims}.values())
