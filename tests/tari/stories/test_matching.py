"""Orders find their money and money finds its orders, whichever comes first.

Stories of the existing server's test suite, retold. Its buyers' signatures are in `tests/e2e/test_tari_vectors.py`;
here everybody has keys of his own, so that many stories fit into one database.

| theirs | here |
|---|---|
| order_payment_matching 1 … 8, and what is missing there | `order_payment_matching` |
| claim_order 1 … 5, and what is missing there | `claim_order` |
| order_webhook_auth 1 … 3 | `order_webhook_auth` |
| unfulfilled_orders 1, 2 | `unfulfilled_orders`: what is left to pay; who may look is a matter of tokens |
| order_payment_matching_with_strict_mode_off, …_with_other_prices | `test_by_name` |
| order_matching_with_raw_memo, …_with_name, whitelist, wallet_whitelist_disable | `test_open_doors` |
| credit_note 4 … 7, settle_accounts 3, 6, 7, creditors 1 | `test_credit` |
| payment_override 4, 5, reassign_order 4 … 7, order_cancellation 4 … 6, expiry 1, 2 | `test_credit` |
| full_accounts, payment_history | what they say of balances and debts: `test_credit` |
| wallet_auth 1 … 5, wallet_management 1, 2, 7, 11 | `test_wallets` |

Left out:
- accounts, admin_endpoints, auth, authorization, orders, and all that only says who may do what: people's logins and
  roles are not kept; here the merchant has tokens with scopes (`tests/e2e/test_api_tokens.py`).
- order_search: the private API has its own filters (`tests/e2e/test_api_lists.py`).
- update_memo, update_price, order_reset (parked there, too): there is no command for them.
"""

import json

import pytest

from tests.e2e.tari_shop import Owner
from tests.tari.stories.story import CLAIMED, PAID, PLACED, SETTLED, UNCLAIMED, WAITING, Buyer, Story

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_order_payment_matching_1_signed_order_then_money_that_counts_once_it_is_confirmed(story: Story) -> None:
    alice = Buyer()
    order = await story.ordered(alice, 2400, signed_by=alice)
    await story.then({order: WAITING}, left={alice: 0})
    payment = await story.paid(alice, 2500)
    await story.then({order: WAITING}, left={alice: 0})
    await story.confirmed(payment)
    await story.then({order: PAID}, left={alice: 100})
    assert await story.told(order) == [PLACED, CLAIMED, SETTLED]
    await story.captured(order, "2400.00")


async def test_order_payment_matching_2_money_first_then_a_signed_order(story: Story) -> None:
    alice = Buyer()
    await story.pays(alice, 2500)
    await story.then(left={alice: 2500})
    order = await story.ordered(alice, 2400, signed_by=alice)
    await story.then({order: PAID}, left={alice: 100})


async def test_order_payment_matching_3_everybody_pays_for_himself(story: Story) -> None:
    alice, bob, carol = Buyer(), Buyer(), Buyer()
    hers, his = await story.ordered(alice, 2400, signed_by=alice), await story.ordered(bob, 700, signed_by=bob)
    await story.pays(carol, 85)
    await story.pays(bob, 400)
    await story.then({hers: WAITING, his: WAITING}, left={carol: 85, bob: 400})
    carols = await story.ordered(carol, 84, signed_by=carol)
    await story.then({carols: PAID}, left={carol: 1})
    second = await story.ordered(alice, 3600, signed_by=alice)
    await story.pays(alice, 6042)
    await story.then({hers: PAID, second: PAID, his: WAITING}, left={alice: 42, bob: 400, carol: 1})


async def test_order_payment_matching_4_order_claim_payment_confirmation(story: Story) -> None:
    alice = Buyer()
    order = await story.ordered(alice, 2100)
    await story.claimed(order, alice)
    await story.pays(alice, 2500)
    await story.then({order: PAID}, left={alice: 400})


async def test_order_payment_matching_5_order_payment_confirmation_claim(story: Story) -> None:
    alice = Buyer()
    order = await story.ordered(alice, 2100)
    await story.pays(alice, 2500)
    await story.then({order: UNCLAIMED}, left={alice: 2500})
    assert (await story.claimed(order, alice))["status"] == "Paid"
    await story.then({order: PAID}, left={alice: 400})


async def test_order_payment_matching_6_payment_order_claim_confirmation(story: Story) -> None:
    alice, bob = Buyer(), Buyer()
    payment = await story.paid(alice, 2500)
    order, other = await story.ordered(alice, 2100), await story.ordered(bob, 2100)
    await story.claimed(order, alice)
    await story.confirmed(payment)
    await story.then({order: PAID, other: UNCLAIMED}, left={alice: 400, bob: 0})


async def test_order_payment_matching_7_money_that_names_its_order_pays_it_and_links_nobody(story: Story) -> None:
    """On purpose not as there: a number in a transfer is nobody's signature, so the next order is not the payer's."""
    alice = Buyer()
    order = await story.ordered(alice, 2100)
    payment = await story.paid(alice, 2500, order_id=order.id)
    await story.then({order: WAITING})
    await story.confirmed(payment)
    await story.then({order: PAID}, left={alice: 400})
    following = await story.ordered(alice, 100)
    await story.then({following: UNCLAIMED}, left={alice: 400})


async def test_order_payment_matching_8_money_may_name_an_order_that_comes_later(story: Story) -> None:
    alice = Buyer()
    order = story.next_order(alice)
    await story.pays(alice, 2500, order_id=order.id)
    await story.ordered(alice, 2100, order=order)
    await story.then({order: PAID}, left={alice: 400})


async def test_order_payment_matching_gap_the_order_may_come_between_payment_and_confirmation(story: Story) -> None:
    """Nobody found this order there: it stayed unclaimed."""
    alice = Buyer()
    order = story.next_order(alice)
    payment = await story.paid(alice, 2500, order_id=order.id)
    await story.ordered(alice, 2100, order=order)
    await story.then({order: WAITING})
    await story.confirmed(payment)
    await story.then({order: PAID}, left={alice: 400})


async def test_order_payment_matching_again_an_order_that_is_told_twice_is_one_and_never_another(story: Story) -> None:
    """On purpose not as there: what differs is refused with 409, not called the same."""
    alice = Buyer()
    says = {"created_at": "2026-03-10T15:00:00Z"}
    order = await story.ordered(alice, 10, says=says)
    again = await story.placed(order, "10.00", says)
    assert (again.status, again.json) == (200, {"success": True, "message": "Order already exists."})
    other = await story.placed(order, "11.00", says)
    assert (other.status, other.json["success"]) == (409, False)
    assert await story.told(order) == [PLACED]


async def test_claim_order_1_a_signature_that_is_none_is_refused(story: Story) -> None:
    alice = Buyer()
    order = await story.ordered(alice, 5)
    reply = await story.shop.post("/order/claim", alice.claim(order.id) | {"signature": "foobar"})
    assert reply.status == 400
    await story.then({order: UNCLAIMED})


async def test_claim_order_2_and_4_whoever_signs_first_owns_the_order(story: Story) -> None:
    anna = Buyer()
    order = await story.ordered(anna, 2400)
    shown = await story.claimed(order, wallet := Owner())
    assert (shown["order_id"], shown["status"], shown["total_price"]) == (order.id, "New", 2_400_000_000)
    assert await story.told(order) == [PLACED, CLAIMED]
    assert await story.claimed(order, wallet) == shown


async def test_claim_order_3_a_claim_pays_at_once_if_the_money_is_there(story: Story) -> None:
    wallet, anna = Buyer(), Buyer()
    await story.pays(wallet, 100)
    order = await story.ordered(anna, 60)
    assert (await story.claimed(order, wallet))["status"] == "Paid"
    assert await story.told(order) == [PLACED, CLAIMED, SETTLED]
    await story.then({order: PAID}, left={wallet: 40})


async def test_claim_order_5_a_claim_of_no_order_names_it(story: Story) -> None:
    reply = await story.shop.claim(Owner(), "no such order")
    assert reply.status == 404
    assert "no such order" in reply.json["error"]


@pytest.mark.parametrize("end", ["waiting", "paid", "cancelled"])
async def test_claim_order_never_reopens_and_never_takes_away(story: Story, end: str) -> None:
    """On purpose not as there: only what is unclaimed can be claimed."""
    anna = Buyer()
    order = await story.ordered(anna, 5, signed_by=anna)
    if end == "paid":
        assert await story.fulfilled(order) == 200
    elif end == "cancelled":
        assert await story.cancelled(order) == 200
    assert (await story.shop.claim(Owner(), order.id)).status == 400
    await story.then({order: end})


async def test_order_webhook_auth_1_a_signed_note_claims(story: Story) -> None:
    alice = Buyer()
    order = await story.ordered(alice, 10, signed_by=alice)
    await story.then({order: WAITING})


async def test_order_webhook_auth_2_and_3_a_note_that_is_not_signed_for_it_claims_nothing(story: Story) -> None:
    alice, eve = Buyer(), Owner()
    orders = []
    for changed in ({"order_id": "1"}, {"address": str(eve.address)}, {"signature": "00" * 64}):
        order = story.next_order(alice)
        note = json.dumps(alice.claim(order.id) | changed)
        orders.append(await story.ordered(alice, 10, order=order, says={"note": note}))
    await story.then(dict.fromkeys(orders, UNCLAIMED))


async def test_unfulfilled_orders_1_and_2_what_is_left_to_pay(story: Story) -> None:
    alice, bob = Buyer(), Buyer()
    await story.ordered(alice, 250, signed_by=alice)
    await story.ordered(bob, 999, signed_by=bob)
    await story.ordered(alice, 150, signed_by=alice)
    await story.then(owed={alice: 400, bob: 999})
    await story.pays(alice, 250)
    await story.then(owed={alice: 150, bob: 999})
