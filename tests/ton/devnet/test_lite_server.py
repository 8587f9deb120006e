"""The lite server as pytoniq, unmodified, sees it."""

from __future__ import annotations

import asyncio

import pytest
from pytoniq import LiteClient
from pytoniq.liteclient.client import LiteServerError, RunGetMethodError
from pytoniq_core import Address, Cell, begin_cell
from pytoniq_core.tlb.transaction import Transaction as TonTransaction

from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.local import LocalTon, Payment
from tests.ton.devnet.conftest import client_for

NANO = 10**9


@pytest.fixture(params=[1, 2], ids=["proofs checked", "nothing checked"])
async def client(request: pytest.FixtureRequest, ton: LocalTon) -> LiteClient:
    return client_for(ton.servers[0], request.param)


async def test_a_paid_account_shows_its_balance_and_history(ton: LocalTon, client: LiteClient) -> None:
    merchant = raw_address(ton.wallets["merchant"].address)
    await ton.burst([Payment(merchant, NANO + i, text=f"order {i}") for i in range(40)], per_block=8)
    async with client:
        state = await client.get_account_state(merchant)
        assert (state.balance, state.state.type_) == (ton.account(merchant).balance_nano, "uninitialized")
        history = await client.get_transactions(merchant, 100)
    assert [transaction.in_msg.info.value.grams for transaction in history] == [NANO + i for i in reversed(range(40))]
    assert history[-1].prev_trans_lt == 0


async def test_an_absent_account_is_answered_and_its_absence_is_in_the_proof(client: LiteClient) -> None:
    async with client:
        assert (await client.get_account_state("0:" + "12" * 32)).balance == 0
        answer = await client.liteserver_request(
            "getAccountState",
            {"id": client.last_mc_block.to_dict(), "account": Address("0:" + "12" * 32).to_tl_account_id()},
        )
    header, state = Cell.from_boc(answer["proof"])
    assert answer["state"] == b""
    assert state[0].get_hash(0) == header[0][2][1].get_hash(0)


async def test_every_block_query_is_answered_with_proofs(ton: LocalTon, client: LiteClient) -> None:
    await ton.pay(ton.wallets["merchant"].address, NANO)
    async with client:
        last = client.last_mc_block
        shard = (await client.get_all_shards_info())[0]
        assert shard.seqno == last.seqno == ton.seqno
        assert (await client.raw_get_shard_info()).root_hash == shard.root_hash
        assert (await client.raw_get_block_header(last)).info.seqno == last.seqno
        assert len((await client.raw_get_block(shard)).extra.account_blocks[0]) == 2
        assert (await client.raw_get_block(last)).extra.custom.shard_hashes
        assert (await client.lookup_block(-1, shard.shard, seqno=1))[0].seqno == 1
        assert (await client.lookup_block(0, shard.shard, lt=1_000_000))[0].seqno == 1
        ton.advance(100)
        await ton.produce_block(3)
        assert (await client.lookup_block(-1, shard.shard, utime=int(ton.now()) - 50))[0].seqno == last.seqno + 1
        assert await client.get_state(0, shard.shard, shard.seqno, shard.root_hash, shard.file_hash)
        assert 34 in await client.get_config_all()
        assert set(await client.get_config_params([28, 34])) == {28, 34}
        assert (await client.get_masterchain_info_ext())["last"]["seqno"] == ton.seqno
        assert abs((await client.get_time())["now"] - ton.now()) < 5
        assert (await client.get_version())["version"]
        assert await client.get_libraries([b"\1" * 32]) == {"01" * 32: None}


async def test_history_pages_hold_sixteen_and_honour_the_count(ton: LocalTon, client: LiteClient) -> None:
    merchant = ton.wallets["merchant"].address
    await ton.pay(merchant, NANO, count=20)
    lt, last_hash = ton.account(merchant).last
    query = {"account": Address(merchant).to_tl_account_id(), "lt": lt, "hash": last_hash.hex()}
    async with client:
        for count, expected in ((100, 16), (3, 3), (0, 0)):
            answer = await client.liteserver_request("getTransactions", query | {"count": count})
            assert len(answer["ids"]) == expected
        for wrong in ({"lt": lt + 1}, {"hash": "00" * 32}, {"account": Address("0:" + "12" * 32).to_tl_account_id()}):
            with pytest.raises(LiteServerError) as caught:
                await client.liteserver_request("getTransactions", query | {"count": 1} | wrong)
            assert caught.value.code == -400


async def test_transactions_are_what_the_reference_library_parses(ton: LocalTon) -> None:
    paid = await ton.pay(ton.wallets["merchant"].address, NANO, "USDX", text="x" * 300)
    for transaction in paid.transactions:
        block = ton.chain.heights[transaction.seqno].shard
        assert block.boc
        async with client_for(ton.servers[0]) as client:
            address = raw_address(transaction.address)
            got, ids = await client.raw_get_transactions(address, 1, transaction.lt, transaction.hash)
        assert isinstance(got[0], TonTransaction)
        assert (got[0].lt, ids[0].root_hash) == (transaction.lt, block.id.root_hash)


async def test_get_methods_run_on_the_state_of_the_block_asked_for(ton: LocalTon, client: LiteClient) -> None:
    buyer, jetton = ton.wallets["buyer"], ton.jetton("USDX")
    await ton.pay(ton.wallets["merchant"].address, NANO)
    async with client:
        before = client.last_mc_block
        [seqno] = await client.run_get_method(raw_address(buyer.address), "seqno", [])
        assert seqno == buyer.seqno
        owner = begin_cell().store_address(Address(buyer.address)).end_cell().begin_parse()
        [wallet] = await client.run_get_method(raw_address(jetton.master), "get_wallet_address", [owner])
        assert wallet.load_address() == Address(jetton.wallet_of(buyer.address))
        await ton.pay(ton.wallets["merchant"].address, NANO)
        assert await client.run_get_method(raw_address(buyer.address), "seqno", [], block=before) == [seqno]
        with pytest.raises(RunGetMethodError):
            await client.run_get_method("0:" + "12" * 32, "seqno", [])


async def test_waiting_for_a_block_answers_with_the_block(ton: LocalTon) -> None:
    async with client_for(ton.servers[0]) as client:
        client.updater.cancel()
        waiting = asyncio.create_task(
            client.wait_masterchain_seqno(ton.seqno + 1, 5000, "getMasterchainInfo"), name="wait"
        )
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await ton.produce_block()
        assert (await waiting)["last"]["seqno"] == ton.seqno, "when it has waited in vain, it answers with an error"


@pytest.mark.parametrize(("ahead", "timeout_ms", "code"), [(101, 5000, 651), (1, 50, 652)])
async def test_waiting_too_far_or_too_long_is_an_error(ton: LocalTon, ahead: int, timeout_ms: int, code: int) -> None:
    async with client_for(ton.servers[0]) as client:
        client.updater.cancel()
        with pytest.raises(LiteServerError) as caught:
            await client.wait_masterchain_seqno(ton.seqno + ahead, timeout_ms, "getMasterchainInfo")
    assert caught.value.code == code


async def test_an_unknown_query_and_an_unknown_block_are_errors_and_the_connection_lives_on(ton: LocalTon) -> None:
    async with client_for(ton.servers[0]) as client:
        with pytest.raises(LiteServerError):
            await client.get_out_msg_queue_sizes()
        unknown = client.last_mc_block.to_dict() | {"seqno": ton.seqno + 1}
        with pytest.raises(LiteServerError) as caught:
            await client.liteserver_request("getAllShardsInfo", {"id": unknown})
        assert caught.value.code == 651
        assert await client.get_time()


async def test_a_message_sent_through_the_lite_server_enters_the_next_block(ton: LocalTon) -> None:
    from harvester_ton.devnet.boc import write_boc
    from harvester_ton.devnet.wallets import Send

    message = ton.wallets["buyer3"].message([Send(ton.wallets["merchant"].address, NANO)])
    async with client_for(ton.servers[0]) as client:
        assert await client.raw_send_message(write_boc(message)) == 1
        await ton.produce_block()
    assert ton.account(ton.wallets["merchant"].address).received_nano == NANO
