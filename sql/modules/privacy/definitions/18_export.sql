-- Access and portability: a person's data as JSON, at once.
CREATE OR REPLACE FUNCTION saas.personal_row_columns(p_table text)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH relation AS MATERIALIZED (
        SELECT saas.personal_table(p_table) AS oid
    ),
    encrypted AS MATERIALIZED (
        SELECT x.arguments
        FROM relation AS r
        JOIN pg_trigger AS t ON t.tgrelid = r.oid AND t.tgfoid = 'saas.encrypt_columns()'::regprocedure
        CROSS JOIN LATERAL (SELECT saas.trigger_arguments(t.tgargs) AS arguments) AS x
    ),
    columns AS MATERIALIZED (
        SELECT a.attname, a.attnum, a.atttypid, r.oid, e.arguments
        FROM relation AS r
        JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN encrypted AS e ON e.arguments[1] = a.attname
        LEFT JOIN saas.located_data_assets AS d ON d.table_name = r.oid AND d.column_number = a.attnum AND d.variant = ''
        -- Hashes and keys are no data about the person, and no export should carry them out.
        WHERE COALESCE(d.classification, substring(col_description(r.oid, a.attnum) FROM '\[([a-z]+)\]$'), '') <> 'restricted'
    )
    SELECT string_agg(
        CASE
            WHEN c.arguments IS NULL THEN format('c.%I', c.attname)
            -- A value whose key is gone or held is shown as what it is.
            ELSE format(
                'CASE WHEN %s THEN saas.%s(%s, %L::uuid, %s, %s) ELSE c.%I END AS %I',
                CASE c.atttypid WHEN 'bytea'::regtype THEN format('saas.is_ciphertext(c.%I)', c.attname) ELSE format('c.%I LIKE %L', c.attname, 'enc1:%') END,
                CASE c.atttypid WHEN 'bytea'::regtype THEN 'decrypt_sensitive_bytes' ELSE 'decrypt_sensitive_data' END,
                CASE c.atttypid WHEN 'bytea'::regtype THEN format('c.%I', c.attname) ELSE format('saas.ciphertext_from_text(c.%I)', c.attname) END,
                saas.asset_id(c.oid, c.attname),
                COALESCE('c.' || quote_ident(NULLIF(c.arguments[2], '')), 'NULL::uuid'),
                COALESCE('c.' || quote_ident(NULLIF(c.arguments[4], '')), 'NULL::uuid'),
                c.attname, c.attname
            )
        END,
        ', ' ORDER BY c.attnum
    )
    FROM columns AS c
$$;
COMMENT ON FUNCTION saas.personal_row_columns(text) IS
'The columns of a row c of the table as an export has them: decrypted, without secrets.';
REVOKE ALL ON FUNCTION saas.personal_row_columns(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_row_columns(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.exported_steps(p_portable boolean)
RETURNS TABLE (
    step integer,
    table_name text,
    section text
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT 0, 'saas.users', 'personal_info'
    UNION ALL
    SELECT n.node, n.table_name, min(l.section)
    FROM saas.erasure_nodes('erase') AS n
    JOIN saas.personal_links AS l ON l.table_name = n.table_name AND l.action = n.action
    WHERE n.party_link IS NULL AND n.node > 0 AND l.section <> 'none' AND (l.origin = 'provided' OR NOT p_portable)
    GROUP BY n.node, n.table_name
    ORDER BY 1
$$;
COMMENT ON FUNCTION saas.exported_steps(boolean) IS
'The tables of an export with their sections; p_portable: those only whose data the person provided.';
REVOKE ALL ON FUNCTION saas.exported_steps(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.exported_steps(boolean) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.export_program(p_state bigint, p_mode text)
RETURNS TABLE (
    kind text,
    step integer,
    table_name text,
    statement text,
    inputs integer[],
    input_types oid[],
    outputs integer[],
    section text
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH program AS MATERIALIZED (
        SELECT p.* FROM saas.erasure_program(p_state, 'erase') WITH ORDINALITY AS p
        WHERE p.kind IN ('find', 'count')
    )
    SELECT x.kind, x.step, x.table_name, x.statement, x.inputs, x.input_types, x.outputs, x.section
    FROM (
        SELECT 1 AS part, p.ordinality, p.kind, p.step, p.table_name, p.statement, p.inputs, p.input_types, p.outputs, NULL AS section
        FROM program AS p
        WHERE p.kind = 'find'
        UNION ALL
        SELECT
            2, e.step, 'select', e.step, e.table_name,
            CASE
                WHEN n.is_direct THEN format('SELECT %s %s', saas.personal_row_columns(e.table_name), f.source)
                ELSE format(
                    'SELECT %s FROM %s JOIN %s AS c ON %s ORDER BY %s',
                    saas.personal_row_columns(e.table_name), saas.program_rows(n.names, n.type_names, 1, 'r'), e.table_name,
                    saas.program_key(n.names, n.keys, 'c', 'r'),
                    (SELECT string_agg(format('r.%I', k.name), ', ' ORDER BY k.place) FROM unnest(n.names[1:n.keys]) WITH ORDINALITY AS k (name, place))
                )
            END,
            CASE WHEN n.is_direct THEN p.inputs ELSE p.outputs END,
            CASE
                WHEN n.is_direct THEN p.input_types
                ELSE array_prepend('integer[]'::regtype::oid, (
                    SELECT array_agg(to_regtype(t.name || '[]')::oid ORDER BY t.place) FROM unnest(n.type_names) WITH ORDINALITY AS t (name, place)
                ))
            END,
            '{}', e.section
        FROM saas.exported_steps(p_mode = 'portable') AS e
        JOIN saas.known_nodes(p_state, 'erase') AS n ON n.node = e.step AND n.is_supported
        JOIN program AS p ON p.step = e.step
        LEFT JOIN saas.program_searches(p_state, 'erase') AS f ON f.node = e.step
    ) AS x
    ORDER BY x.part, x.ordinality
$$;
COMMENT ON FUNCTION saas.export_program(bigint, text) IS
'What the engine does to export a person (p_mode export, or portable for what the person provided): find rows as saas.erasure_program() does, and read them.';
REVOKE ALL ON FUNCTION saas.export_program(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.export_program(bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.export_probes()
RETURNS TABLE (
    step integer,
    relation oid,
    index oid,
    value text
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH edges AS MATERIALIZED (
        SELECT e.child, saas.personal_table(n.table_name) AS relation, e.kind, e.columns, e.parent_columns, e.json_path
        FROM saas.erasure_edges('erase') AS e
        JOIN saas.erasure_nodes('erase') AS n ON n.node = e.child
        WHERE e.parent = 0
    ),
    leaves AS MATERIALIZED (
        SELECT x.relation, t.relid::oid AS leaf
        FROM (SELECT DISTINCT e.relation FROM edges AS e) AS x
        CROSS JOIN LATERAL pg_partition_tree(x.relation) AS t
        WHERE t.isleaf
        UNION ALL
        SELECT DISTINCT e.relation, e.relation
        FROM edges AS e
        JOIN pg_class AS r ON r.oid = e.relation AND r.relkind = 'r' AND NOT r.relispartition AND NOT r.relhassubclass
    ),
    indexes AS MATERIALIZED (
        SELECT
            i.indrelid, i.indexrelid, pg_get_expr(i.indpred, i.indrelid) AS predicate,
            CASE
                WHEN i.indkey[0] <> 0 THEN (SELECT quote_ident(a.attname) FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])
                ELSE regexp_replace(pg_get_indexdef(i.indexrelid, 1, true), '^\((.*)\)$', '\1')
            END AS part
        FROM pg_index AS i
        WHERE i.indrelid IN (SELECT l.leaf FROM leaves AS l) AND i.indisvalid AND i.indisready AND NOT i.indcheckxmin
    )
    SELECT
        e.child, COALESCE(l.leaf, e.relation),
        (
            SELECT min(i.indexrelid)
            FROM indexes AS i
            WHERE i.indrelid = l.leaf
                AND ARRAY[i.part] = saas.link_parts(e.kind, e.columns, e.json_path)
                -- Rows without the column are nobody's.
                AND (i.predicate IS NULL OR i.predicate = format('(%I IS NOT NULL)', e.columns[1]))
        ),
        CASE
            WHEN e.kind IN ('key', 'column') THEN format('p.%I', e.parent_columns[1])
            WHEN e.kind = 'email' THEN format('lower(p.%I::text)', e.parent_columns[1])
            ELSE format('p.%I::text', e.parent_columns[1])
        END
    FROM edges AS e
    LEFT JOIN leaves AS l ON l.relation = e.relation
$$;
COMMENT ON FUNCTION saas.export_probes() IS
'Which indexes tell whether a step can find any row by the person alone, and the value (of the row p of saas.users) that they would have; an index of NULL: there is none, so only the statement of the step tells.';
REVOKE ALL ON FUNCTION saas.export_probes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.export_probes() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.export_metadata(p_user uuid, p_portable boolean, p_tables jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object(
        'format', 'saas export 1',
        'user_id', p_user,
        'generated_at', now(),
        'portable', p_portable,
        'tables', p_tables,
        'recipients', (SELECT COALESCE(jsonb_agg(p.name ORDER BY p.name), '[]'::jsonb) FROM saas.privacy_recipients AS p WHERE p.is_active),
        'purposes', (
            SELECT COALESCE(
                jsonb_agg(
                    jsonb_build_object(
                        'purpose', u.name, 'description', u.description, 'legal_basis', u.legal_basis, 'interest', u.interest,
                        'tables', ARRAY(SELECT t FROM unnest(u.tables) AS t WHERE p_tables ? t ORDER BY t), 'recipients', u.recipients,
                        'transfers', u.transfers
                    )
                    ORDER BY u.name
                ), '[]'::jsonb)
            FROM saas.processing_purposes AS u
            WHERE u.ended_at IS NULL AND p_tables ?| u.tables
        ),
        -- What the map keeps when people are erased, and what policies say of it.
        'retention', (
            SELECT COALESCE(jsonb_object_agg(l.key, l.value), '{}'::jsonb)
            FROM jsonb_each(
                saas.privacy_answer(
                    saas.privacy_state(),
                    $answer$SELECT jsonb_object_agg(l.table_name, jsonb_build_object('basis', l.basis, 'kept_for', l.kept_for))
                    FROM saas.personal_links AS l WHERE l.action = 'keep'$answer$
                )::jsonb
            ) AS l
            WHERE p_tables ? l.key
        ) || (
            SELECT COALESCE(jsonb_object_agg(k.table_name, jsonb_build_object('basis', k.basis, 'kept_for', k.kept_for)), '{}'::jsonb)
            FROM saas.retention_policies AS k
            WHERE k.is_enabled AND k.action = 'keep' AND p_tables ? k.table_name
        )
    );
END
$$;
COMMENT ON FUNCTION saas.export_metadata(uuid, boolean, jsonb) IS
'The section export_metadata of an export with so many rows by table.';
REVOKE ALL ON FUNCTION saas.export_metadata(uuid, boolean, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.export_metadata(uuid, boolean, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.require_export(p_user uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_privacy_access(p_user, true, false);
    PERFORM saas.require_unrestricted(p_user);
    PERFORM FROM saas.users AS u WHERE u.id = p_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
    END IF;
    LOCK TABLE saas.personal_data_links, saas.personal_data_columns IN SHARE MODE;
END
$$;
COMMENT ON FUNCTION saas.require_export(uuid) IS
'Refuses an export to others than the person and workers, of restricted data to workers, and of nobody; keeps the map as it is until the transaction ends.';
REVOKE ALL ON FUNCTION saas.require_export(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_export(uuid) TO saas_internal;
