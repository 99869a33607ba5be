-- Rotation of keys and the epochs that wrap them. All but reencrypt_stored() and ciphertext_key_no() is for the
-- package's own functions, which check their callers.
CREATE OR REPLACE FUNCTION saas.reencrypt_stored(p_value bytea, p_asset uuid, p_row uuid, p_team uuid)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_reencrypt_stored';
REVOKE ALL ON FUNCTION saas.reencrypt_stored(bytea, uuid, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.reencrypt_stored(bytea, uuid, uuid, uuid) IS
'Encrypts a stored value anew under the newest version of its key, with the same algorithm and binding: of asset and row those that the value was bound to. The plaintext does not come to SQL.';

CREATE OR REPLACE FUNCTION saas.rotate_rows_natively(
    p_table oid,
    p_column name,
    p_row_column name,
    p_team_column name,
    p_team uuid,
    p_asset uuid,
    p_keys bigint[],
    p_from bigint,
    p_before bigint,
    OUT changed bigint,
    OUT failed bigint,
    OUT skipped bigint
)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_rotate_rows';
REVOKE ALL ON FUNCTION saas.rotate_rows_natively(oid, name, name, name, uuid, uuid, bigint[], bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION saas.rotate_rows_natively(oid, name, name, name, uuid, uuid, bigint[], bigint, bigint) IS
'Encrypts the values of these blocks of a table anew that are under one of these keys, of one team or of all: how many were written, did not open, or are in the hands of others. NULLs, and nothing done, for a table that an UPDATE is needed for: one with other triggers than saas.encrypt_columns(), with row-level security for the caller, of partitions, and so on. Needs SELECT and UPDATE on the table.';

CREATE OR REPLACE FUNCTION saas.ciphertext_key_no(p_value bytea)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_ciphertext_key_no';
COMMENT ON FUNCTION saas.ciphertext_key_no(bytea) IS
'The number of the key of an encrypted value; NULL for other bytes.';

CREATE OR REPLACE FUNCTION saas.make_key_version(
    p_team uuid,
    p_kind text,
    p_subject uuid,
    p_asset uuid,
    p_version integer
)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_make_key_version';
REVOKE ALL ON FUNCTION saas.make_key_version(uuid, text, uuid, uuid, integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.make_key_version(uuid, text, uuid, uuid, integer) IS
'Inserts this version of a key, unless it is there.';

CREATE OR REPLACE FUNCTION saas.rows_under_key(p_table oid, p_column smallint, p_key_no bigint)
RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_rows_under_key';
REVOKE ALL ON FUNCTION saas.rows_under_key(oid, smallint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION saas.rows_under_key(oid, smallint, bigint) IS
'How many rows of a table hold a value under this key, by the heads of the values, whatever row-level security says and with rows that are not committed yet. NULL for what has no rows of its own.';

CREATE OR REPLACE FUNCTION saas.key_epochs(
    p_team uuid,
    p_purpose text,
    OUT oldest integer,
    OUT current integer,
    OUT began_at timestamptz
)
RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_key_epochs';
REVOKE ALL ON FUNCTION saas.key_epochs(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.key_epochs(uuid, text) IS
'The oldest epoch of a team in the key file and the current one. Purposes are shred and hold.';

CREATE OR REPLACE FUNCTION saas.begin_key_epoch(p_team uuid, p_purpose text, p_after integer)
RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_begin_key_epoch';
REVOKE ALL ON FUNCTION saas.begin_key_epoch(uuid, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.begin_key_epoch(uuid, text, integer) IS
'Begins an epoch after this one, unless a later one is current, and returns the current one. The key file is changed at once, whatever becomes of the transaction.';

CREATE OR REPLACE FUNCTION saas.end_key_epochs(p_team uuid, p_purpose text, p_before integer)
RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_end_key_epochs';
REVOKE ALL ON FUNCTION saas.end_key_epochs(uuid, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.end_key_epochs(uuid, text, integer) IS
'Destroys the keys of the epochs before this one in the key file and says how many there were; NULL when a transaction that wraps keys of the team has not ended. SA106 while keys are wrapped in them.';

CREATE OR REPLACE FUNCTION saas.rewrap_key(
    p_team uuid,
    p_key_no bigint,
    p_kind text,
    p_subject uuid,
    p_asset uuid,
    p_version integer,
    p_epoch integer,
    p_wrapped bytea,
    p_purpose text,
    p_new_purpose text,
    p_new_epoch integer
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_rewrap_key';
REVOKE ALL ON FUNCTION saas.rewrap_key(uuid, bigint, text, uuid, uuid, integer, integer, bytea, text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.rewrap_key(uuid, bigint, text, uuid, uuid, integer, integer, bytea, text, text, integer) IS
'A wrapped key, wrapped in the current epoch instead. NULL when it does not open, or the current epoch is another.';

CREATE OR REPLACE FUNCTION saas.take_root_key()
RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_take_root_key';
REVOKE ALL ON FUNCTION saas.take_root_key() FROM PUBLIC;
COMMENT ON FUNCTION saas.take_root_key() IS
'Wraps the whole key file by the first of the root keys that the server was started with, and returns how many entries it has; afterwards it may be started without the others.';

CREATE OR REPLACE FUNCTION saas.sign_proof(p_text text)
RETURNS bytea
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_sign_proof';
REVOKE ALL ON FUNCTION saas.sign_proof(text) FROM PUBLIC;
COMMENT ON FUNCTION saas.sign_proof(text) IS 'Signs a proof with a key that comes from the root key.';

CREATE OR REPLACE FUNCTION saas.is_proof_signed(p_text text, p_signature bytea)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_is_proof_signed';
REVOKE ALL ON FUNCTION saas.is_proof_signed(text, bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.is_proof_signed(text, bytea) IS 'Whether saas.sign_proof() has signed this text.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.make_key_version(uuid, text, uuid, uuid, integer),
            saas.rows_under_key(oid, smallint, bigint), saas.key_epochs(uuid, text),
            saas.begin_key_epoch(uuid, text, integer), saas.end_key_epochs(uuid, text, integer),
            saas.rewrap_key(uuid, bigint, text, uuid, uuid, integer, integer, bytea, text, text, integer),
            saas.take_root_key(), saas.sign_proof(text), saas.is_proof_signed(text, bytea)
        TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.reencrypt_stored(bytea, uuid, uuid, uuid),
            saas.rotate_rows_natively(oid, name, name, name, uuid, uuid, bigint[], bigint, bigint)
        TO %I, %I, pg_database_owner',
        pg_catalog.current_setting('saas.role_service'),
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
