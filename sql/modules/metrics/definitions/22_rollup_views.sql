-- Real-time views: the finished buckets, and those with changes that no refresh has seen yet computed
-- when they are read. They use tables and native functions alone, so that they outlast every definition.

CREATE OR REPLACE FUNCTION saas.rollup_pending_query(p_rollup saas.rollups, p_granularity text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT format(
        'SELECT DISTINCT p.team_id, %s AS bucket, p.time_zone FROM ('
        'SELECT c.team_id, saas.hour_bucket(m.moment, z.time_zone) AS hour, z.time_zone, z.week_start '
        'FROM (SELECT DISTINCT n.team_id, n.span FROM saas.rollup_changes AS n WHERE n.source_id = %L) AS c '
        'LEFT JOIN saas.rollup_calendars AS k ON k.team_id = c.team_id '
        'CROSS JOIN LATERAL (SELECT COALESCE(k.time_zone, ''UTC'') AS time_zone, COALESCE(k.week_start, 1)::integer AS week_start) AS z '
        'CROSS JOIN LATERAL (VALUES (c.span), (c.span + INTERVAL ''899.999999 seconds'')) AS m (moment)) AS p%s',
        CASE p_granularity
            WHEN 'hour' THEN 'p.hour'
            WHEN 'day' THEN '(p.hour AT TIME ZONE p.time_zone)::date'
            WHEN 'week' THEN
                '(p.hour AT TIME ZONE p.time_zone)::date '
                '- (extract(isodow FROM p.hour AT TIME ZONE p.time_zone)::integer - p.week_start + 7) % 7'
            ELSE 'date_trunc(''month'', p.hour AT TIME ZONE p.time_zone)::date'
        END,
        p_rollup.source_id,
        CASE
            WHEN saas.rollup_frozen_after(p_rollup) IS NULL THEN ''
            ELSE format(' WHERE p.hour >= now() - %L::interval', saas.rollup_frozen_after(p_rollup))
        END
    )
$$;
COMMENT ON FUNCTION saas.rollup_pending_query(saas.rollups, text) IS
'The query of team_id, bucket and time_zone of what changed since the last refresh.';
REVOKE ALL ON FUNCTION saas.rollup_pending_query(saas.rollups, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_pending_query(saas.rollups, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.create_rollup_view(p_rollup saas.rollups, p_granularity text)
RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_name text := format('%I.%I', p_rollup.table_schema, p_rollup.name || '_' || p_granularity || '_live');
    v_pending text := saas.rollup_pending_query(p_rollup, p_granularity);
    v_fresh text;
BEGIN
    IF p_granularity = 'hour' THEN
        v_fresh := saas.rollup_raw_query(p_rollup, v_pending);
    ELSE
        v_fresh := saas.rollup_merged_query(
            p_rollup, p_granularity, v_pending,
            format('%I.%I', p_rollup.table_schema,
                   p_rollup.name || CASE p_granularity WHEN 'day' THEN '_hour_live' ELSE '_day_live' END)
        );
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE VIEW %1$s WITH (security_invoker = true) AS '
        'SELECT r.team_id, r.bucket, %2$s FROM %3$s AS r WHERE NOT EXISTS '
        '(SELECT FROM (%4$s) AS c WHERE c.team_id = r.team_id AND c.bucket = r.bucket) '
        'UNION ALL SELECT f.team_id, f.bucket, %5$s FROM (%6$s) AS f (team_id, bucket, ordinal, %7$s)',
        v_name, saas.rollup_columns(p_rollup, 'r.'), saas.rollup_table(p_rollup, p_granularity), v_pending,
        saas.rollup_columns(p_rollup, 'f.'), v_fresh, saas.rollup_columns(p_rollup, '')
    );
    EXECUTE format('COMMENT ON VIEW %s IS %L', v_name, format(
        'Rollup %s by %s as of now: finished buckets, and those with changes since the last refresh computed from the source.',
        p_rollup.name, p_granularity));
    EXECUTE format('GRANT SELECT ON %s TO saas_app, saas_service', v_name);
    RETURN v_name;
END
$$;
COMMENT ON FUNCTION saas.create_rollup_view(saas.rollups, text) IS
'Makes the real-time view of a rollup for one granularity. Whoever reads it needs the rights on the source.';
REVOKE ALL ON FUNCTION saas.create_rollup_view(saas.rollups, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_rollup_view(saas.rollups, text) TO pg_database_owner;
