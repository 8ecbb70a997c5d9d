"""The Home Assistant that is installed here, as far as the checks compare with it."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib import metadata
import json
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
import yaml  # type: ignore[import-untyped]

import homeassistant

HOME: Path = Path(homeassistant.__path__[0])


def is_integration(domain: str) -> bool:
    """Return whether Home Assistant has an integration of this name."""
    return (HOME / "components" / domain / "manifest.json").exists()


@cache
def constraints() -> dict[str, Requirement]:
    """Return what it constrains the versions of packages to, by name."""
    lines = (HOME / "package_constraints.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(each.name): each for each in found}


def requirements_of_integrations(package: str) -> Iterator[tuple[str, Requirement]]:
    """Yield what its own integrations want of a package, and their domains."""
    for domain, requirement in _all_requirements():
        if canonicalize_name(requirement.name) == canonicalize_name(package):
            yield domain, requirement


@cache
def _all_requirements() -> list[tuple[str, Requirement]]:
    manifests = sorted((HOME / "components").glob("*/manifest.json"))
    return [
        (path.parent.name, Requirement(each))
        for path in manifests
        for each in json.loads(path.read_text()).get("requirements", [])
    ]


@cache
def packages_of_module(module: str) -> frozenset[str]:
    """Return the names of the packages that a module is in."""
    packages = _packages_of_modules().get(module, [])
    return frozenset(canonicalize_name(each) for each in packages)


@cache
def _packages_of_modules() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())


@cache
def quality_rules() -> frozenset[str]:
    """Return the rules of the Integration Quality Scale.

    No file that is installed lists them, but hassfest lets no integration of Home
    Assistant's own leave one out.
    """
    path = HOME / "components" / "mqtt" / "quality_scale.yaml"
    return frozenset(yaml.safe_load(path.read_text())["rules"])


@cache
def said_by_flows() -> frozenset[str]:
    """Return the strings in the flows' own helpers: they abort for reasons, too."""
    return frozenset(
        each.value
        for module in ("config_entries", "data_entry_flow")
        for each in ast.walk(ast.parse((HOME / f"{module}.py").read_text()))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def generated(name: str) -> Any:
    """Return one of the files that are made from all integrations, None if it is new."""
    path = HOME / "generated" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None
