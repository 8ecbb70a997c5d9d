"""What the source of an integration says, as far as it can be read without running it."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
import importlib
import re

from homeassistant.const import Platform


class Module:
    """A module. What is in it is searched once, however many checks ask."""

    def __init__(self, name: str, source: str) -> None:
        """Parse."""
        self.name = name
        self.tree = ast.parse(source)
        self._nodes = list(ast.walk(self.tree))

    @cached_property
    def calls(self) -> list[ast.Call]:
        """What it calls."""
        return [each for each in self._nodes if isinstance(each, ast.Call)]

    @cached_property
    def _calls_by_name(self) -> dict[str, list[ast.Call]]:
        found: dict[str, list[ast.Call]] = {}
        for call in self.calls:
            found.setdefault(name_of(call.func), []).append(call)
        return found

    def calls_of(self, *names: str) -> list[ast.Call]:
        """Return the calls of these functions and classes."""
        return [call for name in names for call in self._calls_by_name.get(name, ())]

    @cached_property
    def dicts(self) -> list[ast.Dict]:
        """The dicts that it spells out."""
        return [each for each in self._nodes if isinstance(each, ast.Dict)]

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        """The classes that it defines."""
        return [each for each in self._nodes if isinstance(each, ast.ClassDef)]

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        """Its functions, without methods."""
        return functions(self.tree)

    @cached_property
    def assigned(self) -> dict[str, ast.expr]:
        """What its names stand for."""
        return assigned(self.tree)

    @cached_property
    def literals(self) -> set[str]:
        """The strings in it."""
        return {
            each.value
            for each in self._nodes
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }

    @cached_property
    def patterns(self) -> set[str]:
        """What its f-strings can become, as regular expressions."""
        return {
            "".join(
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+"
                for part in each.values
            )
            for each in self._nodes
            if isinstance(each, ast.JoinedStr)
        }

    @cached_property
    def imports(self) -> set[str]:
        """The modules that it imports from elsewhere, absolutely.

        What is imported from a package is named, too: it may be a module.
        """
        found: set[str] = set()
        for each in self._nodes:
            if isinstance(each, ast.Import):
                found.update(alias.name for alias in each.names)
            elif isinstance(each, ast.ImportFrom) and not each.level:
                found.add(str(each.module))
                found.update(f"{each.module}.{alias.name}" for alias in each.names)
        return found

    @cached_property
    def origins(self) -> dict[str, str]:
        """The modules that its names are imported from; of our own without the dots."""
        return {
            alias.asname or alias.name: str(each.module)
            for each in self._nodes
            if isinstance(each, ast.ImportFrom)
            for alias in each.names
        }

    @cached_property
    def errors_shown(self) -> set[str]:
        """What it puts into `errors`, which is what forms are given."""
        found: set[str] = set()
        for each in self._nodes:
            if isinstance(each, ast.keyword) and each.arg == "errors":
                found |= _values(each.value)
            elif isinstance(each, ast.Assign | ast.AugAssign):
                targets = (
                    each.targets if isinstance(each, ast.Assign) else [each.target]
                )
                if any(ast.unparse(target).startswith("errors") for target in targets):
                    found |= _values(each.value)
        return found


# The tests check many copies of the same source.
_module = cache(Module)


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity or a description of entities, as its platform defines it."""

    platform: str
    key: str
    has_device_class: bool


class Code:
    """The modules of an integration, by their names: `sharing.model`."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """Parse them."""
        self.modules = {name: _module(name, text) for name, text in sources.items()}

    @cached_property
    def calls(self) -> list[tuple[Module, ast.Call]]:
        """What is called, and by which module."""
        return [(each, call) for each in self.modules.values() for call in each.calls]

    def calls_of(self, *names: str) -> list[tuple[Module, ast.Call]]:
        """Return where these functions and classes are called."""
        modules = self.modules.values()
        return [(each, call) for each in modules for call in each.calls_of(*names)]

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """All classes by name."""
        modules = self.modules.values()
        return {kind.name: kind for each in modules for kind in each.classes}

    @cached_property
    def literals(self) -> set[str]:
        """All strings in the code."""
        return set[str]().union(*(each.literals for each in self.modules.values()))

    @cached_property
    def _patterns(self) -> set[str]:
        modules = self.modules.values()
        patterns = set[str]().union(*(each.patterns for each in modules))
        return {each for each in patterns if re.search("[a-z]{4}", each)}

    def can_say(self, text: str) -> bool:
        """Return whether this string is in the code, or an f-string can become it."""
        return text in self.literals or any(
            re.fullmatch(pattern, text) for pattern in self._patterns
        )

    def bases(self, kind: ast.ClassDef) -> set[str]:
        """Return the names of the classes that a class descends from, near and far."""
        found: set[str] = set()
        waiting = [kind]
        while waiting:
            for name in map(name_of, waiting.pop().bases):
                if name in self.classes and name not in found:
                    waiting.append(self.classes[name])
                found.add(name)
        return found

    def string(self, module: Module, value: ast.expr | None) -> str | None:
        """Return the string that is written there, itself or by the name of a constant."""
        if isinstance(value, ast.Constant):
            return value.value if isinstance(value.value, str) else None
        if not isinstance(value, ast.Name):
            return None
        if value.id in module.assigned:
            return self.string(module, module.assigned[value.id])
        origin = module.origins.get(value.id, "")
        if origin in self.modules:
            source = self.modules[origin]
            name = value.id
            return self.string(source, source.assigned.get(name))
        if origin.startswith("homeassistant."):
            return str(getattr(importlib.import_module(origin), value.id, None))
        return None

    def fields(self, module: Module) -> set[str]:
        """Return the names of the fields of a module's schemas."""
        names = {
            self.string(module, call.args[0])
            for call in module.calls_of(
                "Required", "Optional", "Exclusive", "Inclusive"
            )
        }
        return {name for name in names if name}

    @cached_property
    def platforms(self) -> list[Module]:
        """The modules that add entities."""
        return [self.modules[each] for each in Platform if each in self.modules]

    @cached_property
    def entities(self) -> set[Entity]:
        """The entities of all platforms, by the keys of their texts and icons."""
        return {entity for each in self.platforms for entity in self._entities(each)}

    def _entities(self, module: Module) -> Iterator[Entity]:
        for kind in module.classes:
            own = assigned(kind)
            key = own.get("_key") or own.get("_attr_translation_key")
            if text := self.string(module, key):
                yield Entity(module.name, text, "_attr_device_class" in own)
        for call in module.calls:
            if name_of(call.func).endswith("Description"):
                given = keywords(call)
                key = given.get("translation_key") or given.get("key")
                if text := self.string(module, key):
                    yield Entity(module.name, text, "device_class" in given)

    @cached_property
    def error_keys(self) -> set[str]:
        """The keys of the errors that the integration defines itself."""
        return {
            key
            for module in self.modules.values()
            for kind in module.classes
            if {"Exception", "ValueError", "OSError"} & self.bases(kind)
            and (key := self.string(module, assigned(kind).get("key")))
        }


def assigned(block: ast.Module | ast.ClassDef) -> dict[str, ast.expr]:
    """Return what the names of a module or a class stand for."""
    found: dict[str, ast.expr] = {}
    for each in block.body:
        if isinstance(each, ast.AnnAssign) and each.value:
            found[name_of(each.target)] = each.value
        elif isinstance(each, ast.Assign):
            found |= {name_of(target): each.value for target in each.targets}
    return found


def functions(
    block: ast.Module | ast.ClassDef,
) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions of a module, or the methods of a class."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {each.name: each for each in block.body if isinstance(each, kinds)}


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """Return what a call gives by name."""
    return {each.arg: each.value for each in call.keywords if each.arg}


def keys(value: ast.expr | None) -> set[str] | None:
    """Return the keys of a dict that is spelled out, None if it is not."""
    if not isinstance(value, ast.Dict):
        return None
    names = [each.value for each in value.keys if isinstance(each, ast.Constant)]
    return set(map(str, names)) if len(names) == len(value.keys) else None


def name_of(value: ast.expr) -> str:
    """Return the last part of a name: `async_create_issue` of `ir.async_create_issue`."""
    if isinstance(value, ast.Subscript):
        return name_of(value.value)
    return str(getattr(value, "attr", getattr(value, "id", "")))


def _values(value: ast.expr) -> set[str]:
    """Return the strings that are the value, or the values of a dict."""
    values = [value]
    if isinstance(value, ast.Dict):
        values = value.values
    elif isinstance(value, ast.DictComp):
        values = [value.value]
    constants = [each.value for each in values if isinstance(each, ast.Constant)]
    return {each for each in constants if isinstance(each, str)}
