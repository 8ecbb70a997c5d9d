"""The bytes of every download: numbered lines, so that any piece of it can be checked."""

LINE = 16
"""Bytes in one line: 15 digits and a newline."""


def stream(start: int, size: int) -> bytes:
    """The bytes from `start` on: 000000000000000, 000000000000001, ..."""
    first, skip = divmod(start, LINE)
    last = -(-(start + size) // LINE)
    return b"".join(b"%015d\n" % n for n in range(first, last))[skip : skip + size]
