-- The rule engine without tables: validate_rule and evaluate_rules.

-- Rules, Radar's among them.
SELECT r.rule, v.*
FROM (VALUES
    ('Block if :card_country: != ''US'''),
    ('Request 3DS if :card_funding: = ''prepaid'' and :amount_in_usd: > 10.50'),
    ('shadow priority 5 score +20 if ::customer:vip:: is not missing'),
    ('TAG ''night'' IF :email: LIKE ''%@x.example'' OR :ip_country: NOT IN (''US'', ''CA'')'),
    ('BLOCK IF :card_country: = ''usa'''),
    ('BLOCK IF 1 = 1')
) AS r (rule)
CROSS JOIN LATERAL saas.validate_rule(r.rule) AS v;

-- No rules: where, what was found, what was expected.
SELECT v."position", v.message, v.hint
FROM (VALUES
    (1, ''),
    (2, 'BLOCK'),
    (3, 'BLOK IF true'),
    (4, 'BLOCK IF :card_contry: = ''US'''),
    (5, 'BLOCK IF :amount: >'),
    (6, 'BLOCK IF :amount: > ''1'''),
    (7, 'BLOCK IF :email: = ''é'' AND :amount:'),
    (8, 'BLOCK IF :email: IN @'),
    (9, 'BLOCK IF count(FROM payments BY :email: OVER 1h) > 3'),
    (11, 'BLOCK IF hour(''Mars/Olympus'') > 3'),
    (12, 'BLOCK IF true UNTIL ''soon'''),
    (10, 'BLOCK IF (:livemode:')
) AS r (n, rule)
CROSS JOIN LATERAL saas.validate_rule(r.rule) AS v
WHERE NOT v.valid
ORDER BY r.n;
SELECT valid, message FROM saas.validate_rule('BLOCK IF ' || repeat('(', 50000));
SELECT valid, message FROM saas.validate_rule(repeat('x', 10000000));
SELECT saas.validate_rule(NULL) IS NULL AS strict;

-- Decisions, in the order ALLOW, BLOCK, CHALLENGE, REVIEW, score.
SELECT e.decision, e.score
FROM (VALUES
    (1, ARRAY['BLOCK IF true', 'ALLOW IF true']),
    (2, ARRAY['BLOCK IF true', 'CHALLENGE IF true']),
    (3, ARRAY['REVIEW IF true', 'CHALLENGE IF true']),
    (4, ARRAY['REVIEW IF true']),
    (5, ARRAY['SCORE 49 IF true']),
    (6, ARRAY['SCORE 49 IF true', 'SCORE 1 IF true']),
    (7, ARRAY['SCORE 90 IF true', 'SCORE 90 IF true', 'SCORE -1 IF true']),
    (8, ARRAY['ALLOW IF true', 'PRIORITY -1 BLOCK IF true']),
    (9, ARRAY['SHADOW BLOCK IF true', 'SHADOW SCORE 90 IF true']),
    (10, ARRAY[]::text[])
) AS r (n, rules)
CROSS JOIN LATERAL saas.evaluate_rules(r.rules, '{}') AS e
ORDER BY r.n;
SELECT decision FROM saas.evaluate_rules(ARRAY['SCORE 20 IF true'], '{}', 10, 20);
SELECT decision FROM saas.evaluate_rules(ARRAY['SCORE 20 IF true'], '{}', p_review_from => 10);

-- Everything at once; twice, so that the second call finds the rules compiled.
SELECT e.*
FROM generate_series(1, 2) AS n
CROSS JOIN LATERAL saas.evaluate_rules(
    ARRAY[
        'SCORE +30 IF :amount: BETWEEN 100 AND 1000 AND ::items:: > 2',
        'BLOCK IF :card_country: != :ip_country: AND NOT :is_recurring:',
        'REVIEW IF 100 / :attempt_count: > 10',
        'SHADOW TAG ''disposable'' IF email_domain(:email:) = ''x.example''',
        'TAG ''no ip'' IF is_missing(:ip:)',
        'CHALLENGE IF :device.id: = ''d'' AND :order.total: = 12345678901234567'
    ],
    jsonb_build_object(
        'amount', 250 * n, 'metadata', '{"items": "3"}'::jsonb, 'card_country', 'us', 'ip_country', 'DE',
        'is_recurring', false, 'attempt_count', 0, 'email', 'a@X.example', 'ip', null,
        'device', '{"id": "d"}'::jsonb, 'order', '{"total": 12345678901234567}'::jsonb
    )
) AS e
ORDER BY n;

-- Missing is unknown, and so is its negation; a failure is hidden by a deciding operand only.
SELECT r.condition, jsonb_array_length(e.matched) AS hits, e.errors -> 0 ->> 'message' AS error
FROM (VALUES
    (1, ':ip_country: = ''US'''),
    (2, 'NOT :ip_country: = ''US'''),
    (3, ':ip_country: = ''US'' OR :livemode:'),
    (4, ':ip_country: IS MISSING'),
    (5, '1 / :amount: > 0'),
    (6, '1 / :amount: > 0 OR :livemode:'),
    (7, ':livemode: AND 1 / :amount: > 0'),
    (8, 'NOT :livemode: AND 1 / :amount: > 0'),
    (9, '9223372036854775807 + :attempt_count: > 0'),
    (10, ':email: = ''x'''),
    (11, '::list:: = 1'),
    (12, ':risk_score: > 1e300')
) AS r (n, condition)
CROSS JOIN LATERAL saas.evaluate_rules(
    ARRAY['TAG ''x'' IF ' || r.condition],
    '{"livemode": true, "amount": 0, "attempt_count": 1, "email": 5, "metadata": {"list": [1]}, "risk_score": 1e400}'
) AS e
ORDER BY r.n;

-- What is refused.
SELECT * FROM saas.evaluate_rules(ARRAY['BLOCK IF true', 'BLOCK IF'], '{}');
SELECT * FROM saas.evaluate_rules(ARRAY[NULL], '{}');
SELECT * FROM saas.evaluate_rules(ARRAY['BLOCK IF true'], '[]');
SELECT * FROM saas.evaluate_rules(ARRAY['BLOCK IF true'], '{}', -1, 75);
SELECT * FROM saas.evaluate_rules(array_fill('BLOCK IF true'::text, ARRAY[10001]), '{}');
\set VERBOSITY sqlstate
SELECT * FROM saas.evaluate_rules(ARRAY['BLOCK IF'], '{}');
\set VERBOSITY default

-- 10,000 rules are accepted.
SELECT score, decision, jsonb_array_length(matched) AS matched
FROM saas.evaluate_rules(
    (SELECT array_agg('SCORE 1 IF :amount: > ' || n) FROM generate_series(1, 10000) AS n), '{"amount": 31}'
);
-- The documents are the server's own, also when they are long.
SELECT e.matched = e.matched::text::jsonb AS same, e.matched -> 69 AS last, jsonb_array_length(e.matched) AS length
FROM saas.evaluate_rules(
    (SELECT array_agg('TAG ''' || repeat('x', n % 7 + 1) || ''' IF true') FROM generate_series(1, 70) AS n), '{}'
) AS e;

-- What belongs to a team fails without one; time does not.
SELECT r.condition, jsonb_array_length(e.matched) AS hits, e.errors -> 0 ->> 'message' AS error
FROM (VALUES
    (1, ':email: IN @list'),
    (2, 'model_score(''m'') > 0.5'),
    (3, 'count(FROM attempts BY :email: OVER 1h) > 0'),
    (4, 'amount_in(''usd'') > 0'),
    (5, 'hour(''Europe/Berlin'') = 1 AND hour() = 0 AND dow(''America/New_York'') = 2'),
    (6, 'snoozed(:ip:)'),
    (7, 'cidr_match(:ip:, ''192.0.2.0/24'') AND age(''2025-01-01'') = 0')
) AS r (n, condition)
CROSS JOIN LATERAL saas.evaluate_rules(
    ARRAY['TAG ''x'' IF ' || r.condition], '{"email": "a@b.example", "amount": 1, "currency": "EUR", "ip": "192.0.2.7"}',
    p_as_of => '2025-01-01 00:00:00+00'
) AS e
ORDER BY r.n;

-- Hostile rules and attributes: clear answers, bounded memory.
SELECT length(message) < 100 AS short, "position" FROM saas.validate_rule(repeat('SHADOW ', 10000000 / 7));
SELECT valid, message FROM saas.validate_rule('BLOCK IF ' || repeat('(', 60000) || ':livemode:' || repeat(')', 5000));
SELECT valid, left(message, 60) AS message FROM saas.validate_rule('BLOCK IF ' || repeat('NOT ', 16000) || 'true');
SELECT valid, left(message, 60) AS message FROM saas.validate_rule('BLOCK IF :amount: > ' || repeat('9', 60000));
SELECT valid, left(message, 60) AS message FROM saas.validate_rule('BLOCK IF count(FROM attempts WHERE ' || repeat('amount + ', 100) || '1 > 2 BY :email: OVER 1h) > 1');
SELECT valid, left(message, 60) AS message FROM saas.validate_rule('BLOCK IF ' || repeat(':email: IN @a OR ', 100) || ':email: IN @b');
SELECT valid FROM saas.validate_rule('BLOCK IF ' || repeat('(:amount: > 1 OR :email: = ''x'') AND ', 300) || 'true');
SELECT e.errors -> 0 ->> 'message' AS error, e.decision
FROM unnest(ARRAY['1e400', '-1e400', '1e131000', '"NaN"', '"Infinity"', '[]', '{}', 'true']) WITH ORDINALITY AS v (amount, n)
CROSS JOIN LATERAL saas.evaluate_rules(
    ARRAY['BLOCK IF :amount: * 1e300 > 0'], format('{"amount": %s}', v.amount)::jsonb
) AS e
ORDER BY v.n;
SELECT e.matched, e.errors
FROM saas.evaluate_rules(
    ARRAY['TAG ''x'' IF similarity(:customer_name:, ''x'') > 0 OR luhn(:customer_name:)'],
    jsonb_build_object('customer_name', repeat('4', 70000))
) AS e;

-- Without the schema package there are no teams' rules.
SELECT * FROM saas.evaluate_team_rules('00000000-0000-7000-8000-000000000001', '{}');
