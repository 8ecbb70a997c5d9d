"""A caller who stays on the line: a connection that must live, or must be cut."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from .model import Door, Household, Opening
from .questions import Caller

LIVES: Final = 3.0
"""Seconds in which what is said comes back, also if TCP has to say it again."""

IS_CUT: Final = 0.3

_SAID: Final = b"still there?\n"


class Flow:
    """A TCP connection from the internet through an opening. Blocking, for a thread."""

    def __init__(self, caller: Caller, opening: Opening, door: Door) -> None:
        """Connect, and hear who answers. Raises OSError."""
        self._opening = _same(opening)
        self._door = door
        self.over = False
        self._sock = caller.open(door)
        self._sock.settimeout(LIVES)
        self._sock.connect((door.address, door.port))
        self._sock.recv(200)

    def __str__(self) -> str:
        """What a person reads."""
        return f"The connection to {self._door}"

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def follow(self, model: Household) -> bool:
        """Note what has become of its opening; return whether anything is promised.

        Nothing is, where it is not the gateway that decides: cables, other addresses.
        Nor of what was closed and is open again before anybody has said a word.
        """
        openings = {_same(each): each for each in model.kernel.openings}
        if self._opening not in openings:
            self.over = True
            return model.running
        short = openings[self._opening].short
        reached = model.line and model.door(self._opening) == self._door
        return reached and not short and not self.over

    def echoes(self) -> bool:
        """Say something, and return whether it comes back."""
        self._sock.settimeout(IS_CUT if self.over else LIVES)
        heard = b""
        try:
            self._sock.sendall(_SAID)
            while not heard.endswith(_SAID):
                if not (said := self._sock.recv(200)):
                    return False
                heard += said
        except OSError:
            return False
        return True


def possible(model: Household) -> Sequence[tuple[Opening, Door]]:
    """The openings through which somebody may stay on the line."""
    doors = {each: model.door(each) for each in model.kernel.openings}
    return [
        (each, door)
        for each, door in sorted(doors.items(), key=str)
        if model.line and door and each.transport == "tcp" and not each.short
    ]


def _same(opening: Opening) -> Opening:
    """The opening as the first caller sees it, who may call what is for a few, too."""
    return replace(opening, limited=False, short=False)
