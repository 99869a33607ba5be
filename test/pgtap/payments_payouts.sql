-- Payouts that we make: what they consist of, what keeps them back, how they end, and what the ledger says.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
CREATE FUNCTION pg_temp.member(p_role text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid := saas.create_user(p_role || gen_random_uuid() || '@example.com');
BEGIN
    INSERT INTO saas.team_members (team_id, user_id, role) VALUES (pg_temp.team(), v_user, p_role);
    RETURN v_user;
END $$;
SELECT pg_temp.member('member') AS member, pg_temp.member('admin') AS admin, owner FROM fixture \gset
CREATE FUNCTION pg_temp.balance(p_kind text) RETURNS numeric LANGUAGE sql AS $$
    SELECT COALESCE(sum(t.balance), 0) FROM saas.ledger_trial_balance(pg_temp.team()) AS t WHERE t.kind = p_kind
$$;
CREATE FUNCTION pg_temp.payout(p_id jsonb) RETURNS saas.payouts LANGUAGE sql AS $$
    SELECT p.* FROM saas.payouts AS p WHERE p.team_id = pg_temp.team() AND p.id = (p_id #>> '{}')::uuid
$$;
CREATE FUNCTION pg_temp.scheduled(p_key text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT saas.schedule_payouts(pg_temp.team(), p_key, s.id) -> 'payouts' -> 0 FROM saas.payout_schedules AS s WHERE s.team_id = pg_temp.team() AND s.currency = 'USD'
$$;
CREATE FUNCTION pg_temp.answer(p_payout jsonb, p_outcome text, p_response jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_row saas.provider_requests;
BEGIN
    UPDATE saas.provider_requests SET next_attempt_at = '-infinity' WHERE payout_id = (p_payout #>> '{}')::uuid;
    SELECT c.* INTO STRICT v_row FROM saas.claim_provider_requests('stripe', 1, 'tester') AS c;
    IF v_row.payout_id <> (p_payout #>> '{}')::uuid THEN
        RAISE EXCEPTION 'claimed another request';
    END IF;
    RETURN saas.complete_provider_request(v_row.team_id, v_row.id, v_row.attempts, p_outcome, p_response);
END $$;
-- A payment of 1000 captured long ago, a refund of 100 of it, and one that is too new.
SELECT pg_temp.deliver(pg_temp.event('evt_1', 50, pg_temp.charge('ch_1', NULL, 'succeeded', true))) \g /dev/null
SELECT pg_temp.deliver(pg_temp.event('evt_2', 60, pg_temp.refund('re_1', 'ch_1', 100, 'succeeded'))) \g /dev/null
SELECT pg_temp.deliver(pg_temp.event('evt_3', extract(epoch FROM now() - interval '1 day')::bigint, pg_temp.charge('ch_2', NULL, 'succeeded', true))) \g /dev/null

-- Schedules.
SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.set_payout_schedule(pg_temp.team(), 'stripe', 'usd', 'daily')$$, '42501', NULL, 'a member sets no schedule');
SELECT throws_ok($$SELECT saas.schedule_payouts(pg_temp.team(), 'k')$$, '42501', NULL, 'schedules none');
SELECT throws_ok($$SELECT saas.run_payouts(pg_temp.team(), 'k')$$, '42501', NULL, 'and sends none');
SELECT throws_ok($$SELECT saas.record_payout_result(pg_temp.team(), gen_random_uuid(), 'paid', 'k')$$, '42501', NULL, 'nor says what became of one');
SELECT throws_ok($$SELECT saas.teams_with_due_payouts()$$, '42501', NULL, 'nor sees what is due elsewhere');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'admin');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.set_payout_schedule(pg_temp.team(), %s)', a.arguments), a.code, NULL, a.name)
FROM (VALUES
    ($$'adyen', 'usd', 'daily'$$, 'SA081', 'a provider that is not set up'), ($$'stripe', 'zzz', 'daily'$$, 'SA072', 'an unknown currency'),
    ($$'stripe', 'usd', 'hourly'$$, '23514', 'a frequency that is none'), ($$'stripe', 'usd', 'weekly'$$, '23514', 'weekly without a day'),
    ($$'stripe', 'usd', 'weekly', 8$$, '23514', 'an eighth day'), ($$'stripe', 'usd', 'monthly', NULL, 32$$, '23514', 'a day that no month has'),
    ($$'stripe', 'usd', 'daily', 1$$, '23514', 'daily on a day'), ($$'stripe', 'usd', 'daily', p_time_zone => 'Mars/Olympus'$$, '22023', 'a time zone that is none'),
    ($$'stripe', 'usd', 'daily', p_delay_days => -1$$, '23514', 'a negative delay'), ($$'stripe', 'usd', 'daily', p_minimum_amount => 0$$, '23514', 'a minimum of nothing'),
    ($$'stripe', 'usd', 'daily', p_reserve_percent => 100.01$$, '23514', 'more than all as a reserve'), ($$'stripe', 'usd', 'daily', p_reserve_percent => 'NaN'$$, '23514', 'a reserve that is no number'),
    ($$'stripe', 'usd', 'daily', p_run_at => NULL$$, '23502', 'no time of day')
) AS a (arguments, code, name);
SELECT is((saas.set_payout_schedule(pg_temp.team(), 'stripe', 'usd', 'daily', p_run_at => '06:30', p_time_zone => 'Europe/Berlin', p_minimum_amount => 901)).next_run_at > now(), true, 'a schedule runs next');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd', '2 days'), 900::numeric, 'what came in before the delay, less what went out');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd'), 1900::numeric, 'all of it without one');

-- Too little, not yet, not that one.
SELECT is(saas.schedule_payouts(pg_temp.team(), 'p0') -> 'payouts', '[]'::jsonb, 'nothing is due');
SELECT is(pg_temp.scheduled('p1'), NULL, 'less than the minimum waits');
SELECT is(saas.schedule_payouts(pg_temp.team(), 'p1', (SELECT id FROM saas.payout_schedules)) -> 'below_minimum' ->> 0, (SELECT id::text FROM saas.payout_schedules), 'and is told');
SELECT throws_ok($$SELECT saas.schedule_payouts(pg_temp.team(), 'p1', gen_random_uuid())$$, 'SA077', NULL, 'another request under the same key');
SELECT throws_ok($$SELECT saas.schedule_payouts(pg_temp.team(), 'p2', gen_random_uuid())$$, 'SA081', NULL, 'a schedule that is none');
SELECT throws_ok($$SELECT saas.schedule_payouts(pg_temp.team(), NULL)$$, '22023', NULL, 'no key');
SELECT throws_ok($$SELECT saas.schedule_payouts(pg_temp.team(), 'p3', NULL, now() + interval '3 days')$$, '22023', NULL, 'ahead of its time');
SELECT throws_ok($$SELECT saas.run_payouts(pg_temp.team(), 'p3', 'infinity')$$, '22023', NULL, 'at the end of time');
RESET ROLE;
UPDATE saas.payout_schedules SET next_run_at = now() - interval '1 hour', minimum_amount = 1, reserve_percent = 10.01;
SET LOCAL ROLE saas_service;
SELECT set_has('SELECT saas.teams_with_due_payouts()', format('VALUES (%L::uuid)', pg_temp.team()), 'a worker sees which team is due');
SET LOCAL ROLE saas_app;
SELECT saas.schedule_payouts(pg_temp.team(), 'p4') AS run \gset
SELECT is(saas.schedule_payouts(pg_temp.team(), 'p4'), :'run'::jsonb, 'the same request returns the first result');
SELECT is(jsonb_array_length(:'run'::jsonb -> 'payouts'), 1, 'one payout');
SELECT :'run'::jsonb -> 'payouts' -> 0 AS po1 \gset
SELECT results_eq(format('SELECT status, amount, reserve_amount, currency::text, provider FROM pg_temp.payout(%L)', :'po1'), $$VALUES ('scheduled', 809::bigint, 91::bigint, 'USD', 'stripe')$$, 'of what is available but for the reserve, which is rounded up');
SELECT results_eq(format('SELECT kind, amount, payment_id = (pg_temp.payment(%L)).id FROM saas.payout_statement(pg_temp.team(), %L)', 'ch_1', :'po1'::jsonb #>> '{}'),
    $$VALUES ('capture', 1000::bigint, true), ('refund', -100, true), ('reserve_held', -91, NULL)$$, 'it consists of the payment, its refund and the reserve');
SELECT ok((SELECT next_run_at > now() AND last_run_at <= clock_timestamp() FROM saas.payout_schedules), 'the schedule goes on');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd', '2 days'), 0::numeric, 'nothing is left of it');
SELECT is(pg_temp.scheduled('p5'), NULL, 'so that no other payout has it');
SELECT is(pg_temp.balance('reserve'), 91::numeric, 'the reserve is kept');
SELECT is(pg_temp.balance('provider_balance'), 1809::numeric, 'nothing has left yet');

-- Held, for every reason.
SELECT saas.place_payout_hold(pg_temp.team(), 'manual') AS hold \gset
SELECT is(saas.run_payouts(pg_temp.team(), 'r1') #>> ARRAY['held', :'po1'::jsonb #>> '{}'], '["manual"]', 'held back, with the reason');
SELECT is((pg_temp.payout(:'po1')).status, 'requires_review', 'it waits');
SELECT is(saas.run_payouts(pg_temp.team(), 'r2') -> 'sent', '[]'::jsonb, 'and waits');
SELECT saas.release_payout_hold(pg_temp.team(), :'hold');
RESET ROLE;
UPDATE saas.payout_schedules SET hold_on_disputes = true;
SELECT pg_temp.deliver(pg_temp.event('evt_4', 70, pg_temp.dispute('dp_1', 'ch_1', 5, 'warning_needs_response'))) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(saas.run_payouts(pg_temp.team(), 'r3') #>> ARRAY['held', :'po1'::jsonb #>> '{}'], '["dispute"]', 'an open dispute holds it, where the schedule minds');
RESET ROLE;
SELECT pg_temp.deliver(pg_temp.event('evt_5', 80, pg_temp.dispute('dp_1', 'ch_1', 5, 'warning_closed'))) \g /dev/null
SELECT is_empty('SELECT FROM saas.provider_requests WHERE payout_id IS NOT NULL', 'nothing was asked for so far');

-- Sent; paid; refused steps.
SET LOCAL ROLE saas_app;
SELECT saas.run_payouts(pg_temp.team(), 'r4') AS sent \gset
SELECT is(:'sent'::jsonb -> 'sent' -> 0, :'po1'::jsonb, 'sent');
SELECT is(saas.run_payouts(pg_temp.team(), 'r4'), :'sent'::jsonb, 'once');
SELECT is((SELECT request - 'metadata' FROM saas.provider_requests WHERE payout_id IS NOT NULL), '{"amount": 809, "currency": "USD", "provider_amount": 809}'::jsonb, 'the provider is asked');
SELECT is(pg_temp.balance('payouts_in_transit'), 809::numeric, 'in transit');
SELECT is(pg_temp.balance('provider_balance'), 1000::numeric, 'and gone from the balance');
SELECT throws_ok(format('SELECT saas.record_payout_result(pg_temp.team(), %L, %L, %L)', :'po1'::jsonb #>> '{}', 'reversed', 'x1'), 'SA070', NULL, 'what is not paid is not reversed');
SELECT throws_ok(format('SELECT saas.record_payout_result(pg_temp.team(), %L, %L, %L)', :'po1'::jsonb #>> '{}', 'scheduled', 'x1'), '22023', NULL, 'no result');
SELECT throws_ok(format('SELECT saas.record_payout_result(pg_temp.team(), %L, %L, %L)', :'po1'::jsonb #>> '{}', NULL, 'x1'), '22023', NULL, 'none at all');
SELECT throws_ok($$SELECT saas.record_payout_result(pg_temp.team(), gen_random_uuid(), 'paid', 'x1')$$, 'SA081', NULL, 'a payout that is none');
RESET ROLE;
SELECT is(pg_temp.answer(:'po1', 'unknown'), 'queued', 'in doubt');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.record_payout_result(pg_temp.team(), %L, %L, %L)', :'po1'::jsonb #>> '{}', 'failed', 'x1'), 'SA082', NULL, 'in doubt it has not failed');
RESET ROLE;
SELECT is((pg_temp.deliver(pg_temp.event('evt_6', 90, pg_temp.payout('po_1', 809, 'in_transit', jsonb_build_object('metadata', jsonb_build_object('saas_payout_id', :'po1'::jsonb)))))).outcome, 'processed', 'an event before the answer');
SELECT is((SELECT count(*) FROM saas.payouts), 1::bigint, 'finds our payout');
SELECT is(pg_temp.answer(:'po1', 'succeeded', '{"provider_payout_id": "po_1"}'), 'succeeded', 'the answer');
SELECT results_eq(format('SELECT status, provider_payout_id FROM pg_temp.payout(%L)', :'po1'), $$VALUES ('in_transit', 'po_1')$$, 'changes nothing more');
SET LOCAL ROLE saas_app;
SELECT saas.record_payout_result(pg_temp.team(), (:'po1'::jsonb #>> '{}')::uuid, 'paid', 'x2', p_arrival_date => '2026-01-02') AS paid \gset
SELECT is(:'paid'::jsonb ->> 'was', 'in_transit', 'paid');
SELECT is(saas.record_payout_result(pg_temp.team(), (:'po1'::jsonb #>> '{}')::uuid, 'paid', 'x2', p_arrival_date => '2026-01-02'), :'paid'::jsonb, 'told once');
SELECT is(pg_temp.balance('bank'), 809::numeric, 'it has arrived');
SELECT ok((SELECT agrees AND entries = 3 AND payments = 1 AND ledger_sent = 809 AND ledger_arrived = 809 FROM saas.payout_reconciliation), 'the payout agrees with its entries and the ledger');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees');

-- It bounces: the money is there again, and the reserve with it.
SELECT saas.record_payout_result(pg_temp.team(), (:'po1'::jsonb #>> '{}')::uuid, 'failed', 'x3', p_failure_code => 'account_closed') \g /dev/null
SELECT is(pg_temp.balance('bank') + pg_temp.balance('payouts_in_transit') + pg_temp.balance('reserve'), 0::numeric, 'it came back');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd', '2 days'), 900::numeric, 'and may be paid out again');
SELECT ok((SELECT agrees AND items_amount = 0 FROM saas.payout_reconciliation), 'the payout holds nothing');
SELECT is((SELECT count(*) FROM saas.payout_statement(pg_temp.team(), (:'po1'::jsonb #>> '{}')::uuid)), 3::bigint, 'but what it was made of is kept');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees');
SELECT throws_ok(format('SELECT saas.record_payout_result(pg_temp.team(), %L, %L, %L)', :'po1'::jsonb #>> '{}', 'paid', 'x4'), 'SA070', NULL, 'a payout that failed stays so');

-- Refused by the provider.
SELECT pg_temp.scheduled('p6') AS po2 \gset
SELECT is((pg_temp.payout(:'po2')).amount, 809::bigint, 'the same money again');
SELECT saas.run_payouts(pg_temp.team(), 'r5') \g /dev/null
RESET ROLE;
SELECT is(pg_temp.answer(:'po2', 'retry'), 'queued', 'later');
SELECT is((pg_temp.payout(:'po2')).status, 'pending', 'it waits');
SELECT is(pg_temp.answer(:'po2', 'failed', '{"failure_code": "no_account"}'), 'failed', 'refused');
SELECT results_eq(format('SELECT status, failure_code FROM pg_temp.payout(%L)', :'po2'), $$VALUES ('failed', 'no_account')$$, 'it has failed');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd', '2 days'), 900::numeric, 'the money is there again');

-- A refund after it was scheduled: what is left is paid.
SELECT pg_temp.scheduled('p7') AS po3 \gset
SELECT pg_temp.deliver(pg_temp.event('evt_7', 100, pg_temp.refund('re_2', 'ch_1', 300, 'succeeded'))) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT saas.run_payouts(pg_temp.team(), 'r6') AS sent \gset
SELECT is(:'sent'::jsonb -> 'replaced' -> 0, :'po3'::jsonb, 'the payout is replaced');
SELECT is((pg_temp.payout(:'po3')).status, 'canceled', 'and canceled');
SELECT is((pg_temp.payout(:'sent'::jsonb -> 'sent' -> 0)).amount, 539::bigint, 'by one of what is left: 600 less 61');
SELECT is(pg_temp.balance('provider_balance'), 1000::numeric, 'what is too new stays');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees');
-- All of it refunded: there is nothing to pay, and what is missing is taken from the next one.
RESET ROLE;
UPDATE saas.payout_schedules SET delay_days = 0, reserve_percent = 0;
SELECT pg_temp.deliver(pg_temp.event('evt_8', 110, pg_temp.refund('re_3', 'ch_1', 600, 'succeeded'))) \g /dev/null
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd', '2 days'), -600::numeric, 'overdrawn');
SELECT is((pg_temp.payout(pg_temp.scheduled('p8'))).amount, 400::bigint, 'the next payout bears it');
-- A payout of the provider's own counts as well.
SELECT pg_temp.deliver(pg_temp.event('evt_9', 120, pg_temp.charge('ch_3', NULL, 'succeeded', true))), pg_temp.deliver(pg_temp.event('evt_10', 120, pg_temp.payout('po_9', 700, 'paid'))) \g /dev/null
SELECT is((pg_temp.payout(pg_temp.scheduled('p9'))).amount, 300::bigint, 'what the provider has paid out itself is not paid again');
SELECT is((SELECT count(*) FROM saas.payout_reconciliation WHERE NOT agrees), 0::bigint, 'all payouts agree');

-- Canceled before it was sent; sent and not asked for yet.
SELECT pg_temp.deliver(pg_temp.event('evt_11', 130, pg_temp.charge('ch_4', NULL, 'succeeded', true))) \g /dev/null
SELECT pg_temp.scheduled('p10') AS po4 \gset
SELECT is(saas.record_payout_result(pg_temp.team(), (:'po4'::jsonb #>> '{}')::uuid, 'canceled', 'x5') ->> 'was', 'scheduled', 'canceled');
SELECT pg_temp.scheduled('p11') AS po5 \gset
SELECT saas.run_payouts(pg_temp.team(), 'r7') \g /dev/null
SELECT is(saas.record_payout_result(pg_temp.team(), (:'po5'::jsonb #>> '{}')::uuid, 'canceled', 'x6') ->> 'was', 'pending', 'canceled before anybody asked for it');
SELECT is((SELECT status FROM saas.provider_requests WHERE payout_id = (:'po5'::jsonb #>> '{}')::uuid), 'canceled', 'and nobody will');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd'), 1000::numeric, 'its money is there');

-- A payout that was made otherwise is not made once more.
SELECT pg_temp.scheduled('p17') AS po10 \gset
SELECT saas.run_payouts(pg_temp.team(), 'r9') \g /dev/null
SELECT saas.record_payout_result(pg_temp.team(), (:'po10'::jsonb #>> '{}')::uuid, 'paid', 'x9') \g /dev/null
SELECT is((SELECT status FROM saas.provider_requests WHERE payout_id = (:'po10'::jsonb #>> '{}')::uuid), 'canceled', 'one that was paid by hand is not asked for');
SELECT saas.record_payout_result(pg_temp.team(), (:'po10'::jsonb #>> '{}')::uuid, 'failed', 'x10') \g /dev/null
SELECT pg_temp.scheduled('p18') AS po11 \gset
SELECT saas.run_payouts(pg_temp.team(), 'r10') \g /dev/null
UPDATE saas.provider_requests SET next_attempt_at = '-infinity' WHERE payout_id = (:'po11'::jsonb #>> '{}')::uuid;
SELECT saas.place_payout_hold(pg_temp.team(), 'manual', 'wait') AS overtaking \gset
SELECT is_empty($$SELECT FROM saas.claim_provider_requests('stripe', 100, 'tester') AS c WHERE c.kind = 'create_payout'$$, 'a hold that is placed afterwards keeps it in the outbox');
SELECT saas.release_payout_hold(pg_temp.team(), :'overtaking');
SELECT c.id AS request, c.attempts FROM saas.claim_provider_requests('stripe', 1, 'tester') AS c \gset
SELECT saas.record_payout_result(pg_temp.team(), (:'po11'::jsonb #>> '{}')::uuid, 'paid', 'x11') \g /dev/null
SELECT is(saas.complete_provider_request(pg_temp.team(), :'request', :attempts, 'retry'), 'failed', 'nor tried again');
SELECT is((pg_temp.payout(:'po11')).status, 'paid', 'it stays paid');
SELECT saas.record_payout_result(pg_temp.team(), (:'po11'::jsonb #>> '{}')::uuid, 'failed', 'x12') \g /dev/null
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd'), 1000::numeric, 'until it bounces');

SELECT pg_temp.scheduled('p15') AS po8 \gset
SELECT saas.run_payouts(pg_temp.team(), 'r8') \g /dev/null
DELETE FROM saas.provider_requests WHERE payout_id IS NOT NULL AND payout_id <> (:'po8'::jsonb #>> '{}')::uuid;
SELECT is(pg_temp.answer(:'po8', 'succeeded', '{"provider_payout_id": "po_8"}'), 'succeeded', 'accepted, and no more');
SELECT results_eq(format('SELECT status, provider_payout_id FROM pg_temp.payout(%L)', :'po8'), $$VALUES ('pending', 'po_8')$$, 'it is pending, by the provider''s name');
SELECT is(saas.record_payout_result(pg_temp.team(), (:'po8'::jsonb #>> '{}')::uuid, 'failed', 'x7') ->> 'was', 'pending', 'then it fails');

-- Reserves are released when their time has come, and not reserved again.
UPDATE saas.payout_schedules SET reserve_percent = 50, reserve_days = 1;
SELECT pg_temp.scheduled('p12') AS po6 \gset
SELECT is((pg_temp.payout(:'po6')).amount, 500::bigint, 'half of it is kept');
SELECT is(pg_temp.scheduled('p13'), NULL, 'for now');
UPDATE saas.payout_reserves SET release_at = now() WHERE status = 'held' AND payout_id = (:'po6'::jsonb #>> '{}')::uuid;
SET LOCAL ROLE saas_app;
SELECT pg_temp.scheduled('p14') AS po7 \gset
SELECT results_eq(format('SELECT amount, reserve_amount FROM pg_temp.payout(%L)', :'po7'), 'VALUES (500::bigint, 0::bigint)', 'then it is paid out whole');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees');
RESET ROLE;

-- What is written by hand does not get past the constraints.
SELECT throws_ok($$INSERT INTO saas.payout_items (team_id, payout_id, entry_id, amount, currency) SELECT i.team_id, $$ || quote_literal(:'po7'::jsonb #>> '{}') || $$, i.entry_id, i.amount, i.currency FROM saas.payout_items AS i LIMIT 1$$, '23505', NULL, 'no entry is paid out twice');
SELECT throws_ok(format($$INSERT INTO saas.payout_items (team_id, payout_id, entry_id, amount, currency) SELECT e.team_id, %L, e.id, e.amount, e.currency FROM saas.ledger_entries AS e JOIN saas.ledger_accounts AS a ON a.team_id = e.team_id AND a.id = e.account_id WHERE a.kind = 'sales' AND e.team_id = pg_temp.team() LIMIT 1$$, :'po7'::jsonb #>> '{}'), 'SA089', NULL, 'no entry of another account');
SELECT throws_ok(format($$UPDATE saas.payout_items SET released_at = now() WHERE payout_id = %L$$, :'po7'::jsonb #>> '{}'), 'SA089', NULL, 'none is released from a payout that lives');
SELECT throws_ok(format($$UPDATE saas.payout_items SET released_at = NULL WHERE payout_id = %L$$, :'po1'::jsonb #>> '{}'), 'SA089', NULL, 'none is taken back');
SELECT throws_ok($$UPDATE saas.payout_items SET amount = amount + 1$$, 'SA071', NULL, 'none changes');
SELECT throws_ok($$DELETE FROM saas.payout_items$$, 'SA033', NULL, 'none is deleted');
SELECT throws_ok(format($$INSERT INTO saas.payouts (team_id, provider, amount, currency, status, payout_schedule_id, scheduled_for, scheduled_xact_id)
    SELECT team_id, 'stripe', 1, 'USD', 'scheduled', id, now(), pg_current_xact_id() FROM saas.payout_schedules; SET CONSTRAINTS ALL IMMEDIATE$$), 'SA089', NULL, 'no payout of nothing');
SELECT throws_ok($$UPDATE saas.payouts SET amount = amount + 1$$, 'SA071', NULL, 'no payout grows');

-- What was settled is not looked at again, unless a payout comes to nothing.
SELECT ok((SELECT bool_and(settled_before < now() - interval '6 days') FROM saas.payout_schedules), 'the last week is always looked at');
SELECT pg_temp.deliver(pg_temp.event('evt_12', 140, pg_temp.charge('ch_5', NULL, 'succeeded', true))) \g /dev/null
UPDATE saas.payout_schedules SET reserve_percent = 0;
SELECT saas.available_for_payout(pg_temp.team(), 'stripe', 'usd') AS free \gset
SELECT pg_temp.scheduled('p16') AS po9 \gset
SELECT is((pg_temp.payout(:'po9')).amount, :'free'::bigint, 'all that is free');
UPDATE saas.payout_schedules SET settled_before = now() + interval '1 day';
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd'), 0::numeric, 'before that moment all is settled');
SELECT saas.record_payout_result(pg_temp.team(), (:'po9'::jsonb #>> '{}')::uuid, 'canceled', 'x8') \g /dev/null
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd'), :'free'::numeric, 'but for what a payout leaves behind');
SELECT ok(abs(extract(epoch FROM saas.moment_of_uuid(saas.uuid_v7()) - clock_timestamp())) < 5, 'the moment of an identifier');
SELECT ok(saas.uuid_since(now()) < saas.uuid_v7() AND saas.uuid_since(clock_timestamp() + interval '1 second') > saas.uuid_v7(), 'and the first one of a moment');

-- Another team.
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), :'owner') AS other \gset
SELECT saas.set_context(:'other', :'owner');
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.payout_reconciliation', 'another team sees no payout');
SELECT is_empty(format('SELECT FROM saas.payout_statement(%L, %L)', pg_temp.team(), :'po1'::jsonb #>> '{}'), 'nor what one consists of');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd'), 0::numeric, 'nor what is available');
SELECT throws_ok(format('SELECT saas.record_payout_result(%L, %L, %L, %L)', :'other', :'po7'::jsonb #>> '{}', 'failed', 'k'), 'SA081', NULL, 'nor says what became of it');
SELECT throws_ok(format('SELECT saas.run_payouts(%L, %L)', pg_temp.team(), 'k'), '42501', NULL, 'nor sends it');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'owner');
SET LOCAL ROLE saas_analyst;
SELECT isnt((SELECT sum(amount) FROM saas.payout_reconciliation), NULL, 'an analyst sees amounts');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
