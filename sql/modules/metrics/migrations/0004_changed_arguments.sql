-- Functions of the report, for Prometheus and about objectives whose arguments change.
DROP FUNCTION IF EXISTS saas.report_revenue(uuid, date, date, text, text);
DROP FUNCTION IF EXISTS saas.prometheus_samples(timestamptz);
DROP FUNCTION IF EXISTS saas.slo_alerts(uuid, timestamptz, numeric);
