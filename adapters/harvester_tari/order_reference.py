"""Which order a payment is for, and who says so.

1. A claim in the memo, signed: its order, whoever signed it. It goes before what the wallet says.
2. What the wallet says in `order_id`.
3. Where memos need no signature (TPG_DISABLE_MEMO_SIGNATURE_CHECK): the first number in the memo.

A memo that is a JSON object is a claim or nothing: no number is looked for in an address or a signature.

Who says so decides whose order it becomes (`claimant`). A claim is the word of an owner: its signer's, who need not be
the sender. It is seen by others and valid for ever, so it must not make the sender of a payment that repeats it the
customer. What stands in `order_id` is covered by the wallet's signature alone, and the wallet repeats what any payer
wrote: with a millionth of a coin, a stranger could make himself the customer of somebody else's order. So without a
claim a payment says what the money is for, and no more: it may pay this one order, but ties nobody to its customer, and
a signed claim goes before it. An operator who needs no signatures in memos takes the sender's word for it.
"""

import re
from dataclasses import dataclass
from typing import Final

from harvester.domain.errors import InvalidInput
from harvester_tari.address import Address, Network
from harvester_tari.claims import MAX_ORDER_ID, Claim, check_order_id, parse_claim
from harvester_tari.wallet_messages import IncomingPayment

_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)
_NO_MEMO: Final = "it names no order"
_NO_CLAIM: Final = "its memo holds no signed claim"
_NO_ORDER_ID: Final = f"what it names is no order id: 1 to {MAX_ORDER_ID} printable characters"


@dataclass(frozen=True, slots=True)
class OrderReference:
    """The order that a payment names, if it names one. The money itself is its sender's, whatever stands here."""

    order_id: str | None
    claimant: Address | None = None
    """Who may be tied to the order's customer; None: nobody."""
    reason: str | None = None
    """Why it names none, in a sentence."""


def order_reference(payment: IncomingPayment, network: Network, number_prefix: str | None) -> OrderReference:
    """Return which order `payment` is for.

    `number_prefix`: what is put before a number from the memo; None: memos must be signed.
    """
    claim, reason = _read_memo(payment.memo, network)
    if claim is not None:
        return OrderReference(claim.order_id, claim.address)
    believed = None if number_prefix is None or payment.sender.is_nobodys else payment.sender
    if payment.order_id:
        return _usable(payment.order_id, believed)
    if number_prefix is not None and reason is _NO_CLAIM and (number := _NUMBER.search(payment.memo or "")):
        return _usable(f"{number_prefix}{number[0]}", believed)
    return OrderReference(None, reason=reason)


def _read_memo(memo: str | None, network: Network) -> tuple[Claim | None, str]:
    """Return the claim in a memo if it is signed, or why there is none."""
    if not memo:
        return None, _NO_MEMO
    if not memo.lstrip().startswith("{"):
        return None, _NO_CLAIM
    try:
        claim = parse_claim(memo, network)
    except InvalidInput as error:
        return None, f"its memo holds no claim: {error}"
    return (claim, "") if claim.is_signed() else (None, "the claim in its memo is not signed by its address")


def _usable(order_id: str, claimant: Address | None) -> OrderReference:
    try:
        return OrderReference(check_order_id(order_id), claimant)
    except InvalidInput:
        return OrderReference(None, reason=_NO_ORDER_ID)
