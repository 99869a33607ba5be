-- Row-level security and rights of module billing: members and analysts read, functions write.
ALTER TABLE saas.subscription_plans ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.subscription_plans FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.subscriptions FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.subscription_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.subscription_changes FORCE ROW LEVEL SECURITY;

CREATE POLICY subscription_plans_app_select ON saas.subscription_plans
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY subscriptions_app_select ON saas.subscriptions
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY subscription_changes_app_select ON saas.subscription_changes
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.subscription_plans, saas.subscriptions, saas.subscription_changes
TO saas_app, saas_analyst, saas_service;
GRANT SELECT, INSERT, UPDATE ON saas.subscription_plans, saas.subscriptions TO saas_internal;
GRANT SELECT, INSERT ON saas.subscription_changes TO saas_internal;
