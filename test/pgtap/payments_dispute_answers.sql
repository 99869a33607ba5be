-- Disputes that are recorded by hand, evidence with its deadline, and its submission.
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
SELECT pg_temp.member('viewer') AS viewer, pg_temp.member('member') AS member, pg_temp.member('admin') AS admin, owner FROM fixture \gset
CREATE FUNCTION pg_temp.pay(p_ref text) RETURNS uuid LANGUAGE sql AS 'SELECT (pg_temp.payment(p_ref)).id';
CREATE FUNCTION pg_temp.dispute(p_result jsonb) RETURNS saas.payment_disputes LANGUAGE sql AS $$
    SELECT d.* FROM saas.payment_disputes AS d WHERE d.team_id = pg_temp.team() AND d.id = (p_result ->> 'payment_dispute_id')::uuid
$$;
CREATE FUNCTION pg_temp.answer(p_result jsonb, p_outcome text, p_response jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_row saas.provider_requests;
BEGIN
    UPDATE saas.provider_requests SET next_attempt_at = '-infinity' WHERE id = (p_result ->> 'provider_request_id')::uuid;
    SELECT c.* INTO STRICT v_row FROM saas.claim_provider_requests('stripe', 1, 'tester') AS c;
    RETURN saas.complete_provider_request(v_row.team_id, v_row.id, v_row.attempts, p_outcome, p_response);
END $$;
SELECT pg_temp.deliver(pg_temp.event('evt_1', 50, pg_temp.charge('ch_1', NULL, 'succeeded', true))), pg_temp.deliver(pg_temp.event('evt_2', 50, pg_temp.charge('ch_2', NULL, 'succeeded', true))) \g /dev/null

SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_1', 1, 'k')$$, '42501', NULL, 'a member records none');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'admin');
SET LOCAL ROLE saas_app;
SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_1', 600, 'd1', p_reason => 'fraudulent', p_evidence_due_at => now() + interval '7 days', p_fee_amount => 15) AS d1 \gset
SELECT is(saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_1', 600, 'd1', p_reason => 'fraudulent', p_evidence_due_at => now() + interval '7 days', p_fee_amount => 15), :'d1'::jsonb, 'the same request returns the first result');
SELECT throws_ok($$SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_1', 601, 'd1')$$, 'SA077', NULL, 'another request under the same key');
SELECT results_eq($$SELECT amount_disputed, is_overdrawn FROM pg_temp.payment('ch_1')$$, 'VALUES (600::bigint, false)', 'it holds the money');
SELECT is((SELECT balance FROM saas.ledger_trial_balance(pg_temp.team()) WHERE kind = 'disputed_funds'), 600::numeric, 'in the ledger, too');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'which agrees');
SELECT is(saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_1', 600, 'd2') ->> 'payment_dispute_id', :'d1'::jsonb ->> 'payment_dispute_id', 'recorded again it is the same dispute');
SELECT throws_ok($$SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_1', 500, 'd3')$$, 'SA072', NULL, 'of one amount');
SELECT throws_ok($$SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_2'), 'dp_1', 600, 'd3')$$, 'SA072', NULL, 'of one payment');
SELECT throws_ok($$SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_2', 401, 'd3')$$, 'SA085', NULL, 'no money is disputed twice');
SELECT throws_ok($$SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_1'), 401, 'r1')$$, 'SA078', NULL, 'nor refunded when it is disputed');
SELECT lives_ok($$SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_1'), 300, 'r2')$$, 'the rest may be refunded');
SELECT throws_ok($$SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_2', 101, 'd3')$$, 'SA085', NULL, 'then it is not to be disputed, though the refund is pending');
SELECT lives_ok($$SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_1'), 'dp_2', 100, 'd3')$$, 'but what is left');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees');
SELECT throws_ok(format('SELECT saas.record_dispute(pg_temp.team(), %s)', a.arguments), a.code, NULL, a.name)
FROM (VALUES
    ($$gen_random_uuid(), 'dp', 1, 'e'$$, 'SA081', 'a payment that is none'), ($$pg_temp.pay('ch_2'), 'dp', 0, 'e'$$, '22023', 'nothing'),
    ($$pg_temp.pay('ch_2'), 'dp', NULL, 'e'$$, '22023', 'no amount'), ($$pg_temp.pay('ch_2'), NULL, 1, 'e'$$, '22023', 'no identifier'),
    ($$pg_temp.pay('ch_2'), 'dp', 1, 'e', p_fee_amount => -1$$, '22023', 'a negative fee'), ($$pg_temp.pay('ch_2'), 'dp', 1, 'e', p_status => 'won'$$, 'SA070', 'a dispute that begins won'),
    ($$pg_temp.pay('ch_2'), 'dp', 9223372036854775807, 'e'$$, 'SA085', 'more than there is'), ($$pg_temp.pay('ch_2'), 'dp', 1, 'e', p_stage => 'court'$$, '23514', 'a stage that is none'),
    ($$pg_temp.pay('ch_2'), 'dp', 1001, 'e', p_status => 'warning_needs_response'$$, 'SA085', 'an inquiry of more than was paid')
) AS a (arguments, code, name);

-- Evidence: by members, before the deadline, one or the other.
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'viewer');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.add_dispute_evidence(pg_temp.team(), %L, %L, %L, %L)', :'d1'::jsonb ->> 'payment_dispute_id', 'receipt', 'e', 'x'), '42501', NULL, 'a viewer adds none');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
SELECT saas.add_dispute_evidence(pg_temp.team(), (:'d1'::jsonb ->> 'payment_dispute_id')::uuid, 'receipt', 'e1', 'delivered on Monday') AS e1 \gset
SELECT is(saas.add_dispute_evidence(pg_temp.team(), (:'d1'::jsonb ->> 'payment_dispute_id')::uuid, 'receipt', 'e1', 'delivered on Monday'), :'e1'::jsonb, 'added once');
SELECT is((SELECT due_at FROM saas.dispute_evidence), (pg_temp.dispute(:'d1')).evidence_due_at, 'with the deadline');
SELECT throws_ok(format('SELECT saas.add_dispute_evidence(pg_temp.team(), %L, %s)', COALESCE(a.dispute, :'d1'::jsonb ->> 'payment_dispute_id'), a.arguments), a.code, NULL, a.name)
FROM (VALUES
    (NULL, $$'receipt', 'e2'$$, '22023', 'nothing at all'), (NULL, $$'receipt', 'e2', 'x', 'y'$$, '22023', 'a text and a file'),
    (NULL, $$'gossip', 'e2', 'x'$$, '23514', 'a kind that is none'), (NULL, $$'receipt', 'e2', repeat('x', 20001)$$, '23514', 'a long text'),
    (NULL, $$'receipt', 'e2', ''$$, '23514', 'an empty text'), (gen_random_uuid()::text, $$'receipt', 'e2', 'x'$$, 'SA081', 'a dispute that is none'),
    (NULL, $$'receipt', 'e2', 'paid with 4242 4242 4242 4242'$$, 'SA090', 'the number of a card')
) AS a (dispute, arguments, code, name);
SELECT saas.add_dispute_evidence(pg_temp.team(), (:'d1'::jsonb ->> 'payment_dispute_id')::uuid, 'invoice', 'e3', p_file_reference => 'file_123') AS e3 \gset
SELECT saas.add_dispute_evidence(pg_temp.team(), (:'d1'::jsonb ->> 'payment_dispute_id')::uuid, 'other', 'e4', 'the wrong one') AS e4 \gset
SELECT saas.remove_dispute_evidence(pg_temp.team(), (:'e4'::jsonb ->> 'dispute_evidence_id')::uuid);
SELECT throws_ok(format('SELECT saas.remove_dispute_evidence(pg_temp.team(), %L)', :'e4'::jsonb ->> 'dispute_evidence_id'), 'SA081', NULL, 'removed once');
SELECT throws_ok('UPDATE saas.dispute_evidence SET content = NULL', '42501', NULL, 'not changed by hand');
SELECT throws_ok(format('SELECT saas.submit_dispute(pg_temp.team(), %L, %L)', :'d1'::jsonb ->> 'payment_dispute_id', 's'), '42501', NULL, 'a member does not submit');
SELECT results_eq('SELECT pieces, is_overdue, is_being_submitted, time_left > interval ''6 days'' FROM saas.dispute_deadlines ORDER BY amount DESC LIMIT 1', 'VALUES (2::bigint, false, false, true)', 'what has to be answered by when');

-- Submitted: refused, then taken.
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'admin');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.submit_dispute(pg_temp.team(), %L, %L)', (SELECT id FROM saas.payment_disputes WHERE provider_dispute_id = 'dp_2'), 's'), 'SA088', NULL, 'without evidence there is nothing to submit');
SELECT saas.submit_dispute(pg_temp.team(), (:'d1'::jsonb ->> 'payment_dispute_id')::uuid, 's1') AS s1 \gset
SELECT is(saas.submit_dispute(pg_temp.team(), (:'d1'::jsonb ->> 'payment_dispute_id')::uuid, 's1'), :'s1'::jsonb, 'once');
SELECT is((SELECT request #>> '{evidence,0,content}' FROM saas.provider_requests WHERE kind = 'submit_dispute'), 'delivered on Monday', 'the provider gets the evidence');
SELECT is(:'s1'::jsonb ->> 'pieces', '2', 'but for what was removed');
SELECT throws_ok(format('SELECT saas.submit_dispute(pg_temp.team(), %L, %L)', :'d1'::jsonb ->> 'payment_dispute_id', 's2'), 'SA086', NULL, 'not twice at a time');
SELECT throws_ok(format('SELECT saas.add_dispute_evidence(pg_temp.team(), %L, %L, %L, %L)', :'d1'::jsonb ->> 'payment_dispute_id', 'other', 'e5', 'late'), 'SA086', NULL, 'and nothing is added meanwhile');
SELECT throws_ok(format('SELECT saas.remove_dispute_evidence(pg_temp.team(), %L)', :'e3'::jsonb ->> 'dispute_evidence_id'), 'SA086', NULL, 'nor removed');
RESET ROLE;
DELETE FROM saas.provider_requests WHERE team_id = pg_temp.team() AND kind = 'refund';
SELECT is(pg_temp.answer(:'s1', 'failed', '{"failure_code": "file_missing"}'), 'failed', 'the provider refuses');
SELECT is((pg_temp.dispute(:'d1')).status, 'needs_response', 'it still needs an answer');
SELECT saas.submit_dispute(pg_temp.team(), (:'d1'::jsonb ->> 'payment_dispute_id')::uuid, 's3') AS s3 \gset
SELECT is(pg_temp.answer(:'s3', 'succeeded'), 'succeeded', 'the provider takes it');
SELECT is((pg_temp.dispute(:'d1')).status, 'under_review', 'it is under review');
SELECT ok((pg_temp.dispute(:'d1')).evidence_submitted_at IS NOT NULL AND (SELECT count(*) = 2 FROM saas.dispute_evidence WHERE submitted_at IS NOT NULL), 'with its evidence');
SELECT throws_ok(format('SELECT saas.add_dispute_evidence(pg_temp.team(), %L, %L, %L, %L)', :'d1'::jsonb ->> 'payment_dispute_id', 'other', 'e6', 'late'), 'SA086', NULL, 'then it takes no more');
SELECT is((pg_temp.deliver(pg_temp.event('evt_9', 90, pg_temp.dispute('dp_1', 'ch_1', 600, 'won')))).outcome, 'processed', 'an event of it');
SELECT is((SELECT count(*) FROM saas.payment_disputes), 2::bigint, 'is of the same dispute');
SELECT is((pg_temp.payment('ch_1')).amount_disputed, 100::bigint, 'which is won');

-- An event before the answer; the deadline.
SELECT saas.record_dispute(pg_temp.team(), pg_temp.pay('ch_2'), 'dp_3', 1000, 'd5', 'warning_needs_response', 'pre_dispute', p_evidence_due_at => now() + interval '1 hour') AS d3 \gset
SELECT is((pg_temp.payment('ch_2')).amount_disputed, 0::bigint, 'an inquiry holds no money');
SELECT saas.add_dispute_evidence(pg_temp.team(), (:'d3'::jsonb ->> 'payment_dispute_id')::uuid, 'customer_communication', 'e7', 'she wrote to us') \g /dev/null
SELECT saas.submit_dispute(pg_temp.team(), (:'d3'::jsonb ->> 'payment_dispute_id')::uuid, 's4') AS s4 \gset
SELECT pg_temp.deliver(pg_temp.event('evt_10', 90, pg_temp.dispute('dp_3', 'ch_2', 1000, 'warning_under_review'))) \g /dev/null
SELECT is(pg_temp.answer(:'s4', 'succeeded'), 'succeeded', 'the answer after the event');
SELECT is((pg_temp.dispute(:'d3')).status, 'warning_under_review', 'says nothing new');
SELECT pg_temp.deliver(pg_temp.event('evt_11', 95, pg_temp.dispute('dp_3', 'ch_2', 1000, 'needs_response', jsonb_build_object('evidence_details', jsonb_build_object('due_by', extract(epoch FROM now() - interval '1 minute')::bigint))))) \g /dev/null
SELECT is((pg_temp.dispute(:'d3')).stage, 'dispute', 'it becomes a dispute');
SELECT throws_ok(format('SELECT saas.add_dispute_evidence(pg_temp.team(), %L, %L, %L, %L)', :'d3'::jsonb ->> 'payment_dispute_id', 'other', 'e8', 'late'), 'SA087', NULL, 'after the deadline nothing is added');
SELECT throws_ok(format('SELECT saas.submit_dispute(pg_temp.team(), %L, %L)', :'d3'::jsonb ->> 'payment_dispute_id', 's5'), 'SA087', NULL, 'nor submitted');
SELECT results_eq($$SELECT pieces, is_overdue FROM saas.dispute_deadlines WHERE stage = 'dispute' AND amount = 1000$$, 'VALUES (0::bigint, true)', 'what was said at an earlier stage is no answer to this one');
-- The provider may take more than is left; we may not.
SELECT throws_ok($$UPDATE saas.payment_disputes SET status = 'warning_closed', status_source = 'api' WHERE provider_dispute_id = 'dp_3'$$, 'SA070', NULL, 'steps of ours follow the machine');

SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), :'owner') AS other \gset
SELECT saas.set_context(:'other', :'owner');
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.dispute_evidence', 'another team sees no evidence');
SELECT is_empty('SELECT FROM saas.dispute_deadlines', 'and no deadline');
SELECT throws_ok(format('SELECT saas.submit_dispute(%L, %L, %L)', :'other', :'d1'::jsonb ->> 'payment_dispute_id', 's'), 'SA081', NULL, 'and submits nothing');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'owner');
SET LOCAL ROLE saas_analyst;
SELECT is((SELECT count(kind) FROM saas.dispute_evidence), 4::bigint, 'an analyst sees that there is evidence');
SELECT throws_ok('SELECT content FROM saas.dispute_evidence', '42501', NULL, 'but does not read it');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
