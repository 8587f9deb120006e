-- Open invoices are counted from an index alone.
create index invoices_open_by_expiry_and_status on invoices (chain, pay_to_address, asset, expires_at) include (status)
    where status in ('unclaimed', 'waiting');
drop index invoices_open_by_expiry;
alter index invoices_open_by_expiry_and_status rename to invoices_open_by_expiry;
