DELETE FROM saas.state_transitions WHERE machine = 'payout_reserve';
DROP TABLE saas.payout_reserves;
DROP TABLE saas.payout_items;
ALTER TABLE saas.payouts
    DROP COLUMN payout_schedule_id,
    DROP COLUMN scheduled_for,
    DROP COLUMN scheduled_xact_id,
    DROP COLUMN reserve_amount;
DROP TABLE saas.payout_schedules;
