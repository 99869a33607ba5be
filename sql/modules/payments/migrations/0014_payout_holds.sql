-- What keeps a team's payouts back, whoever found the reason.

CREATE TABLE saas.payout_holds (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    reason text NOT NULL,
    note text,
    ref_table text,
    ref_id uuid,
    placed_by uuid DEFAULT saas.current_user_id(),
    placed_at timestamptz NOT NULL DEFAULT now(),
    released_by uuid,
    released_at timestamptz,
    release_note text,
    CONSTRAINT payout_holds_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payout_holds_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payout_holds_placed_by_fkey
        FOREIGN KEY (placed_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT payout_holds_released_by_fkey
        FOREIGN KEY (released_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT payout_holds_reason_check CHECK (
        reason IN ('kyc', 'dispute', 'integrity', 'aml', 'manual')
    ),
    CONSTRAINT payout_holds_note_check CHECK (length(note) BETWEEN 1 AND 2000),
    CONSTRAINT payout_holds_ref_check CHECK ((ref_table IS NULL) = (ref_id IS NULL)),
    CONSTRAINT payout_holds_ref_table_check CHECK (ref_table ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT payout_holds_release_note_check CHECK (length(release_note) BETWEEN 1 AND 2000),
    CONSTRAINT payout_holds_released_at_check CHECK (released_at >= placed_at)
);
CREATE INDEX payout_holds_placed_by_idx ON saas.payout_holds (placed_by);
CREATE INDEX payout_holds_released_by_idx ON saas.payout_holds (released_by);
CREATE INDEX payout_holds_team_id_placed_at_idx ON saas.payout_holds (team_id, placed_at)
WHERE released_at IS NULL;
-- A row is the cause of one open hold for each reason.
CREATE UNIQUE INDEX payout_holds_team_id_reason_ref_key
ON saas.payout_holds (team_id, reason, ref_table, ref_id)
WHERE released_at IS NULL AND ref_id IS NOT NULL;
