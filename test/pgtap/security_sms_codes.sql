-- Codes by text message, and that a second factor is proved for one session.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset
SET LOCAL saas.password_cost = 4;
CREATE FUNCTION pg_temp.wait() RETURNS void LANGUAGE sql AS $$
    UPDATE saas.mfa_codes SET sent_at = sent_at - INTERVAL '1 minute'
$$;
CREATE FUNCTION pg_temp.other(p_code text) RETURNS text LANGUAGE sql AS $$ SELECT lpad(((p_code::integer + 1) % 1000000)::text, 6, '0') $$;

-- A telephone.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.enroll_sms(%L)', b.number), '22023', NULL, 'no number: ' || COALESCE(left(b.number, 20), 'NULL'))
FROM (VALUES (''), (NULL), ('030 123456'), ('+0 30 123456'), ('+49x30123456'), ('+1234567890123456'), (repeat('+', 100000)), ('+49301234567; DROP TABLE')) AS b (number);
SELECT throws_ok(format('SELECT saas.enroll_sms(%L, p_user => %L)', '+4930123456', :'bob'), '42501', NULL, 'nobody enrols for another user');
SELECT throws_ok('SELECT * FROM saas.issue_mfa_code(''ann@example.com'')', '42501', NULL, 'codes are for the worker that sends them');
SELECT throws_ok('TABLE saas.mfa_codes', '42501', NULL, 'and nobody reads what is stored');
SELECT saas.enroll_sms('+49 (30) 123-456', 'Mobile') AS factor \gset
SELECT is_empty('SELECT two_factor_enabled FROM saas.users WHERE two_factor_enabled', 'it does not count yet');
RESET ROLE;
SELECT ok(saas.is_ciphertext(sealed_secret), 'the number is encrypted') FROM saas.mfa_factors WHERE id = :'factor';
SELECT is((SELECT count(*)::integer FROM saas.mfa_factors AS f WHERE position('4930123456'::bytea IN f.sealed_secret) > 0), 0, 'and not to be found');
SELECT is_empty($$SELECT * FROM saas.issue_mfa_code('ann@example.com')$$, 'signing in does not use it');
SELECT is_empty(format('SELECT * FROM saas.issue_mfa_code(%L, %L)', 'bob@example.com', :'factor'), 'another user has no codes of it');
SELECT * FROM saas.issue_mfa_code('ANN@example.com', :'factor') \gset
SELECT is(:'phone_number'::text, '+4930123456', 'the worker gets the number');
SELECT matches(:'code'::text, '^[0-9]{6}$', 'and six digits');
SELECT is((SELECT count(*)::integer FROM saas.mfa_codes AS c WHERE position(:'code' IN encode(c.code_hash, 'escape')) > 0), 0, 'which are stored as a keyed hash');
SELECT throws_ok(format('SELECT * FROM saas.issue_mfa_code(%L, %L)', 'ann@example.com', :'factor'), 'SA023', NULL, 'a second one at once is refused');
SET LOCAL ROLE saas_app;
SELECT results_eq(format('SELECT accepted, reason, recovery_codes FROM saas.confirm_sms(%L, %L)', :'factor', c.code), 'VALUES (false, ''wrong code'', NULL::text[])', 'a wrong code: ' || COALESCE(left(c.code, 10), 'NULL'))
FROM (VALUES (pg_temp.other(:'code')), (''), (NULL)) AS c (code);
SELECT is(cardinality((saas.confirm_sms(:'factor', :'code')).recovery_codes), 10, 'the code makes it count, and brings recovery codes');
SELECT throws_ok(format('SELECT * FROM saas.confirm_sms(%L, %L)', :'factor', :'code'), 'P0002', NULL, 'once');
SELECT results_eq(format('SELECT accepted FROM saas.verify_mfa(%L)', :'code'), 'VALUES (false)', 'the code is used up');
RESET ROLE;

-- To sign in.
SELECT ok((saas.set_password('correct horse battery', p_user => :'ann')).accepted, 'a password') FROM (SELECT set_config('role', 'saas_service', true)) AS r;
RESET ROLE;
SELECT pg_temp.wait() \g /dev/null
SELECT is((saas.sign_in('ann@example.com', 'correct horse battery')).reason, 'code needed', 'a code is asked for');
SELECT code AS first FROM saas.issue_mfa_code('ann@example.com') \gset
SELECT pg_temp.wait() \g /dev/null
SELECT code AS second FROM saas.issue_mfa_code('ann@example.com') \gset
SELECT CASE WHEN :'first' = :'second' THEN pg_temp.other(:'first') ELSE :'first' END AS first \gset
SELECT is((saas.sign_in('ann@example.com', 'correct horse battery', :'first')).reason, 'wrong code', 'a newer code takes the place of an older one');
SELECT token FROM saas.sign_in('ann@example.com', 'correct horse battery', ' ' || :'second') \gset
SELECT matches(:'token'::text, '^ses_', 'the newer one signs in');
SELECT is((saas.sign_in('ann@example.com', 'correct horse battery', :'second')).reason, 'wrong code', 'once');
SELECT pg_temp.wait() \g /dev/null
SELECT code FROM saas.issue_mfa_code('ann@example.com') \gset
SAVEPOINT before;
UPDATE saas.mfa_codes SET expires_at = now();
SELECT is((saas.sign_in('ann@example.com', 'correct horse battery', :'code')).reason, 'wrong code', 'not after five minutes');
ROLLBACK TO SAVEPOINT before;
UPDATE saas.credential_attempts SET failures = 0 WHERE user_id = :'ann';
SELECT count((saas.use_sms_code(:'ann', pg_temp.other(:'code'))))::integer AS tried FROM generate_series(1, 5) \gset
SELECT is((saas.sign_in('ann@example.com', 'correct horse battery', :'code')).reason, 'wrong code', 'nor after five wrong ones');
SELECT pg_temp.wait() \g /dev/null
SELECT code FROM saas.issue_mfa_code('ann@example.com') \gset
SELECT pg_temp.wait() \g /dev/null
SELECT throws_ok($$SELECT * FROM saas.issue_mfa_code('ann@example.com')$$, 'SA023', NULL, 'five in an hour');
UPDATE saas.mfa_codes SET hour_began_at = now() - INTERVAL '1 hour';
SELECT lives_ok($$SELECT * FROM saas.issue_mfa_code('ann@example.com')$$, 'and again in the next');
SELECT is((saas.sign_in('bob@example.com', 'x', '000000')).reason, 'wrong password', 'other users have nothing to do with it');

-- A code that one session gave does not count for another.
SELECT session_id AS thief, token AS stolen FROM saas.create_session(:'ann', :'red') \gset
SET LOCAL ROLE saas_app;
SELECT saas.authenticate(:'token') \g /dev/null
SELECT is((SELECT count(*)::integer FROM saas.user_sessions WHERE id = saas.current_session_id()), 1, 'the context names the session');
SELECT is(saas.current_api_key_id(), NULL, 'and no API key');
SELECT lives_ok('SELECT saas.renew_recovery_codes()', 'the session that signed in with a code may change factors');
SELECT saas.authenticate(:'stolen') \g /dev/null
SELECT is(saas.current_session_id(), :'thief'::uuid, 'another session of the user');
SELECT throws_ok(s.statement, 'SA125', NULL, 'may not: ' || s.statement)
FROM (VALUES ('SELECT saas.renew_recovery_codes()'), ('SELECT saas.enroll_sms(''+4930123457'')'), ('SELECT saas.enroll_totp()'), (format('SELECT saas.disable_totp(%L)', :'factor'))) AS s (statement);
RESET ROLE;
SELECT pg_temp.wait() \g /dev/null
SELECT saas.unlock_user(:'ann') \g /dev/null
SELECT code FROM saas.issue_mfa_code('ann@example.com') \gset
SELECT saas.authenticate(:'stolen') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT ok((saas.verify_mfa(:'code')).accepted, 'with a code of its own');
SELECT lives_ok('SELECT saas.renew_recovery_codes()', 'it may');
RESET ROLE;
UPDATE saas.user_sessions SET mfa_at = now() - INTERVAL '10 minutes' WHERE id = :'thief';
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT saas.renew_recovery_codes()', 'SA125', NULL, 'for ten minutes');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
