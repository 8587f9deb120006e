"""Accounts and transactions as the chain keeps them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from harvester_ton.devnet import blocks
from harvester_ton.devnet.boc import FlatTree, read_root, write_boc
from harvester_ton.devnet.cells import Builder, Cell, Reader
from harvester_ton.devnet.hashmap_aug import HashMap, read_hashmap

Address = tuple[int, bytes]
_NO_ACCOUNT = Builder().uint(0, 1).end()
_NO_SHARD_ACCOUNT = base64.b64encode(write_boc(Builder().ref(_NO_ACCOUNT).uint(0, 320).end()))


def raw_address(address: Address) -> str:
    """`workchain:hex`, the form every interface of the chain speaks."""
    return f"{address[0]}:{address[1].hex()}"


@dataclass(frozen=True, slots=True)
class OutMessage:
    """An internal message that a transaction sent."""

    cell: Cell
    dest: Address
    bounced: bool


@dataclass(eq=False, slots=True)
class Transaction:
    """A transaction in the form history is served from. Times in Unix seconds."""

    address: Address
    lt: int
    hash: bytes
    prev_lt: int
    prev_hash: bytes
    utime: int
    fees_nano: int
    flat: FlatTree
    root: Cell | None
    out_count: int
    seqno: int = 0  # of the shard block; set when the block is made

    def describe(self) -> dict[str, str | int]:
        """The transaction's name in JSON."""
        return {
            "account": raw_address(self.address),
            "lt": str(self.lt),
            "hash": self.hash.hex(),
            "utime": self.utime,
            "shard_block_seqno": self.seqno,
        }

    def take_root(self) -> Cell:
        """The cell, once: the block keeps it, here the flat form stays."""
        root, self.root = self.root, None
        if root is None:
            raise ValueError("the root is with the block already")
        return root

    @classmethod
    def read(cls, root: Cell, flat: FlatTree) -> tuple[Transaction, Cell | None, list[OutMessage]]:
        """Parses what the emulator made: the transaction, its in-message, its internal out-messages."""
        reader = root.reader()
        reader.uint(4)
        account, lt, prev_hash, prev_lt = reader.raw(32), reader.uint(64), reader.raw(32), reader.uint(64)
        utime, count, _ = reader.uint(32), reader.uint(15), reader.uint(4)
        messages = reader.ref().reader()
        in_message, out_root = messages.maybe_ref(), messages.maybe_ref()
        address, fees_nano = (blocks.BASECHAIN, account), reader.coins()
        made = cls(address, lt, root.hash, prev_lt, prev_hash, utime, fees_nano, flat, root, count)
        return made, in_message, _internal(out_root)


def _internal(out_root: Cell | None) -> list[OutMessage]:
    if out_root is None:
        return []
    found = []
    for _, value in sorted(read_hashmap(out_root, 15).items()):
        cell = value.ref()
        reader = cell.reader()
        if reader.uint(1) == 0:
            bounced = reader.uint(3) & 1
            reader.address()
            dest = reader.address()
            if dest is not None:
                found.append(OutMessage(cell, dest, bool(bounced)))
    return found


@dataclass(eq=False, slots=True)
class Account:
    """One account. `shard_account_b64` is what the emulator takes and gives; the rest follows from it."""

    address: Address
    shard_account_b64: bytes = _NO_SHARD_ACCOUNT
    by_lt: dict[int, Transaction] = field(default_factory=dict)
    received_nano: int = 0
    _parsed: tuple[bytes, Cell] | None = None

    @classmethod
    def funded(cls, address: Address, amount_nano: int, utime: int) -> Account:
        """An account without code that was born with the chain."""
        used = Builder().uint(1, 3).uint(1, 8).uint(1, 3).uint(103, 8).uint(0, 3)
        storage = blocks.store_currency(Builder().uint(0, 64), amount_nano).uint(0, 2)
        cell = Builder().uint(1, 1).address(address).append(used).uint(utime, 32).uint(0, 1).append(storage).end()
        return cls(address, base64.b64encode(write_boc(Builder().ref(cell).uint(0, 320).end())))

    @classmethod
    def at(cls, address: Address, shard_account: Cell) -> Account:
        """The account as an earlier state had it."""
        return cls(address, b"", _parsed=(b"", shard_account))

    def page(self, first: Transaction, count: int) -> list[Transaction]:
        """`first` and the transactions before it, newest first."""
        found: list[Transaction] = []
        at: Transaction | None = first
        while at is not None and len(found) < count:
            found.append(at)
            at = self.by_lt.get(at.prev_lt)
        return found

    @property
    def shard_account(self) -> Cell:
        """`ShardAccount`, parsed once per state."""
        if self._parsed is None or self._parsed[0] is not self.shard_account_b64:
            self._parsed = (self.shard_account_b64, read_root(base64.b64decode(self.shard_account_b64)))
        return self._parsed[1]

    @property
    def cell(self) -> Cell:
        """`Account`: what `getAccountState` answers and proves."""
        return self.shard_account.refs[0]

    @property
    def exists(self) -> bool:
        """False before the first message and after one that the account did not survive."""
        return bool(self.cell.reader().uint(1))

    @property
    def last(self) -> tuple[int, bytes]:
        """(lt, hash) of the newest transaction in the account's history, zeros if there is none."""
        reader = self.shard_account.reader()
        last_hash = reader.raw(32)
        return reader.uint(64), last_hash

    @property
    def balance_nano(self) -> int:
        return self._storage()[0] if self.exists else 0

    @property
    def code_and_data(self) -> tuple[Cell, Cell] | None:
        """Code and data of an active account."""
        if not self.exists:
            return None
        state = self._storage()[1]
        if not state.uint(1):
            return None
        if state.uint(1):
            state.uint(5)
        if state.uint(1):
            state.uint(2)
        code, data = state.maybe_ref(), state.maybe_ref()
        return (code, data) if code and data else None

    def _storage(self) -> tuple[int, Reader]:
        """(balance, reader at `AccountState`)."""
        reader = self.cell.reader()
        reader.uint(1)
        reader.address()
        for _ in range(3):  # cells, bits and public cells used
            reader.uint(8 * reader.uint(3))
        reader.uint(32)
        if reader.uint(1):
            reader.coins()
        reader.uint(64)
        balance = reader.coins()
        reader.maybe_ref()
        return balance, reader

    def forget_if_gone(self) -> None:
        """An account that ended a block without existing begins its history anew when it is born."""
        if not self.exists:
            self.shard_account_b64 = _NO_SHARD_ACCOUNT

    def history(self) -> Iterator[Transaction]:
        """From the newest to the first."""
        at = self.by_lt.get(self.last[0])
        while at is not None:
            yield at
            at = self.by_lt.get(at.prev_lt)

    def store_into(self, accounts: HashMap) -> HashMap:
        """The dictionary of accounts with this one as it is now."""
        key = int.from_bytes(self.address[1], "big")
        if not self.exists:
            return accounts.drop(key)
        return accounts.set(key, Builder().append(self.shard_account), self.balance_nano)
