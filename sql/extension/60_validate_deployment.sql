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
        SELECT 'error', o.kind || ' ' || o.identity, 'defined by ' || o.file || ' but missing', 'SELECT saas.deploy();'
        FROM saas.missing_objects() AS o;
    RETURN QUERY
        SELECT 'error', 'saas.' || d.table_name, 'declared by module ' || d.module || ' but missing',
            'restore the table from a backup, or roll the module back and deploy it again'
        FROM saas.declared_tables() AS d
        JOIN saas.modules() AS m ON m.module = d.module AND m.deployed
        WHERE to_regclass('saas.' || quote_ident(d.table_name)) IS NULL;
END
$$;
COMMENT ON FUNCTION saas.validate_deployment() IS 'Part of saas.validate(): drift, missing objects and tables.';
