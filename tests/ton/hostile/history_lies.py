"""Lies about the history of an account whose state is real."""

from collections.abc import Callable, Sequence

from harvester_ton.devnet.accounts import Address
from harvester_ton.devnet.boc import pruned_branch, read_boc, write_boc
from harvester_ton.devnet.cells import Cell
from harvester_ton.devnet.local import LocalTon
from harvester_ton.tl import ERROR, GET_TRANSACTIONS, TRANSACTION_LIST, AccountAddress, encode_bytes, read_transactions
from tests.ton.hostile.lies import Lie

Change = Callable[[list[Cell]], Sequence[Cell]]


class HistoryLie(Lie):
    """Changes pages of one account's history that have at least `least` transactions."""

    def __init__(self, account: Address, change: Change, least: int = 1) -> None:
        super().__init__()
        self._account, self._change, self._least = AccountAddress(*account).to_bytes(), change, least

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        if question[:4] != GET_TRANSACTIONS or honest[:4] == ERROR or self._account not in question:
            return honest
        page = read_transactions(honest)
        if len(page.blocks) < self._least:
            return honest
        roots = list(self._change(read_boc(page.boc)))
        blocks = [page.blocks[min(index, len(page.blocks) - 1)].to_bytes() for index in range(len(roots))]
        head = TRANSACTION_LIST + len(roots).to_bytes(4, "little")
        return head + b"".join(blocks) + encode_bytes(write_boc(roots) if roots else b"")


def without_one(page: list[Cell]) -> Sequence[Cell]:
    """Hole 10: the second newest is missing."""
    return [page[0], *page[2:]]


def without_the_newest(page: list[Cell]) -> Sequence[Cell]:
    """The page starts one too late."""
    return page[1:]


def only_the_newest(page: list[Cell]) -> Sequence[Cell]:
    """Hole 10 again, and honest: fewer than were asked for."""
    return page[:1]


def empty(_page: list[Cell]) -> Sequence[Cell]:
    """Hole 10 at its worst: nothing, where something is."""
    return []


def doubled(page: list[Cell]) -> Sequence[Cell]:
    """The newest comes twice."""
    return [page[0], *page]


def swapped(page: list[Cell]) -> Sequence[Cell]:
    """The two newest change places."""
    return [page[1], page[0], *page[2:]]


def reversed_(page: list[Cell]) -> Sequence[Cell]:
    """Oldest first."""
    return page[::-1]


def with_messages_pruned(page: list[Cell]) -> Sequence[Cell]:
    """Hole 6: what transactions sent is pruned away, with it the notification of a jetton wallet."""
    return [_without_out_messages(root) for root in page]


def _without_out_messages(root: Cell) -> Cell:
    messages = root.refs[0]
    if len(messages.refs) < 2:
        return root
    cut = Cell(messages.data, messages.bits, (messages.refs[0], pruned_branch(messages.refs[1])))
    return Cell(root.data, root.bits, (cut, *root.refs[1:]))


def with_comment_pruned(page: list[Cell]) -> Sequence[Cell]:
    """Hole 6 again: the body of the message that came is pruned away, with it what it paid for."""
    return [_without_body(root) for root in page]


def _without_body(root: Cell) -> Cell:
    messages = root.refs[0]
    came = messages.refs[0]
    if not came.refs:
        return root
    came = Cell(came.data, came.bits, (*came.refs[:-1], pruned_branch(came.refs[-1])))
    cut = Cell(messages.data, messages.bits, (came, *messages.refs[1:]))
    return Cell(root.data, root.bits, (cut, *root.refs[1:]))


def with_a_foreign_one(ton: LocalTon, account: Address) -> Change:
    """After the newest comes the newest of another account."""
    newest = ton.account(account).last[0]

    def change(page: list[Cell]) -> Sequence[Cell]:
        transaction = ton.account(account).by_lt[newest]
        block = ton.chain.heights[transaction.seqno].shard
        return [page[0], find(block.root, transaction.hash), *page[1:]]

    return change


def find(root: Cell, wanted: bytes) -> Cell:
    """The cell of a tree with this hash."""
    todo, seen = [root], set[bytes]()
    while todo:
        cell = todo.pop()
        if cell.hash == wanted:
            return cell
        todo += [ref for ref in cell.refs if ref.hash not in seen]
        seen.add(cell.hash)
    raise LookupError(wanted.hex())
