"""What requests about payments may hold: the only place with the names and bounds of their members."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from harvester.api.acting import ActBody
from harvester.domain.errors import InvalidInput
from harvester.domain.events import unix_seconds
from harvester.domain.identifiers import parse_uuid
from harvester.domain.payment import PaymentClass, Standing
from harvester.services.chains import Chains
from harvester.services.invoicing import LAST_MOMENT
from harvester.services.payments import MAX_PAYMENT_ID
from harvester.storage.payments import PaymentFilter

PARAMETERS: Final = ("limit", "before", "class", "standing", "asset", "since", "until", "text", "payer", "invoice_id")
MAX_TEXT: Final = 500
_NUMBER: Final = re.compile(r"0*([0-9]{1,19})")
LAST_SECOND: Final = unix_seconds(LAST_MOMENT)

_Choice = TypeVar("_Choice", bound=StrEnum)


class Assignment(ActBody):
    """A body of `assign`."""

    invoice_id: str


def parse_filter(query: Mapping[str, str], chains: Chains) -> PaymentFilter:
    """Return the filter that query parameters ask for. `asset` may be a ticker, `payer` any form of an address.

    Raises:
        InvalidInput: a value is not allowed, or a parameter is none of PARAMETERS.
    """
    given = {name: bounded_text(value, name) for name, value in query.items() if value}
    if unknown := sorted(given.keys() - set(PARAMETERS)):
        raise InvalidInput(f"unknown parameter {unknown[0]!a}: {', '.join(PARAMETERS)} are known")
    invoice_id, asset, payer = given.get("invoice_id"), given.get("asset"), given.get("payer")
    return PaymentFilter(
        payment_class=_choice(given, "class", PaymentClass),
        standing=_choice(given, "standing", Standing),
        assets=chains.asset_forms(asset) if asset else None,
        since=parse_moment(given, "since"),
        until=parse_moment(given, "until"),
        text=given.get("text"),
        payers=chains.address_forms(payer) if payer else None,
        invoice_id=parse_uuid(invoice_id) if invoice_id else None,
    )


def parse_payment_id(text: str) -> int:
    """Return the id of a payment.

    Raises:
        InvalidInput: it is none.
    """
    digits = _NUMBER.fullmatch(text)
    if not digits or not 1 <= int(digits[1]) <= MAX_PAYMENT_ID:
        raise InvalidInput(f"invalid id: the number of a payment is expected, from 1 to {MAX_PAYMENT_ID}")
    return int(digits[1])


def bounded_text(value: str, name: str, longest: int = MAX_TEXT) -> str:
    """Return the value of the parameter `name`.

    Raises:
        InvalidInput: it is longer, or not printable.
    """
    # Half a surrogate pair, which stands for bytes that are not UTF-8, is not printable.
    if len(value) > longest or not value.isprintable():
        raise InvalidInput(f"{name} must be at most {longest} printable characters")
    return value


def _choice(given: Mapping[str, str], name: str, choices: type[_Choice]) -> _Choice | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        return choices(text)
    except ValueError:
        raise InvalidInput(f"{name} must be one of: {', '.join(choices)}") from None


def parse_moment(given: Mapping[str, str], name: str) -> datetime | None:
    """Return the moment that the parameter `name` is, in Unix seconds; None: it is not given.

    Raises:
        InvalidInput: it is none.
    """
    text = given.get(name)
    if text is None:
        return None
    digits = _NUMBER.fullmatch(text)
    if not digits or int(digits[1]) > LAST_SECOND:
        raise InvalidInput(f"{name} must be a moment in Unix seconds")
    return datetime.fromtimestamp(int(digits[1]), UTC)
