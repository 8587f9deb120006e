"""The recorded session of a client with a real lite server, as values."""

from dataclasses import dataclass
from typing import Any

from harvester_ton import tl
from tests.ton.recorded import load


@dataclass(frozen=True)
class Exchange:
    """One query and its answer."""

    name: str
    query: bytes
    answer: bytes


def exchanges(name: str) -> list[Exchange]:
    """All exchanges of one function, such as `getTransactions`, in order."""
    log: list[dict[str, Any]] = load("tl_log_tl0.json")["log"]
    return [
        Exchange(entry["phase"], bytes.fromhex(entry["request_hex"]), bytes.fromhex(entry["response_hex"]))
        for entry in log
        if entry["name"].removeprefix("liteServer.") == name
    ]


def asked_state(exchange: Exchange) -> tuple[tl.BlockId, tl.AccountAddress]:
    """Block and account of a `getAccountState`."""
    reader = tl.Reader(exchange.query)
    reader.expect(tl.GET_ACCOUNT_STATE)
    return reader.block_id(), tl.AccountAddress(reader.int32(), reader.take(32))


def asked_history(exchange: Exchange) -> tuple[str, int, bytes]:
    """Raw address, lt and hash of a `getTransactions`."""
    reader = tl.Reader(exchange.query)
    reader.expect(tl.GET_TRANSACTIONS)
    reader.uint32()
    workchain, account = reader.int32(), reader.take(32)
    return f"{workchain}:{account.hex()}", int.from_bytes(reader.take(8), "little"), reader.take(32)
