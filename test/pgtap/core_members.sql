-- Users, teams and memberships: what each role may do, and that an owner always remains.
BEGIN;
SELECT plan(31);

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('ben@example.com', 'Ben') AS ben,
    saas.create_user('cat@example.com', 'Cat') AS cat, saas.create_user('dan@example.com', 'Dan') AS dan \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'dan') AS blue \gset

SELECT throws_ok($$SELECT saas.create_user('ANN@Example.com')$$, '23505', NULL, 'an address is unique without regard to case');
SELECT throws_ok($$SELECT saas.create_user('no address')$$, '23514', NULL, 'what is no address is refused');
SELECT throws_ok($$SELECT saas.create_user(NULL)$$, '23502', NULL, 'so is NULL');
SELECT throws_ok(format('SELECT saas.create_team(%L, %L, %L)', 'Red', 'red', :'ben'), '23505', NULL, 'a slug is unique');
SELECT throws_ok(format('SELECT saas.create_team(%L, %L, %L)', 'Bad', 'Bad Slug!', :'ben'), '23514', NULL, 'a slug has a form');
SELECT throws_ok(format('SELECT saas.create_team(%L, %L, %L)', 'None', 'none', gen_random_uuid()), '23503', NULL, 'a team needs an owner who exists');
UPDATE saas.users SET deleted_at = now() WHERE id = :'cat';
SELECT lives_ok($$SELECT saas.create_user('cat@example.com', 'New Cat')$$, 'a deleted user gives the address back');
UPDATE saas.users SET email = 'old-cat@example.com', deleted_at = NULL WHERE id = :'cat';

SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.create_user('eve@example.com')$$, '42501', NULL, 'the application does not create users');
SELECT throws_ok(format('INSERT INTO saas.team_members (team_id, user_id, role) VALUES (%L, %L, %L)', :'red', :'dan', 'owner'), '42501', NULL, 'nor inserts memberships');
SELECT throws_ok('UPDATE saas.team_members SET role = ''owner''', '42501', NULL, 'nor promotes by UPDATE');
SELECT throws_ok(format('SELECT saas.add_team_member(%L, %L)', :'red', :'ben'), '42501', NULL, 'without a context nobody adds members');
RESET ROLE;

SELECT saas.set_context(:'red', :'ann');
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.add_team_member(%L, %L, %L)', :'red', :'ben', 'admin'), 'an owner adds an admin');
SELECT throws_ok(format('SELECT saas.add_team_member(%L, %L)', :'red', :'ben'), '23505', NULL, 'nobody joins twice');
SELECT throws_ok(format('SELECT saas.add_team_member(%L, %L)', :'blue', :'ben'), '42501', NULL, 'an owner of one team adds nobody to another');
SELECT throws_ok(format('SELECT saas.add_team_member(%L, %L, %L)', :'red', :'cat', 'king'), '22023', NULL, 'an unknown role is refused');
SELECT throws_ok(format('SELECT saas.remove_team_member(%L, %L)', :'red', :'ann'), 'SA022', NULL, 'the last owner does not leave');
SELECT throws_ok(format('SELECT saas.change_team_member(%L, %L, %L)', :'red', :'ann', 'member'), 'SA022', NULL, 'nor steps down');
SELECT throws_ok(format('SELECT saas.change_team_member(%L, %L, NULL, %L)', :'red', :'ann', 'suspended'), 'SA022', NULL, 'nor is suspended');
SELECT throws_ok(format('SELECT saas.change_team_member(%L, %L, %L)', :'red', :'dan', 'member'), 'P0002', NULL, 'a stranger has no role to change');
SELECT results_eq(format('SELECT display_name FROM saas.team_directory(%L)', :'red'), ARRAY['Ann', 'Ben'], 'members see who is in the team');
SELECT throws_ok(format('SELECT * FROM saas.team_directory(%L)', :'blue'), '42501', NULL, 'and not who is in another');
RESET ROLE;

SELECT saas.set_context(:'red', :'ben');
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.add_team_member(%L, %L)', :'red', :'cat'), 'an admin adds a member');
SELECT throws_ok(format('SELECT saas.change_team_member(%L, %L, %L)', :'red', :'ben', 'owner'), '42501', NULL, 'an admin does not become owner');
SELECT throws_ok(format('SELECT saas.change_team_member(%L, %L, %L)', :'red', :'ann', 'member'), '42501', NULL, 'nor unmakes one');
SELECT throws_ok(format('SELECT saas.add_team_member(%L, %L, %L)', :'red', :'dan', 'owner'), '42501', NULL, 'nor adds one');
SELECT lives_ok($$UPDATE saas.teams SET name = 'Crimson'$$, 'an admin renames the team');
RESET ROLE;

SELECT saas.set_context(:'red', :'cat');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.remove_team_member(%L, %L)', :'red', :'ben'), '42501', NULL, 'a member removes nobody');
UPDATE saas.teams SET name = 'Pink';
SELECT is((SELECT name FROM saas.teams), 'Crimson', 'nor renames the team');
SELECT lives_ok(format('SELECT saas.remove_team_member(%L, %L)', :'red', :'cat'), 'but may leave');
SELECT throws_ok($$UPDATE saas.users SET platform_role = 'super_admin'$$, '42501', NULL, 'nobody promotes themselves on the platform');
RESET ROLE;
SELECT lives_ok(format('DELETE FROM saas.teams WHERE id = %L', :'red'), 'deleting the whole team takes its owner along');
SELECT * FROM finish();
ROLLBACK;
