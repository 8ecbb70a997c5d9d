"""How hypothesis tries the properties of this room, and homes for its servers."""

from hypothesis import settings

from tests.homes import alone, home, inside, real_sockets

__all__ = ["alone", "home", "inside", "real_sockets"]

# A test says what is right, not how long it may take on somebody's machine.
settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")
