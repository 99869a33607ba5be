-- app.current_user_id and app.current_team_id count only while saas.trusted_settings is on.
BEGIN;
SELECT plan(13);
SELECT saas.create_user('ann@example.com') AS ann, saas.create_user('bob@example.com') AS bob \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset
SELECT set_config('app.current_user_id', :'ann', true), set_config('app.current_team_id', :'red', true) \g /dev/null

SELECT is(saas.current_team_id(), NULL, 'off by default');
SET LOCAL ROLE saas_app;
SELECT throws_ok('SET saas.trusted_settings = on', '42501', NULL, 'the application cannot switch it on');
RESET ROLE;
SET LOCAL saas.trusted_settings = on;
SET LOCAL ROLE saas_app;
SELECT is(saas.current_team_id(), :'red', 'the team of the setting');
SELECT is(saas.current_user_id(), :'ann', 'the user of the setting');
SELECT is(saas.current_team_role(), 'owner', 'the role is looked up');
SELECT results_eq('SELECT slug FROM saas.teams', ARRAY['red'], 'policies follow');
SELECT set_config('app.current_team_id', :'blue', true) \g /dev/null
SELECT is(saas.current_team_id(), NULL, 'no membership, no context');
SELECT set_config('app.current_team_id', '', true), set_config('app.current_company_id', :'red', true) \g /dev/null
SELECT is(saas.current_team_id(), :'red', 'app.current_company_id is a synonym');
SELECT set_config('app.current_company_id', 'not a uuid', true) \g /dev/null
SELECT is(saas.current_team_id(), NULL, 'a malformed id is no context, and no error');
SELECT set_config('app.current_company_id', :'red', true), set_config('app.current_user_id', '', true) \g /dev/null
SELECT is(saas.current_team_id(), NULL, 'nor is half a context');
SELECT is_empty('SELECT * FROM saas.teams', 'and shows nothing');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob');
SELECT set_config('app.current_user_id', :'ann', true) \g /dev/null
SELECT is(saas.current_team_id(), :'blue', 'a signed context comes first');
SET LOCAL saas.trusted_settings = off;
SELECT saas.clear_context();
SELECT is(saas.current_team_id(), NULL, 'and after that the setting is off again');
SELECT * FROM finish();
ROLLBACK;
