-- The rollup that comes with the package: measured values by metric.
SELECT saas.attach_rollup_source(r.source_id, 'saas.usage_metrics') FROM saas.rollups AS r WHERE r.name = 'usage_metrics';
SELECT saas.make_rollup_partitions(r, 'saas.usage_metrics') FROM saas.rollups AS r WHERE r.name = 'usage_metrics';
SELECT saas.create_rollup_view(r, 'hour') FROM saas.rollups AS r WHERE r.name = 'usage_metrics';
SELECT saas.create_rollup_view(r, 'day') FROM saas.rollups AS r WHERE r.name = 'usage_metrics';
SELECT saas.create_rollup_view(r, 'week') FROM saas.rollups AS r WHERE r.name = 'usage_metrics';
SELECT saas.create_rollup_view(r, 'month') FROM saas.rollups AS r WHERE r.name = 'usage_metrics';

CREATE OR REPLACE VIEW saas.metric_rollups WITH (security_invoker = true) AS
SELECT h.team_id, 'hour' AS granularity, h.bucket AS starts_at, h.metric, h.points, h.total, h.lowest, h.highest, h.latest, h.quantiles
FROM saas.usage_metrics_hour_live AS h
UNION ALL
SELECT d.team_id, 'day', d.bucket::timestamp AT TIME ZONE COALESCE(k.time_zone, 'UTC'), d.metric, d.points, d.total, d.lowest,
    d.highest, d.latest, d.quantiles
FROM saas.usage_metrics_day_live AS d
LEFT JOIN saas.rollup_calendars AS k ON k.team_id = d.team_id
UNION ALL
SELECT w.team_id, 'week', w.bucket::timestamp AT TIME ZONE COALESCE(k.time_zone, 'UTC'), w.metric, w.points, w.total, w.lowest,
    w.highest, w.latest, w.quantiles
FROM saas.usage_metrics_week_live AS w
LEFT JOIN saas.rollup_calendars AS k ON k.team_id = w.team_id
UNION ALL
SELECT m.team_id, 'month', m.bucket::timestamp AT TIME ZONE COALESCE(k.time_zone, 'UTC'), m.metric, m.points, m.total, m.lowest,
    m.highest, m.latest, m.quantiles
FROM saas.usage_metrics_month_live AS m
LEFT JOIN saas.rollup_calendars AS k ON k.team_id = m.team_id;
COMMENT ON VIEW saas.metric_rollups IS
'Measured values by metric and hour, day, week and month, as of now. starts_at is the start in the time zone of the team.';
GRANT SELECT ON saas.metric_rollups TO saas_app, saas_service;
