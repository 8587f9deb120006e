"""From a transaction to the transfers it brought. Pure: the caller has proven the cells.

`decode_coins` reads a recipient's own account, `decode_jetton` the recipient's jetton wallet, which is the only place
that tells whether jettons arrived. Both raise CellError for a cell that is no transaction of that account on a real
chain; what anybody may put into a message only ever leads to a reason.
"""

from dataclasses import dataclass, replace
from typing import Final

from harvester.domain.payment import Transfer
from harvester_ton.cells import Cell, CellError
from harvester_ton.dictionaries import read_dictionary
from harvester_ton.incoming import (
    OP_TRANSFER_NOTIFICATION,
    NotATransfer,
    make_transfer,
    read_incoming,
    trusted_reference,
)
from harvester_ton.jetton_arrival import read_arrival
from harvester_ton.reference import Reference, read_reference
from harvester_ton.transaction import Message, Outcome, Transaction, open_body, read_outcome, read_transaction

COINS: Final = "ton"

_BOUNCE: Final = "a bounced message came back"
_IGNORED_OPS: Final = {
    0xFFFFFFFF: _BOUNCE,
    0xFFFFFFFE: _BOUNCE,
    0xD53276DB: "excesses, the rest of somebody's gas",
    OP_TRANSFER_NOTIFICATION: "a jetton notification; jettons count on the jetton wallet's own account",
}
_MAX_EXTRA_CURRENCIES: Final = 256


@dataclass(frozen=True, slots=True)
class Decoded:
    """The transfers of one transaction; `reason` says why there are none."""

    transfers: tuple[Transfer, ...]
    reason: str | None = None


def jetton_asset(master: str) -> str:
    """Asset id of a jetton by the raw address of its master."""
    return f"jetton:{master}"


def decode_coins(transaction_root: Cell, account: str) -> Decoded:
    """Coins and extra currencies that one transaction brought to `account` (raw address).

    Index 0 is always the coins, extra currencies follow from 1 in order of their ids. Money that is nobody's payment
    (bounces, excesses, jetton notifications) comes as ignored transfers.
    """
    transaction, outcome = _open(transaction_root, account)
    try:
        return Decoded(_coins(transaction, outcome))
    except NotATransfer as verdict:
        return Decoded((), str(verdict))


def decode_jetton(transaction_root: Cell, jetton_wallet: str, recipient: str, master: str) -> Decoded:
    """Jettons that one transaction of `jetton_wallet` brought to its owner `recipient` (all raw addresses).

    The caller has proven that the wallet is the recipient's and belongs to `master`. A mint names no payer: it is a
    transfer from whoever sent it to the wallet, and refers to no invoice.
    """
    transaction, outcome = _open(transaction_root, jetton_wallet)
    try:
        return Decoded((_jetton(transaction, outcome, recipient, jetton_asset(master)),))
    except NotATransfer as verdict:
        return Decoded((), str(verdict))


def _open(root: Cell, account: str) -> tuple[Transaction, Outcome | None]:
    transaction = read_transaction(root, account)
    return transaction, read_outcome(transaction.description)


def _coins(transaction: Transaction, outcome: Outcome | None) -> tuple[Transfer, ...]:
    message, payer = read_incoming(transaction)
    if outcome is None:
        raise NotATransfer("a transaction that no message caused")
    if outcome.bounce not in (None, "nofunds"):
        raise NotATransfer("sent back to the sender (bounced)")
    amounts = _amounts(message)
    if not amounts:
        raise NotATransfer("the amount is 0")
    reference, ignored = _read_body(transaction, message)
    return tuple(
        make_transfer(transaction, index, asset, amount, payer, reference, ignored=ignored)
        for index, asset, amount in amounts
    )


def _amounts(message: Message) -> list[tuple[int, str, int]]:
    """Index, asset and amount of everything above 0 that a message carries."""
    try:
        currencies = read_dictionary(message.extra_currencies, 32, _MAX_EXTRA_CURRENCIES)
        extra = [(currency, value.var_uint(5)) for currency, value in currencies]
    except CellError as error:
        raise NotATransfer(f"the value of the message cannot be read: {error}") from error
    found = [(0, COINS, message.amount_nano)]
    found += [(index, f"extra:{currency}", amount) for index, (currency, amount) in enumerate(extra, start=1)]
    return [entry for entry in found if entry[2]]


def _read_body(transaction: Transaction, message: Message) -> tuple[Reference, bool]:
    """The reference in the body, and whether the money is to be ignored."""
    if message.bounced:
        return Reference(reason=_BOUNCE), True
    try:
        body = open_body(message.rest)
    except CellError as error:
        return Reference(reason=f"the body cannot be read: {error}"), False
    op = body.peek(32)
    if op in _IGNORED_OPS:
        return Reference(reason=_IGNORED_OPS[op]), True
    return trusted_reference(transaction, read_reference(body)), False


def _jetton(transaction: Transaction, outcome: Outcome | None, recipient: str, asset: str) -> Transfer:
    message, wallet_payer = read_incoming(transaction)
    if message.bounced:
        raise NotATransfer("jettons sent from here came back (bounced)")
    if outcome is None:
        raise NotATransfer("a transaction that no message caused")
    arrival = read_arrival(transaction, message, outcome, recipient)
    if not arrival.amount:
        raise NotATransfer("the amount is 0")
    reference = trusted_reference(transaction, arrival.reference)
    if arrival.sender is None:
        reference = replace(reference, invoice_id=None, reason="minted: it names no sender")
    return make_transfer(transaction, 0, asset, arrival.amount, arrival.sender or wallet_payer, reference)
