-- Events of a week in the order of their time: 5 million in some 16,700 hour x tenant groups with skewed
-- tenants, and 2 million in 100 even groups. Latencies are log-normal.
SET client_min_messages TO warning;
DROP SCHEMA IF EXISTS sketches_bench CASCADE;
CREATE SCHEMA sketches_bench;
SELECT setseed(0.5) \g /dev/null
CREATE UNLOGGED TABLE sketches_bench.many AS
SELECT
    timestamptz '2026-01-05 00:00+00' + n * interval '0.12096 seconds' AS at,
    (100 * power(random(), 1.6))::integer % 100 AS tenant,
    (1200000 * random())::bigint AS user_id,
    exp(3.5 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS ms
FROM generate_series(0, 4999999) AS n;
CREATE UNLOGGED TABLE sketches_bench.few AS
SELECT
    n % 100 AS tenant,
    (300000 * random())::bigint AS user_id,
    exp(3.5 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS ms
FROM generate_series(0, 1999999) AS n;
VACUUM ANALYZE sketches_bench.many, sketches_bench.few;
