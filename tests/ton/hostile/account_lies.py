"""Lies about the state of an account, under masterchain blocks that are real."""

from abc import abstractmethod
from dataclasses import replace

from harvester_ton.devnet.accounts import Address
from harvester_ton.devnet.blocks import Block
from harvester_ton.devnet.boc import read_boc, write_boc
from harvester_ton.devnet.cells import MERKLE_PROOF, MERKLE_UPDATE, PRUNED, Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.devnet.local import LocalTon
from harvester_ton.devnet.merkle import merkle_proof, tree_hashes
from harvester_ton.tl import (
    ACCOUNT_STATE,
    ERROR,
    GET_ACCOUNT_STATE,
    GET_TRANSACTIONS,
    AccountAddress,
    AccountState,
    encode_bytes,
    get_account_state,
    read_account_state,
)
from tests.ton.hostile.lies import BLOCK_BYTES, AnotherChain, Lie, honest_answer, id_of

_ACCOUNT_AT = 4 + BLOCK_BYTES


class StateLie(Lie):
    """Changes answers to `getAccountState` about one account."""

    def __init__(self, account: Address) -> None:
        super().__init__()
        self.account = AccountAddress(*account)

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        asked = question[:4] == GET_ACCOUNT_STATE and question[_ACCOUNT_AT:] == self.account.to_bytes()
        if not asked or honest[:4] == ERROR:
            return honest
        return write_account_state(self.change(read_account_state(honest)))

    @abstractmethod
    def change(self, honest: AccountState) -> AccountState:
        """Lie."""


def write_account_state(state: AccountState) -> bytes:
    """`liteServer.accountState`."""
    parts = (state.shard_proof, state.proof, state.state)
    return ACCOUNT_STATE + state.block.to_bytes() + state.shard_block.to_bytes() + b"".join(map(encode_bytes, parts))


class StateOfAnotherChain(AnotherChain):
    """State and history of one account are another chain's; everything else is honest."""

    def __init__(self, other: LocalTon, account: Address) -> None:
        super().__init__(other)
        self._account = AccountAddress(*account)

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        if question[:4] == GET_TRANSACTIONS and honest[:4] == ERROR:
            return self.there(question)
        asked = question[:4] == GET_ACCOUNT_STATE and question[_ACCOUNT_AT:] == self._account.to_bytes()
        if not asked or honest[:4] == ERROR:
            return honest
        theirs = self.there(get_account_state(id_of(self.other, self.other.seqno), self._account))
        return write_account_state(self.change(read_account_state(honest), read_account_state(theirs)))

    @abstractmethod
    def change(self, honest: AccountState, theirs: AccountState) -> AccountState:
        """Make the honest answer look like theirs, or theirs like an honest one."""


class ForgedState(StateOfAnotherChain):
    """Hole 3: the state of another chain under the real shard block, whose Merkle update says one hash in its data and
    leads to another one."""

    def __init__(self, other: LocalTon, account: Address, ton: LocalTon) -> None:
        super().__init__(other, account)
        self._ton = ton

    def change(self, honest: AccountState, theirs: AccountState) -> AccountState:
        """See `StateOfAnotherChain`."""
        state_proof = read_boc(theirs.proof)[1]
        block = self._ton.chain.heights[honest.shard_block.seqno].shard
        proof = write_boc([header_with(block, state_proof.refs[0]), state_proof])
        return replace(honest, proof=proof, state=theirs.state)


def header_with(block: Block, state: Cell) -> Cell:
    """A Merkle proof of a block in which the new state of the update seems to be `state`, a tree shown by a proof.

    What the update's hash covers is the child at level 1: that is the real one's. What reads the child at level 0
    reads `state`.
    """
    root = block.root
    update = root.refs[2]
    real = update.refs[1]
    data = bytes((PRUNED, 0b11)) + state.level_hash(0) + real.level_hash(1)
    data += state.level_depth(0).to_bytes(2) + real.level_depth(1).to_bytes(2)
    child = Cell(data, 8 * len(data), (), PRUNED)
    forged = Cell(update.data, update.bits, (update.refs[0], child), MERKLE_UPDATE)
    honest = merkle_proof(root, {root.hash, update.hash} | tree_hashes(root.refs[0])).refs[0]
    shown = Cell(honest.data, honest.bits, (*honest.refs[:2], forged, honest.refs[3]))
    data = bytes((MERKLE_PROOF,)) + root.hash + root.depths[-1].to_bytes(2)
    return Cell(data, 8 * len(data), (shown,), MERKLE_PROOF)


class NoAccount(StateLie):
    """Hole 4: there is no such account, says a server, and proves nothing."""

    def change(self, honest: AccountState) -> AccountState:
        """See `StateLie`."""
        return replace(honest, shard_proof=b"", proof=b"", state=b"")


class NoAccountBesideItsProof(StateLie):
    """Hole 4 again: no state, beside a proof that there is one."""

    def change(self, honest: AccountState) -> AccountState:
        """See `StateLie`."""
        return replace(honest, state=b"")


class MasterchainAccount(StateLie):
    """Hole 5: the masterchain's account with the same hash part, proven from the masterchain's own state."""

    def __init__(self, ton: LocalTon, account: Address, accounts: HashMap) -> None:
        super().__init__(account)
        self._ton, self._accounts = ton, accounts

    def change(self, honest: AccountState) -> AccountState:
        """See `StateLie`."""
        master = self._ton.chain.heights[honest.block.seqno].master
        path = self._accounts.path(int.from_bytes(self.account.hash_part))
        shown = {master.state.hash, master.state.refs[1].hash} | {cell.hash for cell in path}
        proof = write_boc([master.state_proof, merkle_proof(master.state, shown)])
        state = write_boc(path[-1].refs[0])
        return AccountState(honest.block, honest.block, b"", proof, state)


class OldAnswer(StateLie):
    """The honest answer to the same question about the block that is the newest when the lie is made."""

    def __init__(self, ton: LocalTon, account: Address) -> None:
        super().__init__(account)
        self._old = read_account_state(honest_answer(ton, get_account_state(id_of(ton, ton.seqno), self.account)))

    def change(self, honest: AccountState) -> AccountState:
        """See `StateLie`."""
        del honest
        return self._old


class OldState(OldAnswer):
    """The account as of an earlier block, said to be that of the block that was asked for."""

    def change(self, honest: AccountState) -> AccountState:
        """See `StateLie`."""
        return replace(self._old, block=honest.block)


class OldStateUnderTheNewShardBlock(OldAnswer):
    """The account as of an earlier block, the shard block being renamed too."""

    def change(self, honest: AccountState) -> AccountState:
        """See `StateLie`."""
        return replace(honest, proof=self._old.proof, state=self._old.state)


class AnotherAccount(StateLie):
    """State and proof of another account of the same block."""

    def __init__(self, ton: LocalTon, account: Address, shown: Address) -> None:
        super().__init__(account)
        self._ton, self._shown = ton, AccountAddress(*shown)

    def change(self, honest: AccountState) -> AccountState:
        """See `StateLie`."""
        return read_account_state(honest_answer(self._ton, get_account_state(honest.block, self._shown)))


class AnotherShardBlock(StateOfAnotherChain):
    """Hole 9: a real masterchain block, and shards of another chain: shard block, state and history, each proven."""

    def change(self, honest: AccountState, theirs: AccountState) -> AccountState:
        """See `StateOfAnotherChain`."""
        return replace(theirs, block=honest.block)


class SharedCells(StateLie):
    """Hole 12: a state of 200 cells, each of which holds the next one twice: as a tree it is larger than the world."""

    def change(self, honest: AccountState) -> AccountState:
        """See `StateLie`."""
        return replace(honest, state=write_boc(unfolding(200)))


def unfolding(depth: int) -> Cell:
    """A cell that unfolds to 2 to the power of `depth` cells."""
    cell = Builder().uint(0, 64).end()
    for _ in range(depth):
        cell = Builder().uint(0, 64).ref(cell).ref(cell).end()
    return cell
