-- Invoices, the payments that the ledger classed, the events that came of both, and what is told to whom.

create table invoices (
    id uuid primary key,
    status text not null check (status in ('unclaimed', 'waiting', 'paid', 'cancelled', 'expired')),
    amount numeric(78, 0) not null check (amount > 0),
    received numeric(78, 0) not null default 0 check (received >= 0),
    ticker text not null,
    chain text not null,
    asset text not null,
    decimals smallint not null check (decimals between 0 and 255),
    pay_to_address text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    updated_at timestamptz not null,
    sequence integer not null default 1 check (sequence > 0),
    paid_by text,
    paid_at timestamptz,
    tx_hash text,
    proof json,
    private_info json not null,
    metadata json not null,
    constraint invoices_paid_is_whole check (
        (status = 'paid') = (paid_at is not null)
        and (paid_at is null) = (paid_by is null)
        and (paid_at is null) = (tx_hash is null)
    )
) with (fillfactor = 85);

-- Expiry asks what is due on one account; the ledger asks since when invoices are open there.
create index invoices_open_by_expiry on invoices (chain, pay_to_address, asset, expires_at)
    where status in ('unclaimed', 'waiting');
create index invoices_open_by_creation on invoices (chain, pay_to_address, asset, created_at)
    where status in ('unclaimed', 'waiting');

-- One row for each account that is scanned; the cursor moves only together with what was found on the way.
create table accounts (
    chain text not null,
    address text not null,
    pay_to_address text not null,
    asset text not null,
    cursor text not null,
    scanned_until timestamptz,
    updated_at timestamptz not null,
    primary key (chain, address)
);

-- What an adapter keeps between runs, such as the last block it has proven.
create table chain_notes (
    chain text not null,
    name text not null,
    value bytea not null,
    updated_at timestamptz not null,
    primary key (chain, name)
);

create table payments (
    id bigint generated always as identity primary key,
    chain text not null,
    tx_hash text not null,
    transfer_index integer not null check (transfer_index >= 0),
    account_address text not null,
    pay_to_address text not null,
    asset text not null,
    amount numeric(78, 0) not null check (amount > 0),
    payer text not null,
    time timestamptz not null,
    class text not null check (class in (
        'exact', 'partial', 'over', 'late', 'duplicate', 'after_cancel', 'unmatched', 'wrong_asset', 'ignored'
    )),
    reason text,
    text text,
    reference uuid,
    invoice_id uuid references invoices (id),
    proof json,
    recorded_at timestamptz not null,
    constraint payments_once unique (chain, tx_hash, transfer_index)
);

comment on column payments.reference is 'the invoice id that the payer wrote, known or not';
comment on column payments.invoice_id is 'the invoice it counts for or was meant for, if there is one';
comment on column payments.proof is 'what the adapter proved it from; null: it was believed';

create index payments_by_invoice on payments (invoice_id, id) where invoice_id is not null;
create index payments_by_class on payments (class, id);

create table events (
    id uuid primary key,
    type text not null,
    invoice_id uuid not null references invoices (id),
    sequence integer not null check (sequence > 0),
    cause text not null,
    created_at timestamptz not null,
    body json not null,
    constraint events_in_order unique (invoice_id, sequence)
);

create table endpoints (
    id uuid primary key,
    name text not null unique,
    url text not null,
    enabled boolean not null default true,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

-- The outbox: what an endpoint is still to be told. A delivery waits for the earlier ones of its invoice.
create table deliveries (
    id bigint generated always as identity primary key,
    endpoint_id uuid not null references endpoints (id),
    event_id uuid not null references events (id),
    invoice_id uuid not null,
    sequence integer not null,
    status text not null check (status in ('pending', 'delivered', 'dead')),
    attempts integer not null default 0 check (attempts >= 0),
    schedule_start integer not null default 0 check (schedule_start between 0 and attempts),
    due_at timestamptz not null,
    leased_until timestamptz,
    created_at timestamptz not null,
    finished_at timestamptz,
    constraint deliveries_once unique (event_id, endpoint_id),
    constraint deliveries_leased_are_pending check (leased_until is null or status = 'pending')
) with (fillfactor = 85);

comment on column deliveries.schedule_start is 'attempts made before it was last resent: the schedule begins anew there';
comment on column deliveries.due_at is 'when to look at it next; while it is leased, the end of the lease';
comment on column deliveries.leased_until is 'set while a process sends it; tells that process''s lease from all others';

-- Sending looks per endpoint, so that a backlog of one costs the others nothing.
create index deliveries_due on deliveries (endpoint_id, due_at, id) where status = 'pending';
create index deliveries_in_order on deliveries (endpoint_id, invoice_id, sequence) where status = 'pending';
create index deliveries_by_status on deliveries (status, id);

create table delivery_attempts (
    delivery_id bigint not null references deliveries (id),
    attempt integer not null check (attempt > 0),
    attempted_at timestamptz not null,
    duration_ms integer not null check (duration_ms >= 0),
    status_code smallint,
    error text,
    response_head text,
    primary key (delivery_id, attempt)
);
