"""Which device each shared address belongs to, as elements of the delivery table."""

from collections import Counter
from collections.abc import Iterable

from ..sharing.model import Change, Mapping
from .table import Element, delivery_elements


class Bindings:
    """Elements that several mappings may need: there as long as one of them is open."""

    def __init__(self, mappings: Iterable[Mapping] = ()) -> None:
        """Begin with the mappings that are open."""
        self._users = _count(mappings)

    @property
    def elements(self) -> list[Element]:
        """All that are needed."""
        return list(self._users)

    def difference(self, change: Change) -> tuple[list[Element], list[Element]]:
        """Return which elements a change leaves without use, and which it needs first."""
        after = self._after(change)
        return (
            [each for each, users in after.items() if not users],
            [each for each in after if each not in self._users],
        )

    def update(self, change: Change) -> None:
        """Take note that a change has been carried out."""
        for each, users in self._after(change).items():
            if users:
                self._users[each] = users
            else:
                del self._users[each]

    def _after(self, change: Change) -> dict[Element, int]:
        """Return how many mappings need each element whose number of users changes."""
        users = _count(change.opened)
        users.subtract(_count(change.closed))
        return {each: self._users[each] + n for each, n in users.items() if n}


def _count(mappings: Iterable[Mapping]) -> Counter[Element]:
    return Counter(each for mapping in mappings for each in delivery_elements(mapping))
