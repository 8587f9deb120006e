"""The state machine of an invoice, pair by pair."""

from itertools import product

import pytest

from harvester.domain.errors import TransitionRefused
from harvester.domain.lifecycle import OPEN, TRANSITIONS, Status, Trigger, transition

FINAL = {Status.PAID, Status.CANCELLED, Status.EXPIRED}


@pytest.mark.parametrize(("status", "trigger"), list(product(Status, Trigger)))
def test_every_pair_is_in_the_table_or_raises(status: Status, trigger: Trigger) -> None:
    expected = {
        Trigger.CLAIM: Status.WAITING,
        Trigger.SETTLE: Status.PAID,
        Trigger.CANCEL: Status.CANCELLED,
        Trigger.EXPIRE: Status.EXPIRED,
    }[trigger]
    if status in FINAL or (status, trigger) == (Status.WAITING, Trigger.CLAIM):
        with pytest.raises(TransitionRefused, match=f"{status} cannot {trigger}"):
            transition(status, trigger)
    else:
        assert transition(status, trigger) is expected


def test_open_states_are_those_that_something_can_happen_to() -> None:
    assert set(Status) - FINAL == OPEN
    assert len(TRANSITIONS) == 7
