"""Forgetting deliveries that were taken long ago. Invoices, payments and events are kept for ever."""

from datetime import datetime
from typing import Final

from harvester.storage.database import Connection

# Who resends one at this moment has its row locked: it is left alone.
PRUNE: Final = """
WITH looked AS MATERIALIZED (
    SELECT id, created_at FROM deliveries WHERE id > $1 ORDER BY id LIMIT $3
), old AS MATERIALIZED (
    SELECT id FROM deliveries
    WHERE id = ANY (ARRAY(SELECT id FROM looked)) AND status = 'delivered' AND finished_at < $2
    FOR UPDATE SKIP LOCKED
), attempts AS (
    DELETE FROM delivery_attempts WHERE delivery_id = ANY (ARRAY(SELECT id FROM old))
), pruned AS (
    DELETE FROM deliveries WHERE id = ANY (ARRAY(SELECT id FROM old)) RETURNING id
)
SELECT (SELECT count(*) FROM pruned) AS pruned, max(id) AS up_to, min(created_at) < $2 AS more FROM looked
"""


async def prune(connection: Connection, after: int, before: datetime, at_most: int) -> tuple[int, int | None]:
    """Delete, with their attempts, deliveries that were taken before the moment `before`, in one statement.

    Looks at the `at_most` oldest with an id beyond `after`. What is pending or dead stays. Returns how many were
    deleted, and the id to go on after; None: what follows is too new.
    """
    (row,) = await connection.fetch(PRUNE, after, before, at_most)
    return row["pruned"], row["up_to"] if row["more"] else None
