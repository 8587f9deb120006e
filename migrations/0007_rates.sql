-- What one whole unit of an asset costs, as somebody said it. Appended, never changed.

create table rates (
    number bigint generated always as identity primary key,
    chain text not null,
    asset text not null,
    currency text not null check (currency ~ '^[A-Z][A-Z0-9]{2,7}$'),
    rate numeric not null check (rate > 0),
    source text not null,
    created_at timestamptz not null,
    valid_until timestamptz not null,
    constraint rates_are_valid_at_first check (valid_until > created_at)
);

comment on table rates is 'the last one by number counts, until its valid_until; earlier ones never come back';
comment on column rates.rate is 'the price of one whole unit, with the digits that were given';

create index rates_in_order on rates (chain, asset, currency, number);
-- What money was worth when it came.
create index rates_by_time on rates (chain, asset, currency, created_at, number);
