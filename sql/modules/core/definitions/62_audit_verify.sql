-- Verifying the audit trail, and dropping what is too old.

CREATE OR REPLACE FUNCTION saas.verify_audit_log(
    p_team uuid,
    p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL,
    p_anchor text DEFAULT NULL,
    p_max_unsealed interval DEFAULT '1 day'
)
RETURNS TABLE (
    problem text,
    detail text,
    checkpoint bigint,
    leaf_index bigint,
    created_at timestamptz,
    id uuid,
    checkpoints bigint,
    sealed_rows bigint,
    verified_rows bigint,
    redacted_rows bigint,
    unsealed_rows bigint,
    unsealed_since timestamptz
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET work_mem = '64MB'
AS $$
DECLARE
    v_found record;
    v_erased record;
BEGIN
    PERFORM saas.require_audit_access(p_team);
    -- Retention must not drop a month after what follows chose its snapshot.
    LOCK TABLE saas.audit_logs IN ACCESS SHARE MODE;
    FOR v_found IN SELECT * FROM saas.verify_audit_chain(p_team, p_from, p_to, p_anchor) LOOP
        problem := v_found.problem;
        detail := v_found.detail;
        checkpoint := v_found.checkpoint;
        leaf_index := v_found.leaf_index;
        created_at := v_found.created_at;
        id := v_found.id;
        checkpoints := v_found.checkpoints;
        sealed_rows := v_found.sealed_rows;
        verified_rows := v_found.verified_rows;
        redacted_rows := v_found.redacted_rows;
        unsealed_rows := v_found.unsealed_rows;
        unsealed_since := v_found.unsealed_since;
        IF problem = 'row missing' AND NOT EXISTS (
            SELECT
            FROM saas.audit_logs AS l
            WHERE l.created_at >= date_trunc('month', v_found.created_at, 'UTC')
                AND l.created_at < date_trunc('month', v_found.created_at, 'UTC') + INTERVAL '1 month'
        ) THEN
            problem := 'partition missing';
            detail := 'The log has no row of that month at all.';
        END IF;
        IF problem IS NULL AND redacted_rows > 0 THEN
            SELECT l.created_at, l.id
            INTO v_erased
            FROM saas.audit_logs AS l
            WHERE l.team_id = p_team
                AND (p_from IS NULL OR l.created_at >= p_from)
                AND (p_to IS NULL OR l.created_at < p_to)
                AND l.payload_hash IS NOT NULL
                AND NOT EXISTS (
                    SELECT FROM saas.audit_redactions AS r
                    WHERE r.team_id = p_team AND r.audit_id = l.id
                )
            ORDER BY l.xact_id, l.id
            LIMIT 1;
            IF FOUND THEN
                problem := 'erasure not recorded';
                detail := 'The row''s payload was erased without a row in saas.audit_redactions.';
                created_at := v_erased.created_at;
                id := v_erased.id;
            END IF;
        END IF;
        IF problem IS NULL AND unsealed_since < clock_timestamp() - p_max_unsealed THEN
            problem := 'not sealed';
            detail := format('A row has waited to be sealed for %s.',
                             date_trunc('minute', clock_timestamp() - unsealed_since));
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION saas.verify_audit_log(uuid, timestamptz, timestamptz, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_audit_log(uuid, timestamptz, timestamptz, text, interval)
    TO saas_app, saas_service;
COMMENT ON FUNCTION saas.verify_audit_log(uuid, timestamptz, timestamptz, text, interval) IS
'Holds the team''s audit trail, all of it or what was created from p_from until p_to, against its signed checkpoints and an anchored one. One row whose problem is NULL when all is well; else the first problem of the checkpoints and that of the rows. For admins and the owner of the log.';

CREATE OR REPLACE FUNCTION saas.count_unsealed_audit_rows(p_from timestamptz, p_to timestamptz)
RETURNS bigint
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT count(*)
    FROM saas.audit_logs AS l
    LEFT JOIN (
        SELECT a.team_id, p.id, p.created_at
        FROM saas.audit_leaves AS a
        CROSS JOIN LATERAL saas.audit_leaf_positions(a.positions) AS p
        WHERE p.created_at >= p_from AND p.created_at < p_to
    ) AS s ON s.team_id = l.team_id AND s.id = l.id AND s.created_at = l.created_at
    WHERE l.created_at >= p_from AND l.created_at < p_to AND s.id IS NULL
$$;
REVOKE ALL ON FUNCTION saas.count_unsealed_audit_rows(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.count_unsealed_audit_rows(timestamptz, timestamptz) TO pg_database_owner;
COMMENT ON FUNCTION saas.count_unsealed_audit_rows(timestamptz, timestamptz) IS
'Rows of the audit log, of all teams, of that time without a sealed leaf. For the owner.';

CREATE OR REPLACE FUNCTION saas.has_later_audit_rows(p_from timestamptz, p_to timestamptz, p_xact_id xid8)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM saas.audit_logs AS l
        WHERE l.created_at >= p_from AND l.created_at < p_to AND l.xact_id >= p_xact_id
    )
$$;
REVOKE ALL ON FUNCTION saas.has_later_audit_rows(timestamptz, timestamptz, xid8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.has_later_audit_rows(timestamptz, timestamptz, xid8) TO pg_database_owner;
COMMENT ON FUNCTION saas.has_later_audit_rows(timestamptz, timestamptz, xid8) IS
'Whether the audit log, of any team, has rows created in that time by a transaction from that one on. Only for saas.drop_audit_partitions().';

CREATE OR REPLACE FUNCTION saas.forget_audit_salts(p_before timestamptz)
RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH kept AS MATERIALIZED (
        SELECT s.team_id, s.first_index, bool_or(p.created_at >= p_before) AS has_later,
            string_agg(
                CASE
                    WHEN p.created_at < p_before THEN '\x00000000000000000000000000000000'::bytea
                    ELSE substring(s.salts FROM (p.place * 16 + 1)::integer FOR 16)
                END,
                '' ORDER BY p.place
            ) AS salts
        FROM saas.audit_salts AS s
        JOIN saas.audit_leaves AS a ON a.team_id = s.team_id AND a.first_index = s.first_index
        CROSS JOIN LATERAL saas.audit_leaf_positions(a.positions) AS p
        GROUP BY s.team_id, s.first_index
        HAVING bool_or(p.created_at < p_before)
    ), dropped AS (
        DELETE FROM saas.audit_salts AS s
        USING kept AS k
        WHERE s.team_id = k.team_id AND s.first_index = k.first_index AND NOT k.has_later
    )
    UPDATE saas.audit_salts AS s
    SET salts = k.salts
    FROM kept AS k
    WHERE s.team_id = k.team_id AND s.first_index = k.first_index AND k.has_later AND s.salts <> k.salts
$$;
REVOKE ALL ON FUNCTION saas.forget_audit_salts(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.forget_audit_salts(timestamptz) TO saas_internal;
COMMENT ON FUNCTION saas.forget_audit_salts(timestamptz) IS
'Overwrites the salts of leaves whose rows were created before that: with a salt, what a dropped row said could be guessed from its leaf.';

CREATE OR REPLACE FUNCTION saas.record_audit_retention(p_before timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_state saas.audit_sealing;
    v_team uuid;
BEGIN
    SELECT * INTO v_state FROM saas.audit_sealing AS s FOR UPDATE;
    FOR v_team IN
        SELECT DISTINCT l.team_id FROM saas.audit_logs AS l WHERE l.created_at < p_before ORDER BY l.team_id
    LOOP
        PERFORM saas.add_audit_checkpoint(
            v_team, '', v_state.through_xact_id, v_state.through_id, p_before);
    END LOOP;
    PERFORM saas.forget_audit_salts(p_before);
END
$$;
REVOKE ALL ON FUNCTION saas.record_audit_retention(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_audit_retention(timestamptz) TO pg_database_owner;
COMMENT ON FUNCTION saas.record_audit_retention(timestamptz) IS
'Signs, for every team with rows created before that, a checkpoint which says that they are dropped. Only for saas.drop_audit_partitions().';

CREATE OR REPLACE FUNCTION saas.drop_audit_partitions(p_before timestamptz)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_month record;
    v_months text[] := '{}'::text[];
    v_from timestamptz;
    v_until timestamptz;
    v_unsealed bigint;
    v_horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
BEGIN
    FOR v_month IN
        SELECT p.name, p.bounds[1]::timestamptz AS from_time, p.bounds[2]::timestamptz AS to_time
        FROM (
            SELECT format('%I.%I', n.nspname, c.relname) AS name,
                regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.*)''\) TO \(''(.*)''\)') AS bounds
            FROM pg_catalog.pg_inherits AS i
            JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE i.inhparent = 'saas.audit_logs'::regclass
        ) AS p
        WHERE p.bounds[2]::timestamptz <= LEAST(p_before, now())
        ORDER BY 2
    LOOP
        v_unsealed := saas.count_unsealed_audit_rows(v_month.from_time, v_month.to_time);
        IF v_unsealed > 0 THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA048',
                MESSAGE = format('partition %s of the audit log is not sealed', v_month.name),
                DETAIL = format('%s of its rows are in no checkpoint yet.', v_unsealed),
                HINT = 'Run saas.seal_audit_log() first.';
        END IF;
        v_months := v_months || v_month.name;
        v_from := COALESCE(v_from, v_month.from_time);
        v_until := v_month.to_time;
    END LOOP;
    IF v_until IS NULL THEN
        RETURN;
    END IF;
    -- Before the lock on the state of the sealer: transactions that changed audited rows may wait for that one. And
    -- only now, since changes wait from here on.
    LOCK TABLE ONLY saas.audit_logs IN ACCESS EXCLUSIVE MODE;
    FOR v_month IN SELECT m.name FROM unnest(v_months) AS m (name) LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_month.name);
    END LOOP;
    IF saas.has_later_audit_rows(v_from, v_until, v_horizon)
        AND saas.count_unsealed_audit_rows(v_from, v_until) > 0
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA048',
            MESSAGE = 'partitions of the audit log are not sealed',
            DETAIL = 'Rows came in while it was looked for such.',
            HINT = 'Run saas.seal_audit_log() first.';
    END IF;
    PERFORM saas.record_audit_retention(v_until);
    FOR v_month IN SELECT m.name FROM unnest(v_months) AS m (name) LOOP
        EXECUTE format('DROP TABLE %s', v_month.name);
        RETURN NEXT v_month.name;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION saas.drop_audit_partitions(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION saas.drop_audit_partitions(timestamptz) IS
'Drops the partitions of the audit log whose months ended by then and are over, after a signed checkpoint that says so; leaves and checkpoints stay. SA048 when one is not sealed. For the owner of the log. Returns their names.';

CREATE OR REPLACE FUNCTION saas.note_audited_table(p_table_name text, p_audited boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_audited THEN
        INSERT INTO saas.audited_tables AS t (table_name) VALUES (p_table_name)
        ON CONFLICT (table_name) DO NOTHING;
    ELSE
        DELETE FROM saas.audited_tables AS t WHERE t.table_name = p_table_name;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION saas.note_audited_table(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_audited_table(text, boolean) TO pg_database_owner;
COMMENT ON FUNCTION saas.note_audited_table(text, boolean) IS
'Remembers that a table is audited, or that it no longer is. Only for saas.audit_table() and saas.unaudit_table().';

SELECT saas.make_append_only('saas.audit_checkpoints');
SELECT saas.make_append_only('saas.audit_leaves');
SELECT saas.make_append_only('saas.audit_redactions');

ALTER TABLE saas.audit_checkpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_checkpoints FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_leaves ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_leaves FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_salts ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_salts FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_redactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_redactions FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_sealing ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.audited_tables ENABLE ROW LEVEL SECURITY;

CREATE POLICY audit_checkpoints_app_select ON saas.audit_checkpoints
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY audit_leaves_app_select ON saas.audit_leaves
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY audit_redactions_app_select ON saas.audit_redactions
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
GRANT SELECT ON saas.audit_checkpoints, saas.audit_leaves, saas.audit_redactions TO saas_app, saas_service;
GRANT SELECT, INSERT ON saas.audit_checkpoints, saas.audit_leaves, saas.audit_redactions TO saas_internal;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.audit_salts TO saas_internal;
GRANT SELECT ON saas.audit_keys TO saas_internal;
GRANT SELECT, UPDATE ON saas.audit_sealing TO saas_internal;
GRANT SELECT, INSERT, DELETE ON saas.audited_tables TO saas_internal;
