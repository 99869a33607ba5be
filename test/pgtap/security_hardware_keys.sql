-- Hardware keys: registration, proof, one use of each challenge, counters, and what a stolen session cannot do.
BEGIN;
\ir include/hardware_key.sql
SELECT no_plan();
INSERT INTO saas.users (id, email) VALUES (:'key_user', 'ann@example.com');
SELECT saas.create_user('bob@example.com', 'Bob') AS bob \gset
SELECT saas.unlock_user(:'key_user') \g /dev/null
SELECT saas.create_team('Red', 'red', :'key_user') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset
SET LOCAL saas.password_cost = 4;
SELECT saas.set_context(:'red', :'key_user') \g /dev/null

-- Without a domain there are none.
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT saas.enroll_hardware_key()', 'SA098', NULL, 'the relying party is not set up');
SELECT throws_ok($$SET saas.webauthn_rp_id = 'evil.example'$$, '42501', NULL, 'which the application does not do');
RESET ROLE;
SET LOCAL saas.webauthn_rp_id = 'example.org';
SET LOCAL saas.webauthn_rp_name = 'Red Shop';

-- Challenges of the test in place of random ones, which its answers are to.
CREATE FUNCTION pg_temp.challenge(p_number integer) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(rpad('challenge ' || p_number, 32, '.'), 'UTF8')
$$;
CREATE FUNCTION pg_temp.ask_to_register(p_factor uuid, p_number integer) RETURNS void LANGUAGE sql AS $$
    UPDATE saas.mfa_factors SET sealed_secret = saas.seal_mfa_secret(id, user_id, pg_temp.challenge(p_number)) WHERE id = p_factor
$$;
CREATE FUNCTION pg_temp.ask(p_number integer) RETURNS void LANGUAGE sql AS $$
    DELETE FROM saas.mfa_challenges WHERE challenge_hash = sha256(pg_temp.challenge(p_number));
    UPDATE saas.mfa_challenges SET challenge_hash = sha256(pg_temp.challenge(p_number))
    WHERE id = (SELECT c.id FROM saas.mfa_challenges AS c ORDER BY c.id DESC LIMIT 1)
$$;

-- Registration.
SET LOCAL ROLE saas_app;
SELECT factor_id, options FROM saas.enroll_hardware_key('Blue key') \gset
SELECT is(:'options'::jsonb - 'challenge' - 'pubKeyCredParams',
    $${"rp": {"id": "example.org", "name": "Red Shop"}, "user": {"id": "AZChssPUfl-KmwwdLj9KWw", "name": "ann@example.com", "displayName": "ann@example.com"},
    "timeout": 300000, "attestation": "none", "excludeCredentials": [],
    "authenticatorSelection": {"residentKey": "discouraged", "userVerification": "discouraged", "requireResidentKey": false}}$$::jsonb, 'options for the browser');
SELECT matches(:'options'::jsonb ->> 'challenge', '^[A-Za-z0-9_-]{43}$', 'with a challenge of 256 bits');
SELECT is((SELECT array_agg(p ->> 'alg' ORDER BY p ->> 'alg') FROM jsonb_array_elements(:'options'::jsonb -> 'pubKeyCredParams') AS p), '{-257,-7,-8}', 'and three algorithms');
SELECT is((saas.confirm_hardware_key(:'factor_id', :'create')).reason, 'wrong challenge', 'an answer to another challenge');
SELECT throws_ok(format('SELECT saas.confirm_hardware_key(%L, %L)', :'factor_id', :'create'), 'P0002', NULL, 'there is one answer to each');
RESET ROLE;
CREATE FUNCTION pg_temp.register(p_response text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_factor uuid := (SELECT e.factor_id FROM saas.enroll_hardware_key('Another') AS e);
BEGIN
    PERFORM pg_temp.ask_to_register(v_factor, 1);
    RETURN (saas.confirm_hardware_key(v_factor, p_response::jsonb)).reason;
END
$$;
SELECT is(pg_temp.register(b.response), b.reason, b.reason || ': ' || left(COALESCE(b.response, 'NULL'), 20))
FROM (VALUES ('{}', 'malformed response'), (NULL, 'malformed response'), ('[]', 'malformed response'), (:'get_five', 'malformed response'),
    (format('{"id": "%s"}', repeat('a', 1000000)), 'malformed response'), (:'create_elsewhere', 'wrong origin'),
    (replace(:'create', 'JiFEAj', 'JiFEAk'), 'wrong signature')) AS b (response, reason);
SELECT is((SELECT count(*)::integer FROM saas.mfa_factors), 0, 'nothing is left of them');
SET LOCAL ROLE saas_app;
SELECT factor_id FROM saas.enroll_hardware_key('Blue key') \gset
RESET ROLE;
SELECT pg_temp.ask_to_register(:'factor_id', 1) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.confirm_hardware_key(%L, %L, %L)', :'factor_id', :'create', :'bob'), '42501', NULL, 'nobody registers for another user');
SELECT throws_ok(format('SELECT saas.confirm_totp(%L, %L)', :'factor_id', '000000'), 'P0002', NULL, 'it is no authenticator with codes');
SELECT is((SELECT two_factor_enabled FROM saas.users), false, 'it does not count yet');
SELECT accepted, recovery_codes AS recovery FROM saas.confirm_hardware_key(:'factor_id', :'create') \gset
SELECT ok(:'accepted'::boolean AND cardinality(:'recovery'::text[]) = 10, 'its answer makes it count, and brings recovery codes');
SELECT is((SELECT two_factor_enabled FROM saas.users), true, 'the user says so');
SELECT results_eq('SELECT algorithm, sign_count, user_verified, backup_eligible, backed_up, attestation, transports FROM saas.mfa_hardware_keys',
    $$VALUES ('EdDSA', 4::bigint, false, false, false, 'self', '{usb,nfc}'::text[])$$, 'what is known of it');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM saas.mfa_factors AS f WHERE f.id = :'factor_id' AND saas.is_ciphertext(f.sealed_secret)), 1, 'the public key is sealed, so nobody puts another in its place');
SELECT is((SELECT count(*)::integer FROM saas.audit_logs AS l WHERE l.table_name = 'saas.mfa_hardware_keys' AND l::text LIKE '%' || encode('credential one', 'hex') || '%'), 0, 'the audit trail does not name it');
SELECT is((SELECT count(*)::integer FROM saas.audit_logs AS l WHERE l.table_name = 'saas.mfa_hardware_keys'), 1, 'but has it');

-- A proof: one answer to one challenge.
SET LOCAL ROLE saas_app;
SELECT is(saas.challenge_hardware_key() - 'challenge',
    '{"rpId": "example.org", "timeout": 300000, "userVerification": "discouraged", "allowCredentials": [{"id": "Y3JlZGVudGlhbCBvbmU", "type": "public-key", "transports": ["usb", "nfc"]}]}', 'options for the browser');
SELECT is((saas.verify_mfa(:'get_five')).reason, 'wrong challenge', 'an answer to another challenge');
RESET ROLE;
SELECT pg_temp.ask(1) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT results_eq(format('SELECT accepted, reason FROM saas.verify_mfa(%L)', :'get_five'), 'VALUES (true, NULL::text)', 'the right answer');
SELECT is((saas.verify_mfa(:'get_five')).reason, 'wrong challenge', 'is one once');
SELECT is((SELECT k.sign_count FROM saas.mfa_hardware_keys AS k WHERE k.last_used_at IS NOT NULL), 5::bigint, 'the counter is kept');
RESET ROLE;
-- Each of these is refused, and uses its challenge up.
CREATE FUNCTION pg_temp.answer(p_response text, p_challenge integer DEFAULT 1) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_reason text;
BEGIN
    PERFORM saas.unlock_user(saas.current_user_id());
    PERFORM saas.challenge_hardware_key();
    PERFORM pg_temp.ask(p_challenge);
    v_reason := (saas.verify_mfa(p_response)).reason;
    IF EXISTS (SELECT FROM saas.mfa_challenges AS c WHERE c.challenge_hash = sha256(pg_temp.challenge(p_challenge))) THEN
        RETURN 'the challenge is left';
    END IF;
    RETURN COALESCE(v_reason, 'accepted');
END
$$;
SELECT is(pg_temp.answer(b.response), b.reason, b.reason)
FROM (VALUES (:'get_elsewhere', 'wrong origin'), (:'get_other_domain', 'wrong relying party'), (:'get_absent', 'user not present'), (:'get_other_user', 'unknown key'),
    (:'get_second', 'unknown key'), (:'get_backup', 'wrong backup'), (replace(:'get_five', '"signature":"', '"signature":"AAAA'), 'wrong signature')) AS b (response, reason);
SELECT is((SELECT copied_at FROM saas.mfa_hardware_keys), NULL, 'no copy was met');
SELECT is(pg_temp.answer(:'get_four', 3), 'copied key', 'a counter that goes back');
SELECT is((SELECT k.sign_count FROM saas.mfa_hardware_keys AS k WHERE k.copied_at IS NOT NULL), 5::bigint, 'is noted, and changes no counter');
SELECT is(pg_temp.answer(:'get_five'), 'copied key', 'nor is the same one taken');
SELECT is(pg_temp.answer(:'get_six', 2), 'accepted', 'one that goes on');
SET LOCAL saas.webauthn_user_verification = 'required';
SELECT is(saas.challenge_hardware_key() ->> 'userVerification', 'required', 'a PIN can be asked for');
SELECT is(pg_temp.answer(:'get_six', 2), 'user not verified', 'and then is needed');
SELECT is(pg_temp.answer(:'get_nine', 4), 'accepted', 'and enough');
SET LOCAL saas.webauthn_user_verification = 'discouraged';
UPDATE saas.mfa_hardware_keys SET sign_count = 0;
SET LOCAL saas.webauthn_origins = 'https://login.example.org, https://www.example.org';
SELECT is(pg_temp.answer(:'get_five'), 'wrong origin', 'origins are those that are listed');
SET LOCAL saas.webauthn_origins = 'https://login.example.org, https://example.org';
SELECT is(pg_temp.answer(:'get_five'), 'accepted', 'all of them');
SET LOCAL saas.webauthn_rp_id = 'example.com';
SELECT is(pg_temp.answer(:'get_six', 2), 'wrong relying party', 'a key is for one domain');
SET LOCAL saas.webauthn_rp_id = 'example.org';

-- Challenges end, and there are not many.
SELECT count(saas.challenge_hardware_key()) FROM generate_series(1, 30) \g /dev/null
SELECT is((SELECT count(*)::integer FROM saas.mfa_challenges), 10, 'ten challenges wait at most');
SELECT pg_temp.ask(2) \g /dev/null
UPDATE saas.mfa_challenges SET expires_at = clock_timestamp();
SELECT is((saas.verify_mfa(:'get_six')).reason, 'wrong challenge', 'five minutes');
SELECT saas.challenge_hardware_key(), pg_temp.ask(2) \g /dev/null
SELECT is((SELECT count(*)::integer FROM saas.mfa_challenges), 1, 'those that ended go');
UPDATE saas.mfa_challenges SET session_id = gen_random_uuid();
SELECT is((saas.verify_mfa(:'get_six')).reason, 'wrong challenge', 'of another session');
UPDATE saas.mfa_challenges SET session_id = NULL, user_id = :'bob';
SELECT is((saas.verify_mfa(:'get_six')).reason, 'wrong challenge', 'of another user');
SELECT is(saas.challenge_hardware_key(:'bob'), NULL, 'who has no key is asked nothing');

-- Attempts are limited together with codes.
SELECT saas.unlock_user(:'key_user') \g /dev/null
SELECT is(count(v.retry_after)::integer, 1, 'the fifth failure locks')
FROM generate_series(1, 5) AS n CROSS JOIN LATERAL saas.verify_mfa(CASE WHEN n % 2 = 0 THEN '{}' ELSE '00000' || n END, :'key_user') AS v;
SELECT saas.challenge_hardware_key(), pg_temp.ask(2) \g /dev/null
SELECT is((saas.verify_mfa(:'get_six')).reason, 'locked', 'the right answer as well');
SELECT saas.unlock_user(:'key_user') \g /dev/null
SELECT is((saas.verify_mfa(:'get_six')).reason, NULL, 'and it waits');

-- What a stolen session cannot do; a second key.
UPDATE saas.credential_attempts SET accepted_at = now() - INTERVAL '10 minutes';
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT saas.enroll_hardware_key()', 'SA125', NULL, 'no further key without a proof');
RESET ROLE;
UPDATE saas.mfa_hardware_keys SET sign_count = 0;
SELECT is(pg_temp.answer(:'get_five'), 'accepted', 'with one');
SELECT factor_id AS second_id, options FROM saas.enroll_hardware_key('Spare key') \gset
SELECT is(:'options'::jsonb #>> '{excludeCredentials,0,id}', 'Y3JlZGVudGlhbCBvbmU', 'the first one is not asked again');
SELECT pg_temp.ask_to_register(:'second_id', 1) \g /dev/null
SELECT is((saas.confirm_hardware_key(:'second_id', :'create')).reason, 'known key', 'and is no second one');
SELECT factor_id AS second_id FROM saas.enroll_hardware_key('Spare key') \gset
SELECT pg_temp.ask_to_register(:'second_id', 2) \g /dev/null
SELECT results_eq(format('SELECT accepted, recovery_codes FROM saas.confirm_hardware_key(%L, %L)', :'second_id', :'create_second'), 'VALUES (true, NULL::text[])', 'a second key brings no further codes');
SELECT is(pg_temp.answer(:'get_second'), 'accepted', 'it counts');
SELECT is(pg_temp.answer(:'get_second'), 'accepted', 'and need not count: its counter stays 0');
SAVEPOINT moved;
UPDATE saas.mfa_factors AS f SET sealed_secret = o.sealed_secret FROM saas.mfa_factors AS o WHERE f.id = :'factor_id' AND o.id = :'second_id';
SELECT throws_ok(format('SELECT pg_temp.answer(%L, 2)', :'get_six'), 'SA101', NULL, 'a public key that was moved to another factor does not open');
ROLLBACK TO moved;
SELECT lives_ok(format('SELECT saas.disable_totp(%L)', :'second_id'), 'a key may go');
SELECT is(pg_temp.answer(:'get_second'), 'unknown key', 'then it is unknown');

-- Signing in: the answer is the code.
SELECT saas.set_password('correct horse battery', p_user => :'key_user'), saas.clear_context() FROM (SELECT set_config('role', 'saas_service', true)) AS r \g /dev/null
RESET ROLE;
SET LOCAL ROLE saas_app;
SELECT reason, options FROM saas.sign_in('ann@example.com', 'correct horse battery') \gset
SELECT is(:'reason'::text, 'code needed', 'the password alone is not enough');
SELECT is(:'options'::jsonb #>> '{allowCredentials,0,id}', 'Y3JlZGVudGlhbCBvbmU', 'the keys are asked');
SELECT is((saas.sign_in('ann@example.com', 'wrong')).options, NULL, 'of nobody who does not know the password');
SELECT is((saas.sign_in('bob@example.com', 'wrong')).options, NULL, 'nor has none');
RESET ROLE;
SELECT pg_temp.ask(2) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT user_id, session_id, reason IS NULL AS accepted FROM saas.sign_in('ann@example.com', 'correct horse battery', :'get_six') \gset
SELECT ok(:'accepted'::boolean AND :'user_id' = :'key_user', 'both are');
SELECT is((saas.sign_in('ann@example.com', 'correct horse battery', :'get_six')).reason, 'wrong challenge', 'once');
RESET ROLE;
SELECT isnt((SELECT s.mfa_at FROM saas.user_sessions AS s WHERE s.id = :'session_id'), NULL, 'the session has a second factor');
SELECT token AS link FROM saas.issue_user_token('ann@example.com', 'magic_link') \gset
SELECT is(options #>> '{allowCredentials,0,id}', 'Y3JlZGVudGlhbCBvbmU', 'a link asks as well') FROM saas.sign_in_by_link(:'link');
SELECT is((saas.sign_in('ann@example.com', 'correct horse battery', (:'recovery'::text[])[1])).reason, NULL, 'without the key there are recovery codes');

-- What roles may not do.
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.mfa_hardware_keys), 0, 'nobody sees keys of others');
SELECT throws_ok(s.statement, '42501', NULL, s.statement)
FROM (VALUES ('SELECT FROM saas.mfa_challenges'), ('UPDATE saas.mfa_hardware_keys SET sign_count = 0'), ('DELETE FROM saas.mfa_hardware_keys'),
    ('SELECT saas.make_mfa_challenge(gen_random_uuid(), NULL)'), ('SELECT saas.use_hardware_key(gen_random_uuid(), ''{}'')'), ('SELECT saas.hardware_keys_of(gen_random_uuid())'),
    ('SELECT saas.open_mfa_secret(gen_random_uuid(), '''')'), ('SELECT saas.webauthn_claim(''{}'')'), ('SELECT saas.webauthn_registration(''{}'', '''')'),
    ('SELECT saas.webauthn_assertion(''{}'', '''', '''', 0, false)'), ('SELECT saas.webauthn_party()'), ('SELECT saas.note_failed_attempt(gen_random_uuid(), ''mfa'', 0)'),
    ('SELECT saas.noted_failures(gen_random_uuid(), ''mfa'')'), ('SELECT saas.forget_failed_attempts(gen_random_uuid(), ''mfa'')')) AS s (statement);
SELECT throws_ok(format('SELECT saas.challenge_hardware_key(%L)', :'key_user'), '42501', NULL, 'nobody asks keys of others');
SELECT throws_ok(format('SELECT saas.enroll_hardware_key(%L)', b.label), '22023', NULL, 'a label of ' || COALESCE(length(b.label)::text, 'NULL')) FROM (VALUES (''), (NULL), (repeat('x', 101))) AS b (label);
SET LOCAL ROLE saas_service;
SELECT is(saas.reset_mfa(:'key_user'), 1, 'support removes what was lost');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM saas.mfa_hardware_keys WHERE user_id = :'key_user'), 0, 'and nothing is left');
SELECT * FROM finish();
ROLLBACK;
