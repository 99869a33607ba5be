-- Rules, the same conditions as SQL, payments, and the PL/pgSQL engine to compare with.
DROP SCHEMA IF EXISTS fraud_bench CASCADE;
CREATE SCHEMA fraud_bench;

CREATE TABLE fraud_bench.rules AS
SELECT
    n,
    CASE n % 5
        WHEN 0 THEN pg_catalog.format('SCORE 3 IF :amount: > %s000 AND :card_country: != :ip_country:', n)
        WHEN 1 THEN pg_catalog.format('REVIEW IF :email_domain: IN (''a%s.example'', ''b.example'', ''c.example'')', n)
        WHEN 2 THEN pg_catalog.format('BLOCK IF :card_funding: = ''prepaid'' AND :amount: > %s00 AND NOT :is_recurring:', n)
        WHEN 3 THEN pg_catalog.format('SCORE 1 IF :ip_country: NOT IN (''US'', ''CA'', ''GB'') AND :risk_score: >= %s', n)
        WHEN 4 THEN pg_catalog.format('TAG ''t%s'' IF ::items:: > %s OR :attempt_count: * 10 > 1%s', n, n, n)
    END AS rule,
    CASE n % 5
        WHEN 0 THEN pg_catalog.format('($1 ->> ''amount'')::bigint > %s000 AND ($1 ->> ''card_country'') <> ($1 ->> ''ip_country'')', n)
        WHEN 1 THEN pg_catalog.format('($1 ->> ''email_domain'') IN (''a%s.example'', ''b.example'', ''c.example'')', n)
        WHEN 2 THEN pg_catalog.format('($1 ->> ''card_funding'') = ''prepaid'' AND ($1 ->> ''amount'')::bigint > %s00 AND NOT ($1 ->> ''is_recurring'')::boolean', n)
        WHEN 3 THEN pg_catalog.format('($1 ->> ''ip_country'') NOT IN (''US'', ''CA'', ''GB'') AND ($1 ->> ''risk_score'')::bigint >= %s', n)
        WHEN 4 THEN pg_catalog.format('($1 -> ''metadata'' ->> ''items'')::bigint > %s OR ($1 ->> ''attempt_count'')::bigint * 10 > 1%s', n, n)
    END AS condition,
    CASE n % 5 WHEN 0 THEN 3 WHEN 3 THEN 1 ELSE 0 END AS score
FROM generate_series(1, 100) AS n;

CREATE TABLE fraud_bench.payments AS
SELECT n, pg_catalog.jsonb_build_object(
    'amount', (n * 7919) % 40000,
    'currency', 'USD',
    'card_country', (ARRAY['US', 'US', 'DE', 'FR'])[1 + n % 4],
    'ip_country', (ARRAY['US', 'DE', 'BR'])[1 + n % 3],
    'card_funding', (ARRAY['credit', 'debit', 'prepaid'])[1 + n % 3],
    'email', pg_catalog.format('buyer%s@mail.example', n),
    'email_domain', 'mail.example',
    'is_recurring', n % 7 = 0,
    'risk_score', n % 100,
    'attempt_count', n % 4,
    'metadata', pg_catalog.jsonb_build_object('items', (n % 9)::text, 'campaign', 'spring')
) AS attributes
FROM generate_series(1, 2000) AS n;
ANALYZE fraud_bench.payments;

-- Each condition is SQL text; each payment executes each of them.
CREATE FUNCTION fraud_bench.dynamic(p_conditions text[], p_scores integer[], p_attributes jsonb)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    v_hit boolean;
    v_score integer := 0;
BEGIN
    FOR v_rule IN 1 .. pg_catalog.cardinality(p_conditions) LOOP
        EXECUTE 'SELECT ' || p_conditions[v_rule] INTO v_hit USING p_attributes;
        IF v_hit THEN
            v_score := v_score + p_scores[v_rule];
        END IF;
    END LOOP;
    RETURN LEAST(GREATEST(v_score, 0), 100);
END
$$;

CREATE TABLE fraud_bench.results (
    rules integer NOT NULL,
    engine text NOT NULL,
    microseconds double precision NOT NULL,
    scores bigint NOT NULL
);

-- One measurement: the payments in turn until about `p_calls` assessments are made.
CREATE PROCEDURE fraud_bench.measure(p_rules integer, p_engine text, p_team uuid, p_calls integer)
LANGUAGE plpgsql
AS $$
DECLARE
    v_texts text[];
    v_conditions text[];
    v_scores integer[];
    v_begin timestamptz;
    v_sum bigint;
    v_rounds integer := GREATEST(1, p_calls / 2000);
    v_payments integer := LEAST(2000, p_calls);
BEGIN
    SELECT pg_catalog.array_agg(r.rule ORDER BY r.n), pg_catalog.array_agg(r.condition ORDER BY r.n),
        pg_catalog.array_agg(r.score ORDER BY r.n)
    INTO v_texts, v_conditions, v_scores
    FROM fraud_bench.rules AS r
    WHERE r.n <= p_rules;
    v_begin := pg_catalog.clock_timestamp();
    FOR v_round IN 1 .. v_rounds LOOP
        IF p_engine = 'array' THEN
            SELECT sum((saas.evaluate_rules(v_texts, p.attributes)).score) INTO v_sum
            FROM fraud_bench.payments AS p WHERE p.n <= v_payments;
        ELSIF p_engine = 'team' THEN
            SELECT sum((saas.evaluate_team_rules(p_team, p.attributes)).score) INTO v_sum
            FROM fraud_bench.payments AS p WHERE p.n <= v_payments;
        ELSE
            SELECT sum(fraud_bench.dynamic(v_conditions, v_scores, p.attributes)) INTO v_sum
            FROM fraud_bench.payments AS p WHERE p.n <= v_payments;
        END IF;
    END LOOP;
    INSERT INTO fraud_bench.results
    SELECT p_rules, p_engine,
        EXTRACT(epoch FROM pg_catalog.clock_timestamp() - v_begin) * 1000000 / (v_rounds * v_payments),
        v_sum / v_payments;
END
$$;
