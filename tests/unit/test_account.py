"""Who may pay what: properties over any orders and any balances."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.account import UNPAID_LIFE, claim, pay_in_order, pay_one, queue, settle
from harvester.domain.errors import ActRefused, TransitionRefused
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import OPEN, Status
from tests.unit.test_invoice import INVOICE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = replace(INVOICE, status=Status.UNCLAIMED, order_id="1", customer_id="alice", expires_at=NOW)
seconds = st.integers(-2, 2).map(lambda count: timedelta(seconds=count))
balances = st.dictionaries(st.sampled_from("abcdef"), st.integers(-50, 200), max_size=6)


@st.composite
def orders(draw: st.DrawFn) -> Invoice:
    """Any order: few moments and few prices, so that many are alike."""
    return replace(
        ORDER,
        id=UUID(int=draw(st.integers(1, 10**6))),
        status=draw(st.sampled_from(Status)),
        amount=draw(st.integers(0, 100)),
        received=draw(st.sampled_from([0, 0, 30])),
        created_at=NOW + draw(seconds),
        expires_at=NOW + draw(seconds),
    )


def due(order: Invoice) -> int:
    """What credit must give for it, in words of its own."""
    return order.amount - min(order.amount, order.received)


several = st.lists(orders(), max_size=8, unique_by=lambda order: order.id)


def place(order: Invoice) -> tuple[bool, datetime, UUID]:
    """What the rule says of an order's place in the queue, in its own words."""
    return order.status is Status.UNCLAIMED, order.created_at, order.id


@given(several, st.randoms())
def test_the_queue_is_one_order_of_what_can_be_paid_however_it_is_asked(each: list[Invoice], chance: Random) -> None:
    queued = queue(each, NOW)
    chance.shuffle(each)
    assert queue(each, NOW) == queued
    assert set(queued) == {order for order in each if order.status in OPEN and order.expires_at >= NOW}
    assert all(place(before) < place(after) for before, after in pairwise(queued))


@given(several, st.integers(-50, 300))
def test_an_address_pays_the_first_ones_up_to_the_first_that_is_too_dear(each: list[Invoice], balance: int) -> None:
    paid, queued = pay_in_order(balance, each, NOW), queue(each, NOW)
    assert paid == queued[: len(paid)]
    left = balance - sum(map(due, paid))
    assert left >= 0 or not paid
    assert len(paid) == len(queued) or due(queued[len(paid)]) > left


@given(orders(), balances)
def test_accounts_pay_an_order_together_in_full_or_not_at_all(order: Invoice, has: dict[str, int]) -> None:
    parts = pay_one(order, has)
    usable = [balance for balance in has.values() if balance >= 0]
    assert (parts is not None) == (bool(usable) and sum(has.values()) >= due(order))
    if parts is not None:
        assert sum(parts.values()) == due(order)
        assert all(0 <= part <= has[giver] for giver, part in parts.items())
        assert len(parts) == 1 or all(parts.values())


@given(orders(), balances)
def test_the_largest_give_first_and_all_but_the_last_give_all(order: Invoice, has: dict[str, int]) -> None:
    parts = pay_one(order, has) or {}
    givers = list(parts)
    assert givers == sorted(givers, key=lambda giver: (-has[giver], list(has).index(giver)))
    assert all(parts[giver] == has[giver] for giver in givers[:-1])
    smallest = min((has[giver] for giver in givers), default=0)
    assert all(has[other] <= smallest for other in has.keys() - parts.keys() if parts)


def test_what_is_free_needs_an_account_that_is_not_in_debt() -> None:
    free = replace(ORDER, amount=0)
    assert pay_one(free, {}) is pay_one(free, {"a": -1}) is None
    assert pay_one(free, {"a": 0}) == {"a": 0}
    assert (pay_in_order(-1, [free], NOW), pay_in_order(0, [free], NOW)) == ([], [free])


def test_a_debt_is_taken_off_what_accounts_have_together() -> None:
    order = replace(ORDER, amount=100)
    assert pay_one(order, {"a": 500, "b": -401}) is None
    assert pay_one(order, {"a": 500, "b": -400}) == {"a": 100}


def claimed(order: Invoice, *, linked: bool) -> Invoice:
    return claim(order, linked=linked, now=NOW, unpaid_life=UNPAID_LIFE)


@given(orders(), st.booleans())
def test_only_what_is_unclaimed_and_alive_is_claimed(order: Invoice, linked: bool) -> None:
    if order.status is Status.WAITING and linked:
        assert claimed(order, linked=linked) is order
    elif order.status is Status.UNCLAIMED and order.expires_at >= NOW:
        after = claimed(order, linked=linked)
        assert (after.status, after.claimed_at, after.expires_at) == (Status.WAITING, NOW, NOW + UNPAID_LIFE)
        assert claimed(after, linked=True) is after
        with pytest.raises(ActRefused, match="only one that is unclaimed"):
            claimed(after, linked=False)
    else:
        with pytest.raises(ActRefused):
            claimed(order, linked=linked)


@given(orders())
def test_only_what_is_open_is_settled(order: Invoice) -> None:
    if order.status in OPEN:
        paid = settle(order, "a", NOW - timedelta(seconds=1), NOW)
        assert (paid.status, paid.paid_by, paid.tx_hash) == (Status.PAID, "a", None)
        assert (paid.paid_at, paid.updated_at, paid.expires_at) == (NOW - timedelta(seconds=1), NOW, order.expires_at)
    else:
        with pytest.raises(TransitionRefused):
            settle(order, "a", NOW, NOW)


def test_cheap_new_orders_do_not_overtake_a_dear_old_one() -> None:
    dear = replace(ORDER, id=UUID(int=1), amount=10, status=Status.WAITING)
    cheap: Sequence[Invoice] = [
        replace(dear, id=UUID(int=number), amount=1, created_at=dear.created_at + timedelta(seconds=number))
        for number in range(2, 5)
    ]
    assert pay_in_order(9, [*cheap, dear], NOW) == []
    assert pay_in_order(11, [*cheap, dear], NOW) == [dear, cheap[0]]
