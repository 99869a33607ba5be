-- How well services do: what they measured, and what it means.
CREATE OR REPLACE FUNCTION saas.record_service_measurement(
    p_team uuid,
    p_service text,
    p_latencies double precision[],
    p_errors bigint DEFAULT 0,
    p_cache_hits bigint DEFAULT 0,
    p_cache_misses bigint DEFAULT 0,
    p_seconds double precision DEFAULT 60,
    p_seconds_down double precision DEFAULT 0,
    p_bytes_sent bigint DEFAULT 0,
    p_bytes_stored bigint DEFAULT NULL,
    p_at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF NOT isfinite(p_at) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the time of a measurement is finite', HINT = 'Leave it out for now.';
    END IF;
    IF EXISTS (SELECT FROM unnest(p_latencies) AS l (ms) WHERE l.ms IS NULL OR l.ms < 0 OR l.ms > 1e12) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'durations are milliseconds, not negative and at most 10^12';
    END IF;
    INSERT INTO saas.service_measurements AS m (
        team_id, created_at, service, requests, errors, latency, latency_sum, cache_hits, cache_misses, seconds,
        seconds_down, bytes_sent, bytes_stored
    )
    SELECT
        p_team, p_at, p_service, count(*), p_errors, saas.quantile_sketch(l.ms), COALESCE(sum(l.ms), 0), p_cache_hits,
        p_cache_misses, p_seconds, p_seconds_down, p_bytes_sent, p_bytes_stored
    FROM unnest(p_latencies) AS l (ms)
    RETURNING m.id INTO v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.record_service_measurement(
    uuid, text, double precision[], bigint, bigint, bigint, double precision, double precision, bigint, bigint, timestamptz
) IS
'Records what a service did in a span of p_seconds from p_at on: the durations of its requests in milliseconds, how many of them failed, what the cache answered, and how long it was down.';
REVOKE ALL ON FUNCTION saas.record_service_measurement(
    uuid, text, double precision[], bigint, bigint, bigint, double precision, double precision, bigint, bigint, timestamptz
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_service_measurement(
    uuid, text, double precision[], bigint, bigint, bigint, double precision, double precision, bigint, bigint, timestamptz
) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.is_apdex_threshold(p_threshold double precision)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- NaN is above every number.
    IF p_threshold > 0 AND p_threshold <= 1e12 THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '22023',
        MESSAGE = 'the threshold of Apdex is above 0 and at most 10^12',
        HINT = 'It has the unit of the durations: for example 500 milliseconds.';
END
$$;
COMMENT ON FUNCTION saas.is_apdex_threshold(double precision) IS 'True, or 22023 for what no threshold can be.';
REVOKE ALL ON FUNCTION saas.is_apdex_threshold(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_apdex_threshold(double precision) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.apdex(p_latency saas.quantile_sketch, p_threshold double precision)
RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN saas.is_apdex_threshold(p_threshold) THEN round(
            ((saas.approx_percentile_rank(p_latency, p_threshold) + saas.approx_percentile_rank(p_latency, 4 * p_threshold)) / 2)::numeric,
            4
        )
    END
$$;
COMMENT ON FUNCTION saas.apdex(saas.quantile_sketch, double precision) IS
'Apdex from a sketch of durations: those up to the threshold count whole, those up to four times as much half. 0 to 1.';
REVOKE ALL ON FUNCTION saas.apdex(saas.quantile_sketch, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apdex(saas.quantile_sketch, double precision)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.apdex(p_latencies double precision[], p_threshold double precision)
RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.is_apdex_threshold(p_threshold);
    IF EXISTS (SELECT FROM unnest(p_latencies) AS l (ms) WHERE l.ms IS NULL OR l.ms < 0 OR l.ms = 'NaN') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'durations are numbers that are not negative',
            HINT = 'What never ended may be Infinity; leave out what was not measured.';
    END IF;
    RETURN (
        SELECT round(
            (count(*) FILTER (WHERE l.ms <= p_threshold) + count(*) FILTER (WHERE l.ms <= 4 * p_threshold))
            / nullif(2.0 * count(*), 0),
            4
        )
        FROM unnest(p_latencies) AS l (ms)
    );
END
$$;
COMMENT ON FUNCTION saas.apdex(double precision[], double precision) IS
'Apdex of durations, exactly. NULL for none; 22023 for durations or a threshold that are none.';
REVOKE ALL ON FUNCTION saas.apdex(double precision[], double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apdex(double precision[], double precision)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.burn_rate(p_errors bigint, p_requests bigint, p_objective numeric)
RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT (p_objective > 0 AND p_objective < 1) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an objective is a share of good requests, above 0 and below 1',
            HINT = 'For example 0.999.';
    ELSIF p_requests < 0 OR p_errors < 0 OR p_errors > p_requests THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'errors and requests are counts, with no more errors than requests',
            HINT = 'Errors are some of the requests.';
    END IF;
    RETURN round(p_errors / nullif(p_requests * (1 - p_objective), 0), 2);
END
$$;
COMMENT ON FUNCTION saas.burn_rate(bigint, bigint, numeric) IS
'How many times faster than the objective allows errors come: 1 uses the error budget up exactly. NULL without requests; 22023 for counts that are none and objectives that are not between 0 and 1.';
REVOKE ALL ON FUNCTION saas.burn_rate(bigint, bigint, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.burn_rate(bigint, bigint, numeric)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.service_levels(
    p_team uuid,
    p_from timestamptz,
    p_to timestamptz,
    p_threshold double precision DEFAULT 500,
    p_objective numeric DEFAULT 0.999
)
RETURNS TABLE (
    service text,
    requests bigint,
    error_rate numeric,
    p50 double precision,
    p95 double precision,
    p99 double precision,
    apdex numeric,
    uptime numeric,
    burn_rate numeric,
    cache_hit_rate numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT
        s.service,
        s.requests::bigint,
        round(s.errors / nullif(s.requests, 0), 6),
        saas.approx_percentile(s.latency, 0.5),
        saas.approx_percentile(s.latency, 0.95),
        saas.approx_percentile(s.latency, 0.99),
        saas.apdex(s.latency, p_threshold),
        round((1 - s.down / s.seconds)::numeric, 6),
        saas.burn_rate(s.errors::bigint, s.requests::bigint, p_objective),
        round(s.hits / nullif(s.hits + s.misses, 0), 4)
    FROM (
        SELECT
            m.service,
            sum(m.requests) AS requests,
            sum(m.errors) AS errors,
            saas.merge(m.latency) AS latency,
            sum(m.seconds) AS seconds,
            sum(m.seconds_down) AS down,
            sum(m.cache_hits) AS hits,
            sum(m.cache_misses) AS misses
        FROM saas.service_measurements AS m
        WHERE m.team_id = p_team AND m.created_at >= p_from AND m.created_at < p_to
        GROUP BY m.service
    ) AS s
    ORDER BY s.service
$$;
COMMENT ON FUNCTION saas.service_levels(uuid, timestamptz, timestamptz, double precision, numeric) IS
'Each service in a time: requests, share of errors, durations in milliseconds, Apdex at the threshold, share of time up, burn rate of the objective, share of look-ups that the cache answered. Under row-level security.';
REVOKE ALL ON FUNCTION saas.service_levels(uuid, timestamptz, timestamptz, double precision, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.service_levels(uuid, timestamptz, timestamptz, double precision, numeric)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.slo_alerts(
    p_team uuid,
    p_at timestamptz DEFAULT now(),
    p_objective numeric DEFAULT 0.999,
    p_least_requests bigint DEFAULT 1
)
RETURNS TABLE (
    service text,
    severity text,
    long_window interval,
    short_window interval,
    long_burn_rate numeric,
    short_burn_rate numeric,
    threshold numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- Pairs of windows and thresholds as the Site Reliability Workbook, chapter 5, recommends for 30 days.
    WITH windows (severity, long_window, short_window, threshold) AS (
        VALUES
            ('page', interval '1 hour', interval '5 minutes', 14.4),
            ('page', interval '6 hours', interval '30 minutes', 6),
            ('ticket', interval '1 day', interval '2 hours', 3),
            ('ticket', interval '3 days', interval '6 hours', 1)
    ), burns AS (
        SELECT
            m.service,
            w.severity,
            w.long_window,
            w.short_window,
            w.threshold,
            saas.burn_rate(sum(m.errors)::bigint, sum(m.requests)::bigint, p_objective) AS long_rate,
            saas.burn_rate(
                COALESCE(sum(m.errors) FILTER (WHERE m.created_at >= p_at - w.short_window), 0)::bigint,
                COALESCE(sum(m.requests) FILTER (WHERE m.created_at >= p_at - w.short_window), 0)::bigint,
                p_objective
            ) AS short_rate
        FROM windows AS w
        JOIN saas.service_measurements AS m
            ON m.team_id = p_team AND m.created_at >= p_at - w.long_window AND m.created_at < p_at
        GROUP BY m.service, w.severity, w.long_window, w.short_window, w.threshold
        -- Of a few requests a single one that failed is a large share.
        HAVING sum(m.requests) >= p_least_requests
    )
    SELECT b.service, b.severity, b.long_window, b.short_window, b.long_rate, b.short_rate, b.threshold
    FROM burns AS b
    WHERE b.long_rate >= b.threshold AND b.short_rate >= b.threshold
    ORDER BY b.threshold DESC, b.service
$$;
COMMENT ON FUNCTION saas.slo_alerts(uuid, timestamptz, numeric, bigint) IS
'Services that use up their error budget too fast: over a long window, and over a short one still. Not where the long one has fewer than p_least_requests. Under row-level security.';
REVOKE ALL ON FUNCTION saas.slo_alerts(uuid, timestamptz, numeric, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.slo_alerts(uuid, timestamptz, numeric, bigint) TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE VIEW saas.performance_dashboard
WITH (security_invoker = true) AS
SELECT t.team_id, d.day, l.*
FROM (SELECT saas.current_team_id() AS team_id, (now() AT TIME ZONE 'UTC')::date AS today) AS t
CROSS JOIN LATERAL generate_series((t.today - 29)::timestamp, t.today::timestamp, interval '1 day') AS g (at)
CROSS JOIN LATERAL (SELECT g.at::date AS day) AS d
CROSS JOIN LATERAL saas.service_levels(
    t.team_id, d.day::timestamp AT TIME ZONE 'UTC', (d.day + 1)::timestamp AT TIME ZONE 'UTC'
) AS l
WHERE t.team_id IS NOT NULL;
COMMENT ON VIEW saas.performance_dashboard IS
'How well the services of the team of the request context did on each of the last 30 days (UTC).';
COMMENT ON COLUMN saas.performance_dashboard.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.day IS 'The day. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.service IS 'The service. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.requests IS 'Number of requests. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.error_rate IS 'Share of them that failed. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.p50 IS 'Median of their durations in milliseconds. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.p95 IS 'What 95 % of them stay below. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.p99 IS 'What 99 % of them stay below. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.apdex IS 'Apdex at 500 ms. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.uptime IS 'Share of the time that it was up. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.burn_rate IS 'Errors by what an objective of 99.9 % allows. [internal]';
COMMENT ON COLUMN saas.performance_dashboard.cache_hit_rate IS 'Share of look-ups that the cache answered. [internal]';
GRANT SELECT ON saas.performance_dashboard TO saas_app, saas_analyst, saas_service;
