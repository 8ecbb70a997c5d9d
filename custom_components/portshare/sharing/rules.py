"""What may be shared: from what somebody typed to a valid share, or an error."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
import re
from typing import Final

from .errors import (
    DevicePortTaken,
    DeviceSharesAlready,
    ExposedHostTaken,
    ExternalPortTaken,
    GatewayItself,
    InvalidDevice,
    InvalidName,
    InvalidPort,
    InvalidProtocol,
    InvalidTime,
    InvertedRange,
    MissingPort,
    MulticastMac,
    NoExternalPortFree,
    NoFamily,
    OutsideLan,
    ProtocolTaken,
    ProtocolWithoutFamily,
    RangeBeyondLastPort,
    ServedByGateway,
    UnequalRanges,
)
from .model import (
    ALL_PORTS,
    HIGHEST_PORT,
    LOWEST_PORT,
    Device,
    Facts,
    Family,
    PortRange,
    Protocol,
    Share,
)
from .ports import NOTHING_SERVED, PortIndex, Served, served_among
from .sources import parse_sources

LONGEST_NAME: Final = 64

_PORT = re.compile(r"[0-9]{1,5}")
_MAC = re.compile(r"[0-9a-f]{2}([:-]?)[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}")


def parse_port(field: str, value: object) -> int:
    """Return the port number in `value`: a whole number or its decimal digits.

    Raises InvalidPort for anything else, and for 0 and numbers above 65535.
    """
    port = value
    if isinstance(value, float) and value.is_integer():
        port = int(value)
    elif isinstance(value, str) and _PORT.fullmatch(digits := value.strip()):
        port = int(digits)
    if (
        not isinstance(port, int)
        or isinstance(port, bool)
        or not LOWEST_PORT <= port <= HIGHEST_PORT
    ):
        raise InvalidPort(field, value)
    return port


def parse_share(
    share_id: str,
    device_id: str,
    fields: Mapping[str, object],
    index: PortIndex,
    served: Served = NOTHING_SERVED,
) -> Share:
    """Return the share that the fields of a form or service call describe.

    Fields: `name`, `protocol`, `port`, `port_end`, `external_port`,
    `external_port_end`, `ipv4`, `ipv6`, `sources`, `enabled`, `open_until` (ISO 8601).
    Without an external port the port to device is taken, or the next free one above it.
    What the protocol does not have is ignored: ports, or an IP version. Raises a
    SharingError; whether the ports are free is asked of `check_free`.
    """
    name = parse_name(fields.get("name"))
    protocol = parse_protocol(fields.get("protocol", Protocol.TCP))
    families = _parse_families(fields, protocol)
    ports = _parse_ports(fields) if protocol.has_ports else ALL_PORTS
    share = Share(
        share_id=share_id,
        device_id=device_id,
        name=name,
        protocol=protocol,
        ports=ports,
        external=ports,
        ipv4=Family.IPV4 in families,
        ipv6=Family.IPV6 in families,
        enabled=bool(fields.get("enabled", True)),
        sources=parse_sources(fields.get("sources"), families),
        open_until=parse_until(fields),
    )
    if not (share.ipv4 and protocol.has_ports):
        return share
    external = _parse_external(fields, ports) or index.next_free_external(share, served)
    if external is None:
        raise NoExternalPortFree(len(ports))
    return replace(share, external=external)


def check_free(
    share: Share,
    index: PortIndex,
    devices: Mapping[str, Device],
    served: Served = NOTHING_SERVED,
) -> None:
    """Raise an error that says who holds what the share needs for itself.

    DevicePortTaken, ExternalPortTaken or ServedByGateway; of a protocol without ports
    DeviceSharesAlready, ExposedHostTaken or ProtocolTaken.
    """
    has_ports = share.protocol.has_ports
    if holder := next(index.device_holders(share), None):
        device = devices[holder.device_id].name
        if not has_ports:
            raise DeviceSharesAlready(holder, device)
        raise DevicePortTaken(share.ports, holder, device)
    if holder := next(index.external_holders(share), None):
        device = devices[holder.device_id].name
        if share.protocol is Protocol.EXPOSED_HOST:
            raise ExposedHostTaken(holder, device)
        if not has_ports:
            raise ProtocolTaken(holder, device)
        proposal = index.next_free_external(share, served)
        raise ExternalPortTaken(share.external, holder, device, proposal)
    if share.ipv4 and has_ports:
        for transport, port in served_among(share, share.external, served):
            proposal = index.next_free_external(share, served)
            raise ServedByGateway(port, transport, proposal)


def parse_name(value: object) -> str:
    """Return a name without surrounding blanks; raise InvalidName if it is none."""
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidName
    return name


def parse_mac(value: str) -> str:
    """Return a MAC address in the form `02:00:5e:00:00:21`.

    Raises InvalidDevice if it is malformed, MulticastMac if its group bit is set
    (IEEE 802: the least significant bit of the first octet).
    """
    text = value.strip().lower()
    if not _MAC.fullmatch(text):
        raise InvalidDevice(value)
    octets = bytes.fromhex(text.replace(":", "").replace("-", ""))
    if octets[0] & 1:
        raise MulticastMac(value)
    if not any(octets):
        raise InvalidDevice(value)
    return octets.hex(":")


def parse_target(value: str, facts: Facts) -> str | IPv4Address | IPv6Address:
    """Return the MAC address or the LAN address that somebody typed for a device.

    Raises an InvalidDevice that says what is wrong with it.
    """
    try:
        address = ip_address(value.strip())
    except ValueError:
        mac = parse_mac(value)
        if mac in facts.own_macs:
            raise GatewayItself(value) from None
        return mac
    if isinstance(address, IPv6Address) and address.scope_id:
        # `fe80::1%eth0` equals no address that we know, not even the gateway's own.
        raise InvalidDevice(value)
    if address in facts.own_addresses:
        raise GatewayItself(value)
    networks = facts.lan_ipv4 if address.version == 4 else facts.lan_ipv6
    if not any(address in network for network in networks):
        raise OutsideLan(value)
    return address


def parse_protocol(value: object) -> Protocol:
    """Return a protocol by its name; raise InvalidProtocol if it is none."""
    try:
        return Protocol(str(value))
    except ValueError:
        raise InvalidProtocol(value) from None


def parse_until(fields: Mapping[str, object]) -> datetime | None:
    """Return when an enabled share closes by itself, in UTC; raise InvalidTime."""
    until = fields.get("open_until")
    if not until or not fields.get("enabled", True):
        return None
    try:
        return datetime.fromisoformat(str(until)).astimezone(UTC)
    except ValueError, OverflowError:
        raise InvalidTime(until) from None


def _parse_families(
    fields: Mapping[str, object], protocol: Protocol
) -> frozenset[Family]:
    """Return the wanted IP versions, without those that the protocol does not have."""
    wanted = {family for family in Family if fields.get(family, True)}
    if not wanted:
        raise NoFamily
    if wanted.isdisjoint(protocol.families):
        raise ProtocolWithoutFamily(protocol)
    return protocol.families & wanted


def _parse_ports(fields: Mapping[str, object]) -> PortRange:
    if fields.get("port") in (None, ""):
        raise MissingPort
    return _parse_range(fields, "port", "port_end")


def _parse_range(
    fields: Mapping[str, object], first_field: str, last_field: str
) -> PortRange:
    first = parse_port(first_field, fields.get(first_field))
    if fields.get(last_field) in (None, ""):
        return PortRange(first, first)
    last = parse_port(last_field, fields[last_field])
    if last < first:
        raise InvertedRange(last_field, first, last)
    return PortRange(first, last)


def _parse_external(fields: Mapping[str, object], ports: PortRange) -> PortRange | None:
    """Return the external ports that were asked for; None if none were."""
    if fields.get("external_port_end") not in (None, ""):
        external = _parse_range(fields, "external_port", "external_port_end")
        if len(external) != len(ports):
            raise UnequalRanges(ports, external)
        return external
    if fields.get("external_port") in (None, ""):
        return None
    first = parse_port("external_port", fields["external_port"])
    last = first + len(ports) - 1
    if last > HIGHEST_PORT:
        raise RangeBeyondLastPort(first, len(ports))
    return PortRange(first, last)
