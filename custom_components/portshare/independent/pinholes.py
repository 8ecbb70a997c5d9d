"""The actions of WANIPv6FirewallControl: a device opens ports of its own addresses."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from typing import Any, Final

from ..sharing.model import Transport
from .broker import Broker, Granted, Refused
from .control import Arguments, Handler, Reply, Request, ask
from .leases import AskedBy, Lease, Refusal, RemotePeers, Wish
from .soap import ErrorCode, UpnpError

_LONGEST_LEASE: Final = 86_400
_HIGHEST_ID: Final = 0xFFFF
# The unique id of what a share opens: there is nothing to update or delete.
_OF_SHARE: Final = 0

# Numbers of IANA's. The last one is for every protocol.
_TRANSPORTS: Final = {6: Transport.TCP, 17: Transport.UDP}
_ANY_PROTOCOL: Final = 0xFFFF

_REFUSALS: Final = {
    Refusal.NOT_PERMITTED: ErrorCode.NOT_AUTHORIZED,
    Refusal.QUOTA: ErrorCode.PINHOLE_SPACE_EXHAUSTED,
    Refusal.FULL: ErrorCode.PINHOLE_SPACE_EXHAUSTED,
}


class Pinholes:
    """The actions on pinholes, each with a number that clients call it by."""

    def __init__(self, broker: Broker) -> None:
        """Open what the broker grants."""
        self._broker = broker
        self._ids: dict[str, int] = {}
        self._last_id = 0

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What does each action."""
        return {
            "GetFirewallStatus": self._get_status,
            "GetOutboundPinholeTimeout": self._get_timeout,
            "AddPinhole": self._add,
            "UpdatePinhole": self._update,
            "DeletePinhole": self._delete,
            "GetPinholePackets": self._get_packets,
            "CheckPinholeWorking": self._check_working,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return what a restart must not lose, as JSON can hold it."""
        return {"ids": self._ids, "last_id": self._last_id}

    def restore(self, stored: dict[str, Any]) -> None:
        """Go on with what `as_dict` returned before a restart."""
        self._ids = dict(stored["ids"])
        self._last_id = stored["last_id"]

    def _get_status(self, _: Request) -> Reply:
        # So it is for all. A device without permission may ask: then the user is told.
        return Reply((("FirewallEnabled", "1"), ("InboundPinholeAllowed", "1")))

    def _get_timeout(self, request: Request) -> Reply:
        timeout = request.measured.idle[_read_transport(request.arguments)]
        return Reply((("OutboundPinholeTimeout", str(timeout)),))

    def _add(self, request: Request) -> Reply:
        wish = self._read_wish(request)
        outcome = ask(self._broker, wish, request.now, _code_of)
        if isinstance(outcome, Granted):
            return Reply(_unique_id(self._id_of(outcome.lease)), (outcome,))
        return Reply(_unique_id(_OF_SHARE))

    def _update(self, request: Request) -> Reply:
        lease = self._find(request)
        claim = lease.claim(AskedBy.UPNP)
        if claim is None:
            raise UpnpError(ErrorCode.NO_SUCH_ENTRY)
        wish = _again(
            lease,
            lifetime=request.arguments.number("NewLeaseTime", _LONGEST_LEASE, lowest=1),
            peers=claim.peers,
        )
        outcome = ask(self._broker, wish, request.now, _code_of)
        return Reply(changes=(outcome,) if isinstance(outcome, Granted) else ())

    def _delete(self, request: Request) -> Reply:
        released = self._broker.release(_again(self._find(request)), request.now)
        if isinstance(released, Refused):
            raise UpnpError(ErrorCode.NO_SUCH_ENTRY)
        return Reply(changes=(released,))

    def _get_packets(self, request: Request) -> Reply:
        packets = self._packets(request) & 0xFFFFFFFF
        return Reply((("PinholePackets", str(packets)),))

    def _check_working(self, request: Request) -> Reply:
        if not self._packets(request):
            raise UpnpError(ErrorCode.NO_PACKET_SENT)
        return Reply((("IsWorking", "1"),))

    def _packets(self, request: Request) -> int:
        return request.measured.packets.get(self._find(request).lease_id, 0)

    def _read_wish(self, request: Request) -> Wish:
        arguments = request.arguments
        peers = _read_peers(arguments)
        transport = _read_transport(arguments)
        port = arguments.port("InternalPort")
        lifetime = arguments.number("LeaseTime", _LONGEST_LEASE, lowest=1)
        address = _read_address(arguments, "InternalClient")
        if port == 0:
            raise UpnpError(ErrorCode.INTERNAL_PORT_WILDCARDING_NOT_ALLOWED)
        if address not in request.client.ipv6 or address.is_link_local:
            raise UpnpError(ErrorCode.NOT_AUTHORIZED)
        wish = Wish(
            device=request.client.device,
            transport=transport,
            port=port,
            address=address,
            asked_by=AskedBy.UPNP,
            external_port=port,
            lifetime=lifetime,
        )
        if self._is_open_to_all(wish):
            peers = ()
        return replace(wish, peers=peers, forget_peers=not peers)

    def _is_open_to_all(self, wish: Wish) -> bool:
        """Return whether a pinhole of the client would become narrower by the wish.

        To have it for some more must not take it from the others.
        """
        return any(
            lease.place == wish.place
            and (claim := lease.claim(AskedBy.UPNP)) is not None
            and not claim.peers
            for lease in self._broker.leases_of(wish.device)
        )

    def _id_of(self, lease: Lease) -> int:
        """Return the unique id of a lease: the next free one if it has none yet."""
        if lease.lease_id not in self._ids:
            leases = {each.lease_id for each in self._broker.leases}
            self._ids = {key: each for key, each in self._ids.items() if key in leases}
            taken = {*self._ids.values()}
            while (next_id := self._last_id % _HIGHEST_ID + 1) in taken:
                self._last_id = next_id
            self._ids[lease.lease_id] = self._last_id = next_id
        return self._ids[lease.lease_id]

    def _find(self, request: Request) -> Lease:
        """Return the client's pinhole that a request is about."""
        unique_id = request.arguments.number("UniqueID", _HIGHEST_ID)
        for lease in self._broker.leases:
            if self._ids.get(lease.lease_id) == unique_id:
                if lease.device != request.client.device:
                    raise UpnpError(ErrorCode.NOT_AUTHORIZED)
                return lease
        raise UpnpError(ErrorCode.NO_SUCH_ENTRY)


def _unique_id(number: int) -> tuple[tuple[str, str], ...]:
    return (("UniqueID", str(number)),)


def _again(
    lease: Lease, lifetime: int = 0, peers: tuple[RemotePeers, ...] = ()
) -> Wish:
    """Return the wish for a pinhole that is there, by default for its end."""
    return Wish(
        device=lease.device,
        transport=lease.transport,
        port=lease.port,
        address=lease.address,
        asked_by=AskedBy.UPNP,
        external_port=lease.port,
        lifetime=lifetime,
        peers=peers,
    )


def _code_of(reason: Refusal) -> ErrorCode:
    return _REFUSALS.get(reason, ErrorCode.ACTION_FAILED)


def _read_transport(arguments: Arguments) -> Transport:
    number = arguments.number("Protocol", _ANY_PROTOCOL)
    if number == _ANY_PROTOCOL:
        raise UpnpError(ErrorCode.PROTOCOL_WILDCARDING_NOT_ALLOWED)
    if number not in _TRANSPORTS:
        raise UpnpError(ErrorCode.PROTOCOL_NOT_SUPPORTED)
    return _TRANSPORTS[number]


def _read_peers(arguments: Arguments) -> tuple[RemotePeers, ...]:
    # The firewall tells callers apart by address, not by their port. WANIPv6FirewallControl
    # has no error code for that, but UDA 1.1 has one: "The argument value is invalid".
    if arguments.port("RemotePort"):
        raise UpnpError(ErrorCode.ARGUMENT_VALUE_INVALID)
    if arguments.is_any_host("RemoteHost"):
        return ()
    return (IPv6Network(_read_address(arguments, "RemoteHost")),)


def _read_address(arguments: Arguments, name: str) -> IPv6Address:
    try:
        address = IPv6Address(arguments.value(name))
    except ValueError:
        raise UpnpError(ErrorCode.INVALID_ARGS) from None
    if address.scope_id is not None:
        raise UpnpError(ErrorCode.INVALID_ARGS)
    return address
