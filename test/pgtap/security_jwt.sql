-- Tokens verified against keys that the caller brings, and tokens issued. What is inside is tested without a
-- server (test/unit/jwt_…); here: SQL types, rights, errors that show nothing, keys that are kept.
BEGIN;
SELECT plan(55);
\ir include/jwt_keys.sql
\set claims_part 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
SELECT 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.' || :'claims_part' || '.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk' AS hs256,
    'eyJhbGciOiJSUzI1NiJ9.' || :'claims_part' || '.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw' AS rs256,
    'eyJhbGciOiJFUzI1NiJ9.' || :'claims_part' || '.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q' AS es256,
    'eyJhbGciOiJub25lIn0.' || :'claims_part' || '.' AS unsigned \gset

-- The examples of RFC 7515 and RFC 7519, a second before they expire, and when they do.
SELECT is(saas.verify_jwt(t.token, t.jwk, '{"at": 1300819379}'),
    '{"iss": "joe", "exp": 1300819380, "http://example.com/is_root": true}', 'the example with ' || t.name)
FROM (VALUES ('HS256', :'hs256', :'secret'::jsonb), ('RS256', :'rs256', :'rsa'), ('ES256', :'es256', :'ec')) AS t (name, token, jwk);
SELECT throws_ok(format('SELECT saas.verify_jwt(%L, %L, %L)', :'hs256', :'secret', '{"at": 1300819380}'), 'SA118', 'the token has expired', 'expired');
SELECT throws_ok(format('SELECT saas.verify_jwt(%L, %L)', :'hs256', :'secret'), 'SA118', 'the token has expired', 'without an option, now() counts');
SELECT throws_ok(format('SELECT saas.verify_jwt(%L, %L)', :'unsigned', k.jwk), 'SA115', 'the token is not signed', 'unsigned tokens are refused')
FROM (VALUES (:'secret'), (:'rsa'), ('{"keys": []}')) AS k (jwk);
SELECT throws_ok(format('SELECT saas.verify_jwt(%L, %L, %L)', :'hs256', k.jwk, '{"at": 0}'), 'SA116', NULL, 'HS256 with a public key')
FROM (VALUES (:'rsa'), (:'ec'), (:'ed')) AS k (jwk);
SELECT throws_ok(format('SELECT saas.verify_jwt(%L, %L, %L)', left(:'es256', -2) || 'AQ', :'ec', '{"at": 0}'), 'SA117', NULL, 'a changed signature');

-- Arguments.
SELECT throws_ok(s.statement, s.state, NULL, s.statement)
FROM (VALUES
    ('SELECT saas.verify_jwt(NULL, ''{"keys": []}'')', '22004'),
    ('SELECT saas.verify_jwt(''a.b.c'', NULL)', '22004'),
    ('SELECT saas.verify_jwt(''a.b.c'', ''{"keys": []}'', NULL)', '22004'),
    ('SELECT saas.verify_jwt('''', ''{"keys": []}'')', 'SA115'),
    ('SELECT saas.verify_jwt(repeat(''ey.'', 10000000), ''{"keys": []}'')', 'SA115'),
    ('SELECT saas.verify_jwt(''⚡.⚡.⚡'', ''{"keys": []}'')', 'SA115'),
    ('SELECT saas.verify_jwt(''a.b.c'', ''[]'')', 'SA119'),
    ('SELECT saas.verify_jwt(''a.b.c'', ''null'')', 'SA119'),
    ('SELECT saas.verify_jwt(''a.b.c'', ''{}'')', 'SA119'),
    ('SELECT saas.verify_jwt(''a.b.c'', jsonb_build_object(''keys'', repeat(''k'', 1000000)))', 'SA119'),
    ('SELECT saas.verify_jwt(''a.b.c'', ''{"keys": []}'', ''{"verify": false}'')', '22023'),
    ('SELECT saas.verify_jwt(''a.b.c'', ''{"keys": []}'', ''[]'')', '22023'),
    ('SELECT saas.verify_jwt(''a.b.c'', ''{"keys": []}'', ''{"algorithms": ["none"]}'')', '22023')
) AS s (statement, state);

-- Issuing, by whom it is allowed, and back.
SET LOCAL ROLE saas_service;
SELECT is(saas.verify_jwt(saas.issue_jwt('{"sub": "ü€😀", "n": [1, 2.5, null]}', t.private), t.public), '{"sub": "ü€😀", "n": [1, 2.5, null]}', t.name || ' goes round')
FROM (VALUES ('HS256', :'secret'::jsonb, :'secret'::jsonb), ('RS256', :'rsa_private', :'rsa'), ('ES256', :'ec_private', :'ec'), ('EdDSA', :'ed_private', :'ed')) AS t (name, private, public);
SELECT throws_ok(format('SELECT saas.issue_jwt(%L, %L)', '{}', :'rsa'), 'SA119', NULL, 'a public key signs nothing');
SELECT throws_ok(format('SELECT saas.issue_jwt(%L, %L)', '[]', :'secret'), '22023', NULL, 'claims are an object');
SELECT throws_ok('SELECT saas.issue_jwt(NULL, NULL)', '22004', NULL, 'and not NULL');
SELECT throws_ok('SELECT saas.unverified_jwt(''e30.e30.'')', '42501', NULL, 'nobody reads claims that are not verified');
RESET ROLE;
SELECT is(saas.unverified_jwt(:'hs256') -> 'claims' ->> 'iss', 'joe', 'but functions of the package do');
SELECT throws_ok('SELECT saas.unverified_jwt(''e30.W10.'')', 'SA115', NULL, 'when they are an object');
SELECT throws_ok(format('SELECT saas.unverified_jwt(%L)', 'e30.' || rtrim(translate(encode(convert_to(format('{"a": %s}', n.number), 'UTF8'), 'base64'), '+/', '-_'), '=') || '.'),
    'SA115', NULL, 'the number ' || n.number) FROM (VALUES ('1e-99999'), ('0E-20000'), ('1e+0001000'), ('1e999')) AS n (number);
SELECT is(saas.unverified_jwt('e30.' || rtrim(translate(encode('{"a": [1e-300, 1E+0003]}', 'base64'), '+/', '-_'), '=') || '.') -> 'claims' -> 'a' ->> 1, '1000', 'numbers that numeric holds');
SELECT is((saas.describe_jwk(jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519', 'x', 'AQ' || repeat('A', 41)))).problem, 'is a point of small order', 'a key that fits every message');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.issue_jwt(%L, %L)', '{}', :'secret'), '42501', NULL, 'saas_app issues nothing');
SELECT is(saas.verify_jwt(:'es256', :'ec', '{"at": 0}') ->> 'iss', 'joe', 'but verifies');
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok(format('SELECT saas.issue_jwt(%L, %L)', '{}', :'secret'), '42501', NULL, 'nor does saas_anonymous');
SELECT throws_ok('SELECT saas.unverified_jwt(''e30.e30.'')', '42501', NULL, 'nor does it read');
RESET ROLE;

-- Keys are kept by what they are: more sets than are kept, twice over, and a set that changes under one name.
SELECT is((SELECT count(saas.verify_jwt(:'es256', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb), 'n', n % 40), '{"at": 0}'))
    FROM generate_series(1, 80) AS n), 80::bigint, 'forty sets in turn');
CREATE TEMPORARY TABLE kept (jwks jsonb);
INSERT INTO kept VALUES (:'ec');
SELECT lives_ok(format('SELECT saas.verify_jwt(%L, k.jwks, %L) FROM kept AS k', :'es256', '{"at": 0}'), 'a key in a table');
UPDATE kept SET jwks = jsonb_set(jwks, '{y}', '"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"');
SELECT throws_ok(format('SELECT saas.verify_jwt(%L, k.jwks, %L) FROM kept AS k', :'es256', '{"at": 0}'), 'SA119', 'the key is no point on the curve', 'the changed one is another');

-- Nothing of a token or a key is in an error.
CREATE FUNCTION pg_temp.shown(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_message text; v_detail text; v_hint text;
BEGIN
    EXECUTE p_statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    RETURN v_message || v_detail || v_hint;
END
$$;
SELECT is(pg_temp.shown(s.statement) ~ 'sesame|c2VzYW1l|no error', false, 'an error shows nothing: ' || pg_temp.shown(s.statement))
FROM (VALUES
    ('SELECT saas.verify_jwt(''sesame'', ''{"keys": []}'')'),
    ('SELECT saas.verify_jwt(''c2VzYW1l.c2VzYW1l.c2VzYW1l'', ''{"keys": []}'')'),
    ('SELECT saas.verify_jwt(''a.b.c'', ''{"sesame": 1}'')'),
    ('SELECT saas.issue_jwt(''{}'', ''{"kty": "oct", "k": "c2VzYW1l"}'')'),
    ('SELECT saas.issue_jwt(''{"sesame": 1}'', ''{"kty": "sesame", "crv": "sesame"}'')')
) AS s (statement);
SELECT results_eq($$SELECT kid, algorithm, problem FROM saas.describe_jwk('{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')$$,
    $$VALUES ('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', 'EdDSA', NULL)$$, 'the thumbprint of RFC 8037');
SELECT is((saas.describe_jwk('{"kty": "EC", "crv": "P-384"}')).problem, 'is on a curve other than P-256', 'what is wrong with a key');
SELECT * FROM finish();
ROLLBACK;
