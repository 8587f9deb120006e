"""Transactions and messages, read as far as payments need them (block.tlb `Transaction`, `Message`).

A transaction cell is refused (CellError) if a real chain cannot contain it. Its messages carry what anybody wrote.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from harvester_ton.cells import LIBRARY_BIT, Cell, CellError
from harvester_ton.dictionaries import read_dictionary
from harvester_ton.slices import Slice

_MAX_OUT_MESSAGES: Final = 256
"""A transaction has at most 255 actions, and one message when it bounces."""
_OUT_MESSAGE_KEY_BITS: Final = 15
_SKIP_REASONS: Final = ("no_state", "bad_state", "no_gas")


@dataclass(frozen=True, slots=True)
class TransactionHead:
    """What links a transaction to its account and to the one before it."""

    hash: bytes
    """Representation hash of the root cell, 32 bytes."""
    account: str
    """Raw address; the transaction itself does not say the workchain, the reader does."""
    lt: int
    prev_trans_hash: bytes
    prev_trans_lt: int
    """0 for the first transaction of an account."""
    now: int
    """Unix seconds."""

    @property
    def time(self) -> datetime:
        """Chain time, aware UTC."""
        return datetime.fromtimestamp(self.now, UTC)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction with its parts still as cells."""

    head: TransactionHead
    in_message: Cell | None
    out_messages: Cell | None
    """Root of the dictionary; see `out_messages`."""
    description: Cell


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the phases of an ordinary transaction went."""

    skipped: str | None
    """Why the code did not run (`no_state`, `bad_state`, `no_gas`, `suspended`), None if it did."""
    success: bool
    exit_code: int | None
    action_success: bool | None
    bounce: str | None
    """`ok`, `nofunds`, `negfunds`, or None without a bounce phase."""


@dataclass(frozen=True, slots=True)
class Message:
    """The header of an internal message, and the rest of it."""

    bounced: bool
    source: str | None
    """Raw address; None for anything but a plain `addr_std`."""
    destination: str | None
    amount_nano: int
    extra_currencies: Cell | None
    """Root of a dictionary from 32-bit ids to VarUInteger 32."""
    rest: Slice
    """State init and body, not yet read."""


def read_head(root: Cell, account: str) -> TransactionHead:
    """The head of a transaction of `account` (raw address); it must be that account's own."""
    return _read_head(_open(root), root.hash, account)


def read_transaction(root: Cell, account: str) -> Transaction:
    """A transaction of `account` (raw address), whose own cells must all be ordinary and of level 0."""
    data = _open(root)
    head = _read_head(data, root.hash, account)
    data.uint(15 + 2 + 2)
    messages = Slice(data.ref())
    in_message, out_messages = messages.maybe_ref(), messages.maybe_ref()
    data.coins()
    total_fees_extra = data.maybe_ref()
    state_update, description = data.ref(), data.ref()
    own_cells_only = (total_fees_extra, state_update, description)
    if any(part.exotics for part in own_cells_only if part) or (in_message and in_message.kind):
        raise CellError("a transaction with an exotic cell in it")
    return Transaction(head, in_message, out_messages, description)


def _open(root: Cell) -> Slice:
    if root.level_mask:
        raise CellError("a transaction with pruned branches in it")
    data = Slice(root)
    if data.uint(4) != 0b0111:
        raise CellError("not a transaction: another tag")
    return data


def _read_head(data: Slice, tx_hash: bytes, account: str) -> TransactionHead:
    if f"{data.uint(256):064x}" != account.partition(":")[2]:
        raise CellError("a transaction of another account")
    lt = data.uint(64)
    return TransactionHead(tx_hash, account, lt, data.bytes_(32), data.uint(64), data.uint(32))


def out_messages(transaction: Transaction) -> list[Cell]:
    """The out messages in their order."""
    entries = read_dictionary(transaction.out_messages, _OUT_MESSAGE_KEY_BITS, _MAX_OUT_MESSAGES)
    return [value.ref() for _, value in entries]


def read_outcome(description: Cell) -> Outcome | None:
    """The phases of an ordinary transaction; None for the kinds that no message starts."""
    data = Slice(description)
    if tag := data.uint(4):
        if tag > 7:
            raise CellError("a transaction of an unknown kind")
        return None
    data.bit()
    if data.bit():
        data.coins()
        _skip_maybe_coins(data)
        _skip_status_change(data)
    if data.bit():
        _skip_maybe_coins(data)
        data.coins()
        data.maybe_ref()
    skipped, success, exit_code = _read_compute_phase(data)
    action = data.maybe_ref()
    data.bit()
    bounce = _read_bounce_phase(data) if data.bit() else None
    return Outcome(skipped, success, exit_code, Slice(action).bit() if action else None, bounce)


def _skip_maybe_coins(data: Slice) -> None:
    if data.bit():
        data.coins()


def _skip_status_change(data: Slice) -> None:
    if data.bit():
        data.bit()


def _read_compute_phase(data: Slice) -> tuple[str | None, bool, int | None]:
    if not data.bit():
        reason = data.uint(2)
        if reason == 3 and data.bit():
            raise CellError("a compute phase skipped for an unknown reason")
        return (*_SKIP_REASONS, "suspended")[reason], False, None
    success = data.bit()
    data.uint(2)
    data.coins()
    details = Slice(data.ref())
    details.var_uint(3)
    details.var_uint(3)
    if details.bit():
        details.var_uint(2)
    details.uint(8)
    return None, success, details.int_(32)


def _read_bounce_phase(data: Slice) -> str:
    if data.bit():
        return "ok"
    return "nofunds" if data.bit() else "negfunds"


def read_message(cell: Cell) -> Message | None:
    """The header of an internal message, None for an external one.

    After the value comes `ihr_fee`, 0 since TVM 11 and `extra_flags` since TVM 12: never money of the receiver.
    """
    data = Slice(cell)
    if data.bit():
        return None
    data.uint(2)
    bounced = data.bit()
    source, destination = data.address(), data.address()
    amount, extra = data.coins(), data.maybe_ref()
    data.coins()
    data.coins()
    data.uint(64 + 32)
    return Message(bounced, source, destination, amount, extra, data)


def open_body(rest: Slice) -> Slice:
    """The body of a message whose header is read; a state init before it is skipped."""
    return _open_body(rest)[1]


def holds_stray_exotics(message: Cell) -> bool:
    """Whether exotic cells lie where a message holds data. Library cells in a state init are contract code."""
    try:
        header = read_message(message)
        if header is None:
            return message.exotics != 0
        init_refs, body = _open_body(header.rest)
    except CellError:
        return True
    return any(cell.exotics & ~LIBRARY_BIT for cell in init_refs) or any(cell.exotics for cell in body.refs_left())


def _open_body(rest: Slice) -> tuple[tuple[Cell, ...], Slice]:
    init_refs: tuple[Cell, ...] = ()
    if rest.bit():
        init = Slice(rest.ref()) if rest.bit() else rest
        before = init.refs_left()
        _skip_state_init(init)
        init_refs = before[: len(before) - len(init.refs_left())]
    return init_refs, Slice(rest.ref()) if rest.bit() else rest


def _skip_state_init(data: Slice) -> None:
    if data.bit():
        data.uint(5)
    if data.bit():
        data.uint(2)
    for _ in range(3):
        data.maybe_ref()
