"""Lies about get-methods, configs, shards, and answers that are no answers."""

from harvester_ton.devnet.accounts import Address
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.tl import ERROR, GET_LIBRARIES, RUN_SMC_METHOD, AccountAddress, encode_bytes
from tests.ton.hostile.lies import (
    BLOCK_BYTES,
    GET_CONFIG_ALL,
    GET_CONFIG_PARAMS,
    GET_SHARD,
    AnotherChain,
    Lie,
    id_of,
)


class AnotherWallet(Lie):
    """Hole 7: `get_wallet_address` of a jetton master gives a wallet that the thief fills with what he likes."""

    def __init__(self, master: Address, wallet: Address) -> None:
        super().__init__()
        self._master, self._wallet = AccountAddress(*master).to_bytes(), wallet

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        if question[:4] != RUN_SMC_METHOD or self._master not in question or honest[:4] == ERROR:
            return honest
        stack = encode_bytes(self._stack())
        at = honest.rindex(bytes.fromhex("b5ee9c72"))
        length = 4 if honest[at - 4] == 254 else 1
        return honest[: at - length] + stack

    def _stack(self) -> bytes:
        """A `VmStack` with one slice: the wallet's address."""
        address = Builder().address(self._wallet).end()
        value = Builder().uint(4, 8).uint(0, 10).uint(address.bits, 10).uint(0, 3).uint(0, 3).ref(address)
        return write_boc(Builder().uint(1, 24).ref(Builder().end()).append(value).end())


class AnotherConfig(AnotherChain):
    """Hole 8: the config of another chain, proven from that chain's block under the name of the one asked for."""

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        if question[:4] not in (GET_CONFIG_ALL, GET_CONFIG_PARAMS) or honest[:4] == ERROR:
            return honest
        there = id_of(self.other, self.other.seqno).to_bytes()
        theirs = self.there(question[:8] + there + question[8 + BLOCK_BYTES :])
        asked = question[8 : 8 + BLOCK_BYTES]
        return theirs.replace(there, asked)


class Library(Lie):
    """No lie: gives a library of the masterchain, which the local chain has none of. A server without it withholds."""

    def __init__(self, library: Cell) -> None:
        super().__init__()
        self._library = library

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        if question[:4] != GET_LIBRARIES:
            return honest
        return honest[:4] + (1).to_bytes(4, "little") + self._library.hash + encode_bytes(write_boc(self._library))


class AnotherShard(AnotherChain):
    """Hole 9: the description of a shard is another chain's, beside the proof of the real one."""

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        if question[:4] != GET_SHARD or honest[:4] == ERROR:
            return honest
        there = id_of(self.other, self.other.seqno).to_bytes()
        theirs = self.there(question[:4] + there + question[4 + BLOCK_BYTES :])
        at = honest.rindex(bytes.fromhex("b5ee9c72"))
        at_theirs = theirs.rindex(bytes.fromhex("b5ee9c72"))
        return honest[: at - 1] + theirs[at_theirs - 1 :]


def bloated(answer: bytes) -> bytes:
    """An answer of more bytes than are read."""
    return answer + bytes(3 << 20)


def cut(answer: bytes) -> bytes:
    """An answer that ends too early."""
    return answer[:-4]


def prolonged(answer: bytes) -> bytes:
    """An answer that goes on after its end."""
    return answer + bytes(4)
