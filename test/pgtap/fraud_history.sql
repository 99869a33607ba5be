-- Functions over history against the same in SQL, and what they may not do.
BEGIN;
SELECT plan(32);

INSERT INTO saas.users (id, email) VALUES ('00000000-0000-7000-8000-0000000000a1', 'owner@fraud.example');
INSERT INTO saas.teams (id, name, slug) VALUES
    ('00000000-0000-7000-8000-000000000001', 'One', 'fraud-one'),
    ('00000000-0000-7000-8000-000000000002', 'Two', 'fraud-two');
INSERT INTO saas.team_members (team_id, user_id, role) VALUES
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'owner'),
    ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a1', 'owner');
-- As if they had run through their states: 60 attempts, one every 10 minutes before noon of a day; the other team has the same addresses.
ALTER TABLE saas.payment_intents DISABLE TRIGGER USER;
INSERT INTO saas.payment_intents (team_id, provider, amount, currency, status, attributes, metadata, created_at, provider_customer_id)
SELECT t.team::uuid, 'stripe', 100 * n, CASE WHEN n % 3 = 0 THEN 'EUR' ELSE 'USD' END,
    CASE WHEN n % 4 = 0 THEN 'succeeded' ELSE 'requires_payment_method' END,
    jsonb_build_object(
        'email', CASE WHEN n % 2 = 0 THEN 'Eve@Mail.example' ELSE 'bob@mail.example' END,
        'card_fingerprint', 'fp' || n % 5, 'card_country', CASE WHEN n % 2 = 0 THEN 'de' ELSE 'US' END,
        'risk_score', CASE WHEN n % 7 = 0 THEN to_jsonb('high'::text) ELSE to_jsonb(n) END, 'device', jsonb_build_object('id', 'd' || n % 3)
    ),
    jsonb_build_object('campaign', CASE WHEN n % 2 = 0 THEN 'spring' ELSE '7' END),
    timestamptz '2026-11-21 12:00:00+00' - n * interval '10 minutes', 'cus_' || n % 4
FROM generate_series(1, 60) AS n, (VALUES ('00000000-0000-7000-8000-000000000001'), ('00000000-0000-7000-8000-000000000002')) AS t (team);

ALTER TABLE saas.payment_intents ENABLE TRIGGER USER;

-- What a function over history gives: the rule compares it with the value that SQL computed.
CREATE FUNCTION pg_temp.gives(p_term text, p_value text, p_attributes jsonb DEFAULT '{"email": "eve@mail.EXAMPLE", "currency": "USD", "card_country": "DE", "device": {"id": "d1"}}', p_as_of timestamptz DEFAULT '2026-11-21 12:00:00+00', p_intent uuid DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_result record;
BEGIN
    DELETE FROM saas.fraud_detection_rules WHERE team_id = '00000000-0000-7000-8000-000000000001';
    INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
    VALUES ('00000000-0000-7000-8000-000000000001', 'x', format('TAG ''x'' IF %s %s', p_term, CASE WHEN p_value IS NULL THEN 'IS MISSING' ELSE '= ' || p_value END));
    SELECT * INTO v_result FROM saas.evaluate_team_rules('00000000-0000-7000-8000-000000000001', p_attributes, p_as_of => p_as_of, p_intent => p_intent);
    RETURN COALESCE(v_result.errors -> 0 ->> 'message', CASE WHEN jsonb_array_length(v_result.matched) = 1 THEN 'yes' ELSE 'no' END);
END
$$;
CREATE TEMPORARY VIEW eve AS
SELECT i.*, i.attributes ->> 'email' AS email FROM saas.payment_intents AS i
WHERE i.team_id = '00000000-0000-7000-8000-000000000001' AND lower(i.attributes ->> 'email') = 'eve@mail.example';

SELECT is(pg_temp.gives('count(FROM attempts BY :email: OVER 2h)', (SELECT count(*)::text FROM eve WHERE created_at > '2026-11-21 10:00:00+00')), 'yes', 'count over two hours; the border of the window is outside');
SELECT is(pg_temp.gives('count(FROM attempts BY :email: ALL TIME)', '30'), 'yes', 'count without a window');
SELECT is(pg_temp.gives('sum(amount FROM attempts BY :email: OVER 3h)', (SELECT sum(amount)::text FROM eve WHERE created_at > '2026-11-21 09:00:00+00')), 'yes', 'sum');
SELECT is(pg_temp.gives('avg(amount FROM attempts BY :email: OVER 3h)', (SELECT avg(amount)::double precision::text FROM eve WHERE created_at > '2026-11-21 09:00:00+00')), 'yes', 'average');
SELECT is(pg_temp.gives('min(amount FROM attempts BY :email: ALL TIME)', '200'), 'yes', 'least');
SELECT is(pg_temp.gives('max(amount FROM attempts BY :email: ALL TIME)', '6000'), 'yes', 'greatest');
SELECT is(pg_temp.gives('stddev(amount FROM attempts BY :email: ALL TIME)', (SELECT stddev_samp(amount)::double precision::text FROM eve)), 'yes', 'standard deviation');
SELECT is(pg_temp.gives('median(amount FROM attempts BY :email: OVER 5h)', (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount)::text FROM eve WHERE created_at > '2026-11-21 07:00:00+00')), 'yes', 'median');
SELECT is(pg_temp.gives('percentile(amount, 0.9 FROM attempts BY :email: ALL TIME)', (SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY amount)::text FROM eve)), 'yes', 'percentile');
SELECT is(pg_temp.gives('count(DISTINCT card_fingerprint FROM attempts BY :email: OVER 1d)', '5'), 'yes', 'distinct values');
SELECT is(pg_temp.gives('first(card_country FROM attempts BY :email: ALL TIME)', ':card_country:'), 'yes', 'first value, in upper case like every country');
SELECT is(pg_temp.gives('last(amount FROM attempts BY :email: ALL TIME)', '200'), 'yes', 'last value');
SELECT is(pg_temp.gives('age(first(created_at FROM attempts BY :email: ALL TIME)) * 144', '60'), 'yes', 'when the address was first seen');
SELECT is(pg_temp.gives('count(FROM attempts BY :email:, :currency: ALL TIME)', '20'), 'yes', 'two keys');
SELECT is(pg_temp.gives('count(FROM attempts BY :device.id: ALL TIME)', '20'), 'yes', 'a key within an object');
SELECT is(pg_temp.gives('count(FROM attempts BY :email: OVER 2h)', '12', p_as_of => '2026-11-21 11:00:00+00'), 'no', 'as of another time: what came later is not seen');
SELECT is(pg_temp.gives('count(FROM attempts BY :email: OVER 2h)', (SELECT count(*)::text FROM eve WHERE created_at > '2026-11-21 09:00:00+00' AND created_at <= '2026-11-21 11:00:00+00'), p_as_of => '2026-11-21 11:00:00+00'), 'yes', 'as of another time');
SELECT is(pg_temp.gives('count(FROM attempts BY :email: ALL TIME)', '29', p_intent => (SELECT id FROM eve LIMIT 1)), 'yes', 'the attempt itself does not count');
SELECT is(pg_temp.gives('count(FROM attempts BY :email: ALL TIME INCLUDING CURRENT)', '30', p_intent => (SELECT id FROM eve LIMIT 1)), 'yes', 'unless it is asked for');
SELECT is(pg_temp.gives('count(FROM attempts BY :email: ALL TIME)', NULL, '{}'), 'yes', 'without a key nothing is known');
SELECT is(pg_temp.gives('count(FROM attempts BY :email: ALL TIME)', '0', '{"email": "new@mail.example"}'), 'yes', 'an unknown address has none');
SELECT is(pg_temp.gives('sum(amount FROM attempts BY :email: ALL TIME)', '0', '{"email": "new@mail.example"}'), 'yes', 'whose sum is 0');
SELECT is(pg_temp.gives('avg(amount FROM attempts BY :email: ALL TIME)', NULL, '{"email": "new@mail.example"}'), 'yes', 'but whose average is missing');

-- Conditions, with attributes, texts that are no numbers, division by zero.
SELECT is(pg_temp.gives('count(FROM attempts WHERE status = ''succeeded'' AND amount > 1000 BY :email: ALL TIME)', (SELECT count(*)::text FROM eve WHERE status = 'succeeded' AND amount > 1000)), 'yes', 'a condition');
SELECT is(pg_temp.gives('count(FROM attempts WHERE currency = :currency: AND card_country IN (''de'') BY :email: ALL TIME)', (SELECT count(*)::text FROM eve WHERE currency = 'USD')), 'yes', 'a condition on an attribute');
SELECT is(pg_temp.gives('count(FROM attempts WHERE risk_score > 10 OR risk_score IS MISSING BY :email: ALL TIME)', (SELECT count(*)::text FROM eve WHERE jsonb_typeof(attributes -> 'risk_score') <> 'number' OR (attributes ->> 'risk_score')::integer > 10)), 'yes', 'what is no number is missing');
SELECT is(pg_temp.gives('count(FROM attempts WHERE metadata.campaign > 3 OR metadata.campaign LIKE ''spr%'' BY :email: ALL TIME)', '30'), 'yes', 'metadata of history');
SELECT is(pg_temp.gives('count(FROM attempts WHERE 100 / (amount - amount) > 1 BY :email: ALL TIME)', '0'), 'yes', 'division by zero in a condition is unknown');
SELECT is(pg_temp.gives('count(FROM attempts WHERE description = ''\'' OR description LIKE ''a''''b\'' BY :email: ALL TIME)', '0'), 'yes', 'quotes and backslashes stay what they are');
SELECT is(pg_temp.gives(':total_charges_per_email_daily:', '30') || pg_temp.gives(':authorized_charges_per_email_all_time:', '15') || pg_temp.gives(':card_count_for_email_daily:', '5') || pg_temp.gives(':total_charges_per_email_daily:', '7', '{"email": "eve@mail.example", "total_charges_per_email_daily": 7}'), 'yesyesyesyes', 'Radar''s counters');

-- The index that a rule needs, told when the rule is saved and while it is missing.
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
VALUES ('00000000-0000-7000-8000-000000000001', 'y', 'TAG ''y'' IF count(FROM attempts BY :device.id:, ::it''s:: OVER 1h) > 1 AND count(FROM attempts BY :email: OVER 1d) > 2');
CREATE FUNCTION pg_temp.make_indexes() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_advice record;
    v_count bigint := 0;
BEGIN
    FOR v_advice IN SELECT * FROM saas.fraud_index_advice() LOOP
        EXECUTE replace(v_advice.statement, ' CONCURRENTLY', '');
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
SELECT is(pg_temp.make_indexes(), 2::bigint, 'two indexes are missing, and the statements make them');
UPDATE saas.fraud_detection_rules SET rule = rule || ' ' WHERE name = 'y';
SELECT results_eq(
    $$SELECT (SELECT count(*) FROM saas.fraud_index_advice()), (SELECT warnings FROM saas.fraud_detection_rules WHERE name = 'y')$$,
    $$VALUES (0::bigint, '[]'::jsonb)$$, 'then none is missing'
);

SELECT * FROM finish();
ROLLBACK;
