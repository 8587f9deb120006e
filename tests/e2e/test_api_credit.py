"""Orders, customers' credit and wallets over HTTP, each answer held to the document."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.e2e.counter_api import COINS, CounterApi, serving
from tests.e2e.counter_api import HOST as WALLET_HOST

WHY: dict[str, Any] = {"reason": "the buyer called", "actor": "bob"}


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[CounterApi]:
    async with serving(database_uri) as opened:
        yield opened


def coins(count: int) -> str:
    return str(count * COINS)


@pytest.mark.parametrize("order_id", ["1", "#1001", "a/b", "50% off", "50%2Foff", "Käse ☕", "a?b=c&d", "..x", "+1"])
async def test_an_order_of_any_name_is_found_and_managed_under_its_path(api: CounterApi, order_id: str) -> None:
    path = await api.place(order_id)
    order = await api.get(path)
    assert (order["order_id"], order["status"], order["unclaimed"]) == (order_id, "waiting", True)
    assert (await api.post(f"{path}/claim", address="A1"))["id"] == order["id"]
    assert (await api.post(f"{path}/cancel", **WHY))["status"] == "cancelled"


async def test_an_order_shows_what_the_storefront_said_and_when_it_was_claimed(api: CounterApi) -> None:
    path = await api.place("1", alt_id="#1001", note="Ring\ttwice")
    api.clock.advance(60)
    order = await api.post(f"{path}/claim", address="A1", **WHY)
    said = {name: order[name] for name in ("order_id", "alt_id", "customer_id", "note", "amount", "metadata")}
    told = {"order_id": "1", "alt_id": "#1001", "customer_id": "alice", "note": "Ring\ttwice", "metadata": {}}
    assert said == told | {"amount": coins(5)}
    assert "unclaimed" not in order
    assert (order["claimed_at"], order["expire_at"]) == (order["created_at"] + 60, order["created_at"] + 60 + 48 * 3600)


async def test_orders_are_listed_by_state_and_invoices_show_no_new_state(api: CounterApi) -> None:
    claimed, unclaimed = await api.place("1"), await api.place("2", "carol")
    await api.post(f"{claimed}/claim", address="a1")
    await api.post("/invoice", amount="5", currency="MEM", life_time=60, metadata={"merchant_name": "m"})

    async def listed(path: str, query: str) -> list[str]:
        return [each.get("order_id", "none") for each in (await api.get(f"{path}?{query}"))["invoices"]]

    assert await listed("/orders", "") == ["1", "2"]
    assert await listed("/orders", "status=unclaimed") == ["2"]
    assert await listed("/orders", "status=waiting") == ["1"]
    assert await listed("/orders", "customer_id=carol&order=desc") == ["2"]
    assert await listed("/invoices", "status=waiting") == ["1", "2", "none"]
    await api.get("/invoices?status=unclaimed", 400)
    await api.get("/orders?after=01970c00-a927-77e4-88fa-67d72ae4c4be", 400)
    assert (await api.get(unclaimed))["unclaimed"] is True


async def test_a_claim_is_repeated_in_peace_and_refused_to_others(api: CounterApi) -> None:
    path = await api.place("1")
    first = await api.post(f"{path}/claim", address="a1", **WHY)
    api.clock.advance(60)
    assert await api.post(f"{path}/claim", address="A1") == first
    refused = await api.post(f"{path}/claim", 409, address="a2")
    assert (refused["code"], "only one that is unclaimed" in refused["error"]) == ("refused", True)
    assert "letters, digits" in (await api.post(f"{path}/claim", 400, address="no address"))["error"]
    await api.post("/orders/unknown/claim", 404, address="a1")


async def test_what_cannot_be_is_refused_and_changes_nothing(api: CounterApi) -> None:
    path = await api.place("1")
    for verb in ("cancel", "fulfil", "reassign"):
        assert "reason" in (await api.post(f"{path}/{verb}", 400, customer_id="carol"))["error"]
        await api.post(f"/orders/unknown/{verb}", 404, **WHY, **({"customer_id": "c"} if verb == "reassign" else {}))
    await api.post(f"{path}/reassign", 409, customer_id="alice", **WHY)
    before = await api.post(f"{path}/cancel", **WHY)
    for verb in ("cancel", "fulfil", "claim"):
        more: dict[str, Any] = {"address": "a1"} if verb == "claim" else {}
        assert (await api.post(f"{path}/{verb}", 409, **WHY, **more))["code"] == "refused"
    assert await api.get(path) == before
    await api.get(f"/orders/{'x' * 256}", 400)
    await api.get("/orders/a%00b", 400)


async def test_grace_pays_an_order_and_changes_no_balance(api: CounterApi) -> None:
    path = await api.place("1")
    paid = await api.post(f"{path}/fulfil", **WHY)
    assert (paid["status"], paid["paid_by"], "tx_hash" in paid) == ("paid", "customer:alice", False)
    assert (await api.get("/customers/alice?currency=MEM"))["balance"] == "0"
    await api.post(f"{path}/reassign", 409, customer_id="carol", **WHY)


async def test_another_customer_who_has_enough_pays_at_once(api: CounterApi) -> None:
    path = await api.place("1")
    await api.post(f"{path}/claim", address="a1")
    await api.post("/credit", 201, customer_id="carol", amount=coins(7), currency="MEM", reason="a voucher")
    moved = await api.post(f"{path}/reassign", customer_id="carol", **WHY)
    assert (moved["customer_id"], moved["status"], moved["paid_by"]) == ("carol", "paid", "customer:carol")
    carol = await api.get("/customers/carol?currency=MEM")
    assert carol["granted"] == {"gained": coins(7), "spent": coins(5), "balance": coins(2)}


async def test_credit_is_granted_once_however_often_it_is_asked_for(api: CounterApi) -> None:
    path = await api.place("1")
    note: dict[str, Any] = {
        "customer_id": "alice",
        "amount": coins(6),
        "currency": "MEM",
        "reason": "a voucher",
        "actor": "bob",
    }
    first = await api.post("/credit", 201, "key", **note)
    order = await api.get(path)
    assert first["paid"] == [{"id": order["id"], "order_id": "1", "amount": coins(5)}]
    assert order["status"] == "paid"
    assert await api.post("/credit", 201, "key", **note) == first
    await api.post("/credit", 422, "key", **note | {"amount": "1"})
    assert (await api.get("/customers/alice?currency=MEM"))["balance"] == coins(1)
    taken = await api.post("/credit", 201, **note | {"amount": "-" + coins(3)})
    assert (taken["amount"], taken["paid"]) == ("-" + coins(3), [])
    assert (await api.get("/customers/alice?currency=MEM"))["balance"] == "-" + coins(2)
    history = (await api.get("/customers/alice/history?currency=MEM"))["entries"]
    assert [(each["kind"], each["amount"]) for each in history] == [
        ("note", "-" + coins(3)),
        ("settlement", "-" + coins(5)),
        ("note", coins(6)),
    ]
    assert (history[0]["actor"], history[0]["reason"]) == ("api:bob", "a voucher")
    page = f"/customers/alice/history?currency=MEM&limit=1&before={history[0]['number']}"
    assert await api.get(page) == {"entries": history[1:2], "next": history[1]["number"]}


@pytest.mark.parametrize(
    "members",
    [
        {"amount": "0"},
        {"amount": "1.5"},
        {"amount": 5},
        {"amount": "1" * 78},
        {"amount": "--5"},
        {"currency": "DOGE"},
        {"customer_id": ""},
        {"customer_id": "a\nb"},
        {"reason": None},
        {"reason": " "},
        {"more": 1},
    ],
    ids=str,
)
async def test_what_is_no_credit_note_is_refused(api: CounterApi, members: dict[str, Any]) -> None:
    note: dict[str, Any] = {"customer_id": "alice", "amount": "5", "currency": "MEM", "reason": "a voucher"}
    await api.post("/credit", 400, **note | members)
    assert (await api.get("/customers/alice/history?currency=MEM"))["entries"] == []


async def test_a_customer_shows_what_he_has_by_address_and_what_he_owes(api: CounterApi) -> None:
    first = await api.place("1", price=5)
    await api.post(f"{first}/claim", address="a1")
    await api.pay("a1", 7)
    await api.place("2", price=9)
    assert await api.get("/customers/alice?currency=MEM") == {
        "customer_id": "alice",
        "currency": "MEM",
        "balance": coins(2),
        "owed": coins(9),
        "granted": {"gained": "0", "spent": "0", "balance": "0"},
        "addresses": [{"address": "a1", "gained": coins(7), "spent": coins(5), "balance": coins(2)}],
    }
    entries = (await api.get("/addresses/A1/history?currency=MEM"))["entries"]
    assert [(each["kind"], each["amount"]) for each in entries] == [
        ("settlement", "-" + coins(5)),
        ("payment", coins(7)),
    ]
    assert (entries[0]["invoice_id"], entries[1]["payment_id"]) == ((await api.get(first))["id"], 1)
    assert {each["address"] for each in entries} == {"a1"}
    await api.post("/credit", 201, customer_id="alice", amount="1", currency="MEM", reason="a voucher")
    note, *others = (await api.get("/customers/alice/history?currency=MEM"))["entries"]
    assert (others, note["kind"], "address" in note) == (entries, "note", False)
    for path in ("/customers/alice", "/customers/alice/history", "/addresses/a1/history"):
        assert "currency must be" in (await api.get(path, 400))["error"]
        assert "MEM, TOK" in (await api.get(f"{path}?currency=DOGE", 400))["error"]
    await api.get("/addresses/no%20address/history?currency=MEM", 400)
    assert (await api.get("/customers/nobody?currency=MEM"))["addresses"] == []


async def test_an_address_that_is_tied_to_a_customer_pays_what_he_owes_now_and_later(api: CounterApi) -> None:
    draft: dict[str, Any] = {"currency": "MEM", "life_time": 60, "metadata": {"merchant_name": "m"}}
    numbered = await api.post("/invoice", amount=coins(5), **draft, order_id="1", customer_id="alice")
    await api.pay("a1", 6)
    link: dict[str, Any] = {"address": "A1", "currency": "MEM"}
    linked = await api.post("/customers/alice/addresses", key="key", **link, **WHY)
    assert linked == {"paid": [{"id": numbered["id"], "order_id": "1", "amount": coins(5)}]}
    assert await api.post("/customers/alice/addresses", key="key", **link, **WHY) == linked
    unnumbered = await api.post("/invoice", amount=coins(1), **draft, customer_id="alice")
    assert await api.post("/customers/alice/addresses", **link) == {
        "paid": [{"id": unnumbered["id"], "amount": coins(1)}]
    }
    for wrong in ({"address": "no one"}, {"currency": "DOGE"}):
        await api.post("/customers/bob/addresses", 400, **link | wrong)
    assert (await api.get("/customers/bob?currency=MEM"))["addresses"] == []


async def test_all_accounts_of_a_customer_pay_together_when_somebody_asks_to_settle(api: CounterApi) -> None:
    for number, address in (("1", "a1"), ("2", "a2")):
        path = await api.place(number, price=5)
        await api.post(f"{path}/claim", address=address)
    for address in ("a1", "a2"):
        await api.pay(address, 3)
    assert (await api.get("/orders/1"))["status"] == "waiting"
    settled = await api.post("/customers/alice/settle", key="k", currency="MEM", **WHY)
    assert [each["order_id"] for each in settled["paid"]] == ["1"]
    assert await api.post("/customers/alice/settle", key="k", currency="MEM", **WHY) == settled
    [settlement, *_] = (await api.get("/customers/alice/history?currency=MEM"))["entries"]
    assert (settlement["kind"], settlement["actor"]) == ("settlement", "api:bob: the buyer called")
    assert await api.post("/customers/alice/settle", currency="MEM") == {"paid": []}
    assert (await api.get("/customers/alice?currency=MEM"))["balance"] == coins(1)


async def test_payments_tell_what_they_name_and_whether_they_are_final(api: CounterApi) -> None:
    await api.report("a1", 7, order="1")
    await api.pay("a2", 5)
    [final, pending] = (await api.get("/payments?class=credit"))["payments"]
    assert (pending["order_reference"], pending["confirmed"]) == ("1", False)
    assert final.keys().isdisjoint({"order_reference", "confirmed"})
    await api.post(f"/payments/{pending['id']}/refund", 409, **WHY)
    assert (await api.post(f"/payments/{final['id']}/refund", **WHY))["standing"] == "refunded"
    kinds = [each["kind"] for each in (await api.get("/addresses/a2/history?currency=MEM"))["entries"]]
    assert kinds == ["refund", "payment"]


async def test_credit_is_neither_assigned_nor_refunded_when_it_is_spent(api: CounterApi) -> None:
    path = await api.place("1", price=5)
    await api.post(f"{path}/claim", address="a1")
    await api.pay("a1", 5)
    invoice = await api.post("/invoice", amount="5", currency="MEM", life_time=60, metadata={"merchant_name": "m"})
    assert "sender's credit" in (await api.post("/payments/1/assign", 409, invoice_id=invoice["id"]))["error"]
    assert "its sender has 0 left" in (await api.post("/payments/1/refund", 409, **WHY))["error"]


async def test_an_invoice_with_a_number_but_no_customer_is_shown_and_has_no_credit(api: CounterApi) -> None:
    draft: dict[str, Any] = {"amount": "5", "currency": "MEM", "life_time": 60, "metadata": {"merchant_name": "m"}}
    invoice = await api.post("/invoice", **draft, order_id="1")
    assert await api.get("/orders/1") == invoice
    wanted: dict[str, dict[str, Any]] = {
        "claim": {"address": "a1"},
        "fulfil": {},
        "reassign": {"customer_id": "carol"},
    }
    for verb, more in wanted.items():
        assert "of no customer" in (await api.post(f"/orders/1/{verb}", 409, **WHY, **more))["error"]
    assert (await api.post("/orders/1/cancel", **WHY))["status"] == "cancelled"


async def test_wallets_are_added_once_listed_and_removed(api: CounterApi) -> None:
    hot = {"chain": "memory", "address": "hot", "ip_address": WALLET_HOST, "last_nonce": "0"}
    cold = {"chain": "memory", "address": "cold", "ip_address": "192.0.2.8", "last_nonce": "41"}
    new: dict[str, Any] = {"address": "COLD", "ip_address": "::ffff:192.0.2.8", "last_nonce": "41", **WHY}
    assert await api.post("/wallets/memory", 201, "key", **new) == cold
    assert await api.post("/wallets/memory", 201, "key", **new) == cold
    assert "remove it first" in (await api.post("/wallets/memory", 409, **new))["error"]
    assert await api.get("/wallets/memory") == {"wallets": [cold, hot]}
    await api.ask("DELETE", "/wallets/memory/Cold", 204)
    await api.ask("DELETE", "/wallets/memory/cold", 404)
    assert await api.get("/wallets/memory") == {"wallets": [hot]}


@pytest.mark.parametrize(
    "members",
    [
        {"address": "no address"},
        {"ip_address": "example.org"},
        {"ip_address": "fe80::1%eth0"},
        {"ip_address": "192.0.2.7:80"},
        {"ip_address": "192.0.2.0/24"},
        {"last_nonce": "-1"},
        {"last_nonce": str(2**63)},
        {"last_nonce": 5},
        {"host": "x"},
    ],
    ids=str,
)
async def test_what_is_no_wallet_is_refused(api: CounterApi, members: dict[str, Any]) -> None:
    await api.post("/wallets/memory", 400, **{"address": "cold", "ip_address": "192.0.2.8"} | members)
    await api.post("/wallets/moon", 400, address="cold", ip_address="192.0.2.8")
    assert len((await api.get("/wallets/memory"))["wallets"]) == 1
