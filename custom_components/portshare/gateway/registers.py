"""The registers of nf_tables, of which some bytes may be unknown."""

from typing import Final

# include/uapi/linux/netfilter/nf_tables.h: NFT_REG_1 to NFT_REG_4 of 16 bytes, and the
# same memory as NFT_REG32_00 to NFT_REG32_15 of four.
_REG32_00: Final = 8
_REG_BYTES: Final = 16
_REG32_BYTES: Final = 4
_BYTES: Final = 64


class Registers:
    """What the expressions of a rule hand on to each other."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._bytes: list[int | None] = []
        self.forget()

    def forget(self) -> None:
        """Know nothing any more."""
        self._bytes = [None] * _BYTES

    def store(self, register: int, value: bytes | None, size: int = _REG_BYTES) -> None:
        """Keep a value, padded to full words; None is one of this size, not known."""
        offset = _offset(register)
        if value is None:
            self._bytes[offset : offset + size] = [None] * size
        else:
            padded = value + bytes(-len(value) % _REG32_BYTES)
            self._bytes[offset : offset + len(padded)] = padded

    def load(self, register: int, size: int) -> bytes | None:
        """Return this many bytes; None if one of them is unknown."""
        offset = _offset(register)
        found = [
            each for each in self._bytes[offset : offset + size] if each is not None
        ]
        return bytes(found) if len(found) == size else None


def _offset(register: int) -> int:
    if register >= _REG32_00:
        return (register - _REG32_00) * _REG32_BYTES
    return (register - 1) * _REG_BYTES
