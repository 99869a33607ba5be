-- Decisions: thresholds, rules of the platform, replay, rests of rules, reviews and what they hold back.
BEGIN;
SELECT no_plan();

\set one '00000000-0000-7000-8000-0000000d0001'
\set two '00000000-0000-7000-8000-0000000d0002'
\set admin '00000000-0000-7000-8000-0000000d00a1'
\set member '00000000-0000-7000-8000-0000000d00a2'
\set viewer '00000000-0000-7000-8000-0000000d00a3'
\set other '00000000-0000-7000-8000-0000000d00a4'
INSERT INTO saas.users (id, email) VALUES
    (:'admin', 'admin@decisions.example'), (:'member', 'member@decisions.example'),
    (:'viewer', 'viewer@decisions.example'), (:'other', 'other@decisions.example');
INSERT INTO saas.teams (id, name, slug) VALUES
    (:'one', 'One', 'decisions-one'), (:'two', 'Two', 'decisions-two');
INSERT INTO saas.team_members (team_id, user_id, role) VALUES
    (:'one', :'admin', 'admin'), (:'one', :'member', 'member'), (:'one', :'viewer', 'viewer'),
    (:'two', :'other', 'owner');
INSERT INTO saas.fraud_lists (team_id, id, alias, kind) VALUES (:'one', :'one', 'bad', 'email');
INSERT INTO saas.fraud_list_items (team_id, list_id, value) VALUES (:'one', :'one', 'eve@mail.example');
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
    (:'one', 'listed', 'REVIEW IF :email: IN @bad'),
    (:'one', 'scored', 'SCORE +60 IF :amount: > 10000'),
    (:'one', 'often', 'BLOCK IF count(FROM attempts BY :email: OVER 1h) > 50 AND NOT snoozed(:customer:)'),
    (:'one', 'model', 'TAG ''likely'' IF model_score(''m'') > 0.5'),
    (:'one', 'resting', 'BLOCK IF ::test:: = ''rest'' AND NOT snoozed(:customer:)'),
    (:'one', 'fails', 'BLOCK IF ::test:: = ''error'' AND 1 / (:amount: - :amount:) > 1');

PREPARE intent (uuid, bigint, jsonb, jsonb) AS
    INSERT INTO saas.payment_intents (
        team_id, id, provider, amount, currency, status, attributes, metadata, provider_customer_id, capture_method
    )
    VALUES (
        '00000000-0000-7000-8000-0000000d0001', $1, 'stripe', $2, 'EUR', 'requires_confirmation', $3, $4, 'cus_1',
        'manual'
    );
CREATE FUNCTION pg_temp.latest(p_intent uuid) RETURNS saas.fraud_assessments LANGUAGE sql AS $$
    SELECT a FROM saas.fraud_assessments AS a WHERE a.payment_intent_id = p_intent ORDER BY a.id DESC LIMIT 1
$$;

-- A model, its champion and a challenger.
SELECT saas.set_context(:'one', :'admin') \g /dev/null
SELECT saas.import_fraud_model(:'one', 'm', 'logistic',
    convert_to('{"intercept": -1, "features": [{"name": "amount", "coefficient": 1, "mean": 0, "scale": 1000}]}', 'UTF8'), '{}') \g /dev/null
SELECT saas.import_fraud_model(:'one', 'm', 'logistic',
    convert_to('{"intercept": -5, "features": [{"name": "amount", "coefficient": 1, "mean": 0, "scale": 1000}]}', 'UTF8'), '{}') \g /dev/null
SELECT saas.activate_fraud_model(:'one', 'm', 1), saas.activate_fraud_model(:'one', 'm', 2, 'challenger') \g /dev/null

-- Thresholds.
SET LOCAL ROLE saas_app;
SELECT is((saas.assess(:'one', '{"amount": 20000}')).decision, 'review', 'a score of 60 is reviewed by default');
SELECT is((saas.set_fraud_settings(:'one', p_block_from => 60)).review_from, 50, 'what is not given stays');
SELECT is((saas.assess(:'one', '{"amount": 20000}')).decision, 'block', 'the team blocks from 60 on, at once');
SELECT is((saas.set_fraud_settings(:'one', p_block_from => 101, p_challenge_from => 60)).block_from, 101, 'never block by score');
SELECT is((saas.assess(:'one', '{"amount": 20000}')).decision, 'challenge', 'a score may ask for authentication');
SELECT is(
    (saas.assess(:'one', '{"amount": 5, "metadata": {"test": "error"}}')).decision, 'approve', 'a failed rule is ignored by default'
);
SELECT is((saas.set_fraud_settings(:'one', p_on_error => 'review')).on_error, 'review', 'a failed rule asks for a review');
SELECT is((saas.assess(:'one', '{"amount": 5, "metadata": {"test": "error"}}')).decision, 'review', 'and gets it');
SELECT is((saas.set_fraud_settings(:'one', p_on_error => 'block', p_challenge_from => 101)).on_error, 'block', 'or blocks');
SELECT is((saas.assess(:'one', '{"amount": 5, "metadata": {"test": "error"}}')).decision, 'block', 'and does');
SELECT throws_ok(
    $$SELECT saas.set_fraud_settings('00000000-0000-7000-8000-0000000d0001', 102)$$, '22023', NULL, 'a threshold beyond 101'
);
SELECT throws_ok(
    $$SELECT saas.set_fraud_settings('00000000-0000-7000-8000-0000000d0001', -1)$$, '22023', NULL, 'a negative threshold'
);
SELECT throws_ok(
    $$SELECT saas.set_fraud_settings('00000000-0000-7000-8000-0000000d0001', p_on_error => 'explode')$$,
    '22023', NULL, 'an unknown policy'
);
SELECT throws_ok($$UPDATE saas.fraud_settings SET block_from = 101$$, '42501', NULL, 'thresholds are set by the function only');
RESET ROLE;
SELECT saas.set_context(:'one', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    $$SELECT saas.set_fraud_settings('00000000-0000-7000-8000-0000000d0001', 1)$$, '42501', NULL, 'a member sets no thresholds'
);
SELECT is((SELECT s.on_error FROM saas.fraud_settings AS s), 'block', 'but reads them');
RESET ROLE;
SELECT saas.set_context(:'two', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    $$SELECT saas.set_fraud_settings('00000000-0000-7000-8000-0000000d0001', 1)$$, '42501', NULL,
    'the owner of another team sets no thresholds here'
);
SELECT is_empty('SELECT FROM saas.fraud_settings', 'nor reads them');
RESET ROLE;
SELECT isnt_empty(
    $$SELECT FROM saas.audit_logs WHERE table_name = 'saas.fraud_settings'$$, 'changes of thresholds are in the log'
);

-- Rules of the platform.
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_service;
SELECT saas.set_platform_fraud_rule('platform secret', 'BLOCK IF ::test:: = ''platform''') \g /dev/null
SELECT throws_ok(
    $$SELECT saas.set_platform_fraud_rule('x', 'BLOCK IF')$$, 'SA050', NULL, 'no rule'
);
SELECT throws_ok(
    $$SELECT saas.set_platform_fraud_rule('x', 'BLOCK IF :email: IN @bad')$$, 'SA065', NULL,
    'a rule of the platform has no list'
);
SELECT throws_ok(
    $$SELECT saas.set_platform_fraud_rule('x', 'BLOCK IF model_score(''m'') > 0')$$, 'SA065', NULL,
    'nor a model'
);
RESET ROLE;
SELECT saas.set_context(:'one', :'admin') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT results_eq(
    $$SELECT a.decision, a.matched -> 0 ->> 'name', a.matched -> 0 ->> 'scope', a.matched -> 0 ? 'attributes'
      FROM saas.assess('00000000-0000-7000-8000-0000000d0001', '{"amount": 5, "metadata": {"test": "platform"}}') AS a$$,
    $$VALUES ('block', 'platform secret', 'platform', false)$$, 'a rule of the platform decides, is named, and says no more'
);
SELECT throws_ok('SELECT FROM saas.platform_fraud_rules', '42501', NULL, 'an admin of a team does not read it');
SELECT throws_ok($$SELECT saas.remove_platform_fraud_rule('platform secret')$$, '42501', NULL, 'nor removes it');
SELECT throws_ok(
    $$SELECT saas.set_platform_fraud_rule('x', 'ALLOW IF true')$$, '42501', NULL, 'nor adds one'
);
SELECT throws_ok('SELECT FROM saas.fraud_rule_sets', '42501', NULL, 'nor finds it in the kept sets');
SELECT throws_ok('SELECT FROM saas.fraud_assessment_terms', '42501', NULL, 'nor in what was answered');
RESET ROLE;

-- An assessment with all that explains it.
EXECUTE intent('00000000-0000-7000-8000-0000000d00b1', 3000, '{"email": "Eve@Mail.Example"}', '{"test": "no"}');
SELECT is((pg_temp.latest('00000000-0000-7000-8000-0000000d00b1')).decision, 'review', 'the listed address is reviewed');
SELECT results_eq(
    $$SELECT m ->> 'name', m -> 'attributes' ->> 'email' FROM jsonb_array_elements((pg_temp.latest('00000000-0000-7000-8000-0000000d00b1')).matched) AS m
      WHERE m ->> 'name' = 'listed'$$,
    $$VALUES ('listed', 'eve@mail.example')$$, 'a match says what it read'
);
SELECT results_eq(
    $$SELECT t ->> 'kind', t ->> 'name', t -> 'value' FROM jsonb_array_elements((pg_temp.latest('00000000-0000-7000-8000-0000000d00b1')).matched) AS m,
      jsonb_array_elements(m -> 'terms') AS t WHERE m ->> 'name' = 'listed'$$,
    $$VALUES ('list', 'bad', 'true'::jsonb)$$, 'and what the list answered'
);
SELECT results_eq(
    $$SELECT m ->> 'state', (m ->> 'version')::integer, (m ->> 'probability')::float8 > 0.5, m -> 'contributions' ? 'base'
      FROM jsonb_array_elements((pg_temp.latest('00000000-0000-7000-8000-0000000d00b1')).models) AS m ORDER BY 2$$,
    $$VALUES ('champion', 1, true, true), ('challenger', 2, false, true)$$, 'champion and challenger, with contributions'
);
SELECT is(
    (pg_temp.latest('00000000-0000-7000-8000-0000000d00b1')).settings,
    '{"review_from": 50, "challenge_from": 101, "block_from": 101, "on_error": "block"}', 'the thresholds of the time'
);
SELECT isnt_empty(
    $$SELECT FROM jsonb_array_elements((pg_temp.latest('00000000-0000-7000-8000-0000000d00b1')).matched) AS m WHERE m ->> 'name' = 'model'$$,
    'model_score() is the champion''s'
);

-- Replay, as it was, after everything has changed.
SELECT id AS assessment, rule_set_version AS version FROM pg_temp.latest('00000000-0000-7000-8000-0000000d00b1') \gset
SET LOCAL ROLE saas_app;
SELECT results_eq(
    format('SELECT is_equal, decision, differences, doubtful_lists FROM saas.replay_assessment(%L)', :'assessment'),
    $$VALUES (true, 'review', '{}'::text[], '[]'::jsonb)$$, 'an assessment can be reproduced'
);
RESET ROLE;
UPDATE saas.fraud_detection_rules SET rule = 'ALLOW IF :amount: > 1' WHERE name = 'listed';
DELETE FROM saas.fraud_detection_rules WHERE name = 'scored';
DELETE FROM saas.fraud_list_items WHERE list_id = :'one';
SELECT saas.activate_fraud_model(:'one', 'm', 2) \g /dev/null
SELECT saas.set_fraud_settings(:'one', 101, 101, 101, 'ignore') \g /dev/null
EXECUTE intent('00000000-0000-7000-8000-0000000d00b2', 3000, '{"email": "Eve@Mail.Example"}', '{}');
SELECT is((pg_temp.latest('00000000-0000-7000-8000-0000000d00b2')).decision, 'approve', 'now it would be decided otherwise');
SET LOCAL ROLE saas_app;
SELECT results_eq(
    format('SELECT is_equal, decision, differences FROM saas.replay_assessment(%L)', :'assessment'),
    $$VALUES (true, 'review', '{}'::text[])$$, 'but the former assessment is still reproduced'
);
SELECT is(
    cardinality(saas.rule_set_texts(:'one', :'version')), 6, 'the texts of the former rules are there, without the platform''s'
);
SELECT is(cardinality(saas.rule_set_texts(:'one')), 5, 'and those of now');
SELECT is(saas.rule_set_texts(:'one', repeat('0', 32)), NULL, 'an unknown version has none');
SELECT throws_ok(
    $$SELECT saas.replay_assessment('00000000-0000-7000-8000-0000000d0fff')$$, 'P0002', NULL, 'an unknown assessment'
);
RESET ROLE;
SELECT throws_ok('UPDATE saas.fraud_rule_sets SET rules = ''[]''', 'SA066', NULL, 'kept sets do not change');
SELECT throws_ok('DELETE FROM saas.fraud_assessment_terms', 'SA066', NULL, 'nor do answers');
SELECT saas.set_context(:'one', :'viewer') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.replay_assessment(%L)', :'assessment'), '42501', NULL, 'a viewer replays nothing');
RESET ROLE;
SELECT saas.set_context(:'two', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    format('SELECT saas.replay_assessment(%L, %L)', :'assessment', :'one'), '42501', NULL, 'nor does the owner of another team'
);
SELECT throws_ok(format('SELECT saas.replay_assessment(%L)', :'assessment'), 'P0002', NULL, 'who has no such assessment');
RESET ROLE;

-- Rests of rules.
SELECT saas.set_context(:'one', :'admin') \g /dev/null
UPDATE saas.fraud_detection_rules SET enabled = false WHERE name = 'listed';
SET LOCAL ROLE saas_app;
\set resting '{"amount": 1, "customer": "cus_1", "metadata": {"test": "rest"}}'
SELECT is((saas.assess(:'one', :'resting')).decision, 'block', 'without a rest the rule blocks');
SELECT is((saas.snooze_rules(:'one', 'customer', 'cus_1', now() + interval '1 day', 'asked')).value, 'cus_1', 'rules rest for a customer');
SELECT is((saas.assess(:'one', :'resting')).decision, 'approve', 'now it rests');
SELECT is((saas.assess(:'one', :'resting', now() + interval '2 days')).decision, 'block', 'until the time is over');
SELECT is((saas.assess(:'one', '{"customer": "cus_2", "metadata": {"test": "rest"}}')).decision, 'block', 'another customer has no rest');
SELECT is(saas.snooze_rules(:'one', 'customer', 'cus_1', NULL), NULL, 'the rest is ended');
SELECT is((saas.assess(:'one', :'resting')).decision, 'block', 'and the rule blocks again');
SELECT throws_ok(
    $$SELECT saas.snooze_rules('00000000-0000-7000-8000-0000000d0001', 'planet', 'x', 'infinity')$$, '22023', NULL, 'no such kind'
);
SELECT throws_ok(
    $$SELECT saas.snooze_rules('00000000-0000-7000-8000-0000000d0001', 'card', '', 'infinity')$$, '22023', NULL, 'no value'
);
RESET ROLE;
SELECT saas.set_context(:'one', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    $$SELECT saas.snooze_rules('00000000-0000-7000-8000-0000000d0001', 'card', 'x', 'infinity')$$, '42501', NULL, 'a member lets nothing rest'
);
RESET ROLE;
SELECT saas.set_context(:'two', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    $$SELECT saas.snooze_rules('00000000-0000-7000-8000-0000000d0001', 'card', 'x', 'infinity')$$, '42501', NULL,
    'nor does the owner of another team'
);
SELECT is_empty('SELECT FROM saas.fraud_snoozes', 'who sees none of it');
RESET ROLE;

-- SAMPLE, UNTIL and SHADOW in a whole assessment.
SELECT saas.set_context(:'one', :'admin') \g /dev/null
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
    (:'one', 'sample', 'TAG ''half'' IF true SAMPLE 50 BY :customer:'),
    (:'one', 'over', 'BLOCK IF true UNTIL 2020-01-01'),
    (:'one', 'shadow', 'SHADOW BLOCK IF true');
SELECT ok(
    (SELECT count(*) BETWEEN 60 AND 140 FROM generate_series(1, 200) AS n
     WHERE (saas.assess(:'one', jsonb_build_object('customer', 'cus_' || n))).matched @> '[{"tag": "half"}]'),
    'half of the customers are in the sample'
);
SELECT is((saas.assess(:'one', '{}', '2019-12-31')).decision, 'block', 'a rule counts until its end');
SELECT results_eq(
    $$SELECT a.decision, a.shadow -> 0 ->> 'name' FROM saas.assess('00000000-0000-7000-8000-0000000d0001', '{}') AS a$$,
    $$VALUES ('approve', 'shadow')$$, 'not later, and a shadow rule is only noted'
);
DELETE FROM saas.fraud_detection_rules WHERE name IN ('sample', 'over', 'shadow');

-- A blocked payment is not confirmed.
EXECUTE intent('00000000-0000-7000-8000-0000000d00b3', 5, '{}', '{"test": "platform"}');
SELECT throws_ok(
    $$UPDATE saas.payment_intents SET status = 'processing' WHERE id = '00000000-0000-7000-8000-0000000d00b3'$$,
    'SA069', NULL, 'a blocked payment is not confirmed'
);
SELECT throws_ok(
    $$UPDATE saas.payment_intents SET status = 'requires_capture', metadata = '{"test": "no"}' WHERE id = '00000000-0000-7000-8000-0000000d00b3'$$,
    'SA069', NULL, 'nor while its attributes change in the same step'
);
SELECT lives_ok(
    $$UPDATE saas.payment_intents SET status = 'canceled' WHERE id = '00000000-0000-7000-8000-0000000d00b3'$$, 'but canceled'
);
EXECUTE intent('00000000-0000-7000-8000-0000000d00b4', 5, '{}', '{"test": "platform"}');
SELECT lives_ok(
    $$UPDATE saas.payment_intents SET status = 'processing', status_source = 'provider' WHERE id = '00000000-0000-7000-8000-0000000d00b4'$$,
    'what the provider reports is a fact'
);
SELECT is(
    (SELECT i.fraud_flag FROM saas.payment_intents AS i WHERE i.id = '00000000-0000-7000-8000-0000000d00b4'),
    'confirmed_although_blocked', 'and flagged'
);
EXECUTE intent('00000000-0000-7000-8000-0000000d00b5', 5, '{}', '{}');
SELECT throws_ok(
    $$UPDATE saas.payment_intents SET status = 'processing', metadata = '{"test": "platform"}' WHERE id = '00000000-0000-7000-8000-0000000d00b5'$$,
    'SA069', NULL, 'a step that comes with attributes that are blocked'
);

-- A review holds the capture.
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES (:'one', 'look', 'REVIEW IF ::test:: = ''review''');
EXECUTE intent('00000000-0000-7000-8000-0000000d00b6', 5, '{}', '{"test": "review"}');
EXECUTE intent('00000000-0000-7000-8000-0000000d00b7', 5, '{}', '{"test": "review"}');
EXECUTE intent('00000000-0000-7000-8000-0000000d00b8', 5, '{}', '{"test": "review"}');
SELECT id AS review6 FROM pg_temp.latest('00000000-0000-7000-8000-0000000d00b6') \gset
SELECT id AS review7 FROM pg_temp.latest('00000000-0000-7000-8000-0000000d00b7') \gset
SELECT lives_ok(
    $$UPDATE saas.payment_intents SET status = 'requires_capture' WHERE id = '00000000-0000-7000-8000-0000000d00b6'$$,
    'a payment in review is authorized'
);
SELECT throws_ok(
    $$UPDATE saas.payment_intents SET status = 'succeeded' WHERE id = '00000000-0000-7000-8000-0000000d00b6'$$,
    'SA069', NULL, 'but not captured'
);
SELECT lives_ok(
    $$UPDATE saas.payment_intents SET status = 'succeeded', status_source = 'provider' WHERE id = '00000000-0000-7000-8000-0000000d00b8'$$,
    'a capture that the provider reports is taken'
);
SELECT is(
    (SELECT i.fraud_flag FROM saas.payment_intents AS i WHERE i.id = '00000000-0000-7000-8000-0000000d00b8'),
    'captured_before_review', 'and flagged'
);
SELECT saas.set_context(:'one', :'viewer') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas.fraud_reviews WHERE state = 'open' AND opened_at = now()), 4::bigint, 'viewers see the queue');
SELECT throws_ok(
    format($$SELECT saas.decide_review(%L, %L, 'approve')$$, :'one', :'review6'), '42501', NULL, 'but decide nothing'
);
RESET ROLE;
SELECT saas.set_context(:'two', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    format($$SELECT saas.decide_review(%L, %L, 'approve')$$, :'one', :'review6'), '42501', NULL, 'the owner of another team decides nothing'
);
SELECT throws_ok(
    format($$SELECT saas.decide_review(%L, %L, 'approve')$$, :'two', :'review6'), 'P0002', NULL, 'not under the own name either'
);
RESET ROLE;
SELECT saas.set_context(:'one', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format($$SELECT saas.decide_review(%L, %L, 'maybe')$$, :'one', :'review6'), '22023', NULL, 'approve or decline');
SELECT throws_ok(format($$SELECT saas.decide_review(%L, %L, NULL)$$, :'one', :'review6'), '22023', NULL, 'not NULL');
SELECT results_eq(
    format($$SELECT state, decided_by, reason FROM saas.decide_review(%L, %L, 'approve', 'known')$$, :'one', :'review6'),
    format($$VALUES ('approved', %L::uuid, 'known')$$, :'member'), 'a member approves'
);
SELECT throws_ok(format($$SELECT saas.decide_review(%L, %L, 'decline')$$, :'one', :'review6'), 'SA068', NULL, 'once');
SELECT is((saas.decide_review(:'one', :'review7', 'decline')).state, 'declined', 'or declines');
SELECT throws_ok('UPDATE saas.fraud_reviews SET state = ''approved''', '42501', NULL, 'reviews are decided by the function only');
RESET ROLE;
SELECT lives_ok(
    $$UPDATE saas.payment_intents SET status = 'succeeded' WHERE id = '00000000-0000-7000-8000-0000000d00b6'$$, 'approved, it is captured'
);
SELECT throws_ok(
    $$UPDATE saas.payment_intents SET status = 'requires_action' WHERE id = '00000000-0000-7000-8000-0000000d00b7'$$,
    'SA069', NULL, 'declined, it is blocked'
);
UPDATE saas.payment_intents SET metadata = '{"test": "fine"}' WHERE id = '00000000-0000-7000-8000-0000000d00b8';
SELECT is(
    (SELECT r.state FROM saas.fraud_reviews AS r WHERE r.payment_intent_id = '00000000-0000-7000-8000-0000000d00b8'),
    'superseded', 'a later assessment takes the review back'
);
SELECT isnt_empty($$SELECT FROM saas.audit_logs WHERE table_name = 'saas.fraud_reviews'$$, 'decisions are in the log');

SELECT * FROM finish();
ROLLBACK;
