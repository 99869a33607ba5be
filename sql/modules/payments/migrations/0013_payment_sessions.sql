-- Checkout sessions, tokens of payment methods, and order numbers.

CREATE TABLE saas.payment_sessions (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payment_intent_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'open',
    client_reference text,
    success_url text,
    cancel_url text,
    metadata jsonb NOT NULL DEFAULT '{}',
    expires_at timestamptz NOT NULL,
    completed_at timestamptz,
    expired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_sessions_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payment_sessions_team_id_payment_intent_id_key UNIQUE (team_id, payment_intent_id),
    CONSTRAINT payment_sessions_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payment_sessions_team_id_payment_intent_id_fkey
        FOREIGN KEY (team_id, payment_intent_id) REFERENCES saas.payment_intents (team_id, id),
    CONSTRAINT payment_sessions_status_check CHECK (status IN ('open', 'complete', 'expired')),
    CONSTRAINT payment_sessions_client_reference_check CHECK (length(client_reference) BETWEEN 1 AND 255),
    CONSTRAINT payment_sessions_success_url_check CHECK (
        length(success_url) <= 2000 AND success_url ~ '^https?://[^[:space:]]+$'
    ),
    CONSTRAINT payment_sessions_cancel_url_check CHECK (
        length(cancel_url) <= 2000 AND cancel_url ~ '^https?://[^[:space:]]+$'
    ),
    CONSTRAINT payment_sessions_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT payment_sessions_completed_at_check CHECK ((completed_at IS NOT NULL) = (status = 'complete')),
    CONSTRAINT payment_sessions_expired_at_check CHECK (status <> 'expired' OR expired_at IS NOT NULL)
);
CREATE INDEX payment_sessions_expires_at_idx ON saas.payment_sessions (expires_at) WHERE status = 'open';

CREATE TABLE saas.payment_method_tokens (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    provider_customer_id text NOT NULL,
    token_ciphertext bytea,
    token_reference text,
    token_sha256 bytea NOT NULL,
    fingerprint text,
    brand text,
    last4 text,
    exp_month smallint,
    exp_year smallint,
    is_default boolean NOT NULL DEFAULT false,
    detached_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_method_tokens_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payment_method_tokens_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payment_method_tokens_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT payment_method_tokens_provider_customer_id_check CHECK (
        length(provider_customer_id) BETWEEN 1 AND 255
    ),
    CONSTRAINT payment_method_tokens_token_check CHECK (num_nonnulls(token_ciphertext, token_reference) = 1),
    CONSTRAINT payment_method_tokens_token_reference_check CHECK (length(token_reference) BETWEEN 1 AND 500),
    CONSTRAINT payment_method_tokens_token_sha256_check CHECK (octet_length(token_sha256) = 32),
    CONSTRAINT payment_method_tokens_fingerprint_check CHECK (length(fingerprint) BETWEEN 1 AND 255),
    CONSTRAINT payment_method_tokens_brand_check CHECK (brand ~ '^[a-z][a-z0-9_]{0,31}$'),
    CONSTRAINT payment_method_tokens_last4_check CHECK (last4 ~ '^[0-9]{4}$'),
    CONSTRAINT payment_method_tokens_exp_month_check CHECK (exp_month BETWEEN 1 AND 12),
    CONSTRAINT payment_method_tokens_exp_year_check CHECK (exp_year BETWEEN 2000 AND 2099),
    CONSTRAINT payment_method_tokens_expiry_check CHECK ((exp_month IS NULL) = (exp_year IS NULL)),
    CONSTRAINT payment_method_tokens_is_default_check CHECK (NOT is_default OR detached_at IS NULL),
    CONSTRAINT payment_method_tokens_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
-- A token is kept once while it is attached, and a customer has one default.
CREATE UNIQUE INDEX payment_method_tokens_team_id_provider_token_sha256_key
ON saas.payment_method_tokens (team_id, provider, token_sha256)
WHERE detached_at IS NULL;
CREATE UNIQUE INDEX payment_method_tokens_team_id_default_key
ON saas.payment_method_tokens (team_id, provider, provider_customer_id)
WHERE is_default;
CREATE INDEX payment_method_tokens_team_id_provider_customer_id_idx
ON saas.payment_method_tokens (team_id, provider, provider_customer_id);
CREATE INDEX payment_method_tokens_team_id_fingerprint_idx
ON saas.payment_method_tokens (team_id, fingerprint)
WHERE fingerprint IS NOT NULL;

CREATE TABLE saas.order_numbers (
    team_id uuid NOT NULL,
    prefix text NOT NULL,
    day date NOT NULL,
    last_number bigint NOT NULL,
    CONSTRAINT order_numbers_pkey PRIMARY KEY (team_id, prefix, day),
    CONSTRAINT order_numbers_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT order_numbers_prefix_check CHECK (prefix ~ '^[A-Z][A-Z0-9]{0,9}$'),
    CONSTRAINT order_numbers_last_number_check CHECK (last_number >= 1)
) WITH (fillfactor = 50);

-- A session whose payment was under way when it expired may still be paid.
INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('payment_session', 10, 'create', NULL, 'open'),
    ('payment_session', 20, 'complete', 'open', 'complete'),
    ('payment_session', 30, 'expire', 'open', 'expired'),
    ('payment_session', 40, 'complete_late', 'expired', 'complete');
