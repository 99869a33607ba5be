-- The access log of data keys: what a transaction did stays known when it is rolled back.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.flush_key_accesses() \g /dev/null
CREATE FUNCTION pg_temp.noted() RETURNS TABLE (team uuid, action text, outcome text, role_name text, subject uuid) LANGUAGE sql AS
'SELECT n.team_id, n.action, n.outcome, n.role_name, n.subject_id FROM saas.key_access_positions AS p, saas.key_accesses(p.memory, p.next_place) AS n
WHERE n.database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY n.place';

-- Made and opened by the application, and rolled back.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SAVEPOINT before;
SET LOCAL ROLE saas_app;
SELECT saas.encrypt_sensitive_data('x', '00000000-0000-7000-8000-0000000000aa'::uuid, NULL, :'ann') AS undone \gset
ROLLBACK TO SAVEPOINT before;
SELECT results_eq('SELECT * FROM pg_temp.noted()', format('VALUES (%1$L::uuid, ''make'', ''done'', ''saas_app'', %2$L::uuid), (%1$L, ''open'', ''done'', ''saas_app'', %2$L)', :'red', :'ann'), 'a key that was made in a transaction that was undone');
SELECT saas.encrypt_sensitive_data('x') AS value \gset
UPDATE saas.encryption_keys SET wrapped = wrapped WHERE team_id = :'red';
SAVEPOINT before;
SET LOCAL ROLE saas_app;
SELECT saas.decrypt_sensitive_data(:'value') \g /dev/null
SELECT saas.decrypt_sensitive_data(:'value') \g /dev/null
ROLLBACK TO SAVEPOINT before;
SELECT results_eq('SELECT action, outcome, role_name FROM pg_temp.noted() OFFSET 2',
    format('VALUES (''open'', ''done'', %L), (''open'', ''done'', ''saas_app'')', current_user), 'a key that was opened, once for a session');
UPDATE saas.encryption_keys SET wrapped = set_byte(wrapped, 70, get_byte(wrapped, 70) # 1) WHERE team_id = :'red' AND kind = 'tenant';
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_data(%L::bytea)', :'value'), 'SA101', NULL, 'a key that was changed does not open');
SELECT is((SELECT n.outcome FROM pg_temp.noted() AS n OFFSET 4 LIMIT 1), 'failed', 'and somebody has tried');

-- Written down once, and again when that was undone.
SAVEPOINT before;
SELECT is(saas.flush_key_accesses(), 5, 'five accesses');
ROLLBACK TO SAVEPOINT before;
SELECT is(saas.flush_key_accesses(), 5, 'again after a rollback');
SELECT is(saas.flush_key_accesses(), 0, 'and then no more');
SELECT is((SELECT count(*)::integer FROM saas.key_access_logs WHERE team_id = :'red' AND role_name = 'saas_app'), 3, 'they are in the log');
SELECT is((SELECT lost FROM saas.key_access_positions), 0::bigint, 'none was lost');
SELECT ok((SELECT bool_and(accessed_at > now() - INTERVAL '1 hour' AND accessed_at <= clock_timestamp()) FROM saas.key_access_logs WHERE team_id = :'red'), 'with their times');
UPDATE saas.key_access_positions SET memory = gen_random_uuid(), next_place = 9;
SELECT cmp_ok(saas.flush_key_accesses(), '>=', 5, 'after a start of the server it begins anew');

-- Who sees it.
SELECT throws_ok('UPDATE saas.key_access_logs SET role_name = ''x''', 'SA041', NULL, 'the log is append-only');
SELECT throws_ok('DELETE FROM saas.key_access_logs', 'SA041', NULL, 'for everyone');
SET LOCAL ROLE saas_app;
SELECT isnt_empty('SELECT * FROM saas.key_access_logs', 'owners see who opened keys of their team');
SELECT is_empty(format('SELECT * FROM saas.key_access_logs WHERE team_id <> %L', :'red'), 'and no other''s');
SELECT throws_ok('SELECT * FROM saas.key_accesses()', '42501', NULL, 'not those of all teams');
SELECT throws_ok('SELECT saas.flush_key_accesses()', '42501', NULL, 'and write nothing down');
SELECT throws_ok('INSERT INTO saas.key_access_logs (team_id, accessed_at, key_no, kind, role_name, action, outcome) VALUES (saas.current_team_id(), now(), 1, ''tenant'', ''x'', ''open'', ''done'')', '42501', NULL, 'nor make anything up');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty(format('SELECT * FROM saas.key_access_logs WHERE team_id = %L', :'red'), 'another team sees nothing of it');
RESET ROLE;
INSERT INTO saas.team_members (team_id, user_id, role, status) VALUES (:'red', :'bob', 'member', 'active');
SELECT saas.set_context(:'red', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT * FROM saas.key_access_logs', 'members do not see it');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
