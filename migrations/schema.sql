-- Made by `make schema` from the migrations; for reading, not for running.

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is never changed', tg_table_name using errcode = 'restrict_violation';
end $$;

CREATE TABLE public.accounts (
    chain text NOT NULL,
    address text NOT NULL,
    pay_to_address text NOT NULL,
    asset text NOT NULL,
    cursor text NOT NULL,
    scanned_until timestamp with time zone,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.address_customers (
    chain text NOT NULL,
    address text NOT NULL,
    customer_id text NOT NULL,
    linked_at timestamp with time zone NOT NULL,
    cause text NOT NULL,
    CONSTRAINT address_customers_customer_id_check CHECK (((length(customer_id) >= 1) AND (length(customer_id) <= 255)))
);

COMMENT ON TABLE public.address_customers IS 'which addresses belong to which customers; never removed';

CREATE TABLE public.api_tokens (
    id text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    hash bytea NOT NULL,
    old_hash bytea,
    old_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_tokens_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT api_tokens_id_check CHECK ((id ~ '^[0-9A-Za-z]{12}$'::text)),
    CONSTRAINT api_tokens_old_hash_check CHECK ((length(old_hash) = 32)),
    CONSTRAINT api_tokens_old_hash_ends CHECK (((old_hash IS NULL) = (old_until IS NULL))),
    CONSTRAINT api_tokens_scopes_check CHECK (((cardinality(scopes) > 0) AND (scopes <@ '{read,write,operate}'::text[])))
);

COMMENT ON COLUMN public.api_tokens.id IS 'the part of the token that is no secret';

COMMENT ON COLUMN public.api_tokens.hash IS 'SHA-256 of the token; it has 256 random bits, so there is nothing to guess from';

COMMENT ON COLUMN public.api_tokens.old_hash IS 'good too until old_until, so that who uses the token has time to change';

COMMENT ON COLUMN public.api_tokens.last_used_at IS 'written at most once a minute';

COMMENT ON COLUMN public.api_tokens.revoked_at IS 'kept for the record of what was done with it; its name is free again';

CREATE TABLE public.chain_notes (
    chain text NOT NULL,
    name text NOT NULL,
    value bytea NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.credit_accounts (
    id bigint NOT NULL,
    chain text NOT NULL,
    asset text NOT NULL,
    kind text NOT NULL,
    owner text NOT NULL,
    CONSTRAINT credit_accounts_check CHECK (((kind = ANY (ARRAY['address'::text, 'customer'::text])) = (owner <> ''::text))),
    CONSTRAINT credit_accounts_kind_check CHECK ((kind = ANY (ARRAY['address'::text, 'customer'::text, 'received'::text, 'settled'::text, 'notes'::text, 'refunded'::text])))
);

COMMENT ON TABLE public.credit_accounts IS 'where credit is: an address''s, a customer''s, and four of the house that it comes from and goes to';

ALTER TABLE public.credit_accounts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.credit_accounts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.credit_entries (
    number bigint NOT NULL,
    kind text NOT NULL,
    from_account bigint NOT NULL,
    to_account bigint NOT NULL,
    amount numeric(78,0) NOT NULL,
    payment_id bigint,
    invoice_id uuid,
    actor text NOT NULL,
    reason text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT credit_entries_amount_check CHECK ((amount >= (0)::numeric)),
    CONSTRAINT credit_entries_check CHECK ((from_account <> to_account)),
    CONSTRAINT credit_entries_check1 CHECK (((kind = ANY (ARRAY['payment'::text, 'refund'::text])) = (payment_id IS NOT NULL))),
    CONSTRAINT credit_entries_check2 CHECK (((kind = 'settlement'::text) = (invoice_id IS NOT NULL))),
    CONSTRAINT credit_entries_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'note'::text, 'settlement'::text, 'refund'::text])))
);

COMMENT ON TABLE public.credit_entries IS 'double entry in one row: the amount goes from one account to another, so that all of them add up to nothing';

ALTER TABLE public.credit_entries ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.credit_entries_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.deliveries (
    id bigint NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    invoice_id uuid,
    sequence integer,
    status text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    schedule_start integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT deliveries_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT deliveries_check CHECK (((schedule_start >= 0) AND (schedule_start <= attempts))),
    CONSTRAINT deliveries_leased_are_pending CHECK (((leased_until IS NULL) OR (status = 'pending'::text))),
    CONSTRAINT deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text])))
)
WITH (fillfactor='85');

COMMENT ON COLUMN public.deliveries.schedule_start IS 'attempts made before it was last resent: the schedule begins anew there';

COMMENT ON COLUMN public.deliveries.due_at IS 'when to look at it next; while it is leased, the end of the lease';

COMMENT ON COLUMN public.deliveries.leased_until IS 'set while a process sends it; tells that process''s lease from all others';

ALTER TABLE public.deliveries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.deliveries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.delivery_attempts (
    delivery_id bigint NOT NULL,
    attempt integer NOT NULL,
    attempted_at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status_code smallint,
    error text,
    response_head text,
    CONSTRAINT delivery_attempts_attempt_check CHECK ((attempt > 0)),
    CONSTRAINT delivery_attempts_duration_ms_check CHECK ((duration_ms >= 0))
);

CREATE TABLE public.destinations (
    chain text NOT NULL,
    pay_to_address text NOT NULL,
    asset text NOT NULL,
    needed_at timestamp with time zone NOT NULL
);

CREATE TABLE public.endpoints (
    id uuid NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    event_types text[] DEFAULT '{invoice.created,invoice.paid,invoice.cancelled,invoice.expired}'::text[] NOT NULL,
    local boolean DEFAULT false NOT NULL,
    disabled_reason text,
    secret text,
    old_secret text,
    old_secret_until timestamp with time zone,
    removed_at timestamp with time zone,
    CONSTRAINT endpoints_event_types_check CHECK ((cardinality(event_types) > 0)),
    CONSTRAINT endpoints_old_secret_ends CHECK ((((old_secret IS NULL) = (old_secret_until IS NULL)) AND ((old_secret IS NULL) OR (secret IS NOT NULL)))),
    CONSTRAINT endpoints_removed_are_silent CHECK (((removed_at IS NULL) OR ((NOT enabled) AND (secret IS NULL))))
);

COMMENT ON COLUMN public.endpoints.event_types IS 'what it is told; others make no delivery';

COMMENT ON COLUMN public.endpoints.local IS 'the operator''s own word: may be plain http and at a private address';

COMMENT ON COLUMN public.endpoints.secret IS 'signs what is sent; that of the environment''s endpoint is not here';

COMMENT ON COLUMN public.endpoints.old_secret IS 'signs too until old_secret_until, so that a receiver has time to change';

COMMENT ON COLUMN public.endpoints.removed_at IS 'kept for the record of what was sent; its name is free again';

CREATE TABLE public.events (
    id uuid NOT NULL,
    type text NOT NULL,
    invoice_id uuid,
    sequence integer,
    cause text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    body json NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT events_of_states_are_numbered CHECK ((((type ~~ 'invoice.%'::text) = (sequence IS NOT NULL)) AND ((sequence IS NULL) OR (invoice_id IS NOT NULL)))),
    CONSTRAINT events_sequence_check CHECK ((sequence > 0))
);

COMMENT ON COLUMN public.events.number IS 'place in the order in which all events are read; rises, with gaps where a transaction failed';

ALTER TABLE public.events ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.events_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.idempotency_keys (
    id bytea NOT NULL,
    body_hash bytea NOT NULL,
    status smallint NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_answer_check CHECK ((length(answer) <= 4194304)),
    CONSTRAINT idempotency_keys_body_hash_check CHECK ((length(body_hash) = 32)),
    CONSTRAINT idempotency_keys_id_check CHECK ((length(id) = 32)),
    CONSTRAINT idempotency_keys_status_check CHECK (((status >= 200) AND (status <= 299)))
);

COMMENT ON COLUMN public.idempotency_keys.id IS 'SHA-256 of token, method, path and key';

COMMENT ON COLUMN public.idempotency_keys.body_hash IS 'SHA-256 of the body: another one with the same key is a mistake of the client';

CREATE TABLE public.invoices (
    id uuid NOT NULL,
    status text NOT NULL,
    amount numeric(78,0) NOT NULL,
    received numeric(78,0) DEFAULT 0 NOT NULL,
    ticker text NOT NULL,
    chain text NOT NULL,
    asset text NOT NULL,
    decimals smallint NOT NULL,
    pay_to_address text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    sequence integer DEFAULT 1 NOT NULL,
    paid_by text,
    paid_at timestamp with time zone,
    tx_hash text,
    proof json,
    private_info json NOT NULL,
    metadata json NOT NULL,
    order_id text,
    customer_id text,
    price_amount numeric,
    price_currency text,
    rate numeric,
    rate_source text,
    rate_at timestamp with time zone,
    alt_id text,
    note text,
    claimed_at timestamp with time zone,
    credited numeric(78,0) DEFAULT 0 NOT NULL,
    CONSTRAINT invoices_decimals_check CHECK (((decimals >= 0) AND (decimals <= 255))),
    CONSTRAINT invoices_received_check CHECK ((received >= (0)::numeric)),
    CONSTRAINT invoices_sequence_check CHECK ((sequence > 0)),
    CONSTRAINT invoices_status_check CHECK ((status = ANY (ARRAY['unclaimed'::text, 'waiting'::text, 'paid'::text, 'cancelled'::text, 'expired'::text])))
)
WITH (fillfactor='85');

COMMENT ON COLUMN public.invoices.tx_hash IS 'of the transfer that settled it; null: it was settled from credit';

COMMENT ON COLUMN public.invoices.order_id IS 'the merchant''s own number of what is paid for; no two invoices have the same';

COMMENT ON COLUMN public.invoices.customer_id IS 'the merchant''s own name for who pays';

COMMENT ON COLUMN public.invoices.price_amount IS 'what the merchant asked for, in price_currency';

COMMENT ON COLUMN public.invoices.rate IS 'price_currency for one whole unit of the asset, which made the amount of the price';

COMMENT ON COLUMN public.invoices.rate_at IS 'when the rate was so';

COMMENT ON COLUMN public.invoices.alt_id IS 'a second number of the order that people know it by; unique, too';

COMMENT ON COLUMN public.invoices.note IS 'what the buyer wrote to the order';

COMMENT ON COLUMN public.invoices.claimed_at IS 'when a payer was tied to it; its life is measured from then';

COMMENT ON COLUMN public.invoices.credited IS 'base units of credit that settled it, besides what was received';

CREATE TABLE public.leases (
    name text NOT NULL,
    token bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    session_pid integer NOT NULL,
    session_start timestamp with time zone NOT NULL,
    CONSTRAINT leases_token_check CHECK ((token >= 0))
);

CREATE TABLE public.payer_keys (
    chain text NOT NULL,
    address text NOT NULL,
    key bytea NOT NULL,
    committed_at timestamp with time zone NOT NULL,
    paid boolean DEFAULT false NOT NULL,
    CONSTRAINT payer_keys_key_check CHECK (((octet_length(key) >= 1) AND (octet_length(key) <= 256)))
);

COMMENT ON TABLE public.payer_keys IS 'the last key that the owner of each account has certified';

COMMENT ON COLUMN public.payer_keys.paid IS 'has paid, as was seen when the key was due to be dropped: it is kept';

CREATE TABLE public.payment_acts (
    number bigint NOT NULL,
    payment_id bigint NOT NULL,
    act text NOT NULL,
    invoice_id uuid,
    class text,
    reason text,
    actor text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT payment_acts_act_check CHECK ((act = ANY (ARRAY['assigned'::text, 'unassigned'::text, 'refunded'::text, 'ignored'::text]))),
    CONSTRAINT payment_acts_are_whole CHECK ((((invoice_id IS NULL) = (class IS NULL)) AND ((act <> 'assigned'::text) OR (invoice_id IS NOT NULL)) AND ((act <> ALL (ARRAY['unassigned'::text, 'ignored'::text])) OR (invoice_id IS NULL)))),
    CONSTRAINT payment_acts_class_check CHECK ((class = ANY (ARRAY['exact'::text, 'partial'::text, 'over'::text, 'late'::text, 'duplicate'::text, 'after_cancel'::text])))
);

COMMENT ON TABLE public.payment_acts IS 'what people did with payments, in order; the last act says what has become of one';

COMMENT ON COLUMN public.payment_acts.invoice_id IS 'the invoice that the payment is assigned to after this act';

COMMENT ON COLUMN public.payment_acts.class IS 'what the payment meant for that invoice';

ALTER TABLE public.payment_acts ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.payment_acts_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.payment_confirmations (
    payment_id bigint NOT NULL,
    confirmed_at timestamp with time zone NOT NULL,
    cause text NOT NULL
);

COMMENT ON TABLE public.payment_confirmations IS 'provisional payments that have become final; payments are never rewritten';

CREATE TABLE public.payments (
    id bigint NOT NULL,
    chain text NOT NULL,
    tx_hash text NOT NULL,
    transfer_index integer NOT NULL,
    account_address text NOT NULL,
    pay_to_address text NOT NULL,
    asset text NOT NULL,
    amount numeric(78,0) NOT NULL,
    payer text NOT NULL,
    "time" timestamp with time zone NOT NULL,
    class text NOT NULL,
    reason text,
    text text,
    reference uuid,
    invoice_id uuid,
    proof json,
    recorded_at timestamp with time zone NOT NULL,
    order_reference text,
    claimant text,
    provisional boolean DEFAULT false NOT NULL,
    CONSTRAINT payments_amount_check CHECK ((amount > (0)::numeric)),
    CONSTRAINT payments_transfer_index_check CHECK ((transfer_index >= 0))
);

COMMENT ON COLUMN public.payments.reference IS 'the invoice id that the payer wrote, known or not';

COMMENT ON COLUMN public.payments.invoice_id IS 'the invoice it counts for or was meant for, if there is one';

COMMENT ON COLUMN public.payments.proof IS 'what the adapter proved it from; null: it was believed';

COMMENT ON COLUMN public.payments.order_reference IS 'the order that the payer named, known or not';

COMMENT ON COLUMN public.payments.claimant IS 'whose signature for that order came with the payment';

COMMENT ON COLUMN public.payments.provisional IS 'recorded before it was final; it counts once it is confirmed';

CREATE VIEW public.payment_standings AS
 SELECT payments.id,
    payments.chain,
    payments.tx_hash,
    payments.transfer_index,
    payments.account_address,
    payments.pay_to_address,
    payments.asset,
    payments.amount,
    payments.payer,
    payments."time",
    payments.class,
    payments.reason,
    payments.text,
    payments.reference,
    payments.invoice_id,
    payments.proof,
    payments.recorded_at,
        CASE
            WHEN ((last.act IS NULL) AND (payments.class = 'ignored'::text)) THEN 'ignored'::text
            WHEN ((last.act IS NULL) OR (last.act = 'unassigned'::text)) THEN 'recorded'::text
            ELSE last.act
        END AS standing,
    last.invoice_id AS assigned_to,
    last.class AS assigned_class,
        CASE
            WHEN (last.invoice_id IS NOT NULL) THEN last.invoice_id
            WHEN (payments.class = ANY (ARRAY['exact'::text, 'partial'::text, 'over'::text, 'late'::text, 'duplicate'::text, 'after_cancel'::text])) THEN payments.invoice_id
            ELSE NULL::uuid
        END AS counts_for,
    payments.order_reference,
    ((NOT payments.provisional) OR (EXISTS ( SELECT
           FROM public.payment_confirmations
          WHERE (payment_confirmations.payment_id = payments.id)))) AS confirmed
   FROM (public.payments
     LEFT JOIN LATERAL ( SELECT payment_acts.act,
            payment_acts.invoice_id,
            payment_acts.class
           FROM public.payment_acts
          WHERE (payment_acts.payment_id = payments.id)
          ORDER BY payment_acts.number DESC
         LIMIT 1) last ON (true));

COMMENT ON VIEW public.payment_standings IS 'payments, and what has become of them; invoices.received sums up what counts_for them';

ALTER TABLE public.payments ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.payments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rates (
    number bigint NOT NULL,
    chain text NOT NULL,
    asset text NOT NULL,
    currency text NOT NULL,
    rate numeric NOT NULL,
    source text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    CONSTRAINT rates_are_valid_at_first CHECK ((valid_until > created_at)),
    CONSTRAINT rates_currency_check CHECK ((currency ~ '^[A-Z][A-Z0-9]{2,7}$'::text)),
    CONSTRAINT rates_rate_check CHECK ((rate > (0)::numeric))
);

COMMENT ON TABLE public.rates IS 'the last one by number counts, until its valid_until; earlier ones never come back';

COMMENT ON COLUMN public.rates.rate IS 'the price of one whole unit, with the digits that were given';

ALTER TABLE public.rates ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rates_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    scope text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.wallets (
    chain text NOT NULL,
    address text NOT NULL,
    ip_address inet NOT NULL,
    last_nonce bigint NOT NULL,
    added_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.wallets IS 'hot wallets that may report payments; a nonce is taken with the effect that it protects';

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (chain, address);

ALTER TABLE ONLY public.address_customers
    ADD CONSTRAINT address_customers_pkey PRIMARY KEY (chain, address, customer_id);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.chain_notes
    ADD CONSTRAINT chain_notes_pkey PRIMARY KEY (chain, name);

ALTER TABLE ONLY public.credit_accounts
    ADD CONSTRAINT credit_accounts_once UNIQUE (chain, asset, kind, owner);

ALTER TABLE ONLY public.credit_accounts
    ADD CONSTRAINT credit_accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.credit_entries
    ADD CONSTRAINT credit_entries_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_once UNIQUE (event_id, endpoint_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_pkey PRIMARY KEY (delivery_id, attempt);

ALTER TABLE ONLY public.destinations
    ADD CONSTRAINT destinations_pkey PRIMARY KEY (chain, pay_to_address, asset);

ALTER TABLE ONLY public.endpoints
    ADD CONSTRAINT endpoints_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_by_number UNIQUE (number);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_in_order UNIQUE (invoice_id, sequence);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (id);

ALTER TABLE public.invoices
    ADD CONSTRAINT invoices_alt_id_is_short CHECK (((length(alt_id) >= 1) AND (length(alt_id) <= 255))) NOT VALID;

ALTER TABLE public.invoices
    ADD CONSTRAINT invoices_amount_check CHECK ((amount >= (0)::numeric)) NOT VALID;

ALTER TABLE public.invoices
    ADD CONSTRAINT invoices_credited_is_paid CHECK (((credited >= (0)::numeric) AND ((credited = (0)::numeric) OR (status = 'paid'::text)))) NOT VALID;

ALTER TABLE public.invoices
    ADD CONSTRAINT invoices_merchant_ids_are_short CHECK ((((length(order_id) >= 1) AND (length(order_id) <= 255)) AND ((length(customer_id) >= 1) AND (length(customer_id) <= 255)))) NOT VALID;

ALTER TABLE public.invoices
    ADD CONSTRAINT invoices_paid_is_whole CHECK ((((status = 'paid'::text) = (paid_at IS NOT NULL)) AND ((paid_at IS NULL) = (paid_by IS NULL)) AND ((paid_at IS NOT NULL) OR (tx_hash IS NULL)))) NOT VALID;

ALTER TABLE ONLY public.invoices
    ADD CONSTRAINT invoices_pkey PRIMARY KEY (id);

ALTER TABLE public.invoices
    ADD CONSTRAINT invoices_price_is_positive CHECK (((price_amount >= (0)::numeric) AND (price_amount < 'Infinity'::numeric) AND (rate > (0)::numeric) AND (rate < 'Infinity'::numeric))) NOT VALID;

ALTER TABLE public.invoices
    ADD CONSTRAINT invoices_price_is_whole CHECK ((num_nulls(price_amount, price_currency, rate, rate_source, rate_at) = ANY (ARRAY[0, 5]))) NOT VALID;

ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_token_is_key UNIQUE (name, token);

COMMENT ON CONSTRAINT leases_token_is_key ON public.leases IS 'lets FOR KEY SHARE hold off a takeover, which changes the token, but no renewal';

ALTER TABLE ONLY public.payer_keys
    ADD CONSTRAINT payer_keys_pkey PRIMARY KEY (chain, address);

ALTER TABLE ONLY public.payment_acts
    ADD CONSTRAINT payment_acts_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.payment_confirmations
    ADD CONSTRAINT payment_confirmations_pkey PRIMARY KEY (payment_id);

ALTER TABLE public.payments
    ADD CONSTRAINT payments_class_check CHECK ((class = ANY (ARRAY['exact'::text, 'partial'::text, 'over'::text, 'late'::text, 'duplicate'::text, 'after_cancel'::text, 'unmatched'::text, 'wrong_asset'::text, 'ignored'::text, 'credit'::text]))) NOT VALID;

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_once UNIQUE (chain, tx_hash, transfer_index);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.rates
    ADD CONSTRAINT rates_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (scope, version);

ALTER TABLE ONLY public.wallets
    ADD CONSTRAINT wallets_pkey PRIMARY KEY (chain, address);

CREATE INDEX address_customers_by_customer ON public.address_customers USING btree (customer_id, chain);

CREATE UNIQUE INDEX api_tokens_by_name ON public.api_tokens USING btree (name) WHERE (revoked_at IS NULL);

CREATE INDEX credit_entries_in ON public.credit_entries USING btree (to_account) INCLUDE (amount);

CREATE INDEX credit_entries_out ON public.credit_entries USING btree (from_account) INCLUDE (amount);

CREATE UNIQUE INDEX credit_entries_payment_once ON public.credit_entries USING btree (payment_id, kind) WHERE (payment_id IS NOT NULL);

CREATE UNIQUE INDEX credit_entries_settled_once ON public.credit_entries USING btree (invoice_id, from_account) WHERE (invoice_id IS NOT NULL);

CREATE INDEX deliveries_by_state ON public.deliveries USING btree (endpoint_id, status, id);

CREATE INDEX deliveries_due ON public.deliveries USING btree (endpoint_id, due_at, id) WHERE (status = 'pending'::text);

CREATE INDEX deliveries_in_order ON public.deliveries USING btree (endpoint_id, invoice_id, sequence) WHERE (status = 'pending'::text);

CREATE UNIQUE INDEX endpoints_by_name ON public.endpoints USING btree (name) WHERE (removed_at IS NULL);

CREATE INDEX events_by_time ON public.events USING brin (created_at) WITH (autosummarize='on');

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (created_at);

CREATE UNIQUE INDEX invoices_by_alt_id ON public.invoices USING btree (alt_id) WHERE (alt_id IS NOT NULL);

CREATE INDEX invoices_by_currency ON public.invoices USING btree (ticker, created_at, id);

CREATE INDEX invoices_by_customer ON public.invoices USING btree (customer_id, created_at, id) WHERE (customer_id IS NOT NULL);

CREATE UNIQUE INDEX invoices_by_order ON public.invoices USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE INDEX invoices_by_payer ON public.invoices USING btree (paid_by, created_at, id) WHERE (paid_by IS NOT NULL);

CREATE INDEX invoices_by_status ON public.invoices USING btree (status, created_at, id);

CREATE INDEX invoices_by_time ON public.invoices USING btree (created_at, id);

CREATE INDEX invoices_open_by_creation ON public.invoices USING btree (chain, pay_to_address, asset, created_at) WHERE (status = ANY (ARRAY['unclaimed'::text, 'waiting'::text]));

CREATE INDEX invoices_open_by_expiry ON public.invoices USING btree (chain, pay_to_address, asset, expires_at) INCLUDE (status) WHERE (status = ANY (ARRAY['unclaimed'::text, 'waiting'::text]));

CREATE INDEX invoices_orders_by_time ON public.invoices USING btree (created_at, id) WHERE (order_id IS NOT NULL);

CREATE INDEX invoices_owed ON public.invoices USING btree (customer_id, chain, asset, created_at, id) WHERE ((status = ANY (ARRAY['unclaimed'::text, 'waiting'::text])) AND (customer_id IS NOT NULL));

CREATE INDEX payer_keys_unpaid ON public.payer_keys USING btree (chain, committed_at, address) WHERE (NOT paid);

CREATE INDEX payment_acts_by_invoice ON public.payment_acts USING btree (invoice_id) WHERE (invoice_id IS NOT NULL);

CREATE INDEX payment_acts_in_order ON public.payment_acts USING btree (payment_id, number);

CREATE INDEX payments_by_asset ON public.payments USING btree (asset, "time", id);

CREATE INDEX payments_by_class ON public.payments USING btree (class, "time", id);

CREATE INDEX payments_by_invoice ON public.payments USING btree (invoice_id, id) WHERE (invoice_id IS NOT NULL);

CREATE INDEX payments_by_order_reference ON public.payments USING btree (order_reference, id) WHERE (order_reference IS NOT NULL);

CREATE INDEX payments_by_payer ON public.payments USING btree (payer, "time", id);

CREATE INDEX payments_by_time ON public.payments USING btree ("time", id);

CREATE INDEX rates_by_time ON public.rates USING btree (chain, asset, currency, created_at, number);

CREATE INDEX rates_in_order ON public.rates USING btree (chain, asset, currency, number);

CREATE TRIGGER credit_entries_are_never_changed BEFORE DELETE OR UPDATE ON public.credit_entries FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE ONLY public.credit_entries
    ADD CONSTRAINT credit_entries_from_account_fkey FOREIGN KEY (from_account) REFERENCES public.credit_accounts(id);

ALTER TABLE ONLY public.credit_entries
    ADD CONSTRAINT credit_entries_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoices(id);

ALTER TABLE ONLY public.credit_entries
    ADD CONSTRAINT credit_entries_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payments(id);

ALTER TABLE ONLY public.credit_entries
    ADD CONSTRAINT credit_entries_to_account_fkey FOREIGN KEY (to_account) REFERENCES public.credit_accounts(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES public.endpoints(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.events(id);

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES public.deliveries(id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoices(id);

ALTER TABLE ONLY public.payment_acts
    ADD CONSTRAINT payment_acts_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoices(id);

ALTER TABLE ONLY public.payment_acts
    ADD CONSTRAINT payment_acts_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payments(id);

ALTER TABLE ONLY public.payment_confirmations
    ADD CONSTRAINT payment_confirmations_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payments(id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoices(id);
