"""What a repository with an integration promises, compared file with file.

hassfest and HACS look at some of it, but need a network. Each check is a function that
yields sentences: in which file, what is wrong, and what to do about it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from . import flows, hacs, icons, manifest, quality_scale, services, texts
from .repository import Repository, Unreadable

type Check = Callable[[Repository], Iterator[str]]

CHECKS: tuple[Check, ...] = (
    *manifest.CHECKS,
    *texts.CHECKS,
    *flows.CHECKS,
    *icons.CHECKS,
    *services.CHECKS,
    *quality_scale.CHECKS,
    *hacs.CHECKS,
)


def problems(root: Path) -> list[str]:
    """Return all that is wrong, up to the first file that cannot be read."""
    found: list[str] = []
    try:
        repository = Repository(root)
        for check in CHECKS:
            found.extend(check(repository))
    except Unreadable as err:
        found.append(str(err))
    return found
