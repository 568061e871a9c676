"""The clock of this machine, set by that of the database."""

from datetime import timedelta

from structlog.testing import capture_logs

from aiop.runtime.clock import SystemClock

HOUR = timedelta(hours=1)
CLOSE = timedelta(seconds=5)


def test_a_clock_that_is_wrong_is_set() -> None:
    clock = SystemClock()
    true = clock.now() + HOUR
    with capture_logs() as lines:
        asked = clock.now()
        clock.compare(true, asked, asked)
    assert abs(clock.now() - true) < CLOSE
    assert [line["event"] for line in lines] == ["clock_set"]

    asked = clock.now()
    clock.compare(asked - 2 * HOUR, asked, asked)
    assert abs(clock.now() - (true - 2 * HOUR)) < CLOSE


def test_a_small_difference_and_an_answer_that_took_long_change_nothing() -> None:
    clock = SystemClock()
    asked = clock.now()
    with capture_logs() as lines:
        clock.compare(asked + timedelta(milliseconds=200), asked, asked)
        clock.compare(asked + HOUR, asked, asked + timedelta(seconds=2))
    assert lines == []
    assert abs(clock.now() - asked) < CLOSE
