"""Delivering the messages of one block: the TVM runs them, accounts change, new messages join the queue."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from harvester_ton.devnet import blocks
from harvester_ton.devnet.accounts import Account, Address, OutMessage, Transaction
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.devnet.tvm import MessageRefused, Tvm


@dataclass(eq=False)
class Trace:
    """What became of one external message: the transactions it caused, or why it was refused."""

    transactions: list[Transaction] = field(default_factory=list)
    refused: str | None = None
    pending: int = 1

    @property
    def settled(self) -> bool:
        """Every message of the trace has been delivered."""
        return self.pending == 0


@dataclass(slots=True)
class Mail:
    """A message on its way, with the external message it descends from."""

    dest: Address
    boc: bytes
    trace: Trace


class Delivery:
    """The transactions of one block, in the order they are made."""

    def __init__(self, tvm: Tvm, accounts: dict[Address, Account], start_lt: int, limit: int) -> None:
        self._tvm, self._accounts, self._limit = tvm, accounts, limit
        self.next_lt = start_lt + 1
        self.done: list[Transaction] = []
        self._before: dict[Address, bytes] = {}
        self._of: dict[Address, list[Transaction]] = {}

    def run(self, mail: deque[Mail]) -> None:
        """Delivers until the queue is empty or the block is full."""
        while mail and len(self.done) < self._limit:
            self._deliver(mail.popleft(), mail)

    def _deliver(self, item: Mail, mail: deque[Mail]) -> None:
        account = self._accounts.get(item.dest) or Account(item.dest)
        item.trace.pending -= 1
        try:
            result = self._tvm.emulate(account.shard_account_b64, item.boc, self.next_lt)
        except MessageRefused as error:
            item.trace.refused = str(error)
            return
        transaction, in_message, sent = Transaction.read(result.transaction, result.flat)
        if item.dest not in self._before:
            self._before[item.dest] = account.cell.hash
        self._accounts[item.dest] = account
        account.shard_account_b64 = result.shard_account_b64
        account.by_lt[transaction.lt] = transaction
        account.received_nano += _kept_nano(item.dest, in_message, sent)
        self._of.setdefault(item.dest, []).append(transaction)
        self.done.append(transaction)
        item.trace.transactions.append(transaction)
        self.next_lt = max(self.next_lt, transaction.lt + transaction.out_count) + 1
        for message in sent:
            if message.dest[0] == blocks.BASECHAIN:
                item.trace.pending += 1
                mail.append(Mail(message.dest, write_boc(message.cell), item.trace))

    def settle(self, accounts: HashMap, seqno: int) -> tuple[HashMap, HashMap]:
        """The accounts after the block, and the transactions per account as the block lists them."""
        listed = HashMap(256, blocks.CURRENCY)
        for address, transactions in self._of.items():
            account = self._accounts[address]
            account.forget_if_gone()
            accounts = account.store_into(accounts)
            by_lt = HashMap(64, blocks.CURRENCY)
            for transaction in transactions:
                transaction.seqno = seqno
                by_lt = by_lt.set(transaction.lt, Builder().ref(transaction.take_root()), transaction.fees_nano)
            entry, fees = blocks.account_block(address[1], by_lt, self._before[address], account.cell.hash)
            listed = listed.set(int.from_bytes(address[1], "big"), entry, fees)
        return accounts, listed


def _kept_nano(dest: Address, in_message: Cell | None, sent: list[OutMessage]) -> int:
    """Coins that came from another account and were not sent back: the truth that tests compare with."""
    if in_message is None:
        return 0
    reader = in_message.reader()
    if reader.uint(1):
        return 0
    bounced = reader.uint(3) & 1
    source, _ = reader.address(), reader.address()
    if bounced or source == dest or any(message.bounced for message in sent):
        return 0
    return reader.coins()
