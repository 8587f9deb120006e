"""Orders known by their names, in memos that nobody has signed, at other prices than the total.

The stories order_payment_matching_with_strict_mode_off 1 … 8 and order_payment_matching_with_other_prices 1, 2 of the
existing server: field name, strict mode off, signatures of memos off, the subtotal is the price.
"""

import json
from collections.abc import Mapping
from typing import Final

import pytest

from tests.e2e.tari_shop import Owner
from tests.tari.stories.storefront import Order
from tests.tari.stories.story import NOTHING, PAID, UNCLAIMED, WAITING, Buyer, Story

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS: Final = {
    "TPG_STRICT_MODE": "0",
    "TPG_DISABLE_MEMO_SIGNATURE_CHECK": "1",
    "TPG_SHOPIFY_ORDER_ID_FIELD": "name",
    "TPG_SHOPIFY_PRICE_FIELD": "subtotal",
}


async def ordered(
    story: Story,
    buyer: Buyer,
    xtr: int,
    signed_by: Owner | None = None,
    order: Order | None = None,
    says: Mapping[str, object] = NOTHING,
) -> Order:
    """The buyer orders; only the subtotal is what is to be paid."""
    return await story.ordered(buyer, 1, signed_by, order, {"subtotal_price": f"{xtr}.00", **says})


async def test_strict_mode_off_1_order_then_a_memo_with_its_number(story: Story) -> None:
    alice = Buyer()
    order = await ordered(story, alice, 2400, signed_by=alice)
    payment = await story.paid(alice, 2500, memo=f"order {order.number}")
    await story.then({order: WAITING})
    await story.confirmed(payment)
    await story.then({order: PAID}, left={alice: 100})


async def test_strict_mode_off_2_a_memo_then_its_order(story: Story) -> None:
    alice = Buyer()
    order = story.next_order(alice)
    await story.pays(alice, 2500, memo=order.name)
    await ordered(story, alice, 2400, order=order)
    await story.then({order: PAID}, left={alice: 100})


async def test_strict_mode_off_3_everybody_pays_for_himself(story: Story) -> None:
    alice, bob, carol = Buyer(), Buyer(), Buyer()
    hers, his = await ordered(story, alice, 2400), await ordered(story, bob, 700)
    await story.pays(carol, 85)
    await story.pays(bob, 400, memo=f"Order number {his.number}")
    await story.then({hers: UNCLAIMED, his: WAITING}, left={carol: 85, bob: 400})
    carols = await ordered(story, carol, 84, signed_by=carol)
    await story.then({carols: PAID}, left={carol: 1})
    second = await ordered(story, alice, 3600)
    await story.pays(alice, 6042, memo=f"order {hers.number}")
    await story.then({hers: PAID, second: PAID, his: WAITING}, left={alice: 42, bob: 400})


@pytest.mark.parametrize("memo", ["order #{}", "order#: {}"])
async def test_strict_mode_off_4_and_5_order_payment_confirmation(story: Story, memo: str) -> None:
    alice = Buyer()
    order = await ordered(story, alice, 2100)
    await story.pays(alice, 2500, memo=memo.format(order.number))
    await story.then({order: PAID}, left={alice: 400})


async def test_strict_mode_off_6_a_claim_may_be_signed_for_the_name(story: Story) -> None:
    alice = Buyer()
    payment = await story.paid(alice, 2500)
    order, other = await ordered(story, alice, 2100), await ordered(story, Buyer(), 2100)
    reply = await story.shop.claim(alice, order.name)
    assert (reply.status, reply.json["order_id"]) == (200, order.id)
    await story.confirmed(payment)
    await story.then({order: PAID, other: UNCLAIMED}, left={alice: 400})


async def test_strict_mode_off_7_and_8_the_wallet_may_name_an_order_before_or_after_it_comes(story: Story) -> None:
    for before in (True, False):
        alice = Buyer()
        order = story.next_order(alice)
        if before:
            await ordered(story, alice, 2100, order=order)
        await story.pays(alice, 2500, order_id=order.name)
        if not before:
            await ordered(story, alice, 2100, order=order)
        await story.then({order: PAID}, left={alice: 400})


async def test_strict_mode_off_the_id_goes_before_the_name(story: Story) -> None:
    """On purpose not as there, where the lowest name won."""
    alice, bob = Buyer(), Buyer()
    named = await ordered(story, alice, 10)
    order = story.next_order(bob)
    await ordered(story, bob, 10, order=order, says={"name": order.name})
    await ordered(story, alice, 10, says={"name": order.id})
    await story.pays(bob, 10, order_id=order.id)
    await story.then({order: PAID, named: UNCLAIMED})


async def test_strict_mode_off_a_signed_memo_goes_before_a_number(story: Story) -> None:
    alice = Buyer()
    order, other = await ordered(story, alice, 10), await ordered(story, Buyer(), 10)
    await story.pays(alice, 10, memo=json.dumps(alice.claim(order.name)), order_id=other.name)
    await story.then({order: PAID, other: UNCLAIMED})


async def test_other_prices_1_and_2_the_subtotal_in_dollars_is_converted(story: Story) -> None:
    await story.merchant.rate("USD", "0.1")
    dollars = {"currency": "USD", "total_price": "300.00", "total_line_items_price": "230.00"}
    for subtotal, price, end, left in (("240.00", 2400, PAID, 100), ("260.00", 2600, WAITING, 2500)):
        alice = Buyer()
        order = await story.ordered(alice, 1, says={"subtotal_price": subtotal, **dollars})
        await story.pays(alice, 2500, memo=f"order {order.number}")
        shown = await story.merchant.order(order.id)
        assert (shown["price"]["currency"], shown["alt_id"], shown["amount"]) == ("USD", order.name, f"{price}000000")
        await story.then({order: end}, left={alice: left})


async def test_other_prices_a_price_is_read_as_a_decimal_number(story: Story) -> None:
    """On purpose not as there, where 0.5 was 5 cents and 1.999 was 10.99."""
    alice = Buyer()
    for text, micro in (("0.5", 500_000), ("1.999", 1_999_000)):
        order = story.next_order(alice)
        assert (await story.placed(order, "1", {"subtotal_price": text})).status == 200
        assert (await story.merchant.order(order.id))["amount"] == str(micro)
    assert (await story.placed(story.next_order(alice), "1", {"subtotal_price": "-1.50"})).status == 400
