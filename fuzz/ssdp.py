"""SSDP: searches, and how much they are answered with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from random import Random
import re
from typing import Any, Final, override
from uuid import UUID

from custom_components.portshare.independent.descriptions import gateways
from custom_components.portshare.independent.port_control import Address
from custom_components.portshare.independent.ssdp import GROUPS, Presence
from custom_components.portshare.independent.ssdp_server import SsdpServer
from custom_components.portshare.sharing.model import LanAddress

from .clock import JumpingLoop
from .mutation import Mutator, corpus
from .target import Kind, Target, require

# What a source may have at once, and then in a second; and all together.
_BURST: Final = 44
_PER_SECOND: Final = 8.0
_TOGETHER: Final = 5
# One answer. UDA 1.1 section 1.3.3 has these headers, and no more of the request in them
# than the target, which must be one of ours.
_LONGEST: Final = 600

_AT_ONCE: Final = 10
_LINK: Final = 1
_OWN: Final = (ip_address("192.168.178.1"), ip_address("2001:db8:1::1"))
_HOME: Final = (ip_network("192.168.178.0/24"), ip_network("2001:db8:1::/64"))
_OUTSIDE: Final = (ip_address("203.0.113.1"), ip_address("2001:db8:ffff::1"))
_HEADERS: Final = re.compile(rb"HTTP/1\.1 200 OK\r\n(?:[A-Z.-]+: [^\r\n]*\r\n)+\r\n")


class _Socket:
    """Has a datagram to be received, and keeps what is sent."""

    def __init__(self) -> None:
        self.datagram: tuple[bytes, Any] = (b"", None)
        self.sent: list[tuple[bytes, Address]] = []

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        data, peer = self.datagram
        return data[:size], peer

    def sendto(self, data: bytes, peer: Any) -> None:
        self.sent.append((data, ip_address(peer[0])))


class _Allowance:
    """How many answers there may be, told again in other words than the server's."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left = burst
        self._since = 0.0

    def take(self, now: float) -> bool:
        refilled = self._left + (now - self._since) * self._per_second
        self._left, self._since = min(self._burst, refilled) - 1, now
        # Of answers that were counted at once, the last may be sent half a second later.
        return self._left >= -self._burst


class Ssdp(Target):
    """Searches from all over the home, and from elsewhere."""

    round = 50_000

    def __init__(self, random: Random, mutator: Mutator) -> None:
        """Listen at the addresses of a gateway."""
        super().__init__(random, mutator)
        self._server = SsdpServer(_presences, 1, _is_at_home)
        addresses = (*_OWN, *GROUPS)
        self._sockets = {
            LanAddress(each, _LINK, "lan0"): _Socket() for each in addresses
        }
        self._server._sockets.update(self._sockets)  # type: ignore[arg-type]
        self._targets = {
            target.encode()
            for presence in _presences(next(iter(self._sockets)), 1)
            for target, _ in presence.targets()
        }
        self._allowances: dict[Address, _Allowance] = {}
        self._all = _Allowance(_TOGETHER * _BURST, _TOGETHER * _PER_SECOND)

    @override
    async def step(self) -> None:
        random = self.random
        for _ in range(_AT_ONCE):
            where, sock = random.choice(list(self._sockets.items()))
            source = self._source(where.address.version)
            data = self._search() if random.random() < 0.4 else self.mutator.bytes()
            sock.datagram = data, (str(source), random.choice((0, 1900, 50_000)))
            self.note((where, source, data))
            self._server._receive(where, sock)  # type: ignore[arg-type]
        await asyncio.sleep(random.choice((0.0, 0.0, 0.01, 1.0)))
        self._check()

    @override
    async def rest(self) -> None:
        await asyncio.sleep(60)
        self._check()
        self._allowances.clear()
        require(not self._server._answering, "answers that never end")

    async def close(self) -> None:
        """Listen no longer."""
        self._server._sockets.clear()
        await self._server.close()

    def _source(self, version: int) -> Address:
        random = self.random
        if random.random() < 0.1:
            return random.choice([each for each in _OUTSIDE if each.version == version])
        network = next(each for each in _HOME if each.version == version)
        # A few ask a lot, and many ask little: own addresses among them.
        host = (
            random.randrange(1, 4) if random.random() < 0.5 else random.randrange(255)
        )
        return network[host]

    def _search(self) -> bytes:
        random = self.random
        target = random.choice(
            ("ssdp:all", "upnp:rootdevice", "uuid:x", "", *sorted(self._targets))
        )
        text = target.decode() if isinstance(target, bytes) else target
        delay = random.choice(("0", "1", "3", "120", "99999", "-1", "x", "²", "1e9"))
        return (
            "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
            f'MAN: "ssdp:discover"\r\nMX: {delay}\r\nST: {text}\r\n\r\n'
        ).encode()

    def _check(self) -> None:
        now = asyncio.get_running_loop().time()
        for where, sock in self._sockets.items():
            for answer, peer in sock.sent:
                require(not where.address.is_multicast, "sent from a group")
                require(_is_at_home(peer), "an answer to who is not at home")
                require(peer not in _OWN, "an answer to ourselves")
                require(len(answer) <= _LONGEST, f"an answer of {len(answer)} octets")
                require(_HEADERS.fullmatch(answer), f"no answer: {answer!r}")
                (target,) = re.findall(rb"\r\nST: (.*)\r\n", answer)
                require(target in self._targets, f"an answer for {target!r}")
                of_peer = self._allowances.setdefault(
                    peer, _Allowance(_BURST, _PER_SECOND)
                )
                require(of_peer.take(now), f"too many answers to {peer}")
                require(self._all.take(now), "too many answers to all")
            sock.sent.clear()


def _presences(where: LanAddress, boot_id: int) -> tuple[Presence, ...]:
    return tuple(
        Presence(each, f"http://{where.address}/", "fuzz", boot_id, config_id=1)
        for each in gateways(UUID(int=1))
    )


def _is_at_home(address: Address) -> bool:
    return any(address in each for each in _HOME)


@asynccontextmanager
async def _open(random: Random) -> AsyncIterator[Ssdp]:
    target = Ssdp(random, Mutator(random, corpus("ssdp")))
    yield target
    await target.close()


KIND: Final = Kind("ssdp", _open, JumpingLoop)
