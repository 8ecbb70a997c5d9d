"""How the gateways are described, as the standards want it and as a client reads it."""

from uuid import UUID
from xml.etree import ElementTree as ET

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.independent.descriptions import (
    About,
    Device,
    Paths,
    describe,
    describe_service,
    gateways,
)
from custom_components.portshare.independent.services import Service

SEED = UUID("6a1f8a3e-0000-4000-8000-000000000001")
V1, V2 = gateways(SEED)
BOTH = pytest.mark.parametrize("gateway", [V1, V2], ids=["v1", "v2"])
ABOUT = About(friendly_name="Home & more", model_number="1.0")
DEVICE = "{urn:schemas-upnp-org:device-1-0}"
SERVICE = "{urn:schemas-upnp-org:service-1-0}"

SERVICES = [
    pytest.param(service, id=service.type)
    for service in {
        service.type: service
        for gateway in (V1, V2)
        for device in gateway
        for service in device.services
    }.values()
]

# What the standards require of each service, and of ours no more than is there.
REQUIRED = {
    "WANIPConnection:1": {
        "SetConnectionType",
        "GetConnectionTypeInfo",
        "RequestConnection",
        "ForceTermination",
        "GetStatusInfo",
        "GetNATRSIPStatus",
        "GetGenericPortMappingEntry",
        "GetSpecificPortMappingEntry",
        "AddPortMapping",
        "DeletePortMapping",
        "GetExternalIPAddress",
    },
    "WANIPConnection:2": {
        "AddAnyPortMapping",
        "DeletePortMappingRange",
        "GetListOfPortMappings",
    },
    "WANIPv6FirewallControl:1": {
        "GetFirewallStatus",
        "AddPinhole",
        "UpdatePinhole",
        "DeletePinhole",
        "GetPinholePackets",
    },
    "WANCommonInterfaceConfig:1": {"GetCommonLinkProperties"},
    "Layer3Forwarding:1": {
        "SetDefaultConnectionService",
        "GetDefaultConnectionService",
    },
}
REQUIRED["WANIPConnection:2"] |= REQUIRED["WANIPConnection:1"]


def described(gateway: Device, about: About = ABOUT) -> ET.Element:
    document = describe(gateway, Paths("/secret", gateway.version), about, 7)
    return ET.fromstring(document)  # noqa: S314


def texts(element: ET.Element, tag: str) -> list[str]:
    return [each.text or "" for each in element.iter(tag)]


@BOTH
def test_a_gateway_has_the_devices_and_services_of_its_version(gateway: Device) -> None:
    version = gateway.version
    root = described(gateway)
    assert texts(root, f"{DEVICE}deviceType") == [
        f"urn:schemas-upnp-org:device:{kind}:{version}"
        for kind in ("InternetGatewayDevice", "WANDevice", "WANConnectionDevice")
    ]
    assert texts(root, f"{DEVICE}serviceType") == [
        f"urn:schemas-upnp-org:service:{service}"
        for service in (
            "Layer3Forwarding:1",
            "WANCommonInterfaceConfig:1",
            f"WANIPConnection:{version}",
            "WANIPv6FirewallControl:1",
        )
    ]
    assert texts(root, f"{DEVICE}serviceId") == [
        f"urn:upnp-org:serviceId:{service_id}"
        for service_id in (
            "L3Forwarding1",
            "WANCommonIFC1",
            "WANIPConn1",
            "WANIPv6Firewall1",
        )
    ]
    assert texts(root, f"{DEVICE}minor") == [str(version - 1)]
    assert root.get("configId") == ("7" if version == 2 else None)


def test_every_device_has_a_name_of_its_own_that_stays() -> None:
    udns = [device.udn for gateway in (V1, V2) for device in gateway]
    assert len(set(udns)) == 6
    assert all(UUID(udn.removeprefix("uuid:")) for udn in udns)
    assert gateways(SEED) == (V1, V2)
    elsewhere = [each.udn for gateway in gateways(UUID(int=2)) for each in gateway]
    assert not set(udns) & set(elsewhere)


@BOTH
def test_urls_are_those_that_the_server_knows(gateway: Device) -> None:
    root = described(gateway)
    paths = Paths("/secret", gateway.version)
    assert paths.description == f"/secret/igd{gateway.version}.xml"
    services = [service for device in gateway for service in device.services]
    for tag, path in (
        ("SCPDURL", paths.scpd),
        ("controlURL", paths.control),
        ("eventSubURL", paths.events),
    ):
        urls = texts(root, f"{DEVICE}{tag}")
        assert urls == [path(service) for service in services]
        assert len(set(urls)) == len(urls)


def test_what_is_said_of_the_gateway_is_up_to_us() -> None:
    about = About(
        friendly_name="Küche <1>\x00",
        model_number="2",
        serial_number="3",
        presentation_url="http://192.168.1.1:8123/",
    )
    device = described(V1, about).find(f"{DEVICE}device")
    assert device is not None
    assert device.findtext(f"{DEVICE}friendlyName") == "Küche <1> "
    assert device.findtext(f"{DEVICE}modelNumber") == "2"
    assert device.findtext(f"{DEVICE}serialNumber") == "3"
    presentation = device.findtext(f"{DEVICE}presentationURL")
    assert presentation == "http://192.168.1.1:8123/"
    assert not [*described(V1).iter(f"{DEVICE}presentationURL")]


@given(st.text())
def test_a_description_is_xml_whatever_the_name(name: str) -> None:
    about = About(friendly_name=name, model_number="1")
    assert len(texts(described(V2, about), f"{DEVICE}friendlyName")) == 3


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_actions_that_its_standard_requires(service: Service) -> None:
    root = ET.fromstring(describe_service(service))  # noqa: S314
    names = {
        action.findtext(f"{SERVICE}name") for action in root.iter(f"{SERVICE}action")
    }
    assert names >= REQUIRED[service.type.removeprefix("urn:schemas-upnp-org:service:")]


def test_a_service_of_version_1_has_nothing_of_version_2() -> None:
    service = V1.service("WANIPConnection")
    assert service is not None
    assert {action.name for action in service.actions} == REQUIRED["WANIPConnection:1"]
    assert "SystemUpdateID" not in {each.name for each in service.variables}


def test_a_gateway_knows_only_its_own_services() -> None:
    assert V2.service("WANPPPConnection") is None


@pytest.mark.parametrize("service", SERVICES)
def test_every_argument_is_of_the_type_of_a_state_variable(service: Service) -> None:
    root = ET.fromstring(describe_service(service))  # noqa: S314
    variables = {
        variable.findtext(f"{SERVICE}name"): variable
        for variable in root.iter(f"{SERVICE}stateVariable")
    }
    assert set(texts(root, f"{SERVICE}relatedStateVariable")) <= variables.keys()
    assert set(texts(root, f"{SERVICE}direction")) <= {"in", "out"}
    assert set(texts(root, f"{SERVICE}dataType")) <= {"string", "boolean", "ui2", "ui4"}
    evented = {
        name
        for name, variable in variables.items()
        if variable.get("sendEvents") == "yes"
    }
    assert evented == service.evented


def test_a_description_of_a_service_byte_by_byte() -> None:
    service = V1.service("Layer3Forwarding")
    assert service is not None
    argument = (
        "<argument><name>NewDefaultConnectionService</name>"
        "<direction>{}</direction>"
        "<relatedStateVariable>DefaultConnectionService</relatedStateVariable>"
        "</argument>"
    )
    assert describe_service(service).decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<scpd xmlns="urn:schemas-upnp-org:service-1-0">'
        "<specVersion><major>1</major><minor>0</minor></specVersion>"
        "<actionList>"
        "<action><name>SetDefaultConnectionService</name>"
        f"<argumentList>{argument.format('in')}</argumentList></action>"
        "<action><name>GetDefaultConnectionService</name>"
        f"<argumentList>{argument.format('out')}</argumentList></action>"
        "</actionList><serviceStateTable>"
        '<stateVariable sendEvents="yes"><name>DefaultConnectionService</name>'
        "<dataType>string</dataType></stateVariable>"
        "</serviceStateTable></scpd>"
    )


def test_limits_of_state_variables_are_described() -> None:
    service = V1.service("WANIPConnection")
    assert service is not None
    document = describe_service(service).decode()
    assert (
        "<allowedValueList><allowedValue>TCP</allowedValue>"
        "<allowedValue>UDP</allowedValue></allowedValueList>"
    ) in document
    assert (
        "<allowedValueRange><minimum>1</minimum><maximum>65535</maximum>"
        "</allowedValueRange>"
    ) in document
