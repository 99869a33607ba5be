ALTER TABLE saas.retention_policies NO FORCE ROW LEVEL SECURITY;
DELETE FROM saas.retention_policies WHERE name IN ('revoked_api_keys', 'expired_api_keys');
ALTER TABLE saas.retention_policies FORCE ROW LEVEL SECURITY;
