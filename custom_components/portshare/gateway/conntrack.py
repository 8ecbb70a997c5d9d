"""Connection tracking: forget flows that would keep a mapping from taking effect.

A packet to a closed port leaves an entry that says "no translation" for as long as the
flow goes on; a peer that keeps knocking (WireGuard) would never get through. The same
holds for a mapping that now leads to another device.
"""

from collections.abc import Iterable
import errno
from ipaddress import IPv4Address
import socket
import struct
from typing import Final

from ..sharing.model import Change, Dnat, Transport
from .errors import NetlinkError
from .netlink import Message, NetlinkSocket, attribute, attributes

# include/uapi/linux/netfilter/nfnetlink_conntrack.h
_IPCTNL_MSG_CT_GET: Final = 0x101
_IPCTNL_MSG_CT_DELETE: Final = 0x102
_CTA_TUPLE_ORIG: Final = 1
_CTA_TUPLE_REPLY: Final = 2
_CTA_STATUS: Final = 3
_CTA_ID: Final = 12
_CTA_FILTER: Final = 25
_CTA_STATUS_MASK: Final = 26
_CTA_FILTER_ORIG_FLAGS: Final = 1
_CTA_TUPLE_IP: Final = 1
_CTA_TUPLE_PROTO: Final = 2
_CTA_IP_V4_SRC: Final = 1
_CTA_IP_V4_DST: Final = 2
_CTA_PROTO_NUM: Final = 1
_CTA_PROTO_SRC_PORT: Final = 2
_CTA_PROTO_DST_PORT: Final = 3
# net/netfilter/nf_conntrack_netlink.c: CTA_FILTER_F_CTA_...
_FILTER_DESTINATION: Final = 1 << 1
_FILTER_PROTOCOL: Final = 1 << 3
_FILTER_DESTINATION_PORT: Final = 1 << 5
# include/uapi/linux/netfilter/nf_conntrack_common.h
_IPS_DST_NAT: Final = 1 << 5
_NESTED: Final = 0x8000
_HEADER_BYTES: Final = 20

_TRANSPORTS: Final = {6: Transport.TCP, 17: Transport.UDP}
_NUMBERS: Final = {transport: number for number, transport in _TRANSPORTS.items()}

# A kernel that cannot delete by filter (before 6.12) takes the partial tuple for a
# whole one, and finds it incomplete.
_NO_DELETE_BY_FILTER: Final = frozenset({errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP})


async def forget_stale_flows(
    netlink: NetlinkSocket, wan_addresses: Iterable[IPv4Address], change: Change
) -> None:
    """Delete entries of flows to freshly opened ports that lead elsewhere.

    To be called right after the mappings have been opened: before, a packet in
    between would make a new entry.
    """
    opened = [mapping for mapping in change.opened if isinstance(mapping, Dnat)]
    closed = [mapping for mapping in change.closed if isinstance(mapping, Dnat)]
    one_by_one = {
        mapping
        for mapping in opened
        if len(mapping.external) > 1 or any(_same_port(mapping, was) for was in closed)
    }
    for wan_address in wan_addresses:
        for mapping in opened:
            if mapping not in one_by_one:
                try:
                    await _delete_untranslated(netlink, wan_address, mapping)
                except NetlinkError as err:
                    if err.errno not in _NO_DELETE_BY_FILTER:
                        raise
                    one_by_one.add(mapping)
        if one_by_one:
            await _delete_misled(netlink, wan_address, one_by_one)


def _same_port(mapping: Dnat, other: Dnat) -> bool:
    return mapping.transport is other.transport and mapping.external.overlaps(
        other.external
    )


async def _delete_untranslated(
    netlink: NetlinkSocket, wan_address: IPv4Address, mapping: Dnat
) -> None:
    """Delete flows to an external port that went to the gateway itself.

    The kernel walks its table alone. The filter must name the address: without it,
    what the home network does with the same port elsewhere would be forgotten, too.
    """
    protocol = attribute(_CTA_PROTO_NUM, bytes([_NUMBERS[mapping.transport]]))
    port = attribute(_CTA_PROTO_DST_PORT, mapping.external.first.to_bytes(2))
    flags = _FILTER_DESTINATION | _FILTER_PROTOCOL | _FILTER_DESTINATION_PORT
    body = (
        # Version 1 of the message has filters.
        struct.pack(">BBH", socket.AF_INET, 1, 0)
        + attribute(
            _CTA_TUPLE_ORIG | _NESTED,
            _destination(wan_address)
            + attribute(_CTA_TUPLE_PROTO | _NESTED, protocol + port),
        )
        + attribute(_CTA_STATUS, bytes(4))
        + attribute(_CTA_STATUS_MASK, _IPS_DST_NAT.to_bytes(4))
        + _filter(flags)
    )
    await netlink.request(Message(_IPCTNL_MSG_CT_DELETE, 0, body))


async def _delete_misled(
    netlink: NetlinkSocket, wan_address: IPv4Address, opened: Iterable[Dnat]
) -> None:
    """Delete flows to these external ports that do not lead where they should."""
    for row in await _flows_to(netlink, wan_address):
        parts = dict(attributes(row[_HEADER_BYTES:]))
        original = _Tuple(parts[_CTA_TUPLE_ORIG])
        reply = _Tuple(parts[_CTA_TUPLE_REPLY])
        for mapping in opened:
            external = mapping.external
            if (
                mapping.transport is original.transport
                and external.first <= original.destination_port <= external.last
            ):
                port = mapping.port + original.destination_port - external.first
                if (reply.source, reply.source_port) != (mapping.address.packed, port):
                    await _delete(netlink, parts)


class _Tuple:
    """One direction of a flow, as the kernel writes it."""

    def __init__(self, data: bytes) -> None:
        """Take apart addresses and ports."""
        parts = dict(attributes(data))
        addresses = dict(attributes(parts[_CTA_TUPLE_IP]))
        protocol = dict(attributes(parts[_CTA_TUPLE_PROTO]))
        self.source = addresses[_CTA_IP_V4_SRC]
        self.transport = _TRANSPORTS.get(protocol[_CTA_PROTO_NUM][0])
        self.source_port = int.from_bytes(protocol.get(_CTA_PROTO_SRC_PORT, b""))
        self.destination_port = int.from_bytes(protocol.get(_CTA_PROTO_DST_PORT, b""))


async def _flows_to(netlink: NetlinkSocket, address: IPv4Address) -> list[bytes]:
    """Return the IPv4 flows whose first packet went to this address."""
    return await netlink.dump(
        _IPCTNL_MSG_CT_GET,
        struct.pack(">BBH", socket.AF_INET, 0, 0)
        + attribute(_CTA_TUPLE_ORIG | _NESTED, _destination(address))
        + _filter(_FILTER_DESTINATION),
    )


def _destination(address: IPv4Address) -> bytes:
    return attribute(_CTA_TUPLE_IP | _NESTED, attribute(_CTA_IP_V4_DST, address.packed))


def _filter(original: int) -> bytes:
    """Say which parts of the original tuple count."""
    flags = attribute(_CTA_FILTER_ORIG_FLAGS, struct.pack("=I", original))
    return attribute(_CTA_FILTER | _NESTED, flags)


async def _delete(netlink: NetlinkSocket, parts: dict[int, bytes]) -> None:
    """Delete exactly the entry that was seen: the id guards against its reuse."""
    body = (
        struct.pack(">BBH", socket.AF_INET, 0, 0)
        + attribute(_CTA_TUPLE_ORIG | _NESTED, parts[_CTA_TUPLE_ORIG])
        + attribute(_CTA_ID, parts[_CTA_ID])
    )
    try:
        await netlink.request(Message(_IPCTNL_MSG_CT_DELETE, 0, body))
    except NetlinkError as err:
        if err.errno != errno.ENOENT:
            raise
