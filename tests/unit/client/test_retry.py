from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aiop.client.retry import Retry, asked_delay


def test_delays_grow_to_a_limit_and_then_end():
    retry = Retry(attempts=5, delay=1.0, factor=3.0, longest_delay=5.0)

    assert [retry.after(attempt) for attempt in range(1, 6)] == [1.0, 3.0, 5.0, 5.0, None]


def test_jitter_only_adds():
    retry = Retry(delay=1.0, jitter=0.5)

    assert retry.after(1, chance=0.0) == 1.0
    assert retry.after(1, chance=1.0) == 1.5


def test_what_the_service_asks_for_is_the_least():
    assert Retry(delay=1.0).after(1, retry_after=7.0) == 7.0
    assert Retry(delay=1.0).after(1, retry_after=0.1) == 1.0


def test_a_service_that_asks_for_too_much_is_not_waited_for():
    assert Retry(longest_wait=60.0).after(1, retry_after=61.0) is None


@pytest.mark.parametrize(
    ("value", "delay"),
    [("3", 3.0), ("Sat, 01 Mar 2025 12:00:05 GMT", 5.0), ("Sat, 01 Mar 2025 11:00:00 GMT", 0.0), ("soon", None)],
)
def test_the_header_may_hold_seconds_or_a_date(value, delay):
    assert asked_delay({"retry-after": value}, now=datetime(2025, 3, 1, 12, tzinfo=UTC)) == delay


def test_no_header_asks_for_nothing():
    assert asked_delay({}) is None
