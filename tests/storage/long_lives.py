"""A database as it is after years: invoices, payments, events, deliveries and attempts, made inside PostgreSQL.

For n invoices there are 2n payments, 5n events, deliveries and attempts, n keys of payers (100,000 at least), n answers
to requests with keys, n/5 rates, and n/10 accounts of credit with about 2n entries. The newest invoices are open, some
of the newest deliveries are pending, all else is done. An invoice came every half a minute until now.
"""

from dataclasses import dataclass
from typing import Final

import asyncpg

CHAIN: Final = "ton"
MERCHANT: Final = "0:" + "ab" * 32
ASSET: Final = "ton"
BODY: Final = (
    '{"id": "%s", "status": "paid", "amount": "5000000000", "currency": "TON", "overpayment": "0", "metadata": '
    '{"merchant_name": "A shop", "goods": [{"name": "A book of some hundred pages", "price": "5000000000"}]}, '
    '"payment_links": {"universal": "https://app.tonkeeper.com/transfer/' + "x" * 160 + '", "tonkeeper": '
    '"tonkeeper://transfer/' + "y" * 160 + '"}, "payload": "te6cckEBAQEAIwAAQ' + "z" * 60 + '"}'
)
"""About as long as a real one."""

_SETTINGS: Final = "SET synchronous_commit = off; SET session_replication_role = replica; SET work_mem = '64MB'"
_ID: Final = """
CREATE FUNCTION ordered_id(moment timestamptz, seed text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || substr(md5(seed), 1, 3)
            || '8' || substr(md5(seed), 4, 15))::uuid
$$
"""
_EPOCH: Final = "CREATE FUNCTION epoch() RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT {!r}::timestamptz $$"
"""The end of what the tables hold."""
_ENDPOINTS: Final = """
INSERT INTO endpoints (id, name, url, enabled, local, created_at, updated_at)
SELECT ordered_id(epoch(), name), name, 'http://127.0.0.1:1/', enabled, true, epoch(), epoch()
FROM (VALUES ('environment', true), ('second', true), ('closed', false)) AS known (name, enabled)
"""
_INVOICES: Final = """
INSERT INTO invoices (
    id, status, amount, received, ticker, chain, asset, decimals, pay_to_address, created_at, expires_at, updated_at,
    sequence, paid_by, paid_at, tx_hash, proof, private_info, metadata, order_id, customer_id
)
SELECT ordered_id(at, 'invoice' || i), status, 5000000000, CASE WHEN status = 'paid' THEN 5000000000 ELSE 0 END,
       'TON', '{chain}', '{asset}', 9, '{merchant}', at,
       at + CASE WHEN status = 'waiting' THEN interval '7 days' ELSE interval '1 hour' END, at, 2,
       CASE WHEN status = 'paid' THEN '0:' || md5((i % 5000)::text) || md5('1') END,
       CASE WHEN status = 'paid' THEN at END,
       CASE WHEN status = 'paid' THEN md5('tx' || i) || md5('hash' || i) END, NULL, '{{"order": 17}}',
       '{{"merchant_name": "A shop", "goods": [{{"name": "A book of some hundred pages", "price": "5000000000"}}]}}',
       'order ' || i, 'customer ' || i % 3000
FROM (
    SELECT i, epoch() - ($1 - i) * interval '30 s' AS at,
           CASE WHEN i > 0.995 * $1 THEN 'waiting' WHEN i % 20 = 0 THEN 'expired' WHEN i % 50 = 1 THEN 'cancelled'
                ELSE 'paid' END AS status
    FROM generate_series(1, $1::bigint) AS i
) AS made
"""
_PAYMENTS: Final = """
INSERT INTO payments (
    chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount, payer, time, class, reason, text,
    reference, invoice_id, proof, recorded_at
)
SELECT '{chain}', md5(CASE k WHEN 1 THEN 'tx' ELSE 'ty' END || i) || md5('hash' || i), 0, '{merchant}', '{merchant}',
       '{asset}', 5000000000, '0:' || md5((i % 5000)::text) || md5(k::text), at, class, NULL,
       CASE WHEN k = 2 THEN 'order ' || i END, id, CASE WHEN class NOT IN ('unmatched', 'ignored') THEN id END, NULL, at
FROM (
    SELECT i, k, at, ordered_id(at, 'invoice' || i) AS id,
           CASE WHEN k = 1 THEN 'exact' WHEN i % 100 = 3 THEN 'unmatched' WHEN i % 1000 = 5 THEN 'late'
                WHEN i % 7 = 0 THEN 'ignored' ELSE 'duplicate' END AS class
    FROM generate_series(1, $1::bigint) AS i, LATERAL (SELECT epoch() - ($1 - i) * interval '30 s' AS at) AS moment,
         generate_series(1, 2) AS k
) AS made
"""
_EVENTS: Final = """
INSERT INTO events (id, type, invoice_id, sequence, cause, created_at, body)
SELECT ordered_id(at, 'event' || i || k),
       CASE k WHEN 1 THEN 'invoice.created' WHEN 2 THEN 'invoice.paid' ELSE 'payment.received' END, invoice_id,
       CASE WHEN k < 3 THEN k END, 'chain:' || md5('tx' || i) || md5('hash' || i), at, format($2, invoice_id)::json
FROM (
    SELECT i, k, at, ordered_id(at, 'invoice' || i) AS invoice_id
    FROM generate_series(1, $1::bigint) AS i, LATERAL (SELECT epoch() - ($1 - i) * interval '30 s' AS at) AS moment,
         generate_series(1, 5) AS k
) AS made
ORDER BY i, k
"""
_DELIVERIES: Final = """
INSERT INTO deliveries (
    endpoint_id, event_id, invoice_id, sequence, status, attempts, due_at, leased_until, created_at, finished_at
)
SELECT endpoint.id, event_id, invoice_id, CASE WHEN k < 3 THEN k END, status,
       CASE WHEN status = 'pending' THEN 0 ELSE 1 END,
       CASE WHEN i % 2 = 0 THEN at ELSE epoch() + interval '1 hour' END, NULL, at,
       CASE WHEN status <> 'pending' THEN at END
FROM (
    SELECT i, k, at, ordered_id(at, 'invoice' || i) AS invoice_id, ordered_id(at, 'event' || i || k) AS event_id,
           CASE WHEN i > 0.999 * $1 THEN 'pending' WHEN i % 1000 = 7 THEN 'dead' ELSE 'delivered' END AS status
    FROM generate_series(1, $1::bigint) AS i, LATERAL (SELECT epoch() - ($1 - i) * interval '30 s' AS at) AS moment,
         generate_series(1, 5) AS k
) AS made, (SELECT id FROM endpoints WHERE name = 'environment') AS endpoint
ORDER BY i, k
"""
_ATTEMPTS: Final = """
INSERT INTO delivery_attempts (delivery_id, attempt, attempted_at, duration_ms, status_code, error, response_head)
SELECT id, 1, finished_at, 23, CASE status WHEN 'dead' THEN 500 ELSE 200 END, NULL, '{{"ok": true}}'
FROM deliveries WHERE status <> 'pending'
"""
_RATES: Final = """
INSERT INTO rates (chain, asset, currency, rate, source, created_at, valid_until)
SELECT '{chain}', '{asset}', currency, 5 + i % 100 / 1000.0, 'source', at, at + interval '1 hour'
FROM generate_series(1, $1::bigint / 10) AS i,
     LATERAL (SELECT epoch() - ($1 / 10 - i) * interval '300 s' AS at) AS moment,
     (VALUES ('USD'), ('EUR')) AS currencies (currency)
ORDER BY i
"""
_PAYER_KEYS: Final = """
INSERT INTO payer_keys (chain, address, key, committed_at, paid)
SELECT '{chain}', '0:' || md5((i % 5000)::text) || md5('key' || i), decode(md5(i::text) || md5(i::text), 'hex'),
       epoch() - (keys - i) * interval '1 s', i <= keys - 5100
FROM greatest($1::bigint, 100000) AS keys, generate_series(1, keys) AS i
"""
_KEYS: Final = """
INSERT INTO idempotency_keys (id, body_hash, status, answer, created_at)
SELECT sha256(i::text::bytea), sha256('body'), 200, convert_to(format($2, i), 'UTF8'),
       epoch() - ($1 - i) * interval '1 s'
FROM generate_series(1, $1::bigint) AS i
"""
_LINKS: Final = """
INSERT INTO address_customers (chain, address, customer_id, linked_at, cause)
SELECT '{chain}', '0:' || md5((i % 5000)::text) || md5('1'), 'customer ' || i % 3000, epoch(), 'test'
FROM generate_series(1, $1::bigint) AS i ON CONFLICT DO NOTHING
"""
_CREDIT_ACCOUNTS: Final = """
INSERT INTO credit_accounts (chain, asset, kind, owner)
SELECT '{chain}', '{asset}', 'address', '0:' || md5(i::text) || md5('1') FROM generate_series(1, $1::bigint / 10) AS i
UNION ALL SELECT '{chain}', '{asset}', kind, '' FROM (VALUES ('received'), ('settled'), ('notes')) AS house (kind)
"""
# What came went, but for the last tenth.
_CREDIT_ENTRIES: Final = """
INSERT INTO credit_entries (kind, from_account, to_account, amount, payment_id, invoice_id, actor, created_at)
SELECT CASE k WHEN 1 THEN 'payment' ELSE 'settlement' END,
       CASE k WHEN 1 THEN received.id ELSE account.id END, CASE k WHEN 1 THEN account.id ELSE settled.id END,
       5000000000, CASE k WHEN 1 THEN 2 * i END, CASE k WHEN 2 THEN ordered_id(at, 'invoice' || i) END, 'test', at
FROM generate_series(1, $1::bigint) AS i,
     LATERAL (SELECT epoch() - ($1 - i) * interval '30 s' AS at) AS moment,
     generate_series(1, CASE WHEN i % 10 = 0 THEN 1 ELSE 2 END) AS k,
     LATERAL (SELECT 1 + i % ($1 / 10) AS id) AS account,
     (SELECT id FROM credit_accounts WHERE kind = 'received') AS received,
     (SELECT id FROM credit_accounts WHERE kind = 'settled') AS settled
"""
_ACCOUNT: Final = """
INSERT INTO accounts (chain, address, pay_to_address, asset, cursor, scanned_until, updated_at)
VALUES ('{chain}', '{merchant}', '{merchant}', '{asset}', '1:00', epoch(), epoch())
"""
_STATEMENTS: Final = (
    _INVOICES,
    _PAYMENTS,
    _EVENTS,
    _DELIVERIES,
    _ATTEMPTS,
    _RATES,
    _PAYER_KEYS,
    _KEYS,
    _LINKS,
    _CREDIT_ACCOUNTS,
    _CREDIT_ENTRIES,
    _ACCOUNT,
)
BIG_TABLES: Final = frozenset(
    {
        "invoices",
        "payments",
        "events",
        "deliveries",
        "delivery_attempts",
        "rates",
        "payer_keys",
        "idempotency_keys",
        "address_customers",
        "credit_accounts",
        "credit_entries",
    }
)


@dataclass(frozen=True)
class Size:
    """What a table takes on disk, in bytes for each invoice."""

    table: str
    table_bytes: float
    index_bytes: float


async def fill(connection: asyncpg.Connection, invoices: int) -> None:
    """Fill an empty, migrated database; some minutes for a million invoices."""
    await connection.execute(_SETTINGS)
    await connection.execute(_ID)
    await connection.execute(_EPOCH.format(str(await connection.fetchval("SELECT date_trunc('second', now())"))))
    await connection.execute(_ENDPOINTS)
    for statement in _STATEMENTS:
        sql = statement.format(chain=CHAIN, merchant=MERCHANT, asset=ASSET)
        given = [value for value, name in ((invoices, "$1"), (BODY, "$2")) if name in sql]
        await connection.execute(sql, *given, timeout=None)
    await connection.execute("RESET session_replication_role; RESET work_mem")
    for table in sorted(BIG_TABLES):
        await connection.execute(f"VACUUM ANALYZE {table}", timeout=None)


async def sizes(connection: asyncpg.Connection, invoices: int) -> list[Size]:
    """Return what the big tables take on disk."""
    return [
        Size(
            table,
            await connection.fetchval("SELECT pg_table_size($1::regclass)", table) / invoices,
            await connection.fetchval("SELECT pg_indexes_size($1::regclass)", table) / invoices,
        )
        for table in sorted(BIG_TABLES)
    ]
