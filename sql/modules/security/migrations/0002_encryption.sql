-- Keys that encrypt values, and which columns hold what.

-- No foreign key to teams: the team of zeros is the platform's own, and a trigger removes the keys of
-- a team that is deleted.
CREATE TABLE saas.encryption_keys (
    team_id uuid NOT NULL,
    key_no bigint NOT NULL,
    kind text NOT NULL,
    subject_id uuid,
    asset_id uuid,
    version integer NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'active',
    kek_epoch integer NOT NULL,
    wrapped bytea,
    kcv bytea NOT NULL,
    uses bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    not_after timestamptz,
    shredded_at timestamptz,
    shred_reason text,
    CONSTRAINT encryption_keys_pkey PRIMARY KEY (team_id, key_no),
    CONSTRAINT encryption_keys_team_id_kind_subject_id_asset_id_version_key
        UNIQUE NULLS NOT DISTINCT (team_id, kind, subject_id, asset_id, version),
    CONSTRAINT encryption_keys_key_no_check CHECK (key_no > 0),
    CONSTRAINT encryption_keys_kind_check CHECK (kind IN ('subject', 'tenant', 'index', 'export')),
    CONSTRAINT encryption_keys_subject_id_check CHECK ((subject_id IS NOT NULL) = (kind = 'subject')),
    CONSTRAINT encryption_keys_asset_id_check CHECK (asset_id IS NULL OR kind IN ('index', 'export')),
    CONSTRAINT encryption_keys_version_check CHECK (version >= 1),
    CONSTRAINT encryption_keys_status_check
        CHECK (status IN ('active', 'decrypt_only', 'shredded', 'hold')),
    CONSTRAINT encryption_keys_kek_epoch_check CHECK (kek_epoch >= 1),
    CONSTRAINT encryption_keys_wrapped_check
        CHECK (octet_length(wrapped) = 72 AND (wrapped IS NULL) = (status = 'shredded')),
    CONSTRAINT encryption_keys_kcv_check CHECK (octet_length(kcv) = 8),
    CONSTRAINT encryption_keys_uses_check CHECK (uses >= 0)
) WITH (fillfactor = 70);
-- One version of a key encrypts.
CREATE UNIQUE INDEX encryption_keys_active_key
ON saas.encryption_keys (team_id, kind, subject_id, asset_id) NULLS NOT DISTINCT
WHERE status = 'active';
CREATE INDEX encryption_keys_team_id_kek_epoch_idx ON saas.encryption_keys (team_id, kek_epoch);

CREATE TABLE saas.data_classifications (
    name text NOT NULL,
    rank integer NOT NULL,
    description text NOT NULL,
    CONSTRAINT data_classifications_pkey PRIMARY KEY (name),
    CONSTRAINT data_classifications_rank_key UNIQUE (rank)
);
INSERT INTO saas.data_classifications (name, rank, description)
VALUES
    ('public', 1, 'Anybody may see it.'),
    ('internal', 2, 'For members of the team and its workers.'),
    ('confidential', 3, 'Personal data: masked for analysts, exported and erased on request.'),
    ('restricted', 4, 'Secrets: no role reads them.');

-- A column by the table's oid and its number, which survive renaming, and by its name, which survives
-- a dump. table_oid tells which of the two holds: a restored table has another.
CREATE TABLE saas.data_assets (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    table_name regclass NOT NULL,
    table_oid oid NOT NULL,
    column_number smallint NOT NULL,
    column_name name NOT NULL,
    variant text NOT NULL DEFAULT '',
    classification text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT data_assets_pkey PRIMARY KEY (id),
    CONSTRAINT data_assets_table_oid_column_number_variant_key
        UNIQUE (table_oid, column_number, variant) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT data_assets_classification_fkey
        FOREIGN KEY (classification) REFERENCES saas.data_classifications (name),
    CONSTRAINT data_assets_variant_check CHECK (variant ~ '^[a-z0-9_]{0,40}$')
);
CREATE INDEX data_assets_classification_idx ON saas.data_assets (classification);
