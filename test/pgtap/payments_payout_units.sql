-- Payouts where the provider pays out whole units alone: what is over stays in the balance for the next one.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
SELECT is(saas.payable_amount(a.provider, a.currency, a.amount), a.wanted, concat_ws(' ', a.provider, a.currency, a.amount, 'are paid out as', a.wanted))
FROM (VALUES
    ('stripe', 'USD', 1050, 1050::bigint), ('stripe', 'HUF', 1050, 1000), ('stripe', 'HUF', 1000, 1000), ('stripe', 'HUF', 99, 0), ('stripe', 'huf', 0, 0), ('stripe', 'TWD', 12399, 12300),
    ('stripe', 'ISK', 501, 501), ('stripe', 'UGX', 7, 7), ('stripe', 'MGA', 559, 500), ('stripe', 'KWD', 1009, 1000), ('adyen', 'CLP', 501, 501), ('square', 'HUF', 1050, 1050),
    ('stripe', 'HUF', 99999999999999999999, 9223372036854775800), ('stripe', 'ISK', 9223372036854775807, 92233720368547758), ('stripe', 'USD', NULL, NULL)
) AS a (provider, currency, amount, wanted);
SELECT throws_ok($$SELECT saas.payable_amount('stripe', 'XAU', 1)$$, 'SA072', NULL, 'gold has no units');
-- What it returns is taken, and the next greater amount that is taken is beyond.
SELECT is((
    SELECT string_agg(concat_ws(' ', c.provider, c.currency, n), ', ')
    FROM (SELECT DISTINCT e.provider, e.currency FROM saas.provider_currency_exponents AS e) AS c
    CROSS JOIN generate_series(0, 220, 11) AS n
    WHERE saas.payable_amount(c.provider, c.currency, n) IS DISTINCT FROM (
        SELECT max(m) FROM generate_series(0, n) AS m WHERE saas.provider_amount(c.provider, c.currency, m, 'payout') IS NOT NULL
    )
), NULL, 'it is the greatest amount that provider_amount() knows, of every currency with exceptions');

CREATE FUNCTION pg_temp.balance(p_kind text) RETURNS numeric LANGUAGE sql AS $$
    SELECT COALESCE(sum(t.balance), 0) FROM saas.ledger_trial_balance(pg_temp.team()) AS t WHERE t.kind = p_kind
$$;
CREATE FUNCTION pg_temp.payout_of(p_run text) RETURNS saas.payouts LANGUAGE sql AS $$
    SELECT p.* FROM saas.payouts AS p WHERE p.team_id = pg_temp.team() AND p.id = ((SELECT k.result FROM saas.idempotency_keys AS k WHERE k.team_id = pg_temp.team() AND k.key = p_run) -> 'payouts' ->> 0)::uuid
$$;
CREATE FUNCTION pg_temp.free() RETURNS numeric LANGUAGE sql AS $$SELECT saas.available_for_payout(pg_temp.team(), 'stripe', 'huf', '2 days')$$;
SELECT s.id AS schedule FROM saas.set_payout_schedule(pg_temp.team(), 'stripe', 'huf', 'manual', p_minimum_amount => 200, p_reserve_percent => 10) AS s \gset
CREATE FUNCTION pg_temp.paid(p_n integer, p_amount bigint) RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.deliver(pg_temp.event('evt_' || p_n, 50 + p_n, pg_temp.charge('ch_' || p_n, NULL, 'succeeded', true, jsonb_build_object('amount', p_amount, 'amount_captured', p_amount, 'currency', 'huf'))))).outcome
$$;
SELECT pg_temp.paid(1, 1055) \g /dev/null
SELECT saas.schedule_payouts(pg_temp.team(), 'p1', :'schedule') \g /dev/null
-- 1055 less a reserve of 106, rounded up, are 949.
SELECT results_eq($$SELECT p.amount, p.reserve_amount FROM pg_temp.payout_of('p1') AS p$$, $$VALUES (900::bigint, 106::bigint)$$, 'whole forints are paid out');
SELECT is(pg_temp.free(), 49::numeric, 'the rest is free');
SELECT is(pg_temp.balance('provider_balance'), 949::numeric, 'and in the balance of the provider');
SELECT results_eq($$SELECT s.kind, s.amount FROM saas.payout_statement(pg_temp.team(), (pg_temp.payout_of('p1')).id) AS s ORDER BY s.amount$$,
    $$VALUES ('reserve_held', -106::bigint), ('payout_remainder', -49), ('capture', 1055)$$, 'the statement tells');
SELECT is(saas.schedule_payouts(pg_temp.team(), 'p2', :'schedule') -> 'payouts', '[]'::jsonb, 'a remainder alone is not paid out');
SELECT saas.run_payouts(pg_temp.team(), 'r1') \g /dev/null
SELECT is((SELECT r.request -> 'provider_amount' FROM saas.provider_requests AS r WHERE r.team_id = pg_temp.team() AND r.kind = 'create_payout'), '900'::jsonb, 'what is asked for is what the provider takes');
SELECT is(pg_temp.balance('provider_balance'), 49::numeric, 'the remainder stays when it is sent');
-- The next one takes it along, and reserves nothing of it again.
SELECT pg_temp.paid(2, 1000) \g /dev/null
SELECT saas.schedule_payouts(pg_temp.team(), 'p3', :'schedule') \g /dev/null
SELECT results_eq($$SELECT p.amount, p.reserve_amount FROM pg_temp.payout_of('p3') AS p$$, $$VALUES (900::bigint, 100::bigint)$$, '1000 and 49, less 100, are 949');
SELECT is(pg_temp.free(), 49::numeric, 'again with a rest');
SELECT results_eq($$SELECT s.kind, s.amount FROM saas.payout_statement(pg_temp.team(), (pg_temp.payout_of('p3')).id) AS s ORDER BY s.amount$$,
    $$VALUES ('reserve_held', -100::bigint), ('payout_remainder', -49), ('payout_remainder', 49), ('capture', 1000)$$, 'in and out of it');
-- What comes to nothing gives all of it back, once.
SELECT saas.record_payout_result(pg_temp.team(), (pg_temp.payout_of('p3')).id, 'canceled', 'c1') \g /dev/null
SELECT is(pg_temp.free(), 1049::numeric, 'a payout that came to nothing');
SELECT saas.schedule_payouts(pg_temp.team(), 'p4', :'schedule') \g /dev/null
SELECT results_eq($$SELECT p.amount, p.reserve_amount FROM pg_temp.payout_of('p4') AS p$$, $$VALUES (900::bigint, 100::bigint)$$, 'is made again as it was');
SELECT is(pg_temp.free(), 49::numeric, 'with the same rest');
-- A payout that was made before the provider wanted whole units is made anew.
SELECT saas.set_payout_schedule(pg_temp.team(), 'stripe', 'usd', 'manual') \g /dev/null
SELECT pg_temp.deliver(pg_temp.event('evt_9', 59, pg_temp.charge('ch_9', NULL, 'succeeded', true, '{"amount": 1055, "amount_captured": 1055}'))) \g /dev/null
SELECT saas.schedule_payouts(pg_temp.team(), 'p5', s.id) FROM saas.payout_schedules AS s WHERE s.team_id = pg_temp.team() AND s.currency = 'USD' \g /dev/null
INSERT INTO saas.provider_currency_exponents (provider, currency, purpose, exponent, multiple_of) VALUES ('stripe', 'USD', 'payout', 2, 100);
SELECT saas.run_payouts(pg_temp.team(), 'r2') AS run \gset
SELECT is(:'run'::jsonb -> 'replaced' ->> 0, (pg_temp.payout_of('p5')).id::text, 'one that would be refused is replaced');
SELECT is((SELECT array_agg(r.request -> 'provider_amount' ORDER BY r.request ->> 'currency') FROM saas.provider_requests AS r WHERE r.team_id = pg_temp.team() AND r.kind = 'create_payout'), '{900,900,1000}'::jsonb[], 'all that was asked for is taken');
SELECT is((SELECT count(*) FROM saas.payout_reconciliation AS r WHERE NOT r.agrees), 0::bigint, 'every payout agrees with its entries');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
