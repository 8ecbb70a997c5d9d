"""What is fuzzed: a target takes hostile inputs, and says what must never happen."""

from abc import ABC, abstractmethod
import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random
from typing import Final

from .mutation import Mutator

_REMEMBERED: Final = 32


class Violation(Exception):
    """Something has happened that must never happen."""


class Target(ABC):
    """One after the other it makes inputs from chance, and looks at what they do.

    The same chance makes the same inputs, so that a finding can be made again.
    """

    # How many inputs there are between two looks at memory and tasks.
    round: int

    def __init__(self, random: Random, mutator: Mutator) -> None:
        """Remember where inputs come from."""
        self.random = random
        self.mutator = mutator
        self.count = 0
        self.last: deque[object] = deque(maxlen=_REMEMBERED)

    @abstractmethod
    async def step(self) -> None:
        """Take one or a few inputs. Raises Violation, or whatever escapes."""

    @abstractmethod
    async def rest(self) -> None:
        """Let all end that ends by itself. Raises Violation if something does not."""

    def note(self, given: object) -> None:
        """Note an input before it is taken."""
        self.count += 1
        self.last.append(given)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of target: how to open one, and in which event loop."""

    name: str
    open: Callable[[Random], AbstractAsyncContextManager[Target]]
    loop: Callable[[], asyncio.AbstractEventLoop]


def require(holds: object, what: str) -> None:
    """Raise a Violation that says what is wrong, unless something holds."""
    if not holds:
        raise Violation(what)
