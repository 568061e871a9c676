import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from aiop.model.definition import Backoff, Retry
from aiop.model.state import Reason
from aiop.orchestrator.retry import next_delay, retryable

RNG = random.Random(1)


def seconds(retry, attempts):
    return next_delay(retry, attempts, RNG).total_seconds()


def test_a_fixed_delay_stays():
    retry = Retry(max_attempts=9, delay=timedelta(seconds=2))
    assert [seconds(retry, n) for n in (1, 2, 5)] == [2, 2, 2]


def test_an_exponential_delay_grows_by_its_factor_up_to_its_maximum():
    retry = Retry(delay=timedelta(seconds=1), backoff=Backoff.EXPONENTIAL, factor=3, max_delay=timedelta(seconds=20))
    assert [seconds(retry, n) for n in (1, 2, 3, 4)] == [1, 3, 9, 20]


@given(st.integers(1, 10_000), st.floats(1, 1e6), st.floats(0, 1e6), st.floats(0, 1), st.sampled_from(list(Backoff)))
def test_no_policy_overflows_or_goes_below_zero(attempts, factor, delay, jitter, backoff):
    retry = Retry(delay=timedelta(seconds=delay), backoff=backoff, factor=factor, jitter=jitter)
    assert next_delay(retry, attempts, RNG) >= timedelta(0)


def test_jitter_adds_up_to_its_fraction_and_stays_under_the_maximum():
    retry = Retry(delay=timedelta(seconds=10), jitter=0.5, max_delay=timedelta(seconds=12))
    delays = {seconds(retry, 1) for _ in range(50)}
    assert len(delays) > 5
    assert all(10 <= delay <= 12 for delay in delays)


def test_the_first_attempt_counts():
    retry = Retry(max_attempts=2)
    assert retryable(retry, Reason.EXIT_CODE, 1, attempts=1)
    assert not retryable(retry, Reason.EXIT_CODE, 1, attempts=2)


def test_only_named_reasons_and_exit_codes_are_retried():
    retry = Retry(max_attempts=3, on=frozenset({Reason.EXIT_CODE}), exit_codes=frozenset({75}))
    assert retryable(retry, Reason.EXIT_CODE, 75, attempts=1)
    assert not retryable(retry, Reason.EXIT_CODE, 1, attempts=1)
    assert not retryable(retry, Reason.TIMEOUT, None, attempts=1)
