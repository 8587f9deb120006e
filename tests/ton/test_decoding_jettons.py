"""Jettons: judged on the jetton wallet's own account, by the notification or by the message that came in."""

from typing import Any
from uuid import UUID

import pytest
from pytoniq_core import Cell as TheirCell
from pytoniq_core import begin_cell

from harvester.domain.payment import Transfer
from harvester_ton.decoding import Decoded, decode_jetton
from tests.ton.builders import (
    ACCOUNT,
    INVOICE_ID,
    MASTER,
    OWNER,
    PAYER,
    InternalMessage,
    MadeTransaction,
    Phases,
    external_in,
    external_out,
    internal_transfer,
    notification,
    payload_body,
    text_body,
)

OTHER_ID = "01a1ffc5-6f19-7955-a9eb-d8aa89cc5a87"
SISTER = "0:" + "e5" * 32


def arrive(*out: TheirCell, incoming: TheirCell | None = None, phases: Phases | None = None, **message: Any) -> Decoded:
    """Decode a jetton wallet's transaction with these out messages."""
    body = internal_transfer() if incoming is None else incoming
    in_message = InternalMessage(**{"source": SISTER, "body": body} | message).cell()
    made = MadeTransaction(ACCOUNT, in_message, out, (phases or Phases()).cell())
    return decode_jetton(made.root(), ACCOUNT, OWNER, MASTER)


def out(body: TheirCell, destination: str = OWNER) -> TheirCell:
    """A message of the jetton wallet."""
    return InternalMessage(source=ACCOUNT, destination=destination, value=1, body=body).cell()


def only(decoded: Decoded) -> Transfer:
    """The one transfer."""
    (transfer,) = decoded.transfers
    return transfer


def nothing(decoded: Decoded) -> str:
    """The reason for no transfer."""
    assert decoded.transfers == ()
    assert decoded.reason
    return decoded.reason


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("payload", [text_body(), payload_body()])
def test_a_notified_payment_is_read_from_the_notification(payload: TheirCell, inline: bool) -> None:
    transfer = only(arrive(out(notification(17, PAYER, payload, inline=inline))))
    assert (transfer.asset, transfer.amount, transfer.payer) == (f"jetton:{MASTER}", 17, PAYER)
    assert transfer.invoice_id == UUID(INVOICE_ID)


@pytest.mark.parametrize("inline", [False, True])
def test_without_a_notification_the_incoming_message_tells(inline: bool) -> None:
    transfer = only(arrive(incoming=internal_transfer(18, PAYER, text_body(), inline=inline)))
    assert (transfer.amount, transfer.payer, transfer.invoice_id) == (18, PAYER, UUID(INVOICE_ID))


def test_an_inline_text_goes_on_in_a_reference() -> None:
    head = begin_cell().store_uint(0, 32).store_bytes(INVOICE_ID[:9].encode())
    text = head.store_ref(begin_cell().store_bytes(INVOICE_ID[9:].encode()).end_cell()).end_cell()
    assert only(arrive(incoming=internal_transfer(1, PAYER, text, inline=True))).text == INVOICE_ID


def test_external_messages_and_excesses_before_the_notification_are_skipped() -> None:
    excesses = out(begin_cell().store_uint(0xD53276DB, 32).store_uint(5, 64).end_cell(), PAYER)
    decoded = arrive(external_out(), excesses, out(begin_cell().end_cell()), out(notification(3, PAYER, text_body())))
    assert only(decoded).amount == 3


def test_the_first_notification_counts_and_no_other() -> None:
    first, second = notification(1, PAYER, text_body("hello")), notification(2, PAYER, text_body())
    transfer = only(arrive(out(first), out(second)))
    assert (transfer.amount, transfer.invoice_id, transfer.text) == (1, None, "hello")


@pytest.mark.parametrize("exit_code", [0, 1])
def test_exit_codes_0_and_1_are_success(exit_code: int) -> None:
    assert only(arrive(phases=Phases(exit_code=exit_code))).amount == 1_230_000


FAILED = [
    Phases(success=False, exit_code=45, action_success=None, bounce="ok", aborted=True),
    Phases(success=False, exit_code=0),
    Phases(exit_code=2),
    Phases(exit_code=-14),
    Phases(action_success=False, aborted=True),
    Phases(bounce="nofunds"),
    Phases(bounce="ok"),
    Phases(skipped="no_gas", action_success=None),
    Phases(skipped="bad_state", action_success=None),
    Phases(skipped="suspended", action_success=None),
]


@pytest.mark.parametrize("phases", FAILED, ids=repr)
def test_a_failed_transaction_brings_no_jettons(phases: Phases) -> None:
    nothing(arrive(out(notification(1, PAYER, text_body())), phases=phases))
    nothing(arrive(phases=phases))


def test_a_wallet_that_does_not_exist_yet_checks_nothing_and_so_brings_nothing() -> None:
    forged = internal_transfer(10**15, PAYER, text_body())
    decoded = arrive(incoming=forged, phases=Phases(skipped="no_state", action_success=None, aborted=True))
    assert "no jetton wallet" in nothing(decoded)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"bounced": True}, "came back"),
        ({"destination": OWNER}, "another destination"),
        ({"destination": "-1" + ACCOUNT[1:]}, "another destination"),
        ({"source": ACCOUNT}, "itself"),
        ({"source": None}, "no sender"),
    ],
)
def test_a_message_that_can_bring_nothing_brings_no_jettons(message: dict[str, Any], why: str) -> None:
    assert why in nothing(arrive(out(notification(1, PAYER, text_body())), **message))


@pytest.mark.parametrize(
    "incoming", [begin_cell().end_cell(), text_body(), begin_cell().store_uint(0x0F8A7EA5, 32).end_cell()]
)
def test_coins_and_orders_to_a_jetton_wallet_are_no_jettons(incoming: TheirCell) -> None:
    assert nothing(arrive(incoming=incoming)) == "no jettons came in"


def test_an_external_message_brings_no_jettons() -> None:
    decoded = decode_jetton(MadeTransaction(in_message=external_in()).root(), ACCOUNT, OWNER, MASTER)
    assert "external" in nothing(decoded)


def test_a_notification_to_somebody_else_is_no_payment() -> None:
    assert "somebody else" in nothing(arrive(out(notification(1, PAYER, text_body()), PAYER)))
    assert "somebody else" in nothing(arrive(out(notification(1, PAYER, text_body()), "-1" + OWNER[1:])))


def test_amount_0_is_no_transfer_and_the_largest_is_one() -> None:
    assert "amount is 0" in nothing(arrive(out(notification(0, PAYER, text_body()))))
    assert "amount is 0" in nothing(arrive(incoming=internal_transfer(0)))
    assert only(arrive(out(notification(2**120 - 1)))).amount == 2**120 - 1


def test_a_mint_is_kept_but_refers_to_no_invoice() -> None:
    for decoded in (
        arrive(out(notification(5, None, text_body()))),
        arrive(incoming=internal_transfer(5, None, text_body())),
    ):
        transfer = only(decoded)
        assert (transfer.payer, transfer.invoice_id, transfer.text) == (SISTER, None, INVOICE_ID)
        assert "mint" in (transfer.reason or "")


def cut(body: TheirCell, bits: int) -> TheirCell:
    """The body without its last bits and without references."""
    return begin_cell().store_bits(body.bits[: len(body.bits) - bits]).end_cell()


def test_an_either_bit_that_is_missing_or_promises_nothing_is_an_empty_payload() -> None:
    for body in (notification(1), notification(1, PAYER, text_body())):
        for bits in (0, 1):
            transfer = only(arrive(out(cut(body, bits))))
            assert (transfer.invoice_id, transfer.reason) == (None, "no comment and no payload")


def test_a_jetton_message_cut_short_is_no_transfer() -> None:
    for bits in (2, 100, 300, 340):
        assert "cannot be read" in nothing(arrive(out(cut(notification(1), bits))))
    assert "cannot be read" in nothing(arrive(incoming=cut(internal_transfer(1), 8)))


def test_an_encrypted_forward_payload_refers_to_nothing() -> None:
    encrypted = begin_cell().store_uint(0x2167DA4B, 32).store_bytes(bytes(64)).end_cell()
    transfer = only(arrive(out(notification(1, PAYER, encrypted))))
    assert not transfer.ignored
    assert "encrypted" in (transfer.reason or "")


def test_a_notification_is_not_mistaken_for_a_later_message_with_another_id() -> None:
    other = notification(2, PAYER, text_body(OTHER_ID))
    assert only(arrive(out(other), incoming=internal_transfer(1, PAYER, text_body()))).invoice_id == UUID(OTHER_ID)


def test_a_notification_stands_even_where_the_code_is_said_not_to_have_run() -> None:
    phases = Phases(skipped="no_state", action_success=None)
    assert only(arrive(out(notification(4, PAYER, text_body())), phases=phases)).amount == 4
