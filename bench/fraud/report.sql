-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
DO $$
DECLARE
    v_wrong bigint;
BEGIN
    SELECT count(*) INTO v_wrong
    FROM fraud_bench.payments AS p
    CROSS JOIN (
        SELECT pg_catalog.array_agg(r.rule ORDER BY r.n) AS texts,
            pg_catalog.array_agg(r.condition ORDER BY r.n) AS conditions,
            pg_catalog.array_agg(r.score ORDER BY r.n) AS scores
        FROM fraud_bench.rules AS r
    ) AS r
    WHERE p.n <= 200
        AND (saas.evaluate_rules(r.texts, p.attributes)).score
            <> fraud_bench.dynamic(r.conditions, r.scores, p.attributes);
    IF v_wrong > 0 THEN
        RAISE EXCEPTION 'the engines disagree on % payments', v_wrong;
    END IF;
END
$$;
DO $$
DECLARE
    v_wrong bigint;
BEGIN
    SELECT count(*) INTO v_wrong
    FROM fraud_bench.results AS j
    WHERE j.engine = 'json'
        AND j.scores <> (
            SELECT sum((saas.evaluate_rules(r.texts, p.attributes)).score)
            FROM fraud_bench.payments AS p
            CROSS JOIN (
                SELECT pg_catalog.array_agg(b.rule ORDER BY b.n) AS texts FROM fraud_bench.rules AS b WHERE b.n <= j.rules
            ) AS r
        );
    IF v_wrong > 0 THEN
        RAISE EXCEPTION 'json-rules-engine comes to other scores';
    END IF;
END
$$;
WITH medians AS (
    SELECT r.rules, r.engine, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds) AS median,
        min(r.microseconds) AS least, max(r.microseconds) AS most
    FROM fraud_bench.results AS r
    GROUP BY r.rules, r.engine
)
SELECT
    pg_catalog.format(
        '%s rules, %s', m.rules,
        CASE m.engine
            WHEN 'array' THEN 'saas.evaluate_rules'
            WHEN 'team' THEN 'saas.evaluate_team_rules'
            WHEN 'json' THEN 'json-rules-engine'
            ELSE 'PL/pgSQL with EXECUTE'
        END
    ),
    round(m.median::numeric, 2),
    'µs per assessment',
    pg_catalog.format('%s to %s', round(m.least::numeric, 2), round(m.most::numeric, 2)),
    CASE
        WHEN m.engine IN ('array', 'team')
            THEN pg_catalog.concat_ws(
                ', ',
                pg_catalog.format('PL/pgSQL takes %s times as long', round((d.median / m.median)::numeric, 1)),
                'json-rules-engine ' || round((j.median / m.median)::numeric, 1)
            )
    END
FROM medians AS m
JOIN medians AS d ON d.rules = m.rules AND d.engine = 'dynamic'
LEFT JOIN medians AS j ON j.rules = m.rules AND j.engine = 'json'
ORDER BY m.rules, m.engine;
