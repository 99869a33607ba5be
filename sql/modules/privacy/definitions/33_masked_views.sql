-- Views for analysts: their team's rows, masked, without people whose data are restricted.
-- Ways from a row to people whose data are restricted; each is looked up by itself, so that it can be joined against.
CREATE OR REPLACE FUNCTION saas.restricted_ways(p_table text, p_alias text DEFAULT 't', p_seen text[] DEFAULT '{}')
RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_link record;
    v_parent text := 'u' || cardinality(p_seen) + 1;
    v_condition text;
    v_way text;
BEGIN
    FOR v_link IN
        SELECT DISTINCT l.parent_table, l.kind, l.columns, l.parent_columns, l.json_path
        FROM saas.personal_links AS l
        WHERE l.table_name = p_table
            AND l.parent_table <> p_table
            AND l.parent_table <> ALL (p_seen)
            -- Who only did something to a row is not whom it is about.
            AND l.action NOT IN ('null', 'reassign')
        ORDER BY l.parent_table, l.kind, l.columns, l.json_path
    LOOP
        v_condition := regexp_replace(regexp_replace(
            saas.personal_link_condition(v_link.kind, v_link.columns, v_link.parent_columns, v_link.json_path),
            '\mc\.', p_alias || '.', 'g'), '\mp\.', v_parent || '.', 'g');
        IF v_link.parent_table = 'saas.users' AND v_link.kind IN ('key', 'column') AND v_link.parent_columns = '{id}'::text[] THEN
            RETURN NEXT pg_catalog.format(
                'EXISTS (SELECT FROM saas.processing_restrictions AS r WHERE r.subject_id = %s.%I AND r.purpose IS NULL AND r.lifted_at IS NULL)',
                p_alias, v_link.columns[1]);
        ELSIF v_link.parent_table = 'saas.users' THEN
            RETURN NEXT pg_catalog.format(
                'EXISTS (SELECT FROM saas.users AS %1$s JOIN saas.processing_restrictions AS r ON r.subject_id = %1$s.id AND r.purpose IS NULL AND r.lifted_at IS NULL WHERE %2$s)',
                v_parent, v_condition);
        ELSE
            FOR v_way IN SELECT w FROM saas.restricted_ways(v_link.parent_table, v_parent, p_seen || p_table) AS w
            LOOP
                RETURN NEXT pg_catalog.format('EXISTS (SELECT FROM %s AS %s WHERE %s AND %s)',
                    v_link.parent_table, v_parent, v_condition, v_way);
            END LOOP;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.restricted_ways(text, text, text[]) IS
'SQL conditions, one for each way on the map, under which a row belongs to a person whose data are restricted.';
REVOKE ALL ON FUNCTION saas.restricted_ways(text, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.restricted_ways(text, text, text[]) TO saas_internal;

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
        SELECT c.oid::regclass AS id, format('%I.%I', n.nspname, c.relname) AS name, c.relname,
            (
                SELECT format('concat_ws(''|'', %s)', string_agg(format('t.%I', k.attname), ', ' ORDER BY k.attnum))
                FROM pg_index AS i
                JOIN pg_attribute AS k ON k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey)
                WHERE i.indrelid = c.oid AND i.indisprimary
            ) AS row_name
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
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
COALESCE((SELECT string_agg(' AND NOT ' || w, '') FROM saas.restricted_ways(v_table.name) AS w), ''));
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
