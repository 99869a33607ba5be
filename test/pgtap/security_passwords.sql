-- Passwords: who may set them, how they are checked, how often, and what nobody learns.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob,
    saas.create_user('gone@example.com', 'Gone') AS gone \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset
SET LOCAL saas.password_cost = 4;

-- Setting one.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT ok((saas.set_password('correct horse battery')).accepted, 'a user without a password sets one');
SELECT throws_ok(format('SELECT saas.set_password(%L, p_user => %L)', 'correct horse battery', :'bob'), '42501', NULL, 'nobody sets another user''s');
SELECT throws_ok('SELECT saas.set_password(''x'', ''correct horse battery'')', 'SA126', 'the password is too short', 'too short');
SELECT throws_ok(format('SELECT saas.set_password(%L, %L)', b.password, 'correct horse battery'), 'SA126', 'the password is too long', b.what)
FROM (VALUES (repeat('x', 73), '73 bytes are too many'), (repeat('é', 37), '37 accented letters as well'), (repeat('x', 10000000), 'ten million all the more')) AS b (password, what);
SELECT throws_ok('SELECT saas.set_password(NULL, ''correct horse battery'')', 'SA126', NULL, 'NULL is no password');
SELECT ok((saas.set_password(repeat('x', 72), 'correct horse battery')).accepted, '72 bytes fit');
SELECT results_eq(format('SELECT accepted, reason FROM saas.set_password(%L, %L)', 'another password', 'wrong'), $$VALUES (false, 'wrong password')$$, 'who has one gives it');
SELECT results_eq('SELECT accepted, reason FROM saas.set_password(''another password'')', $$VALUES (false, 'wrong password')$$, 'and not nothing');
SELECT ok((saas.set_password('Zwölf Boxkämpfer', repeat('x', 72))).accepted, 'the right one is accepted');
RESET ROLE;
SELECT matches((SELECT password_hash FROM saas.users WHERE id = :'ann'), '^\$2a\$04\$', 'bcrypt at the cost of the setting is stored');
SELECT is((SELECT failures FROM saas.credential_attempts WHERE user_id = :'ann' AND kind = 'password'), 0, 'a success forgets failures');
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT saas.set_password(''correct horse battery'')', '42501', NULL, 'nobody without a context');
RESET ROLE;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT token AS key FROM saas.create_api_key(:'red', 'program', p_role => 'admin') \gset
SELECT saas.authenticate_api_key(:'key') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT saas.set_password(''correct horse battery'')', '42501', NULL, 'an API key is nobody');
SET LOCAL ROLE saas_service;
SELECT ok((saas.set_password('correct horse battery', p_user => :'bob')).accepted, 'a worker sets anybody''s');
SELECT throws_ok(format('SELECT saas.set_password(%L, p_user => %L)', 'correct horse battery', gen_random_uuid()), 'P0002', NULL, 'but nobody''s who is not there');
RESET ROLE;

-- Checking.
SELECT saas.forget_failed_attempts(md5('address:' || a.email)::uuid, 'password') FROM (VALUES ('nobody@example.com'), (repeat('a', 300))) AS a (email) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(to_jsonb(v) - 'retry_after', jsonb_build_object('user_id', :'ann', 'accepted', true, 'reason', NULL), 'address and password prove the user')
FROM saas.verify_password('ANN@example.com', 'Zwölf Boxkämpfer') AS v;
SELECT ok((saas.verify_password('ann@example.com', normalize('Zwölf Boxkämpfer', NFD))).accepted, 'however the letters are composed');
SELECT results_eq(format('SELECT user_id IS NULL, accepted, reason FROM saas.verify_password(%L, %L)', b.email, b.password), $$VALUES (true, false, 'wrong password')$$,
    format('refused: %s, %s', COALESCE(left(b.email, 20), 'NULL'), COALESCE(left(b.password, 20), 'NULL')))
FROM (VALUES ('ann@example.com', 'wrong'), ('nobody@example.com', 'Zwölf Boxkämpfer'), (NULL, 'x'), ('', ''), ('gone@example.com', ''), ('gone@example.com', NULL),
    ('bob@example.com', NULL), ('bob@example.com', repeat('correct horse battery', 100)), (repeat('a', 1000000), 'x')) AS b (email, password);
SELECT pg_current_wal_insert_lsn() AS before \gset
SELECT saas.verify_password('nobody@example.com', 'x') \g /dev/null
SELECT cmp_ok(pg_current_wal_insert_lsn(), '>', :'before'::pg_lsn, 'an unknown address writes as well, so that the commit takes as long');
SELECT gen_random_uuid() || '@example.com' AS stranger \gset
SELECT results_eq(format('SELECT v.reason, v.retry_after BETWEEN %L AND %L FROM generate_series(1, 6) AS n CROSS JOIN LATERAL saas.verify_password(upper(%L), n::text) AS v',
    '29 seconds', '29.999999 seconds', :'stranger'),
    $$VALUES ('wrong password', NULL::boolean), ('wrong password', NULL), ('wrong password', NULL), ('wrong password', NULL), ('wrong password', true), ('locked', true)$$,
    'an unknown address is locked as a known one');
SELECT is((saas.sign_in(:'stranger', 'x')).reason, 'locked', 'for signing in as well');
SELECT throws_ok('SELECT saas.count_stranger(''x'')', '42501', NULL, 'nobody else counts');
RESET ROLE;
-- 72 bytes count, and what follows is not cut off in silence.
UPDATE saas.users SET password_hash = saas.bcrypt(repeat('x', 72), '$2a$04$' || repeat('a', 21) || 'u') WHERE id = :'gone';
SELECT ok((saas.verify_password('gone@example.com', repeat('x', 72))).accepted, '72 bytes are right');
SELECT ok(NOT (saas.verify_password('gone@example.com', repeat('x', 73))).accepted, 'with one more they are not');
-- Hashes from elsewhere, and rehashing.
SELECT ok((saas.verify_password('gone@example.com', repeat('x', 72))).accepted, 'as before');
UPDATE saas.users SET password_hash = regexp_replace(password_hash, '^\$2a', '$2' || v.version) FROM (VALUES ('y')) AS v (version) WHERE id = :'gone';
SELECT ok((saas.verify_password('gone@example.com', repeat('x', 72))).accepted, '$2y$ of PHP is read');
UPDATE saas.users SET password_hash = regexp_replace(password_hash, '^\$2y', '$2b') WHERE id = :'gone';
SET LOCAL saas.password_cost = 5;
SELECT ok((saas.verify_password('gone@example.com', repeat('x', 72))).accepted, '$2b$ as well');
SELECT matches((SELECT password_hash FROM saas.users WHERE id = :'gone'), '^\$2a\$05\$', 'a hash of less work is made anew at sign-in');
SELECT ok((saas.verify_password('gone@example.com', repeat('x', 72))).accepted, 'and is right');
SET LOCAL saas.password_cost = 4;
SELECT matches((SELECT password_hash FROM saas.users WHERE id = :'gone'), '^\$2a\$05\$', 'one of more work stays');
UPDATE saas.users SET is_active = false WHERE id = :'gone';
SELECT ok(NOT (saas.verify_password('gone@example.com', repeat('x', 72))).accepted, 'a user who is not active is not proved');

-- Attempts are limited.
SELECT is((saas.verify_password('bob@example.com', 'wrong')).retry_after, NULL, 'failure ' || n) FROM generate_series(1, 1) AS n;
SELECT saas.unlock_user(:'bob') \g /dev/null
SELECT is(count(v.retry_after)::integer, 0, 'four failures cost nothing') FROM generate_series(1, 4) AS n CROSS JOIN LATERAL saas.verify_password('bob@example.com', 'wrong' || n) AS v;
SELECT ok(v.retry_after BETWEEN '25 s' AND '30 s', 'the fifth costs half a minute') FROM saas.verify_password('bob@example.com', 'wrong') AS v;
SELECT results_eq($$SELECT accepted, reason FROM saas.verify_password('bob@example.com', 'correct horse battery')$$, $$VALUES (false, 'locked')$$, 'in which the right one is not looked at');
UPDATE saas.credential_attempts SET locked_until = now() - INTERVAL '1 s' WHERE user_id = :'bob';
SELECT ok(v.retry_after BETWEEN '55 s' AND '60 s', 'the sixth costs twice as much') FROM saas.verify_password('bob@example.com', 'wrong') AS v;
UPDATE saas.credential_attempts SET locked_until = now() - INTERVAL '1 s', failures = 2000000 WHERE user_id = :'bob';
SELECT ok(v.retry_after BETWEEN '59 min' AND '60 min', 'and no one more than an hour') FROM saas.verify_password('bob@example.com', 'wrong') AS v;
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.unlock_user(%L)', :'bob'), '42501', NULL, 'the application unlocks nobody');
SET LOCAL ROLE saas_service;
SELECT is(saas.unlock_user(:'bob'), true, 'support does');
SELECT ok((saas.verify_password('bob@example.com', 'correct horse battery')).accepted, 'and the right one is right again');
RESET ROLE;

-- Signing in, and being signed out by a new password.
SET LOCAL ROLE saas_app;
SELECT user_id, session_id, token, reason FROM saas.sign_in('bob@example.com', 'correct horse battery', p_ip => '192.0.2.1') \gset
SELECT is(:'user_id'::uuid, :'bob'::uuid, 'signed in');
SELECT is((saas.authenticate(:'token')).team_id, :'blue'::uuid, 'with a session');
SELECT results_eq($$SELECT user_id IS NULL, token IS NULL, reason FROM saas.sign_in('bob@example.com', 'wrong')$$, $$VALUES (true, true, 'wrong password')$$, 'or not');
SELECT session_id AS kept_id, token AS kept FROM saas.sign_in('bob@example.com', 'correct horse battery') \gset
SELECT ok((saas.set_password('an even better one', 'correct horse battery', p_keep_session => :'kept_id')).accepted, 'a new password');
SELECT is(saas.verify_session(:'token'), NULL, 'ends other sessions');
SELECT is(saas.verify_session(:'kept'), :'bob'::uuid, 'but the one to keep');
SELECT ok(NOT (saas.verify_password('bob@example.com', 'correct horse battery')).accepted, 'the old one is worth nothing');
RESET ROLE;

-- What nobody reads.
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
CROSS JOIN (VALUES ('SELECT password_hash FROM saas.users'), ('UPDATE saas.users SET password_hash = NULL'), ('SELECT saas.hash_password(''correct horse'')'),
    ('SELECT saas.bcrypt(''x'', ''$2a$04$'')'), ('SELECT saas.password_matches(''x'', NULL)'), ('SELECT saas.check_password(NULL, NULL, NULL)'),
    ('SELECT saas.store_password(NULL, ''correct horse'')'), ('SELECT saas.open_session(NULL, NULL, NULL, NULL, NULL, NULL)'),
    ('SELECT saas.begin_attempt(NULL, ''password'')'), ('SELECT saas.end_attempt(NULL, ''password'', true)'), ('UPDATE saas.credential_attempts SET failures = 0'),
    ('SET saas.password_cost = 4'), ('SET saas.password_min_length = 8')) AS s (statement);
SELECT is(pg_temp.denied(r.name, s.statement), '42501', r.name || ': ' || s.statement)
FROM (VALUES ('saas_analyst'), ('saas_anonymous')) AS r (name)
CROSS JOIN (VALUES ('SELECT saas.verify_password(''a'', ''b'')'), ('SELECT saas.sign_in(''a'', ''b'')'), ('SELECT saas.set_password(''a'')')) AS s (statement);
SELECT is((SELECT count(*)::integer FROM saas.audit_logs AS l WHERE l::text ~ '\$2[abxy]\$|horse|Boxk'), 0, 'the audit trail holds neither passwords nor hashes');
SELECT throws_ok($$SET saas.password_cost = 3$$, '22023', NULL, 'a cost below 4 is refused');
SELECT throws_ok($$SET saas.password_min_length = 7$$, '22023', NULL, 'and a length below 8');
SELECT * FROM finish();
ROLLBACK;
