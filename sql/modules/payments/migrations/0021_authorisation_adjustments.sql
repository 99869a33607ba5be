-- A function whose arguments change.
DROP FUNCTION IF EXISTS saas.resolve_integrity_hold(uuid, uuid, text);

-- What is authorised of a payment may be adjusted later, by the merchant, until it is captured.
ALTER TABLE saas.payments
    ADD COLUMN authorized_amount bigint,
    ADD CONSTRAINT payments_authorized_amount_check CHECK (authorized_amount >= 0);
UPDATE saas.provider_status_map AS m
SET machine = 'payment_transaction',
    state = 'object',
    reason = NULL
WHERE m.provider = 'adyen' AND m.object = 'event' AND m.provider_status = 'AUTHORISATION_ADJUSTMENT';
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
VALUES
    ('adyen', 'success', 'AUTHORISATION_ADJUSTMENT', 'payment_transaction', 'succeeded'),
    ('adyen', 'failure', 'AUTHORISATION_ADJUSTMENT', 'payment_transaction', 'failed');
