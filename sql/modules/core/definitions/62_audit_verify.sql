-- Verifying the audit trail, erasing personal data from it, and dropping what is too old.

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

CREATE OR REPLACE FUNCTION saas.find_audit_leaves(p_teams uuid[], p_created_at timestamptz[], p_ids uuid[])
RETURNS TABLE (
    team_id uuid,
    created_at timestamptz,
    id uuid,
    first_index bigint,
    place bigint,
    salt bytea
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH found AS MATERIALIZED (
        SELECT l.team_id, l.created_at, l.id, l.xact_id
        FROM unnest(p_teams, p_created_at, p_ids) AS g (team_id, created_at, id)
        JOIN saas.audit_logs AS l
            ON l.team_id = g.team_id AND l.created_at = g.created_at AND l.id = g.id AND l.payload_hash IS NULL
    ),
    sealed AS MATERIALIZED (
        SELECT DISTINCT a.team_id, a.first_index
        FROM found AS f
        JOIN saas.audit_leaves AS a
            ON a.team_id = f.team_id AND a.first_xact_id <= f.xact_id AND a.last_xact_id >= f.xact_id
    ),
    -- What was sealed together is unpacked once.
    leaves AS MATERIALIZED (
        SELECT a.team_id, a.first_index, p.place, p.id
        FROM sealed AS b
        JOIN saas.audit_leaves AS a ON a.team_id = b.team_id AND a.first_index = b.first_index
        CROSS JOIN LATERAL saas.audit_leaf_positions(a.positions) AS p
        WHERE p.id IN (SELECT f.id FROM found AS f)
    )
    SELECT
        f.team_id, f.created_at, f.id, a.first_index, a.place,
        (SELECT substring(s.salts FROM (a.place * 16 + 1)::integer FOR 16)
         FROM saas.audit_salts AS s WHERE s.team_id = a.team_id AND s.first_index = a.first_index)
    FROM found AS f
    LEFT JOIN leaves AS a ON a.team_id = f.team_id AND a.id = f.id
$$;
REVOKE ALL ON FUNCTION saas.find_audit_leaves(uuid[], timestamptz[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_audit_leaves(uuid[], timestamptz[], uuid[]) TO saas_internal;
COMMENT ON FUNCTION saas.find_audit_leaves(uuid[], timestamptz[], uuid[]) IS
'Those of these rows of the audit log that have a payload, and where their leaves are: the row of saas.audit_leaves, the place there, and the salt; NULL for a row that is not sealed.';

CREATE OR REPLACE FUNCTION saas.clear_audit_salts(p_team uuid, p_first_index bigint, p_places bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_zeros CONSTANT bytea := decode(repeat('00', 16), 'hex');
    v_salts bytea;
    v_place bigint;
BEGIN
    SELECT s.salts INTO v_salts FROM saas.audit_salts AS s
    WHERE s.team_id = p_team AND s.first_index = p_first_index FOR UPDATE;
    FOREACH v_place IN ARRAY p_places LOOP
        v_salts := overlay(v_salts PLACING v_zeros FROM (v_place * 16 + 1)::integer);
    END LOOP;
    UPDATE saas.audit_salts AS s SET salts = v_salts WHERE s.team_id = p_team AND s.first_index = p_first_index;
END
$$;
REVOKE ALL ON FUNCTION saas.clear_audit_salts(uuid, bigint, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.clear_audit_salts(uuid, bigint, bigint[]) TO saas_internal;
COMMENT ON FUNCTION saas.clear_audit_salts(uuid, bigint, bigint[]) IS
'Overwrites the salts at these places of a row of saas.audit_salts.';

CREATE OR REPLACE FUNCTION saas.redact_audit_entries(
    p_teams uuid[],
    p_created_at timestamptz[],
    p_ids uuid[],
    p_reasons text[]
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_found record;
    v_erased bigint;
BEGIN
    -- The log before the state of the sealer, as retention locks them.
    LOCK TABLE ONLY saas.audit_logs IN ACCESS SHARE MODE;
    -- The sealer waits: a row that it is hashing must not lose its payload meanwhile.
    PERFORM FROM saas.audit_sealing AS s FOR SHARE;
    SELECT
        array_agg(l.team_id) AS teams, array_agg(l.created_at) AS times, array_agg(l.id) AS ids,
        -- Not sealed yet: with a salt that nobody will know.
        array_agg(CASE WHEN l.first_index IS NULL THEN saas.audit_new_salt() ELSE l.salt END) AS salts,
        array_agg(l.first_index) AS first_indexes, array_agg(l.place) AS places,
        min(l.team_id::text || ', row ' || l.id) FILTER (WHERE l.first_index IS NOT NULL AND l.salt IS NULL) AS lost
    INTO v_found
    FROM saas.find_audit_leaves(p_teams, p_created_at, p_ids) AS l;
    IF v_found.ids IS NULL THEN
        RETURN 0;
    END IF;
    IF v_found.lost IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA044',
            MESSAGE = 'the salt of a sealed row of the audit trail is gone',
            DETAIL = format('Team %s.', v_found.lost),
            HINT = 'Restore saas.audit_salts from a backup.';
    END IF;
    INSERT INTO saas.audit_redactions (team_id, audit_id, audit_created_at, user_id, reason)
    SELECT f.team_id, f.id, f.created_at, saas.current_user_id(), g.reason
    FROM unnest(v_found.teams, v_found.times, v_found.ids) AS f (team_id, created_at, id)
    JOIN unnest(p_teams, p_ids, p_reasons) AS g (team_id, id, reason) ON g.team_id = f.team_id AND g.id = f.id
    ON CONFLICT (team_id, audit_id) DO NOTHING;
    v_erased := saas.redact_audit_payloads(v_found.teams, v_found.times, v_found.ids, v_found.salts);
    PERFORM saas.clear_audit_salts(x.team_id, x.first_index, x.places)
    FROM (
        SELECT f.team_id, f.first_index, array_agg(f.place) AS places
        FROM unnest(v_found.teams, v_found.first_indexes, v_found.places) AS f (team_id, first_index, place)
        WHERE f.first_index IS NOT NULL
        GROUP BY f.team_id, f.first_index
        ORDER BY f.team_id, f.first_index
    ) AS x;
    RETURN v_erased;
END
$$;
REVOKE ALL ON FUNCTION saas.redact_audit_entries(uuid[], timestamptz[], uuid[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.redact_audit_entries(uuid[], timestamptz[], uuid[], text[]) TO saas_internal;
COMMENT ON FUNCTION saas.redact_audit_entries(uuid[], timestamptz[], uuid[], text[]) IS
'Erases the personal payload of the rows of the audit log with these primary keys, as saas.redact_audit_row() does, each for its reason, and returns how many; nothing happens to those that are not there, or are erased already. For the privacy engine.';

CREATE OR REPLACE FUNCTION saas.redact_audit_row(p_team uuid, p_id uuid, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.audit_logs;
BEGIN
    -- The log before the state of the sealer, as retention locks them.
    LOCK TABLE ONLY saas.audit_logs IN ACCESS SHARE MODE;
    PERFORM FROM saas.audit_sealing AS s FOR SHARE;
    v_row := saas.find_audit_row(p_team, p_id);
    IF v_row.id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'the team''s audit log has no row with this id',
            HINT = 'Give team_id and id of a row of saas.audit_logs.';
    END IF;
    PERFORM saas.redact_audit_entries(ARRAY[p_team], ARRAY[v_row.created_at], ARRAY[p_id], ARRAY[p_reason]);
END
$$;
REVOKE ALL ON FUNCTION saas.redact_audit_row(uuid, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.redact_audit_row(uuid, uuid, text) IS
'Erases the personal payload (row_key, old_values, new_values, client_addr) of one row of the audit log with its salt, and records that. The sealed hash still proves the rest. For the owner and the privacy engine; nothing happens when it is erased already.';

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
