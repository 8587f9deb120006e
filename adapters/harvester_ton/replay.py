"""Verifying a recorded session with a lite server as the daemon would have: what it proves, and what is refused.

Each answer counts as the answer to its recorded question, in order, from the block that the session's network config
trusts. Block proofs come first, because what is asked about a block may stand before the proof of that block. Nothing
of a session is believed: tampered ones are tried on purpose, and end in refusals, never in an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harvester_ton import tl
from harvester_ton.cells import CellError
from harvester_ton.errors import NodeRefused, NodeUnwell
from harvester_ton.proving import block_object
from harvester_ton.replay_session import Exchange, Question
from harvester_ton.verification import (
    BEGINNING,
    AccountState,
    Position,
    Reason,
    Refused,
    TrustedBlock,
    start_from,
    verify_account_state,
    verify_all_shards,
    verify_block_proof,
    verify_config,
    verify_libraries,
    verify_transactions,
    verify_whole_config,
)
from harvester_ton.verification.answers import read_announcement, read_block_proof
from harvester_ton.verification.blocks import is_masterchain
from harvester_ton.verification.tl_values import Values
from harvester_ton.verification.witnesses import (
    verify_block_header,
    verify_one_transaction,
    verify_shard_block_proof,
)

INCOMPLETE: Final = "incomplete"
"""A page of history is shorter than asked for, and nobody asked what comes before it."""
NOT_SHOWN: Final = "not_shown"
"""The session proves nothing about the account in question."""
_MAX_WANTED: Final = 1000


@dataclass(frozen=True, slots=True)
class _Page:
    exchange: Exchange
    account: tl.AccountAddress
    next: Position


@dataclass
class Replay:
    """Takes the exchanges of one session. `account`: whose state and history alone are looked at; None: everybody's."""

    trusted: TrustedBlock
    account: tl.AccountAddress | None = None
    refused: list[dict[str, object]] = field(default_factory=list)
    blocks: dict[int, tl.BlockId] = field(default_factory=dict)
    """All proven masterchain blocks, by seqno."""
    key_blocks: set[tl.BlockId] = field(default_factory=set)
    states: dict[tl.AccountAddress, tuple[tl.BlockId, AccountState]] = field(default_factory=dict)
    places: set[tuple[tl.AccountAddress, Position]] = field(default_factory=set)
    """Where a page of history may start: each proven."""
    transactions: set[tuple[tl.AccountAddress, Position]] = field(default_factory=set)
    _short: list[_Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._take_block(self.trusted)

    def run(self, exchanges: list[Exchange]) -> None:
        """Verify them all."""
        for exchange in sorted(exchanges, key=lambda exchange: exchange.question is not Question.BLOCK_PROOF):
            self._try(exchange)
        self._check_ends()

    def refuse(self, number: int | None, name: str | None, reason: str, message: str) -> None:
        """Note a refusal."""
        self.refused.append(refusal(number, name, reason, message))

    def report(self) -> dict[str, object]:
        """Return what was proven, and what was refused, for printing as JSON."""
        accounts = {account.raw: _describe(block, state) for account, (block, state) in self.states.items()}
        proven = {
            "masterchain_seqno": max(self.blocks),
            "accounts": accounts,
            "transactions": len(self.transactions),
        }
        return {"proven": proven, "refused": self.refused}

    def _try(self, exchange: Exchange) -> None:
        handle = _HANDLERS.get(exchange.question)
        if handle is None:
            return
        try:
            tl.raise_refusal(exchange.answer)
            values = Values(exchange.arguments, "question")
            handle(self, exchange, values)
        except Refused as error:
            self.refuse(exchange.number, exchange.name, error.reason, str(error))
        except (NodeRefused, NodeUnwell, CellError) as error:
            self.refuse(exchange.number, exchange.name, Reason.MALFORMED, str(error))

    def _announcement(self, exchange: Exchange, values: Values) -> None:
        values.end()
        self._not_contradicted(read_announcement(exchange.answer))

    def _block_proof(self, exchange: Exchange, values: Values) -> None:
        mode, known = values.uint32(), values.block_id()
        target = values.block_id() if mode & 1 else read_block_proof(exchange.answer).to
        values.end()
        if known == self.trusted.key_block and target.seqno > self.trusted.block.seqno:
            for block in verify_block_proof(self.trusted, target, exchange.answer).blocks:
                self._take_block(block)
            return
        if known not in self.key_blocks:
            raise Refused(Reason.UNPROVEN, f"block proof: from block {known.seqno}, which nothing proves")
        again = verify_block_proof(start_from(known), target, exchange.answer).blocks[-1]
        if self.blocks.get(again.block.seqno) != again.block:
            raise Refused(
                Reason.BACKWARD, f"block proof: to new block {again.block.seqno}, but not from the newest key block"
            )

    def _take_block(self, trusted: TrustedBlock) -> None:
        self.trusted = trusted
        self.blocks[trusted.block.seqno] = trusted.block
        if trusted.block == trusted.key_block:
            self.key_blocks.add(trusted.block)

    def _proven(self, block: tl.BlockId) -> tl.BlockId:
        if self.blocks.get(block.seqno) != block:
            raise Refused(Reason.UNPROVEN, f"as of block {block.seqno}, which nothing proves")
        return block

    def _not_contradicted(self, block: tl.BlockId) -> tl.BlockId:
        """Return the block, which need not be proven, but may be no other than the proven one of its number."""
        if is_masterchain(block) and self.blocks.get(block.seqno, block) != block:
            raise Refused(Reason.CONTRADICTION, f"names another block {block.seqno} than the proven one")
        return block

    def _account_state(self, exchange: Exchange, values: Values) -> None:
        block, account = values.block_id(), _account(values)
        values.end()
        if self.account in (None, account):
            state = verify_account_state(self._proven(block), account, exchange.answer)
            self.places.add((account, Position(state.last_trans_lt, state.last_trans_hash)))
            if account not in self.states or self.states[account][0].seqno <= block.seqno:
                self.states[account] = block, state

    def _history(self, exchange: Exchange, values: Values) -> None:
        count, account = values.uint32(), _account(values)
        start = Position(int.from_bytes(values.take(8), "little"), values.int256())
        values.end()
        if self.account not in (None, account):
            return
        if (account, start) not in self.places:
            raise Refused(Reason.UNPROVEN, f"transactions: from the one with lt {start.lt} on, which nothing proves")
        page = verify_transactions(account, start, exchange.answer)
        found = {(account, Position(each.head.lt, each.head.hash)) for each in page.transactions}
        self.transactions |= found
        self.places |= {*found, (account, page.next)}
        if len(page.transactions) < min(count, tl.MAX_PAGE) and page.next != BEGINNING:
            self._short.append(_Page(exchange, account, page.next))

    def _check_ends(self) -> None:
        for page in self._short:
            if (page.account, page.next) not in self.transactions:
                text = f"transactions: fewer than asked for, and those before lt {page.next.lt} are not shown"
                self.refuse(page.exchange.number, page.exchange.name, INCOMPLETE, text)
        if self.account is not None and self.account not in self.states:
            self.refuse(None, None, NOT_SHOWN, f"the session proves nothing about {self.account.raw}")

    def _shards(self, exchange: Exchange, values: Values) -> None:
        block = values.block_id()
        values.end()
        verify_all_shards(self._proven(block), exchange.answer)

    def _header(self, exchange: Exchange, values: Values) -> None:
        block = values.block_id()
        values.uint32()
        values.end()
        verify_block_header(self._not_contradicted(block), exchange.answer)

    def _shard_block(self, exchange: Exchange, values: Values) -> None:
        block = values.block_id()
        values.end()
        self._proven(verify_shard_block_proof(block, exchange.answer))

    def _transaction(self, exchange: Exchange, values: Values) -> None:
        block, account = values.block_id(), _account(values)
        lt = int.from_bytes(values.take(8), "little")
        values.end()
        verify_one_transaction(block, account, lt, exchange.answer)

    def _config(self, exchange: Exchange, values: Values) -> None:
        values.take(4)
        block = values.block_id()
        if exchange.question is Question.WHOLE_CONFIG:
            values.end()
            verify_whole_config(self._proven(block), exchange.answer)
            return
        wanted = values.vector(_MAX_WANTED, Values.uint32)
        values.end()
        verify_config(self._proven(block), wanted, exchange.answer)

    def _libraries(self, exchange: Exchange, values: Values) -> None:
        wanted = values.vector(_MAX_WANTED, Values.int256)
        values.end()
        verify_libraries(wanted, exchange.answer)


def refusal(number: int | None, name: str | None, reason: str, message: str) -> dict[str, object]:
    """Return a refused exchange as the report has it; `number` None: it is about the whole session."""
    return {"n": number, "name": name, "reason": reason, "message": message}


def _account(values: Values) -> tl.AccountAddress:
    return tl.AccountAddress(int.from_bytes(values.take(4), "little", signed=True), values.int256())


def _describe(block: tl.BlockId, state: AccountState) -> dict[str, object]:
    return {
        "status": state.content.status.value,
        "balance_nano": str(state.content.balance_nano),
        "last_trans_lt": str(state.last_trans_lt),
        "last_trans_hash": state.last_trans_hash.hex(),
        "masterchain_block": block_object(block),
        "shard_block": block_object(state.shard_block),
    }


_HANDLERS: Final[Mapping[Question, Callable[[Replay, Exchange, Values], Any]]] = {
    Question.ANNOUNCEMENT: Replay._announcement,  # noqa: SLF001 # its own table
    Question.BLOCK_PROOF: Replay._block_proof,  # noqa: SLF001
    Question.ACCOUNT_STATE: Replay._account_state,  # noqa: SLF001
    Question.HISTORY: Replay._history,  # noqa: SLF001
    Question.ALL_SHARDS: Replay._shards,  # noqa: SLF001
    Question.HEADER: Replay._header,  # noqa: SLF001
    Question.SHARD_BLOCK_PROOF: Replay._shard_block,  # noqa: SLF001
    Question.ONE_TRANSACTION: Replay._transaction,  # noqa: SLF001
    Question.CONFIG: Replay._config,  # noqa: SLF001
    Question.WHOLE_CONFIG: Replay._config,  # noqa: SLF001
    Question.LIBRARIES: Replay._libraries,  # noqa: SLF001
}
