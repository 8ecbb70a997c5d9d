"""Weeks of a busy household on the demo home, against a model of what must be so."""

from demo import DemoError


class Divergence(DemoError):
    """The home is not as the model says."""
