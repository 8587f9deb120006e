-- What credit paid of an invoice: without it nobody could say what a later transfer is too much.

-- As in 0010, no row is rewritten, and none is read to check it.
alter table invoices
    add column credited numeric(78, 0) not null default 0,
    add constraint invoices_credited_is_paid check (credited >= 0 and (credited = 0 or status = 'paid')) not valid;

comment on column invoices.credited is 'base units of credit that settled it, besides what was received';
