-- Tokens of the API, of which only hashes are kept; and what was answered to requests that must not be done twice.

create table api_tokens (
    id text primary key check (id ~ '^[0-9A-Za-z]{12}$'),
    name text not null,
    scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ '{read,write,operate}'),
    hash bytea not null check (length(hash) = 32),
    old_hash bytea check (length(old_hash) = 32),
    old_until timestamptz,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint api_tokens_old_hash_ends check ((old_hash is null) = (old_until is null))
);

create unique index api_tokens_by_name on api_tokens (name) where revoked_at is null;

comment on column api_tokens.id is 'the part of the token that is no secret';
comment on column api_tokens.hash is 'SHA-256 of the token; it has 256 random bits, so there is nothing to guess from';
comment on column api_tokens.old_hash is 'good too until old_until, so that who uses the token has time to change';
comment on column api_tokens.last_used_at is 'written at most once a minute';
comment on column api_tokens.revoked_at is 'kept for the record of what was done with it; its name is free again';

-- Inserted in the transaction of what was done, so that there is one exactly if it was done.
create table idempotency_keys (
    id bytea primary key check (length(id) = 32),
    body_hash bytea not null check (length(body_hash) = 32),
    status smallint not null check (status between 200 and 299),
    answer bytea not null check (length(answer) <= 4194304),
    created_at timestamptz not null
);

create index idempotency_keys_by_age on idempotency_keys (created_at);

comment on column idempotency_keys.id is 'SHA-256 of token, method, path and key';
comment on column idempotency_keys.body_hash is 'SHA-256 of the body: another one with the same key is a mistake of the client';
