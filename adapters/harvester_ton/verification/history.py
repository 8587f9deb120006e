"""The transactions of an account, from its proven last one down to where it was read before."""

from dataclasses import dataclass
from typing import Final

from harvester_ton.cells import Cell
from harvester_ton.tl import AccountAddress, BlockId
from harvester_ton.transaction import TransactionHead, read_head
from harvester_ton.verification.answers import read_transaction_list
from harvester_ton.verification.limits import MAX_STATE_CELLS, read_bag
from harvester_ton.verification.refusal import Reason, Refused, reading

_WHAT: Final = "transactions"


@dataclass(frozen=True, slots=True)
class ProvenTransaction:
    """A transaction whose hash is proven, and with it every bit of it: its root is ordinary and of level 0."""

    head: TransactionHead
    root: Cell


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an account's history: a transaction by lt and hash. Lt 0 is the place before the first one."""

    lt: int
    hash: bytes


BEGINNING: Final = Position(0, bytes(32))


@dataclass(frozen=True, slots=True)
class Page:
    """Proven transactions, newest first."""

    transactions: tuple[ProvenTransaction, ...]
    next: Position
    """Where the next page starts. Proven like the transactions are."""


def verify_transactions(account: AccountAddress, start: Position, answer: bytes) -> Page:
    """Return what the answer to `getTransactions` from a proven position backwards proves.

    Rules: at least one; the first is the one at `start`, each further one that which the one before names, by hash and
    by lt; lt strictly falls; each is of level 0, and of this account. Source: `TransactionList::validate` in
    crypto/block/check-proof.cpp. A short page is no fault: `next` says where to go on. TOO_LARGE: ask for fewer.
    """
    blocks, data = read_transaction_list(answer)
    if not blocks:
        raise Refused(Reason.NO_STEPS, f"{_WHAT}: none, where at least one is proven to be")
    roots = read_bag(data, _WHAT, MAX_STATE_CELLS)
    if len(roots) != len(blocks):
        raise Refused(Reason.MALFORMED, f"{_WHAT}: {len(roots)} of them in {len(blocks)} blocks")
    found, position = [], start
    for root, block in zip(roots, blocks, strict=True):
        found.append(_verify_one(root, block, position, account))
        position = Position(found[-1].head.prev_trans_lt, found[-1].head.prev_trans_hash)
    return Page(tuple(found), position)


def _verify_one(root: Cell, block: BlockId, position: Position, account: AccountAddress) -> ProvenTransaction:
    if root.level_mask:
        raise Refused(Reason.HIDDEN, f"{_WHAT}: pruned branches in one")
    if root.hash != position.hash:
        raise Refused(Reason.BROKEN_CHAIN, f"{_WHAT}: not the one with lt {position.lt} that comes next")
    with reading(_WHAT):
        head = read_head(root, f"{account.workchain}:{account.hash_part.hex()}")
    if head.lt != position.lt or head.prev_trans_lt >= head.lt:
        raise Refused(Reason.BROKEN_CHAIN, f"{_WHAT}: the one with lt {head.lt} stands out of order")
    if not _covers(block, account):
        raise Refused(Reason.OTHER_QUESTION, f"{_WHAT}: from a shard that the account is not in")
    return ProvenTransaction(head, root)


def _covers(block: BlockId, account: AccountAddress) -> bool:
    """Whether the account is in the shard of the block in which the server says that a transaction is.

    The shard's prefix is what stands above its lowest set bit. The rest of the block's id is not proven, and not used.
    """
    end_bit = block.shard & -block.shard
    differing = int.from_bytes(account.hash_part[:8]) ^ block.shard
    return block.workchain == account.workchain and end_bit > 0 and not differing & -(end_bit << 1) & ((1 << 64) - 1)


@dataclass(frozen=True, slots=True)
class Newer:
    """The part of a page that is newer than what was read before."""

    transactions: tuple[ProvenTransaction, ...]
    """Newest first."""
    complete: bool
    """Nothing lies between these and what was read before."""
    restarted: bool
    """The history begins after what was read before: the account was deleted, and made anew since."""


def newer_than(page: Page, cursor: Position) -> Newer:
    """Return what of a proven page comes after `cursor`, the last transaction read before (BEGINNING: none was).

    Rule: the way down ends at exactly the cursor, lt and hash; a history that passes it by contradicts what was
    proven before. It may begin anew above the cursor, which only the account's deletion can cause.
    """
    newer = tuple(transaction for transaction in page.transactions if transaction.head.lt > cursor.lt)
    below = page.next
    if len(newer) < len(page.transactions):
        head = page.transactions[len(newer)].head
        below = Position(head.lt, head.hash)
    if below.lt > cursor.lt:
        return Newer(newer, complete=False, restarted=False)
    if below == cursor or not cursor.lt:
        return Newer(newer, complete=True, restarted=False)
    if not below.lt:
        return Newer(newer, complete=True, restarted=True)
    raise Refused(Reason.CONTRADICTION, f"{_WHAT}: the history passes by the transaction with lt {cursor.lt}")
