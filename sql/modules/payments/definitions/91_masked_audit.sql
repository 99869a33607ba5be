-- The audit trail of the payment tables for analysts: what changed, without personal data and without who.
GRANT SELECT ON saas.payment_audit_log TO saas_internal;
CREATE OR REPLACE FUNCTION saas.masked_payment_audit_log(
    p_team uuid,
    p_from timestamptz,
    p_to timestamptz,
    p_limit integer DEFAULT 1000
)
RETURNS TABLE (
    created_at timestamptz,
    table_name text,
    operation text,
    row_id uuid,
    changed_columns text[],
    old_values jsonb,
    new_values jsonb
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team);
    RETURN QUERY
    WITH open_columns AS (
        SELECT 'saas.' || c.relname AS table_name, array_agg(a.attname::text) AS names
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'saas'::regnamespace
            AND c.relkind = 'r'
            AND col_description(c.oid, a.attnum) ~ '\[(public|internal)\]$'
        GROUP BY c.relname
    )
    SELECT
        l.created_at, l.table_name, l.operation, l.row_id,
        ARRAY(
            SELECT k.name
            FROM (
                SELECT jsonb_object_keys(COALESCE(l.old_values, '{}'::jsonb))
                UNION
                SELECT jsonb_object_keys(COALESCE(l.new_values, '{}'::jsonb))
            ) AS k (name)
            ORDER BY k.name
        ),
        (SELECT jsonb_object_agg(v.key, v.value) FROM jsonb_each(l.old_values) AS v WHERE v.key = ANY (o.names)),
        (SELECT jsonb_object_agg(v.key, v.value) FROM jsonb_each(l.new_values) AS v WHERE v.key = ANY (o.names))
    FROM saas.payment_audit_log AS l
    JOIN open_columns AS o ON o.table_name = l.table_name
    WHERE l.team_id = p_team AND l.created_at >= p_from AND l.created_at < p_to
    ORDER BY l.created_at, l.id
    LIMIT least(greatest(p_limit, 0), 10000);
END
$$;
COMMENT ON FUNCTION saas.masked_payment_audit_log(uuid, timestamptz, timestamptz, integer) IS
'Changes of the payment tables from a moment on and before another one, up to 10000: which columns changed, and the values of those that are classified public or internal. For analysts and members.';
REVOKE ALL ON FUNCTION saas.masked_payment_audit_log(uuid, timestamptz, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.masked_payment_audit_log(uuid, timestamptz, timestamptz, integer)
TO saas_app, saas_analyst, saas_service;
