-- What a refresh takes from the log of changes, in a form that its statements read fast: arrays side by side, which
-- name each other by number.

CREATE OR REPLACE FUNCTION saas.take_rollup_changes(
    p_source uuid,
    p_limit integer,
    p_teams uuid[],
    OUT changes bigint,
    OUT teams uuid[],
    OUT hours timestamptz[],
    OUT time_zones text[],
    OUT days date[],
    OUT weeks date[],
    OUT months date[],
    OUT additive boolean[],
    OUT span_hours integer[],
    OUT spans timestamptz[],
    OUT span_xacts xid8[],
    OUT span_relations oid[],
    OUT row_spans integer[],
    OUT row_ids tid[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_through xid8;
    v_as_of pg_snapshot := (SELECT s.computed_as_of FROM saas.rollup_sources AS s WHERE s.id = p_source);
    -- Rows keep the lower half of the number of their transaction.
    v_oldest xid8 := greatest(pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 2000000000, 0)::text::xid8;
BEGIN
    -- Oldest first, whole transactions. One pass over the log for each statement, whatever the planner
    -- believes of a table that is empty most of the time.
    SELECT n.xact_id INTO v_through
    FROM (
        SELECT c.xact_id
        FROM saas.rollup_changes AS c
        WHERE c.source_id = p_source AND (p_teams IS NULL OR c.team_id = ANY (p_teams))
        ORDER BY c.xact_id
        LIMIT p_limit
    ) AS n
    ORDER BY n.xact_id DESC
    LIMIT 1;
    IF v_through IS NULL THEN
        changes := 0;
        RETURN;
    END IF;
    WITH taken AS (
        DELETE FROM saas.rollup_changes AS c
        WHERE c.source_id = p_source AND c.xact_id <= v_through AND (p_teams IS NULL OR c.team_id = ANY (p_teams))
        RETURNING c.team_id, c.span, c.xact_id, c.relation, c.row_ids
    ), dated AS (
        -- What a bucket that was computed as a whole had seen must not be added to it. One transaction tells twice
        -- of a span only when it changes very much, or in the middle; then places may come twice.
        SELECT t.team_id, t.span, t.xact_id, t.relation, t.row_ids, z.time_zone, z.week_start,
            -- Its first and its last moment: where clocks once differed by odd minutes, they are in two hours.
            saas.hour_bucket(t.span, z.time_zone) AS first_hour,
            saas.hour_bucket(t.span + INTERVAL '899.999999 seconds', z.time_zone) AS last_hour,
            t.row_ids IS NOT NULL AND t.xact_id > v_oldest
            AND NOT COALESCE(pg_visible_in_snapshot(t.xact_id, v_as_of), false)
            AND count(*) OVER (PARTITION BY t.team_id, t.span, t.xact_id) = 1 AS additive
        FROM taken AS t
        JOIN saas.teams AS o ON o.id = t.team_id
        LEFT JOIN saas.rollup_calendars AS k ON k.team_id = t.team_id
        CROSS JOIN LATERAL (
            SELECT COALESCE(k.time_zone, 'UTC') AS time_zone, COALESCE(k.week_start, 1)::integer AS week_start
        ) AS z
    ), parts AS (
        SELECT d.*, d.first_hour AS hour, d.additive AND d.first_hour = d.last_hour AS part_additive
        FROM dated AS d
        UNION ALL
        SELECT d.*, d.last_hour, false
        FROM dated AS d
        WHERE d.first_hour <> d.last_hour
    ), marked AS MATERIALIZED (
        -- By windows and not by joins, whose number of rows nobody knows of a table that is empty most of the time.
        SELECT p.*, bool_and(p.part_additive) OVER (PARTITION BY p.team_id, p.hour) AS hour_additive,
            dense_rank() OVER (ORDER BY p.team_id, p.hour)::integer AS hour_number
        FROM parts AS p
    ), taken_hours AS (
        SELECT h.*, date_trunc('month', h.day::timestamp)::date AS month,
            h.day - (extract(isodow FROM h.day)::integer - h.week_start + 7) % 7 AS week
        FROM (
            SELECT DISTINCT m.hour_number AS number, m.team_id, m.hour, m.time_zone, m.week_start, m.hour_additive,
                (m.hour AT TIME ZONE m.time_zone)::date AS day
            FROM marked AS m
        ) AS h
    ), added AS MATERIALIZED (
        -- About in the order in which they are in the table.
        SELECT m.span, m.hour_number, m.xact_id, m.relation, m.row_ids,
            (row_number() OVER (ORDER BY m.relation, m.row_ids[1]))::integer AS number
        FROM marked AS m
        WHERE m.hour_additive
    )
    SELECT (SELECT count(*) FROM taken), h.teams, h.hours, h.time_zones, h.days, h.weeks, h.months, h.additive,
        a.hours, a.spans, a.xacts, a.relations, r.numbers, r.row_ids
    INTO changes, teams, hours, time_zones, days, weeks, months, additive,
        span_hours, spans, span_xacts, span_relations, row_spans, row_ids
    FROM (
        SELECT array_agg(t.team_id ORDER BY t.number) AS teams, array_agg(t.hour ORDER BY t.number) AS hours,
            array_agg(t.time_zone ORDER BY t.number) AS time_zones, array_agg(t.day ORDER BY t.number) AS days,
            array_agg(t.week ORDER BY t.number) AS weeks, array_agg(t.month ORDER BY t.number) AS months,
            array_agg(t.hour_additive ORDER BY t.number) AS additive
        FROM taken_hours AS t
    ) AS h
    CROSS JOIN (
        SELECT array_agg(a.hour_number ORDER BY a.number) AS hours, array_agg(a.span ORDER BY a.number) AS spans,
            array_agg(a.xact_id ORDER BY a.number) AS xacts, array_agg(a.relation ORDER BY a.number) AS relations
        FROM added AS a
    ) AS a
    CROSS JOIN (
        SELECT array_agg(a.number) AS numbers, array_agg(i.row_id) AS row_ids
        FROM added AS a
        CROSS JOIN LATERAL unnest(a.row_ids) AS i (row_id)
    ) AS r;
END
$$;
COMMENT ON FUNCTION saas.take_rollup_changes(uuid, integer, uuid[]) IS
'Takes up to p_limit noted changes of a source that is locked, of the given teams or NULL for all. Returns the hours that they touch, with day, week and month, and whether nothing but rows was added to each; of these the spans, with the number of their hour, and the rows, with the number of their span and their place.';
REVOKE ALL ON FUNCTION saas.take_rollup_changes(uuid, integer, uuid[]) FROM PUBLIC;
