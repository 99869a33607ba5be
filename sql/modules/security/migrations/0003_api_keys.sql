-- API keys of teams, how they are used, and the keys that hash credentials.

CREATE TABLE saas.credential_keys (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT credential_keys_pkey PRIMARY KEY (id),
    CONSTRAINT credential_keys_key_check CHECK (octet_length(key) = 32)
);
-- 244 random bits: two version 4 UUIDs come from the server's strong random source.
INSERT INTO saas.credential_keys (key)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

CREATE TABLE saas.api_keys (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    name text NOT NULL,
    key_prefix text NOT NULL,
    secret_hash bytea NOT NULL,
    role text NOT NULL DEFAULT 'member',
    scopes text[] NOT NULL DEFAULT '{*}',
    allowed_cidrs cidr[],
    rate_limit integer,
    rate_period_ns bigint NOT NULL DEFAULT 60000000000,
    replaces_id uuid,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT api_keys_team_id_fkey FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_team_id_replaces_id_fkey
        FOREIGN KEY (team_id, replaces_id) REFERENCES saas.api_keys (team_id, id) ON DELETE CASCADE,
    CONSTRAINT api_keys_created_by_fkey
        FOREIGN KEY (created_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_key_prefix_check CHECK (key_prefix ~ '^sk_(live|test)_[a-z2-7]{16}$'),
    CONSTRAINT api_keys_secret_hash_check CHECK (octet_length(secret_hash) = 48),
    CONSTRAINT api_keys_role_check CHECK (role IN ('viewer', 'member', 'admin')),
    CONSTRAINT api_keys_scopes_check CHECK (
        cardinality(scopes) <= 50
        AND array_position(scopes, NULL) IS NULL
        AND length(array_to_string(scopes, ',')) <= 3250
    ),
    CONSTRAINT api_keys_allowed_cidrs_check CHECK (
        cardinality(allowed_cidrs) >= 1
        AND cardinality(allowed_cidrs) <= 100
        AND array_position(allowed_cidrs, NULL) IS NULL
    ),
    CONSTRAINT api_keys_rate_limit_check CHECK (rate_limit BETWEEN 1 AND 1000000),
    CONSTRAINT api_keys_rate_period_ns_check CHECK (rate_period_ns BETWEEN 1000000000 AND 86400000000000)
);
CREATE INDEX api_keys_team_id_replaces_id_idx ON saas.api_keys (team_id, replaces_id);
CREATE INDEX api_keys_created_by_idx ON saas.api_keys (created_by);

-- Apart from the key, so that its row, which every call reads and changes of which are audited, stays.
CREATE TABLE saas.api_key_activity (
    team_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    last_used_at timestamptz,
    last_address inet,
    arrival_ns bigint NOT NULL DEFAULT 0,
    CONSTRAINT api_key_activity_pkey PRIMARY KEY (team_id, api_key_id),
    CONSTRAINT api_key_activity_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT api_key_activity_team_id_api_key_id_fkey
        FOREIGN KEY (team_id, api_key_id) REFERENCES saas.api_keys (team_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);

-- Without foreign keys: what was used stays known after the key is gone, until retention.
CREATE TABLE saas.api_key_usage_logs (
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    api_key_id uuid NOT NULL,
    first_used_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    accepted bigint NOT NULL,
    refused bigint NOT NULL,
    limited bigint NOT NULL,
    last_address inet,
    CONSTRAINT api_key_usage_logs_counts_check CHECK (accepted >= 0 AND refused >= 0 AND limited >= 0),
    CONSTRAINT api_key_usage_logs_pkey PRIMARY KEY (team_id, created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX api_key_usage_logs_api_key_id_idx
ON saas.api_key_usage_logs (team_id, api_key_id, created_at);
CREATE INDEX api_key_usage_logs_created_at_idx ON saas.api_key_usage_logs USING brin (created_at);
CREATE TABLE saas.api_key_usage_logs_default PARTITION OF saas.api_key_usage_logs DEFAULT;
