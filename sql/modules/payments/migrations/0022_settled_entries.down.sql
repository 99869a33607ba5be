ALTER TABLE saas.payout_schedules
    DROP COLUMN settling_at,
    DROP COLUMN settling_xact_id;
