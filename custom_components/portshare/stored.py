"""What was stored by a newer version, or edited by hand: it is said, and left as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.exceptions import ConfigEntryError, HomeAssistantError

from .const import DOMAIN


@contextmanager
def must_be_readable(entry: ConfigEntry[Any]) -> Iterator[None]:
    """Raise a ConfigEntryError that says so if what was stored cannot be understood.

    It was written by us, so not every field of it is looked at. A file that is no JSON
    any more is put aside by Home Assistant.
    """
    try:
        yield
    except (
        HomeAssistantError,
        AttributeError,
        LookupError,
        OverflowError,
        TypeError,
        ValueError,
    ) as err:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="storage_unreadable",
            translation_placeholders={
                "files": f"{DOMAIN}.{entry.entry_id}.*",
                "detail": f"{type(err).__name__}: {err}",
            },
        ) from err
