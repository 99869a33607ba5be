-- Rows are brought from older keys to newer ones, some at a time.
CREATE OR REPLACE FUNCTION saas.outdated_keys(p_team uuid, p_assets uuid[] DEFAULT NULL)
RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RETURN COALESCE((
        SELECT array_agg(k.key_no ORDER BY k.key_no)
        FROM saas.encryption_keys AS k
        WHERE k.status = 'decrypt_only'
            AND (p_team IS NULL OR k.team_id = p_team)
            AND CASE
                WHEN p_assets IS NULL THEN k.kind <> 'index'
                ELSE k.kind = 'index' AND k.asset_id = ANY (p_assets)
            END
    ), '{}');
END
$$;
COMMENT ON FUNCTION saas.outdated_keys(uuid, uuid[]) IS
'Numbers of the keys whose values are to be encrypted anew, of a team or of all; with p_assets, of the blind indexes over these assets.';
REVOKE ALL ON FUNCTION saas.outdated_keys(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.outdated_keys(uuid, uuid[]) TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.begin_rotation(p_asset uuid, p_team uuid, p_index_assets uuid[], p_restart boolean)
RETURNS saas.encryption_rotations
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_team uuid := COALESCE(p_team, '00000000-0000-0000-0000-000000000000');
    v_index_keys bigint[] := saas.outdated_keys(p_team, p_index_assets);
    v_digest text := md5(saas.outdated_keys(p_team)::text || v_index_keys::text);
    v_progress saas.encryption_rotations;
BEGIN
    INSERT INTO saas.encryption_rotations AS r (asset_id, team_id) VALUES (p_asset, v_team)
    ON CONFLICT (asset_id, team_id) DO NOTHING;
    SELECT r.* INTO v_progress
    FROM saas.encryption_rotations AS r
    WHERE r.asset_id = p_asset AND r.team_id = v_team
    FOR UPDATE;
    -- Keys that were rotated meanwhile begin it anew.
    IF p_restart OR v_progress.keys_digest <> v_digest THEN
        UPDATE saas.encryption_rotations AS r
        SET pass = 1, table_oid = 0, next_block = 0, found = 0, skipped = 0, failed = 0,
            reencrypted = CASE WHEN r.finished_at IS NULL THEN r.reencrypted ELSE 0 END,
            keys_digest = v_digest,
            index_keys = v_index_keys,
            reindexing = v_index_keys <> '{}',
            started_at = now(),
            finished_at = NULL
        WHERE r.asset_id = p_asset AND r.team_id = v_team
        RETURNING r.* INTO v_progress;
    END IF;
    RETURN v_progress;
END
$$;
COMMENT ON FUNCTION saas.begin_rotation(uuid, uuid, uuid[], boolean) IS
'The progress of a column, locked until the transaction ends; at the beginning when keys were rotated since.';
REVOKE ALL ON FUNCTION saas.begin_rotation(uuid, uuid, uuid[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.begin_rotation(uuid, uuid, uuid[], boolean) TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.save_rotation(p_progress saas.encryption_rotations)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    UPDATE saas.encryption_rotations AS r
    SET pass = p_progress.pass,
        table_oid = p_progress.table_oid,
        next_block = p_progress.next_block,
        end_block = p_progress.end_block,
        found = p_progress.found,
        skipped = p_progress.skipped,
        reindexing = p_progress.reindexing,
        reencrypted = p_progress.reencrypted,
        failed = p_progress.failed,
        updated_at = clock_timestamp(),
        finished_at = p_progress.finished_at
    WHERE r.asset_id = p_progress.asset_id AND r.team_id = p_progress.team_id
$$;
COMMENT ON FUNCTION saas.save_rotation(saas.encryption_rotations) IS 'Writes the progress of a column.';
REVOKE ALL ON FUNCTION saas.save_rotation(saas.encryption_rotations) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.save_rotation(saas.encryption_rotations) TO saas_service, pg_database_owner;

-- A statement over the rows of one batch, as texts: which rows are outdated, and what makes them current.
CREATE OR REPLACE FUNCTION saas.rotation_statements(
    p_table regclass,
    p_column name,
    p_row_column name,
    p_team_column name,
    p_index_columns name[],
    OUT is_outdated text,
    OUT assignments text,
    OUT team text
)
RETURNS record
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_type regtype := (SELECT a.atttypid FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname = p_column AND NOT a.attisdropped);
    v_value text := 't.' || quote_ident(p_column);
    v_fresh text;
BEGIN
    IF v_type IS NULL OR v_type NOT IN ('bytea'::regtype, 'text'::regtype, 'varchar'::regtype) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA108',
            MESSAGE = format('column %I of %s holds no encrypted values', p_column, p_table),
            HINT = 'Encrypted values are of type bytea, or of type text in columns that saas.encrypt_column() set up.';
    END IF;
    IF v_type <> 'bytea'::regtype THEN
        v_value := format('saas.ciphertext_from_text(%s)', v_value);
    END IF;
    team := COALESCE('t.' || quote_ident(p_team_column), '$2::uuid');
    v_fresh := format(
        'saas.reencrypt_stored(%s, $3::uuid, %s, %s)', v_value, COALESCE('t.' || quote_ident(p_row_column), 'NULL'), team
    );
    IF v_type <> 'bytea'::regtype THEN
        v_fresh := format('saas.ciphertext_to_text(%s)', v_fresh);
    END IF;
    is_outdated := format('saas.ciphertext_key_no(%s) = ANY ($4::bigint[])', v_value);
    assignments := format('%I = %s', p_column, v_fresh)
        || COALESCE((SELECT string_agg(format(', %I = NULL', i.name), '') FROM unnest(p_index_columns) AS i (name)), '');
END
$$;
COMMENT ON FUNCTION saas.rotation_statements(regclass, name, name, name, name[]) IS
'Texts of expressions over rows t for saas.rotation_step(): $2 team, $3 asset, $4 outdated keys. SA108 for a column of another type.';
REVOKE ALL ON FUNCTION saas.rotation_statements(regclass, name, name, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rotation_statements(regclass, name, name, name, name[]) TO saas_service, pg_database_owner;

-- Executes one of these updates and counts the rows; -1 when a value does not open.
CREATE OR REPLACE FUNCTION saas.try_rotation(p_update text, p_rows tid[], p_team uuid, p_asset uuid, p_keys bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE p_update USING p_rows, p_team, p_asset, p_keys;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
EXCEPTION WHEN SQLSTATE 'SA101' OR SQLSTATE 'SA103' OR SQLSTATE 'SA111' THEN
    RETURN -1;
END
$$;
COMMENT ON FUNCTION saas.try_rotation(text, tid[], uuid, uuid, bigint[]) IS
'Executes an update of a rotation: the number of rows, or -1 when a value among them does not open and nothing was changed.';
REVOKE ALL ON FUNCTION saas.try_rotation(text, tid[], uuid, uuid, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.try_rotation(text, tid[], uuid, uuid, bigint[]) TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rotate_rows(
    p_texts text[],
    p_rows tid[],
    p_team uuid,
    p_asset uuid,
    p_keys bigint[],
    OUT changed bigint,
    OUT failed bigint
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_timeout text := current_setting('lock_timeout');
    v_held boolean;
    v_row tid;
    v_count bigint;
BEGIN
    failed := 0;
    -- Locking each row before it is updated costs as much as a third of the update. So rows are locked only where
    -- others hold some, or come to hold one meanwhile.
    EXECUTE p_texts[5] INTO v_held;
    BEGIN
        IF v_held THEN
            RAISE lock_not_available;
        END IF;
        PERFORM set_config('lock_timeout', '10ms', true);
        changed := saas.try_rotation(p_texts[1], p_rows, p_team, p_asset, p_keys);
        PERFORM set_config('lock_timeout', v_timeout, true);
    EXCEPTION WHEN lock_not_available THEN
        changed := saas.try_rotation(p_texts[2], p_rows, p_team, p_asset, p_keys);
    END;
    IF changed >= 0 THEN
        RETURN;
    END IF;
    -- One of them does not open: one by one.
    changed := 0;
    IF p_rows IS NULL THEN
        EXECUTE p_texts[4] INTO p_rows USING p_rows, p_team, p_asset, p_keys;
    END IF;
    FOREACH v_row IN ARRAY COALESCE(p_rows, '{}'::tid[]) LOOP
        v_count := saas.try_rotation(p_texts[3], ARRAY[v_row], p_team, p_asset, p_keys);
        changed := changed + GREATEST(v_count, 0);
        failed := failed + CASE WHEN v_count < 0 THEN 1 ELSE 0 END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.rotate_rows(text[], tid[], uuid, uuid, bigint[]) IS
'Brings a batch over by the first of three statements that works: an update that waits for nobody for long; one that leaves out rows that are locked; one for each of the rows $1. The fourth finds rows, the fifth tells whether others may hold some.';
REVOKE ALL ON FUNCTION saas.rotate_rows(text[], tid[], uuid, uuid, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rotate_rows(text[], tid[], uuid, uuid, bigint[]) TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.require_all_rows(p_table regclass, p_team uuid)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF row_security_active(p_table) AND (p_team = saas.current_team_id()) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = format('row-level security hides rows of %s', p_table),
            HINT = 'Name one team in p_team and set the request context to it, or use a role that row-level security does not filter.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_all_rows(regclass, uuid) IS
'42501 when the caller does not see every row of the team, or of all teams.';
REVOKE ALL ON FUNCTION saas.require_all_rows(regclass, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_all_rows(regclass, uuid) TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rotation_step(
    p_table regclass,
    p_column name,
    p_batch integer DEFAULT 10000,
    p_max_ms integer DEFAULT 1000,
    p_team uuid DEFAULT NULL,
    p_row_column name DEFAULT 'id',
    p_team_column name DEFAULT 'team_id',
    p_restart boolean DEFAULT false,
    OUT reencrypted bigint,
    OUT failed bigint,
    OUT finished boolean
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_deadline timestamptz := clock_timestamp() + make_interval(secs => p_max_ms / 1000.0);
    v_asset uuid := saas.asset_id(p_table, p_column);
    v_trigger text[] := saas.encryption_arguments(p_table, p_column);
    v_indexes text[] := saas.index_columns_of(v_trigger);
    v_run saas.encryption_rotations;
    v_keys bigint[];
    v_texts record;
    v_leaves oid[];
    v_blocks bigint;
    v_from text;
    v_where text;
    v_leaf text;
    v_range text;
    v_set text;
    v_update text;
    v_select text;
    v_rows tid[];
    v_batch record;
    v_changed bigint;
    v_failed bigint;
    v_skipped bigint;
    -- Blocks of one statement: what it costs to begin one is spread over them, and neither rows nor time
    -- go far beyond what is asked for.
    v_step integer := LEAST(GREATEST(LEAST(p_batch / 25, p_max_ms), 20), 500);
BEGIN
    IF COALESCE(p_batch, 0) < 1 OR COALESCE(p_max_ms, 0) < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a step has at least one row and one millisecond';
    END IF;
    PERFORM saas.require_all_rows(p_table, p_team);
    reencrypted := 0;
    failed := 0;
    v_run := saas.begin_rotation(v_asset, p_team, saas.index_assets_of(v_trigger), p_restart);
    v_keys := saas.outdated_keys(p_team);
    finished := v_run.finished_at IS NOT NULL;
    IF finished THEN
        RETURN;
    END IF;
    IF v_trigger IS NOT NULL THEN
        p_row_column := NULLIF(v_trigger[2], '');
        p_team_column := NULLIF(v_trigger[4], '');
    END IF;
    v_texts := saas.rotation_statements(p_table, p_column, p_row_column, p_team_column,
        CASE WHEN v_run.reindexing THEN v_indexes ELSE '{}' END);
    v_where := CASE
        WHEN v_run.reindexing THEN format('t.%I IS NOT NULL', p_column)
        ELSE v_texts.is_outdated
    END || CASE WHEN p_team IS NULL OR p_team_column IS NULL THEN '' ELSE ' AND ' || v_texts.team || ' = $2' END;
    v_leaves := ARRAY(
        SELECT c.oid FROM pg_class AS c
        WHERE c.relkind = 'r'
            AND (c.oid = p_table OR c.oid IN (SELECT l.relid FROM pg_partition_tree(p_table) AS l WHERE l.isleaf))
        ORDER BY c.oid
    );
    LOOP
        v_run.table_oid := (SELECT min(l.oid) FROM unnest(v_leaves) AS l (oid) WHERE l.oid >= v_run.table_oid);
        IF v_run.table_oid IS NULL THEN -- the end of a pass
            v_run.reindexing := v_run.reindexing AND v_run.skipped > 0;
            IF v_run.found = 0 OR v_leaves = '{}' THEN
                v_run.finished_at := clock_timestamp();
            END IF;
            v_run.pass := v_run.pass + CASE WHEN v_run.finished_at IS NULL THEN 1 ELSE 0 END;
            v_run.table_oid := 0;
            v_run.next_block := 0;
            v_run.found := 0;
            v_run.skipped := 0;
            EXIT;
        END IF;
        v_blocks := pg_relation_size(v_run.table_oid) / current_setting('block_size')::bigint;
        IF v_run.next_block = 0 THEN
            v_run.end_block := v_blocks;
        ELSIF v_run.reindexing THEN -- not again what this pass has written behind the end
            v_blocks := LEAST(v_blocks, v_run.end_block);
        END IF;
        v_from := CASE WHEN v_run.table_oid = p_table THEN 'ONLY ' ELSE '' END || p_table || ' AS t';
        v_leaf := CASE WHEN v_run.table_oid = p_table THEN '' ELSE format('t.tableoid = %s AND ', v_run.table_oid) END;
        v_range := format(
            't.ctid >= ''(%s,0)'' AND t.ctid < ''(%s,0)''',
            v_run.next_block, LEAST(v_run.next_block + v_step, v_blocks)
        );
        v_set := format('UPDATE %s SET %s WHERE %s', v_from, v_texts.assignments, v_leaf);
        v_update := v_set || format('t.ctid = ANY (ARRAY(SELECT t.ctid FROM %s WHERE %s%s AND ', v_from, v_leaf, v_where);
        v_select := format('SELECT array_agg(t.ctid) FROM %s WHERE %s%s AND %s', v_from, v_leaf, v_range, v_where);
        v_changed := NULL;
        IF NOT v_run.reindexing THEN
            SELECT n.changed, n.failed, n.skipped INTO v_changed, v_failed, v_skipped
            FROM saas.rotate_rows_natively(
                v_run.table_oid, p_column, p_row_column, p_team_column, p_team, v_asset, v_keys,
                v_run.next_block, LEAST(v_run.next_block + v_step, v_blocks)
            ) AS n;
        END IF;
        v_rows := NULL;
        -- The first walk does not look which rows are locked: the second one finds them.
        IF v_changed IS NOT NULL THEN
            reencrypted := reencrypted + v_changed;
            failed := failed + v_failed;
            v_run.found := v_run.found + v_changed + v_skipped + CASE WHEN v_run.pass = 1 THEN 1 ELSE 0 END;
            v_run.skipped := v_run.skipped + v_skipped;
        ELSIF v_run.pass > 1 OR v_run.reindexing THEN
            EXECUTE v_select INTO v_rows USING v_rows, p_team, v_asset, v_keys;
        END IF;
        IF v_rows IS NOT NULL OR (v_changed IS NULL AND v_run.pass = 1 AND NOT v_run.reindexing) THEN
            v_batch := saas.rotate_rows(
                ARRAY[
                    format('%s%s AND %s', v_set, v_range, v_where),
                    v_update || v_range || ' FOR NO KEY UPDATE SKIP LOCKED))',
                    v_update || 't.ctid = ANY ($1) FOR NO KEY UPDATE SKIP LOCKED))',
                    v_select,
                    format('SELECT EXISTS (SELECT FROM %s WHERE %s%s AND t.xmax <> 0)', v_from, v_leaf, v_range)
                ],
                v_rows, p_team, v_asset, v_keys
            );
            reencrypted := reencrypted + v_batch.changed;
            failed := failed + v_batch.failed;
            v_run.found := v_run.found + CASE WHEN v_rows IS NULL THEN 1 ELSE cardinality(v_rows) - v_batch.failed END;
            v_run.skipped := v_run.skipped + COALESCE(cardinality(v_rows) - v_batch.failed - v_batch.changed, 0);
        END IF;
        v_run.next_block := v_run.next_block + v_step;
        IF v_run.next_block >= v_blocks THEN
            v_run.table_oid := v_run.table_oid::bigint + 1;
            v_run.next_block := 0;
        END IF;
        EXIT WHEN reencrypted >= p_batch OR clock_timestamp() >= v_deadline;
    END LOOP;
    v_run.reencrypted := v_run.reencrypted + reencrypted;
    v_run.failed := v_run.failed + failed;
    finished := v_run.finished_at IS NOT NULL;
    PERFORM saas.save_rotation(v_run);
END
$$;
COMMENT ON FUNCTION saas.rotation_step(regclass, name, integer, integer, uuid, name, name, boolean) IS
'Encrypts rows of a column anew whose keys were rotated, until about p_batch rows or p_max_ms milliseconds are through, and computes its blind indexes anew when their keys were rotated. Call it, each time in a transaction of its own, until finished; it goes on where the last step ended, and rows that are locked are taken later. Rows that do not open are counted as failed and stay. Needs UPDATE on the table and the rights of a worker; the walk covers one team or, for roles that row-level security does not filter, all. p_restart looks at all rows again.';
REVOKE ALL ON FUNCTION saas.rotation_step(regclass, name, integer, integer, uuid, name, name, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rotation_step(regclass, name, integer, integer, uuid, name, name, boolean) TO saas_service, pg_database_owner;
