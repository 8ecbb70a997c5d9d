"""How hypothesis tries the properties of this room."""

from hypothesis import settings

# A test says what is right, not how long it may take on somebody's machine.
settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")
