-- Addresses: one default per kind, one's own and the team's.
BEGIN;
SELECT plan(22);

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('ben@example.com', 'Ben') AS ben,
    saas.create_user('vic@example.com', 'Vic') AS vic, saas.create_user('dan@example.com', 'Dan') AS dan \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'dan') AS blue \gset
SELECT saas.set_context(:'red', :'ann');
SELECT saas.add_team_member(:'red', :'ben'), saas.add_team_member(:'red', :'vic', 'viewer');

SELECT saas.set_context(:'red', :'ben');
SET LOCAL ROLE saas_app;
INSERT INTO saas.addresses (team_id, user_id, kind, is_default, line1, city, country)
VALUES (:'red', :'ben', 'both', true, 'Hauptstraße 1', 'Köln', 'DE') RETURNING id AS home \gset
INSERT INTO saas.addresses (team_id, user_id, kind, line1, city, country)
VALUES (:'red', :'ben', 'billing', 'Office 2', 'Bonn', 'DE') RETURNING id AS office \gset
INSERT INTO saas.addresses (team_id, kind, is_default, line1, city, country)
VALUES (:'red', 'billing', true, 'Headquarters', 'Berlin', 'DE') RETURNING id AS headquarters \gset
SELECT is((SELECT count(*)::integer FROM saas.addresses), 3, 'a member keeps addresses of their own and of the team');
SELECT throws_ok(format($$INSERT INTO saas.addresses (team_id, user_id, kind, is_default, line1, city, country) VALUES (%L, %L, 'shipping', true, 'x', 'y', 'DE')$$, :'red', :'ben'),
    '23505', NULL, 'an address for both is the one default of both');
SELECT throws_ok(format($$INSERT INTO saas.addresses (team_id, kind, is_default, line1, city, country) VALUES (%L, 'billing', true, 'x', 'y', 'DE')$$, :'red'),
    '23505', NULL, 'the team has one default as well');
SELECT throws_ok(format($$INSERT INTO saas.addresses (team_id, kind, line1, city, country) VALUES (%L, 'holiday', 'x', 'y', 'DE')$$, :'red'), '23514', NULL, 'there are three kinds');
SELECT throws_ok(format($$INSERT INTO saas.addresses (team_id, line1, city, country) VALUES (%L, 'x', 'y', 'de')$$, :'red'), '23514', NULL, 'a country is two capital letters');
SELECT throws_ok(format($$INSERT INTO saas.addresses (team_id, line1, city, country) VALUES (%L, %L, 'y', 'DE')$$, :'red', repeat('x', 1000000)), '23514', NULL, 'a line ends somewhere');
SELECT throws_ok(format($$INSERT INTO saas.addresses (team_id, user_id, line1, city, country) VALUES (%L, %L, 'x', 'y', 'DE')$$, :'red', :'ann'), '42501', NULL, 'a member adds none for another');
SELECT throws_ok(format($$INSERT INTO saas.addresses (team_id, line1, city, country) VALUES (%L, 'x', 'y', 'DE')$$, :'blue'), '42501', NULL, 'nor for another team');
SELECT throws_ok(format('UPDATE saas.addresses SET team_id = %L', :'blue'), '42501', NULL, 'nor moves one there');
SELECT throws_ok('UPDATE saas.addresses SET user_id = NULL', '42501', NULL, 'nor gives one away');
SELECT lives_ok(format('SELECT saas.set_default_address(%L, %L)', :'red', :'office'), 'the default moves');
SELECT results_eq(format('SELECT id, is_default FROM saas.addresses WHERE user_id = %L ORDER BY id', :'ben'),
    format('VALUES (%L::uuid, false), (%L, true)', :'home', :'office'), 'from one to the other');
SELECT is((SELECT is_default FROM saas.addresses WHERE id = :'headquarters'), true, 'and the team''s stays');
SELECT throws_ok(format('SELECT saas.set_default_address(%L, %L)', :'red', gen_random_uuid()), 'P0002', NULL, 'an address that is not there is none');
RESET ROLE;

SELECT saas.set_context(:'red', :'vic');
SET LOCAL ROLE saas_app;
SELECT results_eq('SELECT id FROM saas.addresses', ARRAY[:'headquarters'::uuid], 'another member sees the team''s addresses only');
SELECT throws_ok(format('SELECT saas.set_default_address(%L, %L)', :'red', :'office'), 'P0002', NULL, 'and makes no default of what is hidden');
SELECT throws_ok(format('SELECT saas.set_default_address(%L, %L)', :'red', :'headquarters'), '42501', NULL, 'a viewer does not change the team''s default');
DELETE FROM saas.addresses;
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM saas.addresses WHERE team_id = :'red'), 3, 'nor deletes anything');

SELECT saas.set_context(:'red', :'ann');
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.addresses), 3, 'an admin sees all');
SELECT lives_ok(format('SELECT saas.remove_team_member(%L, %L)', :'red', :'ben'), 'a member leaves');
SELECT is((SELECT count(*)::integer FROM saas.addresses), 1, 'and takes their addresses along');
SELECT is((SELECT count(*)::integer FROM saas.audit_logs WHERE table_name = 'saas.addresses' AND (new_values::text LIKE '%Hauptstra%' OR old_values::text LIKE '%Hauptstra%')),
    0, 'the trail does not hold what they were');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
