"""The chain: accounts, messages, logical time and blocks. No network, no tasks; one caller at a time.

Every block delivers what is waiting: external messages in the order they came, then the internal messages they
caused, in order, up to the block's limit; the rest waits for the next block. Shard block n and masterchain block n
are made together.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable

from harvester_ton.devnet import blocks, proofs
from harvester_ton.devnet.accounts import Account, Address, Transaction
from harvester_ton.devnet.blocks import ACCOUNTS, CURRENCY, Block, Header, McExtra
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.delivery import Delivery, Mail, Trace
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.devnet.heights import Height
from harvester_ton.devnet.signatures import SignatureForm
from harvester_ton.devnet.tvm import Tvm
from harvester_ton.devnet.validators import ValidatorSet, with_validators

_CONFIG_ADDRESS = b"\x55" * 32


class Chain:
    """A base workchain with one shard and a masterchain over it. `clock` gives Unix seconds."""

    def __init__(
        self,
        config: Cell,
        *,
        clock: Callable[[], float],
        seed: bytes,
        balances: dict[bytes, int],
        validators: int = 4,
        signatures: SignatureForm = SignatureForm.ORDINARY,
        max_block_transactions: int = 5_000,
        keep_states: int = 2_000,
    ) -> None:
        self._clock, self._seed, self._limit = clock, seed, max_block_transactions
        self.signatures = signatures
        self._offset_secs, self._keep_states = 0.0, keep_states
        self._validator_count = validators
        self._base_config = config
        self._mail: deque[Mail] = deque()
        self.accounts: dict[Address, Account] = {}
        self.heights: list[Height] = []
        utime = int(self.now())
        self.validators = ValidatorSet.derive(seed, validators)
        self.config = with_validators(config, self.validators, utime)
        self.tvm = Tvm(self.config)
        self._state = HashMap(256, ACCOUNTS)
        self._old_blocks = HashMap(32, blocks.OLD_BLOCKS)
        self._last_key: Block | None = None
        self._next_validators: ValidatorSet | None = self.validators
        for address, amount_nano in balances.items():
            self._open(address, amount_nano, utime)
        self._begin(utime)

    def close(self) -> None:
        """Frees the TVM."""
        self.tvm.close()

    def now(self) -> float:
        """The chain's time in Unix seconds."""
        return self._clock() + self._offset_secs

    def advance(self, seconds: float) -> None:
        """Moves the chain's clock forward. Going back raises `ValueError`."""
        if seconds < 0:
            raise ValueError("time on a chain only goes forward")
        self._offset_secs += seconds

    @property
    def head(self) -> Height:
        """The newest height."""
        return self.heights[-1]

    @property
    def waiting(self) -> int:
        """Messages not yet delivered."""
        return len(self._mail)

    def submit(self, message: Cell) -> Trace:
        """Queues an external message for the next block. Raises `CellError` if it is not an external message."""
        reader = message.reader()
        if reader.uint(2) != 2:
            raise ValueError("not an external inbound message")
        reader.address()
        dest = reader.address()
        if dest is None or dest[0] != blocks.BASECHAIN:
            raise ValueError("the destination is not an account of the base workchain")
        trace = Trace()
        self._mail.append(Mail(dest, write_boc(message), trace))
        return trace

    def rotate_validators(self) -> None:
        """Makes the next block a key block that puts a new validator set in force after it."""
        number = self.validators.catchain_seqno + 1
        self._next_validators = ValidatorSet.derive(self._seed, self._validator_count, number)

    def account(self, address: Address) -> Account | None:
        """The account, or None if no message ever reached it."""
        return self.accounts.get(address)

    def produce(self) -> Height:
        """Makes the next height out of what is waiting."""
        before, utime = self.head, max(int(self.now()), self.head.master.gen_utime)
        seqno = before.master.id.seqno + 1
        start_lt = (max(before.shard.end_lt, before.master.end_lt) // blocks.LT_STEP + 1) * blocks.LT_STEP
        rand_seed = hashlib.sha256(self._seed + seqno.to_bytes(4, "big")).digest()
        delivery = Delivery(self.tvm, self.accounts, start_lt, self._limit)
        self.tvm.begin_block(utime, rand_seed)
        delivery.run(self._mail)
        shard = self._shard_block(delivery, seqno, utime, start_lt, rand_seed)
        height = self._master_block(shard, seqno, utime, start_lt, rand_seed, delivery.done)
        self.heights.append(height)
        if seqno > self._keep_states:
            self._retire(self.heights[seqno - self._keep_states])
        return height

    @staticmethod
    def _retire(height: Height) -> None:
        """Lets go of old states; the block files and what leads from the block to its key block stay."""
        proofs.last_key(height)
        height.accounts = height.old_blocks = height.shard_proof = None
        height.master.retire()
        height.shard.retire()

    def _shard_block(self, delivery: Delivery, seqno: int, utime: int, start_lt: int, rand_seed: bytes) -> Block:
        before = self.head
        header = self._header(blocks.BASECHAIN, seqno, utime, (start_lt, delivery.next_lt), key_block=False)
        balance_before = self._state.extra
        self._state, account_blocks = delivery.settle(self._state, seqno)
        state = blocks.shard_state(header, self._state, master=before.master, custom=None)
        return blocks.make_block(
            header,
            previous=before.shard,
            master=before.master,
            state=state,
            balances=(balance_before, self._state.extra),
            account_blocks=account_blocks,
            rand_seed=rand_seed,
            custom=None,
        )

    def _master_block(
        self, shard: Block, seqno: int, utime: int, start_lt: int, rand_seed: bytes, done: list[Transaction]
    ) -> Height:
        before, signers, key_block = self.head, self.validators, self._next_validators is not None
        self._remember(before.master)
        header = self._header(blocks.MASTERCHAIN, seqno, utime, (start_lt, shard.end_lt), key_block=key_block)
        if self._next_validators:
            self.config = with_validators(self._base_config, self._next_validators, utime)
        hashes = blocks.shard_hashes(
            shard, mc_seqno=seqno, start_lt=start_lt, catchain_seqno=1, min_ref_mc_seqno=seqno - 1
        )
        extra = self._mc_extra(hashes, key_block=key_block)
        empty = HashMap(256, ACCOUNTS)
        state = blocks.shard_state(header, empty, master=None, custom=blocks.mc_state_extra(extra))
        master = blocks.make_block(
            header,
            previous=before.master,
            master=None,
            state=state,
            balances=(0, 0),
            account_blocks=HashMap(256, CURRENCY),
            rand_seed=rand_seed,
            custom=blocks.mc_block_extra(extra),
        )
        self.validators, self._next_validators = self._next_validators or signers, None
        return Height(master, shard, signers, header.prev_key_seqno, self._state, self._old_blocks, done)

    def _remember(self, master: Block) -> None:
        """The previous block enters the list of old ones; if it was a key block, it is the last key block now."""
        key = master.key_block
        value = Builder().uint(key, 1).append(master.reference())
        self._old_blocks = self._old_blocks.set(master.id.seqno, value, (key, master.end_lt))
        if key:
            self._last_key = master

    def _open(self, address: bytes, amount_nano: int, utime: int) -> None:
        account = Account.funded((blocks.BASECHAIN, address), amount_nano, utime)
        self.accounts[account.address] = account
        self._state = account.store_into(self._state)

    def _begin(self, utime: int) -> None:
        header = self._header(blocks.BASECHAIN, 0, utime, (0, 0), key_block=False)
        state = blocks.shard_state(header, self._state, master=None, custom=None)
        shard = blocks.zero_block(header, state)
        hashes = blocks.shard_hashes(shard, mc_seqno=0, start_lt=0, catchain_seqno=1, min_ref_mc_seqno=0)
        extra = self._mc_extra(hashes, key_block=False)
        custom = blocks.mc_state_extra(extra)
        mc_header = self._header(blocks.MASTERCHAIN, 0, utime, (0, 0), key_block=False)
        mc_state = blocks.shard_state(mc_header, HashMap(256, ACCOUNTS), master=None, custom=custom)
        master = blocks.zero_block(mc_header, mc_state)
        self.heights.append(Height(master, shard, self.validators, 0, self._state, self._old_blocks, []))

    def _header(self, workchain: int, seqno: int, utime: int, lts: tuple[int, int], *, key_block: bool) -> Header:
        return Header(
            workchain=workchain,
            seqno=seqno,
            gen_utime=utime,
            start_lt=lts[0],
            end_lt=lts[1],
            key_block=key_block,
            validator_hash=self.validators.list_hash_short,
            catchain_seqno=self.validators.catchain_seqno,
            min_ref_mc_seqno=max(0, seqno - 1),
            prev_key_seqno=self._last_key.id.seqno if self._last_key else 0,
        )

    def _mc_extra(self, hashes: Cell, *, key_block: bool) -> McExtra:
        return McExtra(
            shard_hashes=hashes,
            config_address=_CONFIG_ADDRESS,
            config=self.config,
            validator_state_hash=self.validators.state_hash_short,
            catchain_seqno=self.validators.catchain_seqno,
            old_blocks=self._old_blocks,
            key_block=key_block,
            last_key_block=self._last_key,
            balance=self._state.extra,
        )
