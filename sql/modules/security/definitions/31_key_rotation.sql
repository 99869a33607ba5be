-- Versions of keys: begun, closed, retired, on a schedule.
CREATE OR REPLACE FUNCTION saas.require_key_rights(p_team uuid)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.acts_as_service() THEN
        PERFORM saas.require_team(p_team, 'admin');
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_key_rights(uuid) IS
'42501 unless a worker or an admin of the team calls.';
REVOKE ALL ON FUNCTION saas.require_key_rights(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_key_rights(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.rotate_encryption_key(
    p_team uuid,
    p_kind text DEFAULT 'tenant',
    p_subject uuid DEFAULT NULL,
    p_asset uuid DEFAULT NULL,
    OUT key_no bigint,
    OUT version integer
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_newest saas.encryption_keys;
    v_status text;
BEGIN
    PERFORM saas.require_key_rights(p_team);
    SELECT k.* INTO v_newest
    FROM saas.encryption_keys AS k
    WHERE k.team_id = p_team
        AND k.kind = p_kind
        AND k.subject_id IS NOT DISTINCT FROM p_subject
        AND k.asset_id IS NOT DISTINCT FROM p_asset
    ORDER BY k.version DESC
    LIMIT 1;
    IF FOUND THEN
        SELECT k.status INTO v_status
        FROM saas.encryption_keys AS k
        WHERE k.team_id = p_team AND k.key_no = v_newest.key_no
        FOR UPDATE;
        IF v_status NOT IN ('active', 'decrypt_only') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA103',
                MESSAGE = 'the key cannot be rotated',
                DETAIL = format('It is %s.', v_status);
        END IF;
    END IF;
    -- When another session has rotated meanwhile, its key is the new one.
    IF v_status IS DISTINCT FROM 'decrypt_only' THEN
        UPDATE saas.encryption_keys AS k
        SET status = 'decrypt_only', closed_at = clock_timestamp()
        WHERE k.team_id = p_team AND k.key_no = v_newest.key_no;
        PERFORM saas.make_key_version(p_team, p_kind, p_subject, p_asset, COALESCE(v_newest.version, 0) + 1);
    END IF;
    SELECT k.key_no, k.version INTO key_no, version
    FROM saas.encryption_keys AS k
    WHERE k.team_id = p_team
        AND k.kind = p_kind
        AND k.subject_id IS NOT DISTINCT FROM p_subject
        AND k.asset_id IS NOT DISTINCT FROM p_asset
        AND k.status = 'active';
END
$$;
COMMENT ON FUNCTION saas.rotate_encryption_key(uuid, text, uuid, uuid) IS
'Begins a new version of a key (kind tenant, subject with p_subject, index with p_asset, export); the version before only opens what it encrypted. Sessions that rotate at once end up with one new version. saas.rotation_step() brings rows to it. For admins of the team and workers.';
REVOKE ALL ON FUNCTION saas.rotate_encryption_key(uuid, text, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rotate_encryption_key(uuid, text, uuid, uuid) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.find_rows_under_key(p_key_no bigint)
RETURNS TABLE (asset text, found bigint)
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT format('%s.%I', l.table_name, l.column_name), sum(saas.rows_under_key(c.oid, a.attnum, p_key_no))::bigint
    FROM saas.located_data_assets AS l
    CROSS JOIN LATERAL (
        SELECT t.relid::oid FROM pg_partition_tree(l.table_name) AS t WHERE t.isleaf
        UNION
        SELECT l.table_name::oid
    ) AS leaf (oid)
    JOIN pg_class AS c ON c.oid = leaf.oid AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = l.column_name AND NOT a.attisdropped
    WHERE l.variant = '' AND a.atttypid IN ('bytea'::regtype, 'text'::regtype, 'varchar'::regtype)
    GROUP BY l.table_name, l.column_name
    HAVING sum(saas.rows_under_key(c.oid, a.attnum, p_key_no)) > 0
$$;
COMMENT ON FUNCTION saas.find_rows_under_key(bigint) IS
'Registered columns with values under this key, and how many: reads all of them. With rows that are not committed yet.';
REVOKE ALL ON FUNCTION saas.find_rows_under_key(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_rows_under_key(bigint) TO saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.require_unused_key(p_key saas.encryption_keys)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_asset text;
    v_found bigint;
BEGIN
    IF p_key.kind = 'index' AND NOT EXISTS (
        SELECT FROM saas.encryption_rotations AS r
        WHERE p_key.key_no = ANY (r.index_keys) AND r.finished_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA106',
            MESSAGE = 'the key is still in use',
            DETAIL = 'The blind index has not been computed anew since the key was rotated.',
            HINT = 'Call saas.rotation_step() for the column until it has finished.';
    END IF;
    SELECT f.asset, f.found INTO v_asset, v_found FROM saas.find_rows_under_key(p_key.key_no) AS f
    ORDER BY f.asset LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA106',
            MESSAGE = format('the key is still in use: %s has %s values under it', v_asset, v_found),
            DETAIL = 'Rows that another transaction has not committed count as well.',
            HINT = 'Call saas.rotation_step() for the column until it has finished, with p_restart if it had.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_unused_key(saas.encryption_keys) IS
'SA106 while a value of a registered column is under the key, or a blind index may be.';
REVOKE ALL ON FUNCTION saas.require_unused_key(saas.encryption_keys) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_unused_key(saas.encryption_keys) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.retire_encryption_key(p_team uuid, p_key_no bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_key saas.encryption_keys;
BEGIN
    PERFORM saas.require_key_rights(p_team);
    SELECT k.* INTO v_key
    FROM saas.encryption_keys AS k
    WHERE k.team_id = p_team AND k.key_no = p_key_no
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'the team has no such key';
    ELSIF v_key.status <> 'decrypt_only' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA106',
            MESSAGE = 'only an older version of a key is retired',
            DETAIL = format('The key is %s.', v_key.status),
            HINT = 'Rotate the key first with saas.rotate_encryption_key().';
    END IF;
    PERFORM saas.require_unused_key(v_key);
    UPDATE saas.encryption_keys AS k SET status = 'retired' WHERE k.team_id = p_team AND k.key_no = p_key_no;
END
$$;
COMMENT ON FUNCTION saas.retire_encryption_key(uuid, bigint) IS
'Takes an older version of a key out of use, once no value of a registered column is under it (SA106). Its bytes are kept for backups, until it is reopened with saas.reopen_encryption_key() or shredded. For admins of the team and workers.';
REVOKE ALL ON FUNCTION saas.retire_encryption_key(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.retire_encryption_key(uuid, bigint) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.reopen_encryption_key(p_team uuid, p_key_no bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_key_rights(p_team);
    UPDATE saas.encryption_keys AS k
    SET status = 'decrypt_only'
    WHERE k.team_id = p_team AND k.key_no = p_key_no AND k.status = 'retired';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'the team has no such retired key';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.reopen_encryption_key(uuid, bigint) IS
'Lets a retired key open values again, such as those of a backup. For admins of the team and workers.';
REVOKE ALL ON FUNCTION saas.reopen_encryption_key(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.reopen_encryption_key(uuid, bigint) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.schedule_key_rotation(p_team uuid, p_kind text, p_every interval)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_next timestamptz;
BEGIN
    PERFORM saas.require_key_rights(p_team);
    IF p_every IS NULL THEN
        DELETE FROM saas.encryption_schedules AS s WHERE s.team_id = p_team AND s.kind = p_kind;
        RETURN NULL;
    END IF;
    INSERT INTO saas.encryption_schedules AS s (team_id, kind, every, next_at)
    VALUES (p_team, p_kind, p_every, now() + p_every)
    ON CONFLICT (team_id, kind) DO UPDATE
    SET every = p_every, next_at = LEAST(s.next_at, now() + p_every)
    RETURNING s.next_at INTO v_next;
    RETURN v_next;
END
$$;
COMMENT ON FUNCTION saas.schedule_key_rotation(uuid, text, interval) IS
'How often keys of a kind (tenant, subject, index, export) are rotated, and the epoch that wraps them (epoch); NULL for never. Returns when it is due next; saas.rotate_due_keys() does it. For admins of the team and workers.';
REVOKE ALL ON FUNCTION saas.schedule_key_rotation(uuid, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.schedule_key_rotation(uuid, text, interval) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.rotate_due_keys(p_limit integer DEFAULT 1000)
RETURNS TABLE (team_id uuid, kind text, rotated bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_due saas.encryption_schedules;
    v_done boolean;
BEGIN
    IF NOT saas.acts_as_service() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only workers rotate the keys of all teams';
    ELSIF COALESCE(p_limit, 0) < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the limit is at least one key';
    END IF;
    -- The oldest epoch comes first: one that is to be ended after others have wrapped keys here waits for the next call.
    FOR v_due IN
        SELECT s.* FROM saas.encryption_schedules AS s
        WHERE s.next_at <= now()
        ORDER BY s.kind = 'epoch' DESC, s.next_at
        LIMIT 100
        FOR UPDATE SKIP LOCKED
    LOOP
        team_id := v_due.team_id;
        kind := v_due.kind;
        BEGIN
            IF v_due.kind = 'epoch' THEN
                SELECT a.rewrapped, a.phase = 'destroyed' INTO rotated, v_done
                FROM saas.advance_key_epoch(v_due.team_id, 100000) AS a;
            ELSE
                SELECT count(saas.rotate_encryption_key(k.team_id, k.kind, k.subject_id, k.asset_id)) INTO rotated
                FROM (
                    SELECT k.* FROM saas.encryption_keys AS k
                    WHERE k.team_id = v_due.team_id
                        AND k.kind = v_due.kind
                        AND k.status = 'active'
                        AND k.created_at <= now() - v_due.every + INTERVAL '1 minute'
                    LIMIT p_limit
                ) AS k;
                v_done := rotated < p_limit;
            END IF;
        EXCEPTION WHEN SQLSTATE 'SA103' OR SQLSTATE 'SA105' OR SQLSTATE 'SA106' THEN
            -- One team does not keep the others from theirs; it stays due.
            RAISE WARNING USING
                ERRCODE = SQLSTATE,
                MESSAGE = format('%s keys of team %s stay due: %s', v_due.kind, v_due.team_id, SQLERRM);
            rotated := 0;
            v_done := false;
        END;
        UPDATE saas.encryption_schedules AS s
        SET next_at = now() + s.every
        WHERE s.team_id = v_due.team_id AND s.kind = v_due.kind AND v_done;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.rotate_due_keys(integer) IS
'Rotates the keys and advances the epochs that are due, at most p_limit keys of a team and kind at a time; what is left stays due. Run by a worker or pg_cron every few minutes.';
REVOKE ALL ON FUNCTION saas.rotate_due_keys(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rotate_due_keys(integer) TO saas_service, pg_database_owner;
