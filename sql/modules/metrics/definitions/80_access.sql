-- Row-level security and rights of module metrics: members read, functions write.
ALTER TABLE saas.revenue_presets ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.revenue_presets FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.revenue_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.revenue_policies FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.product_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.product_events FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.service_measurements ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.service_measurements FORCE ROW LEVEL SECURITY;
SELECT saas.protect_partition('saas.product_events', 'saas.product_events_default');
SELECT saas.protect_partition('saas.service_measurements', 'saas.service_measurements_default');

CREATE POLICY revenue_presets_app_select ON saas.revenue_presets
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (true);
CREATE POLICY revenue_policies_app_select ON saas.revenue_policies
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY product_events_app_select ON saas.product_events
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY service_measurements_app_select ON saas.service_measurements
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.revenue_presets, saas.revenue_policies, saas.service_measurements
TO saas_app, saas_analyst, saas_service;
GRANT SELECT ON saas.product_events TO saas_app, saas_service;
GRANT SELECT (team_id, created_at, id, name) ON saas.product_events TO saas_analyst;
GRANT SELECT ON saas.revenue_presets TO saas_internal;
GRANT SELECT, INSERT, UPDATE ON saas.revenue_policies TO saas_internal;
GRANT SELECT, INSERT ON saas.product_events, saas.service_measurements TO saas_internal;
