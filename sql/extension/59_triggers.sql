-- Triggers whose arguments the server does not check when they are created.

CREATE OR REPLACE FUNCTION saas.trigger_arguments(p_arguments bytea)
RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Each argument ends in a zero byte.
    SELECT COALESCE(
        array_agg(convert_from(decode(m.part[1], 'hex'), getdatabaseencoding()) ORDER BY m.place), '{}'
    )
    FROM regexp_matches(encode(p_arguments, 'hex'), '((?:0[1-9a-f]|[1-9a-f][0-9a-f])*)00', 'g')
        WITH ORDINALITY AS m (part, place)
$$;
COMMENT ON FUNCTION saas.trigger_arguments(bytea) IS
'The arguments of a trigger as pg_trigger.tgargs holds them.';

CREATE OR REPLACE FUNCTION saas.has_state_machine(p_machine text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Asked natively: row-level security hides the machines from whoever has no right to the table.
    PERFORM saas.state_allows(p_machine, NULL, '', 'api');
    RETURN true;
EXCEPTION
    WHEN undefined_object OR SQLSTATE 'SA021' THEN RETURN false; -- no such machine, or no table of them
    WHEN invalid_parameter_value THEN RETURN true; -- the machine is there, a state '' is not
END
$$;
COMMENT ON FUNCTION saas.has_state_machine(text) IS
'Whether saas.state_transitions has a machine of this name.';

CREATE OR REPLACE FUNCTION saas.validate_triggers()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH triggers AS (
        SELECT t.tgname || ' ON ' || t.tgrelid::regclass::text AS name, t.tgrelid, p.proname, t.tgtype::integer AS type,
            saas.trigger_arguments(t.tgargs) AS arguments,
            pg_catalog.format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass) AS remedy
        FROM pg_trigger AS t
        JOIN pg_proc AS p ON p.oid = t.tgfoid AND p.pronamespace = 'saas'::regnamespace
        WHERE t.tgparentid = 0 AND NOT t.tgisinternal
    ), columns AS (
        SELECT t.name, c.column_name, c.type
        FROM triggers AS t
        CROSS JOIN LATERAL (
            SELECT t.arguments[2], 'text'::regtype WHERE t.proname = 'enforce_state_machine'
            UNION ALL
            SELECT t.arguments[3], 'text'::regtype WHERE t.proname = 'enforce_state_machine' AND cardinality(t.arguments) = 3
            UNION ALL
            SELECT a, NULL FROM unnest(t.arguments) AS a WHERE t.proname = 'enforce_immutable'
            UNION ALL
            SELECT 'updated_at', 'timestamptz'::regtype WHERE t.proname = 'set_updated_at'
        ) AS c (column_name, type)
    )
    SELECT 'error', t.name, 'the trigger fires at the wrong time for saas.' || t.proname || '()', t.remedy
    FROM triggers AS t
    -- Bits of pg_trigger.tgtype: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate, 64 instead.
    WHERE CASE t.proname
        WHEN 'set_updated_at' THEN t.type <> 1 | 2 | 16
        WHEN 'enforce_immutable' THEN t.type <> 1 | 2 | 16
        WHEN 'enforce_state_machine' THEN (t.type & ~(4 | 16)) <> 1 | 2
        WHEN 'refuse_delete' THEN t.type NOT IN (1 | 2 | 8, 2 | 32)
        ELSE false
    END
    UNION ALL
    SELECT 'error', t.name, 'saas.' || t.proname || '() does not take these arguments', t.remedy
    FROM triggers AS t
    WHERE CASE t.proname
        WHEN 'enforce_state_machine' THEN cardinality(t.arguments) NOT IN (2, 3)
        WHEN 'enforce_immutable' THEN cardinality(t.arguments) = 0
        WHEN 'refuse_delete' THEN t.arguments NOT IN ('{}', '{strict}')
        ELSE false
    END
    UNION ALL
    SELECT 'error', t.name, pg_catalog.format('the table has no column %I%s', c.column_name,
        COALESCE(' of type ' || c.type::regtype::text, '')), t.remedy
    FROM triggers AS t
    JOIN columns AS c ON c.name = t.name
    WHERE c.column_name IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = t.tgrelid AND a.attname = c.column_name AND a.attnum > 0 AND NOT a.attisdropped
                AND (c.type IS NULL OR a.atttypid = c.type)
        );
    RETURN QUERY
        SELECT 'error', t.tgname || ' ON ' || t.tgrelid::regclass::text,
            'there is no state machine ' || quote_literal((saas.trigger_arguments(t.tgargs))[1]),
            'INSERT INTO saas.state_transitions …'
        FROM pg_trigger AS t
        JOIN pg_proc AS p ON p.oid = t.tgfoid AND p.pronamespace = 'saas'::regnamespace
        WHERE p.proname = 'enforce_state_machine'
            AND t.tgparentid = 0
            AND NOT saas.has_state_machine((saas.trigger_arguments(t.tgargs))[1]);
END
$$;
COMMENT ON FUNCTION saas.validate_triggers() IS
'Part of saas.validate(): triggers in any schema that call functions of the package with arguments or at times that they cannot work with.';
