"""Rates in PostgreSQL, appended and never changed.

They are read as text: a connection takes `numeric` for whole numbers, which amounts are and rates are not.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import asyncpg

from harvester.domain.rates import Pair, Rate
from harvester.storage.database import Connection

_COLUMNS: Final = "number, chain, asset, currency, rate::text AS rate, source, created_at, valid_until"
INSERT: Final = f"""
INSERT INTO rates (chain, asset, currency, rate, source, created_at, valid_until)
VALUES ($1, $2, $3, $4::numeric, $5, $6, $7)
RETURNING {_COLUMNS}
"""
_LAST: Final = f"""
LATERAL (
    SELECT {_COLUMNS} FROM rates
    WHERE (rates.chain, rates.asset, rates.currency) = (pairs.chain, pairs.asset, pairs.currency)
    ORDER BY number DESC LIMIT 1
) AS last
"""
SELECT_LAST: Final = f"""
SELECT last.* FROM unnest($1::text[], $2::text[], $3::text[]) AS pairs (chain, asset, currency), {_LAST}
"""
# Steps from pair to pair in the index: the table may grow by a row a minute, pairs are few.
SELECT_LAST_OF_ALL: Final = f"""
WITH RECURSIVE known AS (
    (SELECT chain, asset, currency FROM rates ORDER BY chain, asset, currency LIMIT 1)
    UNION ALL
    SELECT following.* FROM known, LATERAL (
        SELECT rates.chain, rates.asset, rates.currency FROM rates
        WHERE (rates.chain, rates.asset, rates.currency) > (known.chain, known.asset, known.currency)
        ORDER BY rates.chain, rates.asset, rates.currency LIMIT 1
    ) AS following
)
SELECT last.* FROM (SELECT * FROM known LIMIT $1) AS pairs, {_LAST}
"""


async def insert(
    connection: Connection, pair: Pair, rate: Decimal, source: str, created_at: datetime, valid_until: datetime
) -> Rate:
    """Store a rate, valid until some moment after `created_at`; from now on it is the last one of its pair."""
    [row] = await connection.fetch(
        INSERT, pair.asset.chain, pair.asset.asset, pair.currency, rate, source, created_at, valid_until
    )
    return _from_row(row)


async def last(connection: Connection, pairs: Sequence[Pair]) -> Mapping[Pair, Rate]:
    """Return the last rate of each of `pairs` that has one, valid or not."""
    found = await connection.fetch(
        SELECT_LAST,
        [pair.asset.chain for pair in pairs],
        [pair.asset.asset for pair in pairs],
        [pair.currency for pair in pairs],
    )
    rates = {(rate.chain, rate.asset, rate.currency): rate for rate in map(_from_row, found)}
    keys = {pair: (pair.asset.chain, pair.asset.asset, pair.currency) for pair in pairs}
    return {pair: rates[key] for pair, key in keys.items() if key in rates}


async def last_of_all(connection: Connection, at_most: int) -> Sequence[Rate]:
    """Return the last rate of each pair that has one, valid or not, by chain, asset and currency."""
    return [_from_row(row) for row in await connection.fetch(SELECT_LAST_OF_ALL, at_most)]


def _from_row(row: asyncpg.Record) -> Rate:
    values = dict(row)
    return Rate(rate=Decimal(values.pop("rate")), **values)
