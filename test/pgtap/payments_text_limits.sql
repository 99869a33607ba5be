-- Texts of a request to a provider have limits; what a provider sends is kept whatever its length.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
CREATE FUNCTION pg_temp.metadata(p_keys integer, p_key integer, p_value integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(lpad(n::text, p_key, 'k'), repeat('v', p_value)) FROM generate_series(1, p_keys) AS n
$$;
CREATE FUNCTION pg_temp.asked(p_key text, p_description text DEFAULT NULL, p_customer text DEFAULT NULL, p_method text DEFAULT NULL, p_metadata jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS $$
    SELECT (saas.create_payment_intent(pg_temp.team(), 5, 'usd', 'stripe', p_key, p_description => p_description, p_provider_customer_id => p_customer, p_provider_payment_method_id => p_method, p_metadata => p_metadata) ->> 'payment_intent_id')::uuid
$$;
SELECT pg_temp.asked('k1', repeat('ä', 1000), repeat('c', 255), repeat('p', 255), pg_temp.metadata(49, 40, 500)) AS intent \gset
SELECT ok(:'intent' IS NOT NULL, 'the longest texts are taken');
SELECT is((SELECT count(*) FROM jsonb_object_keys((SELECT r.request -> 'metadata' FROM saas.provider_requests AS r WHERE r.payment_intent_id = :'intent'))), 50::bigint, 'with our key they are as many as Stripe takes');
SELECT lives_ok($$SELECT pg_temp.asked('k2', '', NULL, NULL, '{"n": 5, "b": true, "nothing": null, "list": [1]}')$$, 'so are short ones');
SELECT throws_ok(c.call, '22023', 'providers do not take ' || c.wrong, 'refused: ' || c.what)
FROM (VALUES
    ('a long description', $$SELECT pg_temp.asked('k3', repeat('x', 1001))$$, 'a description of more than 1000 characters'),
    ('an empty customer', $$SELECT pg_temp.asked('k3', NULL, '')$$, 'an identifier that is empty or has more than 255 characters'),
    ('a long customer', $$SELECT pg_temp.asked('k3', NULL, repeat('x', 256))$$, 'an identifier that is empty or has more than 255 characters'),
    ('an empty payment method', $$SELECT pg_temp.asked('k3', NULL, NULL, '')$$, 'an identifier that is empty or has more than 255 characters'),
    ('many metadata', $$SELECT pg_temp.asked('k3', p_metadata => pg_temp.metadata(50, 3, 1))$$, 'metadata that are too large'),
    ('long keys', $$SELECT pg_temp.asked('k3', p_metadata => pg_temp.metadata(1, 41, 1))$$, 'metadata that are too large'),
    ('an empty key', $$SELECT pg_temp.asked('k3', p_metadata => '{"": 1}')$$, 'metadata that are too large'),
    ('long values', $$SELECT pg_temp.asked('k3', p_metadata => pg_temp.metadata(1, 1, 501))$$, 'metadata that are too large'),
    ('an empty method to confirm', format('SELECT saas.confirm_payment_intent(pg_temp.team(), %L, ''k3'', '''')', :'intent'), 'an identifier that is empty or has more than 255 characters')
) AS c (what, call, wrong);
SELECT throws_ok($$SELECT pg_temp.asked('k3', p_metadata => '[]')$$, '22023', NULL, 'refused: metadata that are no object');
SELECT is((SELECT count(*) FROM saas.idempotency_keys AS k WHERE k.team_id = pg_temp.team() AND k.key = 'k3'), 0::bigint, 'and nothing is kept of it');
SELECT is((pg_temp.deliver(pg_temp.event('evt_1', 50, pg_temp.intent('pi_9', 'succeeded', jsonb_build_object('description', repeat('x', 30000), 'metadata', pg_temp.metadata(60, 60, 900)))))).outcome, 'processed', 'an event with more is applied');
SELECT is((SELECT length(i.description) FROM saas.payment_intents AS i WHERE i.team_id = pg_temp.team() AND i.provider_intent_id = 'pi_9'), 30000, 'and kept as it came');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
