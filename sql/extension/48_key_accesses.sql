-- Accesses to data keys, as they are noted in shared memory.
CREATE OR REPLACE FUNCTION saas.key_accesses(p_memory uuid DEFAULT NULL, p_from bigint DEFAULT 0)
RETURNS TABLE (
    memory uuid,
    place bigint,
    accessed_at bigint,
    database oid,
    team_id uuid,
    key_no bigint,
    kind text,
    subject_id uuid,
    role_name text,
    action text,
    outcome text
)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_key_accesses';
REVOKE ALL ON FUNCTION saas.key_accesses(uuid, bigint) FROM PUBLIC;
COMMENT ON FUNCTION saas.key_accesses(uuid, bigint) IS
'The newest accesses to data keys, of all databases of the server, from a place in the shared memory on; from the first one that is kept when the server was restarted since. For saas.flush_key_accesses(). Nothing without shared_preload_libraries. Times in microseconds since 2000.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.key_accesses(uuid, bigint) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
