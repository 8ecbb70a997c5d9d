"""The demo home: an internet, a gateway and three devices in network namespaces."""

PREFIX = "portshare-"
"""How the names of the demo's namespaces begin."""


class DemoError(Exception):
    """What a person has to know and to do, in a sentence or two."""
