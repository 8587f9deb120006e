"""What the machine could do at best, in the same run: a bare aiohttp handler, and the commits of the database."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harvester.storage.embedded import postgres_binaries

_BARE_SERVER = """
import asyncio, uvloop
from aiohttp import web

async def main():
    app = web.Application()
    async def handler(request):
        return web.Response(body=b'{"ok":true}', content_type="application/json")
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


@asynccontextmanager
async def bare_server() -> AsyncIterator[int]:
    """Run a server that does nothing, in a process of its own; yield its port."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _BARE_SERVER, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def commits_per_second(uri: str, clients: int, seconds: int = 5) -> float:
    """Return how many one-row transactions pgbench commits in the database at `uri`."""
    script = "INSERT INTO commit_probe VALUES (1);\n"
    await _run("psql", uri, "-qc", "CREATE TABLE IF NOT EXISTS commit_probe (a integer)")
    options = ["-n", "-M", "prepared", "-c", str(clients), "-T", str(seconds), "-f", "-", uri]
    output = await _run("pgbench", *options, text=script)
    await _run("psql", uri, "-qc", "DROP TABLE commit_probe")
    found = re.search(r"tps = ([\d.]+)", output)
    assert found is not None, output
    return float(found[1])


async def _run(program: str, *arguments: str, text: str = "") -> str:
    process = await asyncio.create_subprocess_exec(
        postgres_binaries() / program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(text.encode())
    if process.returncode:
        raise RuntimeError(f"{program} failed: {errors.decode()}")
    return output.decode()
