-- Row-level security and rights of rollups and measured values. Nobody writes them but functions.
ALTER TABLE saas.rollup_sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.rollups ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.rollup_calendars ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.rollup_calendars FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.rollup_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.rollup_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_hour ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_hour FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_day FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_week ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_week FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_month ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_month FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_default FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_hour_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.usage_metrics_hour_default FORCE ROW LEVEL SECURITY;

CREATE POLICY rollup_calendars_app_select ON saas.rollup_calendars
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

CREATE POLICY rollup_changes_app_select ON saas.rollup_changes
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

CREATE POLICY usage_metrics_app_select ON saas.usage_metrics
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

CREATE POLICY usage_metrics_hour_app_select ON saas.usage_metrics_hour
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

CREATE POLICY usage_metrics_day_app_select ON saas.usage_metrics_day
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

CREATE POLICY usage_metrics_week_app_select ON saas.usage_metrics_week
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

CREATE POLICY usage_metrics_month_app_select ON saas.usage_metrics_month
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.rollup_calendars, saas.rollup_changes, saas.usage_metrics, saas.usage_metrics_hour, saas.usage_metrics_day,
    saas.usage_metrics_week, saas.usage_metrics_month TO saas_app, saas_service;
GRANT SELECT ON saas.rollup_calendars, saas.rollup_changes, saas.usage_metrics_hour, saas.usage_metrics_day,
    saas.usage_metrics_week, saas.usage_metrics_month TO saas_analyst;
GRANT SELECT (team_id, created_at, id, metric, value) ON saas.usage_metrics TO saas_analyst;

GRANT USAGE ON SCHEMA saas_rollups TO saas_app, saas_analyst, saas_service, saas_internal;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.rollup_sources, saas.rollups, saas.rollup_calendars, saas.rollup_changes,
    saas.usage_metrics, saas.usage_metrics_hour, saas.usage_metrics_day, saas.usage_metrics_week, saas.usage_metrics_month
TO saas_internal;
-- What a refresh asks for in the name of the package.
GRANT EXECUTE ON FUNCTION saas.lock_rollup_source(uuid, boolean) TO saas_internal;
