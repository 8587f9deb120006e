"""A lite server: ADNL-TCP connections in front of `LiteQueries`, with the faults it was told to have."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import struct
from typing import Any

from nacl.signing import SigningKey

from harvester_ton.devnet.adnl import AdnlConnection, AdnlError
from harvester_ton.devnet.chain import Chain
from harvester_ton.devnet.faults import FaultMode, Faults
from harvester_ton.devnet.heads import Heads
from harvester_ton.devnet.lite_view import NOT_APPLIED, TIMEOUT
from harvester_ton.devnet.ports import LOOPBACK
from harvester_ton.devnet.queries import LiteQueries
from harvester_ton.devnet.tl import (
    ADNL_ANSWER,
    ADNL_QUERY,
    LITE_QUERY,
    PING,
    PONG,
    WAIT_SEQNO,
    TlError,
    TlReader,
    pack_bytes,
    pack_error,
)

_MAX_WAIT_SECS = 10.0
_MAX_AHEAD = 100


class LiteServer:
    """One server at an IPv4 address. `port` 0 takes a free one and keeps it over closing and opening."""

    def __init__(self, chain: Chain, heads: Heads, key: SigningKey, port: int = 0, host: str = LOOPBACK) -> None:
        self._queries, self._chain, self._heads, self._key = LiteQueries(chain), chain, heads, key
        self.host, self.port = host, port
        self.faults = Faults()
        self.queries_answered = 0
        self._listener: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def public_key(self) -> bytes:
        """Ed25519, 32 bytes."""
        return bytes(self._key.verify_key)

    def config_entry(self) -> dict[str, Any]:
        """The server as a network config lists it."""
        ip = struct.unpack(">i", bytes(map(int, self.host.split("."))))[0]
        key = base64.b64encode(self.public_key).decode()
        return {"ip": ip, "port": self.port, "id": {"@type": "pub.ed25519", "key": key}}

    async def open(self) -> None:
        """Starts listening; an open server stays as it is."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, self.host, self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Closes the port and cuts every connection; may be repeated."""
        listener, self._listener = self._listener, None
        if listener:
            listener.close()
        await self.cut()

    async def cut(self) -> None:
        """Cuts every open connection and returns when their tasks have ended."""
        tasks = [task for task in self._connections if task is not asyncio.current_task()]
        for task in tasks:
            # The reader sees the end and the task ends by itself: cancelling would be logged as an error by asyncio.
            self._connections[task].transport.abort()
        if tasks:
            await asyncio.wait(tasks)

    async def set_fault(self, mode: FaultMode, lag_blocks: int = 0) -> None:
        """Changes the fault; open connections that cannot outlive it are cut."""
        if lag_blocks < 0:
            raise ValueError(f"lag_blocks must not be negative, not {lag_blocks}")
        stalled = self.faults.mode is FaultMode.STALL
        self.faults.mode, self.faults.lag_blocks = mode, lag_blocks if mode is FaultMode.LAG else 0
        if mode is FaultMode.REFUSE:
            await self.close()
            return
        if mode is FaultMode.DROP or stalled:
            await self.cut()
        await self.open()

    @property
    def head(self) -> int:
        """The newest masterchain seqno this server knows of."""
        return max(0, self._chain.head.master.id.seqno - self.faults.lag_blocks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("connections are served inside a task")
        if self._listener is None:  # closed between the connection and this task
            writer.transport.abort()
            return
        self._connections[task] = writer
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TlError):
            pass  # the peer went away or does not speak ADNL: nothing to tell it
        finally:
            del self._connections[task]
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults.mode is FaultMode.STALL:
            await reader.read()
            return
        connection = await AdnlConnection.accept(reader, writer, self._key)
        try:
            async with asyncio.TaskGroup() as waits:
                while True:
                    await self._packet(connection, await connection.receive(), waits)
        except* (ConnectionError, asyncio.IncompleteReadError, TlError):
            pass  # as above; the waits of this connection end with it

    async def _packet(self, connection: AdnlConnection, payload: bytes, waits: asyncio.TaskGroup) -> None:
        if self.faults.mode is FaultMode.STALL:
            return
        if self.faults.mode is FaultMode.DROP:
            raise AdnlError("dropped on purpose")
        reader = TlReader(payload)
        kind = reader.raw(4)
        if kind == PING:
            connection.send(PONG + reader.raw(8))
        elif kind == ADNL_QUERY:
            query_id, inner = reader.raw(32), TlReader(reader.blob())
            if inner.raw(4) != LITE_QUERY:
                raise TlError("not a lite query")
            self._query(connection, query_id, inner.blob(), waits)
        await connection.drain()

    def _query(self, connection: AdnlConnection, query_id: bytes, query: bytes, waits: asyncio.TaskGroup) -> None:
        if query[:4] != WAIT_SEQNO:
            self._reply(connection, query_id, query, self._queries.answer(query, self.head))
            return
        reader = TlReader(query[4:])
        seqno, timeout_secs, rest = reader.int32(), reader.int32() / 1000, reader.rest
        if seqno > self.head + _MAX_AHEAD:
            self._reply(connection, query_id, query, pack_error(NOT_APPLIED, "too big masterchain block seqno"))
        elif seqno <= self.head:
            self._reply(connection, query_id, rest, self._queries.answer(rest, self.head))
        else:
            waits.create_task(self._wait(connection, query_id, seqno, timeout_secs, rest), name=f"wait for {seqno}")

    async def _wait(
        self, connection: AdnlConnection, query_id: bytes, seqno: int, timeout_secs: float, query: bytes
    ) -> None:
        try:
            async with asyncio.timeout(min(timeout_secs, _MAX_WAIT_SECS)):
                while self.head < seqno:
                    await self._heads.next()
            answer = self._queries.answer(query, self.head)
        except TimeoutError:
            answer = pack_error(TIMEOUT, "timeout")
        if self.faults.mode is not FaultMode.STALL:
            self._reply(connection, query_id, query, answer)
            await connection.drain()

    def _reply(self, connection: AdnlConnection, query_id: bytes, query: bytes, answer: bytes) -> None:
        if self.faults.tamper:
            answer = self.faults.tamper(query, answer)
        self.queries_answered += 1
        connection.send(ADNL_ANSWER + query_id + pack_bytes(answer))
