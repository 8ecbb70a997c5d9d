"""PCP, RFC 6887."""

import struct
from typing import Final, override

from custom_components.portshare.independent.port_control import Address

from .clock import JumpingLoop
from .datagrams import Datagrams, opening, some_address, some_port, some_seconds
from .household import may_map
from .target import Kind, require

_HEADER: Final = 24
_LONGEST: Final = 1100
_MAP_BYTES: Final = 60
_NONCES: Final = (b"portshare-12", b"other nonce.", bytes(12))


class Pcp(Datagrams):
    """PCP clients."""

    @override
    def generate(self, source: Address) -> bytes:
        random = self.random
        client = source if random.random() < 0.9 else some_address(random)
        opcode = random.choice((0, 1, 1, 1, 1, 1, 2, 3, 127))
        header = struct.pack(
            "!BBHI16s", 2, opcode, 0, some_seconds(random), _packed(client)
        )
        body = b"".join(
            (
                random.choice(_NONCES),
                bytes([random.choice((0, 6, 6, 6, 17, 17, 132)), 0, 0, 0]),
                struct.pack("!HH", some_port(random), some_port(random)),
                _packed(some_address(random)),
            )
        )
        options = random.choice((0, 0, 0, 1, 1, 2, 20, 45))
        return (
            header + body * (opcode > 0) + b"".join(map(self._option, range(options)))
        )

    def _option(self, _: int) -> bytes:
        random = self.random
        match random.randrange(6):
            case 0:
                return bytes([2, 0, 0, 0])
            case 1:
                code, data = 1, _packed(some_address(random))
            case 2:
                code, data = (
                    random.randrange(256),
                    random.randbytes(random.randrange(9)),
                )
            case _:
                prefix = random.choice((0, 1, 32, 64, 96, 97, 120, 128, 129, 255))
                port = random.choice((0, 0, 0, 80))
                code = 3
                data = struct.pack("!BBH", 0, prefix, port)
                data += _packed(some_address(random))
        length = len(data) if random.random() < 0.95 else random.randrange(65_536)
        return struct.pack("!BBH", code, 0, length) + data + bytes(-len(data) % 4)

    @override
    def check_answer(self, source: Address, request: bytes, answer: bytes) -> None:
        if request[:1] == b"\0" and source.version == 4:
            return  # NAT-PMP's
        # A header is the least that RFC 6887 lets an answer be, and an error is a "complete
        # copy of the request packet", padded, of at most 1100 octets (sections 7.3, 8.2).
        most = max(_HEADER, min(len(request) + -len(request) % 4, _LONGEST))
        require(len(answer) <= most, f"{len(answer)} octets to {len(request)}")
        version, opcode, _, result, lifetime = struct.unpack_from("!BBBBI", answer)
        require(version == 2, "an answer of another version")
        require(opcode == request[1] | 0x80, "an answer to another opcode")
        require(result <= 13, "a result that there is not")
        if opcode == 0x81 and result == 0:
            require(len(answer) >= _MAP_BYTES, "half an answer")
            require(lifetime == 0 or may_map(source), "granted without permission")


def _packed(address: Address) -> bytes:
    packed = address.packed
    return packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed


KIND: Final = Kind("pcp", opening("pcp", Pcp), JumpingLoop)
