-- Attacks 17 to 28, 33, 35 and 38: on the request context, roles, memberships and functions. Those over
-- a pooled connection are in test/e2e/tenancy_test.py, those of two sessions in test/isolation/specs.
BEGIN;
SELECT no_plan();
\ir include/attacks.sql

-- 17: identity written by hand.
SELECT is(pg_temp.attempt('attack_login', format('SELECT set_config(%L, %L, true) || COALESCE(saas.current_user_id()::text, %L)', s.name, :'bob', 'nobody')), 'rows=' || :'bob' || :'ann', 'attack 17: ' || s.name || ' makes nobody somebody else')
FROM (VALUES ('app.current_user_id'), ('app.user_id'), ('request.jwt.claims'), ('request.jwt.claim.sub')) AS s (name);
SELECT is(pg_temp.attempt('attack_login', format('SELECT set_config(%L, %L, true)', 'saas.context', c.text)), 'SA020', 'attack 17: a context of one''s own making is refused')
FROM (VALUES ('v1.x'), (replace(current_setting('saas.context'), :'red', :'blue')), (replace(current_setting('saas.context'), '.owner.', '.service.'))) AS c (text);
SELECT is(pg_temp.attempt('attack_login', 'SET LOCAL saas.trusted_settings = app'), '42501', 'attack 17: settings are not made trusted');
SELECT is(pg_temp.attempt('attack_login', 'SET LOCAL saas.context_2 = ''x'''), '42602', 'attack 17: no other setting takes the name');
-- In a session that has not loaded the library yet, settings are placeholders for the time being.
\set fresh `psql -XqAt -d :DBNAME -c "SET ROLE saas_app" -c "SET saas.context = 'v1.forged'" -c "SET saas.trusted_settings = 'app'" -c "SET app.current_user_id = '00000000-0000-0000-0000-000000000001'" -c "SET app.current_team_id = '00000000-0000-0000-0000-000000000001'" -c "SELECT COALESCE(saas.current_team_id()::text, 'nobody')" -c "SELECT current_setting('saas.trusted_settings') || ' ' || current_setting('saas.context')" 2>/dev/null | tr '\n' ' '`
SELECT is(:'fresh'::text, 'nobody off  ', 'attack 17: what a fresh session wrote before the library was loaded counts for nothing');

-- 18: from the login of an application to roles that no policy holds back.
SET LOCAL SESSION AUTHORIZATION attack_login;
SELECT throws_ok(format('SET LOCAL ROLE %I', r.rolname), '42501', NULL, 'attack 18: the login of an application does not become ' || r.rolname)
FROM pg_roles AS r WHERE r.rolsuper OR r.rolbypassrls OR r.rolname IN ('saas_service', 'saas_migrator', 'saas_analyst', 'pg_read_all_data', 'pg_database_owner') ORDER BY r.rolname;
SELECT throws_ok('ALTER ROLE attack_login BYPASSRLS', '42501', NULL, 'attack 18: nor frees itself of policies');
SELECT throws_ok('GRANT saas_service TO attack_login', '42501', NULL, 'attack 18: nor grants itself a role');
RESET SESSION AUTHORIZATION;

-- 19 and 20: what is left of a context.
SAVEPOINT request;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
ROLLBACK TO request;
SELECT is(saas.current_team_id(), :'red', 'attack 19: a context that was rolled back is gone, and the one before it back');
SELECT current_setting('saas.context') AS genuine \gset
\set replayed `psql -XqAt -d :DBNAME -c "SELECT set_config('saas.context', :'genuine', false)" -c "SELECT COALESCE(saas.current_team_id()::text, 'nobody')" 2>/dev/null | tail -n 1`
SELECT is(:'replayed'::text, 'nobody', 'attack 19: in another session and transaction the genuine text is nobody''s');
SAVEPOINT empty;
SET LOCAL saas.context = '';
SET LOCAL saas.trusted_settings = 'both';
SELECT is(pg_temp.attempt('saas_app', format('SELECT set_config(%L, %L, true) || count(*) || COALESCE(saas.current_team_id()::text, %L) FROM saas.teams', s.name, '', 'nobody')), 'rows=0nobody', 'attack 20: an empty ' || s.name || ' is no context, no row and no error')
FROM (VALUES ('saas.context'), ('app.current_user_id'), ('app.current_team_id'), ('request.jwt.claims')) AS s (name);
ROLLBACK TO empty;

-- 21: temporary tables in the place of the package's.
SET LOCAL ROLE attack_login;
CREATE TEMPORARY TABLE team_members AS SELECT :'blue'::uuid AS team_id, :'ann'::uuid AS user_id, 'owner'::text AS role, 'active'::text AS status;
CREATE TEMPORARY TABLE teams AS SELECT :'blue'::uuid AS id, true AS is_active, NULL::timestamptz AS deleted_at;
CREATE TEMPORARY TABLE users AS SELECT :'ann'::uuid AS id, true AS is_active, NULL::timestamptz AS deleted_at;
GRANT SELECT ON pg_temp.team_members, pg_temp.teams, pg_temp.users TO PUBLIC;
RESET ROLE;
SET LOCAL search_path = pg_temp, saas, public, pg_catalog;
SELECT is(pg_temp.attempt('saas_service', format('SELECT saas.set_context(%L, %L)', :'blue', :'ann')), '42501', 'attack 21: temporary tables do not stand in for memberships');
SELECT is(pg_temp.attempt('attack_login', format('SELECT count(*) FROM saas.team_directory(%L)', :'blue')), '42501', 'attack 21: nor for those of the own context');
RESET search_path;
SELECT is((SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p WHERE p.pronamespace = 'saas'::regnamespace AND p.prosecdef
    AND NOT COALESCE(p.proconfig @> ARRAY['search_path=pg_catalog, saas, pg_temp'], false)), NULL, 'attack 21: every SECURITY DEFINER function looks there last');

SELECT is(pg_temp.attempt(r.role, format('SELECT count(*) FROM %s', i.inhrelid::regclass)), '42501', format('attack 22: %s does not read %s beside its parent', r.role, i.inhrelid::regclass))
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r' AND c.relnamespace = 'saas'::regnamespace
CROSS JOIN (VALUES ('attack_login'), ('saas_service'), ('saas_analyst')) AS r (role);

-- 23 and 24: one's own membership.
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'bob', 'viewer'), saas.set_context(:'red', :'bob') \g /dev/null
SELECT is(pg_temp.attempt(r.role, format('UPDATE saas.team_members SET role = %L WHERE user_id = %L', 'owner', :'bob')), '42501', 'attack 23: nobody promotes themselves (' || r.role || ')')
FROM (VALUES ('attack_login'), ('saas_service')) AS r (role);
SELECT is(pg_temp.attempt('attack_login', format('SELECT saas.change_team_member(%L, %L, %L)', :'red', :'bob', t.role)), '42501', 'attack 23: nor by function, to ' || t.role)
FROM (VALUES ('member'), ('admin'), ('owner')) AS t (role);
SELECT saas.set_context(:'red', :'ann'), saas.remove_team_member(:'red', :'bob') \g /dev/null
SELECT is(pg_temp.attempt(r.role, format('INSERT INTO saas.team_members (team_id, user_id, role) VALUES (%L, %L, %L)', :'blue', :'ann', 'owner')), '42501', 'attack 24: nobody joins another team (' || r.role || ')')
FROM (VALUES ('attack_login'), ('saas_service')) AS r (role);
SELECT is(pg_temp.attempt('attack_login', format('SELECT saas.add_team_member(%L, %L, %L)', :'blue', :'ann', 'owner')), '42501', 'attack 24: nor by function');

SELECT is(pg_temp.attempt('saas_app', 'SELECT count(*) FROM saas.team_members'), 'rows=3', 'attack 25: the policy of memberships does not ask itself');
SELECT is((SELECT count(*)::integer FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
    WHERE c.relnamespace = 'saas'::regnamespace AND concat(p.polqual::text, p.polwithcheck::text) LIKE '%{SUBLINK%'), 0, 'attack 25: no policy reads a table');

SELECT is(pg_temp.attempt('saas_app', format('UPDATE saas.%I SET deleted_at = now()', t.name)), '42501', 'attack 26: saas.' || t.name || ' is deleted softly by functions only')
FROM (VALUES ('users'), ('teams')) AS t (name);

SELECT is(pg_temp.attempt('saas_app', s.statement), 'SA022', 'attack 27: the last owner stays')
FROM (VALUES (format('SELECT saas.remove_team_member(%L, %L)', :'red', :'ann')), (format('SELECT saas.change_team_member(%L, %L, %L)', :'red', :'ann', 'member')),
    (format('SELECT saas.change_team_member(%L, %L, NULL, %L)', :'red', :'ann', 'suspended'))) AS s (statement);

-- 28: an invitation is accepted once; by two sessions at once in isolation/specs/invitation_once.spec.
CREATE FUNCTION pg_temp.accept_twice(p_team uuid, p_one uuid, p_two uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_token text;
BEGIN
    IF to_regclass('saas.invitations') IS NULL THEN
        RETURN 'there are none';
    END IF;
    EXECUTE 'SELECT token FROM saas.invite_member($1, $2, p_match_email => false)' INTO v_token USING p_team, 'any@example.com';
    EXECUTE 'SELECT saas.accept_invitation($1, $2)' USING v_token, p_one;
    BEGIN
        EXECUTE 'SELECT saas.accept_invitation($1, $2)' USING v_token, p_two;
        RETURN 'accepted twice';
    EXCEPTION WHEN OTHERS THEN
        RETURN CASE WHEN SQLSTATE LIKE 'SA%' THEN 'refused the second time' ELSE SQLSTATE || ' ' || SQLERRM END;
    END;
END
$$;
SAVEPOINT invited;
SELECT ok(pg_temp.accept_twice(:'red', :'bob', :'removed') IN ('there are none', 'refused the second time'), 'attack 28: one invitation lets one person in');
ROLLBACK TO invited;

-- 33: one prepared statement, its plan kept, under one user after the other.
PREPARE counting AS SELECT count(*)::integer FROM saas.team_members;
CREATE FUNCTION pg_temp.counted(p_role text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', p_role);
    EXECUTE 'EXECUTE counting' INTO v_count;
    RESET ROLE;
    RETURN v_count;
END
$$;
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT is(pg_temp.counted('saas_app'), 3, 'attack 33: the statement in team red');
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SELECT is(pg_temp.counted('saas_app'), 1, 'attack 33: in team blue');
SELECT is(pg_temp.counted(:'USER'), 4, 'attack 33: of a superuser');
SELECT is(pg_temp.counted('saas_app'), 1, 'attack 33: in team blue again');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT is(pg_temp.counted('attack_login'), 3, 'attack 33: in team red again, of another role');
SELECT saas.clear_context() \g /dev/null
SELECT is(pg_temp.counted('saas_app'), 0, 'attack 33: in no team');

-- 35: every function of the package, as a visitor, as a stranger, with ids of another team and with NULLs.
CREATE FUNCTION pg_temp.call(p_function oid, p_team uuid, p_values boolean) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT count(*) FROM %s(%s)', p.oid::regproc, string_agg(
        CASE WHEN NOT p_values THEN 'NULL'
            ELSE CASE a.type WHEN 'uuid'::regtype THEN quote_literal(p_team) WHEN 'text'::regtype THEN quote_literal('member') WHEN 'jsonb'::regtype THEN quote_literal('{}')
                WHEN 'integer'::regtype THEN '1' WHEN 'bigint'::regtype THEN '1' WHEN 'regclass'::regtype THEN quote_literal('saas.teams') WHEN 'text[]'::regtype THEN quote_literal('{x}') WHEN 'interval'::regtype THEN quote_literal('1 day')
                WHEN 'boolean'::regtype THEN 'true' WHEN 'date'::regtype THEN 'current_date' WHEN 'timestamptz'::regtype THEN 'now()'
                WHEN 'xid8'::regtype THEN quote_literal('1') WHEN 'bytea'::regtype THEN quote_literal('x') WHEN 'bytea[]'::regtype THEN quote_literal('{x}') ELSE 'NULL' END
        END || '::' || a.type::regtype, ', ' ORDER BY a.position))
    FROM pg_proc AS p LEFT JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, position) ON true
    WHERE p.oid = p_function GROUP BY p.oid
$$;
CREATE TEMPORARY TABLE functions AS
SELECT p.oid, p.oid::regprocedure::text AS name, p.proargtypes[0] = 'uuid'::regtype AND p.proargnames[1] = 'p_team' AS of_team, p.proisstrict
FROM pg_proc AS p WHERE p.pronamespace = 'saas'::regnamespace AND p.prosecdef AND p.prorettype <> 'trigger'::regtype;
SELECT isnt_empty('SELECT FROM functions WHERE of_team', 'attack 35: there are functions to try');
-- The planner answers for a strict function with a NULL, without asking who may call it.
SELECT ok(x.answer = '42501' OR (f.proisstrict AND NOT v.given AND x.answer IN ('rows=0', 'rows=1')), format('attack 35: a visitor may not call %s%s: %s', f.name, CASE WHEN v.given THEN '' ELSE ' with NULLs' END, x.answer))
FROM functions AS f CROSS JOIN (VALUES (true), (false)) AS v (given) CROSS JOIN LATERAL pg_temp.attempt('saas_anonymous', pg_temp.call(f.oid, :'blue', v.given)) AS x (answer) ORDER BY f.name;
SELECT is(pg_temp.attempt('attack_login', pg_temp.call(f.oid, :'blue', true)), '42501', 'attack 35: without a context ' || f.name || ' does nothing for another team')
FROM functions AS f WHERE f.of_team ORDER BY f.name;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT is(pg_temp.attempt('attack_login', pg_temp.call(f.oid, :'blue', true)), '42501', 'attack 35: in a team of one''s own ' || f.name || ' does nothing for another team')
FROM functions AS f WHERE f.of_team ORDER BY f.name;
SELECT is(pg_temp.attempt('attack_login', pg_temp.call(f.oid, saas.uuid_v7(), true)), '42501', 'attack 35: and answers the same for a team that does not exist: ' || f.name)
FROM functions AS f WHERE f.of_team ORDER BY f.name;
SELECT ok(x.answer = '42501' OR (f.proisstrict AND x.answer IN ('rows=0', 'rows=1')), format('attack 35: %s with NULLs: %s', f.name, x.answer))
FROM functions AS f CROSS JOIN LATERAL pg_temp.attempt('attack_login', pg_temp.call(f.oid, :'blue', false)) AS x (answer) WHERE f.of_team ORDER BY f.name;

-- 38: who was removed has nothing with the next transaction (isolation/specs/revoked_member.spec); two users alternate on one backend.
SET LOCAL saas.trusted_settings = 'app';
SELECT saas.clear_context() \g /dev/null
CREATE FUNCTION pg_temp.seen_as(p_user uuid, p_team uuid) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('app.current_user_id', p_user::text, true), set_config('app.current_team_id', p_team::text, true);
    SELECT pg_temp.attempt('saas_app', 'SELECT string_agg(slug, '','') FROM saas.teams')
$$;
SELECT is(pg_temp.seen_as(t.who, t.team), t.seen, 'attack 38: two users alternate on one backend: ' || t.seen)
FROM (VALUES (1, :'ann'::uuid, :'red'::uuid, 'rows=red'), (2, :'bob', :'blue', 'rows=blue'), (3, :'ann', :'blue', 'rows=null'), (4, :'ann', :'red', 'rows=red'), (5, :'removed', :'red', 'rows=null'), (6, :'bob', :'blue', 'rows=blue')) AS t (n, who, team, seen)
ORDER BY t.n;

RESET saas.trusted_settings;
SELECT is((SELECT string_agg(a.statement || ' → ' || a.answer, E'\n') FROM pg_temp.answers AS a WHERE a.answer LIKE '%canary%'), NULL, 'attack 36: none was answered with a value of the other team');
SELECT is(pg_temp.belongings(:'blue'), :'blue_before', 'attacks 17 to 38 changed nothing of the other team');
SELECT * FROM finish();
ROLLBACK;
