-- What stands against an erasure, and the plan as a session keeps it.
CREATE OR REPLACE FUNCTION saas.personal_obstacles(p_subjects uuid[], p_mode text)
RETURNS TABLE (
    subject_id uuid,
    sqlstate_code text,
    table_name text,
    problem text
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT h.subject_id, 'SA151', COALESCE(h.table_name, 'saas.users'), 'legal hold since ' || h.placed_at::date || ': ' || h.basis
    FROM saas.legal_holds AS h
    WHERE h.subject_id = ANY (p_subjects) AND h.released_at IS NULL AND (h.ends_at IS NULL OR h.ends_at > now())
    UNION ALL
    SELECT k.subject_id, 'SA151', 'saas.encryption_keys', 'the key in team ' || k.team_id || ' is under legal hold'
    FROM saas.encryption_keys AS k
    WHERE k.subject_id = ANY (p_subjects) AND k.status = 'hold'
    UNION ALL
    SELECT m.user_id, 'SA153', 'saas.team_members', 'the person is the last owner of team ' || m.team_id
    FROM saas.team_members AS m
    JOIN saas.teams AS t ON t.id = m.team_id AND t.deleted_at IS NULL
    WHERE m.user_id = ANY (p_subjects)
        AND m.role = 'owner'
        AND m.status = 'active'
        AND p_mode = 'erase'
        -- Of owners who would go together none may be the one that stays.
        AND NOT EXISTS (
            SELECT FROM saas.team_members AS o
            JOIN saas.users AS u ON u.id = o.user_id AND u.is_active AND u.deleted_at IS NULL
            WHERE o.team_id = m.team_id AND o.user_id <> ALL (p_subjects) AND o.role = 'owner' AND o.status = 'active'
        )
$$;
COMMENT ON FUNCTION saas.personal_obstacles(uuid[], text) IS
'What stands against erasing these people, all of them together: legal holds, and teams that would be left without an owner.';
REVOKE ALL ON FUNCTION saas.personal_obstacles(uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_obstacles(uuid[], text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.map_problems(p_mode text)
RETURNS TABLE (
    sqlstate_code text,
    table_name text,
    problem text
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH nodes AS MATERIALIZED (
        SELECT n.*, saas.personal_table(n.table_name) AS relation FROM saas.erasure_nodes(p_mode) AS n
    ),
    -- Looked up first: rights are asked for these columns alone.
    changed AS MATERIALIZED (
        SELECT DISTINCT n.table_name, a.attrelid, a.attname, a.attnum, a.atttypid, a.attnotnull, a.attgenerated <> '' OR a.attidentity = 'a' AS is_generated, x.value
        FROM nodes AS n
        JOIN (
            SELECT c.table_name, NULL::text AS link_name, c.column_name AS name, c.value FROM saas.personal_columns AS c
            WHERE c.action IN ('null', 'anonymise')
            UNION ALL
            SELECT l.table_name, l.link_name, l.columns[cardinality(l.columns)], l.reassign_to FROM saas.personal_links AS l
            WHERE l.action IN ('null', 'reassign')
        ) AS x
            ON x.table_name = n.table_name
            AND (n.party_link = x.link_name OR n.party_link IS NULL AND x.link_name IS NULL AND n.action = 'anonymise')
        JOIN pg_attribute AS a ON a.attrelid = n.relation AND a.attname = x.name::name AND a.attnum > 0
    )
    SELECT 'SA153', n.table_name, 'saas_internal may not ' || lower(r.name) || ' its rows'
    FROM nodes AS n
    JOIN (VALUES ('SELECT'), ('DELETE')) AS r (name)
        ON r.name = 'SELECT'
        OR r.name = 'DELETE' AND n.action = 'delete'
    WHERE NOT has_table_privilege(current_user, n.relation, r.name)
        OR NOT has_schema_privilege(current_user, (parse_ident(n.table_name))[1], 'USAGE')
    UNION ALL
    -- Else the erasure would fail in its middle.
    SELECT
        'SA153', c.table_name,
        CASE
            WHEN NOT r.may THEN 'saas_internal may not update column ' || c.attname
            WHEN c.is_generated THEN 'column ' || c.attname || ' is generated, and cannot be changed'
            ELSE 'column ' || c.attname || ' cannot be NULL, and is to be emptied'
        END
    FROM changed AS c
    CROSS JOIN LATERAL (SELECT has_column_privilege(current_user, c.attrelid, c.attnum, 'UPDATE') AS may) AS r
    WHERE NOT r.may OR c.is_generated OR c.value IS NULL AND (c.attnotnull OR saas.is_never_null(c.atttypid))
    UNION ALL
    SELECT DISTINCT 'SA153', n.table_name, 'rule ' || w.rulename || ' does something else than what is asked for'
    FROM nodes AS n
    JOIN pg_rewrite AS w ON w.ev_class = n.relation AND w.ev_type IN ('2', '4') AND w.ev_enabled <> 'D'
    UNION ALL
    SELECT DISTINCT 'SA153', n.table_name, 'it belongs to somebody else than the owner of the database, or runs code of theirs'
    FROM nodes AS n
    WHERE n.relation IN (SELECT u.oid FROM saas.untrusted_tables(ARRAY(SELECT x.relation::oid FROM nodes AS x)) AS u (oid))
    UNION ALL
    SELECT 'SA153', u.oid::regclass::text, 'a foreign key leads to it, after which a trigger runs code of somebody else than the owner of the database'
    FROM saas.untrusted_followers(ARRAY(SELECT n.relation::oid FROM nodes AS n WHERE n.action = 'delete' AND n.relation IS NOT NULL)) AS u (oid)
    UNION ALL
    SELECT 'SA150', u.table_name, 'column ' || u.column_name || ': ' || u.why
    FROM saas.undeclared_personal_data() AS u
    UNION ALL
    -- What the package declares fits its tables.
    SELECT 'SA139', x.table_name, x.problem
    FROM (SELECT p_mode AS mode FROM saas.personal_data_links LIMIT 1) AS d
    CROSS JOIN LATERAL (
        SELECT f.* FROM saas.foreign_key_problems(d.mode) AS f
        UNION ALL
        SELECT k.* FROM saas.unique_key_problems(d.mode) AS k
        UNION ALL
        SELECT r.* FROM saas.refused_changes(d.mode) AS r
    ) AS x
$$;
COMMENT ON FUNCTION saas.map_problems(text) IS
'What is wrong with the map, whoever is to be erased: rights that are missing, tables of others, undeclared columns, actions that constraints of their tables refuse.';
REVOKE ALL ON FUNCTION saas.map_problems(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.map_problems(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.resisting_tables()
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- Those of the package's own tables are known.
    SELECT DISTINCT saas.personal_table_name(COALESCE(pg_partition_root(g.tgrelid), g.tgrelid))
    FROM pg_trigger AS g
    JOIN pg_class AS c ON c.oid = g.tgrelid AND c.relnamespace <> 'saas'::regnamespace
    WHERE NOT g.tgisinternal
        AND g.tgenabled <> 'D'
        -- For each row, before its DELETE or UPDATE.
        AND (g.tgtype & 3) = 3
        AND (g.tgtype & 24) <> 0
$$;
COMMENT ON FUNCTION saas.resisting_tables() IS
'Tables outside the package with a trigger that may skip or change what is done to their rows.';
REVOKE ALL ON FUNCTION saas.resisting_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.resisting_tables() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.may_resist(p_table text)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT p_table IN (SELECT r.name FROM saas.resisting_tables() AS r (name))
$$;
COMMENT ON FUNCTION saas.may_resist(text) IS
'Whether a trigger may skip or change what is done to rows of a table outside the package.';
REVOKE ALL ON FUNCTION saas.may_resist(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.may_resist(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.known_map_problems(p_state bigint, p_mode text)
RETURNS TABLE (
    sqlstate_code text,
    table_name text,
    problem text
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT p.sqlstate_code, p.table_name, p.problem
    FROM jsonb_to_recordset(
        saas.privacy_answer(
            p_state, format('SELECT COALESCE(jsonb_agg(to_jsonb(p)), %L::jsonb) FROM saas.map_problems(%L) AS p', '[]', p_mode)
        )::jsonb
    ) AS p (sqlstate_code text, table_name text, problem text)
$$;
COMMENT ON FUNCTION saas.known_map_problems(bigint, text) IS
'saas.map_problems(), looked for once in a session as long as saas.privacy_state() is the same.';
REVOKE ALL ON FUNCTION saas.known_map_problems(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.known_map_problems(bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erasure_problems(p_subject uuid, p_mode text, p_strict boolean)
RETURNS TABLE (
    sqlstate_code text,
    table_name text,
    problem text
)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT o.sqlstate_code, o.table_name, o.problem FROM saas.personal_obstacles(ARRAY[p_subject], p_mode) AS o
    UNION ALL
    SELECT p.sqlstate_code, p.table_name, p.problem
    FROM (SELECT saas.privacy_state() AS state) AS s
    CROSS JOIN LATERAL (
        SELECT k.* FROM saas.known_map_problems(s.state, p_mode) AS k
        UNION ALL
        SELECT 'SA139', b.table_name, b.problem FROM saas.broken_references(s.state, p_mode) AS b
    ) AS p
    WHERE p_strict OR p.sqlstate_code NOT IN ('SA139', 'SA150')
$$;
COMMENT ON FUNCTION saas.erasure_problems(uuid, text, boolean) IS
'What stands against erasing a person now, with the SQLSTATE that it would be refused with.';
REVOKE ALL ON FUNCTION saas.erasure_problems(uuid, text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.known_plan(p_state bigint, p_mode text)
RETURNS TABLE (
    place integer,
    step integer,
    table_name text,
    action text,
    party_link text,
    path text,
    circle text,
    group_number integer,
    basis text,
    kept_for interval
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT s.place, s.step, s.table_name, s.action, s.party_link, s.path, s.circle, s.group_number, s.basis, s.kept_for
    FROM jsonb_to_recordset(
        saas.privacy_answer(p_state, format('SELECT jsonb_agg(to_jsonb(s)) FROM saas.planned_steps(%L) AS s', p_mode))::jsonb
    ) AS s (
        place integer, step integer, table_name text, action text, party_link text, path text, circle text, group_number integer,
        basis text, kept_for interval
    )
    UNION ALL
    SELECT 1000000, -1, 'saas.audit_logs', 'shred', NULL, 'entries about these rows', 'none', -1, NULL, NULL
$$;
COMMENT ON FUNCTION saas.known_plan(bigint, text) IS
'saas.planned_steps(), planned once in a session as long as saas.privacy_state() is the same, and the step for entries of the audit trail.';
REVOKE ALL ON FUNCTION saas.known_plan(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.known_plan(bigint, text) TO saas_internal;
