"""A shop that trusts the numbers in memos, and wallets from anywhere; webhooks only come from its own host.

The stories order_matching_with_raw_memo, order_matching_with_name, wallet_whitelist_disable and whitelist of the
existing server.
"""

from typing import Final

import pytest

from tests.tari.stories.story import PAID, SHOP_HOST, UNCLAIMED, Buyer, Story

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS: Final = {
    "TPG_DISABLE_MEMO_SIGNATURE_CHECK": "1",
    "TPG_DISABLE_WALLET_WHITELIST": "1",
    "TPG_SHOPIFY_IP_WHITELIST": SHOP_HOST,
}


async def test_order_matching_with_raw_memo_1_a_number_in_a_memo_finds_an_order_that_comes_later(story: Story) -> None:
    alice = Buyer()
    order = story.next_order(alice)
    await story.pays(alice, 2500, memo=f"order #{order.id}")
    await story.ordered(alice, 2400, order=order)
    await story.then({order: PAID}, left={alice: 100})


async def test_order_matching_with_name_1_an_order_is_kept_under_its_id(story: Story) -> None:
    alice = Buyer()
    order = await story.ordered(alice, 2400)
    kept = await story.merchant.order(order.id)
    assert (kept["order_id"], kept["alt_id"]) == (order.id, order.name)
    await story.then({order: UNCLAIMED}, owed={alice: 2400})
    assert (await story.shop.claim(alice, order.name)).status == 404


async def test_wallet_whitelist_disable_1_a_wallet_may_be_anywhere(story: Story) -> None:
    message = story.shop.wallet.payment(Buyer(), 1, "wallet_whitelist_disable_1")
    reply = await story.shop.tell("incoming_payment", message, "203.0.113.9")
    assert (reply.status, reply.json["success"]) == (200, True)


async def test_whitelist_1_a_webhook_from_elsewhere_is_refused_however_well_it_is_signed(story: Story) -> None:
    order = story.next_order(Buyer())
    refused = await story.placed(order, "1.00", host="203.0.113.9")
    assert refused.status == 403
    assert refused.json == {"error": "Authentication Error. Request was made from a forbidden peer"}
    assert (await story.placed(order, "1.00")).status == 200
