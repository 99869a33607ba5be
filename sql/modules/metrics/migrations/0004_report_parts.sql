-- Parts of the report and of the page for Prometheus whose arguments change.
DROP FUNCTION IF EXISTS saas.report_revenue(uuid, date, date, text, text);
DROP FUNCTION IF EXISTS saas.prometheus_samples(timestamptz);
