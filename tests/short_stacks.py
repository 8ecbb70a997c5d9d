"""The event loop in debug mode notes in short where each future was made.

Whole stacks take a third of the time that the tests do. The loop's own are as long as a
constant says; those of futures and tasks are made by C code, which keeps the function
that it finds when it is loaded: so this is to be loaded first (`-p tests.short_stacks`).
"""

import sys
import traceback


def extract_short_stack() -> traceback.StackSummary:
    """Do what `extract_stack` does, for the caller and two before him."""
    frames = traceback.walk_stack(sys._getframe(1))
    stack = traceback.StackSummary.extract(frames, limit=3, lookup_lines=False)
    stack.reverse()
    return stack


extract_stack = traceback.extract_stack
traceback.extract_stack = extract_short_stack  # type: ignore[assignment]
from asyncio import constants  # noqa: E402

traceback.extract_stack = extract_stack
constants.DEBUG_STACK_DEPTH = 1  # type: ignore[misc]
