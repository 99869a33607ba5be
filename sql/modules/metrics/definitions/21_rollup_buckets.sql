-- Buckets of rollups computed anew, from rows and from finer buckets.
CREATE OR REPLACE FUNCTION saas.write_rollup_hours(
    p_rollup saas.rollups,
    p_source text,
    p_teams uuid[],
    p_hours timestamptz[],
    p_time_zones text[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_key text := format('%s hour', p_rollup.id);
    v_table text := saas.rollup_table(p_rollup, 'hour');
    v_statement text;
    v_from timestamptz;
    v_to timestamptz;
BEGIN
    -- The first and the last one, so that the other months are left out.
    SELECT min(b.bucket), max(b.bucket) INTO v_from, v_to FROM unnest(p_hours) AS b (bucket);
    PERFORM saas.run_rollup_statement(
        v_key || ' old',
        format('DELETE FROM %s AS r USING unnest($1, $2) AS d (team_id, bucket) '
               'WHERE r.team_id = d.team_id AND r.bucket = d.bucket AND r.bucket >= $3 AND r.bucket <= $4', v_table),
        p_teams, p_hours, v_from, v_to);
    v_key := format('%s of %s', v_key, p_source);
    IF NOT saas.keeps_rollup_statement(v_key) THEN
        v_statement := format('INSERT INTO %s %s', v_table, saas.rollup_raw_query(
            p_rollup, 'SELECT * FROM unnest($1, $2, $3) AS u (team_id, bucket, time_zone)'));
    END IF;
    PERFORM saas.run_rollup_statement(v_key, v_statement, p_teams, p_hours, p_time_zones);
END
$$;
COMMENT ON FUNCTION saas.write_rollup_hours(saas.rollups, text, uuid[], timestamptz[], text[]) IS
'Computes hours of a rollup anew from the source, which p_source names: arrays of teams, hours and time zones, side by side.';
REVOKE ALL ON FUNCTION saas.write_rollup_hours(saas.rollups, text, uuid[], timestamptz[], text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.write_rollup_days(
    p_rollup saas.rollups,
    p_granularity text,
    p_teams uuid[],
    p_buckets date[],
    p_time_zones text[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_key text := format('%s %s', p_rollup.id, quote_ident(p_granularity));
    v_table text := saas.rollup_table(p_rollup, quote_ident(p_granularity));
    v_statement text;
    v_from timestamptz;
    v_to timestamptz;
BEGIN
    SELECT min(b.bucket) - INTERVAL '2 days', max(b.bucket) + INTERVAL '3 days'
    INTO v_from, v_to
    FROM unnest(p_buckets) AS b (bucket);
    PERFORM saas.run_rollup_statement(
        v_key || ' old',
        format('DELETE FROM %s AS r USING unnest($1, $2) AS d (team_id, bucket) '
               'WHERE r.team_id = d.team_id AND r.bucket = d.bucket', v_table),
        p_teams, p_buckets);
    IF NOT saas.keeps_rollup_statement(v_key) THEN
        v_statement := format('INSERT INTO %s %s', v_table, saas.rollup_merged_query(
            p_rollup, quote_ident(p_granularity),
            'SELECT * FROM unnest($1, $2, $3) AS u (team_id, bucket, time_zone)',
            CASE quote_ident(p_granularity)
                WHEN 'day' THEN format('(SELECT * FROM %s AS o WHERE o.bucket >= $4 AND o.bucket < $5)',
                    saas.rollup_table(p_rollup, 'hour'))
                ELSE saas.rollup_table(p_rollup, 'day')
            END));
    END IF;
    PERFORM saas.run_rollup_statement(v_key, v_statement, p_teams, p_buckets, p_time_zones, v_from, v_to);
END
$$;
COMMENT ON FUNCTION saas.write_rollup_days(saas.rollups, text, uuid[], date[], text[]) IS
'Computes days, weeks or months of a rollup anew from the next finer granularity: arrays of teams, first days and time zones, side by side.';
REVOKE ALL ON FUNCTION saas.write_rollup_days(saas.rollups, text, uuid[], date[], text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.refresh_coarser_buckets(p_rollup saas.rollups, p_teams uuid[], p_days date[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_granularity text;
    v_teams uuid[];
    v_buckets date[];
    v_zones text[];
BEGIN
    FOR v_granularity IN
        SELECT g.name
        FROM unnest(ARRAY['day', 'week', 'month']) WITH ORDINALITY AS g (name, place)
        WHERE g.name = ANY (p_rollup.granularities)
        ORDER BY g.place
    LOOP
        SELECT array_agg(b.team_id), array_agg(b.bucket), array_agg(b.time_zone)
        INTO v_teams, v_buckets, v_zones
        FROM (
            SELECT DISTINCT d.team_id, COALESCE(k.time_zone, 'UTC') AS time_zone, CASE v_granularity
                WHEN 'day' THEN d.day
                WHEN 'week' THEN saas.week_bucket(d.day, COALESCE(k.week_start, 1))
                ELSE date_trunc('month', d.day::timestamp)::date
            END AS bucket
            FROM unnest(p_teams, p_days) AS d (team_id, day)
            LEFT JOIN saas.rollup_calendars AS k ON k.team_id = d.team_id
        ) AS b;
        PERFORM saas.write_rollup_days(p_rollup, v_granularity, v_teams, v_buckets, v_zones);
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.refresh_coarser_buckets(saas.rollups, uuid[], date[]) IS
'Computes the given days of the given teams anew from their hours, and weeks and months from days.';
REVOKE ALL ON FUNCTION saas.refresh_coarser_buckets(saas.rollups, uuid[], date[]) FROM PUBLIC;
