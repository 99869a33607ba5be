DELETE FROM saas.state_transitions WHERE machine IN ('dispute', 'payout');
DROP TABLE saas.payouts;
DROP TABLE saas.payment_disputes;
ALTER TABLE saas.payments
    DROP COLUMN is_overdrawn,
    DROP COLUMN amount_disputed,
    DROP COLUMN disputed_total,
    DROP COLUMN fraud_warned_at;
