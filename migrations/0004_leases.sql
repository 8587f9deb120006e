-- Work that one process does at a time. A lease ends at expires_at, by this database's clock, or with the session that
-- renewed it last. The token rises with each new holder; at 0 nobody has held it yet.
create table leases (
    name text primary key,
    token bigint not null check (token >= 0),
    expires_at timestamptz not null,
    session_pid integer not null,
    session_start timestamptz not null,
    constraint leases_token_is_key unique (name, token)
);

comment on constraint leases_token_is_key on leases is
    'lets FOR KEY SHARE hold off a takeover, which changes the token, but no renewal';
