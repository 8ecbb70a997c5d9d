"""icons.json: each entity and each service has one, and nothing else has."""

from collections.abc import Iterator
import re
from typing import Any, Final

import voluptuous as vol

from .repository import Repository, Unreadable, flat

_FILE: Final = "icons.json"

_ICON: Final = re.compile(r"mdi:[a-z0-9]+(?:-[a-z0-9]+)*")
# What entities with two states are.
_ON_AND_OFF: Final = {"on", "off"}


_SCHEMA: Final = vol.Schema(
    {
        vol.Optional("entity"): {
            str: {
                str: {vol.Optional("default"): str, vol.Optional("state"): {str: str}}
            }
        },
        vol.Optional("services"): {str: {vol.Required("service"): str}},
    }
)


def check_shape(repository: Repository) -> Iterator[str]:
    """Everything is where Home Assistant looks for it, and the other checks, too."""
    try:
        _SCHEMA(repository.icons)
    except vol.Invalid as err:
        raise Unreadable(f"{_FILE}: is not as Home Assistant reads it: {err}") from err
    yield from ()


def check_format(repository: Repository) -> Iterator[str]:
    """Icons are of Material Design, and a state's is not that of all states."""
    for path, icon in flat(repository.icons):
        if not _ICON.fullmatch(icon):
            yield f"{_FILE}: {path} is {icon}; name an icon as mdi:door-open"
    for path, icons in _entities(repository):
        for state, icon in icons.get("state", {}).items():
            if icon == icons.get("default"):
                yield f"{_FILE}: {path} has the default icon for {state}; leave it out"


def check_entities(repository: Repository) -> Iterator[str]:
    """An entity has an icon, or a device class that gives it one."""
    there = {path for path, _ in _entities(repository)}
    entities = {
        f"{each.platform}.{each.key}": each.has_device_class
        for each in repository.code.entities
    }
    for path in sorted(there - entities.keys()):
        yield f"{_FILE}: {path} is no entity; remove its icon"
    for path in sorted(entities.keys() - there):
        if not entities[path]:
            yield f"{_FILE}: {path} has no icon and no device class; add an icon"


def check_states(repository: Repository) -> Iterator[str]:
    """Icons of states are of states that an entity has."""
    texts = repository.texts.get("entity", {})
    for path, icons in _entities(repository):
        platform, key = path.split(".")
        states = texts.get(platform, {}).get(key, {}).get("state", {}).keys()
        for state in sorted(icons.get("state", {}).keys() - (states or _ON_AND_OFF)):
            yield f"{_FILE}: {path} has no state {state}; remove its icon"


def check_services(repository: Repository) -> Iterator[str]:
    """Each service has an icon."""
    icons = repository.icons.get("services", {})
    for service in sorted(repository.services.keys() - icons.keys()):
        yield f"{_FILE}: service {service} has no icon; add one"
    for service in sorted(icons.keys() - repository.services.keys()):
        yield f"{_FILE}: there is no service {service}; remove its icon"


def _entities(repository: Repository) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the icons of each entity: `sensor.status`."""
    for platform, entities in repository.icons.get("entity", {}).items():
        for key, icons in entities.items():
            yield f"{platform}.{key}", icons


CHECKS: Final = (
    check_shape,
    check_format,
    check_entities,
    check_states,
    check_services,
)
