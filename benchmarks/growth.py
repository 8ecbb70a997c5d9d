"""How a cost grows with the number of things that are there already."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
import math

# What is constant may still be noisy: the exponent, and the last cost against the first.
_FLAT = 0.15
_TWICE = 2.0
# In its last step, what is linear grows about as fast as the size.
_NEARLY_LINEAR, _LINEAR = 0.85, 1.15
# Or, with a large fixed part, each cost is about so close to the straight line.
_STRAIGHT = 0.35


@dataclass(frozen=True, slots=True)
class Point:
    """What something costs with so many there."""

    size: int
    cost: float


class Kind(StrEnum):
    """How something grows."""

    CONSTANT = "constant"
    SUBLINEAR = "sublinear"
    LINEAR = "linear"
    WORSE = "worse than linear"


@dataclass(frozen=True, slots=True)
class Growth:
    """Fitted to the costs at several sizes: n to the `exponent`, or `fixed` + `each` * n."""

    kind: Kind
    exponent: float
    last_exponent: float
    fixed: float
    each: float
    largest: int

    @property
    def share(self) -> float:
        """How much of the cost at the largest size has grown with the size."""
        grown = self.each * self.largest
        return grown / (self.fixed + grown)


def growth(points: Sequence[Point]) -> Growth:
    """Fit the growth of costs, at two sizes at least, the smallest first."""
    before, last = points[-2:]
    exponent, _ = _line(
        [(math.log(each.size), math.log(each.cost), 1.0) for each in points]
    )
    # Relative errors count, or the largest size would be all that matters.
    each, fixed = _line([(each.size, each.cost, each.cost**-2) for each in points])
    last_exponent = math.log(last.cost / before.cost) / math.log(
        last.size / before.size
    )
    first, final = points[0].cost, last.cost
    if abs(exponent) < _FLAT and max(first, final) < _TWICE * min(first, final):
        kind = Kind.CONSTANT
    elif last_exponent > _LINEAR:
        kind = Kind.WORSE
    elif each > 0 and (
        last_exponent > _NEARLY_LINEAR
        or all(
            abs(fixed + each * point.size - point.cost) <= _STRAIGHT * point.cost
            for point in points
        )
    ):
        kind = Kind.LINEAR
    else:
        kind = Kind.SUBLINEAR
    return Growth(kind, exponent, last_exponent, fixed, each, last.size)


def _line(points: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Return slope and intercept of the line through (x, y, weight): least squares."""
    weights = math.fsum(weight for _, _, weight in points)
    mean_x = math.fsum(x * weight for x, _, weight in points) / weights
    mean_y = math.fsum(y * weight for _, y, weight in points) / weights
    across = math.fsum(weight * (x - mean_x) * (y - mean_y) for x, y, weight in points)
    along = math.fsum(weight * (x - mean_x) ** 2 for x, _, weight in points)
    slope = across / along
    return slope, mean_y - slope * mean_x
