-- JSON Web Tokens (RFC 7515, 7517, 7519, 8037). docs/modules/jwt.md.
CREATE OR REPLACE FUNCTION saas.verify_jwt(p_token text, p_jwks jsonb, p_options jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_verify_jwt';
COMMENT ON FUNCTION saas.verify_jwt(text, jsonb, jsonb) IS
'The claims of a token that one of the keys signed (a JWK Set, or one JWK) and that is valid here and now; everything else is an error: SA115 no token, SA116 no key for it, SA117 wrong signature, SA118 expired, not yet valid, or for somebody else, SA119 a key that cannot be used. HS256, RS256, ES256 and EdDSA with Ed25519. Options: at and leeway in seconds, max_age, issuer, audience, algorithms, required, type.';

CREATE OR REPLACE FUNCTION saas.issue_jwt(p_claims jsonb, p_key jsonb)
RETURNS text
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_issue_jwt';
REVOKE ALL ON FUNCTION saas.issue_jwt(jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION saas.issue_jwt(jsonb, jsonb) IS
'A token with these claims, signed with a private JWK, or a secret. The key decides the algorithm. For tests and small deployments: the key is an argument, so keep it out of logs. SA119 for a key that cannot sign.';

CREATE OR REPLACE FUNCTION saas.unverified_jwt(p_token text)
RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_unverified_jwt';
REVOKE ALL ON FUNCTION saas.unverified_jwt(text) FROM PUBLIC;
COMMENT ON FUNCTION saas.unverified_jwt(text) IS
'Header and claims of a token as anybody may have written them, so that its issuer can be looked up before saas.verify_jwt() proves it. SA115 for a text that is no token.';

CREATE OR REPLACE FUNCTION saas.describe_jwk(
    p_jwk jsonb,
    OUT kid text,
    OUT algorithm text,
    OUT problem text
)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_describe_jwk';
COMMENT ON FUNCTION saas.describe_jwk(jsonb) IS
'The identifier of a public JWK (its thumbprint by RFC 7638 when it has none) and the algorithm it verifies; for one that cannot be used, why not.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.issue_jwt(jsonb, jsonb) TO %I',
        pg_catalog.current_setting('saas.role_service')
    );
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.unverified_jwt(text) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
