-- Row-level security and rights of verifications, watch-lists and alerts. Members who do work see them, viewers
-- do not; analysts see neither names nor what was found. The platform's lists are read by workers.
ALTER TABLE saas.compliance_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.compliance_settings FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.customer_verifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.customer_verifications FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.watchlist_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.watchlist_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.team_watchlist_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.team_watchlist_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.aml_thresholds ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.aml_thresholds FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.aml_alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.aml_alerts FORCE ROW LEVEL SECURITY;

CREATE POLICY compliance_settings_app_select ON saas.compliance_settings
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY aml_thresholds_app_select ON saas.aml_thresholds
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY customer_verifications_app_select ON saas.customer_verifications
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('member', 'admin', 'owner', 'service')
);
CREATE POLICY customer_verifications_analyst_select ON saas.customer_verifications
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
CREATE POLICY team_watchlist_entries_app_select ON saas.team_watchlist_entries
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('member', 'admin', 'owner', 'service')
);
CREATE POLICY aml_alerts_app_select ON saas.aml_alerts
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('member', 'admin', 'owner', 'service')
);
CREATE POLICY aml_alerts_analyst_select ON saas.aml_alerts
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
CREATE POLICY watchlist_entries_service_select ON saas.watchlist_entries
FOR SELECT TO saas_service
USING (true);

GRANT SELECT ON saas.compliance_settings, saas.aml_thresholds TO saas_app, saas_analyst, saas_service;
GRANT SELECT ON saas.customer_verifications, saas.team_watchlist_entries, saas.aml_alerts
TO saas_app, saas_service;
GRANT SELECT ON saas.watchlist_entries TO saas_service;
GRANT SELECT (
    team_id, id, subject_type, level, status, provider, failure_code, started_at, completed_at, expires_at,
    created_at, updated_at
) ON saas.customer_verifications TO saas_analyst;
GRANT SELECT (
    team_id, id, kind, subject_type, watchlist_entry_id, team_watchlist_entry_id, score, status, decided_at,
    created_at, updated_at
) ON saas.aml_alerts TO saas_analyst;
GRANT SELECT, INSERT, UPDATE
ON saas.compliance_settings, saas.customer_verifications, saas.watchlist_entries,
    saas.team_watchlist_entries, saas.aml_alerts
TO saas_internal;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.aml_thresholds TO saas_internal;

SELECT saas.audit_table(
    'saas.customer_verifications', '{updated_at}', '{full_name,date_of_birth,documents,results}'
);
SELECT saas.audit_table('saas.aml_alerts', '{updated_at,fingerprint}', '{details}');
SELECT saas.audit_table('saas.aml_thresholds');
SELECT saas.audit_table('saas.compliance_settings', '{updated_at}');
SELECT saas.audit_table('saas.team_watchlist_entries', '{name_keys}');
