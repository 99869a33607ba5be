-- Row-level security and rights of lists and exchange rates. Members read, admins write lists; the
-- history of entries is written by triggers only; rates are for everybody to read.
ALTER TABLE saas.fraud_lists ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_lists FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_list_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_list_items FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_list_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_list_changes FORCE ROW LEVEL SECURITY;

ALTER TABLE saas.exchange_rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.exchange_rates FORCE ROW LEVEL SECURITY;

CREATE POLICY exchange_rates_app_select ON saas.exchange_rates
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (true);

CREATE POLICY fraud_lists_app_select ON saas.fraud_lists
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());
CREATE POLICY fraud_lists_app_insert ON saas.fraud_lists
FOR INSERT TO saas_app, saas_service
WITH CHECK (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY fraud_lists_app_update ON saas.fraud_lists
FOR UPDATE TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
)
WITH CHECK (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY fraud_lists_app_delete ON saas.fraud_lists
FOR DELETE TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);

CREATE POLICY fraud_list_items_app_select ON saas.fraud_list_items
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());
CREATE POLICY fraud_list_items_app_insert ON saas.fraud_list_items
FOR INSERT TO saas_app, saas_service
WITH CHECK (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY fraud_list_items_app_update ON saas.fraud_list_items
FOR UPDATE TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
)
WITH CHECK (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY fraud_list_items_app_delete ON saas.fraud_list_items
FOR DELETE TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);

CREATE POLICY fraud_list_changes_app_select ON saas.fraud_list_changes
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());

GRANT SELECT, DELETE ON saas.fraud_lists, saas.fraud_list_items TO saas_app, saas_service;
GRANT INSERT (team_id, id, alias, kind, description) ON saas.fraud_lists TO saas_app, saas_service;
GRANT UPDATE (alias, description) ON saas.fraud_lists TO saas_app, saas_service;
GRANT INSERT (team_id, id, list_id, value, reason, expires_at)
ON saas.fraud_list_items TO saas_app, saas_service;
GRANT UPDATE (value, reason, expires_at) ON saas.fraud_list_items TO saas_app, saas_service;
GRANT SELECT ON saas.fraud_list_changes TO saas_app, saas_service;
GRANT SELECT ON saas.fraud_lists TO saas_analyst;
GRANT SELECT (team_id, id, list_id, expires_at, created_by, created_at)
ON saas.fraud_list_items TO saas_analyst;
GRANT SELECT (team_id, id, list_id, present, expires_at, xact_id, changed_at)
ON saas.fraud_list_changes TO saas_analyst;
GRANT SELECT ON saas.exchange_rates TO saas_app, saas_service, saas_analyst;

GRANT SELECT ON saas.fraud_lists TO saas_internal;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.fraud_list_items TO saas_internal;
GRANT SELECT, INSERT ON saas.fraud_list_changes TO saas_internal;
GRANT SELECT, INSERT, UPDATE ON saas.exchange_rates TO saas_internal;
GRANT SELECT ON saas.currencies, saas.payments, saas.refunds TO saas_internal;
