-- Erasing personal data from the audit trail: the entries stay, as commitments to what they held.
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
