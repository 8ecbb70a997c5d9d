"""NAT-PMP, RFC 6886."""

import struct
from typing import Final, override

from custom_components.portshare.independent.port_control import Address

from .clock import JumpingLoop
from .datagrams import Datagrams, opening, some_port, some_seconds
from .household import may_map
from .target import Kind, require

_LEAST: Final = 12
_MAPPED: Final = 16
_RESULTS: Final = 5


class NatPmp(Datagrams):
    """NAT-PMP clients."""

    @override
    def generate(self, source: Address) -> bytes:
        random = self.random
        opcode = random.choice((0, 1, 1, 1, 2, 2, 2, 3, 127))
        ports = some_port(random), some_port(random)
        return struct.pack("!BBHHHI", 0, opcode, 0, *ports, some_seconds(random))

    @override
    def check_answer(self, source: Address, request: bytes, answer: bytes) -> None:
        if request[0] or source.version != 4:
            return  # PCP's
        # RFC 6886: 12 octets answer a request for the address, which has 2, and 16 answer
        # one for a mapping, which has 12 (sections 3.2, 3.3). Of an unknown opcode "the
        # entire request MUST be returned" (section 3.5).
        is_map = len(request) >= _LEAST and request[1] in {1, 2}
        most = _MAPPED if is_map else max(_LEAST, len(request) * (request[1] > 2))
        require(len(answer) <= most, f"{len(answer)} octets to {len(request)}")
        version, opcode, result = struct.unpack_from("!BBH", answer)
        require(version == 0, "an answer of another version")
        require(opcode == request[1] | 0x80, "an answer to another opcode")
        require(result <= _RESULTS, "a result that there is not")
        if is_map and result == 0:
            lifetime = int.from_bytes(answer[12:16])
            asked = int.from_bytes(request[8:12])
            require(lifetime <= asked, "granted for longer than asked")
            require(lifetime == 0 or may_map(source), "granted without permission")


KIND: Final = Kind("natpmp", opening("natpmp", NatPmp), JumpingLoop)
