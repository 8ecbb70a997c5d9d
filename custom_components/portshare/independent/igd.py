"""What a UPnP internet gateway does when a client asks it to.

A call goes in, a reply comes out: what the action gives, and the leases that it changed.
Whatever would change the internet connection itself is refused.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from .broker import Broker
from .control import (
    HIGHEST_UI4,
    Arguments,
    Client,
    Handler,
    Measured,
    Reply,
    Request,
    Traffic,
    Wan,
)
from .descriptions import Device
from .pinholes import Pinholes
from .port_mappings import PortMappings
from .services import (
    WAN_COMMON_INTERFACE_CONFIG,
    WAN_IP_CONNECTION_1,
    WAN_IP_CONNECTION_2,
    WAN_IPV6_FIREWALL_CONTROL,
    Action,
    Service,
)
from .soap import Call, ErrorCode, UpnpError

_ROUTED: Final = "IP_Routed"

# KTorrent leaves out the host that may call, and means every host.
_LEFT_OUT: Final = {"NewRemoteHost": ""}

# The actions that tell what has to be measured.
MEASURING: Final = frozenset(
    {
        "GetCommonLinkProperties",
        "GetTotalBytesSent",
        "GetTotalBytesReceived",
        "GetTotalPacketsSent",
        "GetTotalPacketsReceived",
        "GetOutboundPinholeTimeout",
        "GetPinholePackets",
        "CheckPinholeWorking",
    }
)


class Igd:
    """The actions of all services of both gateways."""

    def __init__(self, broker: Broker) -> None:
        """Do what the broker grants."""
        self._port_mappings = PortMappings(broker)
        self._pinholes = Pinholes(broker)
        self._update_id = 0
        self._handlers: Mapping[str, Handler] = {
            **_CONNECTION,
            **self._port_mappings.handlers,
            **self._pinholes.handlers,
        }

    def act(
        self,
        gateway: Device,
        service: Service,
        call: Call,
        client: Client,
        now: datetime,
        wan: Wan,
        measured: Measured = Measured(),
    ) -> Reply:
        """Do what a client has posted to a service of one of the gateways.

        What is `measured` is for the actions of MEASURING. Raises UpnpError, of which
        Unauthorized is to be told to the user.
        """
        action = _find_action(service, call)
        arguments = {**_LEFT_OUT, **call.arguments}
        if any(argument.name not in arguments for argument in action.takes):
            raise UpnpError(ErrorCode.INVALID_ARGS)
        request = Request(gateway, Arguments(arguments), client, now, wan, measured)
        return self._handlers[action.name](request)

    def variables(
        self, gateway: Device, service: Service, device: str, wan: Wan
    ) -> dict[str, str]:
        """Return the values of the evented state variables, as a device may know them."""
        match service.name:
            case WAN_IP_CONNECTION_2.name:
                values = {
                    "PossibleConnectionTypes": _ROUTED,
                    "ConnectionStatus": _status(wan),
                    "ExternalIPAddress": _address(wan),
                    "PortMappingNumberOfEntries": str(
                        len(self._port_mappings.of(device))
                    ),
                    "SystemUpdateID": str(self._update_id),
                }
            case WAN_IPV6_FIREWALL_CONTROL.name:
                values = {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"}
            case WAN_COMMON_INTERFACE_CONFIG.name:
                values = {"PhysicalLinkStatus": _link_status(wan)}
            case _:
                values = {"DefaultConnectionService": _default_service(gateway)}
        return {
            name: value for name, value in values.items() if name in service.evented
        }

    def note_change(self) -> None:
        """Note that port mappings have changed, by whichever protocol."""
        self._update_id = (self._update_id + 1) & HIGHEST_UI4

    def as_dict(self) -> dict[str, Any]:
        """Return what a restart must not lose, as JSON can hold it."""
        return {"pinholes": self._pinholes.as_dict()}

    def restore(self, stored: dict[str, Any]) -> None:
        """Go on with what `as_dict` returned before a restart."""
        self._pinholes.restore(stored["pinholes"])


def _find_action(service: Service, call: Call) -> Action:
    """Return the action that is called, of the service that it was posted to.

    A client of version 2 posts actions on pinholes to the neighbour of the service that
    has them. Those of version 1 must not find there what is not of version 1.
    """
    services = [service]
    if service is WAN_IP_CONNECTION_2:
        services.append(WAN_IPV6_FIREWALL_CONTROL)
    if call.service in [each.name for each in services]:
        for each in services:
            for action in each.actions:
                if action.name == call.action:
                    return action
    raise UpnpError(ErrorCode.INVALID_ACTION)


def _refuse(_: Request) -> Reply:
    raise UpnpError(ErrorCode.NOT_AUTHORIZED)


def _get_connection_type(_: Request) -> Reply:
    return Reply(
        (("NewConnectionType", _ROUTED), ("NewPossibleConnectionTypes", _ROUTED))
    )


def _get_status(request: Request) -> Reply:
    since = request.wan.since
    uptime = 0 if since is None else int((request.now - since).total_seconds())
    return Reply(
        (
            ("NewConnectionStatus", _status(request.wan)),
            ("NewLastConnectionError", "ERROR_NONE"),
            ("NewUptime", str(max(0, uptime) & HIGHEST_UI4)),
        )
    )


def _get_nat_status(_: Request) -> Reply:
    return Reply((("NewRSIPAvailable", "0"), ("NewNATEnabled", "1")))


def _get_address(request: Request) -> Reply:
    return Reply((("NewExternalIPAddress", _address(request.wan)),))


def _get_link(request: Request) -> Reply:
    rate = str(min(request.measured.rate, HIGHEST_UI4))
    return Reply(
        (
            ("NewWANAccessType", "Ethernet"),
            ("NewLayer1UpstreamMaxBitRate", rate),
            ("NewLayer1DownstreamMaxBitRate", rate),
            ("NewPhysicalLinkStatus", _link_status(request.wan)),
        )
    )


def _counter(name: str, read: Callable[[Traffic], int]) -> Handler:
    def get(request: Request) -> Reply:
        # It begins again at 0 when 32 bits are full.
        return Reply(((name, str(read(request.measured.traffic) & HIGHEST_UI4)),))

    return get


def _get_default_service(request: Request) -> Reply:
    return Reply((("NewDefaultConnectionService", _default_service(request.gateway)),))


def _status(wan: Wan) -> str:
    return "Disconnected" if wan.since is None else "Connected"


def _address(wan: Wan) -> str:
    return str(wan.address or "")


def _link_status(wan: Wan) -> str:
    return "Down" if wan.since is None else "Up"


def _default_service(gateway: Device) -> str:
    *_, innermost = gateway
    name = f"{innermost.udn}:{innermost.kind}:{innermost.version}"
    return f"{name},{WAN_IP_CONNECTION_1.service_id}"


_CONNECTION: Final[Mapping[str, Handler]] = {
    "SetConnectionType": _refuse,
    "GetConnectionTypeInfo": _get_connection_type,
    "RequestConnection": _refuse,
    "ForceTermination": _refuse,
    "GetStatusInfo": _get_status,
    "GetNATRSIPStatus": _get_nat_status,
    "GetExternalIPAddress": _get_address,
    "GetCommonLinkProperties": _get_link,
    "GetTotalBytesSent": _counter("NewTotalBytesSent", lambda each: each.bytes_sent),
    "GetTotalBytesReceived": _counter(
        "NewTotalBytesReceived", lambda each: each.bytes_received
    ),
    "GetTotalPacketsSent": _counter(
        "NewTotalPacketsSent", lambda each: each.packets_sent
    ),
    "GetTotalPacketsReceived": _counter(
        "NewTotalPacketsReceived", lambda each: each.packets_received
    ),
    "SetDefaultConnectionService": _refuse,
    "GetDefaultConnectionService": _get_default_service,
}
