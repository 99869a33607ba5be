BEGIN;
INSERT INTO bench.target (team_id, customer_id, reference, description, amount, currency, status, is_live, metadata)
VALUES ('0190a000-0000-7000-8000-000000000002', '0190b000-0000-7000-8000-000000000001', 'order',
    'a description of the usual length for a payment', 1, 'EUR', 'pending', true, '{"channel": "web"}')
RETURNING id AS target_id \gset
UPDATE bench.target SET status = 'paid', amount = amount + 1
WHERE team_id = '0190a000-0000-7000-8000-000000000002' AND id = :target_id;
COMMIT;
