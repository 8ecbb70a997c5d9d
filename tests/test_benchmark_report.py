"""How the benchmarks tell what they have found."""

import pytest

from benchmarks.report import Line, Peer, Section, Target, markdown, told


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "packets", "0 packets"),
        (0.01234, "ms", "0.0123 ms"),
        (1.5, "ms", "1.50 ms"),
        (743.4, "µs", "743 µs"),
        (12_345, "/s", "12,300/s"),
        (9.5, "x", "9.50x"),
    ],
)
def test_numbers_have_three_digits_that_count(
    value: float, unit: str, text: str
) -> None:
    assert told(value, unit) == text


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (Line("toggle", 1.5, "ms", target=Target(2)), "<= 2 ms: met"),
        (Line("toggle", 3, "ms", target=Target(2)), "<= 2 ms: **missed** by 50%"),
        (
            Line("toggle", 7, "ms", target=Target(2)),
            "<= 2 ms: **missed**, 3.50x that",
        ),
        (Line("lost", 0, "bytes", target=Target(0)), "<= 0 bytes: met"),
        (
            Line("lost", 7, "bytes", target=Target(0)),
            "<= 0 bytes: **missed** by 7 bytes",
        ),
        (
            Line(
                "asked", 30, "/s", peer=Peer("it", 10), target=Target(2, of_ratio=True)
            ),
            ">= 2x: met",
        ),
        (
            Line(
                "asked", 30, "/s", peer=Peer("it", 10), target=Target(4, of_ratio=True)
            ),
            ">= 4x: **missed** by 25%",
        ),
    ],
)
def test_a_missed_target_is_told_with_by_how_much(line: Line, verdict: str) -> None:
    assert line.verdict == verdict


def test_the_ratio_says_how_many_times_ours_is_better() -> None:
    assert Line("takes", 2, "ms", peer=Peer("it", 10)).ratio == 5
    assert Line("answers", 10, "/s", peer=Peer("it", 2)).ratio == 5


def test_all_is_told_in_one_page() -> None:
    toggles = [
        Line("toggle", 2.0, "ms", size, peer=Peer("nft", 4.0 * size))
        for size in (1, 100, 1_000)
    ]

    page = markdown({"toggle": Section("Switching", toggles, {"nft": "nft -f -"})})

    assert "| **Switching** (`scripts/bench toggle`) |  |  |  |  |  |  |" in page
    assert "| toggle | 100 | 2 ms |  | 400 ms nft | 200x |  |" in page
    assert "| toggle | ours | 1 to 1,000 | constant (n^0.00) |" in page
    assert (
        "| toggle | nft | 1 to 1,000"
        " | linear: 0 ms + 4,000 ms for each 1,000 (100% of that at 1,000) |"
    ) in page
    assert "- nft: `nft -f -`" in page
