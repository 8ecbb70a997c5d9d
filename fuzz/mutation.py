"""Seeds from the corpus, and what chance makes of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

_CORPUS: Final = Path(__file__).parent / "corpus"
_INTERESTING: Final = (0, 1, 2, 16, 127, 128, 255)
_LONGEST: Final = 4_096

TEXTS: Final = (
    "",
    " ",
    "0",
    "-1",
    "65536",
    "1e9",
    "None",
    "true",
    "\0",
    "\r\nX-Injected: 1",
    "]]>",
    "<a>&amp;",
    "%s%n",
    "../../etc/passwd",
    "'; DROP TABLE",
    "ü" * 70,
    "x" * 5_000,
    "\u202e\u0000",
    "😀",
    "127.0.0.1",
    "0.0.0.0/0",
    "::/0",
    "fe80::1%1",
    "2026-11-23T12:00:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
)
NUMBERS: Final = (0, 1, -1, 7, 80, 1900, 5351, 65_535, 65_536, 2**31, 2**32, 2**63 - 1)


def corpus(name: str) -> list[bytes]:
    """Return the seeds of a target, in the order of their names."""
    return [path.read_bytes() for path in sorted((_CORPUS / name).iterdir())]


class Mutator:
    """Changes seeds, a little or a lot."""

    def __init__(self, random: Random, seeds: Sequence[bytes]) -> None:
        """Remember what to change."""
        self._random = random
        self.seeds = seeds
        self._ways: tuple[Callable[[bytearray], None], ...] = (
            self._flip,
            self._flip,
            self._set,
            self._set,
            self._cut,
            self._insert,
            self._repeat,
            self._splice,
        )

    def bytes(self) -> bytes:
        """Return a seed as it is, or changed in a few places, or noise."""
        random = self._random
        fate = random.random()
        if fate < 0.02:
            return random.randbytes(random.randrange(64))
        data = bytearray(random.choice(self.seeds))
        if fate < 0.15:
            return bytes(data)
        for _ in range(random.choice((1, 1, 2, 3, 8))):
            random.choice(self._ways)(data)
        return bytes(data[:_LONGEST])

    def value(self, value: Any) -> Any:
        """Return what JSON can hold, with something in it changed."""
        random = self._random
        if isinstance(value, dict) and value and random.random() < 0.9:
            changed = dict(value)
            key = random.choice(list(changed))
            match random.randrange(8):
                case 0:
                    del changed[key]
                case 1:
                    changed[self.scalar_key()] = changed.pop(key)
                case _:
                    changed[key] = self.value(changed[key])
            return changed
        if isinstance(value, list) and value and random.random() < 0.9:
            index = random.randrange(len(value))
            return [*value[:index], self.value(value[index]), *value[index + 1 :]]
        return self.scalar()

    def scalar_key(self) -> str:
        """Return what a name may be."""
        return self._random.choice(TEXTS)

    def scalar(self) -> Any:
        """Return any value."""
        random = self._random
        match random.randrange(8):
            case 0:
                return None
            case 1:
                return random.random() < 0.5
            case 2:
                return random.choice((0.5, -1.0, 1e300, 80.0))
            case 3:
                return random.choice(([], {}, [1], ["x"], {"a": 1}, [[]]))
            case 4 | 5:
                return random.choice(NUMBERS)
            case _:
                return random.choice(TEXTS)

    def _place(self, data: bytearray) -> int:
        return self._random.randrange(len(data) + 1)

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)

    def _set(self, data: bytearray) -> None:
        if data:
            place = self._random.randrange(len(data))
            data[place] = self._random.choice(
                (*_INTERESTING, self._random.randrange(256))
            )

    def _cut(self, data: bytearray) -> None:
        begin = self._place(data)
        del data[begin : begin + self._random.choice((1, 2, 4, 16, len(data)))]

    def _insert(self, data: bytearray) -> None:
        place = self._place(data)
        if self._random.random() < 0.5:
            data[place:place] = self._random.randbytes(self._random.randrange(1, 9))
        else:
            data[place:place] = self._random.choice(TEXTS).encode()

    def _repeat(self, data: bytearray) -> None:
        begin = self._place(data)
        piece = data[begin : begin + self._random.choice((1, 4, 24, 64))]
        data[begin:begin] = piece * self._random.choice((1, 2, 50))

    def _splice(self, data: bytearray) -> None:
        other = self._random.choice(self.seeds)
        data[self._place(data) :] = other[self._random.randrange(len(other) + 1) :]
