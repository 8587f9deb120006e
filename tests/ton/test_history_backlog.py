"""The backlog: whatever the lengths and wherever it is interrupted, each transfer comes once and in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.chain import MAX_BATCH_TRANSFERS, Account
from harvester.domain.errors import CursorConflict
from harvester.domain.payment import Transfer
from harvester_ton.history import BEGINNING, Backlog, Cursor, Entry, Segment, batches, moment, parse_cursor

ACCOUNT = Account("ton", "0:" + "ab" * 32, "0:" + "ab" * 32, "ton")
UNTIL = datetime(2030, 1, 1, tzinfo=UTC)


def history(counts: Sequence[int]) -> list[Entry]:
    """Return a history, oldest first, whose transactions bring these numbers of transfers."""
    entries: list[Entry] = []
    previous = BEGINNING
    for number, count in enumerate(counts, start=1):
        at = Cursor(number * 3, number.to_bytes(32))
        transfers = tuple(transfer(number, index) for index in range(count))
        entries.append(Entry(at, previous, 1_700_000_000 + number // 2, transfers))
        previous = at
    return entries


def transfer(number: int, index: int) -> Transfer:
    """Return transfer `index` of transaction `number`."""
    return Transfer(f"{number:064x}", index, "ton", 1, "0:" + "cd" * 32, moment(1_700_000_000 + number // 2))


@dataclass
class Server:
    """Gives pages as `read_page` returns them, of sizes that change."""

    entries: list[Entry]
    sizes: Sequence[int]
    asked: int = 0

    def page(self, first: Cursor, oldest: Cursor) -> Sequence[Entry]:
        size = self.sizes[self.asked % len(self.sizes)]
        self.asked += 1
        newest_first = [entry for entry in reversed(self.entries) if oldest.lt < entry.at.lt <= first.lt]
        return newest_first[:size]


class Killed(Exception):
    """The process ends here."""


class Book:
    """A ledger that is killed after so many batches, and checks that pieces join."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = str(cursor)
        self.transfers: list[Transfer] = []
        self.left = 0

    def record(self, segment: Segment, *, last: bool) -> None:
        for batch in batches(ACCOUNT, segment, UNTIL if last else None):
            if self.left == 0:
                raise Killed
            self.left -= 1
            if batch.cursor_from != self.cursor:
                raise CursorConflict
            self.cursor = batch.cursor_to
            self.transfers += batch.transfers


def read(server: Server, book: Book, segment: int) -> None:
    """Read everything that is new, as the watcher does."""
    backlog = Backlog(parse_cursor(book.cursor), server.entries[-1].at if server.entries else BEGINNING, segment)
    while (wanted := backlog.wanted) is not None:
        if (complete := backlog.take(server.page(wanted, backlog.done))) is not None:
            assert len(complete.entries) <= segment
            book.record(complete, last=backlog.wanted is None)


@given(
    counts=st.lists(st.integers(0, 3), max_size=120),
    already=st.integers(0, 120),
    sizes=st.lists(st.integers(1, 16), min_size=1, max_size=4),
    segment=st.integers(1, 40),
    lives=st.lists(st.integers(0, 6), max_size=6),
)
def test_every_transfer_comes_once_and_in_order_wherever_the_process_is_killed(
    counts: list[int], already: int, sizes: list[int], segment: int, lives: list[int]
) -> None:
    entries = history(counts)
    done = entries[: min(already, len(entries))]
    book = Book(done[-1].at if done else BEGINNING)
    server = Server(entries, sizes)
    for life in lives:
        book.left = life
        try:
            read(server, book, segment)
        except Killed:
            continue
    book.left = 10_000
    read(server, book, segment)
    expected = [transfer for entry in entries[len(done) :] for transfer in entry.transfers]
    assert book.transfers == expected
    assert book.cursor == str(entries[-1].at if entries else BEGINNING)


@given(
    counts=st.lists(st.sampled_from([0, 1, 257]), min_size=1, max_size=40),
)
def test_batches_are_cut_between_transactions_and_never_too_large(counts: list[int]) -> None:
    entries = history(counts)
    cut = list(batches(ACCOUNT, Segment(BEGINNING, entries, reborn=False), UNTIL))
    assert [transfer for batch in cut for transfer in batch.transfers] == [
        t for entry in entries for t in entry.transfers
    ]
    assert all(len(batch.transfers) <= MAX_BATCH_TRANSFERS for batch in cut)
    assert [batch.cursor_from for batch in cut] == [str(BEGINNING), *(batch.cursor_to for batch in cut[:-1])]
    ends = {str(entry.at): moment(entry.now) for entry in entries}
    assert [batch.scanned_until for batch in cut] == [*(ends[batch.cursor_to] for batch in cut[:-1]), UNTIL]
    seen_later: list[Transfer] = []
    for batch in reversed(cut[:-1]):
        following = cut[cut.index(batch) + 1]
        seen_later += following.transfers
        assert batch.scanned_until is not None
        assert all(transfer.time >= batch.scanned_until for transfer in seen_later)


def test_a_segment_that_others_follow_is_complete_up_to_its_last_transaction() -> None:
    entries = history([1] * 10)
    (batch,) = batches(ACCOUNT, Segment(BEGINNING, entries, reborn=False), None)
    assert batch.scanned_until == moment(entries[-1].now)


def test_a_backlog_keeps_one_segment_and_the_ends_of_the_others() -> None:
    entries = history([1] * 1_000)
    server = Server(entries, [16])
    backlog = Backlog(BEGINNING, entries[-1].at, segment=100)
    while (wanted := backlog.wanted) is not None:
        segment = backlog.take(server.page(wanted, backlog.done))
        assert len(backlog._found) < 100
        if segment is not None:
            assert len(segment.entries) == 100
    assert server.asked <= 2 * 1_000 // 16 + 3 * 10


def test_an_account_that_was_made_again_is_read_from_its_new_beginning() -> None:
    reborn = history([1, 1, 1])
    before = Cursor(2, b"\x77" * 32)
    backlog = Backlog(before, reborn[-1].at)
    segment = backlog.take(Server(reborn, [16]).page(reborn[-1].at, BEGINNING))
    assert segment == Segment(before, reborn, reborn=True)
    assert backlog.wanted is None


def test_nothing_new_is_nothing_to_read() -> None:
    assert Backlog(Cursor(5, b"\x01" * 32), Cursor(5, b"\x01" * 32)).wanted is None
    assert Backlog(BEGINNING, BEGINNING).wanted is None


@given(lt=st.integers(0, 2**64 - 1), tx_hash=st.binary(min_size=32, max_size=32))
def test_a_cursor_survives_being_written(lt: int, tx_hash: bytes) -> None:
    assert parse_cursor(str(Cursor(lt, tx_hash))) == Cursor(lt, tx_hash)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200])
def test_lengths_around_a_segment_are_read_whole(count: int) -> None:
    book = Book(BEGINNING)
    book.left = 1_000
    read(Server(history([1] * count), [16]), book, segment=100)
    assert len(book.transfers) == count
