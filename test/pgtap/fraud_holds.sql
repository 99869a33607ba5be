-- What a decision holds back: confirmations and captures, by functions and by webhooks, as the roles that call them.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
SELECT saas.create_user('holds-member@example.com') AS member, saas.create_user('holds-admin@example.com') AS admin,
    saas.create_user('holds-viewer@example.com') AS viewer, saas.create_user('holds-other@example.com') AS other \gset
SELECT team, owner FROM fixture \gset
INSERT INTO saas.team_members (team_id, user_id, role) VALUES
    (:'team', :'member', 'member'), (:'team', :'admin', 'admin'), (:'team', :'viewer', 'viewer');
SELECT saas.create_team('Other', 'holds-other', :'other') AS other_team \gset
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
    (:'team', 'bad card', 'BLOCK IF :payment_method_id: = ''pm_bad'''),
    (:'team', 'bad device', 'BLOCK IF :device.id: = ''bad'''),
    (:'team', 'look', 'REVIEW IF ::test:: = ''review''');
CREATE FUNCTION pg_temp.make(p_key text, p_test text, p_capture text DEFAULT 'manual', p_method text DEFAULT NULL)
RETURNS uuid LANGUAGE sql AS $$
    SELECT (saas.create_payment_intent(
        pg_temp.team(), 1000, 'usd', 'stripe', p_key, p_capture, p_provider_payment_method_id => p_method,
        p_metadata => jsonb_build_object('test', p_test)
    ) ->> 'payment_intent_id')::uuid
$$;
CREATE FUNCTION pg_temp.latest(p_intent uuid) RETURNS saas.fraud_assessments LANGUAGE sql AS $$
    SELECT a FROM saas.fraud_assessments AS a
    WHERE a.team_id = pg_temp.team() AND a.payment_intent_id = p_intent ORDER BY a.assessed_at DESC, a.id DESC LIMIT 1
$$;
-- A worker sends the queued request of that kind and reports what came of it.
CREATE FUNCTION pg_temp.answer(p_intent uuid, p_kind text, p_outcome text, p_response jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_row saas.provider_requests;
BEGIN
    DELETE FROM saas.provider_requests WHERE team_id = pg_temp.team() AND kind = 'create_intent';
    UPDATE saas.provider_requests SET next_attempt_at = CASE WHEN payment_intent_id = p_intent AND kind = p_kind THEN '-infinity'::timestamptz ELSE 'infinity' END
    WHERE team_id = pg_temp.team() AND status = 'queued';
    SELECT c.* INTO v_row FROM saas.claim_provider_requests('stripe', 1, 'tester') AS c;
    RETURN saas.complete_provider_request(v_row.team_id, v_row.id, v_row.attempts, p_outcome, p_response);
END $$;

-- A blocked attempt is not confirmed, in whichever state it is.
SELECT saas.set_context(:'team', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT pg_temp.make('b1', 'no', p_method => 'pm_bad') AS blocked, pg_temp.make('b2', 'no') AS later, pg_temp.make('b3', 'no', p_method => 'pm_good') AS acting \gset
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L)', :'team', :'blocked', 'c1'), 'SA069', NULL, 'a member does not confirm a blocked attempt');
SELECT throws_ok(
    format('SELECT saas.confirm_payment_intent(%L, %L, %L, %L)', :'team', :'later', 'c2', 'pm_bad'), 'SA069', NULL,
    'nor one that becomes blocked by the payment method it is confirmed with'
);
SELECT is((SELECT i.status FROM saas.payment_intents AS i WHERE i.id = :'later'), 'requires_payment_method', 'nothing of that stays');
SELECT lives_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L, %L)', :'team', :'later', 'c3', 'pm_good'), 'with another one it is confirmed');
SELECT is((pg_temp.latest(:'later')).attributes ->> 'payment_method_id', 'pm_good', 'and was assessed with it');
SELECT saas.confirm_payment_intent(:'team', :'acting', 'c4') \g /dev/null
RESET ROLE;
SELECT is(pg_temp.answer(:'acting', 'confirm_intent', 'succeeded', '{"provider_intent_id": "pi_acting", "status": "requires_action"}'), 'succeeded', 'the customer has to act');
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    format('SELECT saas.confirm_payment_intent(%L, %L, %L, %L)', :'team', :'acting', 'c5', 'pm_bad'), 'SA069', NULL,
    'a confirmation after that is held back, too, though the state stays'
);
RESET ROLE;
SELECT saas.set_context(:'team') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L)', :'team', :'blocked', 'c6'), 'SA069', NULL, 'nor does a worker');
RESET ROLE;

-- What the application knows counts, and stays whatever the provider reports.
SELECT saas.set_context(:'team', :'viewer') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.describe_payment_intent(%L, %L, %L)', :'team', :'blocked', '{}'), '42501', NULL, 'a viewer describes nothing');
RESET ROLE;
SELECT saas.set_context(:'other_team', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.describe_payment_intent(%L, %L, %L)', :'team', :'blocked', '{}'), '42501', NULL, 'nor the owner of another team');
SELECT throws_ok(format('SELECT saas.describe_payment_intent(%L, %L, %L)', :'other_team', :'blocked', '{}'), 'SA081', NULL, 'nor under the own name');
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok(format('SELECT saas.describe_payment_intent(%L, %L, %L)', :'team', :'blocked', '{}'), '42501', NULL, 'nor a visitor');
RESET ROLE;
SELECT saas.set_context(:'team', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((saas.describe_payment_intent(:'team', :'blocked', '{}', 'pm_good')).decision, 'approve', 'another payment method, another decision');
SELECT is((saas.describe_payment_intent(:'team', :'blocked', '{"device": {"id": "bad"}}')).decision, 'block', 'a device is blocked');
SELECT is((saas.describe_payment_intent(:'team', :'blocked', '{"email": "a@mail.example"}')).decision, 'block', 'what was said before stays');
SELECT is((saas.describe_payment_intent(:'team', :'blocked', '{"amount": 1, "payment_method_id": "x"}')).attributes -> 'amount', '1000', 'the columns of the intent count');
SELECT throws_ok(format('SELECT saas.describe_payment_intent(%L, %L, %s)', :'team', :'blocked', a.attributes), a.code, NULL, a.name)
FROM (VALUES
    ('NULL', '22023', 'no attributes'), ($$'[]'$$, '22023', 'an array of attributes'), ($$'1'$$, '22023', 'a number'),
    ($$jsonb_build_object('x', repeat('x', 70000))$$, '22023', 'huge attributes'),
    ($$'{}', ''$$, '22023', 'an empty payment method'), ($$'{}', repeat('x', 600)$$, '22023', 'a long one')
) AS a (attributes, code, name);
SELECT lives_ok(format($$SELECT saas.describe_payment_intent(%L, %L, jsonb_build_object('x', repeat('x', 40000)))$$, :'team', :'acting'), 'large attributes');
SELECT throws_ok(
    format($$SELECT saas.describe_payment_intent(%L, %L, jsonb_build_object('y', repeat('x', 40000)))$$, :'team', :'acting'), '54000', NULL, 'but not again and again'
);
SELECT throws_ok(format('SELECT saas.describe_payment_intent(%L, %L, %L)', :'team', gen_random_uuid(), '{}'), 'SA081', NULL, 'an unknown intent');
SELECT throws_ok(format('SELECT saas.describe_payment_intent(%L, %L, %L)', :'team', :'later', '{}'), 'SA082', NULL, 'not after the confirmation');
SELECT saas.describe_payment_intent(:'team', :'acting', '{"device": {"id": "good"}, "email": "told@mail.example"}') \g /dev/null
RESET ROLE;
SELECT is((pg_temp.deliver(pg_temp.event('evt_s', 60, pg_temp.intent('pi_acting', 'requires_action', '{"receipt_email": "seen@mail.example", "description": "shoes"}')))).outcome, 'processed', 'an event about it');
SELECT results_eq(
    format('SELECT i.attributes #>> %L, i.attributes ->> %L, i.attributes ->> %L FROM saas.payment_intents AS i WHERE i.id = %L', '{device,id}', 'email', 'description', :'acting'),
    $$VALUES ('good', 'told@mail.example', 'shoes')$$, 'adds to what the application said and takes nothing of it away'
);

-- A review holds captures, however they are asked for.
SELECT saas.set_context(:'team', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT pg_temp.make('r1', 'review', p_method => 'pm_good') AS manual, pg_temp.make('r2', 'review', 'automatic', 'pm_good') AS automatic,
    pg_temp.make('r3', 'review', p_method => 'pm_good') AS declined \gset
SELECT lives_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L)', :'team', i.id, i.key), 'a payment in review is authorized')
FROM (VALUES (:'manual'::uuid, 'm1'), (:'declined', 'm2')) AS i (id, key);
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L)', :'team', :'automatic', 'm3'), 'SA069', NULL, 'but not where that captures it');
RESET ROLE;
SELECT is(pg_temp.answer(:'manual', 'confirm_intent', 'succeeded', '{"provider_intent_id": "pi_m", "status": "requires_capture"}'), 'succeeded', 'it is authorized');
SELECT is(pg_temp.answer(:'declined', 'confirm_intent', 'succeeded', '{"provider_intent_id": "pi_d", "status": "requires_capture"}'), 'succeeded', 'so is the other');
SELECT pg_temp.deliver(pg_temp.event('evt_1', 70, pg_temp.charge('ch_m', 'pi_m', 'succeeded', false))),
    pg_temp.deliver(pg_temp.event('evt_2', 70, pg_temp.charge('ch_d', 'pi_d', 'succeeded', false))) \g /dev/null
SELECT (pg_temp.latest(:'manual')).id AS review, (pg_temp.latest(:'declined')).id AS review_d,
    (SELECT p.id FROM saas.payments AS p WHERE p.provider_payment_id = 'ch_m' AND p.team_id = :'team') AS payment,
    (SELECT p.id FROM saas.payments AS p WHERE p.provider_payment_id = 'ch_d' AND p.team_id = :'team') AS payment_d \gset
SELECT saas.set_context(:'team', :'admin') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.capture_payment(%L, %L, 1000, %L)', :'team', :'payment', 'p1'), 'SA069', NULL, 'an admin does not capture it');
SELECT throws_ok(format('SELECT saas.capture_payment(%L, %L, 1, %L)', :'team', :'payment', 'p2'), 'SA069', NULL, 'not a part of it either');
RESET ROLE;
SELECT saas.set_context(:'team') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT throws_ok(format('SELECT saas.capture_payment(%L, %L, 1000, %L)', :'team', :'payment', 'p3'), 'SA069', NULL, 'nor does a worker');
RESET ROLE;
SELECT is_empty(format($$SELECT FROM saas.provider_requests WHERE kind = 'capture' AND payment_intent_id = %L$$, :'manual'), 'nobody asks the provider');
SELECT is_empty(format($$SELECT FROM saas.payment_transactions WHERE operation = 'capture' AND payment_id = %L$$, :'payment'), 'and no operation begins');
SELECT saas.set_context(:'team', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((saas.decide_review(:'team', :'review', 'approve')).state, 'approved', 'a member approves');
SELECT is((saas.decide_review(:'team', :'review_d', 'decline')).state, 'declined', 'and declines the other');
RESET ROLE;
SELECT saas.set_context(:'team', :'admin') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.capture_payment(%L, %L, 1000, %L)', :'team', :'payment', 'p4'), 'the first is captured');
SELECT throws_ok(format('SELECT saas.capture_payment(%L, %L, 1000, %L)', :'team', :'payment_d', 'p5'), 'SA069', NULL, 'the second never');
SELECT lives_ok(format('SELECT saas.cancel_payment_intent(%L, %L, %L)', :'team', :'declined', 'p6'), 'but canceled');
RESET ROLE;

-- What a person declined stays so when it is assessed anew, until a person approves.
SELECT saas.set_context(:'team', :'member') \g /dev/null
SELECT pg_temp.make('d1', 'review', p_method => 'pm_good') AS again \gset
SELECT (saas.decide_review(:'team', (pg_temp.latest(:'again')).id, 'decline')).state \g /dev/null
SELECT is((saas.assess_payment(:'team', :'again')).decision, 'review', 'a new assessment asks again');
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L)', :'team', :'again', 'd2'), 'SA069', NULL, 'meanwhile the payment stays declined');
UPDATE saas.payment_intents SET metadata = '{}' WHERE id = :'again';
SELECT is((pg_temp.latest(:'again')).decision, 'approve', 'rules that do not match any more');
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L)', :'team', :'again', 'd3'), 'SA069', NULL, 'do not overrule a person');
UPDATE saas.payment_intents SET metadata = '{"test": "review"}' WHERE id = :'again';
SELECT is((saas.decide_review(:'team', (pg_temp.latest(:'again')).id, 'approve')).state, 'approved', 'another person may');
SELECT lives_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L)', :'team', :'again', 'd4'), 'then it is confirmed');

-- What the provider did is a fact: an answer is taken even when the payment was blocked meanwhile.
SELECT saas.set_context(:'team', :'member') \g /dev/null
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES (:'team', 'late', 'BLOCK IF ::test:: = ''late''');
UPDATE saas.fraud_detection_rules SET enabled = false WHERE name = 'late' AND team_id = :'team';
SELECT pg_temp.make('f1', 'late', p_method => 'pm_good') AS answered, pg_temp.make('f2', 'review', p_method => 'pm_good') AS captured \gset
SELECT saas.confirm_payment_intent(:'team', :'answered', 'f3'), saas.confirm_payment_intent(:'team', :'captured', 'f4') \g /dev/null
UPDATE saas.fraud_detection_rules SET enabled = true WHERE name = 'late' AND team_id = :'team';
SELECT is((saas.assess_payment(:'team', :'answered')).decision, 'block', 'blocked after it was confirmed');
SELECT is(pg_temp.answer(:'answered', 'confirm_intent', 'succeeded', '{"provider_intent_id": "pi_f1", "status": "requires_capture"}'), 'succeeded', 'the answer is taken');
SELECT results_eq(
    format('SELECT i.status, i.fraud_flag FROM saas.payment_intents AS i WHERE i.id = %L', :'answered'),
    $$VALUES ('requires_capture', 'confirmed_although_blocked')$$, 'and flagged'
);
SELECT is((pg_temp.deliver(pg_temp.event('evt_3', 80, pg_temp.intent('pi_f2', 'succeeded', jsonb_build_object(
    'metadata', jsonb_build_object('saas_intent_id', :'captured', 'test', 'review')))))).outcome, 'processed', 'an event tells of a capture');
SELECT results_eq(
    format('SELECT i.status, i.fraud_flag FROM saas.payment_intents AS i WHERE i.id = %L', :'captured'),
    $$VALUES ('succeeded', 'captured_before_review')$$, 'which is flagged, too'
);
UPDATE saas.fraud_detection_rules SET enabled = false WHERE team_id = :'team';
SELECT pg_temp.make('f5', 'no', p_method => 'pm_good') AS late \gset
SELECT saas.confirm_payment_intent(:'team', :'late', 'f6') \g /dev/null
SELECT pg_temp.deliver(pg_temp.event('evt_4', 80, pg_temp.intent('pi_f5', 'succeeded', jsonb_build_object('metadata', jsonb_build_object('saas_intent_id', :'late', 'test', 'no'))))) \g /dev/null
UPDATE saas.fraud_detection_rules SET enabled = true WHERE team_id = :'team';
SELECT pg_temp.deliver(pg_temp.event('evt_5', 90, pg_temp.intent('pi_f5', 'succeeded', jsonb_build_object('metadata', jsonb_build_object('saas_intent_id', :'late', 'test', 'review'))))) \g /dev/null
SELECT results_eq(
    format('SELECT (pg_temp.latest(i.id)).decision, i.fraud_flag FROM saas.payment_intents AS i WHERE i.id = %L', :'late'),
    $$VALUES ('review', NULL)$$, 'what is doubted after it was captured was not captured too early'
);
SELECT throws_ok(
    format('INSERT INTO saas.provider_requests (team_id, provider, kind, payment_intent_id, request) VALUES (%L, %L, %L, %L, %L)',
        :'team', 'stripe', 'confirm_intent', :'answered', '{}'), 'SA069', NULL, 'not even the owner asks for more'
);

-- Of a payment that the provider charged, the card is known with the charge: rules see it, and so does history.
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
    (:'team', 'card country', 'REVIEW IF :card_country: = ''KP'''),
    (:'team', 'card often', 'TAG ''often'' IF :total_charges_per_card_number_hourly: = 1');
CREATE FUNCTION pg_temp.charged(p_no text, p_card jsonb, p_intent_first boolean) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    IF p_intent_first THEN
        PERFORM pg_temp.deliver(pg_temp.event('evt_i' || p_no, 90, pg_temp.intent('pi_c' || p_no, 'requires_capture', '{"capture_method": "manual"}')));
    END IF;
    PERFORM pg_temp.deliver(pg_temp.event('evt_c' || p_no, 90, pg_temp.charge('ch_c' || p_no, 'pi_c' || p_no, 'succeeded', false,
        jsonb_build_object('payment_method_details', jsonb_build_object('type', 'card', 'card', p_card)))));
    IF NOT p_intent_first THEN
        PERFORM pg_temp.deliver(pg_temp.event('evt_i' || p_no, 90, pg_temp.intent('pi_c' || p_no, 'requires_capture', '{"capture_method": "manual"}')));
    END IF;
    RETURN (SELECT i.id FROM saas.payment_intents AS i WHERE i.team_id = pg_temp.team() AND i.provider_intent_id = 'pi_c' || p_no);
END $$;
SELECT pg_temp.charged('1', '{"country": "US", "fingerprint": "fp_1", "brand": "visa", "last4": "4242"}', true) AS card1,
    pg_temp.charged('2', '{"country": "KP", "fingerprint": "fp_1"}', false) AS card2 \gset
SELECT results_eq(
    format('SELECT i.attributes ->> %L, i.attributes ->> %L FROM saas.payment_intents AS i WHERE i.id IN (%L, %L) ORDER BY i.created_at, i.id', 'card_country', 'card_fingerprint', :'card1', :'card2'),
    $$VALUES ('US', 'fp_1'), ('KP', 'fp_1')$$, 'the card is among the attributes, whichever event came first'
);
SELECT is((pg_temp.latest(:'card2')).decision, 'review', 'a rule about the card matches when it is known');
SELECT ok((pg_temp.latest(:'card2')).matched @> '[{"tag": "often"}]', 'history knows the card of the payment before');
SELECT saas.set_context(:'team', :'admin') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.capture_payment(%L, %L, 1000, %L)', :'team', p.id, 'card' || p.id), 'SA069', NULL, 'and holds the capture')
FROM saas.payments AS p WHERE p.payment_intent_id = :'card2';
RESET ROLE;
SELECT saas.set_context(:'team', :'member') \g /dev/null
SELECT pg_temp.deliver(pg_temp.event('evt_cc', 95, pg_temp.charge('ch_c2b', 'pi_c2', 'succeeded', false,
    '{"payment_method_details": {"type": "card", "card": {"country": "FR", "fingerprint": "fp_2"}}}'))) \g /dev/null
SELECT is((SELECT i.attributes ->> 'card_country' FROM saas.payment_intents AS i WHERE i.id = :'card2'), 'FR', 'another card takes the place of the first');
SELECT pg_temp.deliver(pg_temp.event('evt_ci', 99, pg_temp.intent('pi_c2', 'requires_capture', '{"capture_method": "manual", "description": "hats"}'))) \g /dev/null
SELECT results_eq(
    format('SELECT i.attributes ->> %L, i.attributes ->> %L FROM saas.payment_intents AS i WHERE i.id = %L', 'card_fingerprint', 'description', :'card2'),
    $$VALUES ('fp_2', 'hats')$$, 'and stays when the intent is reported anew'
);

-- The last assessment decides, even if its transaction began first.
SELECT pg_temp.make('o1', 'no', p_method => 'pm_good') AS ordered \gset
ALTER TABLE saas.fraud_assessments DISABLE TRIGGER USER;
UPDATE saas.fraud_assessments SET assessed_at = now() + interval '1 minute' WHERE payment_intent_id = :'ordered';
ALTER TABLE saas.fraud_assessments ENABLE TRIGGER USER;
SELECT is((saas.describe_payment_intent(:'team', :'ordered', '{"device": {"id": "bad"}}')).decision, 'block', 'it is blocked');
SELECT throws_ok(format('SELECT saas.confirm_payment_intent(%L, %L, %L)', :'team', :'ordered', 'o2'), 'SA069', NULL, 'and held back');
SELECT ok((SELECT count(DISTINCT a.assessed_at) = count(*) FROM saas.fraud_assessments AS a WHERE a.payment_intent_id = :'ordered'), 'no two at one time');
SELECT ok((saas.replay_assessment((pg_temp.latest(:'ordered')).id, :'team')).is_equal, 'and it is reproduced');

-- Changes of the platform's rules are recorded, where no team reads them.
SELECT throws_ok($$SELECT saas.set_platform_fraud_rule('trail', 'BLOCK IF false')$$, 'SA128', NULL, 'the platform does not change its rules in the name of a team');
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_service;
SELECT lives_ok($$SELECT saas.set_platform_fraud_rule('trail', 'BLOCK IF false')$$, 'but outside of one');
SELECT saas.set_platform_fraud_rule('trail', 'TAG ''x'' IF false'), saas.remove_platform_fraud_rule('trail') \g /dev/null
RESET ROLE;
SELECT results_eq(
    $$SELECT l.operation::text, l.old_values ->> 'rule', l.new_values ->> 'rule', l.db_role IS NOT NULL FROM saas.audit_logs AS l
      WHERE l.table_name = 'saas.platform_fraud_rules' AND l.team_id = '00000000-0000-0000-0000-000000000000' AND l.xact_id = pg_current_xact_id() ORDER BY l.id$$,
    $$VALUES ('I', NULL, 'BLOCK IF false', true), ('U', 'BLOCK IF false', 'TAG ''x'' IF false', true), ('D', 'TAG ''x'' IF false', NULL, true)$$, 'each change is in the log'
);
SELECT saas.set_context(:'team', :'owner') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty($$SELECT FROM saas.audit_logs WHERE table_name = 'saas.platform_fraud_rules'$$, 'the owner of a team does not see it');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
