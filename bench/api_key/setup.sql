-- Keys, and the PL/pgSQL functions to compare with.
DROP SCHEMA IF EXISTS api_key_bench CASCADE;
CREATE SCHEMA api_key_bench;
DELETE FROM saas.teams WHERE slug = 'api-key-bench';
DELETE FROM saas.users WHERE email = 'api-key-bench@example.com';
BEGIN;
SELECT saas.create_team('Bench', 'api-key-bench', saas.create_user('api-key-bench@example.com')) AS team \gset
SELECT saas.set_context(:'team') \g /dev/null
CREATE TABLE api_key_bench.keys AS
SELECT n, k.token, l.token AS limited
FROM generate_series(0, 999) AS n
CROSS JOIN LATERAL saas.create_api_key(:'team', 'plain ' || n, p_allowed_cidrs => '{192.0.2.0/24}') AS k
CROSS JOIN LATERAL saas.create_api_key(:'team', 'limited ' || n, p_allowed_cidrs => '{192.0.2.0/24}', p_rate_limit => 1000000) AS l;
CREATE UNIQUE INDEX ON api_key_bench.keys (n);
COMMIT;

-- What applications do without this package: the hash is the key of the table.
CREATE TABLE api_key_bench.plain_keys AS
SELECT
    encode(public.hmac(k.token, 'pepper', 'sha256'), 'hex') AS key_hash,
    gen_random_uuid() AS id,
    gen_random_uuid() AS team_id,
    'member' AS role,
    '{*}'::text[] AS scopes,
    '{192.0.2.0/24}'::cidr[] AS allowed_cidrs,
    NULL::timestamptz AS expires_at,
    NULL::timestamptz AS revoked_at,
    NULL::timestamptz AS last_used_at,
    1000000 AS rate_limit,
    0 AS calls,
    date_trunc('minute', now()) AS minute
FROM api_key_bench.keys AS k;
ALTER TABLE api_key_bench.plain_keys ADD PRIMARY KEY (key_hash);
VACUUM ANALYZE api_key_bench.keys, api_key_bench.plain_keys, saas.api_keys, saas.teams;

CREATE FUNCTION api_key_bench.lookup(p_token text, p_ip inet, p_count boolean)
RETURNS uuid
LANGUAGE plpgsql
AS $$
DECLARE
    v_hash text := encode(public.hmac(p_token, 'pepper', 'sha256'), 'hex');
    v_key api_key_bench.plain_keys;
BEGIN
    SELECT * INTO v_key FROM api_key_bench.plain_keys AS k WHERE k.key_hash = v_hash;
    IF NOT FOUND
        OR v_key.revoked_at IS NOT NULL
        OR v_key.expires_at <= clock_timestamp()
        OR NOT p_ip <<= ANY (v_key.allowed_cidrs::inet[])
    THEN
        RAISE EXCEPTION 'the API key is not valid';
    END IF;
    IF p_count THEN
        UPDATE api_key_bench.plain_keys AS k
        SET last_used_at = clock_timestamp(),
            minute = date_trunc('minute', clock_timestamp()),
            calls = CASE WHEN k.minute = date_trunc('minute', clock_timestamp()) THEN k.calls + 1 ELSE 1 END
        WHERE k.key_hash = v_hash
        RETURNING * INTO v_key;
        IF v_key.calls > v_key.rate_limit THEN
            RAISE EXCEPTION 'too many calls';
        END IF;
    END IF;
    PERFORM set_config('app.team_id', v_key.team_id::text, true);
    PERFORM set_config('app.role', v_key.role, true);
    PERFORM set_config('app.scopes', array_to_string(v_key.scopes, ','), true);
    RETURN v_key.team_id;
END
$$;

CREATE TABLE api_key_bench.results (what text NOT NULL, microseconds double precision NOT NULL);

-- One measurement: the keys in turn. Every 100 calls are a transaction, lest rows that are updated again
-- and again grow long chains of versions.
CREATE PROCEDURE api_key_bench.measure(p_what text, p_calls integer)
LANGUAGE plpgsql
AS $$
DECLARE
    v_tokens text[] := (SELECT array_agg(CASE p_what WHEN 'limited' THEN k.limited ELSE k.token END ORDER BY k.n) FROM api_key_bench.keys AS k);
    v_ip inet := '192.0.2.7';
    v_begin timestamptz := clock_timestamp();
BEGIN
    FOR v_call IN 1 .. p_calls LOOP
        IF p_what IN ('plain', 'limited') THEN
            PERFORM saas.authenticate_api_key(v_tokens[1 + v_call * 7 % 1000], v_ip);
        ELSIF p_what = 'mistyped' THEN
            PERFORM saas.parse_api_key(v_tokens[1 + v_call * 7 % 1000] || 'x');
        ELSE
            PERFORM api_key_bench.lookup(v_tokens[1 + v_call * 7 % 1000], v_ip, p_what = 'lookup and count');
        END IF;
        IF v_call % 100 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
    INSERT INTO api_key_bench.results
    SELECT p_what, EXTRACT(epoch FROM clock_timestamp() - v_begin) * 1000000 / p_calls;
END
$$;
