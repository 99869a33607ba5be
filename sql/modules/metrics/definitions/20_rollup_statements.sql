-- The statements that make up a rollup, as text: what each granularity holds, from the source or by merging.

CREATE OR REPLACE FUNCTION saas.rollup_trigger_name(p_source uuid)
RETURNS name
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- Last in the order of names, after whatever else may change or refuse the row.
    SELECT ('zz_saas_rollup_' || replace(p_source::text, '-', ''))::name
$$;
COMMENT ON FUNCTION saas.rollup_trigger_name(uuid) IS
'The name of the trigger that notes changes of a source of rollups.';
REVOKE ALL ON FUNCTION saas.rollup_trigger_name(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_trigger_name(uuid) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_relation(p_source uuid)
RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- By its trigger, so that a source may be renamed. What is read with the package's rights must be a
    -- table still: a view runs functions of whoever made it.
    SELECT t.tgrelid
    FROM pg_trigger AS t
    JOIN pg_class AS c ON c.oid = t.tgrelid AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
    WHERE t.tgname = saas.rollup_trigger_name(p_source)
        AND t.tgparentid = 0
        AND t.tgfoid = 'saas.record_rollup_change()'::regprocedure
$$;
COMMENT ON FUNCTION saas.rollup_relation(uuid) IS
'The table that a source of rollups is: the one with its trigger. NULL when there is none.';
REVOKE ALL ON FUNCTION saas.rollup_relation(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_relation(uuid) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_source_table(p_relation regclass)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- The policies of partitions are those of the table; tables that inherit from another have no trigger.
    SELECT format('%s%I.%I', CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END, n.nspname, c.relname)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_relation
$$;
COMMENT ON FUNCTION saas.rollup_source_table(regclass) IS
'A source of rollups as statements name it after FROM.';
REVOKE ALL ON FUNCTION saas.rollup_source_table(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_source_table(regclass) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_table(p_rollup saas.rollups, p_granularity text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT format('%I.%I', p_rollup.table_schema, p_rollup.name || '_' || p_granularity)
$$;
COMMENT ON FUNCTION saas.rollup_table(saas.rollups, text) IS
'The qualified name of the table of a rollup for one granularity; its real-time view has _live after it.';
REVOKE ALL ON FUNCTION saas.rollup_table(saas.rollups, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_table(saas.rollups, text) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_columns(p_rollup saas.rollups, p_alias text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT string_agg(p_alias || quote_ident(c.name), ', ' ORDER BY c.place)
    FROM (
        SELECT d.name, d.place
        FROM unnest(p_rollup.dimensions) WITH ORDINALITY AS d (name, place)
        UNION ALL
        SELECT m.measure ->> 'name', 1000 + m.place
        FROM jsonb_array_elements(p_rollup.measures) WITH ORDINALITY AS m (measure, place)
    ) AS c
$$;
COMMENT ON FUNCTION saas.rollup_columns(saas.rollups, text) IS
'Dimensions and measures of a rollup as a list of columns, each with the alias before it.';
REVOKE ALL ON FUNCTION saas.rollup_columns(saas.rollups, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_columns(saas.rollups, text) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_raw_measure(p_measure jsonb, p_time text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE p_measure ->> 'kind'
        WHEN 'count' THEN format('count(%s)', COALESCE(c.name, '*'))
        -- Converted first: the sum of real has the precision of real.
        WHEN 'sum' THEN format(CASE p_measure ->> 'type' WHEN 'double precision' THEN 'sum(%s::%s)' ELSE 'sum(%s)::%s' END,
            c.name, p_measure ->> 'type')
        WHEN 'min' THEN format('min(%s)', c.name)
        WHEN 'max' THEN format('max(%s)', c.name)
        WHEN 'distinct' THEN format('saas.distinct_sketch(%s)', c.name)
        WHEN 'quantiles' THEN format('saas.quantile_sketch(%s::double precision)', c.name)
        -- Of several values of one time the greatest is the last, so that the answer is always the same.
        WHEN 'first' THEN format('(array_agg(%1$s ORDER BY %2$s, %1$s) FILTER (WHERE %1$s IS NOT NULL))[1]', c.name, p_time)
        WHEN 'last' THEN format('(array_agg(%1$s ORDER BY %2$s DESC, %1$s DESC) FILTER (WHERE %1$s IS NOT NULL))[1]', c.name, p_time)
    END
    FROM (SELECT 's.' || quote_ident(p_measure ->> 'column') AS name) AS c
$$;
COMMENT ON FUNCTION saas.rollup_raw_measure(jsonb, text) IS
'The expression of a measure over rows s of the source; p_time is their time.';
REVOKE ALL ON FUNCTION saas.rollup_raw_measure(jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_raw_measure(jsonb, text) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_merged_measure(p_measure jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE p_measure ->> 'kind'
        WHEN 'count' THEN format('sum(%s)::bigint', c.name)
        WHEN 'sum' THEN format('sum(%s)', c.name)
        WHEN 'min' THEN format('min(%s)', c.name)
        WHEN 'max' THEN format('max(%s)', c.name)
        WHEN 'distinct' THEN format('saas.merge(%s)', c.name)
        WHEN 'quantiles' THEN format('saas.merge(%s)', c.name)
        WHEN 'first' THEN format('(array_agg(%1$s ORDER BY h.bucket) FILTER (WHERE %1$s IS NOT NULL))[1]', c.name)
        WHEN 'last' THEN format('(array_agg(%1$s ORDER BY h.bucket DESC) FILTER (WHERE %1$s IS NOT NULL))[1]', c.name)
    END
    FROM (SELECT 'h.' || quote_ident(p_measure ->> 'name') AS name) AS c
$$;
COMMENT ON FUNCTION saas.rollup_merged_measure(jsonb) IS
'The expression of a measure over rows h of the next finer granularity.';
REVOKE ALL ON FUNCTION saas.rollup_merged_measure(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_merged_measure(jsonb) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_select(
    p_rollup saas.rollups,
    p_alias text,
    p_measures text,
    p_buckets text,
    p_rest text
)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        -- Bucket by bucket, so that each is one stretch of an index, whatever the planner thinks of its size.
        WHEN p_buckets IS NOT NULL THEN format(
            'SELECT d.team_id, d.bucket, g.* FROM (%1$s) AS d CROSS JOIN LATERAL '
            '(SELECT %2$s, %3$s%4$s %5$s%6$s HAVING count(*) > 0) AS g',
            p_buckets, CASE WHEN n.names = '' THEN '1' ELSE '(row_number() OVER ())::integer' END, n.prefixed, p_measures,
            p_rest, COALESCE(' GROUP BY ' || NULLIF(n.names, ''), ''))
        ELSE format(
            'SELECT g.team_id, g.bucket, %1$s, %2$s FROM (SELECT d.team_id, d.bucket, %3$s%4$s %5$s GROUP BY d.team_id, d.bucket%6$s) AS g',
            CASE WHEN n.names = '' THEN '1' ELSE '(row_number() OVER (PARTITION BY g.team_id, g.bucket))::integer' END,
            saas.rollup_columns(p_rollup, 'g.'), n.prefixed, p_measures, p_rest, COALESCE(', ' || NULLIF(n.names, ''), ''))
        END
    FROM (
        SELECT COALESCE(string_agg(p_alias || quote_ident(d.name), ', ' ORDER BY d.place), '') AS names,
            COALESCE(string_agg(p_alias || quote_ident(d.name) || ', ', '' ORDER BY d.place), '') AS prefixed
        FROM unnest(p_rollup.dimensions) WITH ORDINALITY AS d (name, place)
    ) AS n
$$;
COMMENT ON FUNCTION saas.rollup_select(saas.rollups, text, text, text, text) IS
'A query of the rows of a rollup: team, bucket, ordinal, dimensions, measures. For the buckets d that a query names, p_rest being what they are made from, or for all, p_rest then with the buckets d.';
REVOKE ALL ON FUNCTION saas.rollup_select(saas.rollups, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_select(saas.rollups, text, text, text, text) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_raw_query(p_rollup saas.rollups, p_buckets text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_source saas.rollup_sources;
    v_relation regclass := saas.rollup_relation(p_rollup.source_id);
    v_from text;
    v_team text;
    v_time text;
    v_measures text;
BEGIN
    SELECT * INTO v_source FROM saas.rollup_sources AS s WHERE s.id = p_rollup.source_id;
    IF v_relation IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA132',
            MESSAGE = format('the source of rollup "%s" is gone', p_rollup.name),
            DETAIL = format('No table has the trigger of %s any more.', v_source.source_name),
            HINT = 'Drop the rollup with saas.drop_rollup(), and create it anew if the table is there.';
    END IF;
    v_from := saas.rollup_source_table(v_relation);
    v_team := 's.' || quote_ident(v_source.team_column);
    v_time := 's.' || quote_ident(v_source.time_column);
    SELECT string_agg(
        format('%s AS %I', saas.rollup_raw_measure(m.measure, v_time), m.measure ->> 'name'), ', ' ORDER BY m.place)
    INTO v_measures
    FROM jsonb_array_elements(p_rollup.measures) WITH ORDINALITY AS m (measure, place);
    IF p_buckets IS NOT NULL THEN
        -- No row of an hour comes before its start or an hour after it: the index finds those. Where clocks
        -- are put back by less than an hour, the rest tells one hour from the next.
        RETURN saas.rollup_select(p_rollup, 's.', v_measures, p_buckets, format(
            'FROM %1$s AS s WHERE %2$s = d.team_id AND %3$s >= d.bucket '
            'AND %3$s < d.bucket + INTERVAL ''1 hour'' AND saas.hour_bucket(%3$s, d.time_zone) = d.bucket',
            v_from, v_team, v_time
        ));
    END IF;
    -- All of them: one pass over the source, without an index.
    RETURN saas.rollup_select(p_rollup, 's.', v_measures, NULL, format(
        'FROM %1$s AS s LEFT JOIN saas.rollup_calendars AS k ON k.team_id = %2$s '
        'CROSS JOIN LATERAL (SELECT %2$s AS team_id, saas.hour_bucket(%3$s, COALESCE(k.time_zone, ''UTC'')) AS bucket) AS d '
        'WHERE %2$s IN (SELECT t.id FROM saas.teams AS t) AND isfinite(d.bucket)',
        v_from, v_team, v_time
    ));
END
$$;
COMMENT ON FUNCTION saas.rollup_raw_query(saas.rollups, text) IS
'The query of hours from the source: those that p_buckets, a query of team_id, bucket and time_zone, names, or all if that is NULL. SA132 when the source is gone.';
REVOKE ALL ON FUNCTION saas.rollup_raw_query(saas.rollups, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_raw_query(saas.rollups, text) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_merged_query(
    p_rollup saas.rollups,
    p_granularity text,
    p_buckets text,
    p_finer text
)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT saas.rollup_select(
        p_rollup, 'h.',
        (
            SELECT string_agg(
                format('%s AS %I', saas.rollup_merged_measure(m.measure), m.measure ->> 'name'), ', ' ORDER BY m.place)
            FROM jsonb_array_elements(p_rollup.measures) WITH ORDINALITY AS m (measure, place)
        ),
        p_buckets,
        format('FROM %s AS h WHERE h.team_id = d.team_id AND ', p_finer) || CASE p_granularity
            -- A day is what the calendar of the team calls so, 23 or 25 hours long when clocks change. The
            -- range is for the index, and wide enough for any change of clocks.
            WHEN 'day' THEN
                'h.bucket >= d.bucket::timestamp AT TIME ZONE d.time_zone - INTERVAL ''3 hours'' '
                'AND h.bucket < (d.bucket + 1)::timestamp AT TIME ZONE d.time_zone + INTERVAL ''3 hours'' '
                'AND (h.bucket AT TIME ZONE d.time_zone)::date = d.bucket'
            WHEN 'week' THEN 'h.bucket >= d.bucket AND h.bucket < d.bucket + 7'
            WHEN 'month' THEN 'h.bucket >= d.bucket AND h.bucket < (d.bucket + INTERVAL ''1 month'')::date'
        END
    )
$$;
COMMENT ON FUNCTION saas.rollup_merged_query(saas.rollups, text, text, text) IS
'The query of days, weeks or months by merging rows of p_finer: those that p_buckets, a query of team_id, bucket and for days time_zone, names.';
REVOKE ALL ON FUNCTION saas.rollup_merged_query(saas.rollups, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_merged_query(saas.rollups, text, text, text) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.week_bucket(p_day date, p_week_start integer)
RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT p_day - (extract(isodow FROM p_day)::integer - p_week_start + 7) % 7
$$;
COMMENT ON FUNCTION saas.week_bucket(date, integer) IS
'The first day of the week that the day is in, when weeks begin on that day: 1 is Monday, as in ISO 8601, 7 is Sunday.';

CREATE OR REPLACE FUNCTION saas.rollup_frozen_after(p_rollup saas.rollups)
RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- A month and the weeks at its ends are made from days up to 62 days older than the latest change.
    SELECT least(
        p_rollup.source_retention,
        (p_rollup.retention ->> 'hour')::interval,
        (p_rollup.retention ->> 'day')::interval - INTERVAL '62 days'
    )
$$;
COMMENT ON FUNCTION saas.rollup_frozen_after(saas.rollups) IS
'Age from which buckets stay as they are, since what they were made from may be gone; NULL for never.';
REVOKE ALL ON FUNCTION saas.rollup_frozen_after(saas.rollups) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_frozen_after(saas.rollups) TO pg_database_owner, saas_internal;
