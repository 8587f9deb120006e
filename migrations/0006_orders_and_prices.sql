-- Invoices carry the merchant's own numbers, and the price they were asked for in; lists of them can be narrowed down.

-- No row is rewritten, and none is read to check it: the columns are new, so that all there is has nothing in them.
alter table invoices
    add column order_id text,
    add column customer_id text,
    add column price_amount numeric,
    add column price_currency text,
    add column rate numeric,
    add column rate_source text,
    add column rate_at timestamptz,
    add constraint invoices_merchant_ids_are_short check (
        length(order_id) between 1 and 255 and length(customer_id) between 1 and 255
    ) not valid,
    add constraint invoices_price_is_whole check (
        num_nulls(price_amount, price_currency, rate, rate_source, rate_at) in (0, 5)
    ) not valid,
    add constraint invoices_price_is_positive check (
        price_amount > 0 and price_amount < 'infinity' and rate > 0 and rate < 'infinity'
    ) not valid;

comment on column invoices.order_id is 'the merchant''s own number of what is paid for; no two invoices have the same';
comment on column invoices.customer_id is 'the merchant''s own name for who pays';
comment on column invoices.price_amount is 'what the merchant asked for, in price_currency';
comment on column invoices.rate is 'price_currency for one whole unit of the asset, which made the amount of the price';
comment on column invoices.rate_at is 'when the rate was so';

create unique index invoices_by_order on invoices (order_id) where order_id is not null;

-- Lists are in the order of creation, so that a range of time costs what it holds, whatever else is asked for.
create index invoices_by_time on invoices (created_at, id);
create index invoices_by_status on invoices (status, created_at, id);
create index invoices_by_currency on invoices (ticker, created_at, id);
create index invoices_by_customer on invoices (customer_id, created_at, id) where customer_id is not null;
create index invoices_by_payer on invoices (paid_by, created_at, id) where paid_by is not null;
