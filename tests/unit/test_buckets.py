"""Token buckets."""

from hypothesis import given
from hypothesis import strategies as st

from harvester.api.buckets import Buckets


def taken(buckets: Buckets, moments: list[float], key: str = "a") -> list[float]:
    """The moments at which one could be taken."""
    return [moment for moment in moments if buckets.take(key, moment) == 0]


def test_a_minutes_worth_may_come_at_once_and_no_more() -> None:
    assert len(taken(Buckets(5), [7.0] * 9)) == 5


def test_it_fills_evenly() -> None:
    buckets = Buckets(6)
    taken(buckets, [0.0] * 6)
    assert taken(buckets, [9.9, 10.1, 10.2, 20.1, *[60.0] * 9]) == [10.1, 20.1, *[60.0] * 4]


def test_whoever_waits_as_long_as_is_said_gets_on() -> None:
    buckets = Buckets(3)
    assert taken(buckets, [1.0] * 3)
    wait_secs = buckets.take("a", 5.0)
    assert 0 < wait_secs <= 20
    assert buckets.take("a", 5.0 + wait_secs - 0.001) > 0
    assert buckets.take("a", 5.0 + wait_secs + 0.001) == 0


def test_looking_takes_nothing() -> None:
    buckets = Buckets(1)
    assert [buckets.wait_secs("a", 0.0) for _ in range(5)] == [0] * 5
    assert buckets.take("a", 0.0) == 0
    assert buckets.wait_secs("a", 0.0) == 60


def test_one_key_does_not_pay_for_another() -> None:
    buckets = Buckets(1)
    assert [buckets.take(key, 0.0) for key in "abc"] == [0, 0, 0]
    assert buckets.take("a", 0.0) > 0


def test_the_table_is_bounded_and_forgets_whom_it_has_not_seen_for_longest() -> None:
    buckets = Buckets(1, at_most=3)
    for key in "abcd":
        buckets.take(key, 0.0)
    assert buckets.take("d", 1.0) > 0
    assert buckets.take("a", 1.0) == 0
    assert buckets.take("c", 1.0) > 0


@given(
    st.integers(1, 600),
    st.lists(st.floats(0, 10, allow_nan=False), min_size=1, max_size=200),
)
def test_no_stretch_of_time_gives_more_than_a_bucket_and_what_flows_in_meanwhile(
    per_minute: int, pauses: list[float]
) -> None:
    moments = [sum(pauses[: end + 1]) for end in range(len(pauses))]
    got = taken(Buckets(per_minute), moments)
    for first in range(len(got)):
        for last in range(first, len(got)):
            count, secs = last - first + 1, got[last] - got[first]
            assert count <= per_minute + secs * per_minute / 60 + 1e-6 + 1
