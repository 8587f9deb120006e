-- Orders that a storefront places, who may pay them, and money that pays for nothing yet.

-- No row of a big table is rewritten, and none is read to check it: what is there already kept to narrower rules.
alter table invoices
    add column alt_id text,
    add column note text,
    add column claimed_at timestamptz,
    add constraint invoices_alt_id_is_short check (length(alt_id) between 1 and 255) not valid,
    drop constraint invoices_amount_check,
    add constraint invoices_amount_check check (amount >= 0) not valid,
    drop constraint invoices_price_is_positive,
    add constraint invoices_price_is_positive check (
        price_amount >= 0 and price_amount < 'infinity' and rate > 0 and rate < 'infinity'
    ) not valid,
    drop constraint invoices_paid_is_whole,
    add constraint invoices_paid_is_whole check (
        (status = 'paid') = (paid_at is not null)
        and (paid_at is null) = (paid_by is null)
        and (paid_at is not null or tx_hash is null)
    ) not valid;

comment on column invoices.alt_id is 'a second number of the order that people know it by; unique, too';
comment on column invoices.note is 'what the buyer wrote to the order';
comment on column invoices.claimed_at is 'when a payer was tied to it; its life is measured from then';
comment on column invoices.tx_hash is 'of the transfer that settled it; null: it was settled from credit';

create unique index invoices_by_alt_id on invoices (alt_id) where alt_id is not null;
create index invoices_orders_by_time on invoices (created_at, id) where order_id is not null;
-- What a customer owes, in the order in which it is paid.
create index invoices_owed on invoices (customer_id, chain, asset, created_at, id)
    where status in ('unclaimed', 'waiting') and customer_id is not null;

alter table payments
    add column order_reference text,
    add column claimant text,
    add column provisional boolean not null default false,
    drop constraint payments_class_check,
    add constraint payments_class_check check (
        class in ('exact', 'partial', 'over', 'late', 'duplicate', 'after_cancel', 'unmatched', 'wrong_asset',
                  'ignored', 'credit')
    ) not valid;

comment on column payments.order_reference is 'the order that the payer named, known or not';
comment on column payments.claimant is 'whose signature for that order came with the payment';
comment on column payments.provisional is 'recorded before it was final; it counts once it is confirmed';

create index payments_by_order_reference on payments (order_reference, id) where order_reference is not null;

create table payment_confirmations (
    payment_id bigint primary key references payments,
    confirmed_at timestamptz not null,
    cause text not null
);
comment on table payment_confirmations is 'provisional payments that have become final; payments are never rewritten';

create table address_customers (
    chain text not null,
    address text not null,
    customer_id text not null check (length(customer_id) between 1 and 255),
    linked_at timestamptz not null,
    cause text not null,
    primary key (chain, address, customer_id)
);
comment on table address_customers is 'which addresses belong to which customers; never removed';
create index address_customers_by_customer on address_customers (customer_id, chain);

create table credit_accounts (
    id bigint generated always as identity primary key,
    chain text not null,
    asset text not null,
    kind text not null check (kind in ('address', 'customer', 'received', 'settled', 'notes', 'refunded')),
    owner text not null,
    constraint credit_accounts_once unique (chain, asset, kind, owner),
    check ((kind in ('address', 'customer')) = (owner <> ''))
);
comment on table credit_accounts is
    'where credit is: an address''s, a customer''s, and four of the house that it comes from and goes to';

create table credit_entries (
    number bigint generated always as identity primary key,
    kind text not null check (kind in ('payment', 'note', 'settlement', 'refund')),
    from_account bigint not null references credit_accounts,
    to_account bigint not null references credit_accounts,
    amount numeric(78, 0) not null check (amount >= 0),
    payment_id bigint references payments,
    invoice_id uuid references invoices,
    actor text not null,
    reason text,
    created_at timestamptz not null,
    check (from_account <> to_account),
    check ((kind in ('payment', 'refund')) = (payment_id is not null)),
    check ((kind = 'settlement') = (invoice_id is not null))
);
comment on table credit_entries is
    'double entry in one row: the amount goes from one account to another, so that all of them add up to nothing';
create index credit_entries_out on credit_entries (from_account) include (amount);
create index credit_entries_in on credit_entries (to_account) include (amount);
create unique index credit_entries_payment_once on credit_entries (payment_id, kind) where payment_id is not null;
create unique index credit_entries_settled_once on credit_entries (invoice_id, from_account)
    where invoice_id is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is never changed', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger credit_entries_are_never_changed before update or delete on credit_entries
    for each row execute function refuse_change();

create table wallets (
    chain text not null,
    address text not null,
    ip_address inet not null,
    last_nonce bigint not null,
    added_at timestamptz not null,
    primary key (chain, address)
);
comment on table wallets is 'hot wallets that may report payments; a nonce is taken with the effect that it protects';

create or replace view payment_standings as
select payments.id, payments.chain, payments.tx_hash, payments.transfer_index, payments.account_address,
       payments.pay_to_address, payments.asset, payments.amount, payments.payer, payments.time, payments.class,
       payments.reason, payments.text, payments.reference, payments.invoice_id, payments.proof, payments.recorded_at,
       case
           when last.act is null and payments.class = 'ignored' then 'ignored'
           when last.act is null or last.act = 'unassigned' then 'recorded'
           else last.act
       end as standing,
       last.invoice_id as assigned_to,
       last.class as assigned_class,
       case
           when last.invoice_id is not null then last.invoice_id
           when payments.class in ('exact', 'partial', 'over', 'late', 'duplicate', 'after_cancel')
               then payments.invoice_id
       end as counts_for,
       payments.order_reference,
       not payments.provisional or exists (
           select from payment_confirmations where payment_confirmations.payment_id = payments.id
       ) as confirmed
from payments
left join lateral (
    select act, invoice_id, class from payment_acts
    where payment_acts.payment_id = payments.id order by number desc limit 1
) as last on true;
