"""A way to PostgreSQL that a test can cut: a Unix socket in front of the real one."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_SOCKET = ".s.PGSQL.5432"


class Proxy:
    """Forwards connections until it is cut, and again when it is restored."""

    def __init__(self, uri: str, folder: Path) -> None:
        parts = urlsplit(uri)
        self._behind = f"{parse_qs(parts.query)['host'][0]}/{_SOCKET}"
        self._front = folder / _SOCKET
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.uri = parts._replace(query=f"host={folder}").geturl()

    async def restore(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_unix_server(self._forward, self._front)

    async def cut(self) -> None:
        """Break all connections and accept none."""
        if self._server is not None:
            self._server.close()
        self._front.unlink(missing_ok=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_unix_connection(self._behind)
        self._writers |= {writer, behind_writer}
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, behind_writer))
            group.create_task(_copy(behind_reader, writer))
        self._writers -= {writer, behind_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the test cut it
    finally:
        writer.close()


@asynccontextmanager
async def proxied(uri: str) -> AsyncIterator[Proxy]:
    """Yield a working proxy in front of the server at `uri`."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        proxy = Proxy(uri, Path(folder))
        await proxy.restore()
        try:
            yield proxy
        finally:
            await proxy.cut()
