-- Tamper evidence of the audit trail: a hash in every row, sealed into a signed Merkle tree per team.

ALTER TABLE saas.audit_logs
    ADD COLUMN payload_salt bytea,
    ADD COLUMN payload_hash bytea,
    ADD COLUMN leaf bytea;

-- Rows to be sealed are found by their transaction. What is not summarized yet, each sealing reads.
CREATE INDEX audit_logs_xact_id_idx ON saas.audit_logs
USING brin (xact_id saas.xid8_minmax_ops) WITH (autosummarize = on);

-- Hashes do not compress.
CREATE TABLE saas.audit_leaves (
    team_id uuid NOT NULL,
    first_index bigint NOT NULL,
    leaf_count bigint NOT NULL,
    first_xact_id xid8 NOT NULL,
    last_xact_id xid8 NOT NULL,
    hashes bytea NOT NULL,
    positions bytea NOT NULL,
    CONSTRAINT audit_leaves_pkey PRIMARY KEY (team_id, first_index),
    CONSTRAINT audit_leaves_first_index_check CHECK (first_index >= 0),
    CONSTRAINT audit_leaves_leaf_count_check CHECK (
        leaf_count > 0
        AND octet_length(hashes) = leaf_count * 32
        AND octet_length(positions) = leaf_count * 32
    )
);
ALTER TABLE saas.audit_leaves ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE saas.audit_leaves ALTER COLUMN positions SET STORAGE EXTERNAL;
CREATE INDEX audit_leaves_last_xact_id_idx ON saas.audit_leaves (last_xact_id);

CREATE TABLE saas.audit_checkpoints (
    team_id uuid NOT NULL,
    number bigint NOT NULL,
    tree_size bigint NOT NULL,
    through_xact_id xid8 NOT NULL,
    sealed_at timestamptz NOT NULL,
    retained_from timestamptz,
    through_id uuid NOT NULL,
    key_id uuid NOT NULL,
    root bytea NOT NULL,
    previous_root bytea NOT NULL,
    signature bytea NOT NULL,
    edge bytea NOT NULL,
    CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (team_id, number),
    CONSTRAINT audit_checkpoints_number_check CHECK (number > 0),
    CONSTRAINT audit_checkpoints_tree_size_check CHECK (tree_size >= 0),
    CONSTRAINT audit_checkpoints_root_check CHECK (
        octet_length(root) = 32 AND octet_length(previous_root) = 32
    )
);

CREATE TABLE saas.audit_redactions (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    audit_id uuid NOT NULL,
    audit_created_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    user_id uuid,
    reason text NOT NULL,
    CONSTRAINT audit_redactions_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT audit_redactions_team_id_audit_id_key UNIQUE (team_id, audit_id),
    CONSTRAINT audit_redactions_reason_check CHECK (length(reason) BETWEEN 1 AND 500)
);

CREATE TABLE saas.audit_keys (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_keys_pkey PRIMARY KEY (id),
    CONSTRAINT audit_keys_key_check CHECK (octet_length(key) = 32)
);
INSERT INTO saas.audit_keys (key)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- One row: how far the sealer has come. Its lock lets sealers run one after another.
CREATE TABLE saas.audit_sealing (
    only_row boolean NOT NULL DEFAULT true,
    through_xact_id xid8 NOT NULL DEFAULT '0',
    through_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    system_identifier bigint,
    sealed_at timestamptz,
    CONSTRAINT audit_sealing_pkey PRIMARY KEY (only_row),
    CONSTRAINT audit_sealing_only_row_check CHECK (only_row)
);
INSERT INTO saas.audit_sealing DEFAULT VALUES;

-- Which tables are audited, so that a trigger that is gone is noticed.
CREATE TABLE saas.audited_tables (
    table_name text NOT NULL,
    audited_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audited_tables_pkey PRIMARY KEY (table_name)
);
INSERT INTO saas.audited_tables (table_name)
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.tgfoid = 'saas.audit_row_change()'::regprocedure AND t.tgparentid = 0;
