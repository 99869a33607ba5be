-- Users and teams that are deleted and restored, ownership that moves, and standing on the platform.
BEGIN;
SELECT plan(57);

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('ben@example.com', 'Ben') AS ben,
    saas.create_user('cat@example.com', 'Cat') AS cat, saas.create_user('root@example.com', 'Root') AS root,
    saas.create_user('dan@example.com', 'Dan') AS dan \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Staff', 'staff', :'root') AS staff \gset
SELECT saas.set_context(:'red', :'ann');
SELECT saas.add_team_member(:'red', :'ben'), saas.add_team_member(:'red', :'cat');

-- Ownership.
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.leave_team(%L)', :'red'), 'SA022', NULL, 'the last owner does not leave');
SELECT throws_ok(format('SELECT saas.suspend_member(%L, %L)', :'red', :'ann'), 'SA022', NULL, 'nor is suspended');
SELECT throws_ok(format('SELECT saas.transfer_ownership(%L, %L)', :'red', :'dan'), 'P0002', NULL, 'a team is not handed to a stranger');
SELECT throws_ok(format('SELECT saas.transfer_ownership(%L, %L)', :'red', :'ann'), '22023', NULL, 'nor to its owner');
SELECT throws_ok(format('SELECT saas.transfer_ownership(%L, NULL)', :'red'), 'P0002', NULL, 'nor to nobody');
SELECT throws_ok(format('SELECT saas.transfer_ownership(%L, %L)', :'staff', :'ann'), '42501', NULL, 'nor by somebody else');
SELECT lives_ok(format('SELECT saas.suspend_member(%L, %L)', :'red', :'cat'), 'an owner suspends a member');
SELECT throws_ok(format('SELECT saas.transfer_ownership(%L, %L)', :'red', :'cat'), 'P0002', NULL, 'who cannot become owner');
SELECT throws_ok(format('SELECT saas.reactivate_member(%L, %L)', :'red', :'ben'), 'P0002', NULL, 'who is active is not let in again');
SELECT lives_ok(format('SELECT saas.reactivate_member(%L, %L)', :'red', :'cat'), 'the suspended one is');
SELECT lives_ok(format('SELECT saas.transfer_ownership(%L, %L)', :'red', :'ben'), 'the owner hands the team over');
SELECT results_eq(format('SELECT user_id, role FROM saas.team_members WHERE team_id = %L ORDER BY role DESC', :'red'),
    format('VALUES (%L::uuid, %L), (%L, %L), (%L, %L)', :'ben', 'owner', :'cat', 'member', :'ann', 'admin'), 'and is admin after that');
SELECT throws_ok(format('SELECT saas.transfer_ownership(%L, %L)', :'red', :'cat'), '42501', NULL, 'a context of before does not help: the owner is another by now');
RESET ROLE;

-- A user who is deleted.
SELECT token AS ben_token FROM saas.create_session(:'ben') \gset
SELECT saas.set_context(:'red', :'ben');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.delete_user(%L)', :'ben'), 'SA022', NULL, 'the last owner of a team is not deleted');
SELECT throws_ok(format('SELECT saas.delete_user(%L)', :'cat'), '42501', NULL, 'nobody deletes another');
SELECT throws_ok('SELECT saas.delete_user(NULL)', '42501', NULL, 'nor NULL');
RESET ROLE;
SELECT throws_ok(format('UPDATE saas.users SET is_active = false WHERE id = %L', :'ben'), 'SA022', NULL, 'nor is the last owner deactivated');
SELECT saas.add_team_member(:'red', :'dan', 'owner');
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.delete_user(%L)', :'ben'), 'with a second owner the user may go');
SELECT is(saas.current_team_id(), NULL, 'the context ends');
RESET ROLE;
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'ben'), '42501', NULL, 'there is no other to be had');
SELECT throws_ok(format('SELECT saas.authenticate(%L)', :'ben_token'), 'SA030', NULL, 'nor by a session');
SELECT throws_ok(format('UPDATE saas.users SET is_active = false WHERE id = %L', :'dan'), 'SA022', NULL, 'a deleted owner is none');
SELECT saas.set_context(:'red', :'ann');
SELECT is((SELECT count(*)::integer FROM saas.team_directory(:'red') WHERE user_id = :'ben'), 0, 'the directory hides who was deleted');
SELECT throws_ok(format('SELECT saas.delete_user(%L)', :'ben'), 'P0002', NULL, 'nobody is deleted twice');
SELECT saas.create_user('BEN@example.com', 'Other Ben') AS other \gset
SELECT throws_ok(format('SELECT saas.restore_user(%L)', :'ben'), 'SA031', NULL, 'an address that was taken meanwhile is a conflict');
SELECT lives_ok(format('SELECT saas.restore_user(%L, %L)', :'ben', 'ben2@example.com'), 'another address mends it');
SELECT throws_ok(format('SELECT saas.restore_user(%L)', :'ben'), 'P0002', NULL, 'nobody is restored twice');
SELECT is(saas.active_role(:'red', :'ben'), 'owner', 'memberships are as they were');
SELECT is(saas.verify_session(:'ben_token'), NULL, 'sessions are not');

-- A team that is deleted.
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.delete_team(%L)', :'red'), '42501', NULL, 'an admin does not delete the team');
SELECT throws_ok(format('SELECT saas.restore_team(%L)', :'red'), '42501', NULL, 'nor restores one');
RESET ROLE;
SELECT saas.set_context(:'red', :'dan');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.delete_team(%L)', :'staff'), '42501', NULL, 'an owner deletes no other team');
SELECT lives_ok(format('SELECT saas.delete_team(%L)', :'red'), 'but their own');
SELECT is((SELECT count(*)::integer FROM saas.teams) + (SELECT count(*)::integer FROM saas.team_members), 0, 'which is hidden at once');
RESET ROLE;
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'dan'), '42501', NULL, 'members get no context');
SELECT throws_ok(format('SELECT saas.set_context(%L)', :'red'), '42501', NULL, 'nor do workers');
SELECT throws_ok(format('SELECT saas.create_team(%L, %L, %L)', 'New', 'red', :'dan'), '23505', NULL, 'the slug stays taken');
SELECT lives_ok(format('SELECT saas.delete_user(%L), saas.delete_user(%L)', :'dan', :'ben'), 'a deleted team keeps nobody');
SELECT throws_ok(format('SELECT saas.restore_team(%L)', :'red'), 'SA022', NULL, 'but is not restored without an owner');
SELECT saas.restore_user(:'dan');
SET LOCAL ROLE saas_service;
SELECT lives_ok(format('SELECT saas.restore_team(%L)', :'red'), 'a backend restores it');
RESET ROLE;
SELECT is(saas.active_role(:'red', :'dan'), 'owner', 'as it was');

-- Standing on the platform.
SELECT saas.set_context(:'staff', :'root');
SET LOCAL ROLE saas_app;
SELECT is(saas.has_platform_role('moderator'), false, 'a user has no standing');
SELECT throws_ok(format('SELECT saas.set_platform_role(%L, %L)', :'root', 'super_admin'), '42501', NULL, 'nor takes it');
SELECT throws_ok(format('SELECT saas.delete_team(%L)', :'red'), '42501', NULL, 'nor acts on teams of others');
RESET ROLE;
SELECT lives_ok(format('SELECT saas.set_platform_role(%L, %L)', :'root', 'super_admin'), 'the owner of the database makes the first super_admin');
SET LOCAL ROLE saas_app;
SELECT ok(saas.has_platform_role('admin') AND saas.has_platform_role('super_admin'), 'who has every lower standing, too');
SELECT throws_ok($$SELECT saas.has_platform_role('king')$$, '22023', NULL, 'an unknown one is refused');
SELECT throws_ok(format('SELECT saas.set_platform_role(%L, %L)', :'cat', 'king'), '22023', NULL, 'and not given, without showing the user');
SELECT lives_ok(format('SELECT saas.set_platform_role(%L, %L), saas.delete_team(%L), saas.restore_team(%L)', :'cat', 'admin', :'red', :'red'),
    'a super_admin gives standing, deletes and restores');
SELECT is((SELECT count(*)::integer FROM saas.team_members WHERE team_id = :'red'), 0, 'and still sees no row of a foreign team');
RESET ROLE;

-- An admin of the platform is given nobody's account.
SELECT saas.create_user('boss@example.com', 'Boss') AS boss, saas.create_user('sam@example.com', 'Sam') AS sam \gset
SELECT saas.set_platform_role(:'boss', 'super_admin');
SELECT saas.set_context(:'staff', :'root');
SELECT saas.add_team_member(:'staff', :'cat', 'viewer');
SELECT saas.set_context(:'staff', :'cat');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.delete_user(%L)', :'boss'), '42501', NULL, 'an admin deletes no super_admin');
SELECT lives_ok(format('SELECT saas.delete_user(%L)', :'sam'), 'but a user');
SELECT throws_ok(format('SELECT saas.restore_user(%L, %L)', :'sam', 'cat2@example.com'), '42501', NULL, 'whom an admin does not restore with another address');
RESET ROLE;
UPDATE saas.users SET deleted_at = now() WHERE id = :'boss';
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.restore_user(%L)', :'boss'), '42501', NULL, 'nor a super_admin at all');
RESET ROLE;
SELECT saas.create_user('SAM@example.com');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.restore_user(%L)', :'sam'), 'SA031', NULL, 'when the address was taken');
SELECT lives_ok(format('SELECT saas.restore_user(%L, %L)', :'sam', 'sam2@example.com'), 'another one is given');
RESET ROLE;
SELECT saas.set_context(:'staff', :'root');
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.restore_user(%L)', :'boss'), 'a super_admin restores a super_admin');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
