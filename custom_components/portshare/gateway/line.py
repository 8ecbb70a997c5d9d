"""What the line to the internet carries: read from the kernel when somebody asks."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
import struct
from typing import Final

from ..sharing.model import Transport
from .netlink import NETLINK_ROUTE, NetlinkSocket, attributes

# include/uapi/linux/rtnetlink.h, if_link.h
_RTM_GETLINK: Final = 18
_IFINFOMSG: Final = struct.Struct("=BxHiII")
_ATTRIBUTES: Final = 16 + _IFINFOMSG.size
_IFLA_IFNAME: Final = 3
_IFLA_STATS64: Final = 23
# The beginning of struct rtnl_link_stats64: packets received and sent, bytes likewise.
_STATS: Final = struct.Struct("=QQQQ")

_INTERFACES: Final = Path("/sys/class/net")
_MEGABIT: Final = 1_000_000

# After how many seconds an established flow without packets is forgotten.
_CONNTRACK: Final = Path("/proc/sys/net/netfilter")
_IDLE: Final = {
    Transport.TCP: "nf_conntrack_tcp_timeout_established",
    Transport.UDP: "nf_conntrack_udp_timeout_stream",
}


@dataclass(frozen=True, slots=True)
class Line:
    """The WAN interfaces together. The rate is in bits per second, 0 if not known.

    `idle` says after how many seconds the firewall forgets a flow.
    """

    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    rate: int
    idle: Mapping[Transport, int]


async def measure_line(interfaces: Collection[str]) -> Line:
    """Return what went over these interfaces until now. Raises a NetlinkError."""
    netlink = NetlinkSocket(NETLINK_ROUTE)
    try:
        rows = await netlink.dump(_RTM_GETLINK, _IFINFOMSG.pack(0, 0, 0, 0, 0))
    finally:
        await netlink.close()
    rate, idle = await asyncio.to_thread(_read_settings, interfaces)
    counters = zip(*_counters(rows, interfaces), strict=True)
    packets_received, packets_sent, bytes_received, bytes_sent = map(sum, counters)
    return Line(
        packets_received=packets_received,
        packets_sent=packets_sent,
        bytes_received=bytes_received,
        bytes_sent=bytes_sent,
        rate=rate,
        idle=idle,
    )


def _counters(
    rows: list[bytes], interfaces: Collection[str]
) -> Iterator[tuple[int, ...]]:
    yield (0, 0, 0, 0)
    for row in rows:
        found = dict(attributes(row[_ATTRIBUTES:]))
        if found[_IFLA_IFNAME].rstrip(b"\0").decode() in interfaces:
            yield _STATS.unpack_from(found[_IFLA_STATS64])


def _read_settings(
    interfaces: Collection[str],
) -> tuple[int, Mapping[Transport, int]]:
    rate = sum(_read(_INTERFACES / each / "speed") for each in interfaces) * _MEGABIT
    return rate, {each: _read(_CONNTRACK / name) for each, name in _IDLE.items()}


def _read(path: Path) -> int:
    """Return the number in a file; 0 if there is none, or none is known (-1)."""
    try:
        return max(0, int(path.read_text()))
    except OSError:
        return 0
