"""The demo home: an internet, a gateway and three devices in network namespaces."""

from pathlib import Path

PREFIX = "portshare-"
"""How the names of the demo's namespaces begin."""

REPOSITORY = Path(__file__).resolve().parent.parent


class DemoError(Exception):
    """What a person has to know and to do, in a sentence or two."""
