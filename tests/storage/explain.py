"""A connection that notes how PostgreSQL carries out each statement, and what that costs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

_EXPLAIN: Final = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "


@dataclass(frozen=True)
class Plan:
    """How one statement was carried out."""

    sql: str
    tree: dict[str, Any] = field(repr=False)

    @property
    def pages(self) -> int:
        """Pages of tables and indexes that were looked at, 8 kB each."""
        return int(self.tree["Shared Hit Blocks"] + self.tree["Shared Read Blocks"])

    @property
    def read_whole(self) -> set[str]:
        """The tables that are read from end to end."""
        return {node["Relation Name"] for node in self.nodes() if node["Node Type"] == "Seq Scan"}

    def nodes(self) -> Iterator[dict[str, Any]]:
        """All nodes that were carried out."""
        waiting = [self.tree]
        while waiting:
            node = waiting.pop()
            waiting += node.get("Plans", [])
            if node.get("Actual Loops", 1):
                yield node


class Explaining:
    """Does with each statement what a connection does, having tried it out before."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.plans: list[Plan] = []

    async def fetch(self, sql: str, *arguments: object) -> Any:
        """See asyncpg."""
        await self._explain(sql, arguments)
        return await self._connection.fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: object) -> Any:
        """See asyncpg."""
        await self._explain(sql, arguments)
        return await self._connection.fetchrow(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: object) -> Any:
        """See asyncpg."""
        await self._explain(sql, arguments)
        return await self._connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> Any:
        """See asyncpg."""
        await self._explain(sql, arguments)
        return await self._connection.execute(sql, *arguments)

    async def _explain(self, sql: str, arguments: tuple[object, ...]) -> None:
        trial = self._connection.transaction()
        await trial.start()
        try:
            text = await self._connection.fetchval(_EXPLAIN + sql, *arguments)
        finally:
            await trial.rollback()
        self.plans.append(Plan(sql, json.loads(text)[0]["Plan"]))
