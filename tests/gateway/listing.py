"""Our tables as a person reads them, without what differs from one time to the next."""

import re

from .traffic import nft

_COUNTERS = re.compile(r"counter packets \d+ bytes \d+")
_REMEMBERED = re.compile(
    r"(set (?:visitors|answers)[46] \{[^{}]*?timeout \w+)\s*elements = \{.*?\}\n",
    re.DOTALL,
)
_ELEMENTS = re.compile(r"elements = \{(.*?)\}", re.DOTALL)


def listing() -> str:
    """Return what `nft list` shows of ours: sorted elements, counters at zero.

    What its rules remember of the traffic is left out.
    """
    text = nft("list", "table", "inet", "portshare")
    text += nft("list", "table", "netdev", "portshare")
    text = _COUNTERS.sub("counter", text).replace("\t", "    ")
    text = _REMEMBERED.sub(r"\1\n", text)
    return _ELEMENTS.sub(_sorted, text)


def _sorted(match: re.Match[str]) -> str:
    elements = sorted(" ".join(each.split()) for each in match[1].split(","))
    lines = "".join(f"            {element},\n" for element in elements)
    return f"elements = {{\n{lines}        }}"
