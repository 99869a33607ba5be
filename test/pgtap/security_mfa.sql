-- Second factors: enrolment, one use of each code, attempts, recovery codes, and what a stolen session
-- cannot do.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset
SET LOCAL saas.password_cost = 4;
-- Codes of one moment, so that it does not matter when the next step begins.
CREATE TEMPORARY TABLE moment AS SELECT clock_timestamp() AS at;
GRANT SELECT ON pg_temp.moment TO PUBLIC;
CREATE FUNCTION pg_temp.code(p_secret text, p_steps integer DEFAULT 0) RETURNS text LANGUAGE sql AS $$
    SELECT saas.totp_code(saas.from_base32(p_secret), m.at + p_steps * INTERVAL '30 s') FROM pg_temp.moment AS m
$$;
-- As if so many steps had passed since the last code: the clock itself cannot be moved.
CREATE FUNCTION pg_temp.wait(p_steps integer) RETURNS void LANGUAGE sql AS $$
    UPDATE saas.mfa_factors SET last_step = last_step - p_steps
$$;

-- Enrolment.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT factor_id, secret, uri FROM saas.enroll_totp('Phone', 'Red Shop') \gset
SELECT matches(:'secret'::text, '^[A-Z2-7]{32}$', 'a secret of 160 bits');
SELECT is(:'uri'::text, format('otpauth://totp/Red%%20Shop:ann%%40example.com?secret=%s&issuer=Red%%20Shop&algorithm=SHA1&digits=6&period=30', :'secret'), 'and its QR code');
SELECT is((SELECT two_factor_enabled FROM saas.users), false, 'it does not count yet');
SELECT results_eq('SELECT accepted, reason FROM saas.verify_mfa(''000000'')', $$VALUES (false, 'wrong code')$$, 'nor proves anything');
SELECT throws_ok(format('SELECT saas.confirm_totp(%L, %L)', :'factor_id', CASE pg_temp.code(:'secret') WHEN '000000' THEN '000001' ELSE '000000' END), 'SA124', NULL, 'a wrong first code');
SELECT throws_ok(format('SELECT saas.confirm_totp(%L, NULL)', :'factor_id'), 'SA124', NULL, 'nor NULL');
SELECT throws_ok(format('SELECT saas.confirm_totp(%L, %L)', gen_random_uuid(), '000000'), 'P0002', NULL, 'nor for a factor that is not there');
SELECT throws_ok(format('SELECT saas.enroll_totp(p_user => %L)', :'bob'), '42501', NULL, 'nobody enrols for another user');
SELECT throws_ok(format('SELECT saas.enroll_totp(%L)', b.label), '22023', NULL, 'a label of ' || COALESCE(length(b.label)::text, 'NULL')) FROM (VALUES (''), (NULL), (repeat('x', 101))) AS b (label);
SELECT saas.confirm_totp(:'factor_id', ' ' || pg_temp.code(:'secret')) AS recovery \gset
SELECT is(cardinality(:'recovery'::text[]), 10, 'the first code makes it count, and brings ten recovery codes');
SELECT ok((SELECT bool_and(c ~ '^([a-z2-7]{4}-){3}[a-z2-7]{4}$') FROM unnest(:'recovery'::text[]) AS c), 'of 80 bits');
SELECT is((SELECT count(DISTINCT c)::integer FROM unnest(:'recovery'::text[]) AS c), 10, 'all different');
SELECT is((SELECT two_factor_enabled FROM saas.users), true, 'the user says so');
SELECT throws_ok(format('SELECT saas.confirm_totp(%L, %L)', :'factor_id', pg_temp.code(:'secret')), 'P0002', NULL, 'it is confirmed once');
RESET ROLE;

-- Nothing is stored in plain.
SELECT is((SELECT count(*)::integer FROM saas.mfa_factors AS f WHERE position(saas.from_base32(:'secret') IN f.sealed_secret) > 0), 0, 'the secret is encrypted');
SELECT ok(saas.is_ciphertext(f.sealed_secret), 'as a value of the package') FROM saas.mfa_factors AS f WHERE f.id = :'factor_id';
SELECT is((SELECT count(*)::integer FROM saas.mfa_recovery_codes AS c, unnest(:'recovery'::text[]) AS r WHERE position(replace(r, '-', '') IN encode(c.code_hash, 'escape')) > 0), 0, 'recovery codes are hashed');
SELECT is((SELECT count(*)::integer FROM saas.audit_logs AS l, saas.mfa_factors AS f WHERE l.table_name LIKE 'saas.mfa%' AND position(encode(f.sealed_secret, 'hex') IN l::text) > 0), 0, 'and the audit trail has neither');
SAVEPOINT moved;
UPDATE saas.mfa_factors SET user_id = :'bob', last_step = NULL;
SELECT lives_ok(format('SELECT saas.verify_mfa(%L, %L)', pg_temp.code(:'secret'), :'bob'), 'the row of a factor opens with its id');
ROLLBACK TO moved;
UPDATE saas.mfa_factors SET id = gen_random_uuid(), last_step = NULL;
SELECT throws_ok(format('SELECT saas.verify_mfa(%L, %L)', pg_temp.code(:'secret'), :'ann'), 'SA101', NULL, 'a secret that was moved to another row does not open');
ROLLBACK TO moved;

-- A code works once.
SET LOCAL ROLE saas_app;
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L)', pg_temp.code(:'secret')), $$VALUES (false, 'code was used already')$$, 'the first code is used up');
RESET ROLE;
SELECT pg_temp.wait(3) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT pg_temp.code(:'secret', 1) AS ahead, pg_temp.code(:'secret') AS now \gset
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L)', :'ahead'), $$VALUES (true, NULL)$$, 'a clock that is ahead');
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L)', :'ahead'), $$VALUES (false, 'code was used already')$$, 'but once');
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L)', :'now'), $$VALUES (false, 'code was used already')$$, 'and none before it');
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L)', b.code), $$VALUES (false, 'wrong code')$$, 'no code: ' || COALESCE(left(b.code, 12), 'NULL'))
FROM (VALUES (''), (NULL)) AS b (code);
RESET ROLE;
SELECT saas.unlock_user(:'ann') \g /dev/null
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L, %L)', b.code, :'ann'), $$VALUES (false, 'wrong code')$$, 'no code: ' || left(b.code, 12))
FROM (VALUES (repeat('1', 1000000)), (pg_temp.code(:'secret', -4)), (pg_temp.code(:'secret', 9))) AS b (code);
SELECT throws_ok(format('SELECT saas.verify_mfa(%L, %L)', '000000', :'bob'), '42501', NULL, 'nobody tries codes of others') FROM (SELECT set_config('role', 'saas_app', true)) AS r;
RESET ROLE;

-- Attempts are limited, for authenticator and recovery codes together.
SELECT saas.unlock_user(:'ann'), pg_temp.wait(9) \g /dev/null
SELECT is(count(v.retry_after)::integer, 1, 'the fifth wrong code locks') FROM generate_series(1, 5) AS n CROSS JOIN LATERAL saas.verify_mfa('00000' || CASE WHEN n % 2 = 0 THEN '0' ELSE 'abcdefghijk' END, :'ann') AS v;
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L, %L)', pg_temp.code(:'secret'), :'ann'), $$VALUES (false, 'locked')$$, 'also the right one');
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L, %L)', (:'recovery'::text[])[1], :'ann'), $$VALUES (false, 'locked')$$, 'and a recovery code');
UPDATE saas.credential_attempts SET locked_until = now() WHERE user_id = :'ann';
SELECT results_eq(format('SELECT accepted FROM saas.verify_mfa(%L, %L)', pg_temp.code(:'secret'), :'ann'), 'VALUES (true)', 'until it has passed');
SELECT is((SELECT failures FROM saas.credential_attempts WHERE user_id = :'ann' AND kind = 'mfa'), 0, 'a success forgets failures');

-- Recovery codes.
SET LOCAL ROLE saas_app;
SELECT results_eq(format('SELECT accepted FROM saas.verify_mfa(%L)', upper((:'recovery'::text[])[1])), 'VALUES (true)', 'a recovery code, however it is typed');
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L)', (:'recovery'::text[])[1]), $$VALUES (false, 'code was used already')$$, 'works once');
SELECT results_eq(format('SELECT accepted FROM saas.verify_mfa(%L)', replace((:'recovery'::text[])[2], '-', ' ')), 'VALUES (true)', 'the next one still works');
SELECT is((SELECT count(*)::integer FROM saas.mfa_recovery_codes WHERE used_at IS NULL), 8, 'the user sees how many are left');
RESET ROLE;

-- What a stolen session cannot do: only with a code of the last ten minutes.
UPDATE saas.credential_attempts SET accepted_at = now() - INTERVAL '10 minutes' WHERE user_id = :'ann';
SET LOCAL ROLE saas_app;
SELECT throws_ok(s.statement, 'SA125', NULL, s.what)
FROM (VALUES ('SELECT saas.enroll_totp(''Thief'')', 'no further authenticator'), (format('SELECT saas.disable_totp(%L)', :'factor_id'), 'no authenticator less'),
    ('SELECT saas.renew_recovery_codes()', 'no recovery codes')) AS s (statement, what);
RESET ROLE;
SELECT pg_temp.wait(9) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT ok((saas.verify_mfa(pg_temp.code(:'secret'))).accepted, 'with a code');
SELECT saas.renew_recovery_codes() AS renewed \gset
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L)', (:'recovery'::text[])[3]), $$VALUES (false, 'wrong code')$$, 'there are new recovery codes in place of the old');
SELECT results_eq(format('SELECT accepted FROM saas.verify_mfa(%L)', (:'renewed'::text[])[3]), 'VALUES (true)', 'which work');
SELECT factor_id AS second_id, secret AS second FROM saas.enroll_totp('Tablet') \gset
SELECT is(saas.confirm_totp(:'second_id', pg_temp.code(:'second')), NULL, 'a second authenticator brings no further codes');
SELECT throws_ok('SELECT saas.disable_totp(NULL)', 'P0002', NULL, 'NULL is no authenticator, and not all of them');
SELECT lives_ok(format('SELECT saas.disable_totp(%L)', :'factor_id'), 'the first may go');
SELECT is((SELECT two_factor_enabled FROM saas.users), true, 'one is left');
SELECT throws_ok(format('SELECT saas.disable_totp(%L)', :'factor_id'), 'P0002', NULL, 'what is gone cannot go');
RESET ROLE;

-- Signing in.
SELECT ok((saas.set_password('correct horse battery', p_user => :'ann')).accepted, 'a worker sets a password') FROM (SELECT set_config('role', 'saas_service', true)) AS r;
RESET ROLE;
SELECT pg_temp.wait(9) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT results_eq($$SELECT user_id IS NULL, token IS NULL, reason FROM saas.sign_in('ann@example.com', 'correct horse battery')$$, $$VALUES (true, true, 'code needed')$$, 'the password alone is not enough');
SELECT results_eq($$SELECT token IS NULL, reason FROM saas.sign_in('ann@example.com', 'wrong', '000000')$$, $$VALUES (true, 'wrong password')$$, 'nor a code alone');
SELECT results_eq($$SELECT token IS NULL, reason FROM saas.sign_in('ann@example.com', 'correct horse battery', 'x')$$, $$VALUES (true, 'wrong code')$$, 'nor a wrong one');
SELECT pg_temp.code(:'second') AS code \gset
SELECT results_eq(format('SELECT token IS NOT NULL, reason FROM saas.sign_in(%L, %L, %L)', 'ann@example.com', 'correct horse battery', :'code'), 'VALUES (true, NULL::text)', 'both are');
SELECT results_eq(format('SELECT token IS NULL, reason FROM saas.sign_in(%L, %L, %L)', 'ann@example.com', 'correct horse battery', :'code'), $$VALUES (true, 'code was used already')$$, 'once');
RESET ROLE;
SELECT token AS link FROM saas.issue_user_token('ann@example.com', 'magic_link') \gset
SET LOCAL ROLE saas_app;
SELECT results_eq(format('SELECT token IS NULL, reason FROM saas.sign_in_by_link(%L)', :'link'), $$VALUES (true, 'code needed')$$, 'a link is not enough');
SELECT results_eq(format('SELECT token IS NOT NULL FROM saas.sign_in_by_link(%L, %L)', :'link', (:'renewed'::text[])[4]), 'VALUES (true)', 'and waits for the code');
SELECT throws_ok(format('SELECT saas.reset_mfa(%L)', :'ann'), '42501', NULL, 'the application resets nobody''s factors');
SET LOCAL ROLE saas_service;
SELECT is(saas.reset_mfa(:'ann'), 1, 'support does');
RESET ROLE;
SELECT is((SELECT two_factor_enabled FROM saas.users WHERE id = :'ann'), false, 'and the user has none');
SELECT is((SELECT count(*)::integer FROM saas.mfa_recovery_codes WHERE user_id = :'ann'), 0, 'nor codes');

-- Limits, and what roles may not do.
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SELECT saas.enroll_totp('A') \g /dev/null
SELECT saas.enroll_totp('B') \g /dev/null
SELECT is((SELECT string_agg(f.label, ',') FROM saas.mfa_factors AS f WHERE f.user_id = :'bob'), 'B', 'one enrolment waits at a time');
INSERT INTO saas.mfa_factors (user_id, label, sealed_secret, state, confirmed_at) SELECT :'bob', n::text, '', 'active', now() FROM generate_series(1, 5) AS n;
SELECT throws_ok($$SELECT saas.enroll_totp('C')$$, '54000', NULL, 'five are enough');
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.mfa_factors WHERE user_id <> :'bob'), 0, 'nobody sees factors of others');
SELECT throws_ok(s.statement, '42501', NULL, s.statement)
FROM (VALUES ('SELECT sealed_secret FROM saas.mfa_factors'), ('SELECT last_step FROM saas.mfa_factors'), ('SELECT code_hash FROM saas.mfa_recovery_codes'),
    ('UPDATE saas.mfa_factors SET state = ''active'''), ('DELETE FROM saas.mfa_factors'), ('SELECT saas.make_recovery_codes(gen_random_uuid())'),
    ('SELECT saas.check_mfa(gen_random_uuid(), ''000000'')'), ('SELECT saas.use_totp(gen_random_uuid(), ''000000'')'), ('SELECT saas.drop_factors(gen_random_uuid())'),
    ('SELECT saas.seal_mfa_secret(gen_random_uuid(), gen_random_uuid(), '''')'), ('SELECT saas.has_mfa(gen_random_uuid())')) AS s (statement);
SELECT * FROM finish();
ROLLBACK;
