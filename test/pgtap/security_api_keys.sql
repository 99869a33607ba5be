-- API keys: shown once, told apart without a table, limited by time, network, rate and scope; nobody
-- forges one, and nothing of the secret is left anywhere.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob,
    saas.create_user('mia@example.com', 'Mia') AS mia \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT saas.add_team_member(:'red', :'mia') \g /dev/null

-- Making one.
SET LOCAL ROLE saas_app;
SELECT * FROM saas.create_api_key(:'red', 'reporting', '{reports:*,payments:read}') \gset
SELECT matches(:'token'::text, '^sk_live_[a-z2-7]{88}$', 'a key has its form');
SELECT is(:'key_prefix'::text, left(:'token', 24), 'people tell it by its beginning');
SELECT ok((SELECT (saas.create_api_key(:'red', 'sandbox', p_test => true)).token LIKE 'sk\_test\_%'), 'a test key says so');
SELECT is(to_jsonb(p), jsonb_build_object('mode', 'live', 'team_id', :'red', 'api_key_id', :'api_key_id', 'problem', NULL),
    'its text says mode, team and id without a table') FROM saas.parse_api_key(:'token') AS p;
SELECT is((saas.parse_api_key(p.token)).problem, p.problem, format('%s is %s', COALESCE(left(p.token, 12), 'NULL'), p.problem))
FROM (VALUES (left(:'token', 95), 'mistyped'), (overlay(:'token' PLACING CASE substr(:'token', 50, 1) WHEN 'a' THEN 'b' ELSE 'a' END FROM 50), 'mistyped'),
    (upper(:'token'), 'other form'), ('ses_x', 'other form'), ('', 'other form'), (NULL, 'other form'), (repeat('sk_live_', 100000), 'mistyped')) AS p (token, problem);
SELECT throws_ok(format('SELECT * FROM saas.create_api_key(%L, %L, %s)', :'red', 'x', b.rest), '22023', NULL, 'refused: ' || b.rest)
FROM (VALUES ($$NULL$$), ($$'{Payments}'$$), ($$'{a,b c}'$$), ($$'{}', 'owner'$$), ($$'{}', 'service'$$), ($$'{}', NULL$$),
    ($$'{{a,b},{c,d}}'$$), ($$'{}', p_allowed_cidrs => '{{10.0.0.0/8},{192.0.2.0/24}}'$$), ($$'{}', p_allowed_cidrs => '{::ffff:192.0.2.0/120}'$$),
    ($$'{}', p_expires_at => now()$$), ($$'{}', p_expires_at => '-infinity'$$), ($$'{}', p_allowed_cidrs => '{}'$$), ($$'{}', p_rate_limit => 0$$), ($$'{}', p_rate_limit => -1$$),
    ($$'{}', p_rate_limit => 1000001$$), ($$'{}', p_rate_period => '1 ms'$$), ($$'{}', p_rate_period => '-1 day'$$),
    ($$'{}', p_rate_period => NULL$$), ($$'{}', p_rate_period => '2 days'$$), ($$'{}', p_test => NULL$$)) AS b (rest);
SELECT api_key_id AS forever FROM saas.create_api_key(:'red', 'forever', p_expires_at => 'infinity') \gset
SELECT lives_ok(format('SELECT saas.rotate_api_key(%L, %L)', :'red', :'forever'), 'a key that ends never is rotated');
SELECT is((SELECT max(k.expires_at) FROM saas.api_keys AS k WHERE k.replaces_id = :'forever'), 'infinity', 'into another one');
SELECT throws_ok(format('SELECT saas.create_api_key(%L, %L, %L)', :'red', 'x', '{a,NULL}'), '22004', NULL, 'refused: a NULL among the scopes');
SELECT throws_ok(format('SELECT saas.create_api_key(%L, %L)', :'red', b.name), '22023', NULL, 'refused: a name of ' || COALESCE(length(b.name)::text, 'NULL'))
FROM (VALUES (''), (NULL), (repeat('x', 101))) AS b (name);
SELECT throws_ok(format('SELECT saas.create_api_key(%L, %L)', :'blue', 'x'), '42501', NULL, 'nobody makes a key of another team');
SELECT throws_ok(format('SELECT saas.create_api_key(NULL, %L)', 'x'), '42501', NULL, 'nor of none');
RESET ROLE;
SELECT saas.set_context(:'red', :'mia') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.create_api_key(%L, %L)', :'red', 'x'), '42501', NULL, 'a member makes none');
SELECT throws_ok(format('SELECT saas.list_api_keys(%L)', :'red'), '42501', NULL, 'nor lists them');
SELECT is_empty('SELECT id FROM saas.api_keys', 'nor sees them');
RESET ROLE;

-- Nothing of the secret is stored, shown or audited.
SELECT is((SELECT count(*)::integer FROM saas.api_keys AS k WHERE position(substr(:'token', 25) IN k::text) > 0), 0, 'the key is not stored');
SELECT is((SELECT count(*)::integer FROM saas.audit_logs AS l WHERE l.table_name = 'saas.api_keys' AND l.row_id = :'api_key_id'), 1, 'its making is audited');
SELECT is((SELECT count(*)::integer FROM saas.audit_logs AS l, saas.api_keys AS k
    WHERE k.id = :'api_key_id' AND (position(substr(:'token', 25) IN l::text) > 0 OR position(encode(k.secret_hash, 'hex') IN l::text) > 0)), 0,
    'without the key and its hash');

-- What it stands for.
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(to_jsonb(a), jsonb_build_object('team_id', :'red', 'api_key_id', :'api_key_id', 'role', 'member', 'scopes', '["reports:*", "payments:read"]'::jsonb),
    'a key proves team, role and scopes') FROM saas.authenticate_api_key(:'token') AS a;
SELECT is(saas.current_team_id(), :'red'::uuid, 'the context is its team');
SELECT is(saas.current_user_id(), NULL, 'and no user');
SELECT is(saas.current_team_role(), 'member', 'with the key''s role');
SELECT is(saas.current_api_key_id(), :'api_key_id'::uuid, 'and names the key');
SELECT is(saas.current_scopes(), '{reports:*,payments:read}'::text[], 'and its scopes');
SELECT is(saas.has_scope(s.scope), s.has, format('has_scope(%L)', s.scope))
FROM (VALUES ('payments:read', true), ('payments:write', false), ('reports:daily:read', true), ('reports', false), ('*', false), ('', false), (NULL, false), ('Reports:x', false)) AS s (scope, has);
SELECT lives_ok($$SELECT saas.require_scope('payments:read')$$, 'require_scope lets it pass');
SELECT throws_ok($$SELECT saas.require_scope('payments:write')$$, '42501', NULL, 'or not');
SELECT is(saas.my_team_ids(), ARRAY[:'red']::uuid[], 'it is in its team only');
SELECT is(saas.is_member(:'red', 'member'), true, 'with its role');
SELECT is(saas.is_member(:'red', 'admin'), false, 'and not as a worker');
SELECT is(saas.has_team_role(:'red', 'admin'), false, 'nor as an admin');
SELECT throws_ok(format('SELECT saas.create_api_key(%L, %L)', :'red', 'x'), '42501', NULL, 'a member''s key makes no key');
SELECT results_eq('SELECT slug FROM saas.teams', ARRAY['red'], 'row-level security follows');
SELECT is(to_jsonb(a), jsonb_build_object('user_id', NULL, 'team_id', :'red', 'role', 'member'), 'authenticate() takes it as well') FROM saas.authenticate(:'token') AS a;
SELECT is((saas.authenticate(:'token', :'red')).team_id, :'red'::uuid, 'also when the team is named');
SELECT throws_ok(format('SELECT saas.authenticate(%L, %L)', :'token', :'blue'), '42501', NULL, 'a key opens no other team');
RESET ROLE;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT is(saas.current_scopes(), NULL, 'a person''s context has no scopes');
SELECT is(saas.has_scope('anything'), true, 'and so is for everything');
SELECT saas.clear_context() \g /dev/null
SELECT is(saas.has_scope('anything'), false, 'no context is for nothing');

-- Forged ones.
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', b.token), 'SA120', NULL, 'no key: ' || COALESCE(left(b.token, 12), 'NULL'))
FROM (VALUES ('sk_live_x'), (''), (NULL), ('ses_x'), (left(:'token', 95)), (repeat(:'token', 10000))) AS b (token);
SELECT throws_ok($$SELECT saas.authenticate('sk_live_x')$$, 'SA120', NULL, 'authenticate() says the same');
RESET ROLE;
SELECT token AS stranger FROM saas.make_api_key(:'red', :'api_key_id', false) \gset
SELECT token AS nowhere FROM saas.make_api_key(:'blue', :'api_key_id', false) \gset
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', :'stranger'), 'SA121', 'the API key is not valid', 'another secret for the same key');
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', :'nowhere'), 'SA121', 'the API key is not valid', 'another team for the same key gets the same answer');
SELECT is(saas.current_team_id(), NULL, 'neither leaves a context');
RESET ROLE;
SAVEPOINT planted;
-- Whoever can write rows but not read the server's key makes no working key, nor moves a hash.
UPDATE saas.api_keys SET secret_hash = substring(secret_hash FROM 1 FOR 16) || sha256(convert_to(:'stranger', 'UTF8')) WHERE id = :'api_key_id';
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', :'stranger'), 'SA121', NULL, 'a plain hash in the row opens nothing');
UPDATE saas.api_keys SET secret_hash = (SELECT k.secret_hash FROM saas.api_keys AS k WHERE k.name = 'sandbox') WHERE id = :'api_key_id';
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', :'token'), 'SA121', NULL, 'nor does the hash of another row');
ROLLBACK TO planted;
SELECT is(saas.credential_matches(k.secret_hash, 'api_key', :'token'), true, 'the hash is that of the key') FROM saas.api_keys AS k WHERE k.id = :'api_key_id';
SELECT is(saas.credential_matches(k.secret_hash, 'other', :'token'), false, 'of no other kind of secret') FROM saas.api_keys AS k WHERE k.id = :'api_key_id';
SELECT is(saas.credential_matches(set_byte(k.secret_hash, b.n, get_byte(k.secret_hash, b.n) # 1), 'api_key', :'token'), false, 'one bit of byte ' || b.n)
FROM saas.api_keys AS k CROSS JOIN generate_series(0, 47, 5) AS b (n) WHERE k.id = :'api_key_id';
SELECT is(saas.credential_matches(b.hash, 'api_key', :'token'), false, 'no hash of another length') FROM (VALUES (''::bytea), ('\x00'), (sha256(''))) AS b (hash);
SELECT saas.rotate_credential_key() \g /dev/null
SELECT lives_ok(format('SELECT saas.authenticate_api_key(%L)', :'token'), 'a new key for hashes leaves old ones valid');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT token AS newer FROM saas.create_api_key(:'red', 'newer') \gset
SELECT isnt((SELECT substring(secret_hash FROM 1 FOR 16) FROM saas.api_keys WHERE name = 'newer'),
    (SELECT substring(secret_hash FROM 1 FOR 16) FROM saas.api_keys WHERE id = :'api_key_id'), 'and hashes new ones');
SELECT lives_ok(format('SELECT saas.authenticate_api_key(%L)', :'newer'), 'which work');

-- Networks.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT token AS homely FROM saas.create_api_key(:'red', 'homely', p_allowed_cidrs => '{192.0.2.0/24,2001:db8::/32}') \gset
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.authenticate_api_key(%L, %L)', :'homely', a.ip), 'from ' || a.ip)
FROM (VALUES ('192.0.2.7'), ('2001:db8::1'), ('::ffff:192.0.2.7'), ('192.0.2.7/24')) AS a (ip);
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L, %L)', :'homely', a.ip), 'SA122', NULL, 'not from ' || COALESCE(a.ip, 'nowhere'))
FROM (VALUES ('192.0.3.7'), ('::1'), ('2001:db9::1'), ('::ffff:192.0.3.7'), (NULL)) AS a (ip);
SELECT throws_ok(format('SELECT saas.authenticate(%L)', :'homely'), 'SA122', NULL, 'authenticate() without an address is from nowhere');
SELECT lives_ok(format('SELECT saas.authenticate(%L, p_ip => %L)', :'homely', '192.0.2.7'), 'and takes one');
RESET ROLE;

-- Rate.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT token AS slow FROM saas.create_api_key(:'red', 'slow', p_rate_limit => 3, p_rate_period => '1 hour') \gset
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.authenticate_api_key(%L)', :'slow'), 'call ' || n) FROM generate_series(1, 3) AS n;
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', :'slow'), 'SA123', NULL, 'call 4 is above the limit');
SELECT lives_ok(format('SELECT saas.authenticate_api_key(%L)', :'token'), 'another key is not concerned');
RESET ROLE;

-- Ends: expiry, rotation with overlap, revocation, an inactive team.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT api_key_id AS short_id, token AS short FROM saas.create_api_key(:'red', 'short', '{a:b}', 'viewer', clock_timestamp() + INTERVAL '0.5 s', p_rate_limit => 9) \gset
SELECT lives_ok(format('SELECT saas.authenticate_api_key(%L)', :'short'), 'it works until it expires');
SELECT pg_sleep(0.52) \g /dev/null
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', :'short'), 'SA121', 'the API key has expired', 'by the clock, also inside a transaction');
UPDATE saas.api_keys SET expires_at = now() + INTERVAL '10 days', created_at = now() - INTERVAL '20 days' WHERE id = :'short_id';
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT api_key_id AS next_id, token AS next FROM saas.rotate_api_key(:'red', :'short_id', '1 hour') \gset
SELECT results_eq(format('SELECT k.role, k.scopes, k.rate_limit, k.replaces_id, k.expires_at - now() FROM saas.api_keys AS k WHERE k.id = %L', :'next_id'),
    format('VALUES (%L, %L::text[], 9, %L::uuid, %L::interval)', 'viewer', '{a:b}', :'short_id', '30 days'), 'a rotated key is of the same kind and lasts as long');
SELECT is((SELECT k.expires_at - now() FROM saas.api_keys AS k WHERE k.id = :'short_id'), INTERVAL '1 hour', 'the old one ends after the overlap');
SELECT lives_ok(format('SELECT saas.authenticate_api_key(%L)', t.token), 'until then both work') FROM (VALUES (:'short'), (:'next')) AS t (token);
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT throws_ok(format('SELECT saas.rotate_api_key(%L, %L, %L)', :'red', :'next_id', b.overlap), '22023', NULL, 'no overlap of ' || COALESCE(b.overlap, 'NULL'))
FROM (VALUES ('-1 s'), ('91 days'), (NULL)) AS b (overlap);
SELECT throws_ok(format('SELECT saas.rotate_api_key(%L, %L)', :'red', gen_random_uuid()), 'P0002', NULL, 'what is not there is not rotated');
SELECT is(saas.revoke_api_key(:'red', :'next_id'), true, 'revoked');
SELECT is(saas.revoke_api_key(:'red', :'next_id'), false, 'once');
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', :'next'), 'SA121', 'the API key was revoked', 'and worth nothing');
SELECT throws_ok(format('SELECT saas.rotate_api_key(%L, %L)', :'red', :'next_id'), 'P0002', NULL, 'nor to be rotated');
SELECT results_eq(format('SELECT l.name, l.state FROM saas.list_api_keys(%L, false) AS l WHERE l.api_key_id IN (%L, %L) ORDER BY l.state', :'red', :'short_id', :'next_id'),
    $$VALUES ('short', 'revoked'), ('short', 'working')$$, 'the list knows states');
SELECT is((SELECT count(*)::integer FROM saas.list_api_keys(:'red') AS l WHERE l.state <> 'working'), 0, 'or shows working ones only');
SELECT ok((SELECT l.last_used_at IS NOT NULL FROM saas.list_api_keys(:'red') AS l WHERE l.api_key_id = :'api_key_id'), 'with the last use');
SELECT ok((SELECT l.last_used_at IS NULL FROM saas.list_api_keys(:'red') AS l WHERE l.name = 'sandbox'), 'if there was one');
SELECT throws_ok(format('SELECT saas.revoke_api_key(%L, %L)', :'blue', :'api_key_id'), '42501', NULL, 'nobody revokes a key of another team');
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SELECT is(saas.revoke_api_key(:'blue', :'api_key_id'), false, 'nor by naming it in the own one');
SAVEPOINT inactive;
UPDATE saas.teams SET is_active = false WHERE id = :'red';
SELECT throws_ok(format('SELECT saas.authenticate_api_key(%L)', :'token'), 'SA121', NULL, 'nor does a key of an inactive team work');
ROLLBACK TO inactive;

-- A key that manages keys gives away no more than it has.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT token AS manager FROM saas.create_api_key(:'red', 'manager', '{api_keys:manage,reports:read}', 'admin') \gset
SELECT token AS admin FROM saas.create_api_key(:'red', 'admin', '{reports:*}', 'admin') \gset
SELECT saas.authenticate_api_key(:'manager') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.create_api_key(%L, %L, %L)', :'red', 'child', '{reports:read}'), 'what it has it gives');
SELECT is((SELECT k.created_by FROM saas.api_keys AS k WHERE k.name = 'child'), NULL, 'which nobody made');
SELECT throws_ok(format('SELECT saas.create_api_key(%L, %L, %L)', :'red', 'x', '{reports:*}'), '42501', NULL, 'and no more');
SELECT throws_ok(format('SELECT saas.create_api_key(%L, %L)', :'red', 'x'), '42501', NULL, 'least of all everything');
SELECT throws_ok(format('SELECT saas.rotate_api_key(%L, %L)', :'red', :'api_key_id'), '42501', NULL, 'nor the key of somebody else');
RESET ROLE;
SELECT saas.authenticate_api_key(:'admin') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.create_api_key(%L, %L, %L)', :'red', 'x', '{reports:read}'), '42501', NULL, 'without api_keys:manage it makes none');
SELECT throws_ok(format('SELECT saas.list_api_keys(%L)', :'red'), '42501', NULL, 'nor lists them');
RESET ROLE;

-- Its use.
SAVEPOINT before_flush;
SELECT saas.flush_api_key_usage() \g /dev/null
SELECT ok((SELECT sum(l.accepted) >= 1 FROM saas.api_key_usage_logs AS l WHERE l.api_key_id = :'api_key_id'), 'calls are logged');
SELECT is((SELECT count(*)::integer FROM saas.api_key_activity AS a WHERE a.api_key_id = :'api_key_id' AND a.last_used_at IS NOT NULL), 1, 'and the last use');
SELECT throws_ok('UPDATE saas.api_key_usage_logs SET accepted = 0', 'SA041', NULL, 'the log is append-only');
SELECT throws_ok('DELETE FROM saas.api_key_usage_logs', 'SA041', NULL, 'for everyone');
ROLLBACK TO before_flush;

-- Without shared memory: the same limit in a row, and the last use once a minute.
SELECT is(saas.use_api_key_row(:'red', :'api_key_id', NULL, 20 * 60 * 1000000000::bigint, 40 * 60 * 1000000000::bigint), 0::bigint, 'three calls an hour: call ' || n) FROM generate_series(1, 3) AS n;
SELECT ok(saas.use_api_key_row(:'red', :'api_key_id', NULL, 20 * 60 * 1000000000::bigint, 40 * 60 * 1000000000::bigint) BETWEEN 1190 * 1000000000::bigint AND 1200 * 1000000000::bigint, 'call 4 waits for twenty minutes');
UPDATE saas.api_key_activity SET arrival_ns = arrival_ns - 20 * 60 * 1000000000::bigint WHERE api_key_id = :'api_key_id';
SELECT is(saas.use_api_key_row(:'red', :'api_key_id', '192.0.2.1', 20 * 60 * 1000000000::bigint, 40 * 60 * 1000000000::bigint), 0::bigint, 'after which it is allowed');
SELECT ok((SELECT a.last_used_at = now() FROM saas.api_key_activity AS a WHERE a.api_key_id = :'api_key_id'), 'the last use is noted');
SELECT count(*) AS logged FROM saas.api_key_usage_logs WHERE api_key_id = :'api_key_id' \gset
SELECT is(saas.use_api_key_row(:'red', :'api_key_id', '192.0.2.2', NULL, NULL), 0::bigint, 'without a limit every call is allowed') FROM generate_series(1, 3);
SELECT is((SELECT count(*) FROM saas.api_key_usage_logs WHERE api_key_id = :'api_key_id'), :logged::bigint, 'but written once a minute');
UPDATE saas.api_key_activity SET last_used_at = now() - INTERVAL '1 minute' WHERE api_key_id = :'api_key_id';
SELECT is(saas.use_api_key_row(:'red', :'api_key_id', '192.0.2.2', NULL, NULL), 0::bigint, 'a minute later');
SELECT is((SELECT l.accepted || ' ' || host(l.last_address) FROM saas.api_key_usage_logs AS l WHERE l.api_key_id = :'api_key_id' ORDER BY l.id DESC LIMIT 1), '1 192.0.2.2', 'it is again');

-- What roles may not do.
CREATE FUNCTION pg_temp.denied(p_role text, p_statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', p_role);
    EXECUTE p_statement;
    RESET ROLE;
    RETURN 'allowed';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.denied(r.name, s.statement), '42501', r.name || ': ' || s.statement)
FROM (VALUES ('saas_app'), ('saas_service'), ('saas_analyst'), ('saas_anonymous'), ('saas_migrator')) AS r (name)
CROSS JOIN (VALUES ('SELECT key FROM saas.credential_keys'), ('SELECT secret_hash FROM saas.api_keys'), ('TABLE saas.credential_keys'),
    ('SELECT saas.make_api_key(gen_random_uuid(), gen_random_uuid(), false)'), ('SELECT saas.credential_hash(''api_key'', ''x'')'),
    ('SELECT saas.credential_matches('''', ''api_key'', ''x'')'), ('SELECT saas.take_api_key_usage()'), ('SELECT saas.rotate_credential_key()'),
    ('SELECT saas.sign_context(gen_random_uuid(), NULL, ''owner'', ''{*}'')'), ('SELECT saas.use_api_key_row(NULL, NULL, NULL, NULL, NULL)'),
    ('SELECT saas.insert_api_key(NULL, false)'), ('UPDATE saas.api_keys SET role = ''admin''')) AS s (statement);
SELECT is(pg_temp.denied(r.name, 'SELECT saas.authenticate_api_key(''sk_live_x'')'), '42501', r.name || ' authenticates nobody')
FROM (VALUES ('saas_analyst'), ('saas_anonymous')) AS r (name);
SELECT is((SELECT count(*)::integer FROM pg_settings WHERE setting LIKE '%' || substr(:'token', 25, 20) || '%'), 0, 'no setting holds a key');

-- A forged context, and one with more scopes.
SELECT saas.authenticate_api_key(:'token') \g /dev/null
SELECT throws_ok(format('SET LOCAL saas.context = %L', replace(current_setting('saas.context'), c.this, c.that)), 'SA020', NULL, 'a context with ' || c.that)
FROM (VALUES ('=reports:*', '=*'), ('.member.', '.admin.'), ('=reports:*,payments:read', '-'), (:'api_key_id', '-')) AS c (this, that);
SELECT is(saas.current_scopes(), '{reports:*,payments:read}'::text[], 'the genuine one still holds');
SELECT * FROM finish();
ROLLBACK;
