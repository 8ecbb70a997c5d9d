"""How the benchmarks tell the growth of a cost."""

from collections.abc import Callable
import math

import pytest

from benchmarks.growth import Growth, Kind, Point, growth

SIZES = (1, 100, 1_000, 10_000)


def grown(cost: Callable[[int], float]) -> Growth:
    return growth([Point(size, cost(size)) for size in SIZES])


@pytest.mark.parametrize(
    ("cost", "kind"),
    [
        (lambda n: 3.0, Kind.CONSTANT),
        (lambda n: 3.0 + 0.2 * math.sin(n), Kind.CONSTANT),  # noise
        (lambda n: 3.0 if n in {1, 10_000} else 1.0, Kind.CONSTANT),  # noise, too
        (lambda n: 3.0 / (1 + n / 20_000), Kind.CONSTANT),  # not twice as fast
        (lambda n: 3.0 + math.log2(n), Kind.SUBLINEAR),
        (lambda n: math.sqrt(n), Kind.SUBLINEAR),
        (lambda n: 5.0 * n, Kind.LINEAR),
        (lambda n: 20.0 + 0.02 * n, Kind.LINEAR),
        (lambda n: 3.0 + 0.001 * n, Kind.LINEAR),
        (lambda n: (2.0 if n == 1 else 1.0) * (3.0 + 0.01 * n), Kind.LINEAR),  # noise
        (lambda n: 20.0 + 0.0001 * n * n, Kind.WORSE),
        (lambda n: 0.01 * n**1.3, Kind.WORSE),
    ],
)
def test_the_growth_of_a_cost_has_a_kind(
    cost: Callable[[int], float], kind: Kind
) -> None:
    assert grown(cost).kind is kind


def test_a_linear_cost_has_a_fixed_part_and_one_for_each() -> None:
    linear = grown(lambda n: 20.0 + 0.006 * n)

    assert linear.fixed == pytest.approx(20)
    assert linear.each == pytest.approx(0.006)
    assert linear.share == pytest.approx(0.75)


def test_a_power_has_its_exponent() -> None:
    assert grown(lambda n: 7 * n**0.5).exponent == pytest.approx(0.5)
    assert grown(lambda n: 7 * n**1.7).last_exponent == pytest.approx(1.7)
