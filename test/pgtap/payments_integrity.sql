-- Where amounts or currencies do not agree, the payment is on hold until a person has looked into it.
BEGIN;
SELECT plan(28);
\ir include/payments.sql
\ir include/provider_events.sql
CREATE FUNCTION pg_temp.hold(p_ref text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', (pg_temp.payment(p_ref)).integrity_hold, (pg_temp.payment(p_ref)).integrity_issue)
$$;
SELECT pg_temp.deliver(pg_temp.event('evt_1', 100, pg_temp.charge('ch_1', NULL, 'succeeded', true)));
SELECT is(pg_temp.hold('ch_1'), 'f', 'a payment that agrees is not on hold');
SELECT is(d.outcome || ': ' || d.detail, 'conflict: the payment: 2000 USD', 'a snapshot of another amount is a conflict')
FROM pg_temp.deliver(pg_temp.event('evt_2', 110, pg_temp.charge('ch_1', NULL, 'succeeded', true, '{"amount": 2000}'))) AS d;
SELECT is(pg_temp.hold('ch_1'), 't | the payment: 1000 USD', 'and a hold');
SELECT is((pg_temp.payment('ch_1')).amount, 2000::bigint, 'the greater amount holds');
SELECT is((pg_temp.deliver(pg_temp.event('evt_3', 110, pg_temp.refund('re_1', 'ch_1', 10, 'succeeded', '{"currency": "eur"}')))).outcome, 'conflict', 'a refund in another currency is a conflict');
SELECT is(pg_temp.hold('ch_1'), 't | refund re_1: 10 EUR; the payment: 1000 USD', 'and shows');
SELECT throws_ok(format('SELECT saas.refund_payment(%L, %L, 100, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, 'r1'), 'SA054', NULL, 'nothing of it is refunded');
SELECT pg_temp.deliver(pg_temp.event('evt_4', 100, pg_temp.charge('ch_2', NULL, 'succeeded', false)));
SELECT pg_temp.deliver(pg_temp.event('evt_5', 110, pg_temp.charge('ch_2', NULL, 'succeeded', false, '{"currency": "eur"}')));
SELECT throws_ok(format('SELECT saas.capture_payment(%L, %L, 100, %L)', pg_temp.team(), (pg_temp.payment('ch_2')).id, 'c1'), 'SA054', NULL, 'nor captured');
SELECT is(saas.held_amount(pg_temp.team(), 'stripe', 'USD'), 1000::bigint, 'what it brought is held back');
SELECT throws_ok(format($$INSERT INTO saas.payouts (team_id, provider, amount, currency, status) VALUES (%L, 'stripe', 1, 'USD', 'pending')$$, pg_temp.team()), 'SA054', NULL, 'nor paid out');
SELECT lives_ok(format($$INSERT INTO saas.payouts (team_id, provider, amount, currency, status) VALUES (%L, 'stripe', 1, 'EUR', 'pending')$$, pg_temp.team()), 'other money is');

-- Who resolves it, and how.
INSERT INTO saas.team_members (team_id, user_id, role) SELECT team, saas.create_user('member@hold.example'), 'member' FROM fixture;
SELECT saas.set_context(team, (SELECT u.id FROM saas.users AS u WHERE u.email = 'member@hold.example')) FROM fixture;
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.resolve_integrity_hold(%L, %L, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, 'fine'), '42501', NULL, 'a member does not resolve');
RESET ROLE;
SELECT saas.set_context(team) FROM fixture;
SET LOCAL ROLE saas_service;
SELECT throws_ok(format('SELECT saas.resolve_integrity_hold(%L, %L, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, 'fine'), '42501', NULL, 'nor does a worker');
RESET ROLE;
SELECT saas.set_context(team, owner) FROM fixture;
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.resolve_integrity_hold(%L, %L, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, ' '), '22023', NULL, 'a note is needed');
SELECT throws_ok(format('SELECT saas.resolve_integrity_hold(%L, %L, %L, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, 'fine', 'the payment: 1000 USD'), 'SA059', NULL, 'what came meanwhile is not resolved unseen');
SELECT lives_ok(format('SELECT saas.resolve_integrity_hold(%L, %L, %L, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, 'a test of theirs', (pg_temp.payment('ch_1')).integrity_issue), 'the owner resolves');
SELECT throws_ok(format('SELECT saas.resolve_integrity_hold(%L, %L, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, 'again'), 'SA058', NULL, 'once');
RESET ROLE;
SELECT is((SELECT count(*) FROM saas.payment_audit_log AS l, fixture AS f WHERE l.row_id = (pg_temp.payment('ch_1')).id AND l.new_values ->> 'integrity_note' = 'a test of theirs' AND l.actor_id = f.owner), 1::bigint, 'the audit trail keeps it');
SELECT lives_ok(format('SELECT saas.refund_payment(%L, %L, 100, %L)', pg_temp.team(), (pg_temp.payment('ch_1')).id, 'r2'), 'then it is refunded');
SELECT is((pg_temp.deliver(pg_temp.event('evt_6', 120, pg_temp.charge('ch_1', NULL, 'succeeded', true, '{"amount": 1000}')))).outcome || pg_temp.hold('ch_1'),
    'conflictf | refund re_1: 10 EUR; the payment: 1000 USD', 'what was looked into does not come back');
SELECT pg_temp.deliver(pg_temp.event('evt_7', 120, pg_temp.charge('ch_1', NULL, 'succeeded', true, '{"amount": 3000}')));
SELECT is((pg_temp.payment('ch_1')).integrity_hold, true, 'another one does');

-- A payment that is not what its intent asked for.
SELECT pg_temp.deliver(pg_temp.event('evt_8', 100, pg_temp.charge('ch_3', 'pi_3', 'succeeded', true, '{"amount": 100, "amount_captured": 100}')));
SELECT is(pg_temp.hold('ch_3'), 'f', 'a payment before its intent');
SELECT pg_temp.deliver(pg_temp.event('evt_9', 100, pg_temp.intent('pi_3', 'succeeded')));
SELECT is(pg_temp.hold('ch_3'), 't | paid: 100 USD, asked for: 1000 USD', 'is on hold when it is not what was asked for');
SELECT pg_temp.deliver(pg_temp.event('evt_10', 100, pg_temp.charge('ch_4', 'pi_3', 'succeeded', true, '{"amount": 900, "amount_captured": 900}')));
SELECT is(pg_temp.hold('ch_3') || pg_temp.hold('ch_4'), 'ff', 'parts that sum to it are not');
SELECT saas.create_payment_intent(pg_temp.team(), 1000, 'USD', 'adyen', 'k1') ->> 'payment_intent_id' AS ours \gset
SELECT pg_temp.send('adyen', pg_temp.adyen_item('AUTHORISATION', 'true', 'P1', NULL, 1, 100, jsonb_build_object('merchantReference', :'ours')), NULL);
SELECT is(pg_temp.hold('P1'), 't | paid: 1 USD, asked for: 1000 USD', 'nor one that names our intent');
SELECT is((SELECT count(*) FROM saas.claim_provider_requests('stripe', 100, 'w') AS r WHERE r.kind = 'refund'), 0::bigint, 'a request that waits is not sent while the payment is on hold');
SELECT pg_temp.send('adyen', pg_temp.adyen_item('CAPTURE', 'true', 'C' || n, 'P1', 1, 200 + n), NULL) FROM generate_series(1, 2) AS n;
SELECT is((pg_temp.payment('P1')).amount_captured || ' ' || pg_temp.hold('P1'), '1 t | captured: 2 of 1', 'captures beyond the payment show');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
