-- An event that does not bear our identifier comes before the answer that names the same refund or capture: both are one.
BEGIN;
SELECT plan(39);
\ir include/payments.sql
\ir include/provider_events.sql
CREATE FUNCTION pg_temp.tell(p_provider text, p_kind text, p_ref text, p_parent text, p_state text, p_amount bigint, p_at bigint) RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.send(p_provider, pg_temp.render(p_provider, p_kind, p_ref, p_parent, p_state, NULL, p_amount, p_at, e.id), e.id)).outcome FROM (SELECT concat_ws('-', 'evt', p_ref, p_state, p_at)) AS e (id)
$$;
CREATE FUNCTION pg_temp.answer(p_asked jsonb, p_outcome text, p_response jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_row saas.provider_requests;
BEGIN
    SELECT r.* INTO v_row FROM saas.provider_requests AS r WHERE r.id = (p_asked ->> 'provider_request_id')::uuid;
    SELECT c.* INTO v_row FROM saas.claim_provider_requests(v_row.provider, 1000, 'tester') AS c WHERE c.id = v_row.id;
    RETURN saas.complete_provider_request(v_row.team_id, v_row.id, v_row.attempts, p_outcome, p_response);
END $$;
CREATE FUNCTION pg_temp.refunds(p_ref text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', (pg_temp.payment(p_ref)).amount_refunded,
        (SELECT string_agg(concat_ws(' ', r.status, r.amount, r.provider_refund_id), ', ' ORDER BY r.id) FROM saas.refunds AS r WHERE r.payment_id = (pg_temp.payment(p_ref)).id),
        (SELECT string_agg(concat_ws(' ', t.status, t.amount, t.provider_reference), ', ' ORDER BY t.id) FROM saas.payment_transactions AS t WHERE t.payment_id = (pg_temp.payment(p_ref)).id AND t.operation = 'refund'))
$$;
CREATE FUNCTION pg_temp.captures(p_ref text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', (pg_temp.payment(p_ref)).amount_captured,
        (SELECT string_agg(concat_ws(' ', t.status, t.amount, t.provider_reference), ', ' ORDER BY t.id) FROM saas.payment_transactions AS t WHERE t.payment_id = (pg_temp.payment(p_ref)).id AND t.operation = 'capture'))
$$;

-- Square's refunds have no place for an identifier of ours.
SELECT is(pg_temp.tell('square', 'payment', 'pay_1', NULL, 'paid', 1000, 1700000000), 'processed', 'a payment');
SELECT saas.refund_payment(pg_temp.team(), (pg_temp.payment('pay_1')).id, 300, 'k1') AS asked \gset
SELECT is(pg_temp.tell('square', 'refund', 'ref_1', 'pay_1', 'succeeded', 300, 1700000500), 'processed', 'its refund is told of');
SELECT is((pg_temp.payment('pay_1')).amount_refunded, 600::bigint, 'which could be another one');
SELECT is(pg_temp.answer(:'asked', 'succeeded', '{"provider_refund_id": "ref_1"}'), 'succeeded', 'until the answer names it');
SELECT is(pg_temp.refunds('pay_1'), '300 | succeeded 300 ref_1 | succeeded 300 ref_1', 'and it is one');
SELECT is((SELECT r.id FROM saas.refunds AS r WHERE r.team_id = pg_temp.team()), (:'asked'::jsonb ->> 'refund_id')::uuid, 'the one that was asked for');
SELECT is((SELECT sum(t.balance) FROM saas.ledger_trial_balance(pg_temp.team()) AS t WHERE t.kind = 'refunds'), 300::numeric, 'also in the ledger');
SELECT is(pg_temp.tell('square', 'refund', 'ref_1', 'pay_1', 'failed', 300, 1700000900), 'processed', 'it comes back');
SELECT is(pg_temp.refunds('pay_1'), '0 | failed 300 ref_1 | failed 300 ref_1', 'once');
-- The event that the provider accepted it, then the answer, then that it arrived.
SELECT saas.refund_payment(pg_temp.team(), (pg_temp.payment('pay_1')).id, 200, 'k2') AS asked \gset
SELECT is(pg_temp.tell('square', 'refund', 'ref_2', 'pay_1', 'pending', 200, 1700001000), 'processed', 'one on its way');
SELECT is(pg_temp.answer(:'asked', 'pending', '{"provider_refund_id": "ref_2"}'), 'succeeded', 'is known by the answer');
SELECT is(pg_temp.tell('square', 'refund', 'ref_2', 'pay_1', 'succeeded', 200, 1700001100), 'processed', 'and arrives');
SELECT is((pg_temp.payment('pay_1')).amount_refunded, 200::bigint, 'once');
-- What differs is another one.
SELECT saas.refund_payment(pg_temp.team(), (pg_temp.payment('pay_1')).id, 50, 'k3') AS asked \gset
SELECT is(pg_temp.tell('square', 'refund', 'ref_3', 'pay_1', 'succeeded', 60, 1700001200), 'processed', 'a refund of another amount');
SELECT is(pg_temp.answer(:'asked', 'succeeded', '{"provider_refund_id": "ref_3"}'), 'succeeded', 'that the answer names');
SELECT is((pg_temp.payment('pay_1')).amount_refunded, 310::bigint, 'stays another one');

-- Captures that the provider names one by one.
SELECT is(pg_temp.tell('standard', 'payment', 'auth_2', NULL, 'authorized', 1000, 1700000000), 'processed', 'an authorisation');
SELECT saas.capture_payment(pg_temp.team(), (pg_temp.payment('auth_2')).id, 400, 'k4') AS asked \gset
SELECT is(pg_temp.tell('standard', 'capture', 'cap_1', 'auth_2', 'succeeded', 400, 1700000500), 'processed', 'its capture is told of');
SELECT is(pg_temp.answer(:'asked', 'succeeded', '{"provider_capture_id": "cap_1"}'), 'succeeded', 'and answered');
SELECT is(pg_temp.captures('auth_2'), '400 | succeeded 400 cap_1', 'captured once');
SELECT saas.capture_payment(pg_temp.team(), (pg_temp.payment('auth_2')).id, 500, 'k5') AS asked \gset
SELECT is(pg_temp.tell('standard', 'capture', 'cap_2', 'auth_2', 'pending', 500, 1700000600), 'processed', 'another one on its way');
SELECT is(pg_temp.answer(:'asked', 'succeeded', '{"provider_capture_id": "cap_2"}'), 'succeeded', 'is answered');
SELECT is(pg_temp.tell('standard', 'capture', 'cap_2', 'auth_2', 'succeeded', 500, 1700000700), 'superseded', 'and told of');
SELECT is(pg_temp.captures('auth_2'), '900 | succeeded 400 cap_1, succeeded 500 cap_2', 'captured once');
SELECT is((pg_temp.payment('auth_2')).integrity_hold, false, 'nothing contradicts anything');

-- A payout.
CREATE FUNCTION pg_temp.payouts() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', p.status, p.amount, p.provider_payout_id, CASE WHEN p.scheduled_for IS NOT NULL THEN 'ours' END), ', ' ORDER BY p.id) FROM saas.payouts AS p WHERE p.team_id = pg_temp.team()
$$;
CREATE FUNCTION pg_temp.balances() RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(t.kind, t.balance) FROM saas.ledger_trial_balance(pg_temp.team()) AS t WHERE t.provider = 'stripe' OR t.kind = 'bank'
$$;
SELECT is((pg_temp.deliver(pg_temp.event('evt_1', 100, pg_temp.charge('ch_1', NULL, 'succeeded', true)))).outcome, 'processed', 'a payment');
SELECT (saas.set_payout_schedule(pg_temp.team(), 'stripe', 'USD', 'manual', p_delay_days => 0)).id AS schedule \gset
SELECT saas.schedule_payouts(pg_temp.team(), 'k6', :'schedule') \g /dev/null
SELECT is(jsonb_array_length(saas.run_payouts(pg_temp.team(), 'k7') -> 'sent'), 1, 'is paid out');
SELECT jsonb_build_object('provider_request_id', r.id) AS asked FROM saas.provider_requests AS r WHERE r.team_id = pg_temp.team() AND r.kind = 'create_payout' \gset
SELECT is((pg_temp.deliver(pg_temp.event('evt_2', 200, pg_temp.payout('po_1', 1000, 'in_transit')))).outcome, 'processed', 'the payout is told of');
SELECT is(pg_temp.answer(:'asked', 'succeeded', '{"provider_payout_id": "po_1"}'), 'succeeded', 'and answered');
SELECT is(pg_temp.payouts(), 'in_transit 1000 po_1 ours', 'it is one');
SELECT is(pg_temp.balances(), '{"sales": 1000, "provider_balance": 0, "payouts_in_transit": 1000}', 'also in the ledger');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'USD'), 0::numeric, 'nothing is left');
SELECT is((pg_temp.deliver(pg_temp.event('evt_3', 300, pg_temp.payout('po_1', 1000, 'paid')))).outcome, 'processed', 'it arrives');
SELECT is(pg_temp.balances(), '{"bank": 1000, "sales": 1000, "provider_balance": 0, "payouts_in_transit": 0}', 'at the bank');
-- What became of it is recorded by hand, after an event.
SELECT is((pg_temp.deliver(pg_temp.event('evt_4', 400, pg_temp.charge('ch_2', NULL, 'succeeded', true)))).outcome, 'processed', 'another payment');
SELECT saas.schedule_payouts(pg_temp.team(), 'k8', :'schedule') -> 'payouts' ->> 0 AS payout \gset
SELECT saas.run_payouts(pg_temp.team(), 'k9') \g /dev/null
SELECT is((pg_temp.deliver(pg_temp.event('evt_5', 500, pg_temp.payout('po_2', 1000, 'in_transit')))).outcome, 'processed', 'its payout is told of');
SELECT saas.record_payout_result(pg_temp.team(), :'payout', 'paid', 'k10', 'po_2') \g /dev/null
SELECT is(pg_temp.payouts(), 'paid 1000 po_1 ours, paid 1000 po_2 ours', 'and recorded as paid');
SELECT ok((SELECT bool_and(r.agrees) FROM saas.payout_reconciliation AS r), 'and agrees with its entries');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
