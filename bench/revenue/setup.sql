-- A team with a history of subscriptions and of events.
CREATE SCHEMA revenue_bench;
GRANT USAGE ON SCHEMA revenue_bench TO saas_app;
CREATE TABLE revenue_bench.team (team_id uuid NOT NULL, user_id uuid NOT NULL);
CREATE TABLE revenue_bench.timings (pass integer NOT NULL, what text NOT NULL, ms double precision NOT NULL);
GRANT SELECT ON revenue_bench.team TO saas_app;
GRANT INSERT ON revenue_bench.timings TO saas_app;
CREATE PROCEDURE revenue_bench.note(p_pass integer, p_what text, p_since timestamptz)
LANGUAGE sql
AS $$
    INSERT INTO revenue_bench.timings VALUES (p_pass, p_what, extract(epoch FROM clock_timestamp() - p_since) * 1000)
$$;
BEGIN;
INSERT INTO saas.users (email) VALUES ('revenue-bench@example.com') RETURNING id AS member \gset
SELECT saas.create_team('Revenue bench', 'revenue-bench', :'member') AS team \gset
INSERT INTO revenue_bench.team VALUES (:'team', :'member');
SELECT saas.set_context(:'team', :'member') \g /dev/null
SELECT saas.save_subscription_plan(:'team', 'basic', 'Basic', 1000, 'EUR') AS plan \gset
SELECT setseed(0.5) \g /dev/null
-- A made history: triggers would number and check each row.
SET LOCAL session_replication_role = replica;
INSERT INTO saas.subscriptions (
    team_id, id, customer_id, plan_id, status, billing_interval, unit_amount, currency, started_at, current_period_start,
    current_period_end, effective_at, revision
)
SELECT
    :'team', md5('s' || i)::uuid, md5('c' || i % (:subscriptions * 3 / 4))::uuid, :'plan', 'active', 'month', 1000, 'EUR', t.at, t.at,
    t.at + INTERVAL '1 month', t.at + INTERVAL '200 days', 5
FROM generate_series(1, :subscriptions) AS i
CROSS JOIN LATERAL (SELECT timestamptz '2021-01-01' + i * INTERVAL '1600 days' / :subscriptions AS at) AS t;
INSERT INTO saas.subscription_changes (
    team_id, subscription_id, revision, effective_at, customer_id, plan_id, status, billing_interval, interval_count, quantity,
    unit_amount, currency, usage_type, discount_basis_points, discount_amount, discount_ends_at, tax_basis_points,
    tax_inclusive, current_period_end, cancel_at_period_end
)
SELECT
    s.team_id, s.id, r, s.started_at + (r - 1) * INTERVAL '50 days', s.customer_id, s.plan_id,
    CASE WHEN r = 5 AND random() < 0.5 THEN 'canceled' ELSE 'active' END, 'month', 1, 1 + floor(random() * 4)::integer, 1000, 'EUR',
    'licensed', 1000, 0, NULL, 1900, false, s.current_period_end, false
FROM saas.subscriptions AS s
CROSS JOIN generate_series(1, 5) AS r
WHERE s.team_id = :'team';
INSERT INTO saas.product_events (team_id, created_at, actor_id, name)
SELECT :'team', timestamptz '2026-08-01' + i * INTERVAL '92 days' / :events, md5(floor(random() * 20000)::text)::uuid, 'event.' || i % 5
FROM generate_series(1, :events) AS i;
COMMIT;
ANALYZE saas.subscriptions;
ANALYZE saas.subscription_changes;
-- As autovacuum does before long.
VACUUM (ANALYZE) saas.product_events;
