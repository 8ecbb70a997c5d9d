"""Hostile input for everything that takes some: see `scripts/fuzz --help`."""

# Before anybody imports voluptuous, in the place of which it puts another library.
import homeassistant  # noqa: F401
