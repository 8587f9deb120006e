"""What a client meets when a lite server is made to fail."""

from __future__ import annotations

import asyncio

import pytest
from pytoniq.liteclient.client import LiteClientError, LiteServerError

from harvester_ton.devnet.local import LocalTon
from tests.ton.devnet.conftest import client_for

PATIENCE_SECS = 10.0
BROKEN = (LiteClientError, AttributeError, ConnectionError)  # what the library raises on a cut connection


async def test_a_dropped_server_cuts_open_connections_and_queries_and_heals(ton: LocalTon) -> None:
    client = client_for(ton.servers[0])
    await client.connect()
    await ton.set_faults("drop")
    with pytest.raises(BROKEN):
        await asyncio.wait_for(client.get_time(), PATIENCE_SECS)
    await client.close()
    with pytest.raises(BROKEN):
        await asyncio.wait_for(client_for(ton.servers[0]).connect(), PATIENCE_SECS)
    await ton.set_faults("none")
    async with client_for(ton.servers[0]) as again:
        assert await again.get_time()


async def test_a_stalled_server_takes_connections_and_never_answers(ton: LocalTon) -> None:
    async with client_for(ton.servers[0]) as client:
        await ton.set_faults("stall")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get_time(), 0.2)
        reader, writer = await asyncio.open_connection("127.0.0.1", ton.servers[0].port)
        writer.write(bytes(256))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.close()


async def test_a_refusing_server_closes_its_port_and_comes_back_on_the_same_one(ton: LocalTon) -> None:
    port = ton.servers[0].port
    await ton.set_faults("refuse")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await ton.set_faults("none")
    async with client_for(ton.servers[0]) as client:
        assert (client.server.port, await client.get_time() is not None) == (port, True)


async def test_a_lagging_server_answers_from_the_past_and_knows_nothing_newer() -> None:
    async with LocalTon(lite_servers=2) as ton:
        merchant = ton.wallets["merchant"].address
        await ton.produce_block(5)
        paid = await ton.pay(merchant, 10**9)
        await ton.set_faults("lag", server=0, lag_blocks=3)
        newest = paid.transactions[-1]
        async with client_for(ton.servers[0]) as late, client_for(ton.servers[1]) as current:
            assert current.last_mc_block.seqno - late.last_mc_block.seqno == 3
            with pytest.raises(LiteServerError) as caught:
                await late.raw_get_account_state("0:" + merchant[1].hex(), current.last_mc_block)
            assert caught.value.code == 651
            with pytest.raises(LiteServerError):
                await late.raw_get_transactions("0:" + merchant[1].hex(), 1, newest.lt, newest.hash)
            assert (await current.raw_get_transactions("0:" + merchant[1].hex(), 1, newest.lt, newest.hash))[0]


async def test_a_tampering_server_sends_what_the_test_tells_it_to(ton: LocalTon) -> None:
    async with client_for(ton.servers[0]) as client:
        honest = await client.get_version()
        ton.servers[0].faults.tamper = lambda _, answer: answer[:4] + bytes(len(answer) - 4)
        assert (await client.get_version())["version"] == 0 != honest["version"]


async def test_a_handshake_for_another_key_is_closed(ton: LocalTon) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ton.servers[0].port)
    writer.write(bytes(256))
    assert await asyncio.wait_for(reader.read(), PATIENCE_SECS) == b""
    writer.close()
