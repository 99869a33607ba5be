-- Encryption of values. docs/modules/encryption.md describes bindings and keys. Encrypting is VOLATILE, since
-- every call takes a new nonce; nothing here is LEAKPROOF.
CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_data(p_value text)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_text';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_data(text) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_data(text) IS
'Encrypts text under the key of the team of the request context, bound to that team. SA100 when the keystore is sealed, SA102 without a context.';

CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_data(
    p_value text,
    p_asset uuid,
    p_row uuid DEFAULT NULL,
    p_subject uuid DEFAULT NULL,
    p_algorithm text DEFAULT 'xaes-256-gcm',
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_text_asset';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_data(text, uuid, uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_data(text, uuid, uuid, uuid, text, uuid) IS
'Encrypts text, bound to the team, an asset (saas.asset_id()) and, when given, a row; with p_subject under that person''s own key. Algorithms: xaes-256-gcm, aes-256-gcm, and aes-256-siv, which shows which values are equal. Only workers name p_team.';

CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_data(
    p_value text,
    p_table regclass,
    p_column name,
    p_row uuid DEFAULT NULL,
    p_subject uuid DEFAULT NULL,
    p_algorithm text DEFAULT 'xaes-256-gcm',
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_text_column';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_data(text, regclass, name, uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_data(text, regclass, name, uuid, uuid, text, uuid) IS
'The same for an asset that is named as a column. SA104 when it is not registered (saas.register_asset()).';

CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_bytes(p_value bytea)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_bytes';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_bytes(bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_bytes(bytea) IS
'Encrypts bytes under the key of the team of the request context, bound to that team. SA100 when the keystore is sealed, SA102 without a context.';

CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_bytes(
    p_value bytea,
    p_asset uuid,
    p_row uuid DEFAULT NULL,
    p_subject uuid DEFAULT NULL,
    p_algorithm text DEFAULT 'xaes-256-gcm',
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_bytes_asset';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_bytes(bytea, uuid, uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_bytes(bytea, uuid, uuid, uuid, text, uuid) IS
'Encrypts bytes, bound to the team, an asset (saas.asset_id()) and, when given, a row; with p_subject under that person''s own key. Algorithms: xaes-256-gcm, aes-256-gcm, and aes-256-siv, which shows which values are equal. Only workers name p_team.';

CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_bytes(
    p_value bytea,
    p_table regclass,
    p_column name,
    p_row uuid DEFAULT NULL,
    p_subject uuid DEFAULT NULL,
    p_algorithm text DEFAULT 'xaes-256-gcm',
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_bytes_column';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_bytes(bytea, regclass, name, uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_bytes(bytea, regclass, name, uuid, uuid, text, uuid) IS
'The same for an asset that is named as a column. SA104 when it is not registered (saas.register_asset()).';

CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_json(p_value jsonb)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_json';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_json(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_json(jsonb) IS
'Encrypts JSON under the key of the team of the request context, bound to that team. SA100 when the keystore is sealed, SA102 without a context.';

CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_json(
    p_value jsonb,
    p_asset uuid,
    p_row uuid DEFAULT NULL,
    p_subject uuid DEFAULT NULL,
    p_algorithm text DEFAULT 'xaes-256-gcm',
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_json_asset';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_json(jsonb, uuid, uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_json(jsonb, uuid, uuid, uuid, text, uuid) IS
'Encrypts JSON, bound to the team, an asset (saas.asset_id()) and, when given, a row; with p_subject under that person''s own key. Algorithms: xaes-256-gcm, aes-256-gcm, and aes-256-siv, which shows which values are equal. Only workers name p_team.';

CREATE OR REPLACE FUNCTION saas.encrypt_sensitive_json(
    p_value jsonb,
    p_table regclass,
    p_column name,
    p_row uuid DEFAULT NULL,
    p_subject uuid DEFAULT NULL,
    p_algorithm text DEFAULT 'xaes-256-gcm',
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_json_column';
REVOKE ALL ON FUNCTION saas.encrypt_sensitive_json(jsonb, regclass, name, uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_sensitive_json(jsonb, regclass, name, uuid, uuid, text, uuid) IS
'The same for an asset that is named as a column. SA104 when it is not registered (saas.register_asset()).';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_data(p_value bytea)
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_text';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_data(bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_data(bytea) IS
'Decrypts what encrypt_sensitive_data() encrypted for the team of the request context. SA101 decryption failed, whatever the cause.';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_data(
    p_value bytea,
    p_asset uuid,
    p_row uuid DEFAULT NULL,
    p_team uuid DEFAULT NULL
)
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_text_asset';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_data(bytea, uuid, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_data(bytea, uuid, uuid, uuid) IS
'Decrypts a value that was bound to this asset and, when given, this row. SA101 when it was moved, changed or bound otherwise.';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_data(
    p_value bytea,
    p_table regclass,
    p_column name,
    p_row uuid DEFAULT NULL,
    p_team uuid DEFAULT NULL
)
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_text_column';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_data(bytea, regclass, name, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_data(bytea, regclass, name, uuid, uuid) IS
'The same for an asset that is named as a column.';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_bytes(p_value bytea)
RETURNS bytea
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_bytes';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_bytes(bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_bytes(bytea) IS
'Decrypts what encrypt_sensitive_bytes() encrypted for the team of the request context. SA101 decryption failed, whatever the cause.';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_bytes(
    p_value bytea,
    p_asset uuid,
    p_row uuid DEFAULT NULL,
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_bytes_asset';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_bytes(bytea, uuid, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_bytes(bytea, uuid, uuid, uuid) IS
'Decrypts a value that was bound to this asset and, when given, this row. SA101 when it was moved, changed or bound otherwise.';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_bytes(
    p_value bytea,
    p_table regclass,
    p_column name,
    p_row uuid DEFAULT NULL,
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_bytes_column';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_bytes(bytea, regclass, name, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_bytes(bytea, regclass, name, uuid, uuid) IS
'The same for an asset that is named as a column.';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_json(p_value bytea)
RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_json';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_json(bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_json(bytea) IS
'Decrypts what encrypt_sensitive_json() encrypted for the team of the request context. SA101 decryption failed, whatever the cause.';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_json(
    p_value bytea,
    p_asset uuid,
    p_row uuid DEFAULT NULL,
    p_team uuid DEFAULT NULL
)
RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_json_asset';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_json(bytea, uuid, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_json(bytea, uuid, uuid, uuid) IS
'Decrypts a value that was bound to this asset and, when given, this row. SA101 when it was moved, changed or bound otherwise.';

CREATE OR REPLACE FUNCTION saas.decrypt_sensitive_json(
    p_value bytea,
    p_table regclass,
    p_column name,
    p_row uuid DEFAULT NULL,
    p_team uuid DEFAULT NULL
)
RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_decrypt_json_column';
REVOKE ALL ON FUNCTION saas.decrypt_sensitive_json(bytea, regclass, name, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.decrypt_sensitive_json(bytea, regclass, name, uuid, uuid) IS
'The same for an asset that is named as a column.';

CREATE OR REPLACE FUNCTION saas.reencrypt(p_value bytea)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_reencrypt';
REVOKE ALL ON FUNCTION saas.reencrypt(bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.reencrypt(bytea) IS
'Encrypts a value anew under the newest version of the key that it was under, with the same binding; the plaintext does not come to SQL.';

CREATE OR REPLACE FUNCTION saas.reencrypt(
    p_value bytea,
    p_asset uuid,
    p_row uuid DEFAULT NULL,
    p_subject uuid DEFAULT NULL,
    p_algorithm text DEFAULT NULL,
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_reencrypt_asset';
REVOKE ALL ON FUNCTION saas.reencrypt(bytea, uuid, uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.reencrypt(bytea, uuid, uuid, uuid, text, uuid) IS
'The same for a value bound to an asset and, when given, a row. Subject and algorithm stay as they are unless given.';

CREATE OR REPLACE FUNCTION saas.reencrypt(
    p_value bytea,
    p_table regclass,
    p_column name,
    p_row uuid DEFAULT NULL,
    p_subject uuid DEFAULT NULL,
    p_algorithm text DEFAULT NULL,
    p_team uuid DEFAULT NULL
)
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_reencrypt_column';
REVOKE ALL ON FUNCTION saas.reencrypt(bytea, regclass, name, uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.reencrypt(bytea, regclass, name, uuid, uuid, text, uuid) IS
'The same for an asset that is named as a column.';

CREATE OR REPLACE FUNCTION saas.is_ciphertext(p_value bytea)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_is_ciphertext';
COMMENT ON FUNCTION saas.is_ciphertext(bytea) IS
'Whether the bytes have the form of an encrypted value. Not whether they are genuine: only decrypting tells.';

CREATE OR REPLACE FUNCTION saas.ciphertext_info(
    p_value bytea,
    OUT valid boolean,
    OUT version integer,
    OUT algorithm text,
    OUT key_no bigint,
    OUT asset_bound boolean,
    OUT row_bound boolean,
    OUT plaintext_bytes integer
)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_ciphertext_info';
COMMENT ON FUNCTION saas.ciphertext_info(bytea) IS
'What the header of an encrypted value says, without a key: algorithm, number of the key, what it is bound to, length of the plaintext. Not valid, and NULLs, for other bytes.';

CREATE OR REPLACE FUNCTION saas.keystore_sealed()
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_keystore_sealed';
COMMENT ON FUNCTION saas.keystore_sealed() IS
'Whether the server has no root key, so that nothing can be encrypted or decrypted.';

-- To the roles that act for members of a team, to workers, and to the package's own functions.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['app', 'service', 'internal'] LOOP
        EXECUTE pg_catalog.format(
            'GRANT EXECUTE ON FUNCTION
            saas.encrypt_sensitive_data(text),
            saas.encrypt_sensitive_data(text, uuid, uuid, uuid, text, uuid),
            saas.encrypt_sensitive_data(text, regclass, name, uuid, uuid, text, uuid),
            saas.decrypt_sensitive_data(bytea),
            saas.decrypt_sensitive_data(bytea, uuid, uuid, uuid),
            saas.decrypt_sensitive_data(bytea, regclass, name, uuid, uuid),
            saas.encrypt_sensitive_bytes(bytea),
            saas.encrypt_sensitive_bytes(bytea, uuid, uuid, uuid, text, uuid),
            saas.encrypt_sensitive_bytes(bytea, regclass, name, uuid, uuid, text, uuid),
            saas.decrypt_sensitive_bytes(bytea),
            saas.decrypt_sensitive_bytes(bytea, uuid, uuid, uuid),
            saas.decrypt_sensitive_bytes(bytea, regclass, name, uuid, uuid),
            saas.encrypt_sensitive_json(jsonb),
            saas.encrypt_sensitive_json(jsonb, uuid, uuid, uuid, text, uuid),
            saas.encrypt_sensitive_json(jsonb, regclass, name, uuid, uuid, text, uuid),
            saas.decrypt_sensitive_json(bytea),
            saas.decrypt_sensitive_json(bytea, uuid, uuid, uuid),
            saas.decrypt_sensitive_json(bytea, regclass, name, uuid, uuid),
            saas.reencrypt(bytea),
            saas.reencrypt(bytea, uuid, uuid, uuid, text, uuid),
            saas.reencrypt(bytea, regclass, name, uuid, uuid, text, uuid)
            TO %I',
            pg_catalog.current_setting('saas.role_' || v_role)
        );
    END LOOP;
END
$$;
