-- What people do in the product: recording it, and who is active, comes back, and uses what.
CREATE OR REPLACE FUNCTION saas.record_product_events(p_team uuid, p_events jsonb)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rows bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF jsonb_typeof(p_events) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'events are a JSON array of objects',
            HINT = 'Each has actor_id and name, and may have at and properties.';
    END IF;
    -- An event at no finite time would be in every period and in none.
    IF EXISTS (
        SELECT FROM jsonb_array_elements(p_events) AS e (value) WHERE NOT isfinite((e.value ->> 'at')::timestamptz)
    ) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'times of events are finite';
    END IF;
    INSERT INTO saas.product_events (team_id, created_at, actor_id, name, properties)
    SELECT
        p_team,
        COALESCE((e.value ->> 'at')::timestamptz, now()),
        (e.value ->> 'actor_id')::uuid,
        e.value ->> 'name',
        COALESCE(e.value -> 'properties', '{}'::jsonb)
    FROM jsonb_array_elements(p_events) AS e (value);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END
$$;
COMMENT ON FUNCTION saas.record_product_events(uuid, jsonb) IS
'Records events: a JSON array of objects with actor_id, name, and optionally at (now) and properties. All or none. Returns how many.';
REVOKE ALL ON FUNCTION saas.record_product_events(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_product_events(uuid, jsonb) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.product_time_zone(p_team uuid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE((SELECT p.time_zone FROM saas.revenue_policies AS p WHERE p.team_id = p_team), 'UTC')
$$;
COMMENT ON FUNCTION saas.product_time_zone(uuid) IS
'The time zone in which the team''s days begin: that of its revenue policy. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.product_time_zone(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.active_users(p_team uuid, p_from date, p_to date)
RETURNS TABLE (day date, daily bigint, weekly bigint, monthly bigint, stickiness numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
DECLARE
    v_zone text := saas.product_time_zone(p_team);
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    PERFORM saas.is_period(p_from, p_to);
    -- Somebody who was active on a day counts for so many days from it on. Days of one person that are
    -- closer than that make one stretch, so counting where stretches begin and end counts people, exactly.
    RETURN QUERY
    WITH days AS (
        SELECT DISTINCT e.actor_id, (e.created_at AT TIME ZONE v_zone)::date AS at
        FROM saas.product_events AS e
        WHERE e.team_id = p_team
            AND e.created_at >= (p_from - 29)::timestamp AT TIME ZONE v_zone
            AND e.created_at < (p_to + 1)::timestamp AT TIME ZONE v_zone
    ), gaps AS (
        SELECT
            d.at,
            COALESCE(d.at - lag(d.at) OVER person, 30) AS since_last,
            COALESCE(lead(d.at) OVER person - d.at, 30) AS until_next
        FROM days AS d
        WINDOW person AS (PARTITION BY d.actor_id ORDER BY d.at)
    ), edges AS (
        SELECT
            g.at,
            count(*) AS daily,
            count(*) FILTER (WHERE g.since_last >= 7) AS weekly_begin,
            count(*) FILTER (WHERE g.until_next >= 7) AS weekly_end,
            count(*) FILTER (WHERE g.since_last >= 30) AS monthly_begin,
            count(*) FILTER (WHERE g.until_next >= 30) AS monthly_end
        FROM gaps AS g
        GROUP BY g.at
    ), calendar AS (
        SELECT
            c.at::date AS at,
            COALESCE(e.daily, 0) AS daily,
            COALESCE(e.weekly_begin, 0) - COALESCE(lag(e.weekly_end, 7) OVER by_day, 0) AS weekly,
            COALESCE(e.monthly_begin, 0) - COALESCE(lag(e.monthly_end, 30) OVER by_day, 0) AS monthly
        FROM generate_series((p_from - 29)::timestamp, p_to::timestamp, interval '1 day') AS c (at)
        LEFT JOIN edges AS e ON e.at = c.at::date
        WINDOW by_day AS (ORDER BY c.at)
    ), counted AS (
        SELECT
            c.at,
            c.daily,
            (sum(c.weekly) OVER upto)::bigint AS weekly,
            (sum(c.monthly) OVER upto)::bigint AS monthly
        FROM calendar AS c
        WINDOW upto AS (ORDER BY c.at)
    )
    SELECT c.at, c.daily, c.weekly, c.monthly, round(c.daily::numeric / nullif(c.monthly, 0), 4)
    FROM counted AS c
    WHERE c.at >= p_from
    ORDER BY c.at;
END
$$;
COMMENT ON FUNCTION saas.active_users(uuid, date, date) IS
'For each day: who did something on that day, in the 7 and in the 30 days that end with it; stickiness is the first by the last. Exact. Days begin in the team''s time zone.';
REVOKE ALL ON FUNCTION saas.active_users(uuid, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.active_users(uuid, date, date) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.retention_cohorts(
    p_team uuid,
    p_from date,
    p_to date,
    p_period text DEFAULT 'month'
)
RETURNS TABLE (cohort date, period_number integer, users bigint, active_users bigint, retention numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
DECLARE
    v_zone text := saas.product_time_zone(p_team);
    v_step interval;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    IF p_period NOT IN ('day', 'week', 'month') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a cohort is of a day, a week or a month';
    END IF;
    PERFORM saas.is_period(p_from, p_to);
    v_step := ('1 ' || p_period)::interval;
    RETURN QUERY
    WITH active AS (
        SELECT DISTINCT e.actor_id, date_trunc(p_period, e.created_at AT TIME ZONE v_zone) AS period
        FROM saas.product_events AS e
        WHERE e.team_id = p_team AND e.created_at < (p_to + 1)::timestamp AT TIME ZONE v_zone
    ), joined AS (
        SELECT a.actor_id, a.period, min(a.period) OVER (PARTITION BY a.actor_id) AS cohort
        FROM active AS a
    ), counts AS (
        SELECT j.cohort, j.period, count(*) AS users
        FROM joined AS j
        WHERE j.cohort >= date_trunc(p_period, p_from::timestamp)
        GROUP BY j.cohort, j.period
    )
    SELECT
        b.cohort::date,
        (row_number() OVER (PARTITION BY b.cohort ORDER BY g.period) - 1)::integer,
        b.users,
        COALESCE(c.users, 0),
        round(COALESCE(c.users, 0)::numeric / b.users, 4)
    FROM counts AS b
    CROSS JOIN LATERAL generate_series(b.cohort, p_to::timestamp, v_step) AS g (period)
    LEFT JOIN counts AS c ON c.cohort = b.cohort AND c.period = g.period
    WHERE b.period = b.cohort
    ORDER BY b.cohort, g.period;
END
$$;
COMMENT ON FUNCTION saas.retention_cohorts(uuid, date, date, text) IS
'People by the day, week or month of their first event from p_from on, and how many of them did something in that period (0) and in each later one up to p_to.';
REVOKE ALL ON FUNCTION saas.retention_cohorts(uuid, date, date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.retention_cohorts(uuid, date, date, text)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.product_sessions(
    p_team uuid,
    p_from timestamptz,
    p_to timestamptz,
    p_gap interval DEFAULT '30 minutes'
)
RETURNS TABLE (actor_id uuid, session_number bigint, started_at timestamptz, ended_at timestamptz, events bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF COALESCE(p_gap <= interval '0', true) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the gap between sessions is longer than nothing';
    END IF;
    RETURN QUERY
    WITH marked AS (
        SELECT
            e.actor_id AS actor,
            e.created_at AS at,
            e.id,
            COALESCE(
                e.created_at - lag(e.created_at) OVER (PARTITION BY e.actor_id ORDER BY e.created_at, e.id) > p_gap, true
            ) AS begins
        FROM saas.product_events AS e
        WHERE e.team_id = p_team AND e.created_at >= p_from AND e.created_at < p_to
    ), numbered AS (
        SELECT
            m.actor,
            m.at,
            count(*) FILTER (WHERE m.begins) OVER (PARTITION BY m.actor ORDER BY m.at, m.id) AS number
        FROM marked AS m
    )
    SELECT n.actor, n.number, min(n.at), max(n.at), count(*)
    FROM numbered AS n
    GROUP BY n.actor, n.number
    ORDER BY n.actor, n.number;
END
$$;
COMMENT ON FUNCTION saas.product_sessions(uuid, timestamptz, timestamptz, interval) IS
'Sessions: a person''s events of which each follows the one before within the gap. Events before p_from are not seen, so a session that goes on there begins with its first event inside.';
REVOKE ALL ON FUNCTION saas.product_sessions(uuid, timestamptz, timestamptz, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.product_sessions(uuid, timestamptz, timestamptz, interval) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.session_summary(
    p_team uuid,
    p_from timestamptz,
    p_to timestamptz,
    p_gap interval DEFAULT '30 minutes'
)
RETURNS TABLE (
    sessions bigint,
    users bigint,
    sessions_per_user numeric,
    events_per_session numeric,
    median_seconds double precision,
    bounce_rate numeric
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    IF COALESCE(p_gap <= interval '0', true) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the gap between sessions is longer than nothing';
    END IF;
    RETURN QUERY
    WITH gaps AS (
        SELECT
            e.actor_id,
            e.created_at AS at,
            e.id,
            COALESCE(
                e.created_at - lag(e.created_at) OVER (PARTITION BY e.actor_id ORDER BY e.created_at, e.id) > p_gap, true
            ) AS begins
        FROM saas.product_events AS e
        WHERE e.team_id = p_team AND e.created_at >= p_from AND e.created_at < p_to
    ), numbered AS (
        SELECT g.actor_id, g.at, count(*) FILTER (WHERE g.begins) OVER (PARTITION BY g.actor_id ORDER BY g.at, g.id) AS number
        FROM gaps AS g
    ), found AS (
        SELECT n.actor_id, count(*) AS events, extract(epoch FROM max(n.at) - min(n.at))::double precision AS seconds
        FROM numbered AS n
        GROUP BY n.actor_id, n.number
    )
    SELECT
        count(*),
        count(DISTINCT f.actor_id),
        round(count(*)::numeric / nullif(count(DISTINCT f.actor_id), 0), 2),
        round(avg(f.events), 2),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY f.seconds),
        round(avg((f.events = 1)::integer), 4)
    FROM found AS f;
END
$$;
COMMENT ON FUNCTION saas.session_summary(uuid, timestamptz, timestamptz, interval) IS
'How many sessions of how many people, how many events and seconds they take, and the share of those with a single event.';
REVOKE ALL ON FUNCTION saas.session_summary(uuid, timestamptz, timestamptz, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.session_summary(uuid, timestamptz, timestamptz, interval)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.feature_adoption(p_team uuid, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (name text, users bigint, adoption_rate numeric, first_time_users bigint, events bigint, events_per_user numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    RETURN QUERY
    WITH uses AS (
        SELECT e.name, e.actor_id, count(*) FILTER (WHERE e.created_at >= p_from) AS events, min(e.created_at) AS first_at
        FROM saas.product_events AS e
        WHERE e.team_id = p_team AND e.created_at < p_to
        GROUP BY e.name, e.actor_id
    ), active AS (
        SELECT count(DISTINCT u.actor_id) AS users FROM uses AS u WHERE u.events > 0
    )
    SELECT
        u.name,
        count(*),
        round(count(*)::numeric / a.users, 4),
        count(*) FILTER (WHERE u.first_at >= p_from),
        sum(u.events)::bigint,
        round(sum(u.events) / count(*), 2)
    FROM uses AS u
    CROSS JOIN active AS a
    WHERE u.events > 0
    GROUP BY u.name, a.users
    ORDER BY count(*) DESC, u.name;
END
$$;
COMMENT ON FUNCTION saas.feature_adoption(uuid, timestamptz, timestamptz) IS
'For each kind of event: how many people did it, as a share of all who were active, for how many it was the first time ever, and how often.';
REVOKE ALL ON FUNCTION saas.feature_adoption(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.feature_adoption(uuid, timestamptz, timestamptz)
TO saas_app, saas_analyst, saas_service, saas_internal;
