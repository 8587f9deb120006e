"""Which order a payment is for, and who says so.

1. A claim in the memo, signed: its order, whoever signed it. It goes before what the wallet says.
2. What the wallet says in `order_id`.
3. Where memos need no signature (TPG_DISABLE_MEMO_SIGNATURE_CHECK): the first number in the memo.

A memo that is a JSON object is a claim or nothing: no number is looked for in an address or a signature.

Who says so decides what follows (`proven`). A claim is the word of an address's owner. What stands in `order_id` is
covered by the wallet's signature alone, and the wallet repeats what any payer wrote: with a millionth of a coin, a
stranger could make himself the customer of somebody else's order. So it says what the money is for, and no more: the
payment may pay this one order, but it ties nobody to the order's customer, and a signed claim goes before it. An
operator who needs no signatures in memos says that he takes the payer's word: then each reference counts as proven.
"""

import re
from dataclasses import dataclass
from typing import Final

from harvester.domain.errors import InvalidInput
from harvester_tari.address import Network
from harvester_tari.claims import MAX_ORDER_ID, check_order_id, parse_claim
from harvester_tari.wallet_messages import IncomingPayment

_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)
_NO_MEMO: Final = "it names no order"
_NO_CLAIM: Final = "its memo holds no signed claim"
_NO_ORDER_ID: Final = f"what it names is no order id: 1 to {MAX_ORDER_ID} printable characters"


@dataclass(frozen=True, slots=True)
class OrderReference:
    """The order that a payment names, if it names one."""

    order_id: str | None
    proven: bool = False
    """Whether it may tie the payer to the order's customer; see the module."""
    reason: str | None = None
    """Why it names none, in a sentence."""


def order_reference(payment: IncomingPayment, network: Network, number_prefix: str | None) -> OrderReference:
    """Return which order `payment` is for.

    `number_prefix`: what is put before a number from the memo; None: memos must be signed.
    """
    claimed, reason = _read_memo(payment.memo, network)
    if claimed is not None:
        return OrderReference(claimed, proven=True)
    unsigned_counts = number_prefix is not None
    if payment.order_id:
        return _usable(payment.order_id, unsigned_counts)
    if unsigned_counts and reason is _NO_CLAIM and (number := _NUMBER.search(payment.memo or "")):
        return _usable(f"{number_prefix}{number[0]}", unsigned_counts)
    return OrderReference(None, reason=reason)


def _read_memo(memo: str | None, network: Network) -> tuple[str | None, str]:
    """Return the order that a signed claim names, or why there is none."""
    if not memo:
        return None, _NO_MEMO
    if not memo.lstrip().startswith("{"):
        return None, _NO_CLAIM
    try:
        claim = parse_claim(memo, network)
    except InvalidInput as error:
        return None, f"its memo holds no claim: {error}"
    return (claim.order_id, "") if claim.is_signed() else (None, "the claim in its memo is not signed by its address")


def _usable(order_id: str, proven: bool) -> OrderReference:
    try:
        return OrderReference(check_order_id(order_id), proven)
    except InvalidInput:
        return OrderReference(None, reason=_NO_ORDER_ID)
