"""The rules of the house: arrows point down only, and rooms stay small."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
import sys

import pytest

HOUSE = Path(__file__).parent.parent / "custom_components" / "portshare"
LONGEST_MODULE = 500


@dataclass(frozen=True, slots=True)
class Room:
    """A folder of the house and what its modules may import beside the stdlib.

    `ours` are modules and rooms of the house, `theirs` are packages of others.
    """

    name: str
    ours: frozenset[str]
    theirs: frozenset[str] = frozenset()


ROOMS = (
    Room("sharing", frozenset({"sharing"})),
    Room("gateway", frozenset({"gateway", "sharing.model"}), frozenset({"pyroute2"})),
    Room(
        "independent",
        frozenset({"independent", "sharing.model"}),
        frozenset({"aiohttp"}),
    ),
)
MODULES = [
    pytest.param(room, path, id=f"{room.name}/{path.name}")
    for room in ROOMS
    for path in sorted((HOUSE / room.name).rglob("*.py"))
]


def name_of(path: Path) -> str:
    """Return the name of a module of the house: `sharing.model`."""
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> Iterator[str]:
    """Yield what a module imports anywhere in it; of the house as `portshare.…`.

    What is imported from a package is named, too: it may be a module.
    """
    package = ("portshare", *path.relative_to(HOUSE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            module = module.removeprefix("custom_components.")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imports_of_the_house(path: Path) -> Iterator[str]:
    for name in imports(path):
        if name.startswith("portshare."):
            yield name.removeprefix("portshare.")


def is_in(name: str, allowed: frozenset[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in allowed)


def test_the_lower_rooms_are_there() -> None:
    for room in ("sharing", "gateway"):
        assert (HOUSE / room / "__init__.py").is_file()


@pytest.mark.parametrize(("room", "path"), MODULES)
def test_a_room_imports_only_from_itself_and_below(room: Room, path: Path) -> None:
    wrong = {name for name in imports_of_the_house(path) if not is_in(name, room.ours)}
    assert not wrong


@pytest.mark.parametrize(("room", "path"), MODULES)
def test_a_lower_room_knows_nothing_of_home_assistant(room: Room, path: Path) -> None:
    wrong = {
        name
        for name in imports(path)
        if not is_in(name, sys.stdlib_module_names | room.theirs | {"portshare"})
    }
    assert not wrong


@pytest.mark.parametrize(("room", "path"), MODULES)
def test_a_module_is_short_enough_to_be_read(room: Room, path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


def test_nothing_in_the_house_imports_in_a_circle() -> None:
    paths = {name_of(path): path for path in HOUSE.rglob("*.py")}
    circles = TopologicalSorter[str]()
    for name, path in paths.items():
        for imported in imports_of_the_house(path):
            module = imported if imported in paths else imported.rpartition(".")[0]
            if module in paths:
                circles.add(name, module)
    circles.prepare()  # raises CycleError, which names the circle
