"""manifest.json: complete, in order, and true."""

from collections.abc import Iterator
import re
import sys
from typing import Any, Final, get_args, get_type_hints

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from homeassistant.const import Platform
from homeassistant.loader import Manifest

from . import home_assistant
from .repository import Repository

_FILE: Final = "manifest.json"

# What hassfest or HACS wants of a custom integration. `version` and `issue_tracker` are
# for those alone.
_REQUIRED: Final = (
    "domain",
    "name",
    "codeowners",
    "documentation",
    "integration_type",
    "iot_class",
    "issue_tracker",
    "version",
)
# Since Home Assistant 2026.11. The oldest that we support takes no notice of them.
_NEW: Final = {"categories", "connectivity"}
_NOT_WRITTEN: Final = {"is_built_in", "overwrites_built_in"}
_IOT_CLASSES: Final = {
    "assumed_state",
    "calculated",
    "cloud_polling",
    "cloud_push",
    "local_polling",
    "local_push",
}
# What hassfest lets an integration import although the manifest does not name it.
_ALWAYS_THERE: Final = {
    *Platform,
    "automation",
    "frontend",
    "homeassistant",
    "panel_custom",
    "persistent_notification",
    "system_health",
    "webhook",
    "websocket_api",
    "zone",
}
# What Home Assistant puts into `sys.modules` by itself: probatio, under its old name.
_ALIASES: Final = {"voluptuous"}
_TYPES: Final = get_type_hints(Manifest)

_RELEASE: Final = re.compile(
    r"^## (?P<version>\S+) \((?:not released yet|20\d\d-\d\d-\d\d)\)$", re.MULTILINE
)


def check_keys(repository: Repository) -> Iterator[str]:
    """Nothing is missing, nothing unknown, and all in order."""
    keys = list(repository.manifest)
    for key in _REQUIRED:
        if not repository.manifest.get(key):
            yield f"{_FILE}: {key} is missing; say it"
    for key in set(keys) - set(_TYPES) - _NEW | set(keys) & _NOT_WRITTEN:
        yield f"{_FILE}: Home Assistant knows no {key}; remove it"
    if keys != ["domain", "name", *sorted({*keys} - {"domain", "name"})]:
        yield f"{_FILE}: keys are out of order; domain, name, then by the alphabet"
    if "quality_scale" in keys:
        yield f"{_FILE}: quality_scale is for core only; remove it"


def check_values(repository: Repository) -> Iterator[str]:
    """Each value is one that Home Assistant knows."""
    manifest = repository.manifest
    domain = manifest.get("domain", "")
    if domain != repository.integration.name:
        yield f"{_FILE}: domain {domain} is not the name of the folder; make them equal"
    const = repository.code.modules["const"]
    if (known := repository.code.string(const, const.assigned["DOMAIN"])) != domain:
        yield f"const.py: DOMAIN {known} is not that of the manifest; make them equal"
    if home_assistant.is_integration(domain):
        yield f"{_FILE}: Home Assistant has its own {domain}; choose another domain"
    for key, choice in (
        ("iot_class", _IOT_CLASSES),
        ("integration_type", set(get_args(_TYPES["integration_type"]))),
    ):
        if manifest.get(key) not in choice:
            yield f"{_FILE}: {key} {manifest.get(key)}; choose of {_listed(choice)}"
    for owner in manifest.get("codeowners", []):
        if not owner.startswith("@"):
            yield f"{_FILE}: code owner {owner} is no account; begin it with @"
    for key in ("documentation", "issue_tracker"):
        url = str(manifest.get(key))
        if not url.startswith("https://") or "home-assistant.io" in url:
            yield f"{_FILE}: {key} {url} is not a https page of our own; name one"
    if manifest.get("config_flow") is not repository.has("config_flow.py"):
        yield f"{_FILE}: config_flow is not whether there is a config_flow.py; say so"


def check_categories(repository: Repository) -> Iterator[str]:
    """What the integration is for, and what it talks to, is of Home Assistant's lists."""
    for key in sorted(_NEW):
        known = home_assistant.generated(f"integration_{key}")
        if known is None:
            continue  # the oldest Home Assistant that we support
        for each in set(repository.manifest.get(key, [])) - {*_slugs(known)}:
            yield f"{_FILE}: {key} has no {each}; choose another"


def check_version(repository: Repository) -> Iterator[str]:
    """The same semantic version is named everywhere."""
    version = str(repository.manifest.get("version"))
    if AwesomeVersion(version).strategy is not AwesomeVersionStrategy.SEMVER:
        yield f"{_FILE}: {version} is not a semantic version; write MAJOR.MINOR.PATCH"
        return
    if (project := repository.project["version"]) != version:
        yield f"pyproject.toml: version {project} is not the manifest's, {version}"
    headings = re.findall(r"^## .*$", repository.read("CHANGELOG.md"), re.MULTILINE)
    releases = []
    for heading in headings:
        if match := _RELEASE.fullmatch(heading):
            releases.append(match["version"])
        else:
            yield f'CHANGELOG.md: "{heading}" is not "## VERSION (YYYY-MM-DD)"'
    if releases[:1] != [version]:
        yield f"CHANGELOG.md: the newest heading is not of {version}; say what is new"
    if releases != sorted(releases, key=AwesomeVersion, reverse=True):
        yield "CHANGELOG.md: versions are out of order; the newest comes first"


def check_requirements(repository: Repository) -> Iterator[str]:
    """Requirements are ranges that Home Assistant and its integrations can live with.

    All integrations share one environment: a version of ours and another of theirs would
    be installed in turn, at every start.
    """
    for line in repository.manifest.get("requirements", []):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            yield f"{_FILE}: {line} is not a requirement; write NAME>=VERSION,<VERSION"
            continue
        operators = {each.operator for each in requirement.specifier}
        if " " in line or not operators >= {">=", "<"}:
            yield f"{_FILE}: {line} is not a range; write NAME>=VERSION,<VERSION"
        package = canonicalize_name(requirement.name)
        others = dict(home_assistant.requirements_of_integrations(package))
        if constraint := home_assistant.constraints().get(package):
            others["package_constraints.txt"] = constraint
        for who, other in others.items():
            for each in other.specifier:
                if each.operator == "==" and each.version not in requirement.specifier:
                    yield f"{_FILE}: {line} keeps out {other} of {who}; widen the range"


def check_imports(repository: Repository) -> Iterator[str]:
    """What is imported is there: by a requirement, or with Home Assistant."""
    ours = _required(repository)
    theirs = home_assistant.constraints().keys()
    for name, module in repository.code.modules.items():
        tops = {each.split(".")[0] for each in module.imports}
        for top in sorted(tops - sys.stdlib_module_names - {"homeassistant"}):
            packages = home_assistant.packages_of_module(top)
            if not packages & (ours | theirs) and top not in _ALIASES:
                yield f"{name}.py: imports {top}; add its package to requirements"


def check_dependencies(repository: Repository) -> Iterator[str]:
    """Which integrations must be loaded before is said, each once."""
    manifest = repository.manifest
    before, after = (
        manifest.get(key, []) for key in ("dependencies", "after_dependencies")
    )
    for domain in {*before} & {*after}:
        yield f"{_FILE}: {domain} is in dependencies and in after_dependencies; choose"
    for domain in (*before, *after):
        if not home_assistant.is_integration(domain):
            yield f"{_FILE}: depends on {domain}, which there is not; remove it"
    for name, module in repository.code.modules.items():
        used = {
            each.split(".")[2]
            for each in module.imports
            if each.startswith("homeassistant.components.")
        }
        for domain in sorted(used - {*before, *after} - _ALWAYS_THERE):
            # A platform of ours is loaded by the integration that it is for.
            if not repository.has(f"{domain}.py"):
                yield f"{_FILE}: {name}.py imports {domain}; add it to dependencies"


def check_loggers(repository: Repository) -> Iterator[str]:
    """The logs of the libraries that are required belong to the integration."""
    loggers = repository.manifest.get("loggers", [])
    required = _required(repository)
    for logger in loggers:
        if not home_assistant.packages_of_module(logger.split(".")[0]) & required:
            yield f"{_FILE}: logger {logger} is of no requirement; remove it"
    logged = {
        package
        for each in loggers
        for package in home_assistant.packages_of_module(each.split(".")[0])
    }
    for package in sorted(required - logged):
        yield f"{_FILE}: what {package} logs is not in loggers; add its logger"


def _required(repository: Repository) -> set[str]:
    """Return the names of the packages that are required."""
    lines = repository.manifest.get("requirements", [])
    return {canonicalize_name(re.split(r"[^\w.-]", line)[0]) for line in lines}


def _slugs(known: list[dict[str, Any]], above: str = "") -> Iterator[str]:
    for each in known:
        slug = f"{above}{each['slug']}"
        yield slug
        yield from _slugs(each.get("subcategories", []), f"{slug}.")


def _listed(values: set[str]) -> str:
    return ", ".join(sorted(values))


CHECKS: Final = (
    check_keys,
    check_values,
    check_categories,
    check_version,
    check_requirements,
    check_imports,
    check_dependencies,
    check_loggers,
)
