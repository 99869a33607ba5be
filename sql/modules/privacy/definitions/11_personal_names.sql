-- Whether a column looks personal by its name and type.
CREATE OR REPLACE FUNCTION saas.is_named_personal(p_name text, p_type oid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT saas.personal_name_rank(p_name, p_type) = 2
$$;
COMMENT ON FUNCTION saas.is_named_personal(text, oid) IS
'Whether a column of this name and type looks like personal data.';
REVOKE ALL ON FUNCTION saas.is_named_personal(text, oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_named_personal(text, oid) TO saas_internal, pg_database_owner;
