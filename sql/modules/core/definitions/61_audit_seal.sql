-- Sealing the audit trail: signed checkpoints of one Merkle tree per team.

CREATE OR REPLACE FUNCTION saas.require_audit_access(p_team uuid)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.is_audit_owner() THEN
        PERFORM saas.require_team(p_team, 'admin');
    END IF;
END
$$;
REVOKE ALL ON FUNCTION saas.require_audit_access(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_audit_access(uuid) TO saas_internal;
COMMENT ON FUNCTION saas.require_audit_access(uuid) IS
'Raises 42501 unless the session acts as the owner of the audit log, or the request context is in the team as admin, owner or worker.';

CREATE OR REPLACE FUNCTION saas.rotate_audit_key()
RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    INSERT INTO saas.audit_keys (key)
    VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())))
    RETURNING id
$$;
REVOKE ALL ON FUNCTION saas.rotate_audit_key() FROM PUBLIC;
COMMENT ON FUNCTION saas.rotate_audit_key() IS
'Makes a new key for checkpoints of the audit trail; the old ones stay, to verify what they signed. For the owner. Returns its id.';

CREATE OR REPLACE FUNCTION saas.add_audit_checkpoint(
    p_team uuid,
    p_leaves bytea,
    p_through_xact_id xid8,
    p_through_id uuid,
    p_retained_from timestamptz
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_key saas.audit_keys;
    v_last saas.audit_checkpoints;
    v_empty CONSTANT bytea := sha256('');
    v_size bigint;
    v_edge bytea;
    v_root bytea;
    v_now timestamptz := clock_timestamp();
BEGIN
    SELECT * INTO v_key FROM saas.audit_keys AS k ORDER BY k.id DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA044',
            MESSAGE = 'there is no key to sign the audit trail with',
            HINT = 'Make one with saas.rotate_audit_key().';
    END IF;
    SELECT * INTO v_last FROM saas.audit_checkpoints AS c
    WHERE c.team_id = p_team ORDER BY c.number DESC LIMIT 1;
    v_size := COALESCE(v_last.tree_size, 0);
    v_edge := COALESCE(v_last.edge, '');
    IF (CASE
        WHEN octet_length(v_edge) <> 32 * length(translate(v_size::bit(64)::text, '0', '')) THEN true
        ELSE saas.merkle_root(v_edge, v_size) <> COALESCE(v_last.root, v_empty)
    END) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA044',
            MESSAGE = 'the last checkpoint of a team''s audit trail was changed',
            DETAIL = format('Team %s, checkpoint %s.', p_team, v_last.number),
            HINT = 'Look into it with saas.verify_audit_log(); restore the checkpoint from a backup.';
    END IF;
    v_edge := saas.merkle_append(v_edge, v_size, p_leaves);
    v_size := v_size + octet_length(p_leaves) / 32;
    v_root := saas.merkle_root(v_edge, v_size);
    p_retained_from := GREATEST(p_retained_from, v_last.retained_from);
    INSERT INTO saas.audit_checkpoints (
        team_id, number, tree_size, root, previous_root, edge, sealed_at, through_xact_id, through_id,
        retained_from, key_id, signature
    )
    VALUES (
        p_team, COALESCE(v_last.number, 0) + 1, v_size, v_root, COALESCE(v_last.root, v_empty), v_edge, v_now,
        p_through_xact_id, p_through_id, p_retained_from, v_key.id,
        saas.sign_audit_checkpoint(
            p_team, COALESCE(v_last.number, 0) + 1, v_size, v_root, COALESCE(v_last.root, v_empty), v_now,
            p_through_xact_id, p_through_id, p_retained_from, v_key.key
        )
    );
    RETURN v_size;
END
$$;
REVOKE ALL ON FUNCTION saas.add_audit_checkpoint(uuid, bytea, xid8, uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION saas.add_audit_checkpoint(uuid, bytea, xid8, uuid, timestamptz) IS
'Appends leaf hashes to the team''s tree and signs a checkpoint. Only for the sealer, which holds the row of saas.audit_sealing. Returns the size of the tree.';

CREATE OR REPLACE FUNCTION saas.seal_audit_log(p_max_rows bigint DEFAULT 1000000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET work_mem = '64MB'
AS $$
DECLARE
    v_state saas.audit_sealing;
    v_system bigint := (SELECT s.system_identifier FROM pg_control_system() AS s);
    v_horizon xid8;
    v_below xid8;
    v_limit bigint := p_max_rows;
    v_run record;
BEGIN
    IF p_max_rows NOT BETWEEN 1 AND 10000000 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = format('cannot seal %s rows at once', p_max_rows),
            HINT = 'Give a number from 1 to 10000000.';
    END IF;
    -- The log before the state of the sealer, as retention locks them.
    LOCK TABLE saas.audit_logs IN ACCESS SHARE MODE;
    SELECT * INTO v_state FROM saas.audit_sealing AS s FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA044',
            MESSAGE = 'the state of the sealer is gone',
            HINT = 'INSERT INTO saas.audit_sealing DEFAULT VALUES; as the owner of the table.';
    END IF;
    -- No transaction below this runs any more, and the statements that follow see all that they did.
    v_horizon := pg_snapshot_xmin(pg_current_snapshot());
    v_below := v_horizon;
    IF v_state.system_identifier <> v_system THEN
        -- Restored into another cluster, whose transactions count otherwise: everything that is there
        -- and has no leaf yet.
        v_state.through_xact_id := '0';
        v_state.through_id := '00000000-0000-0000-0000-000000000000';
        v_below := '18446744073709551615';
        v_limit := NULL;
    END IF;
    SELECT * INTO v_run
    FROM saas.seal_audit_rows(v_state.through_xact_id, v_state.through_id, v_below, v_limit, v_horizon);
    UPDATE saas.audit_sealing
    SET through_xact_id = v_run.through_xact_id,
        through_id = v_run.through_id,
        system_identifier = v_system,
        sealed_at = clock_timestamp();
    RETURN v_run.sealed;
END
$$;
REVOKE ALL ON FUNCTION saas.seal_audit_log(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.seal_audit_log(bigint) TO saas_service;
COMMENT ON FUNCTION saas.seal_audit_log(bigint) IS
'Seals what finished transactions wrote to the audit log: appends it to the Merkle tree of each team and signs a checkpoint. Run it every minute or so. Returns how many rows were sealed; when it is p_max_rows, there are more.';

CREATE OR REPLACE FUNCTION saas.find_audit_row(p_team uuid, p_id uuid)
RETURNS saas.audit_logs
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.audit_logs;
    v_made timestamptz := saas.audit_change_time(p_id);
BEGIN
    -- Statements seldom take longer: the partitions and the key's range for that time first.
    SELECT * INTO v_row FROM saas.audit_logs AS l
    WHERE l.team_id = p_team
        AND l.id = p_id
        AND l.created_at BETWEEN v_made - INTERVAL '1 hour' AND v_made + INTERVAL '1 second';
    IF NOT FOUND THEN
        SELECT * INTO v_row FROM saas.audit_logs AS l WHERE l.team_id = p_team AND l.id = p_id;
    END IF;
    RETURN v_row;
END
$$;
REVOKE ALL ON FUNCTION saas.find_audit_row(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_audit_row(uuid, uuid) TO saas_app, saas_service, saas_internal;
COMMENT ON FUNCTION saas.find_audit_row(uuid, uuid) IS
'The row of the team''s audit log with this id, as far as the caller may read it; else NULL.';

CREATE OR REPLACE FUNCTION saas.find_audit_leaf(
    p_team uuid,
    p_id uuid,
    p_xact_id xid8,
    OUT first_index bigint,
    OUT place bigint,
    OUT salt bytea
)
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT a.first_index, p.place, substring(s.salts FROM (p.place * 16 + 1)::integer FOR 16)
    FROM saas.audit_leaves AS a
    CROSS JOIN LATERAL saas.audit_leaf_positions(a.positions) AS p
    LEFT JOIN saas.audit_salts AS s ON s.team_id = a.team_id AND s.first_index = a.first_index
    WHERE a.team_id = p_team
        AND a.first_xact_id <= p_xact_id
        AND a.last_xact_id >= p_xact_id
        AND p.id = p_id
$$;
REVOKE ALL ON FUNCTION saas.find_audit_leaf(uuid, uuid, xid8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_audit_leaf(uuid, uuid, xid8) TO saas_internal;
COMMENT ON FUNCTION saas.find_audit_leaf(uuid, uuid, xid8) IS
'Where the leaf of a sealed row is: the row of saas.audit_leaves, its place there, and its salt. NULL for a row that is not sealed.';

CREATE OR REPLACE FUNCTION saas.audit_checkpoint(p_team uuid, p_number bigint DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_audit_access(p_team);
    RETURN (
        SELECT saas.audit_checkpoint_text(
            c.team_id, c.number, c.tree_size, c.root, c.previous_root, c.sealed_at, c.through_xact_id,
            c.through_id, c.retained_from, c.key_id, c.signature)
        FROM saas.audit_checkpoints AS c
        WHERE c.team_id = p_team AND (c.number = p_number OR p_number IS NULL)
        ORDER BY c.number DESC
        LIMIT 1
    );
END
$$;
REVOKE ALL ON FUNCTION saas.audit_checkpoint(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_checkpoint(uuid, bigint) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.audit_checkpoint(uuid, bigint) IS
'The last signed checkpoint of the team''s audit trail, or the one of that number, as text to be kept elsewhere. For admins. NULL when there is none.';

CREATE OR REPLACE FUNCTION saas.audit_inclusion_proof(p_team uuid, p_id uuid)
RETURNS TABLE (leaf bytea, leaf_index bigint, tree_size bigint, proof bytea[], root bytea, salt bytea)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.audit_logs;
    v_sealed record;
    v_last saas.audit_checkpoints;
    v_leaves bytea;
BEGIN
    PERFORM saas.require_audit_access(p_team);
    v_row := saas.find_audit_row(p_team, p_id);
    SELECT * INTO v_sealed FROM saas.find_audit_leaf(p_team, p_id, v_row.xact_id);
    IF v_sealed.first_index IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA049',
            MESSAGE = 'the team''s audit trail has no sealed row with this id',
            HINT = 'A new row is sealed by the next run of saas.seal_audit_log().';
    END IF;
    SELECT * INTO v_last FROM saas.audit_checkpoints AS c
    WHERE c.team_id = p_team ORDER BY c.number DESC LIMIT 1;
    SELECT string_agg(a.hashes, '' ORDER BY a.first_index) INTO v_leaves
    FROM saas.audit_leaves AS a
    WHERE a.team_id = p_team;
    leaf_index := v_sealed.first_index + v_sealed.place;
    RETURN QUERY SELECT substring(v_leaves FROM (leaf_index * 32 + 1)::integer FOR 32), leaf_index, v_last.tree_size,
        saas.merkle_inclusion_proof(v_leaves, leaf_index), v_last.root,
        CASE WHEN v_row.payload_hash IS NULL THEN v_sealed.salt END;
END
$$;
REVOKE ALL ON FUNCTION saas.audit_inclusion_proof(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_inclusion_proof(uuid, uuid) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.audit_inclusion_proof(uuid, uuid) IS
'Proof (RFC 6962) that a row is in the team''s sealed audit trail, for saas.verify_inclusion(), and the salt with which saas.audit_leaf() gives the leaf of the row. For admins. SA049 for a row that is not sealed.';

CREATE OR REPLACE FUNCTION saas.audit_consistency_proof(p_team uuid, p_size1 bigint, p_size2 bigint)
RETURNS bytea[]
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_leaves bytea;
BEGIN
    PERFORM saas.require_audit_access(p_team);
    SELECT string_agg(a.hashes, '' ORDER BY a.first_index) INTO v_leaves
    FROM saas.audit_leaves AS a
    WHERE a.team_id = p_team AND a.first_index < p_size2;
    IF p_size1 < 1 OR p_size1 > p_size2 OR p_size2 > COALESCE(octet_length(v_leaves) / 32, 0) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = format('no consistency proof from size %s to size %s', p_size1, p_size2),
            HINT = 'Give the tree sizes of two checkpoints of the team, the smaller first.';
    END IF;
    RETURN saas.merkle_consistency_proof(substring(v_leaves FOR (p_size2 * 32)::integer), p_size1);
END
$$;
REVOKE ALL ON FUNCTION saas.audit_consistency_proof(uuid, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_consistency_proof(uuid, bigint, bigint) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.audit_consistency_proof(uuid, bigint, bigint) IS
'Proof (RFC 6962) that the trail of the first size is the beginning of the trail of the second, for saas.verify_consistency(). For admins.';
