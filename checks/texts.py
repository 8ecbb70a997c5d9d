"""translations/: the same in all languages, in the right shape, all of it used."""

import ast
from collections.abc import Iterator
import re
import string
from typing import Final

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from .code import keys, keywords
from .repository import Repository, Unreadable, flat

FILE: Final = "translations/en.json"

_URL: Final = re.compile(r"\b(?:[a-z][a-z0-9]*://|www\.)\S", re.IGNORECASE)
_IN_SINGLE_QUOTES: Final = re.compile(r"'\{\w+\}'")
_KEY: Final = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")

# Texts of our own sentences, with keys put together from what happened. What must be there
# is known to tests/integration/test_texts.py.
_SENTENCES: Final = {"log", "notice"}


# The shape


def _key(value: str) -> str:
    if not _KEY.fullmatch(value):
        raise vol.Invalid(f"{value} is not a key of small letters, digits and _")
    return value


_NAMED: Final = {vol.Required("name"): str}
_DESCRIBED: Final = {**_NAMED, vol.Required("description"): str}
_FORM: Final = {
    vol.Optional("description"): str,
    vol.Optional("data"): {_key: str},
    vol.Optional("data_description"): {_key: str},
}
_FLOW: Final = {
    vol.Required("step"): {
        _key: {
            **_FORM,
            vol.Optional("title"): str,
            vol.Optional("menu_options"): {_key: str},
            vol.Optional("menu_option_descriptions"): {_key: str},
            vol.Optional("submit"): str,
            vol.Optional("sections"): {_key: {**_FORM, vol.Optional("name"): str}},
        }
    },
    vol.Optional("error"): {_key: str},
    vol.Optional("abort"): {_key: str},
    vol.Optional("progress"): {_key: str},
    vol.Optional("create_entry"): {_key: str},
}
_STATES: Final = {
    vol.Optional("name"): str,
    vol.Optional("state"): {_key: str},
}
_SCHEMA: Final = vol.Schema(
    {
        vol.Optional("title"): str,
        vol.Optional("config"): {**_FLOW, vol.Optional("flow_title"): str},
        vol.Optional("options"): _FLOW,
        vol.Optional("config_subentries"): {
            _key: {
                **_FLOW,
                vol.Required("entry_type"): str,
                vol.Required("initiate_flow"): {vol.Required("user"): str, _key: str},
            }
        },
        vol.Optional("entity"): {
            _key: {
                _key: {
                    **_STATES,
                    vol.Optional("state_attributes"): {_key: _STATES},
                    vol.Optional("unit_of_measurement"): str,
                }
            }
        },
        vol.Optional("exceptions"): {_key: {vol.Required("message"): str}},
        vol.Optional("issues"): {
            _key: vol.Any(
                {vol.Required("title"): str, vol.Required("description"): str},
                {vol.Required("title"): str, vol.Required("fix_flow"): _FLOW},
            )
        },
        vol.Optional("selector"): {_key: {vol.Required("options"): {_key: str}}},
        vol.Optional("services"): {
            _key: {**_DESCRIBED, vol.Optional("fields"): {_key: _DESCRIBED}}
        },
        vol.Optional("system_health"): {vol.Required("info"): {_key: str}},
    }
)


def check_shape(repository: Repository) -> Iterator[str]:
    """Everything is where Home Assistant looks for it, and the other checks, too."""
    try:
        _SCHEMA(repository.texts)
    except vol.Invalid as err:
        raise Unreadable(f"{FILE}: is not as Home Assistant reads it: {err}") from err
    yield from ()


# The languages


def check_languages(repository: Repository) -> Iterator[str]:
    """Each says what English says, and names the same."""
    english = dict(flat(repository.texts))
    for language in repository.languages:
        file = f"translations/{language}.json"
        texts = dict(flat(repository.translation(language)))
        for path in sorted(english.keys() - texts.keys()):
            yield f"{file}: {path} is missing; translate it"
        for path in sorted(texts.keys() - english.keys()):
            yield f"{file}: {path} is not in en.json; remove it"
        for path in sorted(texts.keys() & english.keys()):
            if _placeholders(texts[path]) != _placeholders(english[path]):
                yield f"{file}: {path} has other placeholders than en.json; name the same"


def check_wording(repository: Repository) -> Iterator[str]:
    """Texts are texts: without HTML, addresses of pages, and what nobody can fill in."""
    for language in ("en", *repository.languages):
        for path, text in flat(repository.translation(language)):
            for problem in _faults(text):
                yield f"translations/{language}.json: {path} {problem}"


def _faults(text: str) -> Iterator[str]:
    if not text or text != text.strip():
        yield "is empty, or has spaces around it; trim it"
    try:
        cv.string_with_no_html(text)
    except vol.Invalid:
        yield "has HTML in it; use Markdown"
    if _URL.search(text):
        yield "has an address of a page in it; give it as a placeholder"
    if _IN_SINGLE_QUOTES.search(text):
        yield "has a placeholder in single quotes, which hide it; use double quotes"
    if "[%key:" in text:
        yield "refers to another text, which only core can; write it out"
    if not all(name.isidentifier() for name in _placeholders(text)):
        yield "has a placeholder without a name; name it"


# What is there is used, and what is used is there


def check_exceptions(repository: Repository) -> Iterator[str]:
    """Each exception has its text, and each text its exception."""
    code, texts = repository.code, repository.texts.get("exceptions", {})
    raised = {
        (module.name, key): call
        for module, call in code.calls
        if "translation_domain" in keywords(call)
        and (key := code.string(module, keywords(call).get("translation_key")))
    }
    for (module, key), call in raised.items():
        if key not in texts:
            yield f"{FILE}: exceptions.{key} is missing, which {module}.py raises"
            continue
        message = texts[key]["message"]
        for name in not_filled(message, call, "translation_placeholders"):
            yield f"{module}.py: gives no {name}, which exceptions.{key} names"
    known = code.error_keys | {key for _, key in raised}
    for key in sorted(code.error_keys - texts.keys()):
        yield f"{FILE}: exceptions.{key} is missing; an error has this key"
    for key in sorted(texts.keys() - known):
        yield f"{FILE}: nothing raises exceptions.{key}; remove it"


def check_entities(repository: Repository) -> Iterator[str]:
    """Each entity has its texts, and each text its entity, state or attribute."""
    code, texts = repository.code, repository.texts.get("entity", {})
    entities = {(each.platform, each.key) for each in code.entities}
    told = {(platform, key) for platform in texts for key in texts[platform]}
    for platform, key in sorted(entities - told):
        yield f"{FILE}: entity.{platform}.{key} is missing; the platform has it"
    for platform, key in sorted(told - entities):
        yield f"{FILE}: entity.{platform}.{key} is of no entity; remove it"
    for platform, key in sorted(told & entities):
        attributes = texts[platform][key].get("state_attributes", {})
        states = [texts[platform][key], *attributes.values()]
        words = {
            *attributes,
            *(word for each in states for word in each.get("state", ())),
        }
        for word in sorted(words - {"event_type"}):
            if not code.can_say(word):
                yield f"{FILE}: entity.{platform}.{key} has no {word}; remove it"


def check_issues(repository: Repository) -> Iterator[str]:
    """Each text is of an issue that can be raised, and each `ISSUE_…` has its text."""
    code, texts = repository.code, repository.texts.get("issues", {})
    for key in sorted(texts):
        if not code.can_say(key):
            yield f"{FILE}: nothing raises issues.{key}; remove it"
    for module in code.modules.values():
        for name, value in module.assigned.items():
            if not name.startswith("ISSUE"):
                continue
            values = value.values if isinstance(value, ast.Dict) else [value]
            for key in filter(None, (code.string(module, each) for each in values)):
                if key not in texts:
                    yield f"{FILE}: issues.{key} is missing, which is {module.name}.{name}"


def check_selectors(repository: Repository) -> Iterator[str]:
    """Each selector has its texts, each option of a service, too; none is left over."""
    code, texts = repository.code, repository.texts.get("selector", {})
    used = {
        key
        for module, call in code.calls_of("SelectSelectorConfig")
        if (key := code.string(module, keywords(call).get("translation_key")))
    }
    for service, description in repository.services.items():
        for field, about in ((description or {}).get("fields") or {}).items():
            select = about.get("selector", {}).get("select") or {}
            if key := select.get("translation_key"):
                used.add(key)
                named = texts.get(key, {}).get("options", {})
                for option in sorted(set(select["options"]) - named.keys()):
                    yield f"{FILE}: {service}.{field} offers {option}; name it"
    for key in sorted(used - texts.keys()):
        yield f"{FILE}: selector.{key} is missing; a form uses it"
    for key in sorted(texts.keys() - used):
        if not any(f".selector.{key}." in each for each in code.literals):
            yield f"{FILE}: nothing uses selector.{key}; remove it"
    for key in sorted(texts.keys() - _SENTENCES):
        for option in texts[key]["options"]:
            if not code.can_say(option):
                yield f"{FILE}: selector.{key} has no {option}; remove it"


def check_system_health(repository: Repository) -> Iterator[str]:
    """What system_health.py tells has its texts, and nothing else has."""
    module = repository.code.modules.get("system_health")
    told = {
        key.value
        for each in (module.dicts if module else ())
        for key in each.keys
        if isinstance(key, ast.Constant)
    }
    texts = repository.texts.get("system_health", {}).get("info", {}).keys()
    for key in sorted(told - texts):
        yield f"{FILE}: system_health.info.{key} is missing; system_health.py tells it"
    for key in sorted(texts - told):
        yield f"{FILE}: system_health.py tells no {key}; remove it"


def not_filled(text: str, call: ast.Call, by: str) -> list[str]:
    """Return the placeholders that a call does not give, as far as it spells them out."""
    given = keywords(call).get(by)
    filled = keys(given) if given else set()
    return [] if filled is None else sorted(_placeholders(text) - filled)


def _placeholders(text: str) -> set[str]:
    try:
        parts = string.Formatter().parse(text)
        return {name for _, name, _, _ in parts if name is not None}
    except ValueError:  # a single brace
        return {""}


CHECKS: Final = (
    check_shape,
    check_languages,
    check_wording,
    check_exceptions,
    check_entities,
    check_issues,
    check_selectors,
    check_system_health,
)
