-- Networks that API keys were limited to may be somebody's own: of keys that have ended they go.
ALTER TABLE saas.retention_policies NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.retention_policies (name, table_name, time_column, kept_for, action, basis)
VALUES
    ('revoked_api_keys', 'saas.api_keys', 'revoked_at', '30 days', 'anonymise', 'storage limitation (GDPR Art. 5(1)(e))'),
    ('expired_api_keys', 'saas.api_keys', 'expires_at', '30 days', 'anonymise', 'storage limitation (GDPR Art. 5(1)(e))')
ON CONFLICT (name) DO NOTHING;
ALTER TABLE saas.retention_policies FORCE ROW LEVEL SECURITY;
