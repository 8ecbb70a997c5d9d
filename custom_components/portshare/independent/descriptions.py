"""The two gateways that UPnP clients see, and how they are described in XML.

Some clients look for a gateway of version 1, and give up if it knows anything of version
2; others look for one of version 2 only. So there are two devices, as on a FRITZ!Box,
with one table of mappings behind both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from .markup import Xml, document, element
from .services import (
    LAYER_3_FORWARDING,
    WAN_COMMON_INTERFACE_CONFIG,
    WAN_IP_CONNECTION_1,
    WAN_IP_CONNECTION_2,
    WAN_IPV6_FIREWALL_CONTROL,
    Action,
    Service,
    Variable,
)

_DEVICE_NAMESPACE: Final = "urn:schemas-upnp-org:device-1-0"
_SERVICE_NAMESPACE: Final = "urn:schemas-upnp-org:service-1-0"


@dataclass(frozen=True, slots=True)
class Device:
    """A UPnP device, known by its unique device name, and the devices in it."""

    kind: str
    version: int
    udn: str
    services: tuple[Service, ...]
    devices: tuple[Device, ...] = ()

    @property
    def type(self) -> str:
        """The device type."""
        return f"urn:schemas-upnp-org:device:{self.kind}:{self.version}"

    def __iter__(self) -> Iterator[Device]:
        """Yield the device and all that are in it."""
        yield self
        for device in self.devices:
            yield from device

    def service(self, name: str) -> Service | None:
        """Return the service with this name, of the device or of one in it."""
        for device in self:
            for service in device.services:
                if service.name == name:
                    return service
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a description says of the gateway beside what it offers."""

    friendly_name: str
    manufacturer: str = "portshare"
    manufacturer_url: str = "https://www.home-assistant.io"
    model: str = "portshare"
    model_number: str
    serial_number: str = ""
    presentation_url: str = ""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the server has what belongs to a gateway, below a prefix: `/secret`."""

    prefix: str
    version: int

    @property
    def description(self) -> str:
        """The path of the description of the device."""
        return f"{self.prefix}/igd{self.version}.xml"

    def scpd(self, service: Service) -> str:
        """Return the path of the description of a service."""
        return f"{self.prefix}/{self.version}/{service.name}.xml"

    def control(self, service: Service) -> str:
        """Return the path to which clients post what a service is to do."""
        return f"{self.prefix}/{self.version}/{service.name}/control"

    def events(self, service: Service) -> str:
        """Return the path where clients subscribe to the events of a service."""
        return f"{self.prefix}/{self.version}/{service.name}/events"


def gateways(seed: UUID) -> tuple[Device, Device]:
    """Return the gateways of version 1 and of version 2.

    `seed` is of this installation only, so that the devices in them are, too.
    """
    return (
        _gateway(seed, 1, WAN_IP_CONNECTION_1),
        _gateway(seed, 2, WAN_IP_CONNECTION_2),
    )


def _gateway(seed: UUID, version: int, wan_ip_connection: Service) -> Device:
    def device(kind: str, services: tuple[Service, ...], *devices: Device) -> Device:
        udn = f"uuid:{uuid5(seed, f'{kind}:{version}')}"
        return Device(kind, version, udn, services, devices)

    return device(
        "InternetGatewayDevice",
        (LAYER_3_FORWARDING,),
        device(
            "WANDevice",
            (WAN_COMMON_INTERFACE_CONFIG,),
            device(
                "WANConnectionDevice", (wan_ip_connection, WAN_IPV6_FIREWALL_CONTROL)
            ),
        ),
    )


def describe(gateway: Device, paths: Paths, about: About, config_id: int) -> bytes:
    """Return the description of a gateway.

    The config id is what SSDP tells, too: it is another one if the description is.
    """
    attributes = {"xmlns": _DEVICE_NAMESPACE}
    if gateway.version > 1:
        attributes["configId"] = str(config_id)
    content = (_spec_version(gateway.version - 1), _device(gateway, paths, about))
    return document(element("root", content, attributes)).encode()


def describe_service(service: Service) -> bytes:
    """Return the description of a service: its actions and state variables."""
    content = (
        _spec_version(0),
        element("actionList", map(_action, service.actions)),
        element("serviceStateTable", map(_variable, service.variables)),
    )
    return document(element("scpd", content, {"xmlns": _SERVICE_NAMESPACE})).encode()


def _spec_version(minor: int) -> Xml:
    return element("specVersion", _texts({"major": "1", "minor": str(minor)}))


def _device(device: Device, paths: Paths, about: About) -> Xml:
    texts = {
        "deviceType": device.type,
        "friendlyName": about.friendly_name,
        "manufacturer": about.manufacturer,
        "manufacturerURL": about.manufacturer_url,
        "modelDescription": "Internet gateway",
        "modelName": about.model,
        "modelNumber": about.model_number,
        "serialNumber": about.serial_number,
        "UDN": device.udn,
    }
    content = [
        *_texts(texts),
        element("serviceList", (_service(each, paths) for each in device.services)),
    ]
    if device.devices:
        devices = (_device(each, paths, about) for each in device.devices)
        content.append(element("deviceList", devices))
    if about.presentation_url:
        content.append(element("presentationURL", about.presentation_url))
    return element("device", content)


def _service(service: Service, paths: Paths) -> Xml:
    return element(
        "service",
        _texts(
            {
                "serviceType": service.type,
                "serviceId": service.service_id,
                "SCPDURL": paths.scpd(service),
                "controlURL": paths.control(service),
                "eventSubURL": paths.events(service),
            }
        ),
    )


def _action(action: Action) -> Xml:
    content = [element("name", action.name)]
    arguments = [
        element(
            "argument",
            _texts(
                {
                    "name": argument.name,
                    "direction": direction,
                    "relatedStateVariable": argument.variable,
                }
            ),
        )
        for direction, arguments in (("in", action.takes), ("out", action.gives))
        for argument in arguments
    ]
    if arguments:
        content.append(element("argumentList", arguments))
    return element("action", content)


def _variable(variable: Variable) -> Xml:
    content = _texts({"name": variable.name, "dataType": variable.data_type})
    if variable.allowed:
        values = (element("allowedValue", value) for value in variable.allowed)
        content.append(element("allowedValueList", values))
    if variable.allowed_range:
        lowest, highest = variable.allowed_range
        bounds = {"minimum": str(lowest), "maximum": str(highest)}
        content.append(element("allowedValueRange", _texts(bounds)))
    return element(
        "stateVariable",
        content,
        {"sendEvents": "yes" if variable.evented else "no"},
    )


def _texts(texts: dict[str, str]) -> list[Xml]:
    return [element(tag, text) for tag, text in texts.items()]
