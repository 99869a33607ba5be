-- Views for analysts: their team's rows, masked, without people whose data are restricted.
CREATE OR REPLACE FUNCTION saas.create_masked_views()
RETURNS TABLE (
    view_name text,
    table_name text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_table record;
    v_columns text;
    v_view text;
BEGIN
    PERFORM saas.require_platform_admin();
    PERFORM pg_advisory_xact_lock(hashtextextended('saas.masked_views', 0));
    PERFORM saas.drop_masked_views();
    FOR v_table IN
        SELECT c.oid::regclass AS id, format('%I.%I', n.nspname, c.relname) AS name, c.relname, l.person,
            (
                SELECT format('concat_ws(''|'', %s)', string_agg(format('t.%I', k.attname), ', ' ORDER BY k.attnum))
                FROM pg_index AS i
                JOIN pg_attribute AS k ON k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey)
                WHERE i.indrelid = c.oid AND i.indisprimary
            ) AS row_name
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN LATERAL (
            SELECT p.columns[1] AS person
            FROM saas.personal_links AS p
            WHERE to_regclass(p.table_name) = c.oid
                AND p.parent_table = 'saas.users'
                AND p.kind = 'key'
                AND p.parent_columns = '{id}'
            ORDER BY p.action = 'delete' DESC, p.link_name
            LIMIT 1
        ) AS l ON true
        WHERE n.nspname = 'saas'
            AND c.relkind IN ('r', 'p')
            AND NOT c.relispartition
            AND EXISTS (
                SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'team_id' AND a.attnotnull
            )
            AND has_table_privilege('saas_internal', c.oid, 'SELECT')
        ORDER BY c.relname
    LOOP
        -- What nobody may read has no place in a view for analysts, not even empty.
        SELECT string_agg(
            format('%s AS %I',
                saas.masking_expression(format('t.%I', m.column_name), m.data_type, m.rule, v_table.row_name, NULL),
                m.column_name),
            ', ')
        INTO v_columns
        FROM saas.masking_of(v_table.id, false) AS m
        WHERE m.classification IS DISTINCT FROM 'restricted';
        -- Made of identifiers and expressions that are quoted where they are made.
        v_view := format(
            'CREATE VIEW saas_masked.%I WITH (security_barrier = true) AS
             SELECT %s FROM %s AS t WHERE t.team_id = saas.current_team_id()%s',
            v_table.relname, v_columns, v_table.name,
            CASE
                WHEN v_table.person IS NOT NULL
                THEN format(' AND NOT COALESCE(saas.is_restricted(t.%I), false)', v_table.person)
                ELSE ''
            END);
        PERFORM saas.erase_by(v_view, NULL, NULL, NULL);
        EXECUTE format('COMMENT ON VIEW saas_masked.%I IS %L', v_table.relname,
            format('Rows of %s of the current team with personal values masked, for analysts.', v_table.name));
        EXECUTE format('REVOKE ALL ON saas_masked.%I FROM PUBLIC', v_table.relname);
        EXECUTE format('GRANT SELECT ON saas_masked.%I TO saas_analyst', v_table.relname);
        view_name := format('saas_masked.%I', v_table.relname);
        table_name := v_table.name;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.create_masked_views() IS
'Makes a view in schema saas_masked over every table of the package that belongs to teams, anew from the map of personal data and saas.masking_rules: the rows of the current team, personal values masked, secrets left out, people whose data are restricted left out. For saas_analyst. For admins of the platform.';
REVOKE ALL ON FUNCTION saas.create_masked_views() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_masked_views() TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.drop_masked_views()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_view record;
    v_count integer := 0;
BEGIN
    PERFORM saas.require_platform_admin();
    FOR v_view IN
        SELECT c.relname
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'saas_masked' AND c.relkind = 'v' AND c.relowner = 'saas_internal'::regrole
    LOOP
        EXECUTE format('DROP VIEW saas_masked.%I', v_view.relname);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION saas.drop_masked_views() IS
'Drops the views of saas.create_masked_views(), as is needed before a module is rolled back. Returns how many there were.';
REVOKE ALL ON FUNCTION saas.drop_masked_views() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.drop_masked_views() TO saas_app, saas_service;
