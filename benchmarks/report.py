"""What the benchmarks have found, as Markdown: one table, how each grows, the commands.

Every line is one quantity with so many mappings or shares present, ours and, side by
side in the same run, somebody else's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
import math
import statistics

from .growth import Growth, Kind, Point, growth

RATE = "/s"
"""The unit of which more is better. Of all others less is."""

_FACTOR = "x"
_MOST_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Peer:
    """What somebody else needs for the same."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Target:
    """The most that a value should be; or, `of_ratio`, how much better than the peer."""

    limit: float
    of_ratio: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. The median, where there is more than one value.

    `size`: so many mappings or shares are present, if that may matter.
    """

    what: str
    ours: float
    unit: str
    size: int | None = None
    p99: float | None = None
    peer: Peer | None = None
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer."""
        if self.peer is None:
            return None
        better, worse = self.ours, self.peer.value
        if self.unit != RATE:
            better, worse = worse, better
        return better / worse if worse else None

    @property
    def verdict(self) -> str:
        """The target, and by how much it is missed."""
        target = self.target
        if target is None:
            return ""
        if target.of_ratio:
            wanted = f">= {target.limit:g}x"
            missed = 1 - (self.ratio or 0) / target.limit
        else:
            wanted = f"<= {told(target.limit, self.unit)}"
            missed = self.ours / target.limit - 1 if target.limit else self.ours
        if missed <= 0:
            return f"{wanted}: met"
        if not target.limit:
            return f"{wanted}: **missed** by {told(missed, self.unit)}"
        if missed < 1:
            return f"{wanted}: **missed** by {missed:.0%}"
        return f"{wanted}: **missed**, {told(1 + missed, _FACTOR)} that"

    @property
    def cells(self) -> tuple[str, ...]:
        """As a row of the table."""
        return (
            self.what,
            "" if self.size is None else f"{self.size:,}",
            told(self.ours, self.unit),
            "" if self.p99 is None else told(self.p99, self.unit),
            f"{told(self.peer.value, self.unit)} {self.peer.name}" if self.peer else "",
            "" if self.ratio is None else told(self.ratio, _FACTOR),
            self.verdict,
        )


def timed(
    what: str,
    times: Sequence[float],
    *,
    size: int | None = None,
    peer: Peer | None = None,
    target: Target | None = None,
) -> Line:
    """Return the line of times in seconds."""
    return Line(
        what, median(times), "ms", size, percentile(times, 99), peer=peer, target=target
    )


def grouped(lines: Iterable[Line]) -> list[Line]:
    """Return lines with all sizes of a quantity together, in the order of the first."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.what, []).append(line)
    return [line for group in groups.values() for line in group]


def median(times: Sequence[float]) -> float:
    """The median of times in seconds, in milliseconds."""
    return statistics.median(times) * 1000


def percentile(times: Sequence[float], percent: int) -> float:
    """A percentile of times in seconds, in milliseconds."""
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1] * 1000


@dataclass(frozen=True, slots=True)
class Section:
    """What one benchmark has found. `commands` are those of the peers, by their names."""

    title: str
    lines: Sequence[Line]
    commands: Mapping[str, str] = field(default_factory=dict)


_HEAD = ("what", "present", "ours", "p99", "peer", "ratio", "target")
_GROWTH_HEAD = ("cost of", "whose", "sizes", "growth")


def markdown(sections: Mapping[str, Section]) -> str:
    """Return all of it, by the names of the benchmarks."""
    every = sections.items()
    commands = {k: v for _, each in every for k, v in each.commands.items()}
    return "\n".join(
        [
            "Medians. The ratio says how many times ours is better.",
            "",
            *_table(
                _HEAD,
                (
                    row
                    for name, section in every
                    for row in (
                        (f"**{section.title}** (`scripts/bench {name}`)",),
                        *(line.cells for line in section.lines),
                    )
                ),
            ),
            "",
            "How each grows with what is present:",
            "",
            *_table(_GROWTH_HEAD, (row for _, each in every for row in _growths(each))),
            "",
            "The commands of the others:",
            "",
            *(f"- {name}: `{command}`" for name, command in commands.items()),
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield "|" + "---|" * len(head)
    for row in rows:
        yield _row([*row, *[""] * (len(head) - len(row))])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _growths(section: Section) -> Iterator[tuple[str, ...]]:
    """Yield a row for each quantity that was measured at three sizes or more."""
    series: dict[tuple[str, str], dict[int, float]] = {}
    units: dict[str, str] = {}
    for line in section.lines:
        if line.size is None:
            continue
        units[line.what] = "ms" if line.unit == RATE else line.unit
        series.setdefault((line.what, "ours"), {})[line.size] = _cost(line, line.ours)
        if peer := line.peer:
            of_peer = series.setdefault((line.what, peer.name), {})
            of_peer[line.size] = _cost(line, peer.value)
    for (what, whose), costs in series.items():
        if len(costs) >= 3:
            sizes = f"{min(costs):,} to {max(costs):,}"
            points = [Point(*each) for each in sorted(costs.items())]
            yield what, whose, sizes, _in_words(growth(points), units[what])


def _in_words(fitted: Growth, unit: str) -> str:
    match fitted.kind:
        case Kind.LINEAR:
            fixed = told(fitted.fixed, unit)
            each = told(fitted.each * 1000, unit)
            largest = f"{fitted.share:.0%} of that at {fitted.largest:,}"
            return f"{fitted.kind}: {fixed} + {each} for each 1,000 ({largest})"
        case Kind.WORSE:
            return f"**{fitted.kind}** (n^{fitted.last_exponent:.2f} in the last step)"
    return f"{fitted.kind} (n^{fitted.exponent:.2f})"


def _cost(line: Line, value: float) -> float:
    """A rate is turned into the time that each takes, in milliseconds."""
    return 1000 / value if line.unit == RATE else value


def told(value: float, unit: str) -> str:
    """A number with three digits that count, and its unit."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    decimals = 0 if value == round(value) else min(max(0, digits), _MOST_DECIMALS)
    number = f"{round(value, digits):,.{decimals}f}"
    return f"{number}{unit}" if unit in {RATE, _FACTOR} else f"{number} {unit}".strip()
