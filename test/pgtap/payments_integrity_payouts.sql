-- A payment on hold keeps payouts of its balance back, without stopping their schedule.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
SELECT (saas.set_payout_schedule(pg_temp.team(), 'stripe', 'USD', 'manual', p_delay_days => 0)).id AS usd \gset
SELECT pg_temp.deliver(pg_temp.event('evt_1', 100, pg_temp.charge('ch_1', NULL, 'succeeded', true)));
SELECT pg_temp.deliver(pg_temp.event('evt_2', 100, pg_temp.charge('ch_2', NULL, 'succeeded', true)));
SELECT pg_temp.deliver(pg_temp.event('evt_3', 110, pg_temp.refund('re_1', 'ch_1', 10, 'succeeded', '{"currency": "eur"}')));
SELECT is(saas.payout_hold_reasons(s), '{integrity}', 'a payment on hold is a reason') FROM saas.payout_schedules AS s;
SELECT is(jsonb_array_length(saas.schedule_payouts(pg_temp.team(), 's1', :'usd') -> 'payouts'), 1, 'its balance is scheduled');
SELECT is((SELECT e.value FROM jsonb_each(saas.run_payouts(pg_temp.team(), 'r1') -> 'held') AS e), '["integrity"]', 'but not sent');
SELECT is(p.status, 'requires_review', 'it waits') FROM saas.payouts AS p;
SELECT ok((SELECT bool_and(f.is_held) FROM saas.settlement_forecast(pg_temp.team()) AS f), 'and the forecast says so');
SELECT is((SELECT count(*) FROM saas.provider_requests WHERE kind = 'create_payout'), 0::bigint, 'and nobody is asked for it');
SELECT set_config('test.payment', p.id::text, true) FROM saas.payments AS p WHERE p.provider_payment_id = 'ch_1';
SELECT saas.resolve_integrity_hold(pg_temp.team(), current_setting('test.payment')::uuid, 'their test');
SELECT ok((SELECT NOT bool_or(f.is_held) FROM saas.settlement_forecast(pg_temp.team()) AS f), 'no longer, once that is resolved');
SELECT is(saas.payout_hold_reasons(s), '{}', 'once someone has looked into it the reason is gone') FROM saas.payout_schedules AS s;
SELECT is(jsonb_array_length(saas.run_payouts(pg_temp.team(), 'r2') -> 'sent'), 1, 'and the payout is sent');

-- What has brought nothing, and other balances, hold nothing.
SELECT pg_temp.deliver(pg_temp.event('evt_4', 100, pg_temp.charge('ch_4', NULL, 'succeeded', false)));
SELECT pg_temp.deliver(pg_temp.event('evt_5', 110, pg_temp.charge('ch_4', NULL, 'succeeded', false, '{"currency": "eur"}')));
SELECT is(saas.payout_hold_reasons(s), '{}', 'an authorisation on hold keeps nothing back') FROM saas.payout_schedules AS s;
SELECT (saas.set_payout_schedule(pg_temp.team(), 'stripe', 'EUR', 'manual')).id AS eur \gset
SELECT pg_temp.deliver(pg_temp.event('evt_6', 120, pg_temp.refund('re_2', 'ch_1', 11, 'succeeded', '{"currency": "eur"}')));
SELECT results_eq(
    $$SELECT s.currency::text, saas.payout_hold_reasons(s) FROM saas.payout_schedules AS s ORDER BY 1$$,
    $$VALUES ('EUR', '{}'::text[]), ('USD', '{integrity}')$$, 'each balance for itself'
);
SET LOCAL ROLE saas_app;
SELECT is(saas.payout_hold_reasons(s), '{integrity}', 'the application sees it') FROM saas.payout_schedules AS s WHERE s.currency = 'USD';
RESET ROLE;
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
