"""Coins: which account movements count, how much, from whom, and for which invoice."""

from typing import Any
from uuid import UUID

import pytest
from pytoniq_core import Cell as TheirCell
from pytoniq_core import begin_cell

from harvester.domain.payment import Transfer
from harvester_ton.boc import parse_boc_root
from harvester_ton.cells import Cell, CellError
from harvester_ton.decoding import Decoded, decode_coins, decode_jetton
from tests.ton.builders import (
    ACCOUNT,
    INVOICE_ID,
    NOW,
    PAYER,
    InternalMessage,
    MadeTransaction,
    Phases,
    empty,
    external_in,
    notification,
    ours,
    payload_body,
    payment,
    text_body,
)
from tests.ton.recorded import vectors


def decode_vector(vector: dict[str, Any]) -> Decoded:
    """Decode as the vector says: an account of its own, or a jetton wallet."""
    root = parse_boc_root(bytes.fromhex(vector["transaction_boc_hex"]))
    if "recipient" in vector:
        return decode_jetton(root, vector["account"], vector["recipient"], vector["jetton_master"])
    return decode_coins(root, vector["account"])


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_each_vector_gives_its_payments(vector: dict[str, Any]) -> None:
    decoded = decode_vector(vector)
    payments = [
        {"invoice_id": str(t.invoice_id), "asset": t.asset, "amount": str(t.amount), "payer": t.payer}
        for t in decoded.transfers
        if t.invoice_id
    ]
    assert payments == vector["payments"]
    assert all(t.invoice_id or t.reason for t in decoded.transfers)
    assert decoded.transfers or decoded.reason


def only(root: Cell, account: str = ACCOUNT) -> Transfer:
    """The one transfer of a transaction."""
    (transfer,) = decode_coins(root, account).transfers
    return transfer


def nothing(root: Cell) -> str:
    """The reason why a transaction brings nothing."""
    decoded = decode_coins(root, ACCOUNT)
    assert decoded.transfers == ()
    assert decoded.reason
    return decoded.reason


def test_a_transfer_says_everything_about_itself() -> None:
    root = payment(text_body())
    transfer = only(root)
    assert transfer.tx_hash == root.hash.hex()
    assert (transfer.index, transfer.asset, transfer.amount, transfer.payer) == (0, "ton", 50_000_000, PAYER)
    assert transfer.time.timestamp() == NOW
    assert transfer.invoice_id == UUID(INVOICE_ID)
    assert (transfer.text, transfer.reason, transfer.ignored) == (INVOICE_ID, None, False)


KEPT = [
    Phases(),
    Phases(success=False, exit_code=45, action_success=None, aborted=True),
    Phases(action_success=False, aborted=True),
    Phases(skipped="no_state", action_success=None, aborted=True),
    Phases(skipped="bad_state", action_success=None, aborted=True),
    Phases(skipped="no_gas", action_success=None, aborted=True),
    Phases(skipped="suspended", action_success=None, aborted=True),
    Phases(skipped="no_gas", action_success=None, bounce="nofunds", aborted=True),
]


@pytest.mark.parametrize("phases", KEPT, ids=repr)
def test_coins_count_unless_they_were_sent_back_whatever_the_code_did(phases: Phases) -> None:
    assert only(payment(text_body(), phases)).invoice_id == UUID(INVOICE_ID)


@pytest.mark.parametrize("bounce", ["ok", "negfunds"])
def test_coins_that_were_bounced_bring_nothing(bounce: str) -> None:
    assert "bounced" in nothing(payment(text_body(), Phases(skipped="no_state", action_success=None, bounce=bounce)))


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (InternalMessage(source=None), "no sender"),
        (InternalMessage(source=ACCOUNT), "itself"),
        (InternalMessage(destination="-1" + ACCOUNT[1:]), "another destination"),
        (InternalMessage(destination=PAYER, source=PAYER), "another destination"),
        (InternalMessage(destination=None), "another destination"),
        (InternalMessage(value=0), "amount is 0"),
        (InternalMessage(value=0, extra=((7, 0),)), "amount is 0"),
    ],
)
def test_what_is_no_transfer_at_all_has_a_reason(message: InternalMessage, why: str) -> None:
    assert why in nothing(MadeTransaction(in_message=message.cell()).root())


def test_external_messages_and_ticks_bring_nothing() -> None:
    assert "external" in nothing(MadeTransaction(in_message=external_in()).root())
    assert "no message" in nothing(MadeTransaction().root())
    tick = begin_cell().store_bits("0010").end_cell()
    assert "no message" in nothing(MadeTransaction(in_message=InternalMessage().cell(), description=tick).root())


def with_anycast(at: str) -> TheirCell:
    """A message whose source or destination is an address with anycast."""
    plain = begin_cell().store_address(PAYER if at == "source" else ACCOUNT).end_cell().begin_parse()
    plain.load_bits(3)
    rewritten = begin_cell().store_bits("101").store_uint(1, 5).store_bits("1").store_slice(plain).end_cell()
    builder = begin_cell().store_bits("0110")
    builder = builder.store_cell(rewritten) if at == "source" else builder.store_address(PAYER)
    builder = builder.store_cell(rewritten) if at != "source" else builder.store_address(ACCOUNT)
    builder.store_coins(5).store_bit(0).store_coins(0).store_coins(0).store_uint(0, 96)
    return builder.store_bits("00").end_cell()


@pytest.mark.parametrize(("at", "why"), [("source", "no sender"), ("destination", "another destination")])
def test_an_address_with_anycast_is_nobodys(at: str, why: str) -> None:
    assert why in nothing(MadeTransaction(in_message=with_anycast(at)).root())


@pytest.mark.parametrize("amount", [1, 2**63 - 1, 2**63, 2**64 + 5, 2**120 - 1])
def test_the_amount_is_the_value_of_any_size_and_never_the_field_after_it(amount: int) -> None:
    assert only(payment(text_body(), value=amount, ihr_fee=999)).amount == amount


def test_every_extra_currency_is_a_transfer_of_its_own_in_order_of_ids() -> None:
    extra = ((4_000_000_000, 2**247), (100, 7), (239, 0))
    decoded = decode_coins(payment(text_body(), extra=extra), ACCOUNT)
    assert [(t.index, t.asset, t.amount) for t in decoded.transfers] == [
        (0, "ton", 50_000_000),
        (1, "extra:100", 7),
        (3, "extra:4000000000", 2**247),
    ]
    assert {t.invoice_id for t in decoded.transfers} == {UUID(INVOICE_ID)}


def test_extra_currencies_without_coins_keep_their_index() -> None:
    assert [t.index for t in decode_coins(payment(value=0, extra=((5, 6),)), ACCOUNT).transfers] == [1]


@pytest.mark.parametrize(
    "shape",
    [{"inline": True}, {"init": begin_cell().store_bits("00110").store_ref(empty()).store_ref(empty()).end_cell()}],
)
@pytest.mark.parametrize("more", [{}, {"init_inline": True}])
def test_the_body_is_found_inline_or_in_a_reference_behind_any_state_init(
    shape: dict[str, Any], more: dict[str, Any]
) -> None:
    assert only(payment(text_body(), **shape, **more)).invoice_id == UUID(INVOICE_ID)
    assert only(payment(payload_body(), **shape, **more)).invoice_id == UUID(INVOICE_ID)


def test_a_state_init_with_all_its_fields_is_skipped() -> None:
    init = begin_cell().store_bits("1000011" + "11" + "1" + "1").store_bit(1)
    for _ in range(3):
        init.store_ref(text_body("not the body"))
    full = init.end_cell()
    assert only(payment(text_body(), init=full)).text == INVOICE_ID
    assert only(payment(text_body(), init=full, init_inline=True)).text == INVOICE_ID


IGNORED = {
    "bounce, old": begin_cell().store_uint(0xFFFFFFFF, 32).store_uint(0, 32).end_cell(),
    "bounce, new": begin_cell().store_uint(0xFFFFFFFE, 32).store_ref(text_body()).end_cell(),
    "excesses": begin_cell().store_uint(0xD53276DB, 32).store_uint(1, 64).end_cell(),
    "notification": notification(payload=text_body()),
}


@pytest.mark.parametrize("body", IGNORED.values(), ids=IGNORED.keys())
def test_money_that_is_nobodys_payment_is_kept_as_ignored(body: TheirCell) -> None:
    transfer = only(payment(body))
    assert (transfer.ignored, transfer.invoice_id, transfer.amount) == (True, None, 50_000_000)
    assert transfer.reason


def test_a_bounced_message_is_ignored_whatever_it_says() -> None:
    transfer = only(payment(text_body(), bounced=True))
    assert (transfer.ignored, transfer.invoice_id, transfer.text) == (True, None, None)


def test_a_transaction_of_another_account_or_another_kind_of_cell_is_refused() -> None:
    root = payment(text_body())
    for wrong in (PAYER, "0:" + "00" * 32):
        with pytest.raises(CellError, match="another account"):
            decode_coins(root, wrong)
    with pytest.raises(CellError, match="tag"):
        decode_coins(ours(text_body()), ACCOUNT)
    unknown = begin_cell().store_bits("1000").end_cell()
    with pytest.raises(CellError, match="unknown kind"):
        decode_coins(MadeTransaction(description=unknown).root(), ACCOUNT)


def test_too_many_extra_currencies_are_no_transfer() -> None:
    extra = tuple((currency, 1) for currency in range(300))
    assert "cannot be read" in nothing(payment(text_body(), extra=extra))
