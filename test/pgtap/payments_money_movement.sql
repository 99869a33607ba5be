-- Money movement from SQL: idempotency keys, the outbox, intents, captures and refunds.
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
CREATE FUNCTION pg_temp.asked(p_result jsonb) RETURNS saas.provider_requests LANGUAGE sql AS $$
    SELECT r.* FROM saas.provider_requests AS r
    WHERE r.team_id = pg_temp.team() AND r.id = (p_result ->> 'provider_request_id')::uuid
$$;
-- Makes the request due, claims it and reports an outcome.
CREATE FUNCTION pg_temp.answer(p_result jsonb, p_outcome text, p_response jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_row saas.provider_requests;
BEGIN
    UPDATE saas.provider_requests SET next_attempt_at = '-infinity' WHERE id = (p_result ->> 'provider_request_id')::uuid;
    SELECT c.* INTO v_row FROM saas.claim_provider_requests('stripe', 1, 'tester') AS c;
    IF v_row.id IS DISTINCT FROM (p_result ->> 'provider_request_id')::uuid THEN
        RAISE EXCEPTION 'claimed another request';
    END IF;
    RETURN saas.complete_provider_request(v_row.team_id, v_row.id, v_row.attempts, p_outcome, p_response);
END $$;
CREATE FUNCTION pg_temp.op(p_result jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT t.status || ' ' || t.amount || CASE WHEN t.provider_reference LIKE 'saas:%' THEN '' ELSE ' ' || t.provider_reference END
    FROM saas.payment_transactions AS t WHERE t.id = (pg_temp.asked(p_result)).payment_transaction_id
$$;
CREATE FUNCTION pg_temp.pay(p_ref text) RETURNS uuid LANGUAGE sql AS 'SELECT (pg_temp.payment(p_ref)).id';
CREATE FUNCTION pg_temp.status(p_result jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT i.status FROM saas.payment_intents AS i WHERE i.team_id = pg_temp.team() AND i.id = (p_result ->> 'payment_intent_id')::uuid
$$;

-- Idempotency keys.
SELECT saas.create_payment_intent(pg_temp.team(), 1000, 'usd', 'stripe', 'k1', 'manual', p_metadata => '{"order": "7"}') AS i1 \gset
SELECT is(saas.create_payment_intent(pg_temp.team(), 1000, 'USD', 'stripe', 'k1', 'manual', p_metadata => '{"order": "7"}'), :'i1'::jsonb, 'the same request returns the first result');
SELECT is((SELECT count(*) FROM saas.payment_intents WHERE team_id = pg_temp.team()), 1::bigint, 'and makes one intent');
SELECT throws_ok($$SELECT saas.create_payment_intent(pg_temp.team(), 1001, 'usd', 'stripe', 'k1', 'manual')$$, 'SA077', NULL, 'another request under the same key');
SELECT throws_ok($$SELECT saas.refund_payment(pg_temp.team(), gen_random_uuid(), 1, 'k1')$$, 'SA077', NULL, 'another function under the same key');
SELECT throws_ok($$SELECT saas.create_payment_intent(pg_temp.team(), 1000, 'usd', 'stripe', NULL)$$, '22023', NULL, 'no key');
SELECT throws_ok($$SELECT saas.create_payment_intent(pg_temp.team(), 1000, 'usd', 'stripe', repeat('x', 256))$$, '22023', NULL, 'a long key');
UPDATE saas.idempotency_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE key = 'k1';
SELECT isnt(saas.create_payment_intent(pg_temp.team(), 5, 'usd', 'stripe', 'k1') , :'i1'::jsonb, 'an expired key is as good as new');
UPDATE saas.idempotency_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE key = 'k1';
SELECT is(saas.delete_expired_idempotency_keys(), 1::bigint, 'expired keys are deleted');
SELECT throws_ok(format('SELECT saas.create_payment_intent(pg_temp.team(), %s, %L, %L, gen_random_uuid()::text, %L)', a.amount, a.currency, a.provider, a.method), a.code, NULL, a.name)
FROM (VALUES
    ('0', 'usd', 'stripe', 'manual', '22023', 'an amount of zero'), ('-1', 'usd', 'stripe', 'manual', '22023', 'a negative amount'),
    ('NULL', 'usd', 'stripe', 'manual', '22023', 'no amount'), ('1', 'zzz', 'stripe', 'manual', 'SA072', 'an unknown currency'),
    ('1', 'usd', 'adyen', 'manual', 'SA081', 'a provider that is not set up'), ('1', 'usd', 'stripe', 'later', '22023', 'a capture method')
) AS a (amount, currency, provider, method, code, name);
DELETE FROM saas.provider_requests WHERE team_id = pg_temp.team() AND id <> (pg_temp.asked(:'i1')).id;

-- The outbox: claims, leases, retries, doubt.
SELECT is((pg_temp.asked(:'i1')).request #>> '{metadata,saas_intent_id}', :'i1'::jsonb ->> 'payment_intent_id', 'our identifier is in the metadata');
SELECT is((pg_temp.asked(:'i1')).request #>> '{metadata,order}', '7', 'beside those of the caller');
SELECT is((SELECT count(*) FROM saas.claim_provider_requests('adyen', 10, 'w1')), 0::bigint, 'another provider has none');
SELECT results_eq($$SELECT ask, attempts FROM saas.claim_provider_requests('stripe', 10, 'w1')$$, $$VALUES ('send', 1)$$, 'claimed');
SELECT is_empty($$SELECT * FROM saas.claim_provider_requests('stripe', 10, 'w2')$$, 'by one worker');
UPDATE saas.provider_requests SET next_attempt_at = '-infinity' WHERE team_id = pg_temp.team();
SELECT results_eq($$SELECT ask, attempts, worker FROM saas.claim_provider_requests('stripe', 10, 'w2')$$, $$VALUES ('lookup', 2, 'w2')$$, 'after the lease it may have been sent, so it is looked up');
SELECT throws_ok(format('SELECT saas.complete_provider_request(pg_temp.team(), %L, 1, %L)', (pg_temp.asked(:'i1')).id, 'succeeded'), 'SA080', NULL, 'the first worker has lost its claim');
SELECT is(saas.complete_provider_request(pg_temp.team(), (pg_temp.asked(:'i1')).id, 2, 'not_found'), 'queued', 'not found');
SELECT is((pg_temp.asked(:'i1')).ask, 'send', 'is sent again');
SELECT ok((pg_temp.asked(:'i1')).next_attempt_at > clock_timestamp(), 'later');
SELECT throws_ok(format('SELECT saas.complete_provider_request(pg_temp.team(), %L, 2, %L)', (pg_temp.asked(:'i1')).id, 'succeeded'), 'SA080', NULL, 'a queued request is not completed');
SELECT throws_ok(format('SELECT pg_temp.answer(%L, %L)', :'i1', 'not_found'), '22023', NULL, 'only a lookup finds nothing');
SELECT throws_ok(format('SELECT pg_temp.answer(%L, %L)', :'i1', 'perhaps'), '22023', NULL, 'an outcome that is none');
SELECT is(pg_temp.answer(:'i1', 'unknown'), 'queued', 'in doubt');
SELECT is((pg_temp.asked(:'i1')).ask, 'lookup', 'it is asked again');
SELECT is(pg_temp.answer(:'i1', 'retry'), 'queued', 'a question that failed');
SELECT is((pg_temp.asked(:'i1')).ask, 'lookup', 'stays a question');
SELECT throws_ok($$SELECT * FROM saas.claim_provider_requests('stripe', 0, 'w')$$, '22023', NULL, 'a limit of none');
SELECT throws_ok($$SELECT * FROM saas.claim_provider_requests('stripe', 1, NULL)$$, '22023', NULL, 'no worker');
SELECT ok(bool_and(saas.retry_delay(n, 's') BETWEEN interval '1 second' * 2 ^ (n - 1) AND interval '2 seconds' * 2 ^ (n - 1)), 'the delay doubles') FROM generate_series(1, 10) AS n;
SELECT ok(saas.retry_delay(1000000, 's') <= interval '1 hour', 'up to a limit');
SELECT isnt(saas.retry_delay(5, 'a'), saas.retry_delay(5, 'b'), 'and scatters');
SELECT is(saas.retry_delay(5, 'a'), saas.retry_delay(5, 'a'), 'without chance');

-- An event before the answer finds our row; so does the answer.
SELECT is((pg_temp.deliver(pg_temp.event('evt_1', 10, pg_temp.intent('pi_1', 'requires_confirmation', jsonb_build_object('metadata', jsonb_build_object('saas_intent_id', :'i1'::jsonb ->> 'payment_intent_id')))))).outcome, 'processed', 'the event');
SELECT is((SELECT provider_intent_id FROM saas.payment_intents WHERE id = (:'i1'::jsonb ->> 'payment_intent_id')::uuid), 'pi_1', 'links our row');
SELECT is(pg_temp.answer(:'i1', 'succeeded', '{"provider_intent_id": "pi_1"}'), 'succeeded', 'the answer');
SELECT is((SELECT count(*) FROM saas.payment_intents WHERE team_id = pg_temp.team() AND provider_intent_id = 'pi_1'), 1::bigint, 'there is one row');
-- The other way round, and with a stranger's identifier.
SELECT saas.create_payment_intent(pg_temp.team(), 1000, 'usd', 'stripe', 'k2', p_provider_payment_method_id => 'pm_1') AS i2 \gset
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(pg_temp.team(), %L, %L)', :'i1'::jsonb ->> 'payment_intent_id', 'c0'), '22023', NULL, 'without a payment method');
SELECT saas.confirm_payment_intent(pg_temp.team(), (:'i2'::jsonb ->> 'payment_intent_id')::uuid, 'c1') AS c2 \gset
SELECT is(pg_temp.status(:'i2'), 'processing', 'confirmed');
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(pg_temp.team(), %L, %L)', :'i2'::jsonb ->> 'payment_intent_id', 'c2'), 'SA082', NULL, 'once');
SELECT results_eq($$SELECT kind FROM saas.claim_provider_requests('stripe', 10, 'w1')$$, $$VALUES ('create_intent')$$, 'created before it is confirmed');
SELECT is(saas.complete_provider_request(pg_temp.team(), (pg_temp.asked(:'i2')).id, 1, 'succeeded', '{"provider_intent_id": "pi_2"}'), 'succeeded', 'created');
SELECT is((pg_temp.deliver(pg_temp.event('evt_2', 10, pg_temp.intent('pi_2', 'requires_action')))).outcome, 'processed', 'an event after the answer, without metadata');
SELECT is((SELECT count(*) FROM saas.payment_intents WHERE team_id = pg_temp.team() AND provider_intent_id = 'pi_2'), 1::bigint, 'finds it');
SELECT is(pg_temp.answer(:'c2', 'failed', '{"failure_code": "card_declined"}'), 'failed', 'declined');
SELECT is(pg_temp.status(:'i2'), 'requires_payment_method', 'another method is needed');
SELECT is((pg_temp.deliver(pg_temp.event('evt_3', 10, pg_temp.intent('pi_3', 'processing', '{"metadata": {"saas_intent_id": "not an identifier"}}')))).outcome, 'processed', 'metadata that say nothing');
SELECT saas.cancel_payment_intent(pg_temp.team(), (:'i2'::jsonb ->> 'payment_intent_id')::uuid, 'x1', 'abandoned') AS x2 \gset
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(pg_temp.team(), %L, %L, %L)', :'i2'::jsonb ->> 'payment_intent_id', 'c3', 'pm_2'), 'SA082', NULL, 'not confirmed while it is canceled');
SELECT is(pg_temp.answer(:'x2', 'succeeded'), 'succeeded', 'the provider cancels');
SELECT is(pg_temp.status(:'i2'), 'canceled', 'canceled');
SELECT throws_ok(format('SELECT saas.cancel_payment_intent(pg_temp.team(), %L, %L)', :'i2'::jsonb ->> 'payment_intent_id', 'x2'), 'SA082', NULL, 'once');
SELECT throws_ok($$SELECT saas.confirm_payment_intent(pg_temp.team(), gen_random_uuid(), 'c9')$$, 'SA081', NULL, 'an intent that is none');
-- A refused creation cancels what was to follow.
SELECT saas.create_payment_intent(pg_temp.team(), 1000, 'usd', 'stripe', 'k3', p_provider_payment_method_id => 'pm_1') AS i3 \gset
SELECT saas.confirm_payment_intent(pg_temp.team(), (:'i3'::jsonb ->> 'payment_intent_id')::uuid, 'c4') AS c3 \gset
SELECT is(pg_temp.answer(:'i3', 'failed'), 'failed', 'not created');
SELECT is((pg_temp.asked(:'c3')).status, 'canceled', 'and never confirmed');
SELECT is(pg_temp.status(:'i3'), 'canceled', 'the intent is canceled');

-- Captures: partial, several, never beyond what is authorised.
SELECT is((pg_temp.deliver(pg_temp.event('evt_4', 20, pg_temp.charge('ch_1', 'pi_1', 'succeeded', false)))).outcome, 'processed', 'an authorised payment');
SELECT saas.capture_payment(pg_temp.team(), pg_temp.pay('ch_1'), 400, 'cap1') AS a1 \gset
SELECT is(saas.capture_payment(pg_temp.team(), pg_temp.pay('ch_1'), 400, 'cap1'), :'a1'::jsonb, 'repeated, it is one capture');
SELECT is(pg_temp.op(:'a1'), 'initiated 400', 'initiated');
SELECT throws_ok($$SELECT saas.capture_payment(pg_temp.team(), pg_temp.pay('ch_1'), 601, 'cap2')$$, 'SA079', NULL, 'no more than is left beside it');
SELECT throws_ok(format('SELECT saas.cancel_payment_intent(pg_temp.team(), %L, %L)', :'i1'::jsonb ->> 'payment_intent_id', 'x3'), 'SA082', NULL, 'not canceled while it is captured');
SELECT is(pg_temp.answer(:'a1', 'unknown'), 'queued', 'in doubt');
SELECT is(pg_temp.op(:'a1'), 'unknown 400', 'the operation is unknown');
SELECT throws_ok($$SELECT saas.capture_payment(pg_temp.team(), pg_temp.pay('ch_1'), 601, 'cap2')$$, 'SA079', NULL, 'and still counts');
SELECT is(pg_temp.answer(:'a1', 'succeeded'), 'succeeded', 'found');
SELECT is((pg_temp.payment('ch_1')).amount_captured, 400::bigint, 'captured');
SELECT saas.capture_payment(pg_temp.team(), pg_temp.pay('ch_1'), 600, 'cap3') AS a2 \gset
SELECT is(pg_temp.answer(:'a2', 'succeeded'), 'succeeded', 'the rest');
SELECT is((pg_temp.payment('ch_1')).amount_captured, 1000::bigint, 'captured, too');
SELECT is((pg_temp.deliver(pg_temp.event('evt_5', 30, pg_temp.charge('ch_1', 'pi_1', 'succeeded', true)))).outcome, 'processed', 'the provider says so');
SELECT is((SELECT sum(amount) FROM saas.payment_transactions WHERE payment_id = pg_temp.pay('ch_1') AND operation = 'capture' AND status = 'succeeded'), 1000::numeric, 'nothing counts twice');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees');
-- The event before the answer.
SELECT pg_temp.deliver(pg_temp.event('evt_6', 20, pg_temp.charge('ch_2', NULL, 'succeeded', false))) \g /dev/null
SELECT saas.capture_payment(pg_temp.team(), pg_temp.pay('ch_2'), 1000, 'cap4') AS a3 \gset
SELECT pg_temp.deliver(pg_temp.event('evt_7', 30, pg_temp.charge('ch_2', NULL, 'succeeded', true))) \g /dev/null
SELECT is(pg_temp.answer(:'a3', 'succeeded'), 'succeeded', 'an answer after the event');
SELECT is((SELECT sum(amount) FROM saas.payment_transactions WHERE payment_id = pg_temp.pay('ch_2') AND operation = 'capture' AND status = 'succeeded'), 1000::numeric, 'is the same money');
SELECT is((pg_temp.payment('ch_2')).amount_captured, 1000::bigint, 'captured once');
SELECT throws_ok($$SELECT saas.capture_payment(pg_temp.team(), gen_random_uuid(), 1, 'cap5')$$, 'SA081', NULL, 'a payment that is none');
SELECT throws_ok($$SELECT saas.capture_payment(pg_temp.team(), pg_temp.pay('ch_2'), -1, 'cap6')$$, '22023', NULL, 'a negative amount');

-- Refunds: partial, several, never what is pending, refunded or in dispute.
SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_1'), 300, 'ref1', 'requested') AS r1 \gset
SELECT is((pg_temp.payment('ch_1')).amount_refunded, 300::bigint, 'pending money counts');
SELECT throws_ok($$SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_1'), 701, 'ref2')$$, 'SA078', NULL, 'no more than is left');
SELECT is((pg_temp.deliver(pg_temp.event('evt_8', 40, pg_temp.refund('re_1', 'ch_1', 300, 'succeeded', jsonb_build_object('metadata', jsonb_build_object('saas_refund_id', :'r1'::jsonb ->> 'refund_id')))))).outcome, 'processed', 'the event before the answer');
SELECT is(pg_temp.answer(:'r1', 'succeeded', '{"provider_refund_id": "re_1"}'), 'succeeded', 'the answer');
SELECT is((SELECT count(*) FROM saas.refunds WHERE team_id = pg_temp.team()), 1::bigint, 'one refund');
SELECT is(pg_temp.op(:'r1'), 'succeeded 300 re_1', 'one operation');
SELECT is((SELECT count(*) FROM saas.payment_transactions WHERE payment_id = pg_temp.pay('ch_1') AND operation = 'refund'), 1::bigint, 'and no other');
SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_1'), 200, 'ref3') AS r2 \gset
SELECT is(pg_temp.answer(:'r2', 'failed', '{"failure_code": "insufficient_funds"}'), 'failed', 'a refused refund');
SELECT is((pg_temp.payment('ch_1')).amount_refunded, 300::bigint, 'gives the money back');
SELECT is((SELECT failure_reason FROM saas.refunds WHERE id = (:'r2'::jsonb ->> 'refund_id')::uuid), 'insufficient_funds', 'and says why');
SELECT is((pg_temp.deliver(pg_temp.event('evt_9', 50, pg_temp.dispute('dp_1', 'ch_1', 600, 'needs_response')))).outcome, 'processed', 'a dispute');
SELECT throws_ok($$SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_1'), 101, 'ref4')$$, 'SA078', NULL, 'what is in dispute is not refunded');
SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_1'), 100, 'ref5') AS r3 \gset
SELECT is(pg_temp.answer(:'r3', 'succeeded', '{"provider_refund_id": "re_3"}'), 'succeeded', 'the answer before the event');
SELECT is((pg_temp.deliver(pg_temp.event('evt_10', 60, pg_temp.refund('re_3', 'ch_1', 100, 'succeeded')))).outcome, 'processed', 'which finds it');
SELECT is(pg_temp.op(:'r3'), 'succeeded 100 re_3', 'as it was');
SELECT results_eq($$SELECT (p).amount_refunded, (p).amount_disputed, (p).is_overdrawn FROM pg_temp.payment('ch_1') AS p$$, 'VALUES (400::bigint, 600::bigint, false)', 'all of it is taken, none twice');
SELECT throws_ok(format('INSERT INTO saas.refunds (team_id, payment_id, provider, amount, currency, status) VALUES (pg_temp.team(), %L, %L, 1, %L, %L)', pg_temp.pay('ch_1'), 'stripe', 'USD', 'pending'), 'SA078', NULL, 'not even without the function');
SELECT throws_ok($$SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_2'), 9223372036854775807, 'ref6')$$, 'SA078', NULL, 'a huge amount');

-- Given up.
SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_2'), 10, 'ref7') AS r4 \gset
UPDATE saas.provider_requests SET max_attempts = 1 WHERE id = (pg_temp.asked(:'r4')).id;
SELECT is(pg_temp.answer(:'r4', 'retry'), 'dead', 'given up, not done');
SELECT is((pg_temp.payment('ch_2')).amount_refunded, 0::bigint, 'has failed');
SELECT throws_ok(format('SELECT saas.revive_provider_request(pg_temp.team(), %L)', (pg_temp.asked(:'r4')).id), 'SA080', NULL, 'for good');
SELECT saas.refund_payment(pg_temp.team(), pg_temp.pay('ch_2'), 10, 'ref8') AS r5 \gset
UPDATE saas.provider_requests SET max_attempts = 1 WHERE id = (pg_temp.asked(:'r5')).id;
SELECT is(pg_temp.answer(:'r5', 'unknown'), 'dead', 'given up in doubt');
SELECT is(pg_temp.op(:'r5'), 'unknown 10', 'stays unknown');
SELECT is((pg_temp.payment('ch_2')).amount_refunded, 10::bigint, 'and counts');
SELECT lives_ok(format('SELECT saas.revive_provider_request(pg_temp.team(), %L)', (pg_temp.asked(:'r5')).id), 'looked up again');
SELECT is(pg_temp.answer(:'r5', 'pending'), 'succeeded', 'the provider has it');
SELECT is(pg_temp.op(:'r5'), 'pending 10', 'an event will tell');

-- Who may.
SELECT pg_temp.member('member') AS member, pg_temp.member('viewer') AS viewer \gset
SELECT pg_temp.pay('ch_2') AS ch2 \gset
SELECT saas.set_context(pg_temp.team(), :'viewer') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.create_payment_intent(saas.current_team_id(), 1000, 'usd', 'stripe', 'p1')$$, '42501', NULL, 'a viewer creates nothing');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT lives_ok($$SELECT saas.create_payment_intent(saas.current_team_id(), 1000, 'usd', 'stripe', 'p2')$$, 'a member does');
SELECT throws_ok(format('SELECT saas.refund_payment(saas.current_team_id(), %L, 1, %L)', :'ch2', 'p3'), '42501', NULL, 'but refunds nothing');
SELECT throws_ok(format('SELECT saas.capture_payment(saas.current_team_id(), %L, 1, %L)', :'ch2', 'p4'), '42501', NULL, 'nor captures');
SELECT throws_ok(format('SELECT saas.cancel_payment_intent(saas.current_team_id(), %L, %L)', :'i1'::jsonb ->> 'payment_intent_id', 'p5'), '42501', NULL, 'nor cancels');
SELECT throws_ok($$SELECT saas.claim_provider_requests('stripe', 1, 'w')$$, '42501', NULL, 'the application claims nothing');
SELECT throws_ok(format('SELECT saas.complete_provider_request(saas.current_team_id(), %L, 1, %L)', gen_random_uuid(), 'succeeded'), '42501', NULL, 'nor completes');
SELECT throws_ok($$SELECT saas.claim_idempotency_key(saas.current_team_id(), 'x', 'y', '{}')$$, '42501', NULL, 'nor takes a key for itself');
RESET ROLE;
SELECT saas.set_context(pg_temp.team()) \g /dev/null
SET LOCAL ROLE saas_service;
SELECT lives_ok(format('SELECT saas.refund_payment(saas.current_team_id(), %L, 1, %L)', :'ch2', 'p6'), 'a worker refunds');
RESET ROLE;
SELECT saas.set_context(saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), (SELECT owner FROM fixture)), (SELECT owner FROM fixture)) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.refund_payment(%L, %L, 1, %L)', (SELECT team FROM fixture), :'ch2', 'p7'), '42501', NULL, 'nobody in another team');
SELECT throws_ok(format('SELECT saas.refund_payment(saas.current_team_id(), %L, 1, %L)', :'ch2', 'p8'), 'SA081', NULL, 'nor another team''s payment');
RESET ROLE;
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
