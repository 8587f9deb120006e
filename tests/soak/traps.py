"""Places in the database where whoever comes by can be held: triggers that wait for a lock which the harness takes.

Nothing of this is known to the program under test. A trap that is not set costs its visitors one free lock.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Final, Self

import asyncpg

from tests.e2e.eventually import eventually


class Place(IntEnum):
    """Where somebody can be held; the value is the key of the lock."""

    CURSOR = 770_001
    PAYMENTS = 770_002
    INVOICES = 770_003
    EVENTS = 770_004
    COMMIT = 770_005
    CREATION = 770_006
    CLAIM = 770_007
    OUTCOME = 770_008
    SCHEMA = 770_009
    BADGE = 770_010
    CONFIRMATION = 770_011
    ENTRY = 770_012
    ENTRY_COMMIT = 770_013
    LINK = 770_014


_WAIT: Final = """
CREATE FUNCTION soak_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_lock_shared(TG_ARGV[0]::bigint);
    PERFORM pg_advisory_unlock_shared(TG_ARGV[0]::bigint);
    RETURN NULL;
END $$
"""
_BY_PLACE: Final = {
    Place.CURSOR: "TRIGGER soak_cursor BEFORE INSERT OR UPDATE ON accounts FOR EACH STATEMENT",
    Place.PAYMENTS: "TRIGGER soak_payments AFTER INSERT ON payments FOR EACH STATEMENT",
    Place.INVOICES: "TRIGGER soak_invoices AFTER UPDATE ON invoices FOR EACH STATEMENT",
    Place.EVENTS: "TRIGGER soak_events AFTER INSERT ON events FOR EACH STATEMENT",
    Place.COMMIT: "CONSTRAINT TRIGGER soak_commit AFTER INSERT ON payments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
    Place.CREATION: "TRIGGER soak_creation AFTER INSERT ON invoices FOR EACH ROW",
    Place.CLAIM: "TRIGGER soak_claim AFTER UPDATE ON deliveries FOR EACH ROW"
    " WHEN (old.leased_until IS NULL AND new.leased_until IS NOT NULL)",
    Place.OUTCOME: "TRIGGER soak_outcome AFTER UPDATE ON deliveries FOR EACH ROW"
    " WHEN (old.leased_until IS NOT NULL AND new.leased_until IS NULL)",
    Place.BADGE: "TRIGGER soak_badge AFTER UPDATE ON wallets FOR EACH ROW",
    Place.CONFIRMATION: "TRIGGER soak_confirmation AFTER INSERT ON payment_confirmations FOR EACH ROW",
    Place.ENTRY: "TRIGGER soak_entry AFTER INSERT ON credit_entries FOR EACH ROW",
    Place.ENTRY_COMMIT: "CONSTRAINT TRIGGER soak_entry_commit AFTER INSERT ON credit_entries"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
    Place.LINK: "TRIGGER soak_link AFTER INSERT ON address_customers FOR EACH ROW",
}
_WAIT_IN_SCHEMA: Final = f"""
CREATE FUNCTION soak_wait_in_schema() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_lock_shared({Place.SCHEMA});
    PERFORM pg_advisory_unlock_shared({Place.SCHEMA});
END $$;
CREATE EVENT TRIGGER soak_schema ON ddl_command_end EXECUTE FUNCTION soak_wait_in_schema();
"""
_WAITING: Final = """
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted AND classid = 0 AND objid = $1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_BUSY: Final = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1::integer[]) AND state = 'active'"
_TERMINATE: Final = "SELECT pg_terminate_backend(pid, 10000) FROM unnest($1::integer[]) AS pid"


class Traps:
    """All traps of one database. One may be set at a time."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, uri: str) -> AsyncIterator[Self]:
        """Yield the traps of the database at `uri`, of which none is installed."""
        connection = await asyncpg.connect(uri)
        try:
            yield cls(connection)
        finally:
            await connection.close()

    async def install(self) -> None:
        """Install the traps in the tables, which must be there."""
        await self._connection.execute(_WAIT)
        for place, event in _BY_PLACE.items():
            await self._connection.execute(f"CREATE {event} EXECUTE FUNCTION soak_wait({place})")

    async def install_in_schema(self) -> None:
        """Install the trap that catches changes of the schema."""
        await self._connection.execute(_WAIT_IN_SCHEMA)

    @asynccontextmanager
    async def set(self, place: Place) -> AsyncIterator["Trap"]:
        """Hold whoever comes to `place` until the block ends."""
        trap = Trap(self._connection, place)
        await trap.close()
        try:
            yield trap
        finally:
            await trap.open()


class Trap:
    """One place, where at present nobody gets on."""

    def __init__(self, connection: asyncpg.Connection, place: Place) -> None:
        self._connection = connection
        self._place = place
        self._closed = False

    async def close(self) -> None:
        """Hold whoever comes."""
        await self._connection.execute(f"SELECT pg_advisory_lock({self._place})")
        self._closed = True

    async def open(self) -> None:
        """Let everybody get on."""
        if self._closed:
            self._closed = False
            await self._connection.execute(f"SELECT pg_advisory_unlock({self._place})")

    async def caught(self) -> Sequence[int]:
        """Return the server processes that are held, as soon as there is one."""
        await eventually(self._has_caught, f"nobody comes to {self._place.name}")
        return await self._held()

    async def terminate(self, pids: Sequence[int]) -> None:
        """End these server processes: what they were doing has never been."""
        await self._connection.execute(_TERMINATE, pids)

    async def finished(self, pids: Sequence[int]) -> None:
        """Return when these server processes have done what they were asked to."""

        async def idle() -> bool:
            return not await self._connection.fetchval(_BUSY, pids)

        await eventually(idle, "a statement ends")

    async def _has_caught(self) -> bool:
        return bool(await self._held())

    async def _held(self) -> Sequence[int]:
        return [row["pid"] for row in await self._connection.fetch(_WAITING, int(self._place))]
