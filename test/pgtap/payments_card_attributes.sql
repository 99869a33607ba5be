-- What is known of a card in the attributes of an intent: of the latest payment, whatever the order of arrival, and
-- never its number.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
CREATE FUNCTION pg_temp.card(p_ref text, p_created bigint, p_last4 text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.event('e' || p_ref, 100, pg_temp.charge(p_ref, 'pi_1', 'failed', false, jsonb_build_object(
        'created', p_created, 'payment_method_details', jsonb_build_object('type', 'card', 'card', jsonb_build_object('last4', p_last4)))))
$$;
CREATE TEMPORARY TABLE orders ON COMMIT DROP AS
SELECT s.seed, pg_temp.rows_after(ARRAY[
    pg_temp.event('evt_i', 100, pg_temp.intent('pi_1', 'processing')),
    pg_temp.card('ch_a', 60, '0001'), pg_temp.card('ch_b', 70, '0002'), pg_temp.card('ch_c', 70, '0003'), pg_temp.card('ch_d', 65, '0004')
], 'cards' || s.seed) AS rows
FROM generate_series(1, 24) AS s (seed);
SELECT is((SELECT count(DISTINCT rows) FROM orders), 1::bigint, 'any order of the payments leaves the same attributes');
SELECT ok((SELECT bool_and(rows LIKE '%"charged_attributes": {"card_last4": "0003"%') FROM orders), 'those of the latest one, by the provider''s time, then its name');

SELECT pg_temp.deliver(pg_temp.event('evt_1', 100, pg_temp.intent('pi_1', 'processing')));
SELECT is((pg_temp.deliver(pg_temp.event('evt_2', 100, pg_temp.charge('ch_1', 'pi_1', 'failed', false, '{"failure_message": "4242424242424242 declined",
    "customer": "4242424242424242", "payment_method_details": {"type": "card", "card": {"last4": "4242", "fingerprint": "4242424242424242"}}}')))).outcome, 'processed', 'a payment that tells the number of a card');
SELECT is(p.failure_message || p.provider_customer_id || p.card_fingerprint, '4000000000004242 declined40000000000042424000000000004242', 'is masked')
FROM saas.payments AS p;
SELECT is(i.charged_attributes ->> 'card_fingerprint', '4000000000004242', 'and so is what its intent knows') FROM saas.payment_intents AS i;
SELECT is_empty($$SELECT FROM saas.payment_intents AS i WHERE i::text LIKE '%4242424242424242%'$$, 'nothing of it remains');
UPDATE saas.payment_intents SET charged_attributes = '{"card_fingerprint": "378282246310005"}';
SELECT unalike(i.charged_attributes::text, '%378282246310005%', 'nor when it is written directly') FROM saas.payment_intents AS i;
SELECT saas.create_payment_intent(pg_temp.team(), 1000, 'USD', 'stripe', 'k1') ->> 'payment_intent_id' AS ours \gset
SELECT throws_ok(format('SELECT saas.describe_payment_intent(%L, %L, %L)', pg_temp.team(), :'ours', '{"note": "4242 4242 4242 4242"}'),
    'SA090', NULL, 'what the application gives is refused');
SELECT throws_ok($$UPDATE saas.payment_intents SET supplied_attributes = '{"a": {"b": ["4242424242424242"]}}'$$, 'SA090', NULL, 'wherever it is');
SELECT * FROM finish();
ROLLBACK;
