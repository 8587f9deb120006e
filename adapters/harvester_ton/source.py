"""Where the scan of an account gets its facts: one flow, two ways of knowing (`VERIFY`).

`ProvingSource` believes nothing it cannot prove, `BelievingSource` believes what a lite server says as long as it does
not contradict itself. Whoever scans does not know which of them it has.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from harvester_ton import tl
from harvester_ton.history import Cursor, Decode, Entry
from harvester_ton.shard_state import AccountAt

METHOD_TIMEOUT_SECS: Final = 10.0


class Source(Protocol):
    """What is known of the chain. All methods raise ChainUnavailable while it cannot be known."""

    @property
    def methods_proven(self) -> bool:
        """Whether results of get-methods are more than the word of lite servers."""
        ...

    async def newer(self, seqno: int) -> tl.BlockId:
        """Wait for a masterchain block after `seqno` and return the newest."""
        ...

    async def account_at(self, block: tl.BlockId, account: tl.AccountAddress, seen: AccountAt | None) -> AccountAt:
        """Return where `account` stands at `block`, which `newer` has returned; `seen` is where it stood before."""
        ...

    async def page(self, account: tl.AccountAddress, first: Cursor, oldest: Cursor, decode: Decode) -> Sequence[Entry]:
        """Return `first` and transactions before it, newest first, that are newer than `oldest`; at least one.

        `first` comes from an account that this source has shown, or from a transaction that it has.
        UnreadableTransaction: `decode` cannot read one of them.
        """
        ...

    async def run_method(
        self, block: tl.BlockId, account: tl.AccountAddress, method_id: int, stack: bytes
    ) -> Sequence[tl.MethodResult]:
        """Return what the get-method gives at `block`; several where several lite servers were asked.

        `stack` is a bag of cells with a `VmStack`.
        """
        ...
