"""The recorded history of a real network: what every transaction brought, and that nothing is counted twice."""

import base64
from typing import Any
from uuid import UUID

import pytest

from harvester_ton.boc import parse_boc_root
from harvester_ton.decoding import Decoded, decode_coins, decode_jetton
from harvester_ton.slices import Slice
from harvester_ton.transaction import read_head
from tests.ton.recorded import history, load

USDX = load("states.json")["addresses"]["minter"]
MERCHANT = history("merchant")[0]["account"]
ON_WALLET = ["merchant_jwallet", "merchant_jwallet_fake"]
ON_ACCOUNT = ["merchant", "merchant_outside_history"]
NOT_TAKEN = {"mint", "o"}
"""A mint names no payer; in `o` the wallet was locked and refused."""


def decode(entry: dict[str, Any], name: str) -> Decoded:
    """Decode a recorded transaction as the account's kind needs."""
    root = parse_boc_root(base64.b64decode(entry["boc"]))
    if name in ON_WALLET:
        return decode_jetton(root, entry["account"], MERCHANT, USDX)
    return decode_coins(root, entry["account"])


def wanted(entry: dict[str, Any], name: str) -> str | None:
    """The invoice id that this reading takes from a recorded transaction on this account."""
    expected = entry["expected"]
    op = entry["in_msg"].get("op")
    is_jetton = op in ("0x178d4519", "0x7362d09c")
    if is_jetton and (name in ON_ACCOUNT or entry["label"] in NOT_TAKEN):
        return None
    found: str | None = expected["invoice_id"] or expected.get("lenient") or expected.get("contains")
    return found


@pytest.mark.parametrize("name", ON_WALLET + ON_ACCOUNT)
def test_every_recorded_transaction_names_the_invoice_it_was_meant_for(name: str) -> None:
    for entry in history(name):
        found = {transfer.invoice_id for transfer in decode(entry, name).transfers} - {None}
        id_ = wanted(entry, name)
        assert found == ({UUID(id_)} if id_ else set()), entry["what"]


@pytest.mark.parametrize("name", ON_WALLET + ON_ACCOUNT)
def test_amount_asset_and_payer_are_those_that_were_sent(name: str) -> None:
    for entry in history(name):
        expected = entry["expected"]
        for transfer in decode(entry, name).transfers:
            if not transfer.invoice_id or not expected["invoice_id"] or transfer.index:
                continue
            assert (transfer.amount, transfer.payer) == (expected["amount"], expected["payer"])
            assert transfer.asset == ("ton" if expected["asset"] == "TON" else f"jetton:{USDX}")


def test_the_head_of_every_recorded_transaction_links_it_to_the_one_before() -> None:
    for entries in load("transactions.json").values():
        for entry in entries:
            head = read_head(parse_boc_root(base64.b64decode(entry["boc"])), entry["account"])
            assert (head.hash.hex(), head.lt, head.now) == (entry["hash"], entry["lt"], entry["now"])
            assert (head.prev_trans_hash.hex(), head.prev_trans_lt) == (entry["prev_hash"], entry["prev_lt"])
            assert head.account == entry["account"]


def kept_coins(entry: dict[str, Any]) -> int:
    """What the message of a recorded transaction left on the account, from the fields decoded by its recorder."""
    message, bounce = entry["in_msg"], entry["phases"]["bounce"]
    if message["kind"] != "internal" or message["src"] == entry["account"] or (bounce or {}).get("type") == "ok":
        return 0
    return int(message["value"])


@pytest.mark.parametrize("name", ON_ACCOUNT)
def test_every_nanoton_that_stayed_is_in_a_transfer(name: str) -> None:
    for entry in history(name):
        transfers = decode(entry, name).transfers
        assert sum(t.amount for t in transfers if t.asset == "ton") == kept_coins(entry), entry["what"]


def test_jettons_that_came_less_those_that_went_are_the_balance_on_chain() -> None:
    arrived = [decode(entry, "merchant_jwallet").transfers for entry in history("merchant_jwallet")]
    orders = [entry for entry in history("merchant_jwallet") if entry["in_msg"].get("op") == "0xf8a7ea5"]
    sent = sum(load("actions.json")[order["action"]]["amount"] for order in orders)
    state = Slice(parse_boc_root(base64.b64decode(load("states.json")["accounts"]["merchant_jwallet"]["data_boc"])))
    state.uint(4)
    assert sum(t.amount for transfers in arrived for t in transfers) - sent == state.coins()


def test_extra_currency_that_came_is_the_balance_on_chain() -> None:
    transfers = [t for entry in history("merchant") for t in decode(entry, "merchant").transfers]
    extra = {t.asset: t.amount for t in transfers if t.asset.startswith("extra:")}
    balance = load("states.json")["accounts"]["merchant"]["extra"]
    assert extra == {f"extra:{currency}": amount for currency, amount in balance.items()}


def test_whatever_names_no_invoice_says_why() -> None:
    for name in ON_WALLET + ON_ACCOUNT:
        for entry in history(name):
            decoded = decode(entry, name)
            assert bool(decoded.transfers) != bool(decoded.reason)
            assert all(bool(t.invoice_id) != bool(t.reason) for t in decoded.transfers)
