-- What the engine does to the rows that it has found: what is searched for afterwards, the audit trail, the rows.
-- As text: a function would be called for each value, which costs more than the condition.
CREATE OR REPLACE FUNCTION saas.distinctive_condition(p_value text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- "Ann" stands in many texts; an address, a number of some length or a name of two words in few. Not by \w, to which
    -- letters beyond ASCII are none in databases of the locale C.
    SELECT format(
        '(%1$s NOT LIKE %2$L AND length(%1$s) >= 6 AND (%1$s ~ %3$L OR %1$s ~ %4$L OR %1$s ~ %5$L OR length(%1$s) >= 12))',
        p_value, 'enc1:%', '[@]', '[0-9].*[0-9].*[0-9].*[0-9]', '[^[:space:][:punct:]]\s+[^[:space:][:punct:]]'
    )
$$;
COMMENT ON FUNCTION saas.distinctive_condition(text) IS
'The condition that an expression, a text, is rare enough that finding it elsewhere means the person.';
REVOKE ALL ON FUNCTION saas.distinctive_condition(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.distinctive_condition(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.program_needles(p_state bigint, p_mode text)
RETURNS TABLE (
    node integer,
    statement text
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT
        n.node,
        format(
            -- A value that somebody else has as well does not tell of this person.
            'WITH own AS MATERIALIZED (
                SELECT r.s, c.%1$I::text AS value, count(*) AS rows FROM %2$s JOIN %3$s AS c ON %4$s
                WHERE %6$s GROUP BY 1, 2
            ),
            rare AS MATERIALIZED (
                SELECT o.%1$I::text AS value, count(*) AS rows FROM %3$s AS o
                WHERE o.%1$I::text IN (SELECT w.value FROM own AS w WHERE w.value NOT LIKE %5$L) GROUP BY 1
            )
            SELECT array_agg(v.s), array_agg(v.needle) FROM (
                SELECT DISTINCT w.s, saas.erasure_needle($1, w.value) AS needle
                FROM own AS w
                LEFT JOIN rare AS a ON a.value = w.value
                WHERE w.value LIKE %5$L OR a.rows = w.rows
            ) AS v
            WHERE v.needle IS NOT NULL',
            c.column_name, saas.program_rows(n.names, n.type_names, 2, 'r'), n.table_name,
            saas.program_key(n.names, n.keys, 'c', 'r'), '%@%',
            saas.distinctive_condition(format('c.%I::text', c.column_name))
        )
    FROM saas.known_nodes(p_state, p_mode) AS n
    JOIN saas.personal_columns AS c ON c.table_name = n.table_name AND c.is_identifying
    WHERE n.is_supported AND n.party_link IS NULL AND n.action IN ('delete', 'anonymise')
$$;
COMMENT ON FUNCTION saas.program_needles(bigint, text) IS
'For each identifying column of rows that go or are anonymised the statement that makes keyed hashes of its rare values: $1 the key, then the node''s places.';
REVOKE ALL ON FUNCTION saas.program_needles(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.program_needles(bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.program_audits(p_state bigint, p_mode text)
RETURNS TABLE (
    node integer,
    found text,
    redacted text
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT
        n.node,
        format('SELECT array_agg(y.s), array_agg(y.entries) FROM (SELECT f.s, count(*) AS entries FROM (%s) AS f GROUP BY f.s) AS y', x.found),
        format(
            'WITH found AS MATERIALIZED (%s),
            redacted AS MATERIALIZED (
                SELECT saas.redact_audit_entries(
                    array_agg(f.team_id), array_agg(f.created_at), array_agg(f.id), array_agg(%L || ($1)[f.s])
                ) AS entries
                FROM found AS f
            )
            SELECT array_agg(y.s), array_agg(y.entries)
            FROM (SELECT f.s, count(*) AS entries FROM found AS f GROUP BY f.s) AS y
            CROSS JOIN redacted AS d
            WHERE d.entries IS NOT NULL',
            x.found, 'erasure request '
        )
    FROM saas.known_nodes(p_state, p_mode) AS n
    CROSS JOIN LATERAL (
        SELECT array_agg(m.column_name) AS names
        FROM saas.personal_columns AS m
        WHERE m.table_name = n.table_name AND m.action IN ('null', 'anonymise')
    ) AS c
    CROSS JOIN LATERAL (
        SELECT format(
            'SELECT r.s, l.team_id, l.created_at, l.id FROM %s JOIN saas.audit_logs AS l ON l.row_id = r.id
            WHERE l.table_name = %L AND l.payload_hash IS NULL AND $1 IS NOT NULL AND %s',
            saas.program_rows(n.names, n.type_names, 2, 'r'), n.table_name,
            CASE n.action
                WHEN 'delete' THEN 'COALESCE(l.old_values, l.new_values) IS NOT NULL'
                ELSE format(
                    'COALESCE(l.old_values, %1$L::jsonb) || COALESCE(l.new_values, %1$L::jsonb) ?| %2$L::text[]', '{}', c.names
                )
            END
        ) AS found
    ) AS x
    WHERE n.is_supported
        AND n.party_link IS NULL
        AND n.action IN ('delete', 'anonymise')
        AND n.table_name IN (SELECT t.table_name FROM saas.audited_tables AS t)
        -- Rows with another key have a digest for an id in the trail.
        AND n.names[n.keys] = 'id'
        AND n.type_names[n.keys] = 'uuid'
        AND (n.action = 'delete' OR c.names IS NOT NULL)
$$;
COMMENT ON FUNCTION saas.program_audits(bigint, text) IS
'For each audited node the statements that count, and empty, entries of the audit trail that repeat values of its rows: $1 the requests by number of the person, then the node''s places.';
REVOKE ALL ON FUNCTION saas.program_audits(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.program_audits(bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erasure_program(p_state bigint, p_mode text)
RETURNS TABLE (
    kind text,
    step integer,
    table_name text,
    statement text,
    inputs integer[],
    input_types oid[],
    outputs integer[]
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH nodes AS MATERIALIZED (
        SELECT n.*, (n.places[1] - 1) || n.places AS own FROM saas.known_nodes(p_state, p_mode) AS n
    ),
    searches AS MATERIALIZED (
        SELECT f.* FROM saas.program_searches(p_state, p_mode) AS f
    ),
    assigned AS MATERIALIZED (
        SELECT a.* FROM saas.all_assignments() AS a
    ),
    statements AS (
        SELECT 1 AS part, -1 AS place, 'find' AS kind, n.node, n.table_name,
            'SELECT array_agg(x.s::integer)'
                || (SELECT string_agg(format(', array_agg(c.%I)', k.name), '' ORDER BY k.place) FROM unnest(n.names) WITH ORDINALITY AS k (name, place))
                || ' FROM unnest($1) WITH ORDINALITY AS x (id, s) JOIN saas.users AS c ON c.id = x.id' AS statement,
            '{0}'::integer[] AS inputs, n.own AS outputs
        FROM nodes AS n WHERE n.node = 0
        UNION ALL
        SELECT 2, -n.place, CASE WHEN n.is_direct THEN 'count' ELSE 'find' END, n.node, n.table_name, f.found, f.inputs, n.own
        FROM nodes AS n JOIN searches AS f ON f.node = n.node
        UNION ALL
        -- A row that an earlier step deletes has nobody to be emptied of.
        SELECT
            3, -1, 'except', n.node, n.table_name,
            'SELECT array_agg(r.s)'
                || (SELECT string_agg(format(', array_agg(r.%I)', k.name), '' ORDER BY k.place) FROM unnest(n.names) WITH ORDINALITY AS k (name, place))
                || format(
                    ' FROM %s WHERE NOT EXISTS (SELECT FROM %s WHERE %s)', saas.program_rows(n.names, n.type_names, 1, 'r'),
                    saas.program_rows(d.names, d.type_names, 1 + cardinality(n.own), 'd'), saas.program_key(n.names, n.keys, 'd', 'r')
                ),
            n.own || d.own, n.own
        FROM nodes AS n
        JOIN nodes AS d ON d.table_name = n.table_name AND d.action = 'delete' AND d.place < n.place
        WHERE n.is_supported AND d.is_supported AND n.action NOT IN ('delete', 'keep', 'shred')
        UNION ALL
        SELECT 3, n.place, 'needles', n.node, n.table_name, l.statement, 2 || n.own, '{}'
        FROM nodes AS n JOIN saas.program_needles(p_state, p_mode) AS l ON l.node = n.node
        UNION ALL
        SELECT 4, n.place, a.kind, n.node, n.table_name, a.statement, 1 || n.own, '{}'
        FROM nodes AS n
        JOIN saas.program_audits(p_state, p_mode) AS l ON l.node = n.node
        CROSS JOIN LATERAL (VALUES ('audited', l.found), ('redact', l.redacted)) AS a (kind, statement)
        UNION ALL
        SELECT
            5, n.place,
            CASE WHEN NOT n.is_supported OR n.circle <> 'none' OR n.table_name IN (SELECT r.name FROM saas.resisting_tables() AS r (name)) THEN 'refuse' WHEN x.assignments IS NULL AND n.action <> 'delete' THEN 'keep' WHEN n.action = 'delete' THEN 'delete' ELSE 'change' END,
            n.node, n.table_name,
            CASE
                WHEN NOT n.is_supported OR x.assignments IS NULL AND n.action <> 'delete' THEN NULL
                WHEN n.is_direct THEN f.direct
                WHEN n.action = 'delete' THEN format(
                    'DELETE FROM %s AS c USING %s WHERE %s RETURNING r.s, %s', n.table_name,
                    saas.program_rows(n.names, n.type_names, 1, 'r'), saas.program_key(n.names, n.keys, 'c', 'r'),
                    saas.program_returning(n.table_name, n.names[1:n.keys])
                )
                ELSE format(
                    'UPDATE %s AS c SET %s FROM %s WHERE %s RETURNING r.s', n.table_name, x.assignments,
                    saas.program_rows(n.names, n.type_names, 1, 'r'), saas.program_key(n.names, n.keys, 'c', 'r')
                )
            END,
            CASE WHEN n.is_direct THEN f.inputs WHEN n.is_supported THEN n.own END,
            CASE WHEN n.action = 'delete' AND n.is_supported THEN n.places[1:n.keys] ELSE '{}' END
        FROM nodes AS n
        LEFT JOIN searches AS f ON f.node = n.node
        LEFT JOIN assigned AS x
            ON x.table_name = n.table_name
            AND n.action NOT IN ('delete', 'keep', 'shred')
            AND CASE WHEN n.party_link IS NULL THEN x.party_link IS NULL AND n.action = 'anonymise' ELSE x.party_link = n.party_link END
    ),
    types AS MATERIALIZED (
        SELECT 0 AS place, 'uuid[]'::regtype::oid AS type
        UNION ALL VALUES (1, 'uuid[]'::regtype::oid), (2, 'bytea'::regtype::oid)
        UNION ALL
        SELECT o.place, CASE o.number WHEN 1 THEN 'integer[]'::regtype::oid ELSE to_regtype(n.type_names[o.number - 1] || '[]')::oid END
        FROM nodes AS n CROSS JOIN LATERAL unnest(n.own) WITH ORDINALITY AS o (place, number)
        WHERE n.is_supported
    )
    SELECT
        s.kind, s.node, s.table_name, s.statement, s.inputs,
        (SELECT array_agg(t.type ORDER BY i.number) FROM unnest(s.inputs) WITH ORDINALITY AS i (place, number) JOIN types AS t ON t.place = i.place),
        s.outputs
    FROM statements AS s
    ORDER BY s.part, s.place, s.node
$$;
COMMENT ON FUNCTION saas.erasure_program(bigint, text) IS
'What the engine does, in this order. kind: find rows (count: only where nothing is changed), except (those of them that an earlier step deletes), needles, audited or redact entries of the audit trail, delete, change or keep rows, refuse (rows there need saas.run_deletion_request()). Statements take the places in inputs and fill those in outputs; those that delete return what these places have of each row, after the number of the person.';
REVOKE ALL ON FUNCTION saas.erasure_program(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erasure_program(bigint, text) TO saas_internal;
