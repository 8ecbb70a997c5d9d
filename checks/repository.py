"""The files of a repository with one integration in it."""

from collections.abc import Iterator, Mapping
from functools import cached_property
import json
from pathlib import Path
import tomllib
from typing import Any

import yaml  # type: ignore[import-untyped]

from .code import Code


class Unreadable(Exception):
    """A file is missing, or is not what its name says."""


class Repository:
    """What the checks read, each file once."""

    def __init__(self, root: Path) -> None:
        """Find the integration; raise Unreadable if there is not exactly one."""
        self.root = root
        folders = [
            each.parent for each in root.glob("custom_components/*/manifest.json")
        ]
        if len(folders) != 1:
            raise Unreadable(
                f"custom_components: HACS installs one, not {len(folders)}"
            )
        self.integration = folders[0]

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Who the integration is, and what it needs."""
        return self._json(self.integration / "manifest.json")

    @cached_property
    def texts(self) -> dict[str, Any]:
        """What people read, in English."""
        return self.translation("en")

    @cached_property
    def icons(self) -> dict[str, Any]:
        """Icons of entities and services."""
        return self._json(self.integration / "icons.json")

    @cached_property
    def services(self) -> dict[str, Any]:
        """The services with their fields."""
        return self._yaml(self.integration / "services.yaml")

    @cached_property
    def quality_scale(self) -> dict[str, Any]:
        """The rules of the Integration Quality Scale, and what became of them."""
        file = self._yaml(self.integration / "quality_scale.yaml")
        return _mapping("quality_scale.yaml", file.get("rules"))

    @cached_property
    def hacs(self) -> dict[str, Any]:
        """What HACS is told."""
        return self._json(self.root / "hacs.json")

    @cached_property
    def project(self) -> dict[str, Any]:
        """The table `project` of pyproject.toml."""
        project: dict[str, Any] = tomllib.loads(self.read("pyproject.toml"))["project"]
        return project

    @cached_property
    def languages(self) -> list[str]:
        """The languages other than English."""
        files = (self.integration / "translations").glob("*.json")
        return sorted({each.stem for each in files} - {"en"})

    @cached_property
    def code(self) -> Code:
        """The integration's modules, as source."""
        paths = self.integration.rglob("*.py")
        return Code(
            {
                ".".join(path.relative_to(self.integration).with_suffix("").parts): (
                    path.read_text()
                )
                for path in sorted(paths)
            }
        )

    def has(self, file: str) -> bool:
        """Return whether the integration has this file."""
        return (self.integration / file).exists()

    def translation(self, language: str) -> dict[str, Any]:
        """Return what people read in a language."""
        return self._json(self.integration / "translations" / f"{language}.json")

    def read(self, file: str) -> str:
        """Return a text of the repository."""
        try:
            return (self.root / file).read_text()
        except OSError as err:
            raise Unreadable(f"{file}: cannot be read: {err}") from err

    def _json(self, path: Path) -> dict[str, Any]:
        name = str(path.relative_to(self.root))
        try:
            tree = json.loads(self.read(name))
        except ValueError as err:
            raise Unreadable(f"{name}: is not JSON: {err}") from err
        return _mapping(name, tree)

    def _yaml(self, path: Path) -> dict[str, Any]:
        name = str(path.relative_to(self.root))
        try:
            tree = yaml.load(self.read(name), yaml.CSafeLoader)
        except yaml.YAMLError as err:
            raise Unreadable(f"{name}: is not YAML: {err}") from err
        return _mapping(name, tree)


def flat(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text of a tree with the path that leads to it: `options.step.init`."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", str(value)


def _mapping(name: str, tree: object) -> dict[str, Any]:
    if not isinstance(tree, Mapping):
        raise Unreadable(f"{name}: holds no names with values")
    return dict(tree)
