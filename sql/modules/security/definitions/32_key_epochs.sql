-- The epochs that wrap data keys, and the destruction of keys.
CREATE OR REPLACE FUNCTION saas.require_home()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM saas.encryption_home AS h
        JOIN pg_database AS d ON d.oid = h.database_oid
        WHERE d.datname = current_database()
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA106',
            MESSAGE = 'this database is a copy, and another one may need the keys that would be destroyed',
            HINT = 'If it is the one that goes on, run saas.take_key_file().';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_home() IS
'SA106 in a copy of a database, such as a restored backup: only one changes the key file.';
REVOKE ALL ON FUNCTION saas.require_home() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_home() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.take_key_file()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    DELETE FROM saas.encryption_home;
    INSERT INTO saas.encryption_home (database_oid)
    SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database();
$$;
COMMENT ON FUNCTION saas.take_key_file() IS
'Makes this database the one whose epochs the key file follows, after it was restored in the place of another. For the owner of the database.';
REVOKE ALL ON FUNCTION saas.take_key_file() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.take_key_file() TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rotate_root_key()
RETURNS integer
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$ SELECT saas.take_root_key() $$;
COMMENT ON FUNCTION saas.rotate_root_key() IS
'Wraps the whole key file by the first of the root keys that the server was started with, and returns how many entries it has; afterwards the server may be started without the older ones. For the owner of the database.';
REVOKE ALL ON FUNCTION saas.rotate_root_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rotate_root_key() TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rewrap_keys(p_team uuid, p_purpose text, p_epoch integer, p_batch integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rewrapped bigint;
    v_broken bigint;
BEGIN
    WITH picked AS (
        SELECT k.*, k.ctid AS place
        FROM saas.encryption_keys AS k
        WHERE k.team_id = p_team
            AND k.kek_epoch < p_epoch
            AND k.wrapped IS NOT NULL
            AND (k.status = 'hold') = (p_purpose = 'hold')
        LIMIT p_batch
        FOR NO KEY UPDATE SKIP LOCKED
    ), fresh AS MATERIALIZED (
        SELECT p.key_no, p.place, saas.rewrap_key(
            p.team_id, p.key_no, p.kind, p.subject_id, p.asset_id, p.version, p.kek_epoch, p.wrapped,
            p_purpose, p_purpose, p_epoch
        ) AS wrapped
        FROM picked AS p
    ), changed AS (
        -- They are locked, and so still where they were found.
        UPDATE saas.encryption_keys AS k
        SET kek_epoch = p_epoch, wrapped = f.wrapped
        FROM fresh AS f
        WHERE k.ctid = f.place AND k.team_id = p_team AND k.key_no = f.key_no AND f.wrapped IS NOT NULL
        RETURNING k.key_no
    )
    SELECT (SELECT count(*) FROM changed), (SELECT min(f.key_no) FROM fresh AS f WHERE f.wrapped IS NULL)
    INTO v_rewrapped, v_broken;
    IF v_broken IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA105',
            MESSAGE = format('key %s does not open with the key file', v_broken),
            HINT = 'Restore the key file, or the row of saas.encryption_keys, from a copy; or shred the key.';
    END IF;
    RETURN v_rewrapped;
END
$$;
COMMENT ON FUNCTION saas.rewrap_keys(uuid, text, integer, integer) IS
'Wraps a batch of the keys of a team in the current epoch. SA105 for a key that does not open.';
REVOKE ALL ON FUNCTION saas.rewrap_keys(uuid, text, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rewrap_keys(uuid, text, integer, integer) TO saas_internal;

-- What the key file says is what is true: it does not roll back.
CREATE OR REPLACE FUNCTION saas.note_key_epochs(p_team uuid, p_purpose text, p_rewrapped bigint)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    INSERT INTO saas.encryption_key_epochs AS e (team_id, purpose, epoch, began_at, rewrapped)
    SELECT p_team, p_purpose, f.current, f.began_at, p_rewrapped
    FROM saas.key_epochs(p_team, p_purpose) AS f
    WHERE f.current IS NOT NULL
    ON CONFLICT (team_id, purpose, epoch) DO UPDATE SET rewrapped = e.rewrapped + p_rewrapped;
    UPDATE saas.encryption_key_epochs AS e
    SET destroyed_at = now()
    FROM saas.key_epochs(p_team, p_purpose) AS f
    WHERE e.team_id = p_team AND e.purpose = p_purpose AND e.epoch < f.oldest AND e.destroyed_at IS NULL;
$$;
COMMENT ON FUNCTION saas.note_key_epochs(uuid, text, bigint) IS
'Writes down the epochs of the key file: when each began, and when it was found to be destroyed.';
REVOKE ALL ON FUNCTION saas.note_key_epochs(uuid, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_key_epochs(uuid, text, bigint) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.advance_key_epoch(
    p_team uuid,
    p_batch integer DEFAULT 100000,
    p_purpose text DEFAULT 'shred',
    OUT phase text,
    OUT epoch integer,
    OUT rewrapped bigint,
    OUT remaining bigint
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_oldest integer;
    v_began boolean;
    v_ended integer;
BEGIN
    IF NOT saas.acts_as_service() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only workers advance the epoch of a team''s keys';
    ELSIF COALESCE(p_batch, 0) < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a batch has at least one key';
    ELSIF p_team IS NULL OR p_purpose IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a team and a purpose are needed';
    END IF;
    PERFORM saas.require_home();
    rewrapped := 0;
    SELECT f.oldest, f.current INTO v_oldest, epoch FROM saas.key_epochs(p_team, p_purpose) AS f;
    IF epoch IS NULL THEN
        phase := 'destroyed'; -- there are no keys
        remaining := 0;
        RETURN;
    END IF;
    PERFORM saas.note_key_epochs(p_team, p_purpose, 0);
    v_began := v_oldest = epoch;
    IF v_began THEN
        epoch := saas.begin_key_epoch(p_team, p_purpose, epoch);
    END IF;
    rewrapped := saas.rewrap_keys(p_team, p_purpose, epoch, p_batch);
    SELECT count(*) INTO remaining
    FROM saas.encryption_keys AS k
    WHERE k.team_id = p_team
        AND k.kek_epoch < advance_key_epoch.epoch
        AND k.wrapped IS NOT NULL
        AND (k.status = 'hold') = (p_purpose = 'hold');
    phase := CASE WHEN remaining > 0 THEN 'rewrapping' ELSE 'rewrapped' END;
    -- What was wrapped anew is committed before the old key goes: by an earlier call.
    IF remaining = 0 AND rewrapped = 0 AND NOT v_began THEN
        v_ended := saas.end_key_epochs(p_team, p_purpose, epoch);
        phase := CASE WHEN v_ended IS NULL THEN 'waiting' ELSE 'destroyed' END;
    END IF;
    PERFORM saas.note_key_epochs(p_team, p_purpose, rewrapped);
END
$$;
COMMENT ON FUNCTION saas.advance_key_epoch(uuid, integer, text) IS
'One step of wrapping the keys of a team by a new key and destroying the one before: call it, each time in a transaction of its own, until phase is destroyed. Phases: rewrapping (keys remain), rewrapped (commit, and call again), waiting (a transaction that made keys has not ended), destroyed. What was shredded before the epoch began is then beyond reach in every backup. For workers.';
REVOKE ALL ON FUNCTION saas.advance_key_epoch(uuid, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.advance_key_epoch(uuid, integer, text) TO saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.hold_subject_key(p_team uuid, p_subject uuid, p_reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_epoch integer;
    v_held bigint;
BEGIN
    PERFORM saas.require_key_rights(p_team);
    SELECT f.current INTO v_epoch FROM saas.key_epochs(p_team, 'hold') AS f;
    IF v_epoch IS NULL THEN
        SELECT COALESCE(max(e.epoch), 0) INTO v_epoch
        FROM saas.encryption_key_epochs AS e WHERE e.team_id = p_team AND e.purpose = 'hold';
        v_epoch := saas.begin_key_epoch(p_team, 'hold', v_epoch);
        PERFORM saas.note_key_epochs(p_team, 'hold', 0);
    END IF;
    UPDATE saas.encryption_keys AS k
    SET status = 'hold', shred_reason = p_reason, kek_epoch = v_epoch, hold_epoch = v_epoch, wrapped = saas.rewrap_key(
        k.team_id, k.key_no, k.kind, k.subject_id, k.asset_id, k.version, k.kek_epoch, k.wrapped,
        'shred', 'hold', v_epoch
    )
    WHERE k.team_id = p_team AND k.subject_id = p_subject AND k.status IN ('active', 'decrypt_only', 'retired');
    GET DIAGNOSTICS v_held = ROW_COUNT;
    RETURN v_held;
END
$$;
COMMENT ON FUNCTION saas.hold_subject_key(uuid, uuid, text) IS
'Legal hold instead of destruction: the keys of a person open nothing any more, but are kept, wrapped by a key of their own, until saas.release_subject_key(). Returns how many. For admins of the team and workers.';
REVOKE ALL ON FUNCTION saas.hold_subject_key(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.hold_subject_key(uuid, uuid, text) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.release_subject_key(p_team uuid, p_subject uuid)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_epoch integer;
    v_released bigint;
BEGIN
    PERFORM saas.require_key_rights(p_team);
    SELECT f.current INTO v_epoch FROM saas.key_epochs(p_team, 'shred') AS f;
    UPDATE saas.encryption_keys AS k
    SET status = CASE WHEN k.version = n.version THEN 'active' ELSE 'decrypt_only' END,
        shred_reason = NULL,
        hold_epoch = GREATEST(k.hold_epoch, k.kek_epoch),
        kek_epoch = v_epoch,
        wrapped = saas.rewrap_key(
            k.team_id, k.key_no, k.kind, k.subject_id, k.asset_id, k.version, k.kek_epoch, k.wrapped,
            'hold', 'shred', v_epoch
        )
    FROM (
        SELECT max(o.version) AS version
        FROM saas.encryption_keys AS o
        WHERE o.team_id = p_team AND o.subject_id = p_subject
    ) AS n
    WHERE k.team_id = p_team AND k.subject_id = p_subject AND k.status = 'hold';
    GET DIAGNOSTICS v_released = ROW_COUNT;
    RETURN v_released;
END
$$;
COMMENT ON FUNCTION saas.release_subject_key(uuid, uuid) IS
'Ends a legal hold: the keys of the person work again; shred them with saas.shred_subject_key() if they are to go. Returns how many. For admins of the team and workers.';
REVOKE ALL ON FUNCTION saas.release_subject_key(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.release_subject_key(uuid, uuid) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.shred_subject_key(p_team uuid, p_subject uuid, p_reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_epoch integer;
    v_hold_epoch integer;
    v_shredded bigint;
BEGIN
    PERFORM saas.require_key_rights(p_team);
    IF COALESCE(p_reason, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a reason is needed to destroy a key';
    END IF;
    PERFORM FROM saas.encryption_keys AS k
    WHERE k.team_id = p_team AND k.subject_id = p_subject
    FOR UPDATE;
    IF EXISTS (
        SELECT FROM saas.encryption_keys AS k
        WHERE k.team_id = p_team AND k.subject_id = p_subject AND k.status = 'hold'
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA109',
            MESSAGE = 'the key is under legal hold',
            HINT = 'End the hold with saas.release_subject_key() first.';
    END IF;
    -- A backup may hold what is wrapped by any key that the file has by now, even of a transaction that rolled back.
    BEGIN
        SELECT f.current INTO v_epoch FROM saas.key_epochs(p_team, 'shred') AS f;
        SELECT f.current INTO v_hold_epoch FROM saas.key_epochs(p_team, 'hold') AS f;
    EXCEPTION WHEN SQLSTATE 'SA100' OR SQLSTATE 'SA105' OR SQLSTATE 'SA107' THEN
        -- A key is destroyed without the key file too. At most one epoch has begun since it was wrapped.
        SELECT max(k.kek_epoch) + 1, max(k.hold_epoch) + 1 INTO v_epoch, v_hold_epoch
        FROM saas.encryption_keys AS k
        WHERE k.team_id = p_team AND k.subject_id = p_subject AND k.status <> 'shredded';
    END;
    UPDATE saas.encryption_keys AS k
    SET kek_epoch = GREATEST(k.kek_epoch, v_epoch),
        hold_epoch = CASE WHEN k.hold_epoch IS NOT NULL THEN GREATEST(k.hold_epoch, v_hold_epoch) END,
        status = 'shredded', wrapped = NULL, shredded_at = clock_timestamp(), shred_reason = p_reason
    WHERE k.team_id = p_team AND k.subject_id = p_subject AND k.status <> 'shredded';
    GET DIAGNOSTICS v_shredded = ROW_COUNT;
    RETURN v_shredded;
END
$$;
COMMENT ON FUNCTION saas.shred_subject_key(uuid, uuid, text) IS
'Destroys the keys of a person, so that nothing that was encrypted under them opens, and nothing more is encrypted. Copies in backups follow with the next epoch that is begun and carried through (saas.advance_key_epoch(), saas.shred_proof()). SA109 under legal hold. Returns how many keys. For admins of the team and workers.';
REVOKE ALL ON FUNCTION saas.shred_subject_key(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.shred_subject_key(uuid, uuid, text) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.shred_proof(p_team uuid, p_subject uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_oldest integer;
    v_oldest_hold integer;
    v_proof jsonb;
BEGIN
    PERFORM saas.require_key_rights(p_team);
    SELECT f.oldest INTO v_oldest FROM saas.key_epochs(p_team, 'shred') AS f;
    SELECT f.oldest INTO v_oldest_hold FROM saas.key_epochs(p_team, 'hold') AS f;
    PERFORM saas.note_key_epochs(p_team, 'shred', 0);
    SELECT jsonb_build_object(
        'team_id', p_team,
        'subject_id', p_subject,
        'keys', jsonb_agg(jsonb_build_object(
            'key_no', k.key_no,
            'version', k.version,
            'check_value', encode(k.kcv, 'hex'),
            'epoch', k.kek_epoch,
            'hold_epoch', k.hold_epoch,
            'shredded_at', k.shredded_at,
            'reason', k.shred_reason,
            'epoch_destroyed_at', e.destroyed_at
        ) ORDER BY k.version),
        'shredded', bool_and(k.status = 'shredded'),
        'backups_reached', bool_and(
            k.status = 'shredded'
            AND COALESCE(k.kek_epoch < v_oldest, false)
            AND COALESCE(k.hold_epoch < v_oldest_hold, k.hold_epoch IS NULL)
        ),
        'proved_at', clock_timestamp()
    ) INTO v_proof
    FROM saas.encryption_keys AS k
    LEFT JOIN saas.encryption_key_epochs AS e
        ON e.team_id = k.team_id AND e.purpose = 'shred' AND e.epoch = k.kek_epoch
    WHERE k.team_id = p_team AND k.subject_id = p_subject;
    IF v_proof -> 'keys' = 'null' THEN
        RETURN NULL;
    END IF;
    RETURN v_proof || jsonb_build_object('signature', encode(saas.sign_proof(v_proof::text), 'hex'));
END
$$;
COMMENT ON FUNCTION saas.shred_proof(uuid, uuid) IS
'What became of the keys of a person, signed: whether all are shredded, and whether the keys that wrapped them are destroyed too, so that no backup opens (backups_reached); for somebody who was under legal hold, the epochs of that have to advance as well. NULL for somebody without keys. For admins of the team and workers.';
REVOKE ALL ON FUNCTION saas.shred_proof(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.shred_proof(uuid, uuid) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.verify_shred_proof(p_proof jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF COALESCE(p_proof ->> 'signature', '') !~ '^[0-9a-f]{64}$' THEN
        RETURN false;
    END IF;
    RETURN saas.is_proof_signed((p_proof - 'signature')::text, decode(p_proof ->> 'signature', 'hex'));
END
$$;
COMMENT ON FUNCTION saas.verify_shred_proof(jsonb) IS
'Whether a proof of saas.shred_proof() is genuine and unchanged, by a root key that the server has.';
REVOKE ALL ON FUNCTION saas.verify_shred_proof(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_shred_proof(jsonb) TO saas_app, saas_service, saas_internal;
