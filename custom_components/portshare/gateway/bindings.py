"""Which device each shared address belongs to, as elements of the delivery table."""

from collections.abc import Iterable

from ..sharing.model import Change, Mapping
from .table import Element, delivery_elements

type Users = dict[Element, int]
"""How many mappings need each element."""


class Bindings:
    """Elements that several mappings may need: there as long as one of them is open."""

    def __init__(self, mappings: Iterable[Mapping] = ()) -> None:
        """Begin with the mappings that are open."""
        self._users = _count(mappings)

    @property
    def elements(self) -> list[Element]:
        """All that are needed."""
        return list(self._users)

    def difference(self, after: Users) -> tuple[list[Element], list[Element]]:
        """Return which elements are without use after a change, and which are new."""
        return (
            [each for each, users in after.items() if not users],
            [each for each in after if each not in self._users],
        )

    def update(self, after: Users) -> None:
        """Take note that the change has been carried out."""
        for each, users in after.items():
            if users:
                self._users[each] = users
            else:
                del self._users[each]

    def after(self, change: Change) -> Users:
        """Return how many mappings need each element whose number of users changes."""
        more = _count(change.opened)
        for each, number in _count(change.closed).items():
            more[each] = more.get(each, 0) - number
        return {each: self._users.get(each, 0) + n for each, n in more.items() if n}


def _count(mappings: Iterable[Mapping]) -> Users:
    users: Users = {}
    for mapping in mappings:
        for each in delivery_elements(mapping):
            users[each] = users.get(each, 0) + 1
    return users
