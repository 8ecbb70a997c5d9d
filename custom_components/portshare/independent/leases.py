"""What devices ask for and what they have: wishes, and leases with their claims."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
import heapq
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, Final

from ..sharing.model import Family, Transport

# So many moments in vain are kept, though there may be hardly any leases.
_DUE_AT_LEAST: Final = 64


class AskedBy(StrEnum):
    """The protocol by which a device asks."""

    PCP = "pcp"
    NATPMP = "natpmp"
    UPNP = "upnp"


type RemotePeers = IPv4Network | IPv6Network
type Place = tuple[str, IPv6Address | None, Transport, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mapping:
    """What a mapping leads to: a TCP or UDP port of a device, known by its MAC address.

    `address` is the IPv6 address that is opened; None stands for IPv4, where the device
    has but one.
    """

    device: str
    transport: Transport
    port: int
    address: IPv6Address | None = None

    @property
    def place(self) -> Place:
        """The port of the device."""
        return (self.device, self.address, self.transport, self.port)

    @property
    def family(self) -> Family:
        """The IP version of the mapping."""
        return Family.IPV4 if self.address is None else Family.IPV6


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish(_Mapping):
    """A mapping that a device asks for.

    The external port is a hint, 0 is none; if `exact`, no other will do. The lifetime is
    in seconds and not 0, unless the wish is to end a mapping. Only `peers` may call, beside
    those of before unless `forget_peers`; all may if there are none. `client_port` is
    where a PCP client asks from, and hears what becomes of the mapping.
    """

    asked_by: AskedBy
    external_port: int = 0
    exact: bool = False
    lifetime: int = 0
    nonce: bytes = b""
    peers: tuple[RemotePeers, ...] = ()
    forget_peers: bool = False
    description: str = ""
    client_port: int = 0

    @property
    def by_external_port(self) -> bool:
        """Whether this means the mapping of an external port, wherever it leads.

        So does UPnP's AddPortMapping; all others mean the mapping of a device's port.
        """
        return self.exact and self.asked_by is AskedBy.UPNP and self.address is None


class Refusal(StrEnum):
    """Why a wish is not fulfilled."""

    NOT_PERMITTED = "not_permitted"
    OTHER_NONCE = "other_nonce"
    NOT_OWNER = "not_owner"
    NOT_FOUND = "not_found"
    PORT_FORBIDDEN = "port_forbidden"
    PORT_TAKEN = "port_taken"
    QUOTA = "quota"
    FULL = "full"
    NO_INTERNET = "no_internet"
    PEERS = "peers"


@dataclass(frozen=True, slots=True)
class Claim:
    """That a device asked for a lease by one protocol, and until when it has it."""

    asked_by: AskedBy
    expires: datetime
    nonce: bytes = b""
    peers: tuple[RemotePeers, ...] = ()
    description: str = ""
    client_port: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the claim as JSON can hold it."""
        return {
            "asked_by": self.asked_by.value,
            "expires": self.expires.isoformat(),
            "nonce": self.nonce.hex(),
            "peers": [str(peers) for peers in self.peers],
            "description": self.description,
            "client_port": self.client_port,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Claim:
        """Return the claim that `as_dict` made a dictionary of."""
        return cls(
            asked_by=AskedBy(stored["asked_by"]),
            expires=datetime.fromisoformat(stored["expires"]),
            nonce=bytes.fromhex(stored["nonce"]),
            peers=tuple(ip_network(peers) for peers in stored["peers"]),
            description=stored["description"],
            client_port=stored["client_port"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease(_Mapping):
    """A mapping that a device asked for itself. It goes with the last of its claims.

    One program may ask by several protocols for the same mapping: each is a claim.
    `approved`: the user allowed this mapping, though not the device.
    """

    lease_id: str
    external_port: int
    created: datetime
    claims: tuple[Claim, ...]
    approved: bool = False

    @property
    def expires(self) -> datetime:
        """When the last claim ends."""
        return max(claim.expires for claim in self.claims)

    @property
    def due(self) -> datetime:
        """When the first claim ends."""
        return min(claim.expires for claim in self.claims)

    @property
    def peers(self) -> tuple[RemotePeers, ...]:
        """Who may call; all may if there are none."""
        if not all(claim.peers for claim in self.claims):
            return ()
        return tuple(
            dict.fromkeys(peers for claim in self.claims for peers in claim.peers)
        )

    def claim(self, asked_by: AskedBy) -> Claim | None:
        """Return the claim by this protocol."""
        for claim in self.claims:
            if claim.asked_by is asked_by:
                return claim
        return None

    def with_claim(self, claim: Claim) -> Lease:
        """Return the lease with this claim, instead of an earlier one if there is."""
        others = (each for each in self.claims if each.asked_by is not claim.asked_by)
        return replace(self, claims=(*others, claim))

    def without(self, gone: Container[AskedBy]) -> Lease | None:
        """Return the lease without some claims; None if no other is left."""
        left = tuple(each for each in self.claims if each.asked_by not in gone)
        return replace(self, claims=left) if left else None

    def as_dict(self) -> dict[str, Any]:
        """Return the lease as JSON can hold it."""
        return {
            "lease_id": self.lease_id,
            "device": self.device,
            "transport": self.transport.value,
            "port": self.port,
            "external_port": self.external_port,
            "created": self.created.isoformat(),
            "claims": [claim.as_dict() for claim in self.claims],
            "address": self.address and str(self.address),
            "approved": self.approved,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Lease:
        """Return the lease that `as_dict` made a dictionary of."""
        return cls(
            lease_id=stored["lease_id"],
            device=stored["device"],
            transport=Transport(stored["transport"]),
            port=stored["port"],
            external_port=stored["external_port"],
            created=datetime.fromisoformat(stored["created"]),
            claims=tuple(Claim.from_dict(claim) for claim in stored["claims"]),
            address=stored["address"] and IPv6Address(stored["address"]),
            approved=stored["approved"],
        )


class Leases:
    """The leases in the order in which they came, found by whatever one looks for.

    What it costs to find, put and drop one is flat in their number.
    """

    def __init__(self) -> None:
        """There are none."""
        self._leases: dict[str, Lease] = {}
        self._external: dict[tuple[Transport, int], Lease] = {}
        self._places: defaultdict[Place, dict[str, Lease]] = defaultdict(dict)
        self._devices: defaultdict[str, dict[str, Lease]] = defaultdict(dict)
        # When claims end. What is no longer true is left in until it is met.
        self._due: list[tuple[datetime, str]] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._leases)

    def __iter__(self) -> Iterator[Lease]:
        """Yield all of them."""
        return iter(self._leases.values())

    def get(self, lease_id: str) -> Lease | None:
        """Return the lease with this id."""
        return self._leases.get(lease_id)

    def of(self, device: str) -> Collection[Lease]:
        """Return the leases of a device."""
        return self._devices[device].values() if device in self._devices else ()

    def at(self, place: Place) -> Collection[Lease]:
        """Return the leases that lead to a port of a device."""
        return self._places[place].values() if place in self._places else ()

    def at_external(self, transport: Transport, port: int) -> Lease | None:
        """Return the IPv4 lease of an external port."""
        return self._external.get((transport, port))

    def put(self, lease: Lease) -> None:
        """Enter a lease, or what has become of it. Its external port must be its own."""
        before = self._leases.get(lease.lease_id)
        if before is not None and before.place != lease.place:
            self.drop(before)
        self._leases[lease.lease_id] = lease
        self._places[lease.place][lease.lease_id] = lease
        self._devices[lease.device][lease.lease_id] = lease
        if lease.address is None:
            self._external[lease.transport, lease.external_port] = lease
        heapq.heappush(self._due, (lease.due, lease.lease_id))
        if len(self._due) > 2 * len(self) + _DUE_AT_LEAST:
            self._due = [(each.due, each.lease_id) for each in self]
            heapq.heapify(self._due)

    def drop(self, lease: Lease) -> None:
        """Take a lease out."""
        del self._leases[lease.lease_id]
        _take_out(self._places, lease.place, lease)
        _take_out(self._devices, lease.device, lease)
        if lease.address is None:
            del self._external[lease.transport, lease.external_port]

    def first_due(self) -> Lease | None:
        """Return the lease with the claim that ends first."""
        while self._due:
            due, lease_id = self._due[0]
            lease = self._leases.get(lease_id)
            if lease is not None and lease.due == due:
                return lease
            heapq.heappop(self._due)
        return None


def _take_out[K](index: dict[K, dict[str, Lease]], key: K, lease: Lease) -> None:
    del index[key][lease.lease_id]
    if not index[key]:
        del index[key]
