-- Row-level security and rights of consent, restriction and masking: functions write.
ALTER TABLE saas.processing_purposes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.processing_purposes FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.consent_texts ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.consent_texts FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.consent_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.consent_records FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.processing_restrictions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.processing_restrictions FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.masking_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.masking_rules FORCE ROW LEVEL SECURITY;

-- What people are asked is no secret.
CREATE POLICY processing_purposes_app_select ON saas.processing_purposes
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (true);
CREATE POLICY consent_texts_app_select ON saas.consent_texts
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (true);
CREATE POLICY consent_records_app_select ON saas.consent_records
FOR SELECT TO saas_app
USING (subject_id = saas.current_user_id());
CREATE POLICY consent_records_service_select ON saas.consent_records
FOR SELECT TO saas_service
USING (true);
CREATE POLICY processing_restrictions_app_select ON saas.processing_restrictions
FOR SELECT TO saas_app
USING (subject_id = saas.current_user_id());
CREATE POLICY processing_restrictions_service_select ON saas.processing_restrictions
FOR SELECT TO saas_service
USING (true);
CREATE POLICY masking_rules_service_select ON saas.masking_rules
FOR SELECT TO saas_service, pg_database_owner
USING (true);

GRANT SELECT ON saas.processing_purposes, saas.consent_texts TO saas_app, saas_service, saas_analyst;
GRANT SELECT ON saas.consent_records, saas.processing_restrictions TO saas_app, saas_service;
GRANT SELECT ON saas.masking_rules TO saas_service, pg_database_owner;
GRANT SELECT, INSERT, UPDATE ON saas.processing_purposes, saas.processing_restrictions, saas.masking_rules TO saas_internal;
GRANT SELECT, INSERT ON saas.consent_texts TO saas_internal;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.consent_records TO saas_internal;
GRANT DELETE ON saas.processing_restrictions TO saas_internal;

-- Who changed what people are asked, who restricted whom, and who made columns visible.
SELECT saas.audit_table('saas.processing_purposes');
SELECT saas.audit_table('saas.processing_restrictions');
SELECT saas.audit_table('saas.masking_rules', '{updated_at}');
SELECT saas.audit_table('saas.retention_policies', '{updated_at}');
