"""What the merchant grants, overrides, gives away and calls off, and what time does. See the table in `test_matching`.

The merchant's routes are this program's, not those of the existing server. Its fixture: alice has orders of 100 and 65,
bob of 200 and 350, all claimed by their own wallets.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.tari.stories.storefront import Order
from tests.tari.stories.story import (
    CANCELLED,
    CLAIMED,
    EXPIRED,
    PAID,
    PLACED,
    SETTLED,
    UNCLAIMED,
    WAITING,
    Buyer,
    Story,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Given:
    """The fixture called accounts; `one`, `three` are alice's, `two`, `four` bob's."""

    alice: Buyer
    bob: Buyer
    one: Order
    two: Order
    three: Order
    four: Order


@pytest_asyncio.fixture(loop_scope="module")
async def given(story: Story) -> AsyncIterator[Given]:
    alice, bob = Buyer(), Buyer()
    orders = [
        await story.ordered(buyer, xtr, signed_by=buyer, says={"created_at": f"2026-03-{day}T15:00:00Z"})
        for buyer, xtr, day in ((alice, 100, 10), (bob, 200, 11), (alice, 65, 12), (bob, 350, 13))
    ]
    yield Given(alice, bob, *orders)


async def test_credit_note_4_credit_waits_for_a_customer_who_is_not_known_yet(story: Story) -> None:
    buyer = Buyer()
    assert await story.granted(buyer, 1000) == []
    await story.then(left={buyer: 1000})
    order = await story.ordered(buyer, 250)
    await story.then({order: PAID}, left={buyer: 750})


async def test_credit_note_5_and_6_pay_what_they_can_and_skip_what_is_too_dear(story: Story, given: Given) -> None:
    assert await story.granted(given.bob, 250) == [given.two.id]
    await story.then({given.two: PAID, given.four: WAITING}, left={given.bob: 50}, owed={given.bob: 350})
    assert (await story.merchant.order(given.two.id))["paid_by"] == f"customer:{given.bob.customer}"


async def test_credit_note_7_may_take_away_more_than_there_is(story: Story) -> None:
    eric = Buyer()
    for amount, balance in ((1000, 1000), (-900, 100), (-500, -400)):
        await story.granted(eric, amount)
        await story.then(left={eric: balance})


async def test_credit_note_again_a_note_may_be_repeated_in_one_second(story: Story) -> None:
    """On purpose not as there, where the second of the same amount in a second failed."""
    eric = Buyer()
    await story.granted(eric, 5)
    await story.granted(eric, 5)
    await story.then(left={eric: 10})


async def test_creditors_1_and_full_accounts_what_is_owed_before_and_after(story: Story, given: Given) -> None:
    first = [await story.paid(given.alice, 15), await story.paid(given.bob, 50)]
    second = [await story.paid(given.alice, 100), await story.paid(given.bob, 500), await story.paid(Buyer(), 700)]
    owed = {given.alice: 165, given.bob: 550}
    await story.then(owed=owed, left={given.alice: 0, given.bob: 0})
    await story.confirmed(*first)
    await story.then(owed=owed, left={given.alice: 15, given.bob: 50})
    await story.confirmed(*second)
    await story.then(owed={given.alice: 65, given.bob: 0}, left={given.alice: 15, given.bob: 0})


async def test_settle_accounts_3_6_and_7_pay_the_order_that_can_be_paid(story: Story, given: Given) -> None:
    """Money that comes in stops at the first order that is too dear; the merchant's word goes past it."""
    await story.pays(given.alice, 65)
    await story.then({given.one: WAITING, given.three: WAITING}, left={given.alice: 65})
    assert await story.settled(given.alice) == [given.three.id]
    await story.then({given.one: WAITING, given.three: PAID}, left={given.alice: 0})
    await story.captured(given.three, "65.00")


async def test_settle_accounts_again_counts_an_address_once(story: Story, given: Given) -> None:
    """On purpose not as there: linked and named besides, an address of 60 paid an order of 100."""
    await story.pays(given.alice, 60, order_id=given.one.id)
    assert await story.settled(given.alice) == []
    await story.then({given.one: WAITING, given.three: WAITING}, left={given.alice: 60})


async def test_payment_override_4_and_5_count_as_paid_and_move_nobodys_credit(story: Story, given: Given) -> None:
    """On purpose not as there: a customer who is in debt can be helped, too."""
    await story.granted(given.alice, -50)
    assert await story.fulfilled(given.one) == 200
    await story.then({given.one: PAID}, left={given.alice: -50}, owed={given.alice: 65})
    await story.captured(given.one, "100.00")
    assert await story.fulfilled(given.one) == 409
    assert await story.told(given.one) == [PLACED, CLAIMED, SETTLED]


async def test_reassign_order_4_moves_a_debt(story: Story, given: Given) -> None:
    assert await story.reassigned(given.one, given.bob) == 200
    await story.then({given.one: WAITING}, owed={given.alice: 65, given.bob: 650})
    assert await story.told(given.one) == [PLACED, CLAIMED, "invoice.modified"]


async def test_reassign_order_5_the_new_customer_need_not_be_known(story: Story, given: Given) -> None:
    dave = Buyer()
    assert await story.reassigned(given.one, dave) == 200
    await story.then({given.one: WAITING}, owed={given.alice: 65, dave: 100})


async def test_reassign_order_6_to_whom_it_is_already_is_refused(story: Story, given: Given) -> None:
    assert await story.reassigned(given.one, given.alice) == 409
    assert await story.told(given.one) == [PLACED, CLAIMED]


async def test_reassign_order_7_the_new_customers_credit_pays_at_once(story: Story, given: Given) -> None:
    assert await story.granted(given.bob, 105) == []
    assert await story.reassigned(given.one, given.bob) == 200
    await story.then({given.one: PAID}, left={given.bob: 5}, owed={given.alice: 65, given.bob: 550})
    assert await story.told(given.one) == [PLACED, CLAIMED, "invoice.modified", SETTLED]


async def test_order_cancellation_4_and_5_end_an_order_once(story: Story, given: Given) -> None:
    """What is closed is answered with 409, as by the other things that the merchant decides about orders."""
    assert await story.cancelled(given.one) == 200
    await story.then({given.one: CANCELLED}, left={given.alice: 0}, owed={given.alice: 65})
    await story.called_off(given.one)
    assert await story.cancelled(given.one) == 409
    assert await story.told(given.one) == [PLACED, CLAIMED, "invoice.cancelled"]


async def test_order_cancellation_6_what_is_paid_stays_paid(story: Story, given: Given) -> None:
    assert await story.fulfilled(given.one) == 200
    assert await story.cancelled(given.one) == 409
    await story.then({given.one: PAID})


async def test_order_cancellation_leaves_the_money_to_the_next_order(story: Story, given: Given) -> None:
    """And money that comes for an order that has ended does not reopen it, as it did there."""
    payment = await story.paid(given.alice, 100, order_id=given.one.id)
    assert await story.cancelled(given.one) == 200
    await story.confirmed(payment)
    await story.then({given.one: CANCELLED, given.three: PAID}, left={given.alice: 35})


async def test_order_cancellation_at_the_moment_of_the_confirmation_ends_one_way_or_the_other(story: Story) -> None:
    for _ in range(5):
        alice = Buyer()
        order = await story.ordered(alice, 10, signed_by=alice)
        payment = await story.paid(alice, 10)
        status, _none = await asyncio.gather(story.cancelled(order), story.confirmed(payment))
        end, left = {200: (CANCELLED, 10), 409: (PAID, 0)}[status]
        await story.then({order: end}, left={alice: left})


async def test_expiry_1_and_2_unclaimed_orders_live_for_two_hours_and_claimed_ones_for_two_days(story: Story) -> None:
    alice = Buyer()
    early, late = await story.ordered(alice, 1), await story.ordered(alice, 2)
    claimed, forgotten = await story.ordered(alice, 4, signed_by=alice), await story.ordered(alice, 8, signed_by=alice)
    payment = await story.paid(alice, 4)
    await story.hours_pass(1, late)
    await story.hours_pass(3, early, claimed)
    await story.hours_pass(49, forgotten)
    await story.is_looked_through()
    await story.called_off(early)
    await story.called_off(forgotten)
    await story.then({early: EXPIRED, late: UNCLAIMED, claimed: WAITING, forgotten: EXPIRED}, owed={alice: 6})
    await story.confirmed(payment)
    await story.then({early: EXPIRED, claimed: PAID, forgotten: EXPIRED}, left={alice: 0})
    assert await story.told(early) == [PLACED, "invoice.expired"]
