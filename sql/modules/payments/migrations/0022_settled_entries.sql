-- How far back a run has to look is known from transactions that have ended, not from how long one may take.

ALTER TABLE saas.payout_schedules
    ADD COLUMN settling_at timestamptz,
    ADD COLUMN settling_xact_id xid8,
    ADD CONSTRAINT payout_schedules_settling_check CHECK (
        (settling_at IS NULL) = (settling_xact_id IS NULL)
    );
