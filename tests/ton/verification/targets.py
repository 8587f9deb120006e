"""Honest answers with the function that proves each: what mutations are tried on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any, Final

from harvester_ton.cells import Cell
from harvester_ton.verification import (
    start_from,
    verify_account_state,
    verify_all_shards,
    verify_block_proof,
    verify_config,
    verify_libraries,
    verify_transactions,
)
from tests.ton.verification.committee import Committee, config
from tests.ton.verification.forge import header, master_block
from tests.ton.verification.forged_answers import block_proof, ordinary, step
from tests.ton.verification.sessions import Exchange, asked_account, asked_position, exchanges


@dataclass(frozen=True)
class Target:
    """An honest answer, and how it is proven."""

    name: str
    honest: bytes
    verify: Callable[[bytes], Any]

    def facts(self, answer: bytes) -> Any:
        """What an answer proves, as plain values that can be compared."""
        return _plain(self.verify(answer))


def _plain(value: Any) -> Any:
    if isinstance(value, Cell):
        return value.hash
    if is_dataclass(value):
        return tuple(_plain(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, dict):
        return [(key, _plain(item)) for key, item in value.items()]
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def all_targets() -> list[Target]:
    """Every recorded answer that can be proven, without repetition, and one block proof of many signatures."""
    found = {target.honest: target for target in _recorded()}
    return [*found.values(), _crowd()]


def _recorded() -> Iterator[Target]:
    for name, verify in _VERIFIERS.items():
        for exchange in exchanges(name):
            yield Target(str(exchange), exchange.answer, partial(verify, exchange))


def _block_proof(exchange: Exchange, answer: bytes) -> Any:
    values = exchange.asked()
    values.uint32()
    known, target = values.block_id(), values.block_id()
    return verify_block_proof(start_from(known), target, answer)


def _account_state(exchange: Exchange, answer: bytes) -> Any:
    return verify_account_state(*asked_account(exchange), answer)


def _transactions(exchange: Exchange, answer: bytes) -> Any:
    return verify_transactions(*asked_position(exchange), answer)


def _all_shards(exchange: Exchange, answer: bytes) -> Any:
    return verify_all_shards(exchange.asked().block_id(), answer)


def _config(exchange: Exchange, answer: bytes) -> Any:
    values = exchange.asked()
    values.uint32()
    return verify_config(values.block_id(), (8, 34), answer)


def _libraries(exchange: Exchange, answer: bytes) -> Any:
    values = exchange.asked()
    values.uint32()
    return verify_libraries([values.int256()], answer)


_VERIFIERS: Final[dict[str, Callable[[Exchange, bytes], Any]]] = {
    "getBlockProof": _block_proof,
    "getAccountState": _account_state,
    "getTransactions": _transactions,
    "getAllShardsInfo": _all_shards,
    "getConfigParams": _config,
    "getLibraries": _libraries,
}


def _crowd() -> Target:
    crowd = Committee("crowd", tuple(range(1, 22)))
    start = master_block(header(10, crowd, key=True), config(crowd))
    end = master_block(header(15, crowd), config(crowd))
    signatures = ordinary(crowd.sign(end.id), crowd.set_hash())
    honest = block_proof(start.id, end.id, step(start, end, signatures))
    return Target("crowd", honest, lambda data: verify_block_proof(start_from(start.id), end.id, data))
