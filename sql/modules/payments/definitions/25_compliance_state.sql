-- States of verifications and alerts, and what of them never changes.
CREATE OR REPLACE TRIGGER customer_verifications_10_state
BEFORE INSERT OR UPDATE ON saas.customer_verifications
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('customer_verification', 'status');
CREATE OR REPLACE TRIGGER customer_verifications_20_immutable
BEFORE UPDATE ON saas.customer_verifications
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'subject_type', 'subject_reference', 'level', 'provider', 'started_at'
);
CREATE OR REPLACE TRIGGER customer_verifications_30_updated_at
BEFORE UPDATE ON saas.customer_verifications
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

CREATE OR REPLACE TRIGGER aml_alerts_10_state
BEFORE INSERT OR UPDATE ON saas.aml_alerts
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('aml_alert', 'status');
CREATE OR REPLACE TRIGGER aml_alerts_20_immutable
BEFORE UPDATE ON saas.aml_alerts
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'kind', 'subject_type', 'subject_reference', 'watchlist_entry_id',
    'team_watchlist_entry_id', 'fingerprint', 'score', 'reason', 'details'
);
CREATE OR REPLACE TRIGGER aml_alerts_30_updated_at
BEFORE UPDATE ON saas.aml_alerts
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER compliance_settings_30_updated_at
BEFORE UPDATE ON saas.compliance_settings
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
