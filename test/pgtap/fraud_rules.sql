-- The table of fraud rules: what it refuses, who may read and write it.
BEGIN;
SELECT plan(26);

INSERT INTO saas.users (id, email) VALUES
    ('00000000-0000-7000-8000-0000000000a1', 'admin@fraud.example'),
    ('00000000-0000-7000-8000-0000000000a2', 'viewer@fraud.example');
INSERT INTO saas.teams (id, name, slug) VALUES
    ('00000000-0000-7000-8000-000000000001', 'One', 'fraud-one'),
    ('00000000-0000-7000-8000-000000000002', 'Two', 'fraud-two');
INSERT INTO saas.team_members (team_id, user_id, role) VALUES
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'owner'),
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2', 'viewer'),
    ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a1', 'owner');
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
VALUES ('00000000-0000-7000-8000-000000000002', 'theirs', 'BLOCK IF true');

-- What is written.
PREPARE add_rule (text, text) AS
    INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
    VALUES ('00000000-0000-7000-8000-000000000001', $1, $2);

SELECT lives_ok($$EXECUTE add_rule('country', 'Block if :card_country: != ''US''')$$, 'a rule of Radar is kept as it is');
SELECT throws_ok(
    $$EXECUTE add_rule('typo', 'BLOCK IF :card_contry: = ''US''')$$,
    'SA050', 'the rule is not valid: unknown attribute ":card_contry:"', 'an unknown attribute is refused'
);
SELECT throws_ok($$EXECUTE add_rule('type', 'BLOCK IF :amount: = ''x''')$$, 'SA050', NULL, 'mixed types are refused');
SELECT throws_ok($$EXECUTE add_rule('empty', '')$$, 'SA050', NULL, 'an empty text is refused');
SELECT throws_ok(
    $$EXECUTE add_rule('country', 'BLOCK IF true')$$, '23505', NULL, 'names are unique within a team'
);
SELECT throws_ok(
    $$UPDATE saas.fraud_detection_rules SET rule = 'BLOCK IF' WHERE name = 'country'$$,
    'SA050', NULL, 'an update to a broken rule is refused'
);
DO $$
DECLARE
    v_detail text;
    v_hint text;
    v_column text;
BEGIN
    INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
    VALUES ('00000000-0000-7000-8000-000000000001', 'typo', 'BLOCK IF :emial: = ''x''');
EXCEPTION WHEN SQLSTATE 'SA050' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT, v_column = COLUMN_NAME;
    PERFORM set_config('test.refusal', concat_ws('|', v_detail, v_hint, v_column), true);
END
$$;
SELECT is(
    current_setting('test.refusal'), 'At character 10 of the rule.|Did you mean :email:?|rule',
    'the refusal names position, remedy and column'
);

-- Who reads and writes. The viewer sees, the admin changes, nobody without a context does either.
SELECT has_table('saas', 'fraud_detection_rules', 'the table is there');
SELECT ok(
    (SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'saas.fraud_detection_rules'::regclass),
    'row-level security holds for the owner, too'
);
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT * FROM saas.fraud_detection_rules', 'no context, no rows');
SELECT throws_ok($$EXECUTE add_rule('x', 'BLOCK IF true')$$, '42501', NULL, 'no context, no insert');
RESET ROLE;
SELECT saas.set_context('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2');
SET LOCAL ROLE saas_app;
SELECT results_eq(
    'SELECT name FROM saas.fraud_detection_rules', ARRAY['country'], 'a viewer reads the own team''s rules only'
);
SELECT throws_ok($$EXECUTE add_rule('x', 'BLOCK IF true')$$, '42501', NULL, 'a viewer adds none');
SELECT is_empty(
    $$UPDATE saas.fraud_detection_rules SET enabled = false RETURNING 1$$, 'a viewer changes none'
);
SELECT is_empty($$DELETE FROM saas.fraud_detection_rules RETURNING 1$$, 'a viewer deletes none');
RESET ROLE;
SELECT saas.set_context('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1');
SET LOCAL ROLE saas_app;
SELECT lives_ok($$EXECUTE add_rule('mine', 'REVIEW IF :amount: > 100')$$, 'an owner adds a rule');
SELECT results_eq(
    $$SELECT created_by::text FROM saas.fraud_detection_rules WHERE name = 'mine'$$,
    ARRAY['00000000-0000-7000-8000-0000000000a1'], 'which then names its author'
);
SELECT throws_ok(
    $$INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
      VALUES ('00000000-0000-7000-8000-000000000002', 'x', 'BLOCK IF true')$$,
    '42501', NULL, 'but not into another team'
);
SELECT throws_ok(
    $$UPDATE saas.fraud_detection_rules SET team_id = '00000000-0000-7000-8000-000000000002'$$,
    '42501', NULL, 'nor moves one there'
);
SELECT results_eq(
    $$UPDATE saas.fraud_detection_rules SET enabled = false WHERE name = 'mine' RETURNING name$$,
    ARRAY['mine'], 'an owner disables a rule'
);
SELECT results_eq(
    $$DELETE FROM saas.fraud_detection_rules WHERE name = 'mine' RETURNING name$$,
    ARRAY['mine'], 'and deletes it'
);
SELECT throws_ok(
    $$SELECT * FROM saas.evaluate_team_rules('00000000-0000-7000-8000-000000000002', '{}')$$,
    '42501', NULL, 'the evaluator that checks no caller is not for applications'
);
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT results_eq(
    'SELECT name FROM saas.fraud_detection_rules', ARRAY['country'], 'an analyst reads the rules'
);
SELECT throws_ok(
    $$DELETE FROM saas.fraud_detection_rules$$, '42501', NULL, 'and changes nothing'
);
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok('SELECT * FROM saas.fraud_detection_rules', '42501', NULL, 'the anonymous role reads nothing');
SELECT is(
    (SELECT valid FROM saas.validate_rule('BLOCK IF true')), true, 'but everyone may ask whether a text is a rule'
);
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
