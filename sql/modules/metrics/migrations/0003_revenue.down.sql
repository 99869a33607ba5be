DROP INDEX IF EXISTS saas.subscriptions_started_at_idx;
DROP TABLE IF EXISTS saas.service_measurements;
DROP TABLE IF EXISTS saas.product_events;
DROP TABLE IF EXISTS saas.revenue_policies;
DROP TABLE IF EXISTS saas.revenue_presets;
