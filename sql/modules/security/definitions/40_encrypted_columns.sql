-- Setting up columns that a trigger encrypts. For owners of tables; everything runs with their rights.
CREATE OR REPLACE FUNCTION saas.encryption_arguments(p_table regclass, p_column name)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT saas.trigger_arguments(t.tgargs)
    FROM pg_trigger AS t
    WHERE t.tgrelid = p_table
        AND t.tgfoid = 'saas.encrypt_columns()'::regprocedure
        AND (saas.trigger_arguments(t.tgargs))[1] = p_column
$$;
COMMENT ON FUNCTION saas.encryption_arguments(regclass, name) IS
'The arguments of the trigger that encrypts a column; NULL for a column that is not encrypted.';
REVOKE ALL ON FUNCTION saas.encryption_arguments(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.encryption_arguments(regclass, name) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.require_encryption(p_table regclass, p_column name)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_arguments text[] := saas.encryption_arguments(p_table, p_column);
BEGIN
    IF v_arguments IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA112',
            MESSAGE = format('column %I of %s is not encrypted', p_column, p_table),
            HINT = 'Set it up with saas.encrypt_column() first.';
    END IF;
    -- What a disabled trigger lets through would be stored as plaintext.
    IF EXISTS (
        SELECT FROM pg_trigger AS t
        WHERE t.tgrelid = p_table
            AND t.tgfoid = 'saas.encrypt_columns()'::regprocedure
            AND (saas.trigger_arguments(t.tgargs))[1] = p_column
            AND t.tgenabled <> 'A'
            AND t.tgenabled <> CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA110',
            MESSAGE = format('the trigger that encrypts column %I of %s is disabled', p_column, p_table),
            HINT = 'Enable it, or set session_replication_role to origin.';
    END IF;
    RETURN v_arguments;
END
$$;
COMMENT ON FUNCTION saas.require_encryption(regclass, name) IS
'The same, with SA112 for a column that is not encrypted, and SA110 while its trigger would not fire.';
REVOKE ALL ON FUNCTION saas.require_encryption(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_encryption(regclass, name) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.make_encrypting_trigger(p_table regclass, p_arguments text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    -- Two long names can begin alike, and a name holds 63 bytes.
    v_name name := COALESCE(
        (
            SELECT t.tgname FROM pg_trigger AS t
            WHERE t.tgrelid = p_table
                AND t.tgfoid = 'saas.encrypt_columns()'::regprocedure
                AND (saas.trigger_arguments(t.tgargs))[1] = p_arguments[1]
        ),
        'saas_encrypt_' || CASE WHEN octet_length(p_arguments[1]) <= 40 THEN p_arguments[1] ELSE md5(p_arguments[1]) END
    );
BEGIN
    -- Not UPDATE OF: another trigger may give the column a value in an UPDATE that does not name it.
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER %I BEFORE INSERT OR UPDATE ON %s
         FOR EACH ROW EXECUTE FUNCTION saas.encrypt_columns(%s)',
        v_name,
        p_table,
        (SELECT string_agg(quote_literal(a.argument), ', ' ORDER BY a.ordinal)
        FROM unnest(p_arguments) WITH ORDINALITY AS a (argument, ordinal))
    );
END
$$;
COMMENT ON FUNCTION saas.make_encrypting_trigger(regclass, text[]) IS
'Makes or replaces the trigger of an encrypted column with these arguments.';
REVOKE ALL ON FUNCTION saas.make_encrypting_trigger(regclass, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.make_encrypting_trigger(regclass, text[]) TO pg_database_owner, saas_migrator;

-- A trigger names its column, and fails when that is renamed. Set up under the new name, the column takes the
-- trigger's blind indexes over.
CREATE OR REPLACE FUNCTION saas.take_over_renamed_trigger(p_table regclass, p_column name)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_triggers name[];
    v_arguments text[];
BEGIN
    SELECT array_agg(t.tgname), min(saas.trigger_arguments(t.tgargs))
    INTO v_triggers, v_arguments
    FROM pg_trigger AS t
    WHERE t.tgrelid = p_table
        AND t.tgfoid = 'saas.encrypt_columns()'::regprocedure
        AND t.tgparentid = 0
        AND NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = p_table
                AND a.attname = (saas.trigger_arguments(t.tgargs))[1]
                AND NOT a.attisdropped
        );
    -- Of two or more, nobody knows which one was this column's.
    IF cardinality(v_triggers) = 1 AND saas.encryption_arguments(p_table, p_column) IS NULL THEN
        EXECUTE format('DROP TRIGGER %I ON %s', v_triggers[1], p_table);
        RETURN ARRAY(
            SELECT a.argument
            FROM unnest(v_arguments) WITH ORDINALITY AS a (argument, ordinal)
            WHERE a.ordinal > 5
            ORDER BY a.ordinal
        );
    END IF;
    RETURN '{}'::text[];
END
$$;
COMMENT ON FUNCTION saas.take_over_renamed_trigger(regclass, name) IS
'Drops the one encrypting trigger of the table whose column is there no longer, when this column has none, and returns its blind indexes.';
REVOKE ALL ON FUNCTION saas.take_over_renamed_trigger(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.take_over_renamed_trigger(regclass, name) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.require_encryptable(p_table regclass, p_column name)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_column pg_attribute;
BEGIN
    PERFORM saas.require_column(p_table, p_column);
    SELECT * INTO v_column FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname = p_column;
    IF v_column.atttypid NOT IN ('text'::regtype, 'bytea'::regtype, 'varchar'::regtype) OR v_column.atttypmod <> -1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA110',
            MESSAGE = format('column %I of %s cannot hold encrypted values', p_column, p_table),
            DETAIL = format('Its type is %s.', format_type(v_column.atttypid, v_column.atttypmod)),
            HINT = format('ALTER TABLE %s ALTER COLUMN %I TYPE text;', p_table, p_column);
    END IF;
    IF v_column.attgenerated <> '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA110',
            MESSAGE = format('column %I of %s is generated', p_column, p_table),
            HINT = 'Encrypt the column that it is generated from.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_encryptable(regclass, name) IS
'SA034 for a column that is not there, SA110 for one that cannot hold encrypted values.';
REVOKE ALL ON FUNCTION saas.require_encryptable(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_encryptable(regclass, name) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.encrypt_column(
    p_table regclass,
    p_column name,
    p_row_column name DEFAULT 'id',
    p_subject_column name DEFAULT NULL,
    p_team_column name DEFAULT 'team_id',
    p_algorithm text DEFAULT 'xaes-256-gcm',
    p_classification text DEFAULT 'confidential'
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_asset uuid;
    v_name name;
    v_team name := p_team_column;
    v_indexes text[];
BEGIN
    PERFORM saas.require_encryptable(p_table, p_column);
    IF p_team_column = 'team_id' AND NOT EXISTS (
        SELECT FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname = 'team_id' AND NOT a.attisdropped
    ) THEN
        v_team := NULL;
    END IF;
    FOREACH v_name IN ARRAY ARRAY[p_row_column, p_subject_column, v_team] LOOP
        IF v_name IS NOT NULL THEN
            PERFORM saas.require_column(p_table, v_name, 'uuid');
        END IF;
    END LOOP;
    IF p_algorithm IS NULL OR p_algorithm NOT IN ('xaes-256-gcm', 'aes-256-gcm', 'aes-256-siv') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'there is no such algorithm',
            HINT = 'The algorithms are xaes-256-gcm, aes-256-gcm and aes-256-siv.';
    END IF;
    v_asset := saas.register_asset(p_table, p_column, p_classification);
    v_indexes := saas.take_over_renamed_trigger(p_table, p_column);
    PERFORM saas.make_encrypting_trigger(
        p_table,
        ARRAY[p_column, COALESCE(p_row_column, ''), COALESCE(p_subject_column, ''), COALESCE(v_team, ''), p_algorithm]::text[]
        || COALESCE((saas.encryption_arguments(p_table, p_column))[6:], v_indexes)
    );
    RETURN v_asset;
END
$$;
COMMENT ON FUNCTION saas.encrypt_column(regclass, name, name, name, name, text, text) IS
'From now on a trigger encrypts what is written to this column of type text or bytea, bound to team, column and row (p_row_column, a uuid; NULL for no row), with p_subject_column under the key of that person. Rows that are there: saas.encrypt_existing(). Run by the owner of the table. Returns the asset.';
REVOKE ALL ON FUNCTION saas.encrypt_column(regclass, name, name, name, name, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.encrypt_column(regclass, name, name, name, name, text, text) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.encrypted_test(p_table regclass, p_column name)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT format(
        CASE a.atttypid WHEN 'bytea'::regtype THEN 'saas.is_ciphertext(t.%I)'
        ELSE 'COALESCE(saas.is_ciphertext(saas.ciphertext_from_text(t.%I)), t.%1$I IS NULL)' END,
        p_column
    )
    FROM pg_attribute AS a
    WHERE a.attrelid = p_table AND a.attname = p_column
$$;
COMMENT ON FUNCTION saas.encrypted_test(regclass, name) IS
'The text of an expression that tells whether a column of row t holds an encrypted value.';
REVOKE ALL ON FUNCTION saas.encrypted_test(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.encrypted_test(regclass, name) TO pg_database_owner, saas_migrator;

-- Batches go by ctid, which names a row within one table only. The functions that work on batches switch
-- off all scans but that of a range of ctids: an index would give rows in another order, and those before the
-- last one of a batch would be left out.
CREATE OR REPLACE FUNCTION saas.require_rows(p_table regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF (SELECT c.relkind FROM pg_class AS c WHERE c.oid = p_table) = 'p' THEN
        RAISE EXCEPTION USING
            ERRCODE = '42809',
            MESSAGE = format('%s is partitioned', p_table),
            HINT = 'Convert its partitions one by one.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_rows(regclass) IS '42809 for a partitioned table, which has no rows of its own.';
REVOKE ALL ON FUNCTION saas.require_rows(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_rows(regclass) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.encrypt_existing(
    p_table regclass,
    p_column name,
    p_batch integer DEFAULT 1000,
    p_after tid DEFAULT '(0,0)',
    OUT encrypted bigint,
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
    v_rows tid[];
BEGIN
    PERFORM saas.require_encryption(p_table, p_column);
    PERFORM saas.require_rows(p_table);
    IF COALESCE(p_batch, 0) < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a batch of at least one row is needed';
    END IF;
    EXECUTE format(
        'SELECT array_agg(r.ctid) FROM (
            SELECT t.ctid FROM ONLY %s AS t
            WHERE t.ctid > $1 AND t.%I IS NOT NULL AND NOT %s
            LIMIT $2 FOR UPDATE
        ) AS r',
        p_table, p_column, saas.encrypted_test(p_table, p_column)
    ) INTO v_rows USING p_after, p_batch;
    EXECUTE format('UPDATE ONLY %s AS t SET %I = t.%2$I WHERE t.ctid = ANY ($1)', p_table, p_column) USING v_rows;
    GET DIAGNOSTICS encrypted = ROW_COUNT;
    next_after := (SELECT max(r.id) FROM unnest(v_rows) AS r (id));
END
$$;
COMMENT ON FUNCTION saas.encrypt_existing(regclass, name, integer, tid) IS
'Encrypts a batch of the rows of an encrypted column that still hold plaintext, and says how many, and where the next batch begins: NULL after the last one. Can be stopped and begun again at any time. Needs the rights of a worker (saas_service), since rows are of many teams.';
REVOKE ALL ON FUNCTION saas.encrypt_existing(regclass, name, integer, tid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.encrypt_existing(regclass, name, integer, tid) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.create_decrypted_view(p_table regclass, p_view name DEFAULT NULL)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_schema name;
    v_view text;
    v_columns text;
BEGIN
    SELECT n.nspname, COALESCE(p_view, left(c.relname, 53) || '_decrypted') INTO v_schema, v_view
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_table;
    SELECT string_agg(
        CASE WHEN e.arguments IS NULL THEN format('t.%I', a.attname)
        ELSE format(
            'CASE WHEN t.%I IS NOT NULL AND %s THEN saas.%s(%s, %L::uuid, %s, %s) ELSE t.%1$I END AS %1$I',
            a.attname,
            saas.encrypted_test(p_table, a.attname),
            CASE a.atttypid WHEN 'bytea'::regtype THEN 'decrypt_sensitive_bytes' ELSE 'decrypt_sensitive_data' END,
            format(CASE a.atttypid WHEN 'bytea'::regtype THEN 't.%I' ELSE 'saas.ciphertext_from_text(t.%I)' END, a.attname),
            saas.asset_id(p_table, a.attname),
            COALESCE('t.' || quote_ident(NULLIF(e.arguments[2], '')), 'NULL::uuid'),
            COALESCE('t.' || quote_ident(NULLIF(e.arguments[4], '')), 'NULL::uuid')
        ) END,
        ', ' ORDER BY a.attnum
    ) INTO v_columns
    FROM pg_attribute AS a
    CROSS JOIN LATERAL (SELECT saas.encryption_arguments(p_table, a.attname) AS arguments) AS e
    WHERE a.attrelid = p_table
        AND a.attnum > 0
        AND NOT a.attisdropped
        AND NOT EXISTS ( -- numbers of blind indexes tell a reader nothing
            SELECT FROM pg_trigger AS t
            CROSS JOIN LATERAL unnest((saas.trigger_arguments(t.tgargs))[6:]) AS i (argument)
            WHERE t.tgrelid = p_table
                AND t.tgfoid = 'saas.encrypt_columns()'::regprocedure
                AND regexp_replace(i.argument, '^([^:]*:){4}', '') = a.attname
        );
    EXECUTE format(
        'CREATE OR REPLACE VIEW %I.%I WITH (security_barrier = true, security_invoker = true) AS SELECT %s FROM %s AS t',
        v_schema, v_view, v_columns, p_table
    );
    RETURN format('%I.%I', v_schema, v_view)::regclass;
END
$$;
COMMENT ON FUNCTION saas.create_decrypted_view(regclass, name) IS
'Makes or replaces a view of the table with its encrypted columns decrypted, <table>_decrypted unless named. Readers need SELECT on both, and see the rows that they may see in the table. Run by the owner of the table.';
REVOKE ALL ON FUNCTION saas.create_decrypted_view(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_decrypted_view(regclass, name) TO pg_database_owner, saas_migrator;
