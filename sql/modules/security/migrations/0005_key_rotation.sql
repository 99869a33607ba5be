-- Rotation of keys, the epochs that wrap them, and how far both are.
ALTER TABLE saas.encryption_keys
    ADD COLUMN closed_at timestamptz,
    DROP CONSTRAINT encryption_keys_status_check,
    ADD CONSTRAINT encryption_keys_status_check
        CHECK (status IN ('active', 'decrypt_only', 'retired', 'shredded', 'hold'));
-- Wrapping keys anew changes the epoch of every row: an index over it costs more than it finds.
DROP INDEX saas.encryption_keys_team_id_kek_epoch_idx;
CREATE INDEX encryption_keys_team_id_outdated_idx ON saas.encryption_keys (team_id, key_no)
WHERE status = 'decrypt_only';

-- As with the keys, the team of zeros has no row in teams.
CREATE TABLE saas.encryption_key_epochs (
    team_id uuid NOT NULL,
    purpose text NOT NULL,
    epoch integer NOT NULL,
    began_at timestamptz NOT NULL,
    rewrapped bigint NOT NULL DEFAULT 0,
    destroyed_at timestamptz,
    CONSTRAINT encryption_key_epochs_pkey PRIMARY KEY (team_id, purpose, epoch),
    CONSTRAINT encryption_key_epochs_purpose_check CHECK (purpose IN ('shred', 'hold')),
    CONSTRAINT encryption_key_epochs_epoch_check CHECK (epoch >= 1)
);

CREATE TABLE saas.encryption_schedules (
    team_id uuid NOT NULL,
    kind text NOT NULL,
    every interval NOT NULL,
    next_at timestamptz NOT NULL,
    CONSTRAINT encryption_schedules_pkey PRIMARY KEY (team_id, kind),
    CONSTRAINT encryption_schedules_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT encryption_schedules_kind_check
        CHECK (kind IN ('tenant', 'subject', 'index', 'export', 'epoch')),
    CONSTRAINT encryption_schedules_every_check CHECK (every >= INTERVAL '1 hour')
);
CREATE INDEX encryption_schedules_next_at_idx ON saas.encryption_schedules (next_at);

CREATE TABLE saas.encryption_rotations (
    asset_id uuid NOT NULL,
    team_id uuid NOT NULL,
    pass integer NOT NULL DEFAULT 1,
    table_oid oid NOT NULL DEFAULT 0,
    next_block bigint NOT NULL DEFAULT 0,
    end_block bigint NOT NULL DEFAULT 0,
    found bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    keys_digest text NOT NULL DEFAULT '',
    index_keys bigint[] NOT NULL DEFAULT '{}',
    reindexing boolean NOT NULL DEFAULT false,
    reencrypted bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT encryption_rotations_pkey PRIMARY KEY (asset_id, team_id)
);

-- Which database changes the key file: copies of it may not.
CREATE TABLE saas.encryption_home (
    database_oid oid NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT encryption_home_pkey PRIMARY KEY (database_oid)
);
INSERT INTO saas.encryption_home (database_oid)
SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database();
