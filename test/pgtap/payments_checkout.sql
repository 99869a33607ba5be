-- Checkout sessions, tokens of payment methods, and no card numbers anywhere.
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
SELECT pg_temp.member('viewer') AS viewer, pg_temp.member('member') AS member, owner FROM fixture \gset
CREATE FUNCTION pg_temp.session(p_result jsonb) RETURNS saas.payment_sessions LANGUAGE sql AS $$
    SELECT s.* FROM saas.payment_sessions AS s WHERE s.team_id = pg_temp.team() AND s.id = (p_result ->> 'payment_session_id')::uuid
$$;
CREATE FUNCTION pg_temp.event_of(p_result jsonb, p_ref text, p_status text) RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.deliver(pg_temp.event('evt_' || p_ref, 10, pg_temp.intent(p_ref, p_status, jsonb_build_object('metadata', jsonb_build_object('saas_intent_id', p_result ->> 'payment_intent_id')))))).outcome
$$;

SELECT saas.set_context(pg_temp.team(), :'viewer');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.create_payment_session(pg_temp.team(), 1000, 'usd', 'stripe', 'k')$$, '42501', NULL, 'a viewer opens no session');
SELECT throws_ok($$SELECT saas.save_payment_method(pg_temp.team(), 'stripe', 'cus_1', 'pm_1', 'k')$$, '42501', NULL, 'and saves no payment method');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
SELECT saas.create_payment_session(pg_temp.team(), 1000, 'usd', 'stripe', 's1', p_client_reference => 'cart 7', p_success_url => 'https://shop.example/thanks') AS s1 \gset
SELECT is(saas.create_payment_session(pg_temp.team(), 1000, 'USD', 'stripe', 's1', p_client_reference => 'cart 7', p_success_url => 'https://shop.example/thanks'), :'s1'::jsonb, 'the same request returns the first result');
SELECT throws_ok($$SELECT saas.create_payment_session(pg_temp.team(), 1001, 'usd', 'stripe', 's1')$$, 'SA077', NULL, 'another one under the same key');
SELECT is((SELECT count(*) FROM saas.payment_intents), 1::bigint, 'it has one intent');
SELECT is((SELECT kind FROM saas.provider_requests), 'create_intent', 'which the provider is asked for');
SELECT ok((pg_temp.session(:'s1')).expires_at - now() BETWEEN interval '23 hours' AND interval '25 hours', 'for a day');
SELECT throws_ok(format('SELECT saas.create_payment_session(pg_temp.team(), %s)', a.arguments), a.code, NULL, a.name)
FROM (VALUES
    ($$0, 'usd', 'stripe', 'e'$$, '22023', 'nothing to pay'), ($$1, 'usd', 'adyen', 'e'$$, 'SA081', 'a provider that is not set up'),
    ($$1, 'usd', 'stripe', 'e', '1 second'$$, '22023', 'for a second'), ($$1, 'usd', 'stripe', 'e', '1 year'$$, '22023', 'for a year'), ($$1, 'usd', 'stripe', 'e', NULL$$, '22023', 'for ever'),
    ($$1, 'usd', 'stripe', 'e', p_success_url => 'javascript:alert(1)'$$, '23514', 'a script as address'), ($$1, 'usd', 'stripe', 'e', p_metadata => '[]'$$, '22023', 'metadata that are no object'),
    ($$1, 'usd', 'stripe', 'e', p_client_reference => '4242424242424242'$$, 'SA090', 'a card as reference'), ($$1, 'usd', 'stripe', 'e', p_client_reference => '4242.4242.4242.4242'$$, 'SA090', 'one with dots'), ($$1, 'usd', 'stripe', 'e', p_metadata => jsonb_build_object('note', E'card\n4242424242424242')$$, 'SA090', 'one on a line of its own'), ($$1, 'usd', 'stripe', 'e', p_metadata => '{"pan": 4242424242424242}'$$, 'SA090', 'a card as metadata')
) AS a (arguments, code, name);
SELECT throws_ok(format('SELECT saas.complete_payment_session(pg_temp.team(), %L, %L)', :'s1'::jsonb ->> 'payment_session_id', 'c0'), 'SA092', NULL, 'not complete before it is paid');
SELECT throws_ok($$SELECT saas.complete_payment_session(pg_temp.team(), gen_random_uuid(), 'c0')$$, 'SA081', NULL, 'a session that is none');
SELECT throws_ok($$UPDATE saas.payment_sessions SET status = 'complete'$$, '42501', NULL, 'not by hand');
RESET ROLE;
-- Paid by an event; or reported to be on its way.
SELECT is(pg_temp.event_of(:'s1', 'pi_1', 'succeeded'), 'processed', 'paid');
SELECT ok((pg_temp.session(:'s1')).status = 'complete' AND (pg_temp.session(:'s1')).completed_at IS NOT NULL, 'then it is complete');
SELECT throws_ok(format('SELECT saas.expire_payment_session(pg_temp.team(), %L, %L)', :'s1'::jsonb ->> 'payment_session_id', 'x1'), 'SA092', NULL, 'and does not expire');
SELECT saas.create_payment_session(pg_temp.team(), 1000, 'usd', 'stripe', 's2') AS s2 \gset
SELECT pg_temp.event_of(:'s2', 'pi_2', 'processing') \g /dev/null
SELECT is((pg_temp.session(:'s2')).status, 'open', 'open while it is being paid');
SELECT saas.complete_payment_session(pg_temp.team(), (:'s2'::jsonb ->> 'payment_session_id')::uuid, 'c1') AS c1 \gset
SELECT is(:'c1'::jsonb ->> 'payment_status', 'processing', 'complete, though the payment is not');
SELECT is(saas.complete_payment_session(pg_temp.team(), (:'s2'::jsonb ->> 'payment_session_id')::uuid, 'c1'), :'c1'::jsonb, 'once');
-- Expiry: by hand, by the job, and a payment that comes too late.
SELECT saas.create_payment_session(pg_temp.team(), 1000, 'usd', 'stripe', 's3') AS s3 \gset
DELETE FROM saas.provider_requests WHERE team_id = pg_temp.team();
SELECT is(saas.expire_payment_session(pg_temp.team(), (:'s3'::jsonb ->> 'payment_session_id')::uuid, 'x2') ->> 'status', 'expired', 'expired');
SELECT is((SELECT kind FROM saas.provider_requests WHERE team_id = pg_temp.team()), 'cancel_intent', 'the provider is asked to cancel');
SELECT throws_ok(format('SELECT saas.complete_payment_session(pg_temp.team(), %L, %L)', :'s3'::jsonb ->> 'payment_session_id', 'c2'), 'SA092', NULL, 'expired is not complete');
SELECT pg_temp.event_of(:'s3', 'pi_3', 'succeeded') \g /dev/null
SELECT ok((pg_temp.session(:'s3')).status = 'complete' AND (pg_temp.session(:'s3')).expired_at IS NOT NULL, 'unless it was paid after all');
SELECT saas.create_payment_session(pg_temp.team(), 1000, 'usd', 'stripe', 's4', '1 minute') AS s4, saas.create_payment_session(pg_temp.team(), 1000, 'usd', 'stripe', 's5', '1 minute') AS s5, saas.create_payment_session(pg_temp.team(), 1000, 'usd', 'stripe', 's6') AS s6 \gset
ALTER TABLE saas.payment_sessions DISABLE TRIGGER payment_sessions_20_immutable;
UPDATE saas.payment_sessions SET expires_at = now() - interval '1 second' WHERE id IN ((:'s4'::jsonb ->> 'payment_session_id')::uuid, (:'s5'::jsonb ->> 'payment_session_id')::uuid);
ALTER TABLE saas.payment_sessions ENABLE TRIGGER payment_sessions_20_immutable;
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(pg_temp.team(), %L, %L, %L)', :'s4'::jsonb ->> 'payment_intent_id', 'late', 'pm_1'), 'SA092', NULL, 'whose time has come is not confirmed, before anybody sweeps');
SELECT throws_ok('SELECT saas.expire_payment_sessions()', '42501', NULL, 'the application does not sweep');
SET LOCAL ROLE saas_service;
SELECT is(saas.expire_payment_sessions(1), 1::bigint, 'a worker does, so many at a time');
SELECT is(saas.expire_payment_sessions(), 1::bigint, 'and the rest');
SELECT is(saas.expire_payment_sessions(), 0::bigint, 'until there is none');
RESET ROLE;
SELECT is((pg_temp.session(:'s6')).status, 'open', 'what has time left is open');

-- Payment methods.
SET LOCAL ROLE saas_app;
SELECT saas.save_payment_method(pg_temp.team(), 'stripe', 'cus_1', 'pm_1', 'm1', 'Visa', '4242', 12, 2030, 'fp_1', true) AS m1 \gset
SELECT is(saas.save_payment_method(pg_temp.team(), 'stripe', 'cus_1', 'pm_1', 'm1', 'Visa', '4242', 12, 2030, 'fp_1', true), :'m1'::jsonb, 'saved once');
SELECT is(:'m1'::jsonb ->> 'is_encrypted', 'true', 'encrypted, since the keystore is open');
SELECT saas.save_payment_method(pg_temp.team(), 'stripe', 'cus_1', 'pm_2', 'm2', 'mastercard', '4444', p_is_default => true, p_encrypt => false) AS m2 \gset
SELECT is(:'m2'::jsonb ->> 'is_encrypted', 'false', 'or not');
SELECT results_eq('SELECT brand, last4, is_default FROM saas.payment_method_tokens ORDER BY id', $$VALUES ('visa', '4242', false), ('mastercard', '4444', true)$$, 'one is the default');
SELECT saas.set_default_payment_method(pg_temp.team(), (:'m1'::jsonb ->> 'payment_method_token_id')::uuid);
SELECT is((SELECT string_agg(brand, ' ') FROM saas.payment_method_tokens WHERE is_default), 'visa', 'another one');
SELECT throws_ok($$SELECT saas.set_default_payment_method(pg_temp.team(), gen_random_uuid())$$, 'SA081', NULL, 'that there is');
SELECT throws_ok($$SELECT saas.save_payment_method(pg_temp.team(), 'stripe', 'cus_2', 'pm_1', 'm3')$$, '23505', NULL, 'a token is kept once');
SELECT throws_ok('SELECT ' || a.name || ' FROM saas.payment_method_tokens', '42501', NULL, 'the application does not read ' || a.name) FROM (VALUES ('token_ciphertext'), ('token_reference'), ('token_sha256')) AS a (name);
SELECT throws_ok(format('SELECT saas.read_payment_token(pg_temp.team(), %L)', :'m1'::jsonb ->> 'payment_method_token_id'), '42501', NULL, 'nor by the function');
CREATE FUNCTION pg_temp.refusal(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_message text;
    v_detail text;
BEGIN
    EXECUTE p_statement;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, v_message, v_detail);
END
$$;
SELECT is(pg_temp.refusal($$SELECT saas.save_payment_method(pg_temp.team(), 'stripe', 'cus_1', 'pm_secret', 'm9', p_exp_month => 13, p_exp_year => 2030, p_encrypt => false)$$),
    '23514 this is no payment method It does not fulfil payment_method_tokens_exp_month_check.', 'a refusal does not show the token');
SELECT throws_ok(format('SELECT saas.save_payment_method(pg_temp.team(), %s)', a.arguments), a.code, NULL, a.name)
FROM (VALUES
    ($$'stripe', 'cus_1', '4242424242424242', 'e'$$, 'SA090', 'a card as token'), ($$'stripe', 'cus_1', '4242 4242 4242 4242', 'e'$$, 'SA090', 'in groups'),
    ($$'stripe', '4242424242424242', 'pm', 'e'$$, 'SA090', 'as customer'), ($$'stripe', 'cus_1', 'pm', 'e', p_fingerprint => '378282246310005'$$, 'SA090', 'as fingerprint'),
    ($$'stripe', 'cus_1', 'pm', 'e', p_metadata => '{"a": ["x", "5555-5555-5555-4444"]}'$$, 'SA090', 'deep in metadata'), ($$'stripe', 'cus_1', NULL, 'e'$$, '22023', 'no token'),
    ($$'stripe', 'cus_1', '', 'e'$$, '22023', 'an empty one'), ($$'stripe', 'cus_1', 'pm', 'e', p_last4 => '42424'$$, '23514', 'five last digits'), ($$'paper', 'cus_1', 'pm', 'e'$$, '23514', 'a provider that is none'),
    ($$'stripe', 'cus_1', 'pm', 'e', p_exp_month => 13, p_exp_year => 2030$$, '23514', 'a thirteenth month'), ($$'stripe', 'cus_1', 'pm', 'e', p_exp_month => 1$$, '23514', 'a month of no year')
) AS a (arguments, code, name);
SET LOCAL ROLE saas_service;
SELECT is(saas.read_payment_token(pg_temp.team(), (:'m1'::jsonb ->> 'payment_method_token_id')::uuid), 'pm_1', 'a worker reads the token');
SELECT is(saas.read_payment_token(pg_temp.team(), (:'m2'::jsonb ->> 'payment_method_token_id')::uuid), 'pm_2', 'also one that is not encrypted');
SELECT throws_ok($$SELECT saas.read_payment_token(pg_temp.team(), gen_random_uuid())$$, 'SA081', NULL, 'of a payment method that there is');
SET LOCAL ROLE saas_app;
SELECT saas.detach_payment_method(pg_temp.team(), (:'m1'::jsonb ->> 'payment_method_token_id')::uuid, 'x3') AS x3 \gset
SELECT is(saas.detach_payment_method(pg_temp.team(), (:'m1'::jsonb ->> 'payment_method_token_id')::uuid, 'x3'), :'x3'::jsonb, 'detached once');
SELECT throws_ok(format('SELECT saas.detach_payment_method(pg_temp.team(), %L, %L)', :'m1'::jsonb ->> 'payment_method_token_id', 'x4'), 'SA081', NULL, 'not twice');
SELECT throws_ok(format('SELECT saas.set_default_payment_method(pg_temp.team(), %L)', :'m1'::jsonb ->> 'payment_method_token_id'), 'SA081', NULL, 'and is nobody''s default');
SELECT lives_ok($$SELECT saas.save_payment_method(pg_temp.team(), 'stripe', 'cus_1', 'pm_1', 'm4')$$, 'then it may be attached again');
RESET ROLE;
DELETE FROM saas.provider_requests WHERE team_id = pg_temp.team() AND kind <> 'detach_payment_method';
SELECT is(saas.complete_provider_request(c.team_id, c.id, c.attempts, 'succeeded'), 'succeeded', 'the provider has detached it') FROM saas.claim_provider_requests('stripe', 1, 'w') AS c;

SELECT saas.set_context(pg_temp.team(), :'owner');
-- What callers give is refused and not repeated; what providers send is masked and applied.
SELECT throws_ok($$SELECT saas.create_payment_intent(pg_temp.team(), 5, 'usd', 'stripe', 'i1', p_description => 'card 4242424242424242')$$, 'SA090', 'description of payment_intents holds what looks like a card number', 'refused in a description');
SELECT throws_ok($$SELECT saas.create_payment_intent(pg_temp.team(), 5, 'usd', 'stripe', 'i1', p_provider_payment_method_id => '4242424242424242')$$, 'SA090', NULL, 'as a payment method');
SELECT lives_ok($$SELECT saas.create_payment_intent(pg_temp.team(), 5, 'usd', 'stripe', 'i1', p_metadata => '{"at": 1700000000000, "pi": "pi_4242424242424242", "ean": "4006381333931", "id": "01a1fe95-4111-4111-8111-111111111111"}')$$, 'times, identifiers and articles are no cards');
SELECT is((pg_temp.deliver(pg_temp.event('evt_c', 50, pg_temp.charge('ch_1', NULL, 'succeeded', true, '{"metadata": {"note": "paid by 4242 4242 4242 4242", "n": 5555555555554444}}')))).outcome, 'processed', 'an event with cards moves its money');
SELECT is((pg_temp.payment('ch_1')).metadata, '{"note": "paid by 4000 0000 0000 4242", "n": 5000000000004444}'::jsonb, 'but they are not kept in the row');
SELECT ok(payload::text LIKE '%4000 0000 0000 4242%' AND NOT saas.contains_card_number(payload::text), 'nor in the body') FROM saas.webhook_events WHERE provider_event_id = 'evt_c';
SELECT throws_ok($$SELECT saas.refund_payment(pg_temp.team(), (pg_temp.payment('ch_1')).id, 1, 'r1', 'to 378282246310005')$$, 'SA090', NULL, 'refused as the reason of a refund');
SELECT lives_ok($$SELECT saas.refund_payment(pg_temp.team(), (pg_temp.payment('ch_1')).id, 1, 'r2')$$, 'without it is made');
SELECT is(saas.complete_provider_request(c.team_id, c.id, c.attempts, 'unknown', '{"echo": "4242424242424242"}'), 'queued', 'an answer with a card') FROM saas.claim_provider_requests('stripe', 100, 'w') AS c WHERE c.kind = 'refund';
SELECT is((SELECT response FROM saas.provider_requests WHERE kind = 'refund'), '{"echo": "4000000000004242"}'::jsonb, 'is kept without it');
SELECT is(saas.contains_card_number(a.text), a.expected, a.text)
FROM (VALUES ('4242424242424242', true), ('4242-4242-4242-4242', true), ('4242424242424241', false), ('1700000000000', false), ('pi_4242424242424242', false), ('', false), (NULL, NULL)) AS a (text, expected);
SELECT is(saas.mask_card_numbers(repeat('x 4242424242424242 ', 1000)), repeat('x 4000000000004242 ', 1000), 'all of them are masked');

-- Another team.
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), :'owner') AS other \gset
SELECT saas.set_context(:'other', :'owner');
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.payment_sessions', 'another team sees no session');
SELECT is_empty('SELECT id FROM saas.payment_method_tokens', 'no payment method');
SELECT throws_ok(format('SELECT saas.expire_payment_session(%L, %L, %L)', :'other', :'s6'::jsonb ->> 'payment_session_id', 'x'), 'SA081', NULL, 'expires none');
SELECT throws_ok(format('SELECT saas.detach_payment_method(%L, %L, %L)', :'other', :'m2'::jsonb ->> 'payment_method_token_id', 'x'), 'SA081', NULL, 'and detaches none');
SET LOCAL ROLE saas_service;
SELECT throws_ok(format('SELECT saas.read_payment_token(%L, %L)', pg_temp.team(), :'m2'::jsonb ->> 'payment_method_token_id'), '42501', NULL, 'nor reads a token');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
