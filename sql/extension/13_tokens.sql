-- Secrets that prove who somebody is.
CREATE OR REPLACE FUNCTION saas.random_token()
RETURNS text
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_random_token';
COMMENT ON FUNCTION saas.random_token() IS
'256 bits from the server''s strong random source as 64 hexadecimal digits. Hand it out once and store its SHA-256 only.';
