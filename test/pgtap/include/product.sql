-- A team :shop of :owner with sixty days of use and measurements until 2025-04-30, deterministic, with an
-- outage on 2025-04-15 14:00 UTC and 100 ms more latency from 2025-04-20 on. Needs no context afterwards.
SELECT saas.create_user('owner@example.com', 'Owner') AS owner \gset
SELECT saas.create_team('Shop', 'shop', :'owner') AS shop \gset
SELECT saas.set_context(:'shop', :'owner') \g /dev/null
SET LOCAL TimeZone = 'UTC';
INSERT INTO saas.service_measurements (team_id, created_at, service, requests, errors, latency, latency_sum, cache_hits, cache_misses, seconds, seconds_down, bytes_sent, bytes_stored)
SELECT :'shop', h.at, 'api', l.n, CASE WHEN h.at = '2025-04-15 14:00+00' THEN l.n / 2 ELSE 0 END, l.sketch, l.total, 90, 10, 3600,
    CASE WHEN h.at = '2025-04-15 14:00+00' THEN 1800 ELSE 0 END, 1000, 5000
FROM generate_series('2025-03-02 00:00+00'::timestamptz, '2025-04-30 23:00+00', interval '1 hour') AS h (at)
CROSS JOIN LATERAL (
    SELECT count(*) AS n, saas.quantile_sketch(v.ms) AS sketch, sum(v.ms) AS total
    FROM (
        -- More by day than by night, and a little more or less from hour to hour.
        SELECT (50 + g * 2 + hashint4(extract(epoch FROM h.at)::integer) % 7 + CASE WHEN h.at >= '2025-04-20' THEN 100 ELSE 0 END)::double precision AS ms
        FROM generate_series(1, (20 + 10 * (extract(hour FROM h.at) BETWEEN 8 AND 18)::integer
            + abs(hashint4(extract(epoch FROM h.at)::integer / 60) % 3))
            * CASE WHEN h.at = '2025-04-15 14:00+00' THEN 5 ELSE 1 END) AS g
    ) AS v
) AS l;
