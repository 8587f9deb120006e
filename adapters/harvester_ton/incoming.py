"""What coins and jettons share: which message counts as incoming at all, and how a transfer is stated."""

from dataclasses import replace
from typing import Final

from harvester.domain.payment import Transfer
from harvester_ton.cells import CellError
from harvester_ton.reference import Reference
from harvester_ton.transaction import Message, Transaction, holds_stray_exotics, out_messages, read_message

OP_TRANSFER_NOTIFICATION: Final = 0x7362D09C

_EXOTIC: Final = "the transaction holds exotic cells where data belongs, so no reference is read from it"


class NotATransfer(Exception):
    """The transaction brings nothing, for this reason. Not an error: it carries a rule's verdict to the caller."""


def read_incoming(transaction: Transaction) -> tuple[Message, str]:
    """The message that came in, if it can bring the transaction's account anything, and its sender's raw address."""
    account = transaction.head.account
    if transaction.in_message is None:
        raise NotATransfer("no message came in")
    try:
        message = read_message(transaction.in_message)
    except CellError as error:
        raise NotATransfer(f"the message cannot be read: {error}") from error
    if message is None:
        raise NotATransfer("an external message, which carries no value")
    if message.destination != account:
        raise NotATransfer("the message has another destination")
    if message.source is None:
        raise NotATransfer("the message has no sender")
    if message.source == account:
        raise NotATransfer("a message from the account to itself")
    return message, message.source


def trusted_reference(transaction: Transaction, reference: Reference) -> Reference:
    """`reference`, but without an id if exotic cells lie in any message outside of contract code.

    Anybody can send such a message on a real chain, so it must not stop the account; nothing honest needs one to pay.
    """
    incoming, outgoing = transaction.in_message, transaction.out_messages
    suspects = [incoming] if incoming and incoming.exotics else []
    if outgoing and outgoing.exotics:
        suspects += [cell for cell in out_messages(transaction) if cell.exotics]
    if any(holds_stray_exotics(cell) for cell in suspects):
        return replace(reference, invoice_id=None, reason=_EXOTIC)
    return reference


def make_transfer(
    transaction: Transaction,
    index: int,
    asset: str,
    amount: int,
    payer: str,
    reference: Reference,
    *,
    ignored: bool = False,
) -> Transfer:
    """The fact as the ledger takes it."""
    head = transaction.head
    return Transfer(
        tx_hash=head.hash.hex(),
        index=index,
        asset=asset,
        amount=amount,
        payer=payer,
        time=head.time,
        invoice_id=reference.invoice_id,
        text=reference.text,
        reason=reference.reason,
        ignored=ignored,
    )
