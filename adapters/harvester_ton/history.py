"""Reading an account's history backwards and handing it over forwards. Pure: no node, no clock, no ledger.

A transaction names the one before it, so a history can only be walked from its newest transaction down; money must be
recorded from the oldest up. `Backlog` does both in bounded memory: it keeps the transactions of one segment, and of
newer ones only where they end. When the walk has reached the cursor the oldest segment is complete and handed over;
then the next is walked again from its end. After each batch the ledger's cursor says where to go on, so a kill
anywhere repeats reading, never a transfer.

Every transaction is tied to the one after it by logical time and hash, and the hash is computed from its cells
(`read_page`): a gap, a foreign transaction or a contradiction is the node's fault and nothing of that page is used.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from harvester.chain import MAX_BATCH_TRANSFERS, Account, Batch
from harvester.domain.errors import ChainUnavailable
from harvester.domain.payment import Transfer
from harvester_ton import tl
from harvester_ton.boc import parse_boc
from harvester_ton.cells import Cell, CellError
from harvester_ton.errors import NodeUnwell
from harvester_ton.transaction import read_head

SEGMENT_TRANSACTIONS: Final = 4096
"""What is kept in memory of one account's backlog: a few megabytes."""

Decode = Callable[[Cell], Sequence[Transfer]]
"""Returns the transfers of one transaction; CellError if a chain cannot contain it."""


class UnreadableTransaction(ChainUnavailable):
    """A transaction with the right hash makes no sense to us. Not the node's fault; the scan must not go past it."""


class Cursor(NamedTuple):
    """A place in an account's history: just after the transaction with this logical time and hash."""

    lt: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.lt}:{self.hash.hex()}"


BEGINNING: Final = Cursor(0, bytes(32))
"""Before an account's first transaction, which names this as the one before it."""


def parse_cursor(text: str) -> Cursor:
    """Return the cursor that `str` made this of."""
    lt, _, tx_hash = text.partition(":")
    return Cursor(int(lt), bytes.fromhex(tx_hash))


class Entry(NamedTuple):
    """One transaction of a history."""

    at: Cursor
    previous: Cursor
    now: int
    """Chain time, Unix seconds."""
    transfers: Sequence[Transfer]


def read_page(
    answer: tl.TransactionList, account: str, first: Cursor, oldest: Cursor, decode: Decode
) -> Sequence[Entry]:
    """Return the transactions of a page that are newer than `oldest`, newest first, at least one.

    The page must start with `first`, be linked without a gap, and lead nowhere but to `oldest` or, for an account that
    was deleted and made again since, to a beginning.

    Raises:
        NodeUnwell: it is not that page.
        CellError: it holds cells that are no transactions of `account` (raw address).
        UnreadableTransaction: `decode` cannot read one of them.
    """
    workchain = int(account.partition(":")[0])
    roots = parse_boc(answer.boc) if answer.boc else ()
    if not roots or len(roots) != len(answer.blocks) or any(block.workchain != workchain for block in answer.blocks):
        raise NodeUnwell(f"answered with {len(roots)} transactions of {len(answer.blocks)} blocks")
    entries = []
    expected = first
    for root in roots:
        entry = _read_entry(root, account, expected, decode)
        entries.append(entry)
        expected = entry.previous
        if expected == oldest:
            break
        if expected.lt <= oldest.lt and expected != BEGINNING:
            raise NodeUnwell(f"showed a history that goes past the cursor {oldest} to {expected}")
        if expected == BEGINNING:
            break
    return entries


def _read_entry(root: Cell, account: str, expected: Cursor, decode: Decode) -> Entry:
    head = read_head(root, account)
    if Cursor(head.lt, head.hash) != expected:
        raise NodeUnwell(f"showed transaction {head.lt} where {expected.lt} belongs, or another one of that time")
    previous = Cursor(head.prev_trans_lt, head.prev_trans_hash)
    if previous.lt >= expected.lt or (previous.lt == 0) != (previous == BEGINNING):
        raise NodeUnwell("showed a transaction that links to no earlier one")
    return Entry(expected, previous, head.now, decode_transaction(root, expected, account, decode))


def decode_transaction(root: Cell, at: Cursor, account: str, decode: Decode) -> Sequence[Transfer]:
    """Return what `decode` makes of a transaction of `account` (raw address).

    Raises:
        UnreadableTransaction: it cannot read it.
    """
    try:
        return decode(root)
    except CellError as error:
        raise UnreadableTransaction(f"transaction {at} of {account} cannot be read: {error}") from None


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a history without gaps, ready to be recorded."""

    start: Cursor
    """The cursor it follows."""
    entries: Sequence[Entry]
    """Oldest first, at least one."""
    reborn: bool
    """The account was deleted after `start` and made again: the first entry begins a new history."""


class Backlog:
    """What is left of a history between a cursor and its newest transaction, read page by page.

    Ask `wanted` for the place of the next page, give the page to `take`, and record the segments that it returns,
    until `wanted` is None.
    """

    def __init__(self, done: Cursor, newest: Cursor, segment: int = SEGMENT_TRANSACTIONS) -> None:
        self.done = done
        """Everything up to here has been handed over."""
        self._segment = segment
        self._ends = [] if newest == done else [newest]
        self._next = newest
        self._found: list[Entry] = []

    @property
    def wanted(self) -> Cursor | None:
        """The newest transaction of the page to read next; None: nothing is left."""
        return self._next if self._ends else None

    def take(self, page: Sequence[Entry]) -> Segment | None:
        """Take the page at `wanted`, as `read_page` gives it for `done`; return the segment it completes, if any."""
        for entry in page:
            self._found.append(entry)
            self._next = entry.previous
            if self._next in (self.done, BEGINNING):
                return self._complete()
            if len(self._found) == self._segment:
                self._ends.append(self._next)
                self._found = []
        return None

    def _complete(self) -> Segment:
        segment = Segment(self.done, self._found[::-1], reborn=self._next != self.done)
        self._found = []
        self.done = self._ends.pop()
        if self._ends:
            self._next = self._ends[-1]
        return segment


def batches(
    account: Account, segment: Segment, scanned_until: datetime | None, proof: str | None = None
) -> Iterator[Batch]:
    """Cut a segment into batches that the ledger takes, oldest first.

    `proof` is each batch's. `scanned_until` holds after the last of them; None: the segment is followed by others. A
    batch that is not the last is complete up to the chain time of its own last transaction: no later one is earlier.
    """
    cursor_from = segment.start
    transfers: list[Transfer] = []
    last = segment.entries[0]
    for entry in segment.entries:
        if transfers and len(transfers) + len(entry.transfers) > MAX_BATCH_TRANSFERS:
            yield Batch(account, tuple(transfers), str(cursor_from), str(last.at), moment(last.now), proof)
            cursor_from, transfers = last.at, []
        transfers += entry.transfers
        last = entry
    until = scanned_until or moment(last.now)
    yield Batch(account, tuple(transfers), str(cursor_from), str(last.at), until, proof)


def moment(unix_seconds: int) -> datetime:
    """Return chain time as the domain has it."""
    return datetime.fromtimestamp(unix_seconds, UTC)
