-- Triggers for tables of one's own, with their arguments checked: the server itself checks the
-- arguments of a trigger only when it fires.
CREATE OR REPLACE FUNCTION saas.require_column(p_table regclass, p_column text, p_type regtype DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM FROM pg_attribute AS a
    WHERE a.attrelid = p_table
        AND a.attname = p_column
        AND a.attnum > 0
        AND NOT a.attisdropped
        AND (p_type IS NULL OR a.atttypid = p_type);
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA034',
            MESSAGE = format('table %s has no column %I%s', p_table, p_column, COALESCE(' of type ' || p_type::text, '')),
            HINT = 'Name columns of the table as they are written in the catalog.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_column(regclass, text, regtype) IS
'Raises SA034 when the table has no such column, or one of another type.';
REVOKE ALL ON FUNCTION saas.require_column(regclass, text, regtype) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_column(regclass, text, regtype) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.add_state_machine(
    p_table regclass,
    p_machine text,
    p_column text DEFAULT 'status',
    p_source_column text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_column(p_table, p_column, 'text');
    IF p_source_column IS NOT NULL THEN
        PERFORM saas.require_column(p_table, p_source_column, 'text');
    END IF;
    IF NOT saas.has_state_machine(p_machine) THEN
        RAISE EXCEPTION USING
            ERRCODE = '42704',
            MESSAGE = format('there is no state machine "%s"', p_machine),
            HINT = 'Put its transitions into saas.state_transitions first.';
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER %I BEFORE INSERT OR UPDATE ON %s
         FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine(%L, %L%s)',
        'saas_state_' || left(p_column, 40), p_table, p_machine, p_column, ', ' || quote_literal(p_source_column)
    );
END
$$;
COMMENT ON FUNCTION saas.add_state_machine(regclass, text, text, text) IS
'Lets a text column follow a state machine of saas.state_transitions only. Run by the owner of the table. SA034 for a column that is not there, 42704 for an unknown machine.';
REVOKE ALL ON FUNCTION saas.add_state_machine(regclass, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_state_machine(regclass, text, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.add_immutable(p_table regclass, VARIADIC p_columns text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_column(p_table, c.name) FROM unnest(p_columns) AS c (name);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER saas_immutable BEFORE UPDATE ON %s
         FOR EACH ROW EXECUTE FUNCTION saas.enforce_immutable(%s)',
        p_table, (SELECT string_agg(quote_literal(c.name), ', ') FROM unnest(p_columns) AS c (name))
    );
END
$$;
COMMENT ON FUNCTION saas.add_immutable(regclass, text[]) IS
'Keeps columns as they were written first. Run by the owner of the table. SA034 for a column that is not there.';
REVOKE ALL ON FUNCTION saas.add_immutable(regclass, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_immutable(regclass, text[]) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.add_refuse_delete(p_table regclass, p_strict boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_argument text := CASE WHEN p_strict THEN quote_literal('strict') ELSE '' END;
    v_member regclass;
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER saas_refuse_delete BEFORE DELETE ON %s
         FOR EACH ROW EXECUTE FUNCTION saas.refuse_delete(%s)',
        p_table, v_argument
    );
    -- A statement trigger does not pass on to partitions, and each can be truncated by itself.
    FOR v_member IN SELECT p_table UNION SELECT t.relid FROM pg_partition_tree(p_table) AS t LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER saas_refuse_truncate BEFORE TRUNCATE ON %s
             FOR EACH STATEMENT EXECUTE FUNCTION saas.refuse_delete(%s)',
            v_member, v_argument
        );
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.add_refuse_delete(regclass, boolean) IS
'Refuses DELETE and TRUNCATE (SA033). Rows still go with their team or another row by ON DELETE CASCADE, unless strict. Run by the owner of the table.';
REVOKE ALL ON FUNCTION saas.add_refuse_delete(regclass, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_refuse_delete(regclass, boolean) TO pg_database_owner;
