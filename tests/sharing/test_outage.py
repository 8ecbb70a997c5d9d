"""The five-minute rule, fed with times."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from custom_components.portshare.sharing.outage import (
    TELL_AFTER,
    Outage,
    Telling,
    Turn,
    observe,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_nothing_is_told_while_the_internet_is_there() -> None:
    assert observe(None, connected=True, now=NOON) == (None, ())


def test_an_outage_begins_silently() -> None:
    assert observe(None, connected=False, now=NOON) == (Outage(NOON), ())


def test_an_outage_of_no_more_than_five_minutes_is_never_told() -> None:
    outage, tellings = observe(Outage(NOON), connected=True, now=NOON + TELL_AFTER)
    assert (outage, tellings) == (None, ())


def test_a_long_outage_is_told_when_it_is_due_with_the_time_it_began() -> None:
    outage = Outage(NOON)
    due = outage.due()
    assert due is not None
    assert due > NOON + TELL_AFTER
    told, tellings = observe(outage, connected=False, now=due)
    assert tellings == (Telling(Turn.LOST, NOON),)
    assert told == Outage(NOON, told=True)
    assert told.due() is None


def test_it_is_told_only_once() -> None:
    outage = Outage(NOON, told=True)
    assert observe(outage, connected=False, now=NOON + 9 * MINUTE) == (outage, ())


def test_its_end_is_told_with_how_long_it_lasted() -> None:
    _, tellings = observe(
        Outage(NOON, told=True), connected=True, now=NOON + 9 * MINUTE
    )
    assert tellings == (Telling(Turn.RESTORED, NOON + 9 * MINUTE, 9 * MINUTE),)


def test_both_are_told_at_the_end_if_nobody_was_there_when_it_was_due() -> None:
    outage, tellings = observe(Outage(NOON), connected=True, now=NOON + 9 * MINUTE)
    assert outage is None
    assert [(telling.turn, telling.at) for telling in tellings] == [
        (Turn.LOST, NOON),
        (Turn.RESTORED, NOON + 9 * MINUTE),
    ]


@given(
    st.lists(st.tuples(st.booleans(), st.timedeltas(timedelta(), timedelta(hours=1))))
)
def test_lost_and_restored_always_alternate_and_only_for_long_outages(
    steps: list[tuple[bool, timedelta]],
) -> None:
    outage, now = None, NOON
    told: list[Telling] = []
    for connected, later in steps:
        now += later
        outage, tellings = observe(outage, connected=connected, now=now)
        told += tellings
    assert [telling.turn for telling in told[::2]] == [Turn.LOST] * len(told[::2])
    assert [telling.turn for telling in told[1::2]] == [Turn.RESTORED] * (
        len(told) // 2
    )
    for lost, restored in zip(told[::2], told[1::2], strict=False):
        assert restored.at - lost.at == restored.lasted
        assert restored.at - lost.at > TELL_AFTER
