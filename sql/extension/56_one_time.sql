-- One-time passwords (RFC 6238) and the encoding of their secrets (RFC 4648). Whoever knows a secret can
-- compute all this, so these functions open nothing.
CREATE OR REPLACE FUNCTION saas.totp_code(
    p_secret bytea,
    p_at timestamptz DEFAULT now(),
    p_algorithm text DEFAULT 'SHA1',
    p_digits integer DEFAULT 6,
    p_period integer DEFAULT 30
)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_totp_code';
COMMENT ON FUNCTION saas.totp_code(bytea, timestamptz, text, integer, integer) IS
'The time-based one-time password of a secret at a time (RFC 6238), for tests and programs that sign in. Algorithms: SHA1, SHA256, SHA512.';

CREATE OR REPLACE FUNCTION saas.totp_step(
    p_secret bytea,
    p_code text,
    p_at timestamptz DEFAULT now(),
    p_window integer DEFAULT 1,
    p_algorithm text DEFAULT 'SHA1',
    p_digits integer DEFAULT 6,
    p_period integer DEFAULT 30
)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_totp_step';
COMMENT ON FUNCTION saas.totp_step(bytea, text, timestamptz, integer, text, integer, integer) IS
'The number of the time step, within p_window of the time, whose one-time password this is; NULL when it is none. In constant time. Knows nothing of replay: verify_mfa() does.';

CREATE OR REPLACE FUNCTION saas.totp_uri(
    p_secret bytea,
    p_issuer text,
    p_account text,
    p_algorithm text DEFAULT 'SHA1',
    p_digits integer DEFAULT 6,
    p_period integer DEFAULT 30
)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_totp_uri';
COMMENT ON FUNCTION saas.totp_uri(bytea, text, text, text, integer, integer) IS
'The otpauth:// address that a QR code shows to an authenticator. Holds the secret.';

CREATE OR REPLACE FUNCTION saas.to_base32(p_data bytea, p_padded boolean DEFAULT true)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_to_base32';
COMMENT ON FUNCTION saas.to_base32(bytea, boolean) IS 'Base32 (RFC 4648) in upper case, with padding or without.';

CREATE OR REPLACE FUNCTION saas.from_base32(p_text text)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_from_base32';
COMMENT ON FUNCTION saas.from_base32(text) IS
'The bytes of Base32 digits of either case, with their padding or without. 22P02 for anything else.';
