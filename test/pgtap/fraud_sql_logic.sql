-- Random conditions, evaluated by the rule engine and by SQL: equal results, with NULL for what is missing.
BEGIN;
SELECT plan(4);
SELECT setseed(0.20261121);

CREATE TYPE pg_temp.pair AS (rule text, query text);
CREATE FUNCTION pg_temp.as_pair(p_rule text, p_query text) RETURNS pg_temp.pair LANGUAGE sql AS 'SELECT p_rule, p_query';
CREATE FUNCTION pg_temp.below(p_n integer) RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT floor(random() * p_n)::integer';

-- A number: quarters and small whole numbers, which both engines keep exactly.
CREATE FUNCTION pg_temp.random_number(p_depth integer) RETURNS pg_temp.pair LANGUAGE plpgsql AS $$
DECLARE
    v_a pg_temp.pair;
    v_b pg_temp.pair;
    v_op text;
BEGIN
    CASE pg_temp.below(CASE WHEN p_depth = 0 THEN 4 ELSE 8 END)
        WHEN 0 THEN RETURN pg_temp.as_pair(':amount:', 'p.amount');
        WHEN 1 THEN RETURN pg_temp.as_pair(':risk_score:', 'p.risk_score');
        WHEN 2 THEN
            v_op := (pg_temp.below(9) - 4)::text;
            RETURN pg_temp.as_pair('(' || v_op || ')', '(' || v_op || ')::numeric');
        WHEN 3 THEN
            v_op := (pg_temp.below(9) / 4.0)::numeric(6, 2)::text;
            RETURN pg_temp.as_pair(v_op, v_op || '::numeric');
        WHEN 4 THEN
            v_a := pg_temp.random_number(p_depth - 1);
            v_op := (ARRAY['2', '4', '-8'])[1 + pg_temp.below(3)];
            RETURN pg_temp.as_pair(format('(%s / %s)', v_a.rule, v_op), format('(%s / (%s)::numeric)', v_a.query, v_op));
        WHEN 5 THEN
            v_a := pg_temp.random_number(p_depth - 1);
            v_op := (ARRAY['2', '3', '-5'])[1 + pg_temp.below(3)];
            RETURN pg_temp.as_pair(format('(%s %% %s)', v_a.rule, v_op), format('(%s %% (%s)::numeric)', v_a.query, v_op));
        WHEN 6 THEN
            v_a := pg_temp.random_number(p_depth - 1);
            RETURN pg_temp.as_pair(format('(-%s)', v_a.rule), format('(-%s)', v_a.query));
        ELSE
            v_a := pg_temp.random_number(p_depth - 1);
            v_b := pg_temp.random_number(p_depth - 1);
            v_op := (ARRAY['+', '-', '*'])[1 + pg_temp.below(3)];
            RETURN pg_temp.as_pair(format('(%s %s %s)', v_a.rule, v_op, v_b.rule), format('(%s %s %s)', v_a.query, v_op, v_b.query));
    END CASE;
END
$$;

CREATE FUNCTION pg_temp.random_text(p_depth integer) RETURNS pg_temp.pair LANGUAGE plpgsql AS $$
DECLARE
    v_text text;
BEGIN
    CASE pg_temp.below(5)
        WHEN 0 THEN RETURN pg_temp.as_pair(':email:', 'p.email COLLATE "C"');
        WHEN 1 THEN RETURN pg_temp.as_pair('::note::', 'p.note COLLATE "C"');
        WHEN 2 THEN RETURN pg_temp.as_pair('lower(::note::)', 'lower(p.note) COLLATE "C"');
        ELSE
            v_text := quote_literal((ARRAY['a@b.example', '', 'it''s', 'a%b', 'zz'])[1 + pg_temp.below(5)]);
            RETURN pg_temp.as_pair(v_text, v_text || '::text COLLATE "C"');
    END CASE;
END
$$;

CREATE FUNCTION pg_temp.random_condition(p_depth integer) RETURNS pg_temp.pair LANGUAGE plpgsql AS $$
DECLARE
    v_a pg_temp.pair;
    v_b pg_temp.pair;
    v_c pg_temp.pair;
    v_op text;
    v_not text := CASE WHEN pg_temp.below(2) = 0 THEN ' NOT' ELSE '' END;
BEGIN
    CASE pg_temp.below(CASE WHEN p_depth = 0 THEN 9 ELSE 14 END)
        WHEN 0, 1 THEN
            v_a := pg_temp.random_number(2);
            v_b := pg_temp.random_number(1);
            v_op := (ARRAY['=', '!=', '<', '<=', '>', '>='])[1 + pg_temp.below(6)];
            RETURN pg_temp.as_pair(concat_ws(' ', v_a.rule, v_op, v_b.rule), concat_ws(' ', v_a.query, v_op, v_b.query));
        WHEN 2 THEN
            v_a := pg_temp.random_text(1);
            v_b := pg_temp.random_text(1);
            v_op := (ARRAY['=', '<>', '<', '<=', '>', '>='])[1 + pg_temp.below(6)];
            RETURN pg_temp.as_pair(concat_ws(' ', v_a.rule, v_op, v_b.rule), concat_ws(' ', v_a.query, v_op, v_b.query));
        WHEN 3 THEN
            v_a := pg_temp.random_number(1);
            RETURN pg_temp.as_pair(v_a.rule || v_not || ' IN (1, -2, 0.75, 3)', v_a.query || v_not || ' IN (1, -2, 0.75, 3)');
        WHEN 4 THEN
            v_a := pg_temp.random_text(1);
            RETURN pg_temp.as_pair(v_a.rule || v_not || ' IN (''zz'', '''', ''a@b.example'')', v_a.query || v_not || ' IN (''zz'', '''', ''a@b.example'')');
        WHEN 5 THEN
            v_a := pg_temp.random_text(1);
            v_op := quote_literal((ARRAY['a%', '%b%', '_', '%', 'a\%b', 'it_s'])[1 + pg_temp.below(6)]);
            RETURN pg_temp.as_pair(v_a.rule || v_not || ' LIKE ' || replace(v_op, 'E''', ''''), v_a.query || v_not || ' LIKE ' || v_op);
        WHEN 6 THEN
            v_a := pg_temp.random_number(1);
            v_b := pg_temp.random_number(0);
            v_c := pg_temp.random_number(0);
            RETURN pg_temp.as_pair(format('%s%s BETWEEN %s AND %s', v_a.rule, v_not, v_b.rule, v_c.rule), format('%s%s BETWEEN %s AND %s', v_a.query, v_not, v_b.query, v_c.query));
        WHEN 7 THEN
            IF pg_temp.below(2) = 0 THEN
                v_a := pg_temp.random_number(2);
            ELSE
                v_a := pg_temp.random_text(1);
            END IF;
            RETURN pg_temp.as_pair(v_a.rule || ' IS' || v_not || ' MISSING', v_a.query || ' IS' || v_not || ' NULL');
        WHEN 8 THEN RETURN pg_temp.as_pair(':livemode:', 'p.livemode');
        WHEN 9, 10 THEN
            v_a := pg_temp.random_condition(p_depth - 1);
            RETURN pg_temp.as_pair('NOT (' || v_a.rule || ')', 'NOT (' || v_a.query || ')');
        ELSE
            v_a := pg_temp.random_condition(p_depth - 1);
            v_b := pg_temp.random_condition(p_depth - 1);
            v_op := CASE WHEN pg_temp.below(2) = 0 THEN 'AND' ELSE 'OR' END;
            RETURN pg_temp.as_pair(format('(%s) %s (%s)', v_a.rule, v_op, v_b.rule), format('(%s) %s (%s)', v_a.query, v_op, v_b.query));
    END CASE;
END
$$;

CREATE TEMPORARY TABLE conditions AS
SELECT r.n, (r.made).rule, (r.made).query
FROM (SELECT n, pg_temp.random_condition(4 + n % 2) AS made FROM generate_series(1, 1500) AS n OFFSET 0) AS r;
-- quote_literal writes E'…' around backslashes; in rules a backslash needs no quoting but in patterns.
UPDATE conditions SET rule = replace(rule, 'a\\%b', 'a\%b');
CREATE TEMPORARY TABLE payments AS
SELECT n,
    CASE WHEN random() < 0.7 THEN pg_temp.below(9) - 4 END::numeric AS amount,
    CASE WHEN random() < 0.7 THEN pg_temp.below(17) / 4.0 END::numeric(6, 2) AS risk_score,
    CASE WHEN random() < 0.7 THEN (ARRAY['a@b.example', 'zz', 'it''s'])[1 + pg_temp.below(3)] END AS email,
    CASE WHEN random() < 0.7 THEN (ARRAY['', 'A%B', 'it''s', 'zz'])[1 + pg_temp.below(4)] END AS note,
    CASE WHEN random() < 0.7 THEN random() < 0.5 END AS livemode
FROM generate_series(1, 60) AS n;

SELECT is(
    (SELECT string_agg(c.rule || ': ' || v.message, E'\n') FROM conditions AS c CROSS JOIN LATERAL saas.validate_rule('TAG ''x'' IF ' || c.rule) AS v WHERE NOT v.valid),
    NULL, 'every random condition is a rule'
);

CREATE TEMPORARY TABLE answers (payment integer, condition integer, rule_says boolean, sql_says boolean, failed boolean);
DO $$
DECLARE
    v_payment record;
    v_texts text[] := (SELECT array_agg('TAG ''x'' IF ' || c.rule ORDER BY c.n) FROM conditions AS c);
    v_query text := (SELECT 'SELECT ARRAY[' || string_agg('(' || c.query || ')', ', ' ORDER BY c.n) || '] FROM payments AS p WHERE p.n = $1' FROM conditions AS c);
    v_sql boolean[];
    v_hits integer[];
    v_failures integer[];
BEGIN
    FOR v_payment IN SELECT * FROM payments LOOP
        EXECUTE v_query INTO v_sql USING v_payment.n;
        SELECT ARRAY(SELECT (m ->> 'id')::integer FROM jsonb_array_elements(e.matched) AS m),
            ARRAY(SELECT (m ->> 'id')::integer FROM jsonb_array_elements(e.errors) AS m)
        INTO v_hits, v_failures
        FROM saas.evaluate_rules(v_texts, jsonb_strip_nulls(jsonb_build_object(
            'amount', v_payment.amount, 'risk_score', v_payment.risk_score, 'email', v_payment.email, 'livemode', v_payment.livemode,
            'metadata', jsonb_build_object('note', v_payment.note)
        ))) AS e;
        INSERT INTO answers
        SELECT v_payment.n, c.n, c.n = ANY (v_hits), v_sql[c.n], c.n = ANY (v_failures)
        FROM conditions AS c;
    END LOOP;
END
$$;
SELECT is(
    (SELECT string_agg(format('%s | %s | %s', c.rule, c.query, p), E'\n')
     FROM (SELECT * FROM answers AS a WHERE a.rule_says IS DISTINCT FROM COALESCE(a.sql_says, false) LIMIT 3) AS a
     JOIN conditions AS c ON c.n = a.condition JOIN payments AS p ON p.n = a.payment),
    NULL, 'rules match where SQL says true, in 90,000 trials'
);
SELECT is((SELECT count(*) FROM answers AS a WHERE a.failed), 0::bigint, 'and none fails');
SELECT cmp_ok(
    (SELECT LEAST(count(*) FILTER (WHERE a.sql_says), count(*) FILTER (WHERE NOT a.sql_says), count(*) FILTER (WHERE a.sql_says IS NULL)) FROM answers AS a),
    '>', 10000::bigint, 'true, false and unknown all come up'
);

SELECT * FROM finish();
ROLLBACK;
