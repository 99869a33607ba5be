-- Who has opened, made or been refused which data key.

-- Without foreign keys: what was done stays known after the key or the team is gone, until retention.
CREATE TABLE saas.key_access_logs (
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    accessed_at timestamptz NOT NULL,
    key_no bigint NOT NULL,
    kind text NOT NULL,
    subject_id uuid,
    role_name text NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT key_access_logs_action_check CHECK (action IN ('open', 'make')),
    CONSTRAINT key_access_logs_outcome_check CHECK (outcome IN ('done', 'failed', 'refused')),
    CONSTRAINT key_access_logs_pkey PRIMARY KEY (team_id, created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX key_access_logs_accessed_at_idx ON saas.key_access_logs (team_id, accessed_at);
CREATE INDEX key_access_logs_created_at_idx ON saas.key_access_logs USING brin (created_at);
CREATE TABLE saas.key_access_logs_default PARTITION OF saas.key_access_logs DEFAULT;

-- How far the shared memory of this server was written down.
CREATE TABLE saas.key_access_positions (
    id boolean NOT NULL DEFAULT true,
    memory uuid,
    next_place bigint NOT NULL DEFAULT 0,
    lost bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT key_access_positions_pkey PRIMARY KEY (id),
    CONSTRAINT key_access_positions_id_check CHECK (id)
);
INSERT INTO saas.key_access_positions (id) VALUES (true);
