-- Keys and tokens, and the verification in PL/pgSQL to compare with.
DROP SCHEMA IF EXISTS jwt_bench CASCADE;
CREATE SCHEMA jwt_bench;
\ir ../../test/pgtap/include/jwt_keys.sql
INSERT INTO saas.users (id, email) VALUES ('00000000-0000-7000-8000-0000000bec15', 'member@jwt-bench.example');
SELECT saas.create_team('Bench', 'jwt-bench', '00000000-0000-7000-8000-0000000bec15') AS team \gset
SELECT saas.configure_jwt_issuer(NULL, 'https://jwt-bench.example', '{us}') AS issuer \gset
SELECT * FROM saas.set_jwt_keys(NULL, :'issuer', :'ec'::jsonb);

CREATE TABLE jwt_bench.tokens AS
SELECT k.algorithm, k.public AS jwk, saas.issue_jwt(
    jsonb_build_object('iss', 'https://jwt-bench.example', 'aud', 'us', 'exp', 4102444800, 'sub', '00000000-0000-7000-8000-0000000bec15'),
    k.private
) AS token
FROM (VALUES
    ('HS256', :'secret'::jsonb, :'secret'::jsonb), ('RS256', :'rsa_private', :'rsa'), ('ES256', :'ec_private', :'ec'), ('EdDSA', :'ed_private', :'ed')
) AS k (algorithm, private, public);

CREATE FUNCTION jwt_bench.decoded(p_part text)
RETURNS bytea
LANGUAGE sql IMMUTABLE
AS $$
    SELECT pg_catalog.decode(translate(p_part, '-_', '+/') || repeat('=', (4 - length(p_part) % 4) % 4), 'base64')
$$;
CREATE FUNCTION jwt_bench.verify_hs256(p_token text, p_secret bytea, p_issuer text, p_audience text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_header jsonb := convert_from(jwt_bench.decoded(split_part(p_token, '.', 1)), 'UTF8')::jsonb;
    v_claims jsonb;
BEGIN
    IF v_header ->> 'alg' <> 'HS256' OR hmac(
        convert_to(split_part(p_token, '.', 1) || '.' || split_part(p_token, '.', 2), 'UTF8'), p_secret, 'sha256'
    ) <> jwt_bench.decoded(split_part(p_token, '.', 3)) THEN
        RAISE EXCEPTION 'wrong signature';
    END IF;
    v_claims := convert_from(jwt_bench.decoded(split_part(p_token, '.', 2)), 'UTF8')::jsonb;
    IF (v_claims ->> 'exp')::numeric <= EXTRACT(epoch FROM now()) OR v_claims ->> 'iss' <> p_issuer OR v_claims ->> 'aud' <> p_audience THEN
        RAISE EXCEPTION 'not valid';
    END IF;
    RETURN v_claims;
END
$$;

CREATE TABLE jwt_bench.results (what text NOT NULL, value double precision NOT NULL);

-- Nanoseconds of processor time that this backend has used; of the clock where the kernel does not say.
CREATE FUNCTION jwt_bench.nanoseconds()
RETURNS double precision
LANGUAGE sql VOLATILE
AS $$
    SELECT COALESCE(
        NULLIF(split_part(pg_read_file('/proc/self/schedstat', 0, 200, true), ' ', 1), '')::double precision,
        EXTRACT(epoch FROM clock_timestamp()) * 1000000000
    )
$$;
CREATE FUNCTION jwt_bench.per_call(p_expression text, p_calls integer)
RETURNS double precision
LANGUAGE plpgsql
AS $$
DECLARE
    v_begin double precision;
    v_count bigint;
BEGIN
    EXECUTE pg_catalog.format('SELECT count(%s) FROM generate_series(1, 100) AS n', p_expression) INTO v_count;
    v_begin := jwt_bench.nanoseconds();
    EXECUTE pg_catalog.format('SELECT count(%s) FROM generate_series(1, %s) AS n', p_expression, p_calls) INTO v_count;
    IF v_count <> p_calls THEN
        RAISE EXCEPTION '% was NULL', p_expression;
    END IF;
    RETURN (jwt_bench.nanoseconds() - v_begin) / p_calls;
END
$$;
