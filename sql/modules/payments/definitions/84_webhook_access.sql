-- Row-level security and rights of the webhooks of all providers.
ALTER TABLE saas.provider_status_map ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.provider_status_map FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.provider_object_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.provider_object_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.webhook_certificates ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.webhook_certificates FORCE ROW LEVEL SECURITY;

CREATE POLICY provider_status_map_app_select ON saas.provider_status_map
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (true);
CREATE POLICY provider_object_keys_app_select ON saas.provider_object_keys
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (true);
CREATE POLICY webhook_certificates_app_select ON saas.webhook_certificates
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.provider_status_map, saas.provider_object_keys TO saas_app, saas_analyst, saas_service, saas_internal;
GRANT SELECT ON saas.webhook_certificates TO saas_app, saas_analyst, saas_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.webhook_certificates TO saas_internal;
GRANT SELECT (captures_automatically, livemode) ON saas.payment_providers TO saas_app, saas_analyst, saas_service;
GRANT SELECT (disagreements) ON saas.payment_intents TO saas_analyst;
GRANT SELECT (
    lists_captures, authorized_amount, facts_status, facts_at, facts_event_id, disagreements, integrity_issue,
    integrity_resolved, integrity_resolved_at, integrity_hold
) ON saas.payments TO saas_analyst;
GRANT SELECT (raw_url, confirmed_at) ON saas.webhook_events TO saas_analyst;

CREATE OR REPLACE TRIGGER webhook_certificates_20_immutable
BEFORE UPDATE ON saas.webhook_certificates
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'provider', 'url');
SELECT saas.audit_table('saas.webhook_certificates');
