-- The deployer of the schema package.
CREATE OR REPLACE FUNCTION saas.deploy(
    modules text[] DEFAULT NULL,
    dry_run boolean DEFAULT false,
    OUT module text,
    OUT step text,
    OUT action text,
    OUT duration interval
)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_deploy';
REVOKE ALL ON FUNCTION saas.deploy(text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.deploy(text[], boolean) TO pg_database_owner;
COMMENT ON FUNCTION saas.deploy(text[], boolean) IS
'Creates or updates the tables, functions, policies and grants of the schema package: the named modules with what they require, or all. One transaction; dry_run executes everything and rolls back. One row per step.';

CREATE OR REPLACE FUNCTION saas.rollback(
    INOUT module text,
    to_version integer DEFAULT 0,
    dry_run boolean DEFAULT false,
    OUT step text,
    OUT action text,
    OUT duration interval
)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_rollback';
REVOKE ALL ON FUNCTION saas.rollback(text, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rollback(text, integer, boolean) TO pg_database_owner;
COMMENT ON FUNCTION saas.rollback(text, integer, boolean) IS
'Takes a module back to a version, 0 for nothing: drops its definitions and runs the down migrations above that version. Data in the tables that go is lost. The next saas.deploy() brings the module back.';

CREATE OR REPLACE FUNCTION saas.deploy_status(
    OUT module text,
    OUT kind text,
    OUT name text,
    OUT state text,
    OUT applied_at timestamptz,
    OUT applied_by text
)
RETURNS SETOF record
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_deploy_status';
REVOKE ALL ON FUNCTION saas.deploy_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.deploy_status() TO pg_database_owner;
COMMENT ON FUNCTION saas.deploy_status() IS
'Compares the database with the installed package. State: applied, pending (not run yet), changed (the file''s text differs from what was run), missing (was run, is not in the package).';

CREATE OR REPLACE FUNCTION saas.modules(
    OUT module text,
    OUT requires text[],
    OUT migrations integer,
    OUT applied integer,
    OUT definitions integer,
    OUT deployed boolean
)
RETURNS SETOF record
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_modules';
REVOKE ALL ON FUNCTION saas.modules() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.modules() TO pg_database_owner;
COMMENT ON FUNCTION saas.modules() IS
'The modules of the installed package in the order of deployment, what each requires, and how much of it is applied here.';

CREATE OR REPLACE FUNCTION saas.declared_tables(
    OUT module text,
    OUT table_name text,
    OUT kind text
)
RETURNS SETOF record
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_declared_tables';
REVOKE ALL ON FUNCTION saas.declared_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.declared_tables() TO pg_database_owner;
COMMENT ON FUNCTION saas.declared_tables() IS
'Every table of the package and its kind: tenant (carries team_id), reference (small and global) or local (housekeeping of this server).';

CREATE OR REPLACE FUNCTION saas.missing_objects(
    OUT module text,
    OUT file text,
    OUT kind text,
    OUT identity text
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT o.module, o.file, o.kind, o.identity
        FROM saas.schema_objects AS o
        WHERE CASE o.kind
            WHEN 'function' THEN to_regprocedure(o.identity) IS NULL
            WHEN 'procedure' THEN to_regprocedure(o.identity) IS NULL
            WHEN 'view' THEN to_regclass(o.identity) IS NULL
            WHEN 'trigger' THEN NOT EXISTS (
                SELECT FROM pg_trigger AS t
                WHERE o.identity = quote_ident(t.tgname) || ' ON ' || t.tgrelid::regclass::text
            )
            WHEN 'policy' THEN NOT EXISTS (
                SELECT FROM pg_policy AS p
                WHERE o.identity = quote_ident(p.polname) || ' ON ' || p.polrelid::regclass::text
            )
        END;
END
$$;
REVOKE ALL ON FUNCTION saas.missing_objects() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.missing_objects() TO pg_database_owner;
COMMENT ON FUNCTION saas.missing_objects() IS
'Functions, views, triggers and policies that a deployment made and somebody dropped since; the next saas.deploy() makes them again.';
