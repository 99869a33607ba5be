-- The roles of the package. Their names are settings (saas.role_…), so that a cluster can hold two.
-- The schema belongs to whoever owns the database, who can then deploy without being a superuser.
DO $$
DECLARE
    v_role record;
    v_existing pg_catalog.pg_authid;
BEGIN
    FOR v_role IN
        SELECT s.name, current_setting('saas.role_' || s.name) AS configured, s.bypass_rls
        FROM (VALUES
            ('app', false),
            ('anonymous', false),
            ('analyst', false),
            ('service', false),
            ('migrator', false),
            ('internal', true)
        ) AS s (name, bypass_rls)
    LOOP
        SELECT * INTO v_existing FROM pg_catalog.pg_authid WHERE rolname = v_role.configured;
        IF v_existing.oid IS NULL THEN
            EXECUTE pg_catalog.format(
                'CREATE ROLE %I NOLOGIN %s',
                v_role.configured,
                CASE WHEN v_role.bypass_rls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END
            );
        ELSIF v_existing.rolsuper
            OR v_existing.rolbypassrls IS DISTINCT FROM v_role.bypass_rls
            OR (v_role.bypass_rls AND v_existing.rolcanlogin)
        THEN
            RAISE EXCEPTION USING
                ERRCODE = '42710',
                MESSAGE = pg_catalog.format('role "%s" exists with other attributes', v_role.configured),
                DETAIL = 'The roles of pg_saas are no superusers; only saas_internal bypasses row-level security, and it cannot log in.',
                HINT = pg_catalog.format('Change the role, or set saas.role_%s to another name first.', v_role.name);
        END IF;
    END LOOP;
    EXECUTE 'ALTER SCHEMA saas OWNER TO pg_database_owner';
END
$$;
