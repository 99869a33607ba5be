-- What hardware keys answer (W3C Web Authentication), checked for the relying party of the settings saas.webauthn_….
-- Only for functions of the package: they keep challenges and counters.
CREATE OR REPLACE FUNCTION saas.webauthn_party(OUT id text, OUT name text, OUT user_verification text)
RETURNS record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_webauthn_party';
REVOKE ALL ON FUNCTION saas.webauthn_party() FROM PUBLIC;
COMMENT ON FUNCTION saas.webauthn_party() IS
'The relying party as the settings say; SA098 when they do not.';

CREATE OR REPLACE FUNCTION saas.webauthn_registration(
    p_response text,
    p_challenge bytea,
    OUT reason text,
    OUT credential_id bytea,
    OUT public_key bytea,
    OUT algorithm text,
    OUT sign_count bigint,
    OUT user_verified boolean,
    OUT backup_eligible boolean,
    OUT backed_up boolean,
    OUT model uuid,
    OUT attestation text,
    OUT transports text[]
)
RETURNS record
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_webauthn_registration';
REVOKE ALL ON FUNCTION saas.webauthn_registration(text, bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.webauthn_registration(text, bytea) IS
'Checks the answer to navigator.credentials.create(), as the JSON of PublicKeyCredential.toJSON(): the reason of a refusal, or the new credential with its COSE key. SA098 without settings.';

CREATE OR REPLACE FUNCTION saas.webauthn_claim(
    p_response text,
    OUT credential_id bytea,
    OUT challenge bytea,
    OUT user_handle bytea
)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_webauthn_claim';
REVOKE ALL ON FUNCTION saas.webauthn_claim(text) FROM PUBLIC;
COMMENT ON FUNCTION saas.webauthn_claim(text) IS
'What an answer to navigator.credentials.get() says of itself, unproved; NULLs when it is none.';

CREATE OR REPLACE FUNCTION saas.webauthn_assertion(
    p_response text,
    p_challenge bytea,
    p_public_key bytea,
    p_sign_count bigint,
    p_backup_eligible boolean,
    OUT reason text,
    OUT sign_count bigint,
    OUT user_verified boolean,
    OUT backed_up boolean
)
RETURNS record
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_webauthn_assertion';
REVOKE ALL ON FUNCTION saas.webauthn_assertion(text, bytea, bytea, bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION saas.webauthn_assertion(text, bytea, bytea, bigint, boolean) IS
'Checks the answer to navigator.credentials.get() against the challenge and what is kept of the credential: the reason of a refusal, or the new counter and flags. SA098 without settings.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.webauthn_party(), saas.webauthn_registration(text, bytea),
            saas.webauthn_claim(text), saas.webauthn_assertion(text, bytea, bytea, bigint, boolean) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
