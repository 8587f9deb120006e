"""Keys of payers, and what was bought, over HTTP: statuses, bounds, and bytes that the payer can read."""

import gzip
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from nacl.signing import SigningKey

from harvester_ton.address import format_address
from harvester_ton.wallet_address import wallet_address
from tests.clock import ManualClock
from tests.e2e.api_requests import DRAFT, made, refusal
from tests.e2e.api_server import PUBLIC, SETTINGS, Answer, Api, serving
from tests.ton import sealed
from tests.ton.test_payer_certificate import certificate

WALLET = SigningKey(bytes(range(32)))
PAYER_SEED = b"\x07" * 32
ACCOUNT = wallet_address("v4R2", bytes(WALLET.verify_key))
NO_KEY = {name: value for name, value in SETTINGS.items() if name != "KEY"}


def body(payer_seed: bytes = PAYER_SEED) -> dict[str, Any]:
    """What the wallet sends."""
    return certificate("v4R2", WALLET, sealed.public_key(payer_seed))


async def commit(
    api: Api, account: str = ACCOUNT, sent: object = None, headers: dict[str, str] | None = None
) -> Answer:
    """Commit a key."""
    data = sent if isinstance(sent, bytes) else json.dumps(body() if sent is None else sent).encode()
    return await api.ask("POST", f"{PUBLIC}/keys/{account}/commit", data, headers or {})


async def metadata(api: Api, invoice_id: str, method: str = "GET") -> Answer:
    """Ask for the metadata of an invoice."""
    return await api.ask(method, f"{PUBLIC}/invoices/{invoice_id}/metadata", headers={})


async def paid(api: Api, payer: str = ACCOUNT) -> dict[str, Any]:
    """Make an invoice, and let `payer` pay it."""
    bought = {"merchant_name": "Кофе ☕", "goods": [{"name": "Latte 300ml"}], "mcc_code": 5814}
    invoice = await made(api, DRAFT | {"metadata": bought})
    await api.pay(UUID(invoice["id"]), 5, payer, invoice["id"].replace("-", "") * 2, invoice["created_at"])
    return invoice


@pytest.mark.parametrize("first", ["key", "payment"])
async def test_the_payer_reads_what_was_bought_whichever_comes_first(database_uri: str, first: str) -> None:
    async with serving(database_uri, ManualClock()) as api:
        if first == "key":
            answer = await commit(api)
            assert (answer.status, answer.body, answer.headers.get("Content-Type")) == (200, b"", None)
        invoice = await paid(api)
        if first == "payment":
            assert "committed no key" in refusal(await metadata(api, invoice["id"]), 404)
            assert (await commit(api)).status == 200
        answer = await metadata(api, invoice["id"])
        head = await metadata(api, invoice["id"], "HEAD")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/octet-stream")
    assert (head.status, head.body) == (200, b"")
    text, _, sender = sealed.open_sealed(answer.body, PAYER_SEED)
    assert json.loads(text) == invoice["metadata"]
    assert sender == sealed.public_key(sealed.meta_seed(bytes.fromhex(SETTINGS["KEY"])))


async def test_any_form_of_the_address_is_the_same_account_and_a_later_key_replaces_the_first(
    database_uri: str,
) -> None:
    standard = format_address(ACCOUNT, bounceable=True).replace("-", "%2B").replace("_", "%2F")
    forms = [ACCOUNT, ACCOUNT.upper(), format_address(ACCOUNT, bounceable=False), standard]
    async with serving(database_uri, ManualClock()) as api:
        invoice = await paid(api)
        for number, account in enumerate(forms):
            seed = bytes((number,)) * 32
            members = {name.upper(): value for name, value in body(seed).items()} | {"more": [1]}
            assert (await commit(api, account, members)).status == 200
            text, _, _ = sealed.open_sealed((await metadata(api, invoice["id"])).body, seed)
            assert json.loads(text) == invoice["metadata"]


async def test_what_is_not_paid_or_not_there_says_so(database_uri: str) -> None:
    async with serving(database_uri, ManualClock()) as api:
        await commit(api)
        waiting = await made(api)
        assert "not paid" in refusal(await metadata(api, waiting["id"]), 400)
        await api.record(ManualClock().now + timedelta(days=1))
        assert "not paid" in refusal(await metadata(api, waiting["id"]), 400)
        assert "not found" in refusal(await metadata(api, "01970c00-a927-77e4-88fa-67d72ae4c4be"), 404)
        assert "UUID" in refusal(await metadata(api, "17"), 400)
        by_another = await paid(api, "0:" + "cd" * 32)
        assert "committed no key" in refusal(await metadata(api, by_another["id"]), 404)


async def test_without_a_key_of_the_merchant_both_are_locked(database_uri: str) -> None:
    async with serving(database_uri, ManualClock(), NO_KEY) as api:
        invoice = await paid(api)
        for answer in (
            await metadata(api, invoice["id"]),
            await metadata(api, "01970c00-a927-77e4-88fa-67d72ae4c4be"),
            await commit(api),
        ):
            assert "no key" in refusal(answer, 423)
            assert json.loads(answer.text)["code"] == "not_enabled"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", "JSON object"),
        (b"[]", "JSON object"),
        (b"\xff", "JSON object"),
        (b"{}{}", "JSON object"),
        (b"[" * 4000, "JSON object"),
        ({}, "public_key"),
        (body() | {"wallet_version": "v9"}, "wallet_version must be one of v1R1"),
        (body() | {"cert": "zz"}, "cert must be 100 bytes"),
        (b"{" + b" " * 4094 + b"}", "public_key"),
        (b"{" + b" " * 4095 + b"}", "4096 bytes"),
    ],
)
async def test_a_malformed_commit_is_refused_with_the_reason_and_stores_nothing(
    database_uri: str, sent: object, expected: str
) -> None:
    async with serving(database_uri, ManualClock()) as api:
        invoice = await paid(api)
        assert expected in refusal(await commit(api, sent=sent), 400)
        refusal(await metadata(api, invoice["id"]), 404)


async def test_a_body_that_unfolds_beyond_the_bound_is_refused(database_uri: str) -> None:
    packed = gzip.compress(b"{" + b" " * (1 << 19) + b"}")
    assert len(packed) < 4096
    async with serving(database_uri, ManualClock()) as api:
        assert "4096 bytes" in refusal(await commit(api, sent=packed, headers={"Content-Encoding": "gzip"}), 400)


async def test_an_account_that_is_none_is_told(database_uri: str) -> None:
    async with serving(database_uri, ManualClock()) as api:
        assert "TON address" in refusal(await commit(api, "nobody"), 400)
        other = wallet_address("v4R2", bytes(SigningKey(bytes(32)).verify_key))
        assert "the account must be" in refusal(await commit(api, other), 400)
