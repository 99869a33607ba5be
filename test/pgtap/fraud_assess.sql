-- Assessments: written with the intent, by the rules of that moment, and never changed.
BEGIN;
SELECT plan(33);

INSERT INTO saas.users (id, email) VALUES
    ('00000000-0000-7000-8000-0000000000a1', 'owner@fraud.example'),
    ('00000000-0000-7000-8000-0000000000a2', 'viewer@fraud.example');
INSERT INTO saas.teams (id, name, slug) VALUES
    ('00000000-0000-7000-8000-000000000001', 'One', 'fraud-one'),
    ('00000000-0000-7000-8000-000000000002', 'Two', 'fraud-two');
INSERT INTO saas.team_members (team_id, user_id, role) VALUES
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'owner'),
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2', 'viewer'),
    ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a1', 'owner');
INSERT INTO saas.fraud_detection_rules (team_id, name, rule, enabled) VALUES
    ('00000000-0000-7000-8000-000000000001', 'country', 'SCORE +60 IF :card_country: NOT IN (''US'', ''CA'')', true),
    ('00000000-0000-7000-8000-000000000001', 'domain', 'SCORE +30 IF :email_domain: = ''mail.example''', true),
    ('00000000-0000-7000-8000-000000000001', 'vip', 'ALLOW IF ::vip::', true),
    ('00000000-0000-7000-8000-000000000001', 'tried', 'SHADOW BLOCK IF :amount: > 100', true),
    ('00000000-0000-7000-8000-000000000001', 'fails', 'BLOCK IF 1 / :attempt_count: > 1', true),
    ('00000000-0000-7000-8000-000000000001', 'off', 'BLOCK IF true', false),
    ('00000000-0000-7000-8000-000000000002', 'theirs', 'BLOCK IF true', true);

PREPARE intent (uuid, jsonb, jsonb) AS
    INSERT INTO saas.payment_intents (team_id, id, provider, amount, currency, status, attributes, metadata)
    VALUES (
        '00000000-0000-7000-8000-000000000001', $1, 'stripe', 500, 'EUR', 'requires_payment_method', $2, $3
    );
EXECUTE intent(
    '00000000-0000-7000-8000-0000000000b1',
    '{"card_country": "DE", "email": "Eve@Mail.Example", "attempt_count": 0, "amount": 1}', '{}'
);

-- The trigger has assessed it.
SELECT results_eq(
    $$SELECT score, decision FROM saas.fraud_assessments
      WHERE payment_intent_id = '00000000-0000-7000-8000-0000000000b1'$$,
    $$VALUES (90, 'block')$$, 'scores add up and meet the threshold of blocking'
);
SELECT results_eq(
    $$SELECT m ->> 'name', (m ->> 'score')::integer FROM saas.fraud_assessments AS a, jsonb_array_elements(a.matched) AS m ORDER BY 1$$,
    $$VALUES ('country', 60), ('domain', 30)$$, 'the reasons are kept'
);
SELECT is(
    (SELECT a.shadow -> 0 ->> 'name' FROM saas.fraud_assessments AS a), 'tried',
    'a shadow rule matches apart, on the intent''s own amount'
);
SELECT is(
    (SELECT a.errors -> 0 ->> 'message' FROM saas.fraud_assessments AS a), 'division by zero',
    'a failing rule is recorded and does not match'
);
SELECT is(
    (SELECT a.attributes -> 'amount' FROM saas.fraud_assessments AS a), '500',
    'the intent''s columns win over attributes of the same name'
);
SELECT matches(
    (SELECT a.rule_set_version FROM saas.fraud_assessments AS a), '^[0-9a-f]{32}$', 'the rule set is named'
);
SELECT cmp_ok(
    (SELECT a.microseconds FROM saas.fraud_assessments AS a), '<', 1000000::bigint, 'and the time it took'
);

-- Assessed again when what rules read changes, and only then.
UPDATE saas.payment_intents SET metadata = '{"vip": "true"}' WHERE id = '00000000-0000-7000-8000-0000000000b1';
SELECT is((SELECT count(*) FROM saas.fraud_assessments), 2::bigint, 'new metadata are assessed');
SELECT is(
    (SELECT a.decision FROM saas.fraud_assessments AS a ORDER BY a.id DESC LIMIT 1), 'approve', 'ALLOW overrides the score'
);
UPDATE saas.payment_intents SET metadata = metadata, cancellation_reason = 'none' WHERE id = '00000000-0000-7000-8000-0000000000b1';
SELECT is((SELECT count(*) FROM saas.fraud_assessments), 2::bigint, 'other changes are not');

-- The rules of this moment.
UPDATE saas.fraud_detection_rules SET enabled = true WHERE name = 'off';
EXECUTE intent('00000000-0000-7000-8000-0000000000b2', '{}', '{}');
SELECT is(
    (SELECT a.decision FROM saas.fraud_assessments AS a WHERE a.payment_intent_id = '00000000-0000-7000-8000-0000000000b2'),
    'block', 'a rule enabled in this transaction counts'
);
SAVEPOINT before_delete;
DELETE FROM saas.fraud_detection_rules WHERE name = 'off';
EXECUTE intent('00000000-0000-7000-8000-0000000000b3', '{}', '{}');
SELECT is(
    (SELECT a.decision FROM saas.fraud_assessments AS a WHERE a.payment_intent_id = '00000000-0000-7000-8000-0000000000b3'),
    'approve', 'a rule deleted in this transaction does not'
);
ROLLBACK TO SAVEPOINT before_delete;
EXECUTE intent('00000000-0000-7000-8000-0000000000b4', '{}', '{}');
SELECT is(
    (SELECT a.decision FROM saas.fraud_assessments AS a WHERE a.payment_intent_id = '00000000-0000-7000-8000-0000000000b4'),
    'block', 'and counts again when the deletion is rolled back'
);
ALTER TABLE saas.fraud_detection_rules DISABLE TRIGGER fraud_detection_rules_10_check;
UPDATE saas.fraud_detection_rules SET rule = 'no rule' WHERE name = 'off';
ALTER TABLE saas.fraud_detection_rules ENABLE TRIGGER fraud_detection_rules_10_check;
EXECUTE intent('00000000-0000-7000-8000-0000000000b5', '{}', '{}');
SELECT matches(
    (SELECT a.errors::text FROM saas.fraud_assessments AS a WHERE a.payment_intent_id = '00000000-0000-7000-8000-0000000000b5'),
    'found ."no.", expected ALLOW', 'a stored text that is no rule is an error of the assessment, not of the payment'
);
DELETE FROM saas.fraud_detection_rules WHERE name = 'off';

-- Append-only, for everyone.
SELECT throws_ok('UPDATE saas.fraud_assessments SET score = 0', 'SA051', NULL, 'assessments do not change');
SELECT throws_ok('DELETE FROM saas.fraud_assessments', 'SA051', NULL, 'nor go away');

-- Callers.
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    $$SELECT saas.assess_payment('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000b1')$$,
    '42501', NULL, 'no context, no assessment'
);
SELECT throws_ok(
    $$SELECT saas.assess('00000000-0000-7000-8000-000000000001', '{}')$$, '42501', NULL, 'nor a trial'
);
SELECT is_empty('SELECT id FROM saas.fraud_assessments', 'nor rows');
SELECT throws_ok(
    $$SELECT saas.record_assessment('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000b1')$$,
    '42501', NULL, 'what checks no caller is not for applications'
);
RESET ROLE;
SELECT saas.set_context('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2');
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    $$SELECT saas.assess_payment('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000b1')$$,
    '42501', NULL, 'a viewer assesses nothing'
);
SELECT isnt_empty('SELECT id FROM saas.fraud_assessments', 'but reads');
RESET ROLE;
SELECT saas.set_context('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1');
SET LOCAL ROLE saas_app;
SELECT is(
    (SELECT a.decision FROM saas.assess_payment('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000b1') AS a),
    'approve', 'a member assesses an intent'
);
SELECT throws_ok(
    $$SELECT saas.assess_payment('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000ff')$$,
    'P0002', NULL, 'which must exist'
);
SELECT throws_ok(
    $$SELECT saas.assess_payment('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000b1')$$,
    '42501', NULL, 'in the team of the context'
);
SELECT results_eq(
    $$SELECT score, decision, jsonb_array_length(matched), rule_set_version ~ '^[0-9a-f]{32}$'
      FROM saas.assess('00000000-0000-7000-8000-000000000001', '{"card_country": "de"}')$$,
    $$VALUES (60, 'review', 1, true)$$, 'a trial answers the same'
);
SELECT is(
    (SELECT count(*) FROM saas.fraud_assessments WHERE payment_intent_id = '00000000-0000-7000-8000-0000000000b1'),
    3::bigint, 'and leaves no row'
);
SELECT throws_ok(
    $$INSERT INTO saas.fraud_assessments (team_id, payment_intent_id, score, decision, matched, shadow, errors, attributes, rule_set_version, microseconds)
      VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000b1', 0, 'approve', '[]', '[]', '[]', '{}', '', 0)$$,
    '42501', NULL, 'nobody writes assessments by hand'
);
SELECT throws_ok('DELETE FROM saas.fraud_assessments', '42501', NULL, 'nor deletes them');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT isnt_empty('SELECT id, decision, errors FROM saas.fraud_assessments', 'an analyst reads decisions');
SELECT throws_ok('SELECT attributes FROM saas.fraud_assessments', '42501', NULL, 'but no personal data');
RESET ROLE;

-- What is kept in the backend serves all teams, each with its own rules.
SELECT saas.set_context('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a1');
SET LOCAL ROLE saas_app;
SELECT is(
    (SELECT a.decision FROM saas.assess('00000000-0000-7000-8000-000000000002', '{}') AS a), 'block', 'the other team has other rules'
);
RESET ROLE;
DELETE FROM saas.teams WHERE id = '00000000-0000-7000-8000-000000000001';
SELECT is((SELECT count(*) FROM saas.fraud_assessments), 0::bigint, 'the assessments of a team go with the team');

SELECT * FROM finish();
ROLLBACK;
