"""What a UPnP internet gateway offers, as data: services, actions, state variables.

As in the UPnP Forum's WANIPConnection:1 and :2, WANIPv6FirewallControl:1,
WANCommonInterfaceConfig:1 and Layer3Forwarding:1; the names are theirs.
"""

from dataclasses import dataclass
from typing import Final

_SCHEMA: Final = "urn:schemas-upnp-org:service"


@dataclass(frozen=True, slots=True)
class Variable:
    """A state variable of a service: changes are told to subscribers if `evented`."""

    name: str
    data_type: str
    evented: bool = False
    allowed: tuple[str, ...] = ()
    allowed_range: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """What an action takes or gives, and the state variable that says of which type."""

    name: str
    variable: str


@dataclass(frozen=True, slots=True)
class Action:
    """What a service can be asked to do."""

    name: str
    takes: tuple[Argument, ...] = ()
    gives: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a device: `service_id` is what it is called there."""

    name: str
    version: int
    service_id: str
    actions: tuple[Action, ...]
    variables: tuple[Variable, ...]

    @property
    def type(self) -> str:
        """The service type."""
        return f"{_SCHEMA}:{self.name}:{self.version}"

    @property
    def evented(self) -> frozenset[str]:
        """The names of the state variables of which subscribers are told."""
        return frozenset(each.name for each in self.variables if each.evented)


def _new(*variables: str) -> tuple[Argument, ...]:
    """Return arguments that are called as their variables, with New before it."""
    return tuple(Argument(f"New{name}", name) for name in variables)


_ENTRY_KEY: Final = (
    *_new("RemoteHost", "ExternalPort"),
    Argument("NewProtocol", "PortMappingProtocol"),
)
_ENTRY_VALUE: Final = (
    *_new("InternalPort", "InternalClient"),
    Argument("NewEnabled", "PortMappingEnabled"),
    *_new("PortMappingDescription"),
    Argument("NewLeaseDuration", "PortMappingLeaseDuration"),
)
_ENTRY: Final = _ENTRY_KEY + _ENTRY_VALUE
_PORT_RANGE: Final = (
    Argument("NewStartPort", "ExternalPort"),
    Argument("NewEndPort", "ExternalPort"),
    Argument("NewProtocol", "PortMappingProtocol"),
    Argument("NewManage", "A_ARG_TYPE_Manage"),
)

_WAN_IP_ACTIONS: Final = (
    Action("SetConnectionType", takes=_new("ConnectionType")),
    Action(
        "GetConnectionTypeInfo",
        gives=_new("ConnectionType", "PossibleConnectionTypes"),
    ),
    Action("RequestConnection"),
    Action("ForceTermination"),
    Action(
        "GetStatusInfo",
        gives=_new("ConnectionStatus", "LastConnectionError", "Uptime"),
    ),
    Action("GetNATRSIPStatus", gives=_new("RSIPAvailable", "NATEnabled")),
    Action(
        "GetGenericPortMappingEntry",
        takes=(Argument("NewPortMappingIndex", "PortMappingNumberOfEntries"),),
        gives=_ENTRY,
    ),
    Action("GetSpecificPortMappingEntry", takes=_ENTRY_KEY, gives=_ENTRY_VALUE),
    Action("AddPortMapping", takes=_ENTRY),
    Action("DeletePortMapping", takes=_ENTRY_KEY),
    Action("GetExternalIPAddress", gives=_new("ExternalIPAddress")),
)
_WAN_IP_2_ACTIONS: Final = (
    Action(
        "AddAnyPortMapping",
        takes=_ENTRY,
        gives=(Argument("NewReservedPort", "ExternalPort"),),
    ),
    Action("DeletePortMappingRange", takes=_PORT_RANGE),
    Action(
        "GetListOfPortMappings",
        takes=(
            *_PORT_RANGE,
            Argument("NewNumberOfPorts", "PortMappingNumberOfEntries"),
        ),
        gives=(Argument("NewPortListing", "A_ARG_TYPE_PortListing"),),
    ),
)

_WAN_IP_VARIABLES: Final = (
    Variable("ConnectionType", "string"),
    Variable(
        "PossibleConnectionTypes",
        "string",
        evented=True,
        allowed=("Unconfigured", "IP_Routed", "IP_Bridged"),
    ),
    Variable(
        "ConnectionStatus",
        "string",
        evented=True,
        allowed=("Unconfigured", "Connected", "Disconnected"),
    ),
    Variable("Uptime", "ui4"),
    Variable("LastConnectionError", "string", allowed=("ERROR_NONE",)),
    Variable("RSIPAvailable", "boolean"),
    Variable("NATEnabled", "boolean"),
    Variable("ExternalIPAddress", "string", evented=True),
    Variable("PortMappingNumberOfEntries", "ui2", evented=True),
    Variable("PortMappingEnabled", "boolean"),
    Variable("PortMappingLeaseDuration", "ui4", allowed_range=(0, 604_800)),
    Variable("RemoteHost", "string"),
    Variable("ExternalPort", "ui2"),
    Variable("InternalPort", "ui2", allowed_range=(1, 65535)),
    Variable("PortMappingProtocol", "string", allowed=("TCP", "UDP")),
    Variable("InternalClient", "string"),
    Variable("PortMappingDescription", "string"),
)
_WAN_IP_2_VARIABLES: Final = (
    Variable("SystemUpdateID", "ui4", evented=True),
    Variable("A_ARG_TYPE_Manage", "boolean"),
    Variable("A_ARG_TYPE_PortListing", "string"),
)

# Some clients give up on a service of version 1 that knows anything of version 2.
WAN_IP_CONNECTION_1: Final = Service(
    "WANIPConnection",
    1,
    "urn:upnp-org:serviceId:WANIPConn1",
    _WAN_IP_ACTIONS,
    _WAN_IP_VARIABLES,
)
WAN_IP_CONNECTION_2: Final = Service(
    "WANIPConnection",
    2,
    "urn:upnp-org:serviceId:WANIPConn1",
    _WAN_IP_ACTIONS + _WAN_IP_2_ACTIONS,
    _WAN_IP_VARIABLES + _WAN_IP_2_VARIABLES,
)

_FLOW: Final = (
    Argument("RemoteHost", "A_ARG_TYPE_IPv6Address"),
    Argument("RemotePort", "A_ARG_TYPE_Port"),
    Argument("InternalClient", "A_ARG_TYPE_IPv6Address"),
    Argument("InternalPort", "A_ARG_TYPE_Port"),
    Argument("Protocol", "A_ARG_TYPE_Protocol"),
)
_UNIQUE_ID: Final = (Argument("UniqueID", "A_ARG_TYPE_UniqueID"),)

WAN_IPV6_FIREWALL_CONTROL: Final = Service(
    "WANIPv6FirewallControl",
    1,
    "urn:upnp-org:serviceId:WANIPv6Firewall1",
    (
        Action(
            "GetFirewallStatus",
            gives=(
                Argument("FirewallEnabled", "FirewallEnabled"),
                Argument("InboundPinholeAllowed", "InboundPinholeAllowed"),
            ),
        ),
        Action(
            "GetOutboundPinholeTimeout",
            takes=_FLOW,
            gives=(
                Argument("OutboundPinholeTimeout", "A_ARG_TYPE_OutboundPinholeTimeout"),
            ),
        ),
        Action(
            "AddPinhole",
            takes=(*_FLOW, Argument("LeaseTime", "A_ARG_TYPE_LeaseTime")),
            gives=_UNIQUE_ID,
        ),
        Action(
            "UpdatePinhole",
            takes=(*_UNIQUE_ID, Argument("NewLeaseTime", "A_ARG_TYPE_LeaseTime")),
        ),
        Action("DeletePinhole", takes=_UNIQUE_ID),
        Action(
            "GetPinholePackets",
            takes=_UNIQUE_ID,
            gives=(Argument("PinholePackets", "A_ARG_TYPE_PinholePackets"),),
        ),
        Action(
            "CheckPinholeWorking",
            takes=_UNIQUE_ID,
            gives=(Argument("IsWorking", "A_ARG_TYPE_Boolean"),),
        ),
    ),
    (
        Variable("FirewallEnabled", "boolean", evented=True),
        Variable("InboundPinholeAllowed", "boolean", evented=True),
        Variable("A_ARG_TYPE_OutboundPinholeTimeout", "ui4"),
        Variable("A_ARG_TYPE_IPv6Address", "string"),
        Variable("A_ARG_TYPE_Port", "ui2"),
        Variable("A_ARG_TYPE_Protocol", "ui2"),
        Variable("A_ARG_TYPE_LeaseTime", "ui4", allowed_range=(1, 86_400)),
        Variable("A_ARG_TYPE_UniqueID", "ui2"),
        Variable("A_ARG_TYPE_PinholePackets", "ui4"),
        Variable("A_ARG_TYPE_Boolean", "boolean"),
    ),
)

_COUNTERS: Final = (
    "TotalBytesSent",
    "TotalBytesReceived",
    "TotalPacketsSent",
    "TotalPacketsReceived",
)

WAN_COMMON_INTERFACE_CONFIG: Final = Service(
    "WANCommonInterfaceConfig",
    1,
    "urn:upnp-org:serviceId:WANCommonIFC1",
    (
        Action(
            "GetCommonLinkProperties",
            gives=_new(
                "WANAccessType",
                "Layer1UpstreamMaxBitRate",
                "Layer1DownstreamMaxBitRate",
                "PhysicalLinkStatus",
            ),
        ),
        *(Action(f"Get{counter}", gives=_new(counter)) for counter in _COUNTERS),
    ),
    (
        Variable(
            "WANAccessType", "string", allowed=("DSL", "POTS", "Cable", "Ethernet")
        ),
        Variable("Layer1UpstreamMaxBitRate", "ui4"),
        Variable("Layer1DownstreamMaxBitRate", "ui4"),
        Variable("PhysicalLinkStatus", "string", evented=True, allowed=("Up", "Down")),
        *(Variable(counter, "ui4") for counter in _COUNTERS),
    ),
)

LAYER_3_FORWARDING: Final = Service(
    "Layer3Forwarding",
    1,
    "urn:upnp-org:serviceId:L3Forwarding1",
    (
        Action("SetDefaultConnectionService", takes=_new("DefaultConnectionService")),
        Action("GetDefaultConnectionService", gives=_new("DefaultConnectionService")),
    ),
    (Variable("DefaultConnectionService", "string", evented=True),),
)
