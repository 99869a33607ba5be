-- One pass; :pass is its number.
SELECT team_id AS team, user_id AS member FROM revenue_bench.team \gset
BEGIN;
SELECT saas.set_context(:'team', :'member') \g /dev/null
SET LOCAL ROLE saas_app;

SELECT clock_timestamp() AS since \gset
SELECT sum(r.end_mrr) AS engine FROM saas.monthly_revenue(:'team', '2021-01-01', '2025-12-31') AS r \gset
CALL revenue_bench.note(:pass, 'months', :'since');
SELECT clock_timestamp() AS since \gset
SELECT sum(m.mrr) AS plain
FROM generate_series(timestamp '2021-02-01', '2026-01-01', INTERVAL '1 month') AS g (month)
CROSS JOIN LATERAL (
    SELECT sum(h.mrr) AS mrr
    FROM (
        SELECT DISTINCT ON (c.subscription_id)
            CASE WHEN c.status IN ('active', 'past_due')
                THEN round(greatest(c.unit_amount * c.quantity * (10000 - c.discount_basis_points) / 10000.0 - c.discount_amount, 0))
                ELSE 0
            END AS mrr
        FROM saas.subscription_changes AS c
        WHERE c.team_id = :'team' AND c.effective_at < g.month AT TIME ZONE 'UTC'
        ORDER BY c.subscription_id, c.revision DESC
    ) AS h
) AS m \gset
CALL revenue_bench.note(:pass, 'months plain', :'since');
SELECT 1 / (:engine = :plain)::integer \g /dev/null

SELECT clock_timestamp() AS since \gset
SELECT count(*) FROM saas.revenue_proof WHERE team_id = :'team' \g /dev/null
CALL revenue_bench.note(:pass, 'proof', :'since');
SELECT clock_timestamp() AS since \gset
SELECT length(saas.report_html(:'team', '2025-01-01', '2026-10-31')) \g /dev/null
CALL revenue_bench.note(:pass, 'report', :'since');
SELECT clock_timestamp() AS since \gset
SELECT count(*) FROM saas.team_anomalies(:'team', '2026-08-01', '2026-11-01') \g /dev/null
CALL revenue_bench.note(:pass, 'anomalies', :'since');

SELECT clock_timestamp() AS since \gset
SELECT sum(a.daily + a.weekly + a.monthly) AS engine FROM saas.active_users(:'team', '2026-10-25', '2026-10-31') AS a \gset
CALL revenue_bench.note(:pass, 'users', :'since');
SELECT clock_timestamp() AS since \gset
SELECT sum(u.users) AS plain
FROM generate_series(timestamp '2026-10-25', '2026-10-31', INTERVAL '1 day') AS g (day)
CROSS JOIN (VALUES (1), (7), (30)) AS w (days)
CROSS JOIN LATERAL (
    SELECT count(DISTINCT e.actor_id) AS users
    FROM saas.product_events AS e
    WHERE e.team_id = :'team'
        AND e.created_at >= (g.day - (w.days - 1) * INTERVAL '1 day') AT TIME ZONE 'UTC'
        AND e.created_at < (g.day + INTERVAL '1 day') AT TIME ZONE 'UTC'
) AS u \gset
CALL revenue_bench.note(:pass, 'users plain', :'since');
SELECT 1 / (:engine = :plain)::integer \g /dev/null

SELECT clock_timestamp() AS since \gset
SELECT s.sessions AS engine FROM saas.session_summary(:'team', '2026-08-01', '2026-11-01') AS s \gset
CALL revenue_bench.note(:pass, 'sessions', :'since');
SELECT clock_timestamp() AS since \gset
SELECT count(*) AS plain
FROM (
    SELECT n.actor_id, n.number, count(*) AS events, max(n.created_at) - min(n.created_at) AS lasted
    FROM (
        SELECT g.*, sum(g.begins::integer) OVER (PARTITION BY g.actor_id ORDER BY g.created_at) AS number
        FROM (
            SELECT
                e.actor_id,
                e.created_at,
                COALESCE(
                    e.created_at - lag(e.created_at) OVER (PARTITION BY e.actor_id ORDER BY e.created_at)
                    > INTERVAL '30 minutes', true
                ) AS begins
            FROM saas.product_events AS e
            WHERE e.team_id = :'team' AND e.created_at >= '2026-08-01' AND e.created_at < '2026-11-01'
        ) AS g
    ) AS n
    GROUP BY n.actor_id, n.number
) AS s \gset
CALL revenue_bench.note(:pass, 'sessions plain', :'since');
SELECT 1 / (:engine = :plain)::integer \g /dev/null
SELECT clock_timestamp() AS since \gset
SELECT count(*) FROM saas.retention_cohorts(:'team', '2025-01-01', '2026-10-31') \g /dev/null
CALL revenue_bench.note(:pass, 'cohorts', :'since');
COMMIT;
