-- One pass: every kind of token, then the context.
BEGIN;
INSERT INTO jwt_bench.results
SELECT t.algorithm || ', saas.verify_jwt', 1000000000 / jwt_bench.per_call(
    pg_catalog.format('saas.verify_jwt(%L, %L, %L)', t.token, t.jwk, '{"issuer": "https://jwt-bench.example", "audience": "us"}'),
    CASE t.algorithm WHEN 'HS256' THEN 100000 ELSE 10000 END
)
FROM jwt_bench.tokens AS t;
INSERT INTO jwt_bench.results
SELECT 'HS256, PL/pgSQL with pgcrypto', 1000000000 / jwt_bench.per_call(
    pg_catalog.format('jwt_bench.verify_hs256(%L, jwt_bench.decoded(%L), %L, %L)', t.token, t.jwk ->> 'k', 'https://jwt-bench.example', 'us'), 20000
)
FROM jwt_bench.tokens AS t WHERE t.algorithm = 'HS256';
INSERT INTO jwt_bench.results
SELECT 'ES256, saas.authenticate_jwt', 1000000000 / jwt_bench.per_call(pg_catalog.format('(saas.authenticate_jwt(%L)).role', t.token), 3000)
FROM jwt_bench.tokens AS t WHERE t.algorithm = 'ES256';
SELECT set_config('app.current_team_id', saas.current_team_id()::text, true);
INSERT INTO jwt_bench.results
SELECT c.what, jwt_bench.per_call(c.expression, 2000000) - jwt_bench.per_call('n', 2000000)
FROM (VALUES
    ('saas.current_team_id()', 'saas.current_team_id()'),
    ('current_setting(…)::uuid', 'current_setting(''app.current_team_id'')::uuid')
) AS c (what, expression);
COMMIT;
