"""What one whole unit of an asset costs, and the arithmetic of prices: exact, rounded once, without float.

Rules:
- A rate is the price of ONE WHOLE unit of an asset (10**decimals base units) in a currency.
- A price becomes base units rounded up, so that the merchant never gets less than the price at that rate.
- Money that came in becomes a value in hundredths, rounded half to even.
- Of all rates of an asset in a currency the last one said counts, while its validity lasts. When it has ended there is
  none: an earlier one, which the last was to replace, never comes back.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException
from fractions import Fraction
from typing import Final

from harvester.domain.errors import InvalidInput
from harvester.domain.money import Currency

MAX_RATE_DIGITS: Final = (12, 18)
MAX_PRICE_DIGITS: Final = (15, 8)
"""How many digits there may be before and after the point."""
_LEAST_RATE: Final = Decimal(1).scaleb(-MAX_RATE_DIGITS[1])
_ROUNDING: Final = Context(prec=sum(MAX_RATE_DIGITS), rounding=ROUND_HALF_EVEN)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9]{2,7}")
_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency that is no asset of the merchant's, such as 12.50 USD."""

    amount: Decimal
    """Greater than 0; its digits are those that were given."""
    currency: str
    """Upper-case code."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What a rate is about."""

    asset: Currency
    """One whole unit of this …"""
    currency: str
    """… costs so much in this: a code such as USD, upper-case."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one whole unit of an asset costs, as somebody said it. Never rewritten."""

    number: int
    """Rises with recording, from 1."""
    chain: str
    asset: str
    currency: str
    """Upper-case code."""
    rate: Decimal
    """Greater than 0; its digits are those that were given."""
    source: str
    """Who said it: `cli:alice`, `api`, or the name of a rate source."""
    created_at: datetime
    valid_until: datetime
    """The first moment at which it is no longer valid."""


def base_units(price: Decimal, rate: Decimal, decimals: int) -> int:
    """Return what `price` is in base units at `rate`, both greater than 0: rounded up, at least 1.

    >>> base_units(Decimal("12.50"), Decimal("5"), 9)
    2500000000
    """
    whole_unit: int = 10**decimals
    return math.ceil(Fraction(price) * whole_unit / Fraction(rate))


def value_of(amount: int, rate: Decimal, decimals: int) -> Decimal:
    """Return what `amount` base units are worth at `rate`: two decimals, rounded half to even.

    >>> value_of(2_500_000_000, Decimal("5.01"), 9)
    Decimal('12.52')
    """
    whole_units = Fraction(amount, 10**decimals)
    hundredths = round(whole_units * Fraction(rate) * 100)
    return Decimal(f"{hundredths}E-2")


def is_jump(before: Decimal, after: Decimal, percent: int) -> bool:
    """Say whether a rate changed by more than `percent` of what it was, up or down."""
    return abs(Fraction(after) - Fraction(before)) * 100 > Fraction(before) * percent


def plain(number: Decimal) -> str:
    """Return `number` as people write it: its own digits, never an exponent."""
    return format(number, "f")


def parse_rate(text: str) -> Decimal:
    """Return the rate that `text` is, with its digits.

    Raises:
        InvalidInput: it is not a plain decimal number greater than 0 with at most MAX_RATE_DIGITS.
    """
    return _positive(text, "rate", *MAX_RATE_DIGITS)


def rounded_rate(number: object) -> Decimal:
    """Return a rate that a program worked out, rounded to the decimals that a rate may have.

    Raises:
        InvalidInput: it is no Decimal, or not greater than 0 then, or too large.
    """
    try:
        rounded = _ROUNDING.quantize(number, _LEAST_RATE) if isinstance(number, Decimal) else Decimal("NaN")
    except DecimalException:
        rounded = Decimal("NaN")
    return parse_rate(plain(rounded).rstrip("0").removesuffix("."))


def parse_price(text: str) -> Decimal:
    """Return the amount of a price that `text` is, with its digits: `0.5` is fifty hundredths.

    Raises:
        InvalidInput: it is not a plain decimal number greater than 0 with at most MAX_PRICE_DIGITS.
    """
    return _positive(text, "price", *MAX_PRICE_DIGITS)


def parse_currency(text: str) -> str:
    """Return the upper-case code of a currency, which may be given in any case.

    Raises:
        InvalidInput: it is none.
    """
    code = text.upper() if text.isascii() else ""
    if not _CODE.fullmatch(code):
        raise InvalidInput("the currency of a price must be a code of 3 to 8 letters and digits, such as USD")
    return code


def _positive(text: str, name: str, whole_digits: int, decimals: int) -> Decimal:
    found = _DECIMAL.fullmatch(text) if len(text) <= whole_digits + decimals + 1 else None
    if not found or len(found[1]) > whole_digits or len(found[2] or "") > decimals or not (number := Decimal(text)):
        raise InvalidInput(
            f"{name} must be a decimal number greater than 0, such as 12.50, with at most {whole_digits} digits before "
            f"and {decimals} after the point, without exponent, sign or separators"
        )
    return number
