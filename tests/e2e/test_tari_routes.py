"""The routes of Tari on a running daemon: real signatures, real HTTP, a real database."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import uuid4

import pytest
import pytest_asyncio

from harvester.domain.acts import By
from harvester.domain.lifecycle import Status
from harvester_tari.address import Address, Network
from harvester_tari.strict_json import MAX_BYTES
from tests.conftest import new_database
from tests.e2e.tari_shop import HOST, MICRO, RATE, HotWallet, Owner, Reply, TariShop, open_tari_shop
from tests.tari.builders import DUAL_ADDRESS, NOBODYS

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = By("test", "for a test")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TariShop]:
    async with (
        new_database(postgres_uri) as uri,
        open_tari_shop(uri, tmp_path_factory.mktemp("daemon")) as opened,
    ):
        yield opened


@pytest.fixture
def name() -> str:
    """A name that no other test uses: of an order, a customer or a transaction."""
    return uuid4().hex[:12]


def is_undecodable(reply: Reply) -> bool:
    return reply.status == 400 and reply.text.startswith("Json deserialize error: ")


def is_unauthorised(reply: Reply) -> bool:
    return (reply.status, reply.text) == (401, "")


# Stories


async def test_an_order_is_claimed_paid_and_confirmed(shop: TariShop, name: str) -> None:
    alice = Owner()
    await shop.place(name, name, 2100)
    claimed = await shop.claim(alice, name)
    assert (claimed.status, claimed.json["status"], claimed.json["total_price"]) == (200, "New", 2100 * MICRO)
    assert (await shop.report(alice, 2500, name)).status == 200
    assert (await shop.order(name)).status is Status.WAITING
    confirmed = await shop.confirm(name)
    assert confirmed.json == {"success": True, "message": f"Payment {name} confirmed successfully."}
    assert (await shop.order(name)).status is Status.PAID
    assert await shop.events(name) == ["invoice.created", "invoice.claimed", "invoice.paid"]


async def test_who_pays_first_and_orders_later_has_paid(shop: TariShop, name: str) -> None:
    bob = Owner()
    await shop.report(bob, 500, name)
    await shop.confirm(name)
    order = await shop.place(name, name, 400, note=json.dumps(bob.claim(name)))
    assert (order.status, order.paid_by) == (Status.PAID, bob.payer)


async def test_a_payment_that_names_an_order_which_comes_before_it_is_final_pays_it(shop: TariShop, name: str) -> None:
    await shop.report(Owner(), 500, name, order_id=name)
    assert (await shop.place(name, name, 400)).status is Status.WAITING
    await shop.confirm(name)
    assert (await shop.order(name)).status is Status.PAID


async def test_a_signed_memo_says_what_money_is_for_and_whose_order_it_is(shop: TariShop, name: str) -> None:
    alice, order_ids = Owner(), [name, f"{name}-later"]
    for order_id in order_ids:
        await shop.place(order_id, name, 100)
    await shop.report(alice, 100, f"{name}-1", memo=json.dumps(alice.claim(name)))
    await shop.confirm(f"{name}-1")
    await shop.report(alice, 100, f"{name}-2")
    await shop.confirm(f"{name}-2")
    assert [(await shop.order(each)).status for each in order_ids] == [Status.PAID] * 2


async def test_money_of_one_stranger_pays_for_no_other(shop: TariShop, name: str) -> None:
    stranger = Nobody()
    for number, price in (("a", 100), ("b", 150)):
        await shop.place(f"{name}{number}", f"{name}{number}", price)
    for number, xtr in (("a", 90), ("b", 60)):
        await shop.report(stranger, xtr, f"{name}{number}", order_id=f"{name}{number}")
        await shop.confirm(f"{name}{number}")
    assert [(await shop.order(f"{name}{number}")).status for number in "ab"] == [Status.WAITING] * 2
    await shop.report(stranger, 100, f"{name}c", order_id=f"{name}a")
    await shop.confirm(f"{name}c")
    assert (await shop.order(f"{name}a")).status is Status.PAID


class Nobody(Owner):
    """Whoever pays without saying who he is."""

    @property
    def address(self) -> Address:
        return NOBODYS


# Answers


async def test_a_claimed_order_is_shown_with_its_own_end_and_where_to_pay(shop: TariShop, name: str) -> None:
    await shop.place(name, name, 1)
    shown = (await shop.claim(Owner(), name)).json
    order = await shop.order(name)
    assert shown == {
        "order_id": name,
        "total_price": MICRO,
        "expires_at": order.expires_at.isoformat().replace("+00:00", "Z"),
        "status": "New",
        "send_to": shop.wallet.address.to_structure(),
    }
    assert order.claimed_at is not None
    assert order.expires_at - order.claimed_at == timedelta(hours=48)


async def test_a_reported_payment_is_shown_in_the_message(shop: TariShop, name: str) -> None:
    alice = Owner()
    reply = (await shop.report(alice, 3, name, memo='"é"', order_id="17")).json
    shown = json.loads(reply["message"])
    moment = shown.pop("created_at")
    assert moment.endswith("Z")
    assert (reply["success"], shown.pop("updated_at")) == (True, moment)
    assert shown == {
        "txid": name,
        "sender": str(alice.address),
        "amount": 3 * MICRO,
        "memo": '"é"',
        "order_id": "17",
        "payment_type": "on_chain",
        "status": "received",
    }


async def test_the_wallets_that_may_report_are_listed_and_health_is_a_thumb(shop: TariShop) -> None:
    assert str(shop.wallet.address) in (await shop.ask("GET", "/wallet/send_to")).json
    health = await shop.ask("GET", "/health")
    assert (health.status, health.text) == (200, "\U0001f44d\ufe0f\n")


# Claims


async def test_a_claim_may_be_repeated_by_whose_the_order_is(shop: TariShop, name: str) -> None:
    alice = Owner()
    await shop.place(name, name, 5)
    first, again = [await shop.claim(alice, name) for _ in range(2)]
    assert (first.status, first.json) == (again.status, again.json) == (200, again.json)
    assert await shop.events(name) == ["invoice.created", "invoice.claimed"]
    assert (await shop.claim(Owner(), name)).status == 400


@pytest.mark.parametrize("end", ["paid", "cancelled", "over"])
async def test_what_is_closed_is_not_claimed_and_stays_as_it_is(shop: TariShop, name: str, end: str) -> None:
    order = await shop.place(name, name, 5, age=timedelta(hours=3) if end == "over" else timedelta(0))
    if end == "paid":
        await shop.accounts.fulfil(name, ME)
    elif end == "cancelled":
        await shop.invoicing.cancel(order.id, "test")
    before = await shop.order(name)
    refused = await shop.claim(Owner(), name)
    assert refused.status == 400
    assert refused.json["error"].startswith("Cannot complete this request. The requested order change is forbidden. ")
    assert await shop.order(name) == before


async def test_a_claim_of_no_order_names_it(shop: TariShop, name: str) -> None:
    reply = await shop.claim(Owner(), name)
    assert reply.status == 404
    assert reply.json == {"error": f"The data was not found. The requested order {name} does not exist"}


async def test_a_claim_that_somebody_else_has_signed_is_refused(shop: TariShop, name: str) -> None:
    alice, eve = Owner(), Owner()
    await shop.place(name, name, 5)
    stolen = alice.claim(f"{name}-other") | {"order_id": name}
    for forged in (stolen, eve.claim(name) | {"address": str(alice.address)}):
        assert (await shop.post("/order/claim", forged)).status == 401
    assert (await shop.order(name)).status is Status.UNCLAIMED


async def test_a_stranger_may_claim_so_often(shop: TariShop, name: str) -> None:
    from_afar = {"X-Forwarded-For": "203.0.113.7"}
    claim = Owner().claim(name)
    statuses = [(await shop.post("/order/claim", claim, from_afar)).status for _ in range(RATE + 1)]
    assert statuses == [404] * RATE + [429]
    assert (await shop.post("/order/claim", claim)).status == 404


# Wallets


async def test_a_message_that_is_signed_well_but_comes_from_elsewhere_is_refused_and_not_used_up(
    shop: TariShop, name: str
) -> None:
    wallet = await shop.authorise(HotWallet())
    message = wallet.payment(Owner(), 1, name)
    assert is_unauthorised(await shop.tell("incoming_payment", message, "192.168.1.101"))
    assert is_unauthorised(await shop.post("/wallet/incoming_payment", message))
    assert await shop.last_nonce(wallet.address) == 0
    assert (await shop.tell("incoming_payment", message)).status == 200
    assert await shop.last_nonce(wallet.address) == 1


async def test_a_nonce_counts_once_and_only_if_it_rises(shop: TariShop, name: str) -> None:
    wallet = await shop.authorise(HotWallet(), nonce=10)
    alice = Owner()
    for nonce, taken in ((-1, False), (10, False), (11, True), (11, False), (5, False), (1 << 40, True)):
        message = replace(wallet, nonces=count(nonce)).payment(alice, 1, name)
        reply = await shop.tell("incoming_payment", message)
        assert reply.status == 200 if taken else is_unauthorised(reply)
    assert await shop.last_nonce(wallet.address) == 1 << 40


async def test_what_fails_uses_no_nonce_up(shop: TariShop, name: str) -> None:
    wallet = await shop.authorise(HotWallet())
    confirmation = wallet.confirmation(name)
    early = await shop.tell("tx_confirmation", confirmation)
    assert (early.status, early.json) == (404, {"success": False, "message": "Could not confirm payment."})
    await shop.report(Owner(), 2, name)
    other = replace(wallet, nonces=count(1)).payment(Owner(), 3, name)
    differs = await shop.tell("incoming_payment", other)
    assert (differs.status, differs.json["success"]) == (409, False)
    assert await shop.last_nonce(wallet.address) == 0
    assert (await shop.tell("tx_confirmation", confirmation)).status == 200
    assert is_unauthorised(await shop.tell("tx_confirmation", confirmation))


async def test_a_wallet_that_is_not_authorised_is_refused(shop: TariShop, name: str) -> None:
    assert is_unauthorised(await shop.tell("incoming_payment", HotWallet().payment(Owner(), 1, name)))
    forged = changed(HotWallet().payment(Owner(), 1, name), "auth", address=str(shop.wallet.address))
    assert is_unauthorised(await shop.tell("incoming_payment", forged))


def changed(message: Mapping[str, object], part: str, **members: object) -> dict[str, object]:
    """Return a message whose signature is not of what it says."""
    content = message[part]
    assert isinstance(content, dict)
    return {**message, part: content | members}


async def test_reports_and_confirmations_may_be_repeated(shop: TariShop, name: str) -> None:
    alice = Owner()
    await shop.place(name, name, 10)
    await shop.claim(alice, name)
    for message in (None, "Payment already exists.", "Payment already exists."):
        reply = await shop.report(alice, 10, name)
        assert (reply.status, reply.json["success"]) == (200, True)
        assert message in (None, reply.json["message"])
    for message in (f"Payment {name} confirmed successfully.", "Payment already confirmed."):
        assert (await shop.confirm(name)).json == {"success": True, "message": message}
    assert await shop.events(name) == ["invoice.created", "invoice.claimed", "invoice.paid"]


# What is no message


@pytest.mark.parametrize("path", ["/order/claim", "/wallet/incoming_payment", "/wallet/tx_confirmation"])
async def test_what_is_no_json_object_of_the_form_is_refused(shop: TariShop, path: str) -> None:
    claim = json.dumps(Owner().claim("x")).encode()
    twice = claim.replace(b'"order_id"', b'"order_id": "y", "order_id"')
    for body in (b"", b"[]", b"{}", b"\xff", twice, b'{"a":' * 10_000, b"1" * 5000):
        assert is_undecodable(await shop.post(path, body)), body[:60]
    assert is_undecodable(await shop.post(path, b" " * MAX_BYTES + claim))
    assert is_undecodable(await shop.post(path, claim, {"Content-Type": "text/plain"}))
    encoded = {"Content-Encoding": "deflate", "Connection": "close"}  # nobody knows what would come next on this one
    assert is_undecodable(await shop.post(path, claim, encoded))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("amount", 1.0),
        ("amount", 0),
        ("amount", -1),
        ("amount", 1 << 63),
        ("amount", "1"),
        ("txid", ""),
        ("sender", "14"),
        ("sender", str(replace(DUAL_ADDRESS, network=Network.IGOR))),
    ],
)
async def test_a_payment_that_could_not_be_is_refused(shop: TariShop, member: str, value: object) -> None:
    message = changed(shop.wallet.payment(Owner(), 1, "never"), "payment", **{member: value})
    assert is_undecodable(await shop.tell("incoming_payment", message))


async def test_an_address_of_another_network_claims_nothing(shop: TariShop, name: str) -> None:
    await shop.place(name, name, 5)
    alice = Owner()
    there = replace(alice.address, network=Network.ESMERALDA)
    reply = await shop.post("/order/claim", alice.claim(name) | {"address": str(there)})
    assert is_undecodable(reply)
    assert "esmeralda" in reply.text


async def test_money_from_any_address_of_an_owner_is_his(shop: TariShop, name: str) -> None:
    alice = Owner()
    await shop.place(name, name, 5)
    await shop.claim(alice, name)
    await shop.report(Dual(alice.key), 5, name)
    await shop.confirm(name)
    assert (await shop.order(name)).paid_by == alice.payer


class Dual(Owner):
    """The same owner at another address of his."""

    @property
    def address(self) -> Address:
        return replace(super().address, view_key=DUAL_ADDRESS.view_key)


async def test_the_api_describes_these_routes(shop: TariShop) -> None:
    tari = {path for _, path in shop.contract.operations() if not path.startswith(("/tonpay/", "/livez", "/readyz"))}
    assert tari >= {"/order/claim", "/wallet/incoming_payment", "/wallet/tx_confirmation", "/wallet/send_to", "/health"}
    assert HOST not in json.dumps(shop.contract.document)
