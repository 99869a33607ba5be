-- Identifiers.
CREATE OR REPLACE FUNCTION saas.uuid_v7()
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_uuid_v7';
COMMENT ON FUNCTION saas.uuid_v7() IS
'A new UUID version 7 (RFC 9562): 60 bits of Unix time, then random bits, so that new keys are neighbours in an index. Ids made in one session ascend.';
