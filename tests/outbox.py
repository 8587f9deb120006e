"""Fills the outbox the way the ledger does, and waits for what the sender stores."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
from uuid_utils.compat import uuid7

from harvester.domain.events import Event, EventType
from harvester.storage import events, invoices
from harvester.storage.database import Database
from tests.invoices import waiting_invoice
from tests.receiver import WAIT_SECS

_ADD_ENDPOINT = """
INSERT INTO endpoints (id, name, url, enabled, local, created_at, updated_at)
VALUES ($1, $2, $3, $4, true, now(), now())
"""
_NOTIFY = """
CREATE OR REPLACE FUNCTION tell_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('test_attempts', NEW.delivery_id || ':' || NEW.attempt);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER tell_attempt AFTER INSERT ON delivery_attempts FOR EACH ROW EXECUTE FUNCTION tell_attempt();
"""


async def add_endpoint(database: Database, name: str, url: str, enabled: bool = True) -> UUID:
    """Make an endpoint; return its id."""
    endpoint_id = uuid4()
    async with database.connection() as connection:
        await connection.execute(_ADD_ENDPOINT, endpoint_id, name, url, enabled)
    return endpoint_id


async def add_invoice(database: Database, now: datetime) -> UUID:
    """Make an invoice with its first event and deliveries; return its id."""
    invoice = waiting_invoice(now)
    async with database.connection() as connection:
        await invoices.insert(connection, invoice, _event(invoice.id, 1, EventType.CREATED, now))
    return invoice.id


async def add_event(database: Database, invoice_id: UUID, sequence: int, kind: EventType, now: datetime) -> UUID:
    """Record a later event of an invoice with its deliveries; return the event's id."""
    event = _event(invoice_id, sequence, kind, now)
    async with database.connection() as connection:
        await events.insert(connection, [event])
    return event.id


def _event(invoice_id: UUID, sequence: int, kind: EventType, now: datetime) -> Event:
    # Members out of order, uneven spaces and a character beyond ASCII: a body that was parsed and written anew differs.
    body = f'{{"z": "ї",  "id":{json.dumps(str(invoice_id))}, "status": "{kind.value.partition(".")[2]}"}}'
    return Event(uuid7(), kind, invoice_id, sequence, "test", now, body)


async def rows(database: Database, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
    """Look into the database."""
    async with database.connection() as connection:
        return list(await connection.fetch(query, *arguments))


class StoredAttempts:
    """Attempts as their rows are committed."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    def put(self, payload: str) -> None:
        """Note one that was committed."""
        delivery_id, _, attempt = payload.partition(":")
        self._queue.put_nowait((int(delivery_id), int(attempt)))

    async def next(self) -> tuple[int, int]:
        """Return (delivery id, number) of the next attempt that is stored."""
        async with asyncio.timeout(WAIT_SECS):
            return await self._queue.get()


@asynccontextmanager
async def stored_attempts(database: Database) -> AsyncIterator[StoredAttempts]:
    """Yield the attempts of a database of one test as they are stored."""
    stored = StoredAttempts()
    connection = await asyncpg.connect(database.uri)
    try:
        await connection.execute(_NOTIFY)
        await connection.add_listener("test_attempts", lambda *call: stored.put(call[3]))
        yield stored
    finally:
        await connection.close()
