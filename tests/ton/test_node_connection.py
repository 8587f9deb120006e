"""The encrypted connection, before peers that do not behave."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from nacl.signing import SigningKey

from harvester_ton import tl
from harvester_ton.connection import MAX_FRAME_BYTES, Connection, connect
from harvester_ton.devnet.adnl import AdnlConnection
from harvester_ton.errors import NodeRefused, NodeUnwell
from harvester_ton.network_config import NodeAddress

PATIENCE_SECS = 10.0
KEY = SigningKey(bytes(range(32)))
Behave = Callable[[AdnlConnection], Awaitable[None]]


@asynccontextmanager
async def peer(behave: Behave) -> AsyncIterator[NodeAddress]:
    """A server that accepts properly and then does as `behave` says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(await AdnlConnection.accept(reader, writer, KEY))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield NodeAddress("127.0.0.1", port, bytes(KEY.verify_key))


@asynccontextmanager
async def connected(behave: Behave) -> AsyncIterator[Connection]:
    """A connection to such a server."""
    async with peer(behave) as address:
        connection = await connect(address, PATIENCE_SECS)
        try:
            yield connection
        finally:
            connection.close()


def answer_to(packet: bytes, data: bytes) -> bytes:
    """Return the packet that answers the query in `packet`."""
    return tl.ADNL_ANSWER + packet[4:36] + tl.encode_bytes(data)


async def echoes(connection: AdnlConnection) -> None:
    """Answer each query with itself."""
    while True:
        packet = await connection.receive()
        reader = tl.Reader(packet[36:])
        connection.send(answer_to(packet, reader.byte_string()))


async def keeps_silent(connection: AdnlConnection) -> None:
    """Take everything, say nothing."""
    while True:
        await connection.receive()


async def hangs_up(connection: AdnlConnection) -> None:
    """Close after the first query."""
    await connection.receive()


async def answers_others(connection: AdnlConnection) -> None:
    """Answer queries that were never asked, then refuse the one that was."""
    packet = await connection.receive()
    connection.send(tl.ADNL_ANSWER + bytes(32) + tl.encode_bytes(b"for somebody else"))
    connection.send(b"\x00" * 7)
    connection.send(answer_to(packet, tl.ERROR + (-404).to_bytes(4, "little", signed=True) + tl.encode_bytes(b"gone")))
    await connection.receive()


def frame(size: int) -> Behave:
    """Announce a packet of `size` bytes."""

    async def behave(connection: AdnlConnection) -> None:
        await connection.receive()
        connection._writer.write(connection._encrypt(size.to_bytes(4, "little") + bytes(100)))
        await connection.receive()

    return behave


async def garbles(connection: AdnlConnection) -> None:
    """Answer rightly in a packet whose checksum is wrong."""
    packet = await connection.receive()
    body = bytes(32) + answer_to(packet, b"fine") + bytes(32)
    connection._writer.write(connection._encrypt(len(body).to_bytes(4, "little") + body))
    await connection.receive()


async def test_a_wrong_checksum_ends_the_connection() -> None:
    async with connected(garbles) as connection:
        with pytest.raises(NodeUnwell, match="closed"):
            await connection.query(b"x", 5)


async def test_many_answers_find_their_questions() -> None:
    async with connected(echoes) as connection:
        questions = [bytes([number]) * (number * 500) for number in range(1, 60)]
        answers = await asyncio.gather(*(connection.query(question, 5) for question in questions))
    assert answers == [tl.LITE_QUERY + tl.encode_bytes(question) for question in questions]


async def test_silence_ends_after_the_time_given() -> None:
    async with connected(keeps_silent) as connection:
        with pytest.raises(NodeUnwell, match=r"no answer within 0\.05 s"):
            await connection.query(b"anyone there", 0.05)


async def test_a_closed_connection_fails_waiting_and_later_queries() -> None:
    async with connected(hangs_up) as connection:
        waiting = asyncio.gather(*(connection.query(b"x", 5) for _ in range(3)), return_exceptions=True)
        assert {type(error) for error in await waiting} == {NodeUnwell}
        with pytest.raises(NodeUnwell, match="closed"):
            await connection.query(b"x", 5)


async def test_answers_to_nobody_are_passed_over_and_a_refusal_is_told() -> None:
    async with connected(answers_others) as connection:
        with pytest.raises(NodeRefused) as refused:
            await connection.query(b"x", 5)
        assert refused.value.code == -404


@pytest.mark.parametrize("size", [0, 63, MAX_FRAME_BYTES + 1, 0xFFFFFFFF, 64])
async def test_a_frame_that_cannot_be_ends_the_connection(size: int) -> None:
    async with connected(frame(size)) as connection:
        with pytest.raises(NodeUnwell, match="closed"):
            await connection.query(b"x", 5)
        assert connection.closed.done()


async def test_the_wrong_key_is_noticed() -> None:
    async with peer(echoes) as address:
        stranger = SigningKey(hashlib.sha256(b"another").digest()).verify_key
        with pytest.raises(NodeUnwell, match="is the key right"):
            await connect(NodeAddress(address.host, address.port, bytes(stranger)), PATIENCE_SECS)


async def test_a_closed_port_and_an_unknown_host_are_told() -> None:
    async with peer(echoes) as address:
        pass
    with pytest.raises(NodeUnwell, match="cannot be reached"):
        await connect(address, PATIENCE_SECS)
    with pytest.raises(NodeUnwell, match="cannot be reached"):
        await connect(NodeAddress("no-such-host.invalid", 1, address.public_key), PATIENCE_SECS)
    with pytest.raises(NodeUnwell, match="cannot be reached"):
        await connect(NodeAddress("no..host", 1, address.public_key), PATIENCE_SECS)


async def test_a_peer_that_accepts_and_never_answers_is_given_up() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(ignore, "127.0.0.1", 0) as server:
        address = NodeAddress("127.0.0.1", server.sockets[0].getsockname()[1], bytes(KEY.verify_key))
        with pytest.raises(NodeUnwell, match=r"no connection within 0\.1 s"):
            await connect(address, 0.1)
