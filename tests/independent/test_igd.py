"""Each action of the gateways, each error code, and what nobody may do."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network
import json
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.independent.broker import Granted, Limits, Released
from custom_components.portshare.independent.control import (
    Client,
    Measured,
    Reply,
    Traffic,
    Unauthorized,
    Wan,
)
from custom_components.portshare.independent.descriptions import Device, gateways
from custom_components.portshare.independent.igd import Igd
from custom_components.portshare.independent.leases import AskedBy, Lease, RemotePeers
from custom_components.portshare.independent.services import (
    WAN_IP_CONNECTION_1,
    Action,
    Service,
)
from custom_components.portshare.independent.soap import Call, UpnpError
from custom_components.portshare.sharing.model import Family, Transport

from .test_broker import (
    GUEST,
    HOUR,
    MINUTE,
    NAS,
    NOON,
    PC,
    Surroundings,
    grant,
    new_broker,
    pcp,
)

TCP, UDP = Transport.TCP, Transport.UDP
V1, V2 = gateways(UUID(int=1))
BOTH = pytest.mark.parametrize("gateway", [V1, V2], ids=["v1", "v2"])

NAS_IPV6 = IPv6Address("2001:db8:1::1")
CLIENTS = {
    NAS: Client(
        device=NAS,
        ipv4=IPv4Address("192.168.1.1"),
        ipv6=frozenset({NAS_IPV6, IPv6Address("fe80::1")}),
        names=frozenset({"nas", "nas.lan"}),
    ),
    PC: Client(
        device=PC,
        ipv4=IPv4Address("192.168.1.2"),
        ipv6=frozenset({IPv6Address("2001:db8:1::2")}),
    ),
    GUEST: Client(device=GUEST, ipv4=IPv4Address("192.168.1.3")),
}

ENTRY = {
    "NewRemoteHost": "",
    "NewExternalPort": "8080",
    "NewProtocol": "TCP",
    "NewInternalPort": "80",
    "NewInternalClient": "192.168.1.1",
    "NewEnabled": "1",
    "NewPortMappingDescription": "Web",
    "NewLeaseDuration": "3600",
}
KEY = {name: ENTRY[name] for name in [*ENTRY][:3]}
RANGE = {
    "NewStartPort": "8000",
    "NewEndPort": "9000",
    "NewProtocol": "TCP",
    "NewManage": "0",
}
LIST = RANGE | {"NewNumberOfPorts": "0"}
PINHOLE = {
    "RemoteHost": "",
    "RemotePort": "0",
    "InternalClient": str(NAS_IPV6),
    "InternalPort": "8080",
    "Protocol": "6",
    "LeaseTime": "3600",
}
ARGUMENTS = {
    "AddPortMapping": ENTRY,
    "AddAnyPortMapping": ENTRY,
    "DeletePortMapping": KEY,
    "GetSpecificPortMappingEntry": KEY,
    "GetGenericPortMappingEntry": {"NewPortMappingIndex": "0"},
    "DeletePortMappingRange": RANGE,
    "GetListOfPortMappings": LIST,
    "AddPinhole": PINHOLE,
    "GetOutboundPinholeTimeout": PINHOLE,
    "UpdatePinhole": {"UniqueID": "1", "NewLeaseTime": "7200"},
    "DeletePinhole": {"UniqueID": "1"},
    "GetPinholePackets": {"UniqueID": "1"},
    "CheckPinholeWorking": {"UniqueID": "1"},
    "SetConnectionType": {"NewConnectionType": "IP_Bridged"},
    "SetDefaultConnectionService": {"NewDefaultConnectionService": "x"},
}
WITH_ENTRY = ["AddPortMapping", "AddAnyPortMapping"]
IN_RANGE = ["DeletePortMappingRange", "GetListOfPortMappings"]
ON_PINHOLE = [action for action, each in ARGUMENTS.items() if "UniqueID" in each]


class Home:
    """Both gateways in front of one broker, and devices that post to them."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.surroundings = Surroundings()
        self.broker = new_broker(self.surroundings, limits)
        self.igd = Igd(self.broker)
        self.packets = 0
        self.wan = Wan(
            address=IPv4Address("203.0.113.7"),
            since=NOON - HOUR,
        )

    @property
    def measured(self) -> Measured:
        return Measured(
            rate=2**40,
            traffic=Traffic(1, 2**32 + 2, 3, 2**32 - 1),
            idle={TCP: 432_000, UDP: 120},
            packets={each.lease_id: self.packets for each in self.broker.leases},
        )

    def reply(
        self,
        action: str,
        *,
        gateway: Device = V2,
        device: str = NAS,
        now: datetime = NOON,
        posted_to: str | None = None,
        **changes: Any,
    ) -> Reply:
        """Return what becomes of an action, with its usual arguments but for changes."""
        service = service_of(gateway, action)
        arguments = ARGUMENTS.get(action, {}) | changes
        if device != NAS and arguments.get("NewInternalClient") == "192.168.1.1":
            arguments["NewInternalClient"] = str(CLIENTS[device].ipv4)
        return self.igd.act(
            gateway,
            gateway.service(posted_to) or service if posted_to else service,
            Call(service.type, action, arguments),
            CLIENTS[device],
            now,
            self.wan,
            self.measured,
        )

    def results(self, action: str, **changes: Any) -> dict[str, str]:
        return dict(self.reply(action, **changes).results)

    def granted(self, action: str = "AddPortMapping", **changes: Any) -> Lease:
        (change,) = self.reply(action, **changes).changes
        assert isinstance(change, Granted)
        return change.lease

    def released(self, action: str, **changes: Any) -> list[Lease]:
        leases = []
        for change in self.reply(action, **changes).changes:
            assert isinstance(change, Released)
            leases.append(change.before)
        return leases

    def error(self, action: str, **changes: Any) -> int:
        """Return why an action is refused, which must have changed nothing."""
        before = self.broker.leases
        with pytest.raises(UpnpError) as caught:
            self.reply(action, **changes)
        assert self.broker.leases == before
        return int(caught.value.code)


@pytest.fixture
def home() -> Home:
    return Home()


def service_of(gateway: Device, action: str) -> Service:
    """Return the service that has an action, even if only of version 2."""
    for device in V2:
        for service in device.services:
            if action in [each.name for each in service.actions]:
                found = gateway.service(service.name)
                assert found is not None
                return found
    raise AssertionError(action)


# ---- all actions --------------------------------------------------------------------

ALL_ACTIONS = [
    pytest.param(gateway, action, id=f"v{gateway.version}-{action.name}")
    for gateway in (V1, V2)
    for device in gateway
    for service in device.services
    for action in service.actions
]
REFUSED = [
    "SetConnectionType",
    "RequestConnection",
    "ForceTermination",
    "SetDefaultConnectionService",
]


@pytest.mark.parametrize(("gateway", "action"), ALL_ACTIONS)
def test_an_action_gives_what_its_description_says(
    home: Home, gateway: Device, action: Action
) -> None:
    if action.name in REFUSED:
        assert home.error(action.name, gateway=gateway) == 606
        return
    home.packets = 1
    if action.name not in WITH_ENTRY:
        home.granted()
    if action.name in ON_PINHOLE:
        home.granted("AddPinhole")
    reply = home.reply(action.name, gateway=gateway)
    assert [name for name, _ in reply.results] == [each.name for each in action.gives]


@pytest.mark.parametrize(("gateway", "action"), ALL_ACTIONS)
def test_an_action_needs_all_of_its_arguments(
    home: Home, gateway: Device, action: Action
) -> None:
    service = service_of(gateway, action.name)
    arguments = ARGUMENTS.get(action.name, {})
    for argument in action.takes:
        if argument.name == "NewRemoteHost":
            continue
        left = {name: text for name, text in arguments.items() if name != argument.name}
        call = Call(service.type, action.name, left)
        with pytest.raises(UpnpError, match="402"):
            home.igd.act(gateway, service, call, CLIENTS[NAS], NOON, home.wan)


def test_a_remote_host_that_is_left_out_is_every_host(home: Home) -> None:
    """As KTorrent does."""
    for action in ("AddPortMapping", "DeletePortMapping"):
        arguments = ARGUMENTS[action].copy()
        del arguments["NewRemoteHost"]
        call = Call(WAN_IP_CONNECTION_1.type, action, arguments)
        home.igd.act(V1, WAN_IP_CONNECTION_1, call, CLIENTS[NAS], NOON, home.wan)
        assert len(home.broker.leases) == (action == "AddPortMapping")


@pytest.mark.parametrize(("gateway", "action"), ALL_ACTIONS)
@given(st.data())
def test_whatever_the_arguments_are_an_action_is_done_or_refused(
    gateway: Device, action: Action, data: st.DataObject
) -> None:
    home = Home()
    value = st.text() | st.integers().map(str) | st.sampled_from(["", "TCP", "1", "6"])
    changes: dict[str, Any] = data.draw(
        st.dictionaries(st.sampled_from([each.name for each in action.takes]), value)
        if action.takes
        else st.just({})
    )
    with suppress(UpnpError):
        home.reply(action.name, gateway=gateway, **changes)
    for lease in home.broker.leases:
        assert lease.device == NAS


@pytest.mark.parametrize(
    ("action", "argument", "value", "code"),
    [
        *((action, "NewExternalPort", "65536", 601) for action in WITH_ENTRY),
        *((action, "NewExternalPort", "-1", 402) for action in WITH_ENTRY),
        *((action, "NewExternalPort", "http", 402) for action in WITH_ENTRY),
        *((action, "NewExternalPort", "1" * 11, 402) for action in WITH_ENTRY),
        *((action, "NewExternalPort", "\u0663", 402) for action in WITH_ENTRY),
        *((action, "NewInternalPort", "65536", 601) for action in WITH_ENTRY),
        *((action, "NewInternalPort", "0", 732) for action in WITH_ENTRY),
        *((action, "NewInternalPort", "", 732) for action in WITH_ENTRY),
        *((action, "NewProtocol", "ICMP", 600) for action in WITH_ENTRY),
        *((action, "NewProtocol", "", 600) for action in WITH_ENTRY),
        *((action, "NewEnabled", "", 402) for action in WITH_ENTRY),
        *((action, "NewEnabled", "maybe", 402) for action in WITH_ENTRY),
        *((action, "NewEnabled", "0", 501) for action in WITH_ENTRY),
        *((action, "NewLeaseDuration", "4294967296", 601) for action in WITH_ENTRY),
        *((action, "NewLeaseDuration", "for ever", 402) for action in WITH_ENTRY),
        *((action, "NewRemoteHost", "198.51.100.1", 726) for action in WITH_ENTRY),
        *((action, "NewInternalClient", "192.168.1.2", 606) for action in WITH_ENTRY),
        *((action, "NewInternalClient", "192.168.1.254", 606) for action in WITH_ENTRY),
        *((action, "NewInternalClient", "127.0.0.1", 606) for action in WITH_ENTRY),
        *((action, "NewInternalClient", "pc.lan", 606) for action in WITH_ENTRY),
        *((action, "NewInternalClient", "None", 606) for action in WITH_ENTRY),
        *((action, "NewInternalClient", "", 606) for action in WITH_ENTRY),
        ("AddPortMapping", "NewExternalPort", "0", 716),
        ("AddPortMapping", "NewExternalPort", "", 716),
        ("AddPortMapping", "NewExternalPort", "443", 606),
        ("DeletePortMapping", "NewExternalPort", "65536", 601),
        ("DeletePortMapping", "NewExternalPort", "8081", 714),
        ("DeletePortMapping", "NewExternalPort", "0", 714),
        ("DeletePortMapping", "NewRemoteHost", "198.51.100.1", 714),
        ("DeletePortMapping", "NewProtocol", "UDP", 714),
        ("DeletePortMapping", "NewProtocol", "IP", 600),
        ("GetSpecificPortMappingEntry", "NewExternalPort", "8081", 714),
        ("GetSpecificPortMappingEntry", "NewRemoteHost", "198.51.100.1", 714),
        ("GetSpecificPortMappingEntry", "NewProtocol", "UDP", 714),
        ("GetSpecificPortMappingEntry", "NewProtocol", "17", 600),
        ("GetGenericPortMappingEntry", "NewPortMappingIndex", "1", 713),
        ("GetGenericPortMappingEntry", "NewPortMappingIndex", "65536", 601),
        ("GetGenericPortMappingEntry", "NewPortMappingIndex", "-1", 402),
        *((action, "NewStartPort", "9001", 733) for action in IN_RANGE),
        *((action, "NewStartPort", "8081", 730) for action in IN_RANGE),
        *((action, "NewEndPort", "65536", 601) for action in IN_RANGE),
        *((action, "NewProtocol", "UDP", 730) for action in IN_RANGE),
        *((action, "NewProtocol", "", 600) for action in IN_RANGE),
        *((action, "NewManage", "", 402) for action in IN_RANGE),
        ("GetListOfPortMappings", "NewNumberOfPorts", "many", 402),
        *((action, "UniqueID", "2", 704) for action in ON_PINHOLE),
        *((action, "UniqueID", "0", 704) for action in ON_PINHOLE),
        *((action, "UniqueID", "65536", 601) for action in ON_PINHOLE),
        *((action, "UniqueID", "first", 402) for action in ON_PINHOLE),
        ("UpdatePinhole", "NewLeaseTime", "0", 601),
        ("UpdatePinhole", "NewLeaseTime", "86401", 601),
        ("AddPinhole", "LeaseTime", "0", 601),
        ("AddPinhole", "LeaseTime", "86401", 601),
        ("AddPinhole", "LeaseTime", "", 601),
        ("AddPinhole", "InternalPort", "0", 706),
        ("AddPinhole", "InternalPort", "80", 606),
        ("AddPinhole", "InternalPort", "65536", 601),
        ("AddPinhole", "RemotePort", "65536", 601),
        ("AddPinhole", "RemoteHost", "198.51.100.1", 402),
        ("AddPinhole", "RemoteHost", "example.org", 402),
        ("AddPinhole", "RemoteHost", "fe80::1%eth0", 402),
        ("AddPinhole", "InternalClient", "", 402),
        ("AddPinhole", "InternalClient", "192.168.1.1", 402),
        ("AddPinhole", "InternalClient", "::", 606),
        ("AddPinhole", "InternalClient", "fe80::1", 606),
        ("AddPinhole", "InternalClient", "2001:db8:1::2", 606),
        ("AddPinhole", "Protocol", "65535", 707),
        ("AddPinhole", "Protocol", "58", 705),
        ("AddPinhole", "Protocol", "0", 705),
        ("AddPinhole", "Protocol", "65536", 601),
        ("AddPinhole", "Protocol", "TCP", 402),
        ("GetOutboundPinholeTimeout", "Protocol", "65535", 707),
        ("GetOutboundPinholeTimeout", "Protocol", "1", 705),
    ],
)
def test_an_argument_that_will_not_do_is_refused(
    home: Home, action: str, argument: str, value: str, code: int
) -> None:
    home.granted()
    home.granted("AddPinhole")
    assert home.error(action, **{argument: value}) == code


@BOTH
def test_actions_of_one_service_are_not_found_at_another(
    home: Home, gateway: Device
) -> None:
    assert (
        home.error("GetStatusInfo", gateway=gateway, posted_to="Layer3Forwarding")
        == 401
    )
    posted_to = "WANCommonInterfaceConfig"
    assert home.error("AddPinhole", gateway=gateway, posted_to=posted_to) == 401


@pytest.mark.parametrize(
    "action", ["AddAnyPortMapping", "DeletePortMappingRange", "GetListOfPortMappings"]
)
def test_the_gateway_of_version_1_knows_nothing_of_version_2(
    home: Home, action: str
) -> None:
    home.granted()
    assert home.error(action, gateway=V1) == 401
    assert home.error("AddPinhole", gateway=V1, posted_to="WANIPConnection") == 401


def test_a_pinhole_can_be_added_where_port_mappings_are(home: Home) -> None:
    lease = home.granted("AddPinhole", posted_to="WANIPConnection", RemotePort="")
    assert lease.address == NAS_IPV6


def test_an_unknown_action_is_refused(home: Home) -> None:
    service = service_of(V2, "AddPortMapping")
    call = Call(service.type, "Reboot", {})
    with pytest.raises(UpnpError, match="401"):
        home.igd.act(V2, service, call, CLIENTS[NAS], NOON, home.wan)


@BOTH
@pytest.mark.parametrize("version", [1, 2])
def test_the_version_that_a_client_names_does_not_matter(
    home: Home, gateway: Device, version: int
) -> None:
    service = service_of(gateway, "AddPortMapping")
    name = f"urn:schemas-upnp-org:service:WANIPConnection:{version}"
    call = Call(name, "AddPortMapping", ENTRY)
    assert home.igd.act(gateway, service, call, CLIENTS[NAS], NOON, home.wan).changes


# ---- the connection -----------------------------------------------------------------


@BOTH
def test_what_is_told_of_the_connection(home: Home, gateway: Device) -> None:
    results = [
        home.results(action, gateway=gateway)
        for action in (
            "GetStatusInfo",
            "GetExternalIPAddress",
            "GetConnectionTypeInfo",
            "GetNATRSIPStatus",
            "GetCommonLinkProperties",
            "GetDefaultConnectionService",
            "GetTotalBytesSent",
            "GetTotalBytesReceived",
            "GetTotalPacketsSent",
            "GetTotalPacketsReceived",
            "GetFirewallStatus",
        )
    ]
    *_, connection = gateway
    name = f"{connection.udn}:WANConnectionDevice:{gateway.version}"
    assert results == [
        {
            "NewConnectionStatus": "Connected",
            "NewLastConnectionError": "ERROR_NONE",
            "NewUptime": "3600",
        },
        {"NewExternalIPAddress": "203.0.113.7"},
        {"NewConnectionType": "IP_Routed", "NewPossibleConnectionTypes": "IP_Routed"},
        {"NewRSIPAvailable": "0", "NewNATEnabled": "1"},
        {
            "NewWANAccessType": "Ethernet",
            "NewLayer1UpstreamMaxBitRate": "4294967295",
            "NewLayer1DownstreamMaxBitRate": "4294967295",
            "NewPhysicalLinkStatus": "Up",
        },
        {"NewDefaultConnectionService": (f"{name},urn:upnp-org:serviceId:WANIPConn1")},
        {"NewTotalBytesSent": "1"},
        {"NewTotalBytesReceived": "2"},
        {"NewTotalPacketsSent": "3"},
        {"NewTotalPacketsReceived": "4294967295"},
        {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"},
    ]


def test_what_is_told_without_a_connection(home: Home) -> None:
    home.wan = replace(home.wan, address=None, since=None)
    assert home.results("GetStatusInfo")["NewConnectionStatus"] == "Disconnected"
    assert home.results("GetStatusInfo")["NewUptime"] == "0"
    assert home.results("GetExternalIPAddress") == {"NewExternalIPAddress": ""}
    link = home.results("GetCommonLinkProperties")
    assert link["NewPhysicalLinkStatus"] == "Down"


@pytest.mark.parametrize(("protocol", "timeout"), [("6", "432000"), ("17", "120")])
def test_how_long_a_flow_may_be_idle(home: Home, protocol: str, timeout: str) -> None:
    results = home.results("GetOutboundPinholeTimeout", Protocol=protocol)
    assert results == {"OutboundPinholeTimeout": timeout}


@BOTH
def test_state_variables_are_those_that_the_description_says(
    home: Home, gateway: Device
) -> None:
    for device in gateway:
        for service in device.services:
            variables = home.igd.variables(gateway, service, NAS, home.wan)
            assert variables.keys() == service.evented


def test_state_variables_say_what_is_so_now(home: Home) -> None:
    service = service_of(V2, "AddPortMapping")
    home.granted()
    home.granted("AddPinhole")
    home.igd.note_change()
    assert home.igd.variables(V2, service, NAS, home.wan) == {
        "PossibleConnectionTypes": "IP_Routed",
        "ConnectionStatus": "Connected",
        "ExternalIPAddress": "203.0.113.7",
        "PortMappingNumberOfEntries": "1",
        "SystemUpdateID": "1",
    }
    of_pc = home.igd.variables(V2, service, PC, home.wan)
    assert of_pc["PortMappingNumberOfEntries"] == "0"


# ---- adding port mappings -----------------------------------------------------------


@BOTH
def test_a_port_mapping_is_a_lease(home: Home, gateway: Device) -> None:
    lease = home.granted(gateway=gateway)
    (claim,) = lease.claims
    assert (lease.device, lease.transport, lease.port) == (NAS, TCP, 80)
    assert (lease.external_port, lease.address) == (8080, None)
    assert claim.asked_by is AskedBy.UPNP
    assert claim.expires == NOON + HOUR
    assert claim.description == "Web"
    assert home.broker.leases == (lease,)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("NewRemoteHost", "0.0.0.0"),
        ("NewRemoteHost", "*"),
        ("NewRemoteHost", " "),
        ("NewProtocol", "tcp"),
        ("NewEnabled", "true"),
        ("NewEnabled", "Yes"),
        ("NewInternalClient", " 192.168.1.1 "),
        ("NewInternalClient", "nas"),
        ("NewInternalClient", "NAS.lan"),
        ("NewExternalPort", " 8080\n"),
        ("NewExternalPort", "08080"),
    ],
)
def test_clients_write_the_same_in_many_ways(
    home: Home, argument: str, value: str
) -> None:
    expected = Home().granted()
    assert home.granted(**{argument: value}) == expected


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("0", 604_800),
        ("", 604_800),
        ("1", 1),
        ("604801", 604_800),
        ("4294967295", 604_800),
    ],
)
@pytest.mark.parametrize("action", WITH_ENTRY)
def test_no_lease_is_for_ever(
    home: Home, action: str, duration: str, seconds: int
) -> None:
    lease = home.granted(action, NewLeaseDuration=duration)
    assert (lease.expires - NOON).total_seconds() == seconds


def test_a_description_is_fit_to_be_shown(home: Home) -> None:
    lease = home.granted(NewPortMappingDescription="a\x00b\nc\u202ed")
    assert lease.claims[0].description == "a b c d"


@BOTH
def test_a_port_mapping_is_renewed_by_adding_it_again(
    home: Home, gateway: Device
) -> None:
    before = home.granted()
    (change,) = home.reply("AddPortMapping", gateway=gateway, now=NOON + MINUTE).changes
    assert isinstance(change, Granted)
    assert change.before == before
    assert change.lease.expires == NOON + MINUTE + HOUR
    assert len(home.broker.leases) == 1


def test_who_takes_any_port_is_told_which_one_it_got(home: Home) -> None:
    assert home.results("AddAnyPortMapping") == {"NewReservedPort": "8080"}
    other = home.results("AddAnyPortMapping", device=PC)
    assert other != {"NewReservedPort": "8080"}
    assert home.results("AddAnyPortMapping", device=PC) == other


@pytest.mark.parametrize("suggested", ["", "0", "80"])
def test_who_takes_any_port_gets_one_that_is_allowed(
    home: Home, suggested: str
) -> None:
    lease = home.granted("AddAnyPortMapping", NewExternalPort=suggested)
    assert lease.external_port >= 1024


def test_who_takes_any_port_gets_that_of_the_share_that_leads_there(
    home: Home,
) -> None:
    home.surroundings.shares[NAS, TCP, 80] = 8443
    reply = home.reply("AddAnyPortMapping")
    assert reply == Reply((("NewReservedPort", "8443"),))


def take_by_upnp(home: Home) -> None:
    home.granted(device=PC)


def take_by_pcp(home: Home) -> None:
    grant(home.broker, pcp(80, 8080, device=PC))


def take_by_share(home: Home) -> None:
    home.surroundings.taken.add((TCP, 8080))


@pytest.mark.parametrize(
    ("gateway", "take", "code"),
    [
        (V1, take_by_upnp, 718),
        (V1, take_by_pcp, 718),
        (V1, take_by_share, 718),
        (V2, take_by_upnp, 718),
        (V2, take_by_pcp, 729),
        (V2, take_by_share, 729),
    ],
)
def test_a_port_that_somebody_has_is_not_given(
    home: Home, gateway: Device, take: Callable[[Home], None], code: int
) -> None:
    take(home)
    assert home.error("AddPortMapping", gateway=gateway) == code


@pytest.mark.parametrize("limits", [Limits(of_device=1), Limits(in_all=1)])
@pytest.mark.parametrize(
    ("action", "gateway", "code"),
    [
        ("AddPortMapping", V1, 501),
        ("AddPortMapping", V2, 728),
        ("AddAnyPortMapping", V2, 728),
        ("AddPinhole", V1, 701),
        ("AddPinhole", V2, 701),
    ],
)
def test_there_is_not_room_for_everything(
    limits: Limits, action: str, gateway: Device, code: int
) -> None:
    home = Home(limits)
    home.granted(NewExternalPort="5000", NewInternalPort="5000")
    assert home.error(action, gateway=gateway) == code


@pytest.mark.parametrize("action", [*WITH_ENTRY, "AddPinhole"])
def test_without_internet_nothing_new_is_mapped(home: Home, action: str) -> None:
    home.surroundings.internet = set()
    assert home.error(action) == 501
    home.surroundings.internet = set(Family)
    home.granted(action)
    home.surroundings.internet = set()
    home.granted(action)


def test_the_gateway_of_version_1_has_no_code_for_a_missing_internal_port(
    home: Home,
) -> None:
    assert home.error("AddPortMapping", gateway=V1, NewInternalPort="0") == 402


@BOTH
@pytest.mark.parametrize("action", ["AddPortMapping", "AddAnyPortMapping"])
def test_who_may_not_map_is_refused_and_the_user_is_told(
    home: Home, gateway: Device, action: str
) -> None:
    if gateway is V1 and action == "AddAnyPortMapping":
        gateway = V2
    with pytest.raises(Unauthorized) as caught:
        home.reply(action, gateway=gateway, device=GUEST)
    assert caught.value.code == 606
    asked = caught.value.asked
    assert asked.request_id is not None
    assert (asked.wish.device, asked.wish.port) == (GUEST, 80)
    assert asked.wish.description == "Web"
    assert not home.broker.leases


def test_what_the_kernel_refuses_can_be_undone(home: Home) -> None:
    (change,) = home.reply("AddPortMapping").changes
    assert isinstance(change, Granted)
    home.broker.undo(change)
    assert not home.broker.leases


# ---- looking at and ending port mappings --------------------------------------------


@BOTH
def test_a_device_sees_its_own_port_mappings(home: Home, gateway: Device) -> None:
    home.granted(NewPortMappingDescription="<Web> & more")
    grant(home.broker, pcp(2000, 2000))
    home.granted("AddPinhole")
    later = NOON + MINUTE
    first = home.results("GetGenericPortMappingEntry", gateway=gateway, now=later)
    assert first == ENTRY | {
        "NewPortMappingDescription": "<Web> & more",
        "NewLeaseDuration": "3540",
    }
    second = home.results(
        "GetGenericPortMappingEntry", gateway=gateway, NewPortMappingIndex="1"
    )
    assert (second["NewExternalPort"], second["NewPortMappingDescription"]) == (
        "2000",
        "",
    )
    third = home.error(
        "GetGenericPortMappingEntry", gateway=gateway, NewPortMappingIndex="2"
    )
    assert third == 713
    specific = home.results("GetSpecificPortMappingEntry", gateway=gateway, now=later)
    assert specific == {name: first[name] for name in [*ENTRY][3:]}


@BOTH
def test_a_device_sees_nothing_of_others(home: Home, gateway: Device) -> None:
    home.granted()
    changes = {"gateway": gateway, "device": PC}
    assert home.error("GetGenericPortMappingEntry", **changes) == 713
    assert home.error("GetSpecificPortMappingEntry", **changes) == 606
    assert home.error("GetListOfPortMappings", device=PC, NewManage="1") == 730


def test_an_entry_whose_time_is_just_over_has_no_time_left(home: Home) -> None:
    home.granted()
    entry = home.results("GetSpecificPortMappingEntry", now=NOON + 2 * HOUR)
    assert entry["NewLeaseDuration"] == "0"


def test_an_entry_names_no_address_of_a_device_that_has_none(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.granted()
    monkeypatch.setitem(CLIENTS, NAS, replace(CLIENTS[NAS], ipv4=None))
    entry = home.results("GetSpecificPortMappingEntry")
    assert entry["NewInternalClient"] == ""


LISTING = "{urn:schemas-upnp-org:gw:WANIPConnection}"


@pytest.mark.parametrize(
    ("number", "ports"), [("0", [8080, 8081]), ("1", [8080]), ("9", [8080, 8081])]
)
def test_a_list_of_port_mappings_is_xml(
    home: Home, number: str, ports: list[int]
) -> None:
    home.granted(NewPortMappingDescription="<Web> & ]]> more")
    home.granted(NewExternalPort="8081")
    home.granted(NewExternalPort="9001")
    home.granted(NewProtocol="UDP")
    home.granted(device=PC, NewExternalPort="8082")
    results = home.results("GetListOfPortMappings", NewNumberOfPorts=number)
    listing = ET.fromstring(f"<x>{results['NewPortListing']}</x>").text  # noqa: S314
    root = ET.fromstring(listing or "")  # noqa: S314
    assert root.tag == f"{LISTING}PortMappingList"
    entries = [
        {each.tag.removeprefix(LISTING): each.text or "" for each in entry}
        for entry in root.findall(f"{LISTING}PortMappingEntry")
    ]
    assert [int(entry["NewExternalPort"]) for entry in entries] == ports
    assert entries[0] == {
        "NewRemoteHost": "",
        "NewExternalPort": "8080",
        "NewProtocol": "TCP",
        "NewInternalPort": "80",
        "NewInternalClient": "192.168.1.1",
        "NewEnabled": "1",
        "NewDescription": "<Web> & ]]> more",
        "NewLeaseTime": "3600",
    }


@BOTH
@pytest.mark.parametrize("protocol", ["TCP", "tcp", ""])
def test_a_device_ends_its_own_port_mapping(
    home: Home, gateway: Device, protocol: str
) -> None:
    lease = home.granted()
    ended = home.released("DeletePortMapping", gateway=gateway, NewProtocol=protocol)
    assert ended == [lease]
    assert not home.broker.leases


def test_without_a_protocol_both_are_ended(home: Home) -> None:
    leases = [home.granted(), home.granted(NewProtocol="UDP")]
    assert home.released("DeletePortMapping", NewProtocol="") == leases
    assert home.error("DeletePortMapping", NewProtocol="") == 714


@BOTH
@pytest.mark.parametrize("take", [take_by_upnp, take_by_pcp, take_by_share])
def test_nobody_ends_what_is_not_its_own(
    home: Home, gateway: Device, take: Callable[[Home], None]
) -> None:
    take(home)
    assert home.error("DeletePortMapping", gateway=gateway) == 606
    assert home.error("DeletePortMappingRange", NewManage="1") == 730


def test_what_pcp_asked_for_too_goes_on(home: Home) -> None:
    grant(home.broker, pcp(80, 8080))
    home.granted()
    (change,) = home.reply("DeletePortMapping").changes
    assert isinstance(change, Released)
    assert change.after is not None
    assert home.error("DeletePortMapping") == 606
    assert home.error("DeletePortMappingRange") == 730


def test_a_range_of_port_mappings_is_ended(home: Home) -> None:
    kept = [
        home.granted(NewExternalPort="7999"),
        home.granted(NewExternalPort="9001"),
        home.granted(NewProtocol="UDP"),
        home.granted(device=PC, NewExternalPort="8001"),
    ]
    ended = [home.granted(NewExternalPort=port) for port in ("8000", "8080", "9000")]
    assert home.released("DeletePortMappingRange") == ended
    assert [*home.broker.leases] == kept


def test_a_range_may_be_a_single_port(home: Home) -> None:
    lease = home.granted()
    ended = home.released(
        "DeletePortMappingRange", NewStartPort="8080", NewEndPort="8080"
    )
    assert ended == [lease]


# ---- pinholes -----------------------------------------------------------------------

PEER = "2001:db8:ffff::1"


@BOTH
@pytest.mark.parametrize(("protocol", "transport"), [("6", TCP), ("17", UDP)])
def test_a_pinhole_is_a_lease(
    home: Home, gateway: Device, protocol: str, transport: Transport
) -> None:
    lease = home.granted("AddPinhole", gateway=gateway, Protocol=protocol)
    assert (lease.device, lease.transport, lease.port) == (NAS, transport, 8080)
    assert (lease.external_port, lease.address) == (8080, NAS_IPV6)
    assert (lease.expires, lease.peers) == (NOON + HOUR, ())


@pytest.mark.parametrize("seconds", [1, 86_400])
def test_a_pinhole_lasts_as_long_as_asked(home: Home, seconds: int) -> None:
    lease = home.granted("AddPinhole", LeaseTime=str(seconds))
    assert (lease.expires - NOON).total_seconds() == seconds
    lease = home.granted("UpdatePinhole", NewLeaseTime=str(seconds))
    assert (lease.expires - NOON).total_seconds() == seconds


@pytest.mark.parametrize(
    ("host", "port", "peers"),
    [
        ("", "", ()),
        ("*", "0", ()),
        ("::", "0", ()),
        (PEER, "0", (IPv6Network(PEER),)),
    ],
)
def test_who_may_call_through_a_pinhole(
    home: Home, host: str, port: str, peers: tuple[RemotePeers, ...]
) -> None:
    lease = home.granted("AddPinhole", RemoteHost=host, RemotePort=port)
    assert lease.peers == peers


@pytest.mark.parametrize("host", ["", PEER])
def test_a_pinhole_for_a_port_of_callers_is_refused_and_not_opened_to_all(
    home: Home, host: str
) -> None:
    assert home.error("AddPinhole", RemoteHost=host, RemotePort="443") == 600
    assert not home.broker.leases
    home.granted("AddPinhole", RemoteHost=PEER)
    before = home.broker.leases
    assert home.error("AddPinhole", RemoteHost=host, RemotePort="443") == 600
    assert home.broker.leases == before


def test_more_may_call_through_a_pinhole_but_never_fewer(home: Home) -> None:
    other = "2001:db8:ffff::2"
    first = home.granted("AddPinhole", RemoteHost=PEER)
    second = home.granted("AddPinhole", RemoteHost=other)
    assert [str(each) for each in second.peers] == [f"{PEER}/128", f"{other}/128"]
    third = home.granted("AddPinhole")
    fourth = home.granted("AddPinhole", RemoteHost=PEER)
    assert third.peers == fourth.peers == ()
    assert first.lease_id == fourth.lease_id


def test_a_pinhole_that_pcp_has_opened_to_all_cannot_be_for_some(home: Home) -> None:
    grant(home.broker, pcp(address=NAS_IPV6))
    assert home.error("AddPinhole", RemoteHost=PEER) == 501


def test_every_pinhole_has_a_number_of_its_own(home: Home) -> None:
    numbers = [
        home.results("AddPinhole", InternalPort=port)["UniqueID"]
        for port in ("8080", "8081", "8080", "8082")
    ]
    assert numbers == ["1", "2", "1", "3"]


def test_the_number_of_a_pinhole_that_has_ended_is_not_given_again_soon(
    home: Home,
) -> None:
    home.granted("AddPinhole")
    home.released("DeletePinhole")
    assert home.results("AddPinhole") == {"UniqueID": "2"}
    assert home.error("DeletePinhole", UniqueID="1") == 704


def test_numbers_begin_again_after_the_last_one_and_none_is_given_twice(
    home: Home,
) -> None:
    home.granted("AddPinhole")
    home.igd.restore({"pinholes": {"ids": {"1": 1}, "last_id": 65535}})
    assert home.results("AddPinhole", InternalPort="8081") == {"UniqueID": "2"}


def test_numbers_survive_a_restart(home: Home) -> None:
    home.granted("AddPinhole")
    home.granted("AddPinhole", InternalPort="8081")
    stored = json.loads(json.dumps(home.igd.as_dict()))
    home.igd = Igd(home.broker)
    home.igd.restore(stored)
    assert home.released("DeletePinhole", UniqueID="2")[0].port == 8081
    assert home.results("AddPinhole", InternalPort="8082") == {"UniqueID": "3"}


def test_a_pinhole_of_a_share_has_no_lease(home: Home) -> None:
    home.surroundings.shares[NAS, TCP, 8080] = 8080
    assert home.reply("AddPinhole") == Reply((("UniqueID", "0"),))
    assert home.error("DeletePinhole", UniqueID="0") == 704


def test_a_pinhole_is_given_more_time(home: Home) -> None:
    home.granted("AddPinhole", RemoteHost=PEER)
    lease = home.granted("UpdatePinhole", now=NOON + MINUTE)
    assert lease.expires == NOON + MINUTE + 2 * HOUR
    assert lease.peers == (IPv6Network(PEER),)


def test_a_pinhole_that_has_become_a_share_needs_no_more_time(home: Home) -> None:
    home.granted("AddPinhole")
    home.surroundings.shares[NAS, TCP, 8080] = 8080
    assert home.reply("UpdatePinhole") == Reply()


def test_a_pinhole_is_ended(home: Home) -> None:
    lease = home.granted("AddPinhole")
    assert home.released("DeletePinhole") == [lease]
    assert not home.broker.leases


@pytest.mark.parametrize("action", ON_PINHOLE)
def test_a_pinhole_of_somebody_else_is_left_alone(home: Home, action: str) -> None:
    home.granted("AddPinhole")
    assert home.error(action, device=PC) == 606


@pytest.mark.parametrize("action", ["UpdatePinhole", "DeletePinhole"])
def test_what_only_pcp_still_holds_is_no_pinhole_of_upnp(
    home: Home, action: str
) -> None:
    home.granted("AddPinhole")
    grant(home.broker, pcp(address=NAS_IPV6))
    home.released("DeletePinhole")
    assert home.error(action) == 704


def test_who_may_not_open_a_pinhole_is_refused_and_the_user_is_told(
    home: Home,
) -> None:
    home.granted("AddPinhole")
    home.surroundings.permitted.clear()
    with pytest.raises(Unauthorized):
        home.reply("AddPinhole")
    with pytest.raises(Unauthorized):
        home.reply("UpdatePinhole")


def test_packets_through_a_pinhole_are_counted(home: Home) -> None:
    home.granted("AddPinhole")
    assert home.results("GetPinholePackets") == {"PinholePackets": "0"}
    assert home.error("CheckPinholeWorking") == 709
    home.packets = 2**32 + 5
    assert home.results("GetPinholePackets") == {"PinholePackets": "5"}
    assert home.results("CheckPinholeWorking") == {"IsWorking": "1"}
