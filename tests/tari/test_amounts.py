"""Amounts as people see and write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester.domain.money import format_amount
from harvester_tari.amounts import parse_xtr, render_amount


@pytest.mark.parametrize(
    ("amount_micro", "shown"),
    [
        (0, "0μτ"),
        (9_999, "9999μτ"),
        (10_000, "0.010τ"),
        (-10_000, "-10000μτ"),
        (-(1 << 63), "-9223372036854775808μτ"),
        (1_000_000, "1.000τ"),
        (2_500_000_000, "2500.000τ"),
        (1_234_567, "1.235τ"),
        (10_500, "0.011τ"),
        (11_500, "0.011τ"),
    ],
)
def test_an_amount_is_shown_as_the_existing_server_does(amount_micro: int, shown: str) -> None:
    assert render_amount(amount_micro) == shown
    assert "\u00b5" not in shown


@given(st.integers(1, (1 << 63) - 1))
def test_a_number_of_xtr_is_read_to_the_last_digit(amount_micro: int) -> None:
    assert parse_xtr(format_amount(amount_micro, 6)) == amount_micro


@pytest.mark.parametrize(
    "text",
    ["", "0", "0.0", "-1", "+1", "1e3", ".5", "1.", "1.0000000", "9223372036854.775808", "1" * 14, "٣", "1 ", "NaN"],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="an amount"):
        parse_xtr(text)
