-- Row-level security and rights of the privacy engine: functions write; people see what is about them.
ALTER TABLE saas.personal_data_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.personal_data_links FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.personal_data_columns ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.personal_data_columns FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.personal_data_proposals ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.personal_data_proposals FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.legal_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.legal_holds FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.retention_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.retention_policies FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.user_deletion_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.user_deletion_requests FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.erasure_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.erasure_steps FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.erasure_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.erasure_rows FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.erasure_needles ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.erasure_needles FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.privacy_recipients ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.privacy_recipients FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.privacy_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.privacy_events FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.data_exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.data_exports FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.data_export_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.data_export_chunks FORCE ROW LEVEL SECURITY;

CREATE POLICY personal_data_links_service_select ON saas.personal_data_links
FOR SELECT TO saas_service, saas_internal, pg_database_owner
USING (true);
CREATE POLICY personal_data_columns_service_select ON saas.personal_data_columns
FOR SELECT TO saas_service, saas_internal, pg_database_owner
USING (true);
CREATE POLICY personal_data_proposals_service_select ON saas.personal_data_proposals
FOR SELECT TO saas_service, pg_database_owner
USING (true);
CREATE POLICY retention_policies_app_select ON saas.retention_policies
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (true);
CREATE POLICY legal_holds_service_select ON saas.legal_holds
FOR SELECT TO saas_service
USING (true);
-- The person's own; whether something is held is not told, since that may defeat the hold.
CREATE POLICY user_deletion_requests_app_select ON saas.user_deletion_requests
FOR SELECT TO saas_app
USING (subject_id = saas.current_user_id());
CREATE POLICY user_deletion_requests_service_select ON saas.user_deletion_requests
FOR SELECT TO saas_service
USING (true);
CREATE POLICY erasure_steps_service_select ON saas.erasure_steps
FOR SELECT TO saas_service
USING (true);
CREATE POLICY privacy_recipients_service_select ON saas.privacy_recipients
FOR SELECT TO saas_service
USING (true);
CREATE POLICY privacy_events_service_select ON saas.privacy_events
FOR SELECT TO saas_service
USING (true);
CREATE POLICY data_exports_app_select ON saas.data_exports
FOR SELECT TO saas_app
USING (subject_id = saas.current_user_id());
CREATE POLICY data_exports_service_select ON saas.data_exports
FOR SELECT TO saas_service
USING (true);

GRANT SELECT ON saas.personal_data_links, saas.personal_data_columns TO saas_service, pg_database_owner;
GRANT SELECT ON saas.personal_data_proposals TO saas_service, pg_database_owner;
GRANT SELECT ON saas.personal_links, saas.personal_columns, saas.personal_data_map
TO saas_service, saas_internal, pg_database_owner;
GRANT SELECT ON saas.retention_policies TO saas_app, saas_service, saas_analyst;
GRANT SELECT ON saas.legal_holds, saas.erasure_steps, saas.privacy_recipients, saas.privacy_events TO saas_service;
GRANT SELECT (
    id, subject_id, mode, status, reason, requested_at, due_at, extended_until, extension_reason,
    identity_checked_at, grace_until, started_at, erased_at, completed_at, closed_at, updated_at
) ON saas.user_deletion_requests TO saas_app;
GRANT SELECT (
    id, subject_id, subject_hash, mode, status, reason, is_strict, requested_by, requested_at, due_at,
    extended_until, extension_reason, identity_check, identity_checked_at, grace_until, status_reason, started_at,
    erased_at, completed_at, closed_at, plan_hash, tree_size, tree_edge, keys_shredded, rounds, certificate, updated_at
) ON saas.user_deletion_requests TO saas_service;
GRANT SELECT ON saas.data_exports TO saas_app, saas_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    saas.personal_data_links, saas.personal_data_columns, saas.personal_data_proposals, saas.legal_holds,
    saas.retention_policies, saas.user_deletion_requests, saas.erasure_steps, saas.erasure_rows, saas.erasure_needles,
    saas.privacy_recipients, saas.privacy_events, saas.data_exports, saas.data_export_chunks
TO saas_internal;

-- What erasing needs beyond what the functions of the other modules have.
GRANT SELECT, UPDATE ON saas.fraud_assessments, saas.api_keys, saas.fraud_detection_rules TO saas_internal;
GRANT SELECT, UPDATE ON saas.fraud_lists, saas.fraud_models, saas.fraud_snoozes, saas.fraud_list_items TO saas_internal;
GRANT SELECT, DELETE ON saas.fraud_assessment_terms, saas.mfa_factors, saas.mfa_recovery_codes TO saas_internal;

-- Exports decrypt what triggers encrypt.
GRANT EXECUTE ON FUNCTION saas.encryption_arguments(regclass, name) TO saas_internal;
GRANT SELECT, UPDATE ON saas.payment_sessions, saas.product_events, saas.payout_holds TO saas_internal;
GRANT SELECT, UPDATE, DELETE ON saas.payment_method_tokens, saas.dispute_evidence, saas.provider_requests TO saas_internal;
GRANT SELECT, UPDATE ON saas.customer_verifications, saas.aml_alerts TO saas_internal;
-- What policies of retention may be made for.
GRANT DELETE ON
    saas.product_events, saas.payment_sessions, saas.customer_verifications, saas.aml_alerts, saas.fraud_reviews, saas.fraud_snoozes
TO saas_internal;
