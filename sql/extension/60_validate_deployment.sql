-- What saas.validate() says of the deployment. It runs first, and loads the library with its settings.
CREATE OR REPLACE FUNCTION saas.validate_deployment()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT
            CASE s.state WHEN 'pending' THEN 'warning' ELSE 'error' END,
            s.module || '/' || s.name,
            CASE s.state
                WHEN 'pending' THEN s.kind || ' is installed but not deployed'
                WHEN 'changed' THEN s.kind || ' has another text than what was deployed'
                ELSE s.kind || ' was deployed but is not in the installed package'
            END,
            CASE
                WHEN s.state = 'missing' THEN 'install the version of pg_saas that was deployed, or a later one'
                WHEN s.state = 'changed' AND s.kind = 'migration' THEN 'restore the file; put changes into a new migration'
                ELSE 'SELECT saas.deploy();'
            END
        FROM saas.deploy_status() AS s
        WHERE s.state <> 'applied';
    IF to_regclass('saas.schema_objects') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'error', o.kind || ' ' || o.identity, 'defined by ' || o.file || ' but missing',
            pg_catalog.format(
                'DELETE FROM saas.schema_definitions WHERE file = %L; SELECT saas.deploy();', o.file
            )
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
    RETURN QUERY
        SELECT 'error', 'saas.' || d.table_name, 'declared by module ' || d.module || ' but missing',
            'restore the table from a backup, or roll the module back and deploy it again'
        FROM saas.declared_tables() AS d
        JOIN saas.modules() AS m ON m.module = d.module AND m.deployed
        WHERE to_regclass('saas.' || quote_ident(d.table_name)) IS NULL;
END
$$;
COMMENT ON FUNCTION saas.validate_deployment() IS 'Part of saas.validate(): drift, missing objects and tables.';
