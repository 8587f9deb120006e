"""Every example in the API document is true: requests are sent as they stand, answers and webhooks are like theirs."""

import time
from pathlib import Path

import pytest

from harvester.domain.events import EventType
from tests.e2e.api_scene import WALLET, Scene, opened
from tests.e2e.api_story import differences
from tests.e2e.chain import Chain
from tests.e2e.eventually import eventually
from tests.e2e.flows import PAST_THE_END_SECS

ELSEWHERE = {
    ("Failed", "defect"): "a defect is made in tests/unit",
    ("Unavailable", "away"): "tests/e2e/test_api_outage.py takes the database away",
    ("NotEnabled", "no_key"): "tests/e2e/test_api_sealed_metadata.py has a daemon without a KEY",
    ("TooManyExports", "exports"): "tests/e2e/test_api_exports.py runs more than four",
    ("TooManyReaders", "readers"): "tests/e2e/test_api_events.py brings 256 readers",
    ("TooManyTokens", "tokens"): "tests/e2e/test_api_tokens.py guesses",
    ("TooManyRequests", "rate"): "tests/e2e/test_api_public.py asks too often",
    ("Running", "running"): "tests/e2e/test_api_repeats.py sends requests twice at the same moment",
    ("OrderExists", "running"): "as before",
    ("OrderRefused", "running"): "as before",
    ("WalletExists", "running"): "as before",
    ("Refused", "running"): "as before",
    ("TooManyStreams", "streams"): "tests/e2e/test_page_stream.py brings more than there are seats",
    ("isReady", "unready"): "tests/e2e/test_faults_database.py",
}
"""Examples that take a fault to come true, and who makes it."""
AMOUNT = 100_000_000
BUYER = "0:c774a33921727005a682f0a1fe9d4caf79cd61ddaec4112f446c82dc585d64da"
OTHERS = ["0:" + digit * 64 for digit in "12"]


@pytest.mark.chain
@pytest.mark.asyncio(loop_scope="module")
async def test_every_example_is_true(chain: Chain, postgres_uri: str, tmp_path: Path) -> None:
    async with opened(chain, postgres_uri, tmp_path) as scene:
        await endpoints(scene)
        await tokens(scene)
        await an_invoice_that_is_paid(scene)
        await invoices_that_are_not(scene)
        await rates_and_prices(scene)
        await money_without_a_name(scene)
        await orders(scene)
        await credit(scene)
        await deliveries(scene)
        await events(scene)
        await what_anybody_may_ask(scene)
        await refusals(scene)
        assert scene.story.examples() - scene.story.told - ELSEWHERE.keys() == set()
        assert scene.story.told.isdisjoint(ELSEWHERE)


async def endpoints(scene: Scene) -> None:
    ask = scene.story.ask
    await ask("addEndpoint", "answer", request="body")
    await ask("listEndpoints", "answer")
    await ask("getEndpoint", "answer", ids="shop")
    await ask("disableEndpoint", "answer", ids="shop")
    await ask("enableEndpoint", "answer", ids="shop")
    await ask("changeEndpoint", "answer", ids="shop", request="body")
    await ask("changeEndpoint", ids="shop", changed={"url": scene.receiver.url, "event_types": list(EventType)})
    scene.secret = (await ask("rotateSecret", "answer", ids="shop", request="body"))["secret"]
    await ask("testEndpoint", "answer", ids="shop")
    await ask("replayEvents", "answer", ids="shop", request="body")


async def tokens(scene: Scene) -> None:
    ask = scene.story.ask
    token = (await ask("createToken", "answer", request="body"))["token"]
    await ask("listTokens", "answer")
    reader = (await ask("createToken", changed={"name": "reader", "scopes": ["read"]}))["token"]
    refused = scene.story.refused
    await refused("Forbidden", "scope", "createInvoice", headers={"Authorization": f"Bearer {reader}"}, request="order")
    key = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
    await ask("createInvoice", request="order", headers=key)
    other = {"life_time": 60}
    await refused("Mismatch", "mismatch", "createInvoice", request="order", changed=other, headers=key)
    await ask("rotateToken", "answer", ids="shop", request="body")
    await ask("revokeToken", "answer", ids="shop")


async def an_invoice_that_is_paid(scene: Scene) -> None:
    ask = scene.story.ask
    invoice = await ask("createInvoice", "waiting", request="order")
    await ask("getPrivateInvoice", "waiting", ids=invoice["id"])
    await ask("getPublicInvoice", "waiting", ids=invoice["id"])
    await scene.webhook("invoice.created", lambda body: body["id"] == invoice["id"])
    await scene.story.refused("NotPaid", "waiting", "getReceipt", ids=invoice["id"])
    await scene.pay(invoice)
    await scene.webhook("invoice.paid", lambda body: body["id"] == invoice["id"])
    assert "Coffee shop" in await ask("getReceipt", ids=invoice["id"])
    await scene.webhook("payment.received", lambda body: body["payment"].get("invoice_id") == invoice["id"])
    await ask("getPrivateInvoice", "paid", ids=invoice["id"])
    await ask("getPublicInvoice", "paid", ids=invoice["id"])
    await ask("listInvoices", "page", query={"status": "paid"})
    await ask("listInvoicePayments", "answer", ids=invoice["id"])


async def invoices_that_are_not(scene: Scene) -> None:
    ask, chain = scene.story.ask, scene.world.chain
    await an_invoice_whose_life_has_ended(scene)
    in_jettons = await ask("createInvoice", request="order", changed={"currency": "USDX"})
    await ask("getPublicInvoice", "jetton", ids=in_jettons["id"])
    cancelled = await ask("createInvoice", request="order")
    await ask("cancelInvoice", "cancelled", ids=cancelled["id"])
    await scene.webhook("invoice.cancelled", lambda body: body["id"] == cancelled["id"])
    some = await ask("createInvoice", request="order")
    await scene.pay(some, amount=AMOUNT // 2)
    await scene.webhook("payment.partial", lambda body: body["payment"]["invoice_id"] == some["id"])
    expired = await ask("createInvoice", request="order", changed={"life_time": 60})
    await chain.advance(expired["expire_at"] - await chain.now() + PAST_THE_END_SECS)
    await scene.webhook("invoice.expired", lambda body: body["id"] == expired["id"])
    await scene.pay(expired)
    await scene.webhook("payment.late", lambda body: body["payment"].get("invoice_id") == expired["id"])


async def an_invoice_whose_life_has_ended(scene: Scene) -> None:
    """Its end is told by our clock; that it has expired only by the chain, which stands still meanwhile."""
    await scene.world.chain.ask("/blocks/stop", {})
    invoice = await scene.story.ask("createInvoice", request="order", changed={"life_time": 1})

    async def over() -> bool:
        return bool(time.time() > invoice["expire_at"] + 1)

    await eventually(over, "the end of an invoice")
    await scene.story.refused("NotWaiting", "closed", "cancelInvoice", ids=invoice["id"])
    await scene.world.chain.ask("/blocks/resume", {})


async def rates_and_prices(scene: Scene) -> None:
    ask = scene.story.ask
    await scene.story.refused("OrderExists", "rate", "createInvoice", request="price")
    await ask("setRate", "answer", request="body")
    await ask("listRates", "answer")
    await ask("createInvoice", "priced", request="price")
    await ask("exportPayments", query={"currency": "USD"})
    await ask("exportInvoices", query={"currency": "USD"})


async def money_without_a_name(scene: Scene) -> None:
    ask = scene.story.ask
    payment = await scene.payment("for the latte")
    await ask("listPayments", "answer", query={"class": "unmatched", "standing": "recorded"})
    invoice = await ask("createInvoice", request="order")
    wanted = {"invoice_id": invoice["id"]}
    await ask("assignPayment", "answer", ids=payment["id"], request="body", changed=wanted)
    await scene.webhook("payment.assigned", lambda body: body["payment"]["id"] == payment["id"])
    await ask("getPayment", "answer", ids=payment["id"])
    second = await scene.payment("for the second one")
    await ask("assignPayment", ids=second["id"], request="body", changed=wanted)
    await ask("unassignPayment", "answer", ids=second["id"], request="body")
    await scene.webhook("payment.unassigned", lambda body: body["payment"]["id"] == second["id"])
    await ask("markRefunded", "answer", ids=second["id"], request="body")
    await scene.webhook("payment.refunded", lambda body: body["payment"]["id"] == second["id"])
    await scene.story.refused("Refused", "refunded", "markIgnored", ids=second["id"], request="body")
    third = await scene.payment("for nothing")
    await ask("markIgnored", "answer", ids=third["id"], request="body")
    await scene.webhook("payment.ignored", lambda body: body["payment"]["id"] == third["id"])


async def orders(scene: Scene) -> None:
    """An order is claimed and gets another customer, who is granted what it costs; others end otherwise."""
    ask, ids = scene.story.ask, await scene.place("5501234", "alice")
    await ask("listOrders", "answer", query={"status": "unclaimed"})
    await ask("claimOrder", "answer", ids=ids, request="body")
    await scene.webhook("invoice.claimed", lambda body: body["order_id"] == "5501234")
    await ask("getOrder", "answer", ids=ids)
    other = {"address": OTHERS[0]}
    await scene.story.refused("OrderRefused", "claimed", "claimOrder", ids=ids, request="body", changed=other)
    await ask("reassignOrder", "answer", ids=ids, request="body")
    await scene.webhook("invoice.modified", lambda body: body["order_id"] == "5501234")
    await ask("issueCredit", "answer", request="body")
    await ask("getCustomerHistory", "answer", ids={"customer_id": "bob"}, query={"currency": "TON"})
    await ask("cancelOrder", "answer", ids=await scene.place("5501235", "dave"), request="body")
    await ask("fulfilOrder", "answer", ids=await scene.place("5501236", "dave"), request="body")


async def credit(scene: Scene) -> None:
    """A wallet reports what pays an order; then two addresses of a customer pay together."""
    ask, ton = scene.story.ask, {"currency": "TON"}
    await ask("addWallet", "answer", ids={"chain": "ton"}, request="body")
    await scene.story.refused("WalletExists", "wallet", "addWallet", ids={"chain": "ton"}, request="body")
    await ask("listWallets", "answer", ids={"chain": "ton"})
    await scene.place("5501237", "alice")
    money = await scene.report(BUYER, 3, 1, "5501237")
    await ask("listPayments", "credit", query={"class": "credit"})
    await scene.confirm(money)
    await scene.webhook("payment.confirmed", lambda body: body["payment"]["payer"] == BUYER)
    await ask("getAddressHistory", "answer", ids={"address": BUYER}, query=ton)
    await ask("getCustomer", "answer", ids={"customer_id": "alice"}, query=ton)
    await scene.place("5501238", "frank", "0.5")
    await ask("linkAddress", "answer", ids={"customer_id": "frank"}, request="body")
    for number, address in enumerate(OTHERS):
        ids = await scene.place(f"550124{number}", "erin", "3")
        await ask("claimOrder", ids=ids, request="body", changed={"address": address})
    for nonce, address in zip((11, 21), OTHERS, strict=True):
        await scene.confirm(await scene.report(address, 2, nonce))
    await ask("settleCustomer", "answer", ids={"customer_id": "erin"}, request="body")
    await ask("removeWallet", ids={"chain": "ton", "address": WALLET})


async def deliveries(scene: Scene) -> None:
    ask = scene.story.ask
    listed = await ask("listDeliveries", "answer", ids="shop", query={"limit": 1000})
    [paid, *_] = [each for each in listed["deliveries"] if each["event_type"] == "invoice.paid"]
    await ask("getDelivery", "answer", ids=paid["id"])
    await ask("resendDelivery", "answer", ids=paid["id"])


async def events(scene: Scene) -> None:
    page = await scene.story.ask("readEvents", query={"limit": 1000})
    numbers = [each["number"] for each in page["events"] if each["type"] == "payment.unmatched"]
    await scene.story.ask("readEvents", "answer", query={"after": numbers[0] - 1, "limit": 1})
    await scene.story.stream("streamEvents", "answer", {"Last-Event-ID": str(numbers[0] - 1)})


async def what_anybody_may_ask(scene: Scene) -> None:
    await scene.story.ask("getManifest", "shop")
    account = scene.story.contract.document["components"]["parameters"]["Account"]["example"]
    await scene.story.ask("commitPayerKey", ids={"account": account}, request="example")
    await scene.story.ask("isAlive", "alive")
    await scene.story.ask("isReady", "ready")


async def refusals(scene: Scene) -> None:
    refused = scene.story.refused
    await refused("Invalid", "amount", "createInvoice", request="order", changed={"amount": str(2**120)})
    order = {"order_id": "2026-1117"}
    await scene.story.ask("createInvoice", request="order", changed=order)
    await refused("OrderExists", "order", "createInvoice", request="order", changed=order)
    await scene.story.ask("listInvoices", "newest", query={"limit": 1, "order": "desc"})
    await refused("Invalid", "limit", "listInvoices", query={"limit": 0})
    await refused("Invalid", "id", "getPrivateInvoice", ids="00000000-0000-4000-8000-000000000000")
    await refused("NotFound", "unknown", "getPrivateInvoice", ids="01970c00-a927-77e4-88fa-67d72ae4c4be")
    await refused("NotWaiting", "unknown", "cancelInvoice", ids="01970c00-a927-77e4-88fa-67d72ae4c4be")


def test_a_difference_is_found_wherever_it_is() -> None:
    example = {"status": "paid", "id": 7, "at": 1795294713, "list": [{"hash": "a" * 64}], "sum": "5"}
    assert list(differences(example, example | {"id": 8, "at": 1795294714, "sum": "6"})) == []
    for name, value in {"status": "waiting", "id": 1795294713, "list": [], "sum": "five", "at": None}.items():
        assert list(differences(example, example | {name: value})), name
    assert list(differences(example, example | {"more": 1}))
    assert list(differences(example | {"more": 1}, example))
