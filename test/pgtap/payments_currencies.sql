-- A provider that names two currencies for one payment: the payment is on hold, and row and ledger end the same
-- whichever came first.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
\ir include/provider_events.sql
CREATE FUNCTION pg_temp.mixed_up(p_seed text) RETURNS jsonb[] LANGUAGE sql AS $$
    SELECT array_agg(pg_temp.event(p_seed || '_' || n, 100 + r % 3,
        pg_temp.charge('ch_1', CASE WHEN r % 5 = 0 THEN NULL ELSE 'pi_1' END, (ARRAY['succeeded', 'pending', 'succeeded', 'failed'])[1 + r / 5 % 4], r % 2 = 0,
            jsonb_build_object('amount', 1000 + r % 4 * 100, 'currency', (ARRAY['usd', 'eur', 'usd', 'gbp'])[1 + r / 11 % 4], 'description', 'd' || n,
                'amount_captured', CASE r % 2 WHEN 0 THEN 800 + r % 3 * 100 ELSE 0 END, 'amount_refunded', CASE WHEN r % 6 = 0 THEN 200 ELSE 0 END))))
    FROM (SELECT n, ('x' || left(md5(p_seed || n), 7))::bit(28)::int AS r FROM generate_series(1, 6) AS n) AS x
$$;
CREATE TEMPORARY TABLE walked ON COMMIT DROP AS
SELECT w.walk, pg_temp.rows_after(pg_temp.event('i', 100, pg_temp.intent('pi_1', 'succeeded')) || pg_temp.mixed_up('w' || w.walk), w.walk || 'order' || s.seed) AS rows
FROM generate_series(1, 18) AS w (walk), generate_series(1, 4) AS s (seed);
SELECT is_empty('SELECT walk FROM walked GROUP BY walk HAVING count(DISTINCT rows) <> 1', 'four orders of each of 18 sets make the same rows and balances');
SELECT cmp_ok((SELECT count(DISTINCT walk) FROM walked WHERE rows LIKE '%"currency": "EUR"%the payment: % USD%'), '>', 6::bigint, 'with contradicting currencies');
SELECT cmp_ok((SELECT count(DISTINCT walk) FROM walked WHERE rows LIKE '%account sales stripe EUR%'), '>', 4::bigint, 'and money');

-- What it is: of two currencies the first by the alphabet, with what its own snapshots say.
SELECT pg_temp.deliver(pg_temp.event('evt_1', 100, pg_temp.charge('ch_1', NULL, 'succeeded', true))) \g /dev/null
SELECT is((pg_temp.payment('ch_1')).integrity_hold, false, 'one currency is no contradiction');
SELECT is(d.outcome || ' ' || d.detail, 'conflict the payment: 900 EUR', 'another one is')
FROM pg_temp.deliver(pg_temp.event('evt_2', 90, pg_temp.charge('ch_1', NULL, 'succeeded', true, '{"currency": "eur", "amount": 900, "amount_captured": 900}'))) AS d;
SELECT is((SELECT concat_ws(' ', p.amount, p.currency, p.amount_captured, p.status, p.integrity_hold, p.integrity_issue) FROM pg_temp.payment('ch_1') AS p), '900 EUR 900 paid t the payment: 1000 USD', 'the row has the first one by the alphabet');
SELECT is((SELECT string_agg(concat_ws(' ', t.operation, t.amount, t.currency), ', ' ORDER BY t.operation) FROM saas.payment_transactions AS t WHERE t.payment_id = (pg_temp.payment('ch_1')).id), 'authorize 900 EUR, capture 900 EUR', 'and so have its operations');
SELECT is((SELECT string_agg(concat_ws(' ', t.kind, t.currency, t.balance), ', ' ORDER BY t.kind) FROM saas.ledger_trial_balance(pg_temp.team()) AS t WHERE t.balance <> 0), 'provider_balance EUR 900, sales EUR 900', 'what was posted in the other one is taken back');
SELECT saas.fill_payment_analytics(pg_temp.team()) \g /dev/null
SELECT is_empty(format('SELECT * FROM saas.payment_analytics_drift(%L)', pg_temp.team()), 'the figures follow');
SELECT is((pg_temp.deliver(pg_temp.event('evt_3', 110, pg_temp.charge('ch_1', NULL, 'succeeded', true)))).outcome, 'conflict', 'the other one again');
SELECT is((SELECT concat_ws(' ', p.amount, p.currency, p.integrity_issue) FROM pg_temp.payment('ch_1') AS p), '900 EUR the payment: 1000 USD', 'changes no more');
SELECT throws_ok('UPDATE saas.payments SET currency = ''JPY''', 'SA071', NULL, 'nobody changes it without an explanation');
SELECT throws_ok(format('SELECT saas.refund_payment(%L, %L, 1, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, 'k'), 'SA054', NULL, 'nothing of it is given back before somebody has looked');

-- Where something hangs on the payment, it stays what it is, on hold.
SELECT pg_temp.deliver(pg_temp.event('evt_4', 100, pg_temp.charge('ch_2', NULL, 'succeeded', true))) \g /dev/null
SELECT pg_temp.deliver(pg_temp.event('evt_5', 100, pg_temp.refund('re_2', 'ch_2', 300, 'succeeded'))) \g /dev/null
SELECT is((pg_temp.deliver(pg_temp.event('evt_6', 90, pg_temp.charge('ch_2', NULL, 'succeeded', true, '{"currency": "eur", "amount": 900, "amount_captured": 900}')))).outcome, 'conflict', 'a payment with a refund');
SELECT is((SELECT concat_ws(' ', p.amount, p.currency, p.amount_refunded, p.integrity_hold, p.integrity_issue) FROM pg_temp.payment('ch_2') AS p), '1000 USD 300 t the payment: 900 EUR', 'keeps its currency, and is on hold');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
