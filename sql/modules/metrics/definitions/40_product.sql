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
        RAISE EXCEPTION USING
            ERRCODE = '22023', MESSAGE = 'times of events are finite', HINT = 'Leave "at" out for now.';
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

CREATE OR REPLACE FUNCTION saas.period_starts(p_from date, p_to date, p_period text, p_zone text)
RETURNS timestamptz[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(array_agg(g.at AT TIME ZONE p_zone ORDER BY g.at), '{}')
    FROM generate_series(
        date_trunc(p_period, p_from::timestamp), p_to::timestamp, ('1 ' || p_period)::interval
    ) AS g (at)
$$;
COMMENT ON FUNCTION saas.period_starts(date, date, text, text) IS
'When each day, week or month from that of p_from to that of p_to begins in a time zone.';
REVOKE ALL ON FUNCTION saas.period_starts(date, date, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.period_starts(date, date, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.span_microseconds(p_span interval, p_what text, p_least bigint DEFAULT 0)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_span numeric := extract(epoch FROM p_span) * 1000000;
BEGIN
    -- Longer ones leave the range of times.
    IF v_span >= p_least AND v_span <= 36600 * 86400000000::numeric THEN
        RETURN v_span;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '22023',
        MESSAGE = format(
            '%s %s, and at most a hundred years', p_what,
            CASE WHEN p_least > 0 THEN 'is longer than nothing' ELSE 'is not negative' END
        ),
        HINT = 'For example interval ''30 minutes''; a month counts as 30 days.';
END
$$;
COMMENT ON FUNCTION saas.span_microseconds(interval, text, bigint) IS
'How long a span is, with months of 30 days and years of 365.25. 22023 for NULL, for less than p_least microseconds, and for more than a hundred years; p_what names it.';
REVOKE ALL ON FUNCTION saas.span_microseconds(interval, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.span_microseconds(interval, text, bigint) TO saas_internal;

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
        -- Looked up among the begins of days, which is quicker than telling the local date of each event.
        SELECT DISTINCT
            e.actor_id,
            p_from - 30 + width_bucket(
                e.created_at, (SELECT saas.period_starts(p_from - 29, p_to, 'day', v_zone))
            ) AS at
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
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    IF p_period IS NULL OR p_period NOT IN ('day', 'week', 'month') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a cohort is of a day, a week or a month',
            HINT = 'p_period is day, week or month.';
    END IF;
    PERFORM saas.is_period(p_from, p_to);
    RETURN QUERY
    WITH active AS MATERIALIZED (
        -- Period 0 is all that was before the first.
        SELECT DISTINCT
            e.actor_id,
            width_bucket(e.created_at, (SELECT saas.period_starts(p_from, p_to, p_period, v_zone))) AS period
        FROM saas.product_events AS e
        WHERE e.team_id = p_team AND e.created_at < (p_to + 1)::timestamp AT TIME ZONE v_zone
    ), members AS (
        SELECT a.actor_id, min(a.period) AS cohort
        FROM active AS a
        GROUP BY a.actor_id
        HAVING min(a.period) > 0
    ), counts AS MATERIALIZED (
        SELECT m.cohort, a.period, count(*) AS users
        FROM active AS a
        JOIN members AS m ON m.actor_id = a.actor_id
        GROUP BY m.cohort, a.period
    ), periods AS (
        SELECT g.at::date AS begins, row_number() OVER (ORDER BY g.at)::integer AS n
        FROM generate_series(
            date_trunc(p_period, p_from::timestamp), p_to::timestamp, ('1 ' || p_period)::interval
        ) AS g (at)
    )
    SELECT
        o.begins,
        p.n - o.n,
        b.users,
        COALESCE(c.users, 0),
        round(COALESCE(c.users, 0)::numeric / b.users, 4)
    FROM counts AS b
    JOIN periods AS o ON o.n = b.cohort
    JOIN periods AS p ON p.n >= o.n
    LEFT JOIN counts AS c ON c.cohort = b.cohort AND c.period = p.n
    WHERE b.period = b.cohort
    ORDER BY o.begins, p.n;
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
DECLARE
    v_gap interval;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_gap := saas.span_microseconds(p_gap, 'the gap between sessions', 1) * interval '1 microsecond';
    RETURN QUERY
    WITH marked AS (
        SELECT
            e.actor_id AS actor,
            e.created_at AS at,
            e.id,
            COALESCE(
                e.created_at - lag(e.created_at) OVER (PARTITION BY e.actor_id ORDER BY e.created_at, e.id) > v_gap, true
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
DECLARE
    v_gap bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    v_gap := saas.span_microseconds(p_gap, 'the gap between sessions', 1);
    RETURN QUERY
    SELECT
        (t.totals).sessions,
        (t.totals).users,
        round((t.totals).sessions::numeric / nullif((t.totals).users, 0), 2),
        round((t.totals).events::numeric / nullif((t.totals).sessions, 0), 2),
        (t.totals).median_seconds,
        round((t.totals).single::numeric / nullif((t.totals).sessions, 0), 4)
    FROM (
        SELECT saas.session_totals_of(o.actor_id, o.created_at, v_gap) AS totals
        FROM (
            -- In the order of an index, so that one pass counts; the aggregate refuses any other.
            SELECT e.actor_id, e.created_at
            FROM saas.product_events AS e
            WHERE e.team_id = p_team AND e.created_at >= p_from AND e.created_at < p_to
            ORDER BY e.actor_id, e.created_at
        ) AS o
    ) AS t;
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
