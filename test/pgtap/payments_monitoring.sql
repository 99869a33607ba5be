-- Structuring and rapid movement: what is found, what is not, and the alerts that come of it.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), f.owner) AS other FROM fixture AS f \gset
-- Payments of a customer: amount in minor units, days before 2023-12-01.
CREATE FUNCTION pg_temp.pays(p_id text, p_customer text, p_amount bigint, p_days numeric, p_status text DEFAULT 'succeeded') RETURNS text LANGUAGE sql AS $$
    SELECT d.outcome FROM pg_temp.deliver(pg_temp.event('evt_' || p_id, 1700000000, pg_temp.charge(p_id, NULL, p_status, p_status = 'succeeded', jsonb_build_object('amount', p_amount,
        'amount_captured', CASE p_status WHEN 'succeeded' THEN p_amount ELSE 0 END, 'customer', p_customer, 'created', floor(extract(epoch FROM timestamptz '2023-12-01 00:00Z') - p_days * 86400))))) AS d
$$;
SELECT is(pg_temp.pays(p.id, p.customer, p.amount, p.days, p.status), 'processed', p.name)
FROM (VALUES
    ('a1', 'near', 950000, 6, 'succeeded', 'just below'), ('a2', 'near', 990000, 4, 'succeeded', 'again'), ('a3', 'near', 999999, 1, 'succeeded', 'and again'),
    ('b1', 'few', 950000, 6, 'succeeded', 'just below'), ('b2', 'few', 950000, 4, 'succeeded', 'twice only'),
    ('c1', 'low', 800000, 3, 'succeeded', 'far below'), ('c2', 'low', 800000, 2, 'succeeded', 'far below'), ('c3', 'low', 800000, 1, 'succeeded', 'far below'),
    ('d1', 'over', 1000000, 3, 'succeeded', 'reported anyway'), ('d2', 'over', 1000000, 2, 'succeeded', 'reported'), ('d3', 'over', 1000000, 1, 'succeeded', 'reported'),
    ('e1', 'slow', 950000, 13, 'succeeded', 'one'), ('e2', 'slow', 950000, 8, 'succeeded', 'five days later'), ('e3', 'slow', 950000, 0.5, 'succeeded', 'and a week after that'),
    ('f1', 'failed', 950000, 3, 'failed', 'declined'), ('f2', 'failed', 950000, 2, 'failed', 'declined'), ('f3', 'failed', 950000, 1, 'failed', 'declined')
) AS p (id, customer, amount, days, status, name);
SELECT results_eq($$SELECT subject_type, subject_reference, payments, amount FROM saas.detect_structuring(pg_temp.team(), 'USD', 1000000, p_as_of => '2023-12-01')$$,
    $$VALUES ('customer', 'near', 3::bigint, 2939999::numeric)$$, 'one customer stays below the threshold');
SELECT is_empty($$SELECT FROM saas.detect_structuring(pg_temp.team(), 'EUR', 1000000, p_as_of => '2023-12-01')$$, 'in one currency');
SELECT is_empty($$SELECT FROM saas.detect_structuring(pg_temp.team(), 'USD', 1000000, p_as_of => '2023-11-28')$$, 'nothing of that was known before');
SELECT is_empty($$SELECT FROM saas.detect_structuring(pg_temp.team(), 'USD', 1000000, p_as_of => '2024-12-01')$$, 'and it is over after');
SELECT results_eq($$SELECT subject_reference FROM saas.detect_structuring(pg_temp.team(), 'USD', 1000000, p_count => 2, p_as_of => '2023-12-01') ORDER BY 1$$, $$VALUES ('few'), ('near'), ('slow')$$, 'two are fewer than three');
SELECT is_empty(format('SELECT FROM saas.detect_structuring(%L, %L, 1000000, p_as_of => %L)', :'other', 'USD', '2023-12-01'), 'not of another team');

-- Money that passes through: three times a little in the months before, then a lot, which is paid out.
SELECT pg_temp.pays('u' || n, 'usual', 500000, 20 * n) FROM generate_series(1, 3) AS n;
SELECT is_empty($$SELECT FROM saas.detect_rapid_movement(pg_temp.team(), 'USD', 1000000, p_factor => 2, p_as_of => '2023-12-01')$$, 'nothing went out');
SELECT is((pg_temp.deliver(pg_temp.event('evt_po', 1700000000, pg_temp.payout('po_1', 4600000, 'in_transit', jsonb_build_object('created', extract(epoch FROM timestamptz '2023-11-30 20:00Z')::bigint)), 'payout.created'))).outcome, 'processed', 'a payout');
SELECT results_eq($$SELECT subject_type, amount_in, amount_out FROM saas.detect_rapid_movement(pg_temp.team(), 'USD', 1000000, '2 days', 0.8, 2, '2023-12-01') WHERE subject_type = 'team'$$,
    $$VALUES ('team', 3749999::numeric, 4600000::numeric)$$, 'what came in went out at once');
SELECT is_empty($$SELECT FROM saas.detect_rapid_movement(pg_temp.team(), 'USD', 1000000, '2 days', 0.8, 100, '2023-12-01')$$, 'not so much more than usual');
SELECT is_empty($$SELECT FROM saas.detect_rapid_movement(pg_temp.team(), 'USD', 10000000, '2 days', 0.8, 2, '2023-12-01')$$, 'not enough to mind');
SELECT is((pg_temp.deliver(pg_temp.event('evt_re', 1700000000, pg_temp.refund('re_1', 'd3', 1000000, 'succeeded', jsonb_build_object('created', extract(epoch FROM timestamptz '2023-11-30 12:00Z')::bigint))))).outcome, 'processed', 'a refund');
SELECT results_eq($$SELECT subject_reference, amount_in, amount_out FROM saas.detect_rapid_movement(pg_temp.team(), 'USD', 1000000, '36 hours', 0.8, 2, '2023-12-01') WHERE subject_type = 'customer'$$,
    $$VALUES ('over', 1000000::numeric, 1000000::numeric)$$, 'a customer who pays and has it refunded');

-- As a rule of the team.
SELECT saas.set_context(team, owner) FROM fixture;
SET LOCAL ROLE saas_app;
SELECT is(saas.run_aml_monitoring(pg_temp.team(), '2023-12-01'), 0::bigint, 'without a threshold nothing is looked for');
SELECT lives_ok($$SELECT saas.set_aml_threshold(pg_temp.team(), 'USD', 1000000)$$, 'a threshold');
SELECT lives_ok($$SELECT saas.set_aml_threshold(pg_temp.team(), 'usd', 1000000)$$, 'again, in small letters');
SELECT is((SELECT count(*) FROM saas.aml_thresholds WHERE team_id = pg_temp.team()), 1::bigint, 'it is one');
SELECT throws_ok(format('SELECT saas.set_aml_threshold(pg_temp.team(), %L, %s)', b.currency, b.amount), b.state, NULL, 'no threshold: ' || b.name)
FROM (VALUES ('USD', 0, '23514', 'zero'), ('USD', -1, '23514', 'negative'), ('XYZ', 1, '23503', 'a currency that is none')) AS b (currency, amount, state, name);
SELECT throws_ok(format('SELECT saas.set_aml_settings(pg_temp.team(), %s => %L)', b.name, b.value), '23514', NULL, b.name)
FROM (VALUES ('p_alert_from', '10'), ('p_structuring_margin', '0'), ('p_structuring_count', '1'), ('p_structuring_window', '1 minute'), ('p_rapid_share', '2'), ('p_rapid_factor', '0'), ('p_rapid_window', '-1 day')) AS b (name, value);
SELECT is((saas.set_aml_settings(pg_temp.team(), p_rapid_factor => 2)).structuring_count, 3, 'what is not named stays');
SELECT is(saas.run_aml_monitoring(pg_temp.team(), '2023-12-01'), 3::bigint, 'three alerts');
SELECT results_eq('SELECT kind, subject_type FROM saas.aml_alerts ORDER BY 1, 2', $$VALUES ('rapid_movement', 'customer'), ('rapid_movement', 'team'), ('structuring', 'customer')$$, 'of these kinds');
SELECT is(saas.run_aml_monitoring(pg_temp.team(), '2023-12-01'), 0::bigint, 'once');
SELECT is(saas.run_aml_monitoring(pg_temp.team(), '2023-12-02'), 0::bigint, 'also a day later');
SELECT lives_ok($$SELECT saas.set_aml_threshold(pg_temp.team(), 'USD', NULL)$$, 'no threshold any more');
SELECT is_empty('SELECT FROM saas.aml_thresholds', 'none');
SELECT throws_ok(format('SELECT saas.run_aml_monitoring(%L)', :'other'), '42501', NULL, 'not for another team');
RESET ROLE;
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
