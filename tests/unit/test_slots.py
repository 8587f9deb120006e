"""Slots: whatever some endpoints do, the others can be sent to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from harvester.services.slots import DEFAULT_IN_ALL, DEFAULT_PER_ENDPOINT, FIRST, RESERVED, Slots

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def take_all(slots: Slots, endpoint_id: UUID) -> int:
    """Send to one endpoint as much as is allowed; return how much is in flight to it then."""
    room = slots.room(NOW)
    count = min(room.in_all, room.by_endpoint.get(endpoint_id, room.unknown_endpoint))
    for _ in range(count):
        slots.take(endpoint_id)
    return count


def test_an_endpoint_begins_small_and_earns_more() -> None:
    slots, endpoint_id = Slots(), uuid4()
    assert take_all(slots, endpoint_id) == FIRST
    assert take_all(slots, endpoint_id) == 0
    for _ in range(DEFAULT_PER_ENDPOINT):
        slots.give_back(endpoint_id, strained=False)
        slots.take(endpoint_id)
    for _ in range(FIRST):
        slots.give_back(endpoint_id, strained=False)
    assert take_all(slots, endpoint_id) == DEFAULT_PER_ENDPOINT


def test_one_that_strains_is_sent_half_as_much_and_never_nothing() -> None:
    slots, endpoint_id = Slots(), uuid4()
    allowed = take_all(slots, endpoint_id)
    while allowed > 1:
        slots.give_back(endpoint_id, strained=True)
        allowed //= 2
    for _ in range(slots.busy):
        slots.give_back(endpoint_id, strained=True)
    assert slots.busy == 0
    assert take_all(slots, endpoint_id) == 1


def test_a_pause_binds_one_endpoint_for_a_minute_at_most() -> None:
    slots, endpoint_id = Slots(), uuid4()
    slots.take(endpoint_id)
    slots.pause(endpoint_id, NOW, 86_400)
    assert slots.room(NOW).by_endpoint[endpoint_id] == 0
    assert slots.room(NOW + timedelta(seconds=60)).by_endpoint[endpoint_id] == FIRST - 1


@given(st.integers(1, 100), st.integers(1, 100))
def test_however_many_hang_the_next_one_is_served(hanging: int, healthy: int) -> None:
    slots = Slots()
    for endpoint_id in _ids(hanging):
        take_all(slots, endpoint_id)
    assert all(take_all(slots, endpoint_id) >= RESERVED for endpoint_id in _ids(healthy))
    assert slots.busy <= DEFAULT_IN_ALL + (hanging + healthy) * RESERVED


def test_endpoints_that_hang_after_good_days_leave_room_too() -> None:
    slots = Slots(in_all=40, per_endpoint=40)
    once_good, other = uuid4(), uuid4()
    take_all(slots, once_good)
    for _ in range(40):
        slots.give_back(once_good, strained=False)
        slots.take(once_good)
    take_all(slots, once_good)
    assert slots.busy == 40
    assert take_all(slots, other) == RESERVED
    assert take_all(slots, once_good) == 0


def _ids(count: int) -> Iterator[UUID]:
    return (uuid4() for _ in range(count))
