"""The five-minute rule, fed with times."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.sharing.model import Status
from custom_components.portshare.sharing.outage import (
    TELL_AFTER,
    Outage,
    Telling,
    Turn,
    observe,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PASSING = (Status.NO_INTERNET, Status.DEVICE_UNKNOWN)
LASTING = (Status.CONFLICT, Status.BLOCKED)

passing = pytest.mark.parametrize("cause", PASSING)
lasting = pytest.mark.parametrize("cause", LASTING)
each = pytest.mark.parametrize("cause", PASSING + LASTING)

type Observed = tuple[Outage | None, tuple[Telling, ...]]


def seen(
    outage: Outage | None, status: Status, now: datetime, *, was_open: bool = True
) -> Observed:
    return observe(outage, status=status, was_open=was_open, now=now)


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.OFF, Status.ERROR])
def test_nothing_is_told_while_nothing_is_wrong(status: Status) -> None:
    assert seen(None, status, NOON) == (None, ())


@passing
def test_an_outage_begins_silently(cause: Status) -> None:
    assert seen(None, cause, NOON) == (Outage(cause, NOON), ())


@passing
def test_an_outage_of_no_more_than_five_minutes_is_never_told(cause: Status) -> None:
    outage = Outage(cause, NOON)
    assert seen(outage, Status.ACTIVE, NOON + TELL_AFTER) == (None, ())


@passing
def test_a_long_outage_is_told_when_it_is_due_with_the_time_it_began(
    cause: Status,
) -> None:
    outage = Outage(cause, NOON)
    due = outage.due()
    assert due is not None
    assert due > NOON + TELL_AFTER
    told, tellings = seen(outage, cause, due)
    assert tellings == (Telling(Turn.CLOSED, cause, NOON),)
    assert told == Outage(cause, NOON, told=True)
    assert told.due() is None


@each
def test_it_is_told_only_once(cause: Status) -> None:
    outage = Outage(cause, NOON, told=True)
    assert seen(outage, cause, NOON + 9 * MINUTE) == (outage, ())


@each
def test_its_end_is_told_with_how_long_it_lasted(cause: Status) -> None:
    outage = Outage(cause, NOON, told=True)
    later = NOON + 9 * MINUTE
    assert seen(outage, Status.ACTIVE, later) == (
        None,
        (Telling(Turn.OPENED, cause, later, 9 * MINUTE),),
    )


@each
def test_both_are_told_at_the_end_if_nobody_was_there_when_it_was_due(
    cause: Status,
) -> None:
    outage, tellings = seen(Outage(cause, NOON), Status.ACTIVE, NOON + 9 * MINUTE)
    assert outage is None
    assert [(telling.turn, telling.at) for telling in tellings] == [
        (Turn.CLOSED, NOON),
        (Turn.OPENED, NOON + 9 * MINUTE),
    ]


@lasting
def test_what_does_not_pass_by_itself_is_told_at_once(cause: Status) -> None:
    outage, closed = seen(None, cause, NOON)
    assert closed == (Telling(Turn.CLOSED, cause, NOON),)
    _, opened = seen(outage, Status.ACTIVE, NOON + MINUTE)
    assert opened == (Telling(Turn.OPENED, cause, NOON + MINUTE, MINUTE),)


@passing
def test_what_was_not_open_before_is_neither_closed_nor_opened_again(
    cause: Status,
) -> None:
    outage, told = seen(None, cause, NOON, was_open=False)
    assert outage is not None
    assert not told
    assert outage.due() is None
    assert seen(outage, cause, NOON + 9 * MINUTE) == (outage, ())
    assert seen(outage, Status.ACTIVE, NOON + 9 * MINUTE) == (None, ())


@lasting
def test_who_waited_from_the_beginning_is_told_as_open_when_he_is(
    cause: Status,
) -> None:
    outage, told = seen(None, cause, NOON, was_open=False)
    assert not told
    assert seen(outage, Status.ACTIVE, NOON + MINUTE) == (
        None,
        (Telling(Turn.OPENED, cause, NOON + MINUTE),),
    )


@each
def test_what_is_switched_off_meanwhile_is_no_longer_interrupted(cause: Status) -> None:
    outage = Outage(cause, NOON)
    assert seen(outage, Status.OFF, NOON + 9 * MINUTE) == (None, ())


@each
def test_what_the_kernel_refuses_is_not_open_again(cause: Status) -> None:
    outage = Outage(cause, NOON, told=True)
    assert seen(outage, Status.ERROR, NOON + 9 * MINUTE) == (outage, ())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Status),
            st.timedeltas(timedelta(), timedelta(hours=1)),
        )
    )
)
def test_closed_and_opened_always_alternate_with_one_reason_and_true_times(
    steps: list[tuple[Status, timedelta]],
) -> None:
    outage, now = None, NOON
    told: list[Telling] = []
    for status, later in steps:
        now += later
        outage, tellings = seen(outage, status, now)
        if status is Status.OFF:
            # Its end is not told: who switched it off is told instead.
            del told[len(told) // 2 * 2 :]
        told += tellings
    assert [telling.turn for telling in told[::2]] == [Turn.CLOSED] * len(told[::2])
    assert [telling.turn for telling in told[1::2]] == [Turn.OPENED] * (len(told) // 2)
    for closed, opened in zip(told[::2], told[1::2], strict=False):
        assert closed.cause is opened.cause
        assert opened.at - closed.at == opened.lasted
        if closed.cause in PASSING:
            assert opened.lasted > TELL_AFTER
