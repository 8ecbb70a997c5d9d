"""The thin sockets of SSDP: one for each address of the LAN interfaces and each group.

They get along with others that use port 1900 on this machine, above all Home Assistant's
own discovery: a socket that is bound to an address or a group is preferred to its sockets,
which are bound to none, and what goes to a group goes to all.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address
import random
import socket
import struct
from typing import Any, Final

from ..sharing.model import LanAddress
from . import ssdp
from .lan_sockets import address_of, open_socket
from .port_control import Address
from .ssdp import Presence, Throttle

_LONGEST: Final = 2_048

_IPV4_GROUP, _LINK_LOCAL_GROUP, _SITE_LOCAL_GROUP = ssdp.GROUPS


class SsdpServer:
    """Answers searches at home, and tells the home that the gateways are there."""

    def __init__(
        self,
        presences: Callable[[LanAddress, int], tuple[Presence, ...]],
        boot_id: int,
        is_at_home: Callable[[Address], bool],
    ) -> None:
        """Remember what to tell at an address; `listen` begins.

        The boot id is at least the highest one that was ever told before.
        """
        self._presences = presences
        self._boot_id = boot_id
        self._is_at_home = is_at_home
        self._sockets: dict[LanAddress, socket.socket] = {}
        self._throttle = Throttle()
        self._answering: set[asyncio.Task[None]] = set()
        self._telling: asyncio.Task[None] | None = None

    async def listen(self, addresses: Iterable[LanAddress]) -> None:
        """Listen at these addresses and their groups, and no longer at others.

        Raises OSError if another program does not share the port; the other addresses
        are listened at all the same.
        """
        wanted = set(addresses)
        wanted |= {
            LanAddress(group, each.link, each.interface)
            for each in wanted
            for group in ssdp.GROUPS
            if group.version == each.address.version
        }
        before = set(self._sockets)
        for gone in before - wanted:
            self._tell(gone, ssdp.byebye)
            self._close(gone)
        failed: OSError | None = None
        for each in wanted - before:
            try:
                self._open(each)
            except OSError as err:
                failed = err
        if self._sockets.keys() != before:
            await self._begin_telling(before & wanted)
        if failed:
            raise failed

    async def close(self) -> None:
        """Say good-bye, and listen no longer; who waits for an answer gets none."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)
        await self.listen(())

    def _open(self, where: LanAddress) -> None:
        sock = open_socket(where, socket.SOCK_DGRAM, ssdp.PORT, shared=True)
        try:
            if where.address.is_multicast:
                _join(sock, where)
            else:
                _prepare_to_tell(sock, where)
        except OSError:
            sock.close()
            raise
        self._sockets[where] = sock
        loop = asyncio.get_running_loop()
        loop.add_reader(sock, self._receive, where, sock)

    def _close(self, where: LanAddress) -> None:
        sock = self._sockets.pop(where)
        asyncio.get_running_loop().remove_reader(sock)
        sock.close()

    def _receive(self, where: LanAddress, sock: socket.socket) -> None:
        try:
            datagram, peer = sock.recvfrom(_LONGEST)
        except OSError:  # what was sent before did not arrive
            return
        source = address_of(peer)
        if self._is_own(source) or not self._is_at_home(source):
            return
        is_multicast = where.address.is_multicast
        search = ssdp.parse(datagram, multicast=is_multicast)
        answering = self._nearest(where, source) if is_multicast else where
        if search is None or answering is None:
            return
        presences = self._presences(answering, self._boot_id)
        answers = ssdp.answer(search, presences, datetime.now(UTC))
        loop = asyncio.get_running_loop()
        if answers and self._throttle.admits(source, len(answers), loop.time()):
            task = loop.create_task(self._answer(answering, answers, peer, search))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _answer(
        self, where: LanAddress, answers: list[bytes], peer: Any, search: ssdp.Search
    ) -> None:
        await asyncio.sleep(random.uniform(0, search.delay))
        for answer in answers:
            self._send(where, answer, peer)

    def _is_own(self, source: Address) -> bool:
        """Return whether a search is of this machine, which needs no gateway."""
        return any(each.address == source for each in self._sockets)

    def _nearest(self, group: LanAddress, source: Address) -> LanAddress | None:
        """Return the own address that a source can surely reach.

        It is the one with the longest prefix in common: link-local for link-local.
        """
        own = [
            each
            for each in self._sockets
            if each.link == group.link
            and each.address.version == source.version
            and not each.address.is_multicast
        ]
        return min(own, key=lambda each: int(each.address) ^ int(source), default=None)

    async def _begin_telling(self, staying: Iterable[LanAddress]) -> None:
        """Tell from the beginning that the gateways are there, with a new boot id."""
        if self._telling:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
            self._telling = None
        next_boot_id = self._boot_id + 1
        for each in staying:
            self._tell(
                each,
                lambda presence, group: ssdp.update(presence, group, next_boot_id),
            )
        self._boot_id = next_boot_id
        if self._sockets:
            self._telling = asyncio.get_running_loop().create_task(self._keep_telling())

    async def _keep_telling(self) -> None:
        before = 0.0
        for after in ssdp.ALIVE_AFTER:
            await asyncio.sleep(after - before)
            before = after
            self._tell_all()
        while True:
            await asyncio.sleep(random.uniform(*ssdp.ALIVE_AGAIN))
            self._tell_all()

    def _tell_all(self) -> None:
        for each in self._sockets:
            self._tell(each, ssdp.alive)

    def _tell(
        self, where: LanAddress, write: Callable[[Presence, Address], list[bytes]]
    ) -> None:
        """Tell from an address, if it is no group, what there is of its gateways."""
        if where.address.is_multicast:
            return
        group = _group_of(where.address)
        for presence in self._presences(where, self._boot_id):
            for datagram in write(presence, group):
                self._send(where, datagram, (str(group), ssdp.PORT))

    def _send(self, where: LanAddress, datagram: bytes, peer: Any) -> None:
        # What does not arrive is told again, and searched for again.
        if sock := self._sockets.get(where):
            with suppress(OSError):
                sock.sendto(datagram, peer)


def _group_of(address: Address) -> Address:
    """Return the group that may be told of an address. See UDA 1.1 section A.3."""
    if isinstance(address, IPv4Address):
        return _IPV4_GROUP
    return _LINK_LOCAL_GROUP if address.is_link_local else _SITE_LOCAL_GROUP


def _join(sock: socket.socket, where: LanAddress) -> None:
    group = where.address.packed
    if where.address.version == 4:
        # struct ip_mreqn
        request = struct.pack("=4s4xi", group, where.link)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    else:
        # struct ipv6_mreq
        request = struct.pack("=16sI", group, where.link)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)


def _prepare_to_tell(sock: socket.socket, where: LanAddress) -> None:
    """Let what goes to groups go to the interface, and not come back."""
    if where.address.version == 4:
        # struct ip_mreqn
        interface = struct.pack("=4x4si", where.address.packed, where.link)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, where.link)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
