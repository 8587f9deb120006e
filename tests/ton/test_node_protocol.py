"""The lite server protocol: our bytes against pytoniq-core's schema, and against a session with a real node."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core.tl.generator import TlGenerator

from harvester_ton import tl
from harvester_ton.cells import CellError
from harvester_ton.errors import NodeRefused, NodeUnwell
from harvester_ton.shard_state import read_account_at
from tests.ton.session import asked_state, exchanges

HASHES = st.binary(min_size=32, max_size=32)
BLOCKS = st.builds(
    tl.BlockId, st.sampled_from([-1, 0]), st.integers(0, 2**64 - 1), st.integers(0, 2**31 - 1), HASHES, HASHES
)
ACCOUNTS = st.builds(tl.AccountAddress, st.integers(-128, 127), HASHES)


@cache
def schemas() -> Any:
    """pytoniq-core's own reading of the protocol."""
    return TlGenerator.with_default_schemas().generate()


def written(name: str, fields: dict[str, Any]) -> bytes:
    """A query as pytoniq-core writes it."""
    data: bytes = schemas().serialize(schemas().get_by_name(f"liteServer.{name}"), fields)
    return data


def block_fields(block: tl.BlockId) -> dict[str, Any]:
    """A block id as pytoniq-core takes it."""
    shard = block.shard - (block.shard >> 63 << 64)
    hashes = {"root_hash": block.root_hash.hex(), "file_hash": block.file_hash.hex()}
    return {"workchain": block.workchain, "shard": shard, "seqno": block.seqno, **hashes}


def account_fields(account: tl.AccountAddress) -> dict[str, Any]:
    """An account as pytoniq-core takes it."""
    return {"workchain": account.workchain, "id": account.hash_part.hex()}


@given(block=BLOCKS, account=ACCOUNTS, lt=st.integers(0, 2**63 - 1), stack=st.binary(max_size=600))
def test_queries_are_what_the_schema_says(block: tl.BlockId, account: tl.AccountAddress, lt: int, stack: bytes) -> None:
    where = {"id": block_fields(block), "account": account_fields(account)}
    history = {"count": 16, "account": where["account"], "lt": lt, "hash": block.root_hash.hex()}
    method = {"mode": 4, **where, "method_id": 97026, "params": stack}
    wait = written("waitMasterchainSeqno", {"seqno": block.seqno, "timeout_ms": 8000})
    assert tl.get_masterchain_info() == written("getMasterchainInfo", {})
    assert tl.get_account_state(block, account) == written("getAccountState", where)
    assert tl.get_transactions(account, lt, block.root_hash) == written("getTransactions", history)
    assert tl.run_method(block, account, 97026, stack) == written("runSmcMethod", method)
    assert tl.waiting_for(block.seqno, 8000, b"rest") == wait + b"rest"


def test_a_real_nodes_answers_are_read() -> None:
    (info,) = exchanges("getMasterchainInfo")
    assert tl.read_masterchain_info(info.answer).seqno == 376
    for exchange in exchanges("getAccountState"):
        block, _ = asked_state(exchange)
        assert tl.read_account_state(exchange.answer).block == block
    for exchange in exchanges("getTransactions"):
        assert 1 <= len(tl.read_transactions(exchange.answer).blocks) <= tl.MAX_PAGE


def test_real_accounts_stand_where_their_history_begins() -> None:
    states = {exchange.name: exchange for exchange in exchanges("getAccountState")}
    merchant = states["transactions merchant"]
    block, account = asked_state(merchant)
    at = read_account_at(tl.read_account_state(merchant.answer), block, account)
    history = next(exchange for exchange in exchanges("getTransactions") if exchange.name == merchant.name)
    assert tl.get_transactions(account, at.last_lt, at.last_hash)[4:] == history.query[4:]
    assert (at.active, at.shard_time) == (True, 1795292692)


def test_an_absent_account_is_absent_and_still_has_a_time() -> None:
    (absent,) = (exchange for exchange in exchanges("getAccountState") if exchange.name == "account_state_absent")
    block, account = asked_state(absent)
    at = read_account_at(tl.read_account_state(absent.answer), block, account)
    assert (at.last_lt, at.last_hash, at.active, at.shard_time) == (0, bytes(32), False, 1795292692)
    present = tl.read_account_state(exchanges("getAccountState")[0].answer)
    with pytest.raises(NodeUnwell, match="contradicts"):
        read_account_at(replace(tl.read_account_state(absent.answer), state=present.state), block, account)


def test_a_state_of_something_else_is_refused() -> None:
    first, *others = (exchange for exchange in exchanges("getAccountState") if exchange.name == "account_state")
    block, account = asked_state(first)
    answer = tl.read_account_state(first.answer)
    foreign = tl.read_account_state(others[0].answer)
    wrong: list[tl.AccountState] = [
        replace(answer, block=replace(block, seqno=block.seqno - 1)),
        replace(answer, shard_block=replace(answer.shard_block, workchain=-1)),
        replace(answer, shard_block=replace(answer.shard_block, shard=_other_half(account))),
        replace(answer, state=b""),
        replace(answer, state=foreign.state),
        replace(answer, proof=answer.shard_proof),
        replace(answer, proof=foreign.proof),
    ]
    for state in wrong:
        with pytest.raises((NodeUnwell, CellError)):
            read_account_at(state, block, account)


def _other_half(account: tl.AccountAddress) -> int:
    """The half of the shards that the account is not in."""
    return 0x4000_0000_0000_0000 if account.hash_part[0] & 0x80 else 0xC000_0000_0000_0000


@pytest.mark.parametrize(
    ("prefix", "ours"), [(0x80, True), (0x40, True), (0xC0, False), (0x4C, True), (0x44, False), (0, False)]
)
def test_the_shard_block_must_be_of_the_accounts_shard(prefix: int, ours: bool) -> None:
    exchange = next(e for e in exchanges("getAccountState") if e.name == "transactions merchant")
    block, account = asked_state(exchange)
    assert account.hash_part[0] == 0b0100_1001
    answer = tl.read_account_state(exchange.answer)
    shifted = replace(answer, shard_block=replace(answer.shard_block, shard=prefix << 56))
    if ours:
        assert read_account_at(shifted, block, account).last_lt
    else:
        with pytest.raises(NodeUnwell):
            read_account_at(shifted, block, account)


def test_a_refusal_is_told_from_nonsense() -> None:
    with pytest.raises(NodeRefused) as refused:
        tl.raise_refusal(tl.ERROR + (-400).to_bytes(4, "little", signed=True) + tl.encode_bytes(b"no such block"))
    assert refused.value.code == -400
    assert "no such block" in str(refused.value)
    tl.raise_refusal(tl.MASTERCHAIN_INFO)


@pytest.mark.parametrize(
    "read",
    [tl.read_masterchain_info, tl.read_account_state, tl.read_transactions, tl.read_method_result, tl.raise_refusal],
)
@given(data=st.binary(max_size=200))
def test_no_answer_raises_anything_but_the_nodes_fault(read: Callable[[bytes], object], data: bytes) -> None:
    for tag in (b"", tl.MASTERCHAIN_INFO, tl.ACCOUNT_STATE, tl.TRANSACTION_LIST, tl.RUN_METHOD_RESULT, tl.ERROR):
        with suppress(NodeUnwell, NodeRefused):
            read(tag + data)


@given(size=st.integers(0, 300) | st.integers(65_000, 70_000))
def test_byte_strings_come_back(size: int) -> None:
    data = b"\xa5" * size
    encoded = tl.encode_bytes(data)
    reader = tl.Reader(encoded)
    assert len(encoded) % 4 == 0
    assert reader.byte_string() == data


def test_a_masterchain_block_of_another_chain_is_nonsense() -> None:
    (info,) = exchanges("getMasterchainInfo")
    with pytest.raises(NodeUnwell):
        tl.read_masterchain_info(info.answer[:4] + bytes(4) + info.answer[8:])
