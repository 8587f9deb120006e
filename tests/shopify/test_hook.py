"""What becomes of orders is told to a shop that fails in every way that shops do."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from harvester.chain.hooks import HookEvent, Later
from harvester_shopify.admin import ShopRefuses
from harvester_shopify.hook import ShopifyHook
from harvester_shopify.settings import ShopifySettings
from tests.receiver import WAIT_SECS
from tests.shopify.admin_server import TOKEN, AdminServer, admin_server, hang, instead, lose_answer, none

ORDER_ID = "5621189509332"
PRICE = {"amount": "24.00", "currency": "USD", "rate": "0.1", "rate_at": 0}
SHORT_SECS = 0.1


@pytest.fixture
async def shop() -> AsyncIterator[AdminServer]:
    async with admin_server() as server:
        server.order(ORDER_ID)
        yield server


def hook(shop: AdminServer, timeout_secs: float = WAIT_SECS, **environ: str) -> ShopifyHook:
    """Return the hook of this shop."""
    given = {
        "TPG_SHOPIFY_SHOP": "shop.example.org",
        "TPG_SHOPIFY_ADMIN_ACCESS_TOKEN": TOKEN,
        "TPG_SHOPIFY_HMAC_SECRET": "webhooks",
        "SHOPIFY_URL": shop.url,
    }
    return ShopifyHook(ShopifySettings.load(given | environ), timeout_secs)


def event(kind: str, **members: object) -> HookEvent:
    """Return an event about the order."""
    body: dict[str, Any] = {"order_id": ORDER_ID, "amount": "240000000", "price": PRICE}
    return HookEvent(uuid4(), kind, 2, body | members)


async def test_a_paid_order_is_captured_at_its_price_in_its_currency(shop: AdminServer) -> None:
    await hook(shop).handle(event("invoice.paid"))
    (capture,) = shop.orders[ORDER_ID].captures()
    assert capture == {
        "parent_id": None, "amount": "24.00", "kind": "capture", "currency": "USD", "status": "success", "id": 2
    }  # fmt: skip


async def test_an_event_that_comes_again_captures_nothing_again(shop: AdminServer) -> None:
    for _ in range(3):
        await hook(shop).handle(event("invoice.paid"))
    assert len(shop.orders[ORDER_ID].captures()) == 1


@pytest.mark.parametrize("kind", ["capture", "sale"])
async def test_what_the_merchant_has_captured_is_not_captured_again(shop: AdminServer, kind: str) -> None:
    shop.orders[ORDER_ID].transactions.append({"kind": kind, "status": "success"})
    await hook(shop).handle(event("invoice.paid"))
    assert len(shop.asked) == 1


async def test_a_manual_payment_that_is_promised_is_captured(shop: AdminServer) -> None:
    shop.orders[ORDER_ID].transactions[:] = [{"kind": "sale", "status": "pending", "gateway": "manual"}]
    await hook(shop).handle(event("invoice.paid"))
    assert len(shop.orders[ORDER_ID].captures()) == 1


async def test_a_capture_that_has_failed_is_made_again_and_one_that_is_pending_is_waited_for(shop: AdminServer) -> None:
    transactions = shop.orders[ORDER_ID].transactions
    transactions.append({"kind": "capture", "status": "pending"})
    with pytest.raises(Later, match="pending"):
        await hook(shop).handle(event("invoice.paid"))
    transactions[-1] = {"kind": "capture", "status": "failure"}
    await hook(shop).handle(event("invoice.paid"))
    assert [each["status"] for each in shop.orders[ORDER_ID].captures()] == ["failure", "success"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"transaction": {"status": "%s"}}' % status.encode(), status) for status in ("pending", "failure", "error")]
    + [(b'{"transaction": {}}', None), (b"<html>", None)],
)
async def test_an_answer_of_success_to_a_capture_that_is_none_is_not_taken_for_one(
    shop: AdminServer, body: bytes, status: str | None
) -> None:
    shop.troubles = [none(), instead(201, body)]
    with pytest.raises(Later, match=f"the capture has the status {status}"):
        await hook(shop).handle(event("invoice.paid"))
    await hook(shop).handle(event("invoice.paid"))
    assert len(shop.orders[ORDER_ID].captures()) == 1


@pytest.mark.parametrize("kind", ["invoice.cancelled", "invoice.expired"])
async def test_an_order_that_is_cancelled_or_expired_is_cancelled_once(shop: AdminServer, kind: str) -> None:
    for _ in range(2):
        await hook(shop).handle(event(kind))
    assert shop.orders[ORDER_ID].cancelled_at is not None
    assert [each for each in shop.asked if each.startswith("POST")] == [
        f"POST /admin/api/2024-04/orders/{ORDER_ID}/cancel.json"
    ]


@pytest.mark.parametrize("kind", ["invoice.paid", "invoice.cancelled"])
@pytest.mark.parametrize("order_id", [None, "#1001", "order10256", "-1", "1" * 21, "١٢", 12])
async def test_what_is_no_order_of_the_shop_is_let_be(shop: AdminServer, kind: str, order_id: object) -> None:
    await hook(shop).handle(event(kind, order_id=order_id))
    assert shop.asked == []


async def test_an_order_without_a_price_and_one_that_is_free_are_not_captured(shop: AdminServer) -> None:
    await hook(shop).handle(event("invoice.paid", price=None))
    await hook(shop).handle(event("invoice.paid", amount="0"))
    assert shop.asked == []


async def test_a_free_order_that_nobody_claimed_stays_in_the_shop(shop: AdminServer) -> None:
    await hook(shop).handle(event("invoice.expired", amount="0"))
    assert shop.asked == []
    await hook(shop).handle(event("invoice.cancelled", amount="0"))
    assert shop.orders[ORDER_ID].cancelled_at is not None


@pytest.mark.parametrize("kind", ["capture", "sale"])
async def test_an_order_that_the_shop_has_money_for_is_not_cancelled_because_nobody_paid_here(
    shop: AdminServer, kind: str
) -> None:
    shop.orders[ORDER_ID].transactions.append({"kind": kind, "status": "success"})
    await hook(shop).handle(event("invoice.expired"))
    assert shop.orders[ORDER_ID].cancelled_at is None
    await hook(shop).handle(event("invoice.cancelled"))
    assert shop.orders[ORDER_ID].cancelled_at is not None


@pytest.mark.parametrize(("header", "secs"), [("17", 17.0), ("2.6", 2.6), ("soon", None), ("-1", None), ("1e9", None)])
@pytest.mark.parametrize("requests", [0, 1])
async def test_a_rate_limit_is_obeyed_at_either_request(
    shop: AdminServer, header: str, secs: float | None, requests: int
) -> None:
    shop.troubles = [none()] * requests + [instead(429, Retry_After=header)]
    with pytest.raises(Later) as caught:
        await hook(shop).handle(event("invoice.paid"))
    assert caught.value.retry_secs == secs
    assert shop.orders[ORDER_ID].captures() == []
    await hook(shop).handle(event("invoice.paid"))
    assert len(shop.orders[ORDER_ID].captures()) == 1


@pytest.mark.parametrize("requests", [0, 1])
async def test_a_shop_that_wants_a_moment_gets_it_once(shop: AdminServer, requests: int) -> None:
    shop.troubles = [none()] * requests + [instead(429, Retry_After="0.05")]
    await hook(shop).handle(event("invoice.paid"))
    assert len(shop.orders[ORDER_ID].captures()) == 1
    shop.troubles = [instead(429, Retry_After="0.05")] * 2
    with pytest.raises(Later) as caught:
        await hook(shop).handle(event("invoice.cancelled"))
    assert caught.value.retry_secs == 0.05
    assert shop.orders[ORDER_ID].cancelled_at is None


async def test_a_price_in_the_coin_is_captured_in_the_coin(shop: AdminServer) -> None:
    await hook(shop).handle(event("invoice.paid", price=PRICE | {"amount": "2400", "currency": "XTR"}))
    (capture,) = shop.orders[ORDER_ID].captures()
    assert (capture["amount"], capture["currency"]) == ("2400", "XTR")


@pytest.mark.parametrize("kind", ["invoice.paid", "invoice.cancelled"])
@pytest.mark.parametrize("requests", [0, 1])
@pytest.mark.parametrize("fault", ["500", "503", "hang"])
async def test_a_shop_that_fails_or_hangs_is_asked_later(
    shop: AdminServer, kind: str, requests: int, fault: str
) -> None:
    shop.troubles = [none()] * requests + [hang() if fault == "hang" else instead(int(fault))]
    with pytest.raises(Later):
        await hook(shop, SHORT_SECS if fault == "hang" else WAIT_SECS).handle(event(kind))
    assert shop.orders[ORDER_ID].captures() == []
    await hook(shop).handle(event(kind))
    order = shop.orders[ORDER_ID]
    assert (len(order.captures()), order.cancelled_at is None) == ((1, True) if kind == "invoice.paid" else (0, False))


@pytest.mark.parametrize("kind", ["invoice.paid", "invoice.cancelled"])
async def test_an_answer_that_is_lost_after_the_effect_doubles_nothing(shop: AdminServer, kind: str) -> None:
    shop.troubles = [none(), lose_answer()]
    with pytest.raises(Later):
        await hook(shop).handle(event(kind))
    await hook(shop).handle(event(kind))
    assert len([each for each in shop.asked if each.startswith("POST")]) == 1
    assert len(shop.orders[ORDER_ID].captures()) == (kind == "invoice.paid")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"transactions": {}}', b'{"transactions": [1]}'])
async def test_an_answer_that_is_not_understood_captures_nothing(shop: AdminServer, body: bytes) -> None:
    shop.troubles = [instead(200, body)]
    with pytest.raises(Later, match="names no transactions"):
        await hook(shop).handle(event("invoice.paid"))
    assert shop.orders[ORDER_ID].captures() == []


async def test_an_answer_without_end_is_not_read_to_its_end(shop: AdminServer) -> None:
    shop.troubles = [instead(200, b" " * (2 << 20))]
    with pytest.raises(Later, match="too long"):
        await hook(shop).handle(event("invoice.paid"))


async def test_a_shop_that_sends_us_elsewhere_does_not_get_the_token_carried_there(shop: AdminServer) -> None:
    shop.troubles = [instead(302, Location=f"{shop.url}/elsewhere")]
    with pytest.raises(ShopRefuses, match="302"):
        await hook(shop).handle(event("invoice.paid"))
    assert len(shop.asked) == 1


async def test_a_refusal_says_why_without_the_token(shop: AdminServer) -> None:
    wrong = hook(shop, TPG_SHOPIFY_ADMIN_ACCESS_TOKEN="shpat_wrong")
    with pytest.raises(ShopRefuses, match=r"401.*Invalid API key") as caught:
        await wrong.handle(event("invoice.paid"))
    assert "shpat_wrong" not in repr(caught.value)
    assert "shpat_wrong" not in repr(wrong.settings)
    with pytest.raises(ShopRefuses, match="404"):
        await hook(shop).handle(event("invoice.paid", order_id="7"))


async def test_nobody_at_the_shops_address_is_asked_later() -> None:
    async with admin_server() as gone:
        unreachable = hook(gone)
    with pytest.raises(Later, match="did not answer"):
        await unreachable.handle(event("invoice.paid"))


async def test_a_check_says_whether_the_shop_takes_the_token(shop: AdminServer) -> None:
    (well,) = await hook(shop).check()
    assert (well.ok, well.message) == (True, "the shop 'Tea and cake' takes the access token")
    (refused,) = await hook(shop, TPG_SHOPIFY_ADMIN_ACCESS_TOKEN="shpat_wrong").check()
    assert (refused.ok, "401" in refused.message, "shpat_wrong" in refused.message) == (False, True, False)
    shop.troubles = [instead(200, b"[]")]
    assert not (await hook(shop).check())[0].ok
