"""The texts of flows: each step, field and error has one, and none is left over."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from . import home_assistant
from .code import Code, Module, functions, keywords, name_of
from .repository import Repository
from .texts import FILE, not_filled


@dataclass(frozen=True, slots=True)
class _Flow:
    """A flow, and its texts; of repairs all flows and the texts of all issues."""

    path: str
    module: Module
    kinds: list[ast.ClassDef]
    texts: list[dict[str, Any]]

    def all(self, part: str) -> dict[str, Any]:
        """Return its steps, errors or aborts."""
        return {
            key: text for each in self.texts for key, text in each.get(part, {}).items()
        }

    @property
    def steps(self) -> set[str]:
        """The steps that it can take."""
        prefix = "async_step_"
        names = {name for kind in self.kinds for name in functions(kind)}
        return {each.removeprefix(prefix) for each in names if each.startswith(prefix)}


def _flows(repository: Repository) -> Iterator[_Flow]:
    code, texts = repository.code, repository.texts
    for module in code.modules.values():
        for kind in module.classes:
            bases = code.bases(kind)
            if "ConfigFlow" in bases:
                yield _Flow("config", module, [kind], [texts.get("config", {})])
            elif "OptionsFlow" in bases:
                yield _Flow("options", module, [kind], [texts.get("options", {})])
            elif "ConfigSubentryFlow" in bases:
                for name in _subentry_types(code, kind.name):
                    flow = texts.get("config_subentries", {}).get(name, {})
                    yield _Flow(f"config_subentries.{name}", module, [kind], [flow])
    if repairs := code.modules.get("repairs"):
        issues = texts.get("issues", {}).values()
        flows = [issue["fix_flow"] for issue in issues if "fix_flow" in issue]
        yield _Flow("issues.*.fix_flow", repairs, repairs.classes, flows)


def _subentry_types(code: Code, flow: str) -> Iterator[str]:
    """Yield the types of subentries that a flow makes."""
    for module in code.modules.values():
        for each in module.dicts:
            for key, value in zip(each.keys, each.values, strict=True):
                if name_of(value) == flow and (name := code.string(module, key)):
                    yield name


def check_steps(repository: Repository) -> Iterator[str]:
    """Each step of a flow has its texts, and each text its step."""
    for flow in _flows(repository):
        texts = flow.all("step")
        for step in sorted(flow.steps - texts.keys()):
            yield f"{FILE}: {flow.path}.step.{step} is missing; the flow has it"
        for step in sorted(texts.keys() - flow.steps):
            yield f"{FILE}: {flow.path}.step.{step} is no step; remove it"
        for step, text in texts.items():
            for option in sorted(text.get("menu_options", {}).keys() - flow.steps):
                yield f"{FILE}: {flow.path}.step.{step} offers {option}, which is no step"


def check_fields(repository: Repository) -> Iterator[str]:
    """Each field of a form has a label, and each label and description its field.

    Which form has which field is known to no text, so the forms of a module are taken
    together.
    """
    modules: dict[str, tuple[Module, set[str]]] = {}
    for flow in _flows(repository):
        _, labels = modules.setdefault(flow.module.name, (flow.module, set()))
        for step, text in flow.all("step").items():
            sections = text.get("sections", {})
            labels.update(sections)
            for form in (text, *sections.values()):
                fields = form.get("data", {}).keys()
                labels.update(fields)
                for field in sorted(form.get("data_description", {}).keys() - fields):
                    yield f"{FILE}: {flow.path}.step.{step} describes no field: {field}"
    for module, labels in modules.values():
        fields = repository.code.fields(module)
        for field in sorted(fields - labels):
            yield f"{FILE}: {module.name}.py has a field {field}; give it a label"
        for field in sorted(labels - fields):
            yield f"{FILE}: {module.name}.py has no field {field}; remove its label"


def check_errors(repository: Repository) -> Iterator[str]:
    """Each error and each reason to abort has its text, and each text its error.

    The flows of a module have helpers in common, so they are taken together.
    """
    code = repository.code
    said: dict[str, dict[str, set[str]]] = {}
    for flow in _flows(repository):
        of_module = said.setdefault(flow.module.name, {"error": set(), "abort": set()})
        for part, known in of_module.items():
            known.update(flow.all(part))
            for key in sorted(flow.all(part)):
                if not (code.can_say(key) or key in home_assistant.said_by_flows()):
                    yield f"{FILE}: nothing says {flow.path}.{part}.{key}; remove it"
    for name, of_module in said.items():
        module = code.modules[name]
        for key in sorted(module.errors_shown - of_module["error"]):
            yield f"{FILE}: error.{key} is missing, which {name}.py shows"
        for key in sorted(_reasons_to_abort(code, module) - of_module["abort"]):
            yield f"{FILE}: abort.{key} is missing, which {name}.py says"


def _reasons_to_abort(code: Code, module: Module) -> set[str]:
    reasons = [
        *(keywords(call).get("reason") for call in module.calls_of("async_abort")),
        *(call.args[0] for call in module.calls_of("AbortFlow")),
    ]
    return {key for each in reasons if (key := code.string(module, each))}


def check_placeholders(repository: Repository) -> Iterator[str]:
    """Forms and aborts fill in what their texts name."""
    for flow in _flows(repository):
        module, code = flow.module, repository.code
        for call in module.calls_of("async_show_form"):
            key = code.string(module, keywords(call).get("step_id"))
            text = flow.all("step").get(key or "", {}).get("description", "")
            yield from _not_given(module, call, f"step.{key}", text)
        for call in module.calls_of("AbortFlow"):
            key = code.string(module, call.args[0])
            text = flow.all("abort").get(key or "", "")
            yield from _not_given(module, call, f"abort.{key}", text)


def _not_given(module: Module, call: ast.Call, path: str, text: str) -> Iterator[str]:
    for name in not_filled(text, call, "description_placeholders"):
        yield f"{module.name}.py: gives no {name}, which {path} names"


CHECKS: Final = (check_steps, check_fields, check_errors, check_placeholders)
