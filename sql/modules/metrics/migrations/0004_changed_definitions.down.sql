DROP FUNCTION IF EXISTS saas.report_revenue(jsonb, text, text);
DROP FUNCTION IF EXISTS saas.prometheus_samples(timestamptz, uuid);
DROP FUNCTION IF EXISTS saas.slo_alerts(uuid, timestamptz, numeric, bigint);
ALTER TABLE saas.revenue_presets NO FORCE ROW LEVEL SECURITY;
UPDATE saas.revenue_presets
SET count_metered = true,
    discounts = 'none'
WHERE preset = 'lago';
ALTER TABLE saas.revenue_presets FORCE ROW LEVEL SECURITY;
