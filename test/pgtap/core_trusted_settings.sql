-- app.current_user_id and app.current_team_id, and request.jwt.claims, count only as far as
-- saas.trusted_settings says.
BEGIN;
SELECT plan(23);
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

-- The setting's values, and claims beside the other settings.
SET LOCAL saas.trusted_settings = on;
SELECT is(current_setting('saas.trusted_settings'), 'app', 'on is another word for app');
SELECT throws_ok($$SET LOCAL saas.trusted_settings = 'everything'$$, '22023', NULL, 'an unknown value is refused');
SELECT set_config('app.current_user_id', :'ann', true), set_config('app.current_team_id', :'red', true),
    set_config('request.jwt.claims', jsonb_build_object('sub', :'bob', 'team_id', :'blue')::text, true) \g /dev/null
SELECT is(saas.current_team_id(), :'red', 'app does not read claims');
SET LOCAL saas.trusted_settings = jwt;
SELECT is(saas.current_team_id(), :'blue', 'jwt reads nothing else');
SELECT is(saas.current_user_id(), :'bob', 'the user is the subject of the claims');
SET LOCAL saas.trusted_settings = 'both';
SELECT is(saas.current_team_id(), :'blue', 'with both, claims come first');
SELECT set_config('request.jwt.claims', '{"role": "anon"}', true) \g /dev/null
SELECT is(saas.current_team_id(), NULL, 'claims of nobody are not made up for by other settings');
SELECT set_config('request.jwt.claims', '', true) \g /dev/null
SELECT is(saas.current_team_id(), :'red', 'without claims the others count');
SET LOCAL saas.trusted_settings = jwt;
SELECT is(saas.current_team_id(), NULL, 'unless only claims do');
SELECT set_config('request.jwt.claims', jsonb_build_object('sub', :'ann', 'app_metadata', jsonb_build_object('team_id', :'red'))::text, true) \g /dev/null
SELECT is(saas.current_team_role(), 'owner', 'app_metadata names the team too, and the role is looked up');
SELECT * FROM finish();
ROLLBACK;
