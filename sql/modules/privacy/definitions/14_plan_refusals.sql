-- What CHECKs, domains and references to rows that do not exist refuse of declared actions.
CREATE OR REPLACE FUNCTION saas.conditions_on_changes(p_mode text)
RETURNS TABLE (
    table_name text,
    problem text,
    statement text
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH changes AS MATERIALIZED (
        SELECT
            c.*,
            CASE
                WHEN c.value LIKE '%{random}%' THEN format('replace(%L, %L, gen_random_uuid()::text)::%s', c.value, '{random}', c.type_name)
                ELSE format('%L::%s', c.value, c.type_name)
            END AS expression
        FROM saas.changed_columns(p_mode) AS c
        WHERE c.table_name NOT LIKE 'saas.%'
    ),
    conditions AS (
        SELECT
            x.conrelid AS relation, format('constraint %s refuses what is declared', quote_ident(x.conname)) AS problem,
            format('(%s) IS NOT FALSE', pg_get_expr(x.conbin, x.conrelid)) AS expression, x.conkey AS columns
        FROM pg_constraint AS x
        WHERE x.contype = 'c' AND x.conkey IS NOT NULL AND x.conrelid IN (SELECT c.relation FROM changes AS c)
        UNION ALL
        SELECT
            a.attrelid, format('generated column %s cannot be NULL, and would be', a.attname),
            format('(%s) IS NOT NULL', pg_get_expr(g.adbin, g.adrelid)),
            ARRAY(
                SELECT DISTINCT d.refobjsubid::smallint FROM pg_depend AS d
                WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid NOT IN (0, a.attnum)
                    AND (d.classid = 'pg_attrdef'::regclass AND d.objid = g.oid OR d.classid = 'pg_class'::regclass AND d.objid = a.attrelid AND d.objsubid = a.attnum)
            )
        FROM pg_attribute AS a
        JOIN pg_attrdef AS g ON g.adrelid = a.attrelid AND g.adnum = a.attnum
        WHERE a.attgenerated <> '' AND a.attnotnull AND a.attrelid IN (SELECT c.relation FROM changes AS c)
        UNION ALL
        -- A row moves to where its new values belong.
        SELECT t.partrelid, 'no partition takes rows with what is declared', string_agg(format('(%s) IS NOT FALSE', pg_get_partition_constraintdef(i.inhrelid)), ' OR '), t.partattrs::smallint[]
        FROM pg_partitioned_table AS t
        JOIN pg_inherits AS i ON i.inhparent = t.partrelid
        WHERE t.partrelid IN (SELECT c.relation FROM changes AS c)
        GROUP BY t.partrelid, t.partattrs::smallint[]
    )
    -- Any type of the server takes NULL.
    SELECT
        c.table_name, format('column %s cannot be %L', c.column_name, c.value),
        format('SELECT count(x.value)::text FROM (SELECT %s AS value) AS x', c.expression)
    FROM changes AS c
    JOIN pg_attribute AS a ON a.attrelid = c.relation AND a.attnum = c.column_number
    WHERE c.value IS NOT NULL OR a.atttypid >= 16384
    UNION ALL
    -- In some rows of the table when other columns have a part in it.
    SELECT
        s.table_name, o.problem,
        format(
            'SELECT bool_and(%s)::text FROM (SELECT %s FROM %s) AS x', o.expression, string_agg(COALESCE(s.expression, format('t.%I', a.attname)) || format(' AS %I', a.attname), ', '),
            CASE WHEN bool_and(s.expression IS NOT NULL) THEN '(SELECT 1) AS t' ELSE format('(SELECT * FROM %s LIMIT 1000) AS t', s.table_name) END
        )
    FROM conditions AS o
    JOIN (SELECT DISTINCT c.node, c.table_name, c.relation FROM changes AS c) AS n ON n.relation = o.relation
    JOIN pg_attribute AS a ON a.attrelid = o.relation AND a.attnum = ANY (o.columns)
    CROSS JOIN LATERAL (
        SELECT n.table_name, (SELECT c.expression FROM changes AS c WHERE c.node = n.node AND c.column_number = a.attnum) AS expression
    ) AS s
    GROUP BY n.node, s.table_name, o.problem, o.expression
    HAVING bool_or(s.expression IS NOT NULL)
$$;
COMMENT ON FUNCTION saas.conditions_on_changes(text) IS
'What columns that an erasure overwrites in tables outside the package have to fulfil, with the statement that tells: it fails, or answers false, when they do not.';
REVOKE ALL ON FUNCTION saas.conditions_on_changes(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.conditions_on_changes(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.refused_changes(p_mode text)
RETURNS TABLE (
    table_name text,
    problem text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    -- What conditions call runs with the engine's rights.
    v_untrusted CONSTANT oid[] := ARRAY(
        SELECT u.oid FROM saas.untrusted_tables(ARRAY(SELECT saas.personal_table(t.table_name)::oid FROM (SELECT DISTINCT l.table_name FROM saas.personal_data_links AS l) AS t)) AS u (oid)
    );
    v_condition record;
BEGIN
    FOR v_condition IN
        SELECT c.* FROM saas.conditions_on_changes(p_mode) AS c WHERE saas.personal_table(c.table_name)::oid <> ALL (v_untrusted)
    LOOP
        BEGIN
            CONTINUE WHEN saas.privacy_query(v_condition.statement, NULL, NULL, NULL) IS DISTINCT FROM 'false';
        EXCEPTION
            -- Missing rights are reported as that.
            WHEN insufficient_privilege THEN CONTINUE;
            WHEN OTHERS THEN NULL;
        END;
        table_name := v_condition.table_name;
        problem := v_condition.problem;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.refused_changes(text) IS
'Values that are declared and that types, domains, checks, generated columns or partitions of tables outside the package refuse.';
REVOKE ALL ON FUNCTION saas.refused_changes(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refused_changes(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.references_of_changes(p_mode text)
RETURNS TABLE (
    table_name text,
    problem text,
    statement text
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH changes AS MATERIALIZED (
        SELECT c.* FROM saas.changed_columns(p_mode) AS c WHERE c.table_name NOT LIKE 'saas.%'
    )
    SELECT
        c.table_name,
        CASE
            WHEN c.value IS NULL THEN format('column %s cannot be NULL alone: key %s is MATCH FULL', c.column_name, f.conname)
            ELSE format('column %s is to refer to %L, which %s does not have (key %s)', c.column_name, c.value, saas.personal_table_name(f.confrelid::regclass), f.conname)
        END,
        -- Whether it is there can change from call to call.
        CASE
            WHEN c.value NOT LIKE '%{random}%'
            THEN format('SELECT EXISTS (SELECT FROM %s AS p WHERE p.%I = %L::%s)::text', saas.personal_table_name(f.confrelid::regclass), p.attname, c.value, c.type_name)
        END
    FROM changes AS c
    JOIN pg_constraint AS f ON f.contype = 'f' AND f.conrelid = c.relation AND c.column_number = ANY (f.conkey)
    JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = f.confkey[array_position(f.conkey, c.column_number)]
    WHERE CASE
        WHEN c.value IS NULL THEN
            f.confmatchtype = 'f' AND EXISTS (
                SELECT FROM unnest(f.conkey) AS k (number)
                WHERE NOT EXISTS (SELECT FROM changes AS o WHERE o.node = c.node AND o.column_number = k.number AND o.value IS NULL)
            )
        ELSE cardinality(f.conkey) = 1 OR c.value LIKE '%{random}%'
    END
$$;
COMMENT ON FUNCTION saas.references_of_changes(text) IS
'Columns with a foreign key that an erasure overwrites in tables outside the package, with the statement that tells whether the key has what they would refer to; without one it has not.';
REVOKE ALL ON FUNCTION saas.references_of_changes(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.references_of_changes(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.broken_references(p_state bigint, p_mode text)
RETURNS TABLE (
    table_name text,
    problem text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_reference record;
BEGIN
    -- What the package declares fits its tables.
    IF NOT EXISTS (SELECT FROM saas.personal_data_links AS l) THEN
        RETURN;
    END IF;
    FOR v_reference IN
        SELECT r.*
        FROM jsonb_to_recordset(
            saas.privacy_answer(p_state, format('SELECT COALESCE(jsonb_agg(to_jsonb(r)), %L::jsonb) FROM saas.references_of_changes(%L) AS r', '[]', p_mode))::jsonb
        ) AS r (table_name text, problem text, statement text)
    LOOP
        BEGIN
            CONTINUE WHEN CASE WHEN v_reference.statement IS NOT NULL THEN saas.privacy_query(v_reference.statement, NULL, NULL, NULL) = 'true' ELSE false END;
        EXCEPTION
            -- Of a table that may not be read nothing is known; a value that does not fit its type is told elsewhere.
            WHEN insufficient_privilege OR data_exception THEN CONTINUE;
        END;
        table_name := v_reference.table_name;
        problem := v_reference.problem;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.broken_references(bigint, text) IS
'Columns outside the package that are to refer to a row that is not there.';
REVOKE ALL ON FUNCTION saas.broken_references(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.broken_references(bigint, text) TO saas_internal;
