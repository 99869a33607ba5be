-- How people prove who they are: second factors, recovery codes, single-use tokens, and how their
-- attempts went. All belong to a user, whatever team the user acts in.

CREATE TABLE saas.mfa_factors (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'totp',
    label text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    sealed_secret bytea NOT NULL,
    algorithm text NOT NULL DEFAULT 'SHA1',
    digits integer NOT NULL DEFAULT 6,
    period_seconds integer NOT NULL DEFAULT 30,
    last_step bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    CONSTRAINT mfa_factors_pkey PRIMARY KEY (id),
    CONSTRAINT mfa_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT mfa_factors_kind_check CHECK (kind IN ('totp')),
    CONSTRAINT mfa_factors_label_check CHECK (length(label) BETWEEN 1 AND 100),
    CONSTRAINT mfa_factors_state_check CHECK (state IN ('pending', 'active')),
    CONSTRAINT mfa_factors_confirmed_at_check CHECK ((confirmed_at IS NOT NULL) = (state = 'active')),
    CONSTRAINT mfa_factors_algorithm_check CHECK (algorithm IN ('SHA1', 'SHA256', 'SHA512')),
    CONSTRAINT mfa_factors_digits_check CHECK (digits BETWEEN 6 AND 8),
    CONSTRAINT mfa_factors_period_seconds_check CHECK (period_seconds BETWEEN 15 AND 300)
);
CREATE INDEX mfa_factors_user_id_idx ON saas.mfa_factors (user_id);

CREATE TABLE saas.mfa_recovery_codes (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz,
    CONSTRAINT mfa_recovery_codes_pkey PRIMARY KEY (id),
    CONSTRAINT mfa_recovery_codes_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT mfa_recovery_codes_code_hash_check CHECK (octet_length(code_hash) = 48)
);
CREATE INDEX mfa_recovery_codes_user_id_idx ON saas.mfa_recovery_codes (user_id);

CREATE TABLE saas.credential_attempts (
    user_id uuid NOT NULL,
    kind text NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    last_failed_at timestamptz,
    accepted_at timestamptz,
    locked_until timestamptz,
    CONSTRAINT credential_attempts_pkey PRIMARY KEY (user_id, kind),
    CONSTRAINT credential_attempts_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT credential_attempts_kind_check CHECK (kind IN ('password', 'mfa')),
    CONSTRAINT credential_attempts_failures_check CHECK (failures >= 0)
) WITH (fillfactor = 70);

CREATE TABLE saas.user_tokens (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid NOT NULL,
    purpose text NOT NULL,
    token_hash bytea NOT NULL,
    email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT user_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT user_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT user_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT user_tokens_purpose_check
        CHECK (purpose IN ('password_reset', 'magic_link', 'email_verification')),
    CONSTRAINT user_tokens_token_hash_check CHECK (octet_length(token_hash) = 32),
    CONSTRAINT user_tokens_outcome_check CHECK (used_at IS NULL OR revoked_at IS NULL)
);
-- One open token of a user for each purpose: a newer one takes its place.
CREATE UNIQUE INDEX user_tokens_open_key ON saas.user_tokens (user_id, purpose)
WHERE used_at IS NULL AND revoked_at IS NULL;
CREATE INDEX user_tokens_user_id_idx ON saas.user_tokens (user_id);
CREATE INDEX user_tokens_expires_at_idx ON saas.user_tokens (expires_at);
