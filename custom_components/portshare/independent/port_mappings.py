"""The port mappings of WANIPConnection: a device has its own, and sees no others."""

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address
from math import ceil
from typing import Final

from ..sharing.model import Transport
from .broker import Broker, Granted, Released
from .control import Client, Handler, Reply, Request, ask
from .leases import AskedBy, Lease, Refusal, Wish
from .markup import cdata, document, element
from .soap import ErrorCode, UpnpError

# In seconds. WANIPConnection:2 knows no lease without end: 0 means this one.
_LONGEST_LEASE: Final = 604_800
_LISTING: Final = "urn:schemas-upnp-org:gw:WANIPConnection"

_REFUSALS: Final = {
    Refusal.NOT_PERMITTED: ErrorCode.NOT_AUTHORIZED,
    Refusal.NOT_OWNER: ErrorCode.NOT_AUTHORIZED,
    Refusal.NOT_FOUND: ErrorCode.NO_SUCH_ENTRY_IN_ARRAY,
    Refusal.PORT_FORBIDDEN: ErrorCode.NOT_AUTHORIZED,
    Refusal.PORT_TAKEN: ErrorCode.CONFLICT_IN_MAPPING_ENTRY,
}
# These codes are of version 2.
_REFUSALS_2: Final = _REFUSALS | {
    Refusal.QUOTA: ErrorCode.NO_PORT_MAPS_AVAILABLE,
    Refusal.FULL: ErrorCode.NO_PORT_MAPS_AVAILABLE,
}

# What entries of a listing are called otherwise than the arguments.
_LISTED: Final = {
    "NewPortMappingDescription": "NewDescription",
    "NewLeaseDuration": "NewLeaseTime",
}


class PortMappings:
    """The actions on port mappings. Each takes a request and may raise UpnpError."""

    def __init__(self, broker: Broker) -> None:
        """Map what the broker grants."""
        self._broker = broker

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What does each action."""
        return {
            "AddPortMapping": self._add,
            "AddAnyPortMapping": self._add_any,
            "DeletePortMapping": self._delete,
            "DeletePortMappingRange": self._delete_range,
            "GetGenericPortMappingEntry": self._get_generic,
            "GetSpecificPortMappingEntry": self._get_specific,
            "GetListOfPortMappings": self._get_list,
        }

    def of(self, device: str) -> list[Lease]:
        """Return the leases of a device that are port mappings, in the order they came."""
        return [
            lease for lease in self._broker.leases_of(device) if lease.address is None
        ]

    def _add(self, request: Request) -> Reply:
        if request.arguments.port("NewExternalPort") == 0:
            raise UpnpError(ErrorCode.WILDCARD_NOT_PERMITTED_IN_EXT_PORT)
        _, changes = self._map(request, exact=True)
        return Reply(changes=changes)

    def _add_any(self, request: Request) -> Reply:
        port, changes = self._map(request, exact=False)
        return Reply((("NewReservedPort", str(port)),), changes)

    def _map(self, request: Request, *, exact: bool) -> tuple[int, tuple[Granted, ...]]:
        """Return the external port that there is now, and what has changed for it."""
        wish = _read_wish(request, exact=exact)

        def code_of(reason: Refusal) -> ErrorCode:
            if request.gateway.version == 1:
                return _REFUSALS.get(reason, ErrorCode.ACTION_FAILED)
            if reason is Refusal.PORT_TAKEN and not self._is_of_upnp(wish):
                return ErrorCode.CONFLICT_WITH_OTHER_MECHANISMS
            return _REFUSALS_2.get(reason, ErrorCode.ACTION_FAILED)

        outcome = ask(self._broker, wish, request.now, code_of)
        if isinstance(outcome, Granted):
            return outcome.lease.external_port, (outcome,)
        return outcome.external_port, ()

    def _is_of_upnp(self, wish: Wish) -> bool:
        holder = self._broker.holder(wish.transport, wish.external_port)
        return holder is not None and holder.claim(AskedBy.UPNP) is not None

    def _delete(self, request: Request) -> Reply:
        arguments = request.arguments
        port = arguments.port("NewExternalPort")
        # Some clients do not say which protocol, and would leave the port open.
        transports = (
            (arguments.transport("NewProtocol"),)
            if arguments.value("NewProtocol")
            else (Transport.TCP, Transport.UDP)
        )
        if not arguments.is_any_host("NewRemoteHost"):
            raise UpnpError(ErrorCode.NO_SUCH_ENTRY_IN_ARRAY)
        outcomes = [
            self._broker.release_external(
                request.client.device, transport, port, request.now
            )
            for transport in transports
        ]
        released = tuple(each for each in outcomes if isinstance(each, Released))
        refused = [each for each in outcomes if not isinstance(each, Released)]
        if not released:
            raise UpnpError(_REFUSALS[refused[0].reason])
        return Reply(changes=released)

    def _delete_range(self, request: Request) -> Reply:
        outcomes = (
            self._broker.release_external(
                lease.device, lease.transport, lease.external_port, request.now
            )
            for lease in self._in_range(request)
        )
        released = tuple(each for each in outcomes if isinstance(each, Released))
        if not released:
            raise UpnpError(ErrorCode.PORT_MAPPING_NOT_FOUND)
        return Reply(changes=released)

    def _get_generic(self, request: Request) -> Reply:
        index = request.arguments.port("NewPortMappingIndex")
        leases = self.of(request.client.device)
        if index >= len(leases):
            raise UpnpError(ErrorCode.SPECIFIED_ARRAY_INDEX_INVALID)
        return Reply(_entry(leases[index], request.client, request.now))

    def _get_specific(self, request: Request) -> Reply:
        transport = request.arguments.transport("NewProtocol")
        port = request.arguments.port("NewExternalPort")
        lease = self._broker.holder(transport, port)
        if lease is None or not request.arguments.is_any_host("NewRemoteHost"):
            raise UpnpError(ErrorCode.NO_SUCH_ENTRY_IN_ARRAY)
        if lease.device != request.client.device:
            raise UpnpError(ErrorCode.NOT_AUTHORIZED)
        return Reply(_entry(lease, request.client, request.now)[3:])

    def _get_list(self, request: Request) -> Reply:
        most = request.arguments.port("NewNumberOfPorts")
        leases = self._in_range(request)[: most or None]
        if not leases:
            raise UpnpError(ErrorCode.PORT_MAPPING_NOT_FOUND)
        listing = element(
            "p:PortMappingList",
            [
                element(
                    "p:PortMappingEntry",
                    [
                        element(f"p:{_LISTED.get(name, name)}", value)
                        for name, value in _entry(lease, request.client, request.now)
                    ],
                )
                for lease in leases
            ],
            {"xmlns:p": _LISTING},
        )
        return Reply((("NewPortListing", cdata(document(listing))),))

    def _in_range(self, request: Request) -> list[Lease]:
        """Return the client's leases of some external ports.

        Only administrators manage those of others, and here they do not do it by UPnP;
        but clients ask for it out of habit.
        """
        arguments = request.arguments
        first = arguments.port("NewStartPort")
        last = arguments.port("NewEndPort")
        transport = arguments.transport("NewProtocol")
        arguments.boolean("NewManage")
        if first > last:
            raise UpnpError(ErrorCode.INCONSISTENT_PARAMETERS)
        return [
            lease
            for lease in self.of(request.client.device)
            if lease.transport is transport and first <= lease.external_port <= last
        ]


def _read_wish(request: Request, *, exact: bool) -> Wish:
    arguments = request.arguments
    wish = Wish(
        device=request.client.device,
        transport=arguments.transport("NewProtocol"),
        port=arguments.port("NewInternalPort"),
        asked_by=AskedBy.UPNP,
        external_port=arguments.port("NewExternalPort"),
        exact=exact,
        lifetime=arguments.number("NewLeaseDuration") or _LONGEST_LEASE,
        description=arguments.text("NewPortMappingDescription"),
    )
    enabled = arguments.boolean("NewEnabled")
    if wish.port == 0:
        raise UpnpError(
            ErrorCode.INVALID_ARGS
            if request.gateway.version == 1
            else ErrorCode.WILDCARD_NOT_PERMITTED_IN_INT_PORT
        )
    if not arguments.is_any_host("NewRemoteHost"):
        raise UpnpError(ErrorCode.REMOTE_HOST_ONLY_SUPPORTS_WILDCARD)
    if not _is_itself(request.client, arguments.value("NewInternalClient")):
        raise UpnpError(ErrorCode.NOT_AUTHORIZED)
    # There are no mappings that lead nowhere, and this must not open one.
    if not enabled:
        raise UpnpError(ErrorCode.ACTION_FAILED)
    return wish


def _is_itself(client: Client, host: str) -> bool:
    try:
        return IPv4Address(host) == client.ipv4
    except ValueError:
        return host.lower() in client.names


def _entry(lease: Lease, client: Client, now: datetime) -> tuple[tuple[str, str], ...]:
    claim = lease.claim(AskedBy.UPNP) or lease.claims[0]
    remaining = ceil((claim.expires - now).total_seconds())
    return (
        ("NewRemoteHost", ""),
        ("NewExternalPort", str(lease.external_port)),
        ("NewProtocol", lease.transport.name),
        ("NewInternalPort", str(lease.port)),
        ("NewInternalClient", str(client.ipv4 or "")),
        ("NewEnabled", "1"),
        ("NewPortMappingDescription", claim.description),
        ("NewLeaseDuration", str(max(0, remaining))),
    )
