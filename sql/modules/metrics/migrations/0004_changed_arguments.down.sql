DROP FUNCTION IF EXISTS saas.report_revenue(jsonb, text, text);
DROP FUNCTION IF EXISTS saas.prometheus_samples(timestamptz, uuid);
DROP FUNCTION IF EXISTS saas.slo_alerts(uuid, timestamptz, numeric, bigint);
