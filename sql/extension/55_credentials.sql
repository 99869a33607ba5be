-- API keys and other credentials. Their rows come with module security.
CREATE OR REPLACE FUNCTION saas.authenticate_api_key(
    p_token text,
    p_ip inet DEFAULT NULL,
    OUT team_id uuid,
    OUT api_key_id uuid,
    OUT role text,
    OUT scopes text[]
)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_authenticate_api_key';
REVOKE ALL ON FUNCTION saas.authenticate_api_key(text, inet) FROM PUBLIC;
COMMENT ON FUNCTION saas.authenticate_api_key(text, inet) IS
'Sets the request context by an API key until the end of the transaction: the key''s team, role and scopes, and no user. p_ip: the caller''s address, for keys that are limited to networks. SA120 mistyped, SA121 unknown, revoked or expired, SA122 another network, SA123 above the rate limit.';

CREATE OR REPLACE FUNCTION saas.parse_api_key(
    p_token text,
    OUT mode text,
    OUT team_id uuid,
    OUT api_key_id uuid,
    OUT problem text
)
RETURNS record
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_parse_api_key';
COMMENT ON FUNCTION saas.parse_api_key(text) IS
'What the text of an API key says without any table: live or test, its team, its id; or the problem, mistyped (the checksum does not fit) or other form. Proves nothing: authenticate_api_key() does.';

CREATE OR REPLACE FUNCTION saas.make_api_key(
    p_team uuid,
    p_key uuid,
    p_test boolean,
    OUT token text,
    OUT key_prefix text,
    OUT secret_hash bytea
)
RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_make_api_key';
REVOKE ALL ON FUNCTION saas.make_api_key(uuid, uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION saas.make_api_key(uuid, uuid, boolean) IS
'A new API key with what is stored of it. Only for saas.create_api_key() and saas.rotate_api_key().';

CREATE OR REPLACE FUNCTION saas.credential_hash(p_kind text, p_secret text)
RETURNS bytea
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_credential_hash';
REVOKE ALL ON FUNCTION saas.credential_hash(text, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.credential_hash(text, text) IS
'What is stored of a secret: the id of the newest row of saas.credential_keys and HMAC-SHA256 under its key, for one kind of secrets. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.credential_hash_under(p_key uuid, p_kind text, p_secret text)
RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_credential_hash_under';
REVOKE ALL ON FUNCTION saas.credential_hash_under(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.credential_hash_under(uuid, text, text) IS
'What saas.credential_hash() made when this row of saas.credential_keys was the newest; NULL when it is gone. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.credential_matches(p_hash bytea, p_kind text, p_secret text)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_credential_matches';
REVOKE ALL ON FUNCTION saas.credential_matches(bytea, text, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.credential_matches(bytea, text, text) IS
'Whether saas.credential_hash() made this of the secret, in constant time. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.take_api_key_usage()
RETURNS TABLE (
    team_id uuid,
    api_key_id uuid,
    first_use bigint,
    last_use bigint,
    accepted bigint,
    refused bigint,
    limited bigint,
    last_address inet
)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_take_api_key_usage';
REVOKE ALL ON FUNCTION saas.take_api_key_usage() FROM PUBLIC;
COMMENT ON FUNCTION saas.take_api_key_usage() IS
'Takes the use of API keys out of shared memory, for saas.flush_api_key_usage(). Times in microseconds since 2000. Returns to memory when the transaction is rolled back.';

CREATE OR REPLACE FUNCTION saas.api_key_last_use(p_key uuid)
RETURNS timestamptz
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_api_key_last_use';
REVOKE ALL ON FUNCTION saas.api_key_last_use(uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.api_key_last_use(uuid) IS
'When an API key was used last, as far as it is not written down yet; NULL otherwise.';

CREATE OR REPLACE FUNCTION saas.api_key_calls_lost()
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_api_key_calls_lost';
REVOKE ALL ON FUNCTION saas.api_key_calls_lost() FROM PUBLIC;
COMMENT ON FUNCTION saas.api_key_calls_lost() IS
'Calls by API keys since the server started that no usage log will have, since more keys were used at the same time than saas.api_key_slots; NULL without shared memory.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.authenticate_api_key(text, inet) TO %I, %I',
        pg_catalog.current_setting('saas.role_app'),
        pg_catalog.current_setting('saas.role_service')
    );
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.authenticate_api_key(text, inet), saas.make_api_key(uuid, uuid, boolean),
            saas.credential_hash(text, text), saas.credential_hash_under(uuid, text, text), saas.credential_matches(bytea, text, text),
            saas.take_api_key_usage(), saas.api_key_last_use(uuid), saas.api_key_calls_lost(),
            saas.sign_context(uuid, uuid, text, text[]) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.api_key_calls_lost() TO %I',
        pg_catalog.current_setting('saas.role_service')
    );
END
$$;
