"""What a transfer means for an invoice: properties over any order of any amounts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import TransitionRefused
from harvester.domain.invoice import MAX_TOLERANCE_PPM, cancel, expire, least_amount, receive
from harvester.domain.lifecycle import OPEN, Status
from harvester.domain.payment import PaymentClass, Transfer
from tests.invoices import waiting_invoice

START = datetime(2026, 1, 1, tzinfo=UTC)
LIFE_SECS = 1_000
INVOICE = waiting_invoice(
    START, id=UUID("0195ec3c-ee40-757e-8af7-fb3dc377a726"), expires_at=START + timedelta(seconds=LIFE_SECS)
)
amounts = st.integers(1, 250)
times = st.integers(0, 2 * LIFE_SECS)


def transfer(amount: int, seconds: int = 0, asset: str = "coin") -> Transfer:
    """Make a transfer of `amount`, `seconds` after the invoice was made."""
    return Transfer("ab" * 32, 0, asset, amount, "payer", START + timedelta(seconds=seconds), INVOICE.id)


@given(st.lists(st.tuples(amounts, times), max_size=12))
def test_money_is_conserved_and_the_state_follows_from_what_came_in_time(transfers: list[tuple[int, int]]) -> None:
    invoice = INVOICE
    in_time = 0
    for amount, seconds in sorted(transfers, key=lambda item: item[1]):
        payment_class, invoice = receive(invoice, transfer(amount, seconds), "merchant", START)
        in_time += amount if seconds <= LIFE_SECS else 0
        assert (payment_class is PaymentClass.LATE) == (seconds > LIFE_SECS and invoice.status is not Status.PAID)
    assert invoice.received == sum(amount for amount, _ in transfers)
    assert (invoice.status is Status.PAID) == (in_time >= INVOICE.amount)
    assert invoice.overpayment == invoice.received - (100 if invoice.status is Status.PAID else 0)


@given(amounts, st.sampled_from(sorted(set(Status) - OPEN)))
def test_a_closed_invoice_keeps_its_state_and_counts_the_money(amount: int, status: Status) -> None:
    closed = replace(INVOICE, status=status)
    payment_class, after = receive(closed, transfer(amount), "merchant", START)
    expected = {
        Status.PAID: PaymentClass.DUPLICATE,
        Status.CANCELLED: PaymentClass.AFTER_CANCEL,
        Status.EXPIRED: PaymentClass.LATE,
    }
    assert (payment_class, after.status, after.received) == (expected[status], status, amount)


@pytest.mark.parametrize(("asset", "pay_to"), [("token", "merchant"), ("coin", "another wallet")])
def test_another_asset_or_wallet_changes_nothing(asset: str, pay_to: str) -> None:
    assert receive(INVOICE, transfer(100, 0, asset), pay_to, START) == (PaymentClass.WRONG_ASSET, INVOICE)


@given(st.integers(1, 2**120), st.integers(0, MAX_TOLERANCE_PPM))
def test_the_tolerance_lets_pass_what_it_says_to_the_unit(amount: int, tolerance_ppm: int) -> None:
    least = least_amount(amount, tolerance_ppm)
    assert 0 < least <= amount
    assert amount - least == int(Fraction(amount) * tolerance_ppm / 1_000_000)
    invoice = replace(INVOICE, amount=amount)
    payment_class, paid = receive(invoice, transfer(least), "merchant", START, tolerance_ppm=tolerance_ppm)
    assert (payment_class, paid.status, paid.overpayment) == (PaymentClass.EXACT, Status.PAID, 0)
    assert paid.shortfall == amount - least
    if least > 1:
        payment_class, after = receive(invoice, transfer(least - 1), "merchant", START, tolerance_ppm=tolerance_ppm)
        assert (payment_class, after.status) == (PaymentClass.PARTIAL, Status.WAITING)


def test_an_amount_past_64_bits_settles_exactly() -> None:
    amount = 2**120 - 1
    payment_class, paid = receive(replace(INVOICE, amount=amount), transfer(amount), "merchant", START)
    assert (payment_class, paid.overpayment) == (PaymentClass.EXACT, 0)


def test_cancel_ends_with_the_life_of_the_invoice() -> None:
    assert cancel(INVOICE, INVOICE.expires_at).status is Status.CANCELLED
    with pytest.raises(TransitionRefused, match="life of the invoice has ended"):
        cancel(INVOICE, INVOICE.expires_at + timedelta(microseconds=1))
    with pytest.raises(TransitionRefused):
        cancel(replace(INVOICE, status=Status.PAID), START)


def test_only_an_open_invoice_expires() -> None:
    assert expire(INVOICE, START).status is Status.EXPIRED
    with pytest.raises(TransitionRefused):
        expire(replace(INVOICE, status=Status.PAID), START)
