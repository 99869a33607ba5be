-- Functions whose arguments change, and a preset of revenue.
DROP FUNCTION IF EXISTS saas.report_revenue(uuid, date, date, text, text);
DROP FUNCTION IF EXISTS saas.prometheus_samples(timestamptz);
DROP FUNCTION IF EXISTS saas.slo_alerts(uuid, timestamptz, numeric);

-- Lago adds up fees of subscriptions, not of use, and takes coupons off (app/models/analytics/mrr.rb).
-- Row-level security of that table, where it is on already, would refuse its owner.
ALTER TABLE saas.revenue_presets NO FORCE ROW LEVEL SECURITY;
UPDATE saas.revenue_presets
SET count_metered = false,
    discounts = 'all'
WHERE preset = 'lago';
ALTER TABLE saas.revenue_presets FORCE ROW LEVEL SECURITY;
