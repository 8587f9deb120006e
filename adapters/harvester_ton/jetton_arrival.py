"""Jettons that arrived at a jetton wallet (TEP-74), judged on the wallet's own account.

transfer_notification#7362d09c query_id:uint64 amount:(VarUInteger 16) sender:MsgAddress
  forward_payload:(Either Cell ^Cell)
internal_transfer#178d4519 query_id:uint64 amount:(VarUInteger 16) from:MsgAddress response_address:MsgAddress
  forward_ton_amount:(VarUInteger 16) forward_payload:(Either Cell ^Cell)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from harvester_ton.cells import Cell, CellError
from harvester_ton.incoming import OP_TRANSFER_NOTIFICATION, NotATransfer
from harvester_ton.reference import Reference, read_reference
from harvester_ton.slices import Slice
from harvester_ton.transaction import Message, Outcome, Transaction, open_body, out_messages, read_message

OP_INTERNAL_TRANSFER: Final = 0x178D4519

_EMPTY: Final = Reference(reason="no comment and no payload")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One jetton transfer as the wallet told it."""

    amount: int
    sender: str | None
    """Raw address of the payer; None for a mint."""
    reference: Reference


def read_arrival(transaction: Transaction, incoming: Message, outcome: Outcome, recipient: str) -> Arrival:
    """The transfer, from the notification if the wallet sent one, else from the message that came in."""
    _require_success(outcome)
    outgoing = out_messages(transaction)
    try:
        return _notification(outgoing, recipient) or _internal_transfer(incoming, outcome)
    except CellError as error:
        raise NotATransfer(f"the jetton message cannot be read: {error}") from error


def _require_success(outcome: Outcome) -> None:
    if outcome.skipped not in (None, "no_state"):
        raise NotATransfer(f"the jetton wallet did not run ({outcome.skipped})")
    if outcome.skipped is None and not (outcome.success and outcome.exit_code in (0, 1)):
        raise NotATransfer(f"the jetton wallet refused it (exit code {outcome.exit_code})")
    if outcome.action_success is False or outcome.bounce is not None:
        raise NotATransfer("the jetton wallet's transaction failed")


def _notification(outgoing: list[Cell], recipient: str) -> Arrival | None:
    """What the first notification among the internal messages says, None if there is none."""
    for destination, body in _internal_bodies(outgoing):
        if body.peek(32) != OP_TRANSFER_NOTIFICATION:
            continue
        if destination != recipient:
            raise NotATransfer("the jetton wallet notified somebody else")
        body.uint(32 + 64)
        amount, sender = body.coins(), body.address()
        return Arrival(amount, sender, _read_forward_payload(body))
    return None


def _internal_bodies(cells: list[Cell]) -> Iterator[tuple[str | None, Slice]]:
    """Destination and body of the internal messages."""
    for cell in cells:
        try:
            message = read_message(cell)
            body = open_body(message.rest) if message else None
        except CellError:
            continue  # not a message that anybody could receive, so not a notification
        if message and body:
            yield message.destination, body


def _internal_transfer(incoming: Message, outcome: Outcome) -> Arrival:
    """What the incoming message says. The wallet's code, having run, has checked where it came from."""
    body = open_body(incoming.rest)
    if body.peek(32) != OP_INTERNAL_TRANSFER:
        raise NotATransfer("no jettons came in")
    if outcome.skipped:
        raise NotATransfer("there was no jetton wallet yet, so nothing checked the transfer")
    body.uint(32 + 64)
    amount, sender = body.coins(), body.address()
    body.address()
    body.coins()
    return Arrival(amount, sender, _read_forward_payload(body))


def _read_forward_payload(body: Slice) -> Reference:
    """Without the bit, or with the bit but no reference to follow, the payload is empty."""
    if not body.bits_left:
        return _EMPTY
    if not body.bit():
        return read_reference(body)
    if not body.refs_left():
        return _EMPTY
    try:
        return read_reference(Slice(body.ref()))
    except CellError as error:
        return Reference(reason=f"the payload cannot be read: {error}")
