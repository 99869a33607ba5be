-- Amounts that contradict each other: whatever came first, the greatest holds, the others are kept, and the payment is
-- on hold. Adjustments of an authorisation are no contradiction.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
\ir include/provider_events.sql
CREATE FUNCTION pg_temp.mixed_up(p_seed text) RETURNS jsonb[] LANGUAGE sql AS $$
    SELECT array_agg(pg_temp.event(p_seed || '_' || n, 100 + r % 3,
        CASE n % 3
            WHEN 0 THEN pg_temp.refund('re_' || n % 2, 'ch_1', 100 + r % 3 * 50, (ARRAY['pending', 'succeeded', 'failed'])[1 + r / 7 % 3], '{"created": 99}')
            ELSE pg_temp.charge('ch_1', CASE WHEN r % 5 = 0 THEN NULL ELSE 'pi_1' END, (ARRAY['succeeded', 'pending', 'succeeded'])[1 + r / 5 % 3], r % 2 = 0,
                jsonb_build_object('amount', 1000 + r % 4 * 100, 'amount_captured', CASE r % 2 WHEN 0 THEN 800 + r % 3 * 100 ELSE 0 END))
        END))
    FROM (SELECT n, ('x' || left(md5(p_seed || n), 7))::bit(28)::int AS r FROM generate_series(1, 10) AS n) AS x
$$;
CREATE TEMPORARY TABLE walked ON COMMIT DROP AS
SELECT w.walk, pg_temp.rows_after(pg_temp.event('i', 100, pg_temp.intent('pi_1', 'succeeded')) || pg_temp.mixed_up('w' || w.walk), w.walk || 'order' || s.seed) AS rows
FROM generate_series(1, 25) AS w (walk), generate_series(1, 5) AS s (seed);
SELECT is_empty('SELECT walk FROM walked GROUP BY walk HAVING count(DISTINCT rows) <> 1', 'five orders of each of 25 sets make the same rows and balances');
SELECT cmp_ok((SELECT count(DISTINCT walk) FROM walked WHERE rows LIKE '%"integrity_hold": true%' AND rows LIKE '%refund re_%:%'), '>', 5::bigint, 'with contradictions of payments and refunds');
SELECT cmp_ok((SELECT count(*) FROM (SELECT walk FROM walked WHERE rows LIKE '%account sales stripe USD%' GROUP BY walk) AS w), '>', 10::bigint, 'and money');

SELECT pg_temp.deliver(pg_temp.event('evt_1', 100, pg_temp.charge('ch_1', NULL, 'succeeded', true)));
SELECT is(d.outcome || ' ' || d.detail, 'conflict the payment: 900 USD', 'another amount is a conflict')
FROM pg_temp.deliver(pg_temp.event('evt_2', 90, pg_temp.charge('ch_1', NULL, 'succeeded', true, '{"amount": 900, "amount_captured": 900}'))) AS d;
SELECT is(p.amount || ' ' || p.integrity_issue, '1000 the payment: 900 USD', 'the greatest holds') FROM saas.payments AS p;
SELECT throws_ok('UPDATE saas.payments SET amount = amount + 1', 'SA071', NULL, 'nobody changes it without an explanation');
SELECT throws_ok('UPDATE saas.payment_transactions SET amount = amount - 1 WHERE operation = ''authorize''', 'SA071', NULL, 'nor lowers what was authorised');

-- Adjusted authorisations of Adyen.
CREATE FUNCTION pg_temp.adyen(p_code text, p_success text, p_ref text, p_original text, p_amount bigint, p_at bigint, p_more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.send('adyen', pg_temp.adyen_item(p_code, p_success, p_ref, p_original, p_amount, p_at, p_more), NULL)).outcome
$$;
CREATE FUNCTION pg_temp.adyen_payment(p_ref text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', p.amount, p.authorized_amount, p.amount_captured, p.status, p.integrity_issue) FROM saas.payments AS p WHERE p.provider_payment_id = p_ref
$$;
SELECT is(pg_temp.adyen('AUTHORISATION_ADJUSTMENT', 'true', 'J0', 'P1', 1200, 110), 'deferred', 'an adjustment before its payment waits');
SELECT saas.create_payment_intent(pg_temp.team(), 1000, 'USD', 'adyen', 'k1') ->> 'payment_intent_id' AS ours \gset
SELECT pg_temp.adyen('AUTHORISATION', 'true', 'P1', NULL, 1000, 100, jsonb_build_object('merchantReference', :'ours'));
SELECT is(pg_temp.adyen_payment('P1'), '1200 1000 0 authorized', 'and is applied with it: what was asked for was authorised');
SELECT is(pg_temp.adyen('AUTHORISATION_ADJUSTMENT', 'true', 'J2', 'P1', 1500, 130), 'processed', 'a newer one');
SELECT is(pg_temp.adyen('AUTHORISATION_ADJUSTMENT', 'true', 'J1', 'P1', 700, 120), 'processed', 'an older one that is late');
SELECT is(pg_temp.adyen_payment('P1'), '1500 1000 0 authorized', 'the newest by the provider''s time holds');
SELECT is(pg_temp.adyen('AUTHORISATION_ADJUSTMENT', 'false', 'J3', 'P1', 9000, 140), 'processed', 'one that failed');
SELECT is(pg_temp.adyen('AUTHORISATION_ADJUSTMENT', 'true', 'J2', 'P1', 1500, 130), 'duplicate', 'and one again');
SELECT is(pg_temp.adyen_payment('P1'), '1500 1000 0 authorized', 'change nothing');
SELECT lives_ok(format('SELECT saas.capture_payment(%L, %L, 1400, %L)', pg_temp.team(), (SELECT id FROM saas.payments WHERE provider_payment_id = 'P1'), 'c1'), 'so much may be captured');
SELECT is(pg_temp.adyen('CAPTURE', 'true', 'C1', 'P1', 1500, 200), 'processed', 'more than was authorised first');
SELECT is(pg_temp.adyen_payment('P1'), '1500 1000 1500 paid', 'without a hold');
SELECT is(pg_temp.adyen('AUTHORISATION_ADJUSTMENT', 'true', 'J4', 'P1', 1600, 210, '{"amount": {"value": 1600, "currency": "EUR"}}'), 'conflict', 'one in another currency is none');
SELECT is((SELECT count(*) FROM saas.payment_transactions WHERE operation = 'adjust'), 4::bigint, 'all of them are kept');

SELECT pg_temp.adyen('AUTHORISATION', 'true', 'P2', NULL, 1000, 100);
SELECT pg_temp.adyen('REFUND', 'true', 'R2', 'P2', 300, 150);
SELECT pg_temp.adyen('AUTHORISATION_ADJUSTMENT', 'true', 'J5', 'P2', 600, 110);
SELECT is(pg_temp.adyen_payment('P2'), '600 1000 0 authorized', 'less than at first');
SELECT pg_temp.adyen('CAPTURE', 'true', 'C2', 'P2', 900, 200);
SELECT is(pg_temp.adyen_payment('P2'), '600 1000 600 paid captured: 900 of 600', 'and more captured than that is on hold');
SELECT pg_temp.adyen('CANCELLATION', 'true', 'X3', 'P3', 1000, 300), pg_temp.adyen('AUTHORISATION_ADJUSTMENT', 'true', 'J6', 'P3', 1300, 200), pg_temp.adyen('AUTHORISATION', 'true', 'P3', NULL, 1000, 100);
SELECT is((SELECT p.amount || ' ' || p.amount_released || ' ' || p.status FROM saas.payments AS p WHERE p.provider_payment_id = 'P3'), '1300 1300 voided', 'what is voided is released whole');
SELECT is((SELECT count(*) FROM saas.webhook_events WHERE status IN ('failed', 'deferred')), 0::bigint, 'nothing is left over');

CREATE FUNCTION pg_temp.adyen_after(p_seed text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_item jsonb;
    v_rows text;
BEGIN
    FOR v_item IN SELECT i FROM unnest(ARRAY[
        pg_temp.adyen_item('AUTHORISATION', 'true', 'Q', NULL, 1000, 100), pg_temp.adyen_item('AUTHORISATION_ADJUSTMENT', 'true', 'A1', 'Q', 1500, 110),
        pg_temp.adyen_item('AUTHORISATION_ADJUSTMENT', 'true', 'A2', 'Q', 800, 120), pg_temp.adyen_item('AUTHORISATION_ADJUSTMENT', 'true', 'A3', 'Q', 900, 120),
        pg_temp.adyen_item('CAPTURE', 'true', 'K1', 'Q', 700, 130), pg_temp.adyen_item('CAPTURE', 'true', 'K2', 'Q', 400, 140),
        pg_temp.adyen_item('REFUND', 'true', 'F1', 'Q', 950, 150), pg_temp.adyen_item('CANCELLATION', 'true', 'V1', 'Q', 1000, 160)
    ]) AS i ORDER BY md5(p_seed || i)
    LOOP
        PERFORM pg_temp.send('adyen', v_item, NULL);
    END LOOP;
    v_rows := pg_temp.rows_made();
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = v_rows;
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN SQLERRM;
END
$$;
SELECT is((SELECT count(DISTINCT pg_temp.adyen_after('s' || n)) FROM generate_series(1, 40) AS n), 1::bigint, 'forty orders of adjustments, captures and a refund make the same rows');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
