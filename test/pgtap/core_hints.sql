-- What people are told who get something wrong: a code and a hint, and nothing of a row. And what the owner of the
-- database may do when a superuser deployed the package.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_user('carl@example.com', 'Carl') AS carl \gset
INSERT INTO saas.team_members (team_id, user_id, role) VALUES (:'red', :'carl', 'member');

CREATE FUNCTION pg_temp.told(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE p_statement;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    RETURN concat_ws('|', SQLSTATE, v_detail, v_hint);
END
$$;

SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.told(format('SELECT saas.%s', c.call)), '22023||It is one of: ' || c.allowed || '.', c.call)
FROM (VALUES
    (format('change_team_member(%L, %L, %L)', :'red', :'carl', 'king'), 'viewer, member, admin, owner'),
    (format('change_team_member(%L, %L, p_status => %L)', :'red', :'carl', 'gone'), 'invited, active, suspended'),
    (format('add_team_member(%L, %L, %L)', :'red', :'bob', 'king'), 'viewer, member, admin, owner'),
    (format('add_team_member(%L, %L, NULL)', :'red', :'bob'), 'viewer, member, admin, owner'),
    (format('create_notification(%L, %L, %L, p_channel => %L)', :'red', :'carl', 'x', 'pigeon'), 'in_app, email, sms, push'),
    (format('create_notification(%L, %L, %L, p_priority => NULL)', :'red', :'carl', 'x'), 'low, normal, high, urgent'),
    (format('set_notification_preference(%L, %L)', :'red', 'pigeon'), 'in_app, email, sms, push'),
    (format('set_notification_preference(%L, %L, true, %L)', :'red', 'email', 'later'), 'low, normal, high, urgent')
) AS c (call, allowed);
SELECT matches(pg_temp.told(format('SELECT saas.create_notification(%L, %L, %L, %s)', :'red', :'carl', c.title, c.rest)), '^22023\|\|Its title', 'a notification that cannot be: ' || c.what)
FROM (VALUES ('', 'NULL', 'no title'), (repeat('x', 201), 'NULL', 'a long title'), ('x', format('%L', repeat('x', 10001)), 'a long body'),
    ('x', 'NULL, p_data => ''[]''', 'data that is no object')) AS c (title, rest, what);
SELECT matches(pg_temp.told(format('SELECT saas.set_notification_preference(%L, %L, NULL)', :'red', 'email')), '^22023', 'a preference that is none');
RESET ROLE;

-- No context, another team's, or not enough of a role there.
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT matches(pg_temp.told(format('SELECT saas.team_directory(%L)', :'red')), '^42501\|\|There is no request context', 'without a context');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT matches(pg_temp.told(format('SELECT saas.team_directory(%L)', :'red')), '^42501\|\|The request context is in another team', 'in another team');
RESET ROLE;
SELECT saas.set_context(:'red', :'carl') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.told(format('SELECT saas.invite_member(%L, %L)', :'red', 'new@example.com')), '42501||The request context is in this team with role member.', 'as a member');
SELECT matches(pg_temp.told(format('SELECT saas.delete_team(%L)', :'red')), '^42501\|\|Owners delete their team', 'a member who deletes the team hears of its owners');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null

-- The owner of the database, who is no superuser.
CREATE ROLE database_owner_of_test;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO database_owner_of_test', current_database()); END $$;
CREATE SCHEMA shop AUTHORIZATION database_owner_of_test;
SET LOCAL ROLE database_owner_of_test;
CREATE TABLE shop.notes (team_id uuid NOT NULL, id uuid NOT NULL, body text, PRIMARY KEY (team_id, id));
SELECT lives_ok($$SELECT saas.audit_table('shop.notes', p_redact => '{body}')$$, 'audits a table of their own');
SELECT lives_ok($$SELECT saas.unaudit_table('shop.notes')$$, 'and stops');
SELECT lives_ok($$SELECT saas.protect_table('shop.notes')$$, 'protects it');
SELECT lives_ok($$SELECT saas.unprotect_table('shop.notes')$$, 'and takes that back');
SELECT matches((SELECT e.why FROM saas.explain_access(:'carl', :'red', 'saas.teams') AS e WHERE e.command = 'DELETE'),
    '^active member of the team; saas_app has no right', 'and is told who may do what, without a context');
RESET ROLE;
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT * FROM saas.explain_access(%L, %L, %L)', :'carl', :'red', 'saas.teams'), '42501', NULL, 'which an application is not');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
