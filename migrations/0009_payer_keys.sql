-- Keys that payers have certified: what was bought is sealed with them.

create table payer_keys (
    chain text not null,
    address text not null,
    key bytea not null check (octet_length(key) between 1 and 256),
    committed_at timestamptz not null,
    paid boolean not null default false,
    primary key (chain, address)
);

comment on table payer_keys is 'the last key that the owner of each account has certified';
comment on column payer_keys.paid is 'has paid, as was seen when the key was due to be dropped: it is kept';

-- Anybody can commit keys of accounts that never pay. These are few (storage/payer_keys.py), and the oldest are looked at first.
create index payer_keys_unpaid on payer_keys (chain, committed_at, address) where not paid;
