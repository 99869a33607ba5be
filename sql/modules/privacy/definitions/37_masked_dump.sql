-- A dump for test environments: every row, nothing personal, no secret.
CREATE OR REPLACE FUNCTION saas.required_mask(p_column text, p_type regtype)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN p_type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
        THEN format('saas.mask_pseudonym(%s, (SELECT k.key FROM pg_temp.masking_key AS k))', p_column)
        WHEN p_type = 'uuid'::regtype
        THEN format('saas.mask_uuid(%s::text, (SELECT k.key FROM pg_temp.masking_key AS k))::uuid', p_column)
        -- As long as before, and of nobody: keys among them, which a test environment has its own of.
        WHEN p_type = 'bytea'::regtype
        THEN format(
            'decode(left(repeat(replace(gen_random_uuid()::text || gen_random_uuid()::text, ''-'', ''''),
                octet_length(%1$s) / 32 + 1), 2 * octet_length(%1$s)), ''hex'')', p_column)
        WHEN p_type = 'jsonb'::regtype
        THEN format('CASE jsonb_typeof(%s) WHEN ''array'' THEN ''[]''::jsonb ELSE ''{}''::jsonb END', p_column)
        WHEN p_type = 'inet'::regtype
        THEN format('saas.mask_fake(''ip'', %s::text, (SELECT k.key FROM pg_temp.masking_key AS k))::inet', p_column)
        WHEN p_type = 'boolean'::regtype THEN 'false'
        WHEN p_type IN (
            'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'real'::regtype,
            'double precision'::regtype
        )
        THEN format('0::%s', p_type)
        WHEN p_type::text LIKE '%[]' THEN format('''{}''::%s', p_type)
        ELSE p_column
    END
$$;
COMMENT ON FUNCTION saas.required_mask(text, regtype) IS
'What stands in the place of a value that is masked to NULL where NULL is not allowed.';
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
        SELECT COALESCE(jsonb_object_agg(m.column_name, jsonb_build_object('strategy', 'required')), '{}'::jsonb) INTO v_rules
        FROM saas.masking_of(v_table, true) AS m
        WHERE m.is_not_null AND m.rule ->> 'strategy' = 'null';
        table_name := v_table::text;
        SELECT string_agg(quote_ident(m.column_name), ', ') INTO columns
        FROM saas.masking_of(v_table, true) AS m
        WHERE NOT m.is_generated;
        query := saas.masked_select(v_table, v_rules);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.masked_dump_tables() IS
'The tables of a masked dump with the queries that read them; scripts/masked-dump runs them in one transaction, after saas.set_masking_key(). Left out are the audit trail, whose proofs hold for the rows as they were, and what erasures and exports leave behind. For a role with BYPASSRLS.';
REVOKE ALL ON FUNCTION saas.masked_dump_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.masked_dump_tables() TO pg_database_owner;
