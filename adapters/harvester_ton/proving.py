"""`VERIFY=proofs`: only what is proven from the chain of trust is a fact (`harvester_ton.verification`)."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import structlog

from harvester.domain.errors import ChainUnavailable
from harvester_ton import tl
from harvester_ton.cells import Cell
from harvester_ton.errors import LiteServerError, NodeRefused
from harvester_ton.history import Cursor, Decode, Entry, decode_transaction, moment
from harvester_ton.metrics import TonMetrics
from harvester_ton.node import Node
from harvester_ton.pool import Pool
from harvester_ton.shard_state import AccountAt
from harvester_ton.source import METHOD_TIMEOUT_SECS
from harvester_ton.trust import ChainOfTrust
from harvester_ton.tvm import Contract, MethodFailed, TvmUnavailable
from harvester_ton.tvm_process import run_method_apart
from harvester_ton.verification import (
    AccountState,
    Page,
    Position,
    ProvenTransaction,
    Reason,
    Refused,
    Status,
    libraries_of,
    newer_than,
    verify_account_state,
    verify_libraries,
    verify_transactions,
    verify_whole_config,
)

PAGE_SIZES: Final = (tl.MAX_PAGE, 4, 1)
"""How many transactions are asked for: fewer where they are too large to be read in one answer."""
MAX_LIBRARIES: Final = 8
"""Of one contract."""
LIBRARY_MISSING: Final = 0
"""Code of the refusal that a lite server could have sent instead of an answer without a library."""
NO_CONTRACT: Final = -256
"""Exit code that a lite server gives where no contract is."""

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class ProvingSource:
    """Implements `harvester_ton.source.Source`."""

    def __init__(self, pool: Pool, trust: ChainOfTrust, metrics: TonMetrics) -> None:
        self._pool = pool
        self._trust = trust
        self._metrics = metrics
        self.methods_proven = True
        """Until it turns out that no TVM runs here."""
        self._asked: set[tl.AccountAddress] = set()
        """Accounts that were asked about since the last look ahead."""
        self._ahead: dict[tuple[tl.BlockId, tl.AccountAddress], AccountState] = {}
        """Proven as of blocks that were not proven yet."""
        trust.look_ahead = self._look_ahead

    async def newer(self, seqno: int) -> tl.BlockId:
        """See `Source`. The block is proven."""
        return await self._trust.newer(seqno)

    async def account_at(self, block: tl.BlockId, account: tl.AccountAddress, seen: AccountAt | None) -> AccountAt:
        """See `Source`. What is proven at a later block is never from before `seen`."""
        del seen
        self._asked.add(account)
        state = self._ahead.pop((block, account), None) or await self._account(block, account)
        self._pool.confirm(block, moment(state.gen_utime))
        active, proof = state.content.status is Status.ACTIVE, proof_of(block, state.shard_block)
        return AccountAt(state.last_trans_lt, state.last_trans_hash, active, state.gen_utime, proof)

    async def page(self, account: tl.AccountAddress, first: Cursor, oldest: Cursor, decode: Decode) -> Sequence[Entry]:
        """See `Source`. A history that passes `oldest` by is no fault of a lite server: it is proven."""
        page = await self._page(account, Position(first.lt, first.hash))
        try:
            newer = newer_than(page, Position(oldest.lt, oldest.hash))
        except Refused as refusal:
            self._metrics.proof_checks.labels(refusal.reason).inc()
            raise ChainUnavailable(f"the stored cursor {oldest} is not in the account's history: {refusal}") from None
        return [_entry(transaction, account.raw, decode) for transaction in newer.transactions]

    async def run_method(
        self, block: tl.BlockId, account: tl.AccountAddress, method_id: int, stack: bytes
    ) -> Sequence[tl.MethodResult]:
        """See `Source`. It runs here, or else two lite servers must be asked, and `methods_proven` is False."""
        try:
            results = [await self._run_here(block, account, method_id, stack)]
        except TvmUnavailable as error:
            if self.methods_proven:
                _log.warning("A get-method cannot be run here; lite servers are asked", reason=str(error))
            self.methods_proven = False
            return await self._ask_two(block, account, method_id, stack)
        self.methods_proven = True
        return results

    async def _run_here(
        self, block: tl.BlockId, account: tl.AccountAddress, method_id: int, stack: bytes
    ) -> tl.MethodResult:
        state = await self._account(block, account)
        code, data = state.content.code, state.content.data
        if code is None or data is None:
            return tl.MethodResult(block, NO_CONTRACT, b"")
        config = await self._ask(tl.get_config_all(block), partial(verify_whole_config, block), block.seqno)
        libraries = await self._libraries(code, data)
        contract = Contract(account.raw, code, data, state.content.balance_nano, libraries, config, state.gen_utime)
        try:
            exit_code, result = await run_method_apart(contract, method_id, stack)
        except MethodFailed as error:
            raise ChainUnavailable(f"a get-method of {account.raw} cannot run: {error}") from None
        return tl.MethodResult(block, exit_code, result)

    async def _libraries(self, *roots: Cell) -> dict[bytes, Cell]:
        """Return the libraries that these cells name, and those that these name, as far as the masterchain has them."""
        found: dict[bytes, Cell] = {}
        asked: list[bytes] = []
        while len(asked) < MAX_LIBRARIES:
            wanted = [name for name in libraries_of(*roots, *found.values()) if name not in asked]
            if not wanted:
                break
            wanted = wanted[: MAX_LIBRARIES - len(asked)]
            asked += wanted
            found |= await self._given(wanted)
        return found

    async def _given(self, wanted: Sequence[bytes]) -> dict[bytes, Cell]:
        """Return those libraries that any lite server gives. A missing one proves nothing: the others are asked."""
        found: dict[bytes, Cell] = {}

        def read(answer: bytes) -> None:
            found.update(verify_libraries(wanted, answer))
            if len(found) < len(wanted):
                raise NodeRefused(LIBRARY_MISSING, "does not give every library")

        with suppress(NodeRefused):  # nobody has the rest: the method says whether it needs them
            await self._ask(tl.get_libraries(wanted), read)
        return found

    async def _ask_two(
        self, block: tl.BlockId, account: tl.AccountAddress, method_id: int, stack: bytes
    ) -> Sequence[tl.MethodResult]:
        query = tl.run_method(block, account, method_id, stack)
        results = await self._pool.ask_two(
            query, tl.read_method_result, seqno=block.seqno, timeout_secs=METHOD_TIMEOUT_SECS
        )
        if len(results) < 2:
            raise ChainUnavailable("without a TVM (PyPI pytvm) two lite servers must name the jetton wallet, one did")
        return results

    async def _look_ahead(self, node: Node, block: tl.BlockId) -> None:
        """Ask about the accounts at a block that `node` has named, while the proof of the block is on its way."""
        accounts, self._asked, self._ahead = self._asked, set(), {}
        async with asyncio.TaskGroup() as group:
            for account in accounts:
                group.create_task(self._look_at(node, block, account), name=f"look at {account.raw}")

    async def _look_at(self, node: Node, block: tl.BlockId, account: tl.AccountAddress) -> None:
        query, read = tl.get_account_state(block, account), partial(verify_account_state, block, account)
        try:
            self._ahead[block, account] = await node.ask(query, read)
        except LiteServerError:
            return  # the fault is noted with the server; the account is asked about again
        self._metrics.proof_checks.labels("ok").inc()

    async def _account(self, block: tl.BlockId, account: tl.AccountAddress) -> AccountState:
        query = tl.get_account_state(block, account)
        return await self._ask(query, partial(verify_account_state, block, account), block.seqno)

    async def _page(self, account: tl.AccountAddress, start: Position) -> Page:
        for count in PAGE_SIZES:

            def read(answer: bytes, count: int = count) -> Page | None:
                try:
                    return verify_transactions(account, start, answer)
                except Refused as refusal:
                    if refusal.reason is Reason.TOO_LARGE and count > 1:
                        return None
                    raise

            page = await self._ask(tl.get_transactions(account, start.lt, start.hash, count), read)
            if page is not None:
                return page
        raise ChainUnavailable(f"transaction {start.lt} is larger than any can be")

    async def _ask(self, query: bytes, read: Callable[[bytes], _T], seqno: int = 0) -> _T:
        value = await self._pool.ask(query, read, seqno=seqno)
        self._metrics.proof_checks.labels("ok").inc()
        return value


def _entry(transaction: ProvenTransaction, account: str, decode: Decode) -> Entry:
    head = transaction.head
    at, previous = Cursor(head.lt, head.hash), Cursor(head.prev_trans_lt, head.prev_trans_hash)
    return Entry(at, previous, head.now, decode_transaction(transaction.root, at, account, decode))


def proof_of(masterchain_block: tl.BlockId, shard_block: tl.BlockId) -> str:
    """Return `Batch.proof`: the block that validators signed, and the shard block proven from it, as JSON objects."""
    return json.dumps({"masterchain_block": block_object(masterchain_block), "shard_block": block_object(shard_block)})


def block_object(block: tl.BlockId) -> dict[str, object]:
    """Return the full name of a block as people and explorers write it: shard and hashes in hex."""
    return {
        "workchain": block.workchain,
        "shard": f"{block.shard:016x}",
        "seqno": block.seqno,
        "root_hash": block.root_hash.hex(),
        "file_hash": block.file_hash.hex(),
    }
