-- Functions whose arguments change.
DROP FUNCTION IF EXISTS saas.confirm_webhook(uuid, uuid, boolean);
DROP FUNCTION IF EXISTS saas.resolve_integrity_hold(uuid, uuid, text);

-- What is authorised of a payment may be adjusted later, by the merchant, until it is captured.
ALTER TABLE saas.payments
    ADD COLUMN authorized_amount bigint,
    ADD CONSTRAINT payments_authorized_amount_check CHECK (authorized_amount >= 0);
-- Razorpay signs no name of an event: what has come before is found by its body.
CREATE INDEX webhook_events_team_id_body_sha256_razorpay_idx
ON saas.webhook_events (team_id, body_sha256)
WHERE provider = 'razorpay' AND provider_event_id IS NOT NULL;
UPDATE saas.provider_status_map AS m
SET machine = 'payment_transaction',
    state = 'object',
    reason = NULL
WHERE m.provider = 'adyen' AND m.object = 'event' AND m.provider_status = 'AUTHORISATION_ADJUSTMENT';
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
VALUES
    ('adyen', 'success', 'AUTHORISATION_ADJUSTMENT', 'payment_transaction', 'succeeded'),
    ('adyen', 'failure', 'AUTHORISATION_ADJUSTMENT', 'payment_transaction', 'failed');
