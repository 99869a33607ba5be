-- Random history: functions over history against plain SQL at every edge, and backtests against assess() of each moment.
BEGIN;
SELECT no_plan();
\set team '00000000-0000-7000-8000-0000000d2001'
\set other '00000000-0000-7000-8000-0000000d2002'
INSERT INTO saas.teams (id, name, slug) VALUES (:'team', 'One', 'as-of-one'), (:'other', 'Two', 'as-of-two');
SELECT setseed(0.25) \g /dev/null

-- Two hundred attempts in each team at forty moments, most of them at the same microsecond as others.
ALTER TABLE saas.payment_intents DISABLE TRIGGER USER;
INSERT INTO saas.payment_intents (team_id, id, provider, amount, currency, status, attributes, created_at, provider_customer_id)
SELECT t.team::uuid, ('00000000-0000-7000-8000-0000' || lpad(t.no::text || n::text, 8, '0'))::uuid, 'stripe', 1 + floor(random() * 50)::bigint * 10, 'EUR', 'requires_confirmation',
    jsonb_strip_nulls(jsonb_build_object('email', CASE WHEN n % 17 > 0 THEN 'e' || floor(random() * 4) || '@as.example' END,
        'card_fingerprint', CASE WHEN random() < 0.8 THEN 'f' || floor(random() * 6) END)),
    timestamptz '2026-03-28 23:00:00+00' + floor(random() * 40) * interval '10 minutes', 'c' || floor(random() * 3)
FROM generate_series(1, 200) AS n, (VALUES (:'team', 1), (:'other', 2)) AS t (team, no);
ALTER TABLE saas.payment_intents ENABLE TRIGGER USER;
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
SELECT :'team', f.place, format('TAG ''x'' IF %s IS NOT MISSING', f.term)
FROM unnest(ARRAY['count(FROM', 'sum(amount FROM', 'avg(amount FROM', 'min(amount FROM', 'max(amount FROM', 'stddev(amount FROM', 'median(amount FROM',
    'percentile(amount, 0.9 FROM', 'count(DISTINCT card_fingerprint FROM', 'sum(DISTINCT amount FROM', 'count(card_fingerprint FROM']) WITH ORDINALITY AS a (head, no)
CROSS JOIN LATERAL (VALUES (a.no || ' email', a.head || ' attempts BY :email: OVER 1h)'), (a.no || ' customer', a.head || ' attempts BY :customer: OVER 90m)')) AS f (place, term);
CREATE FUNCTION pg_temp.by_sql(p_key text, p_value text, p_begin timestamptz, p_end timestamptz, p_not uuid) RETURNS double precision[] LANGUAGE sql AS $$
    SELECT ARRAY[count(*), COALESCE(sum(i.amount), 0), avg(i.amount), min(i.amount), max(i.amount), stddev_samp(i.amount),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY i.amount), percentile_cont(0.9) WITHIN GROUP (ORDER BY i.amount),
        count(DISTINCT i.attributes ->> 'card_fingerprint'), COALESCE(sum(DISTINCT i.amount), 0), count(i.attributes ->> 'card_fingerprint')]::double precision[]
    FROM saas.payment_intents AS i
    WHERE i.team_id = '00000000-0000-7000-8000-0000000d2001' AND i.created_at > p_begin AND i.created_at <= p_end AND i.id IS DISTINCT FROM p_not
        AND CASE p_key WHEN 'email' THEN i.attributes ->> 'email' ELSE i.provider_customer_id END = p_value
$$;
-- At the moment of an attempt, one microsecond before and after it, and where it leaves each window; with and without the attempt itself.
CREATE TEMPORARY TABLE probe AS
SELECT i.id AS intent, i.attributes ->> 'email' AS email, i.provider_customer_id AS customer, i.created_at + s.step AS at, x.not_itself,
    jsonb_strip_nulls(jsonb_build_object('email', upper(i.attributes ->> 'email'), 'customer', i.provider_customer_id)) AS attributes
FROM saas.payment_intents AS i
CROSS JOIN unnest(ARRAY['0', '-1 us', '1 us', '1 h', '59 min 59.999999 s', '90 min', '89 min 59.999999 s', '-1 day', '10 years']::interval[]) AS s (step)
CROSS JOIN (VALUES (true), (false)) AS x (not_itself)
WHERE i.team_id = :'team' AND i.id::text < '00000000-0000-7000-8000-000000000118';
CREATE TEMPORARY TABLE told AS
SELECT p.*, r.rules, t.terms
FROM probe AS p
CROSS JOIN LATERAL saas.trace_team_rules(:'team', p.attributes, p.at, CASE WHEN p.not_itself THEN p.intent END) AS t
CROSS JOIN LATERAL (SELECT saas.team_rule_set(:'team', t.rule_set_version) AS rules) AS r;
SELECT cmp_ok((SELECT count(*) FROM told), '>=', 300::bigint, 'hundreds of moments');
CREATE TEMPORARY TABLE compared AS
SELECT t.at, t.intent, k.name, b.place, (e.value ->> 'value')::double precision AS told,
    (pg_temp.by_sql(k.name, CASE k.name WHEN 'email' THEN t.email ELSE t.customer END, t.at - CASE k.name WHEN 'email' THEN interval '1 hour' ELSE interval '90 minutes' END,
        t.at, CASE WHEN t.not_itself THEN t.intent END))[b.place] AS computed,
    e.value -> 'arguments' ->> 0 IS NULL AS unknown
FROM told AS t
-- Terms have the order of the rules, and those that of their identifiers.
CROSS JOIN LATERAL jsonb_array_elements(t.terms) WITH ORDINALITY AS e
CROSS JOIN LATERAL (SELECT t.rules -> (e.ordinality::integer - 1) ->> 'name' AS rule) AS r
CROSS JOIN LATERAL (SELECT split_part(r.rule, ' ', 2) AS name) AS k
CROSS JOIN LATERAL (SELECT split_part(r.rule, ' ', 1)::integer AS place) AS b
WHERE e.value <> 'null';
SELECT is_empty(
    'SELECT * FROM compared WHERE NOT unknown AND told IS DISTINCT FROM computed AND abs(told - computed) IS DISTINCT FROM 0 AND (told IS NULL OR computed IS NULL OR abs(told - computed) > 1e-12 * abs(computed)) LIMIT 5',
    'every function gives what SQL gives'
);
SELECT cmp_ok((SELECT count(*) FROM compared WHERE NOT unknown), '>', 5000::bigint, 'in thousands of comparisons');
SELECT is((SELECT count(*) FROM compared WHERE unknown AND told IS NOT NULL), 0::bigint, 'without an address there is no answer');
DELETE FROM saas.fraud_detection_rules WHERE team_id = :'team';

-- Backtests: lists that change, snoozes, hours beside the change to summer time, errors, samples, history.
SELECT saas.set_context(:'team') \g /dev/null
INSERT INTO saas.fraud_lists (team_id, id, alias, kind) VALUES (:'team', :'team', 'bad', 'email');
INSERT INTO saas.fraud_list_changes (team_id, list_id, value, present, changed_at)
SELECT :'team', :'team', 'e' || n % 4 || '@as.example', n / 4 % 2 = 0, timestamptz '2026-03-28 23:05:00+00' + n * interval '23 minutes' FROM generate_series(0, 15) AS n;
INSERT INTO saas.fraud_snoozes (team_id, kind, value, starts_at, ends_at) VALUES
    (:'team', 'customer', 'c1', '2026-03-29 00:00:00+00', '2026-03-29 02:00:00+00'), (:'team', 'customer', 'c2', '2026-03-29 01:30:00+00', 'infinity');
INSERT INTO saas.exchange_rates (base_currency, quote_currency, as_of, rate, source) VALUES
    ('EUR', 'CHF', '2026-03-28 12:00:00+00', 0.9, 'test'), ('EUR', 'CHF', '2026-03-29 01:00:00+00', 2, 'test');
SELECT saas.record_assessment(:'team', i.id) FROM saas.payment_intents AS i WHERE i.team_id = :'team' \g /dev/null
ALTER TABLE saas.fraud_assessments DISABLE TRIGGER USER;
UPDATE saas.fraud_assessments AS a SET assessed_at = i.created_at FROM saas.payment_intents AS i
WHERE a.team_id = :'team' AND i.team_id = a.team_id AND i.id = a.payment_intent_id;
-- Every fifth attempt was assessed twice: the last assessment counts, in the same tenth of the period or in another one.
INSERT INTO saas.fraud_assessments (team_id, payment_intent_id, score, decision, matched, shadow, errors, attributes, rule_set_version, microseconds, settings, assessed_at)
SELECT a.team_id, a.payment_intent_id, 0, 'block', '[]', '[]', '[]', a.attributes || '{"amount": 7}', a.rule_set_version, 1, a.settings,
    a.assessed_at + floor(random() * 3) * interval '40 minutes'
FROM saas.fraud_assessments AS a JOIN saas.payment_intents AS i ON i.team_id = a.team_id AND i.id = a.payment_intent_id
WHERE a.team_id = :'team' AND right(i.id::text, 1) IN ('0', '5');
ALTER TABLE saas.fraud_assessments ENABLE TRIGGER USER;
CREATE TEMPORARY TABLE attempts AS
SELECT DISTINCT ON (a.payment_intent_id) a.payment_intent_id AS intent, a.attributes, a.assessed_at, a.decision
FROM saas.fraud_assessments AS a
WHERE a.team_id = :'team' AND a.assessed_at >= '2026-03-29 00:00:00+00' AND a.assessed_at < '2026-03-29 05:30:00+00'
ORDER BY a.payment_intent_id, a.assessed_at DESC, a.id DESC;
CREATE FUNCTION pg_temp.one_by_one(p_rule text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_said record;
    v_result jsonb;
BEGIN
    DELETE FROM saas.fraud_detection_rules WHERE team_id = '00000000-0000-7000-8000-0000000d2001';
    INSERT INTO saas.fraud_detection_rules (team_id, id, name, rule) VALUES ('00000000-0000-7000-8000-0000000d2001', '00000000-0000-7000-8000-0000000d2001', '1', p_rule);
    SELECT jsonb_build_object('attempts', count(*), 'hits', count(*) FILTER (WHERE t.matched <> '[]' OR t.shadow <> '[]'),
        'errors', count(*) FILTER (WHERE t.errors <> '[]'), 'would_block', count(*) FILTER (WHERE t.decision = 'block'),
        'newly_blocked', count(*) FILTER (WHERE t.decision = 'block' AND a.decision <> 'block'),
        'amount', sum((a.attributes ->> 'amount')::numeric) FILTER (WHERE t.matched <> '[]' OR t.shadow <> '[]'))
    INTO v_result
    FROM attempts AS a
    CROSS JOIN LATERAL saas.trace_team_rules('00000000-0000-7000-8000-0000000d2001', a.attributes, a.assessed_at, a.intent) AS t;
    RETURN v_result;
END $$;
SET LOCAL client_min_messages = warning;
SELECT is(
    jsonb_build_object('attempts', b.attempts, 'hits', b.hits, 'errors', b.errors, 'would_block', b.would_block, 'newly_blocked', b.newly_blocked, 'amount', b.amounts -> 'EUR'),
    pg_temp.one_by_one(r.rule), 'a backtest is assess() of each moment: ' || r.rule
)
FROM (VALUES
    ('BLOCK IF :amount: > 250'), ('BLOCK IF :email: IN @bad'), ('REVIEW IF NOT :email: IN @bad'), ('BLOCK IF snoozed(:customer:)'),
    ('BLOCK IF count(FROM attempts BY :email: OVER 1h) > 2'), ('SCORE +80 IF sum(amount FROM attempts BY :customer: OVER 90m) > 1500 AND :email: IN @bad'),
    ('SHADOW BLOCK IF stddev(amount FROM attempts BY :email: OVER 3h) > 120'), ('BLOCK IF hour(''Europe/Berlin'') IN (1, 3)'), ('BLOCK IF dow(''Europe/Berlin'') = 0 AND hour() < 2'),
    ('BLOCK IF amount_in(''CHF'') > 4'), ('BLOCK IF 100 / (:amount: - 7) > 0'), ('REVIEW IF count(DISTINCT email FROM attempts BY :card_fingerprint: OVER 2h INCLUDING CURRENT) >= 3'),
    ('BLOCK IF :amount: > 100 UNTIL ''2026-03-29T01:30:00Z'''), ('BLOCK IF last(amount FROM attempts BY :email: ALL TIME) > :amount:'), ('SCORE +40 IF :email: IS MISSING')
) AS r (rule)
CROSS JOIN LATERAL saas.backtest_rule(:'team', r.rule, '2026-03-29 00:00:00+00', '2026-03-29 05:30:00+00') AS b;
SELECT cmp_ok((SELECT count(*) FROM attempts), '>', 100::bigint, 'over many attempts');

-- Of a former moment, lists are those of then.
DELETE FROM saas.fraud_detection_rules WHERE team_id = :'team';
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES (:'team', 'listed', 'BLOCK IF :email: IN @bad');
INSERT INTO saas.fraud_list_items (team_id, list_id, value) VALUES (:'team', :'team', 'now@as.example');
SELECT is((saas.assess(:'team', '{"email": "now@as.example"}')).decision, 'block', 'what is listed now blocks now');
SELECT is((saas.assess(:'team', '{"email": "now@as.example"}', now() - interval '1 day')).decision, 'approve', 'but not yesterday');
SELECT is((saas.assess(:'team', '{"email": "e0@as.example"}', '2026-03-28 23:06:00+00')).decision, 'block', 'what was listed then blocks then');
SELECT results_eq(
    $$SELECT a.errors -> 0 ->> 'message', b.errors -> 0 ->> 'message'
      FROM (VALUES ('{"email": 1.5}'::jsonb), ('{"email": true}')) AS t (attributes), saas.assess('00000000-0000-7000-8000-0000000d2001', t.attributes) AS a,
      saas.assess('00000000-0000-7000-8000-0000000d2001', t.attributes, now() - interval '1 day') AS b$$,
    $$VALUES ('value of the wrong type', 'value of the wrong type'), ('value of the wrong type', 'value of the wrong type')$$, 'what cannot be looked up fails then as now'
);
SELECT results_eq(
    $$SELECT a.decision, a.errors FROM unnest('{-infinity,infinity,4713-01-01 BC,294276-12-31}'::timestamptz[]) AS t (at),
      saas.assess('00000000-0000-7000-8000-0000000d2001', '{"email": "e0@as.example"}', t.at) AS a$$,
    $$VALUES ('approve', '[]'::jsonb), ('approve', '[]'), ('approve', '[]'), ('approve', '[]')$$, 'the ends of time are moments, too'
);

-- Attributes that are computed, or have another name, are found in history as the rules read them.
DELETE FROM saas.fraud_detection_rules WHERE team_id = :'team';
SET LOCAL client_min_messages = warning;
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
SELECT :'team', k.key, format('TAG %L IF count(FROM attempts BY :%s: OVER 1h) = 3', k.key, k.key)
FROM unnest('{email_domain,billing_address,shipping_address,payment_method_id,charge_description,is_livemode,billing_address_city,provider}'::text[]) AS k (key);
INSERT INTO saas.payment_intents (team_id, provider, amount, currency, status, provider_payment_method_id, description, livemode, attributes)
SELECT :'team', 'square', n, 'EUR', 'requires_confirmation', 'pm_7', 'A book', true, jsonb_build_object('email', n || '@Domain.example',
    'billing_address_line1', 'High Street 1', 'billing_city', 'Ourtown', 'billing_country', 'GB', 'shipping_address_line2', 'second floor', 'shipping_postal_code', '',
    'shipping_city', 'Ourtown')
FROM generate_series(1, 4) AS n;
SELECT results_eq(
    $$SELECT m ->> 'tag' FROM saas.fraud_assessments AS a, jsonb_array_elements(a.matched) AS m
      WHERE a.team_id = '00000000-0000-7000-8000-0000000d2001' AND a.attributes ->> 'payment_method_id' = 'pm_7' AND (a.attributes -> 'amount') = '4' ORDER BY 1$$,
    $$SELECT unnest('{billing_address,billing_address_city,charge_description,email_domain,is_livemode,payment_method_id,provider,shipping_address}'::text[])$$,
    'the fourth attempt sees three before it'
);
SELECT results_eq(
    $$SELECT (a.attributes ->> 'billing_address') || '/' || (a.attributes ->> 'shipping_address') FROM saas.fraud_assessments AS a
      WHERE a.team_id = '00000000-0000-7000-8000-0000000d2001' AND a.attributes ->> 'payment_method_id' = 'pm_7' AND (a.attributes -> 'amount') = '4'$$,
    $$VALUES ('High Street 1 Ourtown GB/second floor Ourtown ')$$, 'by the addresses that the rules read'
);
DO $$
DECLARE
    v_statement text;
BEGIN
    FOR v_statement IN SELECT f.statement FROM saas.fraud_index_advice() AS f LOOP
        EXECUTE replace(v_statement, 'CONCURRENTLY ', '');
    END LOOP;
END $$;
SELECT is_empty('SELECT * FROM saas.fraud_index_advice()', 'the indexes that are advised can be made, and are found');

-- Hours and days of the week in time zones, also around changes of the clock, are those of the server.
SELECT is_empty(
    $$SELECT x.t, z.zone
      FROM (SELECT timestamptz '1900-01-01 00:00Z' + n * interval '1234567 min' AS t FROM generate_series(0, 100) AS n
          UNION ALL SELECT u + s FROM unnest('{2026-03-29 01:00Z,2026-10-25 01:00Z,2026-03-08 10:00Z,2026-11-01 09:00Z,2011-12-30 10:00Z,1970-01-01 00:00Z}'::timestamptz[]) AS u,
              unnest('{-1 us,0,1 us,-1 h,1 h,-1 s}'::interval[]) AS s) AS x,
          unnest('{Europe/Berlin,America/New_York,America/Los_Angeles,Pacific/Apia,Asia/Kolkata,Australia/Lord_Howe,UTC}'::text[]) AS z (zone)
      WHERE (saas.evaluate_rules(ARRAY[format('TAG ''x'' IF hour(%1$L) = %2$s AND dow(%1$L) = %3$s', z.zone, extract(hour FROM x.t AT TIME ZONE z.zone),
          extract(dow FROM x.t AT TIME ZONE z.zone))], '{}', p_as_of => x.t)).matched = '[]'$$, 'local time is the server''s'
);
SELECT * FROM finish();
ROLLBACK;
