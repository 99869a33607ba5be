-- What is unusual in a series, said in words.
CREATE OR REPLACE FUNCTION saas.find_anomalies(
    p_times timestamptz[],
    p_values double precision[],
    p_time_zone text DEFAULT 'UTC',
    p_threshold double precision DEFAULT 4
)
RETURNS TABLE (
    at timestamptz,
    kind text,
    value double precision,
    expected double precision,
    score double precision,
    explanation text
)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_seasons integer[];
BEGIN
    IF cardinality(p_times) <> cardinality(p_values) OR NOT p_threshold > 0
        OR array_ndims(p_times) > 1 OR array_position(p_times, NULL) IS NOT NULL
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a series has as many times as values, and a threshold above 0',
            HINT = 'Build both with array_agg(… ORDER BY at) from the same rows.';
    ELSIF '-infinity' = ANY (p_times) OR 'infinity' = ANY (p_times) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023', MESSAGE = 'times of a series are finite', HINT = 'Leave out points at no time.';
    ELSIF cardinality(p_times) > 20000 THEN
        RAISE EXCEPTION USING
            ERRCODE = '54000',
            MESSAGE = 'a series has at most 20,000 values',
            HINT = 'Look at fewer values, or at longer spans.';
    ELSIF EXISTS (
        SELECT FROM (SELECT u.at < lag(u.at) OVER (ORDER BY u.n) AS back FROM unnest(p_times) WITH ORDINALITY AS u (at, n)) AS t
        WHERE t.back
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'times of a series ascend',
            HINT = 'Build it with array_agg(… ORDER BY at).';
    END IF;
    -- The hour of the week, from Monday; of the day, or none, where there are too few of those.
    SELECT array_agg(
        CASE
            WHEN t.until - t.since >= interval '28 days' THEN
                (extract(isodow FROM t.at) - 1) * 24 + extract(hour FROM t.at)
            WHEN t.until - t.since >= interval '4 days' THEN extract(hour FROM t.at)
            ELSE 0
        END::integer ORDER BY t.n
    )
    INTO v_seasons
    FROM (
        SELECT
            u.at AT TIME ZONE p_time_zone AS at,
            u.n,
            min(u.at) OVER () AS since,
            max(u.at) OVER () AS until
        FROM unnest(p_times) WITH ORDINALITY AS u (at, n)
    ) AS t;
    RETURN QUERY
    SELECT
        p_times[s.place],
        s.kind,
        p_values[s.place],
        s.expected,
        s.score,
        CASE s.kind
            WHEN 'outlier' THEN format(
                '%s is %s than the usual %s on %s: %s.',
                saas.plain_number(s.found),
                CASE WHEN s.score > 0 THEN 'more' ELSE 'less' END,
                saas.plain_number(s.expected),
                to_char(p_times[s.place] AT TIME ZONE p_time_zone, 'FMDay "at" HH24:MI'),
                CASE
                    WHEN abs(s.score) = 'Infinity' THEN 'all others are equal'
                    ELSE format('%s times the usual deviation', round(abs(s.score)::numeric, 1))
                END
            )
            WHEN 'drift' THEN format(
                'Values have drifted %s what is usual, little by little: their moving average is off by %s of its deviations.',
                CASE WHEN s.score > 0 THEN 'above' ELSE 'below' END,
                round(abs(s.score)::numeric, 1)
            )
            ELSE format(
                'The level %s: from here on %s is usual where it was %s%s.',
                CASE WHEN s.score > 0 THEN 'rose' ELSE 'fell' END,
                saas.plain_number(s.found),
                saas.plain_number(s.expected),
                CASE
                    WHEN s.expected <> 0 THEN format(
                        ' (%s %%)', to_char((100 * (s.found - s.expected) / abs(s.expected))::numeric, 'SFM9999990')
                    )
                    ELSE ''
                END
            )
        END
    FROM saas.series_anomalies(p_values, COALESCE(v_seasons, '{}'::integer[]), p_threshold) AS s
    ORDER BY s.place, s.kind;
END
$$;
COMMENT ON FUNCTION saas.find_anomalies(timestamptz[], double precision[], text, double precision) IS
'What is unusual in a series in the order of time, in words: single values against their hour of the week (outlier), slow changes (drift), lasting ones (level); in a series of less than four weeks against the hour of the day. The threshold is in robust standard deviations. At most 20,000 values (54000).';

CREATE OR REPLACE FUNCTION saas.plain_number(p_value double precision)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN p_value IN ('NaN', 'Infinity', '-Infinity') THEN p_value::text
        WHEN abs(p_value) >= 1e15 OR (p_value <> 0 AND abs(p_value) < 0.001) THEN ltrim(to_char(p_value, '9.99EEEE'))
        WHEN abs(p_value) >= 100 OR p_value = trunc(p_value) THEN to_char(p_value, 'FM999,999,999,999,999')
        ELSE rtrim(to_char(p_value, 'FM999999990.099'), '.')
    END
$$;
COMMENT ON FUNCTION saas.plain_number(double precision) IS 'A number for people to read, with thousands separated and at most three digits after the point.';
REVOKE ALL ON FUNCTION saas.plain_number(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.plain_number(double precision) TO saas_app, saas_analyst, saas_service, saas_internal;
REVOKE ALL ON FUNCTION saas.find_anomalies(timestamptz[], double precision[], text, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_anomalies(timestamptz[], double precision[], text, double precision)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.team_anomalies(
    p_team uuid,
    p_from timestamptz,
    p_to timestamptz,
    p_threshold double precision DEFAULT 4
)
RETURNS TABLE (
    series text,
    at timestamptz,
    kind text,
    value double precision,
    expected double precision,
    score double precision,
    explanation text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
DECLARE
    v_zone text := saas.product_time_zone(p_team);
    v_since timestamptz;
    v_until timestamptz;
    v_width text;
    -- What has only begun cannot be compared: hours and days that are cut off by the ends are left out.
    v_end timestamptz := least(p_to, statement_timestamp());
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    SELECT
        min(c.created_at),
        max(c.created_at),
        CASE
            -- Of few events whole days are compared, and of many in a long time as well.
            WHEN max(c.created_at) - min(c.created_at) < interval '19990 hours'
                AND count(*) >= 5 * extract(epoch FROM max(c.created_at) - min(c.created_at)) / 3600 THEN 'hour'
            ELSE 'day'
        END
    INTO v_since, v_until, v_width
    FROM saas.product_events AS c
    WHERE c.team_id = p_team AND c.created_at >= p_from AND c.created_at < p_to;
    IF v_until - v_since > interval '19990 days' THEN
        RAISE EXCEPTION USING
            ERRCODE = '54000',
            MESSAGE = 'the events of more than fifty years are too many days to compare',
            HINT = 'Look at a shorter time, or delete events that never were at that time.';
    END IF;
    IF v_width = 'hour' THEN
        -- Hours of absolute time, of which none is missing or doubled when clocks change.
        v_since := date_bin('1 hour', v_since, '2000-01-01 00:00+00');
    ELSE
        v_since := date_trunc('day', v_since, v_zone);
    END IF;
    IF v_since < p_from THEN
        v_since := CASE v_width
            WHEN 'hour' THEN v_since + interval '1 hour'
            ELSE (v_since AT TIME ZONE v_zone + interval '1 day') AT TIME ZONE v_zone
        END;
    END IF;
    RETURN QUERY
    WITH hours AS (
        SELECT
            'requests of ' || m.service AS series,
            date_bin('1 hour', m.created_at, '2000-01-01 00:00+00') AS at,
            sum(m.requests)::double precision AS value
        FROM saas.service_measurements AS m
        WHERE m.team_id = p_team AND m.created_at >= p_from AND m.created_at < p_to
        GROUP BY 1, 2
        HAVING date_bin('1 hour', m.created_at, '2000-01-01 00:00+00') >= p_from
            AND date_bin('1 hour', m.created_at, '2000-01-01 00:00+00') <= v_end - interval '1 hour'
        UNION ALL
        SELECT
            'p95 latency of ' || m.service,
            date_bin('1 hour', m.created_at, '2000-01-01 00:00+00'),
            saas.approx_percentile(saas.merge(m.latency), 0.95)
        FROM saas.service_measurements AS m
        WHERE m.team_id = p_team AND m.created_at >= p_from AND m.created_at < p_to AND m.requests > 0
        GROUP BY 1, 2
        HAVING saas.merge(m.latency) IS NOT NULL
        UNION ALL
        -- Hours without an event count as well; where events are few, whole days are compared.
        SELECT 'events', g.at, COALESCE(e.events, 0)
        FROM (
            SELECT s.at AS at
            FROM generate_series(v_since, v_until, interval '1 hour') AS s (at)
            WHERE v_width = 'hour' AND s.at <= v_end - interval '1 hour'
            UNION ALL
            SELECT s.at AT TIME ZONE v_zone
            FROM generate_series(v_since AT TIME ZONE v_zone, v_until AT TIME ZONE v_zone, interval '1 day') AS s (at)
            WHERE v_width = 'day' AND (s.at + interval '1 day') AT TIME ZONE v_zone <= v_end
        ) AS g
        LEFT JOIN (
            SELECT
                CASE v_width
                    WHEN 'hour' THEN date_bin('1 hour', c.created_at, '2000-01-01 00:00+00')
                    ELSE date_trunc('day', c.created_at, v_zone)
                END AS at,
                count(*)::double precision AS events
            FROM saas.product_events AS c
            WHERE c.team_id = p_team AND c.created_at >= p_from AND c.created_at < p_to
            GROUP BY 1
        ) AS e ON e.at = g.at
    ), grouped AS (
        SELECT h.series, array_agg(h.at ORDER BY h.at) AS times, array_agg(h.value ORDER BY h.at) AS numbers
        FROM hours AS h
        GROUP BY h.series
    )
    SELECT g.series, a.at, a.kind, a.value, a.expected, a.score, a.explanation
    FROM grouped AS g
    CROSS JOIN LATERAL saas.find_anomalies(g.times, g.numbers, v_zone, p_threshold) AS a
    ORDER BY a.at, g.series, a.kind;
END
$$;
COMMENT ON FUNCTION saas.team_anomalies(uuid, timestamptz, timestamptz, double precision) IS
'What was unusual in a time, hour by hour: requests and p95 latency of each service, and product events.';
REVOKE ALL ON FUNCTION saas.team_anomalies(uuid, timestamptz, timestamptz, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.team_anomalies(uuid, timestamptz, timestamptz, double precision)
TO saas_app, saas_analyst, saas_service, saas_internal;
