"""What the kernel answers, and tells unasked: of a newer kernel, or of others' tables.

The kernel is no enemy: lengths are right, and there is what must be there. But there may
be more than we know, in another order, with values that nobody expects.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
import struct
from typing import Any, Final, override

from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from custom_components.portshare.gateway import books, foreign, table, watch
from custom_components.portshare.gateway.conntrack import _Ports
from custom_components.portshare.gateway.dump import listing
from custom_components.portshare.gateway.netlink import (
    NETLINK_NETFILTER,
    Event,
    NetlinkSocket,
    attribute,
    attributes,
)

from .mutation import Mutator, corpus
from .target import Kind, Target, require

_HEADER: Final = 16
_NESTED: Final = 0x8000
# Beyond all numbers of attributes that there are today.
_UNKNOWN: Final = range(200, 250)
# How long the part between the header and the attributes is, by kind.
_FIXED: Final = {"link": 16, "address": 8, "route": 12, "neighbour": 12}
_NFGENMSG: Final = 4
_KEY_OF_ELEMENT: Final = 1
# Of two IPv4 addresses.
_KEY_BYTES: Final = 8


class Netlink(Target):
    """Messages of the kernel, changed, to all who read them."""

    round = 20_000

    def __init__(
        self, random: Random, mutator: Mutator, kinds: list[str], socket: NetlinkSocket
    ) -> None:
        """Remember of which kind each seed is."""
        super().__init__(random, mutator)
        self._rows = list(zip(kinds, mutator.seeds, strict=True))
        self._socket = socket
        self._marshal = MarshalRtnl()
        self._readers: dict[str, Callable[[bytes], object]] = {
            "link": self._rtnl(watch._link),
            "address": self._rtnl(watch._link_address),
            "route": self._rtnl(watch._default_routes),
            "neighbour": self._rtnl(lambda message: watch._follow({}, message)),
            "elements": _read_elements,
            "flow": _read_flow,
            "chain": lambda row: foreign._hook(_parts(row)),
            "rule": _read_rule,
            "set": lambda row: foreign._is_read(_parts(row)),
            "table": _parts,
        }

    @override
    async def step(self) -> None:
        kind, seed = self.random.choice(self._rows)
        row = self._change(kind, seed)
        self.note((kind, row))
        self._readers[kind](row)
        # Together with what is no message at all, as far as lengths are right.
        noise = self.random.randbytes(self.random.randrange(32))
        self._socket._parse(memoryview(row + noise))

    @override
    async def rest(self) -> None:
        await asyncio.sleep(0)

    def _rtnl(self, read: Callable[[Any], object]) -> Callable[[bytes], object]:
        def decode(row: bytes) -> None:
            for message in self._marshal.parse(row):
                read(message)

        return decode

    def _change(self, kind: str, row: bytes) -> bytes:
        begin = _HEADER + _FIXED.get(kind, _NFGENMSG)
        body = row[_HEADER:begin] + self._change_attributes(kind, row[begin:])
        _, *rest = struct.unpack_from("=IHHII", row)
        return struct.pack("=IHHII", _HEADER + len(body), *rest) + body

    def _change_attributes(self, kind: str, data: bytes) -> bytes:
        random = self.random
        parts = list(_nested(data))
        if random.random() < 0.1:
            random.shuffle(parts)
        if random.random() < 0.2:
            place = random.randrange(len(parts) + 1)
            unknown = random.choice(_UNKNOWN), random.randbytes(random.randrange(40))
            parts.insert(place, unknown)
        if kind == "elements" and random.random() < 0.05:
            parts = [each for each in parts if each[0] != _KEY_OF_ELEMENT] or parts
        changed = []
        for type_, payload in parts:
            if _is_nested(payload):
                payload = self._change_attributes(kind, payload)
            elif payload and random.random() < 0.05:
                payload = self._change_value(payload)
            changed.append(attribute(type_, payload))
        return b"".join(changed)

    def _change_value(self, value: bytes) -> bytes:
        place = self.random.randrange(len(value))
        byte = self.random.choice((0, 1, 0x7F, 0x80, 0xFF, self.random.randrange(256)))
        return value[:place] + bytes([byte]) + value[place + 1 :]


def _nested(data: bytes) -> list[tuple[int, bytes]]:
    """Return attributes with their flags."""
    found = []
    offset = 0
    while offset + 4 <= len(data):
        length, type_ = struct.unpack_from("=HH", data, offset)
        found.append((type_, data[offset + 4 : offset + length]))
        offset += (length + 3) & ~3
    return found


def _is_nested(payload: bytes) -> bool:
    """Return whether a payload is attributes, one after the other, to its end."""
    offset = 0
    while offset + 4 <= len(payload):
        length, type_ = struct.unpack_from("=HH", payload, offset)
        if length < 4 or type_ & ~_NESTED > 64 or offset + length > len(payload):
            return False
        offset += (length + 3) & ~3
    return offset >= len(payload) > 0


def _parts(row: bytes) -> dict[int, bytes]:
    return dict(attributes(row[_HEADER + _NFGENMSG :]))


def _read_elements(row: bytes) -> None:
    found = list(table.parse("visitors4", row))
    messages = table.delete_messages(
        [table.Element("dnat4", each.key, each.data, each.end) for each in found]
    )
    require(bool(messages) == bool(found), "what is found cannot be deleted")
    list(books._parse(row))
    own = [each.key for each in found if len(each.key) in {0, _KEY_BYTES}]
    listing({"flow4_exposed": [table.Element("flow4_exposed", key) for key in own]})


def _read_flow(row: bytes) -> None:
    _Ports((), ()).compare([row])


def _read_rule(row: bytes) -> None:
    rule = foreign._rule(_parts(row))
    require(rule.leads_to is not None, "a rule that leads nowhere")


@asynccontextmanager
async def _open(random: Random) -> AsyncIterator[Netlink]:
    def heard(event: Event) -> None:
        require(event.data, "an event without a message")

    socket = NetlinkSocket(NETLINK_NETFILTER, on_event=heard)
    folder = Path(__file__).parent / "corpus" / "netlink"
    kinds = [path.name.partition("-")[0] for path in sorted(folder.iterdir())]
    yield Netlink(random, Mutator(random, corpus("netlink")), kinds, socket)
    await socket.close()


KIND: Final = Kind("netlink", _open, asyncio.new_event_loop)
