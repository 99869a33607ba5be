-- saas.explain_access(): says what a person may do in a table and why, and agrees with what happens.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_user('carl@example.com', 'Carl') AS carl, saas.create_user('vera@example.com', 'Vera') AS vera \gset
INSERT INTO saas.team_members (team_id, user_id, role) VALUES (:'red', :'carl', 'member'), (:'red', :'vera', 'viewer');

CREATE FUNCTION pg_temp.says(p_user uuid, p_team uuid, p_table regclass, p_command text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN e.allowed THEN 'yes: ' ELSE 'no: ' END || e.why FROM saas.explain_access(p_user, p_team, p_table) AS e WHERE e.command = p_command
$$;

SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT results_eq(format('SELECT command FROM saas.explain_access(%L, %L, %L)', :'carl', :'red', 'saas.teams'),
    ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], 'a row for each command');
SELECT is(pg_temp.says(:'carl', :'red', 'saas.teams', 'SELECT'),
    'yes: active member of the team; saas_app may select it; policy teams_app_select allows rows with ((id = current_team_id()) AND (deleted_at IS NULL))',
    'membership, right and policy');
SELECT is(pg_temp.says(:'carl', :'red', 'saas.teams', 'DELETE'), 'no: active member of the team; saas_app has no right to delete it', 'a right that is missing');
SELECT is(pg_temp.says(:'carl', :'red', 'saas.teams', 'UPDATE'),
    'no: active member of the team; saas_app may update its columns name, slug, settings; policy teams_app_update asks for the role admin, owner, service',
    'a role that is missing');
SELECT matches(pg_temp.says(:'ann', :'red', 'saas.teams', 'UPDATE'), '^yes: active owner of the team; .* name, slug, settings; policy teams_app_update allows', 'and one that suffices');
SELECT matches(pg_temp.says(:'vera', :'red', 'saas.fraud_detection_rules', 'SELECT'), '^yes: active viewer of the team;', 'a viewer reads');
SELECT is(pg_temp.says(:'suspended', :'red', 'saas.teams', 'SELECT'), 'no: member of the team, but the membership is suspended', 'a suspended member');
SELECT is(pg_temp.says(:'invited', :'red', 'saas.teams', 'SELECT'), 'no: member of the team, but the membership is invited', 'an invited one');
SELECT is(pg_temp.says(:'removed', :'red', 'saas.teams', 'SELECT'), 'no: not a member of the team', 'one who left');
SELECT is(pg_temp.says(:'bob', :'red', 'saas.teams', 'SELECT'), 'no: not a member of the team', 'a stranger');
SELECT is(pg_temp.says(gen_random_uuid(), :'red', 'saas.teams', 'SELECT'), 'no: not a member of the team', 'who looks like nobody');
RESET ROLE;
UPDATE saas.users SET is_active = false WHERE id = :'carl';
SELECT is(pg_temp.says(:'carl', :'red', 'saas.teams', 'SELECT'), 'no: member of the team, but the user is not active', 'an inactive user');
UPDATE saas.users SET is_active = true WHERE id = :'carl';

-- Tables of the user's own, whatever their policies are; nothing of theirs is evaluated.
CREATE TABLE public.bare (id integer);
SELECT is(pg_temp.says(:'carl', :'red', 'public.bare', 'SELECT'), 'no: active member of the team; saas_app has no right to select it', 'a table without grants');
GRANT SELECT, DELETE ON public.bare TO saas_app;
SELECT is(pg_temp.says(:'carl', :'red', 'public.bare', 'SELECT'),
    'yes: active member of the team; saas_app may select it; row-level security is off, so in every row of every team', 'a table without row-level security is said to be one');
ALTER TABLE public.bare ENABLE ROW LEVEL SECURITY;
SELECT is(pg_temp.says(:'carl', :'red', 'public.bare', 'DELETE'), 'no: active member of the team; saas_app may delete it; no policy allows it', 'a table without policy');
CREATE POLICY bare_either ON public.bare FOR DELETE TO saas_app USING (id = 1 OR saas.current_team_role() IN ('owner'));
SELECT matches(pg_temp.says(:'carl', :'red', 'public.bare', 'DELETE'), '^yes: .*policy bare_either allows rows with \(\(id = 1\) OR', 'a role that is one of several ways is no condition for all rows');

-- It agrees with what happens: every table, member and owner, reading and deleting.
CREATE TEMPORARY TABLE happened (person text, table_name text, command text, allowed boolean, refused boolean);
CREATE FUNCTION pg_temp.refused(p_command text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE p_command;
    RETURN false;
EXCEPTION
    WHEN insufficient_privilege THEN RETURN true;
    WHEN OTHERS THEN RETURN false; -- allowed, and stopped by a key or a trigger
END
$$;
DO $$
DECLARE
    v_row record;
    v_refused boolean;
BEGIN
    FOR v_row IN
        SELECT c.oid::regclass AS t, e.command, e.allowed, e.why, current_setting('saas.role_app') AS r
        FROM pg_class AS c
        CROSS JOIN LATERAL saas.explain_access(saas.current_user_id(), saas.current_team_id(), c.oid::regclass) AS e
        WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind = 'r' AND e.command IN ('SELECT', 'DELETE')
    LOOP
        SET LOCAL ROLE saas_app;
        v_refused := pg_temp.refused(CASE v_row.command WHEN 'SELECT' THEN 'SELECT count(*) FROM ' || v_row.t ELSE 'DELETE FROM ' || v_row.t || ' WHERE false' END);
        RESET ROLE;
        INSERT INTO happened VALUES ('ann', v_row.t::text, v_row.command, v_row.allowed, v_refused);
    END LOOP;
END
$$;
SELECT is((SELECT string_agg(h.command || ' ' || h.table_name, ', ') FROM happened AS h WHERE h.allowed = h.refused), NULL, 'what it allows is not refused, and what it denies is');
SELECT cmp_ok((SELECT count(*) FROM happened AS h WHERE h.allowed), '>', 5::bigint, 'with tables on both sides');

-- Who may ask: admins of the team, and its workers.
SELECT saas.set_context(:'red', :'carl') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT * FROM saas.explain_access(%L, %L, %L)', :'ann', :'red', 'saas.teams'), '42501', NULL, 'a member may not');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT * FROM saas.explain_access(%L, %L, %L)', :'ann', :'red', 'saas.teams'), '42501', NULL, 'nor the owner of another team');
SELECT throws_ok(format('SELECT * FROM saas.membership_in_words(%L, %L)', :'red', :'ann'), '42501', NULL, 'nor ask its parts');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT * FROM saas.explain_access(%L, %L, %L)', :'ann', :'red', 'saas.teams'), '42501', NULL, 'nor anyone without a context');
SET LOCAL ROLE saas_analyst;
SELECT throws_ok(format('SELECT * FROM saas.explain_access(%L, %L, %L)', :'ann', :'red', 'saas.teams'), '42501', NULL, 'nor an analyst');
RESET ROLE;
SELECT saas.set_context(:'red') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT matches(pg_temp.says(:'ann', :'red', 'saas.teams', 'SELECT'), '^yes: active owner', 'a worker of the team may');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
