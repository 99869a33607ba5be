-- Backtests: counted by hand, as of each moment, against known fraud.
BEGIN;
SELECT no_plan();

\set one '00000000-0000-7000-8000-0000000d1001'
\set two '00000000-0000-7000-8000-0000000d1002'
\set member '00000000-0000-7000-8000-0000000d10a2'
\set viewer '00000000-0000-7000-8000-0000000d10a3'
\set other '00000000-0000-7000-8000-0000000d10a4'
INSERT INTO saas.users (id, email) VALUES
    (:'member', 'member@backtest.example'), (:'viewer', 'viewer@backtest.example'), (:'other', 'other@backtest.example');
INSERT INTO saas.teams (id, name, slug) VALUES (:'one', 'One', 'backtest-one'), (:'two', 'Two', 'backtest-two');
INSERT INTO saas.team_members (team_id, user_id, role) VALUES
    (:'one', :'member', 'member'), (:'one', :'viewer', 'viewer'), (:'two', :'other', 'owner');
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES (:'one', 'live', 'BLOCK IF :amount: = 100');

-- A hundred attempts, an hour apart: amounts 1 to 100, euros and yen in turn, one address for each ten.
INSERT INTO saas.payment_intents (team_id, id, provider, amount, currency, status, attributes, created_at)
SELECT :'one', ('00000000-0000-7000-8000-0000000e' || lpad(n::text, 4, '0'))::uuid, 'stripe', n,
    CASE n % 2 WHEN 0 THEN 'EUR' ELSE 'JPY' END, 'requires_payment_method',
    jsonb_build_object('email', n % 10 || '@backtest.example'), timestamptz '2025-01-01Z' + n * interval '1 hour'
FROM generate_series(1, 100) AS n;
-- Assessments are append-only, so those of the past are put in place of those of now.
ALTER TABLE saas.fraud_assessments DISABLE TRIGGER USER;
UPDATE saas.fraud_assessments AS a SET assessed_at = i.created_at
FROM saas.payment_intents AS i WHERE i.team_id = a.team_id AND i.id = a.payment_intent_id AND a.team_id = :'one';
ALTER TABLE saas.fraud_assessments ENABLE TRIGGER USER;
-- Fraud: 91 by dispute, 92 by warning, 93 by refund, 5 by dispute; 94's dispute was won.
INSERT INTO saas.payments (team_id, id, provider, provider_payment_id, payment_intent_id, amount, amount_captured, currency, status, fraud_warned_at)
SELECT :'one', i.id, 'stripe', 'ch_' || i.amount, i.id, i.amount, i.amount, i.currency, 'paid', CASE i.amount WHEN 92 THEN now() END
FROM saas.payment_intents AS i WHERE i.team_id = :'one' AND i.amount IN (5, 91, 92, 93, 94);
INSERT INTO saas.payment_disputes (team_id, payment_id, provider, provider_dispute_id, status, status_source, amount, currency, reason)
SELECT :'one', p.id, 'stripe', 'dp_' || p.amount, CASE p.amount WHEN 94 THEN 'won' ELSE 'needs_response' END, 'provider', 1, p.currency, 'fraudulent'
FROM saas.payments AS p WHERE p.team_id = :'one' AND p.amount IN (5, 91, 94);
INSERT INTO saas.refunds (team_id, payment_id, provider, provider_refund_id, amount, currency, status, reason)
SELECT :'one', p.id, 'stripe', 're_1', 1, p.currency, 'pending', 'fraudulent'
FROM saas.payments AS p WHERE p.team_id = :'one' AND p.amount = 93;

SET LOCAL client_min_messages = warning;
SELECT saas.set_context(:'one', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
CREATE FUNCTION pg_temp.try(p_rule text, p_from timestamptz DEFAULT '2025-01-01Z', p_to timestamptz DEFAULT '2026-01-01Z')
RETURNS record LANGUAGE sql AS $$SELECT saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', p_rule, p_from, p_to)$$;

SELECT results_eq(
    $$SELECT attempts, hits, errors, would_block, newly_blocked, amounts, true_positives, false_positives, false_negatives, true_negatives
      FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'BLOCK IF :amount: > 90', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES (100::bigint, 10::bigint, 0::bigint, 10::bigint, 9::bigint, '{"EUR": 480, "JPY": 475}'::jsonb, 3::bigint, 7::bigint, 1::bigint, 89::bigint)$$,
    'hits, amounts by currency and the confusion matrix'
);
SELECT results_eq(
    $$SELECT "precision", recall, jsonb_array_length(examples)
      FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'BLOCK IF :amount: > 90', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES (0.3::float8, 0.75::float8, 10)$$, 'precision, recall and examples'
);
SELECT results_eq(
    $$SELECT attempts, hits, "precision", recall, examples
      FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'REVIEW IF false', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES (100::bigint, 0::bigint, NULL::float8, 0::float8, '[]'::jsonb)$$, 'a rule without hits has no precision'
);
SELECT results_eq(
    $$SELECT attempts, hits, would_block FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'SHADOW BLOCK IF :amount: <= 10', '2025-01-01T05:00Z', '2025-01-01T08:00Z')$$,
    $$VALUES (3::bigint, 3::bigint, 0::bigint)$$, 'the end of the period is outside; a shadow rule hits and blocks nothing'
);
SELECT results_eq(
    $$SELECT hits, errors FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'BLOCK IF 1 / (:amount: - 7) > 0.4', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES (2::bigint, 1::bigint)$$, 'errors are counted'
);
SELECT results_eq(
    $$SELECT hits FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'BLOCK IF count(FROM attempts BY :email: OVER 25h) = 2', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES (80::bigint)$$, 'history is as of each moment: two earlier attempts of the address from the third on'
);
SELECT results_eq(
    $$SELECT hits FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'BLOCK IF hour() = 3', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES (5::bigint)$$, 'so are hours'
);

-- Lists as they were.
RESET ROLE;
INSERT INTO saas.fraud_lists (team_id, id, alias, kind) VALUES (:'one', :'one', 'late', 'email');
INSERT INTO saas.fraud_list_changes (team_id, list_id, value, present, changed_at) VALUES
    (:'one', :'one', '1@backtest.example', true, '2025-01-02Z'), (:'one', :'one', '1@backtest.example', false, '2025-01-04Z');
SET LOCAL ROLE saas_app;
SELECT results_eq(
    $$SELECT hits FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'BLOCK IF :email: IN @late', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES (5::bigint)$$, 'lists are as of each moment, too'
);

-- Only the last assessment of an intent counts.
RESET ROLE;
SELECT saas.record_assessment(:'one', '00000000-0000-7000-8000-0000000e0001') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT results_eq(
    $$SELECT attempts FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'BLOCK IF true', '2025-01-01Z', now() + interval '1 day')$$,
    $$VALUES (100::bigint)$$, 'an intent counts once'
);

-- Two sets side by side.
SELECT results_eq(
    $$SELECT a -> 'would_block', b -> 'would_block', b -> 'amounts', b -> 'true_positives', jsonb_array_length(changes)
      FROM saas.compare_rule_sets('00000000-0000-7000-8000-0000000d1001', saas.rule_set_texts('00000000-0000-7000-8000-0000000d1001'),
          saas.rule_set_texts('00000000-0000-7000-8000-0000000d1001') || ARRAY['BLOCK IF :amount: > 90', 'ALLOW IF :amount: = 99'], '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES ('1'::jsonb, '9'::jsonb, '{"EUR": 480, "JPY": 376}'::jsonb, '3'::jsonb, 2)$$, 'two sets are compared'
);
SELECT results_eq(
    $$SELECT c ->> 'a', c ->> 'b', c ->> 'currency', c -> 'attempts', c -> 'amount', c -> 'known_fraud'
      FROM saas.compare_rule_sets('00000000-0000-7000-8000-0000000d1001', '{REVIEW IF :amount: = 92}', '{BLOCK IF :amount: > 98}',
          '2025-01-01Z', '2026-01-01Z') AS s, jsonb_array_elements(s.changes) AS c ORDER BY 1, 3$$,
    $$VALUES ('approve', 'block', 'EUR', '1'::jsonb, '100'::jsonb, '0'::jsonb), ('approve', 'block', 'JPY', '1', '99', '0'), ('review', 'approve', 'EUR', '1', '92', '1')$$,
    'with what they decide differently'
);
SELECT results_eq(
    $$SELECT a -> 'would_block', b -> 'would_block', changes FROM saas.compare_rule_sets('00000000-0000-7000-8000-0000000d1001', '{}', '{}', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES ('0'::jsonb, '0'::jsonb, '[]'::jsonb)$$, 'empty sets decide nothing'
);

-- Rules that ask about others find them by name, as they do when they are in force.
RESET ROLE;
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
    (:'one', 'large', 'SHADOW TAG ''large'' IF :amount: > 95'), (:'one', 'asks', 'BLOCK IF rule_hit(''large'') AND NOT rule_hit(''live'')');
SET LOCAL ROLE saas_app;
SELECT is(
    (SELECT (b.hits, b.would_block, b.errors)::text FROM saas.backtest_rule(:'one', 'REVIEW IF rule_hit(''large'') AND :amount: < 98', '2025-01-01Z', '2026-01-01Z') AS b),
    '(2,0,0)', 'a rule may ask about those in force, which count nothing themselves'
);
SELECT is(
    (SELECT (b.hits, b.would_block)::text FROM saas.backtest_rule(:'one', 'BLOCK IF rule_hit(''nobody'') IS MISSING', '2025-01-01Z', '2026-01-01Z') AS b),
    '(100,100)', 'not about others'
);
SELECT results_eq(
    $$SELECT (s.a ->> 'would_block')::integer, (s.b ->> 'would_block')::integer
      FROM saas.compare_rule_sets('00000000-0000-7000-8000-0000000d1001', saas.rule_set_texts('00000000-0000-7000-8000-0000000d1001'), '{}', '2025-01-01Z', '2026-01-01Z') AS s$$,
    'VALUES (5, 0)', 'the team''s own set asks by the names that its rules have'
);
RESET ROLE;
DELETE FROM saas.fraud_detection_rules WHERE team_id = :'one' AND name IN ('asks', 'large');
SET LOCAL ROLE saas_app;

-- Sets of many rules are compiled once, not for each attempt (which would take most of a minute).
SET LOCAL statement_timeout = '15s';
SELECT results_eq(
    $$SELECT (s.a ->> 'would_block')::integer, (s.b ->> 'would_block')::integer FROM saas.compare_rule_sets('00000000-0000-7000-8000-0000000d1001',
        ARRAY(SELECT format('SCORE +1 IF :amount: > %s AND %s', n, repeat(':amount: > 0 AND ', 10) || 'true') FROM generate_series(1, 6000) AS n),
        ARRAY(SELECT format('SCORE +1 IF :amount: > %s AND %s', -n, repeat(':amount: > 0 AND ', 10) || 'true') FROM generate_series(1, 6000) AS n),
        '2025-01-01Z', '2026-01-01Z') AS s$$,
    'VALUES (25, 100)', 'large sets are compared'
);
RESET statement_timeout;

-- A backtest ends when it is canceled, in the midst of a statement over history and between attempts.
CREATE FUNCTION pg_temp.canceled(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE p_statement;
    RETURN 'finished';
EXCEPTION WHEN query_canceled THEN
    RETURN SQLSTATE;
END $$;
SET LOCAL statement_timeout = '40ms';
SELECT is(pg_temp.canceled($$SELECT saas.backtest_rule('00000000-0000-7000-8000-0000000d1001', 'BLOCK IF ' || string_agg(format('count(FROM attempts WHERE amount > %s BY :email: ALL TIME) > 1000', n), ' OR '), '2025-01-01Z', '2026-01-01Z')
    FROM generate_series(1, 90) AS n$$), '57014', 'a backtest with history is canceled');
SET LOCAL statement_timeout = '40ms';
SELECT is(pg_temp.canceled($$SELECT saas.compare_rule_sets('00000000-0000-7000-8000-0000000d1001', array_agg(format('BLOCK IF :email: LIKE ''%%a%%%s%%b%%'' AND :amount: = %1$s', n)), '{}', '2025-01-01Z', '2026-01-01Z')
    FROM generate_series(1, 10000) AS n$$), '57014', 'so is a comparison of large sets');
SET LOCAL statement_timeout = 0;
SELECT is((SELECT b.hits FROM saas.backtest_rule(:'one', 'BLOCK IF :amount: > 90', '2025-01-01Z', '2026-01-01Z') AS b), 10::bigint, 'and nothing stays behind');

-- What is refused.
SELECT throws_ok($$SELECT pg_temp.try('BLOCK IF')$$, 'SA050', NULL, 'no rule');
SELECT throws_ok($$SELECT pg_temp.try('BLOCK IF true', '2026-01-01Z', '2025-01-01Z')$$, '22023', NULL, 'a period that ends before it begins');
SELECT throws_ok($$SELECT pg_temp.try('BLOCK IF true', '-infinity', 'infinity')$$, '22023', NULL, 'a period without end');
SELECT throws_ok(
    $$SELECT saas.compare_rule_sets('00000000-0000-7000-8000-0000000d1001', '{NULL}', '{}', '2025-01-01Z', '2026-01-01Z')$$, 'SA050', NULL, 'a rule that is NULL'
);
RESET ROLE;
SELECT saas.set_context(:'one', :'viewer') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT pg_temp.try('BLOCK IF true')$$, '42501', NULL, 'a viewer tries nothing');
SELECT throws_ok(
    $$SELECT saas.compare_rule_sets('00000000-0000-7000-8000-0000000d1001', '{}', '{}', '2025-01-01Z', '2026-01-01Z')$$, '42501', NULL, 'nor compares'
);
SELECT throws_ok(
    $$SELECT saas.backtest_groups('00000000-0000-7000-8000-0000000d1001', '{}', '{}', '2025-01-01Z', '2026-01-01Z')$$, '42501', NULL,
    'the function behind is not for applications'
);
RESET ROLE;
SELECT saas.set_context(:'two', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT pg_temp.try('BLOCK IF true')$$, '42501', NULL, 'the owner of another team tries nothing here');
SELECT results_eq(
    $$SELECT attempts FROM saas.backtest_rule('00000000-0000-7000-8000-0000000d1002', 'BLOCK IF true', '2025-01-01Z', '2026-01-01Z')$$,
    $$VALUES (0::bigint)$$, 'and finds nothing of it in the own one'
);
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
