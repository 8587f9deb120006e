"""The schedule: when a webhook is tried again, and when it is given up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.webhooks.schedule import MAX_ATTEMPTS, MAX_RETRY_AFTER_SECS, OVERLOADED, retry_delay

MIDDLE = 0.5
attempts = st.integers(1, MAX_ATTEMPTS - 1)
statuses = st.none() | st.sampled_from([301, 400, 404, 429, 500, 502, 503, 504])
randomness = st.floats(0, 1, exclude_max=True)
wishes = st.none() | st.floats(0, allow_nan=False)


def test_the_delays_are_those_of_standard_webhooks() -> None:
    delays = [retry_delay(attempt, 500, None, MIDDLE) for attempt in range(1, MAX_ATTEMPTS)]
    assert delays == pytest.approx([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400])


@given(status=statuses, wish=wishes, random=randomness, beyond=st.integers(0, 100))
def test_after_the_last_attempt_there_is_none(
    status: int | None, wish: float | None, random: float, beyond: int
) -> None:
    assert retry_delay(MAX_ATTEMPTS + beyond, status, wish, random) is None


@given(attempt=attempts, wish=wishes, random=randomness)
def test_an_endpoint_that_is_gone_is_not_tried_again(attempt: int, wish: float | None, random: float) -> None:
    assert retry_delay(attempt, 410, wish, random) is None


@given(attempt=attempts, status=statuses, random=randomness)
def test_jitter_moves_a_delay_by_a_tenth_at_most(attempt: int, status: int | None, random: float) -> None:
    middle, delay = (retry_delay(attempt, status, None, chance) for chance in (MIDDLE, random))
    assert middle is not None
    assert delay is not None
    assert 0.9 * middle - 1e-6 <= delay <= 1.1 * middle + 1e-6


@given(attempt=attempts, status=statuses, wish=wishes, random=randomness)
def test_what_the_endpoint_asks_for_is_honoured_up_to_a_day(
    attempt: int, status: int | None, wish: float | None, random: float
) -> None:
    delay, unasked = (retry_delay(attempt, status, asked, random) for asked in (wish, None))
    assert delay is not None
    assert unasked is not None
    assert delay == max(unasked, min(wish or 0, MAX_RETRY_AFTER_SECS))


@pytest.mark.parametrize("status", sorted(OVERLOADED))
def test_an_overloaded_endpoint_gets_a_minute_at_least(status: int) -> None:
    assert retry_delay(1, status, None, MIDDLE) == pytest.approx(60)
    assert retry_delay(3, status, None, MIDDLE) == pytest.approx(1800)
