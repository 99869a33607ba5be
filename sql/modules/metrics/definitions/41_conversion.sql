-- Funnels, and whether one way converts better than another.
CREATE OR REPLACE FUNCTION saas.funnel(
    p_team uuid,
    p_steps text[],
    p_from timestamptz,
    p_to timestamptz,
    p_window interval DEFAULT '7 days'
)
RETURNS TABLE (
    step integer,
    name text,
    users bigint,
    conversion_rate numeric,
    step_conversion_rate numeric,
    median_seconds double precision
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
DECLARE
    v_steps integer := COALESCE(cardinality(p_steps), 0);
    v_window bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    v_window := saas.span_microseconds(p_window, 'the window of a funnel');
    IF v_steps NOT BETWEEN 1 AND 30 OR array_ndims(p_steps) > 1 OR array_position(p_steps, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a funnel has 1 to 30 steps, each the name of an event',
            HINT = 'For example ARRAY[''signed_up'', ''invited'', ''paid''].';
    END IF;
    RETURN QUERY
    WITH bits AS (
        SELECT s.name, sum(1 << (s.n - 1)::integer)::integer AS steps
        FROM unnest(p_steps) WITH ORDINALITY AS s (name, n)
        GROUP BY s.name
    ), runs AS (
        SELECT
            saas.funnel_progress(
                array_agg(e.created_at ORDER BY e.created_at, e.id),
                array_agg(b.steps ORDER BY e.created_at, e.id),
                v_steps,
                v_window
            ) AS seconds
        FROM saas.product_events AS e
        JOIN bits AS b ON b.name = e.name
        WHERE e.team_id = p_team AND e.created_at >= p_from AND e.created_at < p_to
        GROUP BY e.actor_id
    ), reached AS (
        SELECT
            n.n::integer AS step,
            count(*) FILTER (WHERE cardinality(r.seconds) >= n.n) AS users,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY r.seconds[n.n]) AS median
        FROM generate_series(1, v_steps) AS n (n)
        LEFT JOIN runs AS r ON true
        GROUP BY n.n
    )
    SELECT
        r.step,
        p_steps[r.step],
        r.users,
        round(r.users::numeric / nullif(first_value(r.users) OVER (ORDER BY r.step), 0), 4),
        round(r.users::numeric / nullif(lag(r.users, 1, r.users) OVER (ORDER BY r.step), 0), 4),
        r.median
    FROM reached AS r
    ORDER BY r.step;
END
$$;
COMMENT ON FUNCTION saas.funnel(uuid, text[], timestamptz, timestamptz, interval) IS
'How many people did these events in this order, all within p_window of the first: in the best of each person''s runs. Rates by the first step and by the one before; seconds since the first step.';
REVOKE ALL ON FUNCTION saas.funnel(uuid, text[], timestamptz, timestamptz, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.funnel(uuid, text[], timestamptz, timestamptz, interval)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.conversion_test(
    p_conversions_a bigint,
    p_users_a bigint,
    p_conversions_b bigint,
    p_users_b bigint,
    p_confidence double precision DEFAULT 0.95
)
RETURNS TABLE (
    rate_a double precision,
    rate_b double precision,
    difference double precision,
    lift double precision,
    z double precision,
    p_value double precision,
    lower double precision,
    upper double precision,
    significant boolean,
    reliable boolean
)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT
        r.a,
        r.b,
        r.b - r.a,
        (r.b - r.a) / nullif(r.a, 0),
        c.z,
        c.p_value,
        c.lower,
        c.upper,
        c.p_value < 1 - p_confidence,
        c.reliable
    FROM saas.compare_shares(p_conversions_a, p_users_a, p_conversions_b, p_users_b, p_confidence) AS c
    CROSS JOIN LATERAL (
        SELECT
            p_conversions_a / p_users_a::double precision AS a,
            p_conversions_b / p_users_b::double precision AS b
    ) AS r
$$;
COMMENT ON FUNCTION saas.conversion_test(bigint, bigint, bigint, bigint, double precision) IS
'Whether b converts otherwise than a: rates, difference with its interval, lift relative to a, two-sided p value, whether it is below 1 minus the confidence, and whether there are enough users to say so. No row for NULL; 22023 for counts that are none.';
REVOKE ALL ON FUNCTION saas.conversion_test(bigint, bigint, bigint, bigint, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.conversion_test(bigint, bigint, bigint, bigint, double precision)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.ab_test_result(
    p_team uuid,
    p_experiment text,
    p_goal text,
    p_from timestamptz,
    p_to timestamptz,
    p_control text DEFAULT 'control',
    p_window interval DEFAULT '14 days',
    p_confidence double precision DEFAULT 0.95
)
RETURNS TABLE (
    variant text,
    users bigint,
    conversions bigint,
    conversion_rate numeric,
    lift numeric,
    p_value double precision,
    lower double precision,
    upper double precision,
    significant boolean,
    verdict text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
DECLARE
    v_window interval;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    v_window := saas.span_microseconds(p_window, 'the window of an experiment') * interval '1 microsecond';
    IF p_experiment IS NULL OR p_goal IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an experiment has a name, and its goal is the name of an event',
            HINT = 'Both are recorded with saas.record_product_events().';
    ELSIF p_confidence IS NULL OR NOT (p_confidence > 0 AND p_confidence < 1) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023', MESSAGE = 'a confidence lies between 0 and 1', HINT = 'For example 0.95.';
    END IF;
    RETURN QUERY
    WITH exposures AS (
        SELECT
            e.actor_id,
            min(e.properties ->> 'variant') AS variant,
            count(DISTINCT e.properties ->> 'variant') AS variants,
            min(e.created_at) AS at
        FROM saas.product_events AS e
        WHERE e.team_id = p_team
            AND e.created_at < p_to
            AND e.name = 'experiment.exposed'
            AND e.properties ->> 'experiment' = p_experiment
        GROUP BY e.actor_id
        -- Who was there before belongs to the time of the first exposure.
        HAVING min(e.created_at) >= p_from
    ), results AS (
        -- Who saw several variants says nothing about any of them.
        SELECT
            x.variant,
            count(*) AS users,
            count(*) FILTER (
                WHERE EXISTS (
                    SELECT
                    FROM saas.product_events AS g
                    WHERE g.team_id = p_team
                        AND g.actor_id = x.actor_id
                        AND g.name = p_goal
                        AND g.created_at >= x.at
                        AND g.created_at < x.at + v_window
                )
            ) AS conversions
        FROM exposures AS x
        WHERE x.variants = 1
        GROUP BY x.variant
    )
    SELECT
        r.variant,
        r.users,
        r.conversions,
        round(r.conversions::numeric / r.users, 4),
        round(t.lift::numeric, 4),
        t.p_value,
        t.lower,
        t.upper,
        t.significant AND t.reliable,
        CASE
            WHEN r.variant = p_control THEN 'What the others are compared with.'
            WHEN c.users IS NULL THEN 'There is nobody to compare with.'
            WHEN NOT t.reliable THEN 'Too few people to tell.'
            WHEN NOT t.significant THEN format(
                'No difference shown: with %s %% confidence it lies between %s and %s percentage points.',
                round((p_confidence * 100)::numeric, 1), round((t.lower * 100)::numeric, 1),
                round((t.upper * 100)::numeric, 1)
            )
            ELSE format(
                '%s by %s percentage points (%s to %s with %s %% confidence).',
                CASE WHEN t.difference > 0 THEN 'Better' ELSE 'Worse' END, round(abs(t.difference * 100)::numeric, 1),
                round((t.lower * 100)::numeric, 1), round((t.upper * 100)::numeric, 1),
                round((p_confidence * 100)::numeric, 1)
            )
        END
    FROM results AS r
    LEFT JOIN results AS c ON c.variant = p_control
    LEFT JOIN LATERAL saas.conversion_test(c.conversions, c.users, r.conversions, r.users, p_confidence) AS t
        ON r.variant <> p_control
    ORDER BY r.variant <> p_control, r.variant;
END
$$;
COMMENT ON FUNCTION saas.ab_test_result(uuid, text, text, timestamptz, timestamptz, text, interval, double precision) IS
'Variants of an experiment against the control: people whose first event experiment.exposed with {"experiment", "variant"} lies in the time, and how many did the goal within p_window of it. Who saw several variants is left out.';
REVOKE ALL ON FUNCTION
    saas.ab_test_result(uuid, text, text, timestamptz, timestamptz, text, interval, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    saas.ab_test_result(uuid, text, text, timestamptz, timestamptz, text, interval, double precision)
    TO saas_app, saas_analyst, saas_service;
