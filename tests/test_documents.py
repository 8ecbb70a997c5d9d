"""The documents for users name everything that there is, in the words that users see."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from custom_components.portshare.event import DEVICE_EVENTS, INTERNET_EVENTS
from custom_components.portshare.events import EventType, Reason
from custom_components.portshare.independent.leases import AskedBy
from custom_components.portshare.services import Service
from custom_components.portshare.sharing.model import Protocol, Status

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "custom_components" / "portshare"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Tables have long lines, but other text has not.
TEXT = " ".join(" ".join(each.read_text() for each in DOCUMENTS).split())

EN = json.loads((HOUSE / "translations" / "en.json").read_text())
SERVICES = yaml.safe_load((HOUSE / "services.yaml").read_text())
BLUEPRINTS = sorted((ROOT / "blueprints").rglob("*.yaml"))

_PLACEHOLDER = re.compile(r"\{\w+\}")
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")


def values_of(key: str, tree: Any) -> Iterator[Any]:
    """Yield what has this key, however deep in a tree."""
    if isinstance(tree, dict):
        for each, value in tree.items():
            if each == key:
                yield value
            else:
                yield from values_of(key, value)


def first_sentences(tree: dict[str, str]) -> Iterator[str]:
    """Yield how texts begin: by that they are searched for."""
    for text in tree.values():
        yield re.split(r"(?<=[.?])\s", text)[0]


def titles() -> Iterator[str]:
    """Yield the titles of all issues, and of the steps that mend them."""
    yield from values_of("title", EN["issues"])


def errors() -> Iterator[str]:
    """Yield what somebody reads to whom it is said why something cannot be done."""
    for key in ("error", "abort"):
        for part in ("config", "config_subentries", "issues"):
            for texts in values_of(key, EN[part]):
                yield from first_sentences(texts)
    messages = {key: each["message"] for key, each in EN["exceptions"].items()}
    yield from first_sentences(messages)


def labels() -> Iterator[str]:
    """Yield the labels of all fields of all forms, and their menus."""
    for key in ("data", "menu_options"):
        for part in ("config", "config_subentries", "options"):
            for texts in values_of(key, EN[part]):
                yield from texts.values()


def names() -> Iterator[str]:
    """Yield the names of all entities and states of a share, and of system health."""
    for entities in EN["entity"].values():
        yield from (each["name"] for each in entities.values() if "name" in each)
    yield from EN["entity"]["sensor"]["status"]["state"].values()
    yield from EN["system_health"]["info"].values()


@pytest.mark.parametrize("text", sorted({*titles(), *errors(), *labels(), *names()}))
def test_a_text_that_users_see_is_named(text: str) -> None:
    """Placeholders are split off: the documents have `…` or an example for them."""
    missing = [each for each in _PLACEHOLDER.split(text) if each.strip() not in TEXT]
    assert not missing


def words() -> Iterator[str]:
    """Yield the words that automations hang on."""
    for enum in (AskedBy, EventType, Protocol, Reason, Status):
        yield from enum
    yield from INTERNET_EVENTS.values()
    yield from DEVICE_EVENTS.values()
    yield from (f"portshare.{each}" for each in Service)
    for fields in values_of("fields", SERVICES):
        yield from fields
    for attributes in values_of("state_attributes", EN["entity"]):
        yield from attributes.keys() - {"event_type"}


@pytest.mark.parametrize("word", sorted({str(each) for each in words()}))
def test_a_word_that_automations_hang_on_is_named(word: str) -> None:
    assert f"`{word}`" in TEXT


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_a_blueprint_is_linked(path: Path) -> None:
    assert f"({path.relative_to(ROOT)})" in TEXT


def anchors(document: Path) -> set[str]:
    """Return the headings as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", each).lower().replace(" ", "-") for each in headings
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    for path, anchor in _LINK.findall(" ".join(document.read_text().split())):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), anchor
