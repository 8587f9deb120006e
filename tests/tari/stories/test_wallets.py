"""Who may report payments, and from where. See the table in `test_matching`; more of it: `tests/e2e/test_tari_routes`.

Four of the existing server's tests send signatures that are bad for another reason than the one that they name. Here
each message is signed well but for what it is about.
"""

from typing import Final

import pytest

from tests.e2e.tari_shop import HOST, HotWallet
from tests.tari.stories.story import Buyer, Story

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE: Final = "192.168.1.101"


async def test_wallet_auth_1_a_message_from_elsewhere_is_refused_and_its_nonce_not_used(story: Story) -> None:
    wallet = await story.shop.authorise(HotWallet())
    message = wallet.payment(Buyer(), 1, "wallet_auth_1")
    refused = await story.shop.tell("incoming_payment", message, ELSEWHERE)
    assert (refused.status, refused.text) == (401, "")
    taken = await story.shop.tell("incoming_payment", message)
    assert (taken.status, taken.json["success"]) == (200, True)


async def test_wallet_auth_2_the_proxy_says_where_it_is(story: Story) -> None:
    message = story.shop.wallet.payment(Buyer(), 1, "wallet_auth_2")
    assert (await story.shop.tell("incoming_payment", message, HOST)).json["success"] is True


async def test_wallet_auth_3_in_the_newer_header_too(story: Story) -> None:
    message = story.shop.wallet.payment(Buyer(), 1, "wallet_auth_3")
    reply = await story.shop.post("/wallet/incoming_payment", message, {"Forwarded": f"for={HOST};proto=http"})
    assert reply.json["success"] is True


@pytest.mark.parametrize("changed", [{"amount": 2_000_000}, {"sender": str(Buyer().address)}, {"order_id": "1"}])
async def test_wallet_auth_4_and_5_what_is_not_signed_as_it_is_is_refused(
    story: Story, changed: dict[str, object]
) -> None:
    message = story.shop.wallet.payment(Buyer(), 1, "wallet_auth_5")
    payment = message["payment"]
    assert isinstance(payment, dict)
    reply = await story.shop.tell("incoming_payment", message | {"payment": payment | changed})
    assert (reply.status, reply.text) == (401, "")


async def test_wallet_management_1_2_7_and_11_wallets_come_and_go_and_anybody_sees_where_to_pay(story: Story) -> None:
    shop, merchant, wallet = story.shop, story.merchant, HotWallet()
    assert (await merchant.add_wallet(str(wallet.address), "100.50.60.70", nonce=1)).status == 201
    assert (await merchant.add_wallet(str(wallet.address), "100.50.60.70", nonce=1)).status == 409
    listed = (await merchant.wallets())[wallet.payer]
    assert (listed["ip_address"], listed["last_nonce"]) == ("100.50.60.70", "1")
    assert str(wallet.address) in (await shop.ask("GET", "/wallet/send_to")).json
    assert (await merchant.remove_wallet(str(wallet.address))).status == 204
    assert (await merchant.remove_wallet(str(wallet.address))).status == 404
    assert str(wallet.address) not in (await shop.ask("GET", "/wallet/send_to")).json
    message = wallet.payment(Buyer(), 1, "wallet_management_11")
    assert (await shop.tell("incoming_payment", message, "100.50.60.70")).status == 401


async def test_whitelist_1_a_webhook_must_be_signed_by_the_shop(story: Story) -> None:
    """The existing server's tests run with signatures off; here they are on, and an empty key is refused at start."""
    order = story.next_order(Buyer())
    for secret in ("", "another key"):
        reply = await story.placed(order, "1.00", secret=secret)
        assert (reply.status, reply.text) == (403, "Invalid HMAC signature.")
    bare = await story.shop.session.post("/shopify/webhook/checkout_create", data=b"{}")
    assert (bare.status, await bare.text()) == (403, "No HMAC signature found.")
