-- Requests for erasure, how far they are, and what proves them; events for recipients; exports.

-- No foreign key to users: the request proves that the user is gone, by a token instead of the id.
CREATE TABLE saas.user_deletion_requests (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    subject_id uuid,
    subject_hash bytea NOT NULL,
    mode text NOT NULL DEFAULT 'erase',
    status text NOT NULL DEFAULT 'requested',
    reason text NOT NULL,
    is_strict boolean NOT NULL DEFAULT true,
    requested_by uuid,
    requested_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL,
    extended_until timestamptz,
    extension_reason text,
    identity_check text,
    identity_checked_at timestamptz,
    grace_until timestamptz,
    status_reason text,
    started_at timestamptz,
    erased_at timestamptz,
    completed_at timestamptz,
    closed_at timestamptz,
    plan_hash bytea,
    salt bytea,
    tree_size bigint NOT NULL DEFAULT 0,
    tree_edge bytea NOT NULL DEFAULT '',
    keys_shredded jsonb NOT NULL DEFAULT '[]',
    rounds integer NOT NULL DEFAULT 0,
    certificate jsonb,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_deletion_requests_pkey PRIMARY KEY (id),
    CONSTRAINT user_deletion_requests_mode_check CHECK (mode IN ('erase', 'anonymise')),
    CONSTRAINT user_deletion_requests_status_check CHECK (
        status IN (
            'requested', 'verified', 'running', 'blocked', 'erased', 'completed', 'cancelled', 'rejected'
        )
    ),
    CONSTRAINT user_deletion_requests_subject_id_check CHECK (
        status NOT IN ('requested', 'verified', 'running', 'blocked', 'erased') OR subject_id IS NOT NULL
    ),
    CONSTRAINT user_deletion_requests_reason_check CHECK (length(reason) BETWEEN 1 AND 2000),
    CONSTRAINT user_deletion_requests_extension_check CHECK (
        (extended_until IS NULL) = (extension_reason IS NULL)
        AND extended_until <= requested_at + INTERVAL '3 months 1 day'
    ),
    CONSTRAINT user_deletion_requests_identity_check CHECK (
        (identity_check IS NULL) = (identity_checked_at IS NULL)
        AND (status IN ('requested', 'cancelled', 'rejected') OR identity_check IS NOT NULL)
    ),
    CONSTRAINT user_deletion_requests_certificate_check CHECK (
        status <> 'completed' OR certificate IS NOT NULL
    )
);
-- One at a time for each person.
CREATE UNIQUE INDEX user_deletion_requests_open_key ON saas.user_deletion_requests (subject_id)
WHERE status IN ('requested', 'verified', 'running', 'blocked', 'erased');
CREATE INDEX user_deletion_requests_subject_hash_idx ON saas.user_deletion_requests (subject_hash);
CREATE INDEX user_deletion_requests_due_at_idx ON saas.user_deletion_requests (due_at)
WHERE status IN ('requested', 'verified', 'running', 'blocked', 'erased');

CREATE TABLE saas.erasure_steps (
    request_id uuid NOT NULL,
    step integer NOT NULL,
    place integer NOT NULL,
    table_name text NOT NULL,
    action text NOT NULL,
    party_link text,
    circle text NOT NULL DEFAULT 'none',
    group_number integer NOT NULL DEFAULT 0,
    path text NOT NULL,
    basis text,
    kept_until timestamptz,
    found bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    CONSTRAINT erasure_steps_pkey PRIMARY KEY (request_id, step),
    CONSTRAINT erasure_steps_request_id_fkey
        FOREIGN KEY (request_id) REFERENCES saas.user_deletion_requests (id) ON DELETE CASCADE
);

-- The rows that an erasure or an export works on, by their primary keys. They go when it is finished.
CREATE TABLE saas.erasure_rows (
    run_id uuid NOT NULL,
    step integer NOT NULL,
    row_key text[] NOT NULL,
    round integer NOT NULL,
    is_done boolean NOT NULL DEFAULT false,
    CONSTRAINT erasure_rows_pkey PRIMARY KEY (run_id, step, row_key)
);
CREATE INDEX erasure_rows_run_id_step_idx ON saas.erasure_rows (run_id, step) WHERE NOT is_done;

CREATE TABLE saas.erasure_needles (
    request_id uuid NOT NULL,
    key bytea NOT NULL,
    needles bytea NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    forget_at timestamptz NOT NULL,
    CONSTRAINT erasure_needles_pkey PRIMARY KEY (request_id),
    CONSTRAINT erasure_needles_request_id_fkey
        FOREIGN KEY (request_id) REFERENCES saas.user_deletion_requests (id) ON DELETE CASCADE,
    CONSTRAINT erasure_needles_key_check CHECK (octet_length(key) = 16),
    CONSTRAINT erasure_needles_needles_check CHECK (octet_length(needles) % 9 = 0)
);
CREATE INDEX erasure_needles_forget_at_idx ON saas.erasure_needles (forget_at);

CREATE TABLE saas.privacy_recipients (
    name text NOT NULL,
    description text NOT NULL,
    kinds text[] NOT NULL DEFAULT '{erasure,export}',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT privacy_recipients_pkey PRIMARY KEY (name),
    CONSTRAINT privacy_recipients_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT privacy_recipients_kinds_check CHECK (cardinality(kinds) >= 1)
);

CREATE TABLE saas.privacy_events (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    recipient text NOT NULL,
    kind text NOT NULL,
    request_id uuid,
    subject_id uuid,
    payload jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'queued',
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    worker text,
    delivered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT privacy_events_pkey PRIMARY KEY (id),
    CONSTRAINT privacy_events_recipient_fkey
        FOREIGN KEY (recipient) REFERENCES saas.privacy_recipients (name) ON DELETE CASCADE,
    CONSTRAINT privacy_events_status_check CHECK (status IN ('queued', 'delivered', 'dead')),
    CONSTRAINT privacy_events_attempts_check CHECK (attempts >= 0),
    CONSTRAINT privacy_events_payload_check CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT privacy_events_subject_id_check CHECK (status = 'queued' OR subject_id IS NULL)
);
CREATE INDEX privacy_events_recipient_idx ON saas.privacy_events (recipient);
CREATE INDEX privacy_events_next_attempt_at_idx ON saas.privacy_events (next_attempt_at)
WHERE status = 'queued';

CREATE TABLE saas.data_exports (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    subject_id uuid NOT NULL,
    is_portable boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'queued',
    chunk_rows integer NOT NULL DEFAULT 1000,
    chunks integer NOT NULL DEFAULT 0,
    row_count bigint NOT NULL DEFAULT 0,
    byte_count bigint NOT NULL DEFAULT 0,
    manifest jsonb,
    manifest_sha256 bytea,
    status_reason text,
    requested_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    expires_at timestamptz NOT NULL,
    CONSTRAINT data_exports_pkey PRIMARY KEY (id),
    CONSTRAINT data_exports_subject_id_fkey
        FOREIGN KEY (subject_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT data_exports_status_check CHECK (
        status IN ('queued', 'running', 'ready', 'expired', 'failed', 'cancelled')
    ),
    CONSTRAINT data_exports_chunk_rows_check CHECK (chunk_rows BETWEEN 1 AND 100000),
    CONSTRAINT data_exports_manifest_check CHECK (
        (status = 'ready') <= (manifest IS NOT NULL AND octet_length(manifest_sha256) = 32)
    ),
    CONSTRAINT data_exports_expires_at_check CHECK (expires_at > created_at)
);
CREATE INDEX data_exports_subject_id_idx ON saas.data_exports (subject_id);
CREATE INDEX data_exports_expires_at_idx ON saas.data_exports (expires_at);

CREATE TABLE saas.data_export_chunks (
    export_id uuid NOT NULL,
    number integer NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    section text NOT NULL,
    table_name text NOT NULL,
    row_count integer NOT NULL,
    byte_count integer NOT NULL,
    sha256 bytea NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT data_export_chunks_pkey PRIMARY KEY (export_id, number),
    CONSTRAINT data_export_chunks_export_id_fkey
        FOREIGN KEY (export_id) REFERENCES saas.data_exports (id) ON DELETE CASCADE,
    CONSTRAINT data_export_chunks_sha256_check CHECK (octet_length(sha256) = 32)
);

-- The owner of the table, who deploys, is held back by its row-level security too.
ALTER TABLE saas.state_transitions NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('deletion_request', 10, 'request', NULL, 'requested'),
    ('deletion_request', 20, 'verify', 'requested', 'verified'),
    ('deletion_request', 30, 'cancel', 'requested', 'cancelled'),
    ('deletion_request', 40, 'reject', 'requested', 'rejected'),
    ('deletion_request', 50, 'start', 'verified', 'running'),
    ('deletion_request', 60, 'cancel', 'verified', 'cancelled'),
    ('deletion_request', 70, 'reject', 'verified', 'rejected'),
    ('deletion_request', 80, 'block', 'verified', 'blocked'),
    ('deletion_request', 90, 'block', 'running', 'blocked'),
    ('deletion_request', 100, 'cancel', 'running', 'cancelled'),
    ('deletion_request', 110, 'erase', 'running', 'erased'),
    ('deletion_request', 120, 'resume', 'blocked', 'running'),
    ('deletion_request', 130, 'cancel', 'blocked', 'cancelled'),
    ('deletion_request', 140, 'reject', 'blocked', 'rejected'),
    ('deletion_request', 150, 'repeat', 'erased', 'running'),
    ('deletion_request', 160, 'complete', 'erased', 'completed'),
    ('data_export', 10, 'request', NULL, 'queued'),
    ('data_export', 20, 'start', 'queued', 'running'),
    ('data_export', 30, 'cancel', 'queued', 'cancelled'),
    ('data_export', 40, 'finish', 'running', 'ready'),
    ('data_export', 50, 'fail', 'running', 'failed'),
    ('data_export', 60, 'cancel', 'running', 'cancelled'),
    ('data_export', 70, 'expire', 'ready', 'expired');
ALTER TABLE saas.state_transitions FORCE ROW LEVEL SECURITY;
