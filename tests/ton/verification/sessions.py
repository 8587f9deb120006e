"""Recorded sessions of real nodes, as questions with their answers."""

import json
from dataclasses import dataclass
from typing import Any, Final

from harvester_ton.address import split_address
from harvester_ton.tl import AccountAddress, BlockId
from harvester_ton.verification import Position, TrustedBlock, read_anchor
from harvester_ton.verification.tl_values import Values
from tests.ton.recorded import load

ORDINARY: Final = "tl_log_tl0.json"
SIMPLEX: Final = "simplex_v2026.06.json"
SESSIONS: Final = (ORDINARY, SIMPLEX)


@dataclass(frozen=True)
class Exchange:
    """A question and its answer, both as bytes without the envelope."""

    session: str
    number: int
    name: str
    question: bytes
    answer: bytes

    def __str__(self) -> str:
        return f"{self.session}-{self.number}"

    def asked(self) -> Values:
        """The question, placed after its constructor."""
        values = Values(self.question, self.name)
        values.take(4)
        return values


def exchanges(name: str, *sessions: str) -> list[Exchange]:
    """All exchanges of one kind, such as `getBlockProof`."""
    return [
        Exchange(session, entry["n"], name, bytes.fromhex(entry["request_hex"]), bytes.fromhex(entry["response_hex"]))
        for session in sessions or SESSIONS
        for entry in load(session)["log"]
        if entry["name"] == f"liteServer.{name}"
    ]


def anchor(session: str) -> TrustedBlock:
    """The block that the session's network config trusts."""
    return read_anchor(json.dumps(load(session)["config"]))


def block_id(entry: dict[str, Any]) -> BlockId:
    """A block id as the recordings write it."""
    hashes = bytes.fromhex(entry["root_hash"]), bytes.fromhex(entry["file_hash"])
    return BlockId(entry["workchain"], entry["shard"] & (1 << 64) - 1, entry["seqno"], *hashes)


def last_block(session: str) -> BlockId:
    """The masterchain block at which the session asks about accounts."""
    return block_id(load(session)["last_mc_block"])


def address(raw: str) -> AccountAddress:
    """A raw address as the protocol has it."""
    return AccountAddress(*split_address(raw))


def asked_account(exchange: Exchange) -> tuple[BlockId, AccountAddress]:
    """Block and account of a `getAccountState`."""
    values = exchange.asked()
    return values.block_id(), _account(values)


def asked_position(exchange: Exchange) -> tuple[AccountAddress, Position]:
    """Account and starting point of a `getTransactions`."""
    values = exchange.asked()
    values.uint32()
    account = _account(values)
    return account, Position(int.from_bytes(values.take(8), "little"), values.int256())


def _account(values: Values) -> AccountAddress:
    return AccountAddress(int.from_bytes(values.take(4), "little", signed=True), values.int256())
