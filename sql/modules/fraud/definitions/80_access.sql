-- Row-level security and rights of module fraud. Members read, admins write rules; assessments are
-- written by functions only.
ALTER TABLE saas.fraud_detection_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_detection_rules FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_assessments ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_assessments FORCE ROW LEVEL SECURITY;

CREATE POLICY fraud_detection_rules_app_select ON saas.fraud_detection_rules
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());
CREATE POLICY fraud_detection_rules_app_insert ON saas.fraud_detection_rules
FOR INSERT TO saas_app, saas_service
WITH CHECK (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY fraud_detection_rules_app_update ON saas.fraud_detection_rules
FOR UPDATE TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
)
WITH CHECK (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY fraud_detection_rules_app_delete ON saas.fraud_detection_rules
FOR DELETE TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);

CREATE POLICY fraud_assessments_app_select ON saas.fraud_assessments
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());

GRANT SELECT, DELETE ON saas.fraud_detection_rules TO saas_app, saas_service;
GRANT INSERT (team_id, id, name, description, rule, enabled)
ON saas.fraud_detection_rules TO saas_app, saas_service;
GRANT UPDATE (name, description, rule, enabled)
ON saas.fraud_detection_rules TO saas_app, saas_service;
GRANT SELECT ON saas.fraud_detection_rules TO saas_analyst;
GRANT SELECT ON saas.fraud_assessments TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, payment_intent_id, score, decision, errors, rule_set_version, settings, assessed_at,
    microseconds
) ON saas.fraud_assessments TO saas_analyst;

GRANT SELECT ON saas.fraud_detection_rules, saas.payment_intents, saas.teams TO saas_internal;
GRANT SELECT, INSERT ON saas.fraud_assessments TO saas_internal;

-- Models: members read, functions write.
ALTER TABLE saas.fraud_models ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.fraud_models FORCE ROW LEVEL SECURITY;
CREATE POLICY fraud_models_app_select ON saas.fraud_models
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (team_id = saas.current_team_id());
GRANT SELECT ON saas.fraud_models TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, name, version, format, state, checksum, features, options, objective, trees,
    inputs, champion_periods, created_by, created_at, updated_at
) ON saas.fraud_models TO saas_analyst;
GRANT SELECT, INSERT ON saas.fraud_models TO saas_internal;
GRANT UPDATE (state, champion_periods, updated_at) ON saas.fraud_models TO saas_internal;
GRANT SELECT ON saas.payments, saas.payment_disputes, saas.refunds TO saas_internal;
