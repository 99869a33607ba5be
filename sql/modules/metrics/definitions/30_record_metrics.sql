-- Measured values: one, or a hundred thousand in one call.

CREATE OR REPLACE FUNCTION saas.record_metric(
    p_team uuid,
    p_metric text,
    p_value double precision,
    p_labels jsonb DEFAULT '{}',
    p_at timestamptz DEFAULT now()
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    INSERT INTO saas.usage_metrics (team_id, created_at, metric, value, labels)
    VALUES (p_team, p_at, p_metric, p_value, p_labels);
END
$$;
COMMENT ON FUNCTION saas.record_metric(uuid, text, double precision, jsonb, timestamptz) IS
'Records a measured value of a team, by its members and workers.';
REVOKE ALL ON FUNCTION saas.record_metric(uuid, text, double precision, jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_metric(uuid, text, double precision, jsonb, timestamptz) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.record_metrics(p_team uuid, p_points jsonb)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_points bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF jsonb_typeof(p_points) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the points are no JSON array',
            HINT = 'For instance [{"metric": "api.requests", "value": 1, "at": "2026-01-01T00:00:00Z", "labels": {}}].';
    END IF;
    INSERT INTO saas.usage_metrics (team_id, created_at, metric, value, labels)
    SELECT p_team, COALESCE(p.at, now()), p.metric, p.value, COALESCE(p.labels, '{}'::jsonb)
    FROM jsonb_to_recordset(p_points) AS p (metric text, value double precision, at timestamptz, labels jsonb);
    GET DIAGNOSTICS v_points = ROW_COUNT;
    RETURN v_points;
END
$$;
COMMENT ON FUNCTION saas.record_metrics(uuid, jsonb) IS
'Records measured values of a team, all or none: an array of objects with metric, value, and if wanted at and labels. Returns how many.';
REVOKE ALL ON FUNCTION saas.record_metrics(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_metrics(uuid, jsonb) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.record_metrics(
    p_team uuid,
    p_metrics text[],
    p_values double precision[],
    p_times timestamptz[] DEFAULT NULL,
    p_labels jsonb[] DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_points bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    -- Arrays of other lengths would put values beside names that they do not belong to.
    IF p_metrics IS NULL OR p_values IS NULL OR cardinality(p_metrics) <> cardinality(p_values)
        OR cardinality(p_times) <> cardinality(p_values) OR cardinality(p_labels) <> cardinality(p_values)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the arrays of points differ in length',
            HINT = 'Give as many metrics as values, and as many times and labels, or none of these.';
    END IF;
    INSERT INTO saas.usage_metrics (team_id, created_at, metric, value, labels)
    SELECT p_team, COALESCE(p.at, now()), p.metric, p.value, COALESCE(p.labels, '{}'::jsonb)
    FROM unnest(p_metrics, p_values, p_times, p_labels) AS p (metric, value, at, labels);
    GET DIAGNOSTICS v_points = ROW_COUNT;
    RETURN v_points;
END
$$;
COMMENT ON FUNCTION saas.record_metrics(uuid, text[], double precision[], timestamptz[], jsonb[]) IS
'Records measured values of a team, all or none, from arrays: metrics, values, and if wanted times and labels. Returns how many.';
REVOKE ALL ON FUNCTION saas.record_metrics(uuid, text[], double precision[], timestamptz[], jsonb[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_metrics(uuid, text[], double precision[], timestamptz[], jsonb[]) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.forget_team_metrics()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    DELETE FROM saas.usage_metrics AS m WHERE m.team_id = OLD.id;
    DELETE FROM saas.rollup_changes AS c WHERE c.team_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.forget_team_metrics() IS
'AFTER DELETE trigger of saas.teams: measured values go with their team. A foreign key would cost more for each point than storing it.';
REVOKE ALL ON FUNCTION saas.forget_team_metrics() FROM PUBLIC;

CREATE OR REPLACE TRIGGER forget_team_metrics
AFTER DELETE ON saas.teams
FOR EACH ROW EXECUTE FUNCTION saas.forget_team_metrics();
