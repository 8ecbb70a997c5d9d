"""quality_scale.yaml: every rule kept or exempt, and what is said to be kept is.

https://developers.home-assistant.io/docs/core/integration-quality-scale/rules
Of some rules the files alone prove that they are broken; these are looked at.
"""

import ast
from collections.abc import Callable, Iterator
from importlib import metadata
import re
from typing import Any, Final

from . import home_assistant
from .code import Code, Module, assigned, keywords, name_of
from .repository import Repository

_FILE: Final = "quality_scale.yaml"


def check_rules(repository: Repository) -> Iterator[str]:
    """Each rule there is, and only these, is done, or exempt for a reason."""
    rules, known = repository.quality_scale, home_assistant.quality_rules()
    for rule in sorted(known - rules.keys()):
        yield f"{_FILE}: {rule} is missing; say whether it is done"
    for rule in sorted(rules.keys() - known):
        yield f"{_FILE}: there is no rule {rule}; remove it"
    for rule, said in rules.items():
        status = _status(said)
        if status not in ("done", "exempt"):
            yield f"{_FILE}: {rule} is {status}; do it, or say why it is exempt"
        elif status == "exempt" and (isinstance(said, str) or not said.get("comment")):
            yield f"{_FILE}: {rule} is exempt; say why in a comment"


def check_proofs(repository: Repository) -> Iterator[str]:
    """What is said to be done can be seen, where there is something to see."""
    for rule, said in repository.quality_scale.items():
        if _status(said) == "done":
            for missing in _PROOFS.get(rule, _nothing)(repository):
                yield f"{_FILE}: {rule} is not done: {missing}"


def _status(said: Any) -> str:
    return str(said.get("status") if isinstance(said, dict) else said)


def _nothing(repository: Repository) -> Iterator[str]:
    yield from ()


# Bronze


def _action_setup(repository: Repository) -> Iterator[str]:
    for module in repository.code.modules.values():
        setup = module.functions.get("async_setup_entry")
        for each in ast.walk(setup) if setup else ():
            if isinstance(each, ast.Call) and re.search(
                r"regist.*service|setup_services|services\.(async_)?register",
                ast.unparse(each.func),
            ):
                yield f"{module.name}.py registers services with an entry; do it without"


def _common_modules(repository: Repository) -> Iterator[str]:
    for file in ("coordinator.py", "entity.py"):
        if not repository.has(file):
            yield f"there is no {file}"


def _config_flow(repository: Repository) -> Iterator[str]:
    if not repository.manifest.get("config_flow"):
        yield "the manifest has no config_flow"
    for flow in ("config", "options"):
        for step, text in repository.texts.get(flow, {}).get("step", {}).items():
            for form in (text, *text.get("sections", {}).values()):
                described = form.get("data_description", {})
                for field in sorted(form.get("data", {}).keys() - described.keys()):
                    yield f"{flow}.step.{step} has no data_description of {field}"


def _has_entity_name(repository: Repository) -> Iterator[str]:
    named = {
        name
        for name, kind in repository.code.classes.items()
        if _is_true(assigned(kind).get("_attr_has_entity_name"))
    }
    for module, kind in _entity_classes(repository.code):
        if named.isdisjoint((kind.name, *repository.code.bases(kind))):
            yield f"{module.name}.{kind.name} has no _attr_has_entity_name = True"


def _runtime_data(repository: Repository) -> Iterator[str]:
    setup = repository.code.modules["__init__"].functions.get("async_setup_entry")
    if setup is None or "entry.runtime_data = " not in ast.unparse(setup):
        yield "async_setup_entry does not set entry.runtime_data"
    for module in repository.code.modules.values():
        for name, function in module.functions.items():
            if re.fullmatch(
                r"async_.*(setup|unload|remove|migrate|get).*entry.*", name
            ):
                for each in function.args.args[1:2]:
                    if name_of(each.annotation or ast.Constant(None)) == "ConfigEntry":
                        yield f"{module.name}.{name} takes an entry of any type"


def _test_before_setup(repository: Repository) -> Iterator[str]:
    if not repository.code.calls_of(
        "ConfigEntryNotReady",
        "ConfigEntryAuthFailed",
        "ConfigEntryError",
        "async_config_entry_first_refresh",
    ):
        yield "nothing raises when the entry cannot be set up"


def _unique_config_entry(repository: Repository) -> Iterator[str]:
    calls = repository.code.calls_of(
        "_async_abort_entries_match", "_abort_if_unique_id_configured"
    )
    if not (calls or repository.manifest.get("single_config_entry")):
        yield "the same can be set up twice"


# Silver


def _action_exceptions(repository: Repository) -> Iterator[str]:
    if not repository.code.calls_of("ServiceValidationError"):
        yield "no service says what is wrong with a call"


def _config_entry_unloading(repository: Repository) -> Iterator[str]:
    if "async_unload_entry" not in repository.code.modules["__init__"].functions:
        yield "there is no async_unload_entry"


def _integration_owner(repository: Repository) -> Iterator[str]:
    if not repository.manifest.get("codeowners"):
        yield "the manifest names no code owner"


def _parallel_updates(repository: Repository) -> Iterator[str]:
    for module in repository.code.platforms:
        if "PARALLEL_UPDATES" not in module.assigned:
            yield f"{module.name}.py sets no PARALLEL_UPDATES"


def _reauthentication_flow(repository: Repository) -> Iterator[str]:
    yield from _step_is_missing(repository, "reauth")


def _test_coverage(repository: Repository) -> Iterator[str]:
    least = re.search(
        r"^readonly LEAST_COVERAGE=(\d+)", repository.read("scripts/test"), re.MULTILINE
    )
    if not least or int(least[1]) < 95:
        yield "scripts/test does not ask for 95 %"


# Gold


def _diagnostics(repository: Repository) -> Iterator[str]:
    module = repository.code.modules.get("diagnostics")
    if not module or "async_get_config_entry_diagnostics" not in module.functions:
        yield "diagnostics.py has no async_get_config_entry_diagnostics"


def _discovery(repository: Repository) -> Iterator[str]:
    ways = {"bluetooth", "dhcp", "homekit", "mqtt", "ssdp", "usb", "zeroconf"}
    if not ways & repository.manifest.keys():
        yield "the manifest says nothing by which to discover it"


def _entity_disabled_by_default(repository: Repository) -> Iterator[str]:
    if not {
        "entity_registry_enabled_default",
        "_attr_entity_registry_enabled_default",
    } & {name for kind in repository.code.classes.values() for name in assigned(kind)}:
        yield "no entity is disabled at first"


def _exception_translations(repository: Repository) -> Iterator[str]:
    for module, call in repository.code.calls_of(
        "ConfigEntryAuthFailed",
        "ConfigEntryError",
        "ConfigEntryNotReady",
        "HomeAssistantError",
        "ServiceValidationError",
        "UpdateFailed",
    ):
        if "translation_key" not in keywords(call):
            yield f"{module.name}.py, line {call.lineno}: an exception without a text"


def _icon_translations(repository: Repository) -> Iterator[str]:
    for module in repository.code.platforms:
        if any("_attr_icon" in assigned(kind) for kind in module.classes) or any(
            "icon" in keywords(call) for call in module.calls
        ):
            yield f"{module.name}.py has an icon; put it into icons.json"


def _reconfiguration_flow(repository: Repository) -> Iterator[str]:
    yield from _step_is_missing(repository, "reconfigure")


def _repair_issues(repository: Repository) -> Iterator[str]:
    if not repository.code.calls_of("async_create_issue"):
        yield "nothing raises an issue"


# Platinum


def _strict_typing(repository: Repository) -> Iterator[str]:
    for line in repository.manifest.get("requirements", []):
        name = re.split(r"[^\w.-]", line)[0]
        if not any(each.name == "py.typed" for each in metadata.files(name) or ()):
            yield f"{name} ships no types (PEP 561)"


# The documentation: README.md, where every rule has its heading.

_HEADINGS: Final = {
    "docs-actions": "Services",
    "docs-configuration-parameters": "Options",
    "docs-data-update": "How it stays current",
    "docs-examples": "Blueprints",
    "docs-installation-instructions": "Install",
    "docs-installation-parameters": "The first share",
    "docs-known-limitations": "Known limits",
    "docs-removal-instructions": "Removal",
    "docs-supported-devices": "What it needs",
    "docs-supported-functions": "Entities",
    "docs-troubleshooting": "When something is not right",
}


def _documented(rule: str) -> Callable[[Repository], Iterator[str]]:
    def proof(repository: Repository) -> Iterator[str]:
        heading = _HEADINGS[rule]
        if not re.search(
            rf"^##+ {heading}$", repository.read("README.md"), re.MULTILINE
        ):
            yield f'README.md has no heading "{heading}"'

    return proof


def _docs_actions(repository: Repository) -> Iterator[str]:
    yield from _documented("docs-actions")(repository)
    readme = repository.read("README.md")
    for service in repository.services:
        if service not in readme:
            yield f"README.md does not name the service {service}"


def _docs_configuration_parameters(repository: Repository) -> Iterator[str]:
    yield from _documented("docs-configuration-parameters")(repository)
    readme = repository.read("README.md").lower()
    for step in repository.texts.get("options", {}).get("step", {}).values():
        for form in (step, *step.get("sections", {}).values()):
            for label in form.get("data", {}).values():
                if label.lower() not in readme:
                    yield f'README.md does not name the option "{label}"'


_PROOFS: Final[dict[str, Callable[[Repository], Iterator[str]]]] = {
    **{rule: _documented(rule) for rule in _HEADINGS},
    "action-exceptions": _action_exceptions,
    "action-setup": _action_setup,
    "common-modules": _common_modules,
    "config-entry-unloading": _config_entry_unloading,
    "config-flow": _config_flow,
    "diagnostics": _diagnostics,
    "discovery": _discovery,
    "docs-actions": _docs_actions,
    "docs-configuration-parameters": _docs_configuration_parameters,
    "entity-disabled-by-default": _entity_disabled_by_default,
    "exception-translations": _exception_translations,
    "has-entity-name": _has_entity_name,
    "icon-translations": _icon_translations,
    "integration-owner": _integration_owner,
    "parallel-updates": _parallel_updates,
    "reauthentication-flow": _reauthentication_flow,
    "reconfiguration-flow": _reconfiguration_flow,
    "repair-issues": _repair_issues,
    "runtime-data": _runtime_data,
    "strict-typing": _strict_typing,
    "test-before-setup": _test_before_setup,
    "test-coverage": _test_coverage,
    "unique-config-entry": _unique_config_entry,
}


def _entity_classes(code: Code) -> Iterator[tuple[Module, ast.ClassDef]]:
    """Yield the classes of entities; those with an underscore are to be mixed in."""
    for module in code.platforms:
        for kind in module.classes:
            bases = code.bases(kind)
            if any(each.endswith("Entity") for each in bases) and kind.name[0] != "_":
                yield module, kind


def _step_is_missing(repository: Repository, step: str) -> Iterator[str]:
    module = repository.code.modules.get("config_flow")
    methods = {
        each.name
        for kind in (module.classes if module else ())
        for each in kind.body
        if isinstance(each, ast.AsyncFunctionDef)
    }
    if f"async_step_{step}" not in methods:
        yield f"config_flow.py has no async_step_{step}"


def _is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


CHECKS: Final = (check_rules, check_proofs)
