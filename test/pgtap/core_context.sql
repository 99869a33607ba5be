-- The request context: what it shows, who may set it, how it ends, and that it cannot be forged.
BEGIN;
SELECT plan(37);

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset

-- Without a context there is nothing.
SELECT is(saas.current_team_id(), NULL, 'no team without a context');
SELECT is(saas.current_user_id(), NULL, 'no user without a context');
SELECT is(saas.current_team_role(), NULL, 'no role without a context');
SELECT is(saas.has_team_role(:'red', 'viewer'), false, 'no rights without a context');
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT * FROM saas.teams', 'no team is visible without a context');
SELECT is_empty('SELECT * FROM saas.team_members', 'no membership either');
SELECT is_empty($$SELECT email FROM saas.users$$, 'and no user');

-- Only roles that may vouch for users set it.
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'ann'), '42501', NULL, 'saas_app does not vouch');
SELECT throws_ok(format('SELECT saas.sign_context(%L, %L, %L)', :'red', :'ann', 'owner'), '42501', NULL, 'nor signs');
SET LOCAL ROLE saas_analyst;
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'ann'), '42501', NULL, 'saas_analyst does not vouch');
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'ann'), '42501', NULL, 'saas_anonymous does not vouch');
SET LOCAL ROLE saas_service;
SELECT throws_ok(format('SELECT saas.sign_context(%L, %L, %L)', :'red', :'ann', 'owner'), '42501', NULL, 'saas_service does not sign unchecked');
SELECT lives_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'ann'), 'saas_service vouches');
SELECT is(saas.current_team_id(), :'red', 'the team of the context');
SELECT is(saas.current_user_id(), :'ann', 'the user of the context');
SELECT is(saas.current_team_role(), 'owner', 'the role of the membership');
SET LOCAL ROLE saas_app;
SELECT results_eq('SELECT slug FROM saas.teams', ARRAY['red'], 'the application sees the team of the context only');
SELECT results_eq('SELECT email FROM saas.users', ARRAY['ann@example.com'], 'and the user of the context only');
SELECT is(saas.has_team_role(:'blue', 'viewer'), false, 'a context in one team gives no right in another');

-- A parallel worker has verified nothing yet, and reads the key itself.
SAVEPOINT before_parallel;
SELECT set_config(
    CASE WHEN current_setting('server_version_num')::integer < 160000
        THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'on', true);
SELECT lives_ok('SELECT slug FROM saas.teams', 'the context holds in parallel workers');
ROLLBACK TO before_parallel;

-- Nobody writes it by hand: not a lie, not a byte of a genuine one, in no scope.
SELECT throws_ok($$SET saas.context = 'v1.x'$$, 'SA020', NULL, 'SET of nonsense is refused');
SELECT throws_ok(
    format('SET LOCAL saas.context = %L', replace(current_setting('saas.context'), :'red', :'blue')),
    'SA020', NULL, 'a genuine context with another team is refused');
SELECT throws_ok(
    format('SELECT set_config(%L, %L, false)', 'saas.context', replace(current_setting('saas.context'), '.owner.', '.service.')),
    'SA020', NULL, 'set_config with another role is refused');
SELECT throws_ok(
    format('CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql SET saas.context = %L AS $f$SELECT$f$', 'v1.y'),
    'SA020', NULL, 'the SET clause of a function is refused');
SELECT throws_ok($$SELECT saas.has_team_role(saas.current_team_id(), 'king')$$, '22023', NULL, 'an unknown role is an error');

-- It ends with clear_context, with a rolled back savepoint, and with the transaction.
SELECT lives_ok('SELECT saas.clear_context()', 'clear_context is for everyone');
SELECT is(saas.current_team_id(), NULL, 'and ends the context');
RESET ROLE;
SAVEPOINT before_context;
SELECT saas.set_context(:'blue', :'bob');
ROLLBACK TO before_context;
SELECT is(saas.current_team_id(), NULL, 'a rolled back savepoint takes its context along');

-- Membership is looked up when the context is set.
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'blue', :'ann'), '42501', 'no active membership in this team', 'a stranger gets none');
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'blue', gen_random_uuid()), '42501', NULL, 'an unknown user gets none');
SELECT throws_ok('SELECT saas.set_context(NULL, NULL)', '42501', NULL, 'no team, no context');
SELECT lives_ok(format('SELECT saas.set_context(%L)', :'blue'), 'a worker gets one without a user');
SELECT is(saas.current_team_role(), 'service', 'as service');
SELECT saas.add_team_member(:'blue', saas.create_user('second@example.com'), 'owner');
UPDATE saas.users SET is_active = false WHERE id = :'bob';
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'blue', :'bob'), '42501', NULL, 'an inactive user gets none');
UPDATE saas.users SET is_active = true WHERE id = :'bob';
UPDATE saas.teams SET is_active = false WHERE id = :'blue';
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'blue', :'bob'), '42501', NULL, 'nobody enters an inactive team');
SELECT throws_ok(format('SELECT saas.set_context(%L)', :'blue'), '42501', NULL, 'no worker either');
UPDATE saas.teams SET is_active = true, deleted_at = now() WHERE id = :'blue';
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'blue', :'bob'), '42501', NULL, 'nor a deleted one');
SELECT * FROM finish();
ROLLBACK;
