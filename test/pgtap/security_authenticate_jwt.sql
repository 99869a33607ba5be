-- A token becomes the request context; no token and no issuer reaches further than it may.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
\ir include/jwt_keys.sql

-- ann owns red, bob owns blue; cat is a member of red alone, dan of both, eve (moderator) of red.
SELECT saas.create_user('cat@example.com') AS cat, saas.create_user('dan@example.com') AS dan,
    saas.create_user('eve@example.com') AS eve, saas.create_user('fay@example.com') AS fay \gset
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'cat', 'admin'), saas.add_team_member(:'red', :'dan'),
    saas.add_team_member(:'red', :'eve') \g /dev/null
SELECT saas.set_context(:'blue', :'bob'), saas.add_team_member(:'blue', :'dan') \g /dev/null
SELECT saas.set_platform_role(:'eve', 'moderator'), saas.clear_context() \g /dev/null

-- Signed by the owner of the database, who stands for the issuer here. Claims: of p_claims, plus a time.
CREATE FUNCTION pg_temp.token(p_key jsonb, p_claims jsonb) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
    SELECT saas.issue_jwt(jsonb_build_object('exp', extract(epoch FROM now())::bigint + 60) || p_claims, p_key)
$$;
CREATE FUNCTION pg_temp.attempt(p_token text, p_team uuid DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer text;
BEGIN
    PERFORM saas.clear_context();
    BEGIN
        SELECT r.role || ' ' || (saas.current_user_id() = r.user_id AND saas.current_team_id() = r.team_id AND saas.current_team_role() = r.role)
        INTO v_answer FROM saas.authenticate_jwt(p_token, p_team) AS r;
    EXCEPTION WHEN OTHERS THEN
        v_answer := SQLSTATE || COALESCE(' with context of ' || saas.current_user_id(), '');
    END;
    RETURN v_answer;
END
$$;

-- Who may set issuers up.
SELECT set_config('jwt.rsa', :'rsa', true), set_config('jwt.red', :'red', true) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.configure_jwt_issuer(%s, %L, %L)', t.team, 'https://id.example', '{us}'), '42501', NULL, 'without a context: ' || t.team)
FROM (VALUES ('NULL'), (quote_literal(:'red'))) AS t (team);
RESET ROLE;
SELECT saas.set_context(:'red', :'cat') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.configure_jwt_issuer(%L, %L, %L)', :'red', 'https://id.example', '{us}'), '42501', NULL, 'an admin could sign in as an owner');
RESET ROLE;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.configure_jwt_issuer(%s, %L, %L)', t.team, 'https://id.example', '{us}'), '42501', NULL, 'an owner only for the own team: ' || t.team)
FROM (VALUES ('NULL'), (quote_literal(:'blue'))) AS t (team);
SELECT saas.configure_jwt_issuer(:'red', 'https://red.example', '{us}') AS red_issuer \gset
SELECT is(saas.configure_jwt_issuer(:'red', 'https://red.example', p_leeway_seconds => 0), :'red_issuer'::uuid, 'an owner sets the team''s issuer up, and changes it');
SELECT is((SELECT i.leeway_seconds || i.audience[1] FROM saas.jwt_issuers AS i WHERE i.id = :'red_issuer'), '0us', 'what is not given stays');
SELECT throws_ok(format('SELECT saas.configure_jwt_issuer(%L, %L, %s)', :'red', 'https://red.example', s.setting), '23514', 'the issuer cannot be set up like this', s.setting)
FROM (VALUES ('p_audience => ''{}'''), ('p_audience => ''{NULL}'''), ('p_algorithms => ''{HS256}'''), ('p_algorithms => ''{none}'''), ('p_algorithms => ''{}'''),
    ('p_user_match => ''name'''), ('p_user_claim => ''{}'''), ('p_leeway_seconds => -1'), ('p_leeway_seconds => 301')) AS s (setting);
SELECT throws_ok(format('SELECT saas.configure_jwt_issuer(%L, %L)', :'red', 'https://new.example'), '23514', NULL, 'a new one needs its audience');
SELECT throws_ok(format('SELECT saas.configure_jwt_issuer(%L, NULL)', :'red'), '22004', NULL, 'and a name');
SELECT throws_ok(format('SELECT * FROM saas.set_jwt_keys(NULL, %L, %L)', :'red_issuer', :'rsa'), '42501', NULL, 'keys of the platform are not an owner''s');
SELECT results_eq(format('SELECT kid, action FROM saas.set_jwt_keys(%L, %L, %L)', :'red', :'red_issuer', :'ec'),
    $$SELECT (saas.describe_jwk('$$ || :'ec' || $$')).kid, 'added'$$, 'a key without identifier gets its thumbprint');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT * FROM saas.set_jwt_keys(%L, %L, %L)', :'blue', :'red_issuer', :'ed'), 'P0002', NULL, 'another team''s issuer is not there');
SELECT is(saas.end_jwt_key(:'blue', :'red_issuer', (saas.describe_jwk(:'ec')).kid), false, 'nor its keys');
SELECT is(saas.delete_jwt_issuer(:'blue', :'red_issuer'), false, 'nor can it be removed');
SELECT is((SELECT count(*)::integer FROM saas.jwt_issuers AS i JOIN saas.jwt_keys AS k ON k.issuer_id = i.id WHERE i.id = :'red_issuer'), 0, 'or seen');
SELECT throws_ok(s.statement, '42501', NULL, 'tables are written by functions only: ' || s.statement)
FROM (VALUES ('INSERT INTO saas.jwt_issuers (team_id) VALUES (NULL)'), ('UPDATE saas.jwt_issuers SET team_id = NULL'), ('DELETE FROM saas.jwt_keys'),
    ('UPDATE saas.jwt_keys SET jwk = ''{}'''), ('INSERT INTO saas.jwt_keys (kid) VALUES (''a'')')) AS s (statement);
-- bob's own issuer says the same name, has a key of its own.
SELECT saas.configure_jwt_issuer(:'blue', 'https://red.example', '{us}') AS blue_issuer \gset
SELECT saas.set_jwt_keys(:'blue', :'blue_issuer', :'ed') \g /dev/null
RESET ROLE;
SET LOCAL ROLE saas_service;
SELECT saas.configure_jwt_issuer(NULL, 'https://platform.example', '{us,them}', p_team_claim => '{app,team}') AS platform_issuer \gset
SELECT saas.set_jwt_keys(NULL, :'platform_issuer', :'rsa') \g /dev/null
SELECT is((SELECT i.id FROM saas.jwt_issuers AS i JOIN saas.jwt_keys AS k ON k.issuer_id = i.id WHERE i.issuer = 'https://platform.example'), :'platform_issuer'::uuid,
    'workers see what is the platform''s');
SELECT is((SELECT count(*)::integer FROM saas.jwt_issuers AS i WHERE i.team_id = :'red'), 0, 'and of teams the one of their context');
SELECT throws_ok(format('SELECT saas.configure_jwt_issuer(%L, %L, %L)', :'red', 'https://red2.example', '{us}'), '42501', NULL, 'and set none up for a team without its context');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.jwt_issuers AS i WHERE i.team_id IS NULL), 0, 'an owner does not see the platform''s issuers');
SELECT throws_ok(format('SELECT saas.delete_jwt_issuer(NULL, %L)', :'platform_issuer'), '42501', NULL, 'an owner does not remove the platform''s');
SELECT throws_ok(format('SELECT saas.end_jwt_key(NULL, %L, %L)', :'platform_issuer', 'x'), '42501', NULL, 'nor end its keys');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null

-- The platform's tokens, as the application presents them.
CREATE FUNCTION pg_temp.claims(p_user text, p_more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('iss', 'https://platform.example', 'aud', 'us', 'sub', p_user) || p_more
$$;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.attempt(pg_temp.token(:'rsa_private', t.claims), t.team), t.answer, t.what)
FROM (VALUES
    ('a user of one team', pg_temp.claims(:'cat'), NULL::uuid, 'admin true'),
    ('the audience is one of ours', pg_temp.claims(:'cat', '{"aud": ["x", "them"]}'), NULL, 'admin true'),
    ('of two teams, none named', pg_temp.claims(:'dan'), NULL, '42501'),
    ('of two teams, one named', pg_temp.claims(:'dan'), :'blue', 'member true'),
    ('the token names the team', pg_temp.claims(:'dan', jsonb_build_object('app', jsonb_build_object('team', :'red'))), NULL, 'member true'),
    ('and it is not another', pg_temp.claims(:'dan', jsonb_build_object('app', jsonb_build_object('team', :'red'))), :'blue', '42501'),
    ('a team that is no UUID', pg_temp.claims(:'cat', '{"app": {"team": "red"}}'), NULL, '42501'),
    ('and no text', pg_temp.claims(:'cat', '{"app": {"team": {"a": 1}}}'), NULL, '42501'),
    ('a team of others', pg_temp.claims(:'cat', jsonb_build_object('app', jsonb_build_object('team', :'blue'))), NULL, '42501'),
    ('a team of others, named by the caller', pg_temp.claims(:'cat'), :'blue', '42501'),
    ('claims make nobody a member', pg_temp.claims(:'cat', jsonb_build_object('team_id', :'blue', 'role', 'owner', 'memberships', '[]')), :'blue', '42501'),
    ('nor more than they are', pg_temp.claims(:'cat', '{"role": "owner"}'), :'red', 'admin true'),
    ('a suspended member', pg_temp.claims(:'suspended'), :'red', '42501'),
    ('a removed one', pg_temp.claims(:'removed'), :'red', '42501'),
    ('somebody unknown', pg_temp.claims(gen_random_uuid()::text), NULL, '42501'),
    ('nobody', pg_temp.claims(NULL), NULL, '42501'),
    ('a name', pg_temp.claims('cat'), NULL, '42501'),
    ('expired', pg_temp.claims(:'cat', '{"exp": 1300819380}'), NULL, 'SA118'),
    ('without an end', pg_temp.claims(:'cat', '{"exp": null}'), NULL, 'SA118'),
    ('not yet', pg_temp.claims(:'cat', '{"nbf": 4102444800}'), NULL, 'SA118'),
    ('for somebody else', pg_temp.claims(:'cat', '{"aud": "you"}'), NULL, 'SA118'),
    ('for nobody', pg_temp.claims(:'cat', '{"aud": []}'), NULL, 'SA118'),
    ('from somebody else', pg_temp.claims(:'cat', '{"iss": "https://evil.example"}'), NULL, 'SA118'),
    ('from nobody', pg_temp.claims(:'cat', '{"iss": null}'), NULL, 'SA118'),
    ('from a team''s issuer, by the platform''s key', pg_temp.claims(:'cat', '{"iss": "https://red.example"}'), :'red', 'SA116')
) AS t (what, claims, team, answer);
SELECT is(pg_temp.attempt(t.token), t.answer, t.what)
FROM (VALUES
    ('signed by another key', pg_temp.token(:'ec_private', pg_temp.claims(:'cat')), 'SA116'),
    ('signed with the public key as secret', pg_temp.token(jsonb_build_object('kty', 'oct', 'k', (:'rsa'::jsonb) ->> 'n'), pg_temp.claims(:'cat')), 'SA116'),
    ('no token', 'x', 'SA115'), ('NULL', NULL, '22004'), ('empty', '', 'SA115')
) AS t (what, token, answer);
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok($$SELECT saas.authenticate_jwt('x')$$, '42501', NULL, 'visitors present none');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT throws_ok($$SELECT saas.authenticate_jwt('x')$$, '42501', NULL, 'nor do analysts');
RESET ROLE;

-- A team's tokens: for its members alone, and for those that nothing else depends on.
CREATE FUNCTION pg_temp.of_red(p_user text, p_more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('iss', 'https://red.example', 'aud', 'us', 'sub', p_user) || p_more
$$;
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.attempt(pg_temp.token(t.key::jsonb, t.claims), t.team), t.answer, t.what)
FROM (VALUES
    ('a member, in the team named by the caller', :'ec_private', pg_temp.of_red(:'cat'), :'red'::uuid, 'admin true'),
    ('or by the token', :'ec_private', pg_temp.of_red(:'cat', jsonb_build_object('team_id', :'red')), NULL, 'admin true'),
    ('without a team nobody is asked', :'ec_private', pg_temp.of_red(:'cat'), NULL, 'SA118'),
    ('an owner of another team', :'ec_private', pg_temp.of_red(:'bob'), :'red', '42501'),
    ('in that team', :'ec_private', pg_temp.of_red(:'bob'), :'blue', 'SA116'),
    ('a member of both', :'ec_private', pg_temp.of_red(:'dan'), :'red', '42501'),
    ('somebody with a standing on the platform', :'ec_private', pg_temp.of_red(:'eve'), :'red', '42501'),
    ('somebody of no team', :'ec_private', pg_temp.of_red(:'fay'), :'red', '42501'),
    ('a suspended member', :'ec_private', pg_temp.of_red(:'suspended'), :'red', '42501'),
    ('another team''s issuer of the same name', :'ed_private', pg_temp.of_red(:'cat'), :'red', 'SA116'),
    ('which is for its own people', :'ed_private', pg_temp.of_red(:'cat'), :'blue', '42501'),
    ('its own owner', :'ed_private', pg_temp.of_red(:'bob'), :'blue', 'owner true')
) AS t (what, key, claims, team, answer);
RESET ROLE;

-- E-mail addresses count when they are verified; a role in the token narrows.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT saas.configure_jwt_issuer(:'red', 'https://red.example', p_user_match => 'email', p_user_claim => '{email}', p_role_claim => '{access,role}') \g /dev/null
SELECT is(pg_temp.attempt(pg_temp.token(:'ec_private', pg_temp.of_red('x', t.claims)), :'red'), t.answer, t.what)
FROM (VALUES
    ('a verified address', '{"email": "CAT@example.com", "email_verified": true, "access": {"role": "viewer"}}'::jsonb, 'viewer true'),
    ('as text', '{"email": "cat@example.com", "email_verified": "true", "access": {"role": "admin"}}', 'admin true'),
    ('a role beyond the membership', '{"email": "cat@example.com", "email_verified": true, "access": {"role": "owner"}}', 'admin true'),
    ('a worker''s', '{"email": "cat@example.com", "email_verified": true, "access": {"role": "service"}}', '42501'),
    ('no role', '{"email": "cat@example.com", "email_verified": true}', '42501'),
    ('not verified', '{"email": "cat@example.com", "email_verified": false, "access": {"role": "viewer"}}', '42501'),
    ('nobody said so', '{"email": "cat@example.com", "access": {"role": "viewer"}}', '42501'),
    ('of another team''s owner', '{"email": "bob@example.com", "email_verified": true, "access": {"role": "owner"}}', '42501'),
    ('no address', '{"email": null, "email_verified": true, "access": {"role": "owner"}}', '42501')
) AS t (what, claims, answer);
RESET ROLE;

-- Keys over time.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT saas.configure_jwt_issuer(:'red', 'https://red.example', p_user_match => 'id', p_user_claim => '{sub}', p_role_claim => '{}') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT results_eq(format('SELECT kid, action, problem FROM saas.set_jwt_keys(%L, %L, %L)', :'red', :'red_issuer', jsonb_build_object('keys', jsonb_build_array(
        :'ec'::jsonb, :'ed'::jsonb || '{"kid": "next"}', :'rsa'::jsonb || '{"kid": "next"}', :'secret'::jsonb || '{"kid": "s"}',
        :'ec'::jsonb || '{"kid": "e", "use": "enc"}', :'rsa_private'::jsonb || '{"kid": "p"}'))),
    format($$VALUES (%L, 'kept', NULL), ('next', 'added', NULL), ('next', 'ignored', 'has the identifier of another key'),
        ('s', 'ignored', 'is a secret, and secrets are not stored'), ('e', 'ignored', 'is not for signatures (use)'),
        ('p', 'ignored', 'has its private half, which belongs to the issuer alone')$$, (saas.describe_jwk(:'ec')).kid),
    'the next key is published, others cannot be used');
SELECT is((SELECT string_agg(key, ',' ORDER BY key) FROM saas.jwt_keys AS k CROSS JOIN LATERAL jsonb_object_keys(k.jwk) AS key WHERE k.kid = 'next'),
    'alg,crv,kid,kty,x', 'what is stored makes the public key');
SELECT is(pg_temp.attempt(pg_temp.token(:'ed_private'::jsonb || '{"kid": "next"}', pg_temp.of_red(:'cat')), :'red'), 'admin true', 'both sign');
SELECT is(pg_temp.attempt(pg_temp.token(:'ec_private', pg_temp.of_red(:'cat')), :'red'), 'SA116', 'now tokens must name their key');
SELECT is(pg_temp.attempt(pg_temp.token(:'ec_private'::jsonb || jsonb_build_object('kid', (saas.describe_jwk(:'ec')).kid), pg_temp.of_red(:'cat')), :'red'), 'admin true', 'as this one');
RESET ROLE;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT is((SELECT string_agg(action, ',' ORDER BY action) FROM saas.set_jwt_keys(:'red', :'red_issuer', :'ed'::jsonb || '{"kid": "next"}')), 'ended,kept', 'a key that is gone ends');
SELECT is(pg_temp.attempt(pg_temp.token(:'ec_private'::jsonb || jsonb_build_object('kid', (saas.describe_jwk(:'ec')).kid), pg_temp.of_red(:'cat')), :'red'), 'SA116', 'and is worth nothing');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT is((SELECT problem FROM saas.set_jwt_keys(:'red', :'red_issuer', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb, :'ed'::jsonb || '{"kid": "next"}'))) WHERE action = 'ignored'),
    'has ended, and does not come back', 'it stays so');
SELECT is((SELECT problem FROM saas.set_jwt_keys(:'red', :'red_issuer', jsonb_build_object('keys', jsonb_build_array(:'ed'::jsonb || '{"kid": "next"}',
        :'rsa'::jsonb || jsonb_build_object('kid', (saas.describe_jwk(:'ec')).kid)))) WHERE action = 'ignored'),
    'has the identifier of another key', 'nor does its identifier serve another key');
SELECT throws_ok(format('SELECT * FROM saas.set_jwt_keys(%L, %L, %L)', :'red', :'red_issuer', k.jwks), 'SA119', NULL, 'no set of usable keys: ' || left(k.jwks, 30))
FROM (VALUES (:'secret'), ('{}'), ('[]'), ('null'), ('{"keys": []}'), ('{"keys": [1]}'), ('{"keys": {}}'),
    ('{"keys": [' || repeat('{},', 100) || '{}]}'), (:'ec')) AS k (jwks);
SELECT throws_ok(format('SELECT * FROM saas.set_jwt_keys(%L, %L, NULL)', :'red', :'red_issuer'), '22004', NULL, 'nor NULL');
SELECT is((SELECT count(*)::integer FROM saas.jwt_keys AS k WHERE k.valid_until IS NULL AND k.issuer_id = :'red_issuer'), 1, 'and those that there are go on');
SELECT saas.set_jwt_keys(:'red', :'red_issuer', :'rsa'::jsonb || '{"kid": "later"}', now() + interval '1 day', false) \g /dev/null
SELECT is(pg_temp.attempt(pg_temp.token(:'rsa_private'::jsonb || '{"kid": "later"}', pg_temp.of_red(:'cat')), :'red'), 'SA116', 'a key whose time has not come');
SELECT is(pg_temp.attempt(pg_temp.token(:'ed_private'::jsonb || '{"kid": "next"}', pg_temp.of_red(:'cat')), :'red'), 'admin true', 'while the other goes on');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT ok(saas.end_jwt_key(:'red', :'red_issuer', 'next', now() + interval '1 hour'), 'an end is set');
SELECT is(saas.end_jwt_key(:'red', :'red_issuer', 'next', now() + interval '2 hours'), false, 'which comes no later');
SELECT ok(saas.end_jwt_key(:'red', :'red_issuer', 'next'), 'but sooner');
SELECT is(pg_temp.attempt(pg_temp.token(:'ed_private'::jsonb || '{"kid": "next"}', pg_temp.of_red(:'cat')), :'red'), 'SA116', 'the key has ended');

-- A disabled issuer, a removed one, a deactivated team.
SELECT saas.configure_jwt_issuer(NULL, 'https://platform.example', p_is_enabled => false) \g /dev/null
SELECT is(pg_temp.attempt(pg_temp.token(:'rsa_private', pg_temp.claims(:'cat'))), 'SA118', 'a disabled issuer');
SELECT saas.configure_jwt_issuer(NULL, 'https://platform.example', p_is_enabled => true) \g /dev/null
SELECT is(pg_temp.attempt(pg_temp.token(:'rsa_private', pg_temp.claims(:'cat'))), 'admin true', 'and enabled again');
UPDATE saas.users SET is_active = false WHERE id = :'cat';
SELECT is(pg_temp.attempt(pg_temp.token(:'rsa_private', pg_temp.claims(:'cat'))), '42501', 'a deactivated user');
UPDATE saas.users SET is_active = true WHERE id = :'cat';
UPDATE saas.teams SET is_active = false WHERE id = :'red';
SELECT is(pg_temp.attempt(pg_temp.token(:'rsa_private', pg_temp.claims(:'cat')), :'red'), '42501', 'a deactivated team');
UPDATE saas.teams SET is_active = true WHERE id = :'red';
SELECT is((SELECT a.role || ' ' || (a.user_id = :'cat' AND saas.current_user_id() = a.user_id AND saas.current_team_id() = a.team_id)
    FROM saas.authenticate(pg_temp.token(:'rsa_private', pg_temp.claims(:'cat'))) AS a), 'admin true', 'authenticate() knows a token by its form');
SELECT throws_ok(format('SELECT saas.authenticate(%L)', left(pg_temp.token(:'rsa_private', pg_temp.claims(:'cat')), -8) || 'AAAAAAAA'), 'SA117', NULL, 'and lets no other one pass');
SELECT ok(saas.delete_jwt_issuer(NULL, :'platform_issuer'), 'removed');
SELECT is(pg_temp.attempt(pg_temp.token(:'rsa_private', pg_temp.claims(:'cat'))), 'SA118', 'and not known any more');
SELECT is((SELECT count(*)::integer FROM saas.jwt_keys AS k WHERE k.issuer_id = :'platform_issuer'), 0, 'nor its keys');
SELECT throws_ok(format('INSERT INTO saas.jwt_keys (issuer_id, team_id, kid, algorithm, jwk) VALUES (%L, %L, %L, %L, %L)', :'red_issuer', :'red', 's', 'RS256', :'rsa_private'),
    '23514', NULL, 'not even the owner of the tables stores a private key');
SELECT is((SELECT count(*) > 5 FROM saas.audit_logs AS a WHERE a.table_name IN ('saas.jwt_issuers', 'saas.jwt_keys') AND a.team_id = :'red'), true, 'the trail says who changed what');
SELECT * FROM finish();
ROLLBACK;
