"""The thin sockets of PCP and NAT-PMP: one for each address of the LAN interfaces.

A socket has one address and one interface, so what is sent to another address of the
gateway, or comes in from the internet, never gets here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
import logging
import socket
from typing import Any, Final, override

from ..sharing.model import LanAddress
from . import natpmp, pcp
from .lan_sockets import address_of, listen_at, open_socket
from .port_control import Address, PortControl

_LOGGER = logging.getLogger(__name__)

# More than so many unanswered datagrams are more than devices at home ask.
_MOST_UNDER_WAY: Final = 1_000
_LONGEST: Final = 2_048
# They come in bursts: after a power cut all devices ask at once. The kernel gives what it
# may (net.core.rmem_max), and counts a kilobyte and more for each datagram.
_BUFFER_BYTES: Final = 1 << 20

# "All-Hosts" groups: RFC 6886 section 3.2.1, RFC 6887 section 14.1.3
_ALL_HOSTS: Final = {4: "224.0.0.1", 6: "ff02::1"}


class PortControlServer:
    """Listens where it is told, and answers devices of the home."""

    def __init__(
        self, control: PortControl, is_at_home: Callable[[Address], bool]
    ) -> None:
        """Remember who answers, and who may ask; `listen` begins."""
        self._control = control
        self._is_at_home = is_at_home
        self._listening: dict[LanAddress, asyncio.DatagramTransport] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._announcing: asyncio.Task[None] | None = None

    async def listen(self, addresses: Iterable[LanAddress]) -> None:
        """Listen at these addresses, and no longer at others.

        Raises OSError if another program has the port; the other addresses are listened
        at all the same.
        """
        await listen_at(addresses, self._listening, self._open)

    async def close(self) -> None:
        """Listen no longer; what is under way is not answered any more."""
        tasks = [*self._under_way, *([self._announcing] if self._announcing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.listen(())

    def announce(self) -> None:
        """Tell the home that a new epoch has begun, or that mappings have changed.

        All devices hear of the epoch, and clients of PCP what mappings they have now.
        """
        if self._announcing:
            self._announcing.cancel()
        loop = asyncio.get_running_loop()
        self._announcing = loop.create_task(self._announce())

    async def _announce(self) -> None:
        await asyncio.gather(self._announce_epoch(), self._update_mappings())

    async def _announce_epoch(self) -> None:
        async for _ in _moments(natpmp.ANNOUNCE_AFTER):
            for where, transport in self._listening.items():
                group = _ALL_HOSTS[where.address.version], natpmp.CLIENT_PORT
                for datagram in self._control.announcements(type(where.address)):
                    transport.sendto(datagram, group)

    async def _update_mappings(self) -> None:
        stale = self._control.claims()
        async for _ in _moments(pcp.UPDATE_AFTER):
            for update in self._control.mapping_updates(stale):
                # From all of our addresses: clients heed the one that they have asked.
                for where, transport in self._listening.items():
                    if where.address.version == update.client.version:
                        transport.sendto(
                            update.datagram, (str(update.client), update.port)
                        )

    async def _open(self, where: LanAddress) -> asyncio.DatagramTransport:
        sock = open_socket(where, socket.SOCK_DGRAM, natpmp.SERVER_PORT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        if where.address.version == 4:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, where.link)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Endpoint(self._received), sock=sock
        )
        return transport

    def _received(
        self, transport: asyncio.DatagramTransport, datagram: bytes, peer: Any
    ) -> None:
        source = address_of(peer)
        # "Overload: drop silently", and whoever is not of the home.
        if len(self._under_way) >= _MOST_UNDER_WAY or not self._is_at_home(source):
            return
        task = asyncio.get_running_loop().create_task(
            self._answer(transport, datagram[:_LONGEST], source, peer), eager_start=True
        )
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _answer(
        self,
        transport: asyncio.DatagramTransport,
        datagram: bytes,
        source: Address,
        peer: Any,
    ) -> None:
        try:
            answer = await self._control.answer(datagram, source, peer[1])
        except Exception:
            # A mistake of ours; the next device shall be answered all the same.
            _LOGGER.exception("A request for a port could not be answered")
            return
        if answer is not None and not transport.is_closing():
            transport.sendto(answer, peer)


async def _moments(seconds: Iterable[float]) -> AsyncIterator[None]:
    """Yield at each of these times, counted from now."""
    before = 0.0
    for after in seconds:
        await asyncio.sleep(after - before)
        before = after
        yield


class _Endpoint(asyncio.DatagramProtocol):
    """Passes on what comes in."""

    def __init__(
        self, received: Callable[[asyncio.DatagramTransport, bytes, Any], None]
    ) -> None:
        self._received = received
        self._transport: asyncio.DatagramTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        assert self._transport
        self._received(self._transport, data, addr)
