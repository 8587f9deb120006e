"""Amounts as people read them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.money import format_amount


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (0, 9, "0"),
        (1, 9, "0.000000001"),
        (1_500_000_000, 9, "1.5"),
        (7, 0, "7"),
        (-25, 1, "-2.5"),
        (10**20, 6, "1" + "0" * 14),
    ],
)
def test_amounts_are_shown_in_whole_units(amount: int, decimals: int, text: str) -> None:
    assert format_amount(amount, decimals) == text


@given(st.integers(-(10**60), 10**60), st.integers(0, 255))
def test_the_text_is_the_exact_number(amount: int, decimals: int) -> None:
    sign, digits, exponent = Decimal(format_amount(amount, decimals)).as_tuple()
    assert isinstance(exponent, int)
    value = int("".join(map(str, digits))) * 10 ** (decimals + exponent)
    assert (-value if sign else value) == amount
