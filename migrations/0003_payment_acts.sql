-- What people make of payments, events that are about a payment, and the places that stay watched.

create table payment_acts (
    number bigint generated always as identity primary key,
    payment_id bigint not null references payments (id),
    act text not null check (act in ('assigned', 'unassigned', 'refunded', 'ignored')),
    invoice_id uuid references invoices (id),
    class text check (class in ('exact', 'partial', 'over', 'late', 'duplicate', 'after_cancel')),
    reason text,
    actor text not null,
    created_at timestamptz not null,
    constraint payment_acts_are_whole check (
        (invoice_id is null) = (class is null)
        and (act <> 'assigned' or invoice_id is not null)
        and (act not in ('unassigned', 'ignored') or invoice_id is null)
    )
);

comment on table payment_acts is 'what people did with payments, in order; the last act says what has become of one';
comment on column payment_acts.invoice_id is 'the invoice that the payment is assigned to after this act';
comment on column payment_acts.class is 'what the payment meant for that invoice';

create index payment_acts_in_order on payment_acts (payment_id, number);
create index payment_acts_by_invoice on payment_acts (invoice_id) where invoice_id is not null;

create view payment_standings as
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
       end as counts_for
from payments
left join lateral (
    select act, invoice_id, class from payment_acts
    where payment_acts.payment_id = payments.id order by number desc limit 1
) as last on true;

comment on view payment_standings is 'payments, and what has become of them; invoices.received sums up what counts_for them';

-- Lists are in the order of chain time, so that a range of time costs what it holds, whatever else is asked for.
drop index payments_by_class;
create index payments_by_class on payments (class, time, id);
create index payments_by_time on payments (time, id);
create index payments_by_asset on payments (asset, time, id);
create index payments_by_payer on payments (payer, time, id);

-- An event about a payment is none of the numbered states of an invoice, and waits for no other delivery.
alter table events alter column invoice_id drop not null;
alter table events alter column sequence drop not null;
alter table events add constraint events_of_states_are_numbered check (
    (type like 'invoice.%') = (sequence is not null) and (sequence is null or invoice_id is not null)
);
alter table deliveries alter column invoice_id drop not null;
alter table deliveries alter column sequence drop not null;

-- Where invoices are to be paid, and when that was last so: it stays watched for a while after.
create table destinations (
    chain text not null,
    pay_to_address text not null,
    asset text not null,
    needed_at timestamptz not null,
    primary key (chain, pay_to_address, asset)
);
insert into destinations (chain, pay_to_address, asset, needed_at)
select chain, pay_to_address, asset, max(updated_at) from accounts group by chain, pay_to_address, asset;
