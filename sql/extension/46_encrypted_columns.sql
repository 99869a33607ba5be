-- Columns that are encrypted by a trigger, and blind indexes. docs/modules/encrypted_columns.md
CREATE OR REPLACE FUNCTION saas.encrypt_columns()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_encrypt_columns';
REVOKE ALL ON FUNCTION saas.encrypt_columns() FROM PUBLIC;
COMMENT ON FUNCTION saas.encrypt_columns() IS
'Trigger that encrypts a column and computes its blind indexes. saas.encrypt_column() makes it. SA110 when its arguments are wrong, SA111 for a value that was encrypted for another place.';

CREATE OR REPLACE FUNCTION saas.ciphertext_to_text(p_value bytea)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_ciphertext_to_text';
COMMENT ON FUNCTION saas.ciphertext_to_text(bytea) IS
'An encrypted value as it stands in columns of type text.';

CREATE OR REPLACE FUNCTION saas.ciphertext_from_text(p_value text)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_ciphertext_from_text';
COMMENT ON FUNCTION saas.ciphertext_from_text(text) IS
'The encrypted value in a column of type text; NULL for a text that is none.';

CREATE OR REPLACE FUNCTION saas.blind_index(
    p_value text,
    p_asset uuid,
    p_bits integer DEFAULT 63,
    p_team uuid DEFAULT NULL
)
RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_blind_index_asset';
COMMENT ON FUNCTION saas.blind_index(text, uuid, integer, uuid) IS
'The number that stands for a value in the blind index of an asset, without regard to case and blanks at both ends, under the newest key of the team of the request context. Not immutable: the key rotates.';

CREATE OR REPLACE FUNCTION saas.blind_index(
    p_value text,
    p_table regclass,
    p_column name,
    p_bits integer DEFAULT 63,
    p_team uuid DEFAULT NULL
)
RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_blind_index_column';
COMMENT ON FUNCTION saas.blind_index(text, regclass, name, integer, uuid) IS
'The same for an asset that is named as a column.';

CREATE OR REPLACE FUNCTION saas.blind_index_prefix(
    p_value text,
    p_asset uuid,
    p_characters integer DEFAULT 3,
    p_bits integer DEFAULT 63,
    p_team uuid DEFAULT NULL
)
RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_blind_index_prefix';
COMMENT ON FUNCTION saas.blind_index_prefix(text, uuid, integer, integer, uuid) IS
'The same of the first characters of a value; NULL when it has fewer.';

CREATE OR REPLACE FUNCTION saas.blind_index_last_four(
    p_value text,
    p_asset uuid,
    p_bits integer DEFAULT 63,
    p_team uuid DEFAULT NULL
)
RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_blind_index_last_four';
COMMENT ON FUNCTION saas.blind_index_last_four(text, uuid, integer, uuid) IS
'The same of the last four letters and digits of a value; NULL when it has fewer.';

CREATE OR REPLACE FUNCTION saas.blind_index_candidates(
    p_value text,
    p_asset uuid,
    p_bits integer DEFAULT 63,
    p_team uuid DEFAULT NULL
)
RETURNS bigint[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_blind_candidates_asset';
COMMENT ON FUNCTION saas.blind_index_candidates(text, uuid, integer, uuid) IS
'The numbers that may stand for a value while the key of the index rotates: WHERE email_index = ANY (saas.blind_index_candidates(…)).';

CREATE OR REPLACE FUNCTION saas.blind_index_candidates(
    p_value text,
    p_table regclass,
    p_column name,
    p_bits integer DEFAULT 63,
    p_team uuid DEFAULT NULL
)
RETURNS bigint[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_blind_candidates_column';
COMMENT ON FUNCTION saas.blind_index_candidates(text, regclass, name, integer, uuid) IS
'The same for an asset that is named as a column.';

CREATE OR REPLACE FUNCTION saas.blind_index_prefix_candidates(
    p_value text,
    p_asset uuid,
    p_characters integer DEFAULT 3,
    p_bits integer DEFAULT 63,
    p_team uuid DEFAULT NULL
)
RETURNS bigint[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_blind_candidates_prefix';
COMMENT ON FUNCTION saas.blind_index_prefix_candidates(text, uuid, integer, integer, uuid) IS
'The same of the first characters of a value.';

CREATE OR REPLACE FUNCTION saas.blind_index_last_four_candidates(
    p_value text,
    p_asset uuid,
    p_bits integer DEFAULT 63,
    p_team uuid DEFAULT NULL
)
RETURNS bigint[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_blind_candidates_last_four';
COMMENT ON FUNCTION saas.blind_index_last_four_candidates(text, uuid, integer, uuid) IS
'The same of the last four letters and digits of a value.';

-- A trigger function needs its right when the trigger is made: for owners of tables. Members of a team and
-- workers look values up.
DO $$
DECLARE
    v_function regprocedure;
    v_role text;
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.encrypt_columns() TO pg_database_owner, %I',
        pg_catalog.current_setting('saas.role_migrator')
    );
    FOR v_function IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'saas'::pg_catalog.regnamespace AND p.proname LIKE 'blind\_index%'
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
        FOREACH v_role IN ARRAY ARRAY['app', 'service', 'internal'] LOOP
            EXECUTE pg_catalog.format(
                'GRANT EXECUTE ON FUNCTION %s TO %I', v_function, pg_catalog.current_setting('saas.role_' || v_role)
            );
        END LOOP;
    END LOOP;
END
$$;
