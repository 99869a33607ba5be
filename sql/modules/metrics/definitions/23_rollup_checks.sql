-- What saas.create_rollup() is asked for, checked and put into the form that saas.rollups keeps.

CREATE OR REPLACE FUNCTION saas.refuse_rollup(p_name text, p_detail text, p_hint text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'SA131',
        MESSAGE = format('rollup "%s" cannot be made', p_name),
        DETAIL = p_detail,
        HINT = p_hint;
END
$$;
COMMENT ON FUNCTION saas.refuse_rollup(text, text, text) IS 'Raises SA131.';
REVOKE ALL ON FUNCTION saas.refuse_rollup(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refuse_rollup(text, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rollup_base_type(p_type regtype)
RETURNS regtype
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH RECURSIVE types AS (
        SELECT t.oid, t.typtype, t.typbasetype FROM pg_type AS t WHERE t.oid = p_type
        UNION ALL
        SELECT t.oid, t.typtype, t.typbasetype
        FROM types AS d
        JOIN pg_type AS t ON t.oid = d.typbasetype
        WHERE d.typtype = 'd'
    )
    SELECT t.oid::regtype FROM types AS t WHERE t.typtype <> 'd'
$$;
COMMENT ON FUNCTION saas.rollup_base_type(regtype) IS 'The type below a domain; another type itself.';
REVOKE ALL ON FUNCTION saas.rollup_base_type(regtype) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_base_type(regtype) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rollup_column_type(p_name text, p_relation regclass, p_column text, p_kind text)
RETURNS regtype
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_type regtype;
    v_comment text;
    v_foreign boolean;
    v_sorts boolean;
    v_category "char";
BEGIN
    SELECT saas.rollup_base_type(a.atttypid), col_description(a.attrelid, a.attnum)
    INTO v_type, v_comment
    FROM pg_attribute AS a
    WHERE a.attrelid = p_relation AND a.attname = p_column AND a.attnum > 0 AND NOT a.attisdropped;
    IF v_type IS NULL THEN
        PERFORM saas.refuse_rollup(p_name, format('%s has no column %I.', p_relation, p_column),
                                   'Name columns as they are written in the catalog.');
    END IF;
    IF v_comment ~ '\[restricted\]$' THEN
        PERFORM saas.refuse_rollup(p_name, format('Column %I of %s is classified as restricted.', p_column, p_relation),
                                   'Secrets belong in no rollup.');
    END IF;
    -- Values are compared and added with the package's rights: only by what the server brings itself.
    SELECT
        t.typnamespace <> 'pg_catalog'::regnamespace AND t.typtype <> 'e',
        t.typtype = 'e' OR EXISTS (
            SELECT FROM pg_opclass AS o
            JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
            WHERE o.opcdefault AND (o.opcintype = t.oid OR (t.typname = 'varchar' AND o.opcintype = 'text'::regtype))
        ),
        t.typcategory
    INTO v_foreign, v_sorts, v_category
    FROM pg_type AS t
    WHERE t.oid = v_type;
    IF v_foreign OR NOT v_sorts OR v_category = 'A' THEN
        PERFORM saas.refuse_rollup(p_name, format('Column %I has type %s.', p_column, v_type),
                                   'Use columns of types of the server that sort, and enums.');
    END IF;
    IF (p_kind IN ('sum', 'quantiles') AND v_category <> 'N')
        OR (p_kind IN ('min', 'max') AND v_type IN ('boolean'::regtype, 'uuid'::regtype, 'bytea'::regtype, 'jsonb'::regtype))
        OR (p_kind = 'distinct' AND v_type IN ('jsonb'::regtype, 'timetz'::regtype, 'money'::regtype))
        OR (p_kind IN ('sum', 'quantiles') AND (v_type = 'money'::regtype OR v_type::text LIKE 'reg%' OR v_type = 'oid'::regtype))
    THEN
        PERFORM saas.refuse_rollup(p_name, format('%s of column %I of type %s is not possible.', p_kind, p_column, v_type),
                                   'sum and quantiles need numbers; min and max a type that has these aggregates.');
    END IF;
    RETURN v_type;
END
$$;
COMMENT ON FUNCTION saas.rollup_column_type(text, regclass, text, text) IS
'The type of a column that a rollup uses as a dimension or for a kind of measure. SA131 when it cannot.';
REVOKE ALL ON FUNCTION saas.rollup_column_type(text, regclass, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_column_type(text, regclass, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rollup_column_class(p_relation regclass, p_column text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- A sum of one value is that value, and so on: what comes from a column has its class. A column that
    -- nobody classified counts as personal data.
    SELECT COALESCE(
        (
            SELECT (regexp_match(col_description(a.attrelid, a.attnum), '\[(public|internal|confidential)\]$'))[1]
            FROM pg_attribute AS a
            WHERE a.attrelid = p_relation AND a.attname = p_column
        ),
        CASE WHEN p_column IS NULL THEN 'internal' ELSE 'confidential' END
    )
$$;
COMMENT ON FUNCTION saas.rollup_column_class(regclass, text) IS
'The data classification of what a rollup takes from a column of its source; internal for NULL, a number of rows.';
REVOKE ALL ON FUNCTION saas.rollup_column_class(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollup_column_class(regclass, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.normalize_rollup_measures(
    p_name text,
    p_relation regclass,
    p_dimensions text[],
    p_measures jsonb
)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_measure record;
    v_kind text;
    v_column text;
    v_type regtype;
    v_measures jsonb := '[]'::jsonb;
BEGIN
    IF jsonb_typeof(p_measures) IS DISTINCT FROM 'object' OR p_measures = '{}'::jsonb
        OR (SELECT count(*) FROM jsonb_object_keys(p_measures)) > 100
    THEN
        PERFORM saas.refuse_rollup(p_name, 'The measures are no JSON object with 1 to 100 members.',
                                   'For instance {"requests": "count", "latency": {"quantiles": "ms"}}.');
    END IF;
    FOR v_measure IN SELECT e.key, e.value FROM jsonb_each(p_measures) AS e ORDER BY e.key LOOP
        IF v_measure.value = '"count"'::jsonb THEN
            v_kind := 'count';
            v_column := NULL;
        ELSE
            SELECT e.key, e.value #>> '{}'
            INTO v_kind, v_column
            FROM jsonb_each(CASE jsonb_typeof(v_measure.value) WHEN 'object' THEN v_measure.value ELSE '{}'::jsonb END) AS e
            WHERE e.key IN ('count', 'sum', 'min', 'max', 'distinct', 'quantiles', 'first', 'last')
                AND jsonb_typeof(e.value) = 'string'
                AND v_measure.value - e.key = '{}'::jsonb;
            IF NOT FOUND THEN
                PERFORM saas.refuse_rollup(p_name, format('Measure %I is none.', v_measure.key),
                    'Measures are "count", or {"KIND": "COLUMN"} with count, sum, min, max, distinct, quantiles, first or last.');
            END IF;
        END IF;
        IF v_measure.key = ANY (p_dimensions) OR v_measure.key IN ('team_id', 'bucket', 'ordinal', '')
            OR octet_length(v_measure.key) > 63
        THEN
            PERFORM saas.refuse_rollup(p_name, format('Measure %I has the name of another column, or none.', v_measure.key),
                                       'Give each measure a name of its own of up to 63 bytes.');
        END IF;
        v_type := CASE WHEN v_column IS NOT NULL THEN saas.rollup_column_type(p_name, p_relation, v_column, v_kind) END;
        v_measures := v_measures || jsonb_strip_nulls(jsonb_build_object(
            'name', v_measure.key,
            'kind', v_kind,
            'column', v_column,
            'type', CASE
                WHEN v_kind <> 'sum' THEN NULL
                WHEN v_type IN ('real'::regtype, 'double precision'::regtype) THEN 'double precision'
                ELSE 'numeric'
            END
        ));
    END LOOP;
    RETURN v_measures;
END
$$;
COMMENT ON FUNCTION saas.normalize_rollup_measures(text, regclass, text[], jsonb) IS
'Checks the measures of a new rollup, and returns them as saas.rollups keeps them. SA131.';
REVOKE ALL ON FUNCTION saas.normalize_rollup_measures(text, regclass, text[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.normalize_rollup_measures(text, regclass, text[], jsonb) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.check_rollup_retention(
    p_name text,
    p_granularities text[],
    p_retention jsonb,
    p_source_retention interval
)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(p_retention) IS DISTINCT FROM 'object' THEN
        PERFORM saas.refuse_rollup(p_name, 'The retention is no JSON object.', 'For instance {"hour": "90 days", "day": "5 years"}.');
    END IF;
    IF EXISTS (
        SELECT FROM jsonb_each_text(p_retention) AS e
        WHERE e.key <> ALL (p_granularities) OR e.value IS NULL
            OR e.value::interval < CASE e.key WHEN 'hour' THEN INTERVAL '2 days' ELSE INTERVAL '93 days' END
            OR e.value::interval > INTERVAL '1000 years'
    ) THEN
        PERFORM saas.refuse_rollup(p_name, 'The retention names no granularity of the rollup, or too short or long a time.',
            'Hours stay 2 days or longer; days, weeks and months 93 days, since months are made from days. Leave out what stays for ever.');
    END IF;
    IF p_source_retention < INTERVAL '1 day' OR p_source_retention > INTERVAL '1000 years' THEN
        PERFORM saas.refuse_rollup(p_name, format('The source cannot keep its rows for %s.', p_source_retention),
            'Say a day or longer; leave it out when rows of the source stay for ever.');
    END IF;
END
$$;
COMMENT ON FUNCTION saas.check_rollup_retention(text, text[], jsonb, interval) IS
'Checks the retention of a rollup and of its source. SA131, or 22007 for a text that is no interval.';
REVOKE ALL ON FUNCTION saas.check_rollup_retention(text, text[], jsonb, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.check_rollup_retention(text, text[], jsonb, interval) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.check_rollup_source(
    p_name text,
    p_relation regclass,
    p_team_column text,
    p_time_column text,
    p_read_role text
)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_class pg_class;
    v_conditions text[];
BEGIN
    SELECT * INTO v_class FROM pg_class AS c WHERE c.oid = p_relation;
    IF v_class.relkind NOT IN ('r', 'p') OR v_class.relpersistence <> 'p' OR v_class.relispartition
        OR v_class.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    THEN
        PERFORM saas.refuse_rollup(p_name, format('%s is no permanent table, or a partition.', p_relation),
                                   'Rollups are made from tables; for partitions name the partitioned table.');
    END IF;
    IF NOT pg_has_role(current_user, v_class.relowner, 'USAGE') THEN
        PERFORM saas.refuse_rollup(p_name, format('%s belongs to another role.', p_relation),
                                   'Run it as the owner of the database and of the table.');
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_relation AND a.attname = p_team_column AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
    ) OR NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_relation AND a.attname = p_time_column AND a.atttypid = 'timestamptz'::regtype
            AND NOT a.attisdropped
    ) THEN
        PERFORM saas.refuse_rollup(p_name,
            format('%s has no column %I of type uuid, or no column %I of type timestamptz.', p_relation, p_team_column, p_time_column),
            'Name the columns of the team and of the time with p_team_column and p_time_column.');
    END IF;
    IF p_read_role IS NOT NULL THEN
        IF saas.team_roles_from(p_read_role) IS NULL THEN
            PERFORM saas.refuse_rollup(p_name, format('There is no role "%s" in teams.', p_read_role),
                                       'The roles are viewer, member, admin, owner and service.');
        END IF;
        RETURN p_read_role;
    END IF;
    -- Whoever sees the rows of the team may see their sums. Where rows are for some members only, somebody
    -- has to say who may.
    SELECT array_agg(DISTINCT pg_get_expr(p.polqual, p.polrelid))
    INTO v_conditions
    FROM pg_policy AS p
    WHERE p.polrelid = p_relation AND p.polcmd IN ('r', '*')
        -- 0 is PUBLIC.
        AND (0::oid = ANY (p.polroles) OR 'saas_app'::regrole = ANY (p.polroles));
    IF NOT v_class.relrowsecurity OR v_conditions IS DISTINCT FROM ARRAY[format('(%I = current_team_id())', p_team_column)] THEN
        PERFORM saas.refuse_rollup(p_name,
            format('It does not follow from the policies of %s who in a team may read the rollup.', p_relation),
            'Say who with p_read_role: viewer, member, admin, owner or service.');
    END IF;
    RETURN 'viewer';
END
$$;
COMMENT ON FUNCTION saas.check_rollup_source(text, regclass, text, text, text) IS
'Checks the source of a new rollup, and returns the least role in the team that reads the rollup. SA131.';
REVOKE ALL ON FUNCTION saas.check_rollup_source(text, regclass, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.check_rollup_source(text, regclass, text, text, text) TO pg_database_owner;
