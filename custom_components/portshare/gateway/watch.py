"""What the kernel tells about the network: links, addresses, routes, neighbours.

Links, addresses and routes change rarely and depend on each other (IPv4 routes vanish
without an event when their link goes down), so an event reads all of them again.
Neighbours come and go all the time, so they are followed event by event.
"""

import asyncio
from collections.abc import Callable, Iterable
import contextlib
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)
import logging
import socket
import struct
from typing import Any, Final

from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from .errors import GatewayError
from .netlink import NETLINK_ROUTE, Event, Message, NetlinkSocket, attribute

_LOGGER = logging.getLogger(__name__)

type Address = IPv4Address | IPv6Address
type Interface = IPv4Interface | IPv6Interface

# include/uapi/linux/rtnetlink.h
_RTM_GETLINK: Final = 18
_RTM_GETADDR: Final = 22
_RTM_GETROUTE: Final = 26
_RTM_NEWNEIGH: Final = 28
_RTM_DELNEIGH: Final = 29
_RTM_GETNEIGH: Final = 30
_RTNLGRP_LINK: Final = 1
_RTNLGRP_NEIGH: Final = 3
_RTNLGRP_IPV4_IFADDR: Final = 5
_RTNLGRP_IPV4_ROUTE: Final = 7
_RTNLGRP_IPV6_IFADDR: Final = 9
_RTNLGRP_IPV6_ROUTE: Final = 11
_GROUPS: Final = (
    _RTNLGRP_LINK,
    _RTNLGRP_NEIGH,
    _RTNLGRP_IPV4_IFADDR,
    _RTNLGRP_IPV4_ROUTE,
    _RTNLGRP_IPV6_IFADDR,
    _RTNLGRP_IPV6_ROUTE,
)
_RTN_UNICAST: Final = 1
_RTA_OIF: Final = "RTA_OIF"
# rtmsg begins behind the netlink header: family, dst_len, ...
_DST_LEN_OFFSET: Final = 17

_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)

# include/uapi/linux/if.h
_IFF_UP: Final = 0x1
_IFF_LOOPBACK: Final = 0x8
_IFF_LOWER_UP: Final = 0x10000

# include/uapi/linux/if_addr.h
_IFA_F_TEMPORARY: Final = 0x01
_IFA_F_DADFAILED: Final = 0x08
_IFA_F_DEPRECATED: Final = 0x20
_IFA_F_TENTATIVE: Final = 0x40
_SCOPE_UNIVERSE: Final = 0
_SCOPE_LINK: Final = 253

# include/uapi/linux/neighbour.h
_NUD_REACHABLE: Final = 0x02
_NUD_STALE: Final = 0x04
_NUD_DELAY: Final = 0x08
_NUD_PROBE: Final = 0x10
_NUD_PERMANENT: Final = 0x80
# The states in which the kernel sends to the address without asking who has it.
_NUD_CONFIRMED: Final = (
    _NUD_REACHABLE | _NUD_STALE | _NUD_DELAY | _NUD_PROBE | _NUD_PERMANENT
)
# The states of who was heard just now.
_NUD_HEARD: Final = _NUD_REACHABLE | _NUD_STALE
_NUD_NONE: Final = 0x00
_NTF_USE: Final = 0x01
_NTF_PROXY: Final = 0x08
_NDA_DST: Final = 1
_NLM_F_REPLACE: Final = 0x100
_NLM_F_CREATE: Final = 0x400

_RETRY_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface. `up` means that it has a carrier, too."""

    index: int
    name: str
    mac: str
    up: bool
    loopback: bool


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """An address of one of the gateway's interfaces, in use now."""

    link: int
    interface: Interface
    temporary: bool


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """A way to everywhere. Of several, the kernel takes the one with the lowest metric."""

    link: int
    version: int
    metric: int = 0


@dataclass(frozen=True, slots=True)
class Network:
    """The gateway's interfaces with their addresses and default routes.

    `link_local` are those of its addresses that count on their own link only: there,
    hosts know their router by the one of IPv6.
    """

    links: tuple[Link, ...] = ()
    addresses: tuple[LinkAddress, ...] = ()
    default_routes: tuple[DefaultRoute, ...] = ()
    link_local: tuple[LinkAddress, ...] = ()


class Watch:
    """A mirror of the kernel's network state that calls back when it has changed."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """Remember whom to call; `open` begins."""
        self._on_change = on_change
        self._marshal = MarshalRtnl()
        self._netlink: NetlinkSocket | None = None
        self._reading: asyncio.Task[None] | None = None
        self._read_again = False
        self._neighbours_lost = True
        # Those IPv4 addresses of `neighbours` that devices may have left, and who asks
        # whether they have.
        self._doubted: set[tuple[int, Address]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        # What is told of neighbours while all of them are being read.
        self._meanwhile: list[Any] = []
        self.network = Network()
        # (link, address) -> MAC address, the most recently learned last
        self.neighbours: dict[tuple[int, Address], str] = {}

    async def open(self) -> None:
        """Read everything, and follow it from now on."""
        self._netlink = NetlinkSocket(
            NETLINK_ROUTE,
            groups=_GROUPS,
            on_event=self._event,
            on_loss=self._lost,
        )
        await self._read_all()

    async def close(self) -> None:
        """Stop following."""
        if self._netlink:
            await self._netlink.close()
        tasks = [*self._asking, *([self._reading] if self._reading else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def check(self) -> None:
        """Follow anew, and read everything again, if the socket was lost."""
        if self._netlink:
            self._netlink.check()

    async def probe(self, link: int, address: Address) -> None:
        """Ask the kernel to find out who has an address (ARP or ND)."""
        assert self._netlink
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        body = struct.pack("=BxxxiHBB", family, link, _NUD_NONE, _NTF_USE, 0)
        body += attribute(_NDA_DST, address.packed)
        await self._netlink.request(Message(_RTM_NEWNEIGH, _NLM_F_CREATE, body))

    def _event(self, event: Event) -> None:
        if event.type not in (_RTM_NEWNEIGH, _RTM_DELNEIGH):
            self._schedule_reading()
            return
        message = next(self._marshal.parse(event.data))
        if self._neighbours_lost:
            self._meanwhile.append(message)
        elif _follow(self.neighbours, message):
            self._doubt_others(message)
            self._on_change()
        elif message.get_attr("NDA_DST") is not None:
            self._settle_doubt(message)

    def _doubt_others(self, message: Any) -> None:
        """Find out whether a device has left its other IPv4 addresses for a new one.

        Of those that it has left the kernel is sure for minutes. If the device were back
        at one by then, nothing would be told.
        """
        new, mac = _key(message), message.get_attr("NDA_LLADDR")
        self._doubted.discard(new)
        if self.neighbours.get(new) == mac and new[1].version == 4:
            self._doubt_all(key for key in self._ipv4_of(mac) if key != new)

    def _doubt_several(self) -> None:
        """Find out at which of its IPv4 addresses a device is, where we were not told.

        One that it has left may have been confirmed after the new one, of which it takes
        the kernel some seconds to be sure.
        """
        by_mac: dict[str, list[tuple[int, Address]]] = {}
        for key, mac in self.neighbours.items():
            if key[1].version == 4:
                by_mac.setdefault(mac, []).append(key)
        for keys in by_mac.values():
            if len(keys) > 1:
                self._doubt_all(keys)

    def _doubt_all(self, keys: Iterable[tuple[int, Address]]) -> None:
        for key in keys:
            self._doubted.add(key)
            self._ask_again(key)

    def _settle_doubt(self, message: Any) -> None:
        """If a device is still, or again, at an address: is it at the newest one, too?"""
        key, state = _key(message), message["state"]
        if key not in self._doubted or not state & (_NUD_HEARD | _NUD_PERMANENT):
            return
        self._doubted.discard(key)
        *_, newest = self._ipv4_of(self.neighbours[key])
        if state & _NUD_HEARD and newest != key:
            self._ask_again(newest)

    def _ipv4_of(self, mac: str) -> list[tuple[int, Address]]:
        return [
            key
            for key, each in self.neighbours.items()
            if each == mac and key[1].version == 4
        ]

    def _ask_again(self, key: tuple[int, Address]) -> None:
        task = asyncio.get_running_loop().create_task(self._doubt(*key))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _doubt(self, link: int, address: Address) -> None:
        """Let the kernel ask whether an address is still where it was (NUD_PROBE)."""
        assert self._netlink
        request = struct.pack("=BxxxiHBB", socket.AF_INET, link, 0, 0, 0)
        destination = attribute(_NDA_DST, address.packed)
        with contextlib.suppress(GatewayError):
            rows = await self._netlink.request(
                Message(_RTM_GETNEIGH, 0, request + destination)
            )
            # What somebody has set for good is not touched.
            if any(each["state"] & _NUD_PERMANENT for each in self._decode(rows)):
                self._doubted.discard((link, address))
                return
            probe = struct.pack("=BxxxiHBB", socket.AF_INET, link, _NUD_PROBE, 0, 0)
            await self._netlink.request(
                Message(_RTM_NEWNEIGH, _NLM_F_REPLACE, probe + destination)
            )

    def _lost(self) -> None:
        self._neighbours_lost = True
        self._schedule_reading()

    def _schedule_reading(self) -> None:
        self._read_again = True
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        """Read until nothing has happened meanwhile."""
        changed = False
        while self._read_again:
            self._read_again = False
            try:
                changed |= await self._read_all()
            except GatewayError as err:
                _LOGGER.debug("Reading the network state failed: %s", err)
                await asyncio.sleep(_RETRY_SECONDS)
                self._read_again = True
        self._reading = None
        if changed:
            self._on_change()

    async def _read_all(self) -> bool:
        """Read the network, and the neighbours if need be; return what has changed."""
        before = self.network
        self.network = await self._read_network()
        if not self._neighbours_lost:
            return self.network != before
        self._meanwhile.clear()
        neighbours = await self._read_neighbours()
        for message in self._meanwhile:
            _follow(neighbours, message)
        self.neighbours = neighbours
        self._doubted.intersection_update(neighbours)
        self._neighbours_lost = False
        self._doubt_several()
        return True

    async def _read_network(self) -> Network:
        assert self._netlink
        links = await self._netlink.dump(_RTM_GETLINK, bytes(16))
        addresses = await self._netlink.dump(_RTM_GETADDR, bytes(8))
        routes = await self._netlink.dump(_RTM_GETROUTE, bytes(12))
        usable = [
            (message["scope"], address)
            for message in self._decode(addresses)
            if (address := _link_address(message))
        ]
        return Network(
            tuple(_link(message) for message in self._decode(links)),
            # Unique local addresses (RFC 4193) have global scope, too.
            tuple(each for scope, each in usable if scope == _SCOPE_UNIVERSE),
            tuple(
                route
                for message in self._decode(
                    [row for row in routes if row[_DST_LEN_OFFSET] == 0]
                )
                for route in _default_routes(message)
            ),
            tuple(each for scope, each in usable if scope == _SCOPE_LINK),
        )

    async def _read_neighbours(self) -> dict[tuple[int, Address], str]:
        """Return the confirmed neighbours, the most recently confirmed last."""
        assert self._netlink
        rows = await self._netlink.dump(_RTM_GETNEIGH, bytes(12))
        # There may be thousands, and decoding them takes its time.
        messages = await asyncio.get_running_loop().run_in_executor(
            None, self._decode, rows
        )
        messages.sort(key=_seconds_since_confirmation, reverse=True)
        return {
            _key(message): message.get_attr("NDA_LLADDR")
            for message in messages
            if _is_confirmed(message)
        }

    def _decode(self, rows: list[bytes]) -> list[Any]:
        return [message for row in rows for message in self._marshal.parse(row)]


def _link(message: Any) -> Link:
    flags = message["flags"]
    return Link(
        message["index"],
        message.get_attr("IFLA_IFNAME"),
        message.get_attr("IFLA_ADDRESS") or "",
        bool(flags & _IFF_UP) and bool(flags & _IFF_LOWER_UP),
        bool(flags & _IFF_LOOPBACK),
    )


def _link_address(message: Any) -> LinkAddress | None:
    """Return an address; None for one that is not yet or no longer used."""
    flags = message.get_attr("IFA_FLAGS") or message["flags"]
    unusable = _IFA_F_DADFAILED | _IFA_F_TENTATIVE | _IFA_F_DEPRECATED
    address = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    if flags & unusable or address is None:
        return None
    return LinkAddress(
        message["index"],
        ip_interface((address, message["prefixlen"])),
        bool(message["family"] == socket.AF_INET6 and flags & _IFA_F_TEMPORARY),
    )


def _default_routes(message: Any) -> list[DefaultRoute]:
    if message["dst_len"] != 0 or message["type"] != _RTN_UNICAST:
        return []
    version = 4 if message["family"] == socket.AF_INET else 6
    hops = message.get_attr("RTA_MULTIPATH") or ()
    links = {hop["oif"] for hop in hops}
    if (link := message.get_attr(_RTA_OIF)) is not None:
        links.add(link)
    metric = message.get_attr("RTA_PRIORITY") or 0
    return [DefaultRoute(link, version, metric) for link in sorted(links)]


def _follow(neighbours: dict[tuple[int, Address], str], message: Any) -> bool:
    """Take over what a message says of a neighbour; return whether that is news."""
    if message.get_attr("NDA_DST") is None or message["family"] not in _FAMILIES:
        return False
    key = _key(message)
    if message["header"]["type"] == _RTM_DELNEIGH or not _is_confirmed(message):
        return neighbours.pop(key, None) is not None
    mac = message.get_attr("NDA_LLADDR")
    if neighbours.get(key) == mac:
        return False
    neighbours.pop(key, None)
    neighbours[key] = mac
    return True


def _key(message: Any) -> tuple[int, Address]:
    return message["ifindex"], ip_address(message.get_attr("NDA_DST"))


def _is_confirmed(message: Any) -> bool:
    return bool(
        message["family"] in _FAMILIES
        and message["state"] & _NUD_CONFIRMED
        and not message["flags"] & _NTF_PROXY
        and message.get_attr("NDA_LLADDR")
    )


def _seconds_since_confirmation(message: Any) -> int:
    cache = message.get_attr("NDA_CACHEINFO")
    return int(cache["ndm_confirmed"]) if cache else 0
