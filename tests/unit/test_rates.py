"""The arithmetic of prices: exact, in the merchant's favour by less than one base unit, whatever the digits."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester.domain.rates import (
    MAX_PRICE_DIGITS,
    MAX_RATE_DIGITS,
    base_units,
    is_jump,
    parse_currency,
    parse_price,
    parse_rate,
    plain,
    rounded_rate,
    value_of,
)


def decimals_of(whole: int, places: int) -> st.SearchStrategy[Decimal]:
    """Numbers greater than 0 with at most so many digits before and after the point."""
    return st.builds(
        lambda digits, point: Decimal(digits).scaleb(-point),
        st.integers(1, 10**whole - 1),
        st.integers(0, places),
    )


PRICES = decimals_of(MAX_PRICE_DIGITS[0], MAX_PRICE_DIGITS[1])
RATES = decimals_of(MAX_RATE_DIGITS[0], MAX_RATE_DIGITS[1])
DECIMALS = st.integers(0, 30)


def exactly(number: Decimal) -> tuple[int, int]:
    """Return `number` as a whole number and a power of ten to divide it by."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    return int("".join(map(str, digits))) * 10 ** max(0, exponent), 10 ** max(0, -exponent)


@given(PRICES, RATES, DECIMALS)
def test_the_merchant_gets_the_price_and_less_than_one_base_unit_more(
    price: Decimal, rate: Decimal, places: int
) -> None:
    amount = base_units(price, rate, places)
    (price_top, price_bottom), (rate_top, rate_bottom) = exactly(price), exactly(rate)
    due = price_top * rate_bottom * 10**places
    assert amount * rate_top * price_bottom >= due
    assert (amount - 1) * rate_top * price_bottom < due


@given(PRICES, PRICES, RATES, DECIMALS)
def test_a_higher_price_is_never_fewer_base_units(one: Decimal, other: Decimal, rate: Decimal, places: int) -> None:
    low, high = sorted([one, other])
    assert base_units(low, rate, places) <= base_units(high, rate, places)


@given(PRICES, RATES, RATES, DECIMALS)
def test_a_higher_rate_is_never_more_base_units(price: Decimal, one: Decimal, other: Decimal, places: int) -> None:
    low, high = sorted([one, other])
    assert base_units(price, high, places) <= base_units(price, low, places)


@given(st.integers(1, 10**15), RATES, st.integers(0, 12))
def test_what_divides_without_rest_is_exact(amount: int, rate: Decimal, places: int) -> None:
    with localcontext(prec=100):
        price = amount * rate / 10**places
    assert base_units(price, rate, places) == amount


@given(st.integers(1, 10**12), st.integers(1, 10**6))
def test_a_price_in_cents_comes_back_as_the_value_of_its_base_units(cents: int, rate_cents: int) -> None:
    price, rate = Decimal(cents).scaleb(-2), Decimal(rate_cents).scaleb(-2)
    assert value_of(base_units(price, rate, 9), rate, 9) == price


@given(st.integers(0, 2**120), RATES, DECIMALS)
def test_a_value_is_within_half_a_hundredth_and_has_two_decimals(amount: int, rate: Decimal, places: int) -> None:
    value = value_of(amount, rate, places)
    top, bottom = exactly(rate)
    assert value.as_tuple().exponent == -2
    hundredths, one = exactly(value)
    assert one == 100
    assert 2 * abs(hundredths * bottom * 10**places - 100 * amount * top) <= bottom * 10**places


@pytest.mark.parametrize(
    ("amount", "rate", "value"),
    [(25, "0.1", "2.50"), (5, "0.001", "0.00"), (15, "0.001", "0.02"), (25, "0.001", "0.02"), (0, "5", "0.00")],
)
def test_half_a_hundredth_goes_to_the_even_one(amount: int, rate: str, value: str) -> None:
    assert plain(value_of(amount, Decimal(rate), 0)) == value


def test_the_result_does_not_hang_on_the_context_of_the_caller() -> None:
    with localcontext(prec=1):
        assert base_units(Decimal("123456789.12345678"), Decimal("0.000000000000000001"), 9) == (
            12345678912345678 * 10**19
        )
        assert plain(value_of(2**120, Decimal(1), 0)) == f"{2**120}.00"


@pytest.mark.parametrize(
    ("price", "rate", "decimals", "amount"),
    [
        ("240.00", "0.1", 0, 2400),
        ("0.5", "1", 2, 50),
        ("1.999", "1", 2, 200),
        ("10", "3", 0, 4),
        ("0.01", "500000000000", 0, 1),
    ],
)
def test_prices_that_were_once_read_wrongly(price: str, rate: str, decimals: int, amount: int) -> None:
    assert base_units(parse_price(price), parse_rate(rate), decimals) == amount


@given(decimals_of(*MAX_PRICE_DIGITS))
def test_a_price_is_read_with_its_digits(price: Decimal) -> None:
    if len(plain(price).partition(".")[0]) <= MAX_PRICE_DIGITS[0]:
        assert plain(parse_price(plain(price))) == plain(price)


@pytest.mark.parametrize("read", [parse_price, parse_rate])
@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "0",
            "0.00",
            "-1.50",
            "+1",
            "1e3",
            "1E-2",
            "1,000",
            "1,50",
            "1 000",
            "1_000",
            " 1",
            "1 ",
            ".5",
            "5.",
            "01",
        ),
        *("1.2.3", "NaN", "Infinity", "0x10", "1\n", "\u0661", "\uff11", "1" * 16, "1." + "1" * 19, "1" * 10_000),
    ],
)
def test_anything_but_a_plain_number_greater_than_zero_is_refused(read: object, text: str) -> None:
    assert callable(read)
    with pytest.raises(InvalidInput, match="without exponent, sign or separators"):
        read(text)


@given(st.text(max_size=30))
def test_no_text_at_all_is_read_as_anything_else_than_a_number_of_its_digits(text: str) -> None:
    try:
        price = parse_price(text)
    except InvalidInput:
        return
    assert plain(price) == text
    assert price > 0


def test_a_currency_is_a_code_in_any_case() -> None:
    assert [parse_currency(text) for text in ("usd", "EUR", "Usdt", "X00")] == ["USD", "EUR", "USDT", "X00"]
    for text in ("", "US", "US$", "1AB", "ABCDEFGHI", "\u0131sd", "U\u017fD", "USD\n"):
        with pytest.raises(InvalidInput):
            parse_currency(text)


@given(RATES, RATES, st.integers(1, 1000))
def test_a_jump_is_more_than_so_many_percent_up_or_down(before: Decimal, after: Decimal, percent: int) -> None:
    with localcontext(prec=200):
        change = abs(after - before) * 100
        assert is_jump(before, after, percent) is (change > before * percent)


def test_a_change_of_just_the_limit_is_no_jump() -> None:
    assert not is_jump(Decimal(2), Decimal(3), 50)
    assert not is_jump(Decimal(2), Decimal(1), 50)
    assert is_jump(Decimal(2), Decimal("3.000000000000000001"), 50)
    assert is_jump(Decimal(2), Decimal("0.999999999999999999"), 50)


@pytest.mark.parametrize(
    ("number", "rate"),
    [
        ("1E+3", "1000"),
        ("5.2300", "5.23"),
        ("0.3333333333333333333333333333", "0." + "3" * 18),
        ("2E-18", "0." + "0" * 17 + "2"),
        ("999999999999.999999999999999999", "999999999999.999999999999999999"),
        ("100", "100"),
    ],
)
def test_what_a_program_worked_out_is_rounded_to_what_a_rate_may_be(number: str, rate: str) -> None:
    with localcontext(prec=3):
        assert plain(rounded_rate(Decimal(number))) == rate


@pytest.mark.parametrize("number", ["0", "-1", "NaN", "sNaN", "Infinity", "1E-19", "1E+12", "1E+999999", "-0.0"])
def test_what_is_no_rate_is_refused_whoever_says_it(number: str) -> None:
    for wrong in (Decimal(number), float(Decimal(number)) if "s" not in number else None, number):
        with pytest.raises(InvalidInput):
            rounded_rate(wrong)
