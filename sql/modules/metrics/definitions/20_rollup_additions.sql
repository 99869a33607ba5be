-- What rows add to the buckets that there are, in one statement a rollup: so that late rows cost what they
-- are, and not what their hours hold.
--
-- Rows are found by their file, their place there and the transaction that inserted them, which together name one
-- row for ever: a table that is rewritten, which may give a row's place to another one of its transaction, has another
-- file. If a row is not there, nothing is added, and the caller computes the buckets anew.

CREATE OR REPLACE FUNCTION saas.rollup_is_additive(p_rollup saas.rollups)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- The first and the last value do not say of when they are.
    SELECT NOT jsonb_path_exists(p_rollup.measures, '$[*].kind ? (@ == "first" || @ == "last")')
$$;
COMMENT ON FUNCTION saas.rollup_is_additive(saas.rollups) IS
'Whether the measures of a rollup after a new row follow from those before.';
REVOKE ALL ON FUNCTION saas.rollup_is_additive(saas.rollups) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_is_additive(saas.rollups) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_added_measure(p_measure jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT format(CASE
            WHEN p_measure ->> 'kind' = 'count' THEN '%1$s = r.%1$s + excluded.%1$s'
            -- NULL without any value.
            WHEN p_measure ->> 'kind' = 'sum' THEN '%1$s = COALESCE(r.%1$s + excluded.%1$s, r.%1$s, excluded.%1$s)'
            WHEN p_measure ->> 'kind' = 'min' THEN '%1$s = least(r.%1$s, excluded.%1$s)'
            WHEN p_measure ->> 'kind' = 'max' THEN '%1$s = greatest(r.%1$s, excluded.%1$s)'
            ELSE '%1$s = saas.merge(r.%1$s, excluded.%1$s)'
        END, quote_ident(p_measure ->> 'name'))
$$;
COMMENT ON FUNCTION saas.rollup_added_measure(jsonb) IS
'The assignment of a measure of row r of a rollup when the excluded row is added to it.';
REVOKE ALL ON FUNCTION saas.rollup_added_measure(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_added_measure(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_addition(p_rollup saas.rollups, p_granularity text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_table text := saas.rollup_table(p_rollup, p_granularity);
    v_dimensions text;
    v_known text;
    v_places text;
    v_measures text;
    v_added text;
    v_new text;
    v_written text;
BEGIN
    SELECT string_agg('c' || d.place, ', ' ORDER BY d.place), string_agg(format('o.%I', d.name), ', ' ORDER BY d.place)
    INTO v_dimensions, v_known
    FROM unnest(p_rollup.dimensions) WITH ORDINALITY AS d (name, place);
    SELECT string_agg(
            CASE p_granularity WHEN 'hour' THEN 'h.m' || m.place
            ELSE saas.rollup_merged_measure(m.measure || jsonb_build_object('name', 'm' || m.place)) END,
            ', ' ORDER BY m.place),
        string_agg('m' || m.place, ', ' ORDER BY m.place),
        string_agg(saas.rollup_added_measure(m.measure), ', ' ORDER BY m.place)
    INTO v_measures, v_places, v_added
    FROM jsonb_array_elements(p_rollup.measures) WITH ORDINALITY AS m (measure, place);
    v_new := format(
        'FROM added AS h WHERE h.%1$s_additive%2$s', p_granularity,
        CASE p_granularity WHEN 'hour' THEN '' ELSE format(' GROUP BY h.team_id, h.%s', concat_ws(', ', p_granularity, v_dimensions)) END);
    v_written := format('%1$s_written AS (INSERT INTO %2$s AS r (team_id, bucket, ordinal, %3$s) ',
        p_granularity, v_table, saas.rollup_columns(p_rollup, ''));
    RETURN CASE
        WHEN v_dimensions IS NULL
            THEN v_written || format('SELECT h.team_id, h.%s, 1, %s %s ', p_granularity, v_measures, v_new)
        -- Each bucket is read once, by the index; rows of one group meet by sorting, since NULL is one of its values.
        -- A new group gets the next number.
        ELSE format(
            '%1$s_known AS (SELECT b.team_id, b.bucket, o.* FROM '
            '(SELECT DISTINCT h.team_id, h.%1$s AS bucket FROM added AS h WHERE h.%1$s_additive) AS b CROSS JOIN LATERAL '
            '(SELECT o.ordinal, %2$s FROM %3$s AS o WHERE o.team_id = b.team_id AND o.bucket = b.bucket OFFSET 0) AS o), '
            '%1$s_all AS (SELECT a.*, max(a.ordinal) OVER (PARTITION BY a.team_id, a.bucket, %4$s) AS known, '
            'COALESCE(max(a.ordinal) OVER (PARTITION BY a.team_id, a.bucket), 0) AS taken FROM ('
            'SELECT k.*, false, %5$s FROM %1$s_known AS k UNION ALL SELECT h.team_id, h.%1$s, NULL, %6$s, true, %7$s %8$s'
            ') AS a (team_id, bucket, ordinal, %4$s, fresh, %9$s)), ',
            p_granularity, v_known, v_table, v_dimensions, regexp_replace(v_places, 'm[0-9]+', 'NULL', 'g'),
            regexp_replace(v_dimensions, 'c([0-9]+)', 'h.c\1', 'g'), v_measures, v_new, v_places)
            || v_written || format(
            'SELECT a.team_id, a.bucket, COALESCE(a.known, a.taken + row_number() OVER (PARTITION BY a.team_id, a.bucket))::integer, %s, %s '
            'FROM %s_all AS a WHERE a.fresh ', v_dimensions, v_places, p_granularity)
        END || 'ON CONFLICT (team_id, bucket, ordinal) DO UPDATE SET ' || v_added || ')';
END
$$;
COMMENT ON FUNCTION saas.rollup_addition(saas.rollups, text) IS
'The part of rollup_addition_query() for one granularity.';
REVOKE ALL ON FUNCTION saas.rollup_addition(saas.rollups, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_addition(saas.rollups, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.rollup_addition_query(p_rollup saas.rollups, p_source text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_source saas.rollup_sources;
    v_time text;
    v_dimensions text;
    v_columns text;
    v_measures text;
    v_additions text;
BEGIN
    SELECT * INTO STRICT v_source FROM saas.rollup_sources AS s WHERE s.id = p_rollup.source_id;
    v_time := 's.' || quote_ident(v_source.time_column);
    SELECT COALESCE(string_agg(format(', s.%I AS c%s', d.name, d.place), '' ORDER BY d.place), ''),
        COALESCE(string_agg(format(', s.%I', d.name), '' ORDER BY d.place), '')
    INTO v_dimensions, v_columns
    FROM unnest(p_rollup.dimensions) WITH ORDINALITY AS d (name, place);
    SELECT string_agg(format(', %s AS m%s', saas.rollup_raw_measure(m.measure, v_time), m.place), '' ORDER BY m.place)
    INTO v_measures
    FROM jsonb_array_elements(p_rollup.measures) WITH ORDINALITY AS m (measure, place);
    SELECT string_agg(saas.rollup_addition(p_rollup, g.name), ', ' ORDER BY g.place)
    INTO v_additions
    FROM unnest(ARRAY['hour', 'day', 'week', 'month']) WITH ORDINALITY AS g (name, place)
    WHERE g.name = ANY (p_rollup.granularities);
    RETURN format(
        -- Row by row, so that each is one look at its place, whatever the planner thinks of reading the table.
        'WITH found AS MATERIALIZED (SELECT ($10)[p.span] AS hour, count(*) AS number%1$s%2$s '
        'FROM unnest($14, $15) AS p (span, row_id) CROSS JOIN LATERAL (SELECT s.* FROM %3$s AS s WHERE s.ctid = p.row_id '
        'AND s.xmin = ($12)[p.span]::xid AND s.%4$I = ($1)[($10)[p.span]] '
        'AND %5$s >= ($11)[p.span] AND %5$s < ($11)[p.span] + INTERVAL ''15 minutes'' '
        'AND pg_relation_filenode(s.tableoid) = ($13)[p.span] OFFSET 0) AS s '
        'GROUP BY ($10)[p.span]%6$s), '
        'missing AS MATERIALIZED (SELECT cardinality($15) - COALESCE((SELECT sum(f.number) FROM found AS f), 0) AS number), '
        'added AS MATERIALIZED (SELECT ($1)[f.hour] AS team_id, ($2)[f.hour] AS hour, ($3)[f.hour] AS day, ($4)[f.hour] AS week, '
        '($5)[f.hour] AS month, true AS hour_additive, ($7)[f.hour] AS day_additive, ($8)[f.hour] AS week_additive, '
        '($9)[f.hour] AS month_additive%7$s FROM found AS f WHERE ($6)[f.hour] AND (SELECT m.number FROM missing AS m) = 0), %8$s '
        'SELECT m.number::bigint FROM missing AS m',
        v_dimensions, v_measures, p_source, v_source.team_column, v_time, v_columns,
        (SELECT COALESCE(string_agg(', f.c' || n, '' ORDER BY n), '') FROM generate_series(1, cardinality(p_rollup.dimensions)) AS n)
        || (SELECT string_agg(', f.m' || n, '' ORDER BY n) FROM generate_series(1, jsonb_array_length(p_rollup.measures)) AS n),
        v_additions);
END
$$;
COMMENT ON FUNCTION saas.rollup_addition_query(saas.rollups, text) IS
'The statement that adds rows of the source to all granularities of a rollup. Parameters: team, start, day, week and month of the hours, and of which of the four nothing but rows was added to; hour (its number), start, transaction and file of the spans; span (its number) and place of the rows. Answers how many rows are not there: with any, nothing is added.';
REVOKE ALL ON FUNCTION saas.rollup_addition_query(saas.rollups, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_addition_query(saas.rollups, text) TO saas_internal;
