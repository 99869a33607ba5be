-- Restriction of processing as committed by now, for the triggers of transactions that keep to an older snapshot.
CREATE OR REPLACE FUNCTION saas.is_restricted_by_now(p_subject uuid)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'saas_is_restricted_by_now';
REVOKE ALL ON FUNCTION saas.is_restricted_by_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.is_restricted_by_now(uuid) IS
'Whether the processing of the person''s data is restricted, as committed by now, in a transaction that keeps to its snapshot, too.';

CREATE OR REPLACE FUNCTION saas.has_keys_unlike(p_subject uuid, p_restricted boolean)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'saas_has_keys_unlike';
REVOKE ALL ON FUNCTION saas.has_keys_unlike(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION saas.has_keys_unlike(uuid, boolean) IS
'Whether the person has a key, as committed by now, that is marked otherwise than p_restricted says.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.is_restricted_by_now(uuid), saas.has_keys_unlike(uuid, boolean) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
