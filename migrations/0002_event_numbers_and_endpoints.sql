-- A number for every event, so that readers can follow them; and endpoints that people make, filter, rotate and remove.

-- Given when the event is inserted. A reader passes one only when all that were writing then have finished (decision 0008).
alter table events add column number bigint;
update events set number = numbered.number
from (select id, row_number() over (order by id) as number from events) as numbered
where events.id = numbered.id;
alter table events alter column number set not null;
alter table events alter column number add generated always as identity;
select setval(pg_get_serial_sequence('events', 'number'), max(number)) from events having max(number) is not null;
alter table events add constraint events_by_number unique (number);

comment on column events.number is 'place in the order in which all events are read; rises, with gaps where a transaction failed';

-- For replaying a range of time; events are appended, so a few pages of index do for millions.
create index events_by_time on events using brin (created_at) with (autosummarize = on);

alter table endpoints
    add column event_types text[] not null
        default '{invoice.created,invoice.paid,invoice.cancelled,invoice.expired}'
        check (cardinality(event_types) > 0),
    add column local boolean not null default false,
    add column disabled_reason text,
    add column secret text,
    add column old_secret text,
    add column old_secret_until timestamptz,
    add column removed_at timestamptz,
    add constraint endpoints_old_secret_ends check (
        (old_secret is null) = (old_secret_until is null) and (old_secret is null or secret is not null)
    ),
    add constraint endpoints_removed_are_silent check (removed_at is null or (not enabled and secret is null)),
    drop constraint endpoints_name_key;

update endpoints set local = true where name = 'environment';

create unique index endpoints_by_name on endpoints (name) where removed_at is null;

comment on column endpoints.event_types is 'what it is told; others make no delivery';
comment on column endpoints.local is 'the operator''s own word: may be plain http and at a private address';
comment on column endpoints.secret is 'signs what is sent; that of the environment''s endpoint is not here';
comment on column endpoints.old_secret is 'signs too until old_secret_until, so that a receiver has time to change';
comment on column endpoints.removed_at is 'kept for the record of what was sent; its name is free again';

-- Lists are per endpoint and state; a list of all is merged from these.
drop index deliveries_by_status;
create index deliveries_by_state on deliveries (endpoint_id, status, id);
