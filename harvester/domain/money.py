"""Assets and amounts. An amount is an int of the asset's base units; there is no float anywhere."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from harvester.domain.errors import InvalidInput

_SIGNED: Final = re.compile(r"-?[0-9]{1,78}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Currency:
    """An asset that invoices can be made in, under the name people know it by."""

    ticker: str
    """Display name only; no rule hangs on it."""
    chain: str
    """Name of the adapter that serves it."""
    asset: str
    """Asset id in the adapter's namespace."""
    decimals: int
    """Whole units = amount / 10**decimals; 0 … 255."""
    max_amount: int
    """The largest amount that one transfer of the asset can carry."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a merchant asked for in another currency, and the rate that made an amount of an asset of it."""

    amount: Decimal
    """In `currency`, greater than 0, with the decimals that the merchant wrote."""
    currency: str
    """Its code, such as USD."""
    rate: Decimal
    """`currency` for one whole unit of the asset, greater than 0."""
    rate_source: str
    """Who or what gave the rate."""
    rate_at: datetime
    """When the rate was so."""


def parse_signed(text: str, name: str) -> int:
    """Return the integer that `text` writes, of at most 78 digits, which errors call `name`.

    Raises:
        InvalidInput: it is none.
    """
    if not _SIGNED.fullmatch(text):
        raise InvalidInput(f'{name} must be an integer as a string, in base units, such as "1500000" or "-5"')
    return int(text)


def format_amount(amount: int, decimals: int) -> str:
    """Return `amount` base units as a decimal number of whole units, without trailing zeros.

    >>> format_amount(1_500_000_000, 9)
    '1.5'
    """
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), 10**decimals)
    digits = f"{fraction:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
