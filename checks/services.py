"""services.yaml: what is described is what is registered, and can be filled in."""

from collections.abc import Iterator
from typing import Any, Final

import voluptuous as vol

from homeassistant.helpers.selector import validate_selector

from .code import assigned
from .repository import Repository

_FILE: Final = "services.yaml"
_SERVICE: Final = {"fields", "target"}
_FIELD: Final = {"default", "example", "required", "selector"}


def check_registered(repository: Repository) -> Iterator[str]:
    """The class `Service` of services.py names the same services."""
    kind = repository.code.classes.get("Service")
    module = repository.code.modules["services"]
    names = assigned(kind).values() if kind else ()
    registered = {repository.code.string(module, each) or "" for each in names}
    for service in sorted(registered - repository.services.keys()):
        yield f"{_FILE}: {service} is missing, which services.py registers"
    for service in sorted(repository.services.keys() - registered):
        yield f"{_FILE}: services.py registers no {service}; remove it"


def check_fields(repository: Repository) -> Iterator[str]:
    """The fields are those of the schemas of services.py, taken together."""
    taken = repository.code.fields(repository.code.modules["services"])
    offered = {
        name for service in repository.services for name in _fields(repository, service)
    }
    for name in sorted(taken - offered):
        yield f"{_FILE}: no service has the field {name}, which services.py takes"
    for name in sorted(offered - taken):
        yield f"{_FILE}: services.py takes no {name}; remove the field"


def check_selectors(repository: Repository) -> Iterator[str]:
    """Home Assistant can show each field."""
    for service, description in repository.services.items():
        for key in sorted((description or {}).keys() - _SERVICE):
            yield f"{_FILE}: {service} has an unknown {key}; remove it"
        for name, field in _fields(repository, service).items():
            for key in sorted(field.keys() - _FIELD):
                yield f"{_FILE}: {service}.{name} has an unknown {key}; remove it"
            try:
                validate_selector(field.get("selector"))
            except vol.Invalid as err:
                yield f"{_FILE}: {service}.{name}: {err}; mend its selector"


def check_texts(repository: Repository) -> Iterator[str]:
    """Each service and each field has a name and a description, and no other has."""
    texts = repository.texts.get("services", {})
    for service in sorted(repository.services.keys() ^ texts.keys()):
        yield f"translations/en.json: {service} is here or in {_FILE} only"
    for service in sorted(repository.services.keys() & texts.keys()):
        described = texts[service].get("fields", {}).keys()
        for name in sorted(_fields(repository, service).keys() ^ described):
            yield f"translations/en.json: {service}.{name} is here or in {_FILE} only"


def _fields(repository: Repository, service: str) -> dict[str, dict[str, Any]]:
    return dict((repository.services[service] or {}).get("fields") or {})


CHECKS: Final = (check_registered, check_fields, check_selectors, check_texts)
