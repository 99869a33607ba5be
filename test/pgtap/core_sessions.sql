-- Sessions: a token stands for a user, until it ends; the context it sets is the user's own.
BEGIN;
SELECT plan(33);

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue,
    saas.create_team('Green', 'green', :'bob') AS green \gset

SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.create_session(%L)', :'ann'), '42501', NULL, 'the application signs nobody in');
RESET ROLE;
SET LOCAL ROLE saas_service;
SELECT session_id AS ann_id, token AS ann_token FROM saas.create_session(:'ann', NULL, '192.0.2.1', repeat('ü', 600)) \gset
SELECT token AS bob_token FROM saas.create_session(:'bob') \gset
SELECT session_id AS home_id, token AS home_token FROM saas.create_session(:'bob', :'green') \gset
SELECT throws_ok(format('SELECT saas.create_session(%L)', gen_random_uuid()), '42501', NULL, 'nobody unknown signs in');
SELECT throws_ok('SELECT saas.create_session(NULL)', '42501', NULL, 'nor NULL');
SELECT throws_ok(format('SELECT saas.create_session(%L, p_expires_in => NULL)', :'ann'), '22023', NULL, 'a session expires');
RESET ROLE;
SELECT matches(:'ann_token'::text, '^ses_[0-9a-f]{64}$', 'a token has 256 random bits');
SELECT isnt(:'bob_token'::text, :'home_token', 'and is another each time');
SELECT is((SELECT count(*)::integer FROM saas.user_sessions AS s WHERE position(:'ann_token' IN s::text) > 0), 0, 'it is not stored');

SET LOCAL ROLE saas_app;
SELECT is(saas.verify_session(:'ann_token'), :'ann'::uuid, 'a token proves its user');
SELECT is(saas.current_user_id(), NULL, 'asking sets no context');
SELECT results_eq(format('SELECT * FROM saas.authenticate(%L)', :'ann_token'),
    format('VALUES (%L::uuid, %L::uuid, %L)', :'ann', :'red', 'owner'), 'who is in one team acts in it');
SELECT is(saas.current_team_id(), :'red'::uuid, 'the context is set');
SELECT is((SELECT count(*)::integer FROM saas.user_sessions), 1, 'a user sees their own sessions');
SELECT throws_ok('SELECT token_hash FROM saas.user_sessions', '42501', NULL, 'without the hash');
SELECT throws_ok(format('SELECT saas.authenticate(%L, %L)', :'ann_token', :'blue'), '42501', NULL, 'a token opens no foreign team');
SELECT throws_ok(format('SELECT saas.authenticate(%L)', :'bob_token'), '42501', NULL, 'who is in two teams names one');
SELECT is((saas.authenticate(:'bob_token', :'blue')).team_id, :'blue'::uuid, 'as here');
SELECT is((saas.authenticate(:'home_token')).team_id, :'green'::uuid, 'or has a default');
SELECT throws_ok(format('SELECT saas.authenticate(%L)', b.token), 'SA030', NULL, 'no session: ' || COALESCE(left(b.token, 12), 'NULL'))
FROM (VALUES (''), (NULL), ('ses_x'), ('⚡'), (repeat('ses_', 1000000)), (upper(:'ann_token'))) AS b (token);

-- Ending.
SELECT is(saas.revoke_session(:'ann_id'), false, 'nobody ends a session of somebody else');
SELECT throws_ok(format('SELECT saas.revoke_all_sessions(%L)', :'ann'), '42501', NULL, 'nor all of them');
SELECT is(saas.revoke_all_sessions(p_keep_session => :'home_id'), 1, 'a user ends all but this one');
SELECT ok(saas.end_session(:'home_token'), 'and signs out');
SELECT throws_ok(format('SELECT saas.authenticate(%L, %L)', :'home_token', :'green'), 'SA030', NULL, 'after that the token is worth nothing');
RESET ROLE;

-- Time, and a user who is deactivated.
UPDATE saas.user_sessions SET last_seen_at = now() - INTERVAL '59 seconds' WHERE id = :'ann_id';
SELECT saas.authenticate(:'ann_token');
SELECT is((SELECT now() - last_seen_at FROM saas.user_sessions WHERE id = :'ann_id'), INTERVAL '59 seconds', 'the last use is noted once a minute');
UPDATE saas.user_sessions SET last_seen_at = now() - INTERVAL '60 seconds' WHERE id = :'ann_id';
SELECT saas.authenticate(:'ann_token');
SELECT is((SELECT last_seen_at FROM saas.user_sessions WHERE id = :'ann_id'), now(), 'and then it is');
UPDATE saas.user_sessions SET expires_at = now() WHERE id = :'ann_id';
SELECT is(saas.verify_session(:'ann_token'), NULL, 'an expired session proves nothing');
UPDATE saas.user_sessions SET expires_at = now() + INTERVAL '1 day' WHERE id = :'ann_id';
SELECT saas.clear_context();
ALTER TABLE saas.users DISABLE TRIGGER users_20_keep_owned_teams;
UPDATE saas.users SET is_active = false WHERE id = :'ann';
SELECT is(saas.verify_session(:'ann_token'), NULL, 'nor does one of a deactivated user');
UPDATE saas.user_sessions SET expires_at = now() - INTERVAL '31 days' WHERE id = :'ann_id';
SELECT is(saas.purge_sessions(), 1::bigint, 'long ended sessions are removed');
SELECT * FROM finish();
ROLLBACK;
