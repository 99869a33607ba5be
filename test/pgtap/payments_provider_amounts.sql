-- What a provider is asked for is counted as it counts.
BEGIN;
SELECT plan(18);
\ir include/payments.sql
SELECT is(saas.provider_amount(p.provider, p.currency, p.amount, p.purpose), p.wanted, concat_ws(' ', p.provider, p.currency, p.amount, p.purpose))
FROM (VALUES
    ('stripe', 'usd', 1099, 'charge', 1099::bigint), ('stripe', 'JPY', 500, 'charge', 500), ('stripe', 'ISK', 500, 'charge', 50000), ('stripe', 'MGA', 500, 'charge', 5),
    ('stripe', 'MGA', 550, 'charge', NULL), ('stripe', 'KWD', 1000, 'charge', 1000), ('stripe', 'KWD', 1001, 'charge', NULL), ('stripe', 'HUF', 1050, 'charge', 1050),
    ('stripe', 'HUF', 1050, 'payout', NULL), ('stripe', 'HUF', 1100, 'payout', 1100), ('adyen', 'CLP', 500, 'payout', 50000), ('square', 'ISK', 500, 'charge', 500)
) AS p (provider, currency, amount, purpose, wanted);
SELECT is(saas.provider_amount('stripe', 'ISK', 9223372036854775807), NULL, 'too much is not taken');
SELECT throws_ok($$SELECT saas.provider_amount('stripe', 'XAU', 1)$$, 'SA072', NULL, 'gold has no units');
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.create_payment_intent(pg_temp.team(), 1001, 'KWD', 'stripe', 'k1')$$, '22023', 'stripe does not take this amount in KWD', 'nothing is asked that would be refused');
SELECT saas.create_payment_intent(pg_temp.team(), 500, 'ISK', 'stripe', 'k2') ->> 'provider_request_id' AS request \gset
SELECT is(r.request - '{metadata,capture_method}'::text[], '{"amount": 500, "currency": "ISK", "provider_amount": 50000}'::jsonb, 'the worker is told both') FROM saas.provider_requests AS r WHERE r.id = :'request';
RESET ROLE;
SELECT pg_temp.deliver(pg_temp.event('evt_1', 50, pg_temp.charge('ch_1', NULL, 'succeeded', true, '{"amount": 5000, "amount_captured": 5000, "currency": "isk"}'))) \g /dev/null
SELECT saas.refund_payment(pg_temp.team(), (pg_temp.payment('ch_1')).id, 20, 'k3') \g /dev/null
SELECT is(r.request ->> 'provider_amount', '2000', 'of a refund as well') FROM saas.provider_requests AS r WHERE r.team_id = pg_temp.team() AND r.kind = 'refund';
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
