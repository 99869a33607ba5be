-- Blind indexes over encrypted columns, and the conversion of what pgcrypto encrypted.
CREATE OR REPLACE FUNCTION saas.add_blind_index(
    p_table regclass,
    p_column name,
    p_kind text DEFAULT 'exact',
    p_characters integer DEFAULT 3,
    p_bits integer DEFAULT 63,
    p_index_column name DEFAULT NULL,
    p_unique boolean DEFAULT false
)
RETURNS name
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_arguments text[] := saas.require_encryption(p_table, p_column);
    v_variant text;
    v_index_column name;
    v_asset uuid;
    v_kept text[];
BEGIN
    IF p_kind NOT IN ('exact', 'prefix', 'last_four') OR p_bits NOT BETWEEN 1 AND 63 OR p_characters NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'there is no such blind index',
            HINT = 'Kinds are exact, prefix and last_four; 1 to 63 bits; a prefix of 1 to 100 characters.';
    END IF;
    v_variant := CASE p_kind WHEN 'exact' THEN '' WHEN 'prefix' THEN 'prefix_' || p_characters ELSE p_kind END;
    v_index_column := COALESCE(p_index_column, left(p_column, 40) || '_' || COALESCE(NULLIF(v_variant, ''), 'index'));
    v_asset := saas.register_asset(p_table, p_column, 'confidential', v_variant);
    EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS %I bigint', p_table, v_index_column);
    PERFORM saas.require_column(p_table, v_index_column, 'bigint');
    IF col_description(p_table, (SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname = v_index_column)) IS NULL THEN
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', p_table, v_index_column,
            format('Blind index of %I (%s): a number that stands for the value. [confidential]', p_column, p_kind));
    END IF;
    v_kept := ARRAY(
        SELECT i.argument FROM unnest(v_arguments[6:]) AS i (argument)
        WHERE regexp_replace(i.argument, '^([^:]*:){4}', '') <> v_index_column
    );
    PERFORM saas.make_encrypting_trigger(
        p_table,
        v_arguments[:5] || v_kept || format('%s:%s:%s:%s:%s', p_kind, p_characters, p_bits, v_asset, v_index_column)
    );
    EXECUTE format(
        'CREATE %s INDEX IF NOT EXISTS %I ON %s (%s%I)',
        CASE WHEN p_unique THEN 'UNIQUE' ELSE '' END,
        left((SELECT c.relname FROM pg_class AS c WHERE c.oid = p_table), 30) || '_' || left(v_index_column, 25) || '_blind',
        p_table,
        COALESCE(quote_ident(NULLIF(v_arguments[4], '')) || ', ', ''),
        v_index_column
    );
    RETURN v_index_column;
END
$$;
COMMENT ON FUNCTION saas.add_blind_index(regclass, name, text, integer, integer, name, boolean) IS
'Adds a column of type bigint that stands for the values of an encrypted column, kept by its trigger, with an index: exact for equality, prefix for the first p_characters, last_four for the last four letters and digits. Fewer p_bits tell less, and find other values, too. Rows that are there: saas.refresh_blind_indexes(). Run by the owner of the table. Returns the name of the column.';
REVOKE ALL ON FUNCTION saas.add_blind_index(regclass, name, text, integer, integer, name, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_blind_index(regclass, name, text, integer, integer, name, boolean) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.refresh_blind_indexes(p_table regclass, p_column name, p_team uuid DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_arguments text[] := saas.require_encryption(p_table, p_column);
    v_columns text;
    v_rows bigint;
BEGIN
    -- Setting an index makes the trigger compute it.
    SELECT string_agg(format('%I = NULL', regexp_replace(i.argument, '^([^:]*:){4}', '')), ', ') INTO v_columns
    FROM unnest(v_arguments[6:]) AS i (argument);
    IF v_columns IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE format(
        'UPDATE %s AS t SET %s WHERE t.%I IS NOT NULL AND ($1 IS NULL OR %s)',
        p_table, v_columns, p_column, COALESCE('t.' || quote_ident(NULLIF(v_arguments[4], '')) || ' = $1', 'true')
    ) USING p_team;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END
$$;
COMMENT ON FUNCTION saas.refresh_blind_indexes(regclass, name, uuid) IS
'Computes the blind indexes of an encrypted column anew under the newest key, for the rows of one team or of all. After adding an index, and after rotating its key; until then look-ups use saas.blind_index_candidates(). Returns how many rows.';
REVOKE ALL ON FUNCTION saas.refresh_blind_indexes(regclass, name, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refresh_blind_indexes(regclass, name, uuid) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.pgp_expression(p_table regclass, p_column name)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_schema name;
BEGIN
    SELECT n.nspname INTO v_schema
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'pgcrypto';
    RETURN (
        SELECT CASE a.atttypid
            WHEN 'bytea'::regtype THEN format('%I.pgp_sym_decrypt_bytea(t.%I, $2)', v_schema, p_column)
            ELSE format('%I.pgp_sym_decrypt(%1$I.dearmor(t.%2$I), $2)', v_schema, p_column)
        END
        FROM pg_attribute AS a
        WHERE a.attrelid = p_table AND a.attname = p_column
    );
END
$$;
COMMENT ON FUNCTION saas.pgp_expression(regclass, name) IS
'The text of an expression that decrypts what pgcrypto encrypted, with the passphrase in $2.';
REVOKE ALL ON FUNCTION saas.pgp_expression(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.pgp_expression(regclass, name) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.migrate_pgp_column(
    p_table regclass,
    p_column name,
    p_passphrase text,
    p_batch integer DEFAULT 1000,
    p_after tid DEFAULT '(0,0)',
    OUT migrated bigint,
    OUT failed bigint,
    OUT next_after tid
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
SET enable_indexscan = off
SET enable_bitmapscan = off
SET enable_seqscan = off
SET synchronize_seqscans = off
AS $$
DECLARE
    v_row tid;
    v_update text;
    v_encrypted boolean;
BEGIN
    PERFORM saas.require_encryption(p_table, p_column);
    PERFORM saas.require_rows(p_table);
    IF COALESCE(p_passphrase, '') = '' OR COALESCE(p_batch, 0) < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a passphrase and a batch of at least one row are needed';
    END IF;
    v_update := format(
        'UPDATE ONLY %s AS t SET %I = %s WHERE t.ctid = $1 RETURNING %s',
        p_table, p_column, saas.pgp_expression(p_table, p_column), saas.encrypted_test(p_table, p_column)
    );
    migrated := 0;
    failed := 0;
    FOR v_row IN EXECUTE format(
        'SELECT t.ctid FROM ONLY %s AS t WHERE t.ctid > $1 AND t.%I IS NOT NULL AND NOT %s LIMIT $2 FOR UPDATE',
        p_table, p_column, saas.encrypted_test(p_table, p_column)
    ) USING p_after, p_batch LOOP
        next_after := GREATEST(next_after, v_row);
        BEGIN
            EXECUTE v_update INTO v_encrypted USING v_row, p_passphrase;
        EXCEPTION WHEN external_routine_invocation_exception OR character_not_in_repertoire THEN
            v_encrypted := NULL; -- another passphrase, or no PGP message
        END;
        IF NOT v_encrypted THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA110',
                MESSAGE = format('column %I of %s would hold plaintext', p_column, p_table),
                HINT = 'Another trigger changes what saas.encrypt_columns() has encrypted.';
        END IF;
        -- A trigger or a policy of the table may keep the row as it was.
        migrated := migrated + CASE WHEN v_encrypted THEN 1 ELSE 0 END;
        failed := failed + CASE WHEN v_encrypted THEN 0 ELSE 1 END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.migrate_pgp_column(regclass, name, text, integer, tid) IS
'Converts a batch of values that pgp_sym_encrypt() of pgcrypto encrypted (type bytea, or text with armor) in a column that is set up with saas.encrypt_column(). Says how many were converted, how many did not open with the passphrase and stayed as they were, and where the next batch begins: NULL after the last one. Can be stopped and begun again at any time, also with another passphrase. Needs the rights of a worker (saas_service). The passphrase is not logged.';
REVOKE ALL ON FUNCTION saas.migrate_pgp_column(regclass, name, text, integer, tid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.migrate_pgp_column(regclass, name, text, integer, tid) TO pg_database_owner, saas_migrator;

-- What the arguments of an encrypting trigger say of its blind indexes: kind:characters:bits:asset:column.
CREATE OR REPLACE FUNCTION saas.index_columns_of(p_trigger text[])
RETURNS name[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(array_agg(regexp_replace(i.argument, '^([^:]*:){4}', '')::name), '{}')
    FROM unnest(p_trigger[6:]) AS i (argument)
$$;
COMMENT ON FUNCTION saas.index_columns_of(text[]) IS 'The columns of the blind indexes that an encrypting trigger keeps.';
REVOKE ALL ON FUNCTION saas.index_columns_of(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.index_columns_of(text[]) TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.index_assets_of(p_trigger text[])
RETURNS uuid[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(array_agg(split_part(i.argument, ':', 4)::uuid), '{}')
    FROM unnest(p_trigger[6:]) AS i (argument)
$$;
COMMENT ON FUNCTION saas.index_assets_of(text[]) IS 'The assets that name the keys of those blind indexes.';
REVOKE ALL ON FUNCTION saas.index_assets_of(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.index_assets_of(text[]) TO saas_service, pg_database_owner;
GRANT EXECUTE ON FUNCTION saas.encryption_arguments(regclass, name) TO saas_service;
