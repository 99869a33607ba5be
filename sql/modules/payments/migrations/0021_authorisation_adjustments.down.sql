DELETE FROM saas.provider_status_map AS m
WHERE m.provider = 'adyen'
    AND m.object IN ('success', 'failure')
    AND m.provider_status = 'AUTHORISATION_ADJUSTMENT';
UPDATE saas.provider_status_map AS m
SET machine = NULL,
    state = 'ignored',
    reason = 'a larger authorisation shows when it is captured'
WHERE m.provider = 'adyen' AND m.object = 'event' AND m.provider_status = 'AUTHORISATION_ADJUSTMENT';
DROP INDEX saas.webhook_events_team_id_body_sha256_razorpay_idx;
ALTER TABLE saas.payments DROP COLUMN authorized_amount;
