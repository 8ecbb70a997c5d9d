"""Connection tracking: flows that began before a mapping must not keep it from working.

A packet to a closed port leaves an entry that says "no translation" for as long as the
flow goes on; a peer that keeps knocking (WireGuard) would never get through. The same
holds for a flow that leads to the device that had the port before.

Such an entry must not simply be deleted: the next packet of the device of old would
open the flow again from inside, as one of its own. So the entry is replaced, or in the
case of TCP declared closed, and the gate cuts what goes on.

When the gate goes with our tables, entries are deleted all the same: before that it has
cut what runs, and what is left must not pass other firewalls as begun long ago.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
import errno
from ipaddress import IPv4Address
from itertools import batched
import socket
import struct
from typing import Final

from ..sharing.model import ANY_IPV4, Dnat, Environment, Mapping, Transport
from .errors import NetlinkError
from .expressions import label_bits
from .netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Message,
    NetlinkSocket,
    attribute,
    attributes,
)
from .ruleset import LABEL, OVER_LABEL

# include/uapi/linux/netfilter/nfnetlink_conntrack.h
_IPCTNL_MSG_CT_NEW: Final = 0x100
_IPCTNL_MSG_CT_GET: Final = 0x101
_IPCTNL_MSG_CT_DELETE: Final = 0x102
_CTA_TUPLE_ORIG: Final = 1
_CTA_TUPLE_REPLY: Final = 2
_CTA_STATUS: Final = 3
_CTA_PROTOINFO: Final = 4
_CTA_TIMEOUT: Final = 7
_CTA_MARK: Final = 8
_CTA_ID: Final = 12
_CTA_NAT_DST: Final = 13
_CTA_LABELS: Final = 22
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
_CTA_NAT_V4_MINIP: Final = 1
_CTA_NAT_V4_MAXIP: Final = 2
_CTA_NAT_PROTO: Final = 3
_CTA_PROTONAT_PORT_MIN: Final = 1
_CTA_PROTONAT_PORT_MAX: Final = 2
_CTA_PROTOINFO_TCP: Final = 1
_CTA_PROTOINFO_TCP_STATE: Final = 1
_CTA_PROTOINFO_TCP_FLAGS_ORIGINAL: Final = 4
# net/netfilter/nf_conntrack_netlink.c: CTA_FILTER_F_CTA_...
_FILTER_DESTINATION: Final = 1 << 1
_FILTER_PROTOCOL: Final = 1 << 3
_FILTER_DESTINATION_PORT: Final = 1 << 5
# include/uapi/linux/netfilter/nf_conntrack_common.h
_IPS_DST_NAT: Final = 1 << 5
# include/uapi/linux/netfilter/nf_conntrack_tcp.h
_TCP_CONNTRACK_CLOSE: Final = 8
_IP_CT_TCP_FLAG_CLOSE_INIT: Final = 0x04
_NESTED: Final = 0x8000
_HEADER_BYTES: Final = 20

_TRANSPORTS: Final = {
    6: Transport.TCP,
    17: Transport.UDP,
    47: Transport.GRE,
    50: Transport.ESP,
}
_NUMBERS: Final = {transport: number for number, transport in _TRANSPORTS.items()}
_IPV4: Final = struct.pack(">BBH", socket.AF_INET, 0, 0)
_IPV6: Final = struct.pack(">BBH", socket.AF_INET6, 0, 0)
_FAMILIES: Final = (_IPV4, _IPV6)
# Version 1 of a message has filters.
_IPV4_FILTERED: Final = struct.pack(">BBH", socket.AF_INET, 1, 0)

# The kernel's nf_conntrack_udp_timeout; the flow's own packets will renew it.
_UDP_TIMEOUT_SECONDS: Final = 30

# More ports than this are not asked for one by one: then every flow is looked at.
_FEW: Final = 4

# The flow ended in the meantime, or its next packet was quicker than we.
_SETTLED_ITSELF: Final = frozenset({errno.ENOENT, errno.EEXIST})

# So many requests go to the kernel together; the answers fit into the socket's buffer.
_AT_ONCE: Final = 256

# A kernel that cannot delete by filter (before 6.12) takes the partial tuple for a
# whole one, and finds it incomplete.
_NO_DELETE_BY_FILTER: Final = frozenset({errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP})

# The address and port of a device.
type _Target = tuple[bytes, int]


class Flows:
    """Leads flows that began earlier to where freshly opened mappings lead.

    To find flows that lead to another device the kernel takes milliseconds (it locks
    each of its hash table's buckets), so where a port has led is remembered, and they
    are looked for only if they can be there.
    """

    def __init__(self) -> None:
        """Nothing is known yet; `lead_all` learns."""
        self._led: dict[tuple[Transport, int], _Target] = {}
        self._ranges: set[Dnat] = set()

    async def lead(
        self,
        netlink: NetlinkSocket,
        environment: Environment,
        opened: Iterable[Mapping],
    ) -> None:
        """Let flows to freshly opened ports go where these lead now.

        To be called right after the mappings have been opened: before, a packet in
        between would make a new entry. An exposed host gets what no other mapping wants,
        so all that are open must be given with it.
        """
        mappings = [mapping for mapping in opened if isinstance(mapping, Dnat)]
        moved = [mapping for mapping in mappings if not self._leads_as_before(mapping)]
        same = [mapping for mapping in mappings if mapping not in moved]
        if len(mappings) > _FEW:
            moved, same = mappings, []
        self._remember(mappings)
        for wan_address in environment.wan_ipv4:
            for mapping in same:
                try:
                    await _delete_untranslated(netlink, wan_address, mapping)
                except NetlinkError as err:
                    if err.errno not in _NO_DELETE_BY_FILTER:
                        raise
                    moved.append(mapping)
            ports = _Ports(moved, environment.served)
            for request in ports.requests(wan_address):
                await self._mend(netlink, ports, request)

    async def lead_all(
        self,
        netlink: NetlinkSocket,
        environment: Environment,
        opened: Iterable[Mapping],
    ) -> None:
        """Do the same when nothing is known of what was open before, and learn it."""
        mappings = [mapping for mapping in opened if isinstance(mapping, Dnat)]
        self._remember(mappings)
        ports = _Ports(mappings, environment.served)
        for wan_address in environment.wan_ipv4:
            await self._mend(netlink, ports, _request(wan_address))

    async def _mend(
        self, netlink: NetlinkSocket, ports: _Ports, request: bytes
    ) -> None:
        rows = await netlink.dump(_IPCTNL_MSG_CT_GET, request)
        # There may be many thousands, so they are looked at elsewhere.
        led, misled = await asyncio.get_running_loop().run_in_executor(
            None, ports.compare, rows
        )
        self._led = led | self._led
        for messages in misled:
            await _carry_out(netlink, *messages)

    def _leads_as_before(self, mapping: Dnat) -> bool:
        """Return whether no flow can lead to another device than this mapping."""
        port = mapping.external.first
        target = (mapping.address.packed, mapping.port)
        return (
            len(mapping.external) == 1
            and self._led.get((mapping.transport, port), target) == target
            and not any(
                was.transport in (mapping.transport, Transport.ANY)
                and was.external.overlaps(mapping.external)
                for was in self._ranges
            )
        )

    def _remember(self, mappings: Iterable[Dnat]) -> None:
        for mapping in mappings:
            if len(mapping.external) > 1:
                self._ranges.add(mapping)
            else:
                service = mapping.transport, mapping.external.first
                self._led[service] = mapping.address.packed, mapping.port


async def are_flows_there(netlink: NetlinkSocket) -> bool:
    """Return whether there are flows that we have let in. Raises a GatewayError."""
    return bool(await _deletions(netlink))


async def forget_flows(netlink: NetlinkSocket) -> None:
    """Delete all flows that we have let in, for when our tables are gone.

    Nobody leads them any more then, and other firewalls ask who calls. If the device
    speaks next, that begins the flow anew, as one of its own. Raises a GatewayError.
    """
    for several in batched(await _deletions(netlink), _AT_ONCE, strict=False):
        if not await _carry_out(netlink, *several):
            # Only one error was told. What is deleted already has settled itself.
            for each in several:
                await _carry_out(netlink, each)


async def _deletions(netlink: NetlinkSocket) -> list[Message]:
    """Return what deletes all flows that we have let in."""
    deletions: list[Message] = []
    for family in _FAMILIES:
        rows = await netlink.dump(_IPCTNL_MSG_CT_GET, family)
        deletions += await asyncio.get_running_loop().run_in_executor(
            None, _deletions_of_ours, rows, family
        )
    return deletions


def _deletions_of_ours(rows: Iterable[bytes], family: bytes) -> list[Message]:
    flows = (dict(attributes(row[_HEADER_BYTES:])) for row in rows)
    return [_delete(flow, family) for flow in flows if _is_ours(flow)]


async def _carry_out(netlink: NetlinkSocket, *messages: Message) -> bool:
    """Send messages; return False if the first to be refused had settled itself."""
    try:
        await netlink.request(*messages)
    except NetlinkError as err:
        if err.errno not in _SETTLED_ITSELF:
            raise
        return False
    return True


class _Ports:
    """Freshly opened external ports, and where they lead."""

    def __init__(
        self, opened: Iterable[Dnat], served: Collection[tuple[Transport, int]]
    ) -> None:
        """Index them; no port is in two mappings of a transport."""
        self._mappings = sorted(opened, key=_position)
        self._exposed = next(
            (each for each in self._mappings if each.transport is Transport.ANY), None
        )
        self._served = served

    def requests(self, wan_address: IPv4Address) -> Iterator[bytes]:
        """Yield requests that together find every flow to these ports."""
        if sum(len(mapping.external) for mapping in self._mappings) > _FEW:
            yield _request(wan_address)
            return
        for mapping in self._mappings:
            for port in range(mapping.external.first, mapping.external.last + 1):
                yield _request(wan_address, mapping.transport, port)

    def compare(
        self, rows: Collection[bytes]
    ) -> tuple[dict[tuple[Transport, int], _Target], list[list[Message]]]:
        """Return where flows to other ports lead, and what to do about the misled."""
        led = {}
        misled = []
        for row in rows:
            parts = dict(attributes(row[_HEADER_BYTES:]))
            original = _Tuple(parts[_CTA_TUPLE_ORIG])
            reply = _Tuple(parts[_CTA_TUPLE_REPLY])
            if original.transport is None:
                continue
            mapping = self._mapping(original)
            if mapping and not _may_call(original, mapping):
                continue
            target = _target(original, mapping) if mapping else None
            leads_to = reply.source, reply.source_port
            if target is None:
                if reply.source != original.destination:
                    led[original.transport, original.destination_port] = leads_to
            elif leads_to != target:
                misled.append(_lead_anew(parts, original, reply, target))
        return led, misled

    def _mapping(self, original: _Tuple) -> Dnat | None:
        """Return the mapping of the port that this flow calls."""
        port = original.destination_port
        position = (str(original.transport), port)
        number = bisect_right(self._mappings, position, key=_position)
        mapping = self._mappings[number - 1] if number else None
        if (
            mapping
            and mapping.transport is original.transport
            and (port <= mapping.external.last)
        ):
            return mapping
        if (original.transport, port) in self._served:
            return None
        return self._exposed


def _may_call(original: _Tuple, mapping: Dnat) -> bool:
    if mapping.sources == (ANY_IPV4,):
        return True
    caller = IPv4Address(original.source)
    return any(caller in network for network in mapping.sources)


def _target(original: _Tuple, mapping: Dnat) -> _Target:
    """Return the address and port of the device that a flow should reach."""
    port = mapping.port + original.destination_port - mapping.external.first
    return mapping.address.packed, port


class _Tuple:
    """One direction of a flow, as the kernel writes it."""

    def __init__(self, data: bytes) -> None:
        """Take apart addresses and ports."""
        parts = dict(attributes(data))
        addresses = dict(attributes(parts[_CTA_TUPLE_IP]))
        protocol = dict(attributes(parts[_CTA_TUPLE_PROTO]))
        self.source = addresses[_CTA_IP_V4_SRC]
        self.destination = addresses[_CTA_IP_V4_DST]
        self.transport = _TRANSPORTS.get(protocol[_CTA_PROTO_NUM][0])
        self.source_port = int.from_bytes(protocol.get(_CTA_PROTO_SRC_PORT, b""))
        self.destination_port = int.from_bytes(protocol.get(_CTA_PROTO_DST_PORT, b""))


def _position(mapping: Dnat) -> tuple[str, int]:
    return str(mapping.transport), mapping.external.first


def _request(
    address: IPv4Address, transport: Transport | None = None, port: int = 0
) -> bytes:
    """Return the body of a request about flows that began with a packet to an address.

    The kernel filters; without the address, what the home network does with the same
    port elsewhere would be found, too.
    """
    flags = _FILTER_DESTINATION
    destination = _nested(_CTA_TUPLE_IP, attribute(_CTA_IP_V4_DST, address.packed))
    if transport:
        flags |= _FILTER_PROTOCOL | _FILTER_DESTINATION_PORT
        destination += _nested(
            _CTA_TUPLE_PROTO,
            attribute(_CTA_PROTO_NUM, bytes([_NUMBERS[transport]])),
            attribute(_CTA_PROTO_DST_PORT, port.to_bytes(2)),
        )
    filter_flags = attribute(_CTA_FILTER_ORIG_FLAGS, struct.pack("=I", flags))
    return (
        _IPV4_FILTERED
        + _nested(_CTA_TUPLE_ORIG, destination)
        + _nested(_CTA_FILTER, filter_flags)
    )


async def _delete_untranslated(
    netlink: NetlinkSocket, wan_address: IPv4Address, mapping: Dnat
) -> None:
    """Delete flows to an external port that went to the gateway itself.

    The kernel finds them alone, and quickly. Nothing can open them again from inside.
    """
    body = (
        _request(wan_address, mapping.transport, mapping.external.first)
        + attribute(_CTA_STATUS, bytes(4))
        + attribute(_CTA_STATUS_MASK, _IPS_DST_NAT.to_bytes(4))
    )
    await netlink.request(Message(_IPCTNL_MSG_CT_DELETE, 0, body))


def _lead_anew(
    parts: dict[int, bytes], original: _Tuple, reply: _Tuple, target: _Target
) -> list[Message]:
    """Return what makes a flow forget where it led."""
    if original.transport is Transport.TCP:
        return [_declare_closed(parts)]
    if original.transport is not Transport.UDP or reply.destination != original.source:
        # Who calls from home (hairpin) is masqueraded, which takes the rules again.
        return [_delete(parts)]
    return [_delete(parts), _lead_to(*target, parts, original)]


def _is_ours(parts: dict[int, bytes]) -> bool:
    labels = int.from_bytes(parts.get(_CTA_LABELS, b""))
    return bool(labels & int.from_bytes(label_bits(LABEL)))


def _declare_closed(parts: dict[int, bytes]) -> Message:
    """A TCP flow is over, and its caller may begin a new one with the same ports.

    The kernel lets that happen if it has seen one side close the flow. One of ours is
    marked, too, so that the gate cuts what goes on.
    """
    labels = int.from_bytes(parts.get(_CTA_LABELS, b""))
    if _is_ours(parts):
        labels |= int.from_bytes(label_bits(OVER_LABEL))
    state = attribute(_CTA_PROTOINFO_TCP_STATE, bytes([_TCP_CONNTRACK_CLOSE]))
    flags = attribute(
        _CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, bytes([_IP_CT_TCP_FLAG_CLOSE_INIT] * 2)
    )
    return Message(
        _IPCTNL_MSG_CT_NEW,
        0,
        _IPV4
        + _nested(_CTA_TUPLE_ORIG, parts[_CTA_TUPLE_ORIG])
        + _nested(_CTA_PROTOINFO, _nested(_CTA_PROTOINFO_TCP, state, flags))
        + attribute(_CTA_LABELS, labels.to_bytes(16)),
    )


def _delete(parts: dict[int, bytes], family: bytes = _IPV4) -> Message:
    """Delete exactly the entry that was seen: the id guards against its reuse."""
    return Message(
        _IPCTNL_MSG_CT_DELETE,
        0,
        family
        + _nested(_CTA_TUPLE_ORIG, parts[_CTA_TUPLE_ORIG])
        + attribute(_CTA_ID, parts[_CTA_ID]),
    )


def _lead_to(
    address: bytes, port: int, parts: dict[int, bytes], original: _Tuple
) -> Message:
    """Make the entry that the caller's next packet would make."""
    protocol = attribute(_CTA_PROTO_NUM, bytes([_NUMBERS[Transport.UDP]]))
    reply = _nested(
        _CTA_TUPLE_IP,
        attribute(_CTA_IP_V4_SRC, original.destination),
        attribute(_CTA_IP_V4_DST, original.source),
    ) + _nested(
        _CTA_TUPLE_PROTO,
        protocol,
        attribute(_CTA_PROTO_SRC_PORT, original.destination_port.to_bytes(2)),
        attribute(_CTA_PROTO_DST_PORT, original.source_port.to_bytes(2)),
    )
    target = _nested(
        _CTA_NAT_DST,
        attribute(_CTA_NAT_V4_MINIP, address),
        attribute(_CTA_NAT_V4_MAXIP, address),
        _nested(
            _CTA_NAT_PROTO,
            attribute(_CTA_PROTONAT_PORT_MIN, port.to_bytes(2)),
            attribute(_CTA_PROTONAT_PORT_MAX, port.to_bytes(2)),
        ),
    )
    labels = int.from_bytes(parts.get(_CTA_LABELS, b"")) | int.from_bytes(
        label_bits(LABEL)
    )
    return Message(
        _IPCTNL_MSG_CT_NEW,
        NLM_F_CREATE | NLM_F_EXCL,
        _IPV4
        + _nested(_CTA_TUPLE_ORIG, parts[_CTA_TUPLE_ORIG])
        + _nested(_CTA_TUPLE_REPLY, reply)
        + target
        + attribute(_CTA_TIMEOUT, _UDP_TIMEOUT_SECONDS.to_bytes(4))
        + attribute(_CTA_MARK, parts.get(_CTA_MARK, bytes(4)))
        + attribute(_CTA_LABELS, labels.to_bytes(16)),
    )


def _nested(type_: int, *payload: bytes) -> bytes:
    return attribute(type_ | _NESTED, b"".join(payload))
