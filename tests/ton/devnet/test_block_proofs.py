"""Block proofs, as pytoniq's full-proof mode checks them, over key blocks and after the states are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytoniq import LiteClient
from pytoniq.liteclient.client import LiteServerError
from pytoniq_core.tl.block import BlockIdExt

from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.chain import Chain
from harvester_ton.devnet.local import LocalTon
from tests.ton.devnet.conftest import client_for


def block_id(ton: LocalTon, seqno: int) -> BlockIdExt:
    block = ton.chain.heights[seqno].master.id
    return BlockIdExt(block.workchain, block.shard, block.seqno, block.root_hash, block.file_hash)


async def grow(ton: LocalTon) -> None:
    """Two changes of validators, with blocks before, between and after."""
    for _ in range(2):
        await ton.produce_block(4)
        ton.rotate_validators()
    await ton.produce_block(4)


async def test_a_client_without_trust_proves_everything_from_the_init_block(
    ton: LocalTon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the library keeps a proof store in the working directory
    merchant = raw_address(ton.wallets["merchant"].address)
    await ton.pay(merchant, 7)
    await grow(ton)
    async with LiteClient.from_config(ton.network_config(), trust_level=0) as client:
        assert client.last_key_block.seqno == ton.chain.head.prev_key_seqno > 1
        assert (await client.get_account_state(merchant)).balance == 7
        assert len(await client.get_transactions(merchant, 10)) == 1
        shard = (await client.get_all_shards_info())[0]
        assert (await client.raw_get_block_header(shard)).info.seqno == shard.seqno


@pytest.mark.parametrize(("known", "target"), [(1, 5), (3, -1), (-1, 3), (-1, 2), (2, 3), (1, 1)])
async def test_every_pair_of_blocks_is_linked(ton: LocalTon, known: int, target: int) -> None:
    await grow(ton)
    start, end = (block_id(ton, seqno if seqno > 0 else ton.seqno) for seqno in (known, target))
    async with client_for(ton.servers[0], 2) as client:
        complete, reached, _, _ = await client.raw_get_mc_block_proof(start, end)
    assert (complete, reached) == (True, end)


async def test_the_zero_state_is_a_start_too(ton: LocalTon) -> None:
    await grow(ton)
    start, end = block_id(ton, 0), block_id(ton, 1)
    async with client_for(ton.servers[0], 2) as client:
        data = {"mode": 1, "known_block": start.to_dict(), "target_block": end.to_dict()}
        answer = await client.liteserver_request("getBlockProof", data)
    [link] = answer["steps"]
    assert (answer["complete"], link["to_key_block"], len(link["signatures"]["signatures"])) == (True, True, 4)


async def test_long_proofs_come_in_parts(ton: LocalTon) -> None:
    for _ in range(20):
        ton.rotate_validators()
        await ton.produce_block()
    async with client_for(ton.servers[0], 2) as client:
        first = await client.raw_get_mc_block_proof(block_id(ton, 1), block_id(ton, ton.seqno))
        assert (first[0], first[1].seqno) == (False, 1 + 16 + 2)
        await client.get_mc_block_proof(block_id(ton, 1), block_id(ton, ton.seqno))


async def test_old_states_go_but_old_blocks_still_lead_to_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = dict(Chain.__init__.__kwdefaults__ or {}) | {"keep_states": 5}
    monkeypatch.setattr(Chain.__init__, "__kwdefaults__", defaults)
    async with LocalTon() as ton:
        merchant = raw_address(ton.wallets["merchant"].address)
        await ton.pay(merchant, 7)
        await grow(ton)
        old = block_id(ton, 4)
        async with client_for(ton.servers[0]) as client:
            with pytest.raises(LiteServerError) as caught:
                await client.raw_get_account_state(merchant, old)
            assert caught.value.code == -400
            complete, reached, _, _ = await client.raw_get_mc_block_proof(old, client.last_mc_block)
            assert (complete, reached.seqno) == (True, ton.seqno)
            assert (await client.raw_get_block(old)).info.seqno == 4
            assert len(await client.get_transactions(merchant, 10)) == 1
