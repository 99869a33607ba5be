-- Notifications: members are told on the channels they want, and read their own only.
BEGIN;
SELECT plan(27);

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('ben@example.com', 'Ben') AS ben,
    saas.create_user('vic@example.com', 'Vic') AS vic, saas.create_user('dan@example.com', 'Dan') AS dan \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'dan') AS blue \gset
SELECT saas.set_context(:'red', :'ann');
SELECT saas.add_team_member(:'red', :'ben'), saas.add_team_member(:'red', :'vic', 'viewer');

SET LOCAL ROLE saas_app;
SELECT saas.create_notification(:'red', :'ben', 'Первый ⚡', 'body', p_data => '{"a": 1}') AS first \gset
SELECT saas.create_notification(:'red', :'ben', 'Second', p_priority => 'high', p_expires_in => '1 hour') AS second \gset
SELECT is((SELECT count(*)::integer FROM saas.notifications), 0, 'an owner reads no notification of a member');
SELECT is((SELECT count(*)::integer FROM saas.list_unread(:'red')), 0, 'nor lists it');
SELECT is(saas.mark_read(:'red', :'first'), false, 'nor marks it');
SELECT throws_ok(format('SELECT saas.create_notification(%L, %L, %L)', :'red', :'dan', 'x'), 'P0002', NULL, 'a stranger is told nothing');
SELECT throws_ok(format('SELECT saas.create_notification(%L, %L, %L)', :'blue', :'dan', 'x'), '42501', NULL, 'nor is another team');
SELECT throws_ok(format('SELECT saas.create_notification(%L, %L, %L)', :'red', :'ben', ''), '22023', NULL, 'a title is needed');
SELECT throws_ok(format('SELECT saas.create_notification(%L, %L, NULL)', :'red', :'ben'), '22023', NULL, 'not NULL');
SELECT throws_ok(format('SELECT saas.create_notification(%L, %L, %L)', :'red', :'ben', repeat('x', 201)), '22023', NULL, 'of 200 characters');
SELECT throws_ok(format('SELECT saas.create_notification(%L, %L, %L, p_channel => %L)', :'red', :'ben', 'x', 'pigeon'), '22023', NULL, 'there are four channels');
SELECT throws_ok(format('SELECT saas.create_notification(%L, %L, %L, p_expires_in => %L)', :'red', :'ben', 'x', '-1 s'), '22023', NULL, 'expiry lies ahead');
SELECT throws_ok('SELECT saas.expire_notifications()', '42501', NULL, 'the application removes none');
SELECT throws_ok('DELETE FROM saas.notifications', '42501', NULL, 'not directly either');
RESET ROLE;

SELECT saas.set_context(:'red', :'ben');
SET LOCAL ROLE saas_app;
SELECT results_eq(format('SELECT title FROM saas.list_unread(%L)', :'red'), ARRAY['Second', 'Первый ⚡'], 'the member lists the newest first');
SELECT results_eq(format('SELECT title FROM saas.list_unread(%L, p_before => %L)', :'red', :'second'), ARRAY['Первый ⚡'], 'page by page');
SELECT is((SELECT count(*)::integer FROM saas.list_unread(:'red', p_limit => -5)), 0, 'a limit below 0 is 0');
SELECT is(saas.mark_read(:'red', :'first'), true, 'marks one');
SELECT is(saas.mark_read(:'red', :'first'), false, 'once');
SELECT throws_ok(format('SELECT saas.list_unread(%L)', :'blue'), '42501', NULL, 'and asks for no other team');
SELECT is(saas.mark_all_read(:'red'), 1, 'marks the rest');

-- Preferences.
SELECT saas.set_notification_preference(:'red', 'email', false);
SELECT saas.set_notification_preference(:'red', 'sms', true, 'urgent');
SELECT is(saas.create_notification(:'red', :'ben', 'x', p_channel => 'email', p_priority => 'urgent'), NULL, 'a silenced channel stays silent');
SELECT is(saas.create_notification(:'red', :'ben', 'x', p_channel => 'sms', p_priority => 'high'), NULL, 'so does one for graver news');
SELECT isnt(saas.create_notification(:'red', :'ben', 'x', p_channel => 'sms', p_priority => 'urgent'), NULL, 'which come through');
SELECT isnt(saas.create_notification(:'red', :'ann', 'x', p_channel => 'email'), NULL, 'others are not concerned');
SELECT throws_ok(format('SELECT saas.set_notification_preference(%L, %L)', :'red', 'pigeon'), '22023', NULL, 'there are four channels to choose from');
RESET ROLE;

SELECT saas.set_context(:'red', :'vic');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.create_notification(%L, %L, %L)', :'red', :'ben', 'x'), '42501', NULL, 'a viewer tells nobody anything');
RESET ROLE;

UPDATE saas.notifications SET expires_at = now(), read_at = NULL WHERE id = :'second';
SELECT saas.set_context(:'red', :'ben');
SELECT is((SELECT count(*)::integer FROM saas.list_unread(:'red')), 0, 'what has expired is not listed');
SET LOCAL ROLE saas_service;
SELECT is(saas.expire_notifications(), 1, 'and a worker removes it');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
