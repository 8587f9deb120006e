"""`VERIFY=none`: lite servers are believed. What contradicts itself, or what was said before, is still refused."""

from collections.abc import Sequence

from harvester_ton import tl
from harvester_ton.errors import NodeUnwell
from harvester_ton.history import Cursor, Decode, Entry, moment, read_page
from harvester_ton.pool import Pool
from harvester_ton.shard_state import AccountAt, read_account_at
from harvester_ton.source import METHOD_TIMEOUT_SECS


class BelievingSource:
    """Implements `harvester_ton.source.Source`."""

    methods_proven = False

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newer(self, seqno: int) -> tl.BlockId:
        """See `Source`."""
        return await self._pool.newer(seqno)

    async def account_at(self, block: tl.BlockId, account: tl.AccountAddress, seen: AccountAt | None) -> AccountAt:
        """See `Source`."""

        def read(answer: bytes) -> AccountAt:
            at = read_account_at(tl.read_account_state(answer), block, account)
            if seen is not None and _goes_back(seen, at):
                raise NodeUnwell("answered with an account state that is older than one already seen")
            return at

        at = await self._pool.ask(tl.get_account_state(block, account), read, seqno=block.seqno)
        self._pool.confirm(block, moment(at.shard_time))
        return at

    async def page(self, account: tl.AccountAddress, first: Cursor, oldest: Cursor, decode: Decode) -> Sequence[Entry]:
        """See `Source`."""

        def read(answer: bytes) -> Sequence[Entry]:
            return read_page(tl.read_transactions(answer), account.raw, first, oldest, decode)

        return await self._pool.ask(tl.get_transactions(account, first.lt, first.hash), read)

    async def run_method(
        self, block: tl.BlockId, account: tl.AccountAddress, method_id: int, stack: bytes
    ) -> Sequence[tl.MethodResult]:
        """See `Source`. Two lite servers are asked where there are two."""
        query = tl.run_method(block, account, method_id, stack)
        return await self._pool.ask_two(
            query, tl.read_method_result, seqno=block.seqno, timeout_secs=METHOD_TIMEOUT_SECS
        )


def _goes_back(seen: AccountAt, at: AccountAt) -> bool:
    """Whether `at` is from before `seen`. An account that is gone is not: it was deleted."""
    return at.shard_time < seen.shard_time or 0 < at.last_lt < seen.last_lt
