-- A day in figures: what counts, on which day, for whom.
BEGIN;
SELECT plan(24);
\ir include/two_teams.sql
-- The fixture's payment, refund and intent are of 2023-11-14 22:13:20 UTC in both teams.

SELECT is(saas.calculate_daily_metrics('2023-11-14') - 'new_users' - 'active_users' - 'blocked_payments', '{
    "date": "2023-11-14", "payments": 2, "failed_payments": 0, "success_rate": 1.0000,
    "volume": {"USD": 2000}, "refunds": 2, "refund_volume": {"USD": 200}, "revenue": {"USD": 1800},
    "projects_generated": 0, "new_subscriptions": 2}'::jsonb, 'payments and refunds of both teams');
SELECT is(saas.calculate_daily_metrics('2023-11-15') - 'new_users' - 'active_users' - 'blocked_payments', '{
    "date": "2023-11-15", "payments": 0, "failed_payments": 0, "success_rate": null,
    "volume": {}, "refunds": 0, "refund_volume": {}, "revenue": {},
    "projects_generated": 0, "new_subscriptions": 0}'::jsonb, 'nothing on the next day, and no rate without attempts');
SET LOCAL TimeZone = 'Pacific/Kiritimati';
SELECT is(saas.calculate_daily_metrics('2023-11-14') ->> 'payments', '2', 'days are UTC days, whatever the session''s time zone');
SET LOCAL TimeZone = 'UTC';

-- Failed, authorised, voided and pending attempts; other currencies; the borders of the day.
SELECT pg_temp.deliver(:'red', 'evt_f' || n, jsonb_build_object('id', 'ch_f' || n, 'object', 'charge', 'amount', 500,
    'amount_captured', 0, 'captured', false, 'currency', 'jpy', 'status', s.status, 'created', s.created))
FROM (VALUES
    (1, 'failed', 1700006400), -- 2023-11-15 00:00:00 UTC: the first moment of the day
    (2, 'succeeded', 1700092799), -- 23:59:59, authorised
    (3, 'pending', 1700050000),
    (4, 'failed', 1700092800) -- the first moment of the next day
) AS s (n, status, created) \g /dev/null
SELECT pg_temp.deliver(:'red', 'evt_p', '{"id": "ch_p", "object": "charge", "amount": 700, "amount_captured": 600,
    "captured": true, "currency": "jpy", "status": "succeeded", "created": 1700050000}') \g /dev/null
SELECT is(saas.calculate_daily_metrics('2023-11-15') ->> 'payments', '1', 'a payment is one whose money is captured');
SELECT is(saas.calculate_daily_metrics('2023-11-15') -> 'volume', '{"JPY": 600}', 'volume is what was captured, in minor units of its currency');
SELECT is(saas.calculate_daily_metrics('2023-11-15') ->> 'failed_payments', '1', 'the first moment belongs to the day, the next day''s to the next');
SELECT is(saas.calculate_daily_metrics('2023-11-15') ->> 'success_rate', '0.6667', 'captured and authorised of those and the failed; pending counts for nothing');

-- Refunds that did not succeed count for nothing.
SELECT pg_temp.deliver(:'red', 'evt_r', '{"id": "re_f", "object": "refund", "amount": 100, "currency": "jpy",
    "status": "failed", "charge": "ch_p", "created": 1700050000}') \g /dev/null
SELECT is(saas.calculate_daily_metrics('2023-11-15') ->> 'refunds', '0', 'a failed refund is none');

-- People and blocked payments, today.
SELECT saas.calculate_daily_metrics(current_date) AS today \gset
SELECT is((:'today'::jsonb ->> 'new_users')::integer, (SELECT count(*)::integer FROM saas.users), 'users created today');
SELECT is((:'today'::jsonb ->> 'active_users')::integer, 2, 'Ann and Bob did something');
SELECT is((:'today'::jsonb ->> 'blocked_payments')::integer, 0, 'nothing was blocked');
UPDATE saas.fraud_detection_rules SET rule = 'BLOCK IF :amount: > 0' WHERE team_id = :'red';
SELECT pg_temp.deliver(:'red', 'evt_b' || n, jsonb_build_object('id', 'pi_b', 'object', 'payment_intent', 'amount', 1000 + n,
    'currency', 'usd', 'status', 'requires_payment_method', 'created', 1700000000)) FROM generate_series(1, 2) AS n \g /dev/null
SELECT cmp_ok((SELECT count(*) FROM saas.fraud_assessments WHERE decision = 'block'), '>=', 1::bigint, 'now something was');
SELECT is(saas.calculate_daily_metrics(current_date) ->> 'blocked_payments', '1', 'an intent counts once, however often it was assessed');
UPDATE saas.fraud_detection_rules SET rule = 'REVIEW IF :amount: > 0' WHERE team_id = :'red';
SELECT pg_temp.deliver(:'red', 'evt_b3', jsonb_build_object('id', 'pi_b', 'object', 'payment_intent', 'amount', 1003,
    'currency', 'usd', 'status', 'requires_payment_method', 'created', 1700000000)) \g /dev/null
SELECT is(saas.calculate_daily_metrics(current_date) ->> 'blocked_payments', '0', 'and not when a later assessment lets it pass');
SELECT throws_ok($$SELECT saas.calculate_daily_metrics('infinity')$$, '22008', NULL, 'there is no infinite day');
SELECT is(saas.calculate_daily_metrics(NULL), NULL, 'nor a day that is NULL');

-- Who may ask.
SELECT saas.set_context(:'blue', :'bob');
SET LOCAL ROLE saas_app;
SELECT is(saas.team_daily_metrics(:'blue', '2023-11-14') -> 'volume', '{"USD": 1000}', 'a member sees the own team''s figures');
SELECT is(saas.team_daily_metrics(:'blue', current_date) ->> 'blocked_payments', '0', 'and nothing of another');
SELECT is(saas.team_daily_metrics(:'blue', NULL), NULL, 'a day that is NULL has no figures for a team either');
SELECT throws_ok(format('SELECT saas.team_daily_metrics(%L, current_date)', :'red'), '42501', NULL, 'not another team''s');
SELECT throws_ok('SELECT saas.team_daily_metrics(NULL, current_date)', '42501', NULL, 'nor all teams');
SELECT throws_ok('SELECT saas.calculate_daily_metrics(current_date)', '42501', NULL, 'nor the platform''s');
SELECT throws_ok('SELECT saas.daily_metrics(NULL, current_date)', '42501', NULL, 'nor by the function behind it');
SET LOCAL ROLE saas_service;
SELECT lives_ok('SELECT saas.calculate_daily_metrics(current_date)', 'workers see the platform''s');
SELECT * FROM finish();
ROLLBACK;
