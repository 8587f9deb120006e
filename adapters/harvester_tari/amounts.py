"""The coin of Tari, and amounts of it: whole numbers of µT, of which a million are 1 XTR, in 64 bits with a sign."""

import re
from typing import Final

from harvester.domain.errors import InvalidInput

CHAIN: Final = "tari"
ASSET: Final = "xtr"
TICKER: Final = "XTR"
DECIMALS: Final = 6
MAX_AMOUNT_MICRO: Final = (1 << 63) - 1
_MICRO_PER_XTR: Final = 10**DECIMALS
_SHOWN_IN_MICRO: Final = 10_000
_XTR: Final = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,6}))?", re.ASCII)


def render_amount(amount_micro: int) -> str:
    """Return what people are shown: µT below 10,000 µT, debts included, and XTR with three decimals from there on.

    The existing server rounds in 64-bit floating point, and its texts are kept in what refers to them: so does this.

    >>> render_amount(9_999), render_amount(2_500_000_000)
    ('9999μτ', '2500.000τ')
    """
    if amount_micro < _SHOWN_IN_MICRO:
        return f"{amount_micro}μτ"  # a Greek mu, not the micro sign
    return f"{float(amount_micro) / _MICRO_PER_XTR:.3f}τ"


def parse_xtr(text: str) -> int:
    """Return the µT, greater than 0, that a decimal number of XTR is.

    Raises:
        InvalidInput: it is no such number.
    """
    if not (found := _XTR.fullmatch(text)):
        raise InvalidInput("an amount is a number of XTR with at most 6 decimals, such as 250 or 0.5")
    amount_micro = int(found[1]) * _MICRO_PER_XTR + int((found[2] or "").ljust(DECIMALS, "0"))
    if not 0 < amount_micro <= MAX_AMOUNT_MICRO:
        raise InvalidInput("an amount must be more than 0 XTR, and less than 2^63 µT")
    return amount_micro
