-- Row-level security and rights of module security.
ALTER TABLE saas.credential_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.api_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.api_key_activity ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.api_key_activity FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.api_key_usage_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.api_key_usage_logs FORCE ROW LEVEL SECURITY;

-- Which keys there are is for admins; members see that they are there by what they do.
CREATE POLICY api_keys_app_select ON saas.api_keys
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY api_keys_analyst_select ON saas.api_keys
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
GRANT SELECT (
    team_id, id, name, key_prefix, role, scopes, rate_limit, rate_period_ns, replaces_id,
    created_by, created_at, updated_at, expires_at, revoked_at
) ON saas.api_keys TO saas_app, saas_service, saas_analyst;
GRANT SELECT (allowed_cidrs) ON saas.api_keys TO saas_app, saas_service;
REVOKE SELECT (allowed_cidrs) ON saas.api_keys FROM saas_analyst;

CREATE POLICY api_key_activity_app_select ON saas.api_key_activity
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY api_key_activity_analyst_select ON saas.api_key_activity
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
GRANT SELECT (team_id, api_key_id, last_used_at, last_address) ON saas.api_key_activity TO saas_app, saas_service;
GRANT SELECT (team_id, api_key_id, last_used_at) ON saas.api_key_activity TO saas_analyst;

CREATE POLICY api_key_usage_logs_app_select ON saas.api_key_usage_logs
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY api_key_usage_logs_analyst_select ON saas.api_key_usage_logs
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
GRANT SELECT ON saas.api_key_usage_logs TO saas_app, saas_service;
GRANT SELECT (team_id, created_at, id, api_key_id, first_used_at, last_used_at, accepted, refused, limited)
ON saas.api_key_usage_logs TO saas_analyst;

GRANT SELECT, INSERT, UPDATE ON saas.api_keys, saas.api_key_activity TO saas_internal;
GRANT SELECT, INSERT ON saas.api_key_usage_logs TO saas_internal;

CREATE OR REPLACE TRIGGER api_keys_10_updated_at
BEFORE UPDATE ON saas.api_keys
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

ALTER TABLE saas.mfa_factors ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.mfa_factors FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.mfa_recovery_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.mfa_recovery_codes FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.credential_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.credential_attempts FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.user_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.user_tokens FORCE ROW LEVEL SECURITY;

-- Everybody sees their own, whatever team the context is in, without the secrets.
CREATE POLICY mfa_factors_app_select ON saas.mfa_factors
FOR SELECT TO saas_app, saas_service
USING (user_id = saas.current_user_id());
GRANT SELECT (
    id, user_id, kind, label, state, algorithm, digits, period_seconds, created_at, confirmed_at
) ON saas.mfa_factors TO saas_app, saas_service;
CREATE POLICY mfa_recovery_codes_app_select ON saas.mfa_recovery_codes
FOR SELECT TO saas_app, saas_service
USING (user_id = saas.current_user_id());
GRANT SELECT (id, user_id, created_at, used_at) ON saas.mfa_recovery_codes TO saas_app, saas_service;
CREATE POLICY credential_attempts_app_select ON saas.credential_attempts
FOR SELECT TO saas_app, saas_service
USING (user_id = saas.current_user_id());
GRANT SELECT ON saas.credential_attempts TO saas_app, saas_service;
CREATE POLICY user_tokens_app_select ON saas.user_tokens
FOR SELECT TO saas_app, saas_service
USING (user_id = saas.current_user_id());
GRANT SELECT (
    id, user_id, purpose, email, created_at, expires_at, used_at, revoked_at
) ON saas.user_tokens TO saas_app, saas_service;

GRANT SELECT, INSERT, UPDATE, DELETE
ON saas.mfa_factors, saas.mfa_recovery_codes, saas.credential_attempts, saas.user_tokens TO saas_internal;
