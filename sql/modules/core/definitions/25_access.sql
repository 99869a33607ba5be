-- Access: which teams a person may enter, and why.
CREATE OR REPLACE FUNCTION saas.active_teams(p_user uuid)
RETURNS TABLE (team_id uuid, role text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT m.team_id, m.role
    FROM saas.team_members AS m
    JOIN saas.teams AS t ON t.id = m.team_id
    JOIN saas.users AS u ON u.id = m.user_id
    WHERE m.user_id = p_user
        AND m.status = 'active'
        AND t.is_active
        AND t.deleted_at IS NULL
        AND u.is_active
        AND u.deleted_at IS NULL
$$;
COMMENT ON FUNCTION saas.active_teams(uuid) IS
'The teams in which user, team and membership are all active, with the role there. What can_access() and its relatives keep in memory.';
REVOKE ALL ON FUNCTION saas.active_teams(uuid) FROM PUBLIC;

-- What active_teams() reads is kept in every session; these tell them all that it changed. Changes
-- that make no difference to access are left out, since each one costs every session a look-up.
CREATE OR REPLACE TRIGGER team_members_30_announce_row
AFTER INSERT OR DELETE ON saas.team_members
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
CREATE OR REPLACE TRIGGER team_members_31_announce_update
AFTER UPDATE ON saas.team_members
FOR EACH ROW
WHEN (
    old.team_id IS DISTINCT FROM new.team_id
    OR old.user_id IS DISTINCT FROM new.user_id
    OR old.role IS DISTINCT FROM new.role
    OR old.status IS DISTINCT FROM new.status
)
EXECUTE FUNCTION saas.announce_change();
CREATE OR REPLACE TRIGGER teams_30_announce_delete
AFTER DELETE ON saas.teams
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
CREATE OR REPLACE TRIGGER teams_31_announce_update
AFTER UPDATE ON saas.teams
FOR EACH ROW
WHEN (
    old.id IS DISTINCT FROM new.id
    OR old.is_active IS DISTINCT FROM new.is_active
    OR (old.deleted_at IS NULL) IS DISTINCT FROM (new.deleted_at IS NULL)
)
EXECUTE FUNCTION saas.announce_change();
CREATE OR REPLACE TRIGGER users_30_announce_delete
AFTER DELETE ON saas.users
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
CREATE OR REPLACE TRIGGER users_31_announce_update
AFTER UPDATE ON saas.users
FOR EACH ROW
WHEN (
    old.id IS DISTINCT FROM new.id
    OR old.is_active IS DISTINCT FROM new.is_active
    OR (old.deleted_at IS NULL) IS DISTINCT FROM (new.deleted_at IS NULL)
)
EXECUTE FUNCTION saas.announce_change();
-- Rows that replication applies change access, too.
ALTER TABLE saas.team_members ENABLE ALWAYS TRIGGER team_members_30_announce_row;
ALTER TABLE saas.team_members ENABLE ALWAYS TRIGGER team_members_31_announce_update;
ALTER TABLE saas.teams ENABLE ALWAYS TRIGGER teams_30_announce_delete;
ALTER TABLE saas.teams ENABLE ALWAYS TRIGGER teams_31_announce_update;
ALTER TABLE saas.users ENABLE ALWAYS TRIGGER users_30_announce_delete;
ALTER TABLE saas.users ENABLE ALWAYS TRIGGER users_31_announce_update;

CREATE OR REPLACE FUNCTION saas.my_teams()
RETURNS TABLE (team_id uuid, name text, slug text, role text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT t.id, t.name, t.slug, saas.role_in_team(t.id)
    FROM saas.teams AS t
    WHERE t.id = ANY (saas.my_team_ids())
    ORDER BY t.name, t.id
$$;
COMMENT ON FUNCTION saas.my_teams() IS
'The teams that the user of the request context can enter, with the role there, for a list to choose from. In policies and queries use can_access(team_id) or my_team_ids().';
REVOKE ALL ON FUNCTION saas.my_teams() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.my_teams() TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.membership_in_words(
    p_team uuid,
    p_user uuid,
    OUT role text,
    OUT active boolean,
    OUT words text
)
RETURNS record
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_member record;
BEGIN
    IF NOT saas.acts_as_database_owner() THEN
        PERFORM saas.require_team(p_team, 'admin');
    END IF;
    SELECT m.role, m.status, u.is_active AND u.deleted_at IS NULL AS user_active,
        t.is_active AND t.deleted_at IS NULL AS team_active
    INTO v_member
    FROM saas.team_members AS m
    JOIN saas.teams AS t ON t.id = m.team_id
    JOIN saas.users AS u ON u.id = m.user_id
    WHERE m.team_id = p_team AND m.user_id = p_user;
    IF NOT FOUND THEN
        active := false;
        words := 'not a member of the team';
        RETURN;
    END IF;
    role := v_member.role;
    active := v_member.status = 'active' AND v_member.user_active AND v_member.team_active;
    words := CASE
        WHEN v_member.status <> 'active' THEN pg_catalog.format('%s of the team, but the membership is %s', role, v_member.status)
        WHEN NOT v_member.user_active THEN pg_catalog.format('%s of the team, but the user is not active', role)
        WHEN NOT v_member.team_active THEN pg_catalog.format('%s of the team, but the team is not active', role)
        ELSE pg_catalog.format('active %s of the team', role)
    END;
END
$$;
COMMENT ON FUNCTION saas.membership_in_words(uuid, uuid) IS
'What somebody is in the team, for its admins, its workers and the owner of the database (42501 for others). Part of explain_access().';
REVOKE ALL ON FUNCTION saas.membership_in_words(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.membership_in_words(uuid, uuid) TO saas_app, saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.rights_in_words(
    p_role regrole,
    p_table regclass,
    p_command text,
    OUT granted boolean,
    OUT words text
)
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT g.whole OR g.columns IS NOT NULL,
        CASE
            WHEN g.whole THEN pg_catalog.format('%s may %s it', p_role, lower(p_command))
            WHEN g.columns IS NOT NULL THEN pg_catalog.format('%s may %s its columns %s', p_role, lower(p_command), g.columns)
            ELSE pg_catalog.format('%s has no right to %s it', p_role, lower(p_command))
        END
    FROM (
        SELECT has_table_privilege(p_role, p_table, p_command) AS whole,
            (
                SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = p_table
                    AND a.attnum > 0
                    AND NOT a.attisdropped
                    AND p_command <> 'DELETE'
                    AND has_column_privilege(p_role, p_table, a.attnum, CASE p_command WHEN 'DELETE' THEN 'SELECT' ELSE p_command END)
            ) AS columns
    ) AS g
$$;
COMMENT ON FUNCTION saas.rights_in_words(regrole, regclass, text) IS
'Whether a database role may give this command (SELECT, INSERT, UPDATE, DELETE) on the table or some of its columns. Part of explain_access().';
REVOKE ALL ON FUNCTION saas.rights_in_words(regrole, regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rights_in_words(regrole, regclass, text)
TO saas_app, saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.policies_in_words(
    p_role regrole,
    p_table regclass,
    p_command text,
    p_member_role text,
    OUT passable boolean,
    OUT words text
)
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH policies AS (
        SELECT p.polname, e.expression,
            -- The roles in the team that a policy asks for, where it does so plainly: as one of several
            -- conditions that must all hold. Whatever is put otherwise is left to the reader.
            CASE
                WHEN e.expression !~ '\m(OR|NOT|CASE|COALESCE)\M'
                    THEN substring(e.expression FROM 'current_team_role\(\) = ANY \(ARRAY\[([^]]*)\]')
            END AS asked_roles
        FROM pg_catalog.pg_policy AS p
        CROSS JOIN LATERAL (
            SELECT COALESCE(
                pg_get_expr(
                    CASE WHEN p_command = 'INSERT' THEN COALESCE(p.polwithcheck, p.polqual) ELSE COALESCE(p.polqual, p.polwithcheck) END,
                    p.polrelid
                ),
                'true'
            ) AS expression
        ) AS e
        WHERE p.polrelid = p_table
            AND p.polpermissive
            AND p.polcmd IN ('*', CASE p_command WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' ELSE 'd' END)
            AND EXISTS (
                SELECT FROM unnest(p.polroles) AS r (oid)
                WHERE r.oid = 0 OR pg_has_role(p_role, r.oid, 'USAGE')
            )
    ), judged AS (
        SELECT p.polname, p.expression, p.asked_roles,
            p.asked_roles IS NULL OR p.asked_roles LIKE '%''' || p_member_role || '''%' AS holds
        FROM policies AS p
    )
    SELECT
        NOT c.relrowsecurity OR COALESCE((SELECT bool_or(j.holds) FROM judged AS j), false),
        CASE
            WHEN NOT c.relrowsecurity THEN 'row-level security is off, so in every row of every team'
            ELSE COALESCE(
                (
                    SELECT string_agg(
                        CASE
                            WHEN j.holds THEN pg_catalog.format('policy %s allows rows with %s', j.polname, j.expression)
                            ELSE pg_catalog.format('policy %s asks for the role %s', j.polname, replace(replace(j.asked_roles, '::text', ''), '''', ''))
                        END,
                        '; ' ORDER BY j.polname
                    )
                    FROM judged AS j
                ),
                'no policy allows it'
            )
        END
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = p_table
$$;
COMMENT ON FUNCTION saas.policies_in_words(regrole, regclass, text, text) IS
'The policies that decide about this command for a database role and a role in the team. Part of explain_access(). Reads their texts and evaluates nothing.';
REVOKE ALL ON FUNCTION saas.policies_in_words(regrole, regclass, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.policies_in_words(regrole, regclass, text, text)
TO saas_app, saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.explain_access(p_user uuid, p_team uuid, p_table regclass)
RETURNS TABLE (command text, allowed boolean, why text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_application regrole;
    v_member record;
    v_rights record;
    v_policies record;
BEGIN
    SELECT * INTO v_member FROM saas.membership_in_words(p_team, p_user);
    v_application := quote_ident(current_setting('saas.role_app'))::regrole;
    FOREACH command IN ARRAY ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] LOOP
        SELECT * INTO v_rights FROM saas.rights_in_words(v_application, p_table, command);
        SELECT * INTO v_policies FROM saas.policies_in_words(v_application, p_table, command, v_member.role);
        allowed := v_member.active AND v_rights.granted AND v_policies.passable;
        why := concat_ws(
            '; ',
            v_member.words,
            CASE WHEN v_member.active THEN v_rights.words END,
            CASE WHEN v_member.active AND v_rights.granted THEN v_policies.words END
        );
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.explain_access(uuid, uuid, regclass) IS
'What a person may do in a table when acting in the team through the application, and why: membership, rights, policies. For admins of the team, its workers and the owner of the database. Direct commands only: functions such as add_team_member() have checks of their own.';
REVOKE ALL ON FUNCTION saas.explain_access(uuid, uuid, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.explain_access(uuid, uuid, regclass) TO saas_app, saas_service, pg_database_owner;
