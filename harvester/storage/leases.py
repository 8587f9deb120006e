"""Leases: work that one process does at a time, and tokens that keep a process out whose time is over.

A lease ends when its time is over by the database's clock, or with the session that renewed it last: what a killed
process held is free at once. A session may end although its process lives, and a process may sleep past the end of its
lease: what it writes then does not pass `fence`.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import asyncpg

from harvester.domain.errors import LeaseLost
from harvester.storage.database import CONNECT_TIMEOUT_SECS, Connection, driver_errors, row_count

_COMMAND_TIMEOUT_SECS: Final = 10.0
PATIENCE: Final = timedelta(seconds=1)
"""How long a transaction of a holder whose time is over is waited for, before it is ended."""
INTRODUCE: Final = """
INSERT INTO leases (name, token, expires_at, session_pid, session_start)
VALUES ($1, 0, '-infinity', 0, '-infinity') ON CONFLICT DO NOTHING
"""
# When the session begins, PgBouncer would refuse it.
BE_PATIENT: Final = "SELECT set_config('lock_timeout', $1, false)"
# Locks nothing while somebody holds it.
TAKE: Final = """
UPDATE leases AS held SET
    token = token + 1, expires_at = clock_timestamp() + $2, session_pid = own.pid, session_start = own.backend_start
FROM pg_stat_activity AS own
WHERE name = $1 AND own.pid = pg_backend_pid() AND NOT (
    expires_at > clock_timestamp() AND EXISTS (
        SELECT FROM pg_stat_activity AS holder
        WHERE holder.pid = session_pid AND coalesce(holder.backend_start, session_start) = session_start
    )
)
RETURNING token
"""
RENEW: Final = """
UPDATE leases SET expires_at = clock_timestamp() + $3, session_pid = pid, session_start = backend_start
FROM pg_stat_activity WHERE pid = pg_backend_pid() AND name = $1 AND token = $2
"""
# Renewing does not wait for this lock, since it changes no key; a takeover changes the token, and does.
FENCE: Final = """
SELECT 1 FROM leases WHERE name = $1 AND token = $2 AND expires_at > clock_timestamp() FOR KEY SHARE
"""
# Nothing but FENCE locks the table in this mode. What passed it for another lease, and is as old, is tried again.
END_FENCED: Final = """
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE datname = current_database() AND relation = 'leases'::regclass AND mode = 'RowShareLock'
  AND xact_start < clock_timestamp() - $1::interval AND pg_has_role(usesysid, 'USAGE')
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """One term of one holder."""

    name: str
    token: int
    """Greater than that of every earlier term."""


class LeaseSession:
    """A connection of its own for acquiring and renewing, made when needed. What it holds is free when it ends."""

    def __init__(self, uri: str, term: timedelta) -> None:
        """`term`: how long a lease lasts if it is not renewed."""
        self._uri = uri
        self._term = term
        self._connection: asyncpg.Connection | None = None

    async def acquire(self, name: str) -> Lease | None:
        """Return the lease `name` if nobody held it; None: somebody does.

        Transactions that passed the fence when it was held are waited for, for as long as PATIENCE, and ended then.

        Raises:
            Unavailable: the database does not answer.
        """
        with driver_errors():
            connection = await self._connected()
            await connection.execute(BE_PATIENT, f"{PATIENCE // timedelta(milliseconds=1)}")
            await connection.execute(INTRODUCE, name)
            try:
                token = await connection.fetchval(TAKE, name, self._term)
            except asyncpg.LockNotAvailableError:
                await connection.execute(END_FENCED, PATIENCE)
                token = await connection.fetchval(TAKE, name, self._term)
        return None if token is None else Lease(name, token)

    async def renew(self, lease: Lease) -> bool:
        """Make the lease last a whole term from now, also if its time was over; False: somebody has taken it over.

        Raises:
            Unavailable: the database does not answer.
        """
        with driver_errors():
            tag = await (await self._connected()).execute(RENEW, lease.name, lease.token, self._term)
        return row_count(tag) == 1

    def close(self) -> None:
        """End the session, and with it its leases."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._uri,
                timeout=CONNECT_TIMEOUT_SECS,
                command_timeout=_COMMAND_TIMEOUT_SECS,
                server_settings={"application_name": "harvester leases"},
            )
        return self._connection


async def fence(connection: Connection, lease: Lease) -> None:
    """Hold the lease until the transaction ends: nobody takes it over before.

    Raises:
        LeaseLost: its time is over, or somebody has taken it over.
    """
    if await connection.fetchval(FENCE, lease.name, lease.token) is None:
        raise LeaseLost(f"the lease {lease.name} is not held any more: nothing was written")
