-- Row-level security and rights of decisions. Members read, functions write; rules of the platform are
-- saas_service's alone, and so are the kept sets, which contain them.
ALTER TABLE saas.fraud_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_settings FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.platform_fraud_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.platform_fraud_rules FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_rule_sets ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_rule_sets FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_assessment_terms ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_assessment_terms FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_reviews FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_snoozes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_snoozes FORCE ROW LEVEL SECURITY;

CREATE POLICY fraud_settings_app_select ON saas.fraud_settings
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());
CREATE POLICY fraud_reviews_app_select ON saas.fraud_reviews
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());
CREATE POLICY fraud_snoozes_app_select ON saas.fraud_snoozes
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());

CREATE POLICY platform_fraud_rules_service_select ON saas.platform_fraud_rules
FOR SELECT TO saas_service
USING (true);
GRANT SELECT ON saas.fraud_settings, saas.fraud_reviews, saas.fraud_snoozes TO saas_app, saas_service;
GRANT SELECT ON saas.fraud_settings TO saas_analyst;
GRANT SELECT (
    team_id, id, assessment_id, payment_intent_id, state, opened_at, decided_at, decided_by
) ON saas.fraud_reviews TO saas_analyst;
GRANT SELECT (team_id, id, kind, starts_at, ends_at, created_by, created_at)
ON saas.fraud_snoozes TO saas_analyst;
GRANT SELECT ON saas.platform_fraud_rules TO saas_service;

GRANT SELECT, INSERT, UPDATE ON saas.fraud_settings, saas.fraud_reviews, saas.fraud_snoozes
TO saas_internal;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.platform_fraud_rules TO saas_internal;
GRANT SELECT, INSERT ON saas.fraud_rule_sets, saas.fraud_assessment_terms TO saas_internal;
GRANT UPDATE (fraud_flag) ON saas.payment_intents TO saas_internal;
