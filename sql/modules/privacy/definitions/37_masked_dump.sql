-- A dump for test environments: every row, nothing personal, no secret.
CREATE OR REPLACE FUNCTION saas.required_mask(p_column text, p_type regtype)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_type text := format_type(p_type, -1);
    v_category "char" := (SELECT t.typcategory FROM pg_type AS t WHERE t.oid = p_type);
    v_constant text;
BEGIN
    IF v_category = 'S' THEN
        RETURN format('saas.mask_pseudonym(%s::text, (SELECT k.key FROM pg_temp.masking_key AS k))::%s', p_column, v_type);
    ELSIF p_type = 'uuid'::regtype THEN
        RETURN format('saas.mask_uuid(%s::text, (SELECT k.key FROM pg_temp.masking_key AS k))::uuid', p_column);
    ELSIF p_type = 'bytea'::regtype THEN
        -- As long as before, and of nobody: keys among them, which a test environment has its own of.
        RETURN format(
            'decode(left(repeat(replace(gen_random_uuid()::text || gen_random_uuid()::text, ''-'', ''''),
                octet_length(%1$s) / 32 + 1), 2 * octet_length(%1$s)), ''hex'')', p_column);
    ELSIF p_type = 'jsonb'::regtype THEN
        RETURN format('CASE jsonb_typeof(%s) WHEN ''array'' THEN ''[]''::jsonb ELSE ''{}''::jsonb END', p_column);
    ELSIF p_type = 'json'::regtype THEN
        RETURN format('CASE json_typeof(%s) WHEN ''array'' THEN ''[]''::json ELSE ''{}''::json END', p_column);
    ELSIF p_type IN ('inet'::regtype, 'cidr'::regtype) THEN
        RETURN format('saas.mask_fake(''ip'', %s::text, (SELECT k.key FROM pg_temp.masking_key AS k))::inet::%s', p_column, v_type);
    ELSIF v_category = 'E' THEN
        RETURN format('enum_first(NULL::%s)', v_type);
    END IF;
    v_constant := CASE
        WHEN v_category = 'B' THEN 'false'
        WHEN p_type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN '2000-01-01'
        WHEN v_category = 'D' THEN '00:00'
        WHEN v_category IN ('N', 'T', 'V') AND p_type::text NOT LIKE 'reg%' THEN '0'
        WHEN v_category = 'A' OR p_type::text LIKE '%multirange' THEN '{}'
        WHEN v_category = 'R' THEN 'empty'
        WHEN p_type = 'tsvector'::regtype THEN ''
        WHEN p_type = 'xml'::regtype THEN '<masked/>'
        WHEN p_type = 'macaddr'::regtype THEN '00:00:00:00:00:00'
    END;
    IF v_constant IS NULL THEN
        -- What it is not known how to mask does not go out as it is.
        RAISE EXCEPTION USING
            ERRCODE = 'SA164',
            MESSAGE = format('column %s of type %s is not masked without a rule', substr(p_column, 3), p_type),
            DETAIL = 'It is confidential, NULL is not allowed in it, and nothing is known to stand in its place.',
            HINT = 'Give it a constant with saas.set_masking_rule().';
    END IF;
    RETURN format('%L::%s', v_constant, v_type);
END
$$;
COMMENT ON FUNCTION saas.required_mask(text, regtype) IS
'What stands in the place of a value that is masked to NULL where NULL is not allowed. SA164 for a type of which nothing is known.';
REVOKE ALL ON FUNCTION saas.required_mask(text, regtype) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.required_mask(text, regtype) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.masked_dump_tables()
RETURNS TABLE (
    table_name text,
    columns text,
    query text
)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table regclass;
    v_rules jsonb;
BEGIN
    FOR v_table IN
        SELECT c.oid
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p')
            AND NOT c.relispartition
            AND c.relpersistence <> 't'
            AND n.nspname <> 'information_schema'
            AND n.nspname NOT LIKE 'pg\_%'
            AND NOT EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
            )
            -- What proves something of the rows as they were, opens values that are not there, or is personal as a whole.
            AND (
                n.nspname <> 'saas'
                OR c.relname !~ '^(audit_(logs|leaves|salts|checkpoints|redactions|sealing)|encryption_.*|erasure_.*|data_export_chunks)$'
            )
        ORDER BY n.nspname, c.relname
    LOOP
        IF row_security_active(v_table) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA161',
                MESSAGE = format('row-level security would hide rows of %s from the dump', v_table),
                HINT = 'Run it as a role with BYPASSRLS.';
        END IF;
        -- NULL is not allowed, or a constraint tells it from a value: then something stands in a value's place.
        SELECT COALESCE(jsonb_object_agg(m.column_name, jsonb_build_object(
            'strategy', 'required',
            'or_team', c.compares_team AND m.data_type = 'text'::regtype
        )), '{}'::jsonb) INTO v_rules
        FROM saas.masking_of(v_table, true) AS m
        JOIN pg_attribute AS a ON a.attrelid = v_table AND a.attname = m.column_name
        CROSS JOIN LATERAL (
            SELECT
                COALESCE(bool_or(d.text ~ 'IS (NOT )?NULL|num_(non)?nulls'), false) AS tells_null,
                COALESCE(bool_or(strpos(d.text, format('%I = (team_id)::text', m.column_name)) > 0), false) AS compares_team
            FROM pg_constraint AS k
            CROSS JOIN LATERAL (SELECT pg_get_constraintdef(k.oid) AS text) AS d
            WHERE k.conrelid = v_table AND k.contype = 'c' AND a.attnum = ANY (k.conkey)
        ) AS c
        WHERE m.rule ->> 'strategy' = 'null' AND (m.is_not_null OR c.tells_null);
        table_name := v_table::text;
        SELECT string_agg(quote_ident(m.column_name), ', ') INTO columns
        FROM saas.masking_of(v_table, true) AS m
        WHERE NOT m.is_generated;
        query := saas.masked_select(
            v_table, v_rules, false, (SELECT c.relkind = 'r' FROM pg_class AS c WHERE c.oid = v_table)
        );
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.masked_dump_tables() IS
'The tables of a masked dump with the queries that read them; scripts/masked-dump runs them in one transaction, after saas.set_masking_key(). Left out are the audit trail, whose proofs hold for the rows as they were, and what erasures and exports leave behind. For a role with BYPASSRLS.';
REVOKE ALL ON FUNCTION saas.masked_dump_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.masked_dump_tables() TO pg_database_owner;
