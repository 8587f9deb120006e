"""Honest data is proven: every verifiable answer of two recorded sessions, from the block that the config trusts."""

import base64

import pytest

from harvester_ton.tl import BlockId, encode_bytes
from harvester_ton.verification import (
    BEGINNING,
    Position,
    ProvenTransaction,
    Status,
    TrustedBlock,
    newer_than,
    start_from,
    verify_account_state,
    verify_all_shards,
    verify_block_proof,
    verify_config,
    verify_libraries,
    verify_transactions,
)
from harvester_ton.verification.shards import verify_shard
from tests.ton.recorded import load
from tests.ton.verification.sessions import (
    ORDINARY,
    SESSIONS,
    SIMPLEX,
    Exchange,
    address,
    anchor,
    asked_account,
    asked_position,
    block_id,
    exchanges,
    last_block,
)

KEY_BLOCK_TIME = 1_795_292_397


def proof_blocks(exchange: Exchange) -> tuple[BlockId, BlockId]:
    values = exchange.asked()
    values.uint32()
    return values.block_id(), values.block_id()


@pytest.mark.parametrize("session", SESSIONS)
def test_the_first_block_proof_leads_from_the_config_to_the_last_block(session: str) -> None:
    exchange = exchanges("getBlockProof", session)[0]
    proven = verify_block_proof(anchor(session), last_block(session), exchange.answer)
    assert proven.complete
    assert proven.blocks[-1].block == last_block(session)
    assert proven.blocks[-1].gen_utime > KEY_BLOCK_TIME


def test_key_blocks_on_the_way_become_the_start_of_further_proofs() -> None:
    exchange = exchanges("getBlockProof", ORDINARY)[0]
    proven = verify_block_proof(anchor(ORDINARY), last_block(ORDINARY), exchange.answer)
    key_block = block_id(load(ORDINARY)["last_key_block"])
    assert [(step.block.seqno, step.key_block.seqno) for step in proven.blocks] == [(70, 70), (88, 88), (376, 88)]
    assert proven.blocks[1] == TrustedBlock(key_block, key_block, KEY_BLOCK_TIME)


@pytest.mark.parametrize("exchange", exchanges("getBlockProof"), ids=str)
def test_every_recorded_block_proof_is_proven_from_its_own_start(exchange: Exchange) -> None:
    known, target = proof_blocks(exchange)
    proven = verify_block_proof(start_from(known), target, exchange.answer)
    assert (proven.complete, proven.blocks[-1].block) == (True, target)


@pytest.mark.parametrize("exchange", exchanges("getAccountState"), ids=str)
def test_every_recorded_account_state_is_proven(exchange: Exchange) -> None:
    block, account = asked_account(exchange)
    state = verify_account_state(block, account, exchange.answer)
    absent = account == address("0:" + "12" * 32)
    assert state.content.status is (Status.ABSENT if absent else Status.ACTIVE)
    assert (state.last_trans_lt == 0) == absent
    assert state.gen_utime > KEY_BLOCK_TIME


def account_answer(name: str) -> bytes:
    """A recorded account of `states.json` as the answer a node gives."""
    entry, states = load("states.json")["accounts"][name], load("states.json")
    block, shard_block = block_id(states["mc_block"]), block_id(entry["shardblk"])
    parts = [base64.b64decode(entry[part]) for part in ("shard_proof_boc", "proof_boc", "state_boc")]
    head = bytes.fromhex("51c77970") + block.to_bytes() + shard_block.to_bytes()
    return head + b"".join(map(encode_bytes, parts))


@pytest.mark.parametrize("name", load("states.json")["accounts"])
def test_every_state_of_the_recorded_block_is_proven_with_what_was_decoded_from_it(name: str) -> None:
    states = load("states.json")
    entry, block = states["accounts"][name], block_id(states["mc_block"])
    state = verify_account_state(block, address(entry["address"]), account_answer(name))
    assert state.shard_block == block_id(states["shards"][0])
    assert state.last_trans_lt == entry.get("last_trans_lt", 0)
    assert state.last_trans_hash.hex() == entry.get("last_trans_hash", "00" * 32)
    assert state.content.balance_nano == entry.get("balance", 0)
    assert (state.content.code.hash.hex() if state.content.code else None) == entry.get("code_hash")


@pytest.mark.parametrize("exchange", exchanges("getTransactions"), ids=str)
def test_every_recorded_page_of_transactions_is_proven_from_the_position_asked_for(exchange: Exchange) -> None:
    account, position = asked_position(exchange)
    page = verify_transactions(account, position, exchange.answer)
    assert page.transactions[0].head.lt == position.lt
    assert page.next.lt < page.transactions[-1].head.lt


@pytest.mark.parametrize(
    ("session", "name", "count"), [(ORDINARY, "merchant", 117), (ORDINARY, "merchant_jwallet", 19), (SIMPLEX, "", 25)]
)
def test_a_whole_history_is_proven_from_the_account_state_to_its_beginning(session: str, name: str, count: int) -> None:
    state_exchange = next(
        exchange for exchange in exchanges("getAccountState", session) if of_account(exchange, session, name)
    )
    block, account = asked_account(state_exchange)
    state = verify_account_state(block, account, state_exchange.answer)
    pages = {
        asked_position(page): page.answer for page in exchanges("getTransactions", session) if len(page.answer) > 1200
    }
    position = Position(state.last_trans_lt, state.last_trans_hash)
    found: list[ProvenTransaction] = []
    while position.lt:
        page = verify_transactions(account, position, pages[account, position])
        found += newer_than(page, BEGINNING).transactions
        position = page.next
    assert len(found) == count


def of_account(exchange: Exchange, session: str, name: str) -> bool:
    """Whether an account state is that of a named account."""
    addresses = load("states.json" if session == ORDINARY else SIMPLEX)
    raw = addresses["accounts"][name]["address"] if name else addresses["addresses"]["merchant"]
    return asked_account(exchange)[1] == address(raw)


@pytest.mark.parametrize("exchange", exchanges("getAllShardsInfo"), ids=str)
def test_every_recorded_list_of_shards_is_proven(exchange: Exchange) -> None:
    block = exchange.asked().block_id()
    (shard,) = verify_all_shards(block, exchange.answer)
    assert (shard.workchain, shard.shard) == (0, 1 << 63)


def test_the_shard_of_an_account_is_the_recorded_one_and_a_masterchain_account_has_the_masterchain() -> None:
    states = load("states.json")
    block = block_id(states["mc_block"])
    entry = states["accounts"]["merchant"]
    proof = base64.b64decode(entry["shard_proof_boc"])
    assert verify_shard(block, proof, address(entry["address"])) == block_id(entry["shardblk"])
    assert verify_shard(block, b"", address("-1:" + "33" * 32)) == block


def test_the_recorded_config_is_proven() -> None:
    (exchange,) = exchanges("getConfigParams")
    assert set(verify_config(last_block(ORDINARY), [0, 8, 13, 28, 34], exchange.answer)) == {0, 8, 13, 28, 34}


def test_the_recorded_library_is_proven_by_its_hash() -> None:
    (exchange,) = exchanges("getLibraries")
    library_hash = bytes.fromhex(load("states.json")["library"]["hash"])
    (code,) = verify_libraries([library_hash], exchange.answer).values()
    assert code.hash == library_hash
