-- Making, listing and dropping rollups.

CREATE OR REPLACE FUNCTION saas.create_rollup_table(
    p_rollup saas.rollups,
    p_granularity text,
    p_relation regclass,
    p_read_role text
)
RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_name text := p_rollup.name || '_' || p_granularity;
    v_table text := saas.rollup_table(p_rollup, p_granularity);
    v_columns text;
    v_column record;
    v_policy text := format('USING (team_id = saas.current_team_id()%s)', CASE p_read_role
        WHEN 'viewer' THEN ''
        ELSE format(' AND saas.current_team_role() = ANY (%L)', saas.team_roles_from(p_read_role))
    END);
BEGIN
    SELECT string_agg(format('%I %s', c.name, c.type), ', ' ORDER BY c.place) INTO v_columns
    FROM saas.rollup_column_list(p_rollup, p_relation) AS c;
    EXECUTE format(
        'CREATE TABLE %s (team_id uuid NOT NULL, bucket %s NOT NULL, ordinal integer NOT NULL, %s, '
        'CONSTRAINT %I PRIMARY KEY (team_id, bucket, ordinal), '
        'CONSTRAINT %I FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE)%s',
        v_table, CASE p_granularity WHEN 'hour' THEN 'timestamptz' ELSE 'date' END, v_columns,
        v_name || '_pkey', v_name || '_team_id_fkey',
        CASE p_granularity WHEN 'hour' THEN ' PARTITION BY RANGE (bucket)' ELSE '' END
    );
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', v_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', v_table);
    EXECUTE format('CREATE POLICY %I ON %s FOR SELECT TO saas_app, saas_analyst, saas_service %s',
                   v_name || '_app_select', v_table, v_policy);
    IF p_granularity = 'hour' THEN
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT', p_rollup.table_schema, v_name || '_default', v_table);
        PERFORM saas.protect_partition(v_table::regclass, format('%I.%I', p_rollup.table_schema, v_name || '_default')::regclass);
    END IF;
    EXECUTE format('COMMENT ON TABLE %s IS %L', v_table, format('Rollup %s of %s by %s. Written by saas.refresh_rollups() alone.',
                   p_rollup.name, p_relation, p_granularity));
    EXECUTE format('COMMENT ON COLUMN %s.team_id IS %L', v_table, 'Team. [internal]');
    EXECUTE format('COMMENT ON COLUMN %s.bucket IS %L', v_table, CASE p_granularity
        WHEN 'hour' THEN 'Start of the hour in the time zone of the team. [internal]'
        ELSE format('First day of the %s in the time zone of the team. [internal]', p_granularity) END);
    EXECUTE format('COMMENT ON COLUMN %s.ordinal IS %L', v_table, 'Number of the row within team and bucket. [internal]');
    FOR v_column IN SELECT * FROM saas.rollup_column_list(p_rollup, p_relation) LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', v_table, v_column.name,
                       format('%s [%s]', v_column.what, v_column.class));
        -- Hashes do not compress; trying takes longer than merging a week of sketches.
        IF v_column.type = 'saas.distinct_sketch' THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE EXTERNAL', v_table, v_column.name);
        END IF;
    END LOOP;
    EXECUTE format('GRANT SELECT ON %s TO saas_app, saas_service', v_table);
    EXECUTE format('GRANT SELECT (%s) ON %s TO saas_analyst', saas.classified_columns(v_table::regclass, '^(public|internal)$'), v_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO saas_internal', v_table);
    RETURN v_table;
END
$$;
COMMENT ON FUNCTION saas.create_rollup_table(saas.rollups, text, regclass, text) IS
'Makes the table of a rollup for one granularity, with policies, rights and comments.';
REVOKE ALL ON FUNCTION saas.create_rollup_table(saas.rollups, text, regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_rollup_table(saas.rollups, text, regclass, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.attach_rollup_source(p_source uuid, p_relation regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_source saas.rollup_sources;
    v_name name := saas.rollup_trigger_name(p_source);
BEGIN
    SELECT * INTO STRICT v_source FROM saas.rollup_sources AS s WHERE s.id = p_source;
    IF NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = p_relation AND t.tgname = v_name) THEN
        EXECUTE format(
            'CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION saas.record_rollup_change(%L, %L, %L)',
            v_name, p_relation, p_source, v_source.team_column, v_source.time_column);
        EXECUTE format(
            'CREATE TRIGGER %I AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION saas.record_rollup_truncate(%L)',
            v_name || '_truncate', p_relation, p_source);
    END IF;
    -- What is replicated changes the source like anything else.
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', p_relation, v_name);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', p_relation, v_name || '_truncate');
    EXECUTE (
        SELECT format('GRANT USAGE ON SCHEMA %I TO saas_internal', n.nspname)
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = p_relation
    );
    EXECUTE format('GRANT SELECT ON %s TO saas_internal', p_relation);
END
$$;
COMMENT ON FUNCTION saas.attach_rollup_source(uuid, regclass) IS
'Puts the triggers that note changes on a source of rollups, and lets refreshes read it.';
REVOKE ALL ON FUNCTION saas.attach_rollup_source(uuid, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.attach_rollup_source(uuid, regclass) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rollup_column_list(p_rollup saas.rollups, p_relation regclass)
RETURNS TABLE (name text, type text, what text, class text, place bigint)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT c.name, CASE c.kind
            WHEN 'count' THEN 'bigint'
            WHEN 'sum' THEN c.sum_type
            WHEN 'distinct' THEN 'saas.distinct_sketch'
            WHEN 'quantiles' THEN 'saas.quantile_sketch'
            -- Without a length: character alone would be one character. As the source compares texts, since
            -- what is the least of them is found here as well as there.
            ELSE concat_ws(' COLLATE ', format_type(saas.rollup_base_type(a.atttypid), -1), o.name)
        END,
        CASE c.kind WHEN 'dimension' THEN format('Dimension: %I of the source.', c.column_name)
            ELSE format('Measure: %s of %s.', c.kind, COALESCE(quote_ident(c.column_name), 'rows')) END,
        saas.rollup_column_class(p_relation, c.column_name), c.place
    FROM (
        SELECT d.name, 'dimension' AS kind, d.name AS column_name, NULL AS sum_type, d.place
        FROM unnest(p_rollup.dimensions) WITH ORDINALITY AS d (name, place)
        UNION ALL
        SELECT m.measure ->> 'name', m.measure ->> 'kind', m.measure ->> 'column', m.measure ->> 'type', 1000 + m.place
        FROM jsonb_array_elements(p_rollup.measures) WITH ORDINALITY AS m (measure, place)
    ) AS c
    LEFT JOIN pg_attribute AS a ON a.attrelid = p_relation AND a.attname = c.column_name
    LEFT JOIN LATERAL (
        SELECT format('%I.%I', n.nspname, l.collname) AS name
        FROM pg_collation AS l
        JOIN pg_namespace AS n ON n.oid = l.collnamespace
        JOIN pg_type AS b ON b.oid = saas.rollup_base_type(a.atttypid) AND b.typcollation <> l.oid
        WHERE l.oid = a.attcollation
    ) AS o ON true
    ORDER BY c.place
$$;
COMMENT ON FUNCTION saas.rollup_column_list(saas.rollups, regclass) IS
'Dimensions and measures of a rollup: name, type, description and data classification.';
REVOKE ALL ON FUNCTION saas.rollup_column_list(saas.rollups, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_column_list(saas.rollups, regclass) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.create_rollup(
    p_name text,
    p_source regclass,
    p_time_column text,
    p_measures jsonb,
    p_dimensions text[] DEFAULT '{}',
    p_granularities text[] DEFAULT '{hour,day,week,month}',
    p_retention jsonb DEFAULT '{}',
    p_source_retention interval DEFAULT NULL,
    p_team_column text DEFAULT 'team_id',
    p_read_role text DEFAULT NULL
)
RETURNS TABLE (granularity text, table_name text, live_view text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_rollup saas.rollups;
    v_read_role text;
    v_dimension text;
BEGIN
    IF p_name IS NULL OR p_source IS NULL OR p_time_column IS NULL OR p_measures IS NULL OR p_dimensions IS NULL
        OR p_granularities IS NULL OR p_retention IS NULL OR p_team_column IS NULL
    THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'an argument of saas.create_rollup() is null',
            HINT = 'Leave out what should have its default.';
    END IF;
    -- An older snapshot would miss what others wrote before the trigger was there.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM saas.refuse_rollup(p_name, 'The transaction keeps to an older snapshot.', 'Use READ COMMITTED.');
    END IF;
    IF p_name !~ '^[a-z][a-z0-9_]{0,39}$' OR EXISTS (SELECT FROM saas.rollups AS r WHERE r.name = p_name) THEN
        PERFORM saas.refuse_rollup(p_name, 'The name is taken, or none: a letter, then up to 39 letters, digits and _.',
                                   'Take another name; saas.list_rollups() shows those that there are.');
    END IF;
    IF NOT p_granularities <@ ARRAY['hour', 'day', 'week', 'month'] OR cardinality(p_granularities) = 0
        OR array_position(p_granularities, NULL) IS NOT NULL
    THEN
        PERFORM saas.refuse_rollup(p_name, 'A granularity is unknown.', 'They are hour, day, week and month.');
    END IF;
    v_read_role := saas.check_rollup_source(p_name, p_source, p_team_column, p_time_column, p_read_role);
    FOREACH v_dimension IN ARRAY p_dimensions LOOP
        PERFORM saas.rollup_column_type(p_name, p_source, v_dimension, 'dimension');
        IF v_dimension IN (p_team_column, 'team_id', 'bucket', 'ordinal')
            OR cardinality(array_positions(p_dimensions, v_dimension)) > 1
        THEN
            PERFORM saas.refuse_rollup(p_name, format('Dimension %I has the name of another column.', v_dimension),
                                       'Every rollup has team_id, bucket and ordinal; name each column once.');
        END IF;
    END LOOP;
    v_rollup.id := saas.uuid_v7();
    v_rollup.name := p_name;
    v_rollup.table_schema := 'saas_rollups';
    v_rollup.dimensions := p_dimensions;
    v_rollup.measures := saas.normalize_rollup_measures(p_name, p_source, p_dimensions, p_measures);
    -- Each is made from the next finer one.
    v_rollup.granularities := ARRAY['hour']
        || CASE WHEN p_granularities && ARRAY['day', 'week', 'month'] THEN ARRAY['day'] ELSE '{}'::text[] END
        || CASE WHEN 'week' = ANY (p_granularities) THEN ARRAY['week'] ELSE '{}'::text[] END
        || CASE WHEN 'month' = ANY (p_granularities) THEN ARRAY['month'] ELSE '{}'::text[] END;
    PERFORM saas.check_rollup_retention(p_name, v_rollup.granularities, p_retention, p_source_retention);
    v_rollup.retention := p_retention;
    v_rollup.source_retention := p_source_retention;
    v_rollup.created_at := now();
    SELECT s.id INTO v_rollup.source_id
    FROM saas.rollup_sources AS s
    WHERE saas.rollup_relation(s.id) = p_source AND s.team_column = p_team_column AND s.time_column = p_time_column;
    IF NOT FOUND THEN
        INSERT INTO saas.rollup_sources AS s (source_name, team_column, time_column)
        VALUES (p_source::text, p_team_column, p_time_column)
        RETURNING s.id INTO v_rollup.source_id;
    END IF;
    PERFORM saas.attach_rollup_source(v_rollup.source_id, p_source);
    INSERT INTO saas.rollups SELECT v_rollup.*;
    FOREACH granularity IN ARRAY v_rollup.granularities LOOP
        table_name := saas.create_rollup_table(v_rollup, granularity, p_source, v_read_role);
        live_view := saas.create_rollup_view(v_rollup, granularity);
        RETURN NEXT;
    END LOOP;
    PERFORM saas.make_rollup_partitions(v_rollup, p_source);
    PERFORM saas.rebuild_rollup(p_name);
END
$$;
COMMENT ON FUNCTION saas.create_rollup(text, regclass, text, jsonb, text[], text[], jsonb, interval, text, text) IS
'Makes a rollup of a table with a column of the team and one of time, and fills it: measures by dimensions, by hour, day, week and month of the calendar of each team. Run by the owner of the database and of the table. SA131 says what is wrong.';
REVOKE ALL ON FUNCTION saas.create_rollup(text, regclass, text, jsonb, text[], text[], jsonb, interval, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_rollup(text, regclass, text, jsonb, text[], text[], jsonb, interval, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.make_rollup_partitions(p_rollup saas.rollups, p_relation regclass)
RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_from timestamptz;
    v_to timestamptz := date_trunc('month', now(), 'UTC') + INTERVAL '3 months';
    v_month timestamptz;
    v_made integer := 0;
    v_source saas.rollup_sources;
BEGIN
    SELECT * INTO STRICT v_source FROM saas.rollup_sources AS s WHERE s.id = p_rollup.source_id;
    -- From the oldest row of the last ten years on; what is older goes to the default partition. Whoever
    -- may not read the rows of all teams makes those of the future.
    EXECUTE format('SELECT min(s.%1$I) FROM %2$s AS s WHERE s.%1$I >= now() - INTERVAL ''10 years''', v_source.time_column, p_relation)
    INTO v_from;
    v_from := date_trunc('month', least(v_from, now()), 'UTC');
    FOR v_month IN SELECT m FROM generate_series(v_from, v_to, INTERVAL '1 month') AS m LOOP
        IF saas.ensure_month_partition(saas.rollup_table(p_rollup, 'hour')::regclass, v_month + INTERVAL '1 day') THEN
            v_made := v_made + 1;
        END IF;
    END LOOP;
    RETURN v_made;
END
$$;
COMMENT ON FUNCTION saas.make_rollup_partitions(saas.rollups, regclass) IS
'Makes the partitions by month of the hours of a rollup: of what its source has, and three months ahead.';
REVOKE ALL ON FUNCTION saas.make_rollup_partitions(saas.rollups, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.make_rollup_partitions(saas.rollups, regclass) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.find_rollup(p_name text)
RETURNS saas.rollups
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rollup saas.rollups;
BEGIN
    SELECT * INTO v_rollup FROM saas.rollups AS r WHERE r.name = p_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA132',
            MESSAGE = format('there is no rollup "%s"', p_name),
            HINT = 'SELECT * FROM saas.list_rollups() shows those that there are.';
    END IF;
    RETURN v_rollup;
END
$$;
COMMENT ON FUNCTION saas.find_rollup(text) IS 'The rollup of that name; SA132 when there is none.';
REVOKE ALL ON FUNCTION saas.find_rollup(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_rollup(text) TO pg_database_owner, saas_internal;
