-- What a run makes, in any state of completion.
DROP SCHEMA IF EXISTS rls_bench CASCADE;
DELETE FROM saas.teams WHERE slug LIKE 'rls-bench-%';
DELETE FROM saas.users WHERE email = 'member@rls-bench.example';
DO $$
DECLARE
    v_role name;
BEGIN
    FOR v_role IN SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname LIKE 'rls\_bench\_%' LOOP
        EXECUTE pg_catalog.format('DROP OWNED BY %I', v_role);
        EXECUTE pg_catalog.format('DROP ROLE %I', v_role);
    END LOOP;
END
$$;
