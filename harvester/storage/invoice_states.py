"""Where many invoices stand, for those who wait for them."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from harvester.storage.database import Connection

SELECT: Final = "SELECT id, status, received FROM invoices WHERE id = ANY ($1::uuid[])"


class InvoiceState(NamedTuple):
    """What changes in the life of an invoice."""

    status: str
    received: int
    """Base units."""


async def read(connection: Connection, ids: Iterable[UUID]) -> Mapping[UUID, InvoiceState]:
    """Return where those of `ids` stand that exist."""
    rows = await connection.fetch(SELECT, list(ids))
    return {row["id"]: InvoiceState(row["status"], row["received"]) for row in rows}
