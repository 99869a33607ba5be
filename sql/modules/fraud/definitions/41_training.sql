-- What models learn from, and how far the payments have moved away from it.
CREATE OR REPLACE FUNCTION saas.fraud_labels(p_team uuid)
RETURNS TABLE (
    payment_id uuid,
    source text,
    labeled_at timestamptz
)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT r.payment_id, 'refund', COALESCE(r.provider_created_at, r.created_at)
    FROM saas.refunds AS r
    WHERE r.team_id = p_team AND r.reason = 'fraudulent' AND r.status NOT IN ('failed', 'canceled')
    UNION ALL
    -- A dispute that was won, and an inquiry that came to nothing, were no fraud.
    SELECT d.payment_id, 'dispute', COALESCE(d.provider_created_at, d.created_at)
    FROM saas.payment_disputes AS d
    WHERE d.team_id = p_team AND d.reason = 'fraudulent' AND d.status NOT IN ('won', 'warning_closed')
    UNION ALL
    SELECT p.id, 'warning', p.fraud_warned_at
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.fraud_warned_at IS NOT NULL
$$;
COMMENT ON FUNCTION saas.fraud_labels(uuid) IS
'Payments of the team that turned out to be fraud, how that became known (refund, dispute, warning) and when. Checks no caller: for saas.fraud_training_set().';
REVOKE ALL ON FUNCTION saas.fraud_labels(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_labels(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.fraud_training_set(
    p_team uuid,
    p_from timestamptz,
    p_to timestamptz
)
RETURNS TABLE (
    payment_intent_id uuid,
    attempted_at timestamptz,
    attributes jsonb,
    is_fraud boolean,
    label_source text,
    labeled_at timestamptz
)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    RETURN QUERY
    WITH labels AS MATERIALIZED (
        SELECT DISTINCT ON (p.payment_intent_id) p.payment_intent_id, l.source, l.labeled_at
        FROM saas.fraud_labels(p_team) AS l
        JOIN saas.payments AS p ON p.team_id = p_team AND p.id = l.payment_id
        WHERE p.payment_intent_id IS NOT NULL
        ORDER BY p.payment_intent_id, l.labeled_at, l.source
    ),
    charges AS MATERIALIZED (
        SELECT p.payment_intent_id, min(COALESCE(p.provider_created_at, p.created_at)) AS first_at,
            bool_or(p.status = 'paid') AS is_paid
        FROM saas.payments AS p
        WHERE p.team_id = p_team AND p.payment_intent_id IS NOT NULL
        GROUP BY p.payment_intent_id
    ),
    chosen AS (
        SELECT DISTINCT ON (a.payment_intent_id)
            a.payment_intent_id, a.assessed_at, a.attributes, c.is_paid
        FROM saas.fraud_assessments AS a
        LEFT JOIN charges AS c ON c.payment_intent_id = a.payment_intent_id
        -- All assessments of an intent, not those of the period alone: one that is in it may come after the charge.
        WHERE a.team_id = p_team
            AND a.payment_intent_id IN (
                SELECT w.payment_intent_id
                FROM saas.fraud_assessments AS w
                WHERE w.team_id = p_team AND w.assessed_at >= p_from AND w.assessed_at < p_to
            )
        -- The last assessment before the charge: what came later may know how it ended. Without a
        -- charge, and when the provider's clock puts it before all of them, the first one.
        ORDER BY a.payment_intent_id, (a.assessed_at > c.first_at),
            CASE WHEN a.assessed_at <= c.first_at THEN a.assessed_at END DESC NULLS LAST,
            a.assessed_at, a.id
    )
    SELECT
        s.payment_intent_id,
        s.assessed_at,
        s.attributes,
        CASE WHEN l.source IS NOT NULL THEN true WHEN s.is_paid THEN false END,
        l.source,
        l.labeled_at
    FROM chosen AS s
    LEFT JOIN labels AS l ON l.payment_intent_id = s.payment_intent_id
    WHERE s.assessed_at >= p_from AND s.assessed_at < p_to
    ORDER BY s.payment_intent_id;
END
$$;
COMMENT ON FUNCTION saas.fraud_training_set(uuid, timestamptz, timestamptz) IS
'One row for each payment intent whose attempt lies in the period: its attributes as they were when it was last assessed before it was charged, and whether it turned out to be fraud (NULL: never paid, so nobody knows), how and when that became known. Needs admin.';
REVOKE ALL ON FUNCTION saas.fraud_training_set(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_training_set(uuid, timestamptz, timestamptz)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.model_drift(
    p_team uuid,
    p_name text,
    p_baseline tstzrange,
    p_window tstzrange,
    p_version integer DEFAULT NULL
)
RETURNS TABLE (
    kind text,
    name text,
    psi double precision,
    verdict text,
    baseline_count bigint,
    window_count bigint,
    bins jsonb
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_version integer;
    v_inputs jsonb;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    SELECT m.version, m.inputs INTO v_version, v_inputs
    FROM saas.fraud_models AS m
    WHERE m.team_id = p_team AND m.name = p_name
        AND CASE WHEN p_version IS NULL THEN m.state = 'champion' ELSE m.version = p_version END;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such fraud model in the team',
            HINT = 'Give p_version for a model that is not the champion of its name.';
    END IF;
    RETURN QUERY
    WITH seen AS MATERIALIZED (
        SELECT saas.team_model_values(p_team, p_name, v_version, a.attributes) AS numbers,
            p_baseline @> a.assessed_at AS in_baseline, p_window @> a.assessed_at AS in_window
        FROM saas.fraud_assessments AS a
        WHERE a.team_id = p_team
            AND (p_baseline @> a.assessed_at OR p_window @> a.assessed_at)
            AND a.assessed_at >= LEAST(
                COALESCE(lower(p_baseline), '-infinity'), COALESCE(lower(p_window), '-infinity')
            )
            AND a.assessed_at <= GREATEST(
                COALESCE(upper(p_baseline), 'infinity'), COALESCE(upper(p_window), 'infinity')
            )
    ),
    numbers AS (
        SELECT u.place, array_agg(u.number) FILTER (WHERE s.in_baseline) AS baseline,
            array_agg(u.number) FILTER (WHERE s.in_window) AS newer
        FROM seen AS s
        CROSS JOIN LATERAL unnest(s.numbers) WITH ORDINALITY AS u (number, place)
        GROUP BY u.place
    )
    SELECT
        CASE n.place WHEN 1 THEN 'score' ELSE 'feature' END,
        CASE n.place WHEN 1 THEN p_name ELSE i.input ->> 'feature' END,
        s.psi,
        CASE WHEN s.psi < 0.1 THEN 'stable' WHEN s.psi < 0.25 THEN 'shifting' WHEN s.psi >= 0.25 THEN 'shifted' END,
        COALESCE(cardinality(n.baseline), 0)::bigint,
        COALESCE(cardinality(n.newer), 0)::bigint,
        s.bins
    FROM numbers AS n
    LEFT JOIN LATERAL (SELECT v_inputs -> (n.place::integer - 2) AS input WHERE n.place > 1) AS i ON true
    LEFT JOIN LATERAL saas.population_stability(
        n.baseline, n.newer, COALESCE((i.input ->> 'category')::boolean, false)
    ) AS s ON n.baseline IS NOT NULL AND n.newer IS NOT NULL
    ORDER BY n.place;
END
$$;
COMMENT ON FUNCTION saas.model_drift(uuid, text, tstzrange, tstzrange, integer) IS
'How far the scores of a model (over deciles) and each of its features have moved from the assessments of one period to those of another: population stability index, verdict stable, shifting or shifted, and the bins. Scores the kept attributes again, so it also serves for challengers and new versions. Needs member.';
REVOKE ALL ON FUNCTION saas.model_drift(uuid, text, tstzrange, tstzrange, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.model_drift(uuid, text, tstzrange, tstzrange, integer)
TO saas_app, saas_service;
