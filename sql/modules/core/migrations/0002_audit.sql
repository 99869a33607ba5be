-- Audit trail and activity log: partitioned by month, one partition for times without a month's own.

-- Rows are never updated, so the indexes leave no room for it.
CREATE TABLE saas.audit_logs (
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    id uuid NOT NULL,
    xact_id xid8 NOT NULL,
    actor_id uuid,
    row_id uuid,
    operation text NOT NULL,
    table_name text NOT NULL,
    row_key jsonb,
    old_values jsonb,
    new_values jsonb,
    db_role text,
    login_role text,
    request_id text,
    client_addr inet,
    CONSTRAINT audit_logs_operation_check CHECK (operation IN ('I', 'U', 'D', 'T')),
    CONSTRAINT audit_logs_pkey PRIMARY KEY (team_id, created_at, id) WITH (fillfactor = 100)
) PARTITION BY RANGE (created_at);

CREATE INDEX audit_logs_row_id_idx ON saas.audit_logs (row_id) WITH (fillfactor = 100);

CREATE INDEX audit_logs_created_at_idx ON saas.audit_logs USING brin (created_at);

CREATE TABLE saas.audit_logs_default PARTITION OF saas.audit_logs DEFAULT;

CREATE TABLE saas.activity_logs (
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid,
    subject_id uuid,
    action text NOT NULL,
    subject_type text,
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT activity_logs_action_check CHECK (action <> '' AND length(action) <= 100),
    CONSTRAINT activity_logs_details_check CHECK (jsonb_typeof(details) = 'object'),
    CONSTRAINT activity_logs_pkey PRIMARY KEY (team_id, created_at, id),
    CONSTRAINT activity_logs_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT activity_logs_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE SET NULL
) PARTITION BY RANGE (created_at);

CREATE INDEX activity_logs_user_id_idx ON saas.activity_logs (user_id);

CREATE INDEX activity_logs_created_at_idx ON saas.activity_logs USING brin (created_at);

CREATE TABLE saas.activity_logs_default PARTITION OF saas.activity_logs DEFAULT;
