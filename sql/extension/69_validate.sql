-- saas.validate(): what is wrong with a deployed database, each finding with what mends it.
-- The checks are functions of their own, in the files before this one, so that each reads as one query.

CREATE OR REPLACE FUNCTION saas.validate()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.severity, v.object, v.finding, v.remedy
    FROM (
        SELECT * FROM saas.validate_deployment()
        UNION ALL
        SELECT * FROM saas.validate_catalog()
        UNION ALL
        SELECT * FROM saas.validate_tables()
        UNION ALL
        SELECT * FROM saas.validate_policies()
        UNION ALL
        SELECT * FROM saas.validate_keys()
        UNION ALL
        SELECT * FROM saas.validate_columns()
        UNION ALL
        SELECT * FROM saas.validate_trigger_states()
        UNION ALL
        SELECT * FROM saas.validate_triggers()
        UNION ALL
        SELECT * FROM saas.validate_audit()
        UNION ALL
        SELECT * FROM saas.validate_protected()
        UNION ALL
        SELECT * FROM saas.validate_code()
        UNION ALL
        SELECT * FROM saas.validate_roles()
        UNION ALL
        SELECT * FROM saas.validate_rollups()
    ) AS v
    ORDER BY v.severity, v.object, v.finding
$$;
COMMENT ON FUNCTION saas.validate() IS
'Looks for what is wrong with schema saas: drift from the package, missing objects, columns, constraints, indexes and rights that are gone, tables without row-level security, policies that let too much through, keys that cross tenants, foreign keys without index, triggers with wrong arguments or that do not fire, unsafe functions, views, columns and roles; with tables that saas.protect_table() protects, and with rollups. Severity error or warning; the remedy is the statement that mends it. No row means nothing was found.';

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'saas'::pg_catalog.regnamespace AND p.proname LIKE 'validate%'
            AND p.prolang = ANY (SELECT l.oid FROM pg_catalog.pg_language AS l WHERE l.lanname IN ('sql', 'plpgsql'))
            AND p.pronargs = 0
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO pg_database_owner', v_function);
    END LOOP;
END
$$;
